"""The conventions table: what happens on kinks, measured, not typed.

For each kink of each activation: PyTorch's slope there, the one-sided slopes of the function (by
differences of our own forward, in longdouble), ours, and what the book prints.
"""

import functools
import math

import numpy as np
import torch

from parity_tests import book, catalogue, oracle
from parity_tests.catalogue import Row
from parity_tests.mirroring import adapt_as

_STEP = np.longdouble(2.0) ** -30


def rows() -> list[Row]:
    """The rows with kinks whose component takes one array, element by element."""
    return [row for row in catalogue.rows(Row) if row.kinks and _module(row) is not None]


def measure(row: Row) -> list[dict]:
    """One entry for each kink of a row, at the default options."""
    module = _module(row)
    entries = []
    for kink in sorted(set(row.kinks_of(module))):
        theirs = oracle.run(
            module, (np.array([kink]),), {}, lambda outputs: [np.ones_like(o) for o in outputs]
        )
        adapter = adapt_as(row, module)
        adapter.forward(np.array([kink]))
        mirrored = float(adapter.backward(np.ones(1))[0][0][0])
        adapter.corrected = False
        entries.append(
            {
                "component": row.title,
                "at": float(kink),
                "value": float(theirs.outputs[0][0]),
                "pytorch": float(theirs.grad_inputs[0][0]),
                "left": _slope(row, module, kink, -1),
                "right": _slope(row, module, kink, 1),
                "ours": float(adapter.backward(np.ones(1))[0][0][0]),
                "mirror": mirrored,
                "book": _printed(row.component.__name__, kink),
            }
        )
    return entries


def departures() -> list[dict]:
    """The rows in which PyTorch departs from the mathematics, and how the row says so."""
    entries = []
    for row in catalogue.rows(Row):
        if row.correct is not None:
            entries.append({"component": row.title, "departure": _first_line(row.correct)})
    return entries


def _first_line(function) -> str:
    function = function.func if isinstance(function, functools.partial) else function
    return (function.__doc__ or function.__name__.strip("_").replace("_", " ")).splitlines()[0]


def _module(row: Row) -> torch.nn.Module | None:
    """The oracle at its defaults in evaluation, if it takes one vector; else None."""
    try:
        module = row.oracle().double().eval()
        outputs = module(torch.zeros(2, dtype=torch.float64))
    except (TypeError, RuntimeError, ValueError, KeyError, AttributeError):
        return None
    single = isinstance(outputs, torch.Tensor) and outputs.shape == (2,)
    return module if single and row.is_elementwise() else None


def _slope(row, module, kink, side) -> float:
    """The one-sided slope, from our forward in longdouble."""
    adapter = adapt_as(row, module)
    points = np.array([kink, kink + side * _STEP], np.longdouble)
    here, beside = adapter.forward(points)
    with np.errstate(invalid="ignore"):
        slope = (beside - here) / (side * _STEP)
    # A jump (Heaviside, Threshold) has no slope.
    return float(slope) if abs(slope) < 1e6 else math.copysign(math.inf, slope)


def _printed(component: str, kink: float) -> str:
    """What the book prints there."""
    for equation in book.equations():
        if equation["component"] == component and "derivative" in equation:
            for found in book.examine(equation)["at_kinks"]:
                if found["at"] == kink:
                    return "open" if found["printed"] is None else book.named(found["printed"])
    return "-"
