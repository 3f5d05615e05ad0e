"""Cases that reach what the draws reach seldom: the ordinary run repeats them.

Other examples, of another version of Hypothesis or of strategies that changed, then reach no less.
"""

import dataclasses
import json
import zlib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import hypothesis

from parity_tests import reach, recorded, slack, strategies
from parity_tests.catalogue import Row
from parity_tests.compare import Verdict
from parity_tests.trial import Trial

KEPT = Path(__file__).with_name("rare_cases.jsonl")
# An example is compared in each dtype: what fewer than ten of them reach is reached seldom.
_SELDOM = 20
_EXAMPLES = 150
_RARE = (strategies.SPECIAL, strategies.TIES, strategies.KINKS) * 2


@dataclass(frozen=True)
class Rare:
    """A case of a component, and the labels for which it is kept."""

    component: str
    reaches: tuple[str, ...]
    case: dict  # as `recorded` has it
    # Found by hand, for a branch that no label speaks of.
    by_hand: bool = False


def kept(place: Path = KEPT) -> list[Rare]:
    """The cases that the ordinary run repeats."""
    if not place.exists():
        return []
    return [Rare(**json.loads(text)) for text in place.read_text(encoding="utf-8").splitlines()]


def keep(found: Iterable[Rare], titles: Collection[str], place: Path = KEPT):
    """Keep these in place of what was kept of the components of these titles, but by hand."""
    others = [entry for entry in kept(place) if entry.by_hand or entry.component not in titles]
    entries = sorted([*others, *found], key=lambda entry: entry.component)
    lines = [json.dumps(dataclasses.asdict(entry)) + "\n" for entry in entries]
    place.write_text("".join(lines), encoding="utf-8")


def repeat(rare: Rare, dtype: str) -> list[Verdict]:
    """The verdicts on a kept case in a dtype."""
    about = f"{rare.component}, {', '.join(rare.reaches)}, {dtype}: the case that was kept"
    return slack.verdicts_on(rare, dtype, about, f"parity reach {rare.component} --write")


def seldom(row, counts: Mapping[str, int]) -> dict[str, tuple[str, ...]]:
    """What the draws reach seldom or never: its name, and the labels of which any will do."""
    wanted = {label: (label,) for label in counts} | reach.declared(row)
    return {
        name: labels
        for name, labels in wanted.items()
        if name not in row.unreached and sum(counts.get(label, 0) for label in labels) < _SELDOM
    }


def look(row, wanted: Mapping[str, tuple[str, ...]]) -> list[Rare]:
    """A few cases that reach as much of what is wanted as many examples do."""
    shown: list[tuple[object, set[str]]] = []

    def run(case):
        before = dict(counts)
        for dtype in slack.dtypes_of(row):
            _count(row, case, dtype)
        now = {label for label, number in counts.items() if number > before.get(label, 0)}
        shown.append((case, {name for name, labels in wanted.items() if now.intersection(labels)}))

    with reach.counting(row) as counts:
        for step, cases in enumerate(_rounds(row)):
            if wanted.keys() > set().union(*(names for _, names in shown)):
                draws = hypothesis.settings(slack.DRAWS, max_examples=_EXAMPLES)
                drawn = draws(hypothesis.given(case=cases)(run))
                hypothesis.seed(zlib.crc32(f"{row.title} {step}".encode()))(drawn)()
    return _cover(row, shown)


def _rounds(row) -> list:
    """Strategies of cases to look through in turn: first all, then the regimes that are rare."""
    usual, _ = slack.comparison(row)
    if not isinstance(row, Row):
        return [usual] * 4
    rare = [name for name in _RARE if name not in row.without_regimes]
    return [usual, *(strategies.cases(row.draw, (name,)) for name in rare), usual]


def _count(row, case, dtype: str):
    """Count what a case of a layer shows, without comparing it; of others, what it compares."""
    if isinstance(row, Row):
        trial = Trial(row, case, dtype)
        trial.adapter()
        reach.count(reach.of_trial, trial)
    else:
        slack.comparison(row)[1](case, dtype)


def _cover(row, shown) -> list[Rare]:
    """The case that reaches most, then the one that reaches most of the rest, and so on."""
    found: list[Rare] = []
    while names := max((names for _, names in shown), key=len, default=set()):
        case = next(case for case, own in shown if own == names)
        found.append(Rare(row.title, tuple(sorted(names)), recorded.encode(case)))
        shown = [(case, own - names) for case, own in shown]
    return found
