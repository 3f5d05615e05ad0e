"""`mirror` of PyTorch's optimizers: what it copies, and what it refuses."""

import numpy as np
import pytest
import torch

from parity_tests import catalogue, mirror, oracle
from parity_tests.catalogue import OptimizerRow
from parity_tests.problems import PROBLEMS

_TORCH_OPTIM = {cls.__module__ for cls in vars(torch.optim).values() if isinstance(cls, type)}


def test_mirror_goes_on_with_pytorchs_lbfgs():
    problem = PROBLEMS["Rosenbrock"]
    tensor = torch.tensor(problem.start, dtype=torch.float64, requires_grad=True)
    theirs = torch.optim.LBFGS([tensor], max_iter=4, line_search_fn="strong_wolfe")

    def their_closure():
        theirs.zero_grad()
        loss = (problem.residual(tensor, torch.stack) ** 2).sum() / 2
        loss.backward()
        return loss

    theirs.step(their_closure)
    ours, params = mirror(theirs), [oracle.to_numpy(tensor)]
    theirs.step(their_closure)
    ours.step(params, lambda: (problem.f(params[0]), [problem.gradient(params[0])]))
    np.testing.assert_allclose(params[0], tensor.detach(), rtol=1e-12)
    assert ours.state[0]["n_iter"] == theirs.state[tensor]["n_iter"]


@pytest.mark.parametrize("option", ["foreach", "fused", "capturable", "differentiable"])
def test_mirror_refuses_what_has_no_meaning_in_numpy(option):
    optimizer = torch.optim.Adam([torch.ones(2, requires_grad=True)])
    optimizer.param_groups[0][option] = True
    with pytest.raises(NotImplementedError, match=option):
        mirror(optimizer)


@pytest.mark.parametrize(
    "row",
    [row for row in catalogue.rows(OptimizerRow) if row.oracle.__module__ in _TORCH_OPTIM],
    ids=lambda row: row.title,
)
def test_a_rate_that_is_a_tensor_counts_in_its_own_precision(row):
    tensor = torch.ones(2, 3, dtype=torch.float64, requires_grad=True)
    options = {} if row.title in ("Rprop", "SparseAdam") else {"weight_decay": 0.1}
    theirs = row.oracle([tensor], lr=torch.tensor(0.01), **options)
    ours, params, rng = mirror(theirs), [np.ones((2, 3))], np.random.default_rng(0)
    for _ in range(20):
        grad = rng.normal(size=(2, 3))
        tensor.grad = torch.from_numpy(grad)
        if row.title == "SparseAdam":
            tensor.grad = tensor.grad.to_sparse(1)
        theirs.step()
        ours.step(params, [grad])
    np.testing.assert_allclose(params[0], tensor.detach(), rtol=8 * np.finfo(float).eps)


def test_mirror_copies_the_state_of_a_running_optimizer():
    tensor = torch.ones(3, dtype=torch.float64, requires_grad=True)
    theirs = torch.optim.NAdam([tensor], lr=0.1)
    for step in range(6):
        if step == 3:
            ours, params = mirror(theirs), [oracle.to_numpy(tensor)]
        tensor.grad = torch.full((3,), 1.0 - step, dtype=torch.float64)
        theirs.step()
        if step >= 3:
            ours.step(params, [np.full(3, 1.0 - step)])
    np.testing.assert_allclose(params[0], tensor.detach(), rtol=1e-15)
    assert ours.state[0]["mu_product"].dtype == np.float32


def test_mirror_gives_a_group_of_adafactor_the_eps_of_its_first_parameter():
    start = [np.full((2, 2), 0.1, dtype) for dtype in (np.float32, np.float64)]
    tensors = [torch.from_numpy(point.copy()).requires_grad_() for point in start]
    theirs = torch.optim.Adafactor(tensors)
    ours, params, rng = mirror(theirs), start, np.random.default_rng(0)
    for _ in range(3):
        grads = [1e-5 * rng.normal(size=(2, 2)).astype(param.dtype) for param in params]
        for tensor, grad in zip(tensors, grads, strict=True):
            tensor.grad = torch.from_numpy(grad)
        theirs.step()
        ours.step(params, grads)
    np.testing.assert_allclose(params[1], tensors[1].detach(), rtol=1e-15)


@pytest.mark.parametrize("register", ["step_pre_hook", "step_post_hook"])
def test_mirror_refuses_an_optimizer_with_hooks(register):
    for make in (torch.optim.SGD, torch.optim.LBFGS):
        optimizer = make([torch.ones(2, requires_grad=True)], lr=0.1)
        getattr(optimizer, f"register_{register}")(lambda *arguments: None)
        with pytest.raises(NotImplementedError, match=f"{make.__name__} with .*{register}"):
            mirror(optimizer)
