"""The conventions table: what happens at kinks, ties and clamps, measured, not typed.

For each kink of each activation and each point that a row names: PyTorch's slope there, the
one-sided slopes of the function (by differences of our own forward, in longdouble), ours, and what
the book prints.
"""

import functools
import math

import numpy as np
import torch

from parity_tests import book, catalogue, oracle
from parity_tests.catalogue import OptimizerRow, Point, Row
from parity_tests.mirroring import adapt_as

_STEP = np.longdouble(2.0) ** -30


def rows() -> list[Row]:
    """The rows that have a convention to show."""
    return [row for row in catalogue.rows(Row) if points(row)]


def points(row: Row) -> list[Point]:
    """The kinks of a row that takes one array, element by element, and the points that it names."""
    kinks = _kinks(row) if row.kinks and row.is_elementwise() else []
    named = {point.what for point in row.points}
    found = [Point(f"{kink:g}", ([kink],), (0, 0)) for kink in kinks if f"{kink:g}" not in named]
    return [*found, *row.points]


def _kinks(row: Row) -> list[float]:
    """Those at the default options; none where an option has none, or one number is no input."""
    try:
        module = row.oracle()
        module(torch.zeros(1))
        return sorted(set(row.kinks_of(module)))
    except (TypeError, KeyError, ValueError):
        return []


def measure(row: Row) -> list[dict]:
    """One entry for each point of a row."""
    return [_measure(row, point) for point in points(row)]


def _measure(row: Row, point: Point) -> dict:
    module = (row.construct or row.oracle)(**point.options).double().eval()
    inputs = tuple(np.asarray(entry) for entry in point.inputs)
    constant = () if row.differentiable_target else row.targets
    # The table shows slopes, which an upstream gradient of ones leaves as they are; nothing is
    # proved with it.
    theirs = oracle.run(
        module, inputs, {}, lambda outputs: [np.ones_like(o) for o in outputs], constant
    )
    adapter = adapt_as(row, module)
    upstream = np.ones_like(adapter.forward(*inputs))
    number, *index = point.place

    def element(grad):
        """One of the gradient, which is 0 where there is none."""
        return 0.0 if grad is None else float(grad[tuple(index)])

    def ours(corrected):
        adapter.corrected = corrected
        return element(adapter.backward(upstream)[0][number])

    return {
        "component": row.title,
        "at": point.what,
        "value": float(theirs.outputs[0].sum()),
        "pytorch": element(theirs.grad_inputs[number]),
        "left": _slope(row, module, inputs, point.place, -1),
        "right": _slope(row, module, inputs, point.place, 1),
        "ours": ours(False),
        "mirror": ours(True),
        "book": _printed(row.component.__name__, inputs[number][tuple(index)]),
    }


def departures() -> list[dict]:
    """The rows in which PyTorch departs from the mathematics, and how the row says so."""
    entries = []
    for row in catalogue.rows((Row, OptimizerRow)):
        corrections = (row.correct, row.correct_output) if isinstance(row, Row) else ()
        told = [_first_line(function) for function in corrections if function is not None]
        told += [row.departure] if row.departure else []
        entries += [{"component": row.title, "departure": words} for words in told]
    return entries


def _first_line(function) -> str:
    function = function.func if isinstance(function, functools.partial) else function
    return (function.__doc__ or function.__name__.strip("_").replace("_", " ")).splitlines()[0]


def _slope(row, module, inputs, place, side) -> float:
    """The one-sided slope, from our forward in longdouble, close to the point but not at it.

    Infinite where it grows without bound, NaN where no input may lie.
    """
    adapter = adapt_as(row, module)
    adapter.corrected = False
    number, *index = place

    def value(steps):
        moved = list(oracle.cast(inputs, np.longdouble))
        moved[number] = moved[number].copy()
        moved[number][tuple(index)] += side * steps * _STEP
        return np.sum(adapter.forward(*moved))

    try:
        near, far = (
            (value(2 * steps) - value(steps)) / (side * steps * _STEP) for steps in (0.5, 1.0)
        )
    except ValueError:
        return math.nan
    # Half-way to the point, the slope of a root or a logarithm has grown.
    return math.copysign(math.inf, near) if abs(near) > 1.01 * abs(far) else float(near)


def _printed(component: str, kink: float) -> str:
    """What the book prints there."""
    for equation in book.equations():
        if equation["component"] == component and "derivative" in equation:
            for found in book.examine(equation)["at_kinks"]:
                if found["at"] == kink:
                    return "open" if found["printed"] is None else book.named(found["printed"])
    return "-"
