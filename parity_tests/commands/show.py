"""`parity show`: what a reader wants to know of one component."""

import argparse
import sys

from parity_tests import catalogue, citation, docstrings, examples
from parity_tests.commands.check import REPORT

_SHOWN = ("Formula", "Derivative", "Shapes", "Book", "Paper", "PyTorch")


def add_arguments(parser: argparse.ArgumentParser):
    parser.add_argument("name", metavar="NAME", help="a component")
    parser.add_argument("--report", default=REPORT, help="the report of the last parity run")


def run(arguments: argparse.Namespace) -> int:
    try:
        row = catalogue.find(arguments.name)
    except LookupError as error:
        print(f"parity show: {error}", file=sys.stderr)
        return 2
    parts = docstrings.parts(row.component)
    print(f"{row.title}: {parts['']}\n")
    for label in _SHOWN:
        if label in parts:
            first, *others = parts[label].splitlines()
            print(f"  {label}: {first}")
            print("".join(f"    {line}\n" for line in others), end="")
    cited = citation.cite(row, citation.load_report(arguments.report))
    print(f"  Verification: {cited.verification}\n")
    print("  Try it:")
    print("".join(f"    {line}\n" for line in examples.code(row).splitlines()), end="")
    return 0
