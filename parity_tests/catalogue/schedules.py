"""Rows: schedules of the learning rate, over 200 steps."""

import dataclasses
import math
import types
import unittest.mock
import warnings
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from hypothesis import strategies as st
from torch.optim import lr_scheduler, swa_utils

import reference
from parity_tests.catalogue._row import Refusal, RunRow, register
from parity_tests.strategies import numbers

STEPS = 200


@dataclass(frozen=True)
class Plan:
    """A schedule by its name in PyTorch, with the options that both sides have."""

    name: str
    rate: float
    options: Mapping
    # The rates that the user sets, each with the step after whose computation it is set.
    by_hand: tuple[tuple[int, float], ...] = ()


# --- functions of the step, which print as what they are ---


@dataclass(frozen=True)
class Decay:
    """1 / (1 + speed t)."""

    speed: float

    def __call__(self, t):
        return 1 / (1 + self.speed * t)


@dataclass(frozen=True)
class Wobble:
    """1 + depth cos t, which does not begin with 1."""

    depth: float

    def __call__(self, t):
        return 1 + self.depth * np.cos(t).item()


# --- what is drawn ---

_WHOLE = st.integers(1, 60)
_FACTOR = numbers(0.05, 1)
_GAMMA = st.just(0.0) | _FACTOR
_FUNCTION = st.builds(Decay, numbers(0, 1)) | st.builds(Wobble, numbers(0, 0.5))

_SIMPLE = {
    "LambdaLR": {"lr_lambda": _FUNCTION},
    "MultiplicativeLR": {"lr_lambda": _FUNCTION},
    "StepLR": {"step_size": _WHOLE, "gamma": _GAMMA},
    "MultiStepLR": {"milestones": st.lists(st.integers(0, STEPS), max_size=5), "gamma": _GAMMA},
    "ConstantLR": {"factor": st.just(1.0) | _FACTOR, "total_iters": _WHOLE},
    "LinearLR": {
        "start_factor": st.just(1.0) | _FACTOR,
        "end_factor": st.sampled_from([0.0, 1.0]) | _FACTOR,
        "total_iters": _WHOLE,
    },
    "ExponentialLR": {"gamma": st.just(0.0) | numbers(0.9, 1.01)},
    "PolynomialLR": {"total_iters": _WHOLE, "power": numbers(0, 3)},
    "CosineAnnealingLR": {"T_max": _WHOLE, "eta_min": st.just(0.0) | numbers(0, 0.2)},
    "CosineAnnealingWarmRestarts": {
        "T_0": _WHOLE,
        "T_mult": st.integers(1, 3),
        "eta_min": st.just(0.0) | numbers(0, 0.2),
    },
    "SWALR": {
        "swa_lr": numbers(0, 0.2),
        "anneal_epochs": st.integers(0, 60),
        "anneal_strategy": st.sampled_from(["cos", "linear"]),
    },
    "CyclicLR": {
        "base_lr": st.just(0.0) | numbers(1e-4, 0.1),
        "max_lr": st.just(0.0) | numbers(0.1, 1),
        "step_size_up": _WHOLE,
        "step_size_down": st.sampled_from([None, 0]) | _WHOLE,
        "mode": st.sampled_from(["triangular", "triangular2", "exp_range"]),
        "gamma": st.just(0.0) | numbers(0.9, 1),
        # Without one the mode says how high a cycle is.
        "scale_fn": st.none() | st.none() | _FUNCTION,
        "scale_mode": st.sampled_from(["cycle", "iterations"]),
        "cycle_momentum": st.booleans(),
        "base_momentum": numbers(0, 0.5),
        "max_momentum": st.just(0.0) | numbers(0.5, 0.99),
    },
    "OneCycleLR": {
        "max_lr": st.just(0.0) | numbers(0.01, 1),
        # Of one step less than are compared the last compared is the one beyond its end.
        "total_steps": st.sampled_from([1, STEPS - 1]) | st.integers(STEPS - 1, 2 * STEPS),
        "pct_start": st.sampled_from([0.0, 0.3, 1.0]) | numbers(0.05, 0.95),
        "anneal_strategy": st.sampled_from(["cos", "linear"]),
        "cycle_momentum": st.booleans(),
        "base_momentum": numbers(0, 0.5),
        "max_momentum": st.just(0.0) | numbers(0.5, 0.99),
        "div_factor": numbers(1, 30),
        "final_div_factor": numbers(1, 1e4),
        "three_phase": st.booleans(),
    },
}
_EPOCHS = st.sampled_from([(10, 20), (1, 250), (250, 1), (15, 20)])
_OWN_RATE = {"CyclicLR", "OneCycleLR"}
_RATE = st.just(0.0) | numbers(1e-3, 1)
_MILESTONE = st.sampled_from([0, 1]) | st.integers(0, STEPS // 2)
_SET = st.tuples(st.integers(0, STEPS // 2), _RATE)
# In half of the cases nobody meddles.
_BY_HAND = st.just(()) | st.lists(_SET, min_size=1, max_size=3).map(tuple)


def _simple(name):
    def draw_plan(draw):
        options = {key: draw(strategy) for key, strategy in _SIMPLE[name].items()}
        if name == "OneCycleLR" and draw(st.booleans()):
            del options["total_steps"]
            options["epochs"], options["steps_per_epoch"] = draw(_EPOCHS)
        total, share = (options.get(option) for option in ("total_steps", "pct_start"))
        # At the end of an only step, and beyond that of an only phase, PyTorch divides by zero.
        if total == 1 or (total == STEPS - 1 and share == 1):
            options["pct_start"] = min(share, 0.5)
        return Plan(name, draw(_RATE), options, draw(_BY_HAND))

    return draw_plan


def _once(name):
    """SWALR keeps its end in the optimizer, which has room for that of one; others may repeat."""
    return name if name == "SWALR" else object()


def _from(rate, options):
    """The options of a SequentialLR whose parts start from this rate."""
    parts = [dataclasses.replace(part, rate=rate) for part in options["schedulers"]]
    return {**options, "schedulers": parts}


def _several(name, parts, milestones):
    """Some of these schedules, one after another or at once, all from one rate."""

    def draw_plan(draw):
        names = draw(st.lists(st.sampled_from(parts), min_size=1, max_size=3, unique_by=_once))
        rate = draw(_RATE)
        plans = [Plan(part, rate, _simple(part)(draw).options) for part in names]
        # PyTorch's SequentialLR undoes what those made before it did in step 0.
        if not milestones and draw(st.booleans()):
            within = [part for part in parts if part != "SWALR"]
            first = _several("SequentialLR", within, milestones=True)(draw)
            plans.insert(0, Plan(first.name, rate, _from(rate, first.options)))
        options = {"schedulers": plans}
        if milestones:
            count = len(plans) - 1
            places = draw(st.lists(_MILESTONE, min_size=count, max_size=count))
            options["milestones"] = sorted(places)
        return Plan(name, rate, options, draw(_BY_HAND))

    return draw_plan


# --- both sides ---


def _make(plan):
    component = getattr(reference, plan.name)
    options = dict(plan.options)
    if "schedulers" in options:
        options["schedulers"] = [_make(part) for part in options["schedulers"]]
        return component(**options)
    return component(**options) if plan.name in _OWN_RATE else component(plan.rate, **options)


def _make_in_torch(plan, optimizer):
    scheduler = getattr(lr_scheduler, plan.name, None) or getattr(swa_utils, plan.name)
    options = dict(plan.options)
    if "schedulers" in options:
        options["schedulers"] = [_make_in_torch(part, optimizer) for part in options["schedulers"]]
        if plan.name == "ChainedScheduler":
            return scheduler(**options)
    return scheduler(optimizer, **options)


def _length(plan):
    """The steps that are compared: OneCycleLR has no more than total_steps and one."""
    return min(STEPS, plan.options.get("total_steps", STEPS) + 1)


def _cycles_momentum(plan):
    return plan.options.get("cycle_momentum", False)


def _rates(schedule, plan):
    """The rate of each step: of the step alone or, where some are set by hand, of the last rate."""
    if not plan.by_hand:
        return [schedule(t) for t in range(_length(plan))]
    rates, rate, by_hand = [], plan.rate, dict(plan.by_hand)
    for t in range(_length(plan)):
        rates.append(schedule.advance(rate, t))
        rate = by_hand.get(t, rates[-1])
    return rates


def _ours(plan, dtype):
    schedule = _make(plan)
    found = {"rate": np.array(_rates(schedule, plan))}
    found["initial_lr"] = np.array([schedule.learning_rate])
    if _cycles_momentum(plan):
        found["momentum"] = np.array([schedule.momentum(t) for t in range(_length(plan))])
    return found


def _optimizer(rate):
    return torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=rate, momentum=0.9)


def _theirs(plan, dtype, nudge):
    with warnings.catch_warnings():
        # PyTorch asks for steps of the optimizer between.
        warnings.simplefilter("ignore")
        optimizer = _optimizer(plan.rate)
        (group,) = optimizer.param_groups
        scheduler = _make_in_torch(plan, optimizer)
        initial = np.array([group["initial_lr"]])
        rates, momenta = [group["lr"]], [group["momentum"]]
        by_hand = dict(plan.by_hand)
        for t in range(_length(plan) - 1):
            group["lr"] = nudge(by_hand.get(t, group["lr"]))
            scheduler.step()
            rates.append(group["lr"])
            momenta.append(group["momentum"])
    found = {"rate": np.array(rates), "initial_lr": initial}
    if _cycles_momentum(plan):
        found["momentum"] = np.array(momenta, float)
    return found


def _precisely(plan, dtype):
    """PyTorch's own code in longdouble: its steps cancel where the cosine turns."""
    pi = 4 * np.arctan(np.longdouble(1))
    precise = types.SimpleNamespace(**{**vars(math), "pi": pi, "cos": np.cos})
    by_hand = tuple((t, np.longdouble(rate)) for t, rate in plan.by_hand)
    exact = dataclasses.replace(plan, rate=np.longdouble(plan.rate), by_hand=by_hand)
    with (
        unittest.mock.patch.object(lr_scheduler, "math", precise),
        unittest.mock.patch.object(swa_utils, "math", precise),
    ):
        return _theirs(exact, dtype, lambda number: number)


# --- the schedule that watches a metric ---


@dataclass(frozen=True)
class Watch:
    """A course of metrics from a seed, and options."""

    seed: int
    rate: float
    options: Mapping
    by_hand: tuple[tuple[int, float], ...] = ()

    def metrics(self):
        rng = np.random.default_rng(self.seed)
        course = np.cumsum(rng.normal(size=STEPS)) + rng.integers(-20, 20)
        return np.where(rng.random(STEPS) < 0.03, rng.choice([np.nan, np.inf, -np.inf]), course)


def _watches(draw):
    options = {
        "mode": draw(st.sampled_from(["min", "max"])),
        "factor": draw(numbers(0, 0.99)),
        "patience": draw(st.integers(0, 5)),
        "threshold": draw(st.sampled_from([0.0, 1e-4, 0.1, 1.0])),
        "threshold_mode": draw(st.sampled_from(["rel", "abs"])),
        "cooldown": draw(st.integers(0, 4)),
        "min_lr": draw(st.just(0.0) | numbers(0, 0.1)),
        "eps": draw(st.sampled_from([0.0, 1e-8, 0.01])),
    }
    return Watch(draw(st.integers(0, 2**32 - 1)), draw(_RATE), options, draw(_BY_HAND))


def _watch(case, dtype):
    schedule = reference.ReduceLROnPlateau(case.rate, **case.options)
    # One array, written over in each step, as a running loss is.
    metric, track, by_hand = np.zeros(()), [], dict(case.by_hand)
    for t, value in enumerate(case.metrics()):
        metric[...] = value
        schedule.learning_rate = by_hand.get(t, schedule.learning_rate)
        rate = schedule.step(metric)
        track.append((rate, schedule.best, schedule.bad_steps, schedule.cooldown_left))
    return _watched(track)


def _watched(track):
    names = "rate", "best", "bad_steps", "cooldown_left"
    return dict(zip(names, np.array(track, float).T, strict=True))


def _watch_in_torch(case, dtype, nudge):
    optimizer = _optimizer(case.rate)
    scheduler = lr_scheduler.ReduceLROnPlateau(optimizer, **case.options)
    (group,), track, by_hand = optimizer.param_groups, [], dict(case.by_hand)
    for t, metric in enumerate(case.metrics()):
        group["lr"] = by_hand.get(t, group["lr"])
        scheduler.step(metric)
        track.append(
            (group["lr"], scheduler.best, scheduler.num_bad_epochs, scheduler.cooldown_counter)
        )
    return _watched(track)


# --- rows ---

_REFUSALS = {
    "StepLR": [(lambda: reference.StepLR(0.1, 0), ValueError, "at least 1")],
    "LambdaLR": [
        (lambda: reference.LambdaLR(0.1, 0.9), TypeError, "be a function"),
        (lambda: reference.LambdaLR(0.1, Decay(1))(-1), ValueError, r"__call__: t must be 0"),
    ],
    "MultiplicativeLR": [
        (lambda: reference.MultiplicativeLR(0.1, Decay(1))(0.5), TypeError, "be an integer"),
        (lambda: reference.MultiplicativeLR(0.1, Decay(1)).rate(-1), ValueError, "at least 0"),
    ],
    "LinearLR": [
        (lambda: reference.LinearLR(0.1, 0.0), ValueError, "be positive"),
        (lambda: reference.LinearLR(0.1, 1.5), ValueError, r"start_factor must lie in \[0, 1\]"),
    ],
    "ConstantLR": [(lambda: reference.ConstantLR(0.1, 1.5), ValueError, r"lie in \[0, 1\]")],
    "CosineAnnealingWarmRestarts": [
        (lambda: reference.CosineAnnealingWarmRestarts(0.1, 1.5), TypeError, "be an integer")
    ],
    "SWALR": [(lambda: reference.SWALR(0.1, 0.05, -1), ValueError, "anneal_epochs must be at")],
    "CyclicLR": [
        (lambda: reference.CyclicLR(0.1, 1, mode="square"), ValueError, "be one of"),
        (
            lambda: reference.CyclicLR(0.1, 1, cycle_momentum=False).momentum(0),
            RuntimeError,
            "be True for this",
        ),
    ],
    "OneCycleLR": [
        (lambda: reference.OneCycleLR(0.1), TypeError, "epochs must be an integer"),
        (lambda: reference.OneCycleLR(0.1, epochs=2), TypeError, "steps_per_epoch must be an int"),
        (lambda: reference.OneCycleLR(0.1, 10)(11), ValueError, r"lie in \[0, 10\]"),
        (
            lambda: reference.OneCycleLR(0.1, 10, cycle_momentum=False).momentum(0),
            RuntimeError,
            "be True for this",
        ),
    ],
}


def _refusals(name):
    return tuple(Refusal(*entry) for entry in _REFUSALS.get(name, ()))


_SHOWN = {
    "LambdaLR": "0.1, lambda t: 1 / (1 + t)",
    "MultiplicativeLR": "0.1, lambda t: 0.9",
    "StepLR": "0.1, step_size=30",
    "MultiStepLR": "0.1, milestones=[30, 80]",
    "ConstantLR": "0.1",
    "LinearLR": "0.1",
    "ExponentialLR": "0.1, gamma=0.95",
    "PolynomialLR": "0.1",
    "CosineAnnealingLR": "0.1, T_max=50",
    "CosineAnnealingWarmRestarts": "0.1, T_0=10",
    "SWALR": "0.1, swa_lr=0.05",
    "CyclicLR": "0.01, 0.1",
    "OneCycleLR": "0.1, total_steps=100",
    "ReduceLROnPlateau": "0.1",
    "SequentialLR": "[StepLR(0.1, 5), StepLR(0.1, 10)], milestones=[20]",
    "ChainedScheduler": "[StepLR(0.1, 5), StepLR(0.1, 10)]",
}


def _example(name):
    more = ", StepLR" if "StepLR" in _SHOWN[name] and name != "StepLR" else ""
    call = "schedule.step(1.0)" if name == "ReduceLROnPlateau" else "schedule(3)"
    lines = [f"from reference import {name}{more}", f"schedule = {name}({_SHOWN[name]})"]
    return "\n".join([*lines, f"print({call})"])


def _scheduler(name):
    return getattr(lr_scheduler, name, None) or getattr(swa_utils, name)


# PyTorch computes these from the step alone, or exactly as the reference does.
_EXACT = {
    "LambdaLR",
    "MultiplicativeLR",
    "CosineAnnealingWarmRestarts",
    "CyclicLR",
    "OneCycleLR",
}


def _growing_after_halving():
    """The rates of a factor of 2, 3, 4, ... that takes over in step 3 from one of 1 / 2."""
    parts = [reference.ExponentialLR(1.0, 0.5), reference.MultiplicativeLR(1.0, lambda t: t + 2)]
    schedule = reference.SequentialLR(parts, [3])
    return np.array([schedule(t) for t in range(6)])


# Two rates to start from, of which the first counts.
_TWO_RATES = [reference.StepLR(0.1, 5), reference.StepLR(0.2, 5)]


_GROWING = (_growing_after_halving, np.array([1, 0.5, 0.25, 0.5, 1.5, 6]))
_LITERALS = {
    "MultiplicativeLR": (_GROWING,),
    # PyTorch's optimizer has but one rate.
    "SequentialLR": (
        _GROWING,
        (lambda: reference.SequentialLR(_TWO_RATES, [3]).learning_rate, 0.1),
    ),
    "ChainedScheduler": ((lambda: reference.ChainedScheduler(_TWO_RATES)(0), 0.1),),
    # A step that no loop over the restarts before it comes to.
    "CosineAnnealingWarmRestarts": (
        (lambda: reference.CosineAnnealingWarmRestarts(0.1, 10)(10**12 + 5), 0.05),
    ),
    # Where PyTorch divides by zero: a climb that ends in step 0.
    "OneCycleLR": (
        (lambda: reference.OneCycleLR(0.1, 10, pct_start=0.1)(0), 0.1),
        (lambda: reference.OneCycleLR(0.1, 10, pct_start=0.1).momentum(0), 0.85),
    ),
}
_UNREACHED = {
    "ConstantLR": {"option factor=0": "PyTorch divides by it"},
    "LinearLR": {"option start_factor=0": "both refuse it"},
}
# OneCycleLR and CyclicLR set the optimizer's first rate for all.
_PARTS = [name for name in _SIMPLE if name not in _OWN_RATE]

register(
    *(
        RunRow(
            getattr(reference, name),
            _scheduler(name),
            _simple(name),
            _ours,
            _theirs,
            _example(name),
            budget="exact" if name in _EXACT else "trajectory",
            dtypes=("float64",),
            precise=_precisely,
            unreached=_UNREACHED.get(name, {}),
            refusals=_refusals(name),
            literals=_LITERALS.get(name, ()),
        )
        for name in _SIMPLE
    ),
    RunRow(
        reference.SequentialLR,
        lr_scheduler.SequentialLR,
        _several("SequentialLR", _PARTS, milestones=True),
        _ours,
        _theirs,
        _example("SequentialLR"),
        dtypes=("float64",),
        precise=_precisely,
        literals=_LITERALS["SequentialLR"],
        refusals=(
            Refusal(lambda: reference.SequentialLR([], []), ValueError, "one entry or more"),
            Refusal(lambda: reference.SequentialLR([1], []), TypeError, "be a Schedule"),
            Refusal(
                lambda: reference.SequentialLR([reference.StepLR(0.1, 1)], [3]),
                ValueError,
                "be a list of 0 entries",
            ),
            Refusal(
                lambda: reference.SequentialLR([reference.StepLR(0.1, 1)] * 3, [3, 2]),
                ValueError,
                "not fall",
            ),
        ),
    ),
    RunRow(
        reference.ChainedScheduler,
        lr_scheduler.ChainedScheduler,
        _several("ChainedScheduler", _PARTS, milestones=False),
        _ours,
        _theirs,
        _example("ChainedScheduler"),
        dtypes=("float64",),
        precise=_precisely,
        literals=_LITERALS["ChainedScheduler"],
        refusals=(
            Refusal(lambda: reference.ChainedScheduler([]), ValueError, "one entry or more"),
            Refusal(
                lambda: reference.ChainedScheduler([reference.StepLR(0.1, 1)])(0.5),
                TypeError,
                "be an integer",
            ),
            Refusal(
                lambda: reference.ChainedScheduler([reference.StepLR(0.1, 1)]).rate(-1),
                ValueError,
                "be at least 0",
            ),
        ),
    ),
    RunRow(
        reference.ReduceLROnPlateau,
        lr_scheduler.ReduceLROnPlateau,
        _watches,
        _watch,
        _watch_in_torch,
        _example("ReduceLROnPlateau"),
        budget="exact",
        dtypes=("float64",),
        refusals=(
            Refusal(lambda: reference.ReduceLROnPlateau(0.1, factor=1.0), ValueError, "be below 1"),
            Refusal(lambda: reference.ReduceLROnPlateau(0.1, mode="up"), ValueError, "be one of"),
        ),
    ),
)
