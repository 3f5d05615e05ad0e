"""Packed sequences, mirrored as PyTorch makes them."""

import numpy as np
import torch
from torch.nn.utils.rnn import pack_padded_sequence

from parity_tests import mirror


def test_mirror_takes_a_packed_sequence_as_pytorch_makes_it():
    module = torch.nn.GRU(3, 4, num_layers=2, bidirectional=True).double()
    rng = np.random.default_rng(0)
    padded = torch.tensor(rng.normal(size=(5, 3, 3)), requires_grad=True)
    packed = pack_padded_sequence(padded, [2, 5, 3], enforce_sorted=False)
    grads = rng.normal(size=(10, 8)), rng.normal(size=(4, 3, 4))

    output, state = module(packed)
    upstream = [torch.from_numpy(grad) for grad in grads]
    (expected,) = torch.autograd.grad([output.data, state], [packed.data], upstream)
    twin = mirror(module)
    (rows, *places), own_state = twin.forward(packed)
    ((grad_rows, *nothing),), _ = twin.backward(*grads)

    np.testing.assert_allclose(rows, output.data.detach().numpy(), rtol=1e-12)
    np.testing.assert_allclose(own_state, state.detach().numpy(), rtol=1e-12)
    np.testing.assert_allclose(grad_rows, expected.numpy(), rtol=1e-11)
    assert nothing == [None, None, None]
    for place, theirs in zip(places, output[1:], strict=True):
        np.testing.assert_array_equal(place, theirs.numpy())
