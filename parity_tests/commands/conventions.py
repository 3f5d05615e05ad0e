"""`parity conventions`: what PyTorch, the function, the reference and the book say on kinks, and
how else the optimizers are written."""

import argparse
import json

from parity_tests import conventions, optimizer_forms

_HEAD = ("component", "at", "value", "PyTorch's slope", "left", "right", "ours", "book")


def add_arguments(parser: argparse.ArgumentParser):
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--markdown", action="store_true", help="as the page of the docs")
    form.add_argument("--json", action="store_true", help="print as JSON")


def run(arguments: argparse.Namespace) -> int:
    entries = [entry for row in conventions.rows() for entry in conventions.measure(row)]
    departures, forms = conventions.departures(), optimizer_forms.entries()
    if arguments.json:
        found = {"kinks": entries, "departures": departures, "optimizers": forms}
        print(json.dumps(found, indent=1))
    elif arguments.markdown:
        print(page(entries, departures, forms), end="")
    else:
        print(_columns([_HEAD, *map(_cells, entries)]))
        print("\nWhere PyTorch departs from the mathematics; `mirror` follows it, the class not:")
        for entry in departures:
            print(f"  {entry['component']}: {entry['departure']}")
        print(f"\n{_FORMS}\n")
        for entry in forms:
            print(_form(entry))
    return 0


_FORMS = """How else the optimizers are written, and how far that gets from PyTorch in 40 steps, as
a share of the longest way from the start. r is the rate, b the momentum, m and v the moments, m'
and v' the same without bias, w the decay."""


def _form(entry: dict) -> str:
    distances = ", ".join(f"{_distance(d)} ({setting})" for setting, d in entry["apart"].items())
    return (
        f"{entry['optimizer']}\n  {entry['source']}: {entry['written']}\n"
        f"  PyTorch: {entry['pytorch']}\n  apart: {distances}"
    )


def _form_cells(entry: dict) -> list[str]:
    words = [entry[key] for key in ("optimizer", "source", "written", "pytorch")]
    # A bar would end the cell.
    words = [word.replace("|", "\\|") for word in words]
    return [*words, *map(_distance, entry["apart"].values())]


def _distance(share: float) -> str:
    """One digit; what is rounding alone is equal."""
    return "equal" if share < 1e-13 else f"{share:.0e}"


def _cells(entry: dict) -> tuple[str, ...]:
    numbers = [entry[key] for key in ("value", "pytorch", "left", "right", "ours")]
    shown = (entry["component"], entry["at"], *map(_number, numbers), entry["book"])
    return tuple(cell.replace("|", "\\|") for cell in shown)


def _number(number: float) -> str:
    """Six digits; what is zero but for rounding is 0."""
    return f"{0.0 if abs(number) < 1e-7 else number:.6g}"


def _columns(rows) -> str:
    widths = [max(len(row[place]) for row in rows) for place in range(len(rows[0]))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    )


def page(entries: list[dict], departures: list[dict], forms: list[dict]) -> str:
    """docs/conventions.md."""
    lines = [
        "# Conventions",
        "",
        "Written by `parity conventions --markdown`: measured, not typed. At a kink, a tie or a",
        "clamp a function has two one-sided slopes and no derivative; what a backward returns",
        "there is a choice. `left` and `right` are the slopes of the function on either side",
        "(`nan`: no input may lie there), `ours` is the class at its defaults, `book` what the",
        "printed derivative gives there (`open`: nothing).",
        "",
        "| " + " | ".join(_HEAD) + " |",
        "|" + "---|" * len(_HEAD),
    ]
    lines += ["| " + " | ".join(_cells(entry)) + " |" for entry in entries]
    lines += [
        "",
        "## Departures from the mathematics",
        "",
        "Here PyTorch's rounding or a defect changes the result. The class keeps the mathematics,",
        "`mirror` follows PyTorch, and the independent witness judges the class.",
        "",
        "| component | departure |",
        "|---|---|",
    ]
    lines += [f"| {entry['component']} | {entry['departure']} |" for entry in departures]
    head = ("optimizer", "elsewhere", "written there", "PyTorch", *optimizer_forms.SETTINGS)
    lines += ["", "## Other forms of the optimizers", "", _FORMS, ""]
    lines += ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    lines += ["| " + " | ".join(_form_cells(entry)) + " |" for entry in forms]
    return "\n".join(lines) + "\n"
