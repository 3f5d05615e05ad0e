"""Layers that only move elements (section 22.4)."""

import math

from reference import _checks
from reference._base import Layer


class Flatten(Layer):
    """Lays neighbouring axes end to end in one: by default, each image becomes a row of features.

    Formula: y[b, k] = x[b, i, j, c] with k = (i width + j) channels + c
    Derivative: dL/dx[b, i, j, c] = dL/dy[b, k]; it has no kink.
    Shapes: x (batch, ...), y (batch, product of the others); in general the axes start_dim to
        end_dim, both included, become one of the product of their sizes.
    Dtypes: float32 and float64; the output has the input's.
    Errors: TypeError for an array that is not floating or an option that is not an integer;
        ValueError for an axis that the input has not, for start_dim after end_dim or an upstream
        gradient of another shape; RuntimeError for backward before forward.
    Book: section 22.4.
    Paper: none.
    PyTorch: torch.nn.Flatten. No difference but the order of an image's features: here they are
        in the order (height, width, channels), the channels last, as in the book.
    """

    def __init__(self, start_dim=1, end_dim=-1):
        super().__init__()
        self.start_dim = _checks.check_integer(self, minimum=-math.inf, start_dim=start_dim)
        self.end_dim = _checks.check_integer(self, minimum=-math.inf, end_dim=end_dim)

    def forward(self, input_data):
        first = _checks.check_axis(self, self.start_dim, "start_dim", input_data=input_data)
        last = _checks.check_axis(self, self.end_dim, "end_dim", input_data=input_data)
        _checks.check_at_most(self, ("end_dim", last), method="forward", start_dim=first)
        self.input_shape = input_data.shape
        before, after = self.input_shape[:first], self.input_shape[last + 1 :]
        features = math.prod(self.input_shape[first : last + 1])
        return input_data.reshape(*before, features, *after)

    def backward(self, grad_output):
        return grad_output.reshape(self.input_shape), None
