"""The two callables that are timed against each other, from a row and its work."""

import functools
from collections.abc import Callable
from dataclasses import dataclass

import hypothesis
import numpy as np
import torch
from hypothesis import strategies as st

from parity_tests import mirror, oracle
from parity_tests.bench.works_steps import Fill, Run, Step
from parity_tests.catalogue import OptimizerRow, Row, RunRow
from parity_tests.strategies import Case, Draft
from parity_tests.trial import Trial

_SEED = 1


@dataclass(frozen=True)
class Pair:
    """One forward and one backward pass (or one step) on each side.

    ours     of NumPy; returns its arrays
    theirs   of PyTorch; returns its tensors
    given    the arrays that are there before: inputs, parameters, upstream gradients
    """

    ours: Callable[[], list[np.ndarray]]
    theirs: Callable[[], list[torch.Tensor]]
    given: list[np.ndarray]


@functools.singledispatch
def pair(draft, row, dtype: str) -> Pair:
    """Both sides of a row on a draft, in a dtype."""
    raise TypeError(f"bench: no pair for {type(draft).__name__}")


@pair.register
def _layer(draft: Draft, row: Row, dtype: str) -> Pair:
    case = Case(draft, "ordinary", _SEED, draft.training is not False, strided=False)
    trial = Trial(row, case, dtype)
    inputs = _features_last(row, trial.module, trial.inputs)
    adapter = trial.adapter()
    # The class itself, not PyTorch's departures from it.
    adapter.corrected = False
    with oracle.quiet():
        outputs = adapter.forward(*inputs, **trial.keywords)
    outputs = [output for output in oracle.flatten(outputs) if oracle.is_floating(output)]
    rng = np.random.default_rng(_SEED)
    grads = [_like(output, rng) for output in outputs]

    def ours():
        results = adapter.forward(*inputs, **trial.keywords)
        return [results, *adapter.backward(*grads)]

    theirs = _autograd(row, trial, inputs, grads)
    return Pair(ours, theirs, _arrays([inputs, adapter.params, grads]))


def _features_last(row, module, inputs):
    """The same arrays in memory as the reference has them, its last axis the features."""
    layouts = row.layouts(row.inputs, len(inputs))
    first = oracle.flatten(inputs[0])[0]
    unbatched = layouts[0].is_unbatched(module, first)

    def move(array, layout):
        if not isinstance(array, np.ndarray):
            return array
        ours = np.ascontiguousarray(layout.to_reference(module, array, unbatched))
        return layout.to_torch(module, ours, unbatched)

    return tuple(
        oracle.map_structure(functools.partial(move, layout=layout), entry)
        if isinstance(entry, tuple)
        else move(entry, layout)
        for entry, layout in zip(inputs, layouts, strict=True)
    )


def _like(output, rng):
    """A random upstream gradient, its axes in memory in the order of the output's."""
    grad = np.empty_like(output)
    grad[...] = rng.normal(size=np.shape(output))
    return grad


def _arrays(structure) -> list[np.ndarray]:
    return [
        leaf for leaf in oracle.flatten(structure) if isinstance(leaf, (np.ndarray, np.generic))
    ]


def _autograd(row, trial, inputs, grads):
    """Forward and backward under autograd, on the same memory."""
    module, keywords = trial.module, trial.keywords

    def leaf(array, wanted):
        tensor = oracle.to_tensor(np.asarray(array, order="C") if row.contiguous else array)
        if wanted and oracle.is_floating(array):
            tensor = tensor.detach().requires_grad_()
        return tensor

    tensors = tuple(
        oracle.map_structure(functools.partial(leaf, wanted=place not in trial.constant), entry)
        if isinstance(entry, tuple)
        else leaf(entry, place not in trial.constant)
        for place, entry in enumerate(inputs)
    )
    named = {name: oracle.to_tensor(value) for name, value in keywords.items()}
    wanted = [
        tensor
        for tensor in (*oracle.flatten(tensors), *module.parameters())
        if isinstance(tensor, torch.Tensor) and tensor.requires_grad
    ]
    upstream = [oracle.to_tensor(grad) for grad in grads]

    def theirs():
        outputs = oracle.flatten(module(*tensors, **named))
        floating = [
            part for part in outputs if isinstance(part, torch.Tensor) and part.is_floating_point()
        ]
        pairs = [(o, g) for o, g in zip(floating, upstream, strict=True) if o.requires_grad]
        found = []
        if pairs:
            found = torch.autograd.grad(
                [o for o, _ in pairs], wanted, [g for _, g in pairs], allow_unused=True
            )
        return [*floating, *(grad for grad in found if grad is not None)]

    return theirs


@pair.register
def _optimizer(draft: Step, row: OptimizerRow, dtype: str) -> Pair:
    rng = np.random.default_rng(_SEED)
    arrays = [rng.normal(size=shape).astype(dtype) for shape in draft.shapes]
    params = [torch.nn.Parameter(torch.from_numpy(array.copy())) for array in arrays]
    optimizer = row.oracle(params, **draft.options)
    twin = mirror(optimizer)
    dense = [(0.01 * rng.normal(size=shape)).astype(dtype) for shape in draft.shapes]
    grads = [row.give(grad, rng) for grad in dense]
    for param, grad in zip(params, grads, strict=True):
        param.grad = row.hand(grad, param, torch.from_numpy)

    def ours():
        row.step(twin, arrays, grads)
        return []

    def theirs():
        optimizer.step()
        return []

    ours()  # which makes the state
    state = [array for entry in twin.state for array in entry.values()]
    return Pair(ours, theirs, _arrays([arrays, dense, state]))


@pair.register
def _initializer(draft: Fill, row: RunRow, dtype: str) -> Pair:
    rng = np.random.default_rng(_SEED)
    random = {"rng": rng} if "rng" in row.component.__code__.co_varnames else {}
    tensor = torch.empty(draft.shape, dtype=getattr(torch, dtype))
    return Pair(
        lambda: [row.component(draft.shape, **draft.options, **random)],
        lambda: [row.oracle(tensor, **draft.options)],
        [],
    )


@pair.register
def _run(draft: Run, row: RunRow, dtype: str) -> Pair:
    cases = _cases(row)
    return Pair(
        lambda: [list(row.ours(case, dtype).values()) for case in cases],
        lambda: [list(row.theirs(case, dtype, lambda number: number).values()) for case in cases],
        [],
    )


def _cases(row: RunRow, count: int = 20) -> list:
    """The first cases that the row draws, the same in every run."""
    found = []

    @hypothesis.settings(
        max_examples=count,
        phases=[hypothesis.Phase.generate],
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=list(hypothesis.HealthCheck),
    )
    @hypothesis.given(st.composite(row.draw)())
    def collect(case):
        found.append(case)

    collect()
    return found
