"""`parity book`: the book, section by section and equation by equation."""

import argparse
import json

from parity_tests import book, catalogue, citation
from parity_tests.commands.check import REPORT


def add_arguments(parser: argparse.ArgumentParser):
    parser.add_argument("--equations", action="store_true", help="check the printed derivatives")
    parser.add_argument("--json", action="store_true", help="print as JSON")
    parser.add_argument("--report", default=REPORT, help="the report of the last parity run")


def run(arguments: argparse.Namespace) -> int:
    entries = _equations() if arguments.equations else _systems(arguments.report)
    if arguments.json:
        print(json.dumps(entries, indent=1))
        return 0
    for entry in entries:
        print(_equation_text(entry) if arguments.equations else _system_text(entry))
    return 0


def _systems(place: str) -> list[dict]:
    report = citation.load_report(place)
    by_name = {component.__name__: own for component, own in citation.rows_by_component().items()}
    entries = []
    for system in book.systems():
        cited = [
            (name, citation.cite(by_name[name][0], report))
            for name in system["components"]
            if name in by_name
        ]
        entries.append({**system, **_state(system, cited, report)})
    return entries


def _state(system, cited, report) -> dict:
    """In parity only if every component is, by the last run on this very source."""
    if not system["components"]:
        return {"state": system["state"], "worst": ""}
    if len(cited) < len(system["components"]):
        missing = sorted(set(system["components"]) - {name for name, _ in cited})
        return {"state": f"planned: {', '.join(missing)}", "worst": ""}
    if not all(one.verified for _, one in cited):
        return {"state": "unverified", "worst": ""}
    shares = [
        entry["worst_share"]
        for name, entry in report["components"].items()
        if catalogue.find(name).component.__name__ in system["components"]
    ]
    worst = max(shares)
    return {"state": "in parity", "worst": f"{worst:.0%} of the budget" if worst else "exact"}


def _system_text(entry: dict) -> str:
    place = f"section {entry['section']}"
    place += f", eq. {entry['equations']}" if entry["equations"] else ""
    components = ", ".join(entry["components"])
    lines = [f"{place}: {entry['name']}"]
    lines.append(f"  {components + ': ' if components else ''}{entry['state']}")
    if entry["worst"]:
        lines[-1] += f", worst error {entry['worst']}"
    if entry["difference"]:
        lines.append(f"  difference: {entry['difference']}")
    return "\n".join(lines)


def _equations() -> list[dict]:
    return [{**equation, **book.examine(equation)} for equation in book.equations()]


def _equation_text(entry: dict) -> str:
    both = [entry["function_number"], entry.get("derivative_number")]
    head = f"eq. {' and '.join(n for n in both if n)} ({entry['component']}): "
    if entry["holds"] is None:
        verdict = "no derivative is printed"
    elif entry["holds"]:
        verdict = f"the printed derivative is the function's (to {entry['error']:.1e})"
    else:
        verdict = f"the printed derivative is NOT the function's (off by {entry['error']:.2g})"
    lines = [head + verdict, f"  f(z)  = {entry['function']}"]
    if "derivative" in entry:
        lines.append(f"  f'(z) = {entry['derivative']}")
    if "correct" in entry:
        lines.append(f"  correct: {entry['correct']}")
    for kink in entry["at_kinks"]:
        printed = "left open" if kink["printed"] is None else f"{kink['printed']:g} in print"
        lines.append(
            f"  at z = {kink['at']:g}: {printed}; "
            f"slope {kink['left']:g} on the left, {kink['right']:g} on the right"
        )
    if entry["remark"]:
        lines.append(f"  {entry['remark']}")
    return "\n".join(lines)
