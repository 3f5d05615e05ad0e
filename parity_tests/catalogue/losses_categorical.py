"""Rows: losses of one class among several."""

import functools

import numpy as np
import torch
from hypothesis import strategies as st

import reference
from parity_tests import oracle
from parity_tests.adapter import Adapter
from parity_tests.catalogue._row import Row, register
from parity_tests.catalogue.losses import REDUCTIONS, array_of, forwarding, plain, refused
from parity_tests.oracle import AsIs, ChannelsFirst, formula
from parity_tests.strategies import Draft, Input, numbers, shapes, sizes


class _ClassTargets(ChannelsFirst):
    """Class probabilities have the classes where the logits have them; indices are as they are."""

    def to_reference(self, module, array, unbatched):
        floating = np.issubdtype(array.dtype, np.inexact)
        return super().to_reference(module, array, unbatched) if floating else array

    def to_torch(self, module, array, unbatched):
        floating = np.issubdtype(array.dtype, np.inexact)
        return super().to_torch(module, array, unbatched) if floating else array


_LOGITS = (ChannelsFirst(), _ClassTargets())


# --- what is drawn ---


def _weights(draw, classes):
    if draw(st.booleans()):
        return None
    values = st.sampled_from([0.0, 0.5, 1.0, 3.0])
    return np.array([draw(values) for _ in range(classes)])


def _with_classes(rows, classes):
    """The shape of PyTorch's logits: the classes on axis 1, or alone."""
    return (*rows[:1], classes, *rows[1:])


def _indices(draw, rows, classes):
    """Class indices, some of them ignored, and the ignored index."""
    ignored = draw(st.sampled_from([-100, -1, 0, classes - 1, classes]))
    details = {"low": 0, "high": classes}
    if draw(st.booleans()):
        details["ignored"] = ignored
    return Input(rows, "integers", details), ignored


def _indexed(values="real", last=False, **options):
    """A prediction for each class against indices, with weights and an ignored index."""

    def draw_indexed(draw):
        classes, rows = draw(sizes(1, 4)), draw(shapes(0, 3, 0, 3))
        target, ignored = _indices(draw, rows, classes)
        drawn = {name: draw(strategy) for name, strategy in options.items()}
        drawn |= {
            "weight": _weights(draw, classes),
            "ignore_index": ignored,
            "reduction": draw(REDUCTIONS),
        }
        shape = (*rows, classes) if last else _with_classes(rows, classes)
        return Draft(drawn, (Input(shape, values), target))

    return draw_indexed


def _cross_entropy(draw):
    classes, rows = draw(sizes(1, 4)), draw(shapes(0, 3, 0, 3))
    shape = _with_classes(rows, classes)
    target, ignored = _indices(draw, rows, classes)
    if draw(st.booleans()):
        axis = min(len(rows), 1)
        target = Input(shape, draw(st.sampled_from(["probabilities", "positive", "binary"])))
        if target.values == "probabilities":
            target = Input(shape, "probabilities", {"axis": axis})
        ignored = draw(st.sampled_from([-100, -1]))
    options = {
        "weight": _weights(draw, classes),
        "ignore_index": ignored,
        "reduction": draw(REDUCTIONS),
        "label_smoothing": draw(st.sampled_from([0.0, 0.0, 0.125, 1.0]) | numbers(0, 1)),
    }
    return Draft(options, (Input(shape), target))


def _linear_cross_entropy(draw):
    classes, features = draw(sizes(1, 4)), draw(sizes(0, 4))
    beyond = draw(shapes(0, 2, 1, 3))
    batch = (draw(sizes(0, 3)),) if beyond or draw(st.booleans()) else ()
    rows = (*batch, *beyond)
    target, ignored = _indices(draw, rows, classes)
    # Unsaid, -100 is ignored.
    if target.details.get("ignored", -100) == -100:
        ignored = draw(st.sampled_from([None, ignored]))
    smoothing = draw(st.sampled_from([0.0, 0.0, 0.125, 1.0]))
    if draw(st.booleans()):
        axis = min(len(rows), 1)
        target = Input(_with_classes(rows, classes), "probabilities", {"axis": axis})
        ignored = None
    options = {
        "in_features": features,
        "num_classes": classes,
        "out_features": beyond,
        "bias": draw(st.booleans()),
        "reduction": draw(REDUCTIONS),
        "weight": _weights(draw, classes),
        "ignore_index": ignored,
        "label_smoothing": smoothing,
        "options": draw(st.sampled_from([None, None, _CHUNKS])),
    }
    return Draft(options, (Input((*batch, features)), target))


_CHUNKS = torch.nn.LinearCrossEntropyOptions(allow_retain_graph=True, batch_chunk_size=2)


def _probabilities_of_classes(draw):
    classes, rows = draw(sizes(1, 4)), draw(shapes(0, 2, 0, 3))
    options = {"weight": _weights(draw, classes), "reduction": draw(REDUCTIONS)}
    inputs = (Input((*rows, classes), "probability"), Input((*rows, classes), "probability"))
    return Draft(options, inputs)


# --- formulas, with the classes last ---


def _by_index(function, **defaults):
    """A formula of the losses of chosen classes, weighted, masked and reduced."""

    @functools.wraps(function)
    def loss(x, t, weight, ignore_index, reduction, **options):
        kept = t != ignore_index
        index = torch.where(kept, t, 0)
        # Not even a NaN of an ignored row reaches its gradient.
        x = torch.where(kept[..., None], x, 0.5)
        weights = x.new_ones(x.shape[-1]) if weight is None else weight
        row_weights = torch.where(kept, weights[index], 0)
        losses = torch.where(kept, row_weights * function(x, index[..., None], **options), 0)
        total = losses.sum() if reduction != "none" else losses
        return total / row_weights.sum() if reduction == "mean" else total

    unsaid = {"weight": None, "ignore_index": -100, "reduction": "mean"}
    return formula(loss, buffers=("weight",), **unsaid, **defaults)


def _focal(x, index, gamma):
    z = -torch.log_softmax(x, -1).gather(-1, index)[..., 0]
    # The power of a miss that is 0 has no derivative by autograd.
    miss = -torch.expm1(-z)
    return torch.where(miss > 0, torch.where(miss > 0, miss, 1) ** gamma, float(gamma == 0)) * z


def _sparse(p, index):
    return -torch.log(p.clamp(min=1e-12)).gather(-1, index)[..., 0]


def _categorical(p, t, weight, reduction):
    shares = t if weight is None else weight * t
    losses = -(shares * torch.log(p.clamp(min=1e-12))).sum(-1)
    return {"mean": torch.mean, "sum": torch.sum, "none": torch.clone}[reduction](losses)


def _nan_at_infinity(module, inputs, grad_outputs, grad_inputs):
    """Autograd multiplies p_t = 0 by gamma z, which may overflow; the limit of p log p is 0."""
    (x, t), (grad, unchanged) = inputs, grad_inputs
    if module.gamma == 0:
        return grad_inputs
    kept = t != module.ignore_index
    index = np.where(kept, t, 0)
    # Huge numbers of opposite signs are infinitely far apart too.
    log_p = torch.log_softmax(oracle.to_tensor(x), -1).numpy()
    z = -np.take_along_axis(log_p, index[..., None], axis=-1)[..., 0]
    weights = np.ones(x.shape[-1], x.dtype) if module.weight is None else module.weight.numpy()
    row_weights = np.where(kept, weights[index], 0).astype(x.dtype)
    with np.errstate(all="ignore"):
        shares = grad_outputs[0] * row_weights
        if module.reduction == "mean":
            shares = shares / row_weights.sum()
        lost = kept & ~np.isfinite(shares * z * x.dtype.type(module.gamma))
    return np.where(lost[..., None], x.dtype.type(np.nan), grad), unchanged


# --- conversions and refusals ---


class _InChunks(Adapter):
    """LinearCrossEntropyLoss: computed in chunks, the mean of nothing has the gradient NaN, and an
    ignored row has 0 times its own loss, NaN where that is infinite or NaN."""

    def forward(self, *inputs, **keywords):
        output = super().forward(*inputs, **keywords)
        if not self.in_chunks:
            return output
        layer, target = self.layer, self.inputs[1]
        index = np.where((target >= 0) & (target < layer.num_classes), target, 0)
        log_p = np.take_along_axis(layer.log_p, index[..., None], axis=-1)[..., 0]
        lost = ~layer.kept & ~np.isfinite(log_p)
        lost = lost if layer.reduction == "none" else lost.any()
        return np.where(lost, output.dtype.type(np.nan), output)

    def backward(self, *grad_outputs):
        grad_inputs, grad_params = super().backward(*grad_outputs)
        layer = self.layer
        if self.in_chunks and layer.losses.size and np.isnan(layer.divisor(layer.losses)):
            grad_inputs = (np.full_like(grad_inputs[0], np.nan), None)
            grad_params = [np.full_like(grad, np.nan) for grad in grad_params]
        return grad_inputs, grad_params

    @property
    def in_chunks(self):
        module, indices = self.module, not oracle.is_floating(self.inputs[1])
        chunked = module.options is not None and indices and not module.out_features
        return chunked and not module.label_smoothing


def _linear_of(module):
    return reference.LinearCrossEntropyLoss(
        module.linear.in_features,
        module.num_classes,
        module.out_features,
        module.linear.bias is not None,
        module.reduction,
        array_of(module.weight),
        module.ignore_index,
        module.label_smoothing,
    )


_INDEXED = ("weight", "ignore_index")
_WEIGHT = np.array([1.0, 2.0, 0.5])
_ROWS, _PLACES = np.ones((2, 3)), np.array([0, 2])


def _refusals(component, prediction=_ROWS, **options):
    """Refused: indices that are none, another shape, weights of another number of classes."""

    def act(target, **own):
        return forwarding(component, prediction, target, **options, **own)

    return (
        refused(TypeError, "target must hold integers", act(np.ones(2))),
        refused(TypeError, "target must be a NumPy array of integers", act([0, 2])),
        refused(ValueError, r"target must lie in \[0, 3\); got 3 at index", act(np.array([0, 3]))),
        refused(ValueError, r"target must have shape \(2,\)", act(np.array([0]))),
        refused(ValueError, r"weight must have shape \(3,\)", act(_PLACES, weight=np.ones(2))),
        refused(
            TypeError, "weight must be floating", lambda: component(weight=np.array([1]), **options)
        ),
    )


register(
    Row(
        reference.CrossEntropyLoss,
        torch.nn.CrossEntropyLoss,
        plain(reference.CrossEntropyLoss, "label_smoothing", *_INDEXED),
        _cross_entropy,
        "composite",
        cancels_within=True,
        inputs=_LOGITS,
        refusals=(
            *_refusals(reference.CrossEntropyLoss),
            refused(
                TypeError,
                "target must be floating; got dtype int64",
                forwarding(reference.CrossEntropyLoss, _ROWS, np.ones(_ROWS.shape, np.int64)),
            ),
            refused(
                ValueError,
                "ignore_index must be negative; got 2",
                forwarding(reference.CrossEntropyLoss, _ROWS, _ROWS, ignore_index=2),
            ),
            refused(
                ValueError,
                r"label_smoothing must lie in \[0, 1\]",
                lambda: reference.CrossEntropyLoss(label_smoothing=1.5),
            ),
        ),
    ),
    Row(
        reference.NLLLoss,
        torch.nn.NLLLoss,
        plain(reference.NLLLoss, *_INDEXED),
        _indexed(),
        "composite",
        contiguous=True,
        inputs=_LOGITS,
        refusals=_refusals(reference.NLLLoss),
    ),
    Row(
        reference.LinearCrossEntropyLoss,
        torch.nn.LinearCrossEntropyLoss,
        _linear_of,
        _linear_cross_entropy,
        "composite",
        adapter=_InChunks,
        cancels_within=True,
        warns=True,
        inputs=(AsIs(), _ClassTargets()),
        refusals=(
            *_refusals(
                reference.LinearCrossEntropyLoss, np.ones((2, 4)), in_features=4, num_classes=3
            ),
            refused(
                ValueError,
                "in_features must be at least 0",
                lambda: reference.LinearCrossEntropyLoss(-1, 3),
            ),
            refused(
                ValueError,
                "out_features must be at least 1",
                lambda: reference.LinearCrossEntropyLoss(3, 3, (2, 0)),
            ),
            refused(
                ValueError,
                r"prediction must have 1 or 2 axes \(batch, in_features\)",
                forwarding(
                    reference.LinearCrossEntropyLoss,
                    np.ones((2, 2, 3)),
                    _PLACES,
                    in_features=3,
                    num_classes=3,
                ),
            ),
            refused(
                ValueError,
                r"prediction must have 2 axes \(batch, in_features\)",
                forwarding(
                    reference.LinearCrossEntropyLoss,
                    np.ones(3),
                    _PLACES,
                    in_features=3,
                    num_classes=3,
                    out_features=2,
                ),
            ),
            refused(
                ValueError,
                "4 features on its last axis",
                forwarding(
                    reference.LinearCrossEntropyLoss, _ROWS, _PLACES, in_features=4, num_classes=3
                ),
            ),
            refused(
                ValueError,
                "ignore_index must be None with class probabilities",
                forwarding(
                    reference.LinearCrossEntropyLoss,
                    _ROWS,
                    _ROWS,
                    in_features=3,
                    num_classes=3,
                    ignore_index=-100,
                ),
            ),
        ),
        departure="Computed in chunks, the mean of nothing has the gradient NaN, and an ignored "
        "row the loss NaN where that of its class, or of the first, is infinite or NaN.",
    ),
    Row(
        reference.FocalLoss,
        _by_index(_focal, gamma=2.0),
        plain(reference.FocalLoss, "gamma", *_INDEXED),
        _indexed(last=True, gamma=st.sampled_from([0.0, 1.0, 2.0]) | numbers(1, 5)),
        "composite",
        cancels_within=True,
        correct=_nan_at_infinity,
        literals=(
            (
                {"weight": _WEIGHT, "reduction": "none"},
                ([[1.0, -2.0, 0.5], [1.0, 0.0, -1.0]], [2, 0]),
                [0.20177946947268893, 0.04567779896788489],
            ),
        ),
        refusals=_refusals(reference.FocalLoss),
    ),
    Row(
        reference.SparseCategoricalCrossEntropyLoss,
        _by_index(_sparse),
        plain(reference.SparseCategoricalCrossEntropyLoss, *_INDEXED),
        _indexed("probability", last=True),
        "composite",
        bounds=(0, 1),
        literals=(
            (
                {"weight": _WEIGHT},
                ([[0.25, 0.5, 0.25], [0.0, 0.9, 0.1]], [2, 0]),
                18.88277886432566,
            ),
        ),
        refusals=(
            *_refusals(reference.SparseCategoricalCrossEntropyLoss),
            refused(
                ValueError,
                r"prediction must lie in \[0, 1\]; got 2.0 at index \(0, 0\)",
                forwarding(reference.SparseCategoricalCrossEntropyLoss, 2 * _ROWS, _PLACES),
            ),
        ),
    ),
    Row(
        reference.CategoricalCrossEntropyLoss,
        formula(_categorical, buffers=("weight",), weight=None, reduction="mean"),
        plain(reference.CategoricalCrossEntropyLoss, "weight"),
        _probabilities_of_classes,
        "composite",
        bounds=(0, 1),
        literals=(
            (
                {"weight": _WEIGHT, "reduction": "none"},
                ([[0.25, 0.5, 0.25], [0.0, 0.9, 0.1]], [[0.2, 0.3, 0.5], [0.5, 0.5, 0.0]]),
                [1.0397207708399179, 13.9208710736221],
            ),
        ),
        refusals=(
            refused(
                ValueError,
                r"target must have shape \(2, 3\)",
                forwarding(reference.CategoricalCrossEntropyLoss, _ROWS, np.ones(2)),
            ),
            refused(
                ValueError,
                "at least 1 axes",
                forwarding(reference.CategoricalCrossEntropyLoss, np.ones(()), np.ones(())),
            ),
            refused(
                ValueError,
                r"prediction must lie in \[0, 1\]",
                forwarding(reference.CategoricalCrossEntropyLoss, 2 * _ROWS, _ROWS),
            ),
        ),
    ),
)
