"""Positions for transformers (section 26.5), and patches for the vision transformer (26.7)."""

import numpy as np

from reference import _checks
from reference._base import Layer
from reference.layers.containers import Container
from reference.layers.convolution import Convolution2D


class SinusoidalEncoding(Layer):
    """Adds to each step sines and cosines of its position, of wavelengths in geometric steps.

    Formula: y[t, 2i] = x[t, 2i] + sin(t / base^(2i / d)), y[t, 2i + 1] = x[t, 2i + 1] +
        cos(t / base^(2i / d)), with d = d_model
    Derivative: dy/dx = 1; the encoding has no parameters.
    Shapes: x and y (..., time, d_model).
    Dtypes: float32 and float64; the output has the input's.
    Errors: TypeError for an array that is not floating; ValueError for a base that is not
        positive, another number of features or an upstream gradient of another shape; RuntimeError
        for backward before forward.
    Book: section 26.5.
    Paper: Vaswani, Shazeer, Parmar, Uszkoreit, Jones, Gomez, Kaiser, Polosukhin (2017), Attention
        is all you need, NeurIPS.
    PyTorch: none; the oracle is the formula. The encoding is computed in float64 and rounded once.
    """

    def __init__(self, d_model, base=10000.0):
        super().__init__()
        self.d_model = _checks.check_integer(self, d_model=d_model)
        self.base = _checks.check_positive(self, base=base)

    def encoding(self, time):
        """The sines and cosines of the first `time` positions, (time, d_model)."""
        even = np.arange(0, self.d_model, 2)
        angles = np.arange(time)[:, np.newaxis] / self.base ** (even / self.d_model)
        pairs = np.stack([np.sin(angles), np.cos(angles)], axis=-1)
        return pairs.reshape(time, 2 * len(even))[:, : self.d_model]

    def forward(self, input_data):
        _checks.check_least_rank(self, 2, "(..., time, d_model)", input_data=input_data)
        _checks.check_last_axis(self, self.d_model, "features", input_data=input_data)
        return input_data + self.encoding(input_data.shape[-2]).astype(input_data.dtype)

    def backward(self, grad_output):
        return grad_output, None


class LearnedEncoding(Layer):
    """Adds to each step a vector that is learned for its position.

    Formula: y[t] = x[t] + P[t]
    Derivative: dL/dx = g; dL/dP[t] = sum of g[t] over the batch, 0 beyond the input's steps.
    Shapes: x and y (..., time, d_model), P (max_length, d_model).
    Dtypes: float32 and float64; the output has the promotion of the input's and P's.
    Errors: TypeError for an array that is not floating; ValueError for more than max_length steps,
        another number of features or an upstream gradient of another shape; RuntimeError for
        backward before forward.
    Book: section 26.5.
    Paper: Gehring, Auli, Grangier, Yarats, Dauphin (2017), Convolutional sequence to sequence
        learning, ICML.
    PyTorch: none; the oracle is the formula. P starts from N(0, 0.02^2), as in GPT-2.
    """

    def __init__(self, max_length, d_model, rng=None):
        super().__init__()
        self.max_length = _checks.check_integer(self, max_length=max_length)
        self.d_model = _checks.check_integer(self, d_model=d_model)
        rng = _checks.check_generator(self, rng=rng)
        self.params = [rng.normal(0, 0.02, (max_length, d_model))]

    def forward(self, input_data):
        _checks.check_least_rank(self, 2, "(..., time, d_model)", input_data=input_data)
        _checks.check_last_axis(self, self.d_model, "features", input_data=input_data)
        time = input_data.shape[-2]
        _checks.check_at_most(self, ("max_length", self.max_length), method="forward", time=time)
        return input_data + self.params[0][:time]

    def backward(self, grad_output):
        grad_positions = np.zeros(self.params[0].shape, grad_output.dtype)
        batch = tuple(range(grad_output.ndim - 2))
        grad_positions[: grad_output.shape[-2]] = grad_output.sum(axis=batch)
        return grad_output, [grad_positions]


class RotaryEncoding(Layer):
    """Turns each pair of features by an angle that grows with the position.

    Formula: (y[t, 2i], y[t, 2i + 1]) = R(t / base^(2i / d)) (x[t, 2i], x[t, 2i + 1]), with R(a) the
        rotation by a, and d = d_model
    Derivative: the rotation by -a of the pair of gradients: its transpose is its inverse.
    Shapes: x and y (..., time, d_model), d_model even.
    Dtypes: float32 and float64; the output has the input's.
    Errors: TypeError for an array that is not floating; ValueError for an odd d_model, a base that
        is not positive, another number of features or an upstream gradient of another shape;
        RuntimeError for backward before forward.
    Book: section 26.5.
    Paper: Su, Ahmed, Lu, Pan, Bo, Liu (2024), RoFormer: enhanced transformer with rotary position
        embedding, Neurocomputing 568, DOI 10.1016/j.neucom.2023.127063.
    PyTorch: none; the oracle is the formula. Neighbouring features are a pair, as in the paper;
        others pair feature i with feature i + d/2.
    """

    def __init__(self, d_model, base=10000.0):
        super().__init__()
        self.d_model = _checks.check_integer(self, d_model=d_model)
        _checks.check_divides(self, ("pairs of", 2), d_model=d_model)
        self.base = _checks.check_positive(self, base=base)

    def rotated(self, array, direction):
        """The pairs turned by their angles, in direction 1 or -1."""
        angles = np.arange(array.shape[-2])[:, np.newaxis] / self.base ** (
            np.arange(0, self.d_model, 2) / self.d_model
        )
        cosine = np.cos(angles).astype(array.dtype)
        sine = (direction * np.sin(angles)).astype(array.dtype)
        first, second = array[..., 0::2], array[..., 1::2]
        turned = [first * cosine - second * sine, first * sine + second * cosine]
        return np.stack(turned, axis=-1).reshape(array.shape)

    def forward(self, input_data):
        _checks.check_least_rank(self, 2, "(..., time, d_model)", input_data=input_data)
        _checks.check_last_axis(self, self.d_model, "features", input_data=input_data)
        return self.rotated(input_data, 1)

    def backward(self, grad_output):
        return self.rotated(grad_output, -1), None


class PatchEmbedding(Container):
    """Cuts an image into square patches and maps each linearly to a vector.

    Formula: y[b, n] = W p_n + c, with p_n the pixels of patch n, row by row
    Derivative: that of a convolution whose stride is its kernel.
    Shapes: x (batch, height, width, channels), y (batch, patches, embed_dim) with patches =
        floor(height / patch_size) floor(width / patch_size); W (embed_dim, channels, patch_size,
        patch_size), c (embed_dim,).
    Dtypes: float32 and float64; the output has the promotion of the input's and the weights'.
    Errors: those of Convolution2D, whose input the image is.
    Book: section 26.7.
    Paper: Dosovitskiy, Beyer, Kolesnikov, Weissenborn, Zhai, Unterthiner, Dehghani, Minderer,
        Heigold, Gelly, Uszkoreit, Houlsby (2021), An image is worth 16x16 words: transformers for
        image recognition at scale, ICLR.
    PyTorch: no class; the oracle is conv2d with a stride of patch_size, flattened.
    """

    def __init__(self, input_channels, embed_dim, patch_size, rng=None):
        convolution = Convolution2D(input_channels, embed_dim, patch_size, patch_size, rng=rng)
        super().__init__(convolution)

    def forward(self, input_data):
        grid = self.layers[0].forward(input_data)  # (batch, rows, columns, embed_dim)
        self.grid_shape = grid.shape
        return grid.reshape(grid.shape[0], grid.shape[1] * grid.shape[2], grid.shape[3])

    def backward(self, grad_output):
        return self.layers[0].backward(grad_output.reshape(self.grid_shape))
