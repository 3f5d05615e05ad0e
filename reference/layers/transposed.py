"""Transposed convolution in one, two and three dimensions."""

import math

import numpy as np

from reference import _checks
from reference.layers import _windows
from reference.layers.convolution import SlidingKernelsND


class TransposedConvolutionND(SlidingKernelsND):
    """Stamps a copy of each kernel, weighted by the input, wherever the input has a place.

    Formula: y[b, stride i + dilation t - padding, f] = bias[f] + the sum of x[b, i, c]
        kernels[c, f, t], with i and t of `rank` numbers each and c running over the channels of
        the group of f: the transpose of convolution, a scatter where that is a gather.
    Derivative: dL/dx[b, i, c] = sum over f and t of g[b, stride i + dilation t - padding, f]
        kernels[c, f, t]; dL/dkernels[c, f, t] = sum over b and i of x[b, i, c] times the same g;
        dL/dbias[f] = sum over b and all places of g. It has no kink.
    Shapes: x (batch, *sizes, input_channels) or without the batch, kernels (input_channels,
        num_filters / groups, *kernel_size), biases (num_filters,), y (batch, *outputs,
        num_filters) with outputs = stride (size - 1) + dilation (kernel_size - 1) + 1
        - 2 padding + output_padding.
    Dtypes: float32 and float64; the output has the promotion of the input's and the kernels'.
    Errors: TypeError for an array that is not floating; ValueError for another number of axes or
        channels, an image without places or with fewer than padding takes away, an output_size
        that the strides cannot reach, or an upstream gradient of another shape; RuntimeError for
        backward before forward.
    Book: not in the book.
    Paper: Zeiler, Krishnan, Taylor, Fergus (2010), Deconvolutional networks, CVPR,
        DOI 10.1109/CVPR.2010.5539957.
    PyTorch: the common ground of torch.nn.ConvTranspose1d, ConvTranspose2d and ConvTranspose3d.
        In a batch of 0 they too take images without places. They refuse an output without places
        in float64, and in float32 with some kernels; this class gives it. Where an infinite input
        meets a place that padding cuts off, dL/dkernels is NaN, as in PyTorch's plain kernels;
        its fast ones (float32, batches of two and more) leave that term out.
    """

    non_floating = ("output_size",)

    def __init__(
        self,
        input_channels,
        num_filters,
        kernel_size,
        stride=1,
        padding=0,
        output_padding=0,
        dilation=1,
        groups=1,
        bias=True,
        rng=None,
    ):
        options = (kernel_size, stride, dilation, groups, bias, rng)
        super().__init__(input_channels, num_filters, *options)
        self.padding = _checks.check_sizes(self, self.rank, minimum=0, padding=padding)
        self.output_padding = _checks.check_sizes(
            self, self.rank, minimum=0, output_padding=output_padding
        )

    def kernel_shape(self):
        return (self.input_channels, self.num_filters // self.groups, *self.kernel_size)

    def reach(self, sizes):
        """The sizes of the scattered output, padding included: stride (size - 1) + span."""
        spans = _windows.spans(self.kernel_size, self.dilation)
        axes = zip(sizes, self.stride, spans, strict=True)
        return [step * (size - 1) + span for size, step, span in axes]

    def extra(self, input_data, reach, output_size):
        """How far the output goes beyond the smallest one, on each axis."""
        if output_size is None:
            extra = self.output_padding
        else:
            least = [size - 2 * pad for size, pad in zip(reach, self.padding, strict=True)]
            extra = _checks.check_reachable_size(
                self, least, self.stride, input_data.ndim, output_size=output_size
            )
        limits = [max(steps) for steps in zip(self.stride, self.dilation, strict=True)]
        return _checks.check_output_padding(self, limits, output_padding=extra)

    def forward(self, input_data, output_size=None):
        self.check(input_data)
        self.check_places(input_data)
        reach = self.reach(input_data.shape[-1 - self.rank : -1])
        extra = self.extra(input_data, reach, output_size)
        widened = [size + more for size, more in zip(reach, extra, strict=True)]
        outputs = [size - 2 * pad for size, pad in zip(widened, self.padding, strict=True)]
        _checks.check_outputs(self, outputs, input_data=input_data)
        kept = [slice(pad, pad + n) for n, pad in zip(outputs, self.padding, strict=True)]
        self.widened, self.kept = widened, (slice(None), *kept)
        batch = input_data.shape[: -1 - self.rank]  # empty for one image alone
        self.images = input_data.reshape(math.prod(batch), *input_data.shape[-1 - self.rank :])
        output = self.scatter(self.images, widened)[self.kept]
        if self.bias:
            output = output + self.biases
        return output.reshape(*batch, *output.shape[1:])

    def backward(self, grad_output):
        shape = (len(self.images), *self.widened, self.num_filters)
        grad_widened = np.zeros(shape, grad_output.dtype)
        grad_kept = grad_widened[self.kept]
        grad_kept[...] = grad_output.reshape(grad_kept.shape)
        # No kernel reaches the places that output_padding adds at the end.
        met = [slice(max(size, 0)) for size in self.reach(self.images.shape[1:-1])]
        grad_scattered = grad_widened[(slice(None), *met)]
        grad_images = self.gather(grad_scattered)
        grad_kernels = self.correlate(self.images, grad_scattered)
        grad_biases = grad_output.reshape(-1, self.num_filters).sum(axis=0)
        batch = grad_output.shape[: -1 - self.rank]
        grad_input = grad_images.reshape(*batch, *grad_images.shape[1:])
        return grad_input, [grad_kernels, grad_biases][: 1 + self.bias]


class TransposedConvolution1D(TransposedConvolutionND):
    """Stamps a copy of each kernel, weighted by the input, along a sequence.

    Formula: y[b, s i + d u - padding, f] = bias[f] + the sum of x[b, i, c] kernels[c, f, u] over
        all i and u that meet there, with stride s, dilation d and c running over the channels of
        the group of f.
    Derivative: dL/dx[b, i, c] = sum over f, u of g[b, s i + d u - padding, f] kernels[c, f, u];
        dL/dkernels[c, f, u] = sum over b, i of x[b, i, c] g[b, s i + d u - padding, f]; dL/dbias[f]
        = sum over b and all places of g. It has no kink.
    Shapes: x (batch, time, input_channels) or without the batch, kernels (input_channels,
        num_filters / groups, kernel_size), biases (num_filters,), y (batch, outputs, num_filters)
        with outputs = s (time - 1) + d (kernel_size - 1) + 1 - 2 padding + output_padding.
    Dtypes: float32 and float64; the output has the promotion of the input's and the kernels'.
    Errors: TypeError for an array that is not floating; ValueError for another number of axes or
        channels, an input without places or with fewer than padding takes away, an output_size
        that the stride cannot reach, or an upstream gradient of another shape; RuntimeError for
        backward before forward.
    Book: not in the book.
    Paper: Zeiler, Krishnan, Taylor, Fergus (2010), Deconvolutional networks, CVPR,
        DOI 10.1109/CVPR.2010.5539957.
    PyTorch: torch.nn.ConvTranspose1d. No difference but the layout, with the channels last.
    """

    rank = 1


class TransposedConvolution2D(TransposedConvolutionND):
    """Stamps a copy of each kernel, weighted by the input, over the height and width of an image.

    Formula: y[b, s i + d u - p, s j + d v - p, f] = bias[f] + the sum of x[b, i, j, c]
        kernels[c, f, u, v] over all i, j, u and v that meet there, with strides s, dilations d
        and padding p of each axis and c running over the channels of the group of f.
    Derivative: dL/dx[b, i, j, c] = sum over f, u, v of g[b, s i + d u - p, s j + d v - p, f]
        kernels[c, f, u, v]; dL/dkernels[c, f, u, v] = sum over b, i, j of x[b, i, j, c] times the
        same g; dL/dbias[f] = sum over b and all places of g. It has no kink.
    Shapes: x (batch, height, width, input_channels) or without the batch, kernels (input_channels,
        num_filters / groups, kernel_height, kernel_width), biases (num_filters,), y (batch,
        outputs_high, outputs_wide, num_filters) with outputs = s (size - 1) + d (kernel - 1) + 1
        - 2 p + output_padding.
    Dtypes: float32 and float64; the output has the promotion of the input's and the kernels'.
    Errors: TypeError for an array that is not floating; ValueError for another number of axes or
        channels, an input without places or with fewer than padding takes away, an output_size
        that the strides cannot reach, or an upstream gradient of another shape; RuntimeError for
        backward before forward.
    Book: not in the book.
    Paper: Zeiler, Krishnan, Taylor, Fergus (2010), Deconvolutional networks, CVPR,
        DOI 10.1109/CVPR.2010.5539957.
    PyTorch: torch.nn.ConvTranspose2d. No difference but the layout, with the channels last.
    """

    rank = 2


class TransposedConvolution3D(TransposedConvolutionND):
    """Stamps a copy of each kernel, weighted by the input, over the three axes of a volume.

    Formula: y[b, s h + d t - p, s i + d u - p, s j + d v - p, f] = bias[f] + the sum of
        x[b, h, i, j, c] kernels[c, f, t, u, v] over all that meet there, with strides s,
        dilations d and padding p of each axis and c running over the channels of the group of f.
    Derivative: dL/dx[b, h, i, j, c] = sum over f, t, u, v of kernels[c, f, t, u, v] times g at
        that place; dL/dkernels[c, f, t, u, v] = sum over b, h, i, j of x[b, h, i, j, c] times the
        same g; dL/dbias[f] = sum over b and all places of g. It has no kink.
    Shapes: x (batch, depth, height, width, input_channels) or without the batch, kernels
        (input_channels, num_filters / groups, kernel_depth, kernel_height, kernel_width), biases
        (num_filters,), y (batch, outputs_deep, outputs_high, outputs_wide, num_filters) with
        outputs = s (size - 1) + d (kernel - 1) + 1 - 2 p + output_padding.
    Dtypes: float32 and float64; the output has the promotion of the input's and the kernels'.
    Errors: TypeError for an array that is not floating; ValueError for another number of axes or
        channels, an input without places or with fewer than padding takes away, an output_size
        that the strides cannot reach, or an upstream gradient of another shape; RuntimeError for
        backward before forward.
    Book: not in the book.
    Paper: Zeiler, Krishnan, Taylor, Fergus (2010), Deconvolutional networks, CVPR,
        DOI 10.1109/CVPR.2010.5539957.
    PyTorch: torch.nn.ConvTranspose3d. No difference but the layout, with the channels last.
    """

    rank = 3
