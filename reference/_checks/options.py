"""Options of constructors: numbers, choices, sizes, generators, layers."""

import math
import numbers
import operator

import numpy as np

from reference._checks._message import fail, kind_of, plain_number


def check_number(owner, *, method="__init__", **option):
    """A finite real number."""
    ((name, value),) = option.items()
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        fail(TypeError, owner, method, name, "be a real number", kind_of(value))
    if not math.isfinite(value):
        fail(ValueError, owner, method, name, "be finite", value)
    return plain_number(value)


def check_positive(owner, *, method="__init__", **option):
    """A finite number above 0."""
    ((name, value),) = option.items()
    if check_number(owner, method=method, **option) <= 0:
        fail(ValueError, owner, method, name, "be positive", value)
    return plain_number(value)


def check_nonnegative(owner, *, method="__init__", **option):
    """A finite number that is 0 or more."""
    ((name, value),) = option.items()
    if check_number(owner, method=method, **option) < 0:
        fail(ValueError, owner, method, name, "be 0 or more", value)
    return plain_number(value)


def check_negative(owner, why="", *, method="__init__", **option):
    """A number below 0."""
    ((name, value),) = option.items()
    if check_number(owner, method=method, **option) >= 0:
        fail(ValueError, owner, method, name, "be negative", value, why)
    return plain_number(value)


def check_nonzero(owner, *, method="__init__", **option):
    """A finite number other than 0."""
    ((name, value),) = option.items()
    if check_number(owner, method=method, **option) == 0:
        fail(ValueError, owner, method, name, "not be 0", value)
    return plain_number(value)


def check_fraction(owner, *, method="__init__", **option):
    """A number in [0, 1]."""
    ((name, value),) = option.items()
    if not 0 <= check_number(owner, method=method, **option) <= 1:
        fail(ValueError, owner, method, name, "lie in [0, 1]", value)
    return plain_number(value)


def check_number_within(owner, lowest, highest, *, method="__init__", **option):
    """A finite number in [lowest, highest]."""
    ((name, value),) = option.items()
    if not lowest <= check_number(owner, method=method, **option) <= highest:
        fail(ValueError, owner, method, name, f"lie in [{lowest}, {highest}]", value)
    return value


def check_real(owner, *, method="__init__", **option):
    """A real number, infinities and NaN included."""
    ((name, value),) = option.items()
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        fail(TypeError, owner, method, name, "be a real number", kind_of(value))
    return value


def check_extended_number(owner, *, method="__init__", **option):
    """A real number, infinities included."""
    ((name, value),) = option.items()
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        fail(TypeError, owner, method, name, "be a real number", kind_of(value))
    if math.isnan(value):
        fail(ValueError, owner, method, name, "be a number", value)
    return plain_number(value)


def check_bound(owner, *, method="__init__", **option):
    """A number of 0 or more, infinity included."""
    ((name, value),) = option.items()
    if check_extended_number(owner, method=method, **option) < 0:
        fail(ValueError, owner, method, name, "be 0 or more", value)
    return value


def check_integer(owner, *, minimum=1, method="__init__", **option):
    """An integer of at least `minimum`."""
    ((name, value),) = option.items()
    if isinstance(value, bool) or not isinstance(value, numbers.Integral):
        fail(TypeError, owner, method, name, "be an integer", kind_of(value))
    if value < minimum:
        fail(ValueError, owner, method, name, f"be at least {minimum}", value)
    return operator.index(value)


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
        fail(TypeError, owner, method, name, "be True or False", kind_of(value))
    return bool(value)


def check_optional_flag(owner, *, method="__init__", **option):
    """True, False or None."""
    ((_, value),) = option.items()
    return None if value is None else check_flag(owner, method=method, **option)


def check_choice(owner, choices, *, method="__init__", **option):
    """One of `choices`."""
    ((name, value),) = option.items()
    if not any(value is choice or value == choice for choice in choices):
        known = ", ".join(repr(choice) for choice in choices)
        fail(ValueError, owner, method, name, f"be one of {known}", repr(value))
    return value


def check_at_most(owner, limit, *, method="__init__", **option):
    """A number no greater than `limit`, a pair (name, number)."""
    ((name, value),) = option.items()
    if value > limit[1]:
        fail(ValueError, owner, method, name, f"be at most {limit[0]}={limit[1]}", value)
    return value


def check_below(owner, bound, *, method="__init__", **option):
    """A number below `bound`, a pair (name, number)."""
    ((name, value),) = option.items()
    if value >= bound[1]:
        fail(ValueError, owner, method, name, f"be below {bound[0]}={bound[1]}", value)
    return value


def check_divides(owner, divisor, *, method="__init__", **option):
    """A count that `divisor`, a pair (name, number), divides."""
    ((name, value),) = option.items()
    if value % divisor[1]:
        fail(ValueError, owner, method, name, f"be divisible by {divisor[0]}={divisor[1]}", value)
    return value


def check_ordered(owner, *, method="__init__", **options):
    """Two finite numbers, the second not below the first."""
    (low, first), (high, second) = options.items()
    check_number(owner, method=method, **{low: first})
    if check_number(owner, method=method, **{high: second}) < first:
        fail(ValueError, owner, method, high, f"be at least {low}={first}", second)


def check_numbers(owner, count, *, method="__init__", **option):
    """A tuple of so many finite numbers."""
    ((name, value),) = option.items()
    if not isinstance(value, (tuple, list)) or len(value) != count:
        fail(ValueError, owner, method, name, f"be {count} numbers", repr(value))
    for place, number in enumerate(value):
        check_number(owner, method=method, **{f"{name}[{place}]": number})
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


def check_axes(owner, *, minimum=0, minimum_axes=1, method="__init__", **option):
    """The sizes of so many axes or more, an integer for a single one; returns a tuple."""
    ((name, value),) = option.items()
    sizes = (value,) if isinstance(value, numbers.Integral) else value
    if not isinstance(sizes, (tuple, list)) or len(sizes) < minimum_axes:
        fail(ValueError, owner, method, name, "be an integer or several of them", repr(value))
    return tuple(check_integer(owner, minimum=minimum, method=method, **{name: s}) for s in sizes)


def check_one_of(owner, *, method="__init__", **options):
    """Exactly one of several options that is not None."""
    given = [name for name, value in options.items() if value is not None]
    if len(given) != 1:
        fact = " and ".join(given) if given else "none"
        fail(ValueError, owner, method, " or ".join(options), "be given, one alone", fact)


def check_absent(owner, where, *, method="forward", **argument):
    """No argument: what `where` says excludes it."""
    ((name, value),) = argument.items()
    if value is not None:
        fail(ValueError, owner, method, name, f"be None {where}", kind_of(value))


def check_present(owner, where, *, method="forward", **argument):
    """An argument: what `where` says asks for it."""
    ((name, value),) = argument.items()
    if value is None:
        fail(ValueError, owner, method, name, f"be given {where}", "None")


def check_callable(owner, *, method="__init__", **option):
    """Something that can be called."""
    ((name, value),) = option.items()
    if not callable(value):
        fail(TypeError, owner, method, name, "be a function", kind_of(value))
    return value


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
            fail(TypeError, owner, method, argument, f"be a {kind.__name__}", kind_of(entry))
    return value


def check_generator(owner, *, method="__init__", **option):
    """An object with the methods of numpy.random.Generator; None makes a fresh one."""
    ((name, value),) = option.items()
    if value is None:
        return np.random.default_rng()
    if not hasattr(value, "random"):
        hint = "Pass numpy.random.default_rng(seed)."
        fail(TypeError, owner, method, name, "be a numpy.random.Generator", kind_of(value), hint)
    return value


def check_layers(owner, *, method="__init__", **layers):
    """Distinct layers, none of which holds another; returns a list."""
    places = {}
    for argument, layer in layers.items():
        for attribute in ("forward", "backward", "params", "buffers", "training"):
            if not hasattr(layer, attribute):
                fail(TypeError, owner, method, argument, f"have {attribute}", kind_of(layer))
        for part in _parts(layer):
            if id(part) in places:
                hint = "A layer remembers one forward: make another, with the same params."
                fact = f"a {type(part).__name__} that is in {places[id(part)]} too"
                fail(ValueError, owner, method, argument, "stand in one place only", fact, hint)
            places[id(part)] = argument
    return list(layers.values())


def check_array_shape(owner, method, shape, minimum=0, maximum=None):
    """The sizes of an array of `minimum` to `maximum` axes; returns a tuple."""
    if not isinstance(shape, (tuple, list)):
        fail(TypeError, owner, method, "shape", "be a tuple of integers", kind_of(shape))
    if len(shape) < minimum or (maximum is not None and len(shape) > maximum):
        bound = "or more" if maximum is None else f"to {maximum}"
        fail(ValueError, owner, method, "shape", f"have {minimum} {bound} axes", tuple(shape))
    return tuple(check_integer(owner, minimum=0, method=method, shape=size) for size in shape)


def _parts(layer):
    """The layer and all that it holds, containers within containers included."""
    held = getattr(layer, "layers", ())
    return [layer, *(part for child in held for part in _parts(child))]
