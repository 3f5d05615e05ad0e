"""A run over many mutants: in parallel, every result kept at once, so that it can be resumed."""

import contextlib
import functools
import json
import multiprocessing
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import torch

from parity_tests.mutation import examples, judge, mutants, population
from parity_tests.mutation.mutants import Mutant

# So many cases of each test come first: they kill nearly all.
_FEW = 4
_WANTED: list[Mutant] = []


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
        return self.outcome != judge.SURVIVED and not self.unjudged

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


def run(wanted: list[Mutant], place: Path, workers: int, again: bool = False) -> Iterator[Result]:
    """Judge what no earlier run did; each result is appended to a file at once.

    `again` judges those that survived once more.
    """
    earlier = kept(place)
    left = []
    for mutant in wanted:
        result = earlier.get(mutant.name)
        if result is None or result.source != mutant.source or (again and not result.killed):
            left.append(mutant)
        else:
            yield result
    place.parent.mkdir(parents=True, exist_ok=True)
    with place.open("a", encoding="utf-8") as file:
        file.write("\n")
        for result in judged(left, workers):
            file.write(json.dumps(asdict(result)) + "\n")
            file.flush()
            yield result


def judged(wanted: list[Mutant], workers: int) -> Iterator[Result]:
    """The results of mutants, in the order in which they come."""
    torch.set_num_threads(1)
    mutants.prepare()
    _WANTED[:] = wanted
    # The children of these processes are mutants: each begins where its parent stands.
    with multiprocessing.get_context("fork").Pool(workers) as pool:
        yield from pool.imap_unordered(_judge, range(len(wanted)), chunksize=4)


def _judge(place: int) -> Result:
    mutant = _WANTED[place]
    titles = tuple(population.judges(mutant.definition))
    outcome = judge.SURVIVED
    for most in (_FEW, None):
        if outcome == judge.SURVIVED:
            outcome = judge.outcome(mutant.apply, *_trials(titles, most))
    return Result(
        mutant.name,
        population.family(mutant.definition),
        ".".join(mutant.definition),
        mutant.change,
        mutant.file,
        mutant.source,
        outcome,
    )


@functools.lru_cache(maxsize=2)
def _trials(titles: tuple[str, ...], most: int | None):
    """The examples of rows, and the seconds that a mutant gets to pass them."""
    trials = [each for title in titles for each in examples.of_row(title, most)]
    return trials, judge.seconds_of(trials)
