"""The bench times what it says it times, and its verdicts follow from the numbers."""

import json
import time

import numpy as np
import pytest
import torch

from parity_tests import catalogue, cli, oracle
from parity_tests.bench import goals, growth, harness, measure, memory, page, sides, table, work
from parity_tests.bench.sides import Pair
from parity_tests.bench.work import Work
from parity_tests.catalogue import Row

# The bench runs the classes at their defaults: these draw, or move on with every call, or differ
# where PyTorch departs from the mathematics.
_APART = [
    row.title
    for row in catalogue.rows()
    if not isinstance(row, Row)
    or row.replay
    or row.correct
    or row.title in ("SpectralNorm", "CTCLoss", "CrossMapLRN2d")
]


def entry(**changes):
    usual = {
        "component": "Softsign",
        "size": "batch",
        "dtype": "float32",
        "ratio": {"low": 1.0, "median": 1.0, "high": 1.0},
        "memory": {"ours": 2**20, "theirs": 2**20, "least": 2**20},
    }
    return {**usual, **changes}


def ratio(median):
    return {"low": median, "median": median, "high": median}


@pytest.mark.parametrize("row", catalogue.rows(), ids=lambda row: row.title)
def test_both_sides_of_every_component_do_the_same_work(row):
    own = work.of(row)
    size, *_ = own.sizes.values()
    pair = sides.pair(own.draft(**size), row, "float64")
    with oracle.quiet():
        ours, theirs = pair.ours(), pair.theirs()
    if row.title in _APART:
        return
    ours = [leaf for leaf in oracle.flatten(ours) if oracle.is_floating(leaf)]
    theirs = [tensor.detach().to_dense().numpy() for tensor in theirs]
    assert len(ours) >= len(theirs) > 0
    for array in theirs:
        alike = (own for own in ours if own.shape == array.shape)
        assert any(np.allclose(own, array, rtol=1e-6, atol=1e-6) for own in alike)


def test_every_component_has_a_small_and_a_realistic_size():
    for row in catalogue.rows():
        first, *others = work.of(row).sizes
        assert first == "a run" or (first == "small" and others), row.title


class Clock:
    """A processor that takes exactly as long as it is told to."""

    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now

    def spend(self, seconds):
        self.now += seconds


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(measure, "_CLOCK", clock)
    return clock


def test_work_that_is_ten_times_as_long_takes_ten_times_as_long(clock):
    timing = measure.alternate(lambda: clock.spend(0.01), lambda: clock.spend(0.001), 0.01)
    assert timing.ours.median == pytest.approx(0.01)
    assert timing.theirs.median == pytest.approx(0.001)
    assert timing.ratio.low == pytest.approx(10) == timing.ratio.high


def test_a_short_call_is_repeated_until_it_is_long_against_the_clock(clock):
    timing = measure.alternate(lambda: clock.spend(1e-6), lambda: clock.spend(0.1), 0.0)
    assert (timing.rounds, timing.ours.median) == (3, pytest.approx(1e-6))
    # To warm up, to see how long one takes, and a thousand in each of three rounds.
    assert clock.now == pytest.approx(3002 * 1e-6 + 5 * 0.1)


def test_time_spent_elsewhere_does_not_count():
    timing = measure.alternate(lambda: time.sleep(0.01), lambda: sum(range(1000)), 0.01)
    assert timing.ours.median < 0.005


def test_memory_is_the_peak_on_both_sides():
    given = np.ones(1000)

    def ours():
        return [np.concatenate([given + 1, given]) * 2]

    def theirs():
        return [torch.cat([torch.from_numpy(given) + 1] * 2) * 2]

    peaks = memory.peaks(Pair(ours, theirs, [given]))
    # The concatenated copy and the result, two arrays' length each.
    assert peaks["least"] == 3 * given.nbytes
    assert 5 * given.nbytes <= peaks["ours"] < 5.5 * given.nbytes
    assert 5 * given.nbytes <= peaks["theirs"] < 5.5 * given.nbytes


def test_a_quadratic_accident_shows(monkeypatch, clock):
    def pair(draft, row, dtype):
        return Pair(lambda: clock.spend(1e-6 * draft**2), lambda: clock.spend(1e-6 * draft), [])

    monkeypatch.setattr(sides, "pair", pair)
    given = Work(lambda length: length, {"all": {"length": 500}})
    (found,) = growth.exponents(catalogue.find("ReLU"), given, "float32", 0.0)
    assert found["ours"] == pytest.approx(2)
    assert found["theirs"] == pytest.approx(1)
    assert growth.is_accident(found)
    assert not growth.is_accident({**found, "order": 2})


def test_an_exponent_is_the_slope_of_the_logarithms():
    assert growth.fit([1, 2, 4], [3.0, 12.0, 48.0]) == pytest.approx(2)


def test_a_goal_missed_is_named_and_needs_a_reason():
    assert goals.misses(entry()) == []
    assert goals.misses(entry(ratio=ratio(4.1))) == ["time 4.10 > 4"]
    assert goals.misses(entry(component="GELU", ratio=ratio(11.0))) == []
    assert goals.misses(entry(component="GELU", ratio=ratio(4.5), dtype="float64"))
    fat = {"ours": 2**22, "theirs": 2**20, "least": 2**20}
    assert goals.misses(entry(memory=fat)) == ["memory 4.00 > 2.5"]
    report = {"entries": [entry(ratio=ratio(4.1))], "growth": []}
    assert not table.holds(report)


def test_the_geometric_mean_is_judged():
    entries = [entry(ratio=ratio(r)) for r in (1.0, 4.0)]
    assert goals.means(entries)["float32"]["all"] == pytest.approx(2)
    assert not table.holds({"entries": entries, "growth": []})
    assert table.holds({"entries": [entry()], "growth": []})


def test_the_command_measures_what_it_is_asked_for(tmp_path, capsys):
    place, plot = tmp_path / "bench.json", tmp_path / "bench.svg"
    words = ["bench", "Softsign", "--quick", "--json", "--report", str(place), "--plot", str(plot)]
    assert cli.main(words) in (0, 1)
    report = json.loads(capsys.readouterr().out)
    assert report == json.loads(place.read_text())
    assert [e["size"] for e in report["entries"]] == ["small", "small", "batch", "batch"]
    assert {e["component"] for e in report["entries"]} == {"Softsign"}
    assert report["machine"]["processor"]


def test_bare_nox_is_judged_warm_and_cold():
    phases = {"install anew": 100.0, "install": 5.0, "run": 50.0}
    report = {"entries": [], "growth": [], "throughput": None, "machine": {}, "phases": phases}
    lines = table.text(report)
    assert "warm: install 5.0 s, run 50.0 s (goal 60 s: ok)" in lines
    assert "cold: install anew 100.0 s, run 50.0 s (goal 180 s: ok)" in lines
    assert "(goal 60 s: above" in table.text({**report, "phases": {**phases, "run": 56.0}})


def test_the_phases_of_the_check_are_timed(tmp_path):
    place = tmp_path / "report.json"
    component = {"examples": 20, "elements": 300, "seconds": 2.0}
    place.write_text(json.dumps({"components": {"ReLU": component}, "seconds": 1000.0}))
    found = harness.phases(str(place), nox=None)
    assert min(found.values()) > 0
    assert sum(found.values()) == pytest.approx(1000)
    assert harness.throughput(str(place))["examples per second"] == 10


def test_an_unknown_name_is_wrong_usage(capsys):
    assert cli.main(["bench", "Sofsign"]) == 2
    assert "did you mean Softsign?" in capsys.readouterr().err


# --- the committed results ---

RESULTS = json.loads(page.RESULTS.read_text(encoding="utf-8"))


def test_the_page_is_what_the_committed_results_say():
    assert page.PAGE.read_text(encoding="utf-8") == page.text()


def test_the_committed_results_have_every_component():
    measured = {e["component"] for e in RESULTS["entries"]}
    assert measured == {row.title for row in catalogue.rows()}


def test_every_goal_missed_has_a_reason_and_no_reason_is_stale():
    missed = {e["component"] for e in RESULTS["entries"] if goals.misses(e)}
    assert missed == goals.REASONS.keys()


def test_no_time_grows_faster_than_the_work():
    assert [e for e in RESULTS["growth"] if growth.is_accident(e)] == []
