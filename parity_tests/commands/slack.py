"""`parity slack`: the worst errors of many examples beside the budgets, in parallel."""

import argparse
import collections
import json
import multiprocessing
import os
import sys
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from parity_tests import catalogue, slack, tolerances

RESULTS = "build/slack.jsonl"


def add_arguments(parser: argparse.ArgumentParser):
    parser.add_argument("names", nargs="*", metavar="NAME", help="components (default: all)")
    parser.add_argument("--examples", type=int, default=slack.ENOUGH, help="of each, in each dtype")
    parser.add_argument("--dtype", action="append", default=[], help="float32, float64")
    parser.add_argument("--results", default=RESULTS, help=f"continued from, and to, {RESULTS}")
    parser.add_argument(
        "--write", action="store_true", help="keep the worst cases, tighten what is too loose"
    )
    parser.add_argument("-v", "--verbose", action="store_true", help="a line for each quantity")
    parser.add_argument("--json", action="store_true", help="print as JSON")
    parser.add_argument("-n", "--workers", type=int, default=os.cpu_count(), help="processes")


def run(arguments: argparse.Namespace) -> int:
    try:
        titles = [catalogue.find(name).title for name in arguments.names] or list(catalogue.ROWS)
    except LookupError as error:
        print(f"parity slack: {error}", file=sys.stderr)
        return 2
    place = Path(arguments.results)
    place.parent.mkdir(parents=True, exist_ok=True)
    dtypes = arguments.dtype or ("float32", "float64")
    wanted = list(slack.batches(titles, dtypes, arguments.examples))
    done = {batch for batch, _, _ in slack.lines(place)}
    _measure([batch for batch in wanted if batch not in done], place, arguments)
    results = [entry for entry in slack.lines(place) if entry[0].component in titles]
    found = slack.merge(worst for _, several, _ in results for worst in several)
    failures = [words for _, _, several in results for words in several]
    if arguments.write:
        for misfit in slack.keep(found):
            print(f"dropped: {misfit}", file=sys.stderr)
        tolerances.tighten(slack.tightening(slack.kept()))
    loose = [entry for entry in found if entry.is_too_loose()]
    if arguments.json:
        print(json.dumps({"worst": [_entry(e) for e in found], "failures": failures}, indent=1))
    else:
        print(_text(found if arguments.verbose else loose, found, failures))
    return 1 if loose or failures else 0


def _measure(missing: list[slack.Batch], place: Path, arguments: argparse.Namespace):
    """Measure batches in processes of their own; each is on the disk as soon as it is done."""
    if not missing:
        return
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("examples"),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        disable=arguments.json,
    )
    # Spawned, not forked: PyTorch's threads do not survive a fork.
    pool = ProcessPoolExecutor(arguments.workers, multiprocessing.get_context("spawn"))
    with pool, bar, place.open("a", encoding="utf-8") as results:
        task = bar.add_task("slack", total=sum(batch.examples for batch in missing))
        results.write("\n")  # a run that was stopped may have left half a line
        before = collections.defaultdict(list)
        for entry in slack.kept():
            before[entry.component, entry.dtype].append(entry)
        futures = {
            pool.submit(slack.measure, batch, before[batch.component, batch.dtype]): batch
            for batch in missing
        }
        try:
            for future in as_completed(futures):
                batch = futures[future]
                results.write(slack.line(batch, *future.result()))
                results.flush()
                bar.update(task, advance=batch.examples, description=batch.component)
        except BaseException:
            # What is measured stays; the next run goes on from there.
            pool.shutdown(cancel_futures=True)
            raise


def _entry(worst: slack.Worst) -> dict:
    shown = {name: value for name, value in vars(worst).items() if name != "case"}
    return {**shown, "budget": worst.budget, "too_loose": worst.is_too_loose()}


def _text(shown: list[slack.Worst], found: list[slack.Worst], failures: list[str]) -> str:
    rows = [("component", "quantity", "dtype", "examples", "worst", "budget", "")]
    for entry in shown:
        words = "too loose" if entry.is_too_loose() else ""
        numbers = f"{entry.examples:,}", f"{entry.units:.3g}", f"{entry.budget:g}"
        rows.append((entry.component, entry.quantity, entry.dtype, *numbers, words))
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    table = [
        "  ".join(
            cell.rjust(width) if place in (3, 4, 5) else cell.ljust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
    least = min((entry.examples for entry in found), default=0)
    loose = sum(entry.is_too_loose() for entry in found)
    closing = (
        f"{len(found)} quantities of {len({e.component for e in found})} components, each in "
        f"{least:,} examples or more: {loose} too loose (more than {tolerances.ROOM:g} times the "
        f"worst error, and more than {tolerances.LEAST:g} units), {len(failures)} disagreements"
    )
    return "\n".join([*failures[:5], *(table if shown else []), closing])
