"""Single edits of a method: what one slip of the pen could have been, each with its cause."""

from parity_tests.debug.edits import arithmetic, choices, places
from parity_tests.debug.edits.base import Edit, Pool, Slots

__all__ = ["Edit", "Pool", "Slots", "enumerate_edits"]

_MAKERS = (
    arithmetic.signs, places.accumulations, places.transposes, places.axes, arithmetic.upstream,
    arithmetic.counted, arithmetic.constants, choices.comparisons, choices.branches, choices.casts,
    places.shifts,
    choices.functions, arithmetic.dropped, choices.names, arithmetic.factors, arithmetic.terms,
    choices.renamed, choices.expressions, places.geometry, arithmetic.sums,
)  # fmt: skip


def enumerate_edits(function, pool):
    """All edits of a function, roughly the likeliest first."""
    for maker in _MAKERS:
        yield from maker(function, pool)
