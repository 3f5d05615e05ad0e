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
    """Raise `error` with the message that every bad input gets; functions name their module."""
    name = owner if isinstance(owner, str) else type(owner).__name__
    message = f"{name}.{method}: {argument} must {requirement}; got {fact}."
    raise error(f"{message} {hint}".rstrip())


# --- options of constructors ---


def check_number(owner, *, method="__init__", **option):
    """A finite real number."""
    ((name, value),) = option.items()
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        fail(TypeError, owner, method, name, "be a real number", _kind(value))
    if not math.isfinite(value):
        fail(ValueError, owner, method, name, "be finite", value)
    return _plain(value)


def check_positive(owner, *, method="__init__", **option):
    """A finite number above 0."""
    ((name, value),) = option.items()
    if check_number(owner, method=method, **option) <= 0:
        fail(ValueError, owner, method, name, "be positive", value)
    return _plain(value)


def check_nonnegative(owner, *, method="__init__", **option):
    """A finite number that is 0 or more."""
    ((name, value),) = option.items()
    if check_number(owner, method=method, **option) < 0:
        fail(ValueError, owner, method, name, "be 0 or more", value)
    return _plain(value)


def check_negative(owner, why="", *, method="__init__", **option):
    """A number below 0."""
    ((name, value),) = option.items()
    if check_number(owner, method=method, **option) >= 0:
        fail(ValueError, owner, method, name, "be negative", value, why)
    return _plain(value)


def check_nonzero(owner, *, method="__init__", **option):
    """A finite number other than 0."""
    ((name, value),) = option.items()
    if check_number(owner, method=method, **option) == 0:
        fail(ValueError, owner, method, name, "not be 0", value)
    return _plain(value)


def check_fraction(owner, *, method="__init__", **option):
    """A number in [0, 1]."""
    ((name, value),) = option.items()
    if not 0 <= check_number(owner, method=method, **option) <= 1:
        fail(ValueError, owner, method, name, "lie in [0, 1]", value)
    return _plain(value)


def check_integer(owner, *, minimum=1, method="__init__", **option):
    """An integer of at least `minimum`."""
    ((name, value),) = option.items()
    if isinstance(value, bool) or not isinstance(value, numbers.Integral):
        fail(TypeError, owner, method, name, "be an integer", _kind(value))
    if value < minimum:
        fail(ValueError, owner, method, name, f"be at least {minimum}", value)
    return operator.index(value)


def check_real(owner, *, method="__init__", **option):
    """A real number, infinities and NaN included."""
    ((name, value),) = option.items()
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        fail(TypeError, owner, method, name, "be a real number", _kind(value))
    return value


def check_extended_number(owner, *, method="__init__", **option):
    """A real number, infinities included."""
    ((name, value),) = option.items()
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        fail(TypeError, owner, method, name, "be a real number", _kind(value))
    if math.isnan(value):
        fail(ValueError, owner, method, name, "be a number", value)
    return _plain(value)


def check_bound(owner, *, method="__init__", **option):
    """A number of 0 or more, infinity included."""
    ((name, value),) = option.items()
    if check_extended_number(owner, method=method, **option) < 0:
        fail(ValueError, owner, method, name, "be 0 or more", value)
    return value


def check_place(owner, count, *, method="__init__", **option):
    """A place among `count`, from the end if negative, or None; returns it from the start."""
    ((name, value),) = option.items()
    if value is None:
        return None
    if check_integer(owner, minimum=-count, method=method, **option) >= count:
        fail(ValueError, owner, method, name, f"lie in [{-count}, {count})", value)
    return operator.index(value) % count


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


def check_margins(owner, *, method="__init__", **option):
    """An integer for all margins, or two integers (before, after) for each axis; any sign."""
    ((name, value),) = option.items()
    if isinstance(value, numbers.Integral) and not isinstance(value, bool):
        return operator.index(value)
    if not isinstance(value, (tuple, list)) or len(value) % 2 or not value:
        requirement = "be an integer or an even number of them"
        fail(ValueError, owner, method, name, requirement, repr(value))
    if not all(isinstance(margin, numbers.Integral) for margin in value):
        fail(TypeError, owner, method, name, "hold integers", repr(value))
    return tuple(operator.index(margin) for margin in value)


def check_at_most(owner, limit, *, method="__init__", **option):
    """A number no greater than `limit`, a pair (name, number)."""
    ((name, value),) = option.items()
    if value > limit[1]:
        fail(ValueError, owner, method, name, f"be at most {limit[0]}={limit[1]}", value)
    return value


def check_divides(owner, divisor, *, method="__init__", **option):
    """A count that `divisor`, a pair (name, number), divides."""
    ((name, value),) = option.items()
    if value % divisor[1]:
        fail(ValueError, owner, method, name, f"be divisible by {divisor[0]}={divisor[1]}", value)
    return value


def check_axes(owner, *, method="__init__", **option):
    """The sizes of one axis or more, an integer for a single one; returns a tuple."""
    ((name, value),) = option.items()
    sizes = (value,) if isinstance(value, numbers.Integral) else value
    if not isinstance(sizes, (tuple, list)) or not sizes:
        fail(ValueError, owner, method, name, "be an integer or several of them", repr(value))
    return tuple(check_integer(owner, minimum=0, method=method, **{name: s}) for s in sizes)


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


def check_array_shape(owner, method, shape, minimum=0, maximum=None):
    """The sizes of an array of `minimum` to `maximum` axes; returns a tuple."""
    if not isinstance(shape, (tuple, list)):
        fail(TypeError, owner, method, "shape", "be a tuple of integers", _kind(shape))
    if len(shape) < minimum or (maximum is not None and len(shape) > maximum):
        bound = "or more" if maximum is None else f"to {maximum}"
        fail(ValueError, owner, method, "shape", f"have {minimum} {bound} axes", tuple(shape))
    return tuple(check_integer(owner, minimum=0, method=method, shape=size) for size in shape)


def check_ordered(owner, *, method="__init__", **options):
    """Two finite numbers, the second not below the first."""
    (low, first), (high, second) = options.items()
    check_number(owner, method=method, **{low: first})
    if check_number(owner, method=method, **{high: second}) < first:
        fail(ValueError, owner, method, high, f"be at least {low}={first}", second)


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


def check_tweedie_power(owner, *, method="__init__", **option):
    """A number above 1 other than 2."""
    ((name, value),) = option.items()
    if check_number(owner, method=method, **option) <= 1 or value == 2:
        hint = "Powers 1 and 2 are PoissonDevianceLoss and GammaDevianceLoss."
        fail(ValueError, owner, method, name, "be above 1 and not 2", value, hint)
    return value


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


def check_axis(owner, axis, option, *, method="forward", **array):
    """An array that has the axis that an option names; returns it counted from the start."""
    ((name, value),) = array.items()
    axes = max(value.ndim, 1)  # a number counts as one axis of one element
    if not -axes <= axis < axes:
        fail(ValueError, owner, method, name, f"have an axis {option}={axis}", _shape(value))
    return axis % axes


def check_last_axis(owner, count, what, *, method="forward", hint="", **array):
    """An array whose last axis holds `count` of `what` (features, channels, classes)."""
    ((name, value),) = array.items()
    if value.ndim == 0 or value.shape[-1] != count:
        if value.ndim > 2 and value.shape[1] == count:
            hint = "Is it channels-first?"
        requirement = f"have {count} {what} on its last axis"
        fail(ValueError, owner, method, name, requirement, _shape(value), hint)


def check_last_axes(owner, sizes, *, method="forward", **array):
    """An array whose last axes have these sizes."""
    ((name, value),) = array.items()
    if value.shape[max(value.ndim - len(sizes), 0) :] != tuple(sizes):
        requirement = f"end with the axes {tuple(sizes)}"
        fail(ValueError, owner, method, name, requirement, _shape(value))


def check_several_values(owner, count, *, method="forward", **array):
    """An array that gives each mean more than one value, of which `count` says the number."""
    ((name, value),) = array.items()
    if count == 1:
        requirement = "have more than one value for each mean and deviation"
        fail(ValueError, owner, method, name, requirement, _shape(value))


def check_shape(owner, shape, *, method="forward", hint="", **array):
    """An array of exactly this shape."""
    ((name, value),) = array.items()
    if np.shape(value) != tuple(shape):
        fail(ValueError, owner, method, name, f"have shape {tuple(shape)}", _shape(value), hint)


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


def check_unit_interval(owner, *, method="forward", **array):
    """An array of numbers in [0, 1]."""
    ((name, value),) = array.items()
    bad = ~((value >= 0) & (value <= 1))
    if np.any(bad):
        fact = f"{np.asarray(value)[bad].flat[0]} at index {_first(bad)}"
        fail(ValueError, owner, method, name, "lie in [0, 1]", fact)


def check_above(owner, bound, *, method="forward", **array):
    """An array of numbers above `bound` (NaN passes)."""
    ((name, value),) = array.items()
    bad = value <= bound
    if np.any(bad):
        fact = f"{np.asarray(value)[bad].flat[0]} at index {_first(bad)}"
        fail(ValueError, owner, method, name, f"be above {bound}", fact)


def check_no_negative(owner, *, method="forward", **array):
    """An array of numbers that are 0 or more (NaN passes)."""
    ((name, value),) = array.items()
    bad = value < 0
    if np.any(bad):
        fact = f"{np.asarray(value)[bad].flat[0]} at index {_first(bad)}"
        fail(ValueError, owner, method, name, "be 0 or more", fact)


def check_counts(owner, shape, limit, *, method="forward", **array):
    """Integers of this shape, each in [0, limit]."""
    ((name, value),) = array.items()
    check_integers(owner, method=method, **array)
    check_shape(owner, shape, method=method, **array)
    bad = np.asarray((value < 0) | (value > limit))
    if np.any(bad):
        fact = f"{np.asarray(value)[bad].flat[0]} at index {_first(bad)}"
        fail(ValueError, owner, method, name, f"lie in [0, {limit}]", fact)


def check_labels(owner, dtype, *, method="forward", **array):
    """An array of real numbers, such as labels of -1 and 1; returns it in `dtype`."""
    ((name, value),) = array.items()
    if not isinstance(value, (np.ndarray, np.generic)):
        fail(TypeError, owner, method, name, "be a NumPy array", _kind(value))
    if not np.issubdtype(value.dtype, np.number):
        fail(TypeError, owner, method, name, "hold numbers", f"dtype {value.dtype}")
    return value.astype(dtype)


def check_halves(owner, axis, *, method="forward", **array):
    """An array of even length along an axis."""
    ((name, value),) = array.items()
    check_axis(owner, axis, "axis", method=method, **array)
    if value.ndim == 0 or value.shape[axis] % 2:
        requirement = f"have an even length along axis {axis}"
        fail(ValueError, owner, method, name, requirement, _shape(value))


def check_window(owner, kernel, padded, *, method="forward", **array):
    """A kernel (dilated) that fits into the padded input, axis by axis."""
    ((name, value),) = array.items()
    if any(k > size for k, size in zip(kernel, padded, strict=True)):
        requirement = f"be at least as large as the kernel {tuple(kernel)} once padded"
        fact = f"{tuple(padded)} (padded) from shape {np.shape(value)}"
        fail(ValueError, owner, method, name, requirement, fact)


def check_padding(owner, margins, limits, *, method="forward", **array):
    """An array with enough places for its margins (axis, before, after).

    `limits` are the widest margins that the places of each axis can fill.
    """
    ((name, value),) = array.items()
    for (axis, before, after), limit in zip(margins, limits, strict=True):
        if before + after + value.shape[axis] < 0:
            requirement = f"have the {-before - after} places that padding takes from axis {axis}"
            fail(ValueError, owner, method, name, requirement, _shape(value))
        if max(before, after) > max(limit, 0):
            requirement = f"have places enough on axis {axis} to fill a margin of"
            requirement = f"{requirement} {max(before, after)} (at most {max(limit, 0)})"
            fail(ValueError, owner, method, name, requirement, _shape(value))


def check_places(owner, margins, *, method="forward", **array):
    """An array with places on every axis but the first, and some left once padded."""
    ((name, value),) = array.items()
    sizes = [value.shape[axis] + before + after for axis, before, after in margins]
    if 0 in value.shape[-1 - len(sizes) :]:
        fail(ValueError, owner, method, name, "have no empty axis but the batch", _shape(value))
    if max(sizes) == 0:
        fail(ValueError, owner, method, name, "have places left once padded", _shape(value))


def check_unit_stride(owner, padding, *, method="__init__", **option):
    """A stride of 1 on every axis, for a padding that keeps the sizes."""
    ((name, value),) = option.items()
    if any(step != 1 for step in value):
        fail(ValueError, owner, method, name, f"be 1 where padding is {padding!r}", value)


def check_axes_sizes(owner, *, minimum_axes=1, method="__init__", **option):
    """A positive integer for each of up to three axes, one alone for one; returns a tuple."""
    ((name, value),) = option.items()
    sizes = value if isinstance(value, (tuple, list)) else (value,)
    if not minimum_axes <= len(sizes) <= 3:
        fail(ValueError, owner, method, name, f"have {minimum_axes} to 3 entries", repr(value))
    return tuple(check_integer(owner, method=method, **{name: size}) for size in sizes)


def check_one_of(owner, *, method="__init__", **options):
    """Exactly one of several options that is not None."""
    given = [name for name, value in options.items() if value is not None]
    if len(given) != 1:
        fact = " and ".join(given) if given else "none"
        fail(ValueError, owner, method, " or ".join(options), "be given, one alone", fact)


def check_optional_sizes(owner, rank, *, method="__init__", **option):
    """None, or an integer of 0 or more for all of `rank` axes or for each."""
    ((_, value),) = option.items()
    return None if value is None else check_sizes(owner, rank, minimum=0, method=method, **option)


def check_extents(owner, *, method="__init__", **option):
    """None, a positive integer, or a tuple of them."""
    ((name, value),) = option.items()
    if isinstance(value, (tuple, list)):
        return check_sizes(owner, len(value), method=method, **option)
    return None if value is None else check_integer(owner, method=method, **{name: value})


def check_factors(owner, *, method="__init__", **option):
    """None, a positive number, or a tuple of them."""
    ((name, value),) = option.items()
    if isinstance(value, (tuple, list)):
        return tuple(check_positive(owner, method=method, **{name: factor}) for factor in value)
    return None if value is None else check_positive(owner, method=method, **{name: value})


def check_optional_flag(owner, *, method="__init__", **option):
    """True, False or None."""
    ((_, value),) = option.items()
    return None if value is None else check_flag(owner, method=method, **option)


def check_per_axis(owner, rank, *, method="forward", **option):
    """A number for all of `rank` axes, or one for each; returns a tuple."""
    ((name, value),) = option.items()
    factors = value if isinstance(value, tuple) else (value,) * rank
    if len(factors) != rank:
        fail(ValueError, owner, method, name, f"be a number or {rank} of them", repr(value))
    return factors


def check_ratios(owner, rank, *, method="__init__", **option):
    """None, or a number in (0, 1) for all of `rank` axes or for each; returns a tuple."""
    ((name, value),) = option.items()
    if value is None:
        return None
    ratios = (value,) * rank if isinstance(value, numbers.Real) else value
    if not isinstance(ratios, (tuple, list)) or len(ratios) != rank:
        fail(ValueError, owner, method, name, f"be a number or {rank} of them", repr(value))
    for ratio in ratios:
        if not 0 < check_number(owner, method=method, **{name: ratio}) < 1:
            fail(ValueError, owner, method, name, "lie between 0 and 1", ratio)
    return tuple(ratios)


def check_norm_type(owner, *, method="__init__", **option):
    """The p of a norm: a number other than 0, infinities included."""
    ((name, value),) = option.items()
    if check_extended_number(owner, method=method, **option) == 0:
        fail(ValueError, owner, method, name, "not be zero", value)
    return value


def check_outputs(owner, outputs, *, method="forward", **array):
    """An array that makes at least one output on each axis."""
    ((name, value),) = array.items()
    if min(outputs) < 1:
        fact = f"outputs {tuple(outputs)} from shape {np.shape(value)}"
        fail(ValueError, owner, method, name, "give at least one output on each axis", fact)


def check_reachable_size(owner, least, stride, axes, *, method="forward", **option):
    """The sizes of an output, alone or within its shape; returns how far they exceed `least`."""
    ((name, value),) = option.items()
    rank = len(least)
    if not isinstance(value, (tuple, list)) or len(value) not in (rank, axes):
        requirement = f"be {rank} sizes or a shape of {axes} axes"
        fail(ValueError, owner, method, name, requirement, repr(value))
    sizes = value if len(value) == rank else value[-1 - rank : -1]
    for size, low, step in zip(sizes, least, stride, strict=True):
        check_integer(owner, minimum=-math.inf, method=method, **{name: size})
        if not low <= size < low + step:
            most = tuple(low + step - 1 for low, step in zip(least, stride, strict=True))
            fail(ValueError, owner, method, name, f"lie in {tuple(least)} to {most}", tuple(value))
    return tuple(size - low for size, low in zip(sizes, least, strict=True))


def check_output_padding(owner, limits, *, method="forward", **option):
    """Padding of the output below its limit, the larger of stride and dilation, on each axis."""
    ((name, value),) = option.items()
    if any(extra >= limit for extra, limit in zip(value, limits, strict=True)):
        requirement = f"be below the larger of stride and dilation, {tuple(limits)}"
        fail(ValueError, owner, method, name, requirement, value)
    return value


def check_bins(owner, *, method="__init__", **option):
    """A count or None for each of one to three axes; one alone stands for one axis."""
    ((name, value),) = option.items()
    sizes = value if isinstance(value, (tuple, list)) else (value,)
    if not 1 <= len(sizes) <= 3:
        fail(ValueError, owner, method, name, "have 1 to 3 entries", repr(value))
    return tuple(
        size if size is None else check_integer(owner, minimum=0, method=method, **{name: size})
        for size in sizes
    )


def check_blocks(owner, blocks, taps, *, method="forward", **array):
    """Rows of features: as many as there are blocks, each of so many taps for each channel."""
    ((name, value),) = array.items()
    if blocks == 0 or value.shape[-2] != blocks:
        fail(ValueError, owner, method, name, f"have the {blocks} blocks as rows", _shape(value))
    if value.shape[-1] == 0 or value.shape[-1] % taps:
        requirement = f"have {taps} features for each channel on its last axis"
        fail(ValueError, owner, method, name, requirement, _shape(value))


def check_axis_divides(owner, divisor, axis, *, method="forward", **array):
    """An array whose axis `divisor`, a pair (name, number), divides."""
    ((name, value),) = array.items()
    if value.shape[axis] % divisor[1]:
        requirement = f"have a size on axis {axis} divisible by {divisor[0]}={divisor[1]}"
        fail(ValueError, owner, method, name, requirement, _shape(value))


def check_unflattened(owner, *, method="__init__", **option):
    """Sizes of at least one axis, of which one may be -1."""
    ((name, value),) = option.items()
    if not isinstance(value, (tuple, list)) or not value:
        fail(TypeError, owner, method, name, "be a tuple of integers", _kind(value))
    sizes = tuple(check_integer(owner, minimum=-1, method=method, **{name: size}) for size in value)
    if sizes.count(-1) > 1:
        fail(ValueError, owner, method, name, "have at most one -1", value)
    return sizes


def check_product(owner, sizes, axis, *, method="forward", **array):
    """An array whose axis the sizes multiply up to; returns them with -1 worked out."""
    ((name, value),) = array.items()
    size = value.shape[axis]
    known = math.prod(part for part in sizes if part != -1)
    missing = size // known if -1 in sizes and known else 1
    if known * missing != size or (-1 in sizes and not known):
        requirement = f"have an axis {axis} of size {sizes} multiplied out"
        fail(ValueError, owner, method, name, requirement, _shape(value))
    return tuple(missing if part == -1 else part for part in sizes)


def check_half(owner, pool_size, *, method="__init__", **option):
    """Padding of at most half the pool, so that every window reaches the input."""
    ((name, value),) = option.items()
    if any(2 * pad > size for pad, size in zip(value, pool_size, strict=True)):
        requirement = f"be at most half of pool_size {tuple(pool_size)}"
        fail(ValueError, owner, method, name, requirement, value)
    return value


def check_divisor(owner, *, method="__init__", **option):
    """An integer other than 0, or None."""
    ((name, value),) = option.items()
    if value is None:
        return None
    if check_integer(owner, minimum=-math.inf, method=method, **option) == 0:
        fail(ValueError, owner, method, name, "not be zero", value)
    return operator.index(value)


def check_no_smaller(owner, pool_size, *, method="forward", **array):
    """Spatial axes that are no smaller than the pool, even before padding."""
    ((name, value),) = array.items()
    sizes = value.shape[-1 - len(pool_size) : -1]
    if any(size < pool for size, pool in zip(sizes, pool_size, strict=True)):
        requirement = f"be no smaller than pool_size {tuple(pool_size)} before padding"
        fail(ValueError, owner, method, name, requirement, _shape(value))


def check_room(owner, needed, *, method="forward", **array):
    """An array with at least so many places on each spatial axis."""
    ((name, value),) = array.items()
    sizes = value.shape[-1 - len(needed) : -1]
    if any(size < least for size, least in zip(sizes, needed, strict=True)):
        fail(ValueError, owner, method, name, f"have sizes from {tuple(needed)} up", _shape(value))


def check_samples(owner, shape, *, method="forward", **array):
    """An array of this shape, or of more along its first axis."""
    ((name, value),) = array.items()
    check_floating(owner, method, name, value)
    if value.ndim != len(shape) or value.shape[1:] != shape[1:] or len(value) < shape[0]:
        fail(ValueError, owner, method, name, f"have shape {shape}", _shape(value))


def check_near(owner, usual, stride, *, method="forward", **option):
    """Sizes of 0 or more that differ from the usual ones by less than the stride."""
    ((name, value),) = option.items()
    if not isinstance(value, (tuple, list)) or len(value) != len(usual):
        fail(ValueError, owner, method, name, f"be {len(usual)} sizes", repr(value))
    for size in value:
        check_integer(owner, minimum=0, method=method, **{name: size})
    if any(abs(n - m) >= s for n, m, s in zip(value, usual, stride, strict=True)):
        requirement = f"differ from {usual} by less than the stride {tuple(stride)}"
        fail(ValueError, owner, method, name, requirement, tuple(value))
    return tuple(value)


def check_resampled(owner, outputs, *, method="forward", **array):
    """An array with no empty axis but the batch, for outputs that are not empty either."""
    ((name, value),) = array.items()
    if 0 in value.shape[1:]:
        fail(ValueError, owner, method, name, "have no empty axis but the batch", _shape(value))
    if 0 in outputs:
        fact = f"sizes {value.shape[1:-1]} that scale to {tuple(outputs)}"
        fail(ValueError, owner, method, name, "be large enough for one output", fact)


def check_reached(owner, reached, sizes, *, method="forward", **array):
    """Windows whose first tap past the padding lies on the input."""
    ((name, value),) = array.items()
    if any(place >= size for place, size in zip(reached, sizes, strict=True)):
        requirement = "be met by every dilated window"
        fail(ValueError, owner, method, name, requirement, _shape(value), "Dilate or pad less.")


def check_places_of(owner, rank, *, method="forward", **array):
    """An array with at least one place on each of `rank` spatial axes; returns their sizes."""
    ((name, value),) = array.items()
    check_rank(owner, (rank + 1, rank + 2), "(batch, *sizes, channels)", method=method, **array)
    sizes = value.shape[-1 - rank : -1]
    if 0 in sizes:
        fail(ValueError, owner, method, name, "have no empty spatial axis", _shape(value))
    return sizes


def check_pooled(owner, outputs, pool_size, *, method="forward", **array):
    """An array with at least one place on each spatial axis and for at least one window."""
    ((name, value),) = array.items()
    if 0 in value.shape[-1 - len(outputs) :]:
        fail(ValueError, owner, method, name, "have no empty axis but the batch", _shape(value))
    if min(outputs) < 1:
        requirement = f"hold at least one window of {tuple(pool_size)}"
        fail(ValueError, owner, method, name, requirement, _shape(value))


def check_absent(owner, where, *, method="forward", **argument):
    """No argument: what `where` says excludes it."""
    ((name, value),) = argument.items()
    if value is not None:
        fail(ValueError, owner, method, name, f"be None {where}", _kind(value))


def check_present(owner, where, *, method="forward", **argument):
    """An argument: what `where` says asks for it."""
    ((name, value),) = argument.items()
    if value is None:
        fail(ValueError, owner, method, name, f"be given {where}", "None")


def check_filled_axis(owner, axis, *, method="forward", **array):
    """An array that has at least one element along an axis."""
    ((name, value),) = array.items()
    if value.shape[axis] == 0:
        fail(ValueError, owner, method, name, f"not be empty along axis {axis}", _shape(value))


def check_offsets(owner, count, includes_last, *, method="forward", **array):
    """Places among `count` that start at 0 and never fall; the last is `count` if included."""
    ((name, value),) = array.items()
    check_integers(owner, method=method, **array)
    check_rank(owner, 1, "(bags,)", method=method, **array)
    bounds = np.append(value, count)
    if value.size == 0 and (count or includes_last):
        fail(ValueError, owner, method, name, "have at least one entry", _shape(value))
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
    if np.any(bad):
        requirement = f"lie in [1, {time}], the steps of the input"
        fact = f"{np.asarray(value)[bad].flat[0]} at index {_first(bad)}"
        fail(ValueError, owner, method, name, requirement, fact)
    return value


def check_below(owner, bound, *, method="__init__", **option):
    """A number below `bound`, a pair (name, number)."""
    ((name, value),) = option.items()
    if value >= bound[1]:
        fail(ValueError, owner, method, name, f"be below {bound[0]}={bound[1]}", value)
    return value


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


def check_number_within(owner, lowest, highest, *, method="__init__", **option):
    """A finite number in [lowest, highest]."""
    ((name, value),) = option.items()
    if not lowest <= check_number(owner, method=method, **option) <= highest:
        fail(ValueError, owner, method, name, f"lie in [{lowest}, {highest}]", value)
    return value


def check_numbers(owner, count, *, method="__init__", **option):
    """A tuple of so many finite numbers."""
    ((name, value),) = option.items()
    if not isinstance(value, (tuple, list)) or len(value) != count:
        fail(ValueError, owner, method, name, f"be {count} numbers", repr(value))
    for place, number in enumerate(value):
        check_number(owner, method=method, **{f"{name}[{place}]": number})
    return value


def check_betas(owner, *, method="__init__", **option):
    """Two numbers in [0, 1)."""
    ((name, value),) = option.items()
    if not all(0 <= beta < 1 for beta in check_numbers(owner, 2, method=method, **option)):
        fail(ValueError, owner, method, name, "lie in [0, 1)", value)
    return value


def check_etas(owner, *, method="__init__", **option):
    """Two factors, one in (0, 1) and one above 1."""
    ((name, value),) = option.items()
    shrink, grow = check_numbers(owner, 2, method=method, **option)
    if not 0 < shrink < 1 < grow:
        fail(ValueError, owner, method, name, "be a factor in (0, 1) and one above 1", value)
    return value


def check_eps_pair(owner, *, method="__init__", **option):
    """Two numbers of 0 or more, the first of which may be None."""
    ((name, value),) = option.items()
    if isinstance(value, (tuple, list)) and len(value) == 2 and value[0] is None:
        check_nonnegative(owner, method=method, **{f"{name}[1]": value[1]})
    elif any(number < 0 for number in check_numbers(owner, 2, method=method, **option)):
        fail(ValueError, owner, method, name, "be 0 or more", value)
    return value


def check_scalar_dtype(owner, *, method="__init__", **option):
    """A floating dtype; None is float64."""
    ((name, value),) = option.items()
    if value is not None and value not in (np.float32, np.float64, np.longdouble):
        fail(TypeError, owner, method, name, "be None or a floating dtype", repr(value))
    return np.dtype(np.float64 if value is None else value)


def check_enabled(owner, method, **option):
    """A flag of the constructor that a method needs."""
    ((name, value),) = option.items()
    if not value:
        fail(RuntimeError, owner, method, name, "be True for this", value)


def check_instances(owner, kind, *, method="__init__", **option):
    """A list of one object or more of a class."""
    ((name, value),) = option.items()
    if not isinstance(value, (list, tuple)) or not value:
        fail(ValueError, owner, method, name, "be a list of one entry or more", repr(value))
    for place, entry in enumerate(value):
        if not isinstance(entry, kind):
            argument = f"{name}[{place}]"
            fail(TypeError, owner, method, argument, f"be a {kind.__name__}", _kind(entry))
    return value


def check_milestones(owner, count, *, method="__init__", **option):
    """So many integers of 0 or more, none lower than the one before."""
    ((name, value),) = option.items()
    if not isinstance(value, (list, tuple)) or len(value) != count:
        fail(ValueError, owner, method, name, f"be a list of {count} entries", repr(value))
    for place, milestone in enumerate(value):
        check_integer(owner, minimum=0, method=method, **{f"{name}[{place}]": milestone})
    if sorted(value) != list(value):
        fail(ValueError, owner, method, name, "not fall", value)
    return value


def check_callable(owner, *, method="__init__", **option):
    """Something that can be called."""
    ((name, value),) = option.items()
    if not callable(value):
        fail(TypeError, owner, method, name, "be a function", _kind(value))
    return value


def check_point(owner, *, method="__init__", **option):
    """A copy of a floating array, or a real number as a float64 scalar."""
    ((name, value),) = option.items()
    if isinstance(value, numbers.Real) and not isinstance(value, np.generic):
        return np.float64(check_number(owner, method=method, **option))
    check_floating(owner, method, name, value)
    return np.array(value)[()]


def check_derivative(owner, order, point, *, outputs=(), method="update_step", **values):
    """What a given function returned: its shape is that of the derivative of this order."""
    ((name, value),) = values.items()
    shape = outputs + np.shape(point) * order
    if not isinstance(value, numbers.Real):
        check_floating(owner, method, name, value)
    if np.shape(value) != shape:
        fail(ValueError, owner, method, name, f"return shape {shape}", _shape(value))
    return np.asarray(value, point.dtype)[()]


def check_finite(owner, *, method="forward", **array):
    """An array without NaN or infinities."""
    ((name, value),) = array.items()
    bad = ~np.isfinite(value)
    if np.any(bad):
        fact = f"{np.asarray(value)[bad].flat[0]} at index {_first(bad)}"
        fail(ValueError, owner, method, name, "be finite", fact)


def check_curvature(owner, *, method="update_step", **values):
    """d . A d for a direction d: above 0."""
    ((name, value),) = values.items()
    if not value > 0:
        fail(ValueError, owner, method, name, "be positive definite", f"d . A d = {value}")


def check_groups(owner, groups, options):
    """The options of each group in full: its own where given, else the optimizer's."""
    options = {name: _plain(value) for name, value in options.items()}
    if groups is None:
        return [{"count": None, **options}]
    if not groups:
        fail(ValueError, owner, "__init__", "groups", "hold one group or more", "none")
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
        own = {name: _plain(value) for name, value in group.items()}
        complete.append({**options, **own})
    return complete


def check_counted(owner):
    """The optimizer's groups, each with its count of arrays."""
    if owner.groups[0]["count"] is not None:
        return owner.groups
    if not owner.state:
        hint = "Give the constructor groups=[...] with a count each."
        requirement = "come after the first step, or to groups with counts"
        fail(RuntimeError, owner, "add_group", "group", requirement, "no step yet", hint)
    return [{**owner.groups[0], "count": len(owner.state)}]


def check_step(owner, params, grads):
    """Parameters and gradients that match, and for each parameter the options of its group."""
    groups = check_params(owner, params, len(owner.state))
    if len(params) != len(grads):
        requirement = f"have one entry for each of the {len(params)} params"
        fail(ValueError, owner, "step", "grads", requirement, f"{len(grads)} entries")
    for place, (param, grad) in enumerate(zip(params, grads, strict=True)):
        if grad is not None:
            owner.check_grad(place, param, grad)
    return groups


def check_params(owner, params, seen, *, method="step"):
    """Real arrays that can be written to, as many as `seen`; for each the options of its group."""
    for place, param in enumerate(params):
        argument = f"params[{place}]"
        check_floating(owner, method, argument, param)
        if np.iscomplexobj(param):
            fail(TypeError, owner, method, argument, "be real", f"dtype {param.dtype}")
        if not isinstance(param, np.ndarray) or not param.flags.writeable:
            hint = "Pass a copy."
            fail(ValueError, owner, method, argument, "be writable", "a read-only array", hint)
    if owner.groups[0]["count"] is None:
        groups, source = [owner.groups[0]] * (seen or len(params)), "as in the first step"
    else:
        groups = [group for group in owner.groups for _ in range(group["count"])]
        source = "the sum of the groups' counts"
    if len(groups) != len(params):
        requirement = f"have {len(groups)} entries, {source}"
        fail(ValueError, owner, method, "params", requirement, f"{len(params)} entries")
    return groups


def check_alike(owner, known, params, *, method="update"):
    """Floating arrays, of the shapes of the known ones if there are any."""
    if known is not None and len(params) != len(known):
        requirement = f"have {len(known)} entries, as in the first update"
        fail(ValueError, owner, method, "params", requirement, f"{len(params)} entries")
    for place, param in enumerate(params):
        argument = f"params[{place}]"
        check_floating(owner, method, argument, param)
        if known is not None:
            check_shape(owner, known[place].shape, method=method, **{argument: param})


def check_grad(owner, place, param, grad):
    """A floating array of the parameter's shape."""
    check_floating(owner, "step", f"grads[{place}]", grad)
    if grad.shape != param.shape:
        requirement = f"have the parameter's shape {param.shape}"
        fail(ValueError, owner, "step", f"grads[{place}]", requirement, _shape(grad))


def check_grads(owner, grads, *, method, in_place=False):
    """A list of floating arrays, or None, that can be written to if `in_place`."""
    if not isinstance(grads, (list, tuple)):
        fail(TypeError, owner, method, "grads", "be a list of arrays", _kind(grads))
    for place, grad in enumerate(grads):
        argument = f"grads[{place}]"
        check_floating(owner, method, argument, grad)
        changes = in_place and grad is not None
        if changes and not (isinstance(grad, np.ndarray) and grad.flags.writeable):
            fail(ValueError, owner, method, argument, "be writable", "a read-only array")


def check_finite_norm(owner, norm, *, method):
    """A norm that is a number."""
    if not np.isfinite(norm):
        hint = "error_if_nonfinite=False scales by it all the same."
        fail(RuntimeError, owner, method, "grads", "have a finite norm", norm, hint)


def check_norm_exists(owner, order, *, method="get_total_norm", **array):
    """An array of one element or more, where the norm of nothing is not defined."""
    ((name, value),) = array.items()
    if value.size == 0:
        requirement = f"have an element or more for norm_type={order}"
        fail(ValueError, owner, method, name, requirement, _shape(value))


def check_sparse_grad(owner, place, param, grad):
    """An array of the parameter's shape, or a pair (indices, rows) that fits into it."""
    argument = f"grads[{place}]"
    if param.ndim == 0:
        fail(ValueError, owner, "step", f"params[{place}]", "have an axis or more", _shape(param))
    if not isinstance(grad, tuple):
        check_grad(owner, place, param, grad)
        return
    if len(grad) != 2:
        requirement = "be an array or a pair (indices, rows)"
        fail(ValueError, owner, "step", argument, requirement, f"{len(grad)} entries")
    indices, rows = grad
    check_integers(owner, method="step", **{f"{argument}[0]": indices})
    check_floating(owner, "step", f"{argument}[1]", rows)
    if indices.ndim not in (1, 2) or np.atleast_2d(indices).shape[0] > param.ndim:
        requirement = f"have shape (n,) or (k, n) with k <= {param.ndim}"
        fail(ValueError, owner, "step", f"{argument}[0]", requirement, _shape(indices))
    for axis, along in enumerate(np.atleast_2d(indices)):
        named = {f"{argument}[0]": along}
        check_indices(owner, param.shape[axis], method="step", **named)
    axes, count = np.atleast_2d(indices).shape
    check_shape(owner, (count, *param.shape[axes:]), method="step", **{f"{argument}[1]": rows})


def check_state(owner, state, params):
    """A saved state that fits the parameters; returns the layout of each parameter's entry."""
    method = "load_state"
    groups = check_params(owner, params, 0, method=method)
    if not isinstance(state, (list, tuple)) or len(state) != len(params):
        requirement = f"be a list of {len(params)} dicts, one for each of the params"
        fail(ValueError, owner, method, "state", requirement, _summary(state))
    layouts = []
    for place, (entry, param, group) in enumerate(zip(state, params, groups, strict=True)):
        argument = f"state[{place}]"
        options = {name: group[name] for name in owner.defaults if name != "maximize"}
        layout = owner.state_layout(param, **options)
        if not isinstance(entry, dict) or (entry and set(entry) != set(layout)):
            requirement = f"be empty or a dict of {', '.join(layout) or 'nothing'}"
            fail(ValueError, owner, method, argument, requirement, _summary(entry))
        for name, array in entry.items():
            check_floating(owner, method, f"{argument}[{name!r}]", array)
            check_shape(owner, layout[name].shape, method=method, **{name: array})
        layouts.append(layout)
    return layouts


def check_history(owner, state, params):
    """A saved state of one history for all parameters, kept with the first of them."""
    method = "load_state"
    check_params(owner, params, 0, method=method)
    if not isinstance(state, (list, tuple)) or len(state) != len(params):
        requirement = f"be a list of {len(params)} dicts, one for each of the params"
        fail(ValueError, owner, method, "state", requirement, _summary(state))
    counters, vectors = {"func_evals", "n_iter"}, {"d", "prev_flat_grad"}
    histories, numbers_ = {"old_dirs", "old_stps"}, {"ro", "t", "H_diag", "prev_loss"}
    known = counters | vectors | histories | numbers_
    for place, entry in enumerate(state):
        allowed = (set(), counters, known) if place == 0 else (set(),)
        if not isinstance(entry, dict) or set(entry) not in allowed:
            requirement = f"be a dict of {', '.join(sorted(allowed[-1])) or 'nothing'}"
            fail(ValueError, owner, method, f"state[{place}]", requirement, _summary(entry))
        size = sum(param.size for param in params)
        for name in entry.keys() & (vectors | histories):
            for vector in entry[name] if name in histories else [entry[name]]:
                argument = f"state[{place}][{name!r}]"
                check_floating(owner, method, argument, vector)
                check_shape(owner, (size,), method=method, **{argument: vector})


def _plain(value):
    # A float64 scalar would widen float32 arrays; a Python float does not.
    return float(value) if isinstance(value, np.float64) else value


def _summary(value):
    if isinstance(value, dict):
        return f"a dict of {', '.join(map(str, value)) or 'nothing'}"
    size = f" of {len(value)} entries" if isinstance(value, (list, tuple)) else ""
    return f"{type(value).__name__}{size}"


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
