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

for _module in sorted(module.name for module in pkgutil.iter_modules(__path__)):
    importlib.import_module(f"{__name__}.{_module}")
