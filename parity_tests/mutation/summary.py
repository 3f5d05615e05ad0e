"""What a run over mutants found: the table by family, the survivors by name, and what is kept."""

import datetime
import functools
import json
import platform
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import torch

from parity_tests.mutation import equivalents
from parity_tests.mutation.results import Result

# The result of the whole run, kept as data.
WHOLE = Path(__file__).with_name("whole.json")
FAMILIES = ("activations", "losses", "layers", "optimizers", "initializers", "shared")
_STATES = ("killed", "equivalent", "survived", "unjudged")


def state(result: Result) -> str:
    """One of the four."""
    if result.name in equivalents.proofs():
        return "equivalent" if not result.killed else "killed"
    if result.unjudged:
        return "unjudged"
    return "killed" if result.killed else "survived"


def make(results: Iterable[Result], wanted: int) -> dict:
    """The report: for each definition how many were killed, and by name those that were not."""
    definitions: dict[str, dict] = {}
    for result in sorted(results, key=lambda result: result.name):
        empty = {"family": result.family, "source": result.source, "killed": 0}
        empty |= {name: [] for name in _STATES[1:]}
        entry, found = definitions.setdefault(result.definition, empty), state(result)
        if found == "killed":
            entry["killed"] += 1
        else:
            entry[found].append(result.name)
    return {
        "date": datetime.date.today().isoformat(),
        "versions": {
            "numpy": np.__version__,
            "torch": torch.__version__,
            "python": platform.python_version(),
        },
        "wanted": wanted,
        "definitions": dict(sorted(definitions.items())),
    }


def merged(earlier: dict, report: dict, whole: bool) -> dict:
    """What is kept, with the definitions of this report in the place of what they were.

    Of a run over everything nothing earlier is left.
    """
    if whole:
        return report
    definitions = {**earlier["definitions"], **report["definitions"]}
    return report | {"definitions": dict(sorted(definitions.items()))}


@functools.cache
def kept() -> dict:
    """What the last run over everything found."""
    return json.loads(WHOLE.read_text(encoding="utf-8"))


def names(report: dict, found: str) -> list[str]:
    """The mutants of all definitions that are equivalent, survived or were not judged."""
    return [name for entry in report["definitions"].values() for name in entry[found]]


def write(report: dict, place: Path):
    """The report as JSON, a line for each entry."""
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")


def table(report: dict) -> str:
    """The counts by family."""
    rows = {family: Counter() for family in (*FAMILIES, "all")}
    for entry in report["definitions"].values():
        counts = {name: entry[name] for name in _STATES}
        counts = {name: n if name == "killed" else len(n) for name, n in counts.items()}
        for family in (entry["family"], "all"):
            rows[family].update(counts)
    lines = [("", "mutants", *_STATES)]
    for family, counts in rows.items():
        if counts.total():
            numbers = [counts.total(), *(counts[name] for name in _STATES)]
            lines.append((family, *(f"{number:,}" for number in numbers)))
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    words = [
        "  ".join(cell.rjust(width) for cell, width in zip(line, widths, strict=True))
        for line in lines
    ]
    return "\n".join([*words, f"{rows['all'].total():,} of {report['wanted']:,} mutants judged"])


def text(report: dict, files: dict[str, str]) -> str:
    """The survivors, with the files that they stand in, and the table."""
    survivors = [f"survived: {files[name]}: {name}" for name in names(report, "survived")]
    unjudged = [f"not judged: {files[name]}: {name}" for name in names(report, "unjudged")]
    return "\n".join([*survivors, *unjudged, table(report)])
