"""Writes docs/speed.md from the committed results: python -m parity_tests.bench.page."""

import json
from pathlib import Path

from parity_tests.bench import table

RESULTS = Path(__file__).parent / "results.json"
PAGE = Path(__file__).parent.parent.parent / "docs" / "speed.md"


def text() -> str:
    return table.page(json.loads(RESULTS.read_text(encoding="utf-8")))


if __name__ == "__main__":
    PAGE.write_text(text(), encoding="utf-8")
