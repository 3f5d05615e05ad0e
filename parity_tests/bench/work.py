"""How a component is put to work: which sizes, and what its time may grow with."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from parity_tests.catalogue import Row
from parity_tests.strategies import Draft, Input
from reference import Loss

WORKS: dict[str, "Work"] = {}


@dataclass(frozen=True)
class Work:
    """One component's work.

    draft    from named sizes: options, inputs and keywords for PyTorch's module; of an optimizer
             its options and the shapes of its parameters; of what runs on its own both callables
    sizes    name -> the sizes; "small" is where the cost of a call decides, the last one grows
    orders   size -> the highest power of it that the time may grow with; 1 where not named
    sweeps   size -> its values, where a half, the whole and twice the size do not suit
    """

    draft: Callable[..., object]
    sizes: Mapping[str, Mapping[str, int]]
    orders: Mapping[str, float] = field(default_factory=dict)
    sweeps: Mapping[str, tuple[int, ...]] = field(default_factory=dict)

    @property
    def largest(self) -> Mapping[str, int]:
        """The sizes around which the growth is measured."""
        return list(self.sizes.values())[-1]

    def sweep(self, axis: str) -> tuple[int, ...]:
        size = self.largest[axis]
        return self.sweeps.get(axis, (size // 2, size, 2 * size))


def assign(works: Mapping[str, Work]):
    """Give components their work, by the names of their rows."""
    for name, work in works.items():
        if name in WORKS:
            raise ValueError(f"bench: {name} has work already")
        WORKS[name] = work


MATRIX = {
    "small": {"batch": 4, "channels": 6},
    "batch": {"batch": 1024, "channels": 1000},
}


def matrices(*values: str, **options) -> Work:
    """Work on matrices of one shape, one for each kind of values."""

    def draft(batch, channels):
        return Draft(options, tuple(Input((batch, channels), kind) for kind in values))

    return Work(draft, MATRIX)


def of(row) -> Work:
    """The work of a row: its own, or that of an elementwise component."""
    if row.title in WORKS:
        return WORKS[row.title]
    if isinstance(row, Row):
        return matrices("real", "real") if issubclass(row.component, Loss) else matrices("real")
    raise LookupError(f"bench: {row.title} has no work")
