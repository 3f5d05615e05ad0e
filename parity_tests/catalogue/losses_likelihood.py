"""Rows: losses that are a likelihood, a divergence or a deviance."""

import numpy as np
import torch
from hypothesis import strategies as st

import reference
from parity_tests.adapter import Adapter
from parity_tests.catalogue._row import Point, Row, register
from parity_tests.catalogue.losses import (
    MISMATCH,
    REDUCTIONS,
    broadcastable,
    forwarding,
    pairs,
    plain,
    reduced,
    refused,
    refused_mismatch,
)
from parity_tests.strategies import Draft, Input, numbers

_TWO, _THREE = np.ones(2), np.ones(3)


# --- formulas ---


def _poisson_deviance(x, t):
    x, t = torch.broadcast_tensors(x, t)
    return 2 * (-torch.special.entr(t) - t * torch.log(x) - t + x)


def _gamma_deviance(x, t):
    return 2 * (torch.log(x) - torch.log(t) + t / x - 1)


def _tweedie_deviance(x, t, power):
    x, t = torch.broadcast_tensors(x, t)
    one, two = 1 - power, 2 - power
    return 2 * (t**two / (one * two) - t * x**one / one + x**two / two)


# --- PyTorch's departures from the mathematics ---


def _nan_target_gradient(undefined):
    """PyTorch's derivative of t log t is NaN where t / t is, or a masked logarithm's is."""

    def correct(module, inputs, grad_outputs, grad_inputs):
        """PyTorch's gradient of the target is NaN where a product of 0 and infinity enters."""
        (_, t), (grad, grad_target) = inputs, grad_inputs
        return grad, np.where(undefined(module, t), t.dtype.type(np.nan), grad_target)

    return correct


def _under_a_mask(module, t):
    return module.full & ((t <= 0) | np.isinf(t))


def _quotient_of_subnormals(module, x, grad):
    """What PyTorch divides by a tiny rate has lost digits: beside them, those of a normal one."""
    if module.log_input or module.eps or not x.size:
        return np.zeros(())
    return np.max(np.finfo(x.dtype).smallest_normal / np.abs(x[x != 0]), initial=0)


def _without_limit(module, t):
    return (not module.log_target) & ((t == 0) | np.isinf(t))


class _OfOneVariance(Adapter):
    """GaussianNLLLoss, which PyTorch also gives one number for all variances."""

    def forward(self, prediction, target, *variance, **keyword):
        given = variance[0] if variance else keyword["var"]
        full = given
        if isinstance(given, float):
            full = np.full(prediction.shape, given, prediction.dtype)
        output = super().forward(prediction, target, full)
        self.inputs = prediction, target, given
        return output


# --- what is drawn ---


def _gaussian(draw):
    shape, answer = broadcastable(draw)
    shape = np.broadcast_shapes(shape, answer)
    variances = [shape]
    if shape and all(shape):
        axis = draw(st.integers(0, len(shape) - 1))
        variances += [(*shape[:axis], 1, *shape[axis + 1 :]), shape[:-1]]
    eps = draw(st.sampled_from([1e-6, 1e-3, 1.0]))
    options = {"full": draw(st.booleans()), "eps": eps, "reduction": draw(REDUCTIONS)}
    variances = [Input(given, "nonnegative") for given in variances]
    variance = draw(st.sampled_from([*variances, 0.25]))
    return Draft(options, (Input(shape), Input(answer), variance))


def _counted(**options):
    """A positive prediction against positive targets, or counts, whose slope at 0 is infinite."""

    def draw_counted(draw):
        target = draw(st.sampled_from(["magnitudes", "counts"]))
        drawn = {name: draw(strategy) for name, strategy in options.items()}
        if drawn.get("power", 0) > 2:
            target = "magnitudes"
        drawn["reduction"] = draw(REDUCTIONS)
        prediction, answer = broadcastable(draw)
        inputs = (Input(prediction, "magnitudes"), Input(answer, target))
        return Draft(drawn, inputs, differentiable=target == "magnitudes")

    return draw_counted


def _poisson(draw):
    rate = draw(st.sampled_from(["logarithm", "positive", "any"]))
    options = {
        "log_input": rate == "logarithm",
        "full": draw(st.booleans()),
        "eps": draw(st.sampled_from([1e-8, 0.125, 1.0, 0.0])),
        "reduction": draw(REDUCTIONS),
    }
    prediction, answer = broadcastable(draw)
    values = "nonnegative" if rate == "positive" else "real"
    inputs = (Input(prediction, values), Input(answer))
    # A rate below 0 has no logarithm, and one just above no derivative to witness.
    return Draft(options, inputs, differentiable=rate != "any")


def _divergence(draw):
    target = draw(st.sampled_from(["logarithm", "nonnegative", "any"]))
    options = {
        "reduction": draw(st.sampled_from(["mean", "sum", "none", "batchmean"])),
        "log_target": target == "logarithm",
    }
    prediction, answer = broadcastable(draw)
    values = "nonnegative" if target == "nonnegative" else "real"
    inputs = (Input(prediction), Input(answer, values))
    # A probability below 0 has no logarithm, and one just above no derivative to witness.
    return Draft(options, inputs, differentiable=target != "any")


register(
    Row(
        reference.GaussianNLLLoss,
        torch.nn.GaussianNLLLoss,
        plain(reference.GaussianNLLLoss, "full", "eps"),
        _gaussian,
        "composite",
        cancels_within=True,
        huge=3e37,  # autograd divides by the variance before it multiplies by the difference
        adapter=_OfOneVariance,
        refusals=(
            refused(
                ValueError,
                MISMATCH,
                forwarding(reference.GaussianNLLLoss, _TWO, _THREE, _TWO),
            ),
            refused(
                ValueError,
                "variance must be 0 or more; got -1.0 at index",
                forwarding(reference.GaussianNLLLoss, _TWO, _TWO, -_TWO),
            ),
            refused(
                ValueError,
                r"variance must broadcast to shape \(2,\)",
                forwarding(reference.GaussianNLLLoss, _TWO, _TWO, _THREE),
            ),
        ),
        points=(
            Point("variance = eps: the clamp", ([1.0], [2.0], [0.25]), (2, 0), {"eps": 0.25}),
            Point("variance below eps", ([1.0], [2.0], [0.125]), (2, 0), {"eps": 0.25}),
        ),
    ),
    Row(
        reference.PoissonNLLLoss,
        torch.nn.PoissonNLLLoss,
        plain(reference.PoissonNLLLoss, "log_input", "full", "eps"),
        _poisson,
        "composite",
        cancels_within=True,
        huge=3e37,  # autograd multiplies the target by the upstream before it divides by it
        oracle_floor={"grad_input": _quotient_of_subnormals},
        correct=_nan_target_gradient(_under_a_mask),
        refusals=(refused_mismatch(reference.PoissonNLLLoss),),
        points=(
            Point("full, target = 1: Stirling begins", ([0.5], [1.0]), (1, 0), {"full": True}),
            Point("full, target = 0: the target's", ([0.5], [0.0]), (1, 0), {"full": True}),
        ),
    ),
    Row(
        reference.KLDivLoss,
        torch.nn.KLDivLoss,
        plain(reference.KLDivLoss, "log_target"),
        _divergence,
        "composite",
        cancels_within=True,
        huge=3e37,  # autograd multiplies the target by the upstream before it divides by it
        correct=_nan_target_gradient(_without_limit),
        refusals=(refused_mismatch(reference.KLDivLoss),),
        points=(
            Point("target = 0: the input's", ([-1.0], [0.0]), (0, 0), {"reduction": "sum"}),
            Point("target = 0: the target's", ([-1.0], [0.0]), (1, 0), {"reduction": "sum"}),
        ),
    ),
    Row(
        reference.PoissonDevianceLoss,
        reduced(_poisson_deviance),
        plain(reference.PoissonDevianceLoss),
        _counted(),
        "composite",
        cancels_within=True,
        decades=15,  # beyond, slopes overflow that a small upstream would bring back
        huge=1e20,
        points=(Point("target = inf", ([1.0], [np.inf]), (0, 0), {"reduction": "sum"}),),
        literals=(
            (
                {"reduction": "none"},
                ([0.5, 3.0, 100.0], [2.0, 0.25, 0.0]),
                [2.5451774444795623, 4.257546675106, 200.0],
            ),
        ),
        refusals=(
            refused_mismatch(reference.PoissonDevianceLoss),
            refused(
                ValueError,
                "must be above 0",
                forwarding(reference.PoissonDevianceLoss, -_TWO, _TWO),
            ),
            refused(
                ValueError,
                "target must be 0 or more",
                forwarding(reference.PoissonDevianceLoss, _TWO, -_TWO),
            ),
        ),
    ),
    Row(
        reference.GammaDevianceLoss,
        reduced(_gamma_deviance),
        plain(reference.GammaDevianceLoss),
        pairs("magnitudes"),
        "composite",
        cancels_within=True,
        decades=12,  # beyond, slopes overflow that a small upstream would bring back
        huge=1e20,
        literals=(
            (
                {"reduction": "none"},
                ([0.5, 3.0, 100.0], [2.0, 0.25, 7.0]),
                [3.227411277760219, 3.1364799662426672, 3.458520073865556],
            ),
        ),
        refusals=(
            refused_mismatch(reference.GammaDevianceLoss),
            refused(
                ValueError,
                "prediction must be above 0",
                forwarding(reference.GammaDevianceLoss, np.zeros(2), np.ones(2)),
            ),
            refused(
                ValueError,
                "target must be above 0",
                forwarding(reference.GammaDevianceLoss, np.ones(2), np.zeros(2)),
            ),
        ),
    ),
    Row(
        reference.TweedieDevianceLoss,
        reduced(_tweedie_deviance, power=1.5),
        plain(reference.TweedieDevianceLoss, "power"),
        _counted(power=numbers(1.125, 1.875) | numbers(2.125, 4)),
        "composite",
        cancels_within=True,
        decades=6,  # beyond, slopes overflow that a small upstream would bring back
        huge=1e20,
        literals=(
            (
                {"reduction": "none", "power": 1.5},
                ([0.5, 3.0, 100.0], [2.0, 0.25, 0.0]),
                [2.8284271247461903, 3.505553499465135, 40.0],
            ),
            (
                {"reduction": "none", "power": 3.0},
                ([0.5, 3.0, 100.0], [2.0, 0.25, 7.0]),
                [4.5, 3.361111111111111, 0.12355714285714285],
            ),
        ),
        refusals=(
            refused_mismatch(reference.TweedieDevianceLoss),
            refused(
                ValueError,
                "power must be above 1 and not 2",
                lambda: reference.TweedieDevianceLoss(2),
            ),
            refused(
                ValueError,
                "prediction must be above 0; got 0.0 at index",
                forwarding(reference.TweedieDevianceLoss, np.zeros(2), _TWO),
            ),
            refused(
                ValueError,
                "target must be 0 or more; got -1.0 at index",
                forwarding(reference.TweedieDevianceLoss, _TWO, -_TWO),
            ),
            refused(
                ValueError,
                "target must be above 0; got 0.0 at index",
                forwarding(reference.TweedieDevianceLoss, _TWO, np.zeros(2), power=2.5),
            ),
        ),
    ),
)
