"""Windows that slide over features-last arrays: what convolution, pooling and folding share.

A window of `kernel_size` taps, `dilation` apart, starts at every `stride`-th place of each of the
last axes but one (the last holds the channels).
"""

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
