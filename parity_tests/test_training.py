"""The short form of `parity train`, and a planted bug that it must catch."""

import numpy as np
import pytest

import reference
from parity_tests import training
from parity_tests.networks import NETWORKS


@pytest.mark.parametrize(
    ("name", "optimizer"),
    [
        (network.name, optimizer)
        for network in NETWORKS.values()
        for optimizer in network.optimizers
    ],
)
def test_every_network_trains_as_in_pytorch(name, optimizer):
    *_, outcome = training.train(NETWORKS[name], optimizer, epochs=1, steps=12)
    assert outcome.holds, outcome
    assert outcome.losses[-1] < outcome.losses[0]
    assert bool(outcome.text) == (NETWORKS[name].generate is not None)


def test_a_text_that_goes_on_otherwise_does_not_hold():
    outcome = training.Outcome(text="o rio", their_text="o mar")
    assert not outcome.holds


def test_a_small_cnn_learns_the_digits():
    *_, outcome = training.train(NETWORKS["small"], "sgd", epochs=4)
    assert outcome.holds, outcome
    assert outcome.accuracy > 0.95


def test_a_gradient_that_is_off_in_the_ninth_digit_breaks_the_bound(monkeypatch):
    right = reference.LeakyReLU.backward

    def wrong(self, grad_output):
        grad_input, grad_params = right(self, grad_output)
        return grad_input * (1 + np.float64(1e-9)), grad_params

    monkeypatch.setattr(reference.LeakyReLU, "backward", wrong)
    *_, outcome = training.train(NETWORKS["small"], "sgd", epochs=1, steps=12)
    assert not outcome.holds
