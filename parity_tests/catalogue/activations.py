"""Rows: activations."""

import math
import unittest.mock

import numpy as np
import torch
from hypothesis import strategies as st

import reference
from parity_tests import oracle
from parity_tests.adapter import Adapter
from parity_tests.catalogue._row import Point, Refusal, Row, register
from parity_tests.oracle import ChannelsFirst, Replay, formula
from parity_tests.strategies import Draft, Input, elementwise, numbers, shapes, sizes

_SIDES = {"output": "input", "grad_input": "grad_output"}


# --- PyTorch's departures from the mathematics ---


def _nan_at_infinity(module, inputs, grad_outputs, grad_inputs):
    """PyTorch subtracts infinities there; the limit is 0."""
    return (np.where(np.isinf(inputs[0]), np.nan, grad_inputs[0]).astype(grad_inputs[0].dtype),)


def _float32_sixth(module, inputs, grad_outputs, grad_inputs):
    """PyTorch's slope is 1/6 rounded to float32."""
    (grad,) = grad_inputs
    return (grad * grad.dtype.type(np.longdouble(np.float32(1 / 6)) * 6),)


def _float32_alpha(module, inputs, grad_outputs, grad_inputs):
    """PyTorch's slope is a b e^(b x) with b = 1 / float32(a), which is not 1 / a."""
    (x,), (grad,) = inputs, grad_inputs
    if x.dtype == np.float32:
        return grad_inputs
    inverse = 1 / float(np.float32(module.alpha))
    apart = np.longdouble(inverse) - np.longdouble(1 / module.alpha)
    # Beyond, both slopes are 0.
    falling = module.alpha * inverse * np.exp(apart * np.clip(x, -1e5, 0))
    return (np.where(x > 0, grad, grad * falling.astype(x.dtype)),)


def _overflowing(factor):
    def correct(module, inputs, output):
        """PyTorch multiplies the output by a factor before it divides by it."""
        with np.errstate(over="ignore"):
            lost = np.isinf(output * output.dtype.type(factor)) & (output > 0)
        return np.where(lost, output.dtype.type(np.inf), output)

    return correct


def _gelu_overflow(module, inputs, output):
    """PyTorch's float32 form overflows for huge numbers on some processors, and is NaN at inf.

    Which form it takes there depends on the processor's vectors and the array's strides: it is
    asked.
    """
    (x,) = inputs
    if x.dtype != np.float32:
        return output
    theirs = oracle.to_numpy(module(oracle.to_tensor(x)))
    lost = (x > 0) & (np.isnan(theirs) | (np.isinf(theirs) & np.isfinite(x)))
    return np.where(lost, theirs, output)


def _gelu_nan(module, inputs, grad_outputs, grad_inputs):
    """PyTorch multiplies an infinite square by 0 in the tanh form."""
    (x,), (grad,) = inputs, grad_inputs
    if module.approximate == "none":
        return grad_inputs
    with np.errstate(over="ignore"):
        return (np.where(np.isinf(x * x), x.dtype.type(np.nan), grad),)


# --- formulas, where PyTorch has no class ---


def _heaviside(x, value_at_zero):
    # Autograd does not know torch.heaviside: it is constant.
    return torch.heaviside(x.detach(), x.new_tensor(value_at_zero))


def _wilson_cowan(x, a, theta):
    return torch.sigmoid(a * (x - theta)) - torch.sigmoid(a * (torch.zeros_like(x) - theta))


def _swish(x, beta):
    exponent = beta * x
    # Far out, where the products of autograd overflow, it is a straight line.
    far = (exponent.abs() > 1e4) & x.isfinite()
    near = torch.where(far, 0, x)
    curve = near * torch.sigmoid(beta * near)
    return torch.where(far, x * (exponent > 0), curve).reshape(x.shape)


def _sigmoid_gelu(x):
    return _swish(x, 1.702)


def _hard_mish(x):
    return x * torch.nn.functional.hardtanh(x + 2, 0.0, 2.0) / 2


def _reglu(x, dim):
    value, gate = x.chunk(2, dim)
    return value * torch.relu(gate)


def _geglu(x, dim):
    value, gate = x.chunk(2, dim)
    # Not oneDNN's, which overflows for large numbers.
    with torch.backends.mkldnn.flags(enabled=False):
        return value * torch.nn.functional.gelu(gate)


def _swiglu(x, dim):
    value, gate = x.chunk(2, dim)
    return value * torch.nn.functional.silu(gate)


def _cubic_terms(module, x, grad):
    """The tanh form is as sensitive to the rounding of its exponent as that is large."""
    if module.approximate == "none":
        return np.zeros_like(x)
    exponent = math.sqrt(8 / math.pi) * (x + 0.044715 * x**3)
    return x * exponent * np.exp(np.fmin(exponent, 0))


def _exponent_terms(module, x, grad):
    """A power is as sensitive to the rounding of its exponent as that is large."""
    exponent = np.fmin(x, 0) / module.alpha
    return grad * exponent * np.exp(exponent)


def _least(x):
    """What the smallest normal number is worth beside eps: below it the gate loses its digits."""
    limits = np.finfo(x.dtype)
    return limits.smallest_normal / limits.eps


def _gated_least(module, x, grad):
    """A tiny gate times a huge value."""
    return np.split(x, 2, module.dim)[0] * _least(x)


def _glu_slopes(module, x, grad):
    pull = grad * np.split(x, 2, module.dim)[0]
    return np.concatenate([grad * _least(x), pull * _least(x)], module.dim)


def _gated_slopes(module, x, grad):
    """The terms that cancel where the slope of the gate crosses 0."""
    pull = grad * np.split(x, 2, module.dim)[0]
    return np.concatenate([grad * _least(x), pull], module.dim)


def _gated_output(module, x, grad):
    value, opening = np.split(x, 2, module.dim)
    return value * opening


def _gated_terms(module, x, grad):
    """The terms of the gradient by 1 + erf, and of s (1 - s) times the opening."""
    value, opening = np.split(x, 2, module.dim)
    size = np.fmax(1, np.abs(opening))
    return np.concatenate([grad * size, grad * value * size], module.dim)


def _pull_overflowing(module, inputs, grad_outputs, grad_inputs):
    """Autograd multiplies the upstream gradient by the value before the slope of the gate."""
    (grad,), (x,) = grad_outputs, inputs
    value = np.split(x, 2, module.dim)[0]
    by_value, by_opening = np.split(grad_inputs[0], 2, module.dim)
    with np.errstate(all="ignore"):
        pull = grad * value
        lost = np.isinf(pull) & np.isfinite(value)
        by_opening = np.where(lost, pull * (by_opening / grad / value), by_opening)
    return (np.concatenate([by_value, by_opening], module.dim),)


def _exponential_in_float32(array):
    """Exponential draws that are the same numbers in either dtype, for the judges' sake."""
    drawn = torch.empty(array.shape, dtype=torch.float32)
    return torch.Tensor.exponential_.original(drawn).to(array.dtype)


_exponential_in_float32.original = torch.Tensor.exponential_


def _gumbel_softmax(x, tau, hard, dim):
    with unittest.mock.patch.object(torch.Tensor, "exponential_", _exponential_in_float32):
        return torch.nn.functional.gumbel_softmax(x, tau, hard, dim=dim)


class _NoisyReLU(torch.nn.Module):
    def __init__(self, noise_first):
        super().__init__()
        self.noise_first = noise_first

    def forward(self, x):
        noisy = x
        if self.training:
            normal = torch.randn(x.shape, dtype=torch.float32).to(x.dtype)
            noisy = x + torch.sqrt(torch.sigmoid(x)).detach() * normal
        dead = (noisy if self.noise_first else x) <= 0
        return torch.where(dead, torch.zeros_like(x), noisy)


# --- randomness ---


def _replay_rrelu(module, inputs):
    x = oracle.to_tensor(inputs[0])
    noise = torch.empty(x.shape, dtype=x.dtype)
    torch.ops.aten.rrelu_with_noise(x, noise, module.lower, module.upper, True)
    return Replay(noise.numpy())


def _replay_normal(module, inputs):
    return Replay(torch.randn(np.shape(inputs[0]), dtype=torch.float32).numpy())


def _replay_gumbel(module, inputs):
    x = oracle.to_tensor(inputs[0])
    drawn = torch.empty(x.shape, dtype=torch.float32).exponential_()
    return Replay(-drawn.to(x.dtype).log().numpy())


class _Given:
    """A generator whose draws are given."""

    def __init__(self, *draws):
        self.draws = np.asarray(draws)

    def random(self, *arguments, **keywords):
        return self.draws

    standard_normal = gumbel = random


def _law_of_rrelu():
    count = 100_000
    layer = reference.RReLU(0.1, 0.7, rng=np.random.default_rng(1))
    slopes = -layer.forward(np.full(count, -1.0))
    width = 0.6
    mean_error = (slopes.mean() - 0.4) / (width / math.sqrt(12 * count))
    # The squares of centred uniform numbers have mean w^2/12 and variance w^4/180.
    spread = ((slopes - 0.4) ** 2).mean() - width**2 / 12
    outside = np.sum((slopes < 0.1) | (slopes > 0.7))
    return [
        ("mean slope", mean_error),
        ("variance of the slopes", spread / (width**2 / math.sqrt(180 * count))),
        ("slopes out of bounds", 100 * outside),
    ]


def _law_of_noisy_relu():
    count = 100_000
    layer = reference.NoisyReLU(rng=np.random.default_rng(1))
    noise = layer.forward(np.full(count, 3.0)) - 3
    variance = 1 / (1 + math.exp(-3))
    return [
        ("mean of the noise", noise.mean() / math.sqrt(variance / count)),
        (
            "variance of the noise",
            (np.mean(noise**2) / variance - 1) / math.sqrt(2 / count),
        ),
    ]


def _law_of_gumbel_softmax():
    count = 100_000
    scores = np.array([0.3, -1.0, 1.2])
    layer = reference.GumbelSoftmax(hard=True, rng=np.random.default_rng(1))
    shares = layer.forward(np.tile(scores, (count, 1))).mean(axis=0)
    expected = np.exp(scores) / np.exp(scores).sum()
    deviations = np.sqrt(expected * (1 - expected) / count)
    return [
        (f"share of class {place}", score)
        for place, score in enumerate((shares - expected) / deviations)
    ]


# --- what is drawn ---


def _axis(draw, rank):
    """An axis of an array of this rank, from either end; a scalar has axes 0 and -1."""
    return draw(st.integers(-max(rank, 1), max(rank, 1) - 1))


def _along_axis(absent=False, **options):
    """The draw of a component that works along one axis of an array of any shape."""

    def draw_along_axis(draw):
        shape = draw(shapes())
        drawn = {name: draw(strategy) for name, strategy in options.items()}
        given = not absent or draw(st.booleans())
        drawn["dim"] = _axis(draw, len(shape)) if given else None
        return Draft(drawn, (Input(shape),))

    return draw_along_axis


def _halves(draw):
    shape = list(draw(shapes(minimum_rank=1)))
    axis = _axis(draw, len(shape))
    shape[axis] *= 2
    return Draft({"dim": axis}, (Input(tuple(shape)),))


def _gumbel(draw):
    shape = draw(shapes())
    axis, hard = _axis(draw, len(shape)), draw(st.booleans())
    if hard and shape and not shape[axis]:
        shape = tuple(max(size, 1) for size in shape)  # no largest among none
    options = {"tau": draw(numbers(0.25, 4)), "hard": hard, "dim": axis}
    # It draws in evaluation too; hard passes the gradient of another function on.
    return Draft(options, (Input(shape),), training=True, differentiable=not hard)


def _image(draw):
    return Draft({}, (Input(draw(shapes(3, 4))),))


def _prelu(draw):
    channels = draw(sizes(1, 4))
    options = {"num_parameters": channels, "init": draw(numbers(-2, 2))}
    if channels == 1:
        return Draft(options, (Input(draw(shapes())),))
    batch, *positions = draw(shapes(1, 4))
    return Draft(options, (Input((batch, channels, *positions)),))


def _hardtanh(draw):
    low = draw(numbers(-4, 3))
    high = low + draw(st.sampled_from([0.25, 1.0, 3.5]))
    bounds = draw(st.sampled_from([(low, high), (-math.inf, high), (low, math.inf)]))
    return Draft({"min_val": bounds[0], "max_val": bounds[1]}, (Input(draw(shapes())),))


def _noisy(draw):
    training = draw(st.booleans())
    options = {"noise_first": draw(st.booleans())}
    # The strength of the noise moves with the input, and is held fixed by the gradient.
    return Draft(options, (Input(draw(shapes())),), training=training, differentiable=not training)


def _rrelu(draw):
    lower = draw(numbers(-1, 2))
    width = draw(st.sampled_from([0.0, 0.25, 1.0]))
    return Draft({"lower": lower, "upper": lower + width}, (Input(draw(shapes())),))


def _adaptive(draw):
    n_classes = draw(st.integers(2, 9))
    cutoffs = draw(st.sets(st.integers(1, n_classes - 1), min_size=1, max_size=4))
    options = {
        "in_features": draw(sizes(1, 6)),
        "n_classes": n_classes,
        "cutoffs": sorted(cutoffs),
        "div_value": draw(st.sampled_from([1.0, 1.5, 2.0, 4.0])),
        "head_bias": draw(st.booleans()),
    }
    batch = draw(shapes(0, 1))
    target = Input(batch, "integers", {"low": 0, "high": n_classes})
    return Draft(options, (Input((*batch, options["in_features"])), target))


def _adaptive_of(module):
    return reference.AdaptiveLogSoftmaxWithLoss(
        module.in_features,
        module.n_classes,
        module.cutoffs[:-1],
        div_value=module.div_value,
        head_bias=module.head_bias,
    )


class ImplicitAxis(Adapter):
    """A softmax without a dim: PyTorch chooses it by the rank of the input."""

    def forward(self, *inputs, **keywords):
        if self.module.dim is None:
            self.layer.axis = 0 if np.ndim(inputs[0]) in (0, 1, 3) else 1
        return super().forward(*inputs, **keywords)


def _axis_of(module):
    return -1 if module.dim is None else module.dim


_ODD = Refusal(
    lambda: reference.GLU().forward(np.ones((2, 3))),
    ValueError,
    r"GLU.forward: input_data must have an even length along axis -1; got shape \(2, 3\)",
)
_NO_AXIS = Refusal(
    lambda: reference.Softmax(axis=2).forward(np.ones((2, 3))),
    ValueError,
    r"Softmax.forward: input_data must have an axis axis=2; got shape \(2, 3\)",
)

_SIGMOIDAL = (
    Row(
        reference.Heaviside,
        formula(_heaviside),
        lambda m: reference.Heaviside(m.value_at_zero),
        elementwise(value_at_zero=numbers(-2, 2)),
        "exact",
        kinks=(0.0,),
        literals=[
            ({}, ([-2.0, 0.0, 1e-300],), [0, 0.5, 1]),
            ({"value_at_zero": 1.0}, ([-1e-300, -0.0, 3.0],), [0, 1, 1]),
        ],
        points=[Point("0", ([0.0],), (0, 0), {"value_at_zero": 0.5})],
    ),
    Row(
        reference.WilsonCowan,
        formula(_wilson_cowan),
        lambda m: reference.WilsonCowan(m.a, m.theta),
        elementwise(a=numbers(0.0625, 3) | numbers(-3, -0.0625), theta=numbers(-3, 3)),
        "elementwise",
        floor={"output": "one", "grad_input": "grad_output"},
        refusals=[
            Refusal(lambda: reference.WilsonCowan(a=0), ValueError, "a must not be 0; got 0")
        ],
        literals=[
            (
                {"a": 1.2, "theta": 2.8},
                ([-3.0, 0.0, 0.5, 2.8, 10.0],),
                [
                    -0.0326210266371287933,
                    0,
                    0.0259551426950189905,
                    0.466430776718517428,
                    0.966253921099717468,
                ],
            ),
            (
                {"a": -2, "theta": 1},
                ([-1.0, 0.25, 4.0],),
                [0.101216712060025998, -0.0632226017842387845, -0.87832445482124767],
            ),
        ],
    ),
    Row(
        reference.Sigmoid,
        torch.nn.Sigmoid,
        lambda m: reference.Sigmoid(),
        elementwise(),
        "elementwise",
        oracle_floor={"grad_input": "grad_output"},
    ),
    Row(
        reference.Tanh,
        torch.nn.Tanh,
        lambda m: reference.Tanh(),
        elementwise(),
        "elementwise",
        floor={"grad_input": "grad_output"},
    ),
    Row(
        reference.Softsign,
        torch.nn.Softsign,
        lambda m: reference.Softsign(),
        elementwise(),
        "elementwise",
        bends=(0.0,),
        oracle_floor={"grad_input": "grad_output"},
        correct=_nan_at_infinity,
    ),
    Row(
        reference.HardSigmoid,
        torch.nn.Hardsigmoid,
        lambda m: reference.HardSigmoid(),
        elementwise(),
        {"output": "exact", "grad_input": "elementwise"},
        kinks=(-3.0, 3.0),
        correct=_float32_sixth,
    ),
    Row(
        reference.HardTanh,
        torch.nn.Hardtanh,
        lambda m: reference.HardTanh(m.min_val, m.max_val),
        _hardtanh,
        "exact",
        kinks=lambda m: [bound for bound in (m.min_val, m.max_val) if math.isfinite(bound)],
        gradient_at_nan=False,
        refusals=[
            Refusal(lambda: reference.HardTanh(1, 1), ValueError, "min_val must be below max_val=1")
        ],
    ),
)

_RECTIFYING = (
    Row(
        reference.ReLU,
        torch.nn.ReLU,
        lambda m: reference.ReLU(),
        elementwise(),
        "exact",
        kinks=(0.0,),
    ),
    Row(
        reference.LeakyReLU,
        torch.nn.LeakyReLU,
        lambda m: reference.LeakyReLU(alpha=m.negative_slope),
        elementwise(negative_slope=numbers(-2, 2)),
        "exact",
        kinks=(0.0,),
    ),
    Row(
        reference.PReLU,
        torch.nn.PReLU,
        lambda m: reference.PReLU(m.num_parameters, init=m.init),
        _prelu,
        {"output": "exact", "grad_input": "exact", "grad_params": "composite"},
        inputs=ChannelsFirst(),
        outputs=ChannelsFirst(),
        kinks=(0.0,),
        refusals=[
            Refusal(
                lambda: reference.PReLU(3).forward(np.ones((2, 3, 4))),
                ValueError,
                r"PReLU.forward: input_data must have 3 channels on its last axis; "
                r"got shape \(2, 3, 4\). Is it channels-first\?",
            )
        ],
    ),
    Row(
        reference.RReLU,
        torch.nn.RReLU,
        lambda m: reference.RReLU(m.lower, m.upper),
        _rrelu,
        "exact",
        kinks=(0.0,),
        replay=_replay_rrelu,
        law=_law_of_rrelu,
        refusals=[
            Refusal(lambda: reference.RReLU(0.5, 0.25), ValueError, "lower must be at most upper")
        ],
    ),
    Row(
        reference.ELU,
        torch.nn.ELU,
        lambda m: reference.ELU(m.alpha),
        elementwise(alpha=numbers(-2, 3)),
        "elementwise",
        kinks=(0.0,),
        gradient_at_nan=False,
    ),
    Row(
        reference.SELU,
        torch.nn.SELU,
        lambda m: reference.SELU(),
        elementwise(),
        "elementwise",
        kinks=(0.0,),
        gradient_at_nan=False,
    ),
    Row(
        reference.NoisyReLU,
        _NoisyReLU,
        lambda m: reference.NoisyReLU(m.noise_first),
        _noisy,
        {"output": "elementwise", "every": "exact"},
        floor={"output": "input"},
        kinks=(0.0,),
        replay=_replay_normal,
        law=_law_of_noisy_relu,
        literals=[
            (
                {"rng": _Given(0.5, -1.5, 0.25)},
                ([-1.0, 0.5, 2.0],),
                [0, -0.683441378017590177, 2.23462697494878472],
            ),
            (
                {"noise_first": True, "rng": _Given(2.5, -1.5, 0.25)},
                ([-1.0, 0.5, 2.0],),
                [0.296489060332739369, 0, 2.23462697494878472],
            ),
        ],
    ),
)

_MODERN = (
    Row(
        reference.GELU,
        torch.nn.GELU,
        lambda m: reference.GELU(m.approximate),
        elementwise(approximate=st.sampled_from(["none", "tanh"])),
        "elementwise",
        floor={"output": _cubic_terms, "grad_input": "grad_output"},
        oracle_floor={"output": "input", "grad_input": "both"},
        correct=_gelu_nan,
        correct_output=_gelu_overflow,
        refusals=[
            Refusal(
                lambda: reference.GELU("erf"),
                ValueError,
                "approximate must be one of 'none', 'tanh', 'sigmoid'; got 'erf'",
            )
        ],
        literals=[
            (
                {},
                ([-9.0, -2.0, -0.5, 0.5, 3.0],),
                [
                    -1.01572956535845658e-18,
                    -0.0455002638963584144,
                    -0.154268769362993448,
                    0.345731230637006552,
                    2.99595030590510972,
                ],
            ),
            (
                {"approximate": "tanh"},
                ([-2.0, -0.5, 0.5, 3.0],),
                [
                    -0.0454023059122249812,
                    -0.154285990174856078,
                    0.345714009825143922,
                    2.99636260791822698,
                ],
            ),
        ],
    ),
    Row(
        reference.GELU,
        formula(_sigmoid_gelu),
        lambda m: reference.GELU("sigmoid"),
        elementwise(),
        "elementwise",
        name="SigmoidGELU",
        floor={"grad_input": "grad_output"},
        oracle_floor={"grad_input": "both"},
        literals=[
            (
                {"approximate": "sigmoid"},
                ([-2.0, -0.5, 0.5, 3.0],),
                [
                    -0.0643413768557918555,
                    -0.149611563393619879,
                    0.350388436606380121,
                    2.98192869029221403,
                ],
            )
        ],
    ),
    Row(
        reference.SiLU,
        torch.nn.SiLU,
        lambda m: reference.SiLU(),
        elementwise(),
        "elementwise",
        floor={"grad_input": "grad_output"},
        oracle_floor={"output": "input", "grad_input": "both"},
    ),
    Row(
        reference.Swish,
        formula(_swish, parameters=("beta",)),
        lambda m: reference.Swish(),
        elementwise(beta=numbers(-2, 2).map(lambda beta: np.array([beta]))),
        {"grad_params": "composite", "every": "elementwise"},
        cancels_within=True,
        floor={"grad_input": "grad_output"},
        oracle_floor={"grad_input": "both"},
        literals=[
            (
                {"beta": 0.75},
                ([-40.0, -2.0, 0.5, 3.0],),
                [
                    -3.74304918753571958e-12,
                    -0.364851047612712681,
                    0.296333299977034879,
                    2.71395160530267152,
                ],
            ),
            (
                {"beta": -1.5},
                ([-2.0, 0.5, 3.0],),
                [-1.90514825364486644, 0.160410650412303513, 0.0329608278917795401],
            ),
        ],
    ),
    Row(
        reference.Hardswish,
        torch.nn.Hardswish,
        lambda m: reference.Hardswish(),
        elementwise(),
        "elementwise",
        floor={"grad_input": "grad_output"},
        kinks=(-3.0, 3.0),
        gradient_at_nan=False,
        correct_output=_overflowing(6),
    ),
    Row(
        reference.Mish,
        torch.nn.Mish,
        lambda m: reference.Mish(),
        elementwise(),
        "elementwise",
        floor={"grad_input": "both"},
    ),
    Row(
        reference.HardMish,
        formula(_hard_mish),
        lambda m: reference.HardMish(),
        elementwise(),
        "elementwise",
        floor={"grad_input": "grad_output"},
        kinks=(-2.0, 0.0),
        correct_output=_overflowing(2),
        literals=[({}, ([-3.0, -2.0, -1.5, -0.5, 0.0, 4.0],), [0, 0, -0.375, -0.375, 0, 4])],
    ),
    Row(
        reference.Softplus,
        torch.nn.Softplus,
        lambda m: reference.Softplus(m.beta, m.threshold),
        elementwise(
            beta=st.sampled_from([1.0, 2.0, 0.5, -1.0]) | numbers(0.0625, 4),
            threshold=st.sampled_from([20.0, 1.0, 0.0, -2.0]) | numbers(-5, 40),
        ),
        "elementwise",
        refusals=[
            Refusal(lambda: reference.Softplus(beta=0.0), ValueError, "beta must not be 0; got 0.0")
        ],
        kinks=lambda m: [m.threshold / m.beta],
    ),
    Row(
        reference.LogSigmoid,
        torch.nn.LogSigmoid,
        lambda m: reference.LogSigmoid(),
        elementwise(),
        "elementwise",
    ),
    Row(
        reference.Exponential,
        formula(torch.exp),
        lambda m: reference.Exponential(),
        elementwise(),
        "elementwise",
        literals=[
            (
                {},
                ([-700.0, -1.0, 0.0, 0.5, 700.0],),
                [
                    9.85967654375977086e-305,
                    0.367879441171442322,
                    1,
                    1.64872127070012815,
                    1.01423205473500451e304,
                ],
            )
        ],
    ),
    Row(
        reference.ReLU6,
        torch.nn.ReLU6,
        lambda m: reference.ReLU6(),
        elementwise(),
        "exact",
        kinks=(0.0, 6.0),
        gradient_at_nan=False,
    ),
    Row(
        reference.CELU,
        torch.nn.CELU,
        lambda m: reference.CELU(m.alpha),
        elementwise(alpha=st.sampled_from([0.7, 1.3, 1.0]) | numbers(0.0625, 4)),
        "elementwise",
        floor={"grad_input": _exponent_terms},
        kinks=(0.0,),  # of its slope
        gradient_at_nan=False,
        correct=_float32_alpha,
    ),
    Row(
        reference.Tanhshrink,
        torch.nn.Tanhshrink,
        lambda m: reference.Tanhshrink(),
        elementwise(),
        "elementwise",
        floor={"output": "input"},
        oracle_floor={"grad_input": "grad_output"},
    ),
    Row(
        reference.Softshrink,
        torch.nn.Softshrink,
        lambda m: reference.Softshrink(m.lambd),
        elementwise(lambd=st.just(0.0) | numbers(0, 3)),
        "exact",
        refusals=[
            Refusal(lambda: reference.Softshrink(-0.5), ValueError, "lambd must be 0 or more")
        ],
        kinks=lambda m: [-m.lambd, m.lambd],
        gradient_at_nan=False,
        signed_zeros=False,
    ),
    Row(
        reference.Hardshrink,
        torch.nn.Hardshrink,
        lambda m: reference.Hardshrink(m.lambd),
        elementwise(lambd=st.just(0.0) | numbers(-1, 3)),
        "exact",
        kinks=lambda m: [-m.lambd, m.lambd],
        gradient_at_nan=False,
    ),
    Row(
        reference.Threshold,
        torch.nn.Threshold,
        lambda m: reference.Threshold(m.threshold, m.value),
        elementwise(threshold=numbers(-3, 3), value=numbers(-3, 3)),
        "exact",
        kinks=lambda m: [m.threshold],
        points=[Point("threshold 1, value 2", ([1.0],), (0, 0), {"threshold": 1.0, "value": 2.0})],
    ),
    Row(
        reference.GLU,
        torch.nn.GLU,
        lambda m: reference.GLU(m.dim),
        _halves,
        "elementwise",
        floor={"output": _gated_least, "grad_input": _glu_slopes},
        oracle_floor={"grad_input": _gated_terms},
        refusals=[
            _ODD,
            Refusal(
                lambda: reference.GLU().forward(np.array(1.0)),
                ValueError,
                r"input_data must have an even length along axis -1; got shape \(\)",
            ),
            Refusal(
                lambda: reference.GLU(axis=1).forward(np.ones(4)),
                ValueError,
                r"input_data must have an axis axis=1; got shape \(4,\)",
            ),
        ],
    ),
    Row(
        reference.ReGLU,
        formula(_reglu),
        lambda m: reference.ReGLU(m.dim),
        _halves,
        "exact",
        kinks=(0.0,),
        literals=[({}, ([2.0, -3.0, -1.5, 0.25],), [0, -0.75])],
    ),
    Row(
        reference.GEGLU,
        formula(_geglu),
        lambda m: reference.GEGLU(m.dim),
        _halves,
        "elementwise",
        floor={"output": _gated_least, "grad_input": _gated_slopes},
        oracle_floor={"output": _gated_output, "grad_input": _gated_terms},
        correct=_pull_overflowing,
        literals=[
            (
                {},
                ([2.0, -3.0, -1.5, 0.25],),
                [-0.200421603806574198, -0.449029744262192793],
            )
        ],
    ),
    Row(
        reference.SwiGLU,
        formula(_swiglu),
        lambda m: reference.SwiGLU(m.dim),
        _halves,
        "elementwise",
        floor={"output": _gated_least, "grad_input": _gated_slopes},
        oracle_floor={"output": _gated_output, "grad_input": _gated_terms},
        correct=_pull_overflowing,
        literals=[
            (
                {"axis": 0},
                ([2.0, -3.0, -1.5, 0.25],),
                [-0.547276571419069021, -0.421632375664348578],
            )
        ],
    ),
)

_OUTPUT = (
    Row(
        reference.Softmax,
        torch.nn.Softmax,
        lambda m: reference.Softmax(_axis_of(m)),
        _along_axis(absent=True),
        "composite",
        cancels_within=True,
        adapter=ImplicitAxis,
        refusals=[_NO_AXIS],
    ),
    Row(
        reference.Softmin,
        torch.nn.Softmin,
        lambda m: reference.Softmin(_axis_of(m)),
        _along_axis(absent=True),
        "composite",
        cancels_within=True,
        adapter=ImplicitAxis,
    ),
    Row(
        reference.Softmax2d,
        torch.nn.Softmax2d,
        lambda m: reference.Softmax2d(),
        _image,
        "composite",
        cancels_within=True,
        inputs=ChannelsFirst(2),
        outputs=ChannelsFirst(2),
        refusals=[
            Refusal(
                lambda: reference.Softmax2d().forward(np.ones((2, 3))),
                ValueError,
                r"input_data must have 3 or 4 axes \(\[batch,\] height, width, channels\)",
            )
        ],
    ),
    Row(
        reference.LogSoftmax,
        torch.nn.LogSoftmax,
        lambda m: reference.LogSoftmax(_axis_of(m)),
        _along_axis(absent=True),
        "composite",
        cancels_within=True,
        adapter=ImplicitAxis,
    ),
    Row(
        reference.GumbelSoftmax,
        formula(_gumbel_softmax),
        lambda m: reference.GumbelSoftmax(m.tau, m.hard, m.dim),
        _gumbel,
        "composite",
        cancels_within=True,
        replay=_replay_gumbel,
        law=_law_of_gumbel_softmax,
        refusals=[
            Refusal(
                lambda: reference.GumbelSoftmax(rng=7),
                TypeError,
                "rng must be a numpy.random.Generator; got int 7",
            )
        ],
        literals=[
            (
                {"tau": 0.5, "rng": _Given(0.25, 1.5, -0.75)},
                ([0.5, -1.0, 2.0],),
                [0.231223897622149067, 0.140244383166088485, 0.628531719211762448],
            ),
            (
                {"tau": 0.5, "hard": True, "rng": _Given(0.25, 1.5, -0.75)},
                ([0.5, -1.0, 2.0],),
                [0, 0, 1],
            ),
        ],
    ),
)

_ADAPTIVE = Row(
    reference.AdaptiveLogSoftmaxWithLoss,
    torch.nn.AdaptiveLogSoftmaxWithLoss,
    _adaptive_of,
    _adaptive,
    "composite",
    target_places=(1,),
    cancels_within=True,
    refusals=[
        Refusal(
            lambda: reference.AdaptiveLogSoftmaxWithLoss(4, 5, [3, 2]),
            ValueError,
            r"cutoffs must be rising integers in \[1, 5\); got \[3, 2\]",
        ),
        Refusal(
            lambda: reference.AdaptiveLogSoftmaxWithLoss(4, 5, [2, 5]),
            ValueError,
            r"cutoffs must be rising integers in \[1, 5\)",
        ),
        Refusal(
            lambda: reference.AdaptiveLogSoftmaxWithLoss(4, 5, 2),
            ValueError,
            "cutoffs must be rising integers",
        ),
        Refusal(
            lambda: reference.AdaptiveLogSoftmaxWithLoss(2, 5, [2]).forward(
                np.ones((2, 2)), np.array([0, 5])
            ),
            ValueError,
            r"target must lie in \[0, 5\); got 5 at index \(1,\)",
        ),
        Refusal(
            lambda: reference.AdaptiveLogSoftmaxWithLoss(2, 5, [2]).log_prob(np.ones((2, 3))),
            ValueError,
            "AdaptiveLogSoftmaxWithLoss.log_prob: input_data must have 2 features on its last axis",
        ),
    ],
)

register(*_SIGMOIDAL, *_RECTIFYING, *_MODERN, *_OUTPUT, _ADAPTIVE)
