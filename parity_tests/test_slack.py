"""The budgets leave no room for bugs, and the command that measures it."""

import dataclasses
import json
from pathlib import Path

import hypothesis
import pytest
from hypothesis import given

from parity_tests import catalogue, planted, recorded, slack, tolerances

_FEW = hypothesis.settings(
    max_examples=3,
    phases=[hypothesis.Phase.generate],
    suppress_health_check=list(hypothesis.HealthCheck),
)


def _batch(component: str, examples: int = 40, dtype: str = "float64") -> slack.Batch:
    (batch,) = slack.batches([component], [dtype], examples)
    return batch


def test_no_budget_is_too_loose_beside_the_worst_error_measured():
    loose = [entry for entry in slack.kept() if entry.is_too_loose()]
    words = [f"{e.key}: {e.budget} units, worst {e.units:.3g}" for e in loose]
    assert not loose, "\n".join(["`parity slack --write` tightens:", *words])


@pytest.mark.parametrize("worst", [0.0, 1e-3, 0.49, 0.51, 1.0, 1.7, 2.01, 4.0, 23.6])
def test_a_tightened_budget_holds_twice_the_worst_error_and_is_not_too_loose(worst):
    budget = tolerances.tightened(worst)
    assert budget >= max(2, 2 * worst)
    assert not tolerances.is_too_loose(budget, worst)


def test_the_page_says_how_many_components_were_measured_in_enough_examples():
    least: dict[str, int] = {}
    for entry in slack.kept():
        least[entry.component] = min(least.get(entry.component, entry.examples), entry.examples)
    enough = sum(examples >= slack.ENOUGH for examples in least.values())
    page = Path("docs/what-green-means.md").read_text(encoding="utf-8")
    assert f"{enough} of {len(catalogue.ROWS)} components" in page
    assert f"and {len(least) - enough} in" in page


def test_what_is_written_tightens_and_never_widens(tmp_path, monkeypatch):
    place = tmp_path / "tolerances.toml"
    place.write_text(tolerances.PATH.read_text(encoding="utf-8"), encoding="utf-8")
    monkeypatch.setattr(tolerances, "PATH", place)
    tight = {("Softsign", "output", "float32"): (2.0, 0.9), ("SGD", "params", "float64"): (1e9, 1)}
    tolerances.tighten(tight, place)
    assert tolerances.budget("Softsign", "output", "elementwise", "float32") == 2
    general = tolerances.budget("ELU", "output", "elementwise", "float64")
    assert tolerances.budget("Softsign", "output", "elementwise", "float64") == general
    assert tolerances.budget("SGD", "params[0]", "trajectory", "float64") == tolerances.untightened(
        "SGD", "params[0]", "trajectory", "float64"
    )
    tolerances.tighten({}, place)
    assert tolerances.budget("Softsign", "output", "elementwise", "float32") > 2


def test_tightened_budgets_are_below_what_they_tighten_and_above_twice_the_worst_error():
    for component, quantity, dtype, entry in tolerances.overrides("tight"):
        assert component in catalogue.ROWS
        kind = catalogue.find(component).kind(quantity)
        assert entry["budget"] <= tolerances.untightened(component, quantity, kind, dtype)
        assert entry["budget"] >= min(
            2 * entry["worst"], tolerances.untightened(component, quantity, kind, dtype)
        )


def test_a_worst_case_repeats_its_error():
    found, failures = slack.measure(_batch("Softsign"))
    assert not failures
    worst = next(entry for entry in found if entry.quantity == "grad_input")
    assert worst.units > 0
    with tolerances.probing():
        verdicts = slack.repeat(worst)
    assert [v.units for v in verdicts if v.quantity == "grad_input"] == [worst.units]


def test_what_was_the_worst_before_is_measured_again_and_counts():
    many, _ = slack.measure(_batch("Softsign", 2000))
    few, failures = slack.measure(_batch("Softsign", 10), many)
    assert not failures
    units = {entry.quantity: entry.units for entry in many}
    assert {entry.quantity: entry.units for entry in few} == units
    alone = {entry.quantity: entry.units for entry in slack.measure(_batch("Softsign", 10))[0]}
    assert any(units[quantity] > alone[quantity] for quantity in units)
    lying = [dataclasses.replace(entry, units=99.0) for entry in many]
    again, _ = slack.measure(_batch("Softsign", 10), lying)
    assert {entry.quantity: entry.units for entry in again} == units


def test_a_disagreement_is_reported_not_measured(monkeypatch):
    row = catalogue.find("Softsign")

    def convert(module):
        layer = row.convert(module)
        layer.__class__ = planted.SignReversed
        return layer

    wrong = dataclasses.replace(row, convert=convert)
    monkeypatch.setitem(catalogue.ROWS, "Softsign", wrong)
    found, failures = slack.measure(_batch("Softsign"))
    assert "the sign is reversed" in failures[0]
    assert {entry.quantity: entry.units for entry in found if entry.quantity == "output"}


def test_every_component_s_cases_can_be_kept():
    for row in catalogue.rows():

        @_FEW
        @given(case=slack.comparison(row)[0])
        def kept_and_read(case):
            kept = json.loads(json.dumps(recorded.encode(case)))
            assert repr(recorded.decode(kept)) == repr(case)

        kept_and_read()


def test_only_what_the_package_or_pytorch_defines_is_decoded():
    with pytest.raises(ValueError, match="no class of"):
        recorded.decode({"class": "subprocess:Popen", "args": ["true"]})


def test_a_case_that_no_longer_fits_is_dropped_with_a_message(tmp_path):
    place = tmp_path / "kept.jsonl"
    found, _ = slack.measure(_batch("Softsign"))
    assert slack.keep(found, place) == []
    strange = dataclasses.replace(
        found[0], quantity="buffers", case={"class": "parity_tests.strategies:Case", "tone": "A"}
    )
    (message,) = slack.keep([strange], place)
    assert "no longer fits" in message
    assert "parity slack Softsign --write" in message
    assert slack.kept(place) == sorted(found, key=lambda entry: entry.key)


def test_a_run_goes_on_from_what_is_on_the_disk(tmp_path):
    place = tmp_path / "slack.jsonl"
    batch = _batch("Softsign")
    found, failures = slack.measure(batch)
    stale = dataclasses.replace(batch, source_sha256="of another source")
    text = slack.line(batch, found, failures) + slack.line(stale, found, failures)
    place.write_text(text + '{"batch": {"component": "Soft', encoding="utf-8")
    assert list(slack.lines(place)) == [(batch, found, failures)]


def test_batches_add_up_and_the_worst_survives():
    entry = slack.Worst("A", "output", "float32", "sum", 0.5, 100, {"seed": 1})
    other = dataclasses.replace(entry, units=1.5, case={"seed": 2})
    (merged,) = slack.merge([entry, other, entry])
    assert (merged.units, merged.examples, merged.case) == (1.5, 300, {"seed": 2})


def test_a_tightened_stem_does_not_reach_a_quantity_with_a_budget_of_its_own():
    row = next(
        row
        for row in catalogue.rows(catalogue.Row)
        if not isinstance(row.budget, str) and "grad_params[1]" in row.budget
    )
    stem = slack.Worst(row.title, "grad_params", "float32", "composite", 0.5, slack.ENOUGH)
    own = slack.Worst(row.title, "grad_params[1]", "float32", "sum", 3.9, slack.ENOUGH)
    few = dataclasses.replace(stem, examples=100)
    assert not slack.tightening([few])
    tightened = slack.tightening([stem, own])
    assert tightened[stem.key] == (2, 0.5)
    assert tightened[own.key] == (own.untightened, 3.9)
