"""Every check of input, and the one form of its message.

    {Class}.{method}: {argument} must {requirement}; got {fact}. {hint}

Checks of constructor options take the option by its name (`check_positive(self, alpha=alpha)`)
and return it; checks of arrays take the array by its name and name `forward`.
"""

import math
import numbers
import operator

import numpy as np


def fail(error, owner, method, argument, requirement, fact, hint=""):
    """Raise `error` with the message that every bad input gets."""
    message = f"{type(owner).__name__}.{method}: {argument} must {requirement}; got {fact}."
    raise error(f"{message} {hint}".rstrip())


# --- options of constructors ---


def check_number(owner, *, method="__init__", **option):
    """A finite real number."""
    ((name, value),) = option.items()
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        fail(TypeError, owner, method, name, "be a real number", _kind(value))
    if not math.isfinite(value):
        fail(ValueError, owner, method, name, "be finite", value)
    return value


def check_positive(owner, *, method="__init__", **option):
    """A finite number above 0."""
    ((name, value),) = option.items()
    if check_number(owner, method=method, **option) <= 0:
        fail(ValueError, owner, method, name, "be positive", value)
    return value


def check_nonnegative(owner, *, method="__init__", **option):
    """A finite number that is 0 or more."""
    ((name, value),) = option.items()
    if check_number(owner, method=method, **option) < 0:
        fail(ValueError, owner, method, name, "be 0 or more", value)
    return value


def check_negative(owner, why="", *, method="__init__", **option):
    """A number below 0."""
    ((name, value),) = option.items()
    if check_number(owner, method=method, **option) >= 0:
        fail(ValueError, owner, method, name, "be negative", value, why)
    return value


def check_fraction(owner, *, method="__init__", **option):
    """A number in [0, 1]."""
    ((name, value),) = option.items()
    if not 0 <= check_number(owner, method=method, **option) <= 1:
        fail(ValueError, owner, method, name, "lie in [0, 1]", value)
    return value


def check_integer(owner, *, minimum=1, method="__init__", **option):
    """An integer of at least `minimum`."""
    ((name, value),) = option.items()
    if isinstance(value, bool) or not isinstance(value, numbers.Integral):
        fail(TypeError, owner, method, name, "be an integer", _kind(value))
    if value < minimum:
        fail(ValueError, owner, method, name, f"be at least {minimum}", value)
    return operator.index(value)


def check_flag(owner, *, method="__init__", **option):
    """True or False."""
    ((name, value),) = option.items()
    if not isinstance(value, (bool, np.bool_)):
        fail(TypeError, owner, method, name, "be True or False", _kind(value))
    return bool(value)


def check_choice(owner, choices, *, method="__init__", **option):
    """One of `choices`."""
    ((name, value),) = option.items()
    if not any(value is choice or value == choice for choice in choices):
        known = ", ".join(repr(choice) for choice in choices)
        fail(ValueError, owner, method, name, f"be one of {known}", repr(value))
    return value


def check_sizes(owner, rank, *, minimum=1, method="__init__", **option):
    """An integer for all axes, or one for each of `rank` axes; returns a tuple of `rank`."""
    ((name, value),) = option.items()
    sizes = (value,) * rank if isinstance(value, numbers.Integral) else value
    if not isinstance(sizes, (tuple, list)) or len(sizes) != rank:
        fail(ValueError, owner, method, name, f"be an integer or {rank} of them", repr(value))
    return tuple(
        check_integer(owner, minimum=minimum, method=method, **{name: size}) for size in sizes
    )


def check_divides(owner, divisor, *, method="__init__", **option):
    """A count that `divisor`, a pair (name, number), divides."""
    ((name, value),) = option.items()
    if value % divisor[1]:
        fail(ValueError, owner, method, name, f"be divisible by {divisor[0]}={divisor[1]}", value)
    return value


def check_generator(owner, *, method="__init__", **option):
    """An object with the methods of numpy.random.Generator; None makes a fresh one."""
    ((name, value),) = option.items()
    if value is None:
        return np.random.default_rng()
    if not hasattr(value, "random"):
        hint = "Pass numpy.random.default_rng(seed)."
        fail(TypeError, owner, method, name, "be a numpy.random.Generator", _kind(value), hint)
    return value


def check_layers(owner, *, method="__init__", **option):
    """Distinct layers, none of which holds another; returns a list."""
    ((name, layers),) = option.items()
    places = {}
    for place, layer in enumerate(layers):
        argument = f"{name}[{place}]"
        for attribute in ("forward", "backward", "params", "buffers", "training"):
            if not hasattr(layer, attribute):
                fail(TypeError, owner, method, argument, f"have {attribute}", _kind(layer))
        for part in _parts(layer):
            if id(part) in places:
                hint = "A layer remembers one forward: make another, with the same params."
                fact = f"a {type(part).__name__} that is in {places[id(part)]} too"
                fail(ValueError, owner, method, argument, "stand in one place only", fact, hint)
            places[id(part)] = argument
    return list(layers)


def check_optional_array(owner, *, method="__init__", **option):
    """A floating array, or None."""
    ((name, value),) = option.items()
    check_floating(owner, method, name, value)
    return value


# --- arrays ---


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
        fail(TypeError, owner, method, argument, "be a NumPy array", _kind(value), hint)
    # longdouble and complex serve the independent witness, which runs the same code in them.
    if not np.issubdtype(value.dtype, np.inexact) or value.dtype == np.float16:
        hint = "Convert it with .astype(numpy.float64)."
        fail(TypeError, owner, method, argument, "be floating", f"dtype {value.dtype}", hint)


def check_integers(owner, *, method="forward", **array):
    """An array of integers."""
    ((name, value),) = array.items()
    if not isinstance(value, (np.ndarray, np.generic)):
        fail(TypeError, owner, method, name, "be a NumPy array of integers", _kind(value))
    if not np.issubdtype(value.dtype, np.integer):
        hint = "Convert it with .astype(numpy.int64)."
        fail(TypeError, owner, method, name, "hold integers", f"dtype {value.dtype}", hint)


def check_indices(owner, count, *, ignored=None, method="forward", **array):
    """Integers in [0, count), or equal to `ignored`."""
    check_integers(owner, method=method, **array)
    ((name, value),) = array.items()
    bad = ((value < 0) | (value >= count)) & (value != ignored if ignored is not None else True)
    if np.any(bad):
        fact = f"{np.asarray(value)[bad].flat[0]} at index {_first(bad)}"
        fail(ValueError, owner, method, name, f"lie in [0, {count})", fact)


def check_rank(owner, ranks, layout, *, method="forward", **array):
    """An array of one of the given numbers of axes; `layout` names them in the message."""
    ((name, value),) = array.items()
    ranks = (ranks,) if isinstance(ranks, int) else tuple(ranks)
    if value.ndim not in ranks:
        counts = " or ".join(str(rank) for rank in ranks)
        fail(ValueError, owner, method, name, f"have {counts} axes {layout}", _shape(value))


def check_least_rank(owner, minimum, layout, *, method="forward", **array):
    """An array of at least `minimum` axes; `layout` names them in the message."""
    ((name, value),) = array.items()
    if value.ndim < minimum:
        requirement = f"have at least {minimum} axes {layout}"
        fail(ValueError, owner, method, name, requirement, _shape(value))


def check_last_axis(owner, count, what, *, method="forward", hint="", **array):
    """An array whose last axis holds `count` of `what` (features, channels, classes)."""
    ((name, value),) = array.items()
    if value.ndim == 0 or value.shape[-1] != count:
        if value.ndim > 2 and value.shape[1] == count:
            hint = "Is it channels-first?"
        requirement = f"have {count} {what} on its last axis"
        fail(ValueError, owner, method, name, requirement, _shape(value), hint)


def check_shape(owner, shape, *, method="forward", hint="", **array):
    """An array of exactly this shape."""
    ((name, value),) = array.items()
    if np.shape(value) != tuple(shape):
        fail(ValueError, owner, method, name, f"have shape {tuple(shape)}", _shape(value), hint)


def check_window(owner, kernel, padded, *, method="forward", **array):
    """A kernel (dilated) that fits into the padded input, axis by axis."""
    ((name, value),) = array.items()
    if any(k > size for k, size in zip(kernel, padded, strict=True)):
        requirement = f"be at least as large as the kernel {tuple(kernel)} once padded"
        fact = f"{tuple(padded)} (padded) from shape {np.shape(value)}"
        fail(ValueError, owner, method, name, requirement, fact)


def check_upstream(owner, grad_outputs):
    """One gradient for each output of forward, of its shape; None stands for zero."""
    if not hasattr(owner, "output_shapes"):
        message = f"{type(owner).__name__}.backward: forward must be called first; got no output"
        raise RuntimeError(f"{message}. Call forward(...) before backward(...).")
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
            fail(ValueError, owner, "backward", argument, requirement, _shape(grad))


# --- optimizers ---


def check_groups(owner, groups, options):
    """The options of each group in full: its own where given, else the optimizer's."""
    if groups is None:
        return [{"count": None, **options}]
    complete = []
    for place, group in enumerate(groups):
        argument = f"groups[{place}]"
        unknown = sorted(set(group) - {"count", *options})
        if unknown:
            known = ", ".join(["count", *options])
            fail(ValueError, owner, "__init__", argument, f"have keys among {known}", unknown)
        if "count" not in group:
            fail(ValueError, owner, "__init__", argument, "say its count of arrays", sorted(group))
        check_integer(owner, minimum=0, count=group["count"])
        complete.append({**options, **group})
    return complete


def check_step(owner, params, grads):
    """Parameters and gradients that match, and for each parameter the options of its group."""
    if len(params) != len(grads):
        requirement = f"have one entry for each of the {len(params)} params"
        fail(ValueError, owner, "step", "grads", requirement, f"{len(grads)} entries")
    if owner.state and len(owner.state) != len(params):
        requirement = f"have {len(owner.state)} entries, as in the first step"
        fail(ValueError, owner, "step", "params", requirement, f"{len(params)} entries")
    for place, (param, grad) in enumerate(zip(params, grads, strict=True)):
        check_floating(owner, "step", f"params[{place}]", param)
        if not isinstance(param, np.ndarray) or not param.flags.writeable:
            hint = "Pass a copy."
            argument = f"params[{place}]"
            fail(ValueError, owner, "step", argument, "be writable", "a read-only array", hint)
        if grad is None:
            continue
        check_floating(owner, "step", f"grads[{place}]", grad)
        if grad.shape != param.shape:
            requirement = f"have the parameter's shape {param.shape}"
            fail(ValueError, owner, "step", f"grads[{place}]", requirement, _shape(grad))
    if owner.groups[0]["count"] is None:
        return [owner.groups[0]] * len(params)
    groups = [group for group in owner.groups for _ in range(group["count"])]
    if len(groups) != len(params):
        requirement = f"have {len(groups)} entries, the sum of the groups' counts"
        fail(ValueError, owner, "step", "params", requirement, f"{len(params)} entries")
    return groups


def _kind(value):
    return f"{type(value).__name__} {value!r}"


def _parts(layer):
    """The layer and all that it holds, containers within containers included."""
    held = getattr(layer, "layers", ())
    return [layer, *(part for child in held for part in _parts(child))]


def _shape(value):
    return f"shape {np.shape(value)}"


def _first(mask):
    return tuple(int(place) for place in np.argwhere(mask)[0])
