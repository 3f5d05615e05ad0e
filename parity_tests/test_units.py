"""What measures the rounding of PyTorch sees it within what PyTorch computes in one operation."""

import hypothesis
import numpy as np
import pytest
import torch
from hypothesis import given

from parity_tests import catalogue, oracle, slack, trajectories
from parity_tests.catalogue import RunRow

_STEP = 2.0**-36


def _gradients(compute, *arrays):
    """The gradients of a sum that no element has the same share in."""
    tensors = [torch.tensor(array, dtype=torch.float64).requires_grad_() for array in arrays]
    result = compute(*tensors)
    shares = torch.linspace(1, 2, result.numel(), dtype=torch.float64).reshape(result.shape)
    return torch.autograd.grad((result * shares).sum(), tensors)


def _movement(compute):
    """How far a result moves at most, in steps, when the result of every operation moves."""
    still, moves = compute(), []
    for seed in range(8):
        with oracle.Jitter(seed, _STEP):
            moves.append((compute() - still).abs() / _STEP)
    return float(torch.stack(moves).max())


def _cancelled_loss():
    x, t = torch.tensor([-40.0], dtype=torch.float64), torch.tensor([0.5], dtype=torch.float64)
    weight = torch.zeros(1, dtype=torch.float64)
    return torch.nn.functional.binary_cross_entropy_with_logits(x, t, pos_weight=weight)


def _certain():
    return torch.log_softmax(torch.tensor([40.0, 0.0], dtype=torch.float64), 0)[0]


def _far_from_zero():
    x = [1000.0, 1000.1, 1000.3]
    return _gradients(lambda rows: torch.nn.functional.layer_norm(rows, (3,)), x)[0]


def _certain_in_chunks():
    x, weight = [[1.0, 0.0]], [[40.0, 0.0], [0.0, 1.0]]
    options = torch.nn.LinearCrossEntropyOptions(batch_chunk_size=2)
    loss = torch.nn.functional.linear_cross_entropy
    target = torch.tensor([0])
    return _gradients(lambda *of: loss(*of, target, reduction="sum", options=options), x, weight)[0]


@pytest.mark.parametrize(
    ("compute", "terms"),
    [(_cancelled_loss, 10), (_certain, 0.1), (_far_from_zero, 2e5), (_certain_in_chunks, 1)],
)
def test_terms_that_cancel_within_one_operation_move_its_result(compute, terms):
    assert _movement(compute) > terms > 1e6 * float(compute().abs().min()) * _STEP


def test_the_parts_of_a_layer_normalization_add_up_to_its_gradient():
    rng = np.random.default_rng(0)
    arrays = rng.normal(size=(4, 2, 3)), rng.normal(size=(2, 3)), rng.normal(size=(2, 3))

    def normalize(x, weight, bias):
        return torch.nn.functional.layer_norm(x, (2, 3), weight, bias)

    whole = _gradients(normalize, *arrays)
    with oracle.Jitter(0, 0.0):
        parts = _gradients(normalize, *arrays)
    for one, other in zip(whole, parts, strict=True):
        np.testing.assert_allclose(one.numpy(), other.numpy(), rtol=1e-13, atol=1e-14)


@pytest.mark.parametrize("row", catalogue.rows(RunRow), ids=lambda row: row.title)
def test_the_drift_of_every_run_can_be_measured(row):
    settings = hypothesis.settings(slack.DRAWS, max_examples=3)

    @settings
    @given(case=slack.comparison(row)[0])
    def measured(case):
        for dtype in row.dtypes:
            still = row.theirs(case, dtype, lambda number: number)
            moved = [row.theirs(case, dtype, trajectories._nudge(seed, dtype)) for seed in (0, 1)]
            drift = trajectories._drift(still, moved)
            assert {name: track.shape for name, track in drift.items()} == {
                name: np.shape(track) for name, track in still.items()
            }

    measured()
