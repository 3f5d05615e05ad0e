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
from reference.losses.categorical import (
    CategoricalCrossEntropyLoss,
    CrossEntropyLoss,
    FocalLoss,
    LinearCrossEntropyLoss,
    NLLLoss,
    SparseCategoricalCrossEntropyLoss,
)
from reference.losses.distances import CosineSimilarity, PairwiseDistance
from reference.losses.likelihood import (
    GammaDevianceLoss,
    GaussianNLLLoss,
    KLDivLoss,
    PoissonDevianceLoss,
    PoissonNLLLoss,
    TweedieDevianceLoss,
)
from reference.losses.margin import (
    HingeEmbeddingLoss,
    HingeLoss,
    MultiLabelMarginLoss,
    MultiMarginLoss,
    SoftMarginLoss,
    SquaredHingeLoss,
)
from reference.losses.ranking import (
    ContrastiveLoss,
    CosineEmbeddingLoss,
    MarginRankingLoss,
    TripletMarginLoss,
    TripletMarginWithDistanceLoss,
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
from reference.losses.sequence import CTCLoss

__all__ = [
    "AdaptiveLogSoftmaxWithLoss",
    "BCELoss",
    "BCEWithLogitsLoss",
    "BinaryFocalLoss",
    "CTCLoss",
    "CategoricalCrossEntropyLoss",
    "ContrastiveLoss",
    "CosineEmbeddingLoss",
    "CosineSimilarity",
    "CrossEntropyLoss",
    "DiceLoss",
    "EpsilonInsensitiveLoss",
    "FocalLoss",
    "GammaDevianceLoss",
    "GaussianNLLLoss",
    "HingeEmbeddingLoss",
    "HingeLoss",
    "HuberLoss",
    "KLDivLoss",
    "L1Loss",
    "LinearCrossEntropyLoss",
    "LogCoshLoss",
    "MSELoss",
    "MSLELoss",
    "MarginRankingLoss",
    "MultiLabelBCELoss",
    "MultiLabelMarginLoss",
    "MultiLabelSoftMarginLoss",
    "MultiMarginLoss",
    "NLLLoss",
    "PairwiseDistance",
    "PoissonDevianceLoss",
    "PoissonNLLLoss",
    "QuantileLoss",
    "SmoothL1Loss",
    "SoftMarginLoss",
    "SparseCategoricalCrossEntropyLoss",
    "SquaredHingeLoss",
    "TripletMarginLoss",
    "TripletMarginWithDistanceLoss",
    "TweedieDevianceLoss",
    "WeightedBCELoss",
]
