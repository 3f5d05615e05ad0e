"""The derivative of the target's own forward: autograd's where random directions confirm it.

Autograd through the target's own source may be wrong (a path that leaves the graph), so it is
believed only where numeric slopes along random directions agree with it, array by array. Where
they do not, or where one of them meets a kink, the derivative is taken element by element.
"""

from dataclasses import dataclass, field

import numpy as np

from parity_tests.debug.numeric import Derivative, along, jacobian
from parity_tests.debug.structure import is_floating

_MOST_ROWS = 600  # outputs of which autograd may be asked one by one


@dataclass
class Side:
    """The gradients of one judge: arrays (or None) by input and by parameter."""

    inputs: list
    params: list
    error: float = 0.0
    known: dict = field(default_factory=dict)
    jacobians: dict = field(default_factory=dict)
    ask: object = None  # (where, place) -> Derivative, when it is first needed

    def jacobian(self, where, place):
        if (where, place) not in self.jacobians and self.ask is not None:
            self.jacobians[where, place] = self.ask(where, place)
        return self.jacobians.get((where, place))


def floating(case):
    """(where, place, array) of what a case can be differentiated by."""
    for where, arrays in (("inputs", case.inputs), ("params", case.params)):
        for place, array in enumerate(arrays):
            if is_floating(array):
                yield where, place, array


def agrees(function, key, gradient, upstream, rng, directions=2):
    """Do the slopes along random directions agree with a gradient? None if they meet a kink."""
    met = False
    for _ in range(directions):
        direction = rng.normal(size=np.shape(gradient))
        slope, error, known = along(function, *key, direction)
        if not known:
            met = True
            continue
        right = float(upstream @ slope)
        terms = gradient * direction
        size = float(np.sum(np.abs(terms)) + np.sum(np.abs(upstream * slope))) + abs(right)
        if not abs(float(np.sum(terms)) - right) <= (1e-6 + 20 * error) * size + 1e-9:
            return False
    return None if met else True


def flat_upstream(case):
    return np.concatenate([np.ravel(g) for g in case.upstreams] or [np.zeros(0)])


def confirmed(twin, function, case):
    """(autograd's answer, its Side) where the slopes confirm all of it; else (answer, None)."""
    traced = twin.run(case.start.copy(), case.inputs, case.upstreams)
    upstream, rng = flat_upstream(case), np.random.default_rng(case.seed + 177)
    side = Side(
        [None] * len(case.inputs),
        [None] * len(case.params),
        function.noise,
        ask=lambda where, place: _rows(twin, case, function, where, place),
    )
    for where, place, array in floating(case):
        gradient = getattr(traced, where)[place]
        if not np.isfinite(gradient).all():
            return traced, None
        if array.size and not agrees(function, (where, place), gradient, upstream, rng):
            return traced, None
        getattr(side, where)[place] = gradient
        side.known[where, place] = np.ones(array.shape, dtype=bool)
    return traced, side


def _rows(twin, case, function, where, place):
    """The derivatives of every output, by autograd, or by differences if there are many."""
    if function.base.size > _MOST_ROWS:
        return jacobian(function, where, place)
    matrix = twin.rows(case.start.copy(), case.inputs, case.upstreams, where, place)
    size = matrix.shape[1]
    return Derivative(matrix, np.zeros(size), np.ones(size, dtype=bool))


def differenced(function, case, most):
    """The numeric derivative by every element, or by `most` of them."""
    upstream = flat_upstream(case)
    arrays = list(floating(case))
    elements = sum(array.size for _, _, array in arrays)
    limit = None if elements <= most else max(most // max(len(arrays), 1), 4)
    side = Side([None] * len(case.inputs), [None] * len(case.params), function.noise)
    for where, place, array in arrays:
        derivative = jacobian(function, where, place, limit)
        known = derivative.known.reshape(array.shape)
        with np.errstate(all="ignore"):
            gradient = derivative.pulled(upstream, array.shape)
        getattr(side, where)[place] = np.where(known, gradient, np.nan)
        side.known[where, place] = known
        side.jacobians[where, place] = derivative
        worst = float(np.max(derivative.error[derivative.known], initial=0))
        side.error = max(side.error, worst * 1e-2)
    return side


def numeric_at(function, case, key, mask, most=4):
    """The numeric derivative by the first few elements of a mask; NaN elsewhere and on kinks."""
    where, place = key
    array = getattr(case, where)[place]
    upstream, found = flat_upstream(case), np.full(array.shape, np.nan)
    for index in np.argwhere(mask)[:most]:
        direction = np.zeros(array.shape)
        direction[tuple(index)] = 1
        scale = max(1.0, float(abs(array[tuple(index)])))
        slope, _, smooth = along(function, where, place, direction, scale)
        if smooth:
            found[tuple(index)] = upstream @ slope
    return found
