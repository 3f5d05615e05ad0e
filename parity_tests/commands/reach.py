"""`parity reach`: what the examples reached, and the branches of `reference` that none ran."""

import argparse
import json
import os
from pathlib import Path

import coverage

from parity_tests import catalogue, rare
from parity_tests.commands import check

PLACE = Path("build/reach")
_SETTINGS = """[run]
branch = true
parallel = true
source = reference
data_file = {place}/.coverage
[report]
# What a class leaves to its subclasses.
exclude_also = raise NotImplementedError
"""


def add_arguments(parser: argparse.ArgumentParser):
    parser.add_argument("names", nargs="*", metavar="NAME", help="components (default: all)")
    parser.add_argument("-v", "--verbose", action="store_true", help="count every label")
    parser.add_argument(
        "--write", action="store_true", help="keep cases of what the draws alone reach seldom"
    )
    parser.add_argument("--json", action="store_true", help="print as JSON")
    parser.add_argument("-n", "--workers", default="auto", help="processes (default: all cores)")


def run(arguments: argparse.Namespace) -> int:
    """Run every comparison under coverage; fail for what was never reached."""
    if arguments.write:
        return _write(arguments)
    place = PLACE.absolute()
    place.mkdir(parents=True, exist_ok=True)
    for old in place.glob(".coverage*"):
        old.unlink()
    settings, report = place / "coveragerc", place / "report.json"
    settings.write_text(_SETTINGS.format(place=place), encoding="utf-8")
    # Every process that is started from here measures itself.
    os.environ["COVERAGE_PROCESS_START"] = str(settings)
    status = check.compare(arguments.names, report, arguments.workers, ["--reach"], arguments.json)
    if not report.exists():
        return status
    components = json.loads(report.read_text(encoding="utf-8"))["components"]
    # Some components alone do not run everything.
    uncovered = {} if arguments.names else _uncovered(settings)
    if arguments.json:
        counted = {name: entry["reach"] for name, entry in components.items()}
        never = {n: e["never_reached"] for n, e in components.items() if e["never_reached"]}
        found = {"reach": counted, "never_reached": never, "uncovered": uncovered}
        print(json.dumps(found, indent=1))
    else:
        print(_text(components, uncovered, arguments.verbose))
    return status or int(bool(uncovered))


def _write(arguments: argparse.Namespace) -> int:
    """Count what the draws reach without the cases that are kept, and keep others."""
    report = PLACE.absolute() / "draws.json"
    report.unlink(missing_ok=True)
    drawn = ["-k", "not _rare"]
    status = check.compare(arguments.names, report, arguments.workers, drawn, arguments.json)
    if not report.exists():
        return status
    for name, entry in json.loads(report.read_text(encoding="utf-8"))["components"].items():
        row = catalogue.find(name)
        found = rare.look(row, rare.seldom(row, entry["reach"]))
        rare.keep(found, [name])
        print(f"{name}: {len(found)} cases")
    return 0


def _uncovered(settings: Path) -> dict[str, list[str]]:
    """Lines and branches that were not run, by file."""
    measured = coverage.Coverage(config_file=str(settings))
    measured.combine()
    place = settings.with_name("coverage.json")
    measured.json_report(outfile=str(place), pretty_print=False)
    files = json.loads(place.read_text(encoding="utf-8"))["files"]
    return {
        name: [
            *(str(line) for line in found["missing_lines"]),
            *(f"{start} -> {end}" for start, end in found["missing_branches"]),
        ]
        for name, found in files.items()
        if found["missing_lines"] or found["missing_branches"]
    }


def _text(components: dict, uncovered: dict, verbose: bool) -> str:
    lines = []
    for name, entry in components.items():
        counts = entry["reach"]
        rarest = min(counts, key=counts.get, default="")
        lines.append(f"{name}: {len(counts)} labels, the rarest {rarest!r} ({counts.get(rarest)})")
        if verbose:
            lines += [f"  {number:6,}  {label}" for label, number in counts.items()]
    never = {name: e["never_reached"] for name, e in components.items() if e["never_reached"]}
    lines += [f"{name} never reached {', '.join(labels)}" for name, labels in never.items()]
    lines += [f"{name} never ran {', '.join(places)}" for name, places in uncovered.items()]
    lines.append(f"{len(never)} components and {len(uncovered)} files are not reached whole")
    return "\n".join(lines)
