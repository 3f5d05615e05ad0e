"""The tool that makes mutants, and the list of those that change nothing."""

import pytest

from parity_tests.mutation import campaign, equivalents, examples, judge, population


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


def test_no_mutant_is_killed_by_rows_that_fail_unchanged():
    def fail():
        raise AssertionError("always")

    wrong = [examples.Examples("ReLU", "errors", fail, ({},))]
    assert judge.seconds_of(wrong) == 0
    assert judge.outcome(lambda: None, wrong, 0).startswith(judge.UNJUDGED)
