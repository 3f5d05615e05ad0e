"""Arrays: dtypes, ranks, shapes, values, upstream gradients."""

import numbers

import numpy as np

from reference._checks._message import fail, fail_where, kind_of, shape_of


def check_floating(owner, method, argument, value):
    """A floating array of at least 32 bits (None and tuples of such pass through)."""
    if value is None:
        return
    if isinstance(value, tuple):
        for place, part in enumerate(value):
            check_floating(owner, method, f"{argument}[{place}]", part)
        return
    if not isinstance(value, (np.ndarray, np.generic)):
        hint = "Pass numpy.asarray(..., dtype=float)."
        fail(TypeError, owner, method, argument, "be a NumPy array", kind_of(value), hint)
    # longdouble and complex serve the independent witness, which runs the same code in them.
    if not np.issubdtype(value.dtype, np.inexact) or value.dtype == np.float16:
        hint = "Convert it with .astype(numpy.float64)."
        fail(TypeError, owner, method, argument, "be floating", f"dtype {value.dtype}", hint)


def check_optional_array(owner, *, method="__init__", **option):
    """A floating array, or None."""
    ((name, value),) = option.items()
    check_floating(owner, method, name, value)
    return value


def check_mask(owner, dtype, *, method="forward", **array):
    """Booleans, or floats of which `dtype` holds every one."""
    ((name, value),) = array.items()
    if not isinstance(value, (np.ndarray, np.generic)):
        fail(TypeError, owner, method, name, "be a NumPy array", kind_of(value))
    if value.dtype == bool:
        return
    floating = np.issubdtype(value.dtype, np.inexact) and value.dtype != np.float16
    if not (floating and np.can_cast(value.dtype, dtype)):
        requirement = f"hold booleans, or floats that {dtype} holds"
        fail(TypeError, owner, method, name, requirement, f"dtype {value.dtype}")


def check_integers(owner, *, method="forward", **array):
    """An array of integers."""
    ((name, value),) = array.items()
    if not isinstance(value, (np.ndarray, np.generic)):
        fail(TypeError, owner, method, name, "be a NumPy array of integers", kind_of(value))
    if not np.issubdtype(value.dtype, np.integer):
        hint = "Convert it with .astype(numpy.int64)."
        fail(TypeError, owner, method, name, "hold integers", f"dtype {value.dtype}", hint)


def check_indices(owner, count, *, ignored=None, method="forward", **array):
    """Integers in [0, count), or equal to `ignored`."""
    check_integers(owner, method=method, **array)
    ((name, value),) = array.items()
    bad = ((value < 0) | (value >= count)) & (value != ignored if ignored is not None else True)
    fail_where(bad, value, owner, method, name, f"lie in [0, {count})")


def check_counts(owner, shape, limit, *, method="forward", **array):
    """Integers of this shape, each in [0, limit]."""
    ((name, value),) = array.items()
    check_integers(owner, method=method, **array)
    check_shape(owner, shape, method=method, **array)
    bad = (value < 0) | (value > limit)
    fail_where(bad, value, owner, method, name, f"lie in [0, {limit}]")


def check_labels(owner, dtype, *, method="forward", **array):
    """An array of real numbers, such as labels of -1 and 1; returns it in `dtype`."""
    ((name, value),) = array.items()
    if not isinstance(value, (np.ndarray, np.generic)):
        fail(TypeError, owner, method, name, "be a NumPy array", kind_of(value))
    if not np.issubdtype(value.dtype, np.number):
        fail(TypeError, owner, method, name, "hold numbers", f"dtype {value.dtype}")
    return value.astype(dtype)


def check_rank(owner, ranks, layout, *, method="forward", **array):
    """An array of one of the given numbers of axes; `layout` names them in the message."""
    ((name, value),) = array.items()
    ranks = (ranks,) if isinstance(ranks, int) else tuple(ranks)
    if value.ndim not in ranks:
        counts = " or ".join(str(rank) for rank in ranks)
        fail(ValueError, owner, method, name, f"have {counts} axes {layout}", shape_of(value))


def check_least_rank(owner, minimum, layout, *, method="forward", **array):
    """An array of at least `minimum` axes; `layout` names them in the message."""
    ((name, value),) = array.items()
    if value.ndim < minimum:
        requirement = f"have at least {minimum} axes {layout}"
        fail(ValueError, owner, method, name, requirement, shape_of(value))


def check_axis(owner, axis, option, *, method="forward", **array):
    """An array that has the axis that an option names; returns it counted from the start."""
    ((name, value),) = array.items()
    axes = max(value.ndim, 1)  # a number counts as one axis of one element
    if not -axes <= axis < axes:
        fail(ValueError, owner, method, name, f"have an axis {option}={axis}", shape_of(value))
    return axis % axes


def check_last_axis(owner, count, what, *, method="forward", hint="", **array):
    """An array whose last axis holds `count` of `what` (features, channels, classes)."""
    ((name, value),) = array.items()
    if value.ndim == 0 or value.shape[-1] != count:
        if value.ndim > 2 and value.shape[1] == count:
            hint = "Is it channels-first?"
        requirement = f"have {count} {what} on its last axis"
        fail(ValueError, owner, method, name, requirement, shape_of(value), hint)


def check_last_axes(owner, sizes, *, method="forward", **array):
    """An array whose last axes have these sizes."""
    ((name, value),) = array.items()
    if value.shape[max(value.ndim - len(sizes), 0) :] != tuple(sizes):
        requirement = f"end with the axes {tuple(sizes)}"
        fail(ValueError, owner, method, name, requirement, shape_of(value))


def check_filled_axis(owner, axis, *, method="forward", **array):
    """An array that has at least one element along an axis."""
    ((name, value),) = array.items()
    if value.shape[axis] == 0:
        fail(ValueError, owner, method, name, f"not be empty along axis {axis}", shape_of(value))


def check_axis_divides(owner, divisor, axis, *, method="forward", **array):
    """An array whose axis `divisor`, a pair (name, number), divides."""
    ((name, value),) = array.items()
    if value.shape[axis] % divisor[1]:
        requirement = f"have a size on axis {axis} divisible by {divisor[0]}={divisor[1]}"
        fail(ValueError, owner, method, name, requirement, shape_of(value))


def check_halves(owner, axis, *, method="forward", **array):
    """An array of even length along an axis."""
    ((name, value),) = array.items()
    check_axis(owner, axis, "axis", method=method, **array)
    if value.ndim == 0 or value.shape[axis] % 2:
        requirement = f"have an even length along axis {axis}"
        fail(ValueError, owner, method, name, requirement, shape_of(value))


def check_several_values(owner, count, *, method="forward", **array):
    """An array that gives each mean more than one value, of which `count` says the number."""
    ((name, value),) = array.items()
    if count == 1:
        requirement = "have more than one value for each mean and deviation"
        fail(ValueError, owner, method, name, requirement, shape_of(value))


def check_shape(owner, shape, *, method="forward", hint="", **array):
    """An array of exactly this shape."""
    ((name, value),) = array.items()
    if np.shape(value) != tuple(shape):
        fail(ValueError, owner, method, name, f"have shape {tuple(shape)}", shape_of(value), hint)


def check_broadcast(owner, *, shape=None, method="forward", **arrays):
    """Arrays whose shapes broadcast together: to `shape` if it is given; returns the result."""
    shapes = {name: np.shape(array) for name, array in arrays.items() if array is not None}
    try:
        result = np.broadcast_shapes(*shapes.values(), shape or ())
    except ValueError:
        result = None
    name, last = list(shapes.items())[-1]
    if shape is not None and result != tuple(shape):
        fail(ValueError, owner, method, name, f"broadcast to shape {tuple(shape)}", f"shape {last}")
    if result is None:
        others = " and ".join(f"{other} of shape {shapes[other]}" for other in list(shapes)[:-1])
        fail(ValueError, owner, method, name, f"broadcast with {others}", f"shape {last}")
    return result


def check_finite(owner, *, method="forward", **array):
    """An array without NaN or infinities."""
    ((name, value),) = array.items()
    bad = ~np.isfinite(value)
    fail_where(bad, value, owner, method, name, "be finite")


def check_unit_interval(owner, *, method="forward", **array):
    """An array of numbers in [0, 1]."""
    ((name, value),) = array.items()
    bad = ~((value >= 0) & (value <= 1))
    fail_where(bad, value, owner, method, name, "lie in [0, 1]")


def check_above(owner, bound, *, method="forward", **array):
    """An array of numbers above `bound` (NaN passes)."""
    ((name, value),) = array.items()
    bad = value <= bound
    fail_where(bad, value, owner, method, name, f"be above {bound}")


def check_no_negative(owner, *, method="forward", **array):
    """An array of numbers that are 0 or more (NaN passes)."""
    ((name, value),) = array.items()
    bad = value < 0
    fail_where(bad, value, owner, method, name, "be 0 or more")


def check_upstream(owner, grad_outputs):
    """One gradient for each output of forward, of its shape; None stands for zero."""
    if not hasattr(owner, "output_shapes"):
        hint = "Call forward(...) before backward(...)."
        fail(RuntimeError, owner, "backward", "forward", "be called first", "no output", hint)
    shapes = owner.output_shapes
    if not grad_outputs and len(shapes) == 1:
        return  # a loss, whose upstream gradient is 1 by default
    for place, grad in enumerate(grad_outputs):
        argument = "grad_output" if len(shapes) == 1 else f"grad_outputs[{place}]"
        if grad is None or (isinstance(grad, numbers.Real) and shapes[place] == ()):
            continue
        check_floating(owner, "backward", argument, grad)
        if grad.shape != shapes[place]:
            requirement = f"have the output's shape {shapes[place]}"
            fail(ValueError, owner, "backward", argument, requirement, shape_of(grad))
