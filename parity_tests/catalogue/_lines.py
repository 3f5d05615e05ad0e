"""Functions of one number that put a line search to the test, and where PyTorch's ends on them."""

import zlib
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch.optim.lbfgs import _strong_wolfe

import reference

# Few of each, so that trials tie with one another and lie on the bounds of the two conditions.
_VALUES = (-2.0, -1.0, -1.0, -1e-4, 0.0, 1.0)
_SLOPES = (-1.0, -0.9, -0.5, 0.9, 1.0, 2.0)


@dataclass(frozen=True)
class Line:
    """A function and what is told for its slope: they need not belong together.

    Both are 0 and -1 at 0, from where the search goes to the right.
    """

    value: Callable[[float], float]
    slope: Callable[[float], float]

    def ratio(self, first: float) -> float:
        """Where our search ends, over where PyTorch's ends."""
        return self.end_of_ours(first) / self.end_in_torch(first)

    def end_of_ours(self, first: float) -> float:
        """Where one step of BFGS ends whose first trial is `first`."""
        descent = reference.BFGS(
            lambda x: np.float64(self.value(x[0])),
            lambda x: np.array([self.slope(x[0])]),
            np.zeros(1),
            learning_rate=first,
            epochs=1,
            tolerance=0.0,
        )
        return descent.update_step()[0][0]

    def end_in_torch(self, first: float) -> float:
        """Where PyTorch's own line search ends."""

        def evaluate(x, step, direction):
            place = float(step)
            return self.value(place), torch.tensor([self.slope(place)], dtype=torch.float64)

        one = torch.ones(1, dtype=torch.float64)
        given = (evaluate, torch.zeros(1), first, one, self.value(0.0), -one, -one[0])
        return float(_strong_wolfe(*given, max_ls=25)[2])


def straight() -> Line:
    """A line that falls for ever: every trial is low, none is flat."""
    return Line(lambda x: -x, lambda x: -1.0)


def rough(seed: int) -> Line:
    """Values and slopes at random, the same where the first nine digits of the place are."""

    def drawn(x, choices, kind):
        place = zlib.crc32(f"{x:.9g}".encode())
        return float(np.random.default_rng([seed, kind, place]).choice(choices))

    return Line(
        lambda x: drawn(x, _VALUES, 0) if x else 0.0,
        lambda x: drawn(x, _SLOPES, 1) if x else -1.0,
    )


def a_tenth_away() -> Line:
    """From 10 the cubic's minimum is 1, a tenth of the bracket from its end, and then near 1."""
    values, slopes = {0.0: 0.0, 10.0: 40.0, 1.0: -5.0}, {0.0: -1.0, 10.0: 9.0, 1.0: 0.95}
    return Line(lambda x: values.get(x, -6.0), lambda x: slopes.get(x, 0.0))


# Searches that end elsewhere if any bound is looked at otherwise, with their first trials.
SEARCHES = (
    (straight(), 1.0),
    (a_tenth_away(), 10.0),
    (rough(0), 1e-9),
    (rough(11), 1.0),
    (rough(13), 10.0),
    (rough(15), 3e-9),
)
