"""Layers that only move elements (section 22.4)."""

import math

import numpy as np

from reference import _checks
from reference._base import Layer


class Flatten(Layer):
    """Lays neighbouring axes end to end in one: by default, each image becomes a row of features.

    Formula: y[b, k] = x[b, i, j, c] with k = (i width + j) channels + c
    Derivative: dL/dx[b, i, j, c] = dL/dy[b, k]; it has no kink.
    Shapes: x (batch, ...), y (batch, product of the others); in general the axes start_dim to
        end_dim, both included, become one of the product of their sizes.
    Dtypes: float32 and float64; the output has the input's.
    Errors: TypeError for an array that is not floating or an option that is not an integer;
        ValueError for an axis that the input has not, for start_dim after end_dim or an upstream
        gradient of another shape; RuntimeError for backward before forward.
    Book: section 22.4.
    Paper: none.
    PyTorch: torch.nn.Flatten. No difference but the order of an image's features: here they are
        in the order (height, width, channels), the channels last, as in the book.
    """

    def __init__(self, start_dim=1, end_dim=-1):
        super().__init__()
        self.start_dim = _checks.check_integer(self, minimum=-math.inf, start_dim=start_dim)
        self.end_dim = _checks.check_integer(self, minimum=-math.inf, end_dim=end_dim)

    def forward(self, input_data):
        first = _checks.check_axis(self, self.start_dim, "start_dim", input_data=input_data)
        last = _checks.check_axis(self, self.end_dim, "end_dim", input_data=input_data)
        _checks.check_at_most(self, ("end_dim", last), method="forward", start_dim=first)
        self.input_shape = input_data.shape
        before, after = self.input_shape[:first], self.input_shape[last + 1 :]
        features = math.prod(self.input_shape[first : last + 1])
        return input_data.reshape(*before, features, *after)

    def backward(self, grad_output):
        return grad_output.reshape(self.input_shape), None


class Unflatten(Layer):
    """Lays one axis out as several: the inverse of Flatten.

    Formula: y[b, i, j, c] = x[b, (i width + j) channels + c]
    Derivative: dL/dx[b, (i width + j) channels + c] = dL/dy[b, i, j, c]; it has no kink.
    Shapes: x (..., size, ...), y (..., *unflattened_size, ...), where one of the sizes may be -1:
        what the others leave.
    Dtypes: float32 and float64; the output has the input's.
    Errors: TypeError for an array that is not floating or an option that is not of integers;
        ValueError for an axis that the input has not, sizes whose product is not that of the
        axis, or an upstream gradient of another shape; RuntimeError for backward before forward.
    Book: not in the book; it undoes section 22.4.
    Paper: none.
    PyTorch: torch.nn.Unflatten. No difference but the order of an image's features, the channels
        last; the axes have no names.
    """

    def __init__(self, dim, unflattened_size):
        super().__init__()
        self.dim = _checks.check_integer(self, minimum=-math.inf, dim=dim)
        self.unflattened_size = _checks.check_unflattened(self, unflattened_size=unflattened_size)

    def forward(self, input_data):
        _checks.check_least_rank(self, 1, "(..., size, ...)", input_data=input_data)
        axis = _checks.check_axis(self, self.dim, "dim", input_data=input_data)
        sizes = _checks.check_product(self, self.unflattened_size, axis, input_data=input_data)
        self.input_shape = input_data.shape
        return input_data.reshape(*self.input_shape[:axis], *sizes, *self.input_shape[axis + 1 :])

    def backward(self, grad_output):
        return grad_output.reshape(self.input_shape), None


class PixelShuffle(Layer):
    """Spends channels on resolution: r^2 channels become one, r times as high and as wide.

    Formula: y[b, r i + u, r j + v, c] = x[b, i, j, c r^2 + u r + v], with r the upscale_factor
    Derivative: dL/dx[b, i, j, c r^2 + u r + v] = dL/dy[b, r i + u, r j + v, c]; it has no kink.
    Shapes: x (..., height, width, channels r^2), y (..., r height, r width, channels).
    Dtypes: float32 and float64; the output has the input's.
    Errors: TypeError for an array that is not floating; ValueError for fewer than three axes, a
        number of channels that r^2 does not divide, or an upstream gradient of another shape;
        RuntimeError for backward before forward.
    Book: not in the book.
    Paper: Shi et al. (2016), Real-time single image and video super-resolution using an efficient
        sub-pixel convolutional neural network, CVPR, DOI 10.1109/CVPR.2016.207.
    PyTorch: torch.nn.PixelShuffle. No difference but the layout, with the channels last;
        PyTorch cannot differentiate an output without elements.
    """

    def __init__(self, upscale_factor):
        super().__init__()
        self.upscale_factor = _checks.check_integer(self, upscale_factor=upscale_factor)

    def forward(self, input_data):
        _checks.check_least_rank(self, 3, "(..., height, width, channels)", input_data=input_data)
        square = ("upscale_factor squared", self.upscale_factor**2)
        _checks.check_axis_divides(self, square, -1, input_data=input_data)
        return to_pixels(input_data, self.upscale_factor)

    def backward(self, grad_output):
        return to_channels(grad_output, self.upscale_factor), None


class PixelUnshuffle(Layer):
    """Spends resolution on channels: the inverse of PixelShuffle.

    Formula: y[b, i, j, c r^2 + u r + v] = x[b, r i + u, r j + v, c], with r the downscale_factor
    Derivative: dL/dx[b, r i + u, r j + v, c] = dL/dy[b, i, j, c r^2 + u r + v]; it has no kink.
    Shapes: x (..., r height, r width, channels), y (..., height, width, channels r^2).
    Dtypes: float32 and float64; the output has the input's.
    Errors: TypeError for an array that is not floating; ValueError for fewer than three axes, a
        height or width that r does not divide, or an upstream gradient of another shape;
        RuntimeError for backward before forward.
    Book: not in the book.
    Paper: Shi et al. (2016), Real-time single image and video super-resolution using an efficient
        sub-pixel convolutional neural network, CVPR, DOI 10.1109/CVPR.2016.207.
    PyTorch: torch.nn.PixelUnshuffle. No difference but the layout, with the channels last, and
        that PyTorch returns an input without elements in its own shape.
    """

    def __init__(self, downscale_factor):
        super().__init__()
        self.downscale_factor = _checks.check_integer(self, downscale_factor=downscale_factor)

    def forward(self, input_data):
        _checks.check_least_rank(self, 3, "(..., height, width, channels)", input_data=input_data)
        factor = ("downscale_factor", self.downscale_factor)
        for axis in (-3, -2):
            _checks.check_axis_divides(self, factor, axis, input_data=input_data)
        return to_channels(input_data, self.downscale_factor)

    def backward(self, grad_output):
        return to_pixels(grad_output, self.downscale_factor), None


def to_pixels(images, factor):
    """(..., height, width, channels factor^2) as (..., height factor, width factor, channels)."""
    *batch, height, width, features = images.shape
    channels = features // factor**2
    split = images.reshape(*batch, height, width, channels, factor, factor)
    # (..., height, row, width, column, channels)
    pixels = np.moveaxis(split, (-2, -1), (-4, -2))
    return pixels.reshape(*batch, height * factor, width * factor, channels)


def to_channels(images, factor):
    """(..., height factor, width factor, channels) as (..., height, width, channels factor^2)."""
    *batch, height, width, channels = images.shape
    height, width = height // factor, width // factor
    split = images.reshape(*batch, height, factor, width, factor, channels)
    # (..., height, width, channels, row, column)
    pixels = np.moveaxis(split, (-4, -2), (-2, -1))
    return pixels.reshape(*batch, height, width, channels * factor**2)


class ChannelShuffle(Layer):
    """Deals the channels of all groups out in turn, so that the next groups see every one.

    Formula: y[..., k groups + i] = x[..., i n + k], with n = channels / groups
    Derivative: dL/dx[..., i n + k] = dL/dy[..., k groups + i]; it has no kink.
    Shapes: x (batch, ..., channels) of three axes or more; the output has the input's.
    Dtypes: float32 and float64; the output has the input's.
    Errors: TypeError for an array that is not floating; ValueError for fewer than three axes, a
        number of channels that groups does not divide, or an upstream gradient of another shape;
        RuntimeError for backward before forward.
    Book: not in the book.
    Paper: Zhang, Zhou, Lin, Sun (2018), ShuffleNet: an extremely efficient convolutional neural
        network for mobile devices, CVPR, DOI 10.1109/CVPR.2018.00716.
    PyTorch: torch.nn.ChannelShuffle. No difference but the layout, with the channels last;
        PyTorch cannot differentiate an output without channels.
    """

    def __init__(self, groups):
        super().__init__()
        self.groups = _checks.check_integer(self, groups=groups)

    def forward(self, input_data):
        _checks.check_least_rank(self, 3, "(batch, ..., channels)", input_data=input_data)
        _checks.check_axis_divides(self, ("groups", self.groups), -1, input_data=input_data)
        # The channels written row by row, one row for each group, and read column by column.
        channels = np.arange(input_data.shape[-1])
        self.origins = channels.reshape(self.groups, -1).T.reshape(-1)
        return np.take(input_data, self.origins, axis=-1)

    def backward(self, grad_output):
        return np.take(grad_output, np.argsort(self.origins), axis=-1), None
