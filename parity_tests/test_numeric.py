"""The stable functions that several families share, against values in high precision."""

import math
import sys

import numpy as np
import pytest

from parity_tests import catalogue, oracle, rare, recorded, sources
from parity_tests.mutation import population
from reference import _numeric

# Computed with 40 digits: x, and erfc(x / sqrt(2)) / 2, the area beyond x.
DIGITS = (
    ("0.0009765625", "0.499610407991219459"),
    ("0.5", "0.308537538725986896362"),
    ("1", "0.158655253931457051415"),
    ("3.25", "5.7702504239076704292e-4"),
    ("9.5", "1.04945150753626074928e-21"),
    ("26", "2.4760633155033892858e-149"),
)
DTYPES = (np.float32, np.float64)


def inputs(dtype, reach):
    """Numbers of either sign, as far as the tails go, and close to 0."""
    rng = np.random.default_rng(7)
    near = rng.normal(size=2000) * 10.0 ** rng.uniform(-6, 0, size=2000)
    return np.concatenate([rng.uniform(-reach, reach, 8000), near]).astype(dtype)


def ulps(actual, expected):
    """The worst distance in units of the last place, down to a few smallest normal numbers."""
    unit = np.maximum(np.spacing(np.abs(actual)), 4 * np.finfo(actual.dtype).smallest_normal)
    return np.max(np.abs(actual.astype(float) - expected) / unit.astype(float))


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_normal_distribution_is_within_two_ulp(dtype):
    x = inputs(dtype, 13 if dtype == np.float32 else 37)
    # In longdouble it is far more accurate: digits below show how far.
    expected = _numeric.normal_cdf(x.astype(np.longdouble)).astype(float)
    assert ulps(_numeric.normal_cdf(x), expected) <= 2.5


@pytest.mark.parametrize("dtype", [*DTYPES, np.longdouble])
def test_digits(dtype):
    tolerance = max(2 * np.finfo(dtype).eps, 5e-17)
    for row in DIGITS:
        x, beyond = (dtype(entry) for entry in row)
        for actual, expected in (
            (_numeric.normal_cdf(-x), beyond),
            (_numeric.normal_cdf(x), 1 - beyond),
        ):
            assert abs(actual - expected) <= tolerance * expected, row


@pytest.mark.parametrize("dtype", DTYPES)
def test_limits(dtype):
    x = np.array([np.nan, np.inf, -np.inf, 0.0, -0.0, 1e30, -1e30], dtype)
    np.testing.assert_array_equal(_numeric.normal_cdf(x), [np.nan, 1, 0, 0.5, 0.5, 1, 0])


@pytest.mark.parametrize("columns", [6, 60_000])
def test_any_layout(columns):
    x = np.linspace(-3, 3, 4 * columns).reshape(4, columns)
    expected = _numeric.normal_cdf(x)
    strange = np.asfortranarray(x)[::-1, ::2]
    strange.flags.writeable = False
    np.testing.assert_array_equal(_numeric.normal_cdf(strange), expected[::-1, ::2])
    np.testing.assert_array_equal(_numeric.normal_cdf(x[:0]), x[:0])
    assert _numeric.normal_cdf(x[1, 2]) == expected[1, 2]


@pytest.mark.parametrize("dtype", [*DTYPES, np.longdouble])
def test_nothing_warns_far_out(dtype):
    x = np.array([[1e30, -1e30, 800, -800, 0.0]], dtype)
    np.testing.assert_allclose(_numeric.sigmoid(x), [[1, 0, 1, 0, 0.5]], atol=1e-30)
    np.testing.assert_array_equal(_numeric.sigmoids(x)[1], _numeric.sigmoid(-x))
    losses, slopes = _numeric.softplus_and_slope(x)
    np.testing.assert_allclose(losses, [[1e30, 0, 800, 0, math.log(2)]], 1e-6, 1e-99)
    np.testing.assert_array_equal(slopes, _numeric.sigmoid(x))
    np.testing.assert_array_equal(_numeric.log_sigmoids(x)[1], -losses)
    np.testing.assert_array_equal(_numeric.log_sigmoids(-x)[0], -losses)
    np.testing.assert_array_equal(_numeric.softmax(x), [[1, 0, 0, 0, 0]])
    assert np.isneginf(_numeric.log_softmax(np.array([0, -np.inf], dtype))).tolist() == [0, 1]


@pytest.mark.parametrize("dtype", DTYPES)
def test_what_cancels_is_corrected(dtype):
    rng = np.random.default_rng(7)
    x = np.concatenate([10.0 ** rng.uniform(-30, 0, 5000), rng.uniform(0, 1, 5000)]).astype(dtype)
    assert ulps(_numeric.log1p(x), np.log1p(x.astype(np.longdouble)).astype(float)) <= 3.5
    x = -np.concatenate([x, rng.uniform(0, 80, 5000)]).astype(dtype)
    powers, differences = _numeric.exp_and_expm1(x)
    np.testing.assert_array_equal(powers, np.exp(x))
    assert ulps(differences, np.expm1(x.astype(np.longdouble)).astype(float)) <= 3.5
    limits = _numeric.exp_and_expm1(np.array([-np.inf, np.nan, 0, -0.0, -1e30], dtype))
    np.testing.assert_array_equal(limits, [[0, np.nan, 1, 1, 0], [-1, np.nan, 0, 0, -1]])
    np.testing.assert_array_equal(np.signbit(limits[1][2:4]), [False, True])


def test_blocks_give_what_the_whole_gives():
    x = np.linspace(-30, 30, 300_001)
    for whole, part in zip(
        _numeric.sigmoid_and_slope(x), _numeric.sigmoid_and_slope(x[-9:]), strict=True
    ):
        np.testing.assert_array_equal(whole[-9:], part)
        assert whole.shape == x.shape


def blockwise_functions():
    """(module, name) of the functions of `reference` that work a block at a time."""
    for module in population.modules():
        for name, value in vars(sys.modules[module]).items():
            code = getattr(value, "__code__", None)
            if getattr(code, "co_name", "") == "blockwise" and value.__module__ == module:
                yield module, name


def test_what_works_in_blocks_is_compared_with_pytorch_on_several():
    compared = set()
    for entry in rare.kept():
        if "an array of several blocks" in entry.reaches:
            inputs = oracle.flatten(recorded.decode(entry.case).draft.inputs)
            assert max(math.prod(given.shape) for given in inputs) * 4 > _numeric._BLOCK
            compared.update(sources.stands_on(catalogue.find(entry.component).component))
    assert {*blockwise_functions()} <= compared
