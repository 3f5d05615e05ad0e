"""Rows: losses of single elements."""

import functools

import numpy as np
import torch
from hypothesis import strategies as st

import reference
from parity_tests.catalogue._row import Point, Refusal, Row, register
from parity_tests.oracle import formula
from parity_tests.strategies import Draft, Input, numbers, shapes

REDUCTIONS = st.sampled_from(["mean", "sum", "none"])
_QUARTER = {"quantile": 0.25, "reduction": "mean"}
_HALF = {"epsilon": 0.5, "reduction": "mean"}


# --- what is drawn ---


def broadcastable(draw):
    """Two shapes that broadcast: equal, or one with fewer or shorter axes.

    None is stretched to no elements: there PyTorch multiplies the sum of nothing by the slope,
    which is NaN where that overflows.
    """
    if draw(st.booleans()):
        return (draw(shapes(0, 3, 0, 3)),) * 2
    shape = draw(shapes(0, 3, 1, 3))
    kept = shape[draw(st.integers(0, len(shape))) :]
    small = tuple(1 if draw(st.booleans()) else size for size in kept)
    return draw(st.sampled_from([(shape, small), (small, shape)]))


def pairs(values="real", **options):
    """The draw of a loss of two arrays that broadcast, with these options."""

    def draw_pair(draw):
        drawn = {name: draw(strategy) for name, strategy in options.items()}
        drawn["reduction"] = draw(REDUCTIONS)
        prediction, answer = broadcastable(draw)
        details = {"offset": 0.25} if values == "grid" else {}
        return Draft(drawn, (Input(prediction, values), Input(answer, values, details)))

    return draw_pair


def array_of(tensor):
    """A constant of a module as an array."""
    return None if tensor is None else tensor.detach().numpy().copy()


# --- conversions and formulas ---


def plain(component, *names):
    """The layer with the options of these names, and the reduction, from a module."""

    def convert(module):
        options = {name: getattr(module, name) for name in ("reduction", *names)}
        return component(
            **{k: array_of(v) if isinstance(v, torch.Tensor) else v for k, v in options.items()}
        )

    return convert


def reduced(function, buffers=(), **defaults):
    """A formula of the losses, reduced: to the mean, if nothing else is asked for."""

    @functools.wraps(function)
    def loss(*inputs, reduction, **options):
        losses = function(*inputs, **options)
        return {"mean": torch.mean, "sum": torch.sum, "none": torch.clone}[reduction](losses)

    return formula(loss, buffers=buffers, reduction="mean", **defaults)


def _log_cosh(x, t):
    distance = (x - t).abs()
    near = torch.log1p(2 * torch.sinh(distance.clamp(max=1) / 2) ** 2)
    far = distance + torch.log1p(torch.exp(-2 * distance)) - np.log(2)
    return torch.where(distance < 1, near, far)


def _squared_logarithmic(x, t):
    return (torch.log1p(x) - torch.log1p(t)) ** 2


def _quantile(x, t, quantile):
    return torch.where(t - x >= 0, quantile * (t - x), (quantile - 1) * (t - x))


def _epsilon_insensitive(x, t, epsilon):
    return torch.relu((x - t).abs() - epsilon)


# --- refusals ---


_TWO, _THREE = np.ones(2), np.ones(3)


def refused(error, message, act):
    return Refusal(act, error, message)


def forwarding(component, *inputs, **options):
    return lambda: component(**options).forward(*inputs)


MISMATCH = "target must broadcast with prediction of shape"


def refused_mismatch(component, **options):
    return Refusal(forwarding(component, _TWO, _THREE, **options), ValueError, MISMATCH)


register(
    Row(
        reference.L1Loss,
        torch.nn.L1Loss,
        plain(reference.L1Loss),
        pairs("grid"),
        "composite",
        cancels_within=True,
        refusals=(
            refused_mismatch(reference.L1Loss),
            refused(ValueError, "reduction must be one of", lambda: reference.L1Loss("average")),
        ),
        points=(Point("prediction = target", ([1.0], [1.0]), (0, 0)),),
    ),
    Row(
        reference.MSELoss,
        torch.nn.MSELoss,
        plain(reference.MSELoss),
        pairs(),
        "composite",
        cancels_within=True,
        huge=8e37,  # PyTorch divides by the elements before it doubles the difference
        refusals=(refused_mismatch(reference.MSELoss),),
    ),
    Row(
        reference.HuberLoss,
        torch.nn.HuberLoss,
        plain(reference.HuberLoss, "delta"),
        pairs("grid", delta=st.sampled_from([0.5, 1.0]) | numbers(0.125, 4)),
        "composite",
        cancels_within=True,
        refusals=(
            refused_mismatch(reference.HuberLoss),
            refused(ValueError, "delta must be positive", lambda: reference.HuberLoss(delta=0.0)),
        ),
        points=(
            Point("prediction - target = delta", ([2.0], [1.0]), (0, 0)),
            Point("prediction - target = -delta", ([0.0], [1.0]), (0, 0)),
        ),
    ),
    Row(
        reference.SmoothL1Loss,
        torch.nn.SmoothL1Loss,
        plain(reference.SmoothL1Loss, "beta"),
        pairs("grid", beta=st.sampled_from([0.0, 0.5]) | numbers(0.125, 4)),
        "composite",
        cancels_within=True,
        refusals=(
            refused_mismatch(reference.SmoothL1Loss),
            refused(
                ValueError, "beta must be 0 or more", lambda: reference.SmoothL1Loss(beta=-1.0)
            ),
        ),
        points=(
            Point("prediction - target = beta", ([2.0], [1.0]), (0, 0)),
            Point("prediction = target, beta = 0", ([1.0], [1.0]), (0, 0), {"beta": 0.0}),
        ),
    ),
    Row(
        reference.LogCoshLoss,
        reduced(_log_cosh),
        plain(reference.LogCoshLoss),
        pairs(),
        "composite",
        cancels_within=True,
        literals=(
            (
                {"reduction": "none"},
                ([0.3, -2.5, 40.0, 1e-9], [0.1, 1.5, -1.0, 0.0]),
                [0.01986807184000731, 3.3071882258129506, 40.30685281944005, 5e-19],
            ),
        ),
        refusals=(refused_mismatch(reference.LogCoshLoss),),
    ),
    Row(
        reference.MSLELoss,
        reduced(_squared_logarithmic),
        plain(reference.MSLELoss),
        pairs("nonnegative"),
        "composite",
        cancels_within=True,
        literals=(
            (
                {"reduction": "none"},
                ([0.5, 3.0, 100.0], [2.0, 0.25, 0.0]),
                [0.48045301391820144, 1.3529198063516112, 21.299337384969135],
            ),
        ),
        refusals=(
            refused_mismatch(reference.MSLELoss),
            refused(
                ValueError,
                "prediction must be above -1; got -1.0 at index",
                forwarding(reference.MSLELoss, -_TWO, _TWO),
            ),
            refused(
                ValueError,
                "target must be above -1; got -1.0 at index",
                forwarding(reference.MSLELoss, _TWO, -_TWO),
            ),
        ),
    ),
    Row(
        reference.QuantileLoss,
        reduced(_quantile, quantile=0.5),
        plain(reference.QuantileLoss, "quantile"),
        pairs("grid", quantile=numbers(0, 1)),
        "composite",
        cancels_within=True,
        literals=(
            (
                {"reduction": "none", "quantile": 0.9},
                ([0.5, 3.0, 100.0], [2.0, 0.25, 0.0]),
                [1.35, 0.275, 10.0],
            ),
        ),
        refusals=(
            refused_mismatch(reference.QuantileLoss),
            refused(
                ValueError, "quantile must lie in", lambda: reference.QuantileLoss(quantile=1.5)
            ),
        ),
        points=(
            Point(
                "prediction = target",
                ([1.0], [1.0]),
                (0, 0),
                _QUARTER,
            ),
        ),
    ),
    Row(
        reference.EpsilonInsensitiveLoss,
        reduced(_epsilon_insensitive, epsilon=0.1),
        plain(reference.EpsilonInsensitiveLoss, "epsilon"),
        pairs("grid", epsilon=st.sampled_from([0.0, 0.5, 1.0, 1.5])),
        "composite",
        cancels_within=True,
        literals=(
            (
                {"reduction": "none", "epsilon": 0.1},
                ([0.5, 3.0, 100.0], [2.0, 0.25, 0.0]),
                [1.4, 2.65, 99.9],
            ),
        ),
        refusals=(refused_mismatch(reference.EpsilonInsensitiveLoss),),
        points=(
            Point(
                "prediction - target = epsilon",
                ([1.5], [1.0]),
                (0, 0),
                _HALF,
            ),
            Point(
                "prediction - target = -epsilon",
                ([0.5], [1.0]),
                (0, 0),
                _HALF,
            ),
        ),
    ),
)
