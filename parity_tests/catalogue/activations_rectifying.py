"""Rows: the rectifying activations (chapter 8)."""

import math

import numpy as np
import torch
from hypothesis import strategies as st

import reference
from parity_tests import oracle
from parity_tests.catalogue._activations import Given
from parity_tests.catalogue._row import Refusal, Row, register
from parity_tests.oracle import ChannelsFirst, Replay
from parity_tests.strategies import Draft, Input, elementwise, numbers, shapes, sizes


class _NoisyReLU(torch.nn.Module):
    def __init__(self, noise_first=False):
        super().__init__()
        self.noise_first = noise_first

    def forward(self, x):
        noisy = x
        if self.training:
            normal = torch.randn(x.shape, dtype=torch.float32).to(x.dtype)
            noisy = x + torch.sqrt(torch.sigmoid(x)).detach() * normal
        dead = (noisy if self.noise_first else x) <= 0
        return torch.where(dead, torch.zeros_like(x), noisy)


def _replay_rrelu(module, inputs):
    x = oracle.to_tensor(inputs[0])
    noise = torch.empty(x.shape, dtype=x.dtype)
    torch.ops.aten.rrelu_with_noise(x, noise, module.lower, module.upper, True)
    # PyTorch draws no slopes there, NumPy does: they must not be used.
    noise[~(x <= 0)] = module.lower
    return Replay(noise.numpy())


def _replay_normal(module, inputs):
    return Replay(torch.randn(np.shape(inputs[0]), dtype=torch.float32).numpy())


def _law_of_rrelu():
    count = 100_000
    layer = reference.RReLU(0.1, 0.7, rng=np.random.default_rng(1))
    slopes = -layer.forward(np.full(count, -1.0))
    width = 0.6
    mean_error = (slopes.mean() - 0.4) / (width / math.sqrt(12 * count))
    # The squares of centred uniform numbers have mean w^2/12 and variance w^4/180.
    spread = ((slopes - 0.4) ** 2).mean() - width**2 / 12
    outside = np.sum((slopes < 0.1) | (slopes > 0.7))
    return [
        ("mean slope", mean_error),
        ("variance of the slopes", spread / (width**2 / math.sqrt(180 * count))),
        ("slopes out of bounds", 100 * outside),
    ]


def _law_of_noisy_relu():
    count = 100_000
    layer = reference.NoisyReLU(rng=np.random.default_rng(1))
    noise = layer.forward(np.full(count, 3.0)) - 3
    variance = 1 / (1 + math.exp(-3))
    return [
        ("mean of the noise", noise.mean() / math.sqrt(variance / count)),
        (
            "variance of the noise",
            (np.mean(noise**2) / variance - 1) / math.sqrt(2 / count),
        ),
    ]


def _prelu(draw):
    channels = draw(sizes(0, 4))
    options = {"num_parameters": channels, "init": draw(numbers(-2, 2))}
    if channels == 1:
        return Draft(options, (Input(draw(shapes())),))
    batch, *positions = draw(shapes(1, 4))
    return Draft(options, (Input((batch, channels, *positions)),))


def _noisy(draw):
    training = draw(st.booleans())
    options = {"noise_first": draw(st.booleans())}
    # The strength of the noise moves with the input, and is held fixed by the gradient.
    return Draft(options, (Input(draw(shapes())),), training=training, differentiable=not training)


def _rrelu(draw):
    lower = draw(numbers(-1, 2))
    width = draw(st.sampled_from([0.0, 0.25, 1.0]))
    return Draft({"lower": lower, "upper": lower + width}, (Input(draw(shapes())),))


register(
    Row(
        reference.ReLU,
        torch.nn.ReLU,
        lambda m: reference.ReLU(),
        elementwise(),
        "exact",
        kinks=(0.0,),
    ),
    Row(
        reference.LeakyReLU,
        torch.nn.LeakyReLU,
        lambda m: reference.LeakyReLU(alpha=m.negative_slope),
        elementwise(negative_slope=numbers(-2, 2)),
        "exact",
        kinks=(0.0,),
    ),
    Row(
        reference.PReLU,
        torch.nn.PReLU,
        lambda m: reference.PReLU(m.num_parameters, init=m.init),
        _prelu,
        {"output": "exact", "grad_input": "exact", "grad_params": "composite"},
        inputs=ChannelsFirst(),
        outputs=ChannelsFirst(),
        kinks=(0.0,),
        refusals=[
            Refusal(
                lambda: reference.PReLU(3).forward(np.ones((2, 3, 4))),
                ValueError,
                r"PReLU.forward: input_data must have 3 channels on its last axis; "
                r"got shape \(2, 3, 4\). Is it channels-first\?",
            ),
            Refusal(
                lambda: reference.PReLU(2).forward(np.ones((2, 3))), ValueError, "have 2 channels"
            ),
            Refusal(
                lambda: reference.PReLU(0).forward(np.ones((2, 3))), ValueError, "have 0 channels"
            ),
            Refusal(lambda: reference.PReLU(-1), ValueError, "num_parameters must be at least 0"),
        ],
    ),
    Row(
        reference.RReLU,
        torch.nn.RReLU,
        lambda m: reference.RReLU(m.lower, m.upper),
        _rrelu,
        "exact",
        kinks=(0.0,),
        replay=_replay_rrelu,
        law=_law_of_rrelu,
        refusals=[
            Refusal(lambda: reference.RReLU(0.5, 0.25), ValueError, "lower must be at most upper")
        ],
    ),
    Row(
        reference.ELU,
        torch.nn.ELU,
        lambda m: reference.ELU(m.alpha),
        elementwise(alpha=st.just(1e10) | numbers(-2, 3)),
        "elementwise",
        kinks=(0.0,),
        gradient_at_nan=False,
        literals=[
            (
                {},
                (np.array([-3.0029296875, -3.7724609375], np.float32),),
                np.array([-0.95035857872957973, -0.977004596652889261], np.float32),
            )
        ],
    ),
    Row(
        reference.SELU,
        torch.nn.SELU,
        lambda m: reference.SELU(),
        elementwise(),
        "elementwise",
        kinks=(0.0,),
        gradient_at_nan=False,
    ),
    Row(
        reference.NoisyReLU,
        _NoisyReLU,
        lambda m: reference.NoisyReLU(m.noise_first),
        _noisy,
        {"output": "elementwise", "every": "exact"},
        floor={"output": "input"},
        kinks=(0.0,),
        replay=_replay_normal,
        law=_law_of_noisy_relu,
        refusals=[
            Refusal(
                lambda: reference.NoisyReLU(noise_first=1), TypeError, "noise_first must be True or"
            )
        ],
        literals=[
            (
                {"rng": Given(0.5, -1.5, 0.25)},
                ([-1.0, 0.5, 2.0],),
                [0, -0.683441378017590177, 2.23462697494878472],
            ),
            (
                {"noise_first": True, "rng": Given(2.5, -1.5, 0.25)},
                ([-1.0, 0.5, 2.0],),
                [0.296489060332739369, 0, 2.23462697494878472],
            ),
        ],
    ),
)
