"""Rows: containers, of which each part is mirrored by its own row."""

import numpy as np
import torch
from hypothesis import strategies as st

import reference
from parity_tests import oracle
from parity_tests.catalogue._row import Refusal, Row, register
from parity_tests.strategies import Draft, Input, shapes, sizes


class _Residual(torch.nn.Module):
    def __init__(self, features, shortcut):
        super().__init__()
        self.branch = torch.nn.Sequential(torch.nn.Linear(features, features), torch.nn.Softsign())
        self.shortcut = torch.nn.Linear(features, features) if shortcut else None

    def forward(self, input):
        shortcut = input if self.shortcut is None else self.shortcut(input)
        return self.branch(input) + shortcut


class _Branches(torch.nn.Module):
    def __init__(self, features, outputs):
        super().__init__()
        self.branches = torch.nn.ModuleList(torch.nn.Linear(features, n) for n in outputs)

    def forward(self, input):
        return torch.cat([branch(input) for branch in self.branches], dim=-1)


class _Squeeze(torch.nn.Module):
    def __init__(self, input_channels, squeeze_channels):
        super().__init__()
        self.squeeze = torch.nn.Linear(input_channels, squeeze_channels)
        self.excite = torch.nn.Linear(squeeze_channels, input_channels)

    def forward(self, input):
        means = input.flatten(1, -2).mean(1) if input.ndim > 2 else input
        gates = torch.sigmoid(self.excite(torch.relu(self.squeeze(means))))
        batch, channels = gates.shape
        return input * gates.reshape(batch, *[1] * (input.ndim - 2), channels)


_PARTS = {
    "linear": torch.nn.Linear,
    "softsign": lambda width, out: torch.nn.Softsign(),
    "leaky": lambda width, out: torch.nn.LeakyReLU(0.1),
    "norm": lambda width, out: torch.nn.LayerNorm(width),
    "dropout": lambda width, out: torch.nn.Dropout(0.3),
    "batch": lambda width, out: torch.nn.BatchNorm1d(width),
    "cell": torch.nn.RNNCell,
}


def _sequential_draft(draw):
    """Layers of drawn kinds and sizes; the same module may come twice."""
    features, leading = draw(sizes(1, 4)), draw(shapes(1, 2))
    # A batch is normalized where it has several samples; neither it nor a cell knows of time.
    several = len(leading) == 1 and leading[0] > 1
    fits = {"batch": several, "cell": len(leading) == 1}
    kinds = sorted(kind for kind in _PARTS if fits.get(kind, True))
    width = features
    parts = []
    for kind in draw(st.lists(st.sampled_from(kinds), min_size=1, max_size=4)):
        out = draw(sizes(1, 4)) if kind in ("linear", "cell") else width
        parts.append((kind, width, out))
        width = out
    options = {"parts": tuple(parts), "repeated": draw(st.booleans())}
    return Draft(options, (Input((*leading, features)),))


def _replay(module, inputs):
    """The masks of the dropouts, in the order in which the chain comes to them."""
    masks, shape = [], inputs[0].shape
    for part in module:
        if isinstance(part, torch.nn.Linear):
            shape = (*shape[:-1], part.out_features)
        elif isinstance(part, torch.nn.RNNCell):
            shape = (*shape[:-1], part.hidden_size)
        elif isinstance(part, torch.nn.Dropout):
            noise = torch.empty(shape, dtype=oracle.to_tensor(inputs[0]).dtype)
            masks.append(noise.bernoulli_(1 - part.p).numpy())
    return oracle.Replay(*masks)


def _chain(parts, repeated):
    modules = [_PARTS[kind](width, out) for kind, width, out in parts]
    if repeated and modules and parts[-1][1] == parts[-1][2]:
        modules.append(modules[-1])
    return torch.nn.Sequential(*modules)


def _part(module, adapt):
    """A part that is mirrored; a cell, whose layout is PyTorch's, as it is, without an adapter:
    its backward also gives the gradient of a state that nobody gave it."""
    adapted = adapt(module)
    return adapted.layer if isinstance(module, torch.nn.RNNCell) else adapted


def _residual_draft(draw):
    features = draw(sizes(1, 4))
    options = {"features": features, "shortcut": draw(st.booleans())}
    return Draft(options, (Input((*draw(shapes(1, 2)), features)),))


def _branches_draft(draw):
    features = draw(sizes(1, 4))
    outputs = tuple(draw(st.lists(sizes(0, 3), min_size=1, max_size=3)))
    return Draft(
        {"features": features, "outputs": outputs}, (Input((*draw(shapes(1, 2)), features)),)
    )


def _squeeze_draft(draw):
    channels = draw(sizes(1, 4))
    options = {"input_channels": channels, "squeeze_channels": draw(sizes(1, 3))}
    shape = (draw(sizes(0, 3)), *draw(shapes(0, 2, minimum=1)), channels)
    return Draft(options, (Input(shape),))


def _twice():
    layer = reference.Softsign()
    return reference.Sequential(layer, layer)


def _residual(module, adapt):
    shortcut = None if module.shortcut is None else adapt(module.shortcut)
    return reference.Residual(adapt(module.branch), shortcut)


register(
    Row(
        reference.Sequential,
        torch.nn.Sequential,
        lambda m, adapt: reference.Sequential(*(_part(part, adapt) for part in m)),
        _sequential_draft,
        "composite",
        construct=_chain,
        container=True,
        cancels_within=True,
        contiguous=True,  # so that PyTorch's masks come in the order of the axes
        replay=_replay,
        refusals=[
            Refusal(_twice, ValueError, "stand in one place only"),
            Refusal(lambda: reference.Sequential(3), TypeError, "must have forward"),
        ],
    ),
    Row(
        reference.Residual,
        _Residual,
        _residual,
        _residual_draft,
        "composite",
        container=True,
        cancels_within=True,
        refusals=[
            Refusal(
                lambda: reference.Residual(reference.Linear(3, 2)).forward(np.ones((4, 3))),
                ValueError,
                r"branch must have shape \(4, 3\)",
            )
        ],
    ),
    Row(
        reference.Parallel,
        _Branches,
        lambda m, adapt: reference.Parallel(*(adapt(branch) for branch in m.branches)),
        _branches_draft,
        "sum",
        container=True,
        refusals=[
            Refusal(
                lambda: reference.Parallel(
                    reference.Identity(), reference.GlobalAveragePooling2D()
                ).forward(np.ones((2, 3, 3, 4))),
                ValueError,
                r"output must have shape \(2, 3, 3, 4\)",
            ),
        ],
    ),
    Row(
        reference.SqueezeExcitation,
        _Squeeze,
        lambda m: reference.SqueezeExcitation(m.squeeze.in_features, m.squeeze.out_features),
        _squeeze_draft,
        "composite",
        cancels_within=True,
        refusals=[
            Refusal(
                lambda: reference.SqueezeExcitation(3, 2).forward(np.ones((2, 5, 4))),
                ValueError,
                "must have 3 channels on its last axis",
            ),
            Refusal(
                lambda: reference.SqueezeExcitation(3, 2).forward(np.ones(3)),
                ValueError,
                "must have at least 2 axes",
            ),
            Refusal(
                lambda: reference.SqueezeExcitation(3, 2, rng=0),
                TypeError,
                "^SqueezeExcitation.__init__: rng must be a numpy.random.Generator",
            ),
        ],
    ),
)
