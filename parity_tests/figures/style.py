"""How the figures look, and how they are written: the same bytes from the same numbers."""

import math
from pathlib import Path

import matplotlib as mpl
from matplotlib.figure import Figure

VALUE, SLOPE, MARK = "#0b5394", "#cc4125", "#38761d"
_STYLE = {
    "font.size": 8,
    "axes.titlesize": 9,
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#dddddd",
    "grid.linewidth": 0.5,
    "lines.linewidth": 1.4,
    "legend.frameon": False,
    # Names of clip paths and glyphs derive from it, not from the clock.
    "svg.hashsalt": "figures",
}
# Neither the day nor the version stands in the files.
_METADATA = {"png": {"Software": None}, "svg": {"Date": None, "Creator": None}}


def panels(count: int, columns: int, size: tuple[float, float], title: str):
    """A figure of so many panels in rows under a title, and its axes."""
    rows = math.ceil(count / columns)
    # Room for the title and the legend, whatever the number of rows.
    figure = Figure((size[0] * columns, size[1] * rows + 0.7), layout="constrained")
    figure.suptitle(title, fontsize=11, x=0.01, ha="left")
    axes = figure.subplots(rows, columns, squeeze=False).ravel()
    for spare in axes[count:]:
        spare.remove()
    return figure, axes[:count]


def legend_below(figure: Figure, axes):
    """One legend for all panels, of the lines of these axes."""
    figure.legend(*axes.get_legend_handles_labels(), loc="outside lower left", ncols=4)


def write(draw, name: str, directory: Path) -> list[Path]:
    """Draw a figure and write it as PNG and SVG; returns the places."""
    directory.mkdir(parents=True, exist_ok=True)
    places = [directory / f"{name}.{kind}" for kind in _METADATA]
    with mpl.rc_context({**mpl.rcParamsDefault, **_STYLE, "backend": "agg"}):
        figure = draw()
        for place, metadata in zip(places, _METADATA.values(), strict=True):
            figure.savefig(place, dpi=150, metadata=metadata)
    return places
