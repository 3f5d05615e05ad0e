"""Pooling at drawn places, and the way back from a maximum to its place."""

import numpy as np

from reference import _checks
from reference._base import Layer
from reference.layers import _windows


class FractionalMaxPooling(Layer):
    """The maximum of windows whose distances vary at random, over two or three spatial axes.

    Formula: y[o] = max over taps t of x[start[o] + t], where on an axis of n places with m windows
        of k taps start[o] = floor((o + u) a) - floor(u a), a = (n - k) / (m - 1), and
        start[m - 1] = n - k; u in [0, 1) is drawn for each image, channel and axis.
    Derivative: dy/dx = 1 at the place of the maximum, 0 elsewhere; among equals the first of the
        window (in row-major order) takes it all, among NaNs the last: PyTorch's choice.
    Shapes: x (batch, *sizes, channels) or (*sizes, channels), y the same with output_size, or
        floor(size output_ratio), places on each axis; pool_size has an entry for each axis.
        samples (batch, channels, axes) gives the u, those of the axes (width, height) in two
        dimensions and (depth, height, width) in three, which is PyTorch's order. With
        return_indices forward returns (y, indices), the indices being those of MaxPooling2D.
    Dtypes: float32 and float64; the output has the input's, and the windows are placed in it.
    Errors: TypeError for an array that is not floating or an option of another type; ValueError
        for none or both of output_size and output_ratio, a ratio outside (0, 1), an input that
        does not hold the windows, an empty axis other than the batch (or without a batch the
        channels), samples of another shape, another number of axes or an upstream gradient of
        another shape; RuntimeError for backward before forward.
    Book: not in the book; section 22.3.1 has windows at fixed distances.
    Paper: Graham (2014), Fractional max-pooling, arXiv 1412.6071.
    PyTorch: torch.nn.FractionalMaxPool2d and FractionalMaxPool3d(_random_samples=samples). No
        difference but the layout and where the draws come from: rng.random((batch, channels,
        axes)), in training and in evaluation. In three dimensions PyTorch demands one place more
        than the windows need, and so does this class.
    """

    def __init__(
        self,
        pool_size,
        output_size=None,
        output_ratio=None,
        return_indices=False,
        samples=None,
        rng=None,
    ):
        super().__init__()
        self.pool_size = _checks.check_axes_sizes(self, minimum_axes=2, pool_size=pool_size)
        rank = len(self.pool_size)
        _checks.check_one_of(self, output_size=output_size, output_ratio=output_ratio)
        self.output_size = _checks.check_optional_sizes(self, rank, output_size=output_size)
        self.output_ratio = _checks.check_ratios(self, rank, output_ratio=output_ratio)
        self.return_indices = _checks.check_flag(self, return_indices=return_indices)
        samples = _checks.check_optional_array(self, samples=samples)
        self.buffers = [] if samples is None else [samples]
        self.rng = _checks.check_generator(self, rng=rng)

    def forward(self, input_data):
        sizes, outputs = self.measure(input_data)
        batch = input_data.shape[: -1 - len(sizes)]
        starts = self.starts(self.draw(input_data), sizes, outputs)
        starts = [start.reshape(*batch, *start.shape[1:]) for start in starts]
        # The first tap of each window holds the maximum until another exceeds it.
        self.indices = _windows.flatten(starts, sizes)
        best = _windows.gather(input_data, self.indices, sizes)
        for tap in np.ndindex(*self.pool_size):
            met = [start + step for start, step in zip(starts, tap, strict=True)]
            place = _windows.flatten(met, sizes)
            value = _windows.gather(input_data, place, sizes)
            better = (value > best) | np.isnan(value)
            best = np.maximum(value, best)
            self.indices = np.where(better, place, self.indices)
        self.sizes = sizes
        return (best, self.indices) if self.return_indices else best

    def backward(self, grad_output):
        return _windows.scatter(grad_output, self.indices, self.sizes), None

    def measure(self, input_data):
        """The spatial sizes of the input and of the output, once they are known to fit."""
        sizes = _checks.check_places_of(self, len(self.pool_size), input_data=input_data)
        _checks.check_channels_of(self, len(self.pool_size), input_data=input_data)
        if self.output_size is not None:
            outputs = self.output_size
        else:
            outputs = tuple(int(n * r) for n, r in zip(sizes, self.output_ratio, strict=True))
        # PyTorch asks for one place more in three dimensions.
        spare = len(sizes) - 2
        needed = [m + k - 1 + spare for m, k in zip(outputs, self.pool_size, strict=True)]
        _checks.check_room(self, needed, input_data=input_data)
        return sizes, outputs

    def draw(self, input_data):
        """The numbers u, in the dtype of the input: (batch, channels, axes)."""
        rank = len(self.pool_size)
        images = input_data.shape[0] if input_data.ndim == rank + 2 else 1
        shape = (images, input_data.shape[-1], rank)
        if self.buffers:
            _checks.check_samples(self, shape, samples=self.buffers[0])
            return self.buffers[0][:images].astype(input_data.dtype)
        return np.asarray(self.rng.random(shape), input_data.dtype)

    def starts(self, samples, sizes, outputs):
        """Where the windows start: for each axis an array that broadcasts to the output."""
        rank = len(sizes)
        ordered = samples[..., ::-1] if rank == 2 else samples
        starts = []
        for axis, (size, pool, count) in enumerate(
            zip(sizes, self.pool_size, outputs, strict=True)
        ):
            sample = ordered[:, None, :, axis]  # (batch, 1, channels)
            step = samples.dtype.type(size - pool) / samples.dtype.type(max(count - 1, 1))
            window = np.arange(count - 1, dtype=samples.dtype)[:, None]
            start = ((window + sample) * step).astype(int) - (sample * step).astype(int)
            last = np.full((len(sample), 1, sample.shape[-1]), size - pool)
            start = np.concatenate([start, last], axis=1)[:, :count]
            others = [other for other in range(1, rank + 1) if other != axis + 1]
            starts.append(np.expand_dims(start, others))
        return starts


class MaxUnpooling(Layer):
    """Puts each maximum back to its place, zeros around it: the way back of max pooling.

    Formula: y[indices[o]] = x[o], 0 elsewhere; where two windows name one place, the last wins.
    Derivative: dL/dx[o] = g[indices[o]], for each of the windows that name one place: PyTorch's
        choice, which is not the derivative of the one that lost.
    Shapes: x and indices (batch, *sizes, channels) or (*sizes, channels), the indices integers
        that count the places of the output's flattened spatial axes, as those of MaxPooling2D do;
        y the same with (size - 1) stride + pool_size - 2 padding places on each axis, or with the
        output_size given to forward, which may differ from it by less than the stride. pool_size
        has an entry for each axis; a number alone stands for one axis.
    Dtypes: float32 and float64; the output has the input's.
    Errors: TypeError for an array that is not floating or indices that are not integers;
        ValueError for an index outside the output, indices of another shape than x, an
        output_size out of reach, an empty axis other than the batch (or without a batch the
        channels), another number of axes or an upstream gradient of another shape; RuntimeError
        for backward before forward.
    Book: not in the book; section 22.3.1 has the way there.
    Paper: Zeiler, Taylor, Fergus (2011), Adaptive deconvolutional networks for mid and high level
        feature learning, ICCV, DOI 10.1109/ICCV.2011.6126474.
    PyTorch: torch.nn.MaxUnpool1d, MaxUnpool2d and MaxUnpool3d(kernel_size=pool_size). No
        difference but the layout; output_size holds the spatial sizes alone. PyTorch does not
        look at the indices into an output without places, and fails in backward.
    """

    non_floating = ("indices", "output_size")

    def __init__(self, pool_size, stride=None, padding=0):
        super().__init__()
        stride = stride if stride is not None else pool_size
        self.pool_size = _checks.check_axes_sizes(self, pool_size=pool_size)
        rank = len(self.pool_size)
        self.stride = _checks.check_sizes(self, rank, stride=stride)
        self.padding = _checks.check_sizes(self, rank, minimum=0, padding=padding)

    def forward(self, input_data, indices, output_size=None):
        rank = len(self.pool_size)
        sizes = _checks.check_places_of(self, rank, input_data=input_data)
        _checks.check_channels_of(self, rank, input_data=input_data)
        axes = zip(sizes, self.stride, self.pool_size, self.padding, strict=True)
        usual = tuple((n - 1) * s + k - 2 * p for n, s, k, p in axes)
        outputs = usual if output_size is None else output_size
        outputs = _checks.check_near(self, usual, self.stride, output_size=outputs)
        _checks.check_shape(self, input_data.shape, indices=indices)
        _checks.check_indices(self, np.prod(outputs), indices=indices)
        self.indices, self.outputs = indices, outputs
        batch, channels = input_data.shape[: -1 - rank], input_data.shape[-1]
        output = np.zeros((*batch, *outputs, channels), input_data.dtype)
        places = _windows.within_batch(indices, batch, outputs)
        output.reshape(-1)[places] = input_data.reshape(-1)
        return output

    def backward(self, grad_output):
        return _windows.gather(grad_output, self.indices, self.outputs), None
