"""Numerically stable functions that two families or more share.

Each works elementwise, or along one axis, keeps the dtype (float32, float64, longdouble) and warns
for no input whose answer is finite.
"""

import functools
import math

import numpy as np

_BLOCK = 2**16  # bytes whose intermediate results stay in the processor's cache


def in_blocks(results):
    """Compute an elementwise function of one array, of so many results, a block at a time."""

    def decorate(function):
        @functools.wraps(function)
        def blockwise(x, *options):
            if x.nbytes <= _BLOCK:
                return function(x, *options)
            flags = ["external_loop", "buffered"]
            roles = [["readonly"], *[["writeonly", "allocate"]] * results]
            with np.nditer(
                [x, *[None] * results], flags, roles, buffersize=_BLOCK // x.itemsize
            ) as blocks:
                for part, *places in blocks:
                    values = function(part, *options)
                    values = [values] if results == 1 else values
                    for place, value in zip(places, values, strict=True):
                        place[...] = value
                arrays = blocks.operands[1:]
            return arrays[0] if results == 1 else arrays

        return blockwise

    return decorate


def sign(x):
    """-1, 0 or 1, and 0 at NaN, as PyTorch has it in the gradient of abs."""
    return np.subtract(x > 0, x < 0, dtype=x.dtype)


# np.expm1 and np.log1p have no vector form on most processors: they are several times slower than
# np.exp and np.log, whose rounding errors these two correct.


@in_blocks(results=2)
def exp_and_expm1(x):
    """e^x and e^x - 1."""
    with np.errstate(over="ignore"):  # a power beyond the largest number is infinite
        power = np.exp(x)
    # What was rounded off the power, as a share of it; below -50 the difference is -1.
    within = np.clip(power, math.exp(-50), np.finfo(x.dtype).max)
    lost = np.maximum(x, -50) - np.log(within)
    return power, np.copysign((power - 1) + power * lost, x)  # -0 at -0


def log1p(x):
    """log(1 + x) for 0 <= x <= 1."""
    total = 1 + x
    # What was rounded off the sum, over the sum.
    return np.log(total) + (x - (total - 1)) / total


def decay(x):
    """e^-|x|: at most 1, so that nothing overflows and no small result is lost."""
    return np.exp(-np.abs(x))


@in_blocks(results=1)
def sigmoid(x):
    """s(x) = 1 / (1 + e^-x)."""
    power = decay(x)
    return np.maximum(power, x >= 0) / (1 + power)


@in_blocks(results=2)
def sigmoids(x):
    """s(x) and s(-x) = 1 - s(x)."""
    power = decay(x)
    return np.maximum(power, x >= 0) / (1 + power), np.maximum(power, x <= 0) / (1 + power)


@in_blocks(results=2)
def sigmoid_and_slope(x):
    """s(x) and its derivative s(x) s(-x)."""
    power = decay(x)
    scale = 1 + power
    # The derivative is even, so that e^-|x| serves for both signs.
    return np.maximum(power, x >= 0) / scale, power / (scale * scale)


@in_blocks(results=2)
def log_sigmoids(x):
    """log s(x) and log s(-x)."""
    smooth = log1p(decay(x))
    return np.minimum(x, 0) - smooth, np.minimum(-x, 0) - smooth


@in_blocks(results=2)
def softplus_and_slope(x):
    """log(1 + e^x) and its derivative s(x)."""
    power = decay(x)
    return np.maximum(x, 0) + log1p(power), np.maximum(power, x >= 0) / (1 + power)


def product(x, y):
    """x y; what overflows or is infinity times 0 is infinite or NaN, as in PyTorch, unwarned."""
    with np.errstate(over="ignore", invalid="ignore"):
        return x * y


def einsum(subscripts, *arrays):
    """np.einsum, and 0 for a sum of nothing, for which NumPy 2.4 adds up stray memory."""
    sums = np.einsum(subscripts, *arrays)
    return sums if all(array.size for array in arrays) else np.zeros_like(sums)


def shift_by_maximum(x, axis):
    """x - max(x), which leaves the ratios of e^x as they are and bounds them by 1."""
    highest = np.max(x, axis=axis, keepdims=True, initial=-np.inf)
    # As in PyTorch, a row of -inf alone, or one with +inf, has no finite softmax but NaN, and huge
    # numbers of opposite signs are infinitely far apart.
    with np.errstate(over="ignore", invalid="ignore"):
        return x - highest


def softmax(x, axis=-1):
    """e^x / sum(e^x)."""
    powers = np.exp(shift_by_maximum(x, axis))
    return powers / np.sum(powers, axis=axis, keepdims=True)


def log_softmax(x, axis=-1):
    """log(e^x / sum(e^x))."""
    shifted = shift_by_maximum(x, axis)
    # No elements sum to 0; otherwise the sum is at least 1.
    with np.errstate(divide="ignore"):
        return shifted - np.log(np.sum(np.exp(shifted), axis=axis, keepdims=True))


# --- the normal distribution ---
#
# The area under the bell e^-(s^2 / 2), scaled to be 2 from minus to plus infinity. It is tabulated
# from the multiples of 1/256 to infinity, with the height of the bell; from the last one below |x|
# the bell's Taylor series goes the rest of the way, as it does to make the table. So there are no
# fitted constants, and the rest is so small beside the tabulated value that the worst error
# measured, tails included, is 1.7 ulp in float32 and float64, and 1e-18 of the value in longdouble.

_STEPS = 256  # to the unit: the square of each multiple is exact, in float32 too
_TERMS = {"f": 4, "d": 10, "g": 12}  # of the series, by dtype
_REACH = 40  # the areas beyond are below the smallest float64


@in_blocks(results=1)
def normal_cdf(x):
    """The probability that a standard normal number is less than x."""
    distance = np.minimum(np.abs(x), _REACH)
    # A NaN stays one in the rest; its place is as good as any other.
    place = (np.fmin(distance, _REACH) * _STEPS).astype(np.intp)
    start = place.astype(x.dtype) / _STEPS
    areas, heights = _bell(x.dtype)
    tail = areas[place] - heights[place] * _share(start, distance - start)
    # What lies below x is the tail of -x, or 2 minus that of x.
    return (np.signbit(-x) * x.dtype.type(2) + np.copysign(tail, -x)) / 2


def _share(start, width):
    """The area from `start` to `start + width`, over the bell's height at `start`."""
    # The bell f(start + s) = sum of c_n s^n has f' = -(start + s) f, so that
    # c_(n + 1) = -(start c_n + c_(n - 1)) / (n + 1); a term is c_n width^n.
    across, square = start * width, width * width
    before, term, change = 1, -across, -across / 2
    for n in range(2, _TERMS[width.dtype.char]):
        before, term = term, (across * term + square * before) * (-1 / n)
        change += term / (n + 1)
    return width + width * change


@functools.cache
def _bell(dtype):
    """The areas from the multiples of 1 / _STEPS to infinity, and the heights there."""
    starts = np.arange(_REACH * _STEPS + 1, dtype=np.longdouble) / _STEPS
    pi = 4 * np.arctan(np.longdouble(1))
    heights = np.sqrt(2 / pi) * np.exp(-starts * starts / 2)
    half = np.full_like(starts, 0.5 / _STEPS)
    # From each multiple half a step on, and half a step back from the next.
    onward, back = (heights * _share(starts, width) for width in (half, -half))
    slices = onward[:-1] - back[1:]
    areas = np.append(np.cumsum(slices[::-1])[::-1], 0)
    return areas.astype(dtype), heights.astype(dtype)
