"""Numeric derivatives of the target's own forward: central differences, extrapolated.

The step is halved once and the two differences are extrapolated (Richardson). They must agree as
Taylor's theorem says they do; where they do not, a kink lies near and the step shrinks; where it
still does not help, the element sits on a kink and is not judged here.
"""

import copy
import time
from dataclasses import dataclass

import numpy as np

from parity_tests.debug.failures import OwnCodeError
from parity_tests.debug.structure import is_floating, with_dtype
from parity_tests.debug.subject import Instance

_STEPS = (1e-3, 2e-5, 1e-6)
_COARSE_STEPS = (5e-2, 1e-2, 2e-3)  # for a forward that rounds to float32 inside


@dataclass
class Derivative:
    """The derivatives of every output by every element of one array."""

    matrix: np.ndarray  # (outputs, elements)
    error: np.ndarray  # (elements,), an estimate relative to the column's size
    known: np.ndarray  # (elements,), False on a kink or where it was not computed

    def pulled(self, upstream, shape):
        """The gradient for an upstream gradient of the outputs."""
        return (upstream @ self.matrix).reshape(shape)


class OwnFunction:
    """The target's forward from one state, as a function of its inputs and parameters."""

    def __init__(self, start, inputs):
        self.start, self.inputs = start, [np.asarray(value) for value in inputs]
        self.params = [np.array(param) for param in start.params]
        self.dtype = np.float64
        self.template = start
        self.cost = 1e-4
        self.base = self._measured()
        self.noise = self._noise()
        self.steps = _STEPS if self.noise < 1e-7 else _COARSE_STEPS

    def _noise(self):
        """What rounding leaves of the third extrapolation, relative to the slope."""
        rng = np.random.default_rng(7)
        everywhere = {
            (where, place): rng.normal(size=array.shape)
            for where, arrays in (("inputs", self.inputs), ("params", self.params))
            for place, array in enumerate(arrays)
            if is_floating(array) and array.size
        }
        levels = []
        for step in (4e-3, 1e-3, 1e-4):
            with np.errstate(all="ignore"):
                try:
                    slopes = [_difference(self, everywhere, step / 2**k) for k in range(3)]
                except OwnCodeError:
                    continue
            first = (4 * slopes[1] - slopes[0]) / 3
            second = (4 * slopes[2] - slopes[1]) / 3
            size = max(float(np.max(np.abs(second), initial=0)), 1e-9)
            levels.append(float(np.max(np.abs(first - second), initial=0)) / size)
            if levels[-1] < 1e-8:
                break
        finite = [level for level in levels if np.isfinite(level)]
        return min(finite, default=0.0)

    def _measured(self):
        """The outputs here; longdouble is used if the target lets it through."""
        begin = time.process_time()
        plain = self(self.inputs, self.params)
        self.cost = max(time.process_time() - begin, 1e-6)
        try:
            self.template = Instance(
                self.start.subject, with_dtype(self.start.thing, np.longdouble)
            )
            self.dtype = np.longdouble
            outputs = self(self.inputs, self.params)
            close = np.allclose(outputs.astype(float), plain, rtol=1e-6, atol=1e-8, equal_nan=True)
            if outputs.dtype == np.longdouble and outputs.shape == plain.shape and close:
                return outputs
        except Exception:
            pass
        self.template, self.dtype = self.start, np.float64
        return plain

    def __call__(self, inputs, params):
        instance = Instance(self.start.subject, copy.deepcopy(self.template.thing))
        if params:
            instance.set_params(params)
        given = [
            np.array(value, self.dtype) if is_floating(value) else np.array(value)
            for value in inputs
        ]
        outputs = [np.ravel(out) for out in instance.forward(given) if is_floating(out)]
        return np.concatenate(outputs) if outputs else np.zeros(0)

    def moved(self, directions, step):
        """The outputs after a move of some inputs and parameters, by (where, place)."""
        arrays = {"inputs": list(self.inputs), "params": list(self.params)}
        for (where, place), direction in directions.items():
            array = arrays[where][place].astype(self.dtype)
            arrays[where][place] = array + self.dtype(step) * direction
        return self(**arrays)


def along(function, where, place, direction, scale=1.0):
    """(derivatives of the outputs along a direction, relative error, is it known)."""
    best, directions = None, {(where, place): direction}
    enough = max(3e-5, 10 * function.noise)
    with np.errstate(all="ignore"):
        for step in function.steps:
            h = step * scale
            try:
                wide = _difference(function, directions, h)
                near = _difference(function, directions, h / 2)
            except OwnCodeError:
                continue
            slope = (4 * near - wide) / 3
            size = max(float(np.max(np.abs(slope), initial=0)), 1e-12)
            gap = float(np.max(np.abs(near - wide), initial=0)) / size
            if not np.isfinite(gap):
                continue
            if best is None or gap < best[1]:
                best = (slope, gap)
            if gap < enough:
                break
    if best is None:
        return np.full(function.base.shape, np.nan), np.inf, False
    slope, gap = best
    return slope, max(gap * 1e-2, 3 * function.noise), gap < 1e-2


def _difference(function, directions, step):
    ahead, behind = function.moved(directions, step), function.moved(directions, -step)
    return (ahead - behind) / (2 * function.dtype(step))


def jacobian(function, where, place, limit=None, rng=None):
    """The derivative by every element (or, past `limit`, by some of them)."""
    array = (function.inputs if where == "inputs" else function.params)[place]
    matrix = np.full((function.base.size, array.size), np.nan, dtype=np.float64)
    error, known = np.full(array.size, np.inf), np.zeros(array.size, dtype=bool)
    chosen = np.arange(array.size)
    if limit is not None and array.size > limit:
        chosen = (rng or np.random.default_rng(0)).permutation(array.size)[:limit]
    for element in chosen:
        direction = np.zeros(array.size)
        direction[element] = 1
        scale = max(1.0, float(abs(array.flat[element])))
        slope, gap, smooth = along(function, where, place, direction.reshape(array.shape), scale)
        matrix[:, element] = slope
        error[element], known[element] = gap, smooth
    return Derivative(matrix, error, known)
