"""How fast the parity check itself is: its phases, and examples and elements per second."""

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import parity_tests
from parity_tests.commands.check import REPORT

_PACKAGE = Path(parity_tests.__file__).parent
_IMPORT = [sys.executable, "-c", "import pytest, hypothesis, torch, parity_tests.kinds"]
_COLLECT = [
    *(sys.executable, "-m", "pytest", "-c", str(_PACKAGE / "report" / "parity.ini")),
    *(f"--rootdir={_PACKAGE.parent}", "--collect-only", "-q", "-n0"),
    str(_PACKAGE / "test_components.py"),
]


def throughput(place: str = REPORT) -> dict | None:
    """Examples and elements per second of a worker, from the last full parity run."""
    path = Path(place)
    if not path.exists():
        return None
    report = json.loads(path.read_text(encoding="utf-8"))
    entries = report["components"].values()
    seconds = sum(entry["seconds"] for entry in entries)
    if not seconds:
        return None
    return {
        "components": len(report["components"]),
        "examples": sum(entry["examples"] for entry in entries),
        "elements": sum(entry["elements"] for entry in entries),
        "examples per second": sum(entry["examples"] for entry in entries) / seconds,
        "elements per second": sum(entry["elements"] for entry in entries) / seconds,
        "wall time": report["seconds"],
    }


def phases(place: str = REPORT, nox: str | None = shutil.which("nox")) -> dict[str, float]:
    """Seconds of the phases of bare `nox`: install anew and again, import, collect, run."""
    found = {}
    if nox is not None and Path("noxfile.py").exists():
        install = [nox, "-s", "parity", "--install-only"]
        found["install anew"] = _timed([*install, "--reuse-venv=never"])
        found["install"] = _timed(install)
    found["import"] = _timed(_IMPORT)
    found["collect"] = _timed(_COLLECT) - found["import"]
    if (last := throughput(place)) is not None:
        found["run"] = last["wall time"] - found["import"] - found["collect"]
    return found


def _timed(command: list[str]) -> float:
    start = time.perf_counter()
    # As in `parity check`, whose settings name the plugins.
    environment = os.environ | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    subprocess.run(command, check=True, env=environment, capture_output=True)
    return time.perf_counter() - start
