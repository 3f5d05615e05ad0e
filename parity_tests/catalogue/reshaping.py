"""Rows: layers that move elements, and sliding blocks."""

import math

import numpy as np
import torch
from hypothesis import strategies as st

import reference
from parity_tests.adapter import Adapter
from parity_tests.catalogue._row import Refusal, Row, no_counterpart, register
from parity_tests.oracle import ChannelsBefore, ChannelsFirst
from parity_tests.strategies import Draft, Input, shapes, sizes

# Mostly places to move, now and then none.
_SIZES = st.sampled_from([2, 3, 1, 4, 2, 3, 1, 4, 2, 0])
_LEADING = st.sampled_from([(2,), (1,), (), (3,), (2,), (0,)])


def _axes(draw, minimum, maximum):
    return tuple(draw(_SIZES) for _ in range(draw(sizes(minimum, maximum))))


def _flatten(draw):
    shape = _axes(draw, 0, 4)
    axes = max(len(shape), 1)
    first = draw(sizes(0, axes - 1))
    last = draw(sizes(first, axes - 1))
    # Each is counted from the start or from the end.
    options = {
        "start_dim": draw(st.sampled_from([first, first - axes])),
        "end_dim": draw(st.sampled_from([last, last - axes])),
    }
    return Draft(options, (Input(shape),))


def _unflatten(draw):
    parts = list(_axes(draw, 1, 3))
    before, after = _axes(draw, 0, 2), _axes(draw, 0, 1)
    shape = (*before, math.prod(parts), *after)
    axis = len(before)
    inferred = draw(st.none() | st.integers(0, len(parts) - 1))
    # PyTorch works out no size beside one of 0.
    if inferred is not None and all(parts[:inferred] + parts[inferred + 1 :]):
        parts[inferred] = -1
    options = {
        "dim": draw(st.sampled_from([axis, axis - len(shape)])),
        "unflattened_size": draw(st.sampled_from([tuple, list]))(parts),
    }
    return Draft(options, (Input(shape),))


def _unflatten_of(module):
    if isinstance(module.dim, str):
        raise no_counterpart(f"Unflatten with dim={module.dim!r}", "axes have no names")
    return reference.Unflatten(module.dim, module.unflattened_size)


def _pixel_shuffle(draw):
    factor = draw(sizes(1, 3))
    # PyTorch cannot differentiate an output without elements.
    least = 0 if factor == 1 else 1
    leading = draw(shapes(0, 3, least, 2))
    channels = draw(sizes(least, 2)) * factor**2
    spatial = [draw(sizes(least, 3)) for _ in range(2)]
    return Draft({"upscale_factor": factor}, (Input((*leading, channels, *spatial)),))


def _pixel_unshuffle(draw):
    factor = draw(sizes(1, 3))
    # Of the inputs without elements, PyTorch differentiates only those empty in all three axes.
    least = 0 if factor == 1 else 1
    image = (draw(sizes(least, 2)), *(factor * draw(sizes(least, 2)) for _ in range(2)))
    image = draw(st.sampled_from([image, image, image, image, image, (0, 0, 0)]))
    leading = draw(shapes(0, 3, 1 if all(image) else 0, 2))
    return Draft({"downscale_factor": factor}, (Input((*leading, *image)),))


class _EmptyAsItIs(Adapter):
    """PyTorch's PixelUnshuffle gives an input without elements back in its own shape."""

    def forward(self, array):
        output = super().forward(array)
        self.own_shape = output.shape
        return output.reshape(array.shape) if array.size == 0 else output

    def backward(self, grad_output):
        if getattr(self, "own_shape", None) and grad_output.size == 0:
            grad_output = grad_output.reshape(self.own_shape)
        return super().backward(grad_output)


def _channel_shuffle(draw):
    groups = draw(sizes(1, 3))
    # PyTorch cannot differentiate an output without channels.
    shape = (draw(_SIZES), groups * draw(sizes(1, 3)), *_axes(draw, 1, 3))
    return Draft({"groups": groups}, (Input(shape),))


def _blocks(draw):
    """What Unfold and Fold share: their options, the sizes of an image, and how many blocks."""
    options, spatial, blocks = {}, [], 1
    numbers = {"kernel_size": [], "dilation": [], "padding": [], "stride": []}
    for _ in range(2):
        kernel, dilation, stride = (draw(sizes(1, 3)) for _ in range(3))
        padding, span = draw(sizes(0, 2)), dilation * (kernel - 1) + 1
        size = max(1, span - 2 * padding) + draw(sizes(0, 3))
        blocks *= (size + 2 * padding - span) // stride + 1
        spatial.append(size)
        for name, number in zip(numbers, (kernel, dilation, padding, stride), strict=True):
            numbers[name].append(number)
    for name, (high, wide) in numbers.items():
        options[name] = high if high == wide and draw(st.booleans()) else (high, wide)
    return options, tuple(spatial), math.prod(numbers["kernel_size"]), blocks


def _unfold(draw):
    options, spatial, _, _ = _blocks(draw)
    return Draft(options, (Input((*draw(_LEADING), draw(sizes(1, 3)), *spatial)),))


def _fold(draw):
    options, spatial, taps, blocks = _blocks(draw)
    alone = spatial[0] == spatial[1] and draw(st.booleans())
    options["output_size"] = spatial[0] if alone else spatial
    return Draft(options, (Input((*draw(_LEADING), draw(sizes(1, 3)) * taps, blocks)),))


def _block_options(m):
    return (m.kernel_size, m.dilation, m.padding, m.stride)


def _fed(component, shape, *arguments, **options):
    return lambda: component(*arguments, **options).forward(np.ones(shape))


def _factor_refused(component, name):
    return (
        Refusal(_fed(component, (4, 4), 2), ValueError, "at least 3 axes"),
        Refusal(lambda: component(0), ValueError, f"{name} must be at least 1"),
        Refusal(lambda: component(2.0), TypeError, f"{name} must be an integer"),
    )


def _blocks_refused(make):
    return (
        Refusal(lambda: make(kernel_size=0), ValueError, "kernel_size must be at least 1"),
        Refusal(lambda: make(kernel_size=(2, 2, 2)), ValueError, "kernel_size must be"),
        Refusal(lambda: make(dilation=0), ValueError, "dilation must be at least 1"),
        Refusal(lambda: make(padding=-1), ValueError, "padding must be at least 0"),
        Refusal(lambda: make(stride=0), ValueError, "stride must be at least 1"),
    )


register(
    Row(
        reference.Flatten,
        torch.nn.Flatten,
        lambda m: reference.Flatten(m.start_dim, m.end_dim),
        _flatten,
        "exact",
        refusals=(
            Refusal(_fed(reference.Flatten, (3,)), ValueError, "have an axis start_dim=1"),
            Refusal(_fed(reference.Flatten, (3, 2), 0, 2), ValueError, "have an axis end_dim=2"),
            Refusal(_fed(reference.Flatten, (3, 2), 1, 0), ValueError, "start_dim must be at most"),
            Refusal(lambda: reference.Flatten(1.0), TypeError, "start_dim must be an integer"),
        ),
    ),
    Row(
        reference.Unflatten,
        torch.nn.Unflatten,
        _unflatten_of,
        _unflatten,
        "exact",
        refusals=(
            Refusal(_fed(reference.Unflatten, (), 0, (1,)), ValueError, "at least 1 axes"),
            Refusal(_fed(reference.Unflatten, (6,), 1, (2, 3)), ValueError, "have an axis dim=1"),
            Refusal(_fed(reference.Unflatten, (6,), 0, (2, 4)), ValueError, "multiplied out"),
            Refusal(_fed(reference.Unflatten, (6,), 0, (4, -1)), ValueError, "multiplied out"),
            Refusal(_fed(reference.Unflatten, (0,), 0, (0, -1)), ValueError, "multiplied out"),
            Refusal(lambda: reference.Unflatten(0, (-1, -1)), ValueError, "at most one -1"),
            Refusal(lambda: reference.Unflatten(0, (-2, 3)), ValueError, "at least -1"),
            Refusal(lambda: reference.Unflatten(0, ()), TypeError, "a tuple of integers"),
            Refusal(lambda: reference.Unflatten(0, 6), TypeError, "a tuple of integers"),
            Refusal(lambda: reference.Unflatten("width", (2, 3)), TypeError, "dim must be"),
        ),
    ),
    Row(
        reference.PixelShuffle,
        torch.nn.PixelShuffle,
        lambda m: reference.PixelShuffle(m.upscale_factor),
        _pixel_shuffle,
        "exact",
        inputs=ChannelsBefore(2),
        outputs=ChannelsBefore(2),
        refusals=(
            *_factor_refused(reference.PixelShuffle, "upscale_factor"),
            Refusal(
                _fed(reference.PixelShuffle, (1, 2, 2, 6), 2), ValueError, "axis -1 divisible by"
            ),
        ),
    ),
    Row(
        reference.PixelUnshuffle,
        torch.nn.PixelUnshuffle,
        lambda m: reference.PixelUnshuffle(m.downscale_factor),
        _pixel_unshuffle,
        "exact",
        inputs=ChannelsBefore(2),
        outputs=ChannelsBefore(2),
        adapter=_EmptyAsItIs,
        refusals=(
            *_factor_refused(reference.PixelUnshuffle, "downscale_factor"),
            Refusal(
                _fed(reference.PixelUnshuffle, (1, 3, 2, 6), 2), ValueError, "axis -3 divisible by"
            ),
            Refusal(
                _fed(reference.PixelUnshuffle, (1, 2, 3, 6), 2), ValueError, "axis -2 divisible by"
            ),
        ),
        departure="An input without elements comes back in its own shape.",
    ),
    Row(
        reference.ChannelShuffle,
        torch.nn.ChannelShuffle,
        lambda m: reference.ChannelShuffle(m.groups),
        _channel_shuffle,
        "exact",
        inputs=ChannelsFirst(),
        outputs=ChannelsFirst(),
        refusals=(
            *_factor_refused(reference.ChannelShuffle, "groups"),
            Refusal(
                _fed(reference.ChannelShuffle, (1, 2, 5), 2), ValueError, "axis -1 divisible by"
            ),
        ),
    ),
    Row(
        reference.Unfold,
        torch.nn.Unfold,
        lambda m: reference.Unfold(*_block_options(m)),
        _unfold,
        {"output": "exact", "every": "sum"},
        inputs=ChannelsBefore(2),
        outputs=ChannelsBefore(1),
        refusals=(
            *_blocks_refused(lambda **options: reference.Unfold(**{"kernel_size": 2, **options})),
            Refusal(_fed(reference.Unfold, (4, 4), 2), ValueError, "3 or 4 axes"),
            Refusal(_fed(reference.Unfold, (1, 1, 4, 4, 3), 2), ValueError, "3 or 4 axes"),
            Refusal(_fed(reference.Unfold, (1, 4, 4, 0), 2), ValueError, "not be empty"),
            Refusal(_fed(reference.Unfold, (1, 0, 4, 3), 2, padding=2), ValueError, "not be empty"),
            Refusal(_fed(reference.Unfold, (1, 4, 2, 3), 3), ValueError, "as large as the kernel"),
            Refusal(_fed(reference.Unfold, (3, 0, 2), 2), ValueError, "empty along axis -2"),
            Refusal(
                _fed(reference.Unfold, (1, 3, 5, 2), 2, dilation=3),
                ValueError,
                r"as large as the kernel \(4, 4\)",
            ),
        ),
    ),
    Row(
        reference.Fold,
        torch.nn.Fold,
        lambda m: reference.Fold(m.output_size, *_block_options(m)),
        _fold,
        {"output": "sum", "every": "exact"},
        inputs=ChannelsBefore(1),
        outputs=ChannelsBefore(2),
        refusals=(
            *_blocks_refused(lambda **options: reference.Fold(4, **{"kernel_size": 2, **options})),
            Refusal(lambda: reference.Fold(0, 2), ValueError, "output_size must be at least 1"),
            Refusal(_fed(reference.Fold, (9,), (4, 5), 2), ValueError, "2 or 3 axes"),
            Refusal(_fed(reference.Fold, (1, 1, 12, 8), (4, 5), 2), ValueError, "2 or 3 axes"),
            Refusal(_fed(reference.Fold, (1, 11, 8), (4, 5), 2), ValueError, "the 12 blocks"),
            Refusal(_fed(reference.Fold, (1, 1, 16), (2, 2), 4), ValueError, "the 0 blocks"),
            Refusal(_fed(reference.Fold, (1, 0, 4), (1, 1), 2), ValueError, "blocks as rows"),
            Refusal(_fed(reference.Fold, (1, 12, 9), (4, 5), 2), ValueError, "4 features for each"),
            Refusal(_fed(reference.Fold, (1, 12, 0), (4, 5), 2), ValueError, "4 features for each"),
        ),
    ),
)
