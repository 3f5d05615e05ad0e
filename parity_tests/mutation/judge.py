"""The rows of a definition judge its mutants: each lives in a child process, where the examples
try to tell it from PyTorch."""

import collections
import contextlib
import gc
import json
import os
import resource
import signal
import sys
import time
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field

from parity_tests import sources
from parity_tests.mutation import examples, mutants
from parity_tests.mutation.examples import Examples
from parity_tests.mutation.mutants import Mutant

SURVIVED = "survived"
NEVER_RUN = f"{SURVIVED}: no example runs the line"
UNJUDGED = "unjudged"
# The first few cases of each test kill nearly all: as many as take no longer than that in all.
_FEW, _SHORT_SECONDS = 4, 0.1
# A mutant that works so many times as long as the unchanged code, and so many seconds, is killed.
# These are seconds of its own work, not of the clock: a busy machine kills no mutant.
_TIMES, _LEAST_SECONDS = 20, 2
# Bytes: a mutant that asks for more is not computing what was asked.
_MEMORY = 8 << 30


@dataclass
class Example:
    """One case of one test, and how it went without any change."""

    test: Examples
    case: dict = field(repr=False)
    lines: frozenset[int] = frozenset()  # of the definition, that it ran
    seconds: float = 0.0
    kills: collections.Counter = field(default_factory=collections.Counter)  # by method

    def play(self):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            self.test.play(**self.case)

    def runs(self, mutant: Mutant) -> bool:
        """Whether it can tell the mutant at all: what it does not run changes nothing for it."""
        return mutant.lines is None or not self.lines.isdisjoint(mutant.lines)

    def cost(self, mutant: Mutant) -> float:
        """Less for what is quick and killed others, above all of the same method."""
        return self.seconds / (1 + self.kills.total() + 10 * self.kills[mutant.where])


class Judge:
    """Judges the mutants of one definition; what it learns of one helps with the next."""

    def __init__(self, definition: tuple[str, str], titles: list[str]):
        self.place = sources.lines(*definition)
        self.examples: list[Example] = []
        self.further = self.draw(titles)
        self.failure = ""  # of an example without any change: then none can judge

    def outcome(self, mutant: Mutant) -> str:
        """SURVIVED, or by what it was killed."""
        outcome, fresh = NEVER_RUN, self.examples
        while fresh or outcome.startswith(SURVIVED):
            telling = [example for example in fresh if example.runs(mutant)]
            if self.failure:
                return f"{UNJUDGED}: without any change, {self.failure}"
            if telling:
                # Those that are quick, and killed others of the same definition, come first.
                telling.sort(key=lambda example: example.cost(mutant))
                outcome = in_child(mutant, telling)
                if outcome != SURVIVED:
                    break
            fresh = next(self.further, None)
            if fresh is None:
                break
            self.examples = self.examples + fresh
        return outcome

    def draw(self, titles: list[str]) -> Iterator[list[Example]]:
        """The examples, played without any change once: one of each test, row by row, then a few
        of each, then the rest."""
        spent = collections.Counter()
        for title in titles:
            yield [self.played(t, t.cases[0], spent) for t in examples.of_row(title, 1) if t.cases]
        begun = collections.Counter(dict.fromkeys(spent, 1))
        few = []
        for test in (test for title in titles for test in examples.of_row(title, _FEW)):
            for case in test.cases[1:]:
                if spent[test.key] < _SHORT_SECONDS:
                    few.append(self.played(test, case, spent))
                    begun[test.key] += 1
        yield few
        for title in titles:
            yield [
                self.played(test, case, spent)
                for test in examples.of_row(title)
                for case in test.cases[begun[test.key] :]
            ]

    def played(self, test: Examples, case: dict, spent: collections.Counter) -> Example:
        """An example with the lines that it runs and its time; its failure is noted."""
        mutants.forget()  # what an earlier example computed once is run by this one too
        start = time.process_time()
        example = Example(test, case)
        with _running(*self.place) as lines:
            failure = _failure(example)
        self.failure = self.failure or failure
        example.seconds, example.lines = time.process_time() - start, frozenset(lines)
        spent[test.key] += example.seconds
        return example


def in_child(mutant: Mutant, examples: list[Example]) -> str:
    """What becomes of a mutant in a process of its own."""
    gc.freeze()  # the child's collector leaves the parent's pages alone
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        # Whatever happens, the child ends here.
        try:
            os.close(reading)
            resource.setrlimit(resource.RLIMIT_DATA, (_MEMORY, _MEMORY))
            os.write(writing, json.dumps(_live(mutant.apply, examples)).encode())
        finally:
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        words = pipe.read()
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        name = signal.Signals(os.WTERMSIG(status)).name
        return "worked too long" if name == "SIGXCPU" else f"died of {name}"
    if not words:
        return f"{UNJUDGED}: the child ended without a word"
    killer, spent, outcome = json.loads(words)
    if killer is not None:
        examples[killer].kills[mutant.where] += 1
        # It takes longer to fail than to pass: further judges are asked.
        examples[killer].seconds = max(examples[killer].seconds, spent)
    return outcome


def _live(apply, examples) -> tuple[int | None, float, str]:
    """The place of the example that fails, the seconds that it took, and what it says."""
    _end_after(_LEAST_SECONDS)
    try:
        apply()
    except ValueError as failure:
        return None, 0.0, f"{UNJUDGED}: the code does not fit: {failure}"
    for place, example in enumerate(examples):
        start = time.process_time()
        _end_after(max(_LEAST_SECONDS, _TIMES * example.seconds))
        if words := _failure(example):
            return place, time.process_time() - start, words[:500]
    return None, 0.0, SURVIVED


def _failure(example: Example) -> str:
    """What an example says of its failure; nothing where it passes."""
    try:
        example.play()
    except BaseException as failure:
        words = str(failure).partition("\n")[2] or str(failure)
        test = example.test
        return f"{test.title} {test.kind}: {type(failure).__name__}: {words.strip()}"
    return ""


@contextlib.contextmanager
def _running(file: str, first: int, last: int) -> Iterator[set[int]]:
    """The lines of a file, between two, that run inside."""
    lines = set()

    def note(frame, event, _):
        lines.add(frame.f_lineno)
        return note

    def enter(frame, event, _):
        code = frame.f_code
        return note if code.co_filename == file and first <= code.co_firstlineno <= last else None

    before = sys.gettrace()
    sys.settrace(enter)
    try:
        yield lines
    finally:
        sys.settrace(before)


def _end_after(seconds: float):
    """End this process when it works so much longer."""
    _, most = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (int(time.process_time() + seconds) + 1, most))
