"""Optimizers: whole trajectories on given gradients, beside PyTorch's."""

import copy
import functools
from dataclasses import dataclass

import numpy as np
import torch
from hypothesis import strategies as st

from parity_tests import compare, oracle, tolerances
from parity_tests.catalogue import OptimizerRow
from parity_tests.compare import Verdict
from parity_tests.kinds import conclude
from parity_tests.strategies import shapes

# The scale of the gradients of a step; "mixed" takes another at each step.
_SCALES = {"ordinary": 1.0, "tiny": 1e-8, "zero": 0.0, "huge": 1e20, "faint": 1e-30}


@dataclass(frozen=True)
class Course:
    """One trajectory: options of each group, parameters, gradients."""

    groups: tuple[dict, ...]
    shapes: tuple[tuple[int, ...], ...]
    scale: str
    changing_rate: bool
    absent: bool  # some gradients are None
    resumed: bool  # half-way, a new optimizer goes on from the state
    seed: int


@st.composite
def courses(draw, row: OptimizerRow):
    """A course of a row."""
    low, high = row.ranks
    count = draw(st.integers(1, 3))
    groups = [row.draw(draw) for _ in range(draw(st.integers(1, min(2, count))))]
    return Course(
        tuple(groups),
        tuple(draw(shapes(low, high, 0, 4)) for _ in range(count)),
        draw(st.sampled_from([*_SCALES, "mixed"])),
        draw(st.booleans()),
        draw(st.booleans()),
        draw(st.booleans()),
        draw(st.integers(0, 2**32 - 1)),
    )


def check_trajectory(row: OptimizerRow, course: Course, dtype: str, steps: int) -> list[Verdict]:
    """Every parameter and every state array, after every step."""
    theirs, ours = _run(row, course, dtype, steps)
    doubled = functools.cache(lambda: _run(row, course, dtype, steps, np.float64)[0])
    verdicts = []
    for name in sorted(theirs.keys() | ours.keys()):
        expected, actual = theirs.get(name), ours.get(name)
        eps = np.finfo(dtype).eps
        largest = 0.0 if expected is None else np.abs(expected).max(initial=0, where=_ok(expected))
        unit = np.longdouble(max(eps * largest, 4 * np.finfo(dtype).smallest_normal))

        def judge(name=name, unit=unit):
            return doubled()[name], unit

        verdicts.append(
            compare.compare(
                name,
                actual,
                expected,
                budget=tolerances.budget(row.title, name, row.kind(name), dtype),
                unit=unit,
                judges=[judge] if dtype == "float32" else [],
            )
        )
    about = f"{row.oracle.__name__} {course}, {steps} steps"
    return conclude(row, dtype, "trajectory", verdicts, about)


def _run(row, course, dtype, steps, torch_dtype=None):
    """The trajectories of both sides: name -> array (steps, *shape)."""
    rng = np.random.default_rng(course.seed)
    start = [np.asarray(rng.normal(size=shape), dtype) for shape in course.shapes]
    tensors = [torch.from_numpy(np.array(p, torch_dtype or dtype)).requires_grad_() for p in start]
    places = np.array_split(np.arange(len(start)), len(course.groups))
    groups = [
        {"params": [tensors[i] for i in own], **options}
        for own, options in zip(places, course.groups, strict=True)
    ]
    theirs = row.oracle(groups)
    ours = row.mirror(theirs)
    params = [p.copy() for p in start]
    tracks = {}, {}
    for step in range(steps):
        scale = course.scale
        if scale == "mixed":
            scale = rng.choice([*_SCALES])
        grads = [
            np.asarray(rng.normal(size=p.shape) * _SCALES[scale], dtype)
            if not (course.absent and rng.random() < 0.2)
            else None
            for p in start
        ]
        if course.changing_rate:
            for group, own in zip(theirs.param_groups, ours.groups, strict=True):
                group["lr"] *= float(rng.choice([0.5, 1.0, 1.5]))
                own.update(row.translate(group))
        if course.resumed and step == steps // 2 and torch_dtype is None:
            ours = _resumed(ours, params)
        for tensor, grad in zip(tensors, grads, strict=True):
            tensor.grad = (
                None if grad is None else torch.from_numpy(grad.astype(torch_dtype or dtype))
            )
        theirs.step()
        with np.errstate(over="ignore", invalid="ignore"):
            ours.step(params, grads)
        _note(tracks[0], tensors, [theirs.state.get(t, {}) for t in tensors], row.state)
        _note(tracks[1], params, ours.state, {own: own for own in row.state.values()})
    return tuple({name: np.stack(track) for name, track in side.items()} for side in tracks)


def _resumed(ours, params):
    """A new optimizer that goes on from plain copies of the state."""
    fresh = copy.deepcopy(ours)
    fresh.state = []
    fresh.load_state(copy.deepcopy(ours.state), params)
    return fresh


def _note(track, params, states, names):
    """Append this step's parameters and state; a state that is not there yet counts as zeros."""
    for place, (param, state) in enumerate(zip(params, states, strict=True)):
        track.setdefault(f"params[{place}]", []).append(np.array(oracle.to_numpy(param)))
        for theirs, own in names.items():
            if state.get(theirs) is not None:
                value = np.array(oracle.to_numpy(state[theirs]))
                entry = track.setdefault(f"state[{place}].{own}", [])
                entry.append(value)


def _ok(array):
    return np.isfinite(array)
