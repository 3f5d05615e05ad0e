"""What the rows of several groups of activations share."""

import numpy as np
from hypothesis import strategies as st


class Given:
    """A generator whose draws are given."""

    def __init__(self, *draws):
        self.draws = np.asarray(draws)

    def random(self, *arguments, **keywords):
        return self.draws

    standard_normal = gumbel = random


def an_axis(draw, rank):
    """An axis of an array of this rank, from either end; a scalar has axes 0 and -1."""
    return draw(st.integers(-max(rank, 1), max(rank, 1) - 1))
