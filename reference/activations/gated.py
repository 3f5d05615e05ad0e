"""Gated linear units: one half of the features lets the other through (chapter 9)."""

import math

import numpy as np

from reference import _checks, _numeric
from reference._base import Layer
from reference.activations.modern import GELU, SiLU
from reference.activations.rectifying import ReLU
from reference.activations.sigmoidal import Sigmoid


class GLU(Layer):
    """The gated linear unit: one half of the features, let through by the sigmoid of the other.

    Formula: y = a s(b) with x = (a, b) and s(b) = 1 / (1 + e^-b)
    Derivative: dL/da = g s(b); dL/db = g a s(b) s(-b); it has no kink.
    Shapes: x (..., 2 n), y (..., n); the halves lie along the axis given.
    Dtypes: float32 and float64; the output has the input's.
    Errors: TypeError for an array that is not floating; ValueError for an odd length along the
        axis or an upstream gradient of another shape; RuntimeError for backward before forward.
    Book: chapter 9, which prints no equation yet.
    Paper: Dauphin, Fan, Auli, Grangier (2017), Language modeling with gated convolutional
        networks, ICML, arXiv 1612.08083.
    PyTorch: torch.nn.GLU(dim=axis). No difference.
    """

    def __init__(self, axis=-1):
        super().__init__()
        self.axis = _checks.check_integer(self, minimum=-math.inf, axis=axis)
        self.gate = Sigmoid()

    def forward(self, input_data):
        _checks.check_halves(self, self.axis, input_data=input_data)
        self.carried, opening = np.split(input_data, 2, axis=self.axis)
        self.opened = self.gate.forward(opening)
        return _numeric.product(self.carried, self.opened)

    def backward(self, grad_output):
        grad_carried = _numeric.product(grad_output, self.opened)
        grad_opening = self.grad_opening(grad_output)
        return np.concatenate([grad_carried, grad_opening], axis=self.axis), None

    def grad_opening(self, grad_output):
        """What comes through the gate."""
        grad_opened, _ = self.gate.backward(grad_output)
        return _numeric.product(grad_opened, self.carried)


class ReGLU(GLU):
    """One half of the features, let through by the rectifier of the other.

    Formula: y = a max(0, b) with x = (a, b)
    Derivative: dL/da = g max(0, b); dL/db = g a for b > 0, 0 otherwise; at the kink 0 it is 0, as
        ReLU's.
    Shapes: x (..., 2 n), y (..., n); the halves lie along the axis given.
    Dtypes: float32 and float64; the output has the input's.
    Errors: TypeError for an array that is not floating; ValueError for an odd length along the
        axis or an upstream gradient of another shape; RuntimeError for backward before forward.
    Book: not in the book.
    Paper: Shazeer (2020), GLU variants improve transformer, arXiv 2002.05202.
    PyTorch: none; the oracle is the formula. The paper's gate is its first half, here as in
        torch.nn.GLU it is the second.
    """

    def __init__(self, axis=-1):
        super().__init__(axis)
        self.gate = ReLU()

    def grad_opening(self, grad_output):
        pull = _numeric.product(grad_output, self.carried)
        # Nothing comes through a shut gate, not even infinity, as in PyTorch.
        return np.where(self.gate.alive, pull, 0)


class GEGLU(GLU):
    """One half of the features, let through by the GELU of the other.

    Formula: y = a b P(b) with x = (a, b) and P(b) = erfc(-b / sqrt(2)) / 2
    Derivative: dL/da = g b P(b); dL/db = g a (P(b) + b e^(-b^2/2) / sqrt(2 pi)); it has no kink.
    Shapes: x (..., 2 n), y (..., n); the halves lie along the axis given.
    Dtypes: float32 and float64; the output has the input's.
    Errors: TypeError for an array that is not floating; ValueError for an odd length along the
        axis or an upstream gradient of another shape; RuntimeError for backward before forward.
    Book: chapter 9, which prints no equation yet.
    Paper: Shazeer (2020), GLU variants improve transformer, arXiv 2002.05202.
    PyTorch: none; the oracle is the formula. The paper's gate is its first half, here as in
        torch.nn.GLU it is the second.
    """

    def __init__(self, axis=-1):
        super().__init__(axis)
        self.gate = GELU()


class SwiGLU(GLU):
    """One half of the features, let through by the SiLU of the other.

    Formula: y = a b s(b) with x = (a, b) and s(b) = 1 / (1 + e^-b)
    Derivative: dL/da = g b s(b); dL/db = g a (s(b) + b s(b) s(-b)); it has no kink.
    Shapes: x (..., 2 n), y (..., n); the halves lie along the axis given.
    Dtypes: float32 and float64; the output has the input's.
    Errors: TypeError for an array that is not floating; ValueError for an odd length along the
        axis or an upstream gradient of another shape; RuntimeError for backward before forward.
    Book: chapter 9, which prints no equation yet.
    Paper: Shazeer (2020), GLU variants improve transformer, arXiv 2002.05202.
    PyTorch: none; the oracle is the formula. The paper's gate is its first half, here as in
        torch.nn.GLU it is the second.
    """

    def __init__(self, axis=-1):
        super().__init__(axis)
        self.gate = SiLU()
