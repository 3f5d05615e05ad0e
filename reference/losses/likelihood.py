"""Losses that are a negative log-likelihood, a divergence or a deviance."""

import functools
import math

import numpy as np

from reference import _checks
from reference._base import Loss
from reference._numeric import product
from reference.losses._elementwise import TwoSidedLoss, difference, sum_to_shape


def _unbounded(method):
    """Quotients and powers that overflow are infinite, and infinities that meet give NaN."""

    @functools.wraps(method)
    def unwarned(*arguments):
        with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
            return method(*arguments)

    return unwarned


class GaussianNLLLoss(Loss):
    """The negative log-likelihood of a normal law whose mean and variance are predicted.

    Formula: l = (log v + (x - t)^2 / v) / 2, plus log(2 pi) / 2 if full, with v = max(var, eps)
    Derivative: dl/dx = (x - t) / v; dl/dt = -dl/dx; dl/dvar = (1 - (x - t)^2 / v) / (2 v), which
        also flows where var is below eps: the clamp is not differentiated (PyTorch's choice).
    Shapes: x and t broadcast; var as x, or with axes of length 1, or without x's last axis.
    Dtypes: float32 and float64; the loss has the promotion of x's, t's and var's.
    Errors: TypeError for an array that is not floating; ValueError for a negative variance or
        one of another shape, or for shapes that do not broadcast; RuntimeError for backward
        before forward.
    Book: not in the book.
    Paper: Nix, Weigend (1994), Estimating the mean and variance of the target probability
        distribution, ICNN, DOI 10.1109/ICNN.1994.374138.
    PyTorch: torch.nn.GaussianNLLLoss. No difference; backward returns the pair of the gradients
        of the mean and of the variance.
    """

    def __init__(self, full=False, eps=1e-6, reduction="mean"):
        super().__init__(reduction)
        self.full = _checks.check_flag(self, full=full)
        self.eps = _checks.check_positive(self, eps=eps)

    def forward(self, prediction, target, variance):
        _checks.check_broadcast(self, prediction=prediction, target=target)
        _checks.check_no_negative(self, variance=variance)
        without_last_axis = variance.shape == prediction.shape[:-1] != prediction.shape
        aligned = variance[..., None] if without_last_axis else variance
        _checks.check_broadcast(self, shape=prediction.shape, variance=aligned)
        self.shapes = prediction.shape, aligned.shape, variance.shape, target.shape
        self.distance = difference(prediction, target)
        self.variance = np.maximum(aligned, self.eps)
        # The square may overflow, or meet an infinite variance: not finite, as in PyTorch.
        with np.errstate(over="ignore", invalid="ignore"):
            self.surprise = self.distance**2 / self.variance
        constant = math.log(2 * math.pi) if self.full else 0
        self.losses = (np.log(self.variance) + self.surprise + constant) / 2
        return self.reduce(self.losses)

    def backward(self, grad_output=1.0):
        grad_losses = self.spread(grad_output, self.losses)
        grad_mean = self.shares(grad_losses, self.distance)
        grad_variance = self.shares(grad_losses / 2, 1 - self.surprise)
        mean_shape, aligned_shape, variance_shape, _ = self.shapes
        grad_variance = sum_to_shape(grad_variance, aligned_shape).reshape(variance_shape)
        return (sum_to_shape(grad_mean, mean_shape), grad_variance), None

    def grad_target(self, grad_output=1.0):
        grad_losses = self.spread(grad_output, self.losses)
        return sum_to_shape(self.shares(-grad_losses, self.distance), self.shapes[-1])

    def shares(self, grad_losses, slopes):
        """The gradients by these slopes, of which a variance lets through the less the larger."""
        # Infinity over infinity is NaN, and what overflows infinite, as in PyTorch.
        with np.errstate(invalid="ignore", over="ignore"):
            return grad_losses * slopes / self.variance


class PoissonNLLLoss(TwoSidedLoss):
    """The negative log-likelihood of a Poisson law whose rate, or its logarithm, is predicted.

    Formula: l = e^x - t x for a logarithm of the rate, l = x - t log(x + eps) for a rate; if
        full, plus Stirling's t log t - t + log(2 pi t) / 2 for log(t!) where t > 1
    Derivative: dl/dx = e^x - t, or 1 - t / (x + eps); dl/dt = -x, or -log(x + eps); if full, plus
        log t + 1 / (2 t) where t > 1 (0 at t = 1, PyTorch's choice).
    Shapes: x and t broadcast; the losses have their common shape.
    Dtypes: float32 and float64; the loss has the promotion of x's and t's.
    Errors: TypeError for an array that is not floating; ValueError for shapes that do not
        broadcast; RuntimeError for backward before forward.
    Book: not in the book.
    Paper: Nelder, Wedderburn (1972), Generalized linear models, Journal of the Royal Statistical
        Society A 135(3), DOI 10.2307/2344614.
    PyTorch: torch.nn.PoissonNLLLoss. If full, its dl/dt is NaN at t <= 0, where the masked
        logarithm has no derivative; ours is the unmasked part's.
    """

    def __init__(self, log_input=True, full=False, eps=1e-8, reduction="mean"):
        super().__init__(reduction)
        self.log_input = _checks.check_flag(self, log_input=log_input)
        self.full = _checks.check_flag(self, full=full)
        self.eps = _checks.check_nonnegative(self, eps=eps)

    def rate(self, prediction):
        """The rate of events and its logarithm."""
        # A rate beyond the largest number is infinite, that of a negative one's logarithm NaN.
        with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
            if self.log_input:
                return np.exp(prediction), prediction
            return prediction, np.log(prediction + self.eps)

    def measure(self, prediction, target):
        rate, log_rate = self.rate(prediction)
        # Terms that overflow, and infinities that meet (those of an infinite target do in
        # Stirling's formula), are not finite, as in PyTorch.
        with np.errstate(over="ignore", invalid="ignore"):
            losses = rate - target * log_rate
            return losses + self.log_factorial(target) if self.full else losses

    def log_factorial(self, target):
        large = np.maximum(target, 1)
        stirling = large * np.log(large) - large + np.log(2 * math.pi * large) / 2
        return np.where(target <= 1, 0, stirling)

    def backward(self, grad_output=1.0):
        grad_losses, shape = self.spread(grad_output, self.losses), self.prediction.shape
        grad_rate = sum_to_shape(grad_losses, shape)
        # By the logarithm of the rate, summed before it is divided, as in PyTorch.
        grad_log = -sum_to_shape(product(grad_losses, self.target), shape)
        # Infinities that meet, or a division by 0, give what PyTorch's do.
        with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
            if self.log_input:
                return grad_rate * np.exp(self.prediction) + grad_log, None
            return grad_rate + grad_log / (self.prediction + self.eps), None

    def target_slope(self, prediction, target):
        _, log_rate = self.rate(prediction)
        if not self.full:
            return -log_rate
        large = np.maximum(target, 1)
        stirling_slope = np.where(target <= 1, 0, np.log(large) + 0.5 / large)
        return difference(stirling_slope, log_rate)


class KLDivLoss(TwoSidedLoss):
    """The Kullback-Leibler divergence of a predicted law, given by logarithms, from the target.

    Formula: l = t (log t - x), with x a log-probability and 0 log 0 = 0; for log_target
        l = e^t (t - x); "batchmean" divides the sum by the batch, "mean" by all elements.
    Derivative: dl/dx = -t; dl/dt = log t + 1 - x; for log_target dl/dx = -e^t and
        dl/dt = e^t (t - x) + e^t.
    Shapes: x and t broadcast; the losses have their common shape.
    Dtypes: float32 and float64; the loss has the promotion of x's and t's.
    Errors: TypeError for an array that is not floating; ValueError for shapes that do not
        broadcast; RuntimeError for backward before forward.
    Book: not in the book.
    Paper: Kullback, Leibler (1951), On information and sufficiency, Annals of Mathematical
        Statistics 22(1), DOI 10.1214/aoms/1177729694.
    PyTorch: torch.nn.KLDivLoss. Its dl/dt is NaN at t = 0, where ours is the limit, -inf; where t
        is 0 and x infinite, both losses are NaN.
    """

    reductions = ("mean", "sum", "none", "batchmean")

    def __init__(self, reduction="mean", log_target=False):
        super().__init__(reduction)
        self.log_target = _checks.check_flag(self, log_target=log_target)

    def measure(self, prediction, target):
        # 0 times an infinity, and infinities that meet, give NaN, as in PyTorch.
        with np.errstate(invalid="ignore", over="ignore"):
            if self.log_target:
                return np.exp(target) * (target - prediction)
            return entropy(target) - target * prediction

    def divisor(self, losses):
        if self.reduction == "batchmean":
            return (self.prediction.shape or (1,))[0]
        return super().divisor(losses)

    def slope(self, prediction, target):
        # The exponential of a large target is infinite, as in PyTorch.
        with np.errstate(over="ignore"):
            mass = np.exp(target) if self.log_target else target
        return -mass

    def grad_target(self, grad_output=1.0):
        grad_losses = self.spread(grad_output, self.losses)
        x, t, shape = self.prediction, self.target, self.target.shape
        # 0 times an infinity, and infinities that meet, give NaN, as in PyTorch.
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            if self.log_target:
                mass = np.exp(t)
                # Of either factor, e^t and t - x, in turn.
                by_mass = sum_to_shape(grad_losses * (t - x), shape)
                return by_mass * mass + sum_to_shape(grad_losses * mass, shape)
            total = sum_to_shape(grad_losses, shape)
            # The logarithm of a negative target, NaN, counts where something comes from above.
            unsaid = (total == 0) & (t < 0)
            by_entropy = np.where(unsaid, 0, total * (np.log(t) + 1))
            return by_entropy - sum_to_shape(grad_losses * x, shape)


class PoissonDevianceLoss(TwoSidedLoss):
    """Twice the log-likelihood that a Poisson law of the predicted mean lacks.

    Formula: l = 2 (t log(t / x) - t + x), with x > 0, t >= 0 and 0 log 0 = 0
    Derivative: dl/dx = 2 (x - t) / x; dl/dt = 2 log(t / x), -inf at t = 0.
    Shapes: x and t broadcast; the losses have their common shape.
    Dtypes: float32 and float64; the loss has the promotion of x's and t's.
    Errors: TypeError for an array that is not floating; ValueError for a mean that is not
        positive, a negative target or shapes that do not broadcast; RuntimeError for backward
        before forward.
    Book: not in the book.
    Paper: Nelder, Wedderburn (1972), Generalized linear models, Journal of the Royal Statistical
        Society A 135(3), DOI 10.2307/2344614.
    PyTorch: no class.
    """

    def prepare(self, prediction, target):
        _checks.check_above(self, 0, prediction=prediction)
        _checks.check_no_negative(self, target=target)
        return super().prepare(prediction, target)

    @_unbounded
    def measure(self, prediction, target):
        return 2 * (entropy(target) - target * np.log(prediction) - target + prediction)

    @_unbounded
    def slope(self, prediction, target):
        return (prediction - target) / prediction * 2

    @_unbounded  # -inf at a target of 0
    def target_slope(self, prediction, target):
        return 2 * (np.log(target) - np.log(prediction))


class GammaDevianceLoss(TwoSidedLoss):
    """Twice the log-likelihood that a gamma law of the predicted mean lacks.

    Formula: l = 2 (log(x / t) + t / x - 1), with x > 0 and t > 0
    Derivative: dl/dx = 2 (x - t) / x^2; dl/dt = 2 (1 / x - 1 / t).
    Shapes: x and t broadcast; the losses have their common shape.
    Dtypes: float32 and float64; the loss has the promotion of x's and t's.
    Errors: TypeError for an array that is not floating; ValueError for a mean or a target that
        is not positive, or for shapes that do not broadcast; RuntimeError for backward before
        forward.
    Book: not in the book.
    Paper: Nelder, Wedderburn (1972), Generalized linear models, Journal of the Royal Statistical
        Society A 135(3), DOI 10.2307/2344614.
    PyTorch: no class.
    """

    def prepare(self, prediction, target):
        _checks.check_above(self, 0, prediction=prediction)
        _checks.check_above(self, 0, target=target)
        return super().prepare(prediction, target)

    @_unbounded
    def measure(self, prediction, target):
        return 2 * (np.log(prediction) - np.log(target) + target / prediction - 1)

    @_unbounded
    def slope(self, prediction, target):
        # Two divisions: the square of a small mean vanishes before its quotient is infinite.
        return (prediction - target) / prediction / prediction * 2

    @_unbounded
    def target_slope(self, prediction, target):
        return (target - prediction) / prediction / target * 2


class TweedieDevianceLoss(TwoSidedLoss):
    """Twice the log-likelihood that a Tweedie law of the predicted mean lacks.

    Formula: l = 2 (t^(2-p) / ((1-p) (2-p)) - t x^(1-p) / (1-p) + x^(2-p) / (2-p)), with x > 0 and
        t >= 0; p is power, which sets the variance to x^p: between 1 and 2 for amounts that may
        be 0, above 2 for positive ones
    Derivative: dl/dx = 2 (x - t) / x^p; dl/dt = 2 (t^(1-p) - x^(1-p)) / (1-p), -inf at t = 0.
    Shapes: x and t broadcast; the losses have their common shape.
    Dtypes: float32 and float64; the loss has the promotion of x's and t's.
    Errors: TypeError for an array that is not floating; ValueError for a power of 1 or less, or
        of 2, a mean that is not positive, a negative target (for p above 2, one that is not
        positive), or shapes that do not broadcast; RuntimeError for backward before forward.
    Book: not in the book.
    Paper: Jorgensen (1987), Exponential dispersion models, Journal of the Royal Statistical
        Society B 49(2), DOI 10.1111/j.2517-6161.1987.tb01685.x.
    PyTorch: no class. Powers 0, 1 and 2 are MSELoss, PoissonDevianceLoss, GammaDevianceLoss.
    """

    def __init__(self, power=1.5, reduction="mean"):
        super().__init__(reduction)
        self.power = _checks.check_tweedie_power(self, power=power)

    def prepare(self, prediction, target):
        _checks.check_above(self, 0, prediction=prediction)
        if self.power < 2:
            _checks.check_no_negative(self, target=target)
        else:
            _checks.check_above(self, 0, target=target)
        return super().prepare(prediction, target)

    @_unbounded
    def measure(self, prediction, target):
        one, two = 1 - self.power, 2 - self.power
        saturated = target**two / (one * two)
        return 2 * (saturated - target * prediction**one / one + prediction**two / two)

    @_unbounded
    def slope(self, prediction, target):
        # The power of a huge mean by itself would overflow.
        return (prediction - target) / prediction * prediction ** (1 - self.power) * 2

    @_unbounded  # -inf at a target of 0
    def target_slope(self, prediction, target):
        one = 1 - self.power
        return 2 * (target**one - prediction**one) / one


def entropy(x):
    """x log x, 0 at x = 0; NaN for a negative x, of which the caller silences the warning."""
    return x * np.log(np.where(x == 0, 1, x))
