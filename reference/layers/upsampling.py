"""Resampling of images, sequences and volumes to another size."""

import functools
import operator

import numpy as np

from reference import _checks
from reference._base import Layer
from reference.layers.pooling_adaptive import AdaptiveAveragePooling

# The number of axes of the input that each mode takes: a batch, the sizes, the channels.
RANKS = {
    "nearest": (3, 4, 5),
    "nearest-exact": (3, 4, 5),
    "linear": (3,),
    "bilinear": (4,),
    "trilinear": (5,),
    "bicubic": (4,),
    "area": (3, 4, 5),
}
ALIGNED = ("linear", "bilinear", "trilinear", "bicubic")


class Upsample(Layer):
    """Resamples the spatial axes of its input to a given size or by a given factor.

    Formula: axis by axis, y[o] = sum over taps t of w[t, o] x[i[t, o]], s = size / outputs or
        1 / scale_factor being the step from one output to the next:
        "nearest": the place floor(o s); "nearest-exact": floor((o + 1/2) s), weight 1;
        "linear", "bilinear", "trilinear": the two places around (o + 1/2) s - 1/2 (around
        o (size - 1) / (outputs - 1) with align_corners), weights by their distance;
        "bicubic": the four places around it, weights of the cubic convolution with a = -3/4;
        "area": the average of a bin, as in AdaptiveAveragePooling.
    Derivative: dL/dx[i] = sum over o and t with i[t, o] = i of w[t, o] g[o], axis by axis.
    Shapes: x (batch, *sizes, channels) with one, two or three sizes ("linear" takes one,
        "bilinear" and "bicubic" two, "trilinear" three), y the same with size, or
        floor(sizes scale_factor), places on each axis.
    Dtypes: float32 and float64; the output has the input's.
    Errors: TypeError for an array that is not floating or an option of another type; ValueError
        for an unknown mode, none or both of size and scale_factor, align_corners in a mode
        without corners, recompute_scale_factor with a size, an axis of the input other than the
        batch or of the output that is empty, another number of axes or an upstream gradient of
        another shape; RuntimeError for backward before forward.
    Book: not in the book.
    Paper: Keys (1981), Cubic convolution interpolation for digital image processing, IEEE
        Transactions on Acoustics, Speech, and Signal Processing 29(6),
        DOI 10.1109/TASSP.1981.1163711.
    PyTorch: torch.nn.Upsample. Differences: the layout; forward and backward always agree. In
        PyTorch they disagree in mode "bicubic" by a factor that leaves both sizes as they are
        (backward copies) and in "nearest" on sequences and volumes by a factor that leaves a size
        as it is or doubles it but for rounding (backward copies), and in both nearest modes in
        float64 where rounding to float32 moves a place. Like PyTorch, a given factor is the step
        itself unless recompute_scale_factor; the linear modes copy an axis whose size stays. The
        nearest modes find the places of an image in float32 where its output has no more than 128
        rows and columns together, and "nearest" then copies an axis whose size stays and doubles
        one whose size doubles. PyTorch does so with larger images too if they have four channels
        or more that lie last in memory.
    """

    def __init__(
        self,
        size=None,
        scale_factor=None,
        mode="nearest",
        align_corners=None,
        recompute_scale_factor=None,
    ):
        super().__init__()
        _checks.check_one_of(self, size=size, scale_factor=scale_factor)
        self.size = _checks.check_extents(self, size=size)
        self.scale_factor = _checks.check_factors(self, scale_factor=scale_factor)
        self.mode = _checks.check_choice(self, tuple(RANKS), mode=mode)
        self.align_corners = _checks.check_optional_flag(self, align_corners=align_corners)
        if mode not in ALIGNED:
            where = f"in mode {mode!r}"
            _checks.check_absent(self, where, method="__init__", align_corners=align_corners)
        self.recompute_scale_factor = _checks.check_optional_flag(
            self, recompute_scale_factor=recompute_scale_factor
        )
        if recompute_scale_factor:
            _checks.check_absent(self, "with recompute_scale_factor", method="__init__", size=size)

    def forward(self, input_data):
        _checks.check_rank(
            self, RANKS[self.mode], "(batch, *sizes, channels)", input_data=input_data
        )
        outputs, factors = self.targets(input_data)
        if self.mode == "area":
            self.pool = AdaptiveAveragePooling(outputs)
            return self.pool.forward(input_data)
        _checks.check_resampled(self, outputs, input_data=input_data)
        self.sizes = input_data.shape[1:-1]
        # PyTorch has a way of its own for small images.
        self.is_small = len(outputs) == 2 and sum(outputs) <= 128
        self.taps = [
            self.axis_taps(*axis, input_data.dtype)
            for axis in zip(self.sizes, outputs, factors, strict=True)
        ]
        output = input_data
        # The last axis first, as PyTorch does.
        for axis in range(len(self.sizes), 0, -1):
            output = resample(output, axis, *self.taps[axis - 1])
        return output

    def backward(self, grad_output):
        if self.mode == "area":
            return self.pool.backward(grad_output)
        grad_input = grad_output
        for axis, size in enumerate(self.sizes, start=1):
            grad_input = spread(grad_input, axis, size, *self.taps[axis - 1])
        return grad_input, None

    def targets(self, input_data):
        """The sizes of the output, and the factor of each axis, None where the sizes give it."""
        sizes = input_data.shape[1:-1]
        rank = len(sizes)
        if self.size is not None:
            outputs = _checks.check_sizes(self, rank, method="forward", size=self.size)
            factors = (None,) * rank
        else:
            factors = _checks.check_per_axis(self, rank, scale_factor=self.scale_factor)
            outputs = tuple(int(n * factor) for n, factor in zip(sizes, factors, strict=True))
        return outputs, (None,) * rank if self.recompute_scale_factor else factors

    def axis_taps(self, size, count, factor, dtype):
        """The places and weights (taps, count) that make the outputs of one axis."""
        if self.mode in ("nearest", "nearest-exact"):
            return nearest_taps(size, count, factor, self.mode, self.is_small, dtype)
        if self.align_corners:
            gap = dtype.type(size - 1) / dtype.type(max(count - 1, 1))
            position = np.arange(count, dtype=dtype) * gap
        else:
            position = centres(count, step(size, count, factor, dtype))
        if self.mode == "bicubic":
            return cubic_taps(size, position)
        # An axis whose size stays is copied, whatever the factor.
        stays = size == count
        return linear_taps(size, np.arange(count, dtype=dtype) if stays else position, not stays)


class UpsamplingNearest2d(Upsample):
    """Resamples images, each place of the output taking the nearest of the input.

    Formula: y[o] = x[floor(o s)] on either axis, s = size / outputs or 1 / scale_factor
    Derivative: dL/dx[i] = sum over the o that take x[i] of g[o]
    Shapes: x (batch, height, width, channels), y the same with size, or floor(sizes
        scale_factor), places on the two axes.
    Dtypes: float32 and float64; the output has the input's.
    Errors: those of Upsample.
    Book: not in the book.
    Paper: Odena, Dumoulin, Olah (2016), Deconvolution and checkerboard artifacts, Distill,
        DOI 10.23915/distill.00003.
    PyTorch: torch.nn.UpsamplingNearest2d. Differences: the layout; forward and backward always
        agree, as Upsample has it. In an output of no more than 128 rows and columns together, an
        axis whose size stays is copied, and one whose size doubles is doubled, whatever the factor.
    """

    def __init__(self, size=None, scale_factor=None):
        super().__init__(size, scale_factor, mode="nearest")

    def forward(self, input_data):
        _checks.check_rank(self, 4, "(batch, height, width, channels)", input_data=input_data)
        return super().forward(input_data)


class UpsamplingBilinear2d(Upsample):
    """Resamples images between the four places around each new one, corners upon corners.

    Formula: y[o] = (1 - t) x[i] + t x[i + 1] on either axis, i + t = o (size - 1) / (outputs - 1)
        with i whole and t in [0, 1)
    Derivative: dL/dx[i] = sum over the o between i - 1 and i + 1 of their weight times g[o]
    Shapes: x (batch, height, width, channels), y the same with size, or floor(sizes
        scale_factor), places on the two axes.
    Dtypes: float32 and float64; the output has the input's.
    Errors: those of Upsample.
    Book: not in the book.
    Paper: Long, Shelhamer, Darrell (2015), Fully convolutional networks for semantic
        segmentation, CVPR, DOI 10.1109/CVPR.2015.7298965.
    PyTorch: torch.nn.UpsamplingBilinear2d. No difference but the layout.
    """

    def __init__(self, size=None, scale_factor=None):
        super().__init__(size, scale_factor, mode="bilinear", align_corners=True)


def step(size, count, factor, dtype):
    """How far apart the outputs lie on the input: by the factor where one is given."""
    return dtype.type(1 / factor) if factor else dtype.type(size) / dtype.type(count)


def fused(a, b, c):
    """a b + c in the dtype of b, rounded once as in PyTorch, so that what cancels is the same."""
    return (a * b.astype(np.longdouble) + c).astype(b.dtype)


def centres(count, gap):
    """Where the outputs lie on the input, centre upon centre: (o + 1/2) gap - 1/2."""
    return fused(gap, np.arange(count, dtype=gap.dtype) + 0.5, -0.5)


def floor(position):
    """The place at or before a position; PyTorch's floor is that of float32."""
    return np.floor(position.astype(np.float32)).astype(int)


def nearest_taps(size, count, factor, mode, is_small, dtype):
    """One tap of weight 1: the place at or before each output, or with "exact" the nearest."""
    kind = dtype
    if is_small:
        # PyTorch places these pixels in float32, and by their sizes where those double.
        kind = np.dtype(np.float32)
        if mode == "nearest" and count in (size, 2 * size):
            factor = None
    gap = step(size, count, factor, kind)
    output = np.arange(count)
    if mode == "nearest":
        position = output * gap
    elif is_small:
        position = (output + 0.5) * gap
    else:
        position = centres(count, gap) + 0.5
    return np.minimum(floor(position), size - 1)[None], np.ones((1, count), dtype)


def around(size, position):
    """The place at or before each position, and how far it lies beyond."""
    low = np.minimum(floor(position), size - 1)
    return low, np.clip(position - low, 0, 1).astype(position.dtype)


def linear_taps(size, position, reach):
    """Two taps: the places around each position, `reach` apart."""
    low, share = around(size, np.maximum(position, 0))
    return np.stack([low, np.minimum(low + reach, size - 1)]), np.stack([1 - share, share])


def cubic_taps(size, position):
    """Four taps: two places on either side of each position, the edges repeated."""
    low, share = around(size, position)
    a = -0.75
    near, far = np.stack([share, 1 - share]), np.stack([share + 1, 2 - share])
    near = ((a + 2) * near - (a + 3)) * near * near + 1
    far = fused(fused(a, far, -5 * a), far, 8 * a) * far - 4 * a
    weights = np.stack([far[0], near[0], near[1], far[1]])
    return np.clip(low + np.arange(-1, 3)[:, None], 0, size - 1), weights


def resample(images, axis, places, weights):
    """The weighted sum of the taps along one axis."""
    shape = (-1, *(1,) * (images.ndim - 1 - axis))  # one weight for each output of the axis

    def term(image, place, weight):
        taken = np.take(image, place, axis - 1)
        taken *= weight.reshape(shape)
        return taken

    output = np.empty(
        (*images.shape[:axis], places.shape[1], *images.shape[axis + 1 :]), images.dtype
    )
    # One image at a time: the terms of a whole batch would not fit into the cache.
    for image, resampled in zip(images, output, strict=True):
        terms = (term(image, *tap) for tap in zip(places, weights, strict=True))
        resampled[...] = functools.reduce(operator.iadd, terms)
    return output


def spread(grads, axis, size, places, weights):
    """The transpose of `resample`: each output gives its gradient to the places it came from."""
    lines = np.moveaxis(grads, axis, 0)
    total = np.zeros((size, *lines.shape[1:]), grads.dtype)
    for tap_places, tap_weights in zip(places, weights, strict=True):
        for place, weight, line in zip(tap_places, tap_weights, lines, strict=True):
            total[place] += weight * line
    return np.moveaxis(total, 0, axis)
