"""Rows: optimizers."""

import torch
from hypothesis import strategies as st

import reference
from parity_tests.catalogue._row import OptimizerRow, register
from parity_tests.strategies import numbers


def _sgd(draw):
    momentum = draw(st.sampled_from([0.0, 0.5, 0.9]))
    nesterov = momentum > 0 and draw(st.booleans())
    return {
        "lr": draw(numbers(1e-4, 0.5)),
        "momentum": momentum,
        "dampening": 0.0 if nesterov else draw(numbers(0, 1)),
        "weight_decay": draw(numbers(0, 0.5)),
        "nesterov": nesterov,
        "maximize": draw(st.booleans()),
    }


register(
    OptimizerRow(
        reference.SGD,
        torch.optim.SGD,
        lambda group: {
            "learning_rate": group["lr"],
            "momentum": group["momentum"],
            "dampening": group["dampening"],
            "weight_decay": group["weight_decay"],
            "nesterov": group["nesterov"],
            "maximize": group["maximize"],
        },
        _sgd,
        state={"momentum_buffer": "momentum_buffer"},
    ),
)
