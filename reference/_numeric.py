"""Numerically stable functions that two families or more share.

Each works elementwise, or along one axis, keeps the dtype (float32, float64, longdouble) and warns
for no input whose answer is finite.
"""

import numpy as np


def sigmoid(x):
    """1 / (1 + e^-x)."""
    # e^-|x| is at most 1, so that nothing overflows and no small result is lost.
    decay = np.exp(-np.abs(x))
    return np.where(x < 0, decay, 1) / (1 + decay)


def softplus(x):
    """log(1 + e^x)."""
    return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))


def log_sigmoid(x):
    """log(1 / (1 + e^-x))."""
    return np.minimum(x, 0) - np.log1p(np.exp(-np.abs(x)))


def shift_by_maximum(x, axis):
    """x - max(x), which leaves the ratios of e^x as they are and bounds them by 1."""
    highest = np.max(x, axis=axis, keepdims=True, initial=-np.inf)
    # A row of -inf alone, or one with +inf, has no finite softmax: NaN, as in PyTorch.
    with np.errstate(invalid="ignore"):
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
