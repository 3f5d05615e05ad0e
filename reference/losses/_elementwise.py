"""What the losses of single elements have in common."""

import numpy as np

from reference import _checks
from reference._base import Loss
from reference._numeric import product


def difference(minuend, subtrahend):
    """The difference of two arrays."""
    # inf - inf is NaN and a difference beyond the largest number infinite, as in PyTorch.
    with np.errstate(invalid="ignore", over="ignore"):
        return minuend - subtrahend


def sum_to_shape(grad, shape):
    """The transpose of broadcasting from `shape`: the sum over the axes that it stretched."""
    added = grad.ndim - len(shape)
    stretched = [
        added + axis for axis, size in enumerate(shape) if size == 1 != grad.shape[added + axis]
    ]
    if not added and not stretched:
        return grad
    # Infinities that meet are NaN, as in PyTorch.
    with np.errstate(invalid="ignore", over="ignore"):
        return grad.sum(axis=(*range(added), *stretched)).reshape(shape)


class ElementwiseLoss(Loss):
    """A loss l(x, t) of each prediction with its target; the two broadcast.

    A subclass writes `measure`, which is l, and `slope`, which is dl/dx.
    """

    def forward(self, prediction, target):
        prediction, target = self.prepare(prediction, target)
        self.losses = self.measure(prediction, target)
        self.prediction, self.target = prediction, target
        return self.reduce(self.losses)

    def prepare(self, prediction, target):
        """Check the shapes (and more, in a subclass that says so)."""
        _checks.check_broadcast(self, prediction=prediction, target=target)
        return prediction, target

    def backward(self, grad_output=1.0):
        slope = self.slope(self.prediction, self.target)
        return self.chain(grad_output, slope, self.prediction.shape), None

    def chain(self, grad_output, slope, shape):
        """The gradient of an array of this shape, by the slope of each loss along it."""
        # An infinite slope times 0 is NaN, as in PyTorch.
        return sum_to_shape(product(self.spread(grad_output, self.losses), slope), shape)


class TwoSidedLoss(ElementwiseLoss):
    """An elementwise loss that is differentiated by its target too.

    A subclass also writes `target_slope`, which is dl/dt.
    """

    def grad_target(self, grad_output=1.0):
        slope = self.target_slope(self.prediction, self.target)
        return self.chain(grad_output, slope, self.target.shape)
