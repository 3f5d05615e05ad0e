"""Rows: the distance and the similarity of two vectors."""

import numpy as np
import torch
from hypothesis import strategies as st

import reference
from parity_tests.catalogue._row import Point, Row, register
from parity_tests.catalogue.losses import broadcastable, forwarding, refused
from parity_tests.strategies import Draft, Input

POWERS = st.sampled_from([2.0, 1.0, 2.0, 3.0, 1.5, 0.5, 0.0, -1.0, np.inf, -np.inf])
_NO_EPS = {"eps": 0.0}
_ROWS = np.ones((2, 3))


def _with_axis(draw):
    """Two shapes that broadcast to one with an axis at least."""
    first, second = broadcastable(draw)
    return (first, second) if first or second else ((1,), (1,))


def _distance(draw):
    options = {
        "p": draw(POWERS),
        "eps": draw(st.sampled_from([1e-6, 0.0, 0.125])),
        "keepdim": draw(st.booleans()),
    }
    first, second = _with_axis(draw)
    # PyTorch has no least of no components.
    if min((*first, *second), default=1) == 0 and (np.isinf(options["p"]) or options["p"] < 0):
        options["p"] = 2.0
    return Draft(options, (Input(first, "grid"), Input(second, "grid", {"offset": 0.25})))


def _cosine(draw):
    first, second = _with_axis(draw)
    rank = max(len(first), len(second))
    options = {
        "dim": draw(st.integers(-rank, rank - 1)),
        "eps": draw(st.sampled_from([1e-8, 0.0, 0.125, 1.0])),
    }
    return Draft(options, (Input(first), Input(second)), differentiable=options["eps"] < 0.1)


def _unfit_pairs(component):
    """The refusals of two arrays of which no vectors make pairs."""
    found = (
        ("input2 must broadcast with input1", np.ones(2), np.ones(3)),
        ("at least 1 axes", np.ones(()), np.ones(())),
    )
    return [refused(ValueError, words, forwarding(component, *pair)) for words, *pair in found]


register(
    Row(
        reference.PairwiseDistance,
        torch.nn.PairwiseDistance,
        lambda m: reference.PairwiseDistance(m.norm, m.eps, m.keepdim),
        _distance,
        "composite",
        cancels_within=True,
        refusals=(
            *_unfit_pairs(reference.PairwiseDistance),
            *(
                refused(
                    ValueError,
                    "must not be empty along axis -1",
                    forwarding(reference.PairwiseDistance, np.ones(0), np.ones(0), p=power),
                )
                for power in (np.inf, -0.5)
            ),
            refused(ValueError, "p must be a number", lambda: reference.PairwiseDistance(np.nan)),
        ),
        points=(
            Point("equal inputs, eps = 0", ([[1.0, 2.0]], [[1.0, 2.0]]), (0, 0, 0), _NO_EPS),
            Point(
                "a tie of the largest, p = inf",
                ([[3.0, 3.0]], [[0.0, 0.0]]),
                (0, 0, 0),
                {**_NO_EPS, "p": np.inf},
            ),
            Point(
                "one equal feature, p = 1",
                ([[1.0, 2.0]], [[1.0, 0.0]]),
                (0, 0, 0),
                {**_NO_EPS, "p": 1.0},
            ),
        ),
    ),
    Row(
        reference.CosineSimilarity,
        torch.nn.CosineSimilarity,
        lambda m: reference.CosineSimilarity(m.dim, m.eps),
        _cosine,
        "composite",
        own_defaults={"dim": -1},
        cancels_within=True,
        refusals=(
            *_unfit_pairs(reference.CosineSimilarity),
            refused(
                ValueError,
                "must have an axis dim=2",
                forwarding(reference.CosineSimilarity, _ROWS, _ROWS, dim=2),
            ),
        ),
        points=(
            Point("a zero vector", ([[0.0, 0.0]], [[0.0, 2.0]]), (0, 0, 1)),
            Point("a norm below eps: the clamp", ([[1e-9, 0.0]], [[1.0, 1.0]]), (0, 0, 0)),
        ),
    ),
)
