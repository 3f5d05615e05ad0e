"""Losses (chapters 10 and 11)."""

from reference.losses.adaptive import AdaptiveLogSoftmaxWithLoss
from reference.losses.binary import (
    BCELoss,
    BCEWithLogitsLoss,
    BinaryFocalLoss,
    DiceLoss,
    MultiLabelBCELoss,
    MultiLabelSoftMarginLoss,
    WeightedBCELoss,
)
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
    "AdaptiveLogSoftmaxWithLoss",
    "BCELoss",
    "BCEWithLogitsLoss",
    "BinaryFocalLoss",
    "CrossEntropyLoss",
    "DiceLoss",
    "EpsilonInsensitiveLoss",
    "GammaDevianceLoss",
    "GaussianNLLLoss",
    "HuberLoss",
    "KLDivLoss",
    "L1Loss",
    "LogCoshLoss",
    "MSELoss",
    "MSLELoss",
    "MultiLabelBCELoss",
    "MultiLabelSoftMarginLoss",
    "PoissonDevianceLoss",
    "PoissonNLLLoss",
    "QuantileLoss",
    "SmoothL1Loss",
    "TweedieDevianceLoss",
    "WeightedBCELoss",
]
