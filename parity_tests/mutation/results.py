"""What became of each mutant, a line of JSON each."""

import contextlib
import json
from dataclasses import dataclass
from pathlib import Path

from parity_tests.mutation import judge


@dataclass(frozen=True)
class Result:
    """What became of a mutant."""

    name: str
    family: str
    definition: str
    change: str
    file: str
    source: str  # SHA-256 of the definition
    outcome: str

    @property
    def killed(self) -> bool:
        return not self.outcome.startswith((judge.SURVIVED, judge.UNJUDGED))

    @property
    def unjudged(self) -> bool:
        """The rows fail without any change."""
        return self.outcome.startswith(judge.UNJUDGED)


def kept(place: Path) -> dict[str, Result]:
    """The results of earlier runs, by the name of the mutant; the last one counts."""
    results = {}
    if place.exists():
        for line in place.read_text(encoding="utf-8").splitlines():
            # A run that was stopped may have left half a line.
            with contextlib.suppress(json.JSONDecodeError, TypeError):
                result = Result(**json.loads(line))
                results[result.name] = result
    return results
