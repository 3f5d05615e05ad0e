"""The pages of the docs that are written by a command say what the command says now."""

import math
from pathlib import Path

from parity_tests import conventions, optimizer_forms
from parity_tests.commands.conventions import page

DOCS = Path(__file__).parent.parent / "docs"


def test_the_conventions_page_is_what_is_measured():
    entries = [entry for row in conventions.rows() for entry in conventions.measure(row)]
    expected = page(entries, conventions.departures(), optimizer_forms.entries())
    assert (DOCS / "conventions.md").read_text(encoding="utf-8") == expected


def test_ours_is_pytorch_s_slope_at_every_point_but_where_it_departs():
    departing = {entry["component"] for entry in conventions.departures()}
    for row in conventions.rows():
        for entry in conventions.measure(row):
            assert _alike(entry["mirror"], entry["pytorch"]), entry
            if row.title not in departing:
                assert _alike(entry["ours"], entry["pytorch"]), entry


def _alike(ours, theirs):
    both_nan = math.isnan(ours) and math.isnan(theirs)
    return both_nan or math.isclose(ours, theirs, rel_tol=1e-15)
