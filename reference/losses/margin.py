"""Losses of a margin: what is right by far enough costs nothing (section 10.3)."""

import numpy as np

from reference import _checks, _numeric
from reference._base import Loss
from reference.losses._elementwise import ElementwiseLoss, difference


class _SignLoss(ElementwiseLoss):
    """A loss of scores against labels of -1 and 1, which are not differentiated."""

    non_floating = ("target",)

    def prepare(self, prediction, target):
        _checks.check_broadcast(self, prediction=prediction, target=target)
        return prediction, _checks.check_labels(self, prediction.dtype, target=target)

    def agreement(self, prediction, target):
        """The score in the direction of its label."""
        # A label of 0 times an infinite score is NaN, as in PyTorch.
        return _numeric.product(target, prediction)


class HingeLoss(_SignLoss):
    """What a score lacks to the margin of 1 on the side of its label.

    Formula: l = max(0, 1 - t x), with t = -1 or 1
    Derivative: dl/dx = -t where t x < 1, else 0; at the kink 0, as PyTorch's relu and
        MultiMarginLoss have it.
    Shapes: x and t broadcast; the losses have their common shape.
    Dtypes: float32 and float64, the labels any number; the loss has x's.
    Errors: TypeError for scores that are not floating or labels that are not numbers; ValueError
        for shapes that do not broadcast; RuntimeError for backward before forward.
    Book: section 10.3.
    Paper: Cortes, Vapnik (1995), Support-vector networks, Machine Learning 20(3),
        DOI 10.1007/BF00994018.
    PyTorch: no class.
    """

    def measure(self, prediction, target):
        return np.maximum(1 - self.agreement(prediction, target), 0)

    def slope(self, prediction, target):
        return -target * ~(self.agreement(prediction, target) >= 1)


class SquaredHingeLoss(_SignLoss):
    """The square of the hinge loss.

    Formula: l = max(0, 1 - t x)^2, with t = -1 or 1
    Derivative: dl/dx = -2 t max(0, 1 - t x), without a kink.
    Shapes: x and t broadcast; the losses have their common shape.
    Dtypes: float32 and float64, the labels any number; the loss has x's.
    Errors: TypeError for scores that are not floating or labels that are not numbers; ValueError
        for shapes that do not broadcast; RuntimeError for backward before forward.
    Book: section 10.3.
    Paper: Lee, Mangasarian (2001), SSVM: a smooth support vector machine for classification,
        Computational Optimization and Applications 20(1), DOI 10.1023/A:1011215321374.
    PyTorch: no class.
    """

    def measure(self, prediction, target):
        # A square beyond the largest number is infinite.
        with np.errstate(over="ignore"):
            return np.maximum(1 - self.agreement(prediction, target), 0) ** 2

    def slope(self, prediction, target):
        return _numeric.product(-2 * target, np.maximum(1 - self.agreement(prediction, target), 0))


class SoftMarginLoss(_SignLoss):
    """The logistic loss of a score against a label of -1 or 1.

    Formula: l = log(1 + e^(-t x))
    Derivative: dl/dx = -t s(-t x), with s the sigmoid.
    Shapes: x and t broadcast; the losses have their common shape.
    Dtypes: float32 and float64, the labels any number; the loss has x's.
    Errors: TypeError for scores that are not floating or labels that are not numbers; ValueError
        for shapes that do not broadcast; RuntimeError for backward before forward.
    Book: section 10.3.
    Paper: Friedman, Hastie, Tibshirani (2000), Additive logistic regression, Annals of
        Statistics 28(2), DOI 10.1214/aos/1016218223.
    PyTorch: torch.nn.SoftMarginLoss, whose e^(-t x) overflows: below t x = -709 (float32: -88)
        its loss is infinite and its gradient NaN; ours is right.
    """

    def measure(self, prediction, target):
        losses, self.misses = _numeric.softplus_and_slope(-self.agreement(prediction, target))
        return losses

    def slope(self, prediction, target):
        return _numeric.product(-target, self.misses)


class HingeEmbeddingLoss(_SignLoss):
    """A distance where two things are alike, what it lacks to a margin where they differ.

    Formula: l = x for t = 1, max(0, margin - x) for t = -1, the sum of both for any other t
    Derivative: dl/dx = 1 for t = 1; -1 for t = -1 where x <= margin, else 0: at the kink the
        gradient flows (PyTorch's choice).
    Shapes: x and t broadcast; the losses have their common shape.
    Dtypes: float32 and float64, the labels any number; the loss has x's.
    Errors: TypeError for scores that are not floating or labels that are not numbers; ValueError
        for shapes that do not broadcast; RuntimeError for backward before forward.
    Book: section 10.3.
    Paper: Hadsell, Chopra, LeCun (2006), Dimensionality reduction by learning an invariant
        mapping, CVPR, DOI 10.1109/CVPR.2006.100.
    PyTorch: torch.nn.HingeEmbeddingLoss. No difference.
    """

    def __init__(self, margin=1.0, reduction="mean"):
        super().__init__(reduction)
        self.margin = _checks.check_number(self, margin=margin)

    def measure(self, prediction, target):
        alike = np.where(target != -1, prediction, 0)
        different = np.where(target != 1, np.maximum(self.margin - prediction, 0), 0)
        # Infinities of both parts give NaN, as in PyTorch.
        with np.errstate(invalid="ignore"):
            return alike + different

    def slope(self, prediction, target):
        different = (target != 1) & (self.margin - prediction >= 0)
        return np.subtract(target != -1, different, dtype=prediction.dtype)


class MultiMarginLoss(Loss):
    """What the score of the right class lacks to a margin above each of the others.

    Formula: l = (1/C) sum_{j != t} w_t max(0, margin - x_t + x_j)^p, with C classes and p 1 or 2
    Derivative: dl/dx_j = (1/C) w_t p (margin - x_t + x_j)^(p-1) where that is positive, else 0:
        at the kink 0 (PyTorch's choice); dl/dx_t is minus the sum of the others.
    Shapes: x (..., classes); t (...) integers; w (classes,); the losses (...).
    Dtypes: float32 and float64; the loss has x's.
    Errors: TypeError for scores that are not floating or classes that are not integers;
        ValueError for a class out of range, no classes, or a target or weight of another shape;
        RuntimeError for backward before forward.
    Book: section 10.3, for several classes.
    Paper: Weston, Watkins (1999), Support vector machines for multi-class pattern recognition,
        ESANN.
    PyTorch: torch.nn.MultiMarginLoss. Of an empty batch its mean is 0 and its sum undefined, ours
        are NaN and 0. Terms that are NaN count as 0 in both.
    """

    non_floating = ("target",)

    def __init__(self, p=1, margin=1.0, weight=None, reduction="mean"):
        super().__init__(reduction)
        self.p = _checks.check_choice(self, (1, 2), p=p)
        self.margin = _checks.check_number(self, margin=margin)
        self.weight = _checks.check_optional_array(self, weight=weight)
        self.buffers = [] if weight is None else [weight]

    def forward(self, prediction, target):
        _checks.check_least_rank(self, 1, "(..., classes)", prediction=prediction)
        _checks.check_filled_axis(self, -1, prediction=prediction)
        classes = prediction.shape[-1]
        _checks.check_indices(self, classes, target=target)
        _checks.check_shape(self, prediction.shape[:-1], target=target)
        weight = np.ones(classes) if self.weight is None else self.weight
        _checks.check_shape(self, (classes,), weight=weight)
        self.index = index = target[..., np.newaxis]  # (..., 1)
        self.row_weight = weight.astype(prediction.dtype)[index]  # (..., 1)
        bar = np.take_along_axis(prediction, index, axis=-1) - self.margin  # (..., 1)
        self.excess = np.fmax(difference(prediction, bar), 0)  # 0 at NaN
        np.put_along_axis(self.excess, index, 0, axis=-1)
        # A square beyond the largest number is infinite, and with a weight of 0 NaN, as in PyTorch.
        with np.errstate(over="ignore", invalid="ignore"):
            self.losses = np.sum(self.row_weight * self.excess**self.p, axis=-1) / classes
        return self.reduce(self.losses)

    def backward(self, grad_output=1.0):
        # The mean of the slopes comes before the upstream gradient, as in PyTorch: each product
        # may overflow, and an infinite excess with a weight or an upstream of 0 is NaN.
        share = self.spread(self.p / self.excess.shape[-1], self.losses)[..., np.newaxis]
        upstream = np.asarray(grad_output, share.dtype)[..., np.newaxis]
        with np.errstate(over="ignore", invalid="ignore"):
            slope = share * self.excess ** (self.p - 1) * self.row_weight * (self.excess > 0)
            fall = -np.sum(slope, axis=-1, keepdims=True)
            np.put_along_axis(slope, self.index, fall, axis=-1)
            return upstream * slope, None


class MultiLabelMarginLoss(Loss):
    """What the score of each right label lacks to a margin of 1 above each of the others.

    Formula: l = (1/C) sum_{k in t} sum_{i not in t} max(0, 1 - x_k + x_i), with C labels
    Derivative: dl/dx_i = (1/C) times the number of k with 1 - x_k + x_i > 0, dl/dx_k = -(1/C)
        times the number of such i; at the kink 0 (PyTorch's choice).
    Shapes: x (..., labels); t of x's shape, integers: the right labels, then -1; the losses (...).
    Dtypes: float32 and float64; the loss has x's.
    Errors: TypeError for scores that are not floating or labels that are not integers;
        ValueError for a label out of range, no labels, or a target of another shape;
        RuntimeError for backward before forward.
    Book: section 10.3, for several labels.
    Paper: Zhang, Zhou (2006), Multilabel neural networks with applications to functional
        genomics and text categorization, IEEE Transactions on Knowledge and Data Engineering
        18(10), DOI 10.1109/TKDE.2006.162.
    PyTorch: torch.nn.MultiLabelMarginLoss. Of an empty batch its mean and sum are undefined, ours
        are NaN and 0. Terms that are NaN count as 0 in both, a label named twice counts twice.
    """

    non_floating = ("target",)

    def forward(self, prediction, target):
        _checks.check_least_rank(self, 1, "(..., labels)", prediction=prediction)
        _checks.check_filled_axis(self, -1, prediction=prediction)
        labels = prediction.shape[-1]
        _checks.check_indices(self, labels, ignored=-1, target=target)
        _checks.check_shape(self, prediction.shape, target=target)
        scores, target = prediction.reshape(-1, labels), np.reshape(target, (-1, labels))
        named = np.logical_and.accumulate(target != -1, axis=-1)  # up to the first -1
        rows, slots = np.nonzero(named)
        right = rows, target[rows, slots]
        wrong = scores.copy()
        wrong[right] = -np.inf  # below every bar
        bars = np.full_like(scores, np.inf)  # above every score, where no label is named
        bars[rows, slots] = scores[right] - 1
        losses = np.zeros_like(scores[:, 0])
        slope, above = np.zeros_like(scores), np.zeros_like(scores)
        # One label of every row at a time: the pairs of all would be many times the scores.
        for slot in range(np.max(slots, initial=-1) + 1):
            lack = difference(wrong, bars[:, slot, np.newaxis])
            with np.errstate(over="ignore"):  # a sum beyond the largest number is infinite
                losses += np.sum(np.fmax(lack, 0), axis=-1)  # 0 at NaN
            lacking = lack > 0
            slope += lacking
            above[:, slot] = lacking.sum(axis=-1)
        np.subtract.at(slope, right, above[rows, slots])
        self.slope = (slope / labels).reshape(prediction.shape)
        self.losses = (losses / labels).reshape(prediction.shape[:-1])
        return self.reduce(self.losses)

    def backward(self, grad_output=1.0):
        return self.spread(grad_output, self.losses)[..., None] * self.slope, None
