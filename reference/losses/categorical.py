"""Losses of one class among several (sections 11.2 and 11.3)."""

import math

import numpy as np

from reference import _checks, _numeric
from reference._base import Loss


class _ClassLoss(Loss):
    """A loss against class indices, with a weight for each class and an ignored class."""

    non_floating = ("target",)

    def __init__(self, weight=None, ignore_index=-100, reduction="mean"):
        super().__init__(reduction)
        self.weight = _checks.check_optional_array(self, weight=weight)
        self.ignore_index = _checks.check_integer(
            self, minimum=-math.inf, ignore_index=ignore_index
        )

    def class_weights(self, input):
        """One weight for each class, in the dtype of the input."""
        classes = input.shape[-1:]
        if self.weight is None:
            return np.ones(classes, input.dtype)
        _checks.check_shape(self, classes, weight=self.weight)
        return self.weight.astype(input.dtype)

    def select(self, input, target):
        """Keep the index of each row's class and its weight: 0 where it is ignored."""
        _checks.check_shape(self, input.shape[:-1], target=target)
        ignored = self.ignore_index
        _checks.check_indices(self, input.shape[-1], ignored=ignored, target=target)
        self.kept = np.asarray(target != ignored)
        index = np.where(self.kept, target, 0)
        self.index = index[..., None]  # (batch, ..., 1)
        self.target_weight = np.where(self.kept, self.class_weights(input)[index], 0)

    def divisor(self, losses):
        if self.reduction != "mean":
            return 1
        # The mean of targets without weight is NaN, as in PyTorch.
        total = np.sum(self.target_weight)
        return np.where(total == 0, np.nan, total)

    def spread(self, grad_output, losses):
        return np.where(self.kept, super().spread(grad_output, losses), 0)


class CrossEntropyLoss(_ClassLoss):
    """Categorical cross-entropy of logits, against class indices or class probabilities.

    Formula: l = -sum_c a_c log p_c, with p = softmax(x). A class index t has the shares
        a_c = (1 - e) w_t [c = t] + e w_c / C; class probabilities t have
        a_c = w_c ((1 - e) t_c + e / C); e is label_smoothing, C the number of classes. The mean
        over indices divides by the sum of w_t, that over probabilities by the number of rows.
        An index equal to ignore_index has l = 0 and no weight.
    Derivative: dl/dx = p sum_c a_c - a, without weights p - t (with weights, textbooks often
        print the opposite sign or leave out the sum); dl/dt_c = -(1 - e) w_c log p_c for
        probabilities.
    Shapes: x (..., classes); t (...) integers, or (..., classes) floating; w (classes,).
    Dtypes: float32 and float64; the loss has the promotion of x's and the probabilities'.
    Errors: TypeError for logits or probabilities that are not floating and for indices that are
        not integers; ValueError for an index out of range, for a target or a weight of another
        shape; RuntimeError for backward before forward.
    Book: sections 11.2 and 11.3, on logits.
    Paper: Szegedy et al. (2016), Rethinking the Inception architecture for computer vision,
        CVPR, DOI 10.1109/CVPR.2016.308 (label smoothing).
    PyTorch: torch.nn.CrossEntropyLoss, which has the classes on axis 1. No other difference:
        nothing but ignored targets gives NaN with the gradient 0, and a probability of 0 at a
        logit of -inf gives NaN.
    """

    def __init__(self, weight=None, ignore_index=-100, reduction="mean", label_smoothing=0.0):
        super().__init__(weight, ignore_index, reduction)
        self.label_smoothing = _checks.check_fraction(self, label_smoothing=label_smoothing)

    def forward(self, input, target):
        # Like PyTorch, tell the two kinds of target apart by their shapes.
        compare = self.to_probabilities if np.shape(target) == input.shape else self.to_indices
        self.losses = compare(input, target)
        return self.reduce(self.losses)

    def to_indices(self, input, target):
        """The loss of each row against the index of its class."""
        self.select(input, target)
        self.log_p = _numeric.log_softmax(input)
        hit = (1 - self.label_smoothing) * self.target_weight
        self.shares = np.zeros_like(self.log_p)
        np.put_along_axis(self.shares, self.index, hit[..., None], axis=-1)
        # A weight of 0 times a log of -inf is NaN, as in PyTorch.
        with np.errstate(invalid="ignore"):
            losses = -hit * np.take_along_axis(self.log_p, self.index, axis=-1)[..., 0]
            # Only smoothing makes the loss see the other classes.
            if self.label_smoothing:
                miss = self.label_smoothing / input.shape[-1] * self.class_weights(input)
                self.shares += miss
                losses = losses - np.sum(miss * self.log_p, axis=-1)
        return np.where(self.kept, losses, 0)

    def to_probabilities(self, input, target):
        """The loss of each row against the probabilities of its classes."""
        _checks.check_floating(self, "forward", "target", target)
        why = "Class probabilities have no index to ignore."
        _checks.check_negative(self, why, method="forward", ignore_index=self.ignore_index)
        self.kept = np.ones(input.shape[:-1], bool)
        self.target_weight = np.ones(input.shape[:-1], input.dtype)
        self.log_p = _numeric.log_softmax(input)
        smooth = (1 - self.label_smoothing) * target + self.label_smoothing / input.shape[-1]
        self.shares = self.class_weights(input) * smooth
        # A probability of 0 times a log of -inf is NaN, as in PyTorch.
        with np.errstate(invalid="ignore"):
            return -np.sum(self.shares * self.log_p, axis=-1)

    def backward(self, grad_output=1.0):
        mass = np.sum(self.shares, axis=-1, keepdims=True)
        pull = self.spread(grad_output, self.losses)[..., None]
        return pull * (mass * np.exp(self.log_p) - self.shares), None

    def grad_target(self, grad_output=1.0):
        pull = self.spread(grad_output, self.losses)[..., None]
        share = (1 - self.label_smoothing) * self.class_weights(self.log_p)
        # A weight of 0 times a log of -inf is NaN, as in PyTorch.
        with np.errstate(invalid="ignore"):
            return -pull * share * self.log_p
