"""Chapter 8: rectifying activations."""

import numpy as np

from reference import _checks
from reference._base import Layer


class LeakyReLU(Layer):
    """A rectifier that lets a fraction of the negative side through.

    Formula: y = x for x > 0, alpha x otherwise
    Derivative: dy/dx = 1 for x > 0, alpha otherwise; at the kink 0 it is alpha, PyTorch's
        choice (the book leaves it open).
    Shapes: any; the output has the input's.
    Dtypes: float32 and float64; the output has the input's.
    Errors: TypeError for an array that is not floating; ValueError for an alpha that is not
        finite or an upstream gradient of another shape; RuntimeError for backward before forward.
    Book: section 8.4.1, eq. 8.3-8.4.
    Paper: Maas, Hannun, Ng (2013), Rectifier nonlinearities improve neural network acoustic
        models, ICML Workshop on Deep Learning for Audio, Speech and Language Processing.
    PyTorch: torch.nn.LeakyReLU(negative_slope=alpha). No difference. The book prints
        maximum(alpha x, x), which is another function for alpha > 1.
    """

    def __init__(self, alpha=0.01):
        super().__init__()
        self.alpha = _checks.check_number(self, alpha=alpha)

    def forward(self, input_data):
        self.positive = input_data > 0
        return np.where(self.positive, input_data, self.alpha * input_data)

    def backward(self, grad_output):
        return np.where(self.positive, grad_output, self.alpha * grad_output), None
