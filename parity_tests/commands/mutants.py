"""`parity mutants`: change the reference in every way, and see its rows notice."""

import argparse
import json
import os
import sys
from pathlib import Path

from rich.console import Console
from rich.progress import Progress

from parity_tests import catalogue
from parity_tests.mutation import campaign, population, summary

RESULTS = "build/mutants.jsonl"
REPORT = "build/parity/mutants.json"


def add_arguments(parser: argparse.ArgumentParser):
    parser.add_argument("names", nargs="*", metavar="NAME", help="components (default: all)")
    parser.add_argument("--sample", action="store_true", help="the sample that the tests take")
    parser.add_argument("--again", action="store_true", help="judge survivors once more")
    parser.add_argument("--results", default=RESULTS, help=f"continued from, and to, {RESULTS}")
    parser.add_argument("--report", default=REPORT, help=f"where the JSON goes ({REPORT})")
    parser.add_argument("--write", action="store_true", help="keep the counts as data")
    parser.add_argument("--json", action="store_true", help="print the report as JSON")
    parser.add_argument("-n", "--workers", type=int, default=os.cpu_count(), help="processes")


def run(arguments: argparse.Namespace) -> int:
    """0 if every mutant was killed or is listed as equivalent."""
    try:
        titles = [catalogue.find(name).title for name in arguments.names]
    except LookupError as error:
        print(f"parity mutants: {error}", file=sys.stderr)
        return 2
    wanted = population.sample() if arguments.sample else population.every(titles)
    place = Path(arguments.results)
    results = campaign.run(wanted, place, arguments.workers, arguments.again)
    # No thread draws the bar: processes are forked meanwhile.
    bar = Progress(console=Console(stderr=True), auto_refresh=False, disable=arguments.json)
    with bar:
        found = list(bar.track(results, total=len(wanted), description="mutants"))
    report = summary.make(found, len(wanted))
    summary.write(report, Path(arguments.report))
    if arguments.write:
        summary.write(report, summary.WHOLE)
    print(json.dumps(report, indent=1) if arguments.json else summary.text(report))
    return 1 if report["survived"] or report["unjudged"] else 0
