"""Losses, embeddings and recurrent layers: what one family alone asks for."""

import numpy as np

from reference._checks._message import fail, fail_where, shape_of
from reference._checks.arrays import check_integers, check_rank, check_shape
from reference._checks.options import check_integer, check_number


def check_cutoffs(owner, n_classes, *, method="__init__", **option):
    """Integers that rise strictly, all of them in [1, n_classes)."""
    ((name, value),) = option.items()
    requirement = f"be rising integers in [1, {n_classes})"
    if not isinstance(value, (tuple, list)) or not value:
        fail(ValueError, owner, method, name, requirement, repr(value))
    bounds = [0, *(check_integer(owner, method=method, **{name: entry}) for entry in value)]
    if any(low >= high for low, high in zip(bounds, [*bounds[1:], n_classes], strict=True)):
        fail(ValueError, owner, method, name, requirement, repr(value))
    return bounds[1:]


def check_tweedie_power(owner, *, method="__init__", **option):
    """A number above 1 other than 2."""
    ((name, value),) = option.items()
    if check_number(owner, method=method, **option) <= 1 or value == 2:
        hint = "Powers 1 and 2 are PoissonDevianceLoss and GammaDevianceLoss."
        fail(ValueError, owner, method, name, "be above 1 and not 2", value, hint)
    return value


def check_offsets(owner, count, includes_last, *, method="forward", **array):
    """Places among `count` that start at 0 and never fall; the last is `count` if included."""
    ((name, value),) = array.items()
    check_integers(owner, method=method, **array)
    check_rank(owner, 1, "(bags,)", method=method, **array)
    bounds = np.append(value, count)
    if value.size == 0 and (count or includes_last):
        fail(ValueError, owner, method, name, "have at least one entry", shape_of(value))
    if bounds[0] != 0 and value.size:
        fail(ValueError, owner, method, name, "start at 0", bounds[0])
    if np.any(np.diff(bounds) < 0):
        place = int(np.argmax(np.diff(bounds) < 0))
        requirement = f"never fall and not exceed the length {count}"
        fact = f"{bounds[place]} before {bounds[place + 1]}"
        fail(ValueError, owner, method, name, requirement, fact)
    if includes_last and bounds[-2] != count:
        fail(ValueError, owner, method, name, f"end with the length {count}", bounds[-2])


def check_carried(owner, shapes, state, *, method="forward"):
    """The state of a recurrent layer: one array, or a tuple of one for each entry of `shapes`."""
    parts = state if isinstance(state, tuple) else (state,)
    if len(parts) != len(shapes) or isinstance(state, tuple) != (len(shapes) > 1):
        names = ", ".join(shapes)
        requirement = f"be a tuple ({names})" if len(shapes) > 1 else "be one array"
        got = f"a tuple of {len(parts)}" if isinstance(state, tuple) else "one array"
        fail(ValueError, owner, method, "state", requirement, got)
    for (name, shape), part in zip(shapes.items(), parts, strict=True):
        argument = f"state ({name})" if len(shapes) > 1 else "state"
        check_shape(owner, shape, method=method, **{argument: part})
    return parts


def check_lengths(owner, batch, time, *, method="forward", **array):
    """The number of steps of each of `batch` sequences, 1 to `time`; all of them for None."""
    ((name, value),) = array.items()
    if value is None:
        return np.full(batch, time)
    check_integers(owner, method=method, **array)
    check_shape(owner, (batch,), method=method, **array)
    bad = (value < 1) | (value > time)
    requirement = f"lie in [1, {time}], the steps of the input"
    fail_where(bad, value, owner, method, name, requirement)
    return value
