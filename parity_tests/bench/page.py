"""Writes docs/speed.md from the committed results: python -m parity_tests.bench.page [REPORT].

A report of `parity bench` that is given becomes the committed results.
"""

import json
import sys
from pathlib import Path

from parity_tests.bench import table

RESULTS = Path(__file__).parent / "results.json"
PAGE = Path(__file__).parent.parent.parent / "docs" / "speed.md"


def text() -> str:
    return table.page(json.loads(RESULTS.read_text(encoding="utf-8")))


def compact(report: dict) -> str:
    """A report as JSON with a line for each entry, its numbers to three digits."""
    parts = []
    for name, value in report.items():
        if isinstance(value, list):
            lines = ",\n".join(f"  {json.dumps(_rounded(entry))}" for entry in value)
            parts.append(f' "{name}": [\n{lines}\n ]')
        else:
            parts.append(f' "{name}": {json.dumps(_rounded(value))}')
    return "{\n" + ",\n".join(parts) + "\n}\n"


def _rounded(value):
    if isinstance(value, float):
        return float(f"{value:.3g}")
    return (
        {name: _rounded(part) for name, part in value.items()} if isinstance(value, dict) else value
    )


if __name__ == "__main__":
    for given in sys.argv[1:]:
        report = json.loads(Path(given).read_text(encoding="utf-8"))
        RESULTS.write_text(compact(report), encoding="utf-8")
    PAGE.write_text(text(), encoding="utf-8")
