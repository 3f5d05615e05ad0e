"""Optimizers (chapter 6), and what goes with them: schedules, clipping, penalties, averages."""

from reference.optimizers.adam import Adam, Adamax, AdamW, NAdam, RAdam, SparseAdam
from reference.optimizers.adaptive import Adadelta, Adafactor, Adagrad, RMSprop, Rprop
from reference.optimizers.annealing import (
    SWALR,
    CosineAnnealingLR,
    CosineAnnealingWarmRestarts,
    CyclicLR,
    OneCycleLR,
)
from reference.optimizers.averaging import (
    ASGD,
    ExponentialMovingAverage,
    StochasticWeightAverage,
    update_bn,
)
from reference.optimizers.clipping import (
    clip_grad_norm,
    clip_grad_value,
    clip_grads_with_norm,
    get_total_norm,
)
from reference.optimizers.gradient_descent import (
    SGD,
    GradientDescent,
    HeavyBall,
    Momentum,
    Nesterov,
)
from reference.optimizers.lbfgs import LBFGS
from reference.optimizers.muon import Muon
from reference.optimizers.regularization import L1, L2, ElasticNet
from reference.optimizers.schedules import (
    ChainedScheduler,
    ConstantLR,
    ExponentialLR,
    LambdaLR,
    LinearLR,
    MultiplicativeLR,
    MultiStepLR,
    PolynomialLR,
    ReduceLROnPlateau,
    SequentialLR,
    StepLR,
)
from reference.optimizers.second_order import (
    BFGS,
    ConjugateGradients,
    DampedNewton,
    GaussNewton,
    LevenbergMarquardt,
    LinearConjugateGradients,
    Newton,
)

__all__ = [
    "ASGD",
    "BFGS",
    "L1",
    "L2",
    "LBFGS",
    "SGD",
    "SWALR",
    "Adadelta",
    "Adafactor",
    "Adagrad",
    "Adam",
    "AdamW",
    "Adamax",
    "ChainedScheduler",
    "ConjugateGradients",
    "ConstantLR",
    "CosineAnnealingLR",
    "CosineAnnealingWarmRestarts",
    "CyclicLR",
    "DampedNewton",
    "ElasticNet",
    "ExponentialLR",
    "ExponentialMovingAverage",
    "GaussNewton",
    "GradientDescent",
    "HeavyBall",
    "LambdaLR",
    "LevenbergMarquardt",
    "LinearConjugateGradients",
    "LinearLR",
    "Momentum",
    "MultiStepLR",
    "MultiplicativeLR",
    "Muon",
    "NAdam",
    "Nesterov",
    "Newton",
    "OneCycleLR",
    "PolynomialLR",
    "RAdam",
    "RMSprop",
    "ReduceLROnPlateau",
    "Rprop",
    "SequentialLR",
    "SparseAdam",
    "StepLR",
    "StochasticWeightAverage",
    "clip_grad_norm",
    "clip_grad_value",
    "clip_grads_with_norm",
    "get_total_norm",
    "update_bn",
]
