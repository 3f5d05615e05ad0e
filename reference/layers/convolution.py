"""Convolution in one, two and three dimensions (section 22.2)."""

import math

import numpy as np

from reference import _checks
from reference._base import Layer
from reference.layers import _channelwise, _windows
from reference.layers.padding import CircularPad, ReflectionPad, ReplicationPad, ZeroPad

# What surrounds the image, by padding_mode.
PADDINGS = {
    "zeros": ZeroPad,
    "reflect": ReflectionPad,
    "replicate": ReplicationPad,
    "circular": CircularPad,
}


class SlidingKernelsND(Layer):
    """Kernels that slide over images of `rank` axes: what convolution and its transpose share.

    Formula: gather: v[b, o, f] = sum over taps t and channels c of kernels[f, c, t]
        x[b, stride o + dilation t, c]; scatter, its transpose: x[b, stride o + dilation t, c] =
        the sum of v[b, o, f] kernels[f, c, t]; with o and t of `rank` numbers each and c running
        over the channels of the group of f.
    Derivative: each of the two is linear and the transpose of the other; correlate: with respect
        to the kernels it is the sum over b and o of v[b, o, f] x[b, stride o + dilation t, c].
    Shapes: x (batch, *sizes, channels), v (batch, *outputs, filters), kernels (filters,
        channels / groups, *kernel_size), with outputs = (size - dilation (kernel_size - 1) - 1)
        // stride + 1.
    Dtypes: float32 and float64; the result has the promotion of the input's and the kernels'.
    Errors: TypeError for an option of another type; ValueError for one out of its range, or an
        input of another number of axes or channels.
    Book: section 22.2.
    Paper: LeCun et al. (1989), Backpropagation applied to handwritten zip code recognition,
        Neural Computation 1(4), DOI 10.1162/neco.1989.1.4.541.
    PyTorch: the common ground of torch.nn.Conv1d to Conv3d and ConvTranspose1d to 3d. Kernels and
        biases start from their law, U(-1/sqrt(n), 1/sqrt(n)), n the count of one kernel's numbers.
    """

    rank = None

    def __init__(
        self, input_channels, num_filters, kernel_size, stride, dilation, groups, bias, rng
    ):
        super().__init__()
        self.input_channels = _checks.check_integer(self, input_channels=input_channels)
        self.num_filters = _checks.check_integer(self, num_filters=num_filters)
        self.groups = _checks.check_integer(self, groups=groups)
        _checks.check_divides(self, ("groups", groups), input_channels=input_channels)
        _checks.check_divides(self, ("groups", groups), num_filters=num_filters)
        self.kernel_size = _checks.check_sizes(self, self.rank, kernel_size=kernel_size)
        self.stride = _checks.check_sizes(self, self.rank, stride=stride)
        self.dilation = _checks.check_sizes(self, self.rank, dilation=dilation)
        self.bias = _checks.check_flag(self, bias=bias)
        rng = _checks.check_generator(self, rng=rng)
        kernels = self.kernel_shape()
        bound = 1 / math.sqrt(math.prod(kernels[1:]))
        shapes = [kernels, (num_filters,)][: 1 + self.bias]
        self.params = [rng.uniform(-bound, bound, shape) for shape in shapes]

    @property
    def kernels(self):
        return self.params[0]

    @property
    def biases(self):
        return self.params[1] if self.bias else None

    def kernel_shape(self):
        """(filters of gather, channels of gather / groups, *kernel_size)."""
        raise NotImplementedError(f"{type(self).__name__} does not define kernel_shape")

    def check(self, input_data):
        """Raise for an input of other axes or channels."""
        layout = "(batch, *sizes, channels)"
        _checks.check_rank(self, (self.rank + 1, self.rank + 2), layout, input_data=input_data)
        _checks.check_last_axis(self, self.input_channels, "channels", input_data=input_data)

    def check_places(self, input_data):
        """Raise for images without a place in them."""
        if len(input_data) or input_data.ndim == self.rank + 1:  # else there are no images
            for axis in range(-1 - self.rank, -1):
                _checks.check_filled_axis(self, axis, input_data=input_data)

    def windows(self, images):
        """A view of the windows of images: (..., *outputs, *kernel_size, channels)."""
        return _windows.windows(images, self.kernel_size, self.stride, self.dilation)

    def grouped(self, images):
        """The channels apart by group, in memory too: (batch, groups, *sizes, channels)."""
        *sizes, channels = images.shape
        split = images.reshape(*sizes, self.groups, channels // self.groups)
        return np.ascontiguousarray(np.moveaxis(split, -2, 1))

    def rows(self, windows):
        """The grouped windows of one image, a row each: (groups, places, taps * channels)."""
        outputs, taps = windows.shape[1 : 1 + self.rank], windows.shape[1 + self.rank :]
        return windows.reshape(self.groups, math.prod(outputs), math.prod(taps))

    def split(self, values):
        """The values of all filters, group by group: (batch, groups, places, filters)."""
        batch, *outputs, filters = values.shape
        split = values.reshape(batch, math.prod(outputs), self.groups, filters // self.groups)
        return split.swapaxes(1, 2)

    def taps(self):
        """The kernels, tap by tap: (*taps, groups, filters / groups, channels / groups)."""
        filters, channels, *taps = self.kernels.shape
        grouped = self.kernels.reshape(self.groups, filters // self.groups, channels, *taps)
        return np.ascontiguousarray(np.moveaxis(grouped, (0, 1, 2), (-3, -2, -1)))

    def is_channelwise(self):
        """Whether each of several groups has one channel: nothing to multiply as matrices."""
        return self.groups > 1 and self.kernels.shape[1] == 1

    def gather(self, images):
        """The sum of each kernel times each window: (batch, *outputs, filters)."""
        if self.is_channelwise():
            return _channelwise.gather(self.windows(images), self.taps()[..., 0])
        sizes, filters = images.shape[1:-1], len(self.kernels)
        outputs = _windows.output_sizes(sizes, self.kernel_size, self.stride, self.dilation)
        kernels = np.moveaxis(self.kernels, 1, -1)  # (filters, *taps, channels)
        kernels = kernels.reshape(self.groups, filters // self.groups, -1)
        sums = np.empty((len(images), *outputs, filters), np.result_type(images, *self.params))
        windows = self.windows(self.grouped(images))
        # One image at a time: the rows of a whole batch would not fit into the cache.
        for image_windows, image_sums in zip(windows, self.split(sums), strict=True):
            np.matmul(self.rows(image_windows), kernels.swapaxes(1, 2), out=image_sums)
        return sums

    def scatter(self, values, sizes):
        """The transpose of gather: each value times its kernel, added up over its window."""
        batch, *outputs, _ = values.shape
        kernels = self.taps()
        channels = kernels.shape[-1]
        whole, dtype = (batch, *sizes, self.groups * channels), np.result_type(values, kernels)
        if self.is_channelwise():
            images = np.zeros(whole, dtype)
            _channelwise.scatter(values, kernels[..., 0], images, self.stride, self.dilation)
            return images
        values = self.split(values)
        images = np.zeros((batch, self.groups, *sizes, channels), dtype)
        for tap, met in _windows.taps(outputs, self.kernel_size, self.stride, self.dilation):
            met_images = images[(slice(None), slice(None), *met)]
            # (batch, groups, places, filters) @ (groups, filters, channels)
            met_images += (values @ kernels[tap]).reshape(met_images.shape)
        return np.moveaxis(images, 1, -2).reshape(whole)

    def correlate(self, values, images):
        """The sum of each value times its window, which is the gradient of the kernels."""
        filters, channels, *taps = self.kernels.shape
        if self.is_channelwise():
            windows = self.windows(images)
            total = _channelwise.correlate(values, windows, filters // self.groups)
            return np.moveaxis(total, (-2, -1), (0, 1)).reshape(self.kernels.shape)
        shape = (self.groups, filters // self.groups, math.prod(taps) * channels)
        total = np.zeros(shape, np.result_type(values, images))
        windows = self.windows(self.grouped(images))
        for image_values, image_windows in zip(self.split(values), windows, strict=True):
            total += image_values.swapaxes(1, 2) @ self.rows(image_windows)
        return np.moveaxis(total.reshape(filters, *taps, channels), -1, 1)


class ConvolutionND(SlidingKernelsND):
    """Filters that slide over an image of `rank` axes: the common body of the three convolutions.

    Formula: y[b, o, f] = bias[f] + sum over taps t and channels c of
        kernels[f, c, t] padded[b, stride o + dilation t, c], with o and t of `rank` numbers each
        and c running over the channels of the filter's group.
    Derivative: dL/dkernels[f, c, t] = sum over b and o of g[b, o, f] padded[b, stride o +
        dilation t, c]; dL/dbias[f] = sum over b and o of g[b, o, f]; dL/dpadded[b, i, c] = sum
        over f, o and t with stride o + dilation t = i of g[b, o, f] kernels[f, c, t].
    Shapes: x (batch, *sizes, input_channels) or without the batch, kernels (num_filters,
        input_channels / groups, *kernel_size), biases (num_filters,), y (batch, *outputs,
        num_filters) with outputs = (size + margins - dilation (kernel - 1) - 1) // stride + 1.
    Dtypes: float32 and float64; the output has the promotion of the input's and the kernels'.
    Errors: TypeError for an array that is not floating; ValueError for another number of axes or
        channels, a size smaller than the kernel once padded, padding that its mode cannot fill,
        or an upstream gradient of another shape; RuntimeError for backward before forward.
    Book: section 22.2.
    Paper: LeCun et al. (1989), Backpropagation applied to handwritten zip code recognition,
        Neural Computation 1(4), DOI 10.1162/neco.1989.1.4.541.
    PyTorch: the common ground of torch.nn.Conv1d, Conv2d and Conv3d. They take 0 input channels
        and return no output channels then; this class asks for one at least.
    """

    def __init__(
        self,
        input_channels,
        num_filters,
        kernel_size,
        stride=1,
        padding=0,
        dilation=1,
        groups=1,
        padding_mode="zeros",
        bias=True,
        rng=None,
    ):
        options = (kernel_size, stride, dilation, groups, bias, rng)
        super().__init__(input_channels, num_filters, *options)
        self.padding = padding
        self.padding_mode = _checks.check_choice(self, PADDINGS, padding_mode=padding_mode)
        self.pad = PADDINGS[padding_mode](self.margins())

    def kernel_shape(self):
        return (self.num_filters, self.input_channels // self.groups, *self.kernel_size)

    def margins(self):
        """The padding before and after each axis, the last axis first."""
        if self.padding == "valid":
            return (0, 0) * self.rank
        if self.padding == "same":
            _checks.check_unit_stride(self, self.padding, stride=self.stride)
            reach = _windows.spans(self.kernel_size, self.dilation)
            # The odd place of an even kernel goes to the end.
            pairs = [((span - 1) // 2, span // 2) for span in reach]
        else:
            sizes = _checks.check_sizes(self, self.rank, minimum=0, padding=self.padding)
            pairs = [(size, size) for size in sizes]
        return tuple(margin for pair in reversed(pairs) for margin in pair)

    def check(self, input_data):
        """Raise for an input that the layer cannot take."""
        super().check(input_data)
        self.check_places(input_data)
        self.pad.check(self, input_data)
        margins = reversed(self.pad.margins(input_data.ndim))
        padded = [input_data.shape[axis] + before + after for axis, before, after in margins]
        spans = _windows.spans(self.kernel_size, self.dilation)
        _checks.check_window(self, spans, padded, input_data=input_data)

    def forward(self, input_data):
        self.check(input_data)
        padded = self.pad.forward(input_data)
        self.images = padded.reshape(-1, *padded.shape[-1 - self.rank :])
        output = self.gather(self.images)
        if self.bias:
            output += self.biases
        return output.reshape(*input_data.shape[: -1 - self.rank], *output.shape[1:])

    def backward(self, grad_output):
        grad = grad_output.reshape(len(self.images), *grad_output.shape[-1 - self.rank :])
        grad_kernels = self.correlate(grad, self.images)
        grad_biases = grad.reshape(-1, self.num_filters).sum(axis=0)
        grad_images = self.scatter(grad, self.images.shape[1:-1])
        batch = grad_output.shape[: -1 - self.rank]  # empty for one image alone
        grad_input, _ = self.pad.backward(grad_images.reshape(*batch, *grad_images.shape[1:]))
        return grad_input, [grad_kernels, grad_biases][: 1 + self.bias]


class Convolution1D(ConvolutionND):
    """Filters that slide along a sequence.

    Formula: y[b, i, f] = bias[f] + sum over u, c of kernels[f, c, u] padded[b, s i + d u, c], with
        stride s, dilation d and c running over the channels of the filter's group.
    Derivative: dL/dkernels[f, c, u] = sum over b, i of g[b, i, f] padded[b, s i + d u, c];
        dL/dbias[f] = sum over b, i of g[b, i, f]; dL/dpadded gathers g[b, i, f] kernels[f, c, u]
        at s i + d u. It has no kink.
    Shapes: x (batch, time, input_channels) or without the batch, kernels (num_filters,
        input_channels / groups, kernel_size), biases (num_filters,), y (batch, outputs,
        num_filters) with outputs = (time + margins - d (kernel - 1) - 1) // s + 1.
    Dtypes: float32 and float64; the output has the promotion of the input's and the kernels'.
    Errors: TypeError for an array that is not floating; ValueError for another number of axes or
        channels, a sequence shorter than the kernel once padded, padding that its mode cannot
        fill, or an upstream gradient of another shape; RuntimeError for backward before forward.
    Book: not in the book; it is section 22.2 on one axis.
    Paper: Waibel, Hanazawa, Hinton, Shikano, Lang (1989), Phoneme recognition using time-delay
        neural networks, IEEE Transactions on Acoustics, Speech, and Signal Processing 37(3),
        DOI 10.1109/29.21701.
    PyTorch: torch.nn.Conv1d. No difference but the layout, with the channels last.
    """

    rank = 1


class Convolution2D(ConvolutionND):
    """Filters that slide over the height and the width of an image.

    Formula: y[b, i, j, f] = bias[f] + sum over u, v, c of kernels[f, c, u, v]
        padded[b, s i + d u, s j + d v, c], with strides s and dilations d of each axis and c
        running over the channels of the filter's group.
    Derivative: dL/dkernels[f, c, u, v] = sum over b, i, j of g[b, i, j, f] padded[b, s i + d u,
        s j + d v, c]; dL/dbias[f] = sum over b, i, j of g[b, i, j, f]; dL/dpadded gathers
        g[b, i, j, f] kernels[f, c, u, v] at (s i + d u, s j + d v). It has no kink.
    Shapes: x (batch, height, width, input_channels) or without the batch, kernels (num_filters,
        input_channels / groups, kernel_height, kernel_width), biases (num_filters,), y (batch,
        outputs_high, outputs_wide, num_filters) with outputs = (size + margins - d (kernel - 1)
        - 1) // s + 1.
    Dtypes: float32 and float64; the output has the promotion of the input's and the kernels'.
    Errors: TypeError for an array that is not floating; ValueError for another number of axes or
        channels, a size smaller than the kernel once padded, padding that its mode cannot fill,
        or an upstream gradient of another shape; RuntimeError for backward before forward.
    Book: section 22.2.
    Paper: LeCun et al. (1989), Backpropagation applied to handwritten zip code recognition,
        Neural Computation 1(4), DOI 10.1162/neco.1989.1.4.541.
    PyTorch: torch.nn.Conv2d. No difference but the layout, with the channels last. The biases are
        a row here, where the book prints a column, and start, as the kernels do, from PyTorch's
        law U(-1/sqrt(n), 1/sqrt(n)), n the number of terms in each sum.
    """

    rank = 2


class Convolution3D(ConvolutionND):
    """Filters that slide over the depth, the height and the width of a volume or a film.

    Formula: y[b, h, i, j, f] = bias[f] + sum over t, u, v, c of kernels[f, c, t, u, v]
        padded[b, s h + d t, s i + d u, s j + d v, c], with strides s and dilations d of each
        axis and c running over the channels of the filter's group.
    Derivative: dL/dkernels[f, c, t, u, v] = sum over b, h, i, j of g[b, h, i, j, f] times the
        same place of padded; dL/dbias[f] = sum over b, h, i, j of g[b, h, i, j, f]; dL/dpadded
        gathers g[b, h, i, j, f] kernels[f, c, t, u, v] at that place. It has no kink.
    Shapes: x (batch, depth, height, width, input_channels) or without the batch, kernels
        (num_filters, input_channels / groups, kernel_depth, kernel_height, kernel_width), biases
        (num_filters,), y (batch, outputs_deep, outputs_high, outputs_wide, num_filters) with
        outputs = (size + margins - d (kernel - 1) - 1) // s + 1.
    Dtypes: float32 and float64; the output has the promotion of the input's and the kernels'.
    Errors: TypeError for an array that is not floating; ValueError for another number of axes or
        channels, a size smaller than the kernel once padded, padding that its mode cannot fill,
        or an upstream gradient of another shape; RuntimeError for backward before forward.
    Book: not in the book; it is section 22.2 on three axes.
    Paper: Ji, Xu, Yang, Yu (2013), 3D convolutional neural networks for human action
        recognition, IEEE Transactions on Pattern Analysis and Machine Intelligence 35(1),
        DOI 10.1109/TPAMI.2012.59.
    PyTorch: torch.nn.Conv3d. No difference but the layout, with the channels last.
    """

    rank = 3
