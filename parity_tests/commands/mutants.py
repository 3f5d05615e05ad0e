"""`parity mutants`: change the reference in every way, and see its rows notice."""

import argparse
import contextlib
import json
import os
import sys
from pathlib import Path

from rich.console import Console
from rich.progress import Progress

from parity_tests import catalogue
from parity_tests.mutation import campaign, population, summary
from parity_tests.mutation.results import Result

RESULTS = "build/mutants.jsonl"
REPORT = "build/parity/mutants.json"


def add_arguments(parser: argparse.ArgumentParser):
    parser.add_argument("names", nargs="*", metavar="NAME", help="components (default: all)")
    parser.add_argument("--sample", action="store_true", help="the sample that the tests take")
    parser.add_argument("--again", action="store_true", help="judge survivors once more")
    parser.add_argument("--anew", action="store_true", help="believe no earlier result")
    parser.add_argument("--results", default=RESULTS, help=f"continued from, and to, {RESULTS}")
    parser.add_argument("--report", default=REPORT, help=f"where the JSON goes ({REPORT})")
    parser.add_argument("--write", action="store_true", help="keep the counts as data")
    parser.add_argument("--json", action="store_true", help="print the report as JSON")
    parser.add_argument("-n", "--workers", type=int, default=os.cpu_count(), help="processes")


def run(arguments: argparse.Namespace) -> int:
    """0 if every mutant was judged, and killed or is listed as equivalent."""
    try:
        titles = [catalogue.find(name).title for name in arguments.names]
    except LookupError as error:
        print(f"parity mutants: {error}", file=sys.stderr)
        return 2
    wanted = population.sample() if arguments.sample else population.every(titles)
    place = Path(arguments.results)
    results = campaign.run(wanted, place, arguments.workers, arguments.again, arguments.anew)
    found: list[Result] = []
    # No thread draws the bar: processes are forked meanwhile. A run that is stopped says what it
    # found so far.
    bar = Progress(console=Console(stderr=True), auto_refresh=False, disable=arguments.json)
    with bar, contextlib.suppress(KeyboardInterrupt):
        found.extend(bar.track(results, total=len(wanted), description="mutants"))
    report = summary.make(found, len(wanted))
    summary.write(report, Path(arguments.report))
    if arguments.write:
        whole = not (titles or arguments.sample)
        merged = summary.merged(summary.kept(), report, whole)
        # There may be more or fewer than at the last run over everything.
        merged["wanted"] = len(wanted) if whole else len(population.every([]))
        summary.write(merged, summary.WHOLE)
    files = {mutant.name: mutant.file for mutant in wanted}
    print(json.dumps(report, indent=1) if arguments.json else summary.text(report, files))
    survived = summary.names(report, "survived") or summary.names(report, "unjudged")
    return 1 if survived or len(found) < len(wanted) else 0
