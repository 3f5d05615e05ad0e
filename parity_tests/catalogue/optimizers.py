"""Rows: optimizers."""

import numpy as np
import torch
from hypothesis import strategies as st

import reference
from parity_tests.catalogue._row import OptimizerRow, register
from parity_tests.strategies import numbers

# PyTorch's names of options -> ours, where they differ.
_NAMES = {"lr": "learning_rate"}


def _named(*options):
    """Translates the options of a group that have these names in PyTorch."""
    return lambda group: {_NAMES.get(name, name): group[name] for name in options}


def _same(*names):
    """State that has PyTorch's names."""
    return {name: name for name in names}


def _betas(draw):
    return (
        draw(st.sampled_from([0.0, 0.3, 0.5, 0.9]) | numbers(0, 0.999)),
        draw(st.sampled_from([0.0, 0.99, 0.999]) | numbers(0, 0.9999)),
    )


def _common(draw, largest_rate=0.5):
    """The options that most optimizers share."""
    return {
        "lr": draw(st.just(0.0) | numbers(1e-4, largest_rate)),
        "weight_decay": draw(st.just(0.0) | numbers(0, 0.5)),
        "maximize": draw(st.booleans()),
    }


def _eps(draw, *usual):
    return draw(st.sampled_from(usual) | numbers(1e-10, 1e-2))


def _sgd(draw):
    momentum = draw(st.sampled_from([0.0, 0.5, 0.9]))
    nesterov = momentum > 0 and draw(st.booleans())
    return {
        **_common(draw),
        "momentum": momentum,
        "dampening": 0.0 if nesterov else draw(numbers(0, 1)),
        "nesterov": nesterov,
    }


def _adam(draw):
    return {
        **_common(draw),
        "betas": _betas(draw),
        "eps": _eps(draw, 0.0, 1e-8),
        "amsgrad": draw(st.booleans()),
    }


def _adamax(draw):
    return {**_common(draw), "betas": _betas(draw), "eps": _eps(draw, 0.0, 1e-8)}


def _nadam(draw):
    return {
        **_adamax(draw),
        "momentum_decay": draw(st.just(0.0) | numbers(0, 1)),
        "decoupled_weight_decay": draw(st.booleans()),
    }


def _radam(draw):
    return {**_adamax(draw), "decoupled_weight_decay": draw(st.booleans())}


def _sparse_adam(draw):
    return {
        "lr": draw(numbers(1e-4, 0.5)),
        "betas": _betas(draw),
        "eps": _eps(draw, 1e-8),
        "maximize": draw(st.booleans()),
    }


def _some_rows(grad, tensor_of, rng):
    """A sparse gradient of some rows, in any order, some of them twice."""
    places = rng.integers(0, len(grad), size=rng.integers(0, 2 * len(grad) + 1))
    indices, rows = places.astype(np.int64), grad[places]
    values = tensor_of(rows)
    places = torch.from_numpy(indices)[None]
    sparse = torch.sparse_coo_tensor(places, values, grad.shape, check_invariants=True)
    return sparse, (indices, rows)


def _adagrad(draw):
    return {
        **_common(draw),
        "lr_decay": draw(st.just(0.0) | numbers(0, 1)),
        "initial_accumulator_value": draw(st.just(0.0) | numbers(0, 1)),
        "eps": _eps(draw, 0.0, 1e-10),
    }


def _rmsprop(draw):
    return {
        **_common(draw),
        "alpha": draw(st.sampled_from([0.9, 0.99]) | numbers(0.5, 0.999)),
        "eps": _eps(draw, 0.0, 1e-8),
        "momentum": draw(st.sampled_from([0.0, 0.9]) | numbers(0, 0.99)),
        "centered": draw(st.booleans()),
    }


def _positive_variance(state, eps):
    """Where the centered variance is not rounding alone, whose root PyTorch takes all the same."""
    if "grad_avg" not in state:
        return None
    square, mean = state["square_avg"], state["grad_avg"]
    with np.errstate(over="ignore", invalid="ignore"):
        variance = square - mean * mean
    # NaN and infinities are asserted; so is a square of zero, whose root is zero on both sides.
    return ~(variance < 32 * eps * square) | (square == 0)


def _adadelta(draw):
    return {
        **_common(draw, 2),
        "rho": draw(st.sampled_from([0.0, 0.9, 1.0]) | numbers(0, 1)),
        "eps": _eps(draw, 0.0, 1e-6),
    }


def _rprop(draw):
    return {
        "lr": draw(st.just(0.0) | numbers(1e-4, 0.5)),
        "etas": (draw(numbers(0.01, 0.99)), draw(numbers(1.01, 3))),
        "step_sizes": (draw(numbers(0, 1e-3)), draw(numbers(1e-3, 50))),
        "maximize": draw(st.booleans()),
    }


def _adafactor(draw):
    return {
        **_common(draw),
        "beta2_decay": -draw(st.sampled_from([0.0, 0.8]) | numbers(0, 2)),
        "eps": (draw(st.none() | numbers(0, 1e-2)), draw(numbers(0, 1e-2))),
        "d": draw(numbers(1, 3)),
    }


def _asgd(draw):
    return {
        **_common(draw),
        "lambd": draw(numbers(0, 0.1)),
        "alpha": draw(numbers(0, 1)),
        "t0": draw(st.sampled_from([0.0, 1.0, 5.0, 1e6])),
    }


def _between(first, second, share):
    return tuple((1 - share) * a + share * b for a, b in zip(first, second, strict=True))


def _muon(draw):
    # From PyTorch's coefficients to those of the plain iteration: between them it stays bounded.
    share = draw(st.sampled_from([0.0, 1.0]) | numbers(0, 1))
    return {
        "lr": draw(st.just(0.0) | numbers(1e-4, 0.5)),
        "weight_decay": draw(st.just(0.0) | numbers(0, 0.5)),
        "momentum": draw(st.sampled_from([0.0, 0.4, 0.95]) | numbers(0, 0.99)),
        "nesterov": draw(st.booleans()),
        "ns_coefficients": _between((3.4445, -4.7750, 2.0315), (1.5, -0.5, 0.0), share),
        "eps": draw(st.just(1e-7) | numbers(1e-10, 1e-3)),
        "ns_steps": draw(st.integers(0, 6)),
        "adjust_lr_fn": draw(st.sampled_from([None, "original", "match_rms_adamw"])),
    }


def _scalar_dtype(optimizer):
    """PyTorch keeps the scalars of its state (mu_product; eta and mu) in its default dtype."""
    return {"scalar_dtype": torch.empty(()).numpy().dtype.type}


_COMMON = ("lr", "weight_decay", "maximize")
_MOMENTS = _same("step", "exp_avg", "exp_avg_sq")

register(
    OptimizerRow(
        reference.SGD,
        torch.optim.SGD,
        _named(*_COMMON, "momentum", "dampening", "nesterov"),
        _sgd,
        state=_same("momentum_buffer"),
    ),
    OptimizerRow(
        reference.Adam,
        torch.optim.Adam,
        _named(*_COMMON, "betas", "eps", "amsgrad", "decoupled_weight_decay"),
        lambda draw: {**_adam(draw), "decoupled_weight_decay": draw(st.booleans())},
        state={**_MOMENTS, **_same("max_exp_avg_sq")},
    ),
    OptimizerRow(
        reference.AdamW,
        torch.optim.AdamW,
        _named(*_COMMON, "betas", "eps", "amsgrad"),
        _adam,
        state={**_MOMENTS, **_same("max_exp_avg_sq")},
    ),
    OptimizerRow(
        reference.Adamax,
        torch.optim.Adamax,
        _named(*_COMMON, "betas", "eps"),
        _adamax,
        state=_same("step", "exp_avg", "exp_inf"),
    ),
    OptimizerRow(
        reference.NAdam,
        torch.optim.NAdam,
        _named(*_COMMON, "betas", "eps", "momentum_decay", "decoupled_weight_decay"),
        _nadam,
        state={**_MOMENTS, **_same("mu_product")},
        constant=_scalar_dtype,
    ),
    OptimizerRow(
        reference.RAdam,
        torch.optim.RAdam,
        _named(*_COMMON, "betas", "eps", "decoupled_weight_decay"),
        _radam,
        state=_MOMENTS,
    ),
    OptimizerRow(
        reference.SparseAdam,
        torch.optim.SparseAdam,
        _named("lr", "betas", "eps", "maximize"),
        _sparse_adam,
        state=_MOMENTS,
        ranks=(1, 3),
        least_size=1,
        give=_some_rows,
    ),
    OptimizerRow(
        reference.Adagrad,
        torch.optim.Adagrad,
        _named(*_COMMON, "lr_decay", "eps"),
        _adagrad,
        state=_same("step", "sum"),
        # PyTorch has one value for all groups, whatever they say.
        constant=lambda optimizer: {
            "initial_accumulator_value": optimizer.defaults["initial_accumulator_value"]
        },
    ),
    OptimizerRow(
        reference.RMSprop,
        torch.optim.RMSprop,
        _named(*_COMMON, "alpha", "eps", "momentum", "centered"),
        _rmsprop,
        state=_same("step", "square_avg", "momentum_buffer", "grad_avg"),
        determined=_positive_variance,
    ),
    OptimizerRow(
        reference.Adadelta,
        torch.optim.Adadelta,
        _named(*_COMMON, "rho", "eps"),
        _adadelta,
        state=_same("step", "square_avg", "acc_delta"),
    ),
    OptimizerRow(
        reference.Rprop,
        torch.optim.Rprop,
        _named("lr", "etas", "step_sizes", "maximize"),
        _rprop,
        state=_same("step", "prev", "step_size"),
    ),
    OptimizerRow(
        reference.Adafactor,
        torch.optim.Adafactor,
        _named(*_COMMON, "beta2_decay", "eps", "d"),
        _adafactor,
        state=_same("step", "row_var", "col_var", "variance"),
        least_size=1,
    ),
    OptimizerRow(
        reference.ASGD,
        torch.optim.ASGD,
        _named(*_COMMON, "lambd", "alpha", "t0"),
        _asgd,
        state=_same("step", "eta", "mu", "ax"),
        constant=_scalar_dtype,
    ),
    OptimizerRow(
        reference.Muon,
        torch.optim.Muon,
        _named(
            "lr",
            "weight_decay",
            "momentum",
            "nesterov",
            "ns_coefficients",
            "eps",
            "ns_steps",
            "adjust_lr_fn",
        ),
        _muon,
        state=_same("momentum_buffer"),
        ranks=(2, 2),
        least_size=1,
        constant=lambda optimizer: {"bfloat16": True},
    ),
)
