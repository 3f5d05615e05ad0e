"""Chapter 8: rectifying activations."""

import numpy as np

from reference import _checks, _numeric
from reference._base import Layer


def _slopes(positive, slope, dtype):
    """1 where positive, the given slope elsewhere."""
    positive = np.asarray(positive, dtype)
    return positive + slope * (1 - positive)


@_numeric.in_blocks(results=2)
def _elu(x, alpha):
    """x where positive, alpha (e^x - 1) elsewhere; and the slope."""
    # Without a positive exponent nothing overflows.
    powers, curve = _numeric.exp_and_expm1(np.minimum(0, x))
    return np.where(x < 0, alpha * curve, x), _slopes(x > 0, alpha * powers, x.dtype)


@_numeric.in_blocks(results=2)
def _selu(x, scale, alpha):
    """scale x where positive, scale alpha (e^x - 1) elsewhere; and the slope."""
    powers, curve = _numeric.exp_and_expm1(np.minimum(0, x))
    # One of the two terms is 0; a choice by sign would take longer than their sum.
    output = _numeric.product(np.maximum(0, x) + alpha * curve, scale)
    return output, scale * _slopes(x > 0, alpha * powers, x.dtype)


class ReLU(Layer):
    """The rectified linear unit: the positive part of its input.

    Formula: y = max(0, x)
    Derivative: dy/dx = 1 for x > 0, 0 otherwise; at the kink 0 it is 0, as in PyTorch and in
        eq. 8.2.
    Shapes: any; the output has the input's.
    Dtypes: float32 and float64; the output has the input's.
    Errors: TypeError for an array that is not floating; ValueError for an upstream gradient of
        another shape; RuntimeError for backward before forward.
    Book: section 8.2, eq. 8.1-8.2.
    Paper: Nair, Hinton (2010), Rectified linear units improve restricted Boltzmann machines, ICML.
    PyTorch: torch.nn.ReLU. No difference.
    """

    def forward(self, input_data):
        # A NaN is not dead: it lets the gradient through, as in PyTorch.
        self.alive = ~(input_data <= 0)
        return np.maximum(0, input_data)

    def backward(self, grad_output):
        return np.where(self.alive, grad_output, 0), None


class LeakyReLU(Layer):
    """A rectifier that lets a fraction of the negative side through.

    Formula: y = x for x > 0, alpha x otherwise
    Derivative: dy/dx = 1 for x > 0, alpha otherwise; at the kink 0 it is alpha, as in PyTorch and
        in eq. 8.4.
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
        self.slopes = _slopes(input_data > 0, self.alpha, input_data.dtype)
        return _numeric.product(input_data, self.slopes)

    def backward(self, grad_output):
        return grad_output * self.slopes, None


class PReLU(Layer):
    """A leaky rectifier that learns its slope: one for all, or one for each channel.

    Formula: y = x for x > 0, alpha_c x otherwise, with c the channel
    Derivative: dy/dx = 1 for x > 0, alpha_c otherwise; at the kink 0 it is alpha_c, PyTorch's
        choice (eq. 8.6 says that it does not exist). dL/dalpha_c = sum of g min(0, x) over the
        elements of the channel; the book does not print it.
    Shapes: x (..., channels), any shape for one slope; alpha (num_parameters,); y as x.
    Dtypes: float32 and float64; the output has the promotion of the input's and the slopes'.
    Errors: TypeError for an array that is not floating; ValueError for another number of channels,
        an option out of range or an upstream gradient of another shape; RuntimeError for backward
        before forward.
    Book: section 8.4.2, eq. 8.5-8.6.
    Paper: He, Zhang, Ren, Sun (2015), Delving deep into rectifiers, ICCV,
        DOI 10.1109/ICCV.2015.123.
    PyTorch: torch.nn.PReLU. No difference, but that its channels are on axis 1.
    """

    def __init__(self, num_parameters=1, init=0.25):
        super().__init__()
        self.num_parameters = _checks.check_integer(self, minimum=0, num_parameters=num_parameters)
        self.params = [np.full(num_parameters, _checks.check_number(self, init=init), float)]

    @property
    def alpha(self):
        return self.params[0]

    def forward(self, input_data):
        if self.num_parameters != 1:
            _checks.check_last_axis(self, self.num_parameters, "channels", input_data=input_data)
        self.negative_part = np.minimum(0, input_data)
        slopes = np.where(input_data > 0, 1, self.alpha)
        self.slopes = slopes.reshape(input_data.shape)  # a number has no axis for its one slope
        return _numeric.product(input_data, self.slopes)

    def backward(self, grad_output):
        pulls = _numeric.product(grad_output, self.negative_part)
        places = pulls.size // max(self.num_parameters, 1)
        # Infinities that meet are NaN, as in PyTorch.
        with np.errstate(invalid="ignore"):
            grad_alpha = pulls.reshape(places, self.num_parameters).sum(axis=0)
        return grad_output * self.slopes, [grad_alpha]


class RReLU(Layer):
    """A leaky rectifier that draws each slope by lot while it trains, and uses the mean after.

    Formula: y = x for x > 0, alpha x otherwise; alpha ~ U(lower, upper) for each element in
        training, (lower + upper) / 2 in evaluation
    Derivative: dy/dx = 1 for x > 0, alpha otherwise, with the alpha drawn by forward; at the kink 0
        it is alpha, as in PyTorch and in eq. 8.8.
    Shapes: any; the output has the input's.
    Dtypes: float32 and float64; the output has the input's.
    Errors: TypeError for an array that is not floating or an rng that is no generator; ValueError
        for bounds that are not finite or out of order or an upstream gradient of another shape;
        RuntimeError for backward before forward.
    Book: section 8.4.3, eq. 8.7-8.8.
    Paper: Xu, Wang, Chen, Li (2015), Empirical evaluation of rectified activations in convolutional
        network, arXiv 1505.00853.
    PyTorch: torch.nn.RReLU. It draws slopes for x <= 0 alone. Where upper - lower is 1e-6 or less
        without being 0, its gradient has the mean slope instead of the drawn ones. The paper
        divides x by a number drawn from U(3, 8).
    """

    def __init__(self, lower=1 / 8, upper=1 / 3, rng=None):
        super().__init__()
        self.upper = _checks.check_number(self, upper=upper)
        self.lower = _checks.check_number(self, lower=lower)
        _checks.check_at_most(self, ("upper", self.upper), lower=self.lower)
        self.rng = _checks.check_generator(self, rng=rng)

    def forward(self, input_data):
        if self.training:
            drawn = self.rng.uniform(self.lower, self.upper, input_data.shape)
            # A NaN draws no slope, as in PyTorch.
            keeps, slope = ~(input_data <= 0), np.asarray(drawn, input_data.dtype)
        else:
            keeps, slope = input_data > 0, (self.lower + self.upper) / 2
        self.slopes = _slopes(keeps, slope, input_data.dtype)
        return _numeric.product(input_data, self.slopes)

    def backward(self, grad_output):
        return grad_output * self.slopes, None


class ELU(Layer):
    """A rectifier whose negative side bends smoothly down to -alpha.

    Formula: y = x for x >= 0, alpha (e^x - 1) otherwise
    Derivative: dy/dx = 1 for x > 0, alpha e^x otherwise; at 0, a kink unless alpha is 1, it is
        alpha, as in PyTorch and in eq. 8.10.
    Shapes: any; the output has the input's.
    Dtypes: float32 and float64; the output has the input's.
    Errors: TypeError for an array that is not floating; ValueError for an alpha that is not
        finite or an upstream gradient of another shape; RuntimeError for backward before forward.
    Book: section 8.5.1, eq. 8.9-8.10.
    Paper: Clevert, Unterthiner, Hochreiter (2016), Fast and accurate deep network learning by
        exponential linear units (ELUs), ICLR, arXiv 1511.07289.
    PyTorch: torch.nn.ELU. No difference.
    """

    def __init__(self, alpha=1.0):
        super().__init__()
        self.alpha = _checks.check_number(self, alpha=alpha)

    def forward(self, input_data):
        output, self.slopes = _elu(input_data, self.alpha)
        return output

    def backward(self, grad_output):
        return grad_output * self.slopes, None


class SELU(Layer):
    """An ELU scaled so that the mean 0 and the variance 1 of its inputs reproduce themselves.

    Formula: y = lambda x for x > 0, lambda alpha (e^x - 1) otherwise, with
        lambda = 1.0507009873554805 and alpha = 1.6732632423543772
    Derivative: dy/dx = lambda for x > 0, lambda alpha e^x otherwise; at the kink 0 it is
        lambda alpha = 1.7581, as in PyTorch and in eq. 8.12.
    Shapes: any; the output has the input's.
    Dtypes: float32 and float64; the output has the input's.
    Errors: TypeError for an array that is not floating; ValueError for an upstream gradient of
        another shape; RuntimeError for backward before forward.
    Book: section 8.5.2, eq. 8.11-8.12.
    Paper: Klambauer, Unterthiner, Mayr, Hochreiter (2017), Self-normalizing neural networks,
        NeurIPS 30, arXiv 1706.02515.
    PyTorch: torch.nn.SELU. No difference. The box of eq. 8.11 is titled ELU.
    """

    scale = 1.0507009873554805
    alpha = 1.6732632423543772

    def forward(self, input_data):
        output, self.slopes = _selu(input_data, self.scale, self.alpha)
        return output

    def backward(self, grad_output):
        return grad_output * self.slopes, None


class NoisyReLU(Layer):
    """A rectifier with Gaussian noise, the stronger the larger its input.

    Formula: n ~ N(0, s(x)) with the variance s(x) = 1 / (1 + e^-x)
        y = x + n for x > 0, 0 otherwise (the book)
        y = max(0, x + n) (noise_first, Nair and Hinton)
        y = max(0, x) in evaluation
    Derivative: dy/dx = 1 where y was let through, 0 otherwise, the noise taken as given; at the
        kink (x = 0, or x + n = 0) it is 0, as in eq. 8.14.
    Shapes: any; the output has the input's.
    Dtypes: float32 and float64; the output has the input's.
    Errors: TypeError for an array that is not floating, a noise_first that is not True or False or
        an rng that is no generator; ValueError for an upstream gradient of another shape;
        RuntimeError for backward before forward.
    Book: section 8.5.3, eq. 8.13-8.14.
    Paper: Nair, Hinton (2010), Rectified linear units improve restricted Boltzmann machines, ICML.
    PyTorch: none; the oracle is the formula with the same noise.
    """

    def __init__(self, noise_first=False, rng=None):
        super().__init__()
        self.noise_first = _checks.check_flag(self, noise_first=noise_first)
        self.rng = _checks.check_generator(self, rng=rng)

    def forward(self, input_data):
        noisy = input_data
        if self.training:
            deviations = np.sqrt(_numeric.sigmoid(input_data))
            normal = self.rng.standard_normal(input_data.shape)
            noisy = input_data + deviations * np.asarray(normal, input_data.dtype)
        # A NaN is not dead: it lets the gradient through, as PyTorch's rectifier does.
        self.alive = ~((noisy if self.noise_first else input_data) <= 0)
        return np.where(self.alive, noisy, 0)

    def backward(self, grad_output):
        return grad_output * self.alive, None
