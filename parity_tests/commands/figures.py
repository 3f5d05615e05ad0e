"""`parity figures`: the figures, drawn by the classes of `reference`."""

import argparse
import sys
from pathlib import Path

from parity_tests.figures import FIGURES
from parity_tests.figures.style import write

DIRECTORY = "build/figures"


def add_arguments(parser: argparse.ArgumentParser):
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(FIGURES)}")
    parser.add_argument("--directory", default=DIRECTORY, help=f"where they go ({DIRECTORY})")


def run(arguments: argparse.Namespace) -> int:
    unknown = [name for name in arguments.names if name not in FIGURES]
    if unknown:
        known = ", ".join(FIGURES)
        print(
            f"parity figures: no figure is named {unknown[0]!r}; there are {known}", file=sys.stderr
        )
        return 2
    names = arguments.names or list(FIGURES)
    for place, name in enumerate(names, 1):
        print(f"{place}/{len(names)}  {name} ...", end=" ", flush=True)
        written = write(FIGURES[name], name, Path(arguments.directory))
        print(" and ".join(map(str, written)))
    return 0
