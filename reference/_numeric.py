"""Numerically stable functions that two families or more share.

Each works elementwise, or along one axis, keeps the dtype (float32, float64, longdouble) and warns
for no input whose answer is finite.
"""

import functools

import numpy as np


def sign(x):
    """-1, 0 or 1, and 0 at NaN, as PyTorch has it in the gradient of abs."""
    return np.subtract(x > 0, x < 0, dtype=x.dtype)


def sigmoid(x):
    """1 / (1 + e^-x)."""
    # e^-|x| is at most 1, so that nothing overflows and no small result is lost.
    decay = np.exp(-np.abs(x))
    return np.maximum(decay, x >= 0) / (1 + decay)


def sigmoid_and_slope(x):
    """1 / (1 + e^-x) and its derivative e^-x / (1 + e^-x)^2."""
    decay = np.exp(-np.abs(x))
    scale = 1 + decay
    # The derivative is even, so that e^-|x| serves for both signs.
    return np.maximum(decay, x >= 0) / scale, decay / (scale * scale)


def softplus(x):
    """log(1 + e^x)."""
    return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))


def log_sigmoid(x):
    """log(1 / (1 + e^-x))."""
    return np.minimum(x, 0) - np.log1p(np.exp(-np.abs(x)))


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


# --- the error function and the normal distribution ---
#
# The area under the bell e^-(rate s^2), scaled to be 2 from minus to plus infinity (Abramowitz and
# Stegun 1964, 7.1.1-7.1.2 for the rate 1). It is tabulated at the multiples of 1/128, from 0 to
# there and from there to infinity; from the nearest of these Gauss and Legendre's rule (25.4.30)
# integrates the rest of the way, as it does to make the table. So there are no fitted constants,
# and the rest is so small beside the tabulated value that the worst error measured, tails included,
# is 1.8 ulp in float32 and float64. In longdouble it is 1e-18 of the value near the origin, and
# 3e-17 far out.

_STEPS = 128  # to the unit: the square of each multiple is exact, in float32 too
_REACH = 40  # the areas beyond are below the smallest float64
_BLOCK = 16384  # elements at a time: the intermediate results stay in the processor's cache


def erf(x):
    """2/sqrt(pi) times the integral of e^-s^2 from 0 to x."""
    return _in_blocks(_area_below, x, 1.0)


def erfc(x):
    """1 - erf(x), without the cancellation at large x."""
    return _in_blocks(_area_above, x, 1.0)


def normal_cdf(x):
    """The probability that a standard normal number is less than x."""
    return _in_blocks(_area_above, -x, 0.5) / 2


def _area_below(x, rate):
    place, rest = _near(x, rate)
    return np.copysign(_areas(x.dtype, rate)[0][place] + rest, x)


def _area_above(x, rate):
    place, rest = _near(x, rate)
    tail = _areas(x.dtype, rate)[1][place] - rest
    # The tail of x, or 2 minus that of -x.
    return np.signbit(x) * x.dtype.type(2) + np.copysign(tail, x)


def _near(x, rate):
    """The place of |x| in the table, and the area from there to |x|."""
    distance = np.minimum(np.abs(x), _REACH)
    # A NaN stays one in the rest; its place is as good as any other.
    place = np.rint(np.fmin(distance, _REACH) * _STEPS).astype(np.intp)
    start = place.astype(x.dtype) / _STEPS
    return place, _area(start, distance - start, rate)


def _area(start, width, rate):
    """The area from `start` to `start + width`."""
    fall, change = -2 * start, np.zeros_like(start)
    for node, weight in _rule(start.dtype):
        offset = node * width
        # e^-(a + h)^2 = e^-a^2 e^h(-2a - h), where the first exponent is exact, the second small.
        change += weight * np.expm1(rate * offset * (fall - offset))
    pi = 4 * np.arctan(start.dtype.type(1))
    return 2 * np.sqrt(rate / pi) * np.exp(-rate * start * start) * (width + width * change)


@functools.cache
def _rule(dtype):
    """Gauss and Legendre's nodes and weights on [0, 1]: 2, 5 or 6 of them."""
    nodes, weights = np.polynomial.legendre.leggauss(np.finfo(dtype).precision // 3)
    return list(zip(((1 + nodes) / 2).tolist(), (weights / 2).tolist(), strict=True))


@functools.cache
def _areas(dtype, rate):
    """The areas from 0 to the multiples of 1 / _STEPS, and from there to infinity."""
    starts = np.arange(_REACH * _STEPS, dtype=np.longdouble) / _STEPS
    slices = _area(starts, np.full_like(starts, 1 / _STEPS), rate)
    below = np.append(0, np.cumsum(slices)).astype(dtype)
    above = np.append(np.cumsum(slices[::-1])[::-1], 0).astype(dtype)
    return below, above


def _in_blocks(function, x, *options):
    """function(x) of an elementwise function, a block of the elements at a time."""
    flags = ["external_loop", "buffered", "zerosize_ok"]
    roles = [["readonly"], ["writeonly", "allocate"]]
    with np.nditer([x, None], flags, roles, buffersize=_BLOCK) as blocks:
        for part, result in blocks:
            result[...] = function(part, *options)
        return blocks.operands[1]
