"""Initial values: gains, fans, the laws of drawn numbers, and the laws that layers start from."""

import math

import numpy as np
import pytest
import torch

import reference
from reference import initializers

COUNT = 40_000


@pytest.mark.parametrize(
    "name", ["linear", "conv2d", "conv_transpose3d", "sigmoid", "tanh", "relu", "selu"]
)
def test_gains_are_those_of_pytorch(name):
    assert initializers.calculate_gain(name) == torch.nn.init.calculate_gain(name)


@pytest.mark.parametrize("slope", [None, 0, 0.2, -1.5, 3])
def test_the_gain_of_a_leaky_rectifier_depends_on_its_slope(slope):
    expected = torch.nn.init.calculate_gain("leaky_relu", slope)
    assert initializers.calculate_gain("leaky_relu", slope) == expected


@pytest.mark.parametrize("shape", [(2, 3), (4, 0), (5, 3, 2), (4, 6, 3, 5), (1, 1, 2, 3, 4)])
def test_fans_are_those_of_pytorch(shape):
    expected = torch.nn.init._calculate_fan_in_and_fan_out(torch.empty(shape))
    assert initializers.calculate_fans(shape) == expected


def test_bad_arguments_are_named():
    with pytest.raises(ValueError, match=r"initializers.calculate_gain: nonlinearity must be"):
        initializers.calculate_gain("softsign")
    with pytest.raises(TypeError, match=r"initializers.calculate_gain: param must be a real"):
        initializers.calculate_gain("leaky_relu", True)
    with pytest.raises(ValueError, match=r"initializers.calculate_fans: shape must have 2"):
        initializers.calculate_fans((3,))
    with pytest.raises(TypeError, match=r"initializers.normal: rng must be a numpy.random"):
        initializers.normal((3,), rng=0)


# --- the laws of what NumPy draws, with a fixed seed ---


def distance_from(cumulative, values):
    """Kolmogorov's distance from a law, times the root of the count: 1.95 in one case of 1000."""
    values = np.sort(values, axis=None)
    steps = np.arange(values.size + 1) / values.size
    law = cumulative(values)
    return math.sqrt(values.size) * max(np.max(steps[1:] - law), np.max(law - steps[:-1]))


def uniform_law(low, high):
    return lambda x: np.clip((x - low) / (high - low), 0, 1)


def normal_law(mean, std, low=-np.inf, high=np.inf):
    def below(x):
        return np.vectorize(lambda t: math.erf((t - mean) / std / math.sqrt(2)) / 2)(x)

    return lambda x: (below(x) - below(low)) / (below(high) - below(low))


@pytest.mark.parametrize(
    ("name", "shape", "options", "law"),
    [
        ("uniform", (COUNT,), {"a": -1.0, "b": 3.0}, uniform_law(-1, 3)),
        ("normal", (COUNT,), {"mean": 1.0, "std": 2.0}, normal_law(1, 2)),
        ("trunc_normal", (COUNT,), {}, normal_law(0, 1, -2, 2)),
        ("trunc_normal", (COUNT,), {"a": 1.0, "b": 4.0}, normal_law(0, 1, 1, 4)),
        ("trunc_normal", (COUNT,), {"a": -9.0, "b": -3.0}, normal_law(0, 1, -9, -3)),
        ("xavier_uniform", (200, 100, 2), {}, uniform_law(-0.1, 0.1)),
        ("xavier_normal", (100, 100, 4), {"gain": 2.0}, normal_law(0, 0.1)),
        ("kaiming_uniform", (400, 100), {}, uniform_law(-math.sqrt(0.06), math.sqrt(0.06))),
        (
            "kaiming_normal",
            (200, 50, 4),
            {"mode": "fan_out", "nonlinearity": "tanh"},
            normal_law(0, 5 / 3 / math.sqrt(800)),
        ),
    ],
)
def test_numbers_follow_their_law(name, shape, options, law):
    values = getattr(initializers, name)(shape, **options, rng=np.random.default_rng(3))
    assert distance_from(law, values) < 2.2
    assert law(values.min()) >= 0
    assert law(values.max()) <= 1


def test_a_law_a_little_off_is_noticed():
    values = initializers.uniform((COUNT,), -1.0, 1.04, rng=np.random.default_rng(3))
    assert distance_from(uniform_law(-1, 1), values) > 2.2


def test_an_orthogonal_matrix_prefers_no_direction():
    rng = np.random.default_rng(5)
    first = np.array([initializers.orthogonal((2, 2), rng=rng)[0] for _ in range(4000)])
    angle = np.arctan2(first[:, 1], first[:, 0])
    assert distance_from(uniform_law(-math.pi, math.pi), angle) < 2.2


def test_sparse_zeros_fall_anywhere():
    rng = np.random.default_rng(5)
    zeros = np.array([initializers.sparse((4, 25), 0.3, rng=rng) == 0 for _ in range(400)])
    np.testing.assert_array_equal(zeros.sum(axis=1), 2)
    share = zeros.mean(axis=(0, 2))
    assert np.abs(share - 0.5).max() < 5 * math.sqrt(0.25 / 10_000)


# --- what layers start from, beside their rows ---


def test_a_spectral_norm_starts_near_the_largest_singular_value():
    rng = np.random.default_rng(1)
    layer = reference.SpectralNorm(reference.Linear(5, 4, rng=rng), rng=rng)
    layer.training = False
    original = layer.params[1].copy()
    largest = np.linalg.norm(original, 2)
    np.testing.assert_allclose(layer.weights(), original / largest, rtol=1e-2)


def test_a_weight_norm_starts_where_its_layer_was():
    layer = reference.Linear(5, 4, rng=np.random.default_rng(1))
    data = np.random.default_rng(2).normal(size=(3, 5))
    before = layer.forward(data)
    np.testing.assert_allclose(reference.WeightNorm(layer).forward(data), before, rtol=1e-13)
