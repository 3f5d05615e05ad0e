"""Rows: dense layers."""

import torch
from hypothesis import strategies as st

import reference
from parity_tests.catalogue._row import Row, register
from parity_tests.strategies import Draft, Input, shapes, sizes


def _linear(draw):
    features, out = draw(sizes(0, 6)), draw(sizes(0, 6))
    options = {"in_features": features, "out_features": out, "bias": draw(st.booleans())}
    return Draft(options, (Input((*draw(shapes(0, 3)), features)),))


register(
    Row(
        reference.Linear,
        torch.nn.Linear,
        lambda m: reference.Linear(m.in_features, m.out_features, bias=m.bias is not None),
        _linear,
        "sum",
    ),
)
