"""The dense layer (sections 7.1, 19 and 20)."""

import math

import numpy as np

from reference import _checks, _numeric
from reference._base import Layer


def _as_rows(array):
    """A view (batch, features) of (..., features), whatever is empty."""
    return array.reshape(math.prod(array.shape[:-1]), array.shape[-1])


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
        rows = _as_rows(grad_output)  # (batch, out_features)
        inputs = _as_rows(self.input_data)  # (batch, in_features)
        grad_params = [rows.T @ inputs, rows.sum(axis=0)][: 1 + self.bias]
        return grad_output @ self.weights, grad_params


class Identity(Layer):
    """Gives back its input.

    Formula: y = x
    Derivative: dy/dx = 1.
    Shapes: any; the output has the input's.
    Dtypes: float32 and float64; the output has the input's.
    Errors: TypeError for an array that is not floating; ValueError for an upstream gradient of
        another shape; RuntimeError for backward before forward.
    Book: not in the book.
    Paper: none.
    PyTorch: torch.nn.Identity. Takes no arguments; PyTorch's takes any and ignores them.
    """

    def forward(self, input_data):
        return input_data

    def backward(self, grad_output):
        return grad_output, None


class Bilinear(Layer):
    """A weighted sum of the products of the features of two inputs, plus a bias.

    Formula: y_o = u^T W_o v + b_o, with W_o the o-th matrix of W
    Derivative: dL/du = sum over o of g_o W_o v; dL/dv = sum over o of g_o W_o^T u;
        dL/dW_o = g_o u v^T and dL/db = g, both summed over the batch.
    Shapes: u (..., in1_features), v (..., in2_features) with the same leading axes,
        W (out_features, in1_features, in2_features), b (out_features,), y (..., out_features).
    Dtypes: float32 and float64; the output has the promotion of the inputs' and the weights'.
    Errors: TypeError for an array that is not floating; ValueError for another number of
        features, leading axes that differ or an upstream gradient of another shape; RuntimeError
        for backward before forward.
    Book: not in the book.
    Paper: Tenenbaum, Freeman (2000), Separating style and content with bilinear models, Neural
        Computation 12(6), DOI 10.1162/089976600300015349.
    PyTorch: torch.nn.Bilinear. No difference; the weights start from the same law,
        U(-1/sqrt(in1_features), 1/sqrt(in1_features)).
    """

    def __init__(self, in1_features, in2_features, out_features, bias=True, rng=None):
        super().__init__()
        self.in1_features = _checks.check_integer(self, in1_features=in1_features)
        self.in2_features = _checks.check_integer(self, in2_features=in2_features)
        self.out_features = _checks.check_integer(self, minimum=0, out_features=out_features)
        self.bias = _checks.check_flag(self, bias=bias)
        rng = _checks.check_generator(self, rng=rng)
        bound = 1 / np.sqrt(in1_features)
        shapes = [(out_features, in1_features, in2_features), (out_features,)][: 1 + self.bias]
        self.params = [rng.uniform(-bound, bound, shape) for shape in shapes]

    @property
    def weights(self):
        return self.params[0]

    def forward(self, input1, input2):
        _checks.check_last_axis(self, self.in1_features, "features", input1=input1)
        _checks.check_shape(self, (*input1.shape[:-1], self.in2_features), input2=input2)
        self.input1, self.input2 = input1, input2
        products = _as_rows(input1) @ self.weights  # u^T W_o: (out, batch, in2)
        output = _numeric.einsum("onj,nj->no", products, _as_rows(input2))
        output = output.reshape(*input1.shape[:-1], self.out_features)
        return output + self.params[1] if self.bias else output

    def backward(self, grad_output):
        u, v, grad = _as_rows(self.input1), _as_rows(self.input2), _as_rows(grad_output)
        # W_o v and u^T W_o: (out, batch, features)
        grad_input1 = _numeric.einsum("no,oni->ni", grad, v @ self.weights.swapaxes(1, 2))
        grad_input2 = _numeric.einsum("no,onj->nj", grad, u @ self.weights)
        scaled = grad[:, :, np.newaxis] * u[:, np.newaxis, :]  # g_o u: (batch, out, in1)
        grad_weights = scaled.reshape(len(u), self.out_features * self.in1_features).T @ v
        grad_params = [grad_weights.reshape(self.weights.shape), grad.sum(axis=0)]
        grads = grad_input1.reshape(self.input1.shape), grad_input2.reshape(self.input2.shape)
        return grads, grad_params[: 1 + self.bias]
