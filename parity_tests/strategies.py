"""What inputs look like: shapes, regimes of values, kinks, hyper-parameters.

Hypothesis draws the structure of a case (options, shapes, regime, seed) and a few numbers; NumPy
fills the arrays from the drawn seed, in float64, and they are cast to the dtype under test.
"""

import functools
import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from hypothesis import strategies as st

# What the numbers of an input look like.
SMOOTH = "smooth"  # distinct and away from kinks: for numeric derivatives
KINKS = "kinks"  # on a kink, beside it, or anywhere
TIES = "ties"  # small whole numbers, many of them equal
SPECIAL = "special"  # NaN, infinities, both zeros, subnormals, huge
ORDINARY = ("ordinary", "wide", "large", "small", "drawn")


@dataclass(frozen=True)
class Input:
    """One input of a case: its shape and what its values may be.

    `values` names one of VALUES; `details` are that function's further arguments.
    """

    shape: tuple[int, ...]
    values: str = "real"
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Draft:
    """What a row draws: constructor options, inputs (nested as forward nests them), keywords."""

    options: Mapping[str, Any]
    inputs: tuple
    keywords: Mapping[str, Any] = field(default_factory=dict)
    # The mode, where the rest of the draft demands one; None: either.
    training: bool | None = None
    # Whether inputs lie in memory in another order, where PyTorch takes one only; None: either.
    strided: bool | None = None
    # False where the gradient is meant not to be forward's derivative (something is held fixed
    # that moves with the input or the parameters): there is nothing to witness.
    differentiable: bool = True


@dataclass(frozen=True)
class Case:
    """One example: a row's draft and how its arrays are filled."""

    draft: Draft
    regime: str
    seed: int
    training: bool
    strided: bool
    drawn: tuple[float, ...] = ()


# --- shapes and options ---
#
# Hypothesis looks through each new strategy before it draws from it: those that are made while a
# case is drawn are made once.


def _plain_first(minimum: int, maximum: int) -> list[int]:
    """2, 1, 3, 4, ..., 0 as far as they lie in the range.

    Hypothesis draws the first most often, and shrinks to it: 2 is the least that tells a sum from
    a mean, and what is empty compares nothing.
    """
    return sorted(range(minimum, maximum + 1), key=lambda number: (number == 0, abs(number - 2)))


@functools.cache
def sizes(minimum: int = 0, maximum: int = 4) -> st.SearchStrategy[int]:
    """The length of an axis."""
    return st.sampled_from(_plain_first(minimum, maximum))


@functools.cache
def lengths(rank: int, minimum: int, maximum: int) -> st.SearchStrategy[tuple[int, ...]]:
    """The lengths of `rank` axes, each in the range: the digits of one drawn number.

    An empty axis is half as likely as any other.
    """
    digits = [*_plain_first(max(minimum, 1), maximum), *_plain_first(minimum, maximum)]
    base = len(digits)

    def lengths_of(number):
        return tuple(digits[number // base**place % base] for place in range(rank))

    return st.integers(0, base**rank - 1).map(lengths_of)


@functools.cache
def shapes(
    minimum_rank: int = 0, maximum_rank: int = 4, minimum: int = 0, maximum: int = 6
) -> st.SearchStrategy[tuple[int, ...]]:
    """A shape of any rank in the range, each axis in its own."""

    @st.composite
    def shape(draw):
        return draw(lengths(draw(sizes(minimum_rank, maximum_rank)), minimum, maximum))

    return shape()


@functools.cache
def numbers(minimum: float, maximum: float, **keywords) -> st.SearchStrategy[float]:
    """A float that float32 holds exactly, so that both dtypes test the same option."""
    return st.floats(
        float(np.float32(minimum)), float(np.float32(maximum)), width=32, **keywords
    ).map(lambda number: 0.0 if abs(number) < 1e-30 else number)


def elementwise(**options: st.SearchStrategy) -> Callable:
    """The draw of a component that takes one array of any shape, with these options."""

    def draw_elementwise(draw):
        drawn = {name: draw(strategy) for name, strategy in options.items()}
        return Draft(drawn, (Input(draw(shapes())),))

    return draw_elementwise


# Whether the module is in training, and whether its inputs lie in memory in another order.
_MODES = ((True, False), (False, False), (True, True), (False, True))


_SEED = st.integers(0, 2**32 - 1)
_DRAWN = st.lists(numbers(-8, 8), min_size=1, max_size=6).map(tuple)


def cases(draw_draft: Callable, regimes: Sequence[str]) -> st.SearchStrategy["Case"]:
    """A case of a row, in one of the regimes."""
    manner = st.sampled_from([*itertools.product(regimes, _MODES)])

    @st.composite
    def case(draw):
        draft = draw_draft(draw)
        regime, (training, strided) = draw(manner)
        drawn = draw(_DRAWN) if regime == "drawn" else ()
        seed = draw(_SEED)
        training = training if draft.training is None else draft.training
        strided = strided if draft.strided is None else draft.strided
        return Case(draft, regime, seed, training, strided, drawn)

    return case()


# --- values ---


def fill(
    case: Case, kinks: Sequence[float], decades: float, huge: float | None
) -> tuple[tuple, dict]:
    """The inputs of a case, nested as the draft nests them, and its keywords.

    Real numbers are float64; the caller casts them to the dtype under test.
    """
    rng = np.random.default_rng(case.seed)
    regime = Regime(case.regime, rng, tuple(kinks), decades, huge, case.drawn)

    def filled(entry):
        if isinstance(entry, tuple):
            return tuple(filled(part) for part in entry)
        if not isinstance(entry, Input):
            return entry
        return np.asarray(VALUES[entry.values](regime, entry.shape, **entry.details))

    inputs = filled(case.draft.inputs)
    return inputs, {name: filled(value) for name, value in case.draft.keywords.items()}


@dataclass(frozen=True)
class Regime:
    """How real numbers are drawn in one case."""

    name: str
    rng: np.random.Generator
    kinks: tuple[float, ...] = ()
    decades: float = 30
    huge: float | None = 3e38  # the largest of the special numbers; None: none is huge
    drawn: tuple[float, ...] = ()

    def real(self, shape) -> np.ndarray:
        normal = self.rng.normal(size=shape)
        match self.name:
            case "ordinary":
                return normal
            case "large":
                return 30 * normal
            case "small":
                return 1e-4 * normal
            case "wide":
                power = self.rng.uniform(-self.decades, self.decades, size=shape)
                return np.sign(normal) * 10**power
            case "drawn":
                return np.resize(np.asarray(self.drawn), shape)
            case "smooth":
                return self._smooth(shape)
            case "kinks":
                return self._mixed(shape, self._around_kinks(), normal)
            case "ties":
                return self.rng.integers(-2, 3, size=shape).astype(float)
            case "special":
                return self._mixed(shape, self._specials(), normal)
        raise ValueError(f"unknown regime {self.name!r}")

    def _smooth(self, shape):
        count = int(np.prod(shape))
        spread = self.rng.permutation(np.linspace(-2, 2, count + 2)[1:-1]).reshape(shape)
        values = spread + self.rng.uniform(-0.4, 0.4, shape) / (count + 1)
        for kink in self.kinks:
            near = np.abs(values - kink) < 0.05
            values = np.where(near, kink + np.copysign(0.05, values - kink) + values / 50, values)
        return values

    def _mixed(self, shape, chosen, normal):
        if not chosen:
            return normal
        # All of them in turn, so that an array of a few elements shows each.
        count = int(np.prod(shape))
        picked = self.rng.permuted(np.resize(self.rng.permutation(chosen), count)).reshape(shape)
        return np.where(self.rng.random(shape) < 0.75, picked, normal)

    def _around_kinks(self):
        # Neighbours in float32, so that the cast to either dtype keeps them apart.
        beside = [
            float(np.nextafter(np.float32(kink), np.float32(side)))
            for kink in self.kinks
            for side in (-np.inf, np.inf)
        ]
        return [*self.kinks, *self.kinks, *beside]

    def _specials(self):
        # The subnormal numbers of float32, and those of float64.
        subnormal = [1e-40, -1e-40, 1e-310, -1e-310]
        values = [np.nan, np.inf, -np.inf, 0.0, -0.0, *subnormal]
        if self.huge is None:
            return values
        return [*values, 1e-44, self.huge, -self.huge, 1e20, -1e20]


def _integers(regime, shape, low, high, ignored=None):
    values = regime.rng.integers(low, high, size=shape)
    if ignored is not None:
        values = np.where(regime.rng.random(shape) < 0.2, ignored, values)
    return values


def _probability(regime, shape):
    # Far from 0 and 1 where derivatives are witnessed.
    edge = 0.25 if regime.name == SMOOTH else 0.02
    values = regime.rng.uniform(edge, 1 - edge, shape)
    if regime.name in (KINKS, TIES, SPECIAL):
        values = np.where(regime.rng.random(shape) < 0.3, values.round(), values)
    return values


def _probabilities(regime, shape, axis=-1):
    values = np.exp(regime.rng.normal(size=shape))
    return values / values.sum(axis=axis, keepdims=True) if values.size else values


def _log_probabilities(regime, shape, axis=-1):
    """Logarithms of probabilities; among special ones a few are NaN or -inf."""
    values = np.log(_probabilities(regime, shape, axis))
    if regime.name != SPECIAL:
        return values
    gaps = regime.rng.choice([np.nan, -np.inf], size=shape)
    return np.where(regime.rng.random(shape) < regime.rng.choice([0.1, 0.3]), gaps, values)


def _nonnegative(regime, shape):
    """The magnitudes of real numbers; away from 0 where derivatives are witnessed."""
    return np.abs(regime.real(shape)) + (1.0 if regime.name == SMOOTH else 0.0)


def _magnitudes(regime, shape):
    """The magnitudes of real numbers whose inverse is a number too, in either dtype."""
    values = _nonnegative(regime, shape)
    invertible = np.isfinite(values) & (values > np.finfo(np.float32).tiny)
    return np.where(invertible | np.isnan(values), values, 1)


def _places(regime, shape, count, spatial):
    """Places among `count`, channel by channel; distinct where derivatives are witnessed."""
    *channels, wanted = *shape[:-spatial], int(np.prod(shape[-spatial:]))
    if regime.name != SMOOTH:
        return regime.rng.integers(0, count, size=shape)
    numbers = np.broadcast_to(np.arange(max(count, wanted)), (*channels, max(count, wanted)))
    return (regime.rng.permuted(numbers, axis=-1)[..., :wanted] % count).reshape(shape)


def _grid(regime, shape, offset=0.0):
    """Real numbers; where derivatives are witnessed, halves and an offset, moved a little.

    So the differences of inputs with other offsets stay clear of 0 and of every half.
    """
    if regime.name != SMOOTH:
        return regime.real(shape)
    halves = regime.rng.integers(-4, 5, size=shape) / 2
    return halves + offset + regime.rng.uniform(-0.02, 0.02, size=shape)


def _gaps(regime, shape):
    """Real numbers, among special ones many NaN and -inf, of which windows then hold several."""
    values = regime.real(shape)
    if regime.name != SPECIAL:
        return values
    gaps = regime.rng.choice([np.nan, -np.inf], size=shape)
    return np.where(regime.rng.random(shape) < regime.rng.choice([0, 0.3, 0.7]), gaps, values)


def _blocking(regime, shape, rate):
    """What is added to scores: real numbers, and minus infinity at this rate."""
    values = regime.rng.normal(size=shape)
    return np.where(regime.rng.random(shape) < rate, -np.inf, values)


VALUES: dict[str, Callable] = {
    "blocking": _blocking,
    "gaps": _gaps,
    "grid": _grid,
    "places": _places,
    "nonnegative": _nonnegative,
    "magnitudes": _magnitudes,
    "nonpositive": lambda regime, shape: -_nonnegative(regime, shape),
    "counts": lambda regime, shape: regime.rng.poisson(2, size=shape).astype(float),
    "real": lambda regime, shape: regime.real(shape),
    "normal": lambda regime, shape: regime.rng.normal(size=shape),
    "positive": lambda regime, shape: np.exp(regime.rng.normal(size=shape)),
    "probability": _probability,
    "probabilities": _probabilities,
    "log_probabilities": _log_probabilities,
    "integers": _integers,
    "binary": lambda regime, shape: regime.rng.integers(0, 2, size=shape).astype(float),
    "signs": lambda regime, shape: regime.rng.choice([-1.0, 1.0], size=shape),
    "mask": lambda regime, shape, rate=0.3: regime.rng.random(shape) < rate,
    "given": lambda regime, shape, array: np.asarray(array).reshape(shape),
}


def strided(array: np.ndarray) -> np.ndarray:
    """The same values in memory that is neither contiguous nor in the order of the axes."""
    if array.ndim == 0 or array.size == 0:
        return array
    turned = np.ascontiguousarray(array.T)
    spaced = np.repeat(turned, 2, axis=0)[::2]
    return spaced.T
