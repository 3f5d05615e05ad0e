"""The four architectures of chapter 26, whole, against the same networks in torch.nn."""

import numpy as np
import pytest
import torch

from parity_tests import architectures, oracle
from parity_tests.architectures import Sizes
from parity_tests.training import BOUND, one_ulp_away

SIZES = Sizes(d_model=8, nhead=2, dim_feedforward=12, num_layers=2)
RNG = np.random.default_rng(0)
TOKENS = RNG.integers(0, 11, (3, 6))
TARGETS = RNG.integers(0, 11, (3, 5))
IMAGES = RNG.normal(size=(3, 2, 6, 9))  # in PyTorch's layout
# The end of each sequence but the first is padding.
PADDING = np.arange(6) >= np.array([[6], [4], [3]])

CASES = {
    "EncoderOnly": ((11, 4, 7, SIZES), (TOKENS, PADDING)),
    "DecoderOnly": ((11, 7, SIZES), (TOKENS,)),
    "EncoderDecoder": ((11, SIZES), (TOKENS, TARGETS, PADDING)),
    "VisionTransformer": ((2, 6, 3, 4, SIZES), (IMAGES,)),
}


def pair(name):
    """A network on both sides, with the same weights in float64."""
    options, _ = CASES[name]
    torch.manual_seed(0)
    theirs = getattr(architectures, f"Torch{name}")(*options).double()
    # Off their initial zeros and ones.
    with torch.no_grad():
        for param in theirs.parameters():
            param += 0.1 * torch.randn_like(param)
    return getattr(architectures, name)(*options), theirs


def channels_last(array):
    return np.moveaxis(array, 1, -1) if array.ndim == 4 else array


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", CASES)
def test_logits_and_every_gradient_are_pytorch_s(name, dtype):
    ours, theirs = pair(name)
    theirs = theirs.to(getattr(torch, dtype))
    inputs = oracle.cast(CASES[name][1], dtype)
    ours.params = [param.detach().numpy().copy() for param in theirs.parameters()]
    logits = ours.forward(*map(channels_last, inputs))
    upstream = RNG.normal(size=logits.shape).astype(dtype)
    grad_inputs, grad_params = ours.backward(upstream)
    found = [logits, *grad_params]
    if oracle.is_floating(inputs[0]):
        found.append(np.moveaxis(grad_inputs, -1, 1))

    def everything(module):
        results = oracle.run(module, inputs, {}, lambda outputs: [upstream])
        grads = [grad for grad in results.grad_inputs if grad is not None]
        return [*results.outputs, *results.grad_params, *grads]

    # The yardstick: how far PyTorch's own results move when every weight moves by one ulp. The sum
    # of the upstream gradient, which no weight moves, is rounded none the less.
    nudged = everything(one_ulp_away(theirs, seed=0))
    for one, right, beside in zip(found, everything(theirs), nudged, strict=True):
        assert one.dtype == right.dtype
        assert one.shape == right.shape
        yardstick = max(np.abs(beside - right).max(), np.spacing(np.abs(right).max()))
        assert np.abs(one - right).max() <= BOUND * yardstick


def test_later_steps_and_padding_change_nothing():
    ours, _ = pair("DecoderOnly")
    changed = np.concatenate([TOKENS[:, :4], 10 - TOKENS[:, 4:]], axis=1)
    np.testing.assert_array_equal(ours.forward(TOKENS)[:, :4], ours.forward(changed)[:, :4])
    padded = np.where(PADDING, 10 - TOKENS, TOKENS)
    ours, _ = pair("EncoderOnly")
    np.testing.assert_array_equal(ours.forward(TOKENS, PADDING), ours.forward(padded, PADDING))
    ours, _ = pair("EncoderDecoder")
    np.testing.assert_array_equal(
        ours.forward(TOKENS, TARGETS, PADDING), ours.forward(padded, TARGETS, PADDING)
    )


@pytest.mark.parametrize("name", CASES)
def test_a_wrong_gradient_of_attention_breaks_the_bound(name, monkeypatch):
    from reference.layers.attention import _Weighting

    right = _Weighting.backward

    def diagonal(self, *grads):
        """Softmax's diagonal alone, the classical mistake."""
        right(self, *grads)
        weights = self.weights * (1 - self.weights)
        scores = self.scale * weights * (grads[0] @ np.swapaxes(self.value, -1, -2))
        grad_key = np.swapaxes(scores, -1, -2) @ self.query
        return scores @ self.key, grad_key, np.swapaxes(self.dropped, -1, -2) @ grads[0]

    monkeypatch.setattr(_Weighting, "backward", diagonal)
    with pytest.raises(AssertionError):
        test_logits_and_every_gradient_are_pytorch_s(name, "float64")
