"""`parity cite`: a component's source and what verified it, for the book."""

import argparse
import sys
from pathlib import Path

from parity_tests import catalogue, citation
from parity_tests.commands.check import REPORT

_FORMS = {
    "text": (citation.as_text, "txt"),
    "markdown": (citation.as_markdown, "md"),
    "latex": (citation.as_latex, "tex"),
    "bibtex": (citation.as_bibtex, "bib"),
}


def add_arguments(parser: argparse.ArgumentParser):
    parser.add_argument("name", nargs="?", metavar="NAME", help="a component")
    form = parser.add_mutually_exclusive_group()
    for name in _FORMS:
        form.add_argument(f"--{name}", dest="form", action="store_const", const=name)
    parser.set_defaults(form="text")
    parser.add_argument("--all", metavar="DIR", help="write one file for every component here")
    parser.add_argument("--report", default=REPORT, help="the report of the last parity run")


def run(arguments: argparse.Namespace) -> int:
    if (arguments.name is None) == (arguments.all is None):
        print("parity cite: give either a NAME or --all DIR", file=sys.stderr)
        return 2
    write, ending = _FORMS[arguments.form]
    report = citation.load_report(arguments.report)
    if arguments.all:
        place = Path(arguments.all)
        place.mkdir(parents=True, exist_ok=True)
        for component, rows in citation.rows_by_component().items():
            text = write(citation.cite(rows[0], report))
            (place / f"{component.__name__}.{ending}").write_text(text, encoding="utf-8")
        if arguments.form == "latex":
            names = [component.__name__ for component in citation.rows_by_component()]
            (place / "all.tex").write_text(citation.latex_document(names), encoding="utf-8")
        print(f"{len(citation.rows_by_component())} files in {place}")
        return 0
    try:
        row = catalogue.find(arguments.name)
    except LookupError as error:
        print(f"parity cite: {error}", file=sys.stderr)
        return 2
    print(write(citation.cite(row, report)), end="")
    return 0
