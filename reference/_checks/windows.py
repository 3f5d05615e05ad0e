"""Convolution, pooling, padding, resampling and reshaping."""

import math
import numbers
import operator

import numpy as np

from reference._checks._message import fail, kind_of, shape_of
from reference._checks.arrays import check_floating, check_rank
from reference._checks.options import (
    check_extended_number,
    check_integer,
    check_number,
    check_positive,
    check_sizes,
)


def check_axes_sizes(owner, *, minimum_axes=1, method="__init__", **option):
    """A positive integer for each of up to three axes, one alone for one; returns a tuple."""
    ((name, value),) = option.items()
    sizes = value if isinstance(value, (tuple, list)) else (value,)
    if not minimum_axes <= len(sizes) <= 3:
        fail(ValueError, owner, method, name, f"have {minimum_axes} to 3 entries", repr(value))
    return tuple(check_integer(owner, method=method, **{name: size}) for size in sizes)


def check_optional_sizes(owner, rank, *, method="__init__", **option):
    """None, or an integer of 0 or more for all of `rank` axes or for each."""
    ((_, value),) = option.items()
    return None if value is None else check_sizes(owner, rank, minimum=0, method=method, **option)


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


def check_window(owner, kernel, padded, *, method="forward", **array):
    """A kernel (dilated) that fits into the padded input, axis by axis."""
    ((name, value),) = array.items()
    if any(k > size for k, size in zip(kernel, padded, strict=True)):
        requirement = f"be at least as large as the kernel {tuple(kernel)} once padded"
        fact = f"{tuple(padded)} (padded) from shape {np.shape(value)}"
        fail(ValueError, owner, method, name, requirement, fact)


def check_unit_stride(owner, padding, *, method="__init__", **option):
    """A stride of 1 on every axis, for a padding that keeps the sizes."""
    ((name, value),) = option.items()
    if any(step != 1 for step in value):
        fail(ValueError, owner, method, name, f"be 1 where padding is {padding!r}", value)


def check_outputs(owner, outputs, *, method="forward", **array):
    """An array that does not lack places for its outputs; there may be none of these."""
    ((name, value),) = array.items()
    if min(outputs) < 0:
        fact = f"outputs {tuple(outputs)} from shape {np.shape(value)}"
        fail(ValueError, owner, method, name, "give at least 0 outputs on each axis", fact)


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


def check_blocks(owner, blocks, taps, *, method="forward", **array):
    """Rows of features: as many as there are blocks, each of so many taps for each channel."""
    ((name, value),) = array.items()
    if blocks == 0 or value.shape[-2] != blocks:
        fail(ValueError, owner, method, name, f"have the {blocks} blocks as rows", shape_of(value))
    if value.shape[-1] == 0 or value.shape[-1] % taps:
        requirement = f"have {taps} features for each channel on its last axis"
        fail(ValueError, owner, method, name, requirement, shape_of(value))


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


def check_padding(owner, margins, limits, *, method="forward", **array):
    """An array with enough places for its margins (axis, before, after).

    `limits` are the widest margins that the places of each axis can fill.
    """
    ((name, value),) = array.items()
    for (axis, before, after), limit in zip(margins, limits, strict=True):
        if before + after + value.shape[axis] < 0:
            requirement = f"have the {-before - after} places that padding takes from axis {axis}"
            fail(ValueError, owner, method, name, requirement, shape_of(value))
        if max(before, after) > max(limit, 0):
            requirement = f"have places enough on axis {axis} to fill a margin of"
            requirement = f"{requirement} {max(before, after)} (at most {max(limit, 0)})"
            fail(ValueError, owner, method, name, requirement, shape_of(value))


def check_places(owner, margins, *, method="forward", **array):
    """An array with places on every axis but the first, and some left once padded."""
    ((name, value),) = array.items()
    sizes = [value.shape[axis] + before + after for axis, before, after in margins]
    if 0 in value.shape[-1 - len(sizes) :]:
        fail(ValueError, owner, method, name, "have no empty axis but the batch", shape_of(value))
    if max(sizes) == 0:
        fail(ValueError, owner, method, name, "have places left once padded", shape_of(value))


def check_half(owner, pool_size, *, method="__init__", **option):
    """Padding of at most half the pool, so that every window reaches the input."""
    ((name, value),) = option.items()
    if any(2 * pad > size for pad, size in zip(value, pool_size, strict=True)):
        requirement = f"be at most half of pool_size {tuple(pool_size)}"
        fail(ValueError, owner, method, name, requirement, value)
    return value


def check_norm_type(owner, *, method="__init__", **option):
    """The p of a norm: a number other than 0, infinities included."""
    ((name, value),) = option.items()
    if check_extended_number(owner, method=method, **option) == 0:
        fail(ValueError, owner, method, name, "not be zero", value)
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
        fail(ValueError, owner, method, name, requirement, shape_of(value))


def check_room(owner, needed, *, method="forward", **array):
    """An array with at least so many places on each spatial axis."""
    ((name, value),) = array.items()
    sizes = value.shape[-1 - len(needed) : -1]
    if any(size < least for size, least in zip(sizes, needed, strict=True)):
        fail(
            ValueError, owner, method, name, f"have sizes from {tuple(needed)} up", shape_of(value)
        )


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


def check_samples(owner, shape, *, method="forward", **array):
    """An array of this shape, or of more along its first axis."""
    ((name, value),) = array.items()
    check_floating(owner, method, name, value)
    if value.ndim != len(shape) or value.shape[1:] != shape[1:] or len(value) < shape[0]:
        fail(ValueError, owner, method, name, f"have shape {shape}", shape_of(value))


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


def check_reached(owner, reached, sizes, *, method="forward", **array):
    """Windows whose first tap past the padding lies on the input."""
    ((name, value),) = array.items()
    if any(place >= size for place, size in zip(reached, sizes, strict=True)):
        requirement = "be met by every dilated window"
        fail(ValueError, owner, method, name, requirement, shape_of(value), "Dilate or pad less.")


def check_channels_of(owner, rank, *, method="forward", **array):
    """At least one channel, unless there is no batch: PyTorch's first axis may be empty."""
    ((name, value),) = array.items()
    if value.ndim == rank + 2 and value.shape[-1] == 0:
        fail(ValueError, owner, method, name, "have at least one channel", shape_of(value))


def check_places_of(owner, rank, *, minimum=1, method="forward", **array):
    """An array with so many places on each of `rank` spatial axes; returns their sizes."""
    ((name, value),) = array.items()
    check_rank(owner, (rank + 1, rank + 2), "(batch, *sizes, channels)", method=method, **array)
    sizes = value.shape[-1 - rank : -1]
    if min(sizes) < minimum:
        fail(ValueError, owner, method, name, "have no empty spatial axis", shape_of(value))
    return sizes


def check_pooled(owner, outputs, pool_size, *, method="forward", **array):
    """An array with at least one place on each spatial axis and for at least one window."""
    ((name, value),) = array.items()
    if 0 in value.shape[-1 - len(outputs) :]:
        fail(ValueError, owner, method, name, "have no empty axis but the batch", shape_of(value))
    if min(outputs) < 1:
        requirement = f"hold at least one window of {tuple(pool_size)}"
        fail(ValueError, owner, method, name, requirement, shape_of(value))


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


def check_per_axis(owner, rank, *, method="forward", **option):
    """A number for all of `rank` axes, or one for each; returns a tuple."""
    ((name, value),) = option.items()
    factors = value if isinstance(value, tuple) else (value,) * rank
    if len(factors) != rank:
        fail(ValueError, owner, method, name, f"be a number or {rank} of them", repr(value))
    return factors


def check_resampled(owner, outputs, *, method="forward", **array):
    """An array with no empty axis but the batch, for outputs that are not empty either."""
    ((name, value),) = array.items()
    if 0 in value.shape[1:]:
        fail(ValueError, owner, method, name, "have no empty axis but the batch", shape_of(value))
    if 0 in outputs:
        fact = f"sizes {value.shape[1:-1]} that scale to {tuple(outputs)}"
        fail(ValueError, owner, method, name, "be large enough for one output", fact)


def check_unflattened(owner, *, method="__init__", **option):
    """Sizes of at least one axis, of which one may be -1."""
    ((name, value),) = option.items()
    if not isinstance(value, (tuple, list)) or not value:
        fail(TypeError, owner, method, name, "be a tuple of integers", kind_of(value))
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
        fail(ValueError, owner, method, name, requirement, shape_of(value))
    return tuple(missing if part == -1 else part for part in sizes)
