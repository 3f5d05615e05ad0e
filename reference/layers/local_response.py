"""Normalization of a channel by its neighbours."""

import numpy as np

from reference import _checks
from reference._base import Layer


def _window_sums(values, before, after):
    """Along the last axis: the sum of each value, those `before` it and those `after` it."""
    margins = [(0, 0)] * (values.ndim - 1) + [(before, after)]
    padded = np.pad(values, margins)
    channels = values.shape[-1]
    return sum(padded[..., tap : tap + channels] for tap in range(before + 1 + after))


class LocalResponseNorm(Layer):
    """Divides each channel by a power of the mean square of its neighbours.

    Formula: y_c = x_c s_c^-beta, with s_c = k + alpha / size (sum of x_j^2 for j from
        c - size // 2 to c + (size - 1) // 2); channels that do not exist count as 0
    Derivative: dL/dx_c = g_c s_c^-beta - 2 alpha beta / size x_c (sum of g_j y_j / s_j over the
        j in whose sum x_c stands).
    Shapes: x (batch, ..., channels) with at least one axis between; the output has the input's.
    Dtypes: float32 and float64; the output has the input's.
    Errors: TypeError for an array that is not floating; ValueError for a size below 1, an input of
        fewer than three axes or an upstream gradient of another shape; RuntimeError for backward
        before forward.
    Book: not in the book.
    Paper: Krizhevsky, Sutskever, Hinton (2012), ImageNet classification with deep convolutional
        neural networks, NIPS, DOI 10.1145/3065386.
    PyTorch: torch.nn.LocalResponseNorm. No difference. The paper multiplies the sum by alpha,
        not by alpha / size.
    """

    def __init__(self, size, alpha=1e-4, beta=0.75, k=1.0):
        super().__init__()
        self.size = _checks.check_integer(self, size=size)
        self.alpha = _checks.check_number(self, alpha=alpha)
        self.beta = _checks.check_number(self, beta=beta)
        self.k = _checks.check_number(self, k=k)
        self.before, self.after = size // 2, (size - 1) // 2

    def forward(self, input_data):
        layout = "(batch, ..., channels) with an axis between"
        _checks.check_least_rank(self, 3, layout, input_data=input_data)
        self.input_data = input_data
        squares = _window_sums(input_data * input_data, self.before, self.after)
        self.scale = self.k + self.alpha / self.size * squares
        self.power = self.scale**-self.beta
        return input_data * self.power

    def ratios(self, grad_output):
        """g y / s; 0 for an exponent of 0, also where s is not finite: PyTorch's choice."""
        if self.beta == 0:
            return np.zeros_like(grad_output)
        return grad_output * self.input_data * self.power / self.scale

    def backward(self, grad_output):
        # The windows that hold a channel reach as far before it as its own reaches after it.
        neighbours = _window_sums(self.ratios(grad_output), self.after, self.before)
        factor = 2 * self.alpha * self.beta / self.size
        return grad_output * self.power - factor * self.input_data * neighbours, None


class CrossMapLRN2d(LocalResponseNorm):
    """Divides each channel by a power of the mean square of the neighbours on both sides.

    Formula: y_c = x_c s_c^-beta, with s_c = k + alpha / size (sum of x_j^2 for j from c - r to
        c + r), r = (size - 1) // 2; channels that do not exist count as 0
    Derivative: dL/dx_c = g_c s_c^-beta - 2 alpha beta / size x_c (sum of g_j y_j / s_j for j from
        c - r to c + r).
    Shapes: x (batch, height, width, channels); the output has the input's.
    Dtypes: float32 and float64; the output has the input's.
    Errors: TypeError for an array that is not floating; ValueError for a size below 1, an input
        that does not have four axes or has no channels or an upstream gradient of another shape;
        RuntimeError for backward before forward.
    Book: not in the book.
    Paper: Krizhevsky, Sutskever, Hinton (2012), ImageNet classification with deep convolutional
        neural networks, NIPS, DOI 10.1145/3065386.
    PyTorch: torch.nn.CrossMapLRN2d, which departs from the formula twice: from channel r + 1 on
        its sum holds x_0^2 in addition, and its gradient sums the j from c - r - 1 to c + r - 1
        (of an even size, from c - size / 2 to c + size / 2 - 1) instead.
    """

    def __init__(self, size, alpha=1e-4, beta=0.75, k=1):
        super().__init__(size, alpha, beta, k)
        self.before = self.after = (size - 1) // 2

    def forward(self, input_data):
        _checks.check_rank(self, 4, "(batch, height, width, channels)", input_data=input_data)
        _checks.check_filled_axis(self, -1, input_data=input_data)
        return super().forward(input_data)
