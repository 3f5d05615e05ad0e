"""Steps that several optimizers share. All work in place on their first argument."""

import numpy as np


def lerp(average, value, weight):
    """average <- (1 - weight) average + weight value."""
    # Measured from the nearer end, so that a weight of 0 or 1 is exact.
    if weight < 0.5:
        average += weight * (value - average)
    else:
        average[...] = value - (1 - weight) * (value - average)


def add_square(average, value, decay):
    """average <- decay average + (1 - decay) value^2."""
    average *= decay
    # The square of a huge value is infinite, as in PyTorch; what is divided by it is 0.
    with np.errstate(over="ignore"):
        average += (1 - decay) * value * value


def subtract_ratio(param, rate, numerator, denominator):
    """param <- param - rate numerator / denominator."""
    # Without an eps, 0 / 0 is NaN and the rest infinite, as in PyTorch.
    with np.errstate(divide="ignore", invalid="ignore"):
        param -= rate * numerator / denominator


def with_decay(grad, param, weight_decay):
    """The gradient of f + weight_decay / 2 |param|^2; it changes no argument."""
    return grad + weight_decay * param if weight_decay else grad


def move(params, points):
    """Put every parameter at its point."""
    for param, point in zip(params, points, strict=True):
        param[...] = point
