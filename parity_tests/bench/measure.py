"""Times of two callables, taken in turns."""

import statistics
import time
import timeit
from collections.abc import Callable
from dataclasses import dataclass

# A single call is repeated until it is long against the clock.
_LEAST = 1e-3
_CLOCK = time.process_time


@dataclass(frozen=True)
class Spread:
    """A median and the quartiles about it."""

    low: float
    median: float
    high: float

    @classmethod
    def of(cls, values: list[float]) -> "Spread":
        if len(values) == 1:
            return cls(*values * 3)
        return cls(*statistics.quantiles(values, n=4, method="inclusive"))


@dataclass(frozen=True)
class Timing:
    """Seconds of one call on each side, and the ratio of neighbouring calls."""

    ours: Spread
    theirs: Spread
    ratio: Spread
    rounds: int


def alternate(ours: Callable, theirs: Callable, seconds: float, least: int = 3) -> Timing:
    """Time both in turns, for that long and at least so many rounds.

    Neither pytest-benchmark nor pyperf takes two functions in turns, which is what cancels a
    machine's changing load out of their ratio; the stopwatch is the standard library's `timeit`,
    which turns the garbage collector off. It counts the processor's time: each side has one
    thread, and what other processes take is not its own.
    """
    pairs = []
    timers = [(timeit.Timer(side, timer=_CLOCK), _repeats(side)) for side in (ours, theirs)]
    stop = time.perf_counter() + seconds
    while len(pairs) < least or (time.perf_counter() < stop and len(pairs) < 200):
        pairs.append([timer.timeit(number) / number for timer, number in timers])
    return Timing(
        Spread.of([own for own, _ in pairs]),
        Spread.of([other for _, other in pairs]),
        Spread.of([own / other for own, other in pairs]),
        len(pairs),
    )


def _repeats(side: Callable) -> int:
    """How many calls last long against the clock; the first calls of all warm up."""
    side()
    one = timeit.timeit(side, timer=_CLOCK, number=1)
    return max(1, round(_LEAST / max(one, 1e-9)))
