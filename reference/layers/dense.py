"""The dense layer (sections 7.1, 19 and 20)."""

import numpy as np

from reference import _checks
from reference._base import Layer


class Linear(Layer):
    """A weighted sum of the features, plus a bias.

    Formula: y = x W^T + b
    Derivative: dL/dx = g W; dL/dW = g^T x and dL/db = sum of g, both summed over the batch.
    Shapes: x (..., in_features), W (out_features, in_features), b (out_features,),
        y (..., out_features).
    Dtypes: float32 and float64; the output has the promotion of the input's and the weights'.
    Errors: TypeError for an array that is not floating; ValueError for another number of
        features or an upstream gradient of another shape; RuntimeError for backward before
        forward.
    Book: section 7.1, chapters 19 and 20.
    Paper: Rosenblatt (1958), The perceptron, Psychological Review 65(6),
        DOI 10.1037/h0042519.
    PyTorch: torch.nn.Linear. No difference; the weights start from the same law,
        U(-1/sqrt(in_features), 1/sqrt(in_features)).
    """

    def __init__(self, in_features, out_features, bias=True, rng=None):
        super().__init__()
        self.in_features = _checks.check_integer(self, minimum=0, in_features=in_features)
        self.out_features = _checks.check_integer(self, minimum=0, out_features=out_features)
        self.bias = _checks.check_flag(self, bias=bias)
        rng = _checks.check_generator(self, rng=rng)
        bound = 1 / np.sqrt(in_features) if in_features else 0.0
        shapes = [(out_features, in_features), (out_features,)][: 1 + self.bias]
        self.params = [rng.uniform(-bound, bound, shape) for shape in shapes]

    @property
    def weights(self):
        return self.params[0]

    def forward(self, input_data):
        _checks.check_last_axis(self, self.in_features, "features", input_data=input_data)
        self.input_data = input_data
        output = input_data @ self.weights.T  # (..., out_features)
        return output + self.params[1] if self.bias else output

    def backward(self, grad_output):
        rows = grad_output.reshape(-1, self.out_features)  # (batch, out_features)
        inputs = self.input_data.reshape(-1, self.in_features)  # (batch, in_features)
        grad_params = [rows.T @ inputs, rows.sum(axis=0)][: 1 + self.bias]
        return grad_output @ self.weights, grad_params
