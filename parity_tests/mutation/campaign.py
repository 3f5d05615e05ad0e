"""A run over many mutants: in parallel, every result kept at once, so that it can be resumed."""

import collections
import json
import multiprocessing
from collections.abc import Iterator
from dataclasses import asdict
from multiprocessing import connection
from pathlib import Path

import torch
import torch._dynamo  # which the first optimizer imports: here, and not in every process

from parity_tests.mutation import mutants, population, results
from parity_tests.mutation.judge import Judge
from parity_tests.mutation.mutants import Mutant
from parity_tests.mutation.results import Result


def run(
    wanted: list[Mutant], place: Path, workers: int, again: bool = False, anew: bool = False
) -> Iterator[Result]:
    """Judge what no earlier run did; each result is appended to a file at once.

    `again` judges those that survived once more, `anew` all.
    """
    if anew:
        place.unlink(missing_ok=True)
    earlier = results.kept(place)
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
    """The results of mutants, in the order in which they come.

    One process judges all mutants of a definition, the largest of which come first.
    """
    torch.set_num_threads(1)
    mutants.prepare()
    by_definition = collections.defaultdict(list)
    for mutant in wanted:
        by_definition[mutant.definition].append(mutant)
    waiting = sorted(by_definition.values(), key=len)
    running = {}
    while waiting or running:
        while waiting and len(running) < workers:
            pipe, process = _start(waiting.pop())
            running[pipe] = process
        for pipe in connection.wait(running):
            try:
                yield pipe.recv()
            except EOFError:
                running.pop(pipe).join()


def _start(several: list[Mutant]):
    """A process that judges the mutants of a definition, and the pipe of its results."""
    # The children of this process are mutants: each begins where its parent stands.
    fork = multiprocessing.get_context("fork")
    reading, writing = fork.Pipe(duplex=False)
    process = fork.Process(target=_judge, args=(several, writing), daemon=True)
    process.start()
    writing.close()
    return reading, process


def _judge(several: list[Mutant], pipe: connection.Connection):
    definition = several[0].definition
    judge = Judge(definition, population.judges(definition))
    for mutant in several:
        pipe.send(
            Result(
                mutant.name,
                population.family(definition),
                ".".join(definition),
                mutant.change,
                mutant.file,
                mutant.source,
                judge.outcome(mutant),
            )
        )
