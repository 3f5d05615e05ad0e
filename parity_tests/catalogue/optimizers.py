"""Rows: optimizers."""

import dataclasses
import unittest.mock

import numpy as np
import torch
from hypothesis import strategies as st

import reference
from parity_tests.catalogue._optimizers import (
    FLOORS,
    GROUPS,
    MATRICES,
    MOMENTS,
    SPARSE,
    STATES,
    STEP_FACTORS,
    STEPS,
)
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


def _options(**strategies):
    """The draw of these options."""
    return lambda draw: {name: draw(strategy) for name, strategy in strategies.items()}


def _or_zero(minimum, maximum):
    return st.just(0.0) | numbers(minimum, maximum)


def _eps(*usual):
    return st.sampled_from(usual) | numbers(1e-10, 1e-2)


_FLAG = st.booleans()
_COMMON = {"lr": _or_zero(1e-4, 0.5), "weight_decay": _or_zero(0, 0.5), "maximize": _FLAG}
_BETAS = st.tuples(
    st.sampled_from([0.0, 0.3, 0.5, 0.9]) | numbers(0, 0.999),
    st.sampled_from([0.0, 0.99, 0.999]) | numbers(0, 0.9999),
)
_ADAM = {**_COMMON, "betas": _BETAS, "eps": _eps(0.0, 1e-8)}
_MOMENTUM, _DAMPENING = st.sampled_from([0.0, 0.5, 0.9]), numbers(0, 1)


def _sgd(draw):
    options, momentum = _options(**_COMMON)(draw), draw(_MOMENTUM)
    nesterov = momentum > 0 and draw(_FLAG)
    dampening = 0.0 if nesterov else draw(_DAMPENING)
    return {**options, "momentum": momentum, "dampening": dampening, "nesterov": nesterov}


def _some_rows(grad, rng):
    """A sparse gradient of some rows, in any order, some of them twice; or zeros elsewhere, and
    here and there in these rows."""
    places = rng.integers(0, len(grad), size=rng.integers(0, 2 * len(grad) + 1))
    if rng.random() < 0.2:
        filled = np.isin(np.arange(len(grad)), places) & (rng.random(grad.T.shape) < 0.8)
        return np.where(filled, grad.T, 0).T.astype(grad.dtype)
    return places, grad[places]


def _sparse(given, parameter, tensor_of):
    if not isinstance(given, tuple):
        return tensor_of(given).to_sparse(1)
    places, rows = torch.from_numpy(given[0])[None], tensor_of(given[1])
    return torch.sparse_coo_tensor(places, rows, parameter.shape, check_invariants=False)


class _EpsUnderRoot:
    """PyTorch's own code, with another root."""

    def step(self, closure=None):
        groups = self.param_groups
        for group in groups:

            def root(square, eps=group["eps"]):
                return torch.sqrt(square + eps)

            self.param_groups = [{**group, "eps": 0.0}]
            with unittest.mock.patch.multiple(torch.Tensor, sqrt=root, sqrt_=root):
                super().step()
        self.param_groups = groups


class _AdagradUnderRoot(_EpsUnderRoot, torch.optim.Adagrad):
    pass


class _RMSpropUnderRoot(_EpsUnderRoot, torch.optim.RMSprop):
    pass


class _MuonInFull(torch.optim.Muon):
    """PyTorch's own code, which rounds nothing to bfloat16."""

    def step(self, closure=None):
        with unittest.mock.patch.object(torch.Tensor, "bfloat16", torch.Tensor.clone):
            super().step()


def _under_root(row, oracle):
    """The row of the same optimizer with eps under the root."""
    return dataclasses.replace(
        row,
        oracle=oracle,
        name=f"{row.title}UnderRoot",
        translate=lambda group: {**row.translate(group), "eps_inside_root": True},
        own_defaults={"eps_inside_root": False},
        departure="",
    )


def _positive_variance(state, eps):
    """Where the centered variance is not rounding alone, whose root PyTorch takes all the same."""
    if "grad_avg" not in state:
        return None
    square, mean = state["square_avg"], state["grad_avg"]
    with np.errstate(over="ignore", invalid="ignore"):
        variance = square - mean * mean
    # NaN and infinities are asserted; so is a square of zero, whose root is zero on both sides.
    return ~(variance < 32 * eps * square) | (square == 0)


def _between(first, second, share):
    return tuple((1 - share) * a + share * b for a, b in zip(first, second, strict=True))


# From PyTorch's coefficients to those of the plain iteration: between them it stays bounded.
_COEFFICIENTS = (st.sampled_from([0.0, 1.0]) | numbers(0, 1)).map(
    lambda share: _between((3.4445, -4.7750, 2.0315), (1.5, -0.5, 0.0), share)
)


def _scalar_dtype(optimizer):
    """That of the scalars of PyTorch's state, its default."""
    return {"scalar_dtype": torch.empty(()).numpy().dtype.type}


def _first_eps(translate):
    """The options of a group whose first eps, where it is None, is that of its first parameter."""

    def translated(group):
        (first, second), dtypes = group["eps"], [param.dtype for param in group["params"]]
        # Of one dtype each parameter has the same of its own.
        if first is None and len(set(dtypes)) > 1:
            first = torch.finfo(dtypes[0]).eps
        return translate({**group, "eps": (first, second)})

    return translated


_GENERAL = tuple(_COMMON)
_MOMENTS = _same("step", "exp_avg", "exp_avg_sq")

_ADAGRAD = OptimizerRow(
    reference.Adagrad,
    torch.optim.Adagrad,
    _named(*_GENERAL, "lr_decay", "eps"),
    _options(
        **_COMMON,
        lr_decay=_or_zero(0, 1),
        initial_accumulator_value=_or_zero(0, 1),
        eps=_eps(0.0, 1e-10),
    ),
    state=_same("step", "sum"),
    # PyTorch has one value for all groups, whatever they say.
    constant=lambda optimizer: {
        "initial_accumulator_value": optimizer.defaults["initial_accumulator_value"]
    },
)
_RMSPROP = OptimizerRow(
    reference.RMSprop,
    torch.optim.RMSprop,
    _named(*_GENERAL, "alpha", "eps", "momentum", "centered"),
    _options(
        **_COMMON,
        alpha=st.sampled_from([0.9, 0.99, 0.0]) | numbers(0.5, 0.999),
        eps=_eps(0.0, 1e-8),
        momentum=st.sampled_from([0.0, 0.9]) | numbers(0, 0.99),
        centered=_FLAG,
    ),
    state=_same("step", "square_avg", "momentum_buffer", "grad_avg"),
    determined=_positive_variance,
    departure="A centered variance that rounding alone makes negative has the root NaN; here, "
    "and in `mirror`, 0.",
)
_MUON = OptimizerRow(
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
    _options(
        lr=_or_zero(1e-4, 0.5),
        weight_decay=_or_zero(0, 0.5),
        momentum=st.sampled_from([0.0, 0.4, 0.95]) | numbers(0, 0.99),
        nesterov=_FLAG,
        ns_coefficients=_COEFFICIENTS,
        eps=_eps(0.0, 1e-7),
        ns_steps=st.integers(0, 6),
        adjust_lr_fn=st.sampled_from([None, "original", "match_rms_adamw"]),
    ),
    state=_same("momentum_buffer"),
    ranks=(2, 2),
    least_size=1,
    constant=lambda optimizer: {"bfloat16": True},
    own_defaults={"bfloat16": False},
    refusals=MATRICES,
    departure="PyTorch makes the step orthogonal in bfloat16, whatever the parameter's dtype.",
)

register(
    OptimizerRow(
        reference.SGD,
        torch.optim.SGD,
        _named(*_GENERAL, "momentum", "dampening", "nesterov"),
        _sgd,
        state=_same("momentum_buffer"),
        refusals=(*STEPS, *GROUPS, *STATES),
    ),
    OptimizerRow(
        reference.Adam,
        torch.optim.Adam,
        _named(*_GENERAL, "betas", "eps", "amsgrad", "decoupled_weight_decay"),
        _options(**_ADAM, amsgrad=_FLAG, decoupled_weight_decay=_FLAG),
        state={**_MOMENTS, **_same("max_exp_avg_sq")},
        refusals=MOMENTS,
    ),
    OptimizerRow(
        reference.AdamW,
        torch.optim.AdamW,
        _named(*_GENERAL, "betas", "eps", "amsgrad"),
        _options(**_ADAM, amsgrad=_FLAG),
        state={**_MOMENTS, **_same("max_exp_avg_sq")},
    ),
    OptimizerRow(
        reference.Adamax,
        torch.optim.Adamax,
        _named(*_GENERAL, "betas", "eps"),
        _options(**_ADAM),
        state=_same("step", "exp_avg", "exp_inf"),
    ),
    OptimizerRow(
        reference.NAdam,
        torch.optim.NAdam,
        _named(*_GENERAL, "betas", "eps", "momentum_decay", "decoupled_weight_decay"),
        _options(**_ADAM, momentum_decay=_or_zero(0, 1), decoupled_weight_decay=_FLAG),
        state={**_MOMENTS, **_same("mu_product")},
        constant=_scalar_dtype,
        departure="PyTorch keeps the product of the mu in its default dtype, float32.",
    ),
    OptimizerRow(
        reference.RAdam,
        torch.optim.RAdam,
        _named(*_GENERAL, "betas", "eps", "decoupled_weight_decay"),
        _options(**_ADAM, decoupled_weight_decay=_FLAG),
        state=_MOMENTS,
    ),
    OptimizerRow(
        reference.SparseAdam,
        torch.optim.SparseAdam,
        _named("lr", "betas", "eps", "maximize"),
        _options(lr=numbers(1e-4, 0.5), betas=_BETAS, eps=_eps(1e-8), maximize=_FLAG),
        state=_MOMENTS,
        ranks=(1, 3),
        least_size=1,
        give=_some_rows,
        hand=_sparse,
        unreached={"option learning_rate=0": "both refuse it"},
        refusals=SPARSE,
    ),
    _ADAGRAD,
    _under_root(_ADAGRAD, _AdagradUnderRoot),
    _RMSPROP,
    _under_root(_RMSPROP, _RMSpropUnderRoot),
    OptimizerRow(
        reference.Adadelta,
        torch.optim.Adadelta,
        _named(*_GENERAL, "rho", "eps"),
        _options(
            **{**_COMMON, "lr": _or_zero(1e-4, 2)},
            rho=st.sampled_from([0.0, 0.9, 1.0]) | numbers(0, 1),
            eps=_eps(0.0, 1e-6),
        ),
        state=_same("step", "square_avg", "acc_delta"),
    ),
    OptimizerRow(
        reference.Rprop,
        torch.optim.Rprop,
        _named("lr", "etas", "step_sizes", "maximize"),
        _options(
            lr=_or_zero(1e-4, 0.5),
            etas=st.tuples(numbers(0.01, 0.99), numbers(1.01, 3)),
            step_sizes=st.tuples(numbers(0, 1e-3), numbers(1e-3, 50)),
            maximize=_FLAG,
        ),
        state=_same("step", "prev", "step_size"),
        refusals=STEP_FACTORS,
    ),
    OptimizerRow(
        reference.Adafactor,
        torch.optim.Adafactor,
        _first_eps(_named(*_GENERAL, "beta2_decay", "eps", "d")),
        _options(
            **_COMMON,
            beta2_decay=(st.sampled_from([0.0, 0.8]) | numbers(0, 2)).map(lambda power: -power),
            eps=st.tuples(st.none() | numbers(0, 1e-2), numbers(0, 1e-2)),
            d=numbers(1, 3),
        ),
        state=_same("step", "row_var", "col_var", "variance"),
        departure="PyTorch takes the eps of the dtype of a group's first parameter for all.",
        own_defaults={"eps": (None, 0.001)},
        least_size=1,
        refusals=FLOORS,
    ),
    OptimizerRow(
        reference.ASGD,
        torch.optim.ASGD,
        _named(*_GENERAL, "lambd", "alpha", "t0"),
        _options(
            **_COMMON,
            lambd=numbers(0, 0.1),
            alpha=numbers(0, 1),
            t0=st.sampled_from([0.0, 1.0, 5.0, 1e6]),
        ),
        state=_same("step", "eta", "mu", "ax"),
        constant=_scalar_dtype,
        departure="PyTorch keeps eta and mu in its default dtype, float32.",
    ),
    _MUON,
    dataclasses.replace(
        _MUON,
        oracle=_MuonInFull,
        name="MuonInFull",
        constant=lambda optimizer: {"bfloat16": False},
        amplifies_within=True,
        departure="",
    ),
)
