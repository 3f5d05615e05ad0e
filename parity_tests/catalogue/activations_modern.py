"""Rows: the modern activations (chapter 9) and the gated units."""

import math

import numpy as np
import torch
from hypothesis import strategies as st

import reference
from parity_tests import oracle
from parity_tests.catalogue._activations import an_axis
from parity_tests.catalogue._row import Point, Refusal, Row, register
from parity_tests.oracle import formula
from parity_tests.strategies import Draft, Input, elementwise, numbers, shapes


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


def _tiny_gate(module, x, grad):
    """A gate too small to be normal times a large number."""
    return x * _least(x)


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


def _halves(draw):
    shape = list(draw(shapes(minimum_rank=1)))
    axis = an_axis(draw, len(shape))
    shape[axis] *= 2
    return Draft({"dim": axis}, (Input(tuple(shape)),))


_ODD = Refusal(
    lambda: reference.GLU().forward(np.ones((2, 3))),
    ValueError,
    r"GLU.forward: input_data must have an even length along axis -1; got shape \(2, 3\)",
)


register(
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
            # Far in the tail, where PyTorch's own formula cancels, to the last digit of each dtype.
            (
                {},
                (np.array([-11.577682495117188], np.float32),),
                np.array([-3.09541580888101375e-30], np.float32),
            ),
            ({}, (np.array([-36.246]),), np.array([-2.082106953304448e-286])),
            (
                {},
                (np.array([-33.442], np.float64).astype(np.longdouble),),
                np.array([np.longdouble("-5.625163345218474353829519e-244")]),
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
        own_defaults={"approximate": "none"},
        floor={"output": _tiny_gate, "grad_input": "grad_output"},
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
        lambda m: reference.Swish(m.beta.item()),
        elementwise(beta=(st.just(0.0) | numbers(-2, 2)).map(lambda beta: np.array([beta]))),
        {"grad_params": "composite", "every": "elementwise"},
        cancels_within=True,
        floor={"grad_input": "grad_output"},
        oracle_floor={"grad_input": "both"},
        own_defaults={"beta": 1.0},
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
        literals=[
            (
                {},
                (np.array([-2.8701171875, -7.296875], np.float32),),
                np.array([0.055143541101085484, 0.000677423632624428635], np.float32),
            )
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
        elementwise(alpha=st.sampled_from([0.7, 1.3, 1.0, -0.7]) | numbers(0.0625, 4)),
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
        formula(_reglu, dim=-1),
        lambda m: reference.ReGLU(m.dim),
        _halves,
        "exact",
        kinks=(0.0,),
        literals=[({}, ([2.0, -3.0, -1.5, 0.25],), [0, -0.75])],
    ),
    Row(
        reference.GEGLU,
        formula(_geglu, dim=-1),
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
        formula(_swiglu, dim=-1),
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
