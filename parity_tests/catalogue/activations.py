"""Rows: activations."""

import numpy as np
import torch

import reference
from parity_tests.catalogue._row import Row, register
from parity_tests.strategies import elementwise, numbers


def _nan_at_infinity(module, inputs, grad_outputs, grad_inputs):
    """PyTorch subtracts infinities there; the limit is 0."""
    return (np.where(np.isinf(inputs[0]), np.nan, grad_inputs[0]).astype(grad_inputs[0].dtype),)


register(
    Row(
        reference.Softsign,
        torch.nn.Softsign,
        lambda m: reference.Softsign(),
        elementwise(),
        "elementwise",
        oracle_floor={"grad_input": "grad_output"},
        correct=_nan_at_infinity,
    ),
    Row(
        reference.LeakyReLU,
        torch.nn.LeakyReLU,
        lambda m: reference.LeakyReLU(alpha=m.negative_slope),
        elementwise(negative_slope=numbers(-2, 2)),
        "exact",
        kinks=(0.0,),
    ),
)
