"""Arrays inside nested structures and inside objects."""

import types

import numpy as np

_OPAQUE = (types.ModuleType, types.FunctionType, types.MethodType, type, np.random.Generator)
_OPAQUE += (np.random.RandomState, np.random.BitGenerator, str, bytes, int, float, complex)


def is_array(value):
    return isinstance(value, (np.ndarray, np.generic, float, int)) and not isinstance(value, bool)


def is_floating(value):
    return np.issubdtype(np.asarray(value).dtype, np.inexact)


def as_numbers(value):
    """A nested list of plain numbers as an array; None for anything else."""
    if not isinstance(value, list) or not value or _holds_arrays(value):
        return None
    try:
        array = np.array(value, dtype=np.longdouble)
    except (ValueError, TypeError):
        return None
    return array.astype(np.float64) if _plain(value) else array


def _holds_arrays(value):
    if isinstance(value, (list, tuple)):
        return any(_holds_arrays(part) for part in value)
    return isinstance(value, np.ndarray) and value.ndim > 0


def _plain(value):
    if isinstance(value, (list, tuple)):
        return all(_plain(part) for part in value)
    return not isinstance(value, np.longdouble)


def leaves(value):
    """The arrays of nested tuples, lists and dicts, depth first; None is kept."""
    if value is None or is_array(value):
        return [value]
    if isinstance(value, dict):
        return [leaf for part in value.values() for leaf in leaves(part)]
    numbers = as_numbers(value)
    if numbers is not None:
        return [numbers]
    if isinstance(value, (list, tuple)):
        return [leaf for part in value for leaf in leaves(part)]
    return []


def attributes(thing):
    """The instance attributes of an object, slots included."""
    found = dict(getattr(thing, "__dict__", {}))
    for kind in type(thing).__mro__:
        slots = kind.__dict__.get("__slots__", ())
        for name in (slots,) if isinstance(slots, str) else slots:
            if name not in ("__dict__", "__weakref__") and hasattr(thing, name):
                found.setdefault(name, getattr(thing, name))
    return found


def walk(value, path="", memo=None):
    """Every array inside an object, with its path, each once."""
    memo = set() if memo is None else memo
    if id(value) in memo or isinstance(value, _OPAQUE) or value is None:
        if isinstance(value, (float, np.floating)) and path:
            yield path, value
        return
    memo.add(id(value))
    if isinstance(value, (np.ndarray, np.generic)):
        yield path, value
    elif isinstance(value, dict):
        for key, part in value.items():
            yield from walk(part, f"{path}[{key!r}]" if path else str(key), memo)
    elif isinstance(value, (list, tuple)):
        for place, part in enumerate(value):
            yield from walk(part, f"{path}[{place}]", memo)
    elif hasattr(value, "__dict__") or hasattr(type(value), "__slots__"):
        for name, part in attributes(value).items():
            yield from walk(part, f"{path}.{name}" if path else name, memo)


def converted(value, convert, renew=lambda thing: object.__new__(type(thing)), memo=None):
    """A copy of an object in which `convert` has been applied to every array."""
    memo = {} if memo is None else memo
    if id(value) in memo:
        return memo[id(value)][0]
    result = _converted(value, convert, renew, memo)
    memo[id(value)] = (result, value)
    return result


def _converted(value, convert, renew, memo):
    if isinstance(value, (np.ndarray, np.generic)):
        return convert(value)
    if value is None or isinstance(value, _OPAQUE):
        return value
    if type(value) in (list, tuple, set):
        return type(value)(converted(part, convert, renew, memo) for part in value)
    if isinstance(value, dict):
        copy = type(value)() if type(value) is not dict else {}
        for key, part in value.items():
            copy[key] = converted(part, convert, renew, memo)
        return copy
    if hasattr(value, "__dict__") and not callable(getattr(value, "__array__", None)):
        copy = renew(value)
        memo[id(value)] = (copy, value)
        for name, part in attributes(value).items():
            try:
                object.__setattr__(copy, name, converted(part, convert, renew, memo))
            except (AttributeError, TypeError):
                return value
        return copy
    return value


def with_dtype(thing, dtype):
    """A copy of an object whose floating arrays have another dtype."""

    def convert(array):
        if isinstance(array, np.ndarray) and np.issubdtype(array.dtype, np.floating):
            return array.astype(dtype)
        return array.copy() if isinstance(array, np.ndarray) else array

    return converted(thing, convert)
