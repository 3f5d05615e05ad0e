"""Dropout: layers that silence a part of their input while they train (section 25.5)."""

import numpy as np

from reference import _checks
from reference._base import Layer

# The limit of SELU at minus infinity, -scale alpha; alpha dropout sets what it drops to it.
SELU_FLOOR = -1.7580993408473766


class Dropout(Layer):
    """Drops elements at random while training, and scales up the rest to keep the mean.

    Formula: y = x m / (1 - p) in training, with m = 0 with probability p and 1 otherwise, drawn
        for each element; y = x in evaluation
    Derivative: dy/dx = m / (1 - p), with the m of the last forward; 1 in evaluation. For p = 1
        both are 0.
    Shapes: any; the output has the input's.
    Dtypes: float32 and float64; the output has the input's.
    Errors: TypeError for an array that is not floating or an rng that is no generator;
        ValueError for a p outside [0, 1] or an upstream gradient of another shape; RuntimeError
        for backward before forward.
    Book: section 25.5.
    Paper: Srivastava, Hinton, Krizhevsky, Sutskever, Salakhutdinov (2014), Dropout: a simple way
        to prevent neural networks from overfitting, JMLR 15.
    PyTorch: torch.nn.Dropout. No difference but the source of the mask, which is
        rng.random(shape) >= p. The paper scales in evaluation instead, by 1 - p.
    """

    def __init__(self, p=0.5, rng=None):
        super().__init__()
        self.p = _checks.check_fraction(self, p=p)
        self.rng = _checks.check_generator(self, rng=rng)

    def mask_shape(self, shape):
        """One draw for each element."""
        return shape

    def draw_mask(self, input_data):
        """1 where the input is kept, with probability 1 - p, and 0 where it is dropped."""
        draws = self.rng.random(self.mask_shape(input_data.shape))
        return (draws >= self.p).astype(input_data.dtype)

    def forward(self, input_data):
        self.noise = 1
        if not self.training or self.p == 0:
            return input_data
        # Nothing is kept when p = 1, so that its scale does not matter.
        self.noise = self.draw_mask(input_data) / (1 - self.p if self.p < 1 else 1)
        return input_data * self.noise

    def backward(self, grad_output):
        return grad_output * self.noise, None


class ChannelDropout(Dropout):
    """Drops whole channels at random while training, and scales up the rest.

    Formula: y = x m / (1 - p) in training, with m = 0 with probability p and 1 otherwise, drawn
        for each channel of each sample; y = x in evaluation
    Derivative: dy/dx = m / (1 - p), with the m of the last forward; 1 in evaluation. For p = 1
        both are 0.
    Shapes: (batch, ..., channels), with any number of axes between; the output has the input's.
    Dtypes: float32 and float64; the output has the input's.
    Errors: TypeError for an array that is not floating or an rng that is no generator;
        ValueError for a p outside [0, 1], an input of fewer than two axes where channels are
        drawn or an upstream gradient of another shape; RuntimeError for backward before forward.
    Book: not in the book.
    Paper: Tompson, Goroshin, Jain, LeCun, Bregler (2015), Efficient object localization using
        convolutional networks, CVPR, DOI 10.1109/CVPR.2015.7298664.
    PyTorch: torch.nn.Dropout1d, Dropout2d and Dropout3d in one class. The input has a batch axis
        always; PyTorch's may lack it.
    """

    def mask_shape(self, shape):
        """One draw for each channel of each sample."""
        return shape[:1] + (1,) * (len(shape) - 2) + shape[1:][-1:]

    def draw_mask(self, input_data):
        # What keeps nothing, or has nothing to keep, needs no channels to draw for.
        if self.p < 1 and input_data.size:
            _checks.check_least_rank(self, 2, "(batch, ..., channels)", input_data=input_data)
        return super().draw_mask(input_data)


class AlphaDropout(Dropout):
    """Sets elements at random to SELU's floor, keeping mean 0 and variance 1.

    Formula: y = a (x m + f (1 - m) - f p) in training, with m = 0 with probability p and 1
        otherwise, drawn for each element, f = -1.7580993408473766 (SELU's limit at minus
        infinity) and a = 1 / sqrt((1 - p) (1 + p f^2)); y = x in evaluation
    Derivative: dy/dx = a m, with the m of the last forward; 1 in evaluation. For p = 1 both
        y and dy/dx are 0.
    Shapes: any; the output has the input's.
    Dtypes: float32 and float64; the output has the input's.
    Errors: TypeError for an array that is not floating or an rng that is no generator;
        ValueError for a p outside [0, 1] or an upstream gradient of another shape; RuntimeError
        for backward before forward.
    Book: not in the book.
    Paper: Klambauer, Unterthiner, Mayr, Hochreiter (2017), Self-normalizing neural networks,
        NIPS.
    PyTorch: torch.nn.AlphaDropout. No difference but the source of the mask, which is
        rng.random(shape) >= p.
    """

    def forward(self, input_data):
        if not self.training or self.p in (0, 1):
            self.noise = 0 if self.training and self.p == 1 else 1
            return input_data * self.noise
        kept = self.draw_mask(input_data)
        scale = 1 / np.sqrt((1 - self.p) * (1 + self.p * SELU_FLOOR**2)).item()
        self.noise = scale * kept
        return input_data * self.noise + scale * SELU_FLOOR * ((1 - kept) - self.p)


class FeatureAlphaDropout(ChannelDropout, AlphaDropout):
    """Sets whole channels at random to SELU's floor, keeping mean 0 and variance 1.

    Formula: y = a (x m + f (1 - m) - f p) in training, with m = 0 with probability p and 1
        otherwise, drawn for each channel of each sample, f = -1.7580993408473766 (SELU's limit
        at minus infinity) and a = 1 / sqrt((1 - p) (1 + p f^2)); y = x in evaluation
    Derivative: dy/dx = a m, with the m of the last forward; 1 in evaluation. For p = 1 both
        y and dy/dx are 0.
    Shapes: (batch, ..., channels), with any number of axes between; the output has the input's.
    Dtypes: float32 and float64; the output has the input's.
    Errors: TypeError for an array that is not floating or an rng that is no generator;
        ValueError for a p outside [0, 1], an input of fewer than two axes where channels are
        drawn or an upstream gradient of another shape; RuntimeError for backward before forward.
    Book: not in the book.
    Paper: Klambauer, Unterthiner, Mayr, Hochreiter (2017), Self-normalizing neural networks,
        NIPS.
    PyTorch: torch.nn.FeatureAlphaDropout. No difference but the source of the mask, which is
        rng.random(shape) >= p.
    """
