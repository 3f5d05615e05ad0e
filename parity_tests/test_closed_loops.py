"""Closed loops: each side takes the gradients at its own parameters."""

import dataclasses

import numpy as np
import pytest
import torch

import reference
from parity_tests import catalogue, oracle
from parity_tests.catalogue import OptimizerRow
from parity_tests.problems import PROBLEMS

_ROWS = catalogue.rows(OptimizerRow)
# A small network's weights, and points of two functions, as matrices, which Muon asks for.
_POINTS = tuple(PROBLEMS[name] for name in ("a bowl", "Rosenbrock"))
# Rounding in bfloat16 soon parts two paths that differ in the last digit of float32.
_STEPS = {"Muon": 20}
_SEEDS = range(2)


def _start(dtype):
    weights = np.random.default_rng(3).normal(size=(3, 2))
    return [np.array(p, dtype) for p in (weights, *([problem.start] for problem in _POINTS))]


def _data(dtype):
    rng = np.random.default_rng(4)
    return rng.normal(size=(8, 3)).astype(dtype), rng.normal(size=(8, 2)).astype(dtype)


def _losses(params, inputs, targets):
    """In PyTorch: the network's mean squared error, and both functions."""
    weights, *points = params
    yield torch.mean((torch.tanh(inputs @ weights) - targets) ** 2)
    for problem, point in zip(_POINTS, points, strict=True):
        yield (problem.residual(point[0], torch.stack) ** 2).sum() / 2


def _gradients(params, inputs, targets):
    """By hand."""
    weights, *points = params
    hidden = np.tanh(inputs @ weights)
    errors = 2 * (hidden - targets) / np.asarray(targets.size, targets.dtype)
    yield inputs.T @ (errors * (1 - hidden**2))
    for problem, point in zip(_POINTS, points, strict=True):
        yield problem.gradient(point[0])[None]


def _theirs(row, dtype, steps, seed=None):
    """PyTorch's path; with a seed, from an ulp away, gradients taken an ulp away."""
    moves, rng = np.random.default_rng(seed), np.random.default_rng(0)

    def nearby(array):
        ulps = 0 if seed is None else moves.integers(-1, 2, size=array.shape).astype(dtype)
        return torch.from_numpy(array + ulps * np.spacing(np.abs(array))).requires_grad_()

    data = [torch.from_numpy(array) for array in _data(dtype)]
    tensors = [nearby(point) for point in _start(dtype)]
    optimizer = row.oracle(tensors, **({"lr": 0.01} if row.oracle is torch.optim.SGD else {}))
    track = []
    for _ in range(steps):
        points = [nearby(oracle.to_numpy(tensor)) for tensor in tensors]
        grads = torch.autograd.grad(sum(_losses(points, *data)), points)
        for tensor, grad in zip(tensors, grads, strict=True):
            tensor.grad = row.hand(row.give(grad.numpy(), rng), tensor, torch.from_numpy)
        optimizer.step()
        track.append([oracle.to_numpy(tensor) for tensor in tensors])
    return [np.stack(points) for points in zip(*track, strict=True)]


def _ours(row, dtype, steps):
    rng, data, params = np.random.default_rng(0), _data(dtype), _start(dtype)
    options = {"lr": 0.01} if row.oracle is torch.optim.SGD else {}
    optimizer = row.mirror(row.oracle([torch.from_numpy(param) for param in params], **options))
    track = []
    for _ in range(steps):
        row.step(optimizer, params, [row.give(grad, rng) for grad in _gradients(params, *data)])
        track.append([param.copy() for param in params])
    return [np.stack(points) for points in zip(*track, strict=True)]


def _apart(row, dtype):
    """For each parameter, how far our path leaves PyTorch's, and how far it may, step by step."""
    steps = _STEPS.get(row.title, 100)
    theirs, ours = _theirs(row, dtype, steps), _ours(row, dtype, steps)
    beside = [_theirs(row, dtype, steps, seed) for seed in _SEEDS]
    for place, (path, own) in enumerate(zip(theirs, ours, strict=True)):
        assert np.isfinite(path).all()
        drifts = [np.abs(moved[place] - path).max(axis=(1, 2)) for moved in beside]
        drift = np.maximum.accumulate(np.max(drifts, axis=0))
        least = np.finfo(dtype).eps * np.abs(path).max()
        yield np.abs(own - path).max(axis=(1, 2)), 32 * np.maximum(drift, least)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("row", _ROWS, ids=lambda row: row.title)
def test_a_network_and_two_functions_are_descended_alike(row, dtype):
    """Within 32 times the drift of PyTorch from itself, its numbers an ulp away."""
    for apart, bound in _apart(row, dtype):
        assert np.all(apart <= bound)


def test_a_rate_that_is_off_in_its_tenth_digit_is_seen():
    class Faster(reference.RMSprop):
        def update(self, param, grad, state, learning_rate, **options):
            super().update(param, grad, state, learning_rate * (1 + 1e-10), **options)

    row = dataclasses.replace(catalogue.find("RMSprop"), component=Faster)
    assert all(np.any(apart > bound) for apart, bound in _apart(row, "float64"))


@pytest.mark.parametrize("row", _ROWS, ids=lambda row: row.title)
def test_longdouble_parameters_go_the_same_way(row):
    """An independent witness: the same code in a higher precision."""
    tracks = []
    for dtype in (np.float64, np.longdouble):
        rng, params, optimizer = np.random.default_rng(0), [np.ones((2, 3), dtype)], row.component()
        for _ in range(30):
            row.step(optimizer, params, [rng.normal(size=(2, 3)).astype(dtype)])
        tracks.append(params[0])
    assert tracks[1].dtype == np.longdouble
    assert np.abs(tracks[0] - tracks[1]).max() < 1e-14
