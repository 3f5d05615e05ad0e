"""Rows: initializers, each from the numbers that PyTorch draws."""

import functools
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from hypothesis import strategies as st
from torch.overrides import TorchFunctionMode

from parity_tests import oracle
from parity_tests.catalogue._row import Refusal, RunRow, register
from parity_tests.strategies import numbers, shapes, sizes
from reference import initializers


class TorchGenerator:
    """The methods of a NumPy Generator that initializers call, on PyTorch's global generator."""

    def random(self, shape):
        return self.uniform(0.0, 1.0, shape)

    def uniform(self, low, high, shape):
        return torch.empty(shape, dtype=torch.float64).uniform_(low, high).numpy()

    def normal(self, mean, std, shape):
        return torch.empty(shape, dtype=torch.float64).normal_(mean, std).numpy()

    def permutation(self, count):
        return torch.randperm(count).numpy()


@dataclass(frozen=True)
class Draw:
    """A shape, the options that both sides have by the same names, and a seed."""

    shape: tuple[int, ...]
    options: Mapping
    seed: int


def _drawn(shape_of: Callable, **options: st.SearchStrategy):
    def draw_one(draw):
        chosen = {name: draw(strategy) for name, strategy in options.items()}
        return Draw(shape_of(draw), chosen, draw(st.integers(0, 2**31 - 1)))

    return draw_one


def _bounds(draw_one):
    """The same with b as far above a as was drawn for it."""

    def draw_bounds(draw):
        drawn = draw_one(draw)
        options = {**drawn.options, "b": drawn.options["a"] + drawn.options["b"]}
        return Draw(drawn.shape, options, drawn.seed)

    return draw_bounds


class _Nudged(TorchFunctionMode):
    """The matrix that is decomposed inside goes through `nudge`: its columns may nearly agree."""

    def __init__(self, nudge):
        self.nudge = nudge

    def __torch_function__(self, function, types, args=(), keywords=None):
        if function is torch.linalg.qr:
            args = (self.nudge(args[0]), *args[1:])
        return function(*args, **(keywords or {}))


def _theirs(function):
    def run(case, dtype, nudge):
        with oracle.seeded(case.seed), oracle.quiet(), _Nudged(nudge):
            tensor = torch.zeros(case.shape, dtype=torch.float64)
            values = function(tensor, **case.options)
        return {"values": values.numpy()}

    return run


def _ours(function):
    def run(case, dtype):
        random = "rng" in inspect.signature(function).parameters
        with oracle.seeded(case.seed):
            rng = {"rng": TorchGenerator()} if random else {}
            return {"values": function(case.shape, **case.options, **rng)}

    return run


def _with_scales(run, gain, fans):
    """The same, with what a law is scaled by: the gains of all nonlinearities, and the fans."""

    def run_and_scale(case, *given):
        slopes = ((), (None,), (case.options["a"],))
        gains = [gain(name, *slope) for name in _NONLINEARITIES for slope in slopes]
        return run(case, *given) | {"gains": np.array(gains), "fans": np.array(fans(case.shape))}

    return run_and_scale


def _fans_in_torch(shape):
    return torch.nn.init._calculate_fan_in_and_fan_out(torch.empty(shape))


def _any_shape(draw):
    return draw(shapes(0, 4, 0, 5))


def _two_axes(draw):
    return draw(shapes(2, 2, 0, 6))


def _weights(draw):
    """Two axes or more; PyTorch divides by the sum of the fans, and by each."""
    return draw(shapes(2, 4, 1, 5))


def _weights_or_none(draw):
    return draw(shapes(2, 4, 0, 5))


def _kernels(draw):
    """Outputs that one, two or three groups divide."""
    return (6 * draw(sizes(0, 1)) + 6, draw(sizes(0, 4)), *draw(shapes(1, 3, 1, 4)))


_NONLINEARITIES = (*initializers.GAINS, "leaky_relu")
_GAIN = st.just(1.0) | numbers(0, 3)
_STD = st.sampled_from([1.0, 0.02]) | numbers(0.01, 3)
_KAIMING = {
    "a": st.just(0.0) | numbers(-3, 3),
    "mode": st.sampled_from(["fan_in", "fan_out"]),
    # The one that has a slope; apart from the linear ones, which are many and alike.
    "nonlinearity": st.just("leaky_relu")
    | st.sampled_from(["relu", "tanh", "selu", "sigmoid"])
    | st.sampled_from([name for name, gain in initializers.GAINS.items() if gain == 1.0]),
}


def _not_just_anything(function):
    """An object of no kind for each argument."""
    named = inspect.signature(function).parameters.values()
    needed = {p.name: 0.5 for p in named if p.default is p.empty}
    shape = {"shape": (2, 3, 3) if function is initializers.dirac else (2, 3)}
    for name in (p.name for p in named):
        act = functools.partial(function, **needed | shape | {name: object()})
        # The slope of a gain is called param where it is checked.
        yield Refusal(act, (TypeError, ValueError), f"({name}|param) must")


def _row(name, draw, arguments="(2, 3)", refusals=(), budget="exact"):
    function = getattr(initializers, name)
    theirs = getattr(torch.nn.init, f"{name}_")
    ours_run, theirs_run = _ours(function), _theirs(theirs)
    if "nonlinearity" in inspect.signature(function).parameters:
        gain, fans = initializers.calculate_gain, initializers.calculate_fans
        ours_run = _with_scales(ours_run, gain, fans)
        theirs_run = _with_scales(theirs_run, torch.nn.init.calculate_gain, _fans_in_torch)
    random = "rng" in inspect.signature(function).parameters
    given = f"{arguments}, rng=np.random.default_rng(0)" if random else arguments
    wrong = [
        Refusal(lambda: function("ab"), TypeError, "shape must be a tuple of integers"),
        Refusal(lambda: function((2, -1, 3)), ValueError, "shape must"),
    ]
    if name == "constant":
        wrong = [
            Refusal(lambda: function(3, 1.0), TypeError, "shape must be a tuple of integers"),
            Refusal(lambda: function((2,), np.nan), ValueError, "val must be finite"),
        ]
    if name == "sparse":
        wrong = [
            Refusal(lambda: function((2, 3, 4), 0.1), ValueError, "have 2 to 2 axes"),
            Refusal(lambda: function((2, 3), 0.1, -1.0), ValueError, "std must be 0 or more"),
        ]
    return RunRow(
        function,
        theirs,
        draw,
        ours_run,
        theirs_run,
        "\n".join(
            [
                "import numpy as np",
                "from reference import initializers",
                f"print(initializers.{name}({given}))",
            ]
        ),
        budget=budget,
        dtypes=("float64",),
        refusals=(*_not_just_anything(function), *wrong, *refusals),
    )


def _refused(message, function, *arguments, error=ValueError, **options):
    return Refusal(lambda: function(*arguments, **options), error, message)


register(
    _row(
        "uniform",
        _bounds(_drawn(_any_shape, a=numbers(-3, 3), b=numbers(0, 4))),
        refusals=[_refused("b must be at least a=2", initializers.uniform, (3,), 2.0, 1.0)],
    ),
    _row(
        "normal",
        _drawn(_any_shape, mean=numbers(-3, 3), std=st.just(0.0) | _STD),
        refusals=[
            _refused("std must be 0 or more", initializers.normal, (3,), 0.0, -1.0),
            _refused("mean must be finite", initializers.normal, (3,), np.nan),
        ],
    ),
    _row(
        "trunc_normal",
        _bounds(
            _drawn(_any_shape, mean=numbers(-2, 2), std=_STD, a=numbers(-3, 1), b=numbers(0.1, 5))
        ),
        refusals=[
            _refused("std must be positive", initializers.trunc_normal, (3,), std=0.0),
            _refused("b must be at least a=2", initializers.trunc_normal, (3,), a=2.0, b=1.0),
        ],
    ),
    _row("constant", _drawn(_any_shape, val=numbers(-3, 3)), "(2, 3), 0.5"),
    _row("ones", _drawn(_any_shape)),
    _row("zeros", _drawn(_any_shape)),
    _row(
        "eye",
        _drawn(_two_axes),
        refusals=[_refused("have 2 to 2 axes", initializers.eye, (3,))],
    ),
    _row(
        "dirac",
        _drawn(_kernels, groups=st.integers(1, 3)),
        "(2, 3, 3)",
        [
            _refused("divisible by groups=2", initializers.dirac, (3, 3, 3), 2),
            _refused("have 3 to 5 axes", initializers.dirac, (3, 3)),
            _refused("kernel must be at least 1", initializers.dirac, (3, 3, 0)),
        ],
    ),
    _row(
        "xavier_uniform",
        _drawn(_weights, gain=_GAIN),
        refusals=[
            _refused("xavier_uniform: shape must have 2 or", initializers.xavier_uniform, (3,)),
            _refused("fans must be positive", initializers.xavier_uniform, (0, 0)),
            _refused("gain must be 0 or more", initializers.xavier_uniform, (2, 2), -1.0),
        ],
    ),
    _row("xavier_normal", _drawn(_weights, gain=_GAIN)),
    _row(
        "kaiming_uniform",
        _drawn(_weights_or_none, **_KAIMING),
        refusals=[
            _refused("mode must be one of", initializers.kaiming_uniform, (2, 2), mode="fan"),
            _refused(
                "nonlinearity must be one of",
                initializers.kaiming_uniform,
                (2, 2),
                nonlinearity="gelu",
            ),
            _refused("kaiming_uniform: shape must have 2 or", initializers.kaiming_uniform, (2,)),
            _refused("shape must have 2 or more axes", initializers.calculate_fans, (2,)),
        ],
    ),
    _row("kaiming_normal", _drawn(_weights_or_none, **_KAIMING)),
    _row(
        "orthogonal",
        _drawn(_weights_or_none, gain=numbers(-2, 2)),
        refusals=[_refused("have 2 or more axes", initializers.orthogonal, (2,))],
        budget="trajectory",
    ),
    _row(
        "sparse",
        _drawn(_two_axes, sparsity=st.just(1.0) | numbers(0, 1), std=st.just(0.0) | _STD),
        "(4, 3), 0.5",
        [_refused(r"sparsity must lie in \[0, 1\]", initializers.sparse, (2, 2), 1.5)],
    ),
)
