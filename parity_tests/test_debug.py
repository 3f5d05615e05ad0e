"""The gradient debugger: its figures over the corpus, and its command."""

import json
import re
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from parity_tests import assert_gradients, explain
from parity_tests.cli import main
from parity_tests.debug import build, figures, specs
from parity_tests.debug.words import CAUSES

CASES = list(figures.cases())
DOCS = Path(__file__).parents[1] / "docs" / "causes"


@pytest.mark.parametrize(
    ("half", "entry"), CASES, ids=[f"{half}-{entry['file']}" for half, entry in CASES]
)
def test_case_of_the_corpus(half, entry, record_property):
    """Every mistake is found at its place; no correct class is accused."""
    outcome = figures.judge(half, entry)
    record_property("debug_corpus", json.dumps(vars(outcome)))
    if entry["kind"] == "correct":
        assert not outcome.accused, outcome.findings
    else:
        assert outcome.placed, outcome.findings


SOFTSIGN = """
import numpy as np

class Softsign(Layer):
    def forward(self, x):
        self.x = x
        return x / (1 + np.abs(x))

    def backward(self, grad_output):
        return grad_output / (1 + np.abs(self.x)) ** POWER, None
"""


@pytest.fixture
def softsign(tmp_path):
    def write(power):
        path = tmp_path / "my_layers.py"
        path.write_text(SOFTSIGN.replace("POWER", str(power)), encoding="utf-8")
        return f"{path}:Softsign"

    return write


def test_command_says_right(softsign, capsys):
    assert main(["debug", softsign(2)]) == 0
    assert "Verdict: right" in capsys.readouterr().out


def test_command_says_where_as_json(softsign, capsys):
    assert main(["debug", softsign(1), "--json"]) == 1
    report = json.loads(capsys.readouterr().out)
    (finding,) = report["findings"]
    assert report["verdict"] == "wrong"
    assert (finding["where"], finding["cause"]) == ("grad_input", "wrong_derivative")
    assert finding["statement"]
    assert finding["elements"]


def test_code_to_paste_repeats_the_failure(softsign):
    (finding,) = explain(softsign(1)).findings
    scope = {}
    exec(finding.code.replace("print(target.backward(g))", "result = target.backward(g)"), scope)
    line = finding.table[0]
    assert scope["result"][0][tuple(line["element"])] == pytest.approx(line["yours"])
    assert line["yours"] != pytest.approx(line["numeric"])


def test_own_exception_has_its_line(tmp_path):
    path = tmp_path / "broken.py"
    source = SOFTSIGN.replace("(1 + np.abs(self.x)) ** POWER", "denominator")
    path.write_text(source, encoding="utf-8")
    report = explain(f"{path}:Softsign()")
    (finding,) = report.findings
    assert (report.verdict, report.exit_code, finding.cause) == ("error", 2, "exception")
    assert "broken.py:10" in finding.statement


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["no_file.py:X()"], "no file"),
        (["{}:Missing()"], "no Missing"),
        (["{}", "--oracle", "torch.nn.Nothing()"], "cannot be built"),
        (["{}", "--input", "(2, 3"], "shape"),
        (["{}", "--input", "classes (3,)"], "count"),
    ],
)
def test_wrong_usage_is_said(softsign, capsys, arguments, words):
    target = softsign(2)
    filled = [a.replace("{}:Missing()", target.replace("Softsign", "Missing()")) for a in arguments]
    assert main(["debug", *[a.replace("{}", target) for a in filled]]) == 2
    assert words in capsys.readouterr().out


def test_explicit_oracle_of_another_function(softsign):
    report = explain(softsign(2), oracle="lambda x: torch.tanh(x)")
    assert [finding.where for finding in report.findings] == ["forward"]
    assert any("derivative of your forward" in remark for remark in report.remarks)


def test_assert_gradients(softsign):
    target = build(softsign(2))
    assert_gradients(target, inputs=[(3, 2)])
    with pytest.raises(AssertionError, match="grad_input"):
        assert_gradients(softsign(1), inputs=[np.linspace(-1, 1, 6).reshape(2, 3)])


def test_nothing_is_written_and_nothing_left_behind(softsign, tmp_path):
    target = softsign(1)
    before = set(tmp_path.iterdir())
    explain(target)
    assert set(tmp_path.iterdir()) == before


@pytest.mark.parametrize(
    ("text", "kind", "shape"),
    [
        ("(2, 3)", "normal", (2, 3)),
        ("classes:5 (8,)", "classes", (8,)),
        ("probs (4, 3)", "probs", (4, 3)),
    ],
)
def test_inputs_are_read(text, kind, shape):
    spec = specs.parse(text)
    assert (spec.kind, spec.shape) == (kind, shape)


def test_the_readme_shows_a_session_as_it_is(monkeypatch, tmp_path, capsys):
    readme = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
    _, _, section = readme.partition("### When your own gradient is wrong")
    source, session = section.split("```")[1], section.split("```")[3]
    (tmp_path / "my_layers.py").write_text(source.removeprefix("python\n"), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    assert main(["debug", "my_layers.py:Softsign"]) == 1
    shown = re.sub(r"\(\d+\.\d seconds\)", "(1.9 seconds)", capsys.readouterr().out)
    lines = [line.rstrip() for line in shown.splitlines()]
    assert session.strip() == "\n".join(["$ parity debug my_layers.py:Softsign", *lines]).strip()


@pytest.mark.parametrize("cause", sorted(CAUSES))
def test_every_cause_has_its_pages(cause):
    assert (DOCS / f"{cause}.md").is_file()
    assert (DOCS / "pt" / f"{cause}.md").is_file()


def test_the_corpus_is_large_enough():
    kinds = [entry["kind"] for _, entry in CASES]
    assert kinds.count("mistake") >= 60
    assert kinds.count("correct") >= 40
    causes = Counter(entry["cause"] for _, entry in CASES if entry["kind"] == "mistake")
    assert min(causes[cause] for cause in CAUSES) >= 5, causes
