"""Steps that several optimizers share."""

import numpy as np


def lerp(average, value, weight):
    """average <- (1 - weight) average + weight value, in place."""
    # Measured from the nearer end, so that a weight of 0 or 1 is exact; 1 - weight is rounded in
    # the precision of the arrays, as in PyTorch.
    weight = average.dtype.type(weight)
    if weight < 0.5:
        average += weight * (value - average)
    else:
        average[...] = value - (1 - weight) * (value - average)


def add_square(average, value, decay):
    """average <- decay average + (1 - decay) value^2, in place."""
    # The square of a huge value is infinite, as in PyTorch, and 0 times that NaN.
    with np.errstate(over="ignore", invalid="ignore"):
        average *= decay
        average += (1 - decay) * value * value


def subtract_ratio(param, numerator, denominator):
    """param <- param - numerator / denominator, in place."""
    # Without an eps, 0 / 0 is NaN, and what is too large to hold infinite, as in PyTorch.
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        param -= numerator / denominator


def norm(values):
    """sqrt(sum(values^2))."""
    # PyTorch squares no value that is alone.
    return np.abs(values).max() if values.size == 1 else np.sqrt(np.sum(np.square(values)))


def with_decay(grad, param, weight_decay):
    """The gradient of f + weight_decay / 2 |param|^2; it changes no argument."""
    return grad + weight_decay * param if weight_decay else grad


def move(params, points):
    """Put every parameter at its point."""
    for param, point in zip(params, points, strict=True):
        param[...] = point
