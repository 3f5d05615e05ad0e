"""How much room the budgets leave: the worst error of many examples, in each budget's unit."""

import contextlib
import dataclasses
import functools
import json
import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import hypothesis
import torch
from hypothesis import strategies as st

from parity_tests import catalogue, recorded, sources, strategies, tolerances, trajectories
from parity_tests.catalogue import OptimizerRow, Row
from parity_tests.compare import Verdict
from parity_tests.trial import Trial

# What the rule on slack speaks of: the worst error in so many examples.
ENOUGH = 10_000
# The worst cases measured, which the ordinary run repeats.
KEPT = Path(__file__).with_name("worst_cases.jsonl")

# Hypothesis takes longer to draw a case than NumPy to fill it: each gives so many examples.
_SEEDS = 10
# Settings of draws that are only looked at.
DRAWS = hypothesis.settings(
    database=None,
    deadline=None,
    phases=[hypothesis.Phase.generate],
    suppress_health_check=list(hypothesis.HealthCheck),
)
_REGIMES = (*strategies.ORDINARY, strategies.KINKS, strategies.TIES, strategies.SPECIAL)
_STEPS = 20


@dataclass(frozen=True)
class Worst:
    """The worst error of one quantity, and the case that made it."""

    component: str
    quantity: str
    dtype: str
    kind: str
    units: float
    examples: int
    case: dict = dataclasses.field(default_factory=dict)  # as `recorded` has it

    @property
    def key(self) -> tuple[str, str, str]:
        return self.component, self.quantity, self.dtype

    @property
    def budget(self) -> float:
        return tolerances.budget(self.component, self.quantity, self.kind, self.dtype)

    @property
    def untightened(self) -> float:
        return tolerances.untightened(self.component, self.quantity, self.kind, self.dtype)

    def is_too_loose(self) -> bool:
        """Whether the budget leaves room for a bug, as far as enough examples tell."""
        return self.examples >= ENOUGH and tolerances.is_too_loose(self.budget, self.units)


@dataclass(frozen=True)
class Batch:
    """Some examples of one component in one dtype, from one seed."""

    component: str
    dtype: str
    seed: int
    examples: int
    # PyTorch's kernels, and their rounding, depend on it.
    processor: str
    source_sha256: str


def batches(titles: Iterable[str], dtypes: Iterable[str], examples: int, size: int = 2500):
    """The batches that so many examples take, every component's first one first."""
    wanted = [
        (row, dtype)
        for row in map(catalogue.find, titles)
        for dtype in dtypes_of(row)
        if dtype in dtypes
    ]
    for seed in range(math.ceil(examples / size)):
        for row, dtype in wanted:
            count = min(size, examples - seed * size)
            sha256 = sources.sha256(row.component)
            yield Batch(row.title, dtype, seed, count, processor(), sha256)


def dtypes_of(row) -> tuple[str, ...]:
    """The dtypes in which a row is compared."""
    return getattr(row, "dtypes", ("float32", "float64"))


def processor() -> str:
    """The vector instructions that PyTorch uses here."""
    return torch.backends.cpu.get_cpu_capability()


def comparison(row) -> tuple[st.SearchStrategy, Callable]:
    """The cases of a row, and what compares one: verdicts(case, dtype)."""
    if isinstance(row, Row):
        regimes = [name for name in _REGIMES if name not in row.without_regimes]
        return strategies.cases(row.draw, regimes), lambda *given: Trial(row, *given).verdicts()
    if isinstance(row, OptimizerRow):
        compared = functools.partial(trajectories.course_verdicts, row, steps=_STEPS)
        return trajectories.courses(row), compared
    return st.composite(row.draw)(), functools.partial(trajectories.run_verdicts, row)


def measure(batch: Batch, before: Iterable[Worst] = ()) -> tuple[list[Worst], list[str]]:
    """The worst error of each quantity, and the words of what disagrees.

    The worst cases found `before` are measured again and count too; an example that is no worse
    takes less to measure.
    """
    row = catalogue.find(batch.component)
    strategy, compared = comparison(row)
    worst = _repeated(row, batch.dtype, before)
    failures = []

    def known(quantity: str) -> float:
        name = claimed(row, quantity)
        return worst[name][0].units if name in worst else 0.0

    @hypothesis.seed(batch.seed)
    @hypothesis.settings(DRAWS, max_examples=math.ceil(batch.examples / _SEEDS))
    @hypothesis.given(drawn=strategy)
    def run(drawn):
        for case in _siblings(drawn):
            with tolerances.probing(known):
                verdicts = compared(case, batch.dtype)
            if any(disagrees(row, verdict, batch.dtype) for verdict in verdicts):
                verdicts = compared(case, batch.dtype)  # as the ordinary run judges
            for verdict in verdicts:
                if disagrees(row, verdict, batch.dtype):
                    failures.append(f"{row.title}, {batch.dtype}: {verdict.message}\n  {case}")
                elif verdict.kind:
                    name = claimed(row, verdict.quantity)
                    if name not in worst or verdict.units > worst[name][0].units:
                        worst[name] = verdict, case

    run()
    found = [
        Worst(
            row.title,
            name,
            batch.dtype,
            verdict.kind,
            verdict.units,
            batch.examples,
            recorded.encode(case) if verdict.units else {},
        )
        for name, (verdict, case) in worst.items()
    ]
    return found, failures


def _repeated(row, dtype: str, before: Iterable[Worst]) -> dict[str, tuple[Verdict, object]]:
    """By quantity, the verdicts on worst cases that still fit, each with its case."""
    worst = {}
    for entry in before:
        with contextlib.suppress(Misfit), tolerances.probing():
            for verdict in repeat(entry):
                name = claimed(row, verdict.quantity)
                known = worst[name][0].units if name in worst else 0.0
                if verdict.kind and verdict.units > known:
                    worst[name] = verdict, recorded.decode(entry.case)
    return {name: pair for name, pair in worst.items() if not disagrees(row, pair[0], dtype)}


def disagrees(row, verdict: Verdict, dtype: str) -> bool:
    """Whether a verdict that was reached while probing is against us under the budget itself."""
    if not (verdict.message and verdict.kind):
        return bool(verdict.message)
    own = tolerances.budget(row.title, verdict.quantity, verdict.kind, dtype)
    return not verdict.units <= own


def claimed(row, quantity: str) -> str:
    """The quantity that a budget speaks of: the stem, unless the row names one of several."""
    named = isinstance(row, Row) and not isinstance(row.budget, str) and quantity in row.budget
    return quantity if named else quantity.partition("[")[0]


def _siblings(case) -> Iterator:
    """The case as it is drawn and, where a seed fills it, with other seeds."""
    yield case
    if hasattr(case, "seed"):
        for step in range(1, _SEEDS):
            yield dataclasses.replace(case, seed=(case.seed + step) % 2**32)


# --- what was measured, as lines of JSON ---


def line(batch: Batch, found: list[Worst], failures: list[str]) -> str:
    """What one batch gave."""
    worst = [vars(entry) for entry in found]
    return json.dumps({"batch": vars(batch), "worst": worst, "failures": failures}) + "\n"


def lines(place: Path) -> Iterator[tuple[Batch, list[Worst], list[str]]]:
    """What earlier runs gave, of components that are the same today; a torn line is left out."""
    if not place.exists():
        return
    for text in place.read_text(encoding="utf-8").splitlines():
        with contextlib.suppress(json.JSONDecodeError):
            entry = json.loads(text)
            batch = Batch(**entry["batch"])
            row = catalogue.ROWS.get(batch.component)
            if row is not None and sources.sha256(row.component) == batch.source_sha256:
                yield batch, [Worst(**worst) for worst in entry["worst"]], entry["failures"]


def merge(found: Iterable[Worst]) -> list[Worst]:
    """One entry for each component, quantity and dtype: the worst, and all the examples."""
    merged: dict[tuple, Worst] = {}
    for entry in found:
        known = merged.setdefault(entry.key, dataclasses.replace(entry, examples=0))
        larger = max(known, entry, key=lambda either: either.units)
        total = known.examples + entry.examples
        merged[entry.key] = dataclasses.replace(larger, examples=total)
    return sorted(merged.values(), key=lambda entry: entry.key)


def kept(place: Path = KEPT) -> list[Worst]:
    """The worst cases that the ordinary run repeats."""
    if not place.exists():
        return []
    return [Worst(**json.loads(text)) for text in place.read_text(encoding="utf-8").splitlines()]


def keep(found: Iterable[Worst], place: Path = KEPT) -> list[str]:
    """Keep these, and what was kept of other quantities; says what no longer fits its component."""
    renewed = {entry.key: entry for entry in kept(place)} | {entry.key: entry for entry in found}
    fitting, dropped = [], []
    for _, entry in sorted(renewed.items()):
        try:
            repeat(entry)
        except (LookupError, Misfit) as misfit:
            dropped.append(str(misfit))
        else:
            fitting.append(entry)
    text = "".join(json.dumps(vars(entry)) + "\n" for entry in fitting)
    place.write_text(text, encoding="utf-8")
    return dropped


class Misfit(Exception):
    """A case of other days, which the component of today cannot be built from."""


def repeat(worst: Worst) -> list[Verdict]:
    """The verdicts on a worst case, run once more."""
    about = f"{worst.component}, {worst.quantity}, {worst.dtype}: the worst case that was kept"
    command = f"parity slack {worst.component} --write"
    return verdicts_on(worst, worst.dtype, about, command) if worst.case else []


def verdicts_on(entry, dtype: str, about: str, command: str) -> list[Verdict]:
    """The verdicts on the recorded case of an entry; `command` finds one that fits."""
    row = catalogue.find(entry.component)
    try:
        return comparison(row)[1](recorded.decode(entry.case), dtype)
    except (TypeError, ValueError, AttributeError, KeyError, ImportError) as error:
        raise Misfit(
            f"{about} no longer fits ({type(error).__name__}: {error}); `{command}` finds another"
        ) from error


def tightening(found: Iterable[Worst]) -> dict[tuple[str, str, str], tuple[float, float]]:
    """The budgets that the rule asks for, with the worst errors, where examples are enough."""
    budgets = {}
    for entry in found:
        own = tolerances.tightened(entry.units)
        enough = entry.examples >= ENOUGH
        if enough and tolerances.is_too_loose(entry.untightened, entry.units):
            budgets[entry.key] = own, entry.units
    # A tightened stem would hold for those of its quantities that have a budget of their own.
    for entry in found:
        stem = entry.quantity.partition("[")[0]
        if stem != entry.quantity and (entry.component, stem, entry.dtype) in budgets:
            budgets.setdefault(entry.key, (entry.untightened, entry.units))
    return budgets
