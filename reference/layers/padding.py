"""Padding: the places around an image, of any number of axes."""

import math

import numpy as np

from reference import _checks
from reference._base import Layer


class PaddingND(Layer):
    """Adds places around each axis between the batch and the channels, or takes some away.

    Formula: y[..., o, ...] = x[..., origin(o - before), ...], one axis after another; each
        subclass says which place of x is the origin of each place, inside or outside.
    Derivative: dL/dx[..., i, ...] = the sum of dL/dy over the places whose origin is i.
    Shapes: x (batch, *sizes, channels), without the batch if `padding` has two numbers for each
        of its sizes; y the same with size + before + after for each size.
    Dtypes: float32 and float64; the output has the input's.
    Errors: TypeError for an array or a padding of another type; ValueError for another number of
        axes, for more padding than the sizes allow or for an upstream gradient of another shape;
        RuntimeError for backward before forward.
    Book: not in the book.
    Paper: none.
    PyTorch: the common ground of its padding layers. `padding` is an integer for both ends of
        every size, or (before, after) for the last size, then for the last but one, and so on:
        (left, right, top, bottom). A negative number takes places away.
    """

    def __init__(self, padding):
        super().__init__()
        self.padding = _checks.check_margins(self, padding=padding)

    def margins(self, axes):
        """(axis, before, after) for each axis that is padded, the last first."""
        padding = self.padding
        if isinstance(padding, int):
            padding = (padding, padding) * (axes - 2)
        pairs = zip(padding[::2], padding[1::2], strict=True)
        return [(-2 - place, before, after) for place, (before, after) in enumerate(pairs)]

    def origins(self, size, before, after):
        """For each place of a padded axis, the place of the input that it copies."""
        raise NotImplementedError(f"{type(self).__name__} does not define origins")

    def limit(self, size, before, after):
        """The widest margin that an axis of this size can fill."""
        raise NotImplementedError(f"{type(self).__name__} does not define limit")

    def check(self, owner, input_data):
        """Raise, in the name of the layer that pads, for an input too small for its margins."""
        least = 3 if isinstance(self.padding, int) else len(self.padding) // 2 + 1
        layout = "(batch, *sizes, channels)"
        _checks.check_least_rank(owner, least, layout, input_data=input_data)
        margins = self.margins(input_data.ndim)
        limits = [self.limit(input_data.shape[axis], *ends) for axis, *ends in margins]
        _checks.check_padding(owner, margins, limits, input_data=input_data)

    def forward(self, input_data):
        self.check(self, input_data)
        self.input_shape = input_data.shape
        output = input_data
        for axis, *ends in self.margins(input_data.ndim):
            output = np.take(output, self.origins(input_data.shape[axis], *ends), axis)
        return output

    def backward(self, grad_output):
        grad = grad_output
        for axis, before, after in self.margins(grad_output.ndim):
            size = self.input_shape[axis]
            origins = self.origins(size, before, after)
            upstream = np.moveaxis(grad, axis, 0)
            grad = np.zeros((*grad.shape[:axis], size, *grad.shape[axis + 1 :]), grad.dtype)
            lines = np.moveaxis(grad, axis, 0)
            # The places of the image itself, all at once; then one line of the margins at a time.
            first = min(max(before, 0), len(origins))
            last = max(first, len(origins) - max(after, 0))
            kept = max(-before, 0)
            lines[kept : kept + last - first] = upstream[first:last]
            for place in (*range(first), *range(last, len(origins))):
                lines[origins[place]] += upstream[place]
        return grad, None


class ReflectionPad(PaddingND):
    """Continues an image past its edges by its mirror image, the edge itself not repeated.

    Formula: y[o] = x[origin(o - before)] on each axis of size n, with origin(p) = |p| before the
        last place and 2 (n - 1) - p after it.
    Derivative: dL/dx[i] = the sum of dL/dy over i and its mirror images; it has no kink.
    Shapes: x (batch, *sizes, channels), without the batch if `padding` has two numbers for each
        of its sizes; y the same with size + before + after for each size.
    Dtypes: float32 and float64; the output has the input's.
    Errors: TypeError for an array or a padding of another type; ValueError for another number of
        axes, a margin that is not smaller than its size, an input or an output without places,
        or an upstream gradient of another shape; RuntimeError for backward before forward.
    Book: not in the book.
    Paper: none.
    PyTorch: torch.nn.ReflectionPad1d, ReflectionPad2d and ReflectionPad3d in one class. No
        difference where PyTorch defines the gradient: behind an output without places its
        ReflectionPad3d returns memory it never filled, this class zeros. The mirror is the edge
        of the whole axis, also where the other end is negative.
    """

    def origins(self, size, before, after):
        places = np.abs(np.arange(-before, size + after))
        return size - 1 - np.abs(size - 1 - places)

    def limit(self, size, before, after):
        return size - 1

    def check(self, owner, input_data):
        super().check(owner, input_data)
        _checks.check_places(owner, self.margins(input_data.ndim), input_data=input_data)


class ReplicationPad(PaddingND):
    """Continues an image past its edges by the values on its edges.

    Formula: y[o] = x[origin(o - before)] on each axis of size n, with
        origin(p) = min(max(p, 0), n - 1).
    Derivative: dL/dx[i] = dL/dy at i, and on an edge the sum over all that repeats it; it has no
        kink.
    Shapes: x (batch, *sizes, channels), without the batch if `padding` has two numbers for each
        of its sizes; y the same with size + before + after for each size.
    Dtypes: float32 and float64; the output has the input's.
    Errors: TypeError for an array or a padding of another type; ValueError for another number of
        axes, an input or an output without places, or an upstream gradient of another shape;
        RuntimeError for backward before forward.
    Book: not in the book.
    Paper: none.
    PyTorch: torch.nn.ReplicationPad1d, ReplicationPad2d and ReplicationPad3d in one class. No
        difference; an edge is that of the whole axis, also where the padding is negative.
    """

    def origins(self, size, before, after):
        return np.clip(np.arange(-before, size + after), 0, size - 1)

    def limit(self, size, before, after):
        return math.inf

    def check(self, owner, input_data):
        super().check(owner, input_data)
        _checks.check_places(owner, self.margins(input_data.ndim), input_data=input_data)


class CircularPad(PaddingND):
    """Continues an image past its edges by its opposite edges, as if it were a torus.

    Formula: y[o] = x[(o - before) mod n] on each axis of size n, after the places that a negative
        number takes away are gone.
    Derivative: dL/dx[i] = the sum of dL/dy over i and its repetitions; it has no kink.
    Shapes: x (batch, *sizes, channels), without the batch if `padding` has two numbers for each
        of its sizes; y the same with size + before + after for each size.
    Dtypes: float32 and float64; the output has the input's.
    Errors: TypeError for an array or a padding of another type; ValueError for another number of
        axes, a margin wider than what is left of its axis, or an upstream gradient of another
        shape; RuntimeError for backward before forward.
    Book: not in the book.
    Paper: none.
    PyTorch: torch.nn.CircularPad1d, CircularPad2d and CircularPad3d in one class. No difference
        where PyTorch defines the output: where negative padding leaves fewer places than the
        other end asks for, PyTorch refuses some sizes and returns memory it never filled for
        others; this class refuses them all.
    """

    def origins(self, size, before, after):
        kept = np.arange(max(-before, 0), size - max(-after, 0))
        places = np.arange(-max(before, 0), len(kept) + max(after, 0))
        return kept[places % len(kept)]

    def limit(self, size, before, after):
        return size + min(before, 0) + min(after, 0)


class ConstantPad(PaddingND):
    """Surrounds an image by one value.

    Formula: y[o] = x[o - before] on each axis where x has that place, value elsewhere.
    Derivative: dL/dx[i] = dL/dy[i + before], 0 for the places taken away; it has no kink.
    Shapes: x (batch, *sizes, channels), without the batch if `padding` has two numbers for each
        of its sizes; y the same with size + before + after for each size.
    Dtypes: float32 and float64; the output has the input's.
    Errors: TypeError for an array or a padding of another type; ValueError for another number of
        axes, for more places taken away than there are or an upstream gradient of another shape;
        RuntimeError for backward before forward.
    Book: not in the book.
    Paper: none.
    PyTorch: torch.nn.ConstantPad1d, ConstantPad2d and ConstantPad3d in one class. No difference.
    """

    def __init__(self, padding, value=0.0):
        super().__init__(padding)
        self.value = _checks.check_real(self, value=value)

    def limit(self, size, before, after):
        return math.inf if size + min(before, 0) + min(after, 0) >= 0 else 0

    def overlap(self, shape):
        """The output's shape, the places kept of the input, and where they come to lie."""
        padded, kept, inner = list(shape), [slice(None)] * len(shape), [slice(None)] * len(shape)
        for axis, before, after in self.margins(len(shape)):
            padded[axis] = shape[axis] + before + after
            kept[axis] = slice(max(-before, 0), shape[axis] - max(-after, 0))
            inner[axis] = slice(max(before, 0), padded[axis] - max(after, 0))
        return tuple(padded), tuple(kept), tuple(inner)

    def forward(self, input_data):
        self.check(self, input_data)
        self.input_shape = input_data.shape
        padded, kept, inner = self.overlap(self.input_shape)
        output = np.full(padded, self.value, input_data.dtype)
        output[inner] = input_data[kept]
        return output

    def backward(self, grad_output):
        _, kept, inner = self.overlap(self.input_shape)
        grad = np.zeros(self.input_shape, grad_output.dtype)
        grad[kept] = grad_output[inner]
        return grad, None


class ZeroPad(ConstantPad):
    """Surrounds an image by zeros.

    Formula: y[o] = x[o - before] on each axis where x has that place, 0 elsewhere.
    Derivative: dL/dx[i] = dL/dy[i + before], 0 for the places taken away; it has no kink.
    Shapes: x (batch, *sizes, channels), without the batch if `padding` has two numbers for each
        of its sizes; y the same with size + before + after for each size.
    Dtypes: float32 and float64; the output has the input's.
    Errors: TypeError for an array or a padding of another type; ValueError for another number of
        axes, for more places taken away than there are or an upstream gradient of another shape;
        RuntimeError for backward before forward.
    Book: section 22.2, the padding of Convolution2D.
    Paper: none.
    PyTorch: torch.nn.ZeroPad1d, ZeroPad2d and ZeroPad3d in one class. No difference.
    """

    def __init__(self, padding):
        super().__init__(padding, value=0.0)
