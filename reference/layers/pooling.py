"""Pooling layers: the maximum, the average and the norm of sliding windows (section 22.3).

Each class of two dimensions holds the equations, written for any number of spatial axes; its
siblings of one and three dimensions differ from it in `rank` alone.
"""

import math

import numpy as np

from reference import _checks, _numeric
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
        With return_indices forward returns (y, indices): indices, int64 and of y's shape, say
        where each maximum lies, as row width + column within one channel of one image.
    Dtypes: float32 and float64; the output has the input's.
    Errors: TypeError for an array that is not floating or an option that is no integer;
        ValueError for a padding above half of pool_size, an input that holds no window or that a
        dilated window misses, an empty axis other than the batch, another number of axes or an
        upstream gradient of another shape; RuntimeError for backward before forward.
    Book: section 22.3.1.
    Paper: Riesenhuber, Poggio (1999), Hierarchical models of object recognition in cortex,
        Nature Neuroscience 2, DOI 10.1038/14819.
    PyTorch: torch.nn.MaxPool2d(kernel_size=pool_size). No difference but the layout. The padding
        is never chosen, not even over -inf. A dilated window all of whose taps fall outside the
        input is refused; PyTorch's gradient is then written out of bounds.
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
        sizes, outputs, starts = self.measure(input_data)
        channels = input_data.shape[-1]
        images = input_data.reshape(-1, *sizes, channels)
        best = np.full((len(images), *outputs, channels), -np.inf, input_data.dtype)
        # The number of the tap that holds the maximum: at first, the first one in the input.
        winner = np.zeros(best.shape, np.min_scalar_type(math.prod(self.pool_size)))
        winner[...] = _windows.flatten(self.first_taps(starts), self.pool_size)
        for part in _windows.parts(images):
            self.compete(images[part], best[part], winner[part])
        shape = (*input_data.shape[: -1 - self.rank], *outputs, channels)
        self.sizes, self.indices = sizes, self.places(winner, starts, sizes).reshape(shape)
        output = best.reshape(shape)
        return (output, self.indices) if self.return_indices else output

    def backward(self, grad_output):
        return _windows.scatter(grad_output, self.indices, self.sizes), None

    def compete(self, images, best, winner):
        """Raise `best` to the maximum of every window, tap by tap, and note which tap wins."""
        window = (self.pool_size, self.stride, self.padding, self.dilation)
        taps = _windows.inner_taps(images.shape[1:-1], best.shape[1:-1], *window)
        missing = np.isnan(images)
        for number, (met, places) in enumerate(taps):
            better = (images[places] > best[met]) | missing[places]
            # Of two zeros the second argument is kept, which came first in the window.
            np.maximum(images[places], best[met], out=best[met])
            newest = np.multiply(better, number, dtype=winner.dtype)
            np.maximum(winner[met], newest, out=winner[met])

    def measure(self, input_data):
        """The sizes of the input and of the output, and the windows' starts, once known to fit."""
        ranks = (self.rank + 1, self.rank + 2)
        _checks.check_rank(self, ranks, "(batch, *sizes, channels)", input_data=input_data)
        sizes = input_data.shape[-1 - self.rank : -1]
        window = (self.pool_size, self.stride, self.padding, self.dilation)
        outputs = _windows.pooled_sizes(sizes, *window, self.ceil_mode)
        _checks.check_pooled(self, outputs, self.pool_size, input_data=input_data)
        starts = _windows.starts(outputs, self.stride, self.padding)
        axes = zip(starts, self.first_taps(starts), self.dilation, strict=True)
        reached = [(start + tap * gap).max() for start, tap, gap in axes]
        _checks.check_reached(self, reached, sizes, input_data=input_data)
        return sizes, outputs, starts

    def first_taps(self, starts):
        """The first tap of each window that is not in the padding, axis by axis."""
        axes = zip(starts, self.dilation, strict=True)
        return [np.maximum(-(start // gap), 0) for start, gap in axes]

    def places(self, winner, starts, sizes):
        """Where the winning taps lie in the flattened spatial axes."""
        grid = np.ogrid[tuple(slice(size) for size in self.pool_size)]
        taps = [tap * gap for tap, gap in zip(grid, self.dilation, strict=True)]
        index = _windows.flatten(taps, sizes).reshape(-1)[winner]
        index += _windows.flatten(starts, sizes)
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
    PyTorch: torch.nn.MaxPool3d(kernel_size=pool_size). No difference but the layout; on
        channels_last_3d memory PyTorch gives some channels of a window of -inf alone an index
        that leaves out the depth.
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


class AveragePooling2D(Layer):
    """The average of each window, channel by channel.

    Formula: y[o] = sum over taps t of x[o stride + t - padding] / divisor[o], the padding being
        zeros. The divisor counts the taps that fall on the padded input, or with
        count_include_pad=False on the input; divisor_override stands for either.
    Derivative: dy[o]/dx[i] = 1 / divisor[o] where i lies in window o, 0 elsewhere.
    Shapes: x (batch, height, width, channels) or (height, width, channels), y the same with
        floor((size + 2 padding - pool_size) / stride) + 1 places on each spatial axis (the
        ceiling with ceil_mode, but no window starts in the right padding).
    Dtypes: float32 and float64; the output has the input's.
    Errors: TypeError for an array that is not floating or an option that is no integer;
        ValueError for a padding above half of pool_size, a divisor_override of 0, an input that
        holds no window, an empty axis other than the batch, another number of axes or an upstream
        gradient of another shape; RuntimeError for backward before forward.
    Book: section 22.3.2.
    Paper: LeCun, Bottou, Bengio, Haffner (1998), Gradient-based learning applied to document
        recognition, Proceedings of the IEEE 86(11), DOI 10.1109/5.726791.
    PyTorch: torch.nn.AvgPool2d(kernel_size=pool_size). No difference but the layout.
    """

    rank = 2

    def __init__(
        self,
        pool_size=(2, 2),
        stride=None,
        padding=0,
        ceil_mode=False,
        count_include_pad=True,
        divisor_override=None,
    ):
        super().__init__()
        stride = stride if stride is not None else pool_size
        self.pool_size = _checks.check_sizes(self, self.rank, pool_size=pool_size)
        self.stride = _checks.check_sizes(self, self.rank, stride=stride)
        padding = _checks.check_sizes(self, self.rank, minimum=0, padding=padding)
        self.padding = _checks.check_half(self, self.pool_size, padding=padding)
        self.ceil_mode = _checks.check_flag(self, ceil_mode=ceil_mode)
        self.count_include_pad = _checks.check_flag(self, count_include_pad=count_include_pad)
        self.divisor_override = _checks.check_divisor(self, divisor_override=divisor_override)

    def forward(self, input_data):
        ranks = (self.rank + 1, self.rank + 2)
        _checks.check_rank(self, ranks, "(batch, *sizes, channels)", input_data=input_data)
        sizes = input_data.shape[-1 - self.rank : -1]
        window = (self.pool_size, self.stride, self.padding, (1,) * self.rank)
        outputs = _windows.pooled_sizes(sizes, *window, self.ceil_mode)
        _checks.check_pooled(self, outputs, self.pool_size, input_data=input_data)

        self.input_shape = input_data.shape
        self.taps = list(_windows.inner_taps(sizes, outputs, *window))
        self.divisors = self.count(sizes, outputs).astype(input_data.dtype)
        shape = (*input_data.shape[: -1 - self.rank], *outputs, input_data.shape[-1])
        total = np.zeros(shape, input_data.dtype)
        for met, places in self.taps:
            total[met] += input_data[places]
        # Added to zeros, as in PyTorch: not even a negative divisor makes one of the other sign.
        return 0 + total / self.divisors

    def backward(self, grad_output):
        share = grad_output / self.divisors
        grad_input = np.zeros(self.input_shape, grad_output.dtype)
        # The last tap meets the first window, so each place sums its windows in their order.
        for met, places in reversed(self.taps):
            grad_input[places] += share[met]
        return grad_input, None

    def count(self, sizes, outputs):
        """What each window is divided by: (*outputs, 1)."""
        if self.divisor_override is not None:
            return np.full((*outputs, 1), self.divisor_override)
        # The margin of padding that counts.
        margins = self.padding if self.count_include_pad else (0,) * self.rank
        starts = _windows.starts(outputs, self.stride, self.padding)
        lengths = [
            np.minimum(start + pool, size + margin) - np.maximum(start, -margin)
            for start, pool, size, margin in zip(
                starts, self.pool_size, sizes, margins, strict=True
            )
        ]
        return math.prod(lengths)


class AveragePooling1D(AveragePooling2D):
    """The average of each window of a sequence, channel by channel.

    Formula: y[o] = sum over taps t of x[o stride + t - padding] / divisor[o], the padding being
        zeros. The divisor counts the taps that fall on the padded input, or with
        count_include_pad=False on the input.
    Derivative: dy[o]/dx[i] = 1 / divisor[o] where i lies in window o, 0 elsewhere.
    Shapes: x (batch, time, channels) or (time, channels), y the same with another time, as in
        AveragePooling2D.
    Dtypes: float32 and float64; the output has the input's.
    Errors: those of AveragePooling2D.
    Book: not in the book; section 22.3.2 has the two dimensions.
    Paper: LeCun, Bottou, Bengio, Haffner (1998), Gradient-based learning applied to document
        recognition, Proceedings of the IEEE 86(11), DOI 10.1109/5.726791.
    PyTorch: torch.nn.AvgPool1d(kernel_size=pool_size). No difference but the layout; it has no
        divisor_override.
    """

    rank = 1

    def __init__(
        self, pool_size=2, stride=None, padding=0, ceil_mode=False, count_include_pad=True
    ):
        super().__init__(pool_size, stride, padding, ceil_mode, count_include_pad)


class AveragePooling3D(AveragePooling2D):
    """The average of each window of a volume, channel by channel.

    Formula: y[o] = sum over taps t of x[o stride + t - padding] / divisor[o], the padding being
        zeros. The divisor counts the taps that fall on the padded input, or with
        count_include_pad=False on the input; divisor_override stands for either.
    Derivative: dy[o]/dx[i] = 1 / divisor[o] where i lies in window o, 0 elsewhere.
    Shapes: x (batch, depth, height, width, channels) or without the batch, y the same with other
        spatial sizes, as in AveragePooling2D.
    Dtypes: float32 and float64; the output has the input's.
    Errors: those of AveragePooling2D.
    Book: not in the book; section 22.3.2 has the two dimensions.
    Paper: LeCun, Bottou, Bengio, Haffner (1998), Gradient-based learning applied to document
        recognition, Proceedings of the IEEE 86(11), DOI 10.1109/5.726791.
    PyTorch: torch.nn.AvgPool3d(kernel_size=pool_size). No difference but the layout; it alone
        refuses an input that is smaller than the pool before padding, and so does this class.
    """

    rank = 3

    def __init__(
        self,
        pool_size=(2, 2, 2),
        stride=None,
        padding=0,
        ceil_mode=False,
        count_include_pad=True,
        divisor_override=None,
    ):
        super().__init__(pool_size, stride, padding, ceil_mode, count_include_pad, divisor_override)

    def forward(self, input_data):
        _checks.check_places_of(self, self.rank, input_data=input_data)
        _checks.check_no_smaller(self, self.pool_size, input_data=input_data)
        return super().forward(input_data)


class LPPooling(Layer):
    """The p-norm of each window, channel by channel, for any number of spatial axes.

    Formula: y = (K m)^(1/p) with m the average of x^p over a window and K its number of taps;
        for p = inf the maximum of |x|, for p = -inf the minimum
    Derivative: dy/dx = (K m)^(1/p - 1) x^(p - 1) K / n, n being the taps of the window that fall
        on the input; 0 where m = 0. For p = +-inf the sign of x at the first extreme of the
        window, 0 elsewhere and where x = 0. All PyTorch's choice.
    Shapes: x (batch, *sizes, channels) or (*sizes, channels), with as many sizes as pool_size has
        entries (a number alone stands for one); y the same with floor((size - pool_size) / stride)
        + 1 places on each axis (the ceiling with ceil_mode).
    Dtypes: float32 and float64; the output has the input's.
    Errors: TypeError for an array that is not floating or an option of another type; ValueError
        for a norm_type of 0, an input that holds no window, an empty axis other than the batch,
        another number of axes or an upstream gradient of another shape; RuntimeError for backward
        before forward.
    Book: not in the book.
    Paper: Gulcehre, Cho, Pascanu, Bengio (2014), Learned-norm pooling for deep feedforward and
        recurrent neural networks, ECML PKDD, DOI 10.1007/978-3-662-44848-9_34.
    PyTorch: torch.nn.LPPool1d, LPPool2d and LPPool3d(norm_type, kernel_size=pool_size). No
        difference but the layout. As there, x^p keeps its sign, so that an odd or broken p gives
        NaN for negative sums, and with ceil_mode a window that hangs over the end counts its
        taps as if there were K of them.
    """

    def __init__(self, norm_type, pool_size, stride=None, ceil_mode=False):
        super().__init__()
        self.norm_type = _checks.check_norm_type(self, norm_type=norm_type)
        self.pool_size = _checks.check_axes_sizes(self, pool_size=pool_size)
        pooling = EXTREMES if math.isinf(norm_type) else AVERAGES
        self.pool = pooling[len(self.pool_size) - 1](pool_size, stride, ceil_mode=ceil_mode)

    def forward(self, input_data):
        self.input_data = input_data
        if math.isinf(self.norm_type):
            sign = math.copysign(1, self.norm_type)
            return sign * self.pool.forward(sign * np.abs(input_data))
        # PyTorch's powers, too, are NaN for some negative numbers and infinite for some zeros.
        with np.errstate(all="ignore"):
            means = self.pool.forward(power(input_data, self.norm_type))
            self.sums = means * math.prod(self.pool_size)
            return power(self.sums, 1 / self.norm_type)

    def backward(self, grad_output):
        x = self.input_data
        if math.isinf(self.norm_type):
            signs = np.subtract(x > 0, x < 0, dtype=x.dtype)
            return self.pool.backward(grad_output)[0] * signs, None
        # A window whose powers sum to 0 gets no gradient.
        occupied = (self.sums > 0) | (self.sums < 0)
        sums = np.where(self.sums == 0, 1, self.sums)
        with np.errstate(all="ignore"):
            slopes = power(sums, 1 / self.norm_type - 1) / self.norm_type
            grad_sums = grad_output * slopes * occupied
            grad_powers, _ = self.pool.backward(grad_sums * math.prod(self.pool_size))
            return grad_powers * (self.norm_type * power(x, self.norm_type - 1)), None


@_numeric.in_blocks(results=1)
def power(x, exponent):
    """x to a power; rounded to float32 the exponent would be off, magnified by log x.

    1 / sqrt(x), as in PyTorch, is NaN at -inf, where x^(-1/2) is 0.
    """
    wide = x.astype(np.result_type(x, np.float64))
    return (1 / np.sqrt(wide) if exponent == -0.5 else wide**exponent).astype(x.dtype)


# By the number of spatial axes.
EXTREMES = (MaxPooling1D, MaxPooling2D, MaxPooling3D)
AVERAGES = (AveragePooling1D, AveragePooling2D, AveragePooling3D)
