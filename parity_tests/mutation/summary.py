"""What a run over mutants found: the table by family, the report, the survivors by name."""

import json
import platform
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import torch

from parity_tests.mutation import equivalents, population
from parity_tests.mutation.campaign import Result

WHOLE = Path(__file__).with_name("whole.json")
_STATES = ("killed", "equivalent", "survived", "unjudged")


def state(result: Result) -> str:
    """One of the four."""
    if result.name in equivalents.proofs():
        return "equivalent" if not result.killed else "killed"
    if result.unjudged:
        return "unjudged"
    return "killed" if result.killed else "survived"


def make(results: Iterable[Result], wanted: int) -> dict:
    """The report: counts by family and by definition, and every survivor."""
    families = {name: Counter() for name in population.FAMILIES}
    definitions: dict[str, Counter] = {}
    left = {"survived": [], "unjudged": []}
    for result in results:
        found = state(result)
        families[result.family][found] += 1
        definitions.setdefault(result.definition, Counter())[found] += 1
        if found in left:
            left[found].append(f"{result.file}: {result.name}")
    return {
        "wanted": wanted,
        "families": {name: dict(counts) for name, counts in families.items() if counts},
        "definitions": {name: dict(counts) for name, counts in sorted(definitions.items())},
        "survived": sorted(left["survived"]),
        "unjudged": sorted(left["unjudged"]),
        "versions": {
            "numpy": np.__version__,
            "torch": torch.__version__,
            "python": platform.python_version(),
        },
    }


def write(report: dict, place: Path):
    """The report as JSON, a line for each entry."""
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")


def text(report: dict) -> str:
    """The survivors, and the table by family."""
    rows = [("", "mutants", *_STATES)]
    total = Counter()
    for name, counts in report["families"].items():
        rows.append((name, sum(counts.values()), *(counts.get(s, 0) for s in _STATES)))
        total.update(counts)
    rows.append(("all", sum(total.values()), *(total[s] for s in _STATES)))
    cells = [[c if isinstance(c, str) else f"{c:,}" for c in row] for row in rows]
    widths = [max(len(row[i]) for row in cells) for i in range(len(cells[0]))]
    table = ["  ".join(c.rjust(w) for c, w in zip(row, widths, strict=True)) for row in cells]
    closing = f"{sum(total.values()):,} of {report['wanted']:,} mutants judged"
    survivors = [f"survived: {name}" for name in report["survived"]]
    unjudged = [f"not judged: {name}" for name in report["unjudged"]]
    return "\n".join([*survivors, *unjudged, *table, closing])
