"""Losses of one class among several (sections 11.2 and 11.3)."""

import math

import numpy as np

from reference import _checks, _numeric
from reference._base import Loss


class _ClassLoss(Loss):
    """A loss with a weight for each class."""

    def __init__(self, weight=None, reduction="mean"):
        super().__init__(reduction)
        self.weight = _checks.check_optional_array(self, weight=weight)
        self.buffers = [] if weight is None else [weight]

    def class_weights(self, prediction):
        """One weight for each class, in the dtype of the prediction."""
        _checks.check_least_rank(self, 1, "(..., classes)", prediction=prediction)
        classes = prediction.shape[-1:]
        if self.weight is None:
            return np.ones(classes, prediction.dtype)
        _checks.check_shape(self, classes, weight=self.weight)
        return self.weight.astype(prediction.dtype)


class _IndexLoss(_ClassLoss):
    """A loss against class indices, one of which is ignored."""

    non_floating = ("target",)

    def __init__(self, weight=None, ignore_index=-100, reduction="mean"):
        super().__init__(weight, reduction)
        index = _checks.check_integer(self, minimum=-math.inf, ignore_index=ignore_index)
        self.ignore_index = index

    def select(self, prediction, target):
        """Keep the index of each row's class and its weight: 0 where it is ignored."""
        weights = self.class_weights(prediction)
        _checks.check_shape(self, prediction.shape[:-1], target=target)
        ignored = self.ignore_index
        _checks.check_indices(self, prediction.shape[-1], ignored=ignored, target=target)
        self.kept = target != ignored
        index = np.where(self.kept, target, 0)
        self.index = index[..., None]  # (batch, ..., 1)
        self.target_weight = np.where(self.kept, weights[index], 0)

    def divisor(self, losses):
        if self.reduction != "mean":
            return 1
        # The mean of targets without weight is NaN, as in PyTorch.
        total = np.sum(self.target_weight)
        return np.where(total == 0, np.nan, total)

    def spread(self, grad_output, losses):
        return np.where(self.kept, super().spread(grad_output, losses), 0)


class CrossEntropyLoss(_IndexLoss):
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

    def forward(self, prediction, target):
        # Like PyTorch, tell the two kinds of target apart by their shapes.
        compare = self.to_probabilities if np.shape(target) == prediction.shape else self.to_indices
        self.losses = compare(prediction, target)
        return self.reduce(self.losses)

    def to_indices(self, prediction, target):
        """The loss of each row against the index of its class."""
        self.select(prediction, target)
        self.log_p = _numeric.log_softmax(prediction)
        hit, miss = 1 - self.label_smoothing, self.label_smoothing / prediction.shape[-1]
        self.shares = np.zeros_like(self.log_p)
        np.put_along_axis(self.shares, self.index, hit * self.target_weight[..., None], axis=-1)
        # A weight of 0 times a log of -inf is NaN, a large product infinite, as in PyTorch.
        with np.errstate(invalid="ignore", over="ignore"):
            chosen = np.take_along_axis(self.log_p, self.index, axis=-1)[..., 0]
            losses = -self.target_weight * chosen
            # Only smoothing makes the loss see the other classes.
            if self.label_smoothing:
                weights = self.class_weights(prediction)
                self.shares += miss * weights
                # A sum too large to hold is infinite before its share is taken.
                losses = hit * losses - miss * np.sum(weights * self.log_p, axis=-1)
        return np.where(self.kept, losses, 0)

    def to_probabilities(self, prediction, target):
        """The loss of each row against the probabilities of its classes."""
        _checks.check_floating(self, "forward", "target", target)
        why = "Class probabilities have no index to ignore."
        _checks.check_negative(self, why, method="forward", ignore_index=self.ignore_index)
        self.kept = True
        self.target_weight = np.ones(prediction.shape[:-1], prediction.dtype)
        self.log_p = _numeric.log_softmax(prediction)
        smooth = (1 - self.label_smoothing) * target + self.label_smoothing / prediction.shape[-1]
        self.shares = self.class_weights(prediction) * smooth
        # A probability of 0 times a log of -inf is NaN, a large sum infinite, as in PyTorch.
        with np.errstate(invalid="ignore", over="ignore"):
            return -np.sum(self.shares * self.log_p, axis=-1)

    def backward(self, grad_output=1.0):
        mass = np.sum(self.shares, axis=-1, keepdims=True)
        pull = self.spread(grad_output, self.losses)[..., None]
        return pull * (mass * np.exp(self.log_p) - self.shares), None

    def grad_target(self, grad_output=1.0):
        pull = self.spread(grad_output, self.losses)[..., None]
        # A weight of 0 times a log of -inf is NaN, as in PyTorch, and what is too large to hold
        # is infinite before smoothing takes its share.
        grad = _numeric.product(-pull * self.class_weights(self.log_p), self.log_p)
        return _numeric.product(1 - self.label_smoothing, grad)


class NLLLoss(_IndexLoss):
    """The negative log-likelihood of the right class, given the logarithms of all.

    Formula: l = -w_t x_t, 0 for the index ignore_index; the mean divides by the sum of w_t
    Derivative: dl/dx_c = -w_t for c = t, else 0.
    Shapes: x (..., classes); t (...) integers; w (classes,); the losses (...).
    Dtypes: float32 and float64; the loss has x's.
    Errors: TypeError for log-probabilities that are not floating or indices that are not
        integers; ValueError for an index out of range, for a target or a weight of another
        shape; RuntimeError for backward before forward.
    Book: section 11.3, on log-probabilities.
    Paper: Bridle (1990), Probabilistic interpretation of feedforward classification network
        outputs, Neurocomputing (NATO ASI F68), DOI 10.1007/978-3-642-76153-9_28.
    PyTorch: torch.nn.NLLLoss, which has the classes on axis 1. No other difference: nothing but
        ignored targets gives NaN with the gradient 0.
    """

    def forward(self, prediction, target):
        self.select(prediction, target)
        self.shape = prediction.shape
        chosen = np.take_along_axis(prediction, self.index, axis=-1)[..., 0]
        # A weight of 0 times a log of -inf is NaN, as in PyTorch.
        with np.errstate(invalid="ignore"):
            self.losses = np.where(self.kept, -self.target_weight * chosen, 0)
        return self.reduce(self.losses)

    def backward(self, grad_output=1.0):
        grad_chosen = -self.spread(grad_output, self.losses) * self.target_weight
        grad_prediction = np.zeros(self.shape, grad_chosen.dtype)
        np.put_along_axis(grad_prediction, self.index, grad_chosen[..., None], axis=-1)
        return grad_prediction, None


class SparseCategoricalCrossEntropyLoss(_IndexLoss):
    """Cross-entropy of probabilities against the index of the right class.

    Formula: l = -w_t log max(p_t, eps), 0 for the index ignore_index; the mean divides by the sum
        of w_t
    Derivative: dl/dp_c = -w_t / p_t for c = t where p_t >= eps, else 0: at the clamp the gradient
        flows, as torch.clamp has it.
    Shapes: p (..., classes); t (...) integers; w (classes,); the losses (...).
    Dtypes: float32 and float64; the loss has p's.
    Errors: TypeError for probabilities that are not floating or indices that are not integers;
        ValueError for a probability outside [0, 1], an index out of range, for a target or a
        weight of another shape; RuntimeError for backward before forward.
    Book: section 11.3, on probabilities.
    Paper: Bridle (1990), Probabilistic interpretation of feedforward classification network
        outputs, Neurocomputing (NATO ASI F68), DOI 10.1007/978-3-642-76153-9_28.
    PyTorch: no class; NLLLoss of the clamped logarithm.
    """

    def __init__(self, weight=None, ignore_index=-100, reduction="mean", eps=1e-12):
        super().__init__(weight, ignore_index, reduction)
        self.eps = _checks.check_positive(self, eps=eps)

    def forward(self, prediction, target):
        _checks.check_unit_interval(self, prediction=prediction)
        self.select(prediction, target)
        self.shape = prediction.shape
        self.chosen = np.take_along_axis(prediction, self.index, axis=-1)[..., 0]
        self.losses = -self.target_weight * np.log(np.maximum(self.chosen, self.eps))
        return self.reduce(self.losses)

    def backward(self, grad_output=1.0):
        slope = -self.target_weight / np.maximum(self.chosen, self.eps)
        pull = self.spread(grad_output, self.losses)
        # Below the clamp not even the NaN of a mean without weight counts.
        grad_chosen = np.where(self.chosen >= self.eps, pull * slope, 0)
        grad_prediction = np.zeros(self.shape, grad_chosen.dtype)
        np.put_along_axis(grad_prediction, self.index, grad_chosen[..., None], axis=-1)
        return grad_prediction, None


class CategoricalCrossEntropyLoss(_ClassLoss):
    """Cross-entropy of probabilities against the probabilities of the classes.

    Formula: l = -sum_c w_c t_c log max(p_c, eps)
    Derivative: dl/dp_c = -w_c t_c / p_c where p_c >= eps, else 0: at the clamp the gradient flows,
        as torch.clamp has it; dl/dt_c = -w_c log max(p_c, eps).
    Shapes: p and t (..., classes); w (classes,); the losses (...).
    Dtypes: float32 and float64; the loss has the promotion of p's and t's.
    Errors: TypeError for an array that is not floating; ValueError for a probability outside
        [0, 1], for a target or a weight of another shape; RuntimeError for backward before
        forward.
    Book: section 11.2, on probabilities.
    Paper: Bridle (1990), Probabilistic interpretation of feedforward classification network
        outputs, Neurocomputing (NATO ASI F68), DOI 10.1007/978-3-642-76153-9_28.
    PyTorch: no class; on logits it is CrossEntropyLoss with class probabilities, and like there
        the mean divides by the number of rows.
    """

    def __init__(self, weight=None, reduction="mean", eps=1e-12):
        super().__init__(weight, reduction)
        self.eps = _checks.check_positive(self, eps=eps)

    def forward(self, prediction, target):
        weights = self.class_weights(prediction)
        _checks.check_shape(self, prediction.shape, target=target)
        _checks.check_unit_interval(self, prediction=prediction)
        self.prediction, self.target, self.weights = prediction, target, weights
        self.log_p = np.log(np.maximum(prediction, self.eps))
        self.losses = -np.sum(weights * target * self.log_p, axis=-1)
        return self.reduce(self.losses)

    def backward(self, grad_output=1.0):
        pull = self.spread(grad_output, self.losses)[..., None]
        inside = self.prediction >= self.eps
        shares = self.weights * self.target * inside / np.maximum(self.prediction, self.eps)
        return -pull * shares, None

    def grad_target(self, grad_output=1.0):
        return -self.spread(grad_output, self.losses)[..., None] * self.weights * self.log_p


class FocalLoss(_IndexLoss):
    """Cross-entropy of logits, with a smaller share for what is already well classified.

    Formula: l = w_t (1 - p_t)^gamma z, with p = softmax(x) and z = -log p_t; 0 for the index
        ignore_index; the mean divides by the sum of w_t
    Derivative: dl/dx_c = w_t (1 - p_t)^gamma (1 + gamma z p_t / (1 - p_t)) (p_c - [c = t]), whose
        second term, the derivative of the factor (1 - p_t)^gamma, textbooks often forget; the
        quotient z p_t / (1 - p_t) is 1 at p_t = 1.
    Shapes: x (..., classes); t (...) integers; w (classes,); the losses (...).
    Dtypes: float32 and float64; the loss has x's.
    Errors: TypeError for logits that are not floating or indices that are not integers;
        ValueError for an index out of range, for a target or a weight of another shape or a
        negative gamma; RuntimeError for backward before forward.
    Book: not in the book.
    Paper: Lin, Goyal, Girshick, He, Dollar (2017), Focal loss for dense object detection, ICCV,
        DOI 10.1109/ICCV.2017.324.
    PyTorch: no class; for gamma 0 it is CrossEntropyLoss.
    """

    def __init__(self, gamma=2.0, weight=None, ignore_index=-100, reduction="mean"):
        super().__init__(weight, ignore_index, reduction)
        self.gamma = _checks.check_nonnegative(self, gamma=gamma)

    def forward(self, prediction, target):
        self.select(prediction, target)
        self.log_p = _numeric.log_softmax(prediction)
        self.z = -np.take_along_axis(self.log_p, self.index, axis=-1)[..., 0]
        focus = (-np.expm1(-self.z)) ** self.gamma  # (1 - p_t)^gamma
        # A weight of 0 times an infinite loss is NaN, as in CrossEntropyLoss.
        losses = _numeric.product(self.target_weight * focus, self.z)
        self.losses = np.where(self.kept, losses, 0)
        return self.reduce(self.losses)

    def backward(self, grad_output=1.0):
        miss = -np.expm1(-self.z)  # 1 - p_t
        p = np.exp(-self.z)
        with np.errstate(invalid="ignore"):  # 0 log 0 is 0
            joint = np.where(p > 0, self.z * p, p)
        quotient = np.divide(joint, miss, out=np.ones_like(miss), where=miss > 0)
        slope = self.target_weight * miss**self.gamma * (1 + self.gamma * quotient)
        pull = (self.spread(grad_output, self.losses) * slope)[..., None]
        right = np.arange(self.log_p.shape[-1]) == self.index
        # Not even a NaN of an ignored row reaches its gradient.
        return np.where(self.kept[..., None], pull * (np.exp(self.log_p) - right), 0), None


class LinearCrossEntropyLoss(CrossEntropyLoss):
    """Cross-entropy of logits that it computes itself, as a weighted sum of the features.

    Formula: the cross-entropy of z = x W^T + b, with the weights of a class after those of the
        class before; for out_features (d1, ...) there are C d1 ... logits, d1 ... for each class
    Derivative: dl/dx = g W, dl/dW = g^T x and dl/db = sum of g, the last two summed over the
        batch, with g = dl/dz as in CrossEntropyLoss; dl/dt too is as there.
    Shapes: x (batch, in_features) or, without out_features, (in_features,); W (C d1 ...,
        in_features), b (C d1 ...,); t (batch, d1, ...) integers, or (batch, d1, ..., C) floating.
    Dtypes: float32 and float64; the loss has the promotion of x's, W's and the probabilities'.
    Errors: TypeError for features or probabilities that are not floating and for indices that are
        not integers; ValueError for another number of features or axes, an index out of range,
        a target or a weight of another shape, or an ignore_index given with probabilities;
        RuntimeError for backward before forward.
    Book: not in the book.
    Paper: Wijmans, Huval, Hertzberg, Koltun, Krahenbuhl (2025), Cut your losses in
        large-vocabulary language models, ICLR.
    PyTorch: torch.nn.LinearCrossEntropyLoss, which has the classes on axis 1. Its options, which
        save memory by chunks, are not needed for the same numbers.
    """

    def __init__(
        self,
        in_features,
        num_classes,
        out_features=(),
        bias=False,
        reduction="mean",
        weight=None,
        ignore_index=None,
        label_smoothing=0.0,
        rng=None,
    ):
        index = -100 if ignore_index is None else ignore_index
        super().__init__(weight, index, reduction, label_smoothing)
        self.given_index = ignore_index
        self.in_features = _checks.check_integer(self, minimum=0, in_features=in_features)
        self.num_classes = _checks.check_integer(self, num_classes=num_classes)
        sizes = {"minimum": 1, "minimum_axes": 0, "out_features": out_features}
        self.out_features = _checks.check_axes(self, **sizes)
        self.bias = _checks.check_flag(self, bias=bias)
        rng = _checks.check_generator(self, rng=rng)
        rows = num_classes * math.prod(self.out_features)
        bound = 1 / math.sqrt(in_features) if in_features else 0.0
        shapes = [(rows, in_features), (rows,)][: 1 + self.bias]
        self.params = [rng.uniform(-bound, bound, shape) for shape in shapes]

    def forward(self, prediction, target):
        ranks = 2 if self.out_features else (1, 2)
        _checks.check_rank(self, ranks, "(batch, in_features)", prediction=prediction)
        _checks.check_last_axis(self, self.in_features, "features", prediction=prediction)
        self.features = prediction
        rows = prediction @ self.params[0].T
        if self.bias:
            rows = rows + self.params[1]
        logits = rows.reshape(*prediction.shape[:-1], self.num_classes, *self.out_features)
        self.class_axis = prediction.ndim - 1
        logits = np.moveaxis(logits, self.class_axis, -1)  # (batch, d1, ..., classes)
        if np.shape(target) == logits.shape:
            why = "with class probabilities"
            _checks.check_absent(self, why, ignore_index=self.given_index)
        return super().forward(logits, target)

    def backward(self, grad_output=1.0):
        grad_logits, _ = super().backward(np.broadcast_to(grad_output, self.output_shapes[0]))
        rows = np.moveaxis(grad_logits, -1, self.class_axis)
        rows = rows.reshape(-1, len(self.params[0]))  # (batch, classes d1 ...)
        features = np.atleast_2d(self.features)  # (batch, in_features)
        grad_params = [rows.T @ features, rows.sum(axis=0)][: 1 + self.bias]
        return (rows @ self.params[0]).reshape(self.features.shape), grad_params
