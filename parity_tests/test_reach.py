"""What the examples reach is counted, and what none reaches is found."""

import dataclasses
import json
import types

import hypothesis
import pytest
from hypothesis import given
from hypothesis import strategies as st

from parity_tests import catalogue, rare, reach
from parity_tests.report import plugin, table, tally
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


def test_a_case_is_kept_for_what_is_seldom_drawn():
    row = catalogue.find("LeakyReLU")
    wanted = rare.seldom(row, {"dtype float32": 50, "dtype float64": 19, "rank 0": 2})
    assert "dtype float32" not in wanted
    assert {"dtype float64", "rank 0", "option negative_slope given"} <= wanted.keys()
    found = rare.look(
        row, {name: wanted[name] for name in ("rank 0", "option negative_slope given")}
    )
    with reach.counting(row) as counts:
        for entry in found:
            assert not any(verdict.message for verdict in rare.repeat(entry, "float64"))
    assert counts["rank 0"]
    assert counts["option negative_slope given"]


def test_kept_cases_are_replaced_component_by_component(tmp_path):
    place = tmp_path / "rare.jsonl"
    one, two = rare.Rare("Tanh", ["rank 0"], {}), rare.Rare("Softsign", ["rank 0"], {})
    rare.keep([one, two], ["Tanh", "Softsign"], place)
    rare.keep([dataclasses.replace(one, reaches=["rank 1"])], ["Tanh"], place)
    assert [(entry.component, entry.reaches) for entry in rare.kept(place)] == [
        ("Softsign", ["rank 0"]),
        ("Tanh", ["rank 1"]),
    ]


@pytest.mark.parametrize(
    ("options", "whole"),
    [
        ({}, True),
        ({"component": ["Tanh"]}, False),
        ({"only": ["special"]}, False),
        ({"dtype": ["float32"]}, False),
        ({"examples": 0.5}, False),
        ({"soak_seed": 1}, False),
    ],
)
def test_a_run_of_everything_with_the_usual_examples_is_whole(options, whole):
    assert plugin.is_whole(_Config(options)) == whole


class _Config:
    """The settings of a run of everything, but for these."""

    usual = types.MappingProxyType(
        {"component": [], "only": [], "dtype": [], "examples": 1.0, "soak_seed": None}
    )

    def __init__(self, options):
        self.options = {**self.usual, "reach": False, **options}
        self.stash = pytest.Stash()

    def getoption(self, name):
        return self.options[name]


@pytest.mark.parametrize(("options", "status"), [({}, 1), ({"component": ["Tanh"]}, 0)])
def test_a_whole_run_ends_red_for_an_option_that_nobody_draws(tmp_path, options, status):
    row, place = catalogue.find("Tanh"), tmp_path / "report.json"
    config = _Config({"parity_report": str(place), **options})
    # All that is declared was reached, but for an option that a check of the constructor lets in.
    counts = dict.fromkeys([*reach.declared(row), *_never(row)], 4) | {"option slope=2": 0}
    entry = tally.Tally(examples=1).as_dict("Tanh", "agreement", 0.1)
    tallies = [{**entry, "passed": True, "reach": counts}]
    config.stash[plugin._STATE] = {"tallies": tallies, "start": 0.0}
    session = types.SimpleNamespace(config=config, exitstatus=0)
    plugin.pytest_sessionfinish(session, 0)
    report = json.loads(place.read_text(encoding="utf-8"))
    assert session.exitstatus == status
    assert report["components"]["Tanh"]["never_reached"] == ["option slope=2"] * status
    told = "Tanh never reached option slope=2" in table.text(report)
    assert told == bool(status)


def test_a_run_that_must_reach_everything_fails_where_it_does_not():
    entry = tally.Tally(examples=1).as_dict("Tanh", "agreement", 0.1)
    entry |= {"passed": True, "reach": {"dtype float32": 1}}
    assert table.make([entry], 1.0, None)["in_parity"]
    report = table.make([entry], 1.0, None, whole=True)
    assert not report["in_parity"]
    assert "dtype float64" in report["components"]["Tanh"]["never_reached"]
    assert "Tanh never reached" in table.text(report)
