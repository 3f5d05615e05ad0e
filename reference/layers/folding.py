"""Sliding blocks as rows, and rows added up as sliding blocks."""

import math

import numpy as np

from reference import _checks
from reference._base import Layer
from reference.layers import _windows


class SlidingBlocks(Layer):
    """Blocks that slide over images: what Unfold and Fold, the transposes of each other, share.

    Formula: unfold: rows[b, k, (c, u, v)] = padded[b, s i + d u, s j + d v, c] for the k-th block,
        k = i outputs_wide + j; fold: padded[b, s i + d u, s j + d v, c] = the sum of the
        rows[b, k, (c, u, v)] that lie there; with strides s and dilations d of each axis.
    Derivative: each of the two is linear, and the derivative of one is the other; no kink.
    Shapes: images (batch, height, width, channels), rows (batch, blocks, channels kernel_height
        kernel_width), the channel being the slowest of the three indices.
    Dtypes: float32 and float64; the output has the input's.
    Errors: TypeError for an option of another type; ValueError for one out of its range.
    Book: not in the book.
    Paper: Chellapilla, Puri, Simard (2006), High performance convolutional neural networks for
        document processing, 10th International Workshop on Frontiers in Handwriting Recognition.
    PyTorch: the common ground of torch.nn.Unfold and torch.nn.Fold.
    """

    def __init__(self, kernel_size, dilation=1, padding=0, stride=1):
        super().__init__()
        self.kernel_size = _checks.check_sizes(self, 2, kernel_size=kernel_size)
        self.dilation = _checks.check_sizes(self, 2, dilation=dilation)
        self.padding = _checks.check_sizes(self, 2, minimum=0, padding=padding)
        self.stride = _checks.check_sizes(self, 2, stride=stride)

    def padded(self, sizes):
        """The sizes of an image with its padding."""
        return tuple(size + 2 * pad for size, pad in zip(sizes, self.padding, strict=True))

    def outputs(self, sizes):
        """How many blocks there are along each axis of an image."""
        steps = (self.kernel_size, self.stride, self.dilation)
        return _windows.output_sizes(self.padded(sizes), *steps)

    def unfold(self, images):
        """Each block of each image as a row: (batch, blocks, channels * taps)."""
        batch, *sizes, channels = images.shape
        margins = [(pad, pad) for pad in self.padding]
        padded = np.pad(images, ((0, 0), *margins, (0, 0)))
        windows = _windows.windows(padded, self.kernel_size, self.stride, self.dilation)
        blocks = np.moveaxis(windows, -1, 3)  # (batch, *outputs, channels, *kernel_size)
        taps = math.prod(self.kernel_size)
        return blocks.reshape(batch, math.prod(self.outputs(sizes)), channels * taps)

    def fold(self, rows, sizes):
        """The rows added up where their blocks lie: (batch, *sizes, channels)."""
        batch, _, features = rows.shape
        channels = features // math.prod(self.kernel_size)
        outputs = self.outputs(sizes)
        blocks = rows.reshape(batch, *outputs, channels, *self.kernel_size)
        images = np.zeros((batch, *self.padded(sizes), channels), rows.dtype)
        steps = (self.kernel_size, self.stride, self.dilation)
        for tap, (high, wide) in _windows.taps(outputs, *steps):
            images[:, high, wide] += blocks[(..., *tap)]
        inside = (slice(pad, pad + n) for pad, n in zip(self.padding, sizes, strict=True))
        return images[(slice(None), *inside)]


class Unfold(SlidingBlocks):
    """Writes every block that a kernel would meet as a row of features.

    Formula: y[b, k, (c, u, v)] = padded[b, s i + d u, s j + d v, c] for the k-th block,
        k = i outputs_wide + j, with strides s and dilations d of each axis.
    Derivative: dL/dx is the sum of dL/dy over all the blocks in which a place lies (Fold); it has
        no kink.
    Shapes: x (batch, height, width, channels) or without the batch, y (batch, blocks, channels
        kernel_height kernel_width), with blocks = outputs_high outputs_wide and outputs = (size
        + 2 padding - dilation (kernel_size - 1) - 1) // stride + 1.
    Dtypes: float32 and float64; the output has the input's.
    Errors: TypeError for an array that is not floating; ValueError for another number of axes, an
        empty axis other than the batch, a size smaller than the kernel once padded, or an
        upstream gradient of another shape; RuntimeError for backward before forward.
    Book: not in the book.
    Paper: Chellapilla, Puri, Simard (2006), High performance convolutional neural networks for
        document processing, 10th International Workshop on Frontiers in Handwriting Recognition.
    PyTorch: torch.nn.Unfold. No difference but the layout: the features of a block come last, in
        PyTorch's order (channel, row, column).
    """

    def forward(self, input_data):
        layout = "(batch, height, width, channels)"
        _checks.check_rank(self, (3, 4), layout, input_data=input_data)
        for axis in (-3, -2, -1):
            _checks.check_filled_axis(self, axis, input_data=input_data)
        spans = _windows.spans(self.kernel_size, self.dilation)
        padded = self.padded(input_data.shape[-3:-1])
        _checks.check_window(self, spans, padded, input_data=input_data)
        self.input_shape = input_data.shape
        rows = self.unfold(input_data.reshape(-1, *input_data.shape[-3:]))
        return rows.reshape(*input_data.shape[:-3], *rows.shape[1:])

    def backward(self, grad_output):
        rows = grad_output.reshape(-1, *grad_output.shape[-2:])
        grad_input = self.fold(rows, self.input_shape[-3:-1])
        return grad_input.reshape(self.input_shape), None


class Fold(SlidingBlocks):
    """Adds up rows of features as blocks of an image, overlaps included.

    Formula: y[b, p, q, c] = the sum of x[b, k, (c, u, v)] over all blocks k and taps u, v with
        p = s i + d u - padding and q = s j + d v - padding, where k = i outputs_wide + j, with
        strides s and dilations d of each axis.
    Derivative: dL/dx[b, k, (c, u, v)] = dL/dy at the place where it was added, 0 if that is
        padding (Unfold); it has no kink.
    Shapes: x (batch, blocks, channels kernel_height kernel_width) or without the batch,
        y (batch, *output_size, channels), with blocks = outputs_high outputs_wide and outputs =
        (output_size + 2 padding - dilation (kernel_size - 1) - 1) // stride + 1.
    Dtypes: float32 and float64; the output has the input's.
    Errors: TypeError for an array that is not floating; ValueError for another number of axes,
        blocks or features than the sizes give, or an upstream gradient of another shape;
        RuntimeError for backward before forward.
    Book: not in the book.
    Paper: Chellapilla, Puri, Simard (2006), High performance convolutional neural networks for
        document processing, 10th International Workshop on Frontiers in Handwriting Recognition.
    PyTorch: torch.nn.Fold. No difference but the layout: the features of a block come last, in
        PyTorch's order (channel, row, column).
    """

    def __init__(self, output_size, kernel_size, dilation=1, padding=0, stride=1):
        super().__init__(kernel_size, dilation, padding, stride)
        self.output_size = _checks.check_sizes(self, 2, output_size=output_size)

    def forward(self, input_data):
        _checks.check_rank(self, (2, 3), "(batch, blocks, features)", input_data=input_data)
        blocks = math.prod(max(size, 0) for size in self.outputs(self.output_size))
        taps = math.prod(self.kernel_size)
        _checks.check_blocks(self, blocks, taps, input_data=input_data)
        images = self.fold(input_data.reshape(-1, *input_data.shape[-2:]), self.output_size)
        return images.reshape(*input_data.shape[:-2], *images.shape[1:])

    def backward(self, grad_output):
        images = grad_output.reshape(-1, *grad_output.shape[-3:])
        rows = self.unfold(images)
        return rows.reshape(*grad_output.shape[:-3], *rows.shape[1:]), None
