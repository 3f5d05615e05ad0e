"""`mirror`: what users call, on the classes and structures that they have."""

import numpy as np
import pytest
import torch

import reference
from parity_tests import mirror, oracle


def compare_with(module, *inputs, **keywords):
    """Run a module and its mirror on the same inputs and one random upstream gradient."""
    rng = np.random.default_rng(0)
    grads = {}

    def upstream(outputs):
        grads["given"] = [rng.normal(size=o.shape).astype(o.dtype) for o in outputs]
        return grads["given"]

    twin = mirror(module)
    expected = oracle.run(module, inputs, keywords, upstream)
    outputs = oracle.flatten(twin.forward(*inputs, **keywords))
    grad_inputs, grad_params = twin.backward(*grads["given"])
    for ours, theirs in zip(outputs, expected.outputs, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-12, atol=1e-12)
    for ours, theirs in zip(
        [*oracle.flatten(grad_inputs), *grad_params],
        [*expected.grad_inputs, *expected.grad_params],
        strict=True,
    ):
        assert (ours is None) == (theirs is None)
        if ours is not None:
            np.testing.assert_allclose(ours, theirs, rtol=1e-12, atol=1e-12)
    return twin


def normal(*shape):
    return np.random.default_rng(1).normal(size=shape)


def test_a_chain_in_pytorch_s_layout():
    module = torch.nn.Sequential(
        torch.nn.Conv2d(3, 4, 3, padding=1, groups=1),
        torch.nn.LeakyReLU(0.1),
        torch.nn.MaxPool2d(2),
        torch.nn.Flatten(),
        torch.nn.Linear(16, 5),
        torch.nn.Dropout(0.5),
    ).double()
    module.eval()
    twin = compare_with(module, normal(2, 3, 4, 4))
    assert isinstance(twin.layer, reference.Sequential)
    assert not twin.layer.training


def test_a_shared_module_appears_once_and_its_gradients_are_summed():
    shared = torch.nn.Linear(3, 3).double()
    twin = compare_with(torch.nn.Sequential(shared, torch.nn.Softsign(), shared), normal(4, 3))
    assert len(twin.params) == 2


def test_tied_weights_appear_once():
    first, second = torch.nn.Linear(3, 3).double(), torch.nn.Linear(3, 3).double()
    second.weight = first.weight
    compare_with(torch.nn.Sequential(first, second), normal(4, 3))


def test_weights_tied_within_one_module_appear_once():
    network, cell = torch.nn.RNN(3, 3).double(), torch.nn.LSTMCell(3, 3).double()
    network.weight_hh_l0 = network.weight_ih_l0
    cell.bias_hh = cell.bias_ih
    compare_with(network, normal(4, 2, 3))
    compare_with(torch.nn.Sequential(torch.nn.Linear(3, 3).double(), network), normal(4, 2, 3))
    twin = compare_with(cell, normal(4, 3))
    twin.params[2][:] = 0  # both biases
    outputs = twin.forward(normal(4, 3))
    torch.nn.init.zeros_(cell.bias_ih)
    for ours, theirs in zip(outputs, cell(torch.from_numpy(normal(4, 3))), strict=True):
        np.testing.assert_allclose(ours, theirs.detach().numpy(), rtol=1e-12)


def test_parameters_and_options_are_copied_not_shared():
    module = torch.nn.Linear(3, 2).double()
    twin = mirror(module)
    before = twin.params[0].copy()
    with torch.no_grad():
        module.weight += 1
    np.testing.assert_array_equal(twin.params[0], before)


def test_grad_params_is_an_empty_list_where_there_are_none():
    twin = mirror(torch.nn.Softsign())
    twin.forward(normal(3))
    assert twin.backward(normal(3))[1] == []


def test_inputs_work_by_pytorch_s_names():
    twin = mirror(torch.nn.Linear(3, 2).double())
    by_place = twin.forward(normal(4, 3))
    np.testing.assert_array_equal(twin.forward(input=normal(4, 3)), by_place)
    grad_inputs, grad_params = twin.backward(normal(4, 2))
    assert len(grad_inputs) == 1
    assert len(grad_params) == 2


def test_targets_that_are_indices_get_no_gradient():
    logits, targets = normal(6, 4, 2), np.random.default_rng(0).integers(0, 4, (6, 2))
    twin = mirror(torch.nn.CrossEntropyLoss())
    twin.forward(logits, targets)
    grad_inputs, _ = twin.backward(np.asarray(1.0))
    assert grad_inputs[0].shape == logits.shape
    assert grad_inputs[1] is None
    twin.forward(input=logits, target=targets)
    assert len(twin.backward(np.asarray(1.0))[0]) == 1


def test_what_has_no_counterpart_is_named():
    class Own(torch.nn.Linear):
        pass

    with pytest.raises(NotImplementedError, match="Own has no counterpart"):
        mirror(Own(2, 2))
    with pytest.raises(NotImplementedError, match="LazyLinear has no counterpart"):
        mirror(torch.nn.Sequential(torch.nn.LazyLinear(2)))
    with pytest.raises(NotImplementedError, match="bfloat16"):
        mirror(torch.nn.Linear(2, 2).bfloat16())


def test_hooks_and_parametrizations_are_refused():
    module = torch.nn.Linear(2, 2)
    module.register_forward_hook(lambda *arguments: None)
    with pytest.raises(NotImplementedError, match="Linear with forward_hooks has no"):
        mirror(module)
    normed = torch.nn.utils.parametrizations.orthogonal(torch.nn.Linear(2, 2))
    with pytest.raises(NotImplementedError, match="Linear with weight under _Orthogonal has no"):
        mirror(normed)


def test_a_hook_of_a_parameter_is_refused():
    module = torch.nn.Linear(2, 2)
    module.bias.register_hook(lambda grad: 2 * grad)
    with pytest.raises(NotImplementedError, match="Linear with hooks of bias has no"):
        mirror(torch.nn.Sequential(module))
    embedding = torch.nn.Embedding(2, 2)
    embedding.weight.register_post_accumulate_grad_hook(lambda parameter: None)
    with pytest.raises(NotImplementedError, match="Embedding with hooks of weight has no"):
        mirror(embedding)


def test_what_a_module_was_given_afterwards_is_refused():
    replaced, enlarged = torch.nn.Linear(2, 2), torch.nn.Linear(2, 2)
    replaced.forward = lambda input: input
    with pytest.raises(NotImplementedError, match="Linear with a forward of its own has no"):
        mirror(replaced)
    enlarged.scale = torch.nn.Parameter(torch.ones(2))
    with pytest.raises(NotImplementedError, match="Linear with weight, bias, scale has no"):
        mirror(enlarged)
    enlarged = torch.nn.ReLU()
    enlarged.register_buffer("scale", torch.ones(2))
    with pytest.raises(NotImplementedError, match="ReLU with scale has no"):
        mirror(enlarged)


@pytest.mark.parametrize("kind", [torch.nn.Embedding, torch.nn.EmbeddingBag])
def test_sparse_gradients_are_refused_by_name(kind):
    with pytest.raises(NotImplementedError, match=f"{kind.__name__} with sparse=True has no"):
        mirror(kind(3, 2, sparse=True))


def test_parameters_without_numbers_are_refused():
    with pytest.raises(NotImplementedError, match="device meta"):
        mirror(torch.nn.Linear(2, 2, device="meta"))


def _parameters():
    return [torch.nn.Parameter(torch.ones(2, dtype=torch.float64)) for _ in range(2)]


def test_an_optimizer_with_groups_and_state_goes_on_where_it_was():
    params = _parameters()
    theirs = torch.optim.SGD(
        [{"params": params[:1], "lr": 0.5}, {"params": params[1:], "momentum": 0.9}], lr=0.1
    )
    for _ in range(3):
        for param in params:
            param.grad = param.detach() * 0.3
        theirs.step()
    ours = mirror(theirs)
    own = [param.detach().numpy().copy() for param in params]
    for _ in range(3):
        for param in params:
            param.grad = param.detach() * 0.3
        theirs.step()
        ours.step(own, [array * 0.3 for array in own])
    for array, param in zip(own, params, strict=True):
        np.testing.assert_allclose(array, param.detach().numpy(), rtol=1e-15)


@pytest.mark.parametrize("option", ["foreach", "fused", "differentiable"])
def test_an_option_without_meaning_in_numpy_is_refused_by_name(option):
    theirs = torch.optim.SGD(_parameters(), lr=0.1, **{option: True})
    with pytest.raises(NotImplementedError, match=f"{option}=True has no counterpart"):
        mirror(theirs)


def test_an_empty_chain_gives_back_its_input():
    twin = mirror(torch.nn.Sequential())
    values = normal(2, 3)
    np.testing.assert_array_equal(twin.forward(values), values)
    assert twin.backward(values)[1] == []


def test_frozen_parameters_get_no_gradient():
    table = torch.nn.Embedding.from_pretrained(torch.eye(4, 3, dtype=torch.float64))
    module = torch.nn.Sequential(table, torch.nn.Linear(3, 2, dtype=torch.float64))
    module[1].bias.requires_grad_(False)
    indices, upstream = np.array([[0, 1]]), np.array([[[1.0, -2.0], [0.5, 3.0]]])
    ours = mirror(module)
    ours.forward(indices)
    _, (table_grad, weight_grad, bias_grad) = ours.backward(upstream)
    assert table_grad is None
    assert bias_grad is None
    module(torch.from_numpy(indices)).backward(torch.from_numpy(upstream))
    np.testing.assert_allclose(weight_grad, module[1].weight.grad.numpy(), rtol=1e-14)
