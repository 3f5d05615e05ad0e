"""Two arrays, element by element: the verdict and its words."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

# The share of the budget below which a unit that is dear to measure is not measured.
_ENOUGH = 0.5

Unit = Callable[[], np.ndarray | float]
Judge = Callable[[], tuple[np.ndarray, np.ndarray]]


@dataclass(frozen=True)
class Verdict:
    """What comparing one quantity found."""

    quantity: str
    dtype: str
    elements: int
    share: float = 0.0  # the worst error as a share of its budget
    second_judge: int = 0  # elements that only the second judge let through
    message: str | None = None  # None where everything agrees
    kind: str = ""  # the kind of budget, and how many of its units the worst error is
    units: float = 0.0


def ulp(expected: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """The spacing of `dtype` at each expected value, not below that of a few smallest normals."""
    finite = np.where(np.isfinite(expected), np.abs(expected), 0).astype(np.longdouble)
    limits = np.finfo(dtype)
    with np.errstate(over="ignore", under="ignore"):
        near = np.minimum(finite, limits.max).astype(dtype)
        return np.maximum(np.spacing(near), 4 * limits.smallest_normal).astype(np.longdouble)


def compare(
    quantity: str,
    actual: np.ndarray | None,
    expected: np.ndarray | None,
    *,
    budget: float,
    units: Sequence[Unit] = (lambda: 1.0,),
    judges: Sequence[Judge] = (),
    signed_zeros: bool = False,
    asserted: np.ndarray | None = None,
    context: Callable[[], dict[str, np.ndarray]] = dict,
    kinks: Sequence[float] = (),
    kind: str = "",
) -> Verdict:
    """Compare one quantity with PyTorch's, element by element.

    `units` measure what one unit of the budget is worth at each element, none less than the one
    before: the next is asked as long as any element takes more than half of its budget. `judges`
    are asked in turn, as (expected, unit), about finite elements that PyTorch in the same dtype
    refuses; `asserted` masks elements that PyTorch leaves undefined; `context` gives arrays that
    help to say what is wrong (the upstream gradient, the input), and `kinks` are points of the
    input.
    """
    if actual is None or expected is None:
        return _compare_absent(quantity, actual, expected)
    dtype = str(expected.dtype)
    for words in (_wrong_shape, _wrong_dtype):
        if message := words(actual, expected):
            return Verdict(quantity, dtype, expected.size, np.inf, 0, f"{quantity}: {message}")

    def agree(unit):
        right, share = _agree(actual, expected, budget, unit, signed_zeros)
        if asserted is None:
            return right, share
        return right | ~asserted, np.where(asserted, share, 0)

    right, share = _same(actual, expected, signed_zeros), np.zeros(expected.shape)
    if not right.all():
        for unit in units:
            right, share = agree(unit())
            if not (share > _ENOUGH).any():
                break
    called = 0
    if budget:
        for judge in judges:
            doubtful = ~right & np.isfinite(actual) & np.isfinite(expected)
            if not doubtful.any():
                break
            other, other_unit = judge()
            accepted, other_share = _agree(actual, other, budget, other_unit, signed_zeros)
            saved = doubtful & accepted & np.isfinite(other)
            called += int(saved.sum())
            # An element is as far off as the nearest judge says.
            share = np.where(doubtful & np.isfinite(other), np.minimum(share, other_share), share)
            right = right | saved
    message = None
    if not right.all():
        named = context()
        pattern = _pattern(actual, expected, right, named, kinks)
        message = _words(quantity, actual, expected, right, share, budget, named, pattern)
    worst = float(share.max(initial=0))
    units = worst * budget if budget else worst
    return Verdict(quantity, dtype, expected.size, worst, called, message, kind, units)


def _compare_absent(quantity, actual, expected) -> Verdict:
    """An absent gradient and a gradient of zeros mean the same."""
    present = expected if actual is None else actual
    dtype = "none" if present is None else str(present.dtype)
    size = 0 if present is None else present.size
    if present is None or not np.any(present):
        return Verdict(quantity, dtype, size)
    side = "ours is missing" if actual is None else "PyTorch has none here"
    return Verdict(quantity, dtype, size, np.inf, 0, f"{quantity}: {side}; the other is not zero")


def _same(actual, expected, signed_zeros):
    """Where the elements are equal, NaN to NaN."""
    same = (actual == expected) | (np.isnan(actual) & np.isnan(expected))
    if signed_zeros:
        zeros = (actual == 0) & (expected == 0)
        same &= ~zeros | (np.signbit(actual) == np.signbit(expected))
    return same


def _agree(actual, expected, budget, unit, signed_zeros):
    """Where the elements agree, and each error as a share of the budget."""
    same = _same(actual, expected, signed_zeros)
    finite = np.isfinite(actual) & np.isfinite(expected)
    with np.errstate(invalid="ignore", over="ignore"):
        error = np.abs(actual.astype(np.longdouble) - expected.astype(np.longdouble))
        units = np.where(finite & ~same, error / unit, 0)
    if not budget:
        return same, np.where(same, 0, np.inf)
    right = same | (finite & (units <= budget))
    if signed_zeros:
        right &= ~((actual == 0) & (expected == 0)) | same
    return right, np.where(finite, units / budget, np.where(same, 0, np.inf))


def _wrong_shape(actual, expected) -> str | None:
    if actual.shape == expected.shape:
        return None
    message = f"shape {actual.shape} instead of {expected.shape}"
    if actual.ndim == expected.ndim == 2 and actual.shape == expected.shape[::-1]:
        return f"{message}: it is transposed"
    if actual.ndim > expected.ndim:
        axes = tuple(range(actual.ndim - expected.ndim))
        if actual.shape[len(axes) :] == expected.shape:
            return f"{message}: it is not summed over the batch"
    return message


def _wrong_dtype(actual, expected) -> str | None:
    if actual.dtype == expected.dtype:
        return None
    leak = ": a leak of float64" if actual.dtype == np.float64 else ""
    return f"dtype {actual.dtype} instead of {expected.dtype}{leak}"


def _words(quantity, actual, expected, right, share, budget, context, pattern) -> str:
    """How many elements are wrong, the first and the worst of them, and what the pattern is."""
    wrong = np.argwhere(~right)
    doubt = np.where(right, -1, np.where(np.isfinite(share), share, np.inf))
    worst = tuple(np.unravel_index(doubt.argmax(), doubt.shape))
    places = {"first": tuple(wrong[0]), "worst": worst}
    if places["first"] == worst:
        places = {"first and worst": worst}
    lines = [f"{quantity}: {len(wrong)} of {expected.size} elements disagree with PyTorch"]
    if pattern:
        lines.append(f"  pattern: {pattern}")
    for name, place in places.items():
        index = tuple(int(axis) for axis in place)
        ours, theirs = actual[index], expected[index]
        with np.errstate(invalid="ignore", over="ignore"):
            apart = abs(float(ours) - float(theirs))
            distance = apart / float(ulp(np.asarray(theirs), expected.dtype))
        lines.append(
            f"  {name} at {index}: ours {ours!r}, PyTorch's {theirs!r}, {distance:.3g} ulp apart"
            f" ({float(share[index]):.3g} of the budget of {budget} units)"
        )
        for what, array in context.items():
            if array.shape == expected.shape:
                lines.append(f"    {what} there: {array[index]!r}")
    return "\n".join(lines)


def _pattern(actual, expected, right, context, kinks) -> str | None:
    """What the wrong elements have in common, in words.

    The verdict stands by now: what is nearly so here chooses a word, and lets nothing through.
    """
    ours, theirs = actual[~right], expected[~right]
    inputs = context.get("input", np.empty(()))
    if len(kinks) and inputs.shape == expected.shape:
        places = np.unique(inputs[~right])
        if np.isin(places, np.asarray(kinks, inputs.dtype)).all():
            named = ", ".join(f"{place:g}" for place in places)
            return f"wrong only at the kink, where the input is {named}"
    if np.isnan(theirs).all() and not np.isnan(ours).any():
        return "a NaN was turned into a number"
    if np.isnan(ours).all() and not np.isnan(theirs).any():
        return "a number was turned into NaN"
    if not (np.isfinite(ours).all() and np.isfinite(theirs).all()):
        return None
    if not ours.any() and not theirs.any():
        return "the sign of zero was lost"
    if np.allclose(ours, -theirs, rtol=1e-5, atol=0):
        return "the sign is reversed"
    square = expected.ndim == 2 and expected.shape[0] == expected.shape[1] > 1
    if square and np.allclose(actual, expected.T, rtol=1e-5, atol=0):
        return "it is transposed"
    upstream = context.get("grad_output", np.empty(()))
    with np.errstate(invalid="ignore", over="ignore"):
        passed_on = actual * upstream if upstream.shape == expected.shape else np.nan
    if np.allclose(passed_on, expected, rtol=1e-5, atol=0):
        return "the upstream gradient is missing"
    if not theirs.all() and np.isclose(ours.sum(), theirs.sum()):
        return "the same total is shared out differently: a tie goes to another place"
    if theirs.all():
        ratio = ours.astype(np.longdouble) / theirs
        if np.ptp(ratio) <= 1e-7 * abs(ratio).max() and len(ours) * 2 >= actual.size:
            return f"ours is {float(ratio.mean()):.9g} times PyTorch's everywhere"
        if len(ours) == 1:
            return f"one element is {float(ratio[0]):.9g} times PyTorch's"
    return None
