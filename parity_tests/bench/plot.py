"""The ratios of a report as a plot, where matplotlib is installed."""

import importlib.util
from pathlib import Path

from parity_tests.bench import goals


def draw(entries: list[dict], place: str) -> bool:
    """Each component's ratio by family, both dtypes beside each other; False without matplotlib."""
    if importlib.util.find_spec("matplotlib") is None or not entries:
        return False
    from matplotlib.figure import Figure

    families = list(dict.fromkeys(entry["family"] for entry in entries))
    figure = Figure(figsize=(10, 5), layout="constrained")
    axes = figure.subplots()
    for offset, (dtype, colour) in zip((-0.2, 0.2), _COLOURS.items(), strict=True):
        own = [entry for entry in entries if entry["dtype"] == dtype]
        for small, marker in ((True, "x"), (False, "o")):
            chosen = [entry for entry in own if (entry["size"] == "small") == small]
            axes.scatter(
                [families.index(entry["family"]) + offset for entry in chosen],
                [entry["ratio"]["median"] for entry in chosen],
                s=12,
                c=colour,
                marker=marker,
                alpha=0.6,
                label=f"{dtype}, {'small' if small else 'realistic'}",
            )
    axes.axhline(1, color="grey", linewidth=0.8)
    axes.axhline(goals.RATIO, color="grey", linewidth=0.8, linestyle="--")
    axes.set_yscale("log")
    axes.set_xticks(range(len(families)), families, rotation=30, ha="right")
    axes.set_ylabel("time of NumPy / time of PyTorch")
    axes.legend()
    Path(place).parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(place)
    return True


_COLOURS = {"float32": "tab:blue", "float64": "tab:orange"}
