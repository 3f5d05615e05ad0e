"""`parity bench`: times and memory of every component, side by side with PyTorch's."""

import argparse
import json
import os
import sys
from pathlib import Path

REPORT = "build/bench/bench.json"
PLOT = "build/bench/bench.svg"
# Seconds that the rounds of one measurement take, at least.
_USUAL, _QUICK = 0.5, 0.05


def add_arguments(parser: argparse.ArgumentParser):
    parser.add_argument("names", nargs="*", metavar="NAME", help="components (default: all)")
    parser.add_argument("--quick", action="store_true", help="fewer rounds, and no growth")
    parser.add_argument("--json", action="store_true", help="print the report as JSON")
    parser.add_argument("--report", default=REPORT, help=f"where the JSON goes ({REPORT})")
    parser.add_argument("--plot", default=PLOT, help=f"where the plot goes ({PLOT})")


def run(arguments: argparse.Namespace) -> int:
    """Measure, write the report and the plot, print the table; 0 if the goals hold."""
    # Read when NumPy and PyTorch are imported: one thread on both sides, and no word from
    # PyTorch's profiler about its starts and stops.
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[name] = "1"
    os.environ["KINETO_LOG_LEVEL"] = "99"
    from parity_tests import catalogue, oracle
    from parity_tests.bench import harness, machine, plot, table

    try:
        rows = [catalogue.find(name) for name in arguments.names] or catalogue.rows()
    except LookupError as error:
        print(f"parity bench: {error}", file=sys.stderr)
        return 2
    whole = not (arguments.names or arguments.quick)
    of_check = {"throughput": harness.throughput(), "phases": harness.phases() if whole else {}}
    with oracle.quiet():
        measured = _measured(rows, arguments.quick, silent=arguments.json)
    report = {"machine": machine.describe(), **measured, **of_check}
    place = Path(arguments.report)
    place.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps(report, indent=1) + "\n"
    place.write_text(text, encoding="utf-8")
    drawn = plot.draw(report["entries"], arguments.plot)
    if arguments.json:
        print(text, end="")
    else:
        print(table.text(report))
        print(f"report: {place}" + (f"; plot: {arguments.plot}" if drawn else ""))
    return 0 if table.holds(report) else 1


def _measured(rows, quick: bool, silent: bool) -> dict:
    """The entries of every row, and how their times grow."""
    from rich.progress import track

    from parity_tests.bench import runs

    seconds = _QUICK if quick else _USUAL
    found = {"entries": [], "growth": []}
    for row in track(rows, description="speed and memory", disable=silent):
        found["entries"] += runs.entries(row, seconds)
    if not quick:
        for row in track(rows, description="growth", disable=silent):
            found["growth"] += runs.growths(row, _QUICK)
    return found
