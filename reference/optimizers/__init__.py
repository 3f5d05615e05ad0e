"""Optimizers (chapter 6)."""

from reference.optimizers.adam import Adam, Adamax, AdamW, NAdam, RAdam, SparseAdam
from reference.optimizers.adaptive import Adadelta, Adafactor, Adagrad, RMSprop, Rprop
from reference.optimizers.averaging import ASGD
from reference.optimizers.gradient_descent import (
    SGD,
    GradientDescent,
    HeavyBall,
    Momentum,
    Nesterov,
)
from reference.optimizers.muon import Muon

__all__ = [
    "ASGD",
    "SGD",
    "Adadelta",
    "Adafactor",
    "Adagrad",
    "Adam",
    "AdamW",
    "Adamax",
    "GradientDescent",
    "HeavyBall",
    "Momentum",
    "Muon",
    "NAdam",
    "Nesterov",
    "RAdam",
    "RMSprop",
    "Rprop",
    "SparseAdam",
]
