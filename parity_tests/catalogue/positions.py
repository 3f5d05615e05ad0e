"""Rows: positional encodings, and the patches of an image."""

import numpy as np
import torch
from hypothesis import strategies as st

import reference
from parity_tests.catalogue._row import Refusal, Row, register
from parity_tests.oracle import AsIs, ChannelsFirst, formula
from parity_tests.strategies import Draft, Input, numbers, sizes


def _positioned(draw):
    time, features = draw(sizes(0, 4)), draw(sizes(1, 5))
    batch = tuple(draw(st.lists(sizes(0, 3), max_size=2)))
    base = draw(st.just(10000.0) | numbers(1, 100))
    return Draft({"d_model": features, "base": base}, (Input((*batch, time, features)),))


def _paired(draw):
    draft = _positioned(draw)
    (entry,) = draft.inputs
    pairs = 2 * draft.options["d_model"]
    options = {**draft.options, "d_model": pairs}
    return Draft(options, (Input((*entry.shape[:-1], pairs)),))


def _angles(time, d_model, base):
    even = torch.arange(0, d_model, 2, dtype=torch.float64)
    return torch.arange(time, dtype=torch.float64)[:, None] / base ** (even / d_model)


def _sinusoidal(input, d_model, base):
    angles = _angles(input.shape[-2], d_model, base)
    encoding = torch.zeros(input.shape[-2], d_model, dtype=torch.float64)
    encoding[:, 0::2] = angles.sin()
    encoding[:, 1::2] = angles.cos()[:, : d_model // 2]
    return input + encoding.to(input.dtype)


def _rotary(input, d_model, base):
    """The rotation as a product of complex numbers."""
    angles = _angles(input.shape[-2], d_model, base)
    turn = torch.polar(torch.ones_like(angles), angles).to(torch.zeros((), dtype=input.dtype) * 1j)
    pairs = torch.view_as_complex(input.reshape(*input.shape[:-1], d_model // 2, 2).contiguous())
    return torch.view_as_real(pairs * turn).reshape(input.shape)


def _learned(input, positions, max_length, d_model):
    return input + positions[: input.shape[-2]]


def _learned_draft(draw):
    draft = _positioned(draw)
    (entry,) = draft.inputs
    features = draft.options["d_model"]
    length = entry.shape[-2] + draw(sizes(1, 2))
    positions = np.linspace(-1, 1, length * features).reshape(length, features)
    options = {"max_length": length, "d_model": features, "positions": positions}
    return Draft(options, draft.inputs)


def _patches(input, weight, bias, input_channels, embed_dim, patch_size):
    grid = torch.nn.functional.conv2d(input, weight, bias, stride=patch_size)
    return grid.flatten(2).transpose(1, 2)


def _patches_draft(draw):
    channels, embed_dim, patch_size = draw(sizes(1, 3)), draw(sizes(1, 3)), draw(sizes(1, 3))
    height, width = (patch_size * draw(sizes(1, 2)) + draw(sizes(0, 1)) for _ in range(2))
    options = {
        "input_channels": channels,
        "embed_dim": embed_dim,
        "patch_size": patch_size,
        "weight": np.linspace(-1, 1, embed_dim * channels * patch_size**2).reshape(
            embed_dim, channels, patch_size, patch_size
        ),
        "bias": np.linspace(-1, 1, embed_dim),
    }
    return Draft(options, (Input((draw(sizes(0, 2)), channels, height, width)),))


_SHORT = np.ones((1, 2, 3))


def _learned_law():
    """Positions start from N(0, 0.02^2)."""
    layer = reference.LearnedEncoding(1000, 500, rng=np.random.default_rng(0))
    drawn, deviation = layer.params[0], 0.02
    return [
        ("mean", np.mean(drawn) / deviation * np.sqrt(drawn.size)),
        ("variance", (np.mean(drawn**2) / deviation**2 - 1) * np.sqrt(drawn.size / 2)),
    ]


register(
    Row(
        reference.SinusoidalEncoding,
        formula(_sinusoidal, base=10000.0),
        lambda m: reference.SinusoidalEncoding(m.d_model, m.base),
        _positioned,
        "sum",
        literals=[
            # sin 1 and cos 1 on the first pair; 1/100 and its cosine on the second.
            (
                {"d_model": 4},
                (np.zeros((2, 4)),),
                [
                    [0.0, 1.0, 0.0, 1.0],
                    [
                        0.84147098480789650665,
                        0.54030230586813971740,
                        0.0099998333341666646825,
                        0.99995000041666527778,
                    ],
                ],
            ),
        ],
        refusals=[
            Refusal(
                lambda: reference.SinusoidalEncoding(4).forward(_SHORT),
                ValueError,
                "input_data must have 4 features",
            ),
            Refusal(
                lambda: reference.SinusoidalEncoding(4).forward(np.ones(4)),
                ValueError,
                "input_data must have at least 2 axes",
            ),
        ],
    ),
    Row(
        reference.RotaryEncoding,
        formula(_rotary, base=10000.0),
        lambda m: reference.RotaryEncoding(m.d_model, m.base),
        _paired,
        "composite",
        cancels_within=True,
        literals=[
            (
                {"d_model": 2},
                (np.array([[1.0, 0.0], [1.0, 0.0]]),),
                [[1.0, 0.0], [0.54030230586813971740, 0.84147098480789650665]],
            ),
            # The second pair turns by 1/100.
            (
                {"d_model": 4},
                (np.array([[1.0, 2.0, 3.0, 4.0], [1.0, 2.0, 3.0, 4.0]]),),
                [
                    [1.0, 2.0, 3.0, 4.0],
                    [
                        -1.14263966374765329590,
                        1.92207559654417594145,
                        2.95985066791332917461,
                        4.02979950166916110517,
                    ],
                ],
            ),
        ],
        unreached={"option d_model=1": "it is refused: features turn in pairs"},
        refusals=[
            Refusal(lambda: reference.RotaryEncoding(3), ValueError, "divisible by"),
            Refusal(
                lambda: reference.RotaryEncoding(4).forward(_SHORT),
                ValueError,
                "input_data must have 4 features",
            ),
            Refusal(
                lambda: reference.RotaryEncoding(4).forward(np.ones(4)),
                ValueError,
                "input_data must have at least 2 axes",
            ),
        ],
    ),
    Row(
        reference.LearnedEncoding,
        formula(_learned, parameters=("positions",)),
        lambda m: reference.LearnedEncoding(m.max_length, m.d_model),
        _learned_draft,
        "sum",
        literals=[
            (
                {"max_length": 3, "d_model": 2},
                ([[1.0, 2.0], [3.0, 4.0]],),
                [[1.5, 2.25], [3.75, 5.0]],
                [[[0.5, 0.25], [0.75, 1.0], [7.0, 7.0]]],
            ),
        ],
        law=_learned_law,
        refusals=[
            Refusal(
                lambda: reference.LearnedEncoding(1, 3).forward(_SHORT),
                ValueError,
                "time must be at most max_length=1; got 2",
            ),
            Refusal(
                lambda: reference.LearnedEncoding(2, 4).forward(_SHORT),
                ValueError,
                "input_data must have 4 features",
            ),
            Refusal(
                lambda: reference.LearnedEncoding(4, 4).forward(np.ones(4)),
                ValueError,
                "input_data must have at least 2 axes",
            ),
        ],
    ),
    Row(
        reference.PatchEmbedding,
        formula(_patches, parameters=("weight", "bias")),
        lambda m: reference.PatchEmbedding(m.input_channels, m.embed_dim, m.patch_size),
        _patches_draft,
        "sum",
        inputs=ChannelsFirst(2),
        outputs=AsIs(),
        literals=[
            # Two patches of 2 x 2 side by side, and a column that fills no patch.
            (
                {"input_channels": 1, "embed_dim": 1, "patch_size": 2},
                (np.arange(10.0).reshape(1, 2, 5, 1),),
                [[[0 + 2 * 1 + 3 * 5 + 4 * 6 + 0.5], [2 + 2 * 3 + 3 * 7 + 4 * 8 + 0.5]]],
                [[[[[1.0, 2.0], [3.0, 4.0]]]], [0.5]],
            ),
        ],
        refusals=[
            Refusal(
                lambda: reference.PatchEmbedding(1, 2, 3).forward(np.ones((1, 2, 5, 1))),
                ValueError,
                "must be at least as large as the kernel",
            ),
        ],
    ),
)
