"""What the rows of clipping and of update_bn do not say: refusals, and what is put back."""

import math

import numpy as np
import pytest
import torch

import reference
from parity_tests import mirror
from parity_tests.kinds import MESSAGE


def test_a_norm_that_is_not_finite_is_refused_on_demand_and_changes_nothing():
    grads = [np.array([1.0, np.inf])]
    with pytest.raises(RuntimeError, match="have a finite norm; got inf"):
        reference.clip_grad_norm(grads, 1.0, error_if_nonfinite=True)
    np.testing.assert_array_equal(grads[0], [1.0, np.inf])
    reference.clip_grad_norm(grads, 1.0)
    np.testing.assert_array_equal(grads[0], [0.0, np.nan])


@pytest.mark.parametrize(
    ("act", "error", "words"),
    [
        (lambda: reference.clip_grad_value([np.ones(2)], -1), ValueError, "be 0 or more"),
        (lambda: reference.clip_grad_norm(np.ones(2), 1), TypeError, "be a list of arrays"),
        (lambda: reference.clip_grad_norm([np.arange(2)], 1), TypeError, "be floating"),
        (lambda: reference.get_total_norm([np.ones(0)], math.inf), ValueError, "an element or"),
        (lambda: reference.get_total_norm([np.ones(1)], math.nan), ValueError, "be a number"),
    ],
)
def test_bad_input_to_clipping(act, error, words):
    with pytest.raises(error, match=words) as caught:
        act()
    assert MESSAGE.match(str(caught.value))


def test_clipping_refuses_a_read_only_gradient():
    grad = np.ones(2)
    grad.flags.writeable = False
    with pytest.raises(ValueError, match="be writable"):
        reference.clip_grad_norm([grad], 1.0)


def test_update_bn_takes_the_plain_mean_over_the_batches():
    rng = np.random.default_rng(0)
    batches = [rng.normal(size=(5, 3)) for _ in range(4)]
    module = torch.nn.BatchNorm1d(3).double()
    ours = mirror(module).layer
    torch.optim.swa_utils.update_bn([torch.from_numpy(batch) for batch in batches], module)
    ours.training = False
    reference.update_bn(batches, ours, [ours])
    np.testing.assert_allclose(ours.buffers[0], module.running_mean, rtol=1e-14)
    np.testing.assert_allclose(ours.buffers[1], module.running_var, rtol=1e-14)
    assert ours.buffers[2] == 4
    assert ours.momentum == module.momentum
    assert not ours.training
