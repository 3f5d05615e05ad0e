"""Pooling to a given size: over all places (section 22.3.3) or over as many bins as asked for."""

import math

import numpy as np

from reference import _checks
from reference._base import Layer
from reference.layers import _windows


class GlobalAveragePooling2D(Layer):
    """The average of each channel over all places of an image.

    Formula: y = (1 / (H W)) sum over i, j of x[i, j]
        The average of no places is NaN.
    Derivative: dy/dx[i, j] = 1 / (H W)
    Shapes: x (batch, height, width, channels) or (height, width, channels), y the same with
        height and width 1.
    Dtypes: float32 and float64; the output has the input's.
    Errors: TypeError for an array that is not floating; ValueError for another number of axes or
        an upstream gradient of another shape; RuntimeError for backward before forward.
    Book: section 22.3.3.
    Paper: Lin, Chen, Yan (2014), Network in network, ICLR, arXiv 1312.4400.
    PyTorch: torch.nn.AdaptiveAvgPool2d(1). No difference but the layout.
    """

    rank = 2

    def forward(self, input_data):
        sizes = _checks.check_places_of(self, self.rank, minimum=0, input_data=input_data)
        self.input_shape = input_data.shape
        self.places = math.prod(sizes)
        return average(input_data.sum(tuple(range(-1 - self.rank, -1)), keepdims=True), self.places)

    def backward(self, grad_output):
        return np.broadcast_to(grad_output, self.input_shape) / self.places, None


class GlobalAveragePooling1D(GlobalAveragePooling2D):
    """The average of each channel over all steps of a sequence.

    Formula: y = (1 / T) sum over t of x[t]
    Derivative: dy/dx[t] = 1 / T
    Shapes: x (batch, time, channels) or (time, channels), y the same with time 1.
    Dtypes: float32 and float64; the output has the input's.
    Errors: those of GlobalAveragePooling2D.
    Book: not in the book; section 22.3.3 has the two dimensions.
    Paper: Lin, Chen, Yan (2014), Network in network, ICLR, arXiv 1312.4400.
    PyTorch: torch.nn.AdaptiveAvgPool1d(1). No difference but the layout.
    """

    rank = 1


class GlobalAveragePooling3D(GlobalAveragePooling2D):
    """The average of each channel over all places of a volume.

    Formula: y = (1 / (D H W)) sum over i, j, k of x[i, j, k]
    Derivative: dy/dx[i, j, k] = 1 / (D H W)
    Shapes: x (batch, depth, height, width, channels) or without the batch, y the same with
        depth, height and width 1.
    Dtypes: float32 and float64; the output has the input's.
    Errors: those of GlobalAveragePooling2D.
    Book: not in the book; section 22.3.3 has the two dimensions.
    Paper: Lin, Chen, Yan (2014), Network in network, ICLR, arXiv 1312.4400.
    PyTorch: torch.nn.AdaptiveAvgPool3d(1). No difference but the layout.
    """

    rank = 3


class GlobalMaxPooling2D(Layer):
    """The maximum of each channel over all places of an image.

    Formula: y = max over i, j of x[i, j]
    Derivative: dy/dx = 1 at the place of the maximum, 0 elsewhere; among equals the first (in
        row-major order) takes it all, among NaNs the last: PyTorch's choice.
    Shapes: x (batch, height, width, channels) or (height, width, channels), y the same with
        height and width 1.
    Dtypes: float32 and float64; the output has the input's.
    Errors: TypeError for an array that is not floating; ValueError for an empty axis other than
        the batch (or without a batch the channels), another number of axes or an upstream
        gradient of another shape; RuntimeError for backward before forward.
    Book: not in the book; section 22.3.3 has the average.
    Paper: Oquab, Bottou, Laptev, Sivic (2015), Is object localization for free?, CVPR,
        DOI 10.1109/CVPR.2015.7298668.
    PyTorch: torch.nn.AdaptiveMaxPool2d(1). No difference but the layout.
    """

    rank = 2

    def forward(self, input_data):
        sizes = _checks.check_places_of(self, self.rank, input_data=input_data)
        _checks.check_channels_of(self, self.rank, input_data=input_data)
        self.sizes = sizes
        *batch, channels = input_data.shape[: -1 - self.rank] + input_data.shape[-1:]
        places = input_data.reshape(*batch, math.prod(sizes), channels)
        output, index = first_maximum(np.moveaxis(places, -2, 0))
        shape = (*batch, *(1,) * self.rank, channels)
        self.indices = index.reshape(shape)
        return output.reshape(shape)

    def backward(self, grad_output):
        return _windows.scatter(grad_output, self.indices, self.sizes), None


class GlobalMaxPooling1D(GlobalMaxPooling2D):
    """The maximum of each channel over all steps of a sequence.

    Formula: y = max over t of x[t]
    Derivative: dy/dx = 1 at the step of the maximum, 0 elsewhere; among equals the first takes
        it all, among NaNs the last: PyTorch's choice.
    Shapes: x (batch, time, channels) or (time, channels), y the same with time 1.
    Dtypes: float32 and float64; the output has the input's.
    Errors: those of GlobalMaxPooling2D.
    Book: not in the book; section 22.3.3 has the average.
    Paper: Oquab, Bottou, Laptev, Sivic (2015), Is object localization for free?, CVPR,
        DOI 10.1109/CVPR.2015.7298668.
    PyTorch: torch.nn.AdaptiveMaxPool1d(1). No difference but the layout.
    """

    rank = 1


class GlobalMaxPooling3D(GlobalMaxPooling2D):
    """The maximum of each channel over all places of a volume.

    Formula: y = max over i, j, k of x[i, j, k]
    Derivative: dy/dx = 1 at the place of the maximum, 0 elsewhere; among equals the first (in
        row-major order) takes it all, among NaNs the last: PyTorch's choice.
    Shapes: x (batch, depth, height, width, channels) or without the batch, y the same with
        depth, height and width 1.
    Dtypes: float32 and float64; the output has the input's.
    Errors: those of GlobalMaxPooling2D.
    Book: not in the book; section 22.3.3 has the average.
    Paper: Oquab, Bottou, Laptev, Sivic (2015), Is object localization for free?, CVPR,
        DOI 10.1109/CVPR.2015.7298668.
    PyTorch: torch.nn.AdaptiveMaxPool3d(1). No difference but the layout.
    """

    rank = 3


class AdaptiveAveragePooling(Layer):
    """The average of each of a given number of bins, for any number of spatial axes.

    Formula: y[o] = average of x over bin o. On an axis of n places cut into m bins, bin o is
        [floor(o n / m), ceil((o + 1) n / m)): bins may overlap, and be more than the places.
    Derivative: dy[o]/dx[i] = 1 / (places of bin o) where i lies in bin o, 0 elsewhere. Place i
        lies in the bins [floor(i m / n), ceil((i + 1) m / n)), so the gradient is summed over
        bins as the input is.
    Shapes: x (batch, *sizes, channels) or (*sizes, channels), y the same with output_size in
        place of sizes. output_size has an entry for each axis, None where the axis stays as it
        is; a number alone stands for one axis.
    Dtypes: float32 and float64; the output has the input's.
    Errors: TypeError for an array that is not floating or an option of another type; ValueError
        for a negative output_size, an empty spatial axis where there is more than the one bin of
        all places (whose average is NaN then), a batch of volumes without channels there, another
        number of axes or an upstream gradient of another shape; RuntimeError for backward before
        forward.
    Book: not in the book; section 22.3.3 has the one bin.
    Paper: He, Zhang, Ren, Sun (2014), Spatial pyramid pooling in deep convolutional networks for
        visual recognition, ECCV, DOI 10.1007/978-3-319-10578-9_23.
    PyTorch: torch.nn.AdaptiveAvgPool1d, AdaptiveAvgPool2d and AdaptiveAvgPool3d. No difference
        but the layout; where there are no bins PyTorch has no gradient, here it is zero.
    """

    def __init__(self, output_size):
        super().__init__()
        self.output_size = _checks.check_bins(self, output_size=output_size)

    def forward(self, input_data):
        rank, alone = len(self.output_size), set(self.output_size) == {1}
        self.sizes = _checks.check_places_of(
            self, rank, minimum=0 if alone else 1, input_data=input_data
        )
        if rank == 3 and not alone:  # PyTorch takes images and sequences without channels
            _checks.check_channels_of(self, rank, input_data=input_data)
        outputs = adapted(self.output_size, self.sizes)
        bounds = [bins(n, m) for n, m in zip(self.sizes, outputs, strict=True)]
        places = np.ix_(*[ends - starts for starts, ends in bounds])
        self.counts = math.prod(places)[..., None].astype(input_data.dtype)
        return average(bin_sums(input_data, outputs), self.counts)

    def backward(self, grad_output):
        return bin_sums(average(grad_output, self.counts), self.sizes), None


class AdaptiveMaxPooling(Layer):
    """The maximum of each of a given number of bins, for any number of spatial axes.

    Formula: y[o] = max of x over bin o, the bins being those of AdaptiveAveragePooling.
    Derivative: dy/dx = 1 at the place of the maximum, 0 elsewhere; among equals the first of the
        bin (in row-major order) takes it all, among NaNs the last: PyTorch's choice.
    Shapes: x (batch, *sizes, channels) or (*sizes, channels), y the same with output_size in
        place of sizes. output_size has an entry for each axis, None where the axis stays as it
        is; a number alone stands for one axis. With return_indices forward returns (y, indices),
        the indices being those of MaxPooling2D.
    Dtypes: float32 and float64; the output has the input's.
    Errors: TypeError for an array that is not floating or an option of another type; ValueError
        for a negative output_size, an empty axis other than the batch (or without a batch the
        channels), another number of axes or an upstream gradient of another shape; RuntimeError
        for backward before forward.
    Book: not in the book; section 22.3.1 has windows of one size.
    Paper: He, Zhang, Ren, Sun (2014), Spatial pyramid pooling in deep convolutional networks for
        visual recognition, ECCV, DOI 10.1007/978-3-319-10578-9_23.
    PyTorch: torch.nn.AdaptiveMaxPool1d, AdaptiveMaxPool2d and AdaptiveMaxPool3d. No difference
        but the layout; where there are no bins PyTorch has no gradient, here it is zero.
    """

    def __init__(self, output_size, return_indices=False):
        super().__init__()
        self.output_size = _checks.check_bins(self, output_size=output_size)
        self.return_indices = _checks.check_flag(self, return_indices=return_indices)

    def forward(self, input_data):
        rank = len(self.output_size)
        sizes = _checks.check_places_of(self, rank, input_data=input_data)
        _checks.check_channels_of(self, rank, input_data=input_data)
        outputs = adapted(self.output_size, sizes)
        output, self.indices = maxima(input_data, sizes, outputs)
        self.sizes = sizes
        return (output, self.indices) if self.return_indices else output

    def backward(self, grad_output):
        return _windows.scatter(grad_output, self.indices, self.sizes), None


def average(sums, counts):
    """Sums over their numbers of places."""
    # PyTorch's average of no places is NaN.
    with np.errstate(invalid="ignore", divide="ignore"):
        return sums / counts


def adapted(output_size, sizes):
    """The number of bins on each axis: its size where None is asked for."""
    return tuple(n if m is None else m for m, n in zip(output_size, sizes, strict=True))


def bins(size, count):
    """Where the bins of an axis start and end."""
    number = np.arange(count)
    return number * size // count, -(-(number + 1) * size // count)


def bin_sums(images, outputs):
    """The sum of each bin, an axis at a time: (batch, *outputs, channels)."""
    for axis, count in enumerate(reversed(outputs)):
        lines = np.moveaxis(images, -2 - axis, 0)  # (size, ...)
        starts, ends = bins(len(lines), count)
        total = np.zeros((count, *lines.shape[1:]), images.dtype)
        for tap in range(np.max(ends - starts, initial=0)):
            reached = starts + tap < ends
            reached = slice(None) if reached.all() else reached
            total[reached] += lines[starts[reached] + tap]
        images = np.moveaxis(total, 0, -2 - axis)
    return images


def maxima(images, sizes, outputs):
    """The maximum of each bin, and its place in the flattened spatial axes."""
    coordinates = []
    # An axis at a time, the last one first: so the first of several equals is kept.
    for axis, size, count in zip((-2, -3, -4), sizes[::-1], outputs[::-1], strict=False):
        images, place = bin_maxima(images, axis, *bins(size, count))
        coordinates = [np.take_along_axis(other, place, axis) for other in coordinates]
        coordinates.insert(0, place)
    return images, _windows.flatten(coordinates, sizes)


def bin_maxima(images, axis, starts, ends):
    """The maximum of each bin of one axis, and where on the axis it lies."""
    lines = np.moveaxis(images, axis, 0)  # (size, ...)
    best = lines[starts]
    widest = np.max(ends - starts, initial=0)
    # A bin that is shorter than a tap meets its last place again.
    meets = np.minimum(starts + np.arange(1, widest)[:, np.newaxis], ends - 1)
    winner = np.zeros(best.shape, np.min_scalar_type(widest))
    for tap, met in enumerate(meets, start=1):
        value = lines[met]
        better = (value > best) | np.isnan(value)
        # Of two zeros the second argument is kept, which came first in the bin.
        np.maximum(value, best, out=best)
        np.maximum(winner, np.multiply(better, tap, dtype=winner.dtype), out=winner)
    shape = (-1, *(1,) * (best.ndim - 1))
    last = (ends - starts - 1).reshape(shape)
    place = starts.reshape(shape) + np.minimum(winner, last)
    return np.moveaxis(best, 0, axis), np.moveaxis(place, 0, axis)


def first_maximum(lines):
    """The maximum over the first axis, and where it lies: the first of equals, the last NaN."""
    place = np.argmax(lines, axis=0)  # the first NaN, if there is one
    highest = np.take_along_axis(lines, place[np.newaxis], 0)[0]
    missing = np.isnan(highest)
    if missing.any():
        last = len(lines) - 1 - np.argmax(lines[::-1], axis=0)
        place = np.where(missing, last, place)
    return highest, place
