"""Rows: dropout."""

import numpy as np
import torch
from hypothesis import strategies as st

import reference
from parity_tests import oracle
from parity_tests.catalogue._activations import Given
from parity_tests.catalogue._row import Refusal, Row, register
from parity_tests.oracle import ChannelsFirst, Replay
from parity_tests.strategies import Draft, Input, elementwise, numbers, shapes

# The chance to drop, its ends included.
_CHANCES = st.sampled_from([0.0, 0.5, 1.0]) | numbers(0, 1)


def _channels(lowest, highest, least=0):
    """The draw of what drops whole channels of inputs of these ranks.

    Those of a rank below `least` have no channels to draw for, and may train only where none is
    drawn: where all or nothing is kept, or there is nothing to keep.
    """

    def draw_channels(draw):
        shape = draw(shapes(lowest, highest))
        p = draw(_CHANCES)
        training = None if len(shape) >= least or p in (0, 1) or 0 in shape else False
        return Draft({"p": p}, (Input(shape),), training=training)

    return draw_channels


def _replay(module, inputs):
    """PyTorch draws one number for each element, in the order in which they lie in memory."""
    noise = torch.empty_like(oracle.to_tensor(inputs[0]), memory_format=torch.preserve_format)
    return Replay(noise.bernoulli_(1 - module.p).numpy())


class _OneSampleUnlessFive(ChannelsFirst):
    """Dropout3d takes whatever does not have five axes for one sample."""

    def is_unbatched(self, module, array):
        return array.ndim != 5


def _replay_channels(layout):
    """One number for each sample and channel."""

    def replay(module, inputs):
        array = inputs[0][None] if layout.is_unbatched(module, inputs[0]) else inputs[0]
        ones = (1,) * (array.ndim - 2)
        noise = torch.empty((*array.shape[:2], *ones), dtype=oracle.to_tensor(array).dtype)
        noise = noise.bernoulli_(1 - module.p).numpy()
        return Replay(np.moveaxis(noise, 1, -1) if array.ndim > 1 else noise)

    return replay


def _score(successes, chance):
    """How far the number of successes lies from its mean, in standard deviations."""
    count = successes.size
    return (np.sum(successes) - count * chance) / np.sqrt(count * chance * (1 - chance))


def _law(component, dropped, whole_channels=False):
    """Each element, or channel, is kept with probability 1 - p, independently of all others.

    `dropped(p)` is what the layer gives for an element that it drops.
    """

    def law():
        for p in (0.1, 0.5, 0.9):
            layer = component(p=p, rng=np.random.default_rng(20240501))
            first, second = (
                layer.forward(np.full((200, 5, 5, 20), 2.0)) != dropped(p) for _ in range(2)
            )
            if whole_channels:
                whole = np.all(first == first[:, :1, :1])
                yield f"p={p}: channels are kept or dropped whole", 0.0 if whole else np.inf
                first, second = first[:, 0, 0], second[:, 0, 0]
            yield f"p={p}: the share kept", _score(first, 1 - p)
            # Of two independent draws, both are kept or both are dropped.
            alike = p**2 + (1 - p) ** 2
            yield f"p={p}: neighbouring samples", _score(first[1::2] == first[::2], alike)
            channels = first[..., 1::2] == first[..., ::2]
            yield f"p={p}: neighbouring channels", _score(channels, alike)
            yield f"p={p}: one forward and the next", _score(first == second, alike)

    return law


def _zero(p):
    return 0.0


def _scaled_floor(p):
    """a f, as the formula of alpha dropout has it."""
    floor = -1.7580993408473766
    return 1 / np.sqrt((1 - p) * (1 + p * floor**2)).item() * floor


def _dropped_to_the_floor(p):
    return _scaled_floor(p) * (1 - p)


def _shift(module, array, grad_output):
    """PyTorch subtracts a f p from a f where we multiply a f by 1 - p."""
    return np.abs(array) - (_scaled_floor(module.p) if module.p < 1 else 0)


def _refusals(component, wide=False):
    found = [
        Refusal(lambda: component(p=1.5), ValueError, r"p must lie in \[0, 1\]"),
        Refusal(lambda: component(p=-0.1), ValueError, r"p must lie in \[0, 1\]"),
        Refusal(lambda: component(rng=3), TypeError, "rng must be a numpy.random.Generator"),
    ]
    if wide:
        found.append(
            Refusal(lambda: component().forward(np.ones(3)), ValueError, "at least 2 axes")
        )
    return found


_ALPHA = {"output": "elementwise", "every": "exact"}

# A draw as large as p keeps; with p = 0 nothing is drawn.
_LITERALS = [
    ({"p": 0.5, "rng": Given(0.5, 0.25)}, ([1.0, 1.0],), [2.0, 0.0]),
    ({"p": 0.0, "rng": Given(-1.0, -1.0)}, ([1.0, 1.0],), [1.0, 1.0]),
]

register(
    Row(
        reference.Dropout,
        torch.nn.Dropout,
        lambda m: reference.Dropout(m.p),
        elementwise(p=_CHANCES),
        "exact",
        replay=_replay,
        law=_law(reference.Dropout, _zero),
        literals=_LITERALS,
        refusals=_refusals(reference.Dropout),
    ),
    *(
        Row(
            reference.ChannelDropout,
            module,
            lambda m: reference.ChannelDropout(m.p),
            _channels(*drawn),
            "exact",
            name=module.__name__,
            inputs=layout,
            outputs=layout,
            ranks=ranks,
            replay=_replay_channels(layout),
            law=_law(reference.ChannelDropout, _zero, whole_channels=True),
            # What is empty needs no channels.
            literals=[({}, (np.zeros(0),), np.zeros(0))],
            refusals=_refusals(reference.ChannelDropout, wide=True),
        )
        for module, drawn, ranks, layout in (
            (torch.nn.Dropout1d, (2, 3), (2, 3), ChannelsFirst(1)),
            # A third axis of Dropout2d's input is one of positions, not a missing batch.
            (torch.nn.Dropout2d, (0, 6, 2), (), ChannelsFirst()),
            (torch.nn.Dropout3d, (0, 6, 1), (), _OneSampleUnlessFive()),
        )
    ),
    Row(
        reference.AlphaDropout,
        torch.nn.AlphaDropout,
        lambda m: reference.AlphaDropout(m.p),
        elementwise(p=_CHANCES),
        _ALPHA,
        floor={"output": "input"},
        oracle_floor={"output": _shift},
        replay=_replay,
        law=_law(reference.AlphaDropout, _dropped_to_the_floor),
        literals=_LITERALS[1:],
        refusals=_refusals(reference.AlphaDropout),
    ),
    Row(
        reference.FeatureAlphaDropout,
        torch.nn.FeatureAlphaDropout,
        lambda m: reference.FeatureAlphaDropout(m.p),
        _channels(0, 5, 2),
        _ALPHA,
        inputs=ChannelsFirst(),
        outputs=ChannelsFirst(),
        floor={"output": "input"},
        oracle_floor={"output": _shift},
        replay=_replay_channels(ChannelsFirst()),
        law=_law(reference.FeatureAlphaDropout, _dropped_to_the_floor, whole_channels=True),
        refusals=_refusals(reference.FeatureAlphaDropout, wide=True),
    ),
)
