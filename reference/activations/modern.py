"""Chapter 9: modern and other activations."""

import math

import numpy as np

from reference import _checks, _numeric
from reference._base import Layer

# Where a curve is flat to the last digit in every dtype, and powers are far from overflowing.
_FAR = 200


@_numeric.in_blocks(results=2)
def _normal(x):
    """P(x) and P'(x) of the standard normal distribution."""
    near = np.clip(x, -_FAR, _FAR)
    return _numeric.normal_cdf(x), np.exp(near * near / -2) / math.sqrt(2 * math.pi)


@_numeric.in_blocks(results=2)
def _logistic_of_cubic(x):
    """P(x) and P'(x) of the approximation with a hyperbolic tangent."""
    near = np.clip(x, -_FAR, _FAR)
    exponent = math.sqrt(8 / math.pi) * near * (1 + 0.044715 * near * near)
    growth = math.sqrt(8 / math.pi) * (1 + 3 * 0.044715 * near * near)
    below, slope = _numeric.sigmoid_and_slope(exponent)
    return below, growth * slope


@_numeric.in_blocks(results=2)
def _logistic(x):
    """P(x) and P'(x) of the approximation with a logistic curve."""
    below, slope = _numeric.sigmoid_and_slope(_numeric.product(1.702, x))
    return below, 1.702 * slope


_LAWS = {"none": _normal, "tanh": _logistic_of_cubic, "sigmoid": _logistic}


class GELU(Layer):
    """The input times the probability that a standard normal number lies below it.

    Formula: y = x P(x) with P(x) = erfc(-x / sqrt(2)) / 2
        P(x) = s(sqrt(8/pi) (x + 0.044715 x^3)) (approximate="tanh")
        P(x) = s(1.702 x) (approximate="sigmoid"), with s(u) = 1 / (1 + e^-u)
    Derivative: dy/dx = P(x) + x P'(x), where P'(x) = e^(-x^2/2) / sqrt(2 pi), or s(u) s(-u) du/dx
        in the approximations; it has no kink: at 0 it is 1/2.
    Shapes: any; the output has the input's.
    Dtypes: float32 and float64; the output has the input's.
    Errors: TypeError for an array that is not floating; ValueError for another approximation or an
        upstream gradient of another shape; RuntimeError for backward before forward.
    Book: chapter 9, which prints no equation yet.
    Paper: Hendrycks, Gimpel (2016), Gaussian error linear units (GELUs), arXiv 1606.08415.
    PyTorch: torch.nn.GELU, which has no "sigmoid". Its 1 + erf(x / sqrt(2)) and 1 + tanh(v) cancel
        below about -5, where this one is the more accurate. In float32, on processors with
        AVX-512, its exact form overflows for x above half of the largest number and is NaN at
        infinity; the gradient of its tanh form is NaN where x^2 overflows; this one's are x, and 0
        or 1. Both are NaN where infinity meets 0.
    """

    def __init__(self, approximate="none"):
        super().__init__()
        self.approximate = _checks.check_choice(self, tuple(_LAWS), approximate=approximate)

    def forward(self, input_data):
        below, density = _LAWS[self.approximate](input_data)
        self.slopes = below + _numeric.product(input_data, density)
        return _numeric.product(input_data, below)

    def backward(self, grad_output):
        return grad_output * self.slopes, None


class SiLU(Layer):
    """The input times its own sigmoid.

    Formula: y = x s(x) with s(x) = 1 / (1 + e^-x)
    Derivative: dy/dx = s(x) + x s(x) s(-x); it has no kink: at 0 it is 1/2.
    Shapes: any; the output has the input's.
    Dtypes: float32 and float64; the output has the input's.
    Errors: TypeError for an array that is not floating; ValueError for an upstream gradient of
        another shape; RuntimeError for backward before forward.
    Book: chapter 9, which prints no equation yet.
    Paper: Elfwing, Uchibe, Doya (2018), Sigmoid-weighted linear units for neural network function
        approximation in reinforcement learning, Neural Networks 107,
        DOI 10.1016/j.neunet.2017.12.012.
    PyTorch: torch.nn.SiLU. Its output is 0 as soon as e^-x overflows; this one goes on to the
        smallest number. At infinity both are NaN where infinity meets 0.
    """

    def forward(self, input_data):
        gate, rise = _numeric.sigmoid_and_slope(input_data)
        self.slopes = gate + _numeric.product(input_data, rise)
        return _numeric.product(input_data, gate)

    def backward(self, grad_output):
        return grad_output * self.slopes, None


class Swish(Layer):
    """The input times its own sigmoid, whose steepness beta is learned.

    Formula: y = x s(beta x) with s(u) = 1 / (1 + e^-u)
    Derivative: dy/dx = s(beta x) + x beta s(beta x) s(-beta x); it has no kink: at 0 it is 1/2.
        dL/dbeta = sum of g x^2 s(beta x) s(-beta x).
    Shapes: any; beta (1,); the output has the input's.
    Dtypes: float32 and float64; the output has the promotion of the input's and beta's.
    Errors: TypeError for an array that is not floating; ValueError for a beta that is not finite
        or an upstream gradient of another shape; RuntimeError for backward before forward.
    Book: chapter 9, which prints no equation yet.
    Paper: Ramachandran, Zoph, Le (2017), Searching for activation functions, arXiv 1710.05941.
    PyTorch: none; the oracle is the formula. With beta = 1 it is torch.nn.SiLU.
    """

    def __init__(self, beta=1.0):
        super().__init__()
        self.params = [np.full(1, _checks.check_number(self, beta=beta), float)]

    @property
    def beta(self):
        return self.params[0]

    def forward(self, input_data):
        exponent = _numeric.product(self.beta, input_data).reshape(input_data.shape)
        gate, rise = _numeric.sigmoid_and_slope(exponent)
        self.lift = _numeric.product(input_data, rise)
        self.slopes = gate + np.reshape(self.beta * self.lift, gate.shape)
        self.input_data = input_data
        return _numeric.product(input_data, gate)

    def backward(self, grad_output):
        grad_beta = np.sum(grad_output * _numeric.product(self.input_data, self.lift))
        return grad_output * self.slopes, [np.reshape(grad_beta, 1)]


class Hardswish(Layer):
    """SiLU with its sigmoid drawn with straight lines.

    Formula: y = x min(6, max(0, x + 3)) / 6
    Derivative: dy/dx = 0 for x <= -3, x/3 + 1/2 for -3 < x < 3, 1 for x >= 3; at the kinks -3 and 3
        it is 0 and 1, PyTorch's choice.
    Shapes: any; the output has the input's.
    Dtypes: float32 and float64; the output has the input's.
    Errors: TypeError for an array that is not floating; ValueError for an upstream gradient of
        another shape; RuntimeError for backward before forward.
    Book: chapter 9, which prints no equation yet.
    Paper: Howard et al. (2019), Searching for MobileNetV3, ICCV, DOI 10.1109/ICCV.2019.00140.
    PyTorch: torch.nn.Hardswish. Its output overflows for x above a sixth of the largest number;
        this one's is x. Both are NaN at minus infinity.
    """

    def forward(self, input_data):
        inside = (input_data > -3) & (input_data < 3)
        gate = np.clip(input_data + 3, 0, 6) / 6
        self.slopes = (input_data >= 3) + inside * (2 * gate - 0.5)
        return _numeric.product(input_data, gate)

    def backward(self, grad_output):
        return grad_output * self.slopes, None


class Mish(Layer):
    """The input times the hyperbolic tangent of its softplus.

    Formula: y = x tanh(log(1 + e^x))
    Derivative: dy/dx = t + x (1 - t^2) s(x) with t = tanh(log(1 + e^x)) and s(x) = 1 / (1 + e^-x);
        it has no kink: at 0 it is 3/5.
    Shapes: any; the output has the input's.
    Dtypes: float32 and float64; the output has the input's.
    Errors: TypeError for an array that is not floating; ValueError for an upstream gradient of
        another shape; RuntimeError for backward before forward.
    Book: chapter 9, which prints no equation yet.
    Paper: Misra (2020), Mish: a self regularized non-monotonic activation function, BMVC,
        arXiv 1908.08681.
    PyTorch: torch.nn.Mish. No difference. At infinity both are NaN where infinity meets 0.
    """

    def forward(self, input_data):
        inner, inner_slope = _numeric.softplus_and_slope(input_data)
        gate = np.tanh(inner)
        rise = (1 - gate * gate) * inner_slope
        self.slopes = gate + _numeric.product(input_data, rise)
        return _numeric.product(input_data, gate)

    def backward(self, grad_output):
        return grad_output * self.slopes, None


class HardMish(Layer):
    """Mish drawn with two straight lines and a parabola.

    Formula: y = x min(2, max(0, x + 2)) / 2
    Derivative: dy/dx = x + 1 for -2 < x < 0, 1 for x >= 0, 0 for x <= -2; at the kink -2 it is 0,
        as Hardswish's is at its own; at 0 both sides have slope 1.
    Shapes: any; the output has the input's.
    Dtypes: float32 and float64; the output has the input's.
    Errors: TypeError for an array that is not floating; ValueError for an upstream gradient of
        another shape; RuntimeError for backward before forward.
    Book: chapter 9, which prints no equation yet.
    Paper: none of its own; it is to Mish (Misra 2020, BMVC) what Hardswish is to SiLU.
    PyTorch: none; the oracle is the formula. It is NaN at minus infinity, as Hardswish is.
    """

    def forward(self, input_data):
        inside = (input_data > -2) & (input_data < 0)
        gate = np.clip(input_data + 2, 0, 2) / 2
        self.slopes = (input_data >= 0) + inside * (2 * gate - 1)
        return _numeric.product(input_data, gate)

    def backward(self, grad_output):
        return grad_output * self.slopes, None


class Softplus(Layer):
    """A rectifier smoothed by a logarithm.

    Formula: y = log(1 + e^(beta x)) / beta for beta x <= threshold, x otherwise
    Derivative: dy/dx = 1 / (1 + e^(-beta x)) for beta x <= threshold, 1 otherwise; the jump at
        the threshold is of size e^-threshold, and the point itself belongs to the curve.
    Shapes: any; the output has the input's.
    Dtypes: float32 and float64; the output has the input's.
    Errors: TypeError for an array that is not floating; ValueError for a beta of 0, an option that
        is not finite or an upstream gradient of another shape; RuntimeError for backward before
        forward.
    Book: chapter 9, which prints no equation yet.
    Paper: Dugas, Bengio, Belisle, Nadeau, Garcia (2001), Incorporating second-order functional
        knowledge for better option pricing, NeurIPS 13.
    PyTorch: torch.nn.Softplus. It overflows where e^(beta x) does, if the threshold lets it; this
        one does not.
    """

    def __init__(self, beta=1.0, threshold=20.0):
        super().__init__()
        self.beta = _checks.check_nonzero(self, beta=beta)
        self.threshold = _checks.check_number(self, threshold=threshold)

    def forward(self, input_data):
        exponent = _numeric.product(self.beta, input_data)
        straight = exponent > self.threshold
        curve, slopes = _numeric.softplus_and_slope(exponent)
        self.slopes = np.maximum(straight, slopes)
        return np.where(straight, input_data, curve / self.beta)

    def backward(self, grad_output):
        return grad_output * self.slopes, None


class LogSigmoid(Layer):
    """The logarithm of the sigmoid.

    Formula: y = log(1 / (1 + e^-x))
    Derivative: dy/dx = 1 / (1 + e^x); it has no kink: at 0 it is 1/2.
    Shapes: any; the output has the input's.
    Dtypes: float32 and float64; the output has the input's.
    Errors: TypeError for an array that is not floating; ValueError for an upstream gradient of
        another shape; RuntimeError for backward before forward.
    Book: chapter 9, which prints no equation yet.
    Paper: none of its own; it is minus the softplus of -x.
    PyTorch: torch.nn.LogSigmoid. No difference.
    """

    def forward(self, input_data):
        losses, self.slopes = _numeric.softplus_and_slope(-input_data)
        return 0 - losses  # +0, not -0, for large inputs

    def backward(self, grad_output):
        return grad_output * self.slopes, None


class Exponential(Layer):
    """The exponential function.

    Formula: y = e^x
    Derivative: dy/dx = e^x; it has no kink.
    Shapes: any; the output has the input's.
    Dtypes: float32 and float64; the output has the input's.
    Errors: TypeError for an array that is not floating; ValueError for an upstream gradient of
        another shape; RuntimeError for backward before forward.
    Book: chapter 9, which prints no equation yet.
    Paper: none.
    PyTorch: torch.exp. No difference.
    """

    def forward(self, input_data):
        # The exponential of a large number is infinite, as in PyTorch.
        with np.errstate(over="ignore"):
            self.output = np.exp(input_data)
        return self.output

    def backward(self, grad_output):
        return _numeric.product(grad_output, self.output), None


class ReLU6(Layer):
    """A rectifier that lets nothing above 6 through.

    Formula: y = min(6, max(0, x))
    Derivative: dy/dx = 1 for 0 < x < 6, 0 otherwise; at the kinks 0 and 6 it is 0, PyTorch's
        choice.
    Shapes: any; the output has the input's.
    Dtypes: float32 and float64; the output has the input's.
    Errors: TypeError for an array that is not floating; ValueError for an upstream gradient of
        another shape; RuntimeError for backward before forward.
    Book: chapter 9, which prints no equation yet.
    Paper: Krizhevsky (2010), Convolutional deep belief networks on CIFAR-10, unpublished.
    PyTorch: torch.nn.ReLU6. No difference.
    """

    def forward(self, input_data):
        self.inside = (input_data > 0) & (input_data < 6)
        return np.clip(input_data, 0, 6)

    def backward(self, grad_output):
        return grad_output * self.inside, None


class CELU(Layer):
    """An ELU whose negative side is stretched so that its slope is 1 at 0 for every alpha.

    Formula: y = max(0, x) + alpha (e^(min(0, x) / alpha) - 1)
    Derivative: dy/dx = 1 for x > 0, e^(x / alpha) otherwise; it has no kink: at 0 it is 1.
    Shapes: any; the output has the input's.
    Dtypes: float32 and float64; the output has the input's.
    Errors: TypeError for an array that is not floating; ValueError for an alpha that is 0 or not
        finite or an upstream gradient of another shape; RuntimeError for backward before forward.
    Book: chapter 9, which prints no equation yet.
    Paper: Barron (2017), Continuously differentiable exponential linear units, arXiv 1704.07483.
    PyTorch: torch.nn.CELU. Its gradient rounds 1 / alpha and alpha to float32 in float64 too;
        this one does not.
    """

    def __init__(self, alpha=1.0):
        super().__init__()
        self.alpha = _checks.check_nonzero(self, alpha=alpha)

    def forward(self, input_data):
        exponent = _numeric.product(1 / self.alpha, np.minimum(0, input_data))
        self.slopes, curve = _numeric.exp_and_expm1(exponent)
        return np.maximum(0, input_data) + self.alpha * curve

    def backward(self, grad_output):
        return _numeric.product(grad_output, self.slopes), None


class Tanhshrink(Layer):
    """What the hyperbolic tangent takes away from its input.

    Formula: y = x - tanh(x)
    Derivative: dy/dx = tanh(x)^2; it has no kink: at 0 it is 0.
    Shapes: any; the output has the input's.
    Dtypes: float32 and float64; the output has the input's.
    Errors: TypeError for an array that is not floating; ValueError for an upstream gradient of
        another shape; RuntimeError for backward before forward.
    Book: chapter 9, which prints no equation yet.
    Paper: none known.
    PyTorch: torch.nn.Tanhshrink. Its gradient 1 - (1 - tanh(x)^2) cancels for small x; this one
        does not.
    """

    def forward(self, input_data):
        self.taken = np.tanh(input_data)
        return input_data - self.taken

    def backward(self, grad_output):
        return grad_output * (self.taken * self.taken), None


class Softshrink(Layer):
    """Moves its input towards 0 by lambd, and no farther than 0.

    Formula: y = x - lambd for x > lambd, x + lambd for x < -lambd, 0 between
    Derivative: dy/dx = 1 for |x| > lambd, 0 otherwise; at the kinks lambd and -lambd it is 0,
        PyTorch's choice.
    Shapes: any; the output has the input's.
    Dtypes: float32 and float64; the output has the input's.
    Errors: TypeError for an array that is not floating; ValueError for a lambd that is negative or
        not finite or an upstream gradient of another shape; RuntimeError for backward before
        forward.
    Book: chapter 9, which prints no equation yet.
    Paper: Donoho (1995), De-noising by soft-thresholding, IEEE Transactions on Information Theory
        41(3), DOI 10.1109/18.382009.
    PyTorch: torch.nn.Softshrink. No difference.
    """

    def __init__(self, lambd=0.5):
        super().__init__()
        self.lambd = _checks.check_nonnegative(self, lambd=lambd)

    def forward(self, input_data):
        self.outside = np.abs(input_data) > self.lambd
        return input_data - np.clip(input_data, -self.lambd, self.lambd)

    def backward(self, grad_output):
        return grad_output * self.outside, None


class Hardshrink(Layer):
    """Its input, or 0 where that is within lambd of 0.

    Formula: y = x for |x| > lambd, 0 otherwise
    Derivative: dy/dx = 1 for |x| > lambd, 0 otherwise; at the jumps lambd and -lambd it is 0,
        PyTorch's choice.
    Shapes: any; the output has the input's.
    Dtypes: float32 and float64; the output has the input's.
    Errors: TypeError for an array that is not floating; ValueError for a lambd that is not finite
        or an upstream gradient of another shape; RuntimeError for backward before forward.
    Book: chapter 9, which prints no equation yet.
    Paper: Donoho, Johnstone (1994), Ideal spatial adaptation by wavelet shrinkage, Biometrika
        81(3), DOI 10.1093/biomet/81.3.425.
    PyTorch: torch.nn.Hardshrink. No difference; a negative lambd lets everything through.
    """

    def __init__(self, lambd=0.5):
        super().__init__()
        self.lambd = _checks.check_number(self, lambd=lambd)

    def forward(self, input_data):
        self.outside = np.abs(input_data) > self.lambd
        # Minus a negative zero leaves no zero negative; a negative lambd touches none.
        return _numeric.product(input_data, self.outside) - math.copysign(0.0, -self.lambd)

    def backward(self, grad_output):
        return grad_output * self.outside, None


class Threshold(Layer):
    """Its input above a threshold, a fixed value below it.

    Formula: y = x for x > threshold, value otherwise
    Derivative: dy/dx = 1 for x > threshold, 0 otherwise; at the threshold it is 0, PyTorch's
        choice.
    Shapes: any; the output has the input's.
    Dtypes: float32 and float64; the output has the input's.
    Errors: TypeError for an array that is not floating; ValueError for an option that is not
        finite or an upstream gradient of another shape; RuntimeError for backward before forward.
    Book: chapter 9, which prints no equation yet.
    Paper: none; with threshold and value 0 it is the rectifier.
    PyTorch: torch.nn.Threshold. No difference.
    """

    def __init__(self, threshold, value):
        super().__init__()
        self.threshold = _checks.check_number(self, threshold=threshold)
        self.value = _checks.check_number(self, value=value)

    def forward(self, input_data):
        # A NaN is not below: it stays and lets the gradient through, as in PyTorch.
        self.above = ~(input_data <= self.threshold)
        return np.where(self.above, input_data, self.value)

    def backward(self, grad_output):
        return grad_output * self.above, None
