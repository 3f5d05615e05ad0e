"""Windows that slide over features-last arrays: what convolution, pooling and folding share.

A window of `kernel_size` taps, `dilation` apart, starts at every `stride`-th place of each of the
last axes but one (the last holds the channels).
"""

import math

import numpy as np


def spans(kernel_size, dilation):
    """The places that a dilated kernel reaches over, axis by axis: d (k - 1) + 1."""
    return tuple(d * (k - 1) + 1 for k, d in zip(kernel_size, dilation, strict=True))


def output_sizes(sizes, kernel_size, stride, dilation):
    """How many windows fit, axis by axis: floor((size - span) / stride) + 1."""
    reach = spans(kernel_size, dilation)
    return tuple((n - r) // s + 1 for n, r, s in zip(sizes, reach, stride, strict=True))


def windows(images, kernel_size, stride, dilation):
    """A read-only view of every window: (..., *outputs, *kernel_size, channels)."""
    rank = len(kernel_size)
    axes = tuple(range(-1 - rank, -1))
    outputs = output_sizes(images.shape[-1 - rank : -1], kernel_size, stride, dilation)
    if min(outputs) < 1:  # no window fits
        shape = (*images.shape[: -1 - rank], *outputs, *kernel_size, images.shape[-1])
        return np.zeros(np.maximum(shape, 0), images.dtype)
    # (..., *starts, channels, *spans)
    view = np.lib.stride_tricks.sliding_window_view(images, spans(kernel_size, dilation), axes)
    starts = [slice(None, None, step) for step in stride]
    places = [slice(None, None, step) for step in dilation]
    return np.moveaxis(view[(..., *starts, slice(None), *places)], -1 - rank, -1)


def taps(outputs, kernel_size, stride, dilation):
    """For each tap of the kernel, its index and the places it meets, one for each window.

    The places index the axes of `images` that end before the channels:
    images[(..., *places, slice(None))] is (..., *outputs, channels).
    """
    for tap in np.ndindex(*kernel_size):
        axes = zip(tap, outputs, stride, dilation, strict=True)
        yield tap, tuple(slice(t * d, t * d + n * s, s) for t, n, s, d in axes)


def pooled_sizes(sizes, kernel_size, stride, padding, dilation, ceil_mode):
    """How many windows a pooling layer has, axis by axis.

    floor((size + 2 p - span) / s) + 1; with `ceil_mode` the ceiling, which lets the last window
    hang over the end, as long as it starts before the right padding.
    """
    overhang = [step - 1 if ceil_mode else 0 for step in stride]
    padded = [n + 2 * p + extra for n, p, extra in zip(sizes, padding, overhang, strict=True)]
    counts = output_sizes(padded, kernel_size, stride, dilation)
    starts = [(n + p - 1) // s + 1 for n, p, s in zip(sizes, padding, stride, strict=True)]
    return tuple(min(pair) for pair in zip(counts, starts, strict=True))


def inner_taps(sizes, outputs, kernel_size, stride, padding, dilation):
    """For each tap of the kernel, the windows in which it meets the input, and where.

    The padding is never built: a tap is left out of the windows in which it would meet it. Both
    are indices of the axes that end before the channels, as those of `taps`.
    """
    for tap in np.ndindex(*kernel_size):
        met, places = [], []
        axes = zip(tap, sizes, outputs, stride, padding, dilation, strict=True)
        for t, size, output, step, pad, gap in axes:
            offset = t * gap - pad  # where the tap lies in window 0
            first = max(-(offset // step), 0)
            count = max(min((size - 1 - offset) // step + 1, output) - first, 0)
            start = first * step + offset
            met.append(slice(first, first + count))
            places.append(slice(start, start + count * step, step))
        yield (..., *met, slice(None)), (..., *places, slice(None))


def parts(images):
    """Slices of the batch, a few megabytes each: what is computed on the way stays in the cache."""
    count = max(2**22 // max(images[:1].nbytes, 1), 1)
    return [slice(start, start + count) for start in range(0, len(images), count)]


def starts(outputs, stride, padding):
    """Where the windows start: for each axis an array that broadcasts to (*outputs, channels)."""
    axes = zip(np.ogrid[tuple(slice(n) for n in outputs)], stride, padding, strict=True)
    return [(window * step - pad)[..., None] for window, step, pad in axes]


def flatten(places, sizes):
    """The row-major number of places of a grid, whose coordinates come axis by axis."""
    number = 0
    for place, size in zip(places, sizes, strict=True):
        number = number * size + place
    return number


def scatter(values, indices, sizes):
    """Sum values into the places of a grid of these sizes, channel by channel.

    `values` and `indices`, the row-major numbers of the places, are (*batch, *outputs, channels);
    the result is (*batch, *sizes, channels).
    """
    batch, channels = values.shape[: values.ndim - len(sizes) - 1], values.shape[-1]
    total = np.zeros((*batch, *sizes, channels), values.dtype)
    np.add.at(total.reshape(-1), within_batch(indices, batch, sizes), values.reshape(-1))
    return total


def gather(images, indices, sizes):
    """The values at the places of a grid, channel by channel: the transpose of `scatter`."""
    batch = images.shape[: images.ndim - len(sizes) - 1]
    return images.reshape(-1)[within_batch(indices, batch, sizes)].reshape(indices.shape)


def within_batch(indices, batch, sizes):
    """Places of one channel of one image as places of the whole array, laid out flat."""
    images, channels = math.prod(batch), indices.shape[-1]
    image = np.arange(images)[:, None, None] * math.prod(sizes)
    numbers = indices.reshape(images, math.prod(indices.shape[len(batch) : -1]), channels) + image
    numbers *= channels
    numbers += np.arange(channels)
    return numbers.reshape(-1)
