"""What is asked for, what holds, and why the rest does not."""

import math

# Ratios of NumPy to PyTorch: of any component, and the geometric mean of all.
RATIO = 4.0
MEAN = {"float32": 1.7, "float64": 1.4}
# Seconds of bare `nox` on two cores: warm, and with its environment made anew.
NOX = {"warm": 60.0, "cold": 180.0}
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
_STEPS = (
    "memory: backward needs the gates of every step, which are more than the outputs (PyTorch's "
    "peak is 1.4 to 5.2)"
)
_SUBLAYERS = (
    "memory: what every sublayer made, the attention weights too, is kept so that backward may be "
    "called twice; PyTorch frees it on the way and computes the weights again"
)
_SCORES = (
    "memory: the scores are neither input nor output, and larger than both (so it is in PyTorch)"
)
_TEMPORARIES = (
    "memory: the equation written with whole arrays holds three of the input's size at once; "
    "writing into them would hide it"
)
_EXPONENTIALS = (
    "without AVX-512 NumPy's exp and log of float64 have no vector form, and e^x - 1 takes both; "
    "and a choice by sign, which -0 and a negative alpha need, has none either"
)
_PAGES = (
    "1 to 6 from run to run: arrays of 2 MB come as new pages from the system, which then take "
    "longer than the arithmetic, on either side"
)
_CHANNELWISE = (
    "float32 with one channel to a group: there is nothing to multiply as matrices, so each tap is "
    "a pass over whole arrays, where oneDNN makes one pass for all; in float64 it is below 1"
)
_MUON = (
    "memory: the Newton-Schulz products of a matrix, three at a time, rounded to bfloat16 by way "
    "of float64, as NumPy has no such type"
)
_RESAMPLED = _CALLS + "; at the real size each axis makes a new array, PyTorch one for both"
REASONS: dict[str, str] = {
    "ReLU": _PAGES,
    "ELU": _EXPONENTIALS,
    "Threshold": _PAGES,
    "AdaptiveLogSoftmaxWithLoss": _SCORES,
    "LinearCrossEntropyLoss": _SCORES,
    "Convolution2D": _CHANNELWISE,
    "DepthwiseConvolution2D": _CHANNELWISE,
    "Convolution3D": "memory: the windows of one film at a time, 27 taps each",
    "MultiLabelSoftMarginLoss": _TEMPORARIES,
    "CrossEntropyLoss": _TEMPORARIES,
    "MultiLabelMarginLoss": (
        "one label of every row at a time, at every score; PyTorch skips the pairs that are not "
        "there, one by one"
    ),
    "CTCLoss": "memory: forward and backward variables of every frame; time: " + _CALLS,
    "Muon": _MUON,
    "MuonInFull": "memory: the Newton-Schulz products of a matrix, three at a time",
    "AdaptiveMaxPool1d": (
        "bins are compared place by place, ten small calls each, and these have 205 places"
    ),
    **dict.fromkeys(
        (
            "MaxPooling2D",
            "MaxPooling3D",
            "AdaptiveAvgPool2d",
            "AdaptiveAvgPool3d",
            "AdaptiveMaxPool2d",
            "AdaptiveMaxPool3d",
            "FractionalMaxPool3d",
            "UpsampleBicubic",
            "UpsamplingNearest2d",
        ),
        _CALLS,
    ),
    "Upsample": _RESAMPLED,
    "UpsamplingBilinear2d": _RESAMPLED,
    **dict.fromkeys(
        ("PackedRNN", "LSTM", "PackedLSTM", "GRU", "PackedGRU", "PeepholeLSTM"), _STEPS
    ),
    **dict.fromkeys(
        (
            "TransformerEncoderLayer",
            "TransformerDecoderLayer",
            "TransformerEncoder",
            "TransformerDecoder",
            "Transformer",
        ),
        _SUBLAYERS,
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
