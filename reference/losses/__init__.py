"""Losses (chapters 10 and 11)."""

from reference.losses.categorical import CrossEntropyLoss
from reference.losses.likelihood import (
    GammaDevianceLoss,
    GaussianNLLLoss,
    KLDivLoss,
    PoissonDevianceLoss,
    PoissonNLLLoss,
    TweedieDevianceLoss,
)
from reference.losses.regression import (
    EpsilonInsensitiveLoss,
    HuberLoss,
    L1Loss,
    LogCoshLoss,
    MSELoss,
    MSLELoss,
    QuantileLoss,
    SmoothL1Loss,
)

__all__ = [
    "CrossEntropyLoss",
    "EpsilonInsensitiveLoss",
    "GammaDevianceLoss",
    "GaussianNLLLoss",
    "HuberLoss",
    "KLDivLoss",
    "L1Loss",
    "LogCoshLoss",
    "MSELoss",
    "MSLELoss",
    "PoissonDevianceLoss",
    "PoissonNLLLoss",
    "QuantileLoss",
    "SmoothL1Loss",
    "TweedieDevianceLoss",
]
