"""Work of what takes steps: optimizers on a million parameters, initializers, whole runs."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from parity_tests import catalogue
from parity_tests.bench.work import Work, assign
from parity_tests.catalogue import OptimizerRow, RunRow


@dataclass(frozen=True)
class Step:
    """One step of an optimizer: its options and the shapes of its parameters."""

    options: Mapping
    shapes: tuple[tuple[int, ...], ...]


@dataclass(frozen=True)
class Fill:
    """One array filled by an initializer with these options."""

    shape: tuple[int, ...]
    options: Mapping = field(default_factory=dict)


@dataclass(frozen=True)
class Run:
    """What the row itself runs on both sides, on the first case that it draws."""


_PARAMETERS = {
    "small": {"rows": 4, "columns": 6},
    "a million parameters": {"rows": 1000, "columns": 1000},
}
# What multiplies matrices takes smaller ones.
_MATRIX = {
    "small": {"rows": 4, "columns": 6},
    "a matrix": {"rows": 256, "columns": 256},
}


def _stepped(sizes=None, orders=None, **options):
    return Work(
        lambda rows, columns: Step(options, ((rows, columns), (columns,))),
        sizes or _PARAMETERS,
        orders or {},
    )


def _filled(sizes=None, orders=None, **options):
    return Work(
        lambda rows, columns: Fill((rows, columns), options), sizes or _PARAMETERS, orders or {}
    )


_OF_MATRICES = ("Muon", "MuonInFull")
assign(
    {
        row.title: _stepped()
        for row in catalogue.rows(OptimizerRow)
        if row.title not in (*_OF_MATRICES, "SGD")
    }
)
assign(
    {
        "SGD": _stepped(lr=0.01, momentum=0.9),
        **{
            name: Work(
                lambda rows, columns: Step({}, ((rows, columns),)),
                _MATRIX,
                {"rows": 2, "columns": 2},
            )
            for name in _OF_MATRICES
        },
    }
)

_OPTIONS = {
    "constant": {"val": 0.5},
    "sparse": {"sparsity": 0.1},
}
_INITIALIZERS = [row.title for row in catalogue.rows(RunRow) if row.family == "initializers"]
assign(
    {
        name: _filled(**_OPTIONS.get(name, {}))
        for name in _INITIALIZERS
        if name not in ("orthogonal", "dirac")
    }
)
assign(
    {
        "orthogonal": _filled(_MATRIX, {"rows": 2, "columns": 2}),
        "dirac": Work(lambda rows, columns: Fill((rows, columns, 3)), _PARAMETERS),
    }
)
assign(
    {
        row.title: Work(Run, {"a run": {}})
        for row in catalogue.rows(RunRow)
        if row.family != "initializers"
    }
)
