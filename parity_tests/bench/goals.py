"""What is asked for, what holds, and why the rest does not."""

import math

# Ratios of NumPy to PyTorch: of any component, and the geometric mean of all.
RATIO = 4.0
MEAN = {"float32": 1.7, "float64": 1.4}
# Times inputs, parameters, outputs and gradients.
MEMORY = 2.5
# NumPy has no error function, and these are built on it.
WITHOUT_ERF = {"float32": 12.0, "float64": 4.0}
ON_ERF = ("GELU", "GEGLU")
# Below this, what a call costs is the interpreter's, and its memory that of a few objects.
_SMALL = 2**16

# Component -> why it is above its goal.
REASONS: dict[str, str] = {}


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
        found.append(f"time {entry['ratio']['median']:.1f} > {ratio_goal(entry):g}")
    times = multiple(entry)
    if times is not None and times > MEMORY:
        found.append(f"memory {times:.1f} > {MEMORY:g}")
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
