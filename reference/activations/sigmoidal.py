"""Chapter 7: sigmoidal activations."""

import numpy as np

from reference import _checks, _numeric
from reference._base import Layer


class Heaviside(Layer):
    """The unit step: off below zero, on above.

    Formula: y = 0 for x < 0, value_at_zero for x = 0, 1 for x > 0
    Derivative: dy/dx = 0 wherever it exists; at the jump 0 it does not, and is taken as 0 too, so
        that nothing can be learned through it.
    Shapes: any; the output has the input's.
    Dtypes: float32 and float64; the output has the input's.
    Errors: TypeError for an array that is not floating; ValueError for a value_at_zero that is not
        finite or an upstream gradient of another shape; RuntimeError for backward before forward.
    Book: section 7.4, fig. 6.
    Paper: McCulloch, Pitts (1943), A logical calculus of the ideas immanent in nervous activity,
        Bulletin of Mathematical Biophysics 5, DOI 10.1007/BF02478259.
    PyTorch: torch.heaviside, which autograd does not differentiate. No difference: a NaN becomes 0
        there too.
    """

    def __init__(self, value_at_zero=0.5):
        super().__init__()
        self.value_at_zero = _checks.check_number(self, value_at_zero=value_at_zero)

    def forward(self, input_data):
        at_zero = (input_data == 0).astype(input_data.dtype)
        return (input_data > 0) + self.value_at_zero * at_zero

    def backward(self, grad_output):
        return np.zeros_like(grad_output), None


class WilsonCowan(Layer):
    """The logistic curve of a population of neurons, lowered so that it passes through the origin.

    Formula: y = s(a (x - theta)) - s(-a theta) with s(u) = 1 / (1 + e^-u)
    Derivative: dy/dx = a s(a (x - theta)) s(-a (x - theta)); it has no kink.
    Shapes: any; the output has the input's.
    Dtypes: float32 and float64; the output has the input's.
    Errors: TypeError for an array that is not floating; ValueError for an a of 0, an option that
        is not finite or an upstream gradient of another shape; RuntimeError for backward before
        forward.
    Book: section 7.4, eq. 7.1.
    Paper: Wilson, Cowan (1972), Excitatory and inhibitory interactions in localized populations of
        model neurons, Biophysical Journal 12(1), DOI 10.1016/S0006-3495(72)86068-5.
    PyTorch: none; the oracle is the formula. At the origin the output is 0 to the bit.
    """

    def __init__(self, a=1.2, theta=2.8):
        super().__init__()
        self.a = _checks.check_nonzero(self, a=a)
        self.theta = _checks.check_number(self, theta=theta)

    def forward(self, input_data):
        drive = _numeric.product(self.a, input_data - self.theta)
        above, self.slopes = _numeric.sigmoid_and_slope(drive)
        resting = self.a * (input_data.dtype.type(0) - self.theta)
        return above - _numeric.sigmoid(resting)

    def backward(self, grad_output):
        return grad_output * (self.a * self.slopes), None


class Sigmoid(Layer):
    """The logistic curve: presses every number into the interval from 0 to 1.

    Formula: y = 1 / (1 + e^-x)
    Derivative: dy/dx = e^-x / (1 + e^-x)^2; it has no kink: at 0 it is 1/4.
    Shapes: any; the output has the input's.
    Dtypes: float32 and float64; the output has the input's.
    Errors: TypeError for an array that is not floating; ValueError for an upstream gradient of
        another shape; RuntimeError for backward before forward.
    Book: section 7.5, eq. 7.2-7.3.
    Paper: Rumelhart, Hinton, Williams (1986), Learning representations by back-propagating errors,
        Nature 323, DOI 10.1038/323533a0.
    PyTorch: torch.nn.Sigmoid. Its gradient y (1 - y), which the book's listing has too, loses
        its digits for large x; this one does not, and is the more accurate of the two.
    """

    def forward(self, input_data):
        output, self.slopes = _numeric.sigmoid_and_slope(input_data)
        return output

    def backward(self, grad_output):
        return grad_output * self.slopes, None


class Tanh(Layer):
    """The hyperbolic tangent: presses every number into the interval from -1 to 1.

    Formula: y = (e^x - e^-x) / (e^x + e^-x)
    Derivative: dy/dx = 1 / cosh(x)^2 = 1 - y^2; it has no kink: at 0 it is 1.
    Shapes: any; the output has the input's.
    Dtypes: float32 and float64; the output has the input's.
    Errors: TypeError for an array that is not floating; ValueError for an upstream gradient of
        another shape; RuntimeError for backward before forward.
    Book: section 7.6, eq. 7.4-7.5.
    Paper: LeCun, Bottou, Bengio, Haffner (1998), Gradient-based learning applied to document
        recognition, Proceedings of the IEEE 86(11), DOI 10.1109/5.726791.
    PyTorch: torch.nn.Tanh. No difference. The exponent of the first term is misprinted in eq. 7.4.
    """

    def forward(self, input_data):
        self.output = np.tanh(input_data)
        return self.output

    def backward(self, grad_output):
        return grad_output * (1 - self.output * self.output), None


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
        # Infinity over infinity is NaN, as in PyTorch.
        with np.errstate(invalid="ignore"):
            return input_data / self.scale

    def backward(self, grad_output):
        # Two divisions: the square of the scale overflows before its inverse vanishes.
        return grad_output / self.scale / self.scale, None


class HardSigmoid(Layer):
    """The logistic curve drawn with three straight lines.

    Formula: y = 0 for x < -3, x/6 + 1/2 for -3 <= x <= 3, 1 for x > 3
    Derivative: dy/dx = 1/6 for -3 < x < 3, 0 otherwise; at the kinks -3 and 3 it is 0, PyTorch's
        choice (eq. 7.9 leaves it open, the book's listing has 1/6).
    Shapes: any; the output has the input's.
    Dtypes: float32 and float64; the output has the input's.
    Errors: TypeError for an array that is not floating; ValueError for an upstream gradient of
        another shape; RuntimeError for backward before forward.
    Book: section 7.8, eq. 7.8-7.9.
    Paper: Howard et al. (2019), Searching for MobileNetV3, ICCV, DOI 10.1109/ICCV.2019.00140.
    PyTorch: torch.nn.Hardsigmoid. Its gradient has 1/6 rounded to float32 in float64 too, which
        is 3e-8 off; this one has not.
    """

    def forward(self, input_data):
        self.inside = (input_data > -3) & (input_data < 3)
        return np.clip(input_data + 3, 0, 6) / 6

    def backward(self, grad_output):
        return grad_output * (1 / 6) * self.inside, None


class HardTanh(Layer):
    """The input, held between two bounds.

    Formula: y = min_val for x < min_val, max_val for x > max_val, x between
    Derivative: dy/dx = 1 for min_val < x < max_val, 0 otherwise; at the kinks min_val and max_val
        it is 0, PyTorch's choice (eq. 7.11 leaves it open, the book's listing agrees).
    Shapes: any; the output has the input's.
    Dtypes: float32 and float64; the output has the input's.
    Errors: TypeError for an array that is not floating or a bound that is not a number; ValueError
        for bounds out of order or an upstream gradient of another shape; RuntimeError for backward
        before forward.
    Book: section 7.8, eq. 7.10-7.11.
    Paper: Collobert (2004), Large scale machine learning, PhD thesis, Universite Paris VI.
    PyTorch: torch.nn.Hardtanh. No difference. torch.clamp has the derivative 1 at the bounds.
    """

    def __init__(self, min_val=-1.0, max_val=1.0):
        super().__init__()
        self.max_val = _checks.check_extended_number(self, max_val=max_val)
        self.min_val = _checks.check_extended_number(self, min_val=min_val)
        _checks.check_below(self, ("max_val", self.max_val), min_val=self.min_val)

    def forward(self, input_data):
        self.inside = (input_data > self.min_val) & (input_data < self.max_val)
        return np.clip(input_data, self.min_val, self.max_val)

    def backward(self, grad_output):
        return grad_output * self.inside, None
