"""Rows: the sigmoidal activations (chapter 7)."""

import math

import numpy as np
import torch
from hypothesis import strategies as st

import reference
from parity_tests.catalogue._row import Point, Refusal, Row, register
from parity_tests.oracle import formula
from parity_tests.strategies import Draft, Input, elementwise, numbers, shapes


def _nan_at_infinity(module, inputs, grad_outputs, grad_inputs):
    """PyTorch subtracts infinities there; the limit is 0."""
    return (np.where(np.isinf(inputs[0]), np.nan, grad_inputs[0]).astype(grad_inputs[0].dtype),)


def _float32_sixth(module, inputs, grad_outputs, grad_inputs):
    """PyTorch's slope is 1/6 rounded to float32."""
    (grad,) = grad_inputs
    return (grad * grad.dtype.type(np.longdouble(np.float32(1 / 6)) * 6),)


def _heaviside(x, value_at_zero):
    # Autograd does not know torch.heaviside: it is constant.
    return torch.heaviside(x.detach(), x.new_tensor(value_at_zero))


def _wilson_cowan(x, a, theta):
    return torch.sigmoid(a * (x - theta)) - torch.sigmoid(a * (torch.zeros_like(x) - theta))


def _hardtanh(draw):
    low = draw(numbers(-4, 3))
    high = low + draw(st.sampled_from([0.25, 1.0, 3.5]))
    bounds = draw(st.sampled_from([(low, high), (-math.inf, high), (low, math.inf)]))
    return Draft({"min_val": bounds[0], "max_val": bounds[1]}, (Input(draw(shapes())),))


register(
    Row(
        reference.Heaviside,
        formula(_heaviside, value_at_zero=0.5),
        lambda m: reference.Heaviside(m.value_at_zero),
        elementwise(value_at_zero=numbers(-2, 2)),
        "exact",
        kinks=(0.0,),
        literals=[
            ({}, ([-2.0, 0.0, 1e-300],), [0, 0.5, 1]),
            ({"value_at_zero": 1.0}, ([-1e-300, -0.0, 3.0],), [0, 1, 1]),
        ],
        points=[Point("0", ([0.0],), (0, 0), {"value_at_zero": 0.5})],
    ),
    Row(
        reference.WilsonCowan,
        formula(_wilson_cowan, a=1.2, theta=2.8),
        lambda m: reference.WilsonCowan(m.a, m.theta),
        elementwise(a=numbers(0.0625, 3) | numbers(-3, -0.0625), theta=numbers(-3, 3)),
        "elementwise",
        floor={"output": "one", "grad_input": "grad_output"},
        refusals=[
            Refusal(lambda: reference.WilsonCowan(a=0), ValueError, "a must not be 0; got 0")
        ],
        literals=[
            (
                {"a": 1.2, "theta": 2.8},
                ([-3.0, 0.0, 0.5, 2.8, 10.0],),
                [
                    -0.0326210266371287933,
                    0,
                    0.0259551426950189905,
                    0.466430776718517428,
                    0.966253921099717468,
                ],
            ),
            (
                {"a": -2, "theta": 1},
                ([-1.0, 0.25, 4.0],),
                [0.101216712060025998, -0.0632226017842387845, -0.87832445482124767],
            ),
        ],
    ),
    Row(
        reference.Sigmoid,
        torch.nn.Sigmoid,
        lambda m: reference.Sigmoid(),
        elementwise(),
        "elementwise",
        oracle_floor={"grad_input": "grad_output"},
    ),
    Row(
        reference.Tanh,
        torch.nn.Tanh,
        lambda m: reference.Tanh(),
        elementwise(),
        "elementwise",
        floor={"grad_input": "grad_output"},
    ),
    Row(
        reference.Softsign,
        torch.nn.Softsign,
        lambda m: reference.Softsign(),
        elementwise(),
        "elementwise",
        bends=(0.0,),
        oracle_floor={"grad_input": "grad_output"},
        correct=_nan_at_infinity,
    ),
    Row(
        reference.HardSigmoid,
        torch.nn.Hardsigmoid,
        lambda m: reference.HardSigmoid(),
        elementwise(),
        {"output": "exact", "grad_input": "elementwise"},
        kinks=(-3.0, 3.0),
        correct=_float32_sixth,
    ),
    Row(
        reference.HardTanh,
        torch.nn.Hardtanh,
        lambda m: reference.HardTanh(m.min_val, m.max_val),
        _hardtanh,
        "exact",
        kinks=lambda m: [bound for bound in (m.min_val, m.max_val) if math.isfinite(bound)],
        gradient_at_nan=False,
        refusals=[
            Refusal(lambda: reference.HardTanh(1, 1), ValueError, "min_val must be below max_val=1")
        ],
    ),
)
