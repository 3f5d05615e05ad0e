"""The one form of the message that every bad input gets."""

import numpy as np


def fail(error, owner, method, argument, requirement, fact, hint=""):
    """Raise `error` with the message that every bad input gets; functions name their module."""
    name = owner if isinstance(owner, str) else type(owner).__name__
    message = f"{name}.{method}: {argument} must {requirement}; got {fact}."
    raise error(f"{message} {hint}".rstrip())


def fail_where(bad, value, owner, method, argument, requirement):
    """Raise ValueError for the first element of an array that the mask `bad` marks, if any."""
    if np.any(bad):
        place = tuple(int(index) for index in np.argwhere(bad)[0])
        fact = f"{np.asarray(value)[place]} at index {place}"
        fail(ValueError, owner, method, argument, requirement, fact)


def plain_number(value):
    # A float64 scalar would widen float32 arrays; a Python float does not.
    return float(value) if isinstance(value, np.float64) else value


def summary_of(value):
    if isinstance(value, dict):
        return f"a dict of {', '.join(map(str, value)) or 'nothing'}"
    size = f" of {len(value)} entries" if isinstance(value, (list, tuple)) else ""
    return f"{type(value).__name__}{size}"


def kind_of(value):
    return f"{type(value).__name__} {value!r}"


def shape_of(value):
    return f"shape {np.shape(value)}"
