"""`parity list`: the components, their PyTorch names and their places in the book."""

import argparse
import json

from parity_tests import catalogue, docstrings


def add_arguments(parser: argparse.ArgumentParser):
    parser.add_argument("--json", action="store_true", help="print as JSON")


def run(arguments: argparse.Namespace) -> int:
    entries = [
        {
            "name": row.title,
            "class": f"{row.component.__module__}.{row.component.__qualname__}",
            "pytorch": row.oracle.__name__,
            "family": row.family,
            "book": docstrings.parts(row.component).get("Book", ""),
        }
        for row in catalogue.rows()
    ]
    if arguments.json:
        print(json.dumps(entries, indent=1))
        return 0
    keys = ("name", "pytorch", "family", "book")
    widths = {key: max(len(entry[key].split("\n")[0]) for entry in entries) for key in keys}
    for entry in entries:
        cells = (entry[key].split("\n")[0].ljust(widths[key]) for key in keys)
        print("  ".join(cells).rstrip())
    return 0
