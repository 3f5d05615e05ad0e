"""Losses of a number: the distance of a prediction from its target (section 13.2.1)."""

import math

import numpy as np

from reference import _checks
from reference._numeric import log1p, product, sign
from reference.losses._elementwise import TwoSidedLoss, difference


class L1Loss(TwoSidedLoss):
    """The absolute error.

    Formula: l = |x - t|
    Derivative: dl/dx = sign(x - t), 0 at x = t (PyTorch's choice); dl/dt = -dl/dx.
    Shapes: x and t broadcast; the losses have their common shape.
    Dtypes: float32 and float64; the loss has the promotion of x's and t's.
    Errors: TypeError for an array that is not floating; ValueError for shapes that do not
        broadcast; RuntimeError for backward before forward.
    Book: not in the book.
    Paper: Koenker, Bassett (1978), Regression quantiles, Econometrica 46(1),
        DOI 10.2307/1913643.
    PyTorch: torch.nn.L1Loss. No difference.
    """

    def measure(self, prediction, target):
        return np.abs(difference(prediction, target))

    def slope(self, prediction, target):
        return sign(difference(prediction, target))

    def target_slope(self, prediction, target):
        return -self.slope(prediction, target)


class MSELoss(TwoSidedLoss):
    """The squared error, without a factor 1/2.

    Formula: l = (x - t)^2
    Derivative: dl/dx = 2 (x - t); dl/dt = 2 (t - x).
    Shapes: x and t broadcast; the losses have their common shape.
    Dtypes: float32 and float64; the loss has the promotion of x's and t's.
    Errors: TypeError for an array that is not floating; ValueError for shapes that do not
        broadcast; RuntimeError for backward before forward.
    Book: section 13.2.1.
    Paper: Gauss (1809), Theoria motus corporum coelestium, Perthes and Besser.
    PyTorch: torch.nn.MSELoss. No difference.
    """

    def measure(self, prediction, target):
        # A square beyond the largest number is infinite, as in PyTorch.
        with np.errstate(over="ignore"):
            return difference(prediction, target) ** 2

    def slope(self, prediction, target):
        return product(2, difference(prediction, target))

    def target_slope(self, prediction, target):
        return product(2, difference(target, prediction))


class HuberLoss(TwoSidedLoss):
    """The squared error up to a bound, the absolute error beyond it.

    Formula: with d = x - t, l = d^2 / 2 where |d| < delta, else delta (|d| - delta / 2)
    Derivative: dl/dx = d clipped to [-delta, delta], without a kink: delta at d = delta;
        dl/dt = -dl/dx.
    Shapes: x and t broadcast; the losses have their common shape.
    Dtypes: float32 and float64; the loss has the promotion of x's and t's.
    Errors: TypeError for an array that is not floating; ValueError for shapes that do not
        broadcast or a delta that is not positive; RuntimeError for backward before forward.
    Book: not in the book.
    Paper: Huber (1964), Robust estimation of a location parameter, Annals of Mathematical
        Statistics 35(1), DOI 10.1214/aoms/1177703732.
    PyTorch: torch.nn.HuberLoss. No difference.
    """

    def __init__(self, reduction="mean", delta=1.0):
        super().__init__(reduction)
        self.delta = _checks.check_positive(self, delta=delta)

    def measure(self, prediction, target):
        magnitude = np.abs(difference(prediction, target))
        # One equation for both branches: nothing overflows but what is too large itself.
        within = np.minimum(magnitude, self.delta)
        return product(within, magnitude - within / 2)

    def slope(self, prediction, target):
        return np.clip(difference(prediction, target), -self.delta, self.delta)

    def target_slope(self, prediction, target):
        return self.slope(target, prediction)


class SmoothL1Loss(TwoSidedLoss):
    """The absolute error with its kink rounded off: Huber's loss divided by its bound.

    Formula: with d = x - t, l = d^2 / (2 beta) where |d| < beta, else |d| - beta / 2
    Derivative: dl/dx = d / beta where |d| < beta, else sign(d); for beta = 0 this is the absolute
        error's, 0 at d = 0 (PyTorch's choice); dl/dt = -dl/dx.
    Shapes: x and t broadcast; the losses have their common shape.
    Dtypes: float32 and float64; the loss has the promotion of x's and t's.
    Errors: TypeError for an array that is not floating; ValueError for shapes that do not
        broadcast or a negative beta; RuntimeError for backward before forward.
    Book: not in the book.
    Paper: Girshick (2015), Fast R-CNN, ICCV, DOI 10.1109/ICCV.2015.169.
    PyTorch: torch.nn.SmoothL1Loss. No difference.
    """

    def __init__(self, reduction="mean", beta=1.0):
        super().__init__(reduction)
        self.beta = _checks.check_nonnegative(self, beta=beta)

    def measure(self, prediction, target):
        magnitude = np.abs(difference(prediction, target))
        if self.beta == 0:
            return magnitude
        # One equation for both branches, so that no square overflows.
        within = np.minimum(magnitude, self.beta)
        return within / self.beta * (magnitude - within / 2)

    def slope(self, prediction, target):
        distance = difference(prediction, target)
        if self.beta == 0:
            return sign(distance)
        return np.clip(distance, -self.beta, self.beta) / self.beta

    def target_slope(self, prediction, target):
        return self.slope(target, prediction)


class LogCoshLoss(TwoSidedLoss):
    """The logarithm of the error's hyperbolic cosine: quadratic near 0, linear far out.

    Formula: l = log(cosh(x - t))
    Derivative: dl/dx = tanh(x - t), without a kink; dl/dt = -dl/dx.
    Shapes: x and t broadcast; the losses have their common shape.
    Dtypes: float32 and float64; the loss has the promotion of x's and t's.
    Errors: TypeError for an array that is not floating; ValueError for shapes that do not
        broadcast; RuntimeError for backward before forward.
    Book: not in the book.
    Paper: Green (1990), Bayesian reconstructions from emission tomography data using a modified
        EM algorithm, IEEE Transactions on Medical Imaging 9(1), DOI 10.1109/42.52985.
    PyTorch: no class.
    """

    def measure(self, prediction, target):
        magnitude = np.abs(difference(prediction, target))
        # log cosh d = log(1 + 2 sinh^2(d/2)) keeps the digits of a small d, and
        # |d| + log(1 + e^-2|d|) - log 2 does not overflow for a large one.
        near = np.log1p(2 * np.sinh(np.minimum(magnitude, 1) / 2) ** 2)
        far = magnitude + log1p(np.exp(product(-2, magnitude))) - math.log(2)
        return np.where(magnitude < 1, near, far)

    def slope(self, prediction, target):
        return np.tanh(difference(prediction, target))

    def target_slope(self, prediction, target):
        return self.slope(target, prediction)


class MSLELoss(TwoSidedLoss):
    """The squared error of the logarithms of one plus prediction and target.

    Formula: l = (log(1 + x) - log(1 + t))^2, for x and t above -1
    Derivative: dl/dx = 2 (log(1 + x) - log(1 + t)) / (1 + x), whose factor 2 textbooks often
        forget; dl/dt = 2 (log(1 + t) - log(1 + x)) / (1 + t).
    Shapes: x and t broadcast; the losses have their common shape.
    Dtypes: float32 and float64; the loss has the promotion of x's and t's.
    Errors: TypeError for an array that is not floating; ValueError for shapes that do not
        broadcast or a value that is not above -1; RuntimeError for backward before forward.
    Book: not in the book.
    Paper: Tornqvist, Vartia, Vartia (1985), How should relative changes be measured?, The
        American Statistician 39(1), DOI 10.1080/00031305.1985.10479385.
    PyTorch: no class.
    """

    def prepare(self, prediction, target):
        _checks.check_above(self, -1, prediction=prediction)
        _checks.check_above(self, -1, target=target)
        return super().prepare(prediction, target)

    def measure(self, prediction, target):
        self.log_ratio = difference(np.log1p(prediction), np.log1p(target))
        return self.log_ratio**2

    def slope(self, prediction, target):
        return self.by_number(2 * self.log_ratio, prediction)

    def target_slope(self, prediction, target):
        return self.by_number(-2 * self.log_ratio, target)

    def by_number(self, slope, number):
        """The slope by a number, from that by log(1 + number)."""
        # Infinity over infinity is NaN, as in PyTorch.
        with np.errstate(invalid="ignore"):
            return slope / (1 + number)


class QuantileLoss(TwoSidedLoss):
    """The pinball loss: its least mean over targets is at their quantile.

    Formula: l = max(q (t - x), (q - 1) (t - x)), with q the quantile
    Derivative: dl/dx = -q where x <= t, 1 - q where x > t: at the kink that of the side below, our
        own choice, as PyTorch has no such class; dl/dt = -dl/dx.
    Shapes: x and t broadcast; the losses have their common shape.
    Dtypes: float32 and float64; the loss has the promotion of x's and t's.
    Errors: TypeError for an array that is not floating; ValueError for shapes that do not
        broadcast or a quantile outside [0, 1]; RuntimeError for backward before forward.
    Book: not in the book.
    Paper: Koenker, Bassett (1978), Regression quantiles, Econometrica 46(1),
        DOI 10.2307/1913643.
    PyTorch: no class.
    """

    def __init__(self, quantile=0.5, reduction="mean"):
        super().__init__(reduction)
        self.quantile = _checks.check_fraction(self, quantile=quantile)

    def measure(self, prediction, target):
        shortfall = difference(target, prediction)
        weight = np.where(shortfall >= 0, self.quantile, self.quantile - 1)
        # A quantile of 0 or 1 times an infinite error is NaN.
        with np.errstate(invalid="ignore"):
            return weight.astype(shortfall.dtype) * shortfall

    def slope(self, prediction, target):
        shortfall = difference(target, prediction)
        slope = np.where(shortfall >= 0, -self.quantile, 1 - self.quantile)
        return slope.astype(shortfall.dtype)

    def target_slope(self, prediction, target):
        return -self.slope(prediction, target)


class EpsilonInsensitiveLoss(TwoSidedLoss):
    """The absolute error beyond a tolerated one, as in support vector regression.

    Formula: l = max(|x - t| - epsilon, 0)
    Derivative: dl/dx = sign(x - t) where |x - t| > epsilon, else 0; at the kink 0, as PyTorch's
        relu has it; dl/dt = -dl/dx.
    Shapes: x and t broadcast; the losses have their common shape.
    Dtypes: float32 and float64; the loss has the promotion of x's and t's.
    Errors: TypeError for an array that is not floating; ValueError for shapes that do not
        broadcast or a negative epsilon; RuntimeError for backward before forward.
    Book: not in the book.
    Paper: Vapnik (1995), The nature of statistical learning theory, Springer,
        DOI 10.1007/978-1-4757-2440-0.
    PyTorch: no class.
    """

    def __init__(self, epsilon=0.1, reduction="mean"):
        super().__init__(reduction)
        self.epsilon = _checks.check_nonnegative(self, epsilon=epsilon)

    def measure(self, prediction, target):
        return np.maximum(np.abs(difference(prediction, target)) - self.epsilon, 0)

    def slope(self, prediction, target):
        distance = difference(prediction, target)
        return sign(distance) * (np.abs(distance) - self.epsilon > 0)

    def target_slope(self, prediction, target):
        return -self.slope(prediction, target)
