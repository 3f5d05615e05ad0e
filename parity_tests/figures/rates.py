"""The schedules: the learning rate of each step, and of two the momentum."""

import inspect

import numpy as np
from matplotlib.figure import Figure

import reference
from parity_tests.figures import style

_STEPS = 100
_HALF = _STEPS // 2
# Options at which a schedule shows what it does within these steps.
OPTIONS = {
    "LambdaLR": {"lr_lambda": lambda t: 1 / (1 + t / 10)},
    "MultiplicativeLR": {"lr_lambda": lambda t: 1 - 1 / (t + 2)},
    "StepLR": {"step_size": 20, "gamma": 0.5},
    "MultiStepLR": {"milestones": [15, 60], "gamma": 0.4},
    "ConstantLR": {"factor": 0.3, "total_iters": 20},
    "LinearLR": {"start_factor": 0.1, "total_iters": 40},
    "ExponentialLR": {"gamma": 0.96},
    "PolynomialLR": {"total_iters": 80, "power": 2},
    "CosineAnnealingLR": {"T_max": 60},
    "CosineAnnealingWarmRestarts": {"T_0": 15, "T_mult": 2},
    "SWALR": {"swa_lr": 0.4, "anneal_epochs": 50},
    "CyclicLR": {
        "base_lr": 0.1,
        "max_lr": 1.0,
        "step_size_up": 15,
        "step_size_down": 10,
        "mode": "triangular2",
    },
    "OneCycleLR": {"max_lr": 1.0, "total_steps": _STEPS},
    "SequentialLR": {
        "schedulers": [
            reference.LinearLR(1.0, start_factor=0.1, total_iters=20),
            reference.CosineAnnealingLR(1.0, T_max=_STEPS - 20),
        ],
        "milestones": [20],
    },
    "ChainedScheduler": {
        "schedulers": [
            reference.LinearLR(1.0, start_factor=0.1, total_iters=20),
            reference.ExponentialLR(1.0, gamma=0.98),
        ]
    },
    "ReduceLROnPlateau": {"patience": 8, "factor": 0.5},
}


def draw() -> Figure:
    """A panel for each schedule."""
    title = "The schedules: the rate of each step, from a rate of 1"
    figure, axes = style.panels(len(OPTIONS), 4, (2.6, 1.7), title)
    for name, panel in zip(OPTIONS, axes, strict=True):
        schedule, steps = _make(name), np.arange(_STEPS)
        rates = _rates(schedule)
        panel.plot(steps, rates, color=style.VALUE, drawstyle="steps-post", label="rate")
        if hasattr(schedule, "momentum"):
            momenta = [schedule.momentum(t) for t in range(_STEPS)]
            panel.plot(steps, momenta, color=style.SLOPE, linestyle="--", label="momentum")
        panel.set(ylim=(-0.05, 1.08), xlim=(0, _STEPS))
        panel.set_title(name)
    figure.supxlabel("step", fontsize=8)
    cyclic = list(OPTIONS).index("CyclicLR")
    style.legend_below(figure, axes[cyclic])
    return figure


def _make(name):
    component = getattr(reference, name)
    takes_rate = "learning_rate" in inspect.signature(component).parameters
    return component(**({"learning_rate": 1.0} if takes_rate else {}), **OPTIONS[name])


def _rates(schedule):
    if not hasattr(schedule, "step"):
        return [schedule(t) for t in range(_STEPS)]
    # A metric that falls, and from half-way on does not.
    return [schedule.step(max(_HALF - t, 0)) for t in range(_STEPS)]
