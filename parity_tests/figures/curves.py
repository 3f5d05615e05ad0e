"""Functions of one variable with their derivatives: activations, and losses of one prediction."""

from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure

import reference
from parity_tests.figures import style

# Even, so that no point lies on a kink in the middle of the interval.
_POINTS = 2000
# A step between neighbours that is a jump, as a share of the height of the panel.
_JUMP = 0.02


@dataclass(frozen=True)
class Curve:
    """A function and its derivative, by forward and backward of a layer of the reference."""

    title: str
    layer: reference.Layer
    # A loss: the target of its prediction.
    target: float | None = None
    interval: tuple[float, float] | None = None  # where it is not the chart's

    def at(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The values and the slopes."""
        column = x[:, None]
        others = [] if self.target is None else [np.full_like(column, self.target)]
        values = self.layer.forward(column, *others)
        slopes, _ = self.layer.backward(np.ones_like(values))
        return values.reshape(-1), slopes.reshape(-1)


@dataclass(frozen=True)
class Chart:
    """A figure of curves over an interval, all of one height."""

    title: str
    label: str  # of the horizontal axis
    interval: tuple[float, float]
    limits: tuple[float, float]
    curves: tuple[Curve, ...]


def draw(chart: Chart) -> Figure:
    """A panel for each curve."""
    figure, axes = style.panels(len(chart.curves), 4, (2.9, 1.9), chart.title)
    for curve, panel in zip(chart.curves, axes, strict=True):
        low, high = curve.interval or chart.interval
        # Between the ends, where a loss of a probability is infinite.
        x = low + (high - low) * (np.arange(_POINTS) + 0.5) / _POINTS
        values, slopes = curve.at(x)
        height = chart.limits[1] - chart.limits[0]
        panel.plot(x, _broken(values, height), color=style.VALUE, label="value")
        panel.plot(x, _broken(slopes, height), color=style.SLOPE, ls="--", label="derivative")
        panel.set(xlim=(low, high), ylim=chart.limits)
        panel.set_title(curve.title)
    figure.supxlabel(chart.label, fontsize=8)
    style.legend_below(figure, axes[0])
    return figure


def _broken(values, height):
    """The values, with a gap wherever they jump."""
    jumps = np.abs(np.diff(values, prepend=values[:1])) > _JUMP * height
    return np.where(jumps, np.nan, values)


def _activation(component, **options):
    """In evaluation, where the random ones are functions."""
    layer = component(**options)
    layer.training = False
    return Curve(_title(component, options), layer)


def _loss(component, target, interval=None, **options):
    layer = component(**options, reduction="none")
    return Curve(_title(component, options), layer, target, interval)


def _title(component, options):
    shown = ", ".join(f"{name}={value:g}" for name, value in options.items())
    return f"{component.__name__}({shown})" if shown else component.__name__


SIGMOIDAL = Chart(
    "Sigmoidal activations and their derivatives (chapter 7)",
    "input",
    (-5, 5),
    (-1.15, 1.15),
    (
        _activation(reference.Heaviside),
        _activation(reference.WilsonCowan),
        _activation(reference.Sigmoid),
        _activation(reference.Tanh),
        _activation(reference.Softsign),
        _activation(reference.HardSigmoid),
        _activation(reference.HardTanh),
    ),
)
RECTIFYING = Chart(
    "Rectifying activations and their derivatives (chapter 8), the random ones in evaluation",
    "input",
    (-3, 3),
    (-2, 3),
    (
        _activation(reference.ReLU),
        _activation(reference.LeakyReLU, alpha=0.1),
        _activation(reference.PReLU),
        _activation(reference.RReLU),
        _activation(reference.ELU),
        _activation(reference.SELU),
        _activation(reference.NoisyReLU),
    ),
)
MODERN = Chart(
    "Modern activations and their derivatives (chapter 9)",
    "input",
    (-4, 4),
    (-2, 4),
    (
        _activation(reference.GELU),
        _activation(reference.SiLU),
        _activation(reference.Swish, beta=2),
        _activation(reference.Mish),
        _activation(reference.Hardswish),
        _activation(reference.HardMish),
        _activation(reference.Softplus),
        _activation(reference.Exponential),
        _activation(reference.ReLU6),
        _activation(reference.CELU, alpha=0.5),
        _activation(reference.LogSigmoid),
        _activation(reference.Tanhshrink),
        _activation(reference.Softshrink),
        _activation(reference.Hardshrink),
        _activation(reference.Threshold, threshold=1, value=-1),
    ),
)
BINARY = Chart(
    "Losses of one score, or of a probability from 0 to 1, and their derivatives, for the positive "
    "class (section 10.4)",
    "prediction",
    (-3, 3),
    (-4, 5),
    (
        _loss(reference.BCELoss, 1.0, (0, 1)),
        _loss(reference.WeightedBCELoss, 1.0, (0, 1), positive_weight=2),
        _loss(reference.BCEWithLogitsLoss, 1.0),
        _loss(reference.BinaryFocalLoss, 1.0, gamma=2),
        _loss(reference.HingeLoss, 1.0),
        _loss(reference.SquaredHingeLoss, 1.0),
        _loss(reference.SoftMarginLoss, 1.0),
    ),
)
REGRESSION = Chart(
    "Losses of a number whose target is 0, and their derivatives (section 13.2.1)",
    "prediction",
    (-3, 3),
    (-3, 4),
    (
        _loss(reference.MSELoss, 0.0),
        _loss(reference.L1Loss, 0.0),
        _loss(reference.HuberLoss, 0.0, delta=1),
        _loss(reference.SmoothL1Loss, 0.0, beta=0.5),
        _loss(reference.LogCoshLoss, 0.0),
        _loss(reference.QuantileLoss, 0.0, quantile=0.25),
        _loss(reference.EpsilonInsensitiveLoss, 0.0, epsilon=0.5),
        _loss(reference.MSLELoss, 0.0, (-0.9, 3)),
    ),
)
