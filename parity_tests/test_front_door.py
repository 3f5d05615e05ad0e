"""What a user meets: the command, the wheel, the report."""

import ast
import inspect
import json
import os
import subprocess
import sys
from pathlib import Path

import reference
from parity_tests import cli, tolerances

ROOT = Path(__file__).parent.parent


def run(*words, **keywords):
    return subprocess.run(
        [sys.executable, "-m", "parity_tests", *words], text=True, capture_output=True, **keywords
    )


def test_an_unknown_name_suggests_the_nearest():
    done = run("check", "sofsign")
    assert done.returncode == 2
    assert "did you mean Softsign?" in done.stderr


def test_a_check_prints_the_table_and_writes_the_report(tmp_path):
    place = tmp_path / "report.json"
    words = ("check", "Softsign", "SGD", "-v", "--examples", "0.1", "-n", "1")
    done = run(*words, "--report", str(place))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "all 2 components in parity" in done.stdout
    report = json.loads(place.read_text())
    assert report["in_parity"]
    softsign = report["components"]["Softsign"]
    assert len(softsign["source_sha256"]) == 64
    assert softsign["examples"] > 0
    assert {"numpy", "torch", "python"} <= report["versions"].keys()


def test_the_readme_shows_a_class_and_its_line_as_they_are(tmp_path):
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    source = inspect.getsource(reference.ReLU)
    docstring = ast.parse(source).body[0].body[0]
    lines = source.splitlines()
    kept = lines[: docstring.lineno - 1] + lines[docstring.end_lineno + 1 :]
    assert "\n".join(kept) == readme.partition("```python\n")[2].partition("\n```")[0]
    done = run("check", "ReLU", "-v", "-n", "1", "--report", str(tmp_path / "report.json"))
    (line,) = [line for line in done.stdout.splitlines() if line.startswith("  ReLU ")]
    assert " ".join(line.split()) in " ".join(readme.split())


def test_json_is_all_that_stdout_gets(tmp_path):
    words = ("check", "Softsign", "--examples", "0.1", "-n", "1", "--json")
    done = run(*words, "--report", str(tmp_path / "report.json"))
    assert json.loads(done.stdout)["in_parity"]


def test_a_kind_that_does_not_exist_is_wrong_usage(tmp_path):
    words = ("check", "Softsign", "--only", "nothing", "-n", "1")
    assert run(*words, "--report", str(tmp_path / "r.json")).returncode == 2


def test_two_seeds_draw_different_examples(tmp_path):
    def elements(seed):
        place = tmp_path / f"{seed}.json"
        words = ("check", "Softsign", "--only", "agreement", "-n", "1", "--report", str(place))
        run(*words, *(() if seed is None else ("--seed", str(seed))))
        return json.loads(place.read_text())["components"]["Softsign"]["elements"]

    assert elements(None) == elements(None)
    assert elements(1) != elements(2)


def test_without_torch_the_command_says_what_to_install(monkeypatch, capsys):
    real = cli.importlib.util.find_spec
    monkeypatch.setattr(
        cli.importlib.util, "find_spec", lambda name: None if name == "torch" else real(name)
    )
    assert cli.main(["check"]) == 2
    assert "pip install 'ml-book-reference[parity]'" in capsys.readouterr().err


def test_every_override_says_why_and_the_worst_error():
    for component, quantity, dtype, entry in tolerances.overrides():
        where = f"{component}.{quantity}.{dtype}"
        assert entry["worst"] <= entry["budget"], where
        assert entry.get("why") or entry.get("tightened"), where
        assert entry["budget"] <= max(2, 4 * entry["worst"]), f"{where}: slack hides bugs"


def test_an_installed_wheel_checks_outside_the_checkout(tmp_path):
    """The wheel carries the tests and tolerances.toml."""
    wheels = tmp_path / "wheels"
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "wheel", "--no-deps", "-w", str(wheels), str(ROOT)], check=True)
    (wheel,) = wheels.glob("*.whl")
    # This environment's packages, but the wheel's copy of ours comes first.
    place = tmp_path / "installed"
    subprocess.run([*pip, "install", "--no-deps", "--target", str(place), str(wheel)], check=True)
    environment = {**os.environ, "PYTHONPATH": str(place)}
    report = tmp_path / "report.json"
    words = ["check", "Softsign", "--examples", "0.1", "-n", "1", "--report", str(report)]
    done = run(*words, cwd=tmp_path, env=environment)
    assert done.returncode == 0, done.stdout + done.stderr
    assert json.loads(report.read_text())["in_parity"]
    where = subprocess.check_output(
        [sys.executable, "-c", "import reference; print(reference.__file__)"],
        cwd=tmp_path,
        env=environment,
        text=True,
    )
    assert str(place) in where
