"""Penalties on the parameters (section 25.2): terms to add to a loss, with their gradients."""

import numpy as np

from reference import _checks
from reference._base import Layer
from reference._numeric import product, sign


class Penalty(Layer):
    """A term of the parameters alone, times its strength."""

    def __init__(self, strength):
        super().__init__()
        self.strength = _checks.check_nonnegative(self, strength=strength)

    def gradients(self, grad_output, slope):
        """The gradients of the parameters, and of the penalty's own, which it has not."""
        grads = [
            # Infinity times a strength of 0 is NaN, as in PyTorch.
            product(self.strength * np.asarray(grad_output, p.dtype), slope(p))
            for p in self.parameters
        ]
        return grads[0] if len(grads) == 1 else tuple(grads), None

    def total(self, size):
        """The sum of the sizes of all elements."""
        # That of huge parameters is infinite, as in PyTorch.
        with np.errstate(over="ignore"):
            return sum(np.sum(size(p)) for p in self.parameters)


class L1(Penalty):
    """The sum of the absolute values, which draws parameters to exactly 0.

    Formula: R = strength sum |p| over all parameters
    Derivative: dR/dp = strength sign(p); at the kink 0 it is 0, PyTorch's choice.
    Shapes: parameters of any shapes, each an argument; R is a scalar.
    Dtypes: float32 and float64; R and the gradients have the parameters'.
    Errors: TypeError for an array that is not floating; ValueError for a negative strength;
        RuntimeError for backward before forward.
    Book: section 25.2.
    Paper: Tibshirani (1996), Regression shrinkage and selection via the lasso,
        DOI 10.1111/j.2517-6161.1996.tb02080.x.
    PyTorch: strength * parameter.abs().sum(); no class.
    """

    def __init__(self, strength=0.01):
        super().__init__(strength)

    def forward(self, *parameters):
        self.parameters = parameters
        return product(self.strength, self.total(np.abs))

    def backward(self, grad_output=1.0):
        return self.gradients(grad_output, sign)


class L2(Penalty):
    """Half the sum of the squares: weight decay as a term of the loss.

    Formula: R = strength / 2 sum p^2 over all parameters
    Derivative: dR/dp = strength p, which is what weight_decay=strength adds to a gradient.
    Shapes: parameters of any shapes, each an argument; R is a scalar.
    Dtypes: float32 and float64; R and the gradients have the parameters'.
    Errors: TypeError for an array that is not floating; ValueError for a negative strength;
        RuntimeError for backward before forward.
    Book: section 25.2.
    Paper: Hoerl, Kennard (1970), Ridge regression: biased estimation for nonorthogonal problems,
        DOI 10.1080/00401706.1970.10488634.
    PyTorch: weight_decay of the optimizers that do not decouple it; no class. Keras's L2 lacks
        the half.
    """

    def __init__(self, strength=0.01):
        super().__init__(strength)

    def forward(self, *parameters):
        self.parameters = parameters
        return product(self.strength / 2, self.total(np.square))

    def backward(self, grad_output=1.0):
        return self.gradients(grad_output, lambda p: p)


class ElasticNet(Penalty):
    """Both penalties: sparse like the first, stable like the second.

    Formula: R = strength (l1_ratio sum |p| + (1 - l1_ratio) / 2 sum p^2) over all parameters
    Derivative: dR/dp = strength (l1_ratio sign(p) + (1 - l1_ratio) p); at the kink 0 it is 0,
        PyTorch's choice.
    Shapes: parameters of any shapes, each an argument; R is a scalar.
    Dtypes: float32 and float64; R and the gradients have the parameters'.
    Errors: TypeError for an array that is not floating; ValueError for a negative strength or an
        l1_ratio outside [0, 1]; RuntimeError for backward before forward.
    Book: section 25.2.
    Paper: Zou, Hastie (2005), Regularization and variable selection via the elastic net,
        DOI 10.1111/j.1467-9868.2005.00503.x.
    PyTorch: no class. Strength and ratio are named and weighed as alpha and l1_ratio are in
        scikit-learn.
    """

    def __init__(self, strength=0.01, l1_ratio=0.5):
        super().__init__(strength)
        self.l1_ratio = _checks.check_fraction(self, l1_ratio=l1_ratio)

    def forward(self, *parameters):
        self.parameters = parameters
        ratio = self.l1_ratio
        size = product(ratio, self.total(np.abs))
        return product(self.strength, size + product((1 - ratio) / 2, self.total(np.square)))

    def backward(self, grad_output=1.0):
        ratio = self.l1_ratio
        return self.gradients(grad_output, lambda p: ratio * sign(p) + product(1 - ratio, p))
