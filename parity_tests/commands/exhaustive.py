"""`parity exhaustive`: the activations of one number at every float32 there is."""

import argparse
import json
import os
import sys
import time

from rich.progress import Progress

from parity_tests import catalogue, exhaustive


def add_arguments(parser: argparse.ArgumentParser):
    parser.add_argument("names", nargs="*", metavar="NAME", help="activations (default: all)")
    parser.add_argument(
        "--every", type=int, default=1, metavar="N", help="only every N-th pattern of bits"
    )
    parser.add_argument("--json", action="store_true", help="print as JSON")
    parser.add_argument("-n", "--workers", type=int, default=os.cpu_count(), help="processes")


def run(arguments: argparse.Namespace) -> int:
    if arguments.every < 1:
        print(f"parity exhaustive: --every must be at least 1; got {arguments.every}")
        return 2
    possible = [row.title for row in exhaustive.rows()]
    try:
        titles = [catalogue.find(name).title for name in arguments.names] or possible
    except LookupError as error:
        print(f"parity exhaustive: {error}", file=sys.stderr)
        return 2
    if others := [title for title in titles if title not in possible]:
        print(
            f"parity exhaustive: {others[0]} is not a function of one number without options; "
            f"these are: {', '.join(possible)}",
            file=sys.stderr,
        )
        return 2
    found = {}
    with Progress(disable=arguments.json) as progress:
        for title in titles:
            found[title] = _one(title, arguments, progress)
    if arguments.json:
        print(json.dumps(found, indent=1))
    else:
        for title, entry in found.items():
            verdict = entry["message"] or "in parity"
            print(
                f"{title:<16}{entry['elements']:>15,} inputs, {entry['doubted']:>13,} of them by "
                f"every judge, {entry['seconds']:7.1f} s: {verdict}"
            )
    return 0 if all(entry["message"] is None for entry in found.values()) else 1


def _one(title, arguments, progress) -> dict:
    """Add up the chunks of one activation; the first that fails ends it."""
    task = progress.add_task(title, total=exhaustive.PATTERNS // arguments.every)
    start = time.perf_counter()
    entry = {"elements": 0, "doubted": 0, "message": None}
    for outcome in exhaustive.run(title, arguments.every, arguments.workers):
        entry["elements"] += outcome.elements
        entry["doubted"] += outcome.doubted
        progress.update(task, completed=entry["elements"])
        if outcome.message is not None:
            entry["message"] = outcome.message
            break
    return {**entry, "seconds": round(time.perf_counter() - start, 1)}
