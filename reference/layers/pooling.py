"""Pooling layers: the maximum, the average and the power mean of sliding windows (section 22.3).

Each class of two dimensions holds the equations, written for any number of spatial axes; its
siblings of one and three dimensions differ from it in `rank` alone.
"""

import numpy as np

from reference import _checks
from reference._base import Layer
from reference.layers import _windows


class MaxPooling2D(Layer):
    """The maximum of each window, channel by channel.

    Formula: y[o] = max over taps t of x[o stride + t dilation - padding]
    Derivative: dy/dx = 1 at the place of the maximum, 0 elsewhere; among equals the first of the
        window (in row-major order) takes it all, among NaNs the last: PyTorch's choice.
    Shapes: x (batch, height, width, channels) or (height, width, channels), y the same with
        floor((size + 2 padding - dilation (pool_size - 1) - 1) / stride) + 1 places on each
        spatial axis (the ceiling with ceil_mode, but no window starts in the right padding).
        With return_indices forward returns (y, indices), the indices being int64, of y's shape:
        where each maximum lies, row width + column, counted within one channel of one image.
    Dtypes: float32 and float64; the output has the input's.
    Errors: TypeError for an array that is not floating or an option that is no integer;
        ValueError for a padding above half of pool_size, a pool that does not fit, an empty axis
        other than the batch, another number of axes or an upstream gradient of another shape;
        RuntimeError for backward before forward.
    Book: section 22.3.1.
    Paper: Riesenhuber, Poggio (1999), Hierarchical models of object recognition in cortex,
        Nature Neuroscience 2, DOI 10.1038/14819.
    PyTorch: torch.nn.MaxPool2d(kernel_size=pool_size). No difference but the layout. The padding
        is never chosen, not even over -inf.
    """

    rank = 2

    def __init__(
        self,
        pool_size=(2, 2),
        stride=None,
        padding=0,
        dilation=1,
        return_indices=False,
        ceil_mode=False,
    ):
        super().__init__()
        stride = stride if stride is not None else pool_size
        self.pool_size = _checks.check_sizes(self, self.rank, pool_size=pool_size)
        self.stride = _checks.check_sizes(self, self.rank, stride=stride)
        padding = _checks.check_sizes(self, self.rank, minimum=0, padding=padding)
        self.padding = _checks.check_half(self, self.pool_size, padding=padding)
        self.dilation = _checks.check_sizes(self, self.rank, dilation=dilation)
        self.return_indices = _checks.check_flag(self, return_indices=return_indices)
        self.ceil_mode = _checks.check_flag(self, ceil_mode=ceil_mode)

    def forward(self, input_data):
        _checks.check_rank(
            self, (self.rank + 1, self.rank + 2), "(batch, ..., channels)", input_data=input_data
        )
        *batch, channels = input_data.shape[: -1 - self.rank] + input_data.shape[-1:]
        sizes = input_data.shape[-1 - self.rank : -1]
        window = (self.pool_size, self.stride, self.padding, self.dilation)
        outputs = _windows.pooled_sizes(sizes, *window, self.ceil_mode)
        _checks.check_pooled(self, outputs, self.pool_size, input_data=input_data)
        self.input_shape = input_data.shape
        self.taps = list(_windows.inner_taps(sizes, outputs, *window))

        output = np.full((*batch, *outputs, channels), -np.inf, input_data.dtype)
        self.winners = np.zeros(output.shape, np.min_scalar_type(len(self.taps)))
        self.winners[...] = self._first_taps(outputs)
        missing = np.isnan(input_data)
        for number, (met, places) in enumerate(self.taps):
            tap, best, winner = input_data[places], output[met], self.winners[met]
            better = (tap > best) | missing[places]
            # Of two zeros the second argument is kept, which came first in the window.
            np.maximum(tap, best, out=best)
            np.maximum(winner, np.multiply(better, number, dtype=winner.dtype), out=winner)
        return (output, self._indices(sizes)) if self.return_indices else output

    def backward(self, grad_output):
        grad_input = np.zeros(self.input_shape, grad_output.dtype)
        # The last tap meets the first window, so each place sums its windows in their order.
        for number, (met, places) in reversed(list(enumerate(self.taps))):
            grad_input[places] += np.where(self.winners[met] == number, grad_output[met], 0)
        return grad_input, None

    def _first_taps(self, outputs):
        """The number of each window's first tap in the input, which wins where all are -inf."""
        number = np.zeros((), int)
        for axis, start in enumerate(self._starts(outputs)):
            first = np.maximum(-(start // self.dilation[axis]), 0)
            number = number * self.pool_size[axis] + first
        return number

    def _starts(self, outputs):
        """Where the windows start, axis by axis, each as an array that broadcasts to the output."""
        axes = zip(
            np.ogrid[tuple(slice(n) for n in outputs)], self.stride, self.padding, strict=True
        )
        return [(window * step - pad)[..., None] for window, step, pad in axes]

    def _indices(self, sizes):
        """The place of each maximum in the flattened spatial axes."""
        index = np.zeros((), np.int64)
        taps = np.unravel_index(self.winners, self.pool_size)
        starts = self._starts(self.winners.shape[-1 - self.rank : -1])
        for size, start, tap, gap in zip(sizes, starts, taps, self.dilation, strict=True):
            index = index * size + start + tap * gap
        return index


class MaxPooling1D(MaxPooling2D):
    """The maximum of each window of a sequence, channel by channel.

    Formula: y[o] = max over taps t of x[o stride + t dilation - padding]
    Derivative: dy/dx = 1 at the place of the maximum, 0 elsewhere; among equals the first of the
        window takes it all, among NaNs the last: PyTorch's choice.
    Shapes: x (batch, time, channels) or (time, channels), y the same with another time, as in
        MaxPooling2D; the indices of return_indices count the steps of time.
    Dtypes: float32 and float64; the output has the input's.
    Errors: those of MaxPooling2D.
    Book: not in the book; section 22.3.1 has the two dimensions.
    Paper: Riesenhuber, Poggio (1999), Hierarchical models of object recognition in cortex,
        Nature Neuroscience 2, DOI 10.1038/14819.
    PyTorch: torch.nn.MaxPool1d(kernel_size=pool_size). No difference but the layout.
    """

    rank = 1

    def __init__(
        self,
        pool_size=2,
        stride=None,
        padding=0,
        dilation=1,
        return_indices=False,
        ceil_mode=False,
    ):
        super().__init__(pool_size, stride, padding, dilation, return_indices, ceil_mode)


class MaxPooling3D(MaxPooling2D):
    """The maximum of each window of a volume, channel by channel.

    Formula: y[o] = max over taps t of x[o stride + t dilation - padding]
    Derivative: dy/dx = 1 at the place of the maximum, 0 elsewhere; among equals the first of the
        window (in row-major order) takes it all, among NaNs the last: PyTorch's choice.
    Shapes: x (batch, depth, height, width, channels) or without the batch, y the same with other
        spatial sizes, as in MaxPooling2D; the indices of return_indices are
        (depth height + row) width + column.
    Dtypes: float32 and float64; the output has the input's.
    Errors: those of MaxPooling2D.
    Book: not in the book; section 22.3.1 has the two dimensions.
    Paper: Riesenhuber, Poggio (1999), Hierarchical models of object recognition in cortex,
        Nature Neuroscience 2, DOI 10.1038/14819.
    PyTorch: torch.nn.MaxPool3d(kernel_size=pool_size). No difference but the layout.
    """

    rank = 3

    def __init__(
        self,
        pool_size=(2, 2, 2),
        stride=None,
        padding=0,
        dilation=1,
        return_indices=False,
        ceil_mode=False,
    ):
        super().__init__(pool_size, stride, padding, dilation, return_indices, ceil_mode)
