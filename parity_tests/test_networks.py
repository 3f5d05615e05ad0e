"""Networks of layers within layers, and parametrized modules, against the same in PyTorch."""

import numpy as np
import pytest
import torch
from torch.nn.utils.parametrizations import spectral_norm, weight_norm

import reference
from parity_tests import mirror, oracle
from parity_tests.test_mirror import compare_with, normal


class Block(torch.nn.Module):
    """A residual block whose output three branches read, weighed by squeeze and excitation."""

    def __init__(self):
        super().__init__()
        nn = torch.nn
        self.residual = nn.Sequential(
            nn.Conv2d(3, 4, 3, padding=1, bias=False),
            nn.BatchNorm2d(4),
            nn.ReLU(),
            nn.Conv2d(4, 4, 3, padding=1, bias=False),
            nn.BatchNorm2d(4),
        )
        self.shortcut = nn.Conv2d(3, 4, 1)
        self.branches = nn.ModuleList(
            [
                nn.Conv2d(4, 2, 1),
                nn.Sequential(nn.Conv2d(4, 3, 1), nn.Conv2d(3, 2, 3, padding=1)),
                nn.Sequential(nn.MaxPool2d(3, 1, 1), nn.Conv2d(4, 1, 1)),
            ]
        )
        self.squeeze, self.excite = nn.Linear(5, 2), nn.Linear(2, 5)
        self.classify = nn.Linear(5, 3)

    def forward(self, images):
        images = torch.relu(self.residual(images) + self.shortcut(images))
        images = torch.cat([branch(images) for branch in self.branches], dim=1)
        gates = torch.sigmoid(self.excite(torch.relu(self.squeeze(images.mean((2, 3))))))
        return self.classify((images * gates[:, :, None, None]).mean((2, 3)))


def network():
    """The same of the reference."""
    conv = reference.Convolution2D
    return reference.Sequential(
        reference.Residual(
            reference.Sequential(
                conv(3, 4, 3, padding=1, bias=False),
                reference.BatchNorm(4),
                reference.ReLU(),
                conv(4, 4, 3, padding=1, bias=False),
                reference.BatchNorm(4),
            ),
            shortcut=conv(3, 4, 1),
        ),
        reference.ReLU(),
        reference.Parallel(
            conv(4, 2, 1),
            reference.Sequential(conv(4, 3, 1), conv(3, 2, 3, padding=1)),
            reference.Sequential(reference.MaxPooling2D(3, 1, padding=1), conv(4, 1, 1)),
        ),
        reference.SqueezeExcitation(5, 2),
        reference.GlobalAveragePooling2D(),
        reference.Flatten(),
        reference.Linear(5, 3),
    )


@pytest.mark.parametrize("training", [True, False])
def test_residual_branches_and_excitation_make_a_network(training):
    torch.manual_seed(0)
    module, ours = Block().double().train(training), network()
    ours.params = [parameter.detach().numpy().copy() for parameter in module.parameters()]
    ours.training = training
    images, upstream = normal(2, 3, 5, 4), normal(2, 3)
    expected = oracle.run(module, (images,), {}, lambda outputs: [upstream])
    output = ours.forward(np.moveaxis(images, 1, -1))
    grad_input, grad_params = ours.backward(upstream)
    found = [output, np.moveaxis(grad_input, -1, 1), *grad_params, *ours.buffers]
    wanted = [*expected.outputs, *expected.grad_inputs, *expected.grad_params, *expected.buffers]
    for one, other in zip(found, wanted, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-11, atol=1e-12)


def test_an_empty_chain_gives_back_what_it_gets():
    data = normal(2, 3)
    chain = reference.Sequential()
    assert chain.forward(data) is data
    grad_input, grad_params = chain.backward(data)
    assert grad_input is data
    assert grad_params == []


def test_a_layer_within_a_layer_cannot_stand_twice():
    layer = reference.Linear(3, 3)
    with pytest.raises(ValueError, match="stand in one place only"):
        reference.Sequential(layer, reference.Residual(reference.Sequential(layer)))


def test_arrays_shared_across_containers_come_once_and_stay_shared():
    one, two = reference.Linear(3, 3), reference.Linear(3, 3)
    two.params = list(one.params)
    chain = reference.Sequential(reference.Residual(one), two)
    assert len(chain.params) == 2
    chain.params = [2 * param for param in chain.params]
    assert two.params[0] is one.params[0]


@pytest.mark.parametrize(
    ("module", "shape"),
    [
        (lambda nn: weight_norm(nn.Conv2d(2, 4, 3), dim=1), (2, 2, 5, 5)),
        (lambda nn: spectral_norm(nn.ConvTranspose2d(2, 4, 3)), (2, 2, 5, 5)),
        (lambda nn: weight_norm(weight_norm(nn.Linear(3, 2)), "bias"), (5, 3)),
        (lambda nn: spectral_norm(nn.BatchNorm1d(3)), (6, 3)),
        (lambda nn: weight_norm(weight_norm(nn.LSTMCell(3, 2), "weight_hh"), "weight_ih"), (5, 3)),
        (
            lambda nn: nn.Sequential(
                weight_norm(nn.Linear(3, 4)), nn.Tanh(), spectral_norm(nn.Linear(4, 2))
            ),
            (5, 3),
        ),
    ],
)
def test_parametrized_modules_are_mirrored(module, shape):
    torch.manual_seed(0)
    compare_with(module(torch.nn).double(), normal(*shape))


@pytest.mark.parametrize(
    ("module", "words"),
    [
        (lambda nn: spectral_norm(weight_norm(nn.Linear(3, 2))), "_WeightNorm and _SpectralNorm"),
        (lambda nn: torch.nn.utils.weight_norm(nn.Linear(3, 2)), "hooks"),
        (lambda nn: weight_norm(nn.LSTM(3, 2), "weight_hh_l0"), "LSTM with weight_hh_l0"),
    ],
)
def test_other_parametrizations_are_refused_by_name(module, words):
    with oracle.quiet():
        made = module(torch.nn)
    with pytest.raises(NotImplementedError, match=words):
        mirror(made)
