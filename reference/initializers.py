"""Initial values of parameters (section 25.1): torch.nn.init, each as a function of a shape.

They return new float64 arrays. The shapes are those of PyTorch's weights: (outputs, inputs,
*kernel). Randomness comes from `rng`, a numpy.random.Generator; None makes a fresh one.
"""

import math

import numpy as np

from reference import _checks

__all__ = [
    "calculate_fans",
    "calculate_gain",
    "constant",
    "dirac",
    "eye",
    "kaiming_normal",
    "kaiming_uniform",
    "normal",
    "ones",
    "orthogonal",
    "sparse",
    "trunc_normal",
    "uniform",
    "xavier_normal",
    "xavier_uniform",
    "zeros",
]

OWNER = "initializers"

# The gains of PyTorch; that of leaky_relu depends on its slope.
GAINS = {
    "linear": 1.0,
    "conv1d": 1.0,
    "conv2d": 1.0,
    "conv3d": 1.0,
    "conv_transpose1d": 1.0,
    "conv_transpose2d": 1.0,
    "conv_transpose3d": 1.0,
    "sigmoid": 1.0,
    "tanh": 5 / 3,
    "relu": math.sqrt(2),
    "selu": 3 / 4,
}


def calculate_gain(nonlinearity, param=None):
    """The factor that keeps the variance through a nonlinearity.

    Formula: 1 for linear maps and sigmoid, 5/3 for tanh, sqrt(2) for relu, sqrt(2 / (1 + a^2))
        for leaky_relu, with a = param, 0.01 if None, 3/4 for selu
    """
    known = (*GAINS, "leaky_relu")
    _checks.check_choice(OWNER, known, method="calculate_gain", nonlinearity=nonlinearity)
    if nonlinearity != "leaky_relu":
        return GAINS[nonlinearity]
    slope = 0.01 if param is None else param
    _checks.check_number(OWNER, method="calculate_gain", param=slope)
    return math.sqrt(2 / (1 + slope**2))


def calculate_fans(shape):
    """How many inputs feed an output, and how many outputs an input feeds.

    Formula: fan_in = inputs k, fan_out = outputs k, with k the product of the kernel's sizes
    """
    outputs, inputs, *kernel = _checks.check_array_shape(OWNER, "calculate_fans", shape, minimum=2)
    return inputs * math.prod(kernel), outputs * math.prod(kernel)


def uniform(shape, a=0.0, b=1.0, rng=None):
    """Draws from a uniform law.

    Formula: U(a, b)
    Derivative: none.
    Shapes: any; a new array of it.
    Dtypes: float64.
    Errors: TypeError for a shape that is no tuple of integers or a bound that is no number;
        ValueError for b below a.
    Book: section 25.1.
    Paper: none.
    PyTorch: torch.nn.init.uniform_. No difference.
    """
    shape = _checks.check_array_shape(OWNER, "uniform", shape)
    _checks.check_ordered(OWNER, method="uniform", a=a, b=b)
    return _checks.check_generator(OWNER, method="uniform", rng=rng).uniform(a, b, shape)


def normal(shape, mean=0.0, std=1.0, rng=None):
    """Draws from a normal law.

    Formula: N(mean, std^2)
    Derivative: none.
    Shapes: any; a new array of it.
    Dtypes: float64.
    Errors: TypeError for a shape that is no tuple of integers or an option that is no number;
        ValueError for a negative std.
    Book: section 25.1.
    Paper: none.
    PyTorch: torch.nn.init.normal_. No difference.
    """
    shape = _checks.check_array_shape(OWNER, "normal", shape)
    _checks.check_number(OWNER, method="normal", mean=mean)
    _checks.check_nonnegative(OWNER, method="normal", std=std)
    return _checks.check_generator(OWNER, method="normal", rng=rng).normal(mean, std, shape)


def trunc_normal(shape, mean=0.0, std=1.0, a=-2.0, b=2.0, rng=None):
    """Draws from a normal law cut off at two bounds.

    Formula: N(mean, std^2) given a <= x <= b, by drawing again what lies outside; where [a, b]
        holds less than 0.3 of the law, from U(a, b) instead, each number being accepted with
        the ratio of its density to the largest in [a, b], which gives the same law
    Derivative: none.
    Shapes: any; a new array of it.
    Dtypes: float64.
    Errors: TypeError for a shape that is no tuple of integers or an option that is no number;
        ValueError for a std that is not positive or b below a.
    Book: section 25.1.
    Paper: Devroye (1986), Non-uniform random variate generation, Springer,
        DOI 10.1007/978-1-4613-8643-8.
    PyTorch: torch.nn.init.trunc_normal_. No difference.
    """
    shape = _checks.check_array_shape(OWNER, "trunc_normal", shape)
    _checks.check_number(OWNER, method="trunc_normal", mean=mean)
    _checks.check_positive(OWNER, method="trunc_normal", std=std)
    _checks.check_ordered(OWNER, method="trunc_normal", a=a, b=b)
    rng = _checks.check_generator(OWNER, method="trunc_normal", rng=rng)
    below_a, below_b = (math.erf((bound - mean) / std / math.sqrt(2)) / 2 for bound in (a, b))
    peak = ((min(max(mean, a), b) - mean) / std) ** 2

    def propose():
        if below_b - below_a > 0.3:
            drawn = rng.normal(mean, std, shape)
            return drawn, (a <= drawn) & (drawn <= b)
        drawn = rng.uniform(a, b, shape)
        # log(u) <= log(density / largest density), without the logarithm of u = 0.
        ratio = np.exp((peak - ((drawn - mean) / std) ** 2) / 2)
        return drawn, rng.uniform(0.0, 1.0, shape) <= ratio

    values, accepted = propose()
    while not np.all(accepted):
        drawn, good = propose()
        values = np.where(accepted, values, drawn)
        accepted = accepted | good
    return values


def constant(shape, val):
    """The same number everywhere.

    Formula: val
    Derivative: none.
    Shapes: any; a new array of it.
    Dtypes: float64.
    Errors: TypeError for a shape that is no tuple of integers or a val that is no number.
    Book: section 25.1.
    Paper: none.
    PyTorch: torch.nn.init.constant_. No difference.
    """
    shape = _checks.check_array_shape(OWNER, "constant", shape)
    return np.full(shape, float(_checks.check_number(OWNER, method="constant", val=val)))


def ones(shape):
    """1 everywhere.

    Formula: 1
    Derivative: none.
    Shapes: any; a new array of it.
    Dtypes: float64.
    Errors: TypeError for a shape that is no tuple of integers.
    Book: section 25.1.
    Paper: none.
    PyTorch: torch.nn.init.ones_. No difference.
    """
    return np.ones(_checks.check_array_shape(OWNER, "ones", shape))


def zeros(shape):
    """0 everywhere.

    Formula: 0
    Derivative: none.
    Shapes: any; a new array of it.
    Dtypes: float64.
    Errors: TypeError for a shape that is no tuple of integers.
    Book: section 25.1.
    Paper: none.
    PyTorch: torch.nn.init.zeros_. No difference.
    """
    return np.zeros(_checks.check_array_shape(OWNER, "zeros", shape))


def eye(shape):
    """The identity: a linear layer that keeps its inputs.

    Formula: 1 on the diagonal, 0 elsewhere
    Derivative: none.
    Shapes: two axes; a new array of it.
    Dtypes: float64.
    Errors: TypeError for a shape that is no tuple of integers; ValueError for another number of
        axes.
    Book: section 25.1.
    Paper: none.
    PyTorch: torch.nn.init.eye_. No difference.
    """
    return np.eye(*_checks.check_array_shape(OWNER, "eye", shape, minimum=2, maximum=2))


def dirac(shape, groups=1):
    """The identity of convolutions: each channel is kept, as far as there are outputs.

    Formula: 1 at the centre (size // 2) of the kernel from input i to output i of each group,
        0 elsewhere
    Derivative: none.
    Shapes: three to five axes, (outputs, inputs of a group, *kernel); a new array of it.
    Dtypes: float64.
    Errors: TypeError for a shape that is no tuple of integers; ValueError for another number of
        axes, an empty kernel, or groups that do not divide the outputs.
    Book: section 25.1.
    Paper: Zagoruyko, Komodakis (2017), DiracNets: training very deep neural networks without
        skip-connections, arXiv:1706.00388, DOI 10.48550/arXiv.1706.00388.
    PyTorch: torch.nn.init.dirac_. No difference.
    """
    outputs, inputs, *kernel = _checks.check_array_shape(OWNER, "dirac", shape, 3, 5)
    for size in kernel:
        _checks.check_integer(OWNER, method="dirac", kernel=size)
    _checks.check_integer(OWNER, method="dirac", groups=groups)
    _checks.check_divides(OWNER, ("groups", groups), method="dirac", outputs=outputs)
    values = np.zeros((groups, outputs // groups, inputs, *kernel))
    kept = np.arange(min(outputs // groups, inputs))
    values[(slice(None), kept, kept, *(size // 2 for size in kernel))] = 1
    return values.reshape(shape)


def xavier_uniform(shape, gain=1.0, rng=None):
    """Glorot and Bengio's law, uniform.

    Formula: U(-c, c), c = gain sqrt(6 / (fan_in + fan_out))
    Derivative: none.
    Shapes: two axes or more, (outputs, inputs, *kernel); a new array of it.
    Dtypes: float64.
    Errors: TypeError for a shape that is no tuple of integers; ValueError for fewer than two axes,
        fans that are both 0 or a negative gain.
    Book: section 25.1.
    Paper: Glorot, Bengio (2010), Understanding the difficulty of training deep feedforward neural
        networks, AISTATS.
    PyTorch: torch.nn.init.xavier_uniform_. No difference.
    """
    bound = math.sqrt(3) * _xavier_deviation("xavier_uniform", shape, gain)
    return uniform(shape, -bound, bound, rng)


def xavier_normal(shape, gain=1.0, rng=None):
    """Glorot and Bengio's law, normal.

    Formula: N(0, s^2), s = gain sqrt(2 / (fan_in + fan_out))
    Derivative: none.
    Shapes: two axes or more, (outputs, inputs, *kernel); a new array of it.
    Dtypes: float64.
    Errors: TypeError for a shape that is no tuple of integers; ValueError for fewer than two axes,
        fans that are both 0 or a negative gain.
    Book: section 25.1.
    Paper: Glorot, Bengio (2010), Understanding the difficulty of training deep feedforward neural
        networks, AISTATS.
    PyTorch: torch.nn.init.xavier_normal_. No difference.
    """
    return normal(shape, 0.0, _xavier_deviation("xavier_normal", shape, gain), rng)


def _xavier_deviation(method, shape, gain):
    shape = _checks.check_array_shape(OWNER, method, shape, minimum=2)
    gain = _checks.check_nonnegative(OWNER, method=method, gain=gain)
    fans = sum(calculate_fans(shape))
    return gain * math.sqrt(2 / _checks.check_positive(OWNER, method=method, fans=fans))


def kaiming_uniform(shape, a=0.0, mode="fan_in", nonlinearity="leaky_relu", rng=None):
    """He's law, uniform.

    Formula: U(-c, c), c = gain sqrt(3 / fan), with fan that of mode, "fan_in" or "fan_out", and
        gain that of the nonlinearity, of slope a for "leaky_relu"
    Derivative: none.
    Shapes: two axes or more, (outputs, inputs, *kernel); a new array of it.
    Dtypes: float64.
    Errors: TypeError for a shape that is no tuple of integers; ValueError for fewer than two axes
        or an unknown mode or nonlinearity.
    Book: section 25.1.
    Paper: He, Zhang, Ren, Sun (2015), Delving deep into rectifiers, ICCV,
        DOI 10.1109/ICCV.2015.123.
    PyTorch: torch.nn.init.kaiming_uniform_. No difference.
    """
    deviation = _kaiming_deviation("kaiming_uniform", shape, a, mode, nonlinearity)
    return uniform(shape, -math.sqrt(3) * deviation, math.sqrt(3) * deviation, rng)


def kaiming_normal(shape, a=0.0, mode="fan_in", nonlinearity="leaky_relu", rng=None):
    """He's law, normal.

    Formula: N(0, s^2), s = gain / sqrt(fan), with fan that of mode, "fan_in" or "fan_out", and
        gain that of the nonlinearity, of slope a for "leaky_relu"
    Derivative: none.
    Shapes: two axes or more, (outputs, inputs, *kernel); a new array of it.
    Dtypes: float64.
    Errors: TypeError for a shape that is no tuple of integers; ValueError for fewer than two axes
        or an unknown mode or nonlinearity.
    Book: section 25.1.
    Paper: He, Zhang, Ren, Sun (2015), Delving deep into rectifiers, ICCV,
        DOI 10.1109/ICCV.2015.123.
    PyTorch: torch.nn.init.kaiming_normal_. No difference.
    """
    return normal(
        shape, 0.0, _kaiming_deviation("kaiming_normal", shape, a, mode, nonlinearity), rng
    )


def _kaiming_deviation(method, shape, a, mode, nonlinearity):
    shape = _checks.check_array_shape(OWNER, method, shape, minimum=2)
    _checks.check_choice(OWNER, ("fan_in", "fan_out"), method=method, mode=mode)
    fan_in, fan_out = calculate_fans(shape)
    fan = fan_in if mode == "fan_in" else fan_out
    return calculate_gain(nonlinearity, a) / math.sqrt(max(fan, 1))


def orthogonal(shape, gain=1.0, rng=None):
    """Orthonormal rows or columns, whichever are fewer, of a matrix drawn uniformly.

    Formula: gain Q sign(diag R), with Q R = N, a normal matrix (first axis, product of the
        others); for fewer rows than columns the transpose of what N^T gives
    Derivative: none.
    Shapes: two axes or more; a new array of it.
    Dtypes: float64.
    Errors: TypeError for a shape that is no tuple of integers or a gain that is no number;
        ValueError for fewer than two axes.
    Book: section 25.1.
    Paper: Saxe, McClelland, Ganguli (2014), Exact solutions to the nonlinear dynamics of learning
        in deep linear neural networks, ICLR.
    PyTorch: torch.nn.init.orthogonal_. No difference.
    """
    shape = _checks.check_array_shape(OWNER, "orthogonal", shape, minimum=2)
    _checks.check_number(OWNER, method="orthogonal", gain=gain)
    rng = _checks.check_generator(OWNER, method="orthogonal", rng=rng)
    matrix = rng.normal(0.0, 1.0, (shape[0], math.prod(shape[1:])))
    wide = matrix.shape[0] < matrix.shape[1]
    q, r = np.linalg.qr(matrix.T if wide else matrix)
    q = q * np.sign(np.diag(r))
    return gain * (q.T if wide else q).reshape(shape)


def sparse(shape, sparsity, std=0.01, rng=None):
    """A normal law with a part of each column 0.

    Formula: N(0, std^2), with ceil(sparsity rows) numbers of each column, drawn without
        replacement, set to 0
    Derivative: none.
    Shapes: two axes; a new array of it.
    Dtypes: float64.
    Errors: TypeError for a shape that is no tuple of integers or an option that is no number;
        ValueError for another number of axes, a sparsity outside [0, 1] or a negative std.
    Book: section 25.1.
    Paper: Martens (2010), Deep learning via Hessian-free optimization, ICML.
    PyTorch: torch.nn.init.sparse_. No difference; PyTorch draws the zeros from its global generator
        whichever it is given.
    """
    rows, columns = _checks.check_array_shape(OWNER, "sparse", shape, 2, 2)
    _checks.check_fraction(OWNER, method="sparse", sparsity=sparsity)
    _checks.check_nonnegative(OWNER, method="sparse", std=std)
    rng = _checks.check_generator(OWNER, method="sparse", rng=rng)
    values = rng.normal(0.0, std, (rows, columns))
    for column in range(columns):
        values[rng.permutation(rows)[: math.ceil(sparsity * rows)], column] = 0
    return values
