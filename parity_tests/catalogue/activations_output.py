"""Rows: softmax and its kin (section 11.1), and the adaptive softmax."""

import unittest.mock

import numpy as np
import torch
from hypothesis import strategies as st

import reference
from parity_tests import oracle
from parity_tests.adapter import Adapter
from parity_tests.catalogue._activations import Given, an_axis
from parity_tests.catalogue._row import Refusal, Row, register
from parity_tests.oracle import ChannelsFirst, Replay, formula
from parity_tests.strategies import Draft, Input, numbers, shapes, sizes


def _exponential_in_float32(array):
    """Exponential draws that are the same numbers in either dtype, for the judges' sake."""
    drawn = torch.empty(array.shape, dtype=torch.float32)
    return torch.Tensor.exponential_.original(drawn).to(array.dtype)


_exponential_in_float32.original = torch.Tensor.exponential_


def _gumbel_softmax(x, tau, hard, dim):
    with unittest.mock.patch.object(torch.Tensor, "exponential_", _exponential_in_float32):
        return torch.nn.functional.gumbel_softmax(x, tau, hard, dim=dim)


def _replay_gumbel(module, inputs):
    x = oracle.to_tensor(inputs[0])
    drawn = torch.empty(x.shape, dtype=torch.float32).exponential_()
    return Replay(-drawn.to(x.dtype).log().numpy())


def _law_of_gumbel_softmax():
    count = 100_000
    scores = np.array([0.3, -1.0, 1.2])
    layer = reference.GumbelSoftmax(hard=True, rng=np.random.default_rng(1))
    shares = layer.forward(np.tile(scores, (count, 1))).mean(axis=0)
    expected = np.exp(scores) / np.exp(scores).sum()
    deviations = np.sqrt(expected * (1 - expected) / count)
    return [
        (f"share of class {place}", score)
        for place, score in enumerate((shares - expected) / deviations)
    ]


def _along_axis(absent=False, **options):
    """The draw of a component that works along one axis of an array of any shape."""

    def draw_along_axis(draw):
        shape = draw(shapes())
        drawn = {name: draw(strategy) for name, strategy in options.items()}
        given = not absent or draw(st.booleans())
        drawn["dim"] = an_axis(draw, len(shape)) if given else None
        return Draft(drawn, (Input(shape),))

    return draw_along_axis


def _gumbel(draw):
    shape = draw(shapes())
    axis, hard = an_axis(draw, len(shape)), draw(st.booleans())
    if hard and shape and not shape[axis]:
        shape = tuple(max(size, 1) for size in shape)  # no largest among none
    # So high a temperature makes all classes equal: the first of them is the one.
    taus = numbers(0.25, 4) | numbers(-4, -0.25)
    tau = draw(taus | st.just(1e20)) if hard else draw(taus)
    options = {"tau": tau, "hard": hard, "dim": axis}
    # Hard passes the gradient of another function on.
    return Draft(options, (Input(shape),), differentiable=not hard)


def _image(draw):
    return Draft({}, (Input(draw(shapes(3, 4))),))


def _adaptive(draw):
    n_classes = draw(st.integers(2, 9))
    cutoffs = draw(st.sets(st.integers(1, n_classes - 1), min_size=1, max_size=4))
    options = {
        "in_features": draw(sizes(1, 6)),
        "n_classes": n_classes,
        "cutoffs": sorted(cutoffs),
        "div_value": draw(st.sampled_from([1.0, 1.5, 2.0, 4.0])),
        "head_bias": draw(st.booleans()),
    }
    batch = draw(shapes(0, 1))
    target = Input(batch, "integers", {"low": 0, "high": n_classes})
    return Draft(options, (Input((*batch, options["in_features"])), target))


def _adaptive_of(module):
    return reference.AdaptiveLogSoftmaxWithLoss(
        module.in_features,
        module.n_classes,
        module.cutoffs[:-1],
        div_value=module.div_value,
        head_bias=module.head_bias,
    )


class ImplicitAxis(Adapter):
    """A softmax without a dim: PyTorch chooses it by the rank of the input."""

    def forward(self, *inputs, **keywords):
        if self.module.dim is None:
            self.layer.axis = 0 if np.ndim(inputs[0]) in (0, 1, 3) else 1
        return super().forward(*inputs, **keywords)


def _axis_of(module):
    return -1 if module.dim is None else module.dim


def _no_axis(component):
    return Refusal(
        lambda: component(axis=2).forward(np.ones((2, 3))),
        ValueError,
        rf"{component.__name__}.forward: input_data must have an axis axis=2; got shape \(2, 3\)",
    )


register(
    Row(
        reference.Softmax,
        torch.nn.Softmax,
        lambda m: reference.Softmax(_axis_of(m)),
        _along_axis(absent=True),
        "composite",
        cancels_within=True,
        adapter=ImplicitAxis,
        refusals=[_no_axis(reference.Softmax)],
    ),
    Row(
        reference.Softmin,
        torch.nn.Softmin,
        lambda m: reference.Softmin(_axis_of(m)),
        _along_axis(absent=True),
        "composite",
        cancels_within=True,
        adapter=ImplicitAxis,
        refusals=[_no_axis(reference.Softmin)],
    ),
    Row(
        reference.Softmax2d,
        torch.nn.Softmax2d,
        lambda m: reference.Softmax2d(),
        _image,
        "composite",
        cancels_within=True,
        inputs=ChannelsFirst(2),
        outputs=ChannelsFirst(2),
        refusals=[
            Refusal(
                lambda: reference.Softmax2d().forward(np.ones((2, 3))),
                ValueError,
                r"input_data must have 3 or 4 axes \(\[batch,\] height, width, channels\)",
            )
        ],
    ),
    Row(
        reference.LogSoftmax,
        torch.nn.LogSoftmax,
        lambda m: reference.LogSoftmax(_axis_of(m)),
        _along_axis(absent=True),
        "composite",
        cancels_within=True,
        adapter=ImplicitAxis,
        refusals=[_no_axis(reference.LogSoftmax)],
    ),
    Row(
        reference.GumbelSoftmax,
        formula(_gumbel_softmax, tau=1.0, hard=False, dim=-1),
        lambda m: reference.GumbelSoftmax(m.tau, m.hard, m.dim),
        _gumbel,
        "composite",
        cancels_within=True,
        replay=_replay_gumbel,
        random_in_evaluation=True,
        law=_law_of_gumbel_softmax,
        refusals=[
            _no_axis(reference.GumbelSoftmax),
            Refusal(
                lambda: reference.GumbelSoftmax(rng=7),
                TypeError,
                "rng must be a numpy.random.Generator; got int 7",
            ),
        ],
        literals=[
            (
                {"tau": 0.5, "rng": Given(0.25, 1.5, -0.75)},
                ([0.5, -1.0, 2.0],),
                [0.231223897622149067, 0.140244383166088485, 0.628531719211762448],
            ),
            (
                {"tau": 0.5, "hard": True, "rng": Given(0.25, 1.5, -0.75)},
                ([0.5, -1.0, 2.0],),
                [0, 0, 1],
            ),
            ({"hard": True, "rng": Given()}, ([],), []),
        ],
    ),
)


register(
    Row(
        reference.AdaptiveLogSoftmaxWithLoss,
        torch.nn.AdaptiveLogSoftmaxWithLoss,
        _adaptive_of,
        _adaptive,
        "composite",
        target_places=(1,),
        cancels_within=True,
        methods=("log_prob", "predict"),
        warns=True,
        refusals=[
            Refusal(
                lambda: reference.AdaptiveLogSoftmaxWithLoss(4, 1, [1]),
                ValueError,
                "n_classes must be at least 2",
            ),
            Refusal(
                lambda: reference.AdaptiveLogSoftmaxWithLoss(4, 5, [3, 2]),
                ValueError,
                r"cutoffs must be rising integers in \[1, 5\); got \[3, 2\]",
            ),
            Refusal(
                lambda: reference.AdaptiveLogSoftmaxWithLoss(4, 5, [2, 5]),
                ValueError,
                r"cutoffs must be rising integers in \[1, 5\)",
            ),
            Refusal(
                lambda: reference.AdaptiveLogSoftmaxWithLoss(4, 5, 2),
                ValueError,
                "cutoffs must be rising integers",
            ),
            Refusal(
                lambda: reference.AdaptiveLogSoftmaxWithLoss(2, 5, [2]).forward(
                    np.ones((2, 2)), np.array([0, 5])
                ),
                ValueError,
                r"target must lie in \[0, 5\); got 5 at index \(1,\)",
            ),
            Refusal(
                lambda: reference.AdaptiveLogSoftmaxWithLoss(2, 5, [2]).forward(
                    np.ones((2, 3)), np.array([0, 4])
                ),
                ValueError,
                r"\.forward: input_data must have 2 features on its last axis",
            ),
            Refusal(
                lambda: reference.AdaptiveLogSoftmaxWithLoss(2, 5, [2]).forward(
                    np.ones((2, 2)), np.array([0, 4, 1])
                ),
                ValueError,
                r"target must have shape \(2,\); got shape \(3,\)",
            ),
            Refusal(
                lambda: reference.AdaptiveLogSoftmaxWithLoss(2, 5, [2]).log_prob([1.0, 2.0]),
                TypeError,
                r"\.log_prob: input_data must be a NumPy array",
            ),
            Refusal(
                lambda: reference.AdaptiveLogSoftmaxWithLoss(2, 5, [2]).log_prob(np.ones((2, 3))),
                ValueError,
                r"\.log_prob: input_data must have 2 features on its last axis",
            ),
        ],
    )
)
