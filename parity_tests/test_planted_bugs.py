"""The harness catches each planted bug, and its message names what is wrong."""

import dataclasses
import unittest.mock

import hypothesis
import numpy as np
import pytest
import torch
from hypothesis import given, settings

import reference
from parity_tests import catalogue, compare, kinds, planted, starting, trajectories
from parity_tests.strategies import cases

_KINDS = {kind.name: kind for kind in kinds.KINDS}
_QUICK = settings(max_examples=100, phases=[hypothesis.Phase.generate])


def _planted_row(broken):
    """The row of the component that a planted bug breaks, for the broken class."""
    row = catalogue.find(broken.__base__.__name__)
    if not isinstance(row, catalogue.Row):
        return dataclasses.replace(row, component=broken)

    def convert(module):
        layer = row.convert(module)
        layer.__class__ = broken
        return layer

    return dataclasses.replace(row, component=broken, name=row.title, convert=convert)


def _caught(broken, kind: str, dtype: str = "float64") -> str:
    """The message with which the harness refuses the broken class."""
    row = _planted_row(broken)

    @_QUICK
    @given(case=cases(row.draw, _KINDS[kind].regimes))
    def run(case):
        _KINDS[kind].check(row, case, dtype)

    with pytest.raises(AssertionError) as caught:
        run()
    return str(caught.value)


@pytest.mark.parametrize(
    ("broken", "kind", "dtype", "words"),
    [
        (planted.OneElementOff, "agreement", "float64", "1.000001 times PyTorch's"),
        (planted.SignReversed, "agreement", "float64", "the sign is reversed"),
        (planted.SignReversed, "agreement", "float32", "the sign is reversed"),
        (planted.UpstreamMissing, "agreement", "float64", "the upstream gradient is missing"),
        (planted.TransposedWeightGradient, "agreement", "float64", "it is transposed"),
        (planted.BiasNotSummed, "agreement", "float64", "it is not summed over the batch"),
        (planted.WrongAtTheKink, "kinks", "float64", "wrong only at the kink, where the input is"),
        (planted.TieShared, "kinks", "float64", "a tie goes to another place"),
        (planted.LostNegativeZero, "special", "float64", "the sign of zero was lost"),
        (planted.NanToZero, "special", "float64", "a NaN was turned into a number"),
        (planted.LeakedFloat64, "agreement", "float32", "a leak of float64"),
        (planted.InputChanged, "protocol", "float64", "upstream gradient was changed in place"),
        (planted.StaleCache, "protocol", "float64", "a stale cache"),
        (planted.Accumulating, "protocol", "float64", "it accumulates"),
        (planted.NotTheDerivative, "witness", "longdouble", "not the derivative of forward"),
        (planted.NotLinear, "protocol", "float64", "not linear in the upstream gradient"),
    ],
)
def test_a_planted_bug_is_caught_by_name(broken, kind, dtype, words):
    assert words in _caught(broken, kind, dtype)


@pytest.mark.parametrize(
    ("broken", "options", "words"),
    [
        (planted.DampenedFirstStep, {"momentum": 0.9, "dampening": 0.5}, "momentum_buffer"),
        (planted.DecayAfterMomentum, {"momentum": 0.9, "weight_decay": 0.1}, "params[0]"),
    ],
)
def test_a_planted_bug_of_an_optimizer_is_caught(broken, options, words):
    row = _planted_row(broken)
    course = trajectories.Course(
        ({"lr": 0.1, **options},), ((3,),), "ordinary", False, False, False, 1
    )
    with pytest.raises(AssertionError) as caught:
        trajectories.check_trajectory(row, course, "float64", 20)
    assert words in str(caught.value)
    trajectories.check_trajectory(catalogue.find("SGD"), course, "float64", 20)


def test_the_message_says_where_by_how_much_and_how_to_repeat():
    message = _caught(planted.OneElementOff, "agreement")
    assert "Softsign, float64, agreement:" in message
    assert "grad_input: 1 of" in message
    assert "ulp apart" in message
    assert "input there:" in message
    assert "repeat: parity check Softsign --only agreement --dtype float64" in message


def test_an_option_that_is_ignored_is_caught():
    row = _planted_row(planted.IgnoresItsOption)
    row = dataclasses.replace(row, convert=lambda m: planted.IgnoresItsOption(m.negative_slope))

    @_QUICK
    @given(case=cases(row.draw, _KINDS["agreement"].regimes))
    def run(case):
        kinds.check_agreement(row, case, "float64")

    with pytest.raises(AssertionError, match="output"):
        run()


@pytest.mark.parametrize(
    ("broken", "check", "words"),
    [
        (planted.StartsTooWide, starting.check_start, "another law than PyTorch's"),
        (planted.AnotherDefault, starting.check_defaults, "by default, alpha is not"),
    ],
)
def test_a_wrong_start_is_caught(broken, check, words):
    sound = catalogue.find(broken.__base__.__name__)

    def convert(module):
        with unittest.mock.patch.object(reference, sound.title, broken):
            return sound.convert(module)

    row = dataclasses.replace(sound, component=broken, name=sound.title, convert=convert)

    @_QUICK
    @given(case=cases(row.draw, ("ordinary",)))
    def run(case):
        check(row, case, "float64")

    with pytest.raises(AssertionError, match=words):
        run()


def test_the_second_judge_never_decides_where_the_budget_is_zero():
    exact = torch.tensor([1.0]).numpy()
    off = exact * 1.000001

    def judge():
        raise AssertionError("asked")

    verdict = compare.compare("output", off.astype(exact.dtype), exact, budget=0, judges=[judge])
    assert verdict.message


@pytest.mark.parametrize(
    ("ours", "theirs"), [(3e38, np.inf), (np.inf, 3e38), (3e38, np.nan), (np.nan, 3e38)]
)
def test_the_second_judge_never_decides_where_a_result_is_not_finite(ours, theirs):
    def judge():
        raise AssertionError("asked")

    arrays = np.array([ours], np.float32), np.array([theirs], np.float32)
    verdict = compare.compare("output", *arrays, budget=4, judges=[judge])
    assert verdict.message


def test_every_public_class_has_a_row():
    rows = {row.component for row in catalogue.rows()}
    public = {getattr(reference, name) for name in reference.__all__}
    abstract = {reference.Layer, reference.Loss, reference.Optimizer}
    missing = sorted(cls.__name__ for cls in public - rows - abstract if isinstance(cls, type))
    assert not missing, f"public classes without a row: {', '.join(missing)}"
