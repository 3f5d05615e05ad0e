"""Rows: losses of several classes by a margin, of pairs and of triplets."""

import numpy as np
import torch
from hypothesis import strategies as st

import reference
from parity_tests.adapter import Adapter
from parity_tests.catalogue._row import Point, Row, no_counterpart, register
from parity_tests.catalogue.losses import (
    REDUCTIONS,
    broadcastable,
    forwarding,
    plain,
    reduced,
    refused,
)
from parity_tests.catalogue.losses_distances import POWERS
from parity_tests.strategies import Draft, Input, numbers, shapes, sizes

_ROWS, _PLACES = np.ones((2, 3)), np.array([0, 2])
_ONE, _NO = np.ones(()), np.zeros(1, bool)


# --- what is drawn ---


def _classes(draw):
    """The shape of scores: rows of classes, or the classes alone. PyTorch sums no rows at all,
    but answers with what was in memory."""
    reduction = draw(REDUCTIONS)
    batch = draw(st.sampled_from([(), (1,), (3,), (0,) if reduction == "none" else (2,)]))
    return reduction, batch, draw(sizes(1, 4))


def _multi_margin(draw):
    reduction, batch, classes = _classes(draw)
    weight = None
    if draw(st.booleans()):
        values = st.sampled_from([0.0, 0.5, 1.0, 3.0])
        weight = np.array([draw(values) for _ in range(classes)])
    options = {
        "p": draw(st.sampled_from([1, 2])),
        "margin": draw(st.sampled_from([1.0, 0.0]) | numbers(-2, 2)),
        "weight": weight,
        "reduction": reduction,
    }
    places = batch or draw(st.sampled_from([(), (1,)]))
    target = Input(places, "integers", {"low": 0, "high": classes})
    return Draft(options, (Input((*batch, classes)), target))


def _multi_label_margin(draw):
    reduction, batch, classes = _classes(draw)
    shape = (*batch, classes)
    details = {"low": draw(st.sampled_from([-1, 0])), "high": classes, "ignored": -1}
    return Draft({"reduction": reduction}, (Input(shape), Input(shape, "integers", details)))


def _ranking(draw):
    options = {
        "margin": draw(st.sampled_from([0.0, 1.0]) | numbers(-2, 2)),
        "reduction": draw(REDUCTIONS),
    }
    first, second = _of_one_rank(*broadcastable(draw))
    label = draw(st.sampled_from([first, second]))
    values = draw(st.sampled_from(["signs", "real", "integers"]))
    details = {"low": -1, "high": 2} if values == "integers" else {}
    return Draft(options, (Input(first), Input(second), Input(label, values, details)))


def _of_one_rank(*several):
    """Shapes with axes of length 1 in front, so that all have one rank."""
    rank = max(len(shape) for shape in several)
    return [(1,) * (rank - len(shape)) + shape for shape in several]


def _cosine_embedding(draw):
    options = {
        "margin": draw(st.sampled_from([0.0, 0.5]) | numbers(-1, 1)),
        "reduction": draw(REDUCTIONS),
    }
    features = draw(sizes(0, 4))
    batch = draw(st.sampled_from([(), (1,), (3,), (0,)]))
    small = draw(st.sampled_from([batch, (1,)])) if batch and batch[0] else batch
    pair = draw(st.sampled_from([(batch, small), (small, batch)]))
    label = draw(st.sampled_from([batch, small]))
    values = draw(st.sampled_from(["signs", "integers"]))
    details = {"low": -1, "high": 2} if values == "integers" else {}
    inputs = [Input((*rows, features)) for rows in pair]
    # The cosine of two numbers is 1 or -1, but for a rest of 1e-12 that differences cannot see.
    return Draft(options, (*inputs, Input(label, values, details)), differentiable=features != 1)


def _contrastive(draw):
    options = {"margin": draw(numbers(0.125, 4)), "reduction": draw(REDUCTIONS)}
    rows, features = draw(shapes(0, 2, 0, 3)), draw(sizes(1, 3))
    batches = [rows, rows]
    if rows and all(rows) and draw(st.booleans()):
        batches[draw(st.integers(0, 1))] = (1, *rows[1:])
    vectors = [Input((*batch, features)) for batch in batches]
    return Draft(options, (*vectors, Input(rows, "integers", {"low": 0, "high": 2})))


def _triplet(**options):
    def draw_triplet(draw):
        drawn = {name: draw(strategy) for name, strategy in options.items()}
        drawn |= {"swap": draw(st.booleans()), "reduction": draw(REDUCTIONS)}
        drawn["margin"] = draw(st.sampled_from([1.0]) | numbers(0.125, 4))
        rows, features = draw(shapes(0, 2, 0, 3)), draw(sizes(1, 3))
        batches = [rows, rows, rows]
        if rows and all(rows) and draw(st.booleans()):
            batches[draw(st.integers(0, 2))] = (1, *rows[1:])
        inputs = [
            Input((*batch, features), "grid", {"offset": place / 6})
            for place, batch in enumerate(batches)
        ]
        return Draft(drawn, tuple(inputs))

    return draw_triplet


# --- formulas ---


def _contrastive_losses(x, y, t, margin):
    distance = torch.linalg.vector_norm(x - y, dim=-1)
    lack = torch.relu(margin - distance)
    # A label is 0 or 1, its own square; alone, a square may overflow where its share is 0.
    alike, unlike = (1 - t) * distance, t * lack
    return (alike * alike + unlike * unlike) / 2


# --- conversions, and PyTorch's departures from the mathematics ---

# Options of the points where a convention shows.
_MEAN = {"margin": 1.0, "reduction": "mean"}


def _cosine_embedding_of(module):
    eps = float(np.float32(1e-12))
    return reference.CosineEmbeddingLoss(module.margin, module.reduction, eps)


def _triplet_of(module, adapt):
    distance = module.distance_function
    if not isinstance(distance, torch.nn.Module):
        what = f"TripletMarginWithDistanceLoss with distance_function={distance!r}"
        raise no_counterpart(what, "pass a module, such as torch.nn.PairwiseDistance()")
    return reference.TripletMarginWithDistanceLoss(
        adapt(distance).layer, module.margin, module.swap, module.reduction
    )


class _OneRow(Adapter):
    """MultiMarginLoss, which PyTorch also gives one row's scores and its class in an array."""

    def forward(self, prediction, target):
        lone = prediction.ndim == 1 and target.shape == (1,)
        output = super().forward(prediction[np.newaxis] if lone else prediction, target)
        self.inputs = prediction, target
        return output

    def backward(self, *grad_outputs):
        (grad, *others), grad_params = super().backward(*grad_outputs)
        return (np.reshape(grad, self.inputs[0].shape), *others), grad_params


def _triplet_module(distance="default", features=2, **options):
    modules = {
        "default": lambda: None,
        "manhattan": lambda: torch.nn.PairwiseDistance(1.0, eps=0.0),
        "cosine": lambda: torch.nn.CosineSimilarity(dim=-1),
        "bilinear": lambda: torch.nn.Bilinear(features, features, 1),
    }
    made = modules[distance]()
    return torch.nn.TripletMarginWithDistanceLoss(distance_function=made, **options)


def _triplet_with_distance(draw):
    draft = _triplet()(draw)
    distances = ["default", "manhattan", "cosine", "bilinear"]
    features = draft.inputs[0].shape[-1]
    distance = draw(st.sampled_from(distances))
    if distance == "bilinear" and len({part.shape for part in draft.inputs}) > 1:
        distance = "default"  # it does not broadcast
    options = {**draft.options, "distance": distance, "features": features}
    return Draft(options, draft.inputs)


# --- refusals ---


def _refusals(component, target, other):
    """Refused: a target of another kind, out of range, or of another shape."""
    return (
        refused(TypeError, "target must hold integers", forwarding(component, _ROWS, 1.0 * target)),
        refused(ValueError, "got 3 at index", forwarding(component, _ROWS, target + 1)),
        refused(ValueError, "target must have shape", forwarding(component, _ROWS, other)),
        refused(
            ValueError,
            "prediction must not be empty along axis -1",
            forwarding(component, np.ones((2, 0)), target),
        ),
        refused(ValueError, "prediction must have at least 1 axes", forwarding(component, _ONE, 0)),
    )


def _of_labels(component):
    """Refused: labels that are no numbers or no array."""
    return (
        refused(TypeError, "target must hold numbers", forwarding(component, _ROWS, _ROWS, _NO)),
        refused(TypeError, "target must be a NumPy", forwarding(component, _ROWS, _ROWS, [1])),
    )


def _of_vectors(component, measure):
    """Refused: pairs of vectors that do not fit, or have no axis, and labels that do not fit what
    is measured of them."""
    two, three = np.ones(2), np.ones(3)
    return (
        refused(
            ValueError,
            "input2 must broadcast with input1",
            forwarding(component, two, three, _ONE),
        ),
        refused(
            ValueError,
            f"target must broadcast with {measure}",
            forwarding(component, _ROWS, _ROWS, three),
        ),
        refused(ValueError, "input1 must have at least", forwarding(component, _ONE, _ROWS, _ONE)),
        refused(ValueError, "input2 must have at least", forwarding(component, _ROWS, _ONE, _ONE)),
        *_of_labels(component),
    )


register(
    Row(
        reference.MultiMarginLoss,
        torch.nn.MultiMarginLoss,
        plain(reference.MultiMarginLoss, "p", "margin", "weight"),
        _multi_margin,
        "composite",
        adapter=_OneRow,
        refusals=(
            *_refusals(reference.MultiMarginLoss, _PLACES, np.array([0])),
            refused(ValueError, "p must be one of 1, 2", lambda: reference.MultiMarginLoss(p=3)),
            refused(
                ValueError,
                r"weight must have shape \(3,\)",
                forwarding(reference.MultiMarginLoss, _ROWS, _PLACES, weight=np.ones(2)),
            ),
        ),
        points=(
            Point("the margin: x_t - x_j = 1", ([[2.0, 1.0]], [0]), (0, 0, 1)),
            Point("the margin: x_t - x_j = 1", ([[2.0, 1.0]], [0]), (0, 0, 0)),
        ),
    ),
    Row(
        reference.MultiLabelMarginLoss,
        torch.nn.MultiLabelMarginLoss,
        plain(reference.MultiLabelMarginLoss),
        _multi_label_margin,
        "composite",
        refusals=_refusals(
            reference.MultiLabelMarginLoss, np.array([[2, 0, -1]] * 2), np.array([[2, 0]])
        ),
        points=(Point("the margin: x_t - x_j = 1", ([[2.0, 1.0]], [[0, -1]]), (0, 0, 1)),),
    ),
    Row(
        reference.MarginRankingLoss,
        torch.nn.MarginRankingLoss,
        plain(reference.MarginRankingLoss, "margin"),
        _ranking,
        "composite",
        cancels_within=True,
        target_places=(2,),
        refusals=(
            refused(
                ValueError,
                "target must broadcast with input1",
                forwarding(reference.MarginRankingLoss, np.ones(2), np.ones(2), np.ones(3)),
            ),
            *_of_labels(reference.MarginRankingLoss),
        ),
        points=(
            Point("the margin: x1 - x2 = 1, y = 1", ([2.0], [1.0], [1.0]), (0, 0), {"margin": 1.0}),
        ),
    ),
    Row(
        reference.CosineEmbeddingLoss,
        torch.nn.CosineEmbeddingLoss,
        _cosine_embedding_of,
        _cosine_embedding,
        "composite",
        target_places=(2,),
        differentiable_target=False,
        cancels_within=True,
        refusals=_of_vectors(reference.CosineEmbeddingLoss, "cosine"),
        points=(
            Point(
                "the margin: cosine = 0, y = -1", ([[1.0, 0.0]], [[0.0, 1.0]], [-1.0]), (0, 0, 1)
            ),
            Point("a zero vector, y = 1", ([[0.0, 0.0]], [[0.0, 1.0]], [1.0]), (0, 0, 1)),
        ),
        departure="The 1e-12 added to the squared norms is rounded to float32.",
    ),
    Row(
        reference.ContrastiveLoss,
        reduced(_contrastive_losses, margin=1.0),
        plain(reference.ContrastiveLoss, "margin"),
        _contrastive,
        "composite",
        target_places=(2,),
        literals=(
            (
                {"reduction": "none"},
                ([[1.0, 2.0], [0.5, -1.0]], [[1.25, 1.0], [0.25, -1.5]], [0, 1]),
                [0.53125, 0.09723300562505258],
            ),
        ),
        refusals=(
            refused(
                ValueError,
                "margin must be positive",
                lambda: reference.ContrastiveLoss(margin=0.0),
            ),
            *_of_vectors(reference.ContrastiveLoss, "distances"),
        ),
        points=(
            Point("the margin: d = 1, label 1", ([[0.0]], [[1.0]], [1.0]), (0, 0, 0), _MEAN),
            Point("equal inputs, label 1", ([[1.0]], [[1.0]], [1.0]), (0, 0, 0), _MEAN),
        ),
    ),
    Row(
        reference.TripletMarginWithDistanceLoss,
        torch.nn.TripletMarginWithDistanceLoss,
        _triplet_of,
        _triplet_with_distance,
        "composite",
        target_places=(),
        container=True,
        construct=_triplet_module,
        cancels_within=True,
        warns=True,
        refusals=(
            refused(
                TypeError,
                "distance_function.* must have forward",
                lambda: reference.TripletMarginWithDistanceLoss(np.subtract),
            ),
        ),
    ),
    Row(
        reference.TripletMarginLoss,
        torch.nn.TripletMarginLoss,
        plain(reference.TripletMarginLoss, "margin", "p", "eps", "swap"),
        _triplet(p=POWERS, eps=st.sampled_from([1e-6, 0.0, 0.125])),
        "composite",
        target_places=(),
        cancels_within=True,
        refusals=(
            refused(
                ValueError,
                "margin must be positive",
                lambda: reference.TripletMarginLoss(margin=0.0),
            ),
        ),
        points=(
            Point(
                "the margin: d(a,n) - d(a,p) = 1",
                ([[0.0]], [[1.0]], [[2.0]]),
                (1, 0, 0),
                {"eps": 0.0},
            ),
            Point(
                "anchor = positive",
                ([[0.0, 0.0]], [[0.0, 0.0]], [[0.5, 0.0]]),
                (0, 0, 1),
                {"eps": 0.0},
            ),
            Point(
                "swap, d(a,n) = d(p,n)",
                ([[0.0]], [[2.0]], [[1.0]]),
                (2, 0, 0),
                {"eps": 0.0, "swap": True},
            ),
        ),
    ),
)
