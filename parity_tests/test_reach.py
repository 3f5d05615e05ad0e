"""What the examples reach is counted, and what none reaches is found."""

import dataclasses

import hypothesis
from hypothesis import given
from hypothesis import strategies as st

from parity_tests import catalogue, reach
from parity_tests.report import table, tally
from parity_tests.strategies import KINKS, SPECIAL, TIES, Case, Draft, Input, cases, elementwise
from parity_tests.trial import Trial

_DRAWS = hypothesis.settings(
    max_examples=40,
    phases=[hypothesis.Phase.generate],
    suppress_health_check=list(hypothesis.HealthCheck),
)


def _never(row, regimes=("ordinary", KINKS, TIES, SPECIAL)) -> list[str]:
    """What forty examples of a row do not reach, each in both dtypes."""

    @_DRAWS
    @hypothesis.seed(1)
    @given(case=cases(row.draw, regimes))
    def compared(case):
        for dtype in ("float32", "float64"):
            Trial(row, case, dtype).verdicts()

    with reach.counting(row) as counts:
        compared()
    return reach.never(row, counts)


def _planted(name: str, **changes) -> list[str]:
    return _never(dataclasses.replace(catalogue.find(name), **changes))


def test_a_row_that_never_draws_an_option_is_found():
    assert "option negative_slope given" in _planted("LeakyReLU", draw=elementwise())


def test_a_choice_that_is_never_drawn_is_found():
    draw = elementwise(approximate=st.just("none"))
    missing = _planted("GELU", draw=draw)
    assert "option approximate='tanh'" in missing
    assert "option approximate='none'" not in missing


def test_a_flag_that_is_never_true_is_found_in_either_s_constructor():
    def draw(draw):
        return Draft({"kernel_size": 2, "ceil_mode": False}, (Input((2, 3, 4)),))

    missing = _planted("MaxPooling1D", draw=draw)
    assert "option ceil_mode=True" in missing
    assert "option return_indices=True" in missing
    assert "option padding not 0" in missing


def test_kinks_special_numbers_and_axes_that_are_never_drawn_are_found():
    def draw(draw):
        return Draft({}, (Input((2,), "positive"),))

    missing = _planted("ReLU6", draw=draw)
    assert {"on kink 0", "just above kink 6", "axis of 0"} <= set(missing)


def test_a_special_number_that_is_never_drawn_is_found():
    with reach.counting(catalogue.find("Tanh")) as counts:
        draft = Draft({}, (Input((1,)),))
        Trial(catalogue.find("Tanh"), Case(draft, SPECIAL, 0, True, False), "float64").verdicts()
    found = [label for label, number in counts.items() if label.startswith("input[0]") and number]
    assert len(found) <= 1
    assert counts["input[0] subnormal float64"] in (0, 1)
    missing = reach.never(catalogue.find("Tanh"), counts)
    assert len([label for label in missing if label.startswith("input[0]")]) == 6 - len(found)


def test_a_mode_and_an_order_in_memory_that_are_never_drawn_are_found():
    def draw(draw):
        return Draft({}, (Input((2, 3)),), training=True, strided=False)

    missing = _planted("Tanh", draw=draw)
    assert {"mode evaluation", "memory in another order"} <= set(missing)


def test_an_excuse_for_what_is_reached_is_found():
    row = dataclasses.replace(catalogue.find("Tanh"), unreached={"dtype float32": "never drawn"})
    assert "dtype float32 (said to be out of reach)" in _never(row)


def test_an_option_that_a_row_of_the_same_component_draws_is_reached():
    counts = {"GELU": {"option approximate='sigmoid'": 0}, "SigmoidGELU": {}}
    assert "option approximate='sigmoid'" in reach.missing(counts)["GELU"]
    counts["SigmoidGELU"] = {"option approximate='sigmoid'": 3}
    assert "option approximate='sigmoid'" not in reach.missing(counts)["GELU"]


def test_a_run_that_must_reach_everything_fails_where_it_does_not():
    entry = tally.Tally(examples=1).as_dict("Tanh", "agreement", 0.1)
    entry |= {"passed": True, "reach": {"dtype float32": 1}}
    assert table.make([entry], 1.0, None)["in_parity"]
    report = table.make([entry], 1.0, None, whole=True)
    assert not report["in_parity"]
    assert "dtype float64" in report["components"]["Tanh"]["never_reached"]
    assert "Tanh never reached" in table.text(report)
