"""Rows: gradient clipping, and the running statistics of an average."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from hypothesis import strategies as st

import reference
from parity_tests import oracle
from parity_tests.catalogue._row import Refusal, RunRow, register
from parity_tests.strategies import numbers, shapes

_ORDERS = (2.0, 1, math.inf, 0, 0.5, 1.5, 3, -1, -math.inf)


@dataclass(frozen=True)
class Gradients:
    """Gradients from a seed, some of them None, some of their elements not finite; options."""

    shapes: tuple[tuple[int, ...] | None, ...]
    scale: float
    finite: bool
    seed: int
    options: Mapping

    def arrays(self, dtype):
        rng = np.random.default_rng(self.seed)
        return [None if shape is None else self._array(rng, shape, dtype) for shape in self.shapes]

    def _array(self, rng, shape, dtype):
        values = np.asarray(rng.normal(size=shape) * self.scale)
        if not self.finite:
            lost = rng.choice([np.nan, np.inf, -np.inf], size=shape)
            values = np.where(rng.random(shape) < 0.3, lost, values)
        return values.astype(dtype)

    def parameters(self, dtype):
        """Parameters of PyTorch's that have these gradients."""
        parameters = []
        for grad in self.arrays(dtype):
            zeros = torch.zeros(() if grad is None else grad.shape, dtype=getattr(torch, dtype))
            parameters.append(torch.nn.Parameter(zeros))
            parameters[-1].grad = None if grad is None else torch.from_numpy(grad)
        return parameters


def _gradients(least=0, **options):
    """The draw of gradients, `least` of them, with these options."""

    def draw_gradients(draw):
        drawn = {name: draw(strategy) for name, strategy in options.items()}
        # PyTorch refuses the norms of nothing that have no value.
        order = drawn.get("norm_type", 2.0)
        fewest = 0 if 0 <= order < math.inf else 1
        some = st.none() | shapes(0, 3, fewest, 3)
        return Gradients(
            tuple(draw(st.lists(some, min_size=least, max_size=3))),
            draw(st.sampled_from([1.0, 1e-8, 1e25, 1e-30, 0.0])),
            draw(st.sampled_from([True, True, False])),
            draw(st.integers(0, 2**32 - 1)),
            drawn,
        )

    return draw_gradients


def _found(norm=None, grads=()):
    """The norm and every gradient that is there."""
    found = {} if norm is None else {"norm": np.atleast_1d(oracle.to_numpy(norm))}
    for place, grad in enumerate(grads):
        if grad is not None:
            found[f"grads[{place}]"] = np.atleast_1d(oracle.to_numpy(grad))
    return found


def _grads_of(parameters):
    return [parameter.grad for parameter in parameters]


def _norm_or_refusal(function, grads, options):
    """The norm; -1 where it is refused, as not finite."""
    try:
        return function(grads, **options)
    except RuntimeError:
        return np.full((), -1.0)


def _total_norm(case, dtype):
    return _found(_norm_or_refusal(reference.get_total_norm, case.arrays(dtype), case.options))


def _total_norm_in_torch(case, dtype, nudge):
    grads = [grad for grad in _grads_of(case.parameters(dtype)) if grad is not None]
    return _found(_norm_or_refusal(torch.nn.utils.get_total_norm, grads, case.options))


def _clip_with_norm(case, dtype):
    grads = case.arrays(dtype)
    reference.clip_grads_with_norm(grads, total_norm=np.dtype(dtype).type(2.5), **case.options)
    return _found(grads=grads)


def _clip_with_norm_in_torch(case, dtype, nudge):
    parameters = case.parameters(dtype)
    norm = torch.tensor(2.5, dtype=getattr(torch, dtype))
    torch.nn.utils.clip_grads_with_norm_(parameters, total_norm=norm, **case.options)
    return _found(grads=_grads_of(parameters))


def _clip_norm(case, dtype):
    grads = case.arrays(dtype)
    return _found(_norm_or_refusal(reference.clip_grad_norm, grads, case.options), grads)


def _clip_norm_in_torch(case, dtype, nudge):
    parameters = case.parameters(dtype)
    norm = _norm_or_refusal(torch.nn.utils.clip_grad_norm_, parameters, case.options)
    return _found(norm, _grads_of(parameters))


def _clip_value(case, dtype):
    grads = case.arrays(dtype)
    reference.clip_grad_value(grads, **case.options)
    return _found(grads=grads)


def _clip_value_in_torch(case, dtype, nudge):
    parameters = case.parameters(dtype)
    if any(grad is not None for grad in _grads_of(parameters)):  # PyTorch fails on none
        torch.nn.utils.clip_grad_value_(parameters, **case.options)
    return _found(grads=_grads_of(parameters))


# --- running statistics ---


@dataclass(frozen=True)
class Batches:
    """Batches from a seed, the mode of the network and the momentum of its normalization."""

    sizes: tuple[int, ...]
    features: int
    seed: int
    training: bool
    momentum: float | None

    def arrays(self, dtype):
        rng = np.random.default_rng(self.seed)
        return [rng.normal(size=(size, self.features)).astype(dtype) for size in self.sizes]

    def module(self, dtype):
        with oracle.seeded(self.seed % 2**31):
            module = torch.nn.BatchNorm1d(self.features, momentum=self.momentum)
            module(torch.randn(4, self.features))
        return module.to(getattr(torch, dtype)).train(self.training)


def _batches(draw):
    return Batches(
        tuple(draw(st.lists(st.integers(2, 5), min_size=0, max_size=4))),
        draw(st.integers(1, 3)),
        draw(st.integers(0, 2**32 - 1)),
        draw(st.booleans()),
        draw(st.none() | st.sampled_from([0.0, 0.1, 1.0])),
    )


def _after(mode, momentum, buffers):
    """The mode and the momentum, which are put back, and the statistics."""
    kept = {"training": float(mode), "momentum": -1.0 if momentum is None else momentum}
    names = ("running_mean", "running_var", "num_batches_tracked")
    found = kept | dict(zip(names, map(oracle.to_numpy, buffers), strict=True))
    return {name: np.atleast_1d(value) for name, value in found.items()}


def _update(case, dtype):
    module = case.module(dtype)
    layer = reference.BatchNorm(case.features, momentum=case.momentum)
    layer.buffers, layer.training = [*map(oracle.to_numpy, module.buffers())], case.training
    reference.update_bn(case.arrays(dtype), layer, [layer])
    return _after(layer.training, layer.momentum, layer.buffers)


def _update_in_torch(case, dtype, nudge):
    module = case.module(dtype)
    batches = [nudge(torch.from_numpy(batch)) for batch in case.arrays(dtype)]
    torch.optim.swa_utils.update_bn(batches, module)
    return _after(module.training, module.momentum, module.buffers())


# --- rows ---

_USUAL = st.sampled_from([2.0, math.inf])
_ORDER = _USUAL | st.sampled_from(_ORDERS) | numbers(0.25, 4) | numbers(-4, -0.25)
_BOUND = st.just(math.inf) | st.just(0.0) | numbers(0, 3)
_LOST = np.array([1.0, np.inf])


def _read_only():
    array = np.ones(2)
    array.flags.writeable = False
    return array


def _clipping(name, theirs, draw, ours, ours_in_torch, arguments, budget="trajectory", refusals=()):
    function = getattr(reference, name)
    wrong = (
        Refusal(lambda: function(np.ones(2), *arguments), TypeError, "grads must be a list of"),
        Refusal(lambda: function([np.arange(2)], *arguments), TypeError, r"grads\[0\] must be fl"),
    )
    given = "".join(f", {argument}" for argument in arguments)
    return RunRow(
        function,
        theirs,
        draw,
        ours,
        ours_in_torch,
        f"import numpy as np\nimport reference\ngrads = [np.array([3.0, 4.0])]\n"
        f"norm = reference.{name}(grads{given})\nprint(norm, grads[0])",
        budget=budget,
        # Quick ones, of many orders and scales.
        examples=100,
        refusals=(*wrong, *refusals),
    )


register(
    _clipping(
        "get_total_norm",
        torch.nn.utils.get_total_norm,
        _gradients(norm_type=_ORDER, error_if_nonfinite=st.booleans()),
        _total_norm,
        _total_norm_in_torch,
        (),
        refusals=(
            Refusal(
                lambda: reference.get_total_norm([np.ones(0)], math.inf),
                ValueError,
                "grads must have an element or more for norm_type=inf",
            ),
            Refusal(
                lambda: reference.get_total_norm([np.ones(0)], -0.5),
                ValueError,
                "grads must have an element or more for norm_type=-0.5",
            ),
            Refusal(
                lambda: reference.get_total_norm([np.ones(1)], math.nan),
                ValueError,
                "norm_type must be a number",
            ),
            Refusal(
                lambda: reference.get_total_norm([_LOST], error_if_nonfinite=True),
                RuntimeError,
                "grads must have a finite norm; got inf",
            ),
        ),
    ),
    _clipping(
        "clip_grads_with_norm",
        torch.nn.utils.clip_grads_with_norm_,
        _gradients(max_norm=_BOUND),
        _clip_with_norm,
        _clip_with_norm_in_torch,
        (1.0, 5.0),
        refusals=(
            Refusal(
                lambda: reference.clip_grads_with_norm([np.ones(2)], -1, 5.0),
                ValueError,
                "max_norm must be 0 or more; got -1",
            ),
            Refusal(
                lambda: reference.clip_grads_with_norm([_read_only()], 1.0, 5.0),
                ValueError,
                r"clip_grads_with_norm: grads\[0\] must be writable",
            ),
        ),
    ),
    _clipping(
        "clip_grad_norm",
        torch.nn.utils.clip_grad_norm_,
        _gradients(1, max_norm=_BOUND, norm_type=_ORDER, error_if_nonfinite=st.booleans()),
        _clip_norm,
        _clip_norm_in_torch,
        (1.0,),
        refusals=(
            Refusal(
                lambda: reference.clip_grad_norm([_LOST], 1.0, error_if_nonfinite=True),
                RuntimeError,
                "grads must have a finite norm; got inf",
            ),
            Refusal(
                lambda: reference.clip_grad_norm([_read_only()], 1.0),
                ValueError,
                r"grads\[0\] must be writable",
            ),
        ),
    ),
    _clipping(
        "clip_grad_value",
        torch.nn.utils.clip_grad_value_,
        _gradients(clip_value=_BOUND),
        _clip_value,
        _clip_value_in_torch,
        (1.0,),
        budget="exact",
        refusals=(
            Refusal(
                lambda: reference.clip_grad_value([np.ones(2)], -1),
                ValueError,
                "clip_value must be 0 or more; got -1",
            ),
            Refusal(
                lambda: reference.clip_grad_value([np.broadcast_to(1.0, 2)], 1.0),
                ValueError,
                "must be writable",
            ),
        ),
    ),
    RunRow(
        reference.update_bn,
        torch.optim.swa_utils.update_bn,
        _batches,
        _update,
        _update_in_torch,
        "import numpy as np\nimport reference\nlayer = reference.BatchNorm(2)\n"
        "reference.update_bn([np.array([[1.0, 2.0], [3.0, 4.0]])], layer, [layer])\n"
        "print(layer.buffers)",
    ),
)
