"""Work on rows of features: dense layers, normalization, losses, containers."""

from parity_tests.bench.work import MATRIX, Work, assign, matrices
from parity_tests.strategies import Draft, Input

# --- dense ---

_DENSE = {
    "small": {"batch": 4, "channels": 6},
    "LeNet-5": {"batch": 64, "channels": 120},
    "hidden layer": {"batch": 256, "channels": 512},
}
_SQUARE = {"channels": 2}


def _rows(batch, channels, **options):
    return Draft(options, (Input((batch, channels)),))


def _sized(*names, **options):
    """Work of a layer whose options of these names are the channels."""

    def draft(batch, channels):
        return _rows(batch, channels, **dict.fromkeys(names, channels), **options)

    return Work(draft, _DENSE, _SQUARE)


def _bilinear(batch, channels):
    options = {"in1_features": channels, "in2_features": channels, "out_features": channels // 2}
    return Draft(options, (Input((batch, channels)),) * 2)


def _wrapped(**more):
    def draft(batch, channels):
        layer = {"in_features": channels, "out_features": channels, "bias": True}
        options = {"layer": layer, "name": "weight", "dim": 0, **more}
        return _rows(batch, channels, **options)

    return Work(draft, _DENSE, _SQUARE)


def _chain(batch, channels):
    parts = (("linear", channels, channels), ("softsign", channels, channels)) * 2
    return _rows(batch, channels, parts=parts, repeated=False)


def _branches(batch, channels):
    return _rows(batch, channels, features=channels, outputs=(channels // 2, channels // 2))


def _squeezed(batch, length, channels):
    options = {"input_channels": channels, "squeeze_channels": max(channels // 16, 1)}
    return Draft(options, (Input((batch, length, length, channels)),))


# --- normalization ---

_NORMALIZED = {
    "small": {"batch": 4, "channels": 6},
    "4096 tokens": {"batch": 4096, "channels": 256},
}


def _normalized(batch, channels):
    return _rows(batch, channels, normalized_shape=(channels,))


def _halved(**options):
    def draft(batch, channels):
        return _rows(batch, channels, **options)

    return Work(draft, MATRIX)


# --- losses ---

_CLASSES = {
    "small": {"batch": 4, "channels": 6},
    "1000 classes": {"batch": 1024, "channels": 1000},
}


def _classified(values="real", **options):
    """Scores of classes, the channels, against their indices."""

    def draft(batch, channels):
        return Draft(options, (Input((batch, channels), values), _places(batch, channels)))

    return Work(draft, _CLASSES)


def _places(batch, channels):
    return Input((batch,), "integers", {"low": 0, "high": channels})


def _distributed(values):
    def draft(batch, channels):
        return Draft({}, (Input((batch, channels), values), Input((batch, channels), values)))

    return Work(draft, _CLASSES)


def _multi_label(batch, channels):
    labels = Input((batch, channels), "integers", {"low": 0, "high": channels, "ignored": -1})
    return Draft({}, (Input((batch, channels)), labels))


def _linear_classes(batch, channels):
    options = {"in_features": 64, "num_classes": channels}
    return Draft(options, (Input((batch, 64)), _places(batch, channels)))


def _adaptive(batch, channels):
    options = {
        "in_features": 64,
        "n_classes": channels,
        "cutoffs": [channels // 4, channels // 2],
    }
    return Draft(options, (Input((batch, 64)), _places(batch, channels)))


def _triples(*values, **options):
    """Two or three arrays of vectors, and a label for each pair where there are two."""

    def draft(batch, channels):
        vectors = (Input((batch, channels)),) * (3 - len(values))
        labels = tuple(Input((batch,), kind) for kind in values)
        return Draft(options, (*vectors, *labels))

    return Work(draft, MATRIX)


def _by_distance(batch, channels):
    options = {"distance": "manhattan", "features": channels}
    return Draft(options, (Input((batch, channels)),) * 3)


def _ranked(batch, channels):
    shape = (batch, channels)
    return Draft({}, (Input(shape), Input(shape), Input(shape, "signs")))


assign(
    {
        "Linear": _sized("in_features", "out_features"),
        "Bilinear": Work(
            _bilinear,
            {"small": {"batch": 4, "channels": 6}, "pairs": {"batch": 64, "channels": 64}},
            {"channels": 3},
        ),
        "WeightNorm": _wrapped(),
        "SpectralNorm": _wrapped(n_power_iterations=1),
        "Sequential": Work(_chain, _DENSE, _SQUARE),
        "Residual": _sized("features", shortcut=True),
        "Parallel": Work(_branches, _DENSE, _SQUARE),
        "SqueezeExcitation": Work(
            _squeezed,
            {
                "small": {"batch": 2, "length": 4, "channels": 4},
                "ResNet stage": {"batch": 8, "length": 28, "channels": 128},
            },
            {"length": 2, "channels": 2},
        ),
        "LayerNorm": Work(_normalized, _NORMALIZED),
        "RMSNorm": Work(_normalized, _NORMALIZED),
        "L2Normalize": Work(_halved(eps=1e-12).draft, _NORMALIZED),
        **{name: _halved(dim=-1) for name in ("GLU", "ReGLU", "GEGLU", "SwiGLU")},
        **{name: _halved(dim=-1) for name in ("Softmax", "Softmin", "LogSoftmax")},
        "GumbelSoftmax": _halved(tau=1.0, hard=False, dim=-1),
        "BCELoss": matrices("probability", "probability"),
        "BCEWithLogitsLoss": matrices("real", "binary"),
        "MultiLabelSoftMarginLoss": matrices("real", "binary"),
        "SoftMarginLoss": matrices("real", "signs"),
        "HingeEmbeddingLoss": matrices("real", "signs"),
        "KLDivLoss": matrices("real", "probabilities", reduction="batchmean"),
        "PoissonNLLLoss": matrices("real", "counts"),
        "GaussianNLLLoss": matrices("real", "real", "positive"),
        "MarginRankingLoss": Work(_ranked, MATRIX),
        "CrossEntropyLoss": _classified(),
        "NLLLoss": _classified("nonpositive"),
        "MultiMarginLoss": _classified(),
        "MultiLabelMarginLoss": Work(
            _multi_label,
            {"small": {"batch": 4, "channels": 6}, "labels": {"batch": 64, "channels": 80}},
            {"channels": 2},
        ),
        "LinearCrossEntropyLoss": Work(_linear_classes, _CLASSES),
        "AdaptiveLogSoftmaxWithLoss": Work(_adaptive, _CLASSES),
        "CosineEmbeddingLoss": _triples("signs"),
        "TripletMarginLoss": _triples(),
        "TripletMarginWithDistanceLoss": Work(_by_distance, MATRIX),
        "PairwiseDistance": matrices("real", "real"),
        "CosineSimilarity": matrices("real", "real", dim=-1),
    }
)
