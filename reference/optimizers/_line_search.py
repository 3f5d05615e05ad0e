"""How far to go along a direction."""

from typing import Any, NamedTuple

import numpy as np


class Trial(NamedTuple):
    """A point along a direction: how far it lies, and the function there."""

    step: Any
    value: Any
    grad: Any
    slope: Any


def strong_wolfe(evaluate, start, step, limit, length, armijo=1e-4, curvature=0.9, shortest=1e-9):
    """A step after which the function is lower and flatter; returns its trial and their number.

    `evaluate(step)` makes a trial, `start` is the one at 0, `limit` the number of further trials
    after the first, `length` the largest element of the direction, `shortest` the least length of
    a bracket. Sought is value <= start.value + armijo step start.slope and
    |slope| <= curvature |start.slope|.
    """

    def is_high(trial):
        return trial.value > start.value + armijo * trial.step * start.slope

    def is_flat(trial):
        return abs(trial.slope) <= -curvature * start.slope

    # Step further and further, until a bracket holds such a point.
    bracket = None
    previous, trial, count = start, evaluate(step), 1
    while bracket is None and count <= limit:
        if is_high(trial) or (count > 2 and trial.value >= previous.value):
            bracket = [previous, trial]
        elif is_flat(trial):
            return trial, count
        elif trial.slope >= 0:
            bracket = [previous, trial]
        else:
            near, far = trial.step + 0.01 * (trial.step - previous.step), trial.step * 10
            step = cubic_minimum(previous, trial, near, far)
            previous, trial, count = trial, evaluate(step), count + 1
    bracket = [start, trial] if bracket is None else bracket

    # Shrink the bracket around the lower of its two trials.
    low, high = lower_first(bracket)
    stalled = False
    while count <= limit and abs(bracket[1].step - bracket[0].step) * length >= shortest:
        step, stalled = inside(bracket, stalled)
        trial, count = evaluate(step), count + 1
        if is_high(trial) or trial.value >= bracket[low].value:
            bracket[high] = trial
            low, high = lower_first(bracket)
        elif is_flat(trial):
            return trial, count
        else:
            if trial.slope * (bracket[high].step - bracket[low].step) >= 0:
                bracket[high] = bracket[low]
            bracket[low] = trial
    return bracket[low], count


def lower_first(bracket):
    """The places of the lower and of the higher of two trials."""
    return (0, 1) if bracket[0].value <= bracket[1].value else (1, 0)


def inside(bracket, stalled):
    """The minimum of the cubic through a bracket, and whether it lies near one of its ends.

    On an end, or near one for the second time, a tenth of the bracket is kept from it.
    """
    near, far = sorted(trial.step for trial in bracket)
    step, margin = cubic_minimum(*bracket, near, far), 0.1 * (far - near)
    if not min(far - step, step - near) < margin:
        return step, False
    if not (stalled or step >= far or step <= near):
        return step, True
    return (far - margin if far - step < step - near else near + margin), False


def cubic_minimum(first, second, nearest, farthest):
    """The minimum of the cubic through two trials, within bounds; their middle if it has none."""
    first, second = sorted((first, second), key=lambda trial: trial.step)
    # Trials too close to tell apart give NaN.
    with np.errstate(all="ignore"):
        rise = 3 * (first.value - second.value) / (first.step - second.step)
        bend = first.slope + second.slope - rise
        square = bend**2 - first.slope * second.slope
        if not square >= 0:
            return (nearest + farthest) / 2
        root = np.sqrt(square)
        part = (second.slope + root - bend) / (second.slope - first.slope + 2 * root)
        step = second.step - (second.step - first.step) * part
    return min(max(step, nearest), farthest)
