"""Section 11.1: activations of the output, which turn scores into probabilities."""

import math

import numpy as np

from reference import _checks, _numeric
from reference._base import Layer


class Softmax(Layer):
    """Turns scores into probabilities: positive, the larger the score the larger, 1 in all.

    Formula: y_i = e^(x_i) / sum_j e^(x_j) along the axis
    Derivative: dy_i/dx_j = y_i (1[i = j] - y_j), the full Jacobian, hence
        dL/dx_j = y_j (g_j - sum_i g_i y_i); it has no kink.
    Shapes: any with the axis given (by default the last, the classes); the output has the input's.
    Dtypes: float32 and float64; the output has the input's.
    Errors: TypeError for an array that is not floating or an axis that is not an integer;
        ValueError for an axis that the input has not or an upstream gradient of another shape;
        RuntimeError for backward before forward.
    Book: section 11.1.
    Paper: Bridle (1990), Probabilistic interpretation of feedforward classification network
        outputs, Neurocomputing, NATO ASI Series 68, DOI 10.1007/978-3-642-76153-9_28.
    PyTorch: torch.nn.Softmax(dim=axis). No difference; without a dim PyTorch takes the first axis
        of arrays of rank 0, 1 and 3, and the second of all others.
    """

    def __init__(self, axis=-1):
        super().__init__()
        self.axis = _checks.check_integer(self, minimum=-math.inf, axis=axis)

    def forward(self, input_data):
        _checks.check_axis(self, self.axis, "axis", input_data=input_data)
        self.output = _numeric.softmax(input_data, self.axis)
        return self.output

    def backward(self, grad_output):
        mean = np.sum(grad_output * self.output, axis=self.axis, keepdims=True)
        return self.output * (grad_output - mean), None


class Softmin(Layer):
    """Turns costs into probabilities: the softmax of minus the input.

    Formula: y_i = e^(-x_i) / sum_j e^(-x_j) along the axis
    Derivative: dL/dx_j = -y_j (g_j - sum_i g_i y_i); it has no kink.
    Shapes: any with the axis given (by default the last, the classes); the output has the input's.
    Dtypes: float32 and float64; the output has the input's.
    Errors: TypeError for an array that is not floating or an axis that is not an integer;
        ValueError for an axis that the input has not or an upstream gradient of another shape;
        RuntimeError for backward before forward.
    Book: chapter 9, which prints no equation yet.
    Paper: none of its own; see Softmax.
    PyTorch: torch.nn.Softmin(dim=axis). No difference; without a dim see Softmax.
    """

    def __init__(self, axis=-1):
        super().__init__()
        self.axis = _checks.check_integer(self, minimum=-math.inf, axis=axis)

    def forward(self, input_data):
        _checks.check_axis(self, self.axis, "axis", input_data=input_data)
        self.output = _numeric.softmax(-input_data, self.axis)
        return self.output

    def backward(self, grad_output):
        mean = np.sum(grad_output * self.output, axis=self.axis, keepdims=True)
        return self.output * (mean - grad_output), None


class Softmax2d(Layer):
    """The softmax over the channels of each pixel of an image.

    Formula: y_c = e^(x_c) / sum_k e^(x_k) at each pixel
    Derivative: dL/dx_c = y_c (g_c - sum_k g_k y_k) at each pixel; it has no kink.
    Shapes: x (batch, height, width, channels) or (height, width, channels); the output has the
        input's.
    Dtypes: float32 and float64; the output has the input's.
    Errors: TypeError for an array that is not floating; ValueError for another number of axes or
        an upstream gradient of another shape; RuntimeError for backward before forward.
    Book: section 11.1, for images.
    Paper: none of its own; see Softmax.
    PyTorch: torch.nn.Softmax2d. No difference, but that its channels come before height and width.
    """

    def forward(self, input_data):
        _checks.check_rank(
            self, (3, 4), "([batch,] height, width, channels)", input_data=input_data
        )
        self.output = _numeric.softmax(input_data, axis=-1)
        return self.output

    def backward(self, grad_output):
        mean = np.sum(grad_output * self.output, axis=-1, keepdims=True)
        return self.output * (grad_output - mean), None


class LogSoftmax(Layer):
    """The logarithm of the softmax, without the underflow of its small probabilities.

    Formula: y_i = x_i - log(sum_j e^(x_j)) along the axis
    Derivative: dL/dx_j = g_j - e^(y_j) sum_i g_i, the full Jacobian; it has no kink.
    Shapes: any with the axis given (by default the last, the classes); the output has the input's.
    Dtypes: float32 and float64; the output has the input's.
    Errors: TypeError for an array that is not floating or an axis that is not an integer;
        ValueError for an axis that the input has not or an upstream gradient of another shape;
        RuntimeError for backward before forward.
    Book: section 11.1.
    Paper: none of its own; see Softmax.
    PyTorch: torch.nn.LogSoftmax(dim=axis). No difference; without a dim see Softmax.
    """

    def __init__(self, axis=-1):
        super().__init__()
        self.axis = _checks.check_integer(self, minimum=-math.inf, axis=axis)

    def forward(self, input_data):
        _checks.check_axis(self, self.axis, "axis", input_data=input_data)
        self.output = _numeric.log_softmax(input_data, self.axis)
        return self.output

    def backward(self, grad_output):
        total = np.sum(grad_output, axis=self.axis, keepdims=True)
        return grad_output - np.exp(self.output) * total, None


class GumbelSoftmax(Layer):
    """Draws a class by lot, each with its softmax probability, so that gradients come through.

    Formula: y = softmax((x + n) / tau) with n = -log(-log(u)), u ~ U(0, 1), Gumbel noise
        hard: y_i = 1 for the largest of these (the first of equals), 0 for all others
    Derivative: dL/dx_j = p_j (g_j - sum_i g_i p_i) / tau with p the softmax; hard passes the
        gradient straight through, as if y were p.
    Shapes: any with the axis given (by default the last, the classes); the output has the input's.
    Dtypes: float32 and float64; the output has the input's.
    Errors: TypeError for an array that is not floating, a hard that is not True or False or an rng
        that is no generator; ValueError for a tau of 0, an axis that the input has not or an
        upstream gradient of another shape; RuntimeError for backward before forward.
    Book: not in the book.
    Paper: Jang, Gu, Poole (2017), Categorical reparameterization with Gumbel-softmax, ICLR,
        arXiv 1611.01144; Maddison, Mnih, Teh (2017), The concrete distribution, ICLR.
    PyTorch: torch.nn.functional.gumbel_softmax. No difference, but that its hard 1 is computed as
        (1 - p) + p, which may be the number below 1.
    """

    def __init__(self, tau=1.0, hard=False, axis=-1, rng=None):
        super().__init__()
        self.tau = _checks.check_nonzero(self, tau=tau)
        self.hard = _checks.check_flag(self, hard=hard)
        self.axis = _checks.check_integer(self, minimum=-math.inf, axis=axis)
        self.rng = _checks.check_generator(self, rng=rng)

    def forward(self, input_data):
        _checks.check_axis(self, self.axis, "axis", input_data=input_data)
        noise = np.asarray(self.rng.gumbel(size=input_data.shape), input_data.dtype)
        # A quotient beyond the largest number is infinite, as in PyTorch.
        with np.errstate(over="ignore"):
            logits = (input_data + noise) / self.tau
        self.probabilities = _numeric.softmax(logits, self.axis)
        return self.harden() if self.hard else self.probabilities

    def harden(self):
        """1 for the first of the largest, 0 for all others; a NaN stays one."""
        largest = np.max(self.probabilities, axis=self.axis, keepdims=True, initial=0)
        largest = np.equal(self.probabilities, largest)
        first = np.cumsum(largest, axis=self.axis).reshape(largest.shape) == 1
        return (largest & first) + 0 * self.probabilities

    def backward(self, grad_output):
        mean = np.sum(grad_output * self.probabilities, axis=self.axis, keepdims=True)
        return self.probabilities * (grad_output - mean) / self.tau, None
