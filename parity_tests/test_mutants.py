"""The tool that makes mutants, and the list of those that change nothing."""

import dataclasses
import textwrap
from pathlib import Path

import numpy as np
import pytest

import reference
from parity_tests.mutation import campaign, equivalents, examples, population, results, summary
from parity_tests.mutation.judge import NEVER_RUN, SURVIVED, UNJUDGED, Judge


@pytest.fixture(scope="module")
def of_relu():
    return {mutant.name: mutant for mutant in population.every(["ReLU"])}


@pytest.fixture(scope="module")
def all_of_them():
    return population.every()


def test_every_mutant_listed_as_equivalent_exists(all_of_them):
    known = {mutant.name for mutant in all_of_them}
    assert sorted(equivalents.proofs().keys() - known) == []


def test_what_is_kept_of_the_whole_run_names_mutants_that_exist(all_of_them):
    """But of a definition that has changed since, of which nothing is known."""
    sources = {".".join(mutant.definition): mutant.source for mutant in all_of_them}
    entries = summary.kept()["definitions"]
    current = {
        name: entry for name, entry in entries.items() if sources.get(name) == entry["source"]
    }
    kept = summary.kept() | {"definitions": current}
    named = {name for state in ("survived", "unjudged") for name in summary.names(kept, state)}
    assert sorted(named - {mutant.name for mutant in all_of_them}) == []
    assert sorted(named & equivalents.proofs().keys()) == []


def test_the_page_shows_the_table_of_the_whole_run():
    page = Path("docs/what-green-means.md").read_text(encoding="utf-8")
    assert textwrap.indent(summary.table(summary.kept()), "    ") in page


def test_mutants_have_names_of_their_own_and_say_where_they_are(of_relu):
    wanted = "self.alive = ~(input_data <= 0) -> self.alive = ~(input_data < 0)"
    name = f"reference.activations.rectifying.ReLU.forward: {wanted}"
    assert of_relu[name].file.startswith("reference/activations/rectifying.py:")
    assert len(of_relu) == len(population.every(["ReLU"]))


def test_the_rows_own_examples_are_played():
    (kinks,) = [each for each in examples.of_row("ReLU") if each.kind == "kinks"]
    first = next(each for each in examples.of_row("ReLU", 3) if each.kind == "kinks")
    assert len(kinks.cases) == 20
    assert first.cases == kinks.cases[:3]


def test_half_a_line_of_a_stopped_run_is_passed_over(tmp_path):
    place = tmp_path / "results.jsonl"
    place.write_text('{"name": "cut', encoding="utf-8")
    assert results.kept(place) == {}


def endless():
    while True:
        pass


def judged(of_relu, monkeypatch, play, apply=lambda: None):
    """What a test says of a mutant of ReLU.forward that is made so."""
    test = examples.Examples("ReLU", "errors", play, ({},))
    monkeypatch.setattr(examples, "of_row", lambda title, most=None: [test])
    mutant = next(mutant for mutant in of_relu.values() if mutant.where == "ReLU.forward")
    judge = Judge(mutant.definition, ["ReLU"])
    return judge.outcome(dataclasses.replace(mutant, apply=apply))


def run_relu():
    reference.ReLU().forward(np.ones(2))


def test_no_mutant_is_killed_by_rows_that_fail_unchanged(of_relu, monkeypatch):
    def fail():
        raise AssertionError("always")

    assert judged(of_relu, monkeypatch, fail).startswith(UNJUDGED)


def test_what_runs_no_changed_line_judges_nothing(of_relu, monkeypatch):
    assert judged(of_relu, monkeypatch, lambda: None, apply=endless) == NEVER_RUN


def test_a_mutant_that_never_ends_is_killed(of_relu, monkeypatch):
    assert judged(of_relu, monkeypatch, run_relu, apply=endless) == "worked too long"


def test_a_mutant_that_no_test_tells_from_the_reference_survives(of_relu, monkeypatch):
    assert judged(of_relu, monkeypatch, run_relu) == SURVIVED


def test_every_mutant_gets_its_result_whoever_judges_it():
    wanted = population.every(["ReLU", "Tanh"])[:6]
    found = {result.name: result.killed for result in campaign.judged(wanted, 2)}
    assert found == dict.fromkeys((mutant.name for mutant in wanted), True)
