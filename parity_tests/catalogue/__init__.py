"""The catalogue: one row per component, by family."""

import importlib
import pkgutil

from parity_tests.catalogue._row import (
    ROWS,
    OptimizerRow,
    Point,
    Refusal,
    Row,
    RunRow,
    find,
    no_counterpart,
    parametrization_of,
    register,
    row_of,
    rows,
)

__all__ = [
    "ROWS",
    "OptimizerRow",
    "Point",
    "Refusal",
    "Row",
    "RunRow",
    "find",
    "no_counterpart",
    "parametrization_of",
    "register",
    "row_of",
    "rows",
]

# The chapters of the book first, in its order.
_FIRST = [f"activations_{kind}" for kind in ("sigmoidal", "rectifying", "modern", "output")]
_modules = sorted(module.name for module in pkgutil.iter_modules(__path__))
for _module in dict.fromkeys([*_FIRST, *_modules]):
    importlib.import_module(f"{__name__}.{_module}")
