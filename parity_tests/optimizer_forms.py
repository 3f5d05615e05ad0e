"""The optimizers as papers, textbooks and other frameworks write them, beside PyTorch's, measured.

Each form is its source's algorithm in NumPy, whole, from the point 0 on: it yields the point after
each step. It runs beside the class of torch.optim on the same gradients; how far the two paths get
apart is a share of the longest way from the start.
"""

import functools
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
import torch

from parity_tests import catalogue

_STEPS, _SHAPE = 40, (4, 3)
_START = np.zeros(_SHAPE)


# --- the forms ---


def rate_in_velocity(gradients, rates, momentum, **options):
    p = v = 0.0
    for g, rate in zip(gradients, rates, strict=True):
        v = momentum * v + rate * g
        p = p - v
        yield p


def look_ahead(gradients, rates, momentum, **options):
    p = v = 0.0
    for g, rate in zip(gradients, rates, strict=True):
        v = momentum * v + rate * g
        p = p - v
        yield p - momentum * v


def dampened_from_the_start(gradients, rates, momentum, dampening, **options):
    p = v = 0.0
    for g, rate in zip(gradients, rates, strict=True):
        v = momentum * v + (1 - dampening) * g
        p = p - rate * v
        yield p


def clipped_to_the_norm(gradients, rates, **options):
    p = 0.0
    for g, rate in zip(gradients, rates, strict=True):
        p = p - rate * g * min(1.0, 1.0 / np.linalg.norm(g))
        yield p


def _moments(gradients, betas):
    """For each step: t, g, m and v, the bias not corrected."""
    m = v = 0.0
    for t, g in enumerate(gradients, 1):
        m = betas[0] * m + (1 - betas[0]) * g
        v = betas[1] * v + (1 - betas[1]) * g**2
        yield t, g, m, v


def adam(gradients, rates, betas, eps, **options):
    p = 0.0
    for (t, _, m, v), rate in zip(_moments(gradients, betas), rates, strict=True):
        p = p - rate * m / (1 - betas[0] ** t) / (np.sqrt(v / (1 - betas[1] ** t)) + eps)
        yield p


def eps_before_correction(gradients, rates, betas, eps, **options):
    p = 0.0
    for (t, _, m, v), rate in zip(_moments(gradients, betas), rates, strict=True):
        p = p - rate * math.sqrt(1 - betas[1] ** t) / (1 - betas[0] ** t) * m / (np.sqrt(v) + eps)
        yield p


def amsgrad_without_correction(gradients, rates, betas, eps, **options):
    p = largest = 0.0
    for (_, _, m, v), rate in zip(_moments(gradients, betas), rates, strict=True):
        largest = np.maximum(largest, v)
        p = p - rate * m / (np.sqrt(largest) + eps)
        yield p


def decay_apart_from_the_rate(gradients, rates, betas, eps, weight_decay, **options):
    p = 0.0
    for (t, _, m, v), rate in zip(_moments(gradients, betas), rates, strict=True):
        move = m / (1 - betas[0] ** t) / (np.sqrt(v / (1 - betas[1] ** t)) + eps)
        p = p - rate / rates[0] * (rates[0] * move + weight_decay * p)
        yield p


def _largest(gradients, betas):
    """For each step: t, m, and the largest gradient, fading."""
    u = 0.0
    for t, g, m, _ in _moments(gradients, betas):
        u = np.maximum(betas[1] * u, np.abs(g))
        yield t, m, u


def adamax_without_eps(gradients, rates, betas, **options):
    p = 0.0
    for (t, m, u), rate in zip(_largest(gradients, betas), rates, strict=True):
        p = p - rate / (1 - betas[0] ** t) * m / u
        yield p


def adamax_with_eps_beside(gradients, rates, betas, eps, **options):
    p = 0.0
    for (t, m, u), rate in zip(_largest(gradients, betas), rates, strict=True):
        p = p - rate / (1 - betas[0] ** t) * m / (u + eps)
        yield p


def moment_with_the_schedule(gradients, rates, betas, eps, momentum_decay, **options):
    def mu(t):
        return betas[0] * (1 - 0.5 * 0.96 ** (t * momentum_decay))

    p = m = 0.0
    product = 1.0
    for (t, g, _, v), rate in zip(_moments(gradients, betas), rates, strict=True):
        product *= mu(t)
        m = mu(t) * m + (1 - mu(t)) * g
        ahead = mu(t + 1) * m / (1 - product * mu(t + 1)) + (1 - mu(t)) * g / (1 - product)
        p = p - rate * ahead / (np.sqrt(v / (1 - betas[1] ** t)) + eps)
        yield p


def rectified_above_4(gradients, rates, betas, **options):
    p, most = 0.0, 2 / (1 - betas[1]) - 1
    for (t, _, m, v), rate in zip(_moments(gradients, betas), rates, strict=True):
        length, move = most - 2 * t * betas[1] ** t / (1 - betas[1] ** t), m / (1 - betas[0] ** t)
        if length > 4:
            r = (length - 4) * (length - 2) * most / ((most - 4) * (most - 2) * length)
            move = math.sqrt(r) * move / np.sqrt(v / (1 - betas[1] ** t))
        p = p - rate * move
        yield p


def adagrad_eps_inside(gradients, rates, eps, **options):
    p = s = 0.0
    for g, rate in zip(gradients, rates, strict=True):
        s = s + g**2
        p = p - rate * g / np.sqrt(s + eps)
        yield p


def rmsprop_eps_inside(gradients, rates, alpha, eps, **options):
    p = v = 0.0
    for g, rate in zip(gradients, rates, strict=True):
        v = alpha * v + (1 - alpha) * g**2
        p = p - rate * g / np.sqrt(v + eps)
        yield p


def rmsprop_rate_in_velocity(gradients, rates, alpha, eps, momentum, **options):
    p = v = b = 0.0
    for g, rate in zip(gradients, rates, strict=True):
        v = alpha * v + (1 - alpha) * g**2
        b = momentum * b + rate * g / np.sqrt(v + eps)
        p = p - b
        yield p


def adadelta(gradients, rates, rho, eps, **options):
    p = v = u = 0.0
    for g, rate in zip(gradients, rates, strict=True):
        v = rho * v + (1 - rho) * g**2
        d = np.sqrt(u + eps) / np.sqrt(v + eps) * g
        u = rho * u + (1 - rho) * d**2
        p = p - rate * d
        yield p


def rprop_with_backtracking(gradients, rates, etas, step_sizes, **options):
    p, last, move, size = 0.0, _START, _START, np.full(_SHAPE, rates[0])
    for g in gradients:
        turned = g * last < 0
        factors = np.where(turned, etas[0], np.where(g * last > 0, etas[1], 1.0))
        size = np.clip(size * factors, *step_sizes)
        move = np.where(turned, -move, -np.sign(g) * size)
        last = np.where(turned, 0, g)
        p = p + move
        yield p


def adafactor_eps_added(gradients, rates, beta2_decay, d, **options):
    p, r, c = _START, 0.0, 0.0
    for t, (g, rate) in enumerate(zip(gradients, rates, strict=True), 1):
        square, fading = g**2 + 1e-30, 1 - t**beta2_decay
        r = fading * r + (1 - fading) * square.sum(axis=1, keepdims=True)
        c = fading * c + (1 - fading) * square.sum(axis=0, keepdims=True)
        u = g / np.sqrt(r * c / r.sum())
        u = u / max(1.0, math.sqrt(np.mean(u**2)) / d)
        scale = max(1e-3, math.sqrt(np.mean(p**2)))
        p = p - scale * min(rate, 1 / math.sqrt(t)) * u
        yield p


def mean_of_the_points(gradients, rates, **options):
    p, total = 0.0, 0.0
    for t, (g, rate) in enumerate(zip(gradients, rates, strict=True), 1):
        p = p - rate * g
        total = total + p
        yield total / t


def of_the_class(gradients, rates, name, **options):
    """The class of `reference`, PyTorch's options and nothing else."""
    row = catalogue.find(name)
    optimizer, params = row.component(**row.translate({"lr": rates[0], **options})), [_START.copy()]
    for g, rate in zip(gradients, rates, strict=True):
        optimizer.learning_rate = float(rate)
        optimizer.step(params, [g])
        yield params[0].copy()


# --- what is compared ---


@dataclass(frozen=True)
class Form:
    """One way to write an optimizer, beside PyTorch's."""

    title: str
    optimizer: type[torch.optim.Optimizer]
    source: str
    written: str
    pytorch: str
    points: Callable[..., Iterator[np.ndarray]]
    # Options under which they are compared, where those are not PyTorch's defaults.
    options: Mapping = field(default_factory=dict)
    # Options, and a change of the gradients, that leave nothing of the difference: the form is
    # PyTorch's but for it.
    alike: Mapping = field(default_factory=dict)
    alike_on: Callable = np.asarray
    # What PyTorch gets for a gradient.
    hand: Callable = torch.clone


def _first_alone(gradients):
    return np.concatenate([gradients[:1], 0 * gradients[1:]])


def _one_alone(gradients):
    return gradients * np.eye(1, math.prod(_SHAPE)).reshape(_SHAPE)


def _clipped(gradient):
    leaf = torch.nn.Parameter(torch.zeros_like(gradient))
    leaf.grad = gradient.clone()
    torch.nn.utils.clip_grad_norm_([leaf], 1.0)
    return leaf.grad


_OPTIM = torch.optim
FORMS = (
    Form(
        "SGD(momentum)",
        _OPTIM.SGD,
        "Polyak (1964), Rumelhart and others (1986), Keras",
        "v = b v + r g, p = p - v",
        "v = b v + g, p = p - r v",
        rate_in_velocity,
        {"momentum": 0.9},
        {"momentum": 0.0},
    ),
    Form(
        "SGD(dampening)",
        _OPTIM.SGD,
        "the running mean",
        "v = b v + (1 - d) g from v = 0 on",
        "v = g in the first step",
        dampened_from_the_start,
        {"momentum": 0.9, "dampening": 0.5},
        {"momentum": 0.9, "dampening": 0.0},
    ),
    Form(
        "SGD(nesterov)",
        _OPTIM.SGD,
        "Nesterov (1983), Sutskever and others (2013)",
        "v = b v + r g(p - b v), p = p - v",
        "p = p - r (g + b v): the look-ahead point below",
        rate_in_velocity,
        {"momentum": 0.9, "nesterov": True},
        {"momentum": 0.0, "nesterov": False},
    ),
    Form(
        "SGD(nesterov)",
        _OPTIM.SGD,
        "the same, its look-ahead point",
        "p - b v",
        "p",
        look_ahead,
        {"momentum": 0.9, "nesterov": True},
        {"momentum": 0.0, "nesterov": False},
    ),
    Form(
        "clip_grad_norm_",
        _OPTIM.SGD,
        "Pascanu and others (2013), TensorFlow",
        "g min(1, c / |g|)",
        "g min(1, c / (|g| + 1e-6))",
        clipped_to_the_norm,
        alike_on=lambda gradients: gradients / 100,
        hand=_clipped,
    ),
    Form(
        "Adam",
        _OPTIM.Adam,
        "Kingma and Ba (2015), algorithm 1",
        "p - r m' / (sqrt(v') + eps), m' and v' without bias",
        "the same",
        adam,
    ),
    Form(
        "Adam",
        _OPTIM.Adam,
        "Kingma and Ba (2015), the faster form of section 2; Keras, scikit-learn",
        "p - r c m / (sqrt(v) + eps), c the correction of both",
        "eps beside sqrt(v')",
        eps_before_correction,
        alike={"eps": 0.0},
    ),
    Form(
        "Adam(amsgrad)",
        _OPTIM.Adam,
        "Reddi and others (2018)",
        "p - r m / (sqrt(max v) + eps), no bias corrected",
        "both corrected, after the maximum",
        amsgrad_without_correction,
        {"amsgrad": True},
        {"betas": (0.0, 0.0), "amsgrad": True},
    ),
    Form(
        "AdamW",
        _OPTIM.AdamW,
        "Loshchilov and Hutter (2019)",
        "p - s (r m' / (sqrt(v') + eps) + w p), s the schedule alone",
        "the decay is s r w p",
        decay_apart_from_the_rate,
        alike={"weight_decay": 0.0},
    ),
    Form(
        "Adamax",
        _OPTIM.Adamax,
        "Kingma and Ba (2015), section 7.1",
        "u = max(b2 u, |g|)",
        "u = max(b2 u, |g| + eps)",
        adamax_without_eps,
        alike={"eps": 0.0},
    ),
    Form(
        "Adamax",
        _OPTIM.Adamax,
        "Keras",
        "u = max(b2 u, |g|), p - r m' / (u + eps)",
        "u = max(b2 u, |g| + eps), p - r m' / u",
        adamax_with_eps_beside,
        alike={"eps": 0.0},
    ),
    Form(
        "NAdam",
        _OPTIM.NAdam,
        "Dozat (2016)",
        "m = mu_t m + (1 - mu_t) g",
        "m = b1 m + (1 - b1) g",
        moment_with_the_schedule,
        alike={"betas": (0.0, 0.999)},
    ),
    Form(
        "NAdam",
        _OPTIM.NAdam,
        "the class here",
        "the product of the mu in float64",
        "in float32",
        functools.partial(of_the_class, name="NAdam"),
        alike={"betas": (0.0, 0.999)},
    ),
    Form(
        "RAdam",
        _OPTIM.RAdam,
        "Liu and others (2020)",
        "rectified where the length is above 4, no eps",
        "above 5, eps beside sqrt(v) before its correction",
        rectified_above_4,
        alike={"betas": (0.9, 0.5)},
    ),
    Form(
        "SparseAdam",
        _OPTIM.SparseAdam,
        "Kingma and Ba (2015), algorithm 1; Adam",
        "p - r m' / (sqrt(v') + eps)",
        "eps beside sqrt(v) before its correction",
        adam,
        alike={"eps": 1e-30},
        hand=torch.Tensor.to_sparse,
    ),
    Form(
        "Adagrad",
        _OPTIM.Adagrad,
        "textbooks, Keras",
        "p - r g / sqrt(s + eps)",
        "p - r g / (sqrt(s) + eps), as Duchi and others (2011)",
        adagrad_eps_inside,
        alike={"eps": 0.0},
    ),
    Form(
        "RMSprop",
        _OPTIM.RMSprop,
        "Graves (2013), textbooks, Keras",
        "p - r g / sqrt(v + eps)",
        "p - r g / (sqrt(v) + eps)",
        rmsprop_eps_inside,
        alike={"eps": 0.0},
    ),
    Form(
        "RMSprop(momentum)",
        _OPTIM.RMSprop,
        "Keras",
        "b = mu b + r g / sqrt(v + eps), p - b",
        "b = mu b + g / (sqrt(v) + eps), p - r b",
        rmsprop_rate_in_velocity,
        {"momentum": 0.9},
        {"momentum": 0.0, "eps": 0.0},
    ),
    Form(
        "Adadelta",
        _OPTIM.Adadelta,
        "Zeiler (2012); Keras, whose rate is 0.001",
        "d = sqrt(u + eps) / sqrt(v + eps) g, p - r d",
        "the same",
        adadelta,
    ),
    Form(
        "Rprop",
        _OPTIM.Rprop,
        "Riedmiller and Braun (1993)",
        "where the sign changes, the last move is taken back",
        "where the sign changes, no move (Igel and Huesken 2003)",
        rprop_with_backtracking,
        alike_on=np.abs,
    ),
    Form(
        "Adafactor",
        _OPTIM.Adafactor,
        "Shazeer and Stern (2018)",
        "the means of g^2 + 1e-30",
        "the means of g^2, their mean at least eps, their product eps^2",
        adafactor_eps_added,
        alike={"eps": (1e-30, 1e-3)},
    ),
    Form(
        "ASGD",
        _OPTIM.ASGD,
        "Polyak and Juditsky (1992)",
        "the mean of all points is the answer",
        "the parameter is the last point, the state ax the mean of those after t0",
        mean_of_the_points,
        {"lambd": 0.0, "alpha": 0.0},
        # A rate that float32 holds, in which PyTorch keeps it.
        {"lambd": 0.0, "alpha": 0.0, "lr": 2.0**-7},
        alike_on=_first_alone,
    ),
    Form(
        "ASGD",
        _OPTIM.ASGD,
        "the class here",
        "eta and mu in float64",
        "in float32",
        functools.partial(of_the_class, name="ASGD"),
        # A rate that float32 holds.
        alike={"lambd": 0.0, "alpha": 0.0, "lr": 2.0**-7},
    ),
    Form(
        "Muon",
        _OPTIM.Muon,
        "the class here",
        "the matrices in the parameter's dtype",
        "in bfloat16",
        functools.partial(of_the_class, name="Muon"),
        alike={"ns_steps": 0, "eps": 1e-30},
        alike_on=_one_alone,
    ),
)


# --- measuring ---

# The size of the gradients, and what the rate of the second half is a share of the first's.
SETTINGS = {
    "gradients of 1": (1.0, 1.0),
    "gradients of 1e-8": (1e-8, 1.0),
    "rate falls to 1/8": (1.0, 0.125),
}


def entries() -> list[dict]:
    """One entry for each form, with the measured distance in each setting."""
    return [
        {
            "optimizer": form.title,
            "source": form.source,
            "written": form.written,
            "pytorch": form.pytorch,
            "apart": {setting: apart(form, setting) for setting in SETTINGS},
        }
        for form in FORMS
    ]


def apart(form: Form, setting: str, alike: bool = False) -> float:
    """How far the form and PyTorch get apart, as a share of the longest way from the start."""
    scale, fall = SETTINGS[setting]
    gradients = scale * np.random.default_rng(0).normal(size=(_STEPS, *_SHAPE))
    given = form.alike if alike else form.options
    gradients = form.alike_on(gradients) if alike else gradients
    tensor = torch.nn.Parameter(torch.from_numpy(_START.copy()))
    optimizer = form.optimizer([tensor], **given)
    (group,) = optimizer.param_groups
    rates = np.where(np.arange(_STEPS) < _STEPS // 2, 1.0, fall) * group["lr"]
    options = {name: value for name, value in group.items() if name not in ("params", "lr")}
    theirs = []
    for gradient, rate in zip(gradients, rates, strict=True):
        group["lr"] = float(rate)
        tensor.grad = form.hand(torch.from_numpy(gradient))
        optimizer.step()
        theirs.append(tensor.detach().numpy().copy())
    ours = np.stack([*form.points(gradients, rates, **options)])
    return float(np.abs(ours - theirs).max() / np.abs(theirs).max())
