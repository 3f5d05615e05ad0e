"""The tool that makes mutants, and the list of those that change nothing."""

import dataclasses

import numpy as np
import pytest

import reference
from parity_tests.mutation import campaign, equivalents, examples, population
from parity_tests.mutation.judge import NEVER_RUN, SURVIVED, UNJUDGED, Judge


@pytest.fixture(scope="module")
def of_relu():
    return {mutant.name: mutant for mutant in population.every(["ReLU"])}


def test_every_mutant_listed_as_equivalent_exists():
    known = {mutant.name for mutant in population.every()}
    assert sorted(equivalents.proofs().keys() - known) == []


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
    assert campaign.kept(place) == {}


def endless():
    while True:
        pass


def judged(of_relu, monkeypatch, play, apply=lambda: None):
    """What a test says of a mutant of ReLU.forward that is made so."""
    test = examples.Examples("ReLU", "errors", play, ({},))
    monkeypatch.setattr(examples, "of_row", lambda title, most: [test])
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
    assert judged(of_relu, monkeypatch, run_relu, apply=endless) == "took more than 2 s"


def test_a_mutant_that_no_test_tells_from_the_reference_survives(of_relu, monkeypatch):
    assert judged(of_relu, monkeypatch, run_relu) == SURVIVED


def test_every_mutant_gets_its_result_whoever_judges_it():
    wanted = population.every(["ReLU", "Tanh"])[:6]
    found = {result.name: result.killed for result in campaign.judged(wanted, 2)}
    assert found == dict.fromkeys((mutant.name for mutant in wanted), True)
