"""Chapter 7: sigmoidal activations."""

import numpy as np

from reference._base import Layer


class Softsign(Layer):
    """The input divided by one plus its own magnitude.

    Formula: y = x / (1 + |x|)
    Derivative: dy/dx = 1 / (1 + |x|)^2; it has no kink: at 0 it is 1.
    Shapes: any; the output has the input's.
    Dtypes: float32 and float64; the output has the input's.
    Errors: TypeError for an array that is not floating; ValueError for an upstream gradient of
        another shape; RuntimeError for backward before forward.
    Book: section 7.7, eq. 7.6-7.7.
    Paper: Turian, Bergstra, Bengio (2009), Quadratic features and deep architectures for
        chunking, NAACL HLT.
    PyTorch: torch.nn.Softsign. Its gradient subtracts two terms that cancel for large |x|; this
        one does not, and is the more accurate of the two.
    """

    def forward(self, input_data):
        self.scale = 1 + np.abs(input_data)
        return input_data / self.scale

    def backward(self, grad_output):
        # Two divisions: the square of the scale overflows before its inverse vanishes.
        return grad_output / self.scale / self.scale, None
