"""What is asked for, what holds, and why the rest does not."""

import math

# Ratios of NumPy to PyTorch: of any component, and the geometric mean of all.
RATIO = 4.0
MEAN = {"float32": 1.7, "float64": 1.4}
# Seconds of bare `nox`, warm, on two cores.
NOX = 60.0
NOX_REASON = (
    "about a third of it is Hypothesis, which draws and records each case, and a third PyTorch's "
    "own calls; stacks of transformer layers, packed sequences and trajectories weigh most"
)
# Times inputs, parameters, outputs and gradients.
MEMORY = 2.5
# NumPy has no error function, and these are built on it.
WITHOUT_ERF = {"float32": 12.0, "float64": 4.0}
ON_ERF = ("GELU", "GEGLU")
# Below this, what a call costs is the interpreter's, and its memory that of a few objects.
_SMALL = 2**16

# --- component -> why it is above its goal ---

_CALLS = (
    "small sizes only: a dozen NumPy calls and the checks of the input cost more than the sums; "
    "PyTorch makes one call"
)
_KEPT = (
    "memory: backward needs what every step or sublayer made, which is more than the outputs alone "
    "(so it is in PyTorch)"
)
_SCORES = (
    "memory: the scores are neither input nor output, and larger than both (so it is in PyTorch)"
)
_WEIGHTS = (
    "memory: the weights of every query and key are kept, as the equation has them; PyTorch's "
    "fused kernel computes them again"
)
_TEMPORARIES = (
    "memory: the equation written with whole arrays holds three or four of the input's size at "
    "once; blocks would hide it"
)
_EXPONENTIALS = (
    "without AVX-512 NumPy has no vector form of exp in float64, nor of a choice between two "
    "arrays by sign, and PyTorch has both"
)
REASONS: dict[str, str] = {
    "ELU": _EXPONENTIALS,
    "SELU": _EXPONENTIALS,
    "GELU": "NumPy has no error function; the series that stands for it takes thirty passes",
    "AdaptiveLogSoftmaxWithLoss": _SCORES,
    "LinearCrossEntropyLoss": _SCORES,
    "ScaledDotProductAttention": _WEIGHTS,
    "MultiheadAttention": _WEIGHTS,
    "Convolution2D": (
        "float32 with channels last, where oneDNN has kernels of its own for thin groups; with "
        "one channel to a group whole arrays replace thin matrix products, and against PyTorch's "
        "default layout the ratio is about 1; in float64 it is below 1"
    ),
    "Convolution3D": "memory: the windows of one film at a time, 27 taps each",
    "Bilinear": "memory: the products of all pairs of features",
    "MultiLabelSoftMarginLoss": _TEMPORARIES,
    "BinaryFocalLoss": _TEMPORARIES,
    "CrossEntropyLoss": _TEMPORARIES,
    "MultiMarginLoss": _TEMPORARIES,
    "CosineSimilarity": _TEMPORARIES,
    "LPPool1d": _TEMPORARIES,
    "LPPool2d": _TEMPORARIES,
    "LPPool3d": _TEMPORARIES,
    "MultiLabelMarginLoss": (
        "every label against every class at once, as the equation has it; PyTorch skips the pairs "
        "that are not there, one by one"
    ),
    "CTCLoss": "memory: forward and backward variables of every frame; time: " + _CALLS,
    "Muon": "memory: the Newton-Schulz products of a matrix, three at a time",
    "AdaptiveMaxPool1d": (
        "bins are compared place by place, and each of these has 205; of bins of a few places, as "
        "in two and three dimensions, it is 1.2 to 3.5"
    ),
    **dict.fromkeys(
        (
            "MaxPooling2D",
            "MaxPooling3D",
            "AdaptiveAvgPool2d",
            "AdaptiveAvgPool3d",
            "AdaptiveMaxPool2d",
            "FractionalMaxPool3d",
            "Upsample",
            "UpsampleBicubic",
            "UpsamplingNearest2d",
        ),
        _CALLS,
    ),
    "UpsamplingBilinear2d": _CALLS + "; at the real size four weighted copies of the image",
    **dict.fromkeys(
        (
            "PackedRNN",
            "LSTM",
            "PackedLSTM",
            "GRU",
            "PackedGRU",
            "PeepholeLSTM",
            "TransformerEncoderLayer",
            "TransformerDecoderLayer",
            "TransformerEncoder",
            "TransformerDecoder",
            "Transformer",
        ),
        _KEPT,
    ),
}


def ratio_goal(entry: dict) -> float:
    """The highest ratio that a component may have."""
    return WITHOUT_ERF[entry["dtype"]] if entry["component"] in ON_ERF else RATIO


def multiple(entry: dict) -> float | None:
    """The peak of ours in multiples of what must be there; None where that is next to nothing."""
    memory = entry["memory"]
    return memory["ours"] / memory["least"] if memory and memory["least"] >= _SMALL else None


def misses(entry: dict) -> list[str]:
    """What a measured component is above."""
    found = []
    if entry["ratio"]["median"] > ratio_goal(entry):
        found.append(f"time {entry['ratio']['median']:.2f} > {ratio_goal(entry):g}")
    times = multiple(entry)
    if times is not None and times > MEMORY:
        found.append(f"memory {times:.2f} > {MEMORY:g}")
    return found


def means(entries: list[dict]) -> dict[str, dict[str, float]]:
    """By dtype, the geometric mean of the ratios: of all, of the small sizes, of the others."""
    chosen = {
        "all": lambda entry: True,
        "small sizes": lambda entry: entry["size"] == "small",
        "realistic sizes": lambda entry: entry["size"] != "small",
    }
    return {
        dtype: {
            name: geometric_mean([e["ratio"]["median"] for e in own if wanted(e)])
            for name, wanted in chosen.items()
            if any(map(wanted, own))
        }
        for dtype in MEAN
        if (own := [entry for entry in entries if entry["dtype"] == dtype])
    }


def geometric_mean(ratios: list[float]) -> float:
    return math.exp(sum(map(math.log, ratios)) / len(ratios))
