"""Rows: losses of yes or no, and of a margin."""

import numpy as np
import torch
from hypothesis import strategies as st

import reference
from parity_tests.catalogue._row import Point, Row, register
from parity_tests.catalogue.losses import (
    REDUCTIONS,
    broadcastable,
    forwarding,
    plain,
    reduced,
    refused,
    refused_mismatch,
)
from parity_tests.strategies import Draft, Input, numbers, shapes

# --- what is drawn ---


def alike(values, targets=None, minimum_rank=0, weights=(), **options):
    """The draw of a loss of two arrays of one shape, with weights that broadcast to it."""
    targets = targets or values
    targets = (targets,) if isinstance(targets, str) else targets

    def draw_alike(draw):
        drawn = {name: draw(strategy) for name, strategy in options.items()}
        drawn["reduction"] = draw(REDUCTIONS)
        shape = draw(shapes(minimum_rank, 3, 0, 3))
        for name in weights:
            drawn[name] = draw(weight_of(shape))
        target = draw(st.sampled_from(targets))
        details = {"low": 0, "high": 2} if target == "integers" else {}
        return Draft(drawn, (Input(shape, values), Input(shape, target, details)))

    return draw_alike


@st.composite
def weight_of(draw, shape):
    """None, or weights that broadcast to a shape."""
    if draw(st.booleans()):
        return None
    kept = shape[draw(st.integers(0, len(shape))) :]
    small = tuple(1 if draw(st.booleans()) else size for size in kept)
    values = st.sampled_from([0.0, 0.5, 1.0, 3.0])
    return np.array([draw(values) for _ in range(int(np.prod(small)))]).reshape(small)


# --- formulas ---


def _weighted_bce(p, t, positive_weight, negative_weight):
    bce = torch.nn.functional.binary_cross_entropy
    misses = bce(p, torch.ones_like(p), reduction="none")
    alarms = bce(p, torch.zeros_like(p), reduction="none")
    return positive_weight * t * misses + negative_weight * (1 - t) * alarms


def _multi_label_bce(p, t, weight):
    bce = torch.nn.functional.binary_cross_entropy
    return bce(p, t, weight, reduction="none").mean(-1)


def _binary_focal(x, t, gamma, alpha):
    positive, negative = (1, 1) if alpha is None else (alpha, 1 - alpha)
    log_sigmoid = torch.nn.functional.logsigmoid

    def power(log_p):
        # By its logarithm: a power of 0 below the first has an infinite slope.
        return torch.exp(gamma * log_p) if gamma else torch.ones_like(log_p)

    misses = power(log_sigmoid(-x)) * log_sigmoid(x)
    alarms = power(log_sigmoid(x)) * log_sigmoid(-x)
    return -positive * t * misses - negative * (1 - t) * alarms


def _dice(p, t, smooth):
    p, t = p.reshape(len(p), p[:1].numel()), t.reshape(len(t), t[:1].numel())
    return 1 - (2 * (p * t).sum(1) + smooth) / (p.sum(1) + t.sum(1) + smooth)


def _hinge(x, t):
    return torch.relu(1 - t * x)


def _squared_hinge(x, t):
    return torch.relu(1 - t * x) ** 2


# --- PyTorch's departures from the mathematics ---


def _spoil(module, output, lost, value):
    """An output in which the losses of some elements, or their mean or sum, are `value`."""
    if module.reduction != "none":
        lost = lost.any() & ~np.isnan(output)
    return np.where(lost, output.dtype.type(value), output)


def _bce_at_minus_infinity(module, inputs, output):
    """PyTorch adds infinities of both signs there."""
    x, t = inputs
    return _spoil(module, output, np.isneginf(x) & (t > 0), np.nan)


def _overflowing(inputs):
    """Where e^(-t x) is infinite."""
    with np.errstate(over="ignore", invalid="ignore"):
        return np.isinf(np.exp(-inputs[1] * inputs[0]))


def _soft_margin_overflow(module, inputs, output):
    """PyTorch takes the logarithm of an infinite power."""
    return _spoil(module, output, _overflowing(inputs), np.inf)


def _soft_margin_nan(module, inputs, grad_outputs, grad_inputs):
    """PyTorch divides an infinite power by itself."""
    grad, unchanged = grad_inputs
    lost = _summed_any(_overflowing(inputs), grad.shape)
    return np.where(lost, grad.dtype.type(np.nan), grad), unchanged


def _summed_any(lost, shape):
    """Whether any of the elements into which one is broadcast is lost."""
    axes = tuple(range(lost.ndim - len(shape)))
    lost = lost.any(axis=axes)
    stretched = tuple(axis for axis, size in enumerate(shape) if size == 1)
    return lost.any(axis=stretched, keepdims=True)


def _nan_at_infinity(module, inputs, grad_outputs, grad_inputs):
    """Autograd multiplies p = 0 by gamma log p, which may overflow; the limit of p log p is 0."""
    (x, t), (grad, grad_target) = inputs, grad_inputs
    positive, negative = (1, 1) if module.alpha is None else (module.alpha, 1 - module.alpha)
    shares = np.where(x < 0, positive * t, negative * (1 - t)).astype(x.dtype)
    with np.errstate(all="ignore"):
        upstream = grad_outputs[0] / x.dtype.type(x.size if module.reduction == "mean" else 1)
        lost = ~np.isfinite(upstream * shares * x * x.dtype.type(module.gamma))
    return np.where(lost & (module.gamma > 0), x.dtype.type(np.nan), grad), grad_target


def _clamped(component, *names):
    """The layer with PyTorch's bound of p (1 - p), which is rounded to float32."""
    convert = plain(component, *names)

    def convert_clamped(module):
        layer = convert(module)
        layer.eps = float(np.float32(layer.eps))
        return layer

    return convert_clamped


_MISSHAPEN = np.ones((2, 1))


def _other_shape(component, **options):
    """Refused: a target of another shape, even if it would broadcast."""
    act = forwarding(component, np.ones(2) / 2, _MISSHAPEN, **options)
    return refused(ValueError, r"target must have shape \(2,\)", act)


def _improbable(component, **options):
    """Refused: a probability that is none."""
    act = forwarding(component, np.array([0.5, 1.5]), np.ones(2), **options)
    return refused(ValueError, r"prediction must lie in \[0, 1\]; got 1.5 at index \(1,\)", act)


def _improbable_target(component):
    """Refused: a target that is no probability."""
    act = forwarding(component, np.ones(2), np.array([0.5, -0.5]))
    return refused(ValueError, r"target must lie in \[0, 1\]; got -0.5 at index \(1,\)", act)


def _wide_weight(component, name="weight"):
    """Refused: weights that do not broadcast to the prediction."""
    act = forwarding(component, np.ones(2) / 2, np.ones(2), **{name: np.ones(3)})
    return refused(ValueError, rf"{name} must broadcast to shape \(2,\)", act)


def _listed_weight(component, **options):
    """Refused: weights that are no array."""
    return refused(
        TypeError, "weight must be a NumPy array", lambda: component(weight=[1.0], **options)
    )


def _labelled(labels=("signs",), **options):
    """Scores against labels that broadcast to them."""

    def draw_labelled(draw):
        drawn = {name: draw(strategy) for name, strategy in options.items()}
        drawn["reduction"] = draw(REDUCTIONS)
        values = draw(st.sampled_from(labels))
        details = {"low": -1, "high": 3} if values == "integers" else {}
        score, label = broadcastable(draw)
        if np.broadcast_shapes(score, label) != score:
            score, label = label, score
        return Draft(drawn, (Input(score), Input(label, values, details)))

    return draw_labelled


def _unlabelled(component):
    """Refused: labels that are no numbers, or no array."""
    return (
        refused(TypeError, "target must be a NumPy array", forwarding(component, np.ones(1), [1])),
        refused(
            TypeError,
            "target must hold numbers; got dtype bool",
            forwarding(component, np.ones(1), np.ones(1, bool)),
        ),
    )


register(
    Row(
        reference.BCELoss,
        torch.nn.BCELoss,
        _clamped(reference.BCELoss, "weight"),
        alike("probability", weights=("weight",)),
        "composite",
        bounds=(0, 1),
        refusals=(
            _other_shape(reference.BCELoss),
            _improbable(reference.BCELoss),
            _improbable_target(reference.BCELoss),
            _wide_weight(reference.BCELoss),
            _listed_weight(reference.BCELoss),
        ),
        points=(
            Point("p = 0, target 1: the clamp", ([0.0], [1.0]), (0, 0)),
            Point("p = 1, target 0: the clamp", ([1.0], [0.0]), (0, 0)),
            Point("p = 1, target 1", ([1.0], [1.0]), (0, 0)),
            Point("p = 0: the target's", ([0.0], [0.5]), (1, 0)),
        ),
        departure="The gradient's bound of p (1 - p) is 1e-12 rounded to float32.",
    ),
    Row(
        reference.BCEWithLogitsLoss,
        torch.nn.BCEWithLogitsLoss,
        plain(reference.BCEWithLogitsLoss, "weight", "pos_weight"),
        alike("real", "probability", weights=("weight", "pos_weight")),
        "composite",
        cancels_within=True,
        correct_output=_bce_at_minus_infinity,
        refusals=(
            _other_shape(reference.BCEWithLogitsLoss),
            _wide_weight(reference.BCEWithLogitsLoss),
            _wide_weight(reference.BCEWithLogitsLoss, "pos_weight"),
        ),
    ),
    Row(
        reference.WeightedBCELoss,
        reduced(_weighted_bce, positive_weight=1.0, negative_weight=1.0),
        _clamped(reference.WeightedBCELoss, "positive_weight", "negative_weight"),
        alike("probability", positive_weight=numbers(0, 4), negative_weight=numbers(0, 4)),
        "composite",
        bounds=(0, 1),
        literals=(
            (
                {"positive_weight": 2.0, "negative_weight": 0.5, "reduction": "none"},
                ([0.25, 0.9, 1e-3], [1.0, 0.0, 0.5]),
                [2.772588722239781, 1.151292546497023, 6.908005404065533],
            ),
        ),
        refusals=(
            _other_shape(reference.WeightedBCELoss),
            _improbable(reference.WeightedBCELoss),
            _improbable_target(reference.WeightedBCELoss),
        ),
    ),
    Row(
        reference.MultiLabelBCELoss,
        reduced(_multi_label_bce, buffers=("weight",), weight=None),
        _clamped(reference.MultiLabelBCELoss, "weight"),
        alike("probability", minimum_rank=1, weights=("weight",)),
        "composite",
        bounds=(0, 1),
        literals=(
            (
                {"weight": np.array([1.0, 2.0, 0.5])},
                ([0.25, 0.9, 1e-3], [1.0, 0.0, 0.5]),
                2.5728844973123044,
            ),
        ),
        refusals=(
            _other_shape(reference.MultiLabelBCELoss),
            _improbable(reference.MultiLabelBCELoss),
            _improbable_target(reference.MultiLabelBCELoss),
        ),
    ),
    Row(
        reference.MultiLabelSoftMarginLoss,
        torch.nn.MultiLabelSoftMarginLoss,
        plain(reference.MultiLabelSoftMarginLoss, "weight"),
        alike("real", ("probability", "binary", "integers"), 1, ("weight",)),
        "composite",
        cancels_within=True,
        refusals=(
            _other_shape(reference.MultiLabelSoftMarginLoss),
            refused(
                ValueError,
                "at least 1 axes",
                forwarding(reference.MultiLabelSoftMarginLoss, np.ones(()), np.ones(())),
            ),
        ),
    ),
    Row(
        reference.BinaryFocalLoss,
        reduced(_binary_focal, gamma=2.0, alpha=0.25),
        plain(reference.BinaryFocalLoss, "gamma", "alpha"),
        alike(
            "real",
            "probability",
            gamma=st.sampled_from([0.0, 1.0, 2.0]) | numbers(0, 5),
            alpha=st.none() | st.sampled_from([0.0, 1.0]) | numbers(0, 1),
        ),
        "composite",
        cancels_within=True,
        huge=8e37,  # autograd multiplies by the upstream before it does by a share
        correct=_nan_at_infinity,
        literals=(
            (
                {"reduction": "none"},
                ([0.5, -3.0, 8.0], [1.0, 0.0, 0.5]),
                [0.01689337262937591, 8.196249337274815e-05, 2.998113929646099],
            ),
        ),
        refusals=(_other_shape(reference.BinaryFocalLoss),),
    ),
    Row(
        reference.DiceLoss,
        reduced(_dice, smooth=1.0),
        plain(reference.DiceLoss, "smooth"),
        alike("probability", minimum_rank=1, smooth=st.just(0.0) | numbers(0.125, 2)),
        "composite",
        literals=(
            (
                {"reduction": "none"},
                ([[0.25, 0.9], [0.5, 0.125]], [[1.0, 0.0], [1.0, 0.5]]),
                [0.5238095238095238, 0.32],
            ),
        ),
        refusals=(
            _other_shape(reference.DiceLoss),
            _improbable(reference.DiceLoss),
            _improbable_target(reference.DiceLoss),
            refused(
                ValueError,
                r"at least 1 axes \(batch, ...\)",
                forwarding(reference.DiceLoss, np.ones(()), np.ones(())),
            ),
        ),
    ),
    Row(
        reference.HingeLoss,
        reduced(_hinge),
        plain(reference.HingeLoss),
        _labelled(),
        "composite",
        kinks=(-1.0, 1.0),
        differentiable_target=False,
        literals=(({"reduction": "none"}, ([0.5, -3.0, 8.0], [1, 1, -1]), [0.5, 4.0, 9.0]),),
        refusals=(refused_mismatch(reference.HingeLoss), *_unlabelled(reference.HingeLoss)),
        points=(Point("the margin: t x = 1", ([1.0], [1.0]), (0, 0), {"reduction": "mean"}),),
    ),
    Row(
        reference.SquaredHingeLoss,
        reduced(_squared_hinge),
        plain(reference.SquaredHingeLoss),
        _labelled(),
        "composite",
        kinks=(-1.0, 1.0),
        differentiable_target=False,
        literals=(({"reduction": "none"}, ([0.5, -3.0, 8.0], [1, 1, -1]), [0.25, 16.0, 81.0]),),
        refusals=(refused_mismatch(reference.SquaredHingeLoss),),
        points=(Point("the margin: t x = 1", ([1.0], [1.0]), (0, 0), {"reduction": "mean"}),),
    ),
    Row(
        reference.SoftMarginLoss,
        torch.nn.SoftMarginLoss,
        plain(reference.SoftMarginLoss),
        _labelled(("signs", "signs", "real")),
        "composite",
        differentiable_target=False,
        correct=_soft_margin_nan,
        correct_output=_soft_margin_overflow,
        refusals=(refused_mismatch(reference.SoftMarginLoss),),
    ),
    Row(
        reference.HingeEmbeddingLoss,
        torch.nn.HingeEmbeddingLoss,
        plain(reference.HingeEmbeddingLoss, "margin"),
        _labelled(("signs", "integers"), margin=st.sampled_from([1.0, 0.0]) | numbers(-2, 2)),
        "composite",
        kinks=lambda m: (m.margin,),
        huge=3e36,  # whether a sum of both signs overflows depends on its order
        differentiable_target=False,
        refusals=(refused_mismatch(reference.HingeEmbeddingLoss),),
        points=(Point("the margin: x = 1, y = -1", ([1.0], [-1.0]), (0, 0)),),
    ),
)
