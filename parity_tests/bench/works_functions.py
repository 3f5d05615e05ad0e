"""Options of the formulas that PyTorch has no class for; every other function's work is `of`'s."""

import numpy as np

from parity_tests.bench.work import MATRIX, Work, assign, matrices
from parity_tests.strategies import Draft, Input

_REDUCED = {"reduction": "mean"}
_WEIGHTED = {**_REDUCED, "weight": None}


def _contrasted(batch, channels):
    vectors = Input((batch, channels))
    labels = Input((batch,), "integers", {"low": 0, "high": 2})
    return Draft({"margin": 1.0, **_REDUCED}, (vectors, vectors, labels))


def _indexed(values, **options):
    def draft(batch, channels):
        places = Input((batch,), "integers", {"low": 0, "high": channels})
        return Draft(
            {**_WEIGHTED, "ignore_index": -100, **options},
            (Input((batch, channels), values), places),
        )

    return Work(draft, MATRIX)


assign(
    {
        "Heaviside": matrices("real", value_at_zero=0.5),
        "WilsonCowan": matrices("real", a=1.2, theta=2.8),
        "Swish": matrices("real", beta=np.array([1.5])),
        "Threshold": matrices("real", threshold=0.1, value=20.0),
        "NoisyReLU": matrices("real", noise_first=False),
        "L1": matrices("real", strength=0.01),
        "L2": matrices("real", strength=0.01),
        "ElasticNet": matrices("real", strength=0.01, l1_ratio=0.5),
        "LogCoshLoss": matrices("real", "real", **_REDUCED),
        "MSLELoss": matrices("nonnegative", "nonnegative", **_REDUCED),
        "QuantileLoss": matrices("real", "real", quantile=0.9, **_REDUCED),
        "EpsilonInsensitiveLoss": matrices("real", "real", epsilon=0.1, **_REDUCED),
        "WeightedBCELoss": matrices(
            "probability", "binary", positive_weight=2.0, negative_weight=0.5, **_REDUCED
        ),
        "MultiLabelBCELoss": matrices("probability", "binary", **_WEIGHTED),
        "BinaryFocalLoss": matrices("real", "binary", gamma=2.0, alpha=0.25, **_REDUCED),
        "DiceLoss": matrices("probability", "binary", smooth=1.0, **_REDUCED),
        "HingeLoss": matrices("real", "signs", **_REDUCED),
        "SquaredHingeLoss": matrices("real", "signs", **_REDUCED),
        "FocalLoss": _indexed("real", gamma=2.0),
        "SparseCategoricalCrossEntropyLoss": _indexed("probability"),
        "CategoricalCrossEntropyLoss": matrices("probability", "probability", **_WEIGHTED),
        "PoissonDevianceLoss": matrices("positive", "positive", **_REDUCED),
        "GammaDevianceLoss": matrices("positive", "positive", **_REDUCED),
        "TweedieDevianceLoss": matrices("positive", "positive", power=1.5, **_REDUCED),
        "ContrastiveLoss": Work(_contrasted, MATRIX),
    }
)
