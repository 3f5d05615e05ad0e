"""Every float32 there is: an activation of one number, forward and gradient, at all 2^32 inputs.

A quick comparison in float32 passes nearly all of them; what it doubts is compared as in any other
run, with every judge.
"""

from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass

import numpy as np
import torch

from parity_tests import catalogue, oracle, tolerances
from parity_tests.catalogue import Row
from parity_tests.strategies import SPECIAL, Case, Draft, Input
from parity_tests.trial import Trial

PATTERNS = 2**32
# Small enough for the processor's nearest memory.
CHUNK = 2**17


@dataclass(frozen=True)
class Outcome:
    """What one chunk of inputs gave."""

    elements: int
    doubted: int
    message: str | None


def rows() -> list[Row]:
    """The rows of functions of one number whose options all have defaults."""
    return [row for row in catalogue.rows(Row) if _is_function_of_one_number(row)]


def _is_function_of_one_number(row: Row) -> bool:
    if row.family != "activations" or not row.is_elementwise():
        return False
    try:
        module = row.oracle().eval()
        with oracle.quiet():
            outputs = module(torch.zeros(2))
    except (TypeError, RuntimeError, ValueError, KeyError, AttributeError):
        return False
    return outputs.shape == (2,) and not list(module.parameters())


def inputs(start: int, every: int) -> np.ndarray:
    """A chunk of float32, by their bits: every N-th from `start` on."""
    bits = start + every * np.arange(CHUNK, dtype=np.uint64)
    return bits[bits < PATTERNS].astype(np.uint32).view(np.float32)


def check(title: str, start: int, every: int) -> Outcome:
    """Forward and gradient of one chunk."""
    row = catalogue.find(title)
    chunk = inputs(start, every)
    chunk = np.where(np.isnan(chunk), np.float32(np.nan), chunk)  # a signalling one would warn
    trial = _trial(row, chunk, start)
    right = np.ones(len(chunk), bool)
    theirs, ours = dict(trial.theirs.quantities()), dict(trial.ours.quantities())
    for name, expected in theirs.items():
        if expected is None:  # no gradient, as of a step: ours is to be 0
            right &= ours[name] == 0
            continue
        budget = tolerances.budget(title, name, row.kind(name), "float32")
        right &= _near(ours[name], expected, budget)
        if name == "output":
            right &= np.signbit(ours[name]) == np.signbit(expected)
    doubted = chunk[~right]
    message = None
    if len(doubted):
        verdicts = _trial(row, doubted, start).verdicts()
        message = next((verdict.message for verdict in verdicts if verdict.message), None)
    return Outcome(len(chunk), len(doubted), message)


def _trial(row: Row, array: np.ndarray, seed: int) -> Trial:
    given = Input(array.shape, "given", {"array": array})
    return Trial(row, Case(Draft({}, (given,)), SPECIAL, seed, False, False), "float32")


def _near(actual: np.ndarray, expected: np.ndarray, budget: float) -> np.ndarray:
    """Equal, or finite and within half the budget, which leaves room for this arithmetic."""
    with np.errstate(invalid="ignore", over="ignore", under="ignore"):
        distance = np.abs(actual - expected)
        # An infinite or absent distance is not less than anything.
        close = distance <= np.float32(budget / 2) * np.spacing(np.abs(expected))
    return (actual == expected) | close | (np.isnan(actual) & np.isnan(expected))


def run(title: str, every: int, processes: int) -> Iterator[Outcome]:
    """One outcome for each chunk, in any number of processes."""
    starts = range(0, PATTERNS, every * CHUNK)
    with ProcessPoolExecutor(processes) as pool:
        yield from pool.map(
            check, [title] * len(starts), starts, [every] * len(starts), chunksize=16
        )
