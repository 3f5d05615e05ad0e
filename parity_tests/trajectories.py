"""Optimizers and what runs beside them: whole trajectories, beside PyTorch's."""

import copy
import functools
import inspect
import itertools
from dataclasses import dataclass

import numpy as np
import torch
from hypothesis import strategies as st

from parity_tests import compare, oracle, reach, tolerances
from parity_tests.catalogue import OptimizerRow, RunRow
from parity_tests.compare import Verdict
from parity_tests.kinds import conclude
from parity_tests.strategies import shapes

# The scale of the gradients of a step. "mixed" takes another at each step, "alternating" the two
# farthest apart in turn; "special" has infinities and NaN here and there.
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

    @property
    def plain(self) -> bool:
        """Whether ours is made as most are: without groups, or the second of them added later."""
        return self.seed % 2 == 1

    def split(self, items: list) -> list[list]:
        """What belongs to each parameter, group by group."""
        places = np.array_split(np.arange(len(self.shapes)), len(self.groups))
        return [[items[place] for place in own] for own in places]


_COUNT = st.integers(1, 3)
SCALES = (*_SCALES, "mixed", "alternating", "special")
_SCALE = st.sampled_from(SCALES)
_FLAGS = st.sampled_from([*itertools.product([False, True], repeat=3)])
_SEED = st.integers(0, 2**32 - 1)


def courses(row: OptimizerRow):
    """The strategy of a course of a row."""
    shape = shapes(*row.ranks, row.least_size, 4)

    @st.composite
    def drawn(draw):
        count = draw(_COUNT)
        groups = [row.draw(draw) for _ in range(min(draw(_COUNT), count, 2))]
        return Course(
            tuple(groups),
            tuple(draw(shape) for _ in range(count)),
            draw(_SCALE),
            *draw(_FLAGS),
            draw(_SEED),
        )

    return drawn()


@dataclass(frozen=True)
class Feed:
    """What both sides are given: a start, and for each step the gradients and each group's rate."""

    start: list[np.ndarray]
    grads: list[list]
    rates: list[list[float]]


def check_trajectory(row: OptimizerRow, course: Course, dtype: str, steps: int) -> list[Verdict]:
    """Every parameter and every state array, after every step."""
    verdicts = course_verdicts(row, course, dtype, steps)
    about = f"{row.oracle.__name__} {course}, {steps} steps"
    return conclude(row, dtype, "trajectory", verdicts, about)


def course_verdicts(row: OptimizerRow, course: Course, dtype: str, steps: int) -> list[Verdict]:
    """The verdict on each array of a trajectory."""
    feed = _feed(row, course, dtype, steps)
    # What is not finite may come with a warning.
    with np.errstate(invalid="ignore" if course.scale == "special" else "warn"):
        theirs, ours = _run_in_torch(row, course, feed, dtype), _run(row, course, feed)
    if extra := sorted(ours.keys() - theirs.keys()):
        raise AssertionError(f"PyTorch keeps no {', '.join(extra)}")
    reach.count(reach.of_course, course, dtype, SCALES)
    doubled = functools.cache(lambda: _run_in_torch(row, course, feed, "float64"))

    def moved(seed):
        return _run_in_torch(row, course, feed, "float64", _nudge(seed, dtype))

    def moved_within(seed):
        with oracle.Jitter(seed, float(np.finfo(dtype).eps)):
            return moved(seed)

    drifts = _drifts(doubled, moved, (3, 8))
    if row.amplifies_within:
        drifts += _drifts(doubled, moved_within, (8,))
    return [
        _verdict(
            row,
            name,
            dtype,
            (ours.get(name), theirs.get(name)),
            doubled if dtype == "float32" else None,
            drifts,
            _determined(row, theirs, name, dtype),
        )
        for name in sorted(theirs)
    ]


def check_run(row: RunRow, case, dtype: str) -> list[Verdict]:
    """Every array of a run, after every step."""
    return conclude(row, dtype, "run", run_verdicts(row, case, dtype), repr(case))


def run_verdicts(row: RunRow, case, dtype: str) -> list[Verdict]:
    """The verdict on each array of a run."""
    theirs, ours = row.theirs(case, dtype, _unmoved), row.ours(case, dtype)
    reach.count(reach.of_run, row, case, dtype)

    def moved(seed):
        return row.theirs(case, dtype, _nudge(seed, dtype))

    # A step that rounding chooses otherwise seldom: where the budget itself is in question.
    counts = (4, 16) if tolerances.is_probing() else (4, 16, 64)
    drifts = _drifts(lambda: theirs, moved, counts)
    precise = functools.cache(lambda: row.precise(case, dtype)) if row.precise else None
    return [
        _verdict(
            row,
            name,
            dtype,
            (ours.get(name), theirs.get(name)),
            precise,
            drifts,
        )
        for name in sorted(theirs.keys() | ours.keys())
    ]


def _verdict(row, name, dtype, pair, precise, drifts, asserted=None):
    """One array of both sides: in eps of its largest number, or of PyTorch's own drift."""
    actual, expected = pair
    eps = np.longdouble(np.finfo(dtype).eps)
    largest = 0.0 if expected is None else np.abs(expected).max(initial=0, where=_ok(expected))
    unit = max(eps * largest, 4 * np.longdouble(np.finfo(dtype).smallest_normal))

    def told():
        return expected, unit

    def precisely():
        return precise()[name], unit

    def adrift(judge, drift):
        judged, least = judge()
        return judged, np.maximum(least, drift()[name])

    finer = [precisely] if precise else []

    return compare.compare(
        name,
        actual,
        expected,
        budget=tolerances.budget(row.title, name, row.kind(name), dtype),
        units=[lambda: unit],
        judges=[
            *finer,
            *(
                functools.partial(adrift, judge, drift)
                for judge in (told, *finer)
                for drift in drifts
            ),
        ],
        asserted=asserted,
        kind=row.kind(name),
    )


def _unmoved(number):
    return number


def _nudge(seed, dtype):
    """Moves numbers, arrays and tensors by an ulp of a dtype or leaves them, element by element."""
    rng, ulp = np.random.default_rng(seed), np.finfo(dtype).eps

    def nudge(number):
        factors = 1 + ulp * rng.integers(-1, 2, size=np.shape(number))
        if isinstance(number, torch.Tensor):
            factors = torch.from_numpy(np.asarray(factors)).to(number.dtype)
        return number * factors

    return nudge


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


def _drifts(unmoved, moved, counts):
    """What measures PyTorch's drift by so many runs, for each of the counts; more runs, which cost
    more and show no less, where fewer do not do."""
    run = functools.cache(moved)
    drift = functools.cache(lambda count: _drift(unmoved(), [run(seed) for seed in range(count)]))
    return [functools.partial(drift, count) for count in counts]


def _drift(unmoved, moved):
    """How far PyTorch drifts from itself when every number moves by an ulp in every step.

    Weight decay feeds the parameters back into the gradients, and a division by a small moment
    amplifies what rounding did to it: there no two orders of the same operations agree.
    """
    with np.errstate(invalid="ignore"):
        farthest = {
            name: np.fmax.reduce([np.abs(run[name] - track) for run in moved])
            for name, track in unmoved.items()
        }
    # A number that is drawn alone has no steps.
    return {
        name: np.fmax.accumulate(np.atleast_1d(far)).reshape(np.shape(far))
        for name, far in farthest.items()
    }


def _feed(row, course, dtype, steps) -> Feed:
    rng = np.random.default_rng(course.seed)
    start = [np.asarray(rng.normal(size=shape), dtype) for shape in course.shapes]
    scales = {
        "mixed": lambda: rng.choice([*_SCALES.values()], steps),
        "alternating": lambda: np.resize([_SCALES["huge"], _SCALES["faint"]], steps),
        "special": lambda: rng.choice([1.0, np.inf, np.nan], steps, p=[0.8, 0.15, 0.05]),
    }.get(course.scale, lambda: np.full(steps, _SCALES[course.scale]))()
    columns = []
    for point in start:
        values = rng.normal(size=(*point.shape, steps)) * scales
        values = np.moveaxis(values, -1, 0).astype(dtype)
        values.flags.writeable = False
        absent = course.absent & (rng.random(steps) < 0.2)
        given = [None if gone else row.give(values[t, ...], rng) for t, gone in enumerate(absent)]
        columns.append(given)
    factors = rng.choice([0.5, 1.0, 1.5], (steps, len(course.groups)))
    rates = np.array([group["lr"] for group in course.groups])
    rates = rates * np.cumprod(factors if course.changing_rate else np.ones_like(factors), axis=0)
    return Feed(start, [list(step) for step in zip(*columns, strict=True)], rates.tolist())


def _optimizer_in_torch(row, course, tensors):
    groups = [
        {"params": own, **options}
        for own, options in zip(course.split(tensors), course.groups, strict=True)
    ]
    return row.oracle(groups, **course.groups[0])


@functools.cache
def _bare_step(optimizer_class):
    """PyTorch's step without its profiling and hooks, which cost as much as a small step."""
    return torch.no_grad()(inspect.unwrap(optimizer_class.step))


def _run_in_torch(row, course, feed, dtype, nudge=_unmoved):
    """PyTorch's trajectory in a dtype: name -> array (steps, *shape).

    `nudge` moves start and gradients, and parameters and state after each step.
    """

    def tensor_of(array):
        return nudge(torch.from_numpy(np.array(array, dtype)))

    tensors = [tensor_of(point).requires_grad_() for point in feed.start]
    theirs, track = _optimizer_in_torch(row, course, tensors), {}
    take_step = _bare_step(row.oracle)
    for grads, rates in zip(feed.grads, feed.rates, strict=True):
        for group, rate in zip(theirs.param_groups, rates, strict=True):
            group["lr"] = rate
        for tensor, grad in zip(tensors, grads, strict=True):
            tensor.grad = None if grad is None else row.hand(grad, tensor, tensor_of)
        take_step(theirs)
        if nudge is not _unmoved:
            _move_all(theirs, row, tensors, nudge)
        states = [row.state_of(theirs, tensor) for tensor in tensors]
        _note(track, [oracle.to_numpy(tensor) for tensor in tensors], states)
    return _stacked(track)


def _run(row, course, feed):
    """Our trajectory: name -> array (steps, *shape)."""

    def optimizer():
        theirs = _optimizer_in_torch(row, course, [*map(torch.from_numpy, feed.start)])
        return _plain(row, theirs) if course.plain else row.mirror(theirs)

    params, ours, track = [np.array(point) for point in feed.start], optimizer(), {}
    for step, (grads, rates) in enumerate(zip(feed.grads, feed.rates, strict=True)):
        if course.resumed and 2 * step == len(feed.grads):
            saved, ours = copy.deepcopy(ours.state), optimizer()
            # What is loaded is copied: it is nobody's to change.
            for array in (array for state in saved for array in state.values()):
                array.flags.writeable = False
            ours.load_state(saved, params)
        # The rate of all, then that of each.
        ours.learning_rate = rates[0]
        for group, rate in zip(ours.groups[1:], rates[1:], strict=True):
            group["learning_rate"] = rate
        if ours.learning_rate != rates[0]:
            raise AssertionError("the learning rate is not that of the first group")
        row.step(ours, params, grads)
        states = [{name: np.array(array) for name, array in state.items()} for state in ours.state]
        _note(track, [param.copy() for param in params], states)
    return _stacked(track)


def _plain(row, theirs):
    """Our optimizer as constructors leave it, of which nobody says how many arrays it has; or with
    the first group of two, to which the second is added."""
    whole, groups = row.mirror(theirs), theirs.param_groups
    if len(groups) == 1:
        whole.groups[0]["count"] = None
        return whole
    theirs.param_groups = groups[:1]
    first = row.mirror(theirs)
    first.add_group(**whole.groups[1])
    return first


def _move_all(theirs, row, tensors, nudge):
    """Move parameters and state a little, in place."""
    names = [name for name in row.state if name not in row.scalars]
    with torch.no_grad():
        for tensor in tensors:
            state = theirs.state.get(tensor, {})
            for array in [tensor, *(state[name] for name in names if state.get(name) is not None)]:
                array.copy_(nudge(array))


def _note(track, params, states):
    """Append this step's parameters and state, which are copies."""
    for place, (param, state) in enumerate(zip(params, states, strict=True)):
        track.setdefault(f"params[{place}]", []).append(param)
        for name, value in state.items():
            track.setdefault(f"state[{place}].{name}", []).append(value)


def _stacked(track):
    return {name: np.array(arrays) for name, arrays in track.items()}


def _ok(array):
    return np.isfinite(array)
