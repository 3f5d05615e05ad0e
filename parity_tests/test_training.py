"""The short form of `parity train`, and a planted bug that it must catch."""

import numpy as np
import pytest

import reference
from parity_tests import training


@pytest.mark.parametrize("optimizer", list(training.OPTIMIZERS))
@pytest.mark.parametrize("name", list(training.NETWORKS))
def test_every_network_trains_as_in_pytorch(name, optimizer):
    *_, outcome = training.train(training.NETWORKS[name], optimizer, epochs=1, steps=12)
    assert outcome.holds, outcome
    assert outcome.losses[-1] < outcome.losses[0]


def test_a_small_cnn_learns_the_digits():
    *_, outcome = training.train(training.NETWORKS["small"], "sgd", epochs=4)
    assert outcome.holds, outcome
    assert outcome.accuracy > 0.95


def test_a_gradient_that_is_off_in_the_ninth_digit_breaks_the_bound(monkeypatch):
    right = reference.LeakyReLU.backward

    def wrong(self, grad_output):
        grad_input, grad_params = right(self, grad_output)
        return grad_input * (1 + np.float64(1e-9)), grad_params

    monkeypatch.setattr(reference.LeakyReLU, "backward", wrong)
    *_, outcome = training.train(training.NETWORKS["small"], "sgd", epochs=1, steps=12)
    assert not outcome.holds
