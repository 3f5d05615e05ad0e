"""Optimizers and what runs beside them: whole trajectories, beside PyTorch's."""

import copy
import functools
from dataclasses import dataclass

import numpy as np
import torch
from hypothesis import strategies as st

from parity_tests import compare, oracle, reach, tolerances
from parity_tests.catalogue import OptimizerRow, RunRow
from parity_tests.compare import Verdict
from parity_tests.kinds import conclude
from parity_tests.strategies import shapes

# The scale of the gradients of a step; "mixed" takes another at each step.
_SCALES = {"ordinary": 1.0, "tiny": 1e-8, "zero": 0.0, "huge": 1e30, "faint": 1e-30}


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
        tuple(draw(shapes(low, high, row.least_size, 4)) for _ in range(count)),
        draw(st.sampled_from([*_SCALES, "mixed"])),
        draw(st.booleans()),
        draw(st.booleans()),
        draw(st.booleans()),
        draw(st.integers(0, 2**32 - 1)),
    )


def check_trajectory(row: OptimizerRow, course: Course, dtype: str, steps: int) -> list[Verdict]:
    """Every parameter and every state array, after every step."""
    verdicts = course_verdicts(row, course, dtype, steps)
    about = f"{row.oracle.__name__} {course}, {steps} steps"
    return conclude(row, dtype, "trajectory", verdicts, about)


def course_verdicts(row: OptimizerRow, course: Course, dtype: str, steps: int) -> list[Verdict]:
    """The verdict on each array of a trajectory."""
    theirs, ours = _run(row, course, dtype, steps)
    reach.count(reach.of_course, course, dtype, [*_SCALES, "mixed"])
    doubled = functools.cache(lambda: _run(row, course, dtype, steps, np.float64)[0])
    moved = functools.partial(_run, row, course, dtype, steps, np.float64)
    drift = functools.cache(lambda: _drift(doubled(), [moved(seed)[0] for seed in (1, 2, 3)]))
    return [
        _verdict(
            row,
            name,
            dtype,
            (ours.get(name), theirs.get(name)),
            doubled if dtype == "float32" else None,
            drift,
            _determined(row, theirs, name, dtype),
        )
        for name in sorted(theirs.keys() | ours.keys())
    ]


def check_run(row: RunRow, case, dtype: str) -> list[Verdict]:
    """Every array of a run, after every step."""
    return conclude(row, dtype, "run", run_verdicts(row, case, dtype), repr(case))


def run_verdicts(row: RunRow, case, dtype: str) -> list[Verdict]:
    """The verdict on each array of a run."""
    theirs, ours = row.theirs(case, dtype, _unmoved), row.ours(case, dtype)
    reach.count(reach.of_run, row, case, dtype)

    def moved(seed):
        rng = np.random.default_rng(seed)
        return row.theirs(case, dtype, functools.partial(_nudged, rng=rng, dtype=dtype))

    drift = functools.cache(lambda: _drift(theirs, [moved(seed) for seed in range(4)]))
    precise = functools.cache(lambda: row.precise(case, dtype)) if row.precise else None
    return [
        _verdict(
            row,
            name,
            dtype,
            (ours.get(name), theirs.get(name)),
            precise,
            drift,
        )
        for name in sorted(theirs.keys() | ours.keys())
    ]


def _verdict(row, name, dtype, pair, precise, drift, asserted=None):
    """One array of both sides: in eps of its largest number, or of PyTorch's own drift."""
    actual, expected = pair
    eps = np.longdouble(np.finfo(dtype).eps)
    largest = 0.0 if expected is None else np.abs(expected).max(initial=0, where=_ok(expected))
    unit = max(eps * largest, 4 * np.longdouble(np.finfo(dtype).smallest_normal))

    def precisely():
        return precise()[name], unit

    def adrift():
        return expected, np.maximum(unit, drift()[name])

    return compare.compare(
        name,
        actual,
        expected,
        budget=tolerances.budget(row.title, name, row.kind(name), dtype),
        unit=unit,
        judges=[*([precisely] if precise else []), adrift],
        asserted=asserted,
        kind=row.kind(name),
    )


def _unmoved(number):
    return number


def _nudged(number, rng, dtype):
    """A number, an array or a tensor, an ulp away in each element."""
    if isinstance(number, torch.Tensor):
        ulps = torch.from_numpy(np.asarray(_ulps(tuple(number.shape), rng, dtype)))
        return number * (1 + ulps).to(number.dtype)
    return number * (1 + _ulps(np.shape(number), rng, dtype))


def _ulps(shape, rng, dtype):
    return np.finfo(dtype).eps * rng.choice([-1.0, 0.0, 1.0], size=shape)


def _determined(row, theirs, name, dtype):
    """A mask of what is asserted of one array: from its first doubtful step on, nothing."""
    if row.determined is None:
        return None
    place = name.partition("[")[2].partition("]")[0]
    state = {
        key.partition(".")[2]: track
        for key, track in theirs.items()
        if key.startswith(f"state[{place}].")
    }
    mask = row.determined(state, np.finfo(dtype).eps)
    if mask is None or mask.shape[1:] != theirs[name].shape[1:]:
        return None
    # The state begins with the first gradient that is there: nothing is doubtful before it.
    before = np.ones((len(theirs[name]) - len(mask), *mask.shape[1:]), bool)
    return np.logical_and.accumulate(np.concatenate([before, mask]))


def _drift(unmoved, moved):
    """How far PyTorch drifts from itself when every number moves by an ulp in every step.

    Weight decay feeds the parameters back into the gradients, and a division by a small moment
    amplifies what rounding did to it: there no two orders of the same operations agree.
    """
    with np.errstate(invalid="ignore"):
        return {
            name: np.fmax.accumulate(np.fmax.reduce([np.abs(run[name] - track) for run in moved]))
            for name, track in unmoved.items()
        }


def _run(row, course, dtype, steps, torch_dtype=None, moved=None):
    """The trajectories of both sides: name -> array (steps, *shape).

    `torch_dtype` is that of PyTorch's side where it is not `dtype`; `moved` seeds moves of an ulp
    of `dtype`, on that side, of start and gradients, and of parameters and state after each step.
    """
    rng = np.random.default_rng(course.seed)
    moves = np.random.default_rng(moved)

    def move(array):
        ulp = np.finfo(dtype).eps
        return array if moved is None else array * (1 + ulp * moves.uniform(-1, 1, array.shape))

    def tensor_of(array):
        return torch.from_numpy(np.array(move(array.astype(torch_dtype or dtype))))

    start = [np.asarray(rng.normal(size=shape), dtype) for shape in course.shapes]
    tensors = [tensor_of(point).requires_grad_() for point in start]
    places = np.array_split(np.arange(len(start)), len(course.groups))
    groups = [
        {"params": [tensors[i] for i in own], **options}
        for own, options in zip(places, course.groups, strict=True)
    ]
    theirs = row.oracle(groups, **course.groups[0])
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
        for place, grad in enumerate(grads):
            if grad is None:
                tensors[place].grad = None
            else:
                tensors[place].grad, grads[place] = row.give(grad, tensor_of, rng)
        theirs.step()
        if moved is not None:
            _move_all(theirs, row, tensors, move)
        if torch_dtype is None:
            row.step(ours, params, grads)
            _note(tracks[1], params, ours.state)
        _note(tracks[0], tensors, [row.state_of(theirs, tensor) for tensor in tensors])
    return tuple({name: np.stack(track) for name, track in side.items()} for side in tracks)


def _move_all(theirs, row, tensors, move):
    """Move parameters and state a little, in place."""
    arrays = list(tensors)
    for state in theirs.state.values():
        names = [name for name in row.state if name not in row.scalars]
        arrays += [state[name] for name in names if state.get(name) is not None]
    for array in arrays:
        with torch.no_grad():
            array.copy_(torch.from_numpy(np.array(move(oracle.to_numpy(array)))))


def _resumed(ours, params):
    """A new optimizer that goes on from plain copies of the state."""
    fresh = copy.deepcopy(ours)
    fresh.state = []
    fresh.load_state(copy.deepcopy(ours.state), params)
    return fresh


def _note(track, params, states):
    """Append this step's parameters and state."""
    for place, (param, state) in enumerate(zip(params, states, strict=True)):
        track.setdefault(f"params[{place}]", []).append(np.array(oracle.to_numpy(param)))
        for name, value in state.items():
            track.setdefault(f"state[{place}].{name}", []).append(np.array(value))


def _ok(array):
    return np.isfinite(array)
