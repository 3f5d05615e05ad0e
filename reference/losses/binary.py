"""Losses of yes or no: one label, or several labels at once (section 10.2)."""

import numpy as np

from reference import _checks, _numeric
from reference._base import Loss
from reference.losses._elementwise import TwoSidedLoss


def clamped_logs(probability):
    """The logarithms of p and of 1 - p, at least -100 as PyTorch has them."""
    with np.errstate(divide="ignore"):  # log 0 is clamped
        return np.maximum(np.log(probability), -100), np.maximum(np.log1p(-probability), -100)


def odds_slope(numerator, probability, eps):
    """Divide by p (1 - p), which is at least eps as PyTorch has it."""
    return numerator / np.maximum(probability * (1 - probability), eps)


class _ProbabilityLoss(TwoSidedLoss):
    """A loss of probabilities against targets of the same shape, both in [0, 1]."""

    def prepare(self, prediction, target):
        _checks.check_shape(self, prediction.shape, target=target)
        _checks.check_unit_interval(self, prediction=prediction)
        _checks.check_unit_interval(self, target=target)
        return prediction, target


class _WeightedLoss(TwoSidedLoss):
    """An elementwise loss with a constant weight for each element."""

    def __init__(self, weight=None, reduction="mean"):
        super().__init__(reduction)
        self.weight = _checks.check_optional_array(self, weight=weight)
        self.buffers = [] if weight is None else [weight]

    def scale(self, name, prediction):
        """The weight `name`, in the dtype of the prediction; 1 for None."""
        weight = getattr(self, name)
        if weight is None:
            return 1
        _checks.check_broadcast(self, shape=prediction.shape, **{name: weight})
        return weight.astype(prediction.dtype)

    def chain(self, grad_output, slope, shape):
        """The gradient by the slope of each loss without its weight, which comes from above."""
        grad_losses = self.spread(grad_output, self.losses)
        # An infinite slope times 0 is NaN, as in PyTorch.
        return _numeric.product(grad_losses * self.scale("weight", self.prediction), slope)


class _LabelLoss(TwoSidedLoss):
    """An elementwise loss that is averaged over the labels, on the last axis."""

    def reduce(self, losses):
        # The mean over no labels is NaN, and a sum that overflows infinite, as in PyTorch.
        with np.errstate(invalid="ignore", over="ignore"):
            return super().reduce(np.sum(losses, axis=-1) / losses.shape[-1])

    def spread(self, grad_output, losses):
        rows = np.empty(losses.shape[:-1], losses.dtype)
        grad_mean = super().spread(grad_output, rows)
        return grad_mean[..., None] / max(losses.shape[-1], 1)


class BCELoss(_ProbabilityLoss, _WeightedLoss):
    """Binary cross-entropy of a probability.

    Formula: l = -w (t log p + (1 - t) log(1 - p)), both logarithms at least -100
    Derivative: dl/dp = w (p - t) / max(p (1 - p), eps), whose clamp is its own: it does not
        follow that of the logarithms (PyTorch's choice); dl/dt = w (log(1 - p) - log p), without
        a clamp: infinite at p = 0 and 1 (PyTorch's choice).
    Shapes: p and t of one shape; w broadcasts to it.
    Dtypes: float32 and float64; the loss has the promotion of p's and t's.
    Errors: TypeError for an array that is not floating; ValueError for another shape, or for a
        probability or target outside [0, 1]; RuntimeError for backward before forward.
    Book: section 10.2, on probabilities.
    Paper: Cox (1958), The regression analysis of binary sequences, Journal of the Royal
        Statistical Society B 20(2), DOI 10.1111/j.2517-6161.1958.tb00292.x.
    PyTorch: torch.nn.BCELoss, whose eps is 1e-12 rounded to float32 even for float64.
    """

    def __init__(self, weight=None, reduction="mean", eps=1e-12):
        super().__init__(weight, reduction)
        self.eps = _checks.check_positive(self, eps=eps)

    def measure(self, prediction, target):
        log_p, log_q = clamped_logs(prediction)
        return -self.scale("weight", prediction) * (target * log_p + (1 - target) * log_q)

    def slope(self, prediction, target):
        return odds_slope(prediction - target, prediction, self.eps)

    def target_slope(self, prediction, target):
        # The logarithm of 0 is infinite, as in PyTorch.
        with np.errstate(divide="ignore"):
            return np.log1p(-prediction) - np.log(prediction)


class WeightedBCELoss(_ProbabilityLoss):
    """Binary cross-entropy of a probability, with a weight for each of the two classes.

    Formula: l = -(a t log p + b (1 - t) log(1 - p)), with a = positive_weight,
        b = negative_weight, both logarithms at least -100
    Derivative: dl/dp = (b (1 - t) p - a t (1 - p)) / max(p (1 - p), eps), whose clamp is its
        own, as in BCELoss; dl/dt = b log(1 - p) - a log p, with the logarithms' clamp.
    Shapes: p and t of one shape.
    Dtypes: float32 and float64; the loss has the promotion of p's and t's.
    Errors: TypeError for an array that is not floating; ValueError for another shape, for a
        probability or target outside [0, 1] or for a negative weight; RuntimeError for backward
        before forward.
    Book: section 10.2, weighted.
    Paper: King, Zeng (2001), Logistic regression in rare events data, Political Analysis 9(2),
        DOI 10.1093/oxfordjournals.pan.a004868.
    PyTorch: no class; on logits it is BCEWithLogitsLoss with pos_weight = a / b, times b.
    """

    def __init__(self, positive_weight=1.0, negative_weight=1.0, reduction="mean", eps=1e-12):
        super().__init__(reduction)
        self.eps = _checks.check_positive(self, eps=eps)
        self.positive_weight = _checks.check_nonnegative(self, positive_weight=positive_weight)
        self.negative_weight = _checks.check_nonnegative(self, negative_weight=negative_weight)

    def measure(self, prediction, target):
        log_p, log_q = clamped_logs(prediction)
        return -(
            self.positive_weight * target * log_p + self.negative_weight * (1 - target) * log_q
        )

    def slope(self, prediction, target):
        misses = self.positive_weight * target * (1 - prediction)
        alarms = self.negative_weight * (1 - target) * prediction
        return odds_slope(alarms - misses, prediction, self.eps)

    def target_slope(self, prediction, target):
        log_p, log_q = clamped_logs(prediction)
        return self.negative_weight * log_q - self.positive_weight * log_p


class BCEWithLogitsLoss(_WeightedLoss):
    """Binary cross-entropy of a logit.

    Formula: l = -w (v t log s(x) + (1 - t) log s(-x)), with s the sigmoid, v = pos_weight
    Derivative: dl/dx = w ((1 - t) s(x) - v t s(-x)), without weights s(x) - t;
        dl/dt = w (log s(-x) - v log s(x)), without weights -x.
    Shapes: x and t of one shape; w and v broadcast to it.
    Dtypes: float32 and float64; the loss has the promotion of x's and t's.
    Errors: TypeError for an array that is not floating; ValueError for another shape;
        RuntimeError for backward before forward.
    Book: section 10.2, on logits.
    Paper: Cox (1958), The regression analysis of binary sequences, Journal of the Royal
        Statistical Society B 20(2), DOI 10.1111/j.2517-6161.1958.tb00292.x.
    PyTorch: torch.nn.BCEWithLogitsLoss. At x = -inf and t in (0, 1] ours is inf, its NaN; for
        large |x| its s(x) - t and its loss cancel, ours do not.
    """

    def __init__(self, weight=None, reduction="mean", pos_weight=None):
        super().__init__(weight, reduction)
        self.pos_weight = _checks.check_optional_array(self, pos_weight=pos_weight)
        self.buffers += [] if pos_weight is None else [pos_weight]

    def prepare(self, prediction, target):
        _checks.check_shape(self, prediction.shape, target=target)
        return prediction, target

    def measure(self, prediction, target):
        log_p, log_miss = _numeric.log_sigmoids(prediction)
        # A share of 0 times an infinite logarithm is NaN, a large one infinite, as in PyTorch.
        with np.errstate(invalid="ignore", over="ignore"):
            positive = self.scale("pos_weight", prediction) * target * log_p
            negative = (1 - target) * log_miss
            return -self.scale("weight", prediction) * (positive + negative)

    def chain(self, grad_output, slope, shape):
        grad = _numeric.product(np.asarray(grad_output, slope.dtype), slope)
        grad = _numeric.product(grad, self.scale("weight", self.prediction))
        # Last, as in PyTorch: what overflowed before stays infinite.
        return grad / self.divisor(self.losses)

    def slope(self, prediction, target):
        p, miss = _numeric.sigmoids(prediction)
        misses = self.scale("pos_weight", prediction) * target * miss
        alarms = (1 - target) * p
        return alarms - misses

    def target_slope(self, prediction, target):
        if self.pos_weight is None:
            return -prediction  # log s(-x) - log s(x), without the rounding of both
        log_p, log_miss = _numeric.log_sigmoids(prediction)
        return log_miss - _numeric.product(self.scale("pos_weight", prediction), log_p)


class MultiLabelBCELoss(_LabelLoss, BCELoss):
    """Binary cross-entropy of the probabilities of several labels, averaged over the labels.

    Formula: l = -(1/C) sum_c w_c (t_c log p_c + (1 - t_c) log(1 - p_c)), with C labels, both
        logarithms at least -100
    Derivative: dl/dp_c = w_c (p_c - t_c) / max(p_c (1 - p_c), eps) / C, whose clamp is its own,
        and dl/dt_c = w_c (log(1 - p_c) - log p_c) / C without a clamp, as in BCELoss.
    Shapes: p and t (..., labels); w (labels,); the losses (...).
    Dtypes: float32 and float64; the loss has the promotion of p's and t's.
    Errors: TypeError for an array that is not floating; ValueError for another shape, or for a
        probability or target outside [0, 1]; RuntimeError for backward before forward.
    Book: section 10.2, for several labels.
    Paper: Nam, Kim, Loza Mencia, Gurevych, Furnkranz (2014), Large-scale multi-label text
        classification, ECML PKDD, DOI 10.1007/978-3-662-44851-9_28.
    PyTorch: no class; torch.nn.BCELoss(reduction="none") averaged over the last axis.
    """


class MultiLabelSoftMarginLoss(_LabelLoss, _WeightedLoss):
    """Binary cross-entropy of the logits of several labels, averaged over the labels.

    Formula: l = -(1/C) sum_c w_c (t_c log s(x_c) + (1 - t_c) log s(-x_c)), with C labels and s
        the sigmoid
    Derivative: dl/dx_c = w_c ((1 - t_c) s(x_c) - t_c s(-x_c)) / C; dl/dt_c = -w_c x_c / C.
    Shapes: x and t (..., labels); w (labels,), or broadcasts to x; the losses (...).
    Dtypes: float32 and float64, the targets any number; the loss has x's.
    Errors: TypeError for an array that is not floating; ValueError for another shape;
        RuntimeError for backward before forward.
    Book: section 10.2, for several labels.
    Paper: Nam, Kim, Loza Mencia, Gurevych, Furnkranz (2014), Large-scale multi-label text
        classification, ECML PKDD, DOI 10.1007/978-3-662-44851-9_28.
    PyTorch: torch.nn.MultiLabelSoftMarginLoss. No difference.
    """

    non_floating = ("target",)

    def prepare(self, prediction, target):
        _checks.check_least_rank(self, 1, "(..., labels)", prediction=prediction)
        _checks.check_shape(self, prediction.shape, target=target)
        return prediction, _checks.check_labels(self, prediction.dtype, target=target)

    def measure(self, prediction, target):
        log_p, log_miss = _numeric.log_sigmoids(prediction)
        # A share of 0 times an infinite logarithm is NaN, a large one infinite, as in PyTorch.
        with np.errstate(invalid="ignore", over="ignore"):
            positive = target * log_p
            negative = (1 - target) * log_miss
            return -self.scale("weight", prediction) * (positive + negative)

    def slope(self, prediction, target):
        p, miss = _numeric.sigmoids(prediction)
        misses = target * miss
        alarms = (1 - target) * p
        return alarms - misses

    def target_slope(self, prediction, target):
        return -prediction


@_numeric.in_blocks(results=2)
def _focal_losses(x, gamma):
    """f(x) and f(-x), the losses of a positive label and of a negative one."""
    p, miss = _numeric.sigmoids(x)
    log_p, log_miss = _numeric.log_sigmoids(x)
    return -(miss**gamma) * log_p, -(p**gamma) * log_miss


@_numeric.in_blocks(results=2)
def _focal_slopes(x, gamma):
    """f'(x) and f'(-x)."""
    p, miss = _numeric.sigmoids(x)
    log_p, log_miss = _numeric.log_sigmoids(x)
    with np.errstate(invalid="ignore"):  # 0 log 0 is 0
        p_log_p = np.where(p > 0, p * log_p, p)
        miss_log_miss = np.where(miss > 0, miss * log_miss, miss)
    return miss**gamma * (gamma * p_log_p - miss), p**gamma * (gamma * miss_log_miss - p)


class BinaryFocalLoss(TwoSidedLoss):
    """Binary cross-entropy of a logit, with a smaller share for what is already well classified.

    Formula: l = a t f(x) + (1 - a) (1 - t) f(-x), with f(x) = -s(-x)^gamma log s(x), s the
        sigmoid, a = alpha; for alpha None both a and 1 - a are 1
    Derivative: dl/dx = a t f'(x) - (1 - a) (1 - t) f'(-x), with
        f'(x) = s(-x)^gamma (gamma s(x) log s(x) - s(-x)), whose first term, the derivative of
        the factor (1 - p)^gamma, textbooks often forget; dl/dt = a f(x) - (1 - a) f(-x).
    Shapes: x and t of one shape.
    Dtypes: float32 and float64; the loss has the promotion of x's and t's.
    Errors: TypeError for an array that is not floating; ValueError for another shape, a negative
        gamma or an alpha outside [0, 1]; RuntimeError for backward before forward.
    Book: not in the book.
    Paper: Lin, Goyal, Girshick, He, Dollar (2017), Focal loss for dense object detection, ICCV,
        DOI 10.1109/ICCV.2017.324.
    PyTorch: no class; for gamma 0 and alpha None it is BCEWithLogitsLoss.
    """

    def __init__(self, gamma=2.0, alpha=0.25, reduction="mean"):
        super().__init__(reduction)
        self.gamma = _checks.check_nonnegative(self, gamma=gamma)
        self.alpha = alpha if alpha is None else _checks.check_fraction(self, alpha=alpha)

    @property
    def shares(self):
        """What a positive and a negative label count for."""
        return (1, 1) if self.alpha is None else (self.alpha, 1 - self.alpha)

    def prepare(self, prediction, target):
        _checks.check_shape(self, prediction.shape, target=target)
        return prediction, target

    def measure(self, prediction, target):
        positive, negative = self.shares
        misses, alarms = _focal_losses(prediction, self.gamma)
        # A share of 0 times an infinite loss is NaN, as in PyTorch.
        misses = _numeric.product(positive * target, misses)
        return misses + _numeric.product(negative * (1 - target), alarms)

    def slope(self, prediction, target):
        positive, negative = self.shares
        misses, alarms = _focal_slopes(prediction, self.gamma)
        return positive * target * misses - negative * (1 - target) * alarms

    def target_slope(self, prediction, target):
        positive, negative = self.shares
        misses, alarms = _focal_losses(prediction, self.gamma)
        return _numeric.product(positive, misses) - _numeric.product(negative, alarms)


class DiceLoss(Loss):
    """One minus the overlap of two sets, each given by the share in which its members belong.

    Formula: l = 1 - D with D = (2 sum(p t) + s) / (sum p + sum t + s), the sums over each sample,
        s = smooth
    Derivative: dl/dp = (D - 2 t) / (sum p + sum t + s); dl/dt = (D - 2 p) / (sum p + sum t + s).
    Shapes: p and t (batch, ...) of one shape; the losses (batch,).
    Dtypes: float32 and float64; the loss has the promotion of p's and t's.
    Errors: TypeError for an array that is not floating; ValueError for another shape, a negative
        smooth or a share outside [0, 1]; RuntimeError for backward before forward.
    Book: not in the book.
    Paper: Dice (1945), Measures of the amount of ecologic association between species, Ecology
        26(3), DOI 10.2307/1932409; as a loss Milletari, Navab, Ahmadi (2016), V-Net, 3DV,
        DOI 10.1109/3DV.2016.79.
    PyTorch: no class.
    """

    def __init__(self, smooth=1.0, reduction="mean"):
        super().__init__(reduction)
        self.smooth = _checks.check_nonnegative(self, smooth=smooth)

    def forward(self, prediction, target):
        _checks.check_least_rank(self, 1, "(batch, ...)", prediction=prediction)
        _checks.check_shape(self, prediction.shape, target=target)
        _checks.check_unit_interval(self, prediction=prediction)
        _checks.check_unit_interval(self, target=target)
        self.prediction, self.target = prediction, target
        within = tuple(range(1, prediction.ndim))
        self.sizes = np.sum(prediction + target, axis=within, keepdims=True) + self.smooth
        common = np.sum(prediction * target, axis=within, keepdims=True)
        # The overlap of two empty sets, not smoothed, is NaN.
        with np.errstate(invalid="ignore"):
            self.overlap = (2 * common + self.smooth) / self.sizes
        self.losses = 1 - self.overlap.reshape(len(prediction))
        return self.reduce(self.losses)

    def chain(self, grad_output, partner):
        """The gradient of one set, by its partner."""
        grad_losses = self.spread(grad_output, self.losses).reshape(self.sizes.shape)
        return grad_losses * (self.overlap - 2 * partner) / self.sizes

    def backward(self, grad_output=1.0):
        return self.chain(grad_output, self.target), None

    def grad_target(self, grad_output=1.0):
        return self.chain(grad_output, self.prediction)
