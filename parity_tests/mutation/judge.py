"""The rows of a definition judge its mutants: each lives in a child process, where the examples
try to tell it from PyTorch."""

import collections
import contextlib
import functools
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
        self.titles = titles
        self.place = sources.lines(*definition)
        self.failure = ""  # of an example without any change: then none can judge

    def outcome(self, mutant: Mutant) -> str:
        """SURVIVED, or by what it was killed."""
        outcome = NEVER_RUN
        for stage in (self.first_examples, self.other_examples):
            examples = [example for example in stage if example.runs(mutant)]
            if self.failure:
                return f"{UNJUDGED}: without any change, {self.failure}"
            if not examples:
                continue
            examples.sort(key=lambda example: example.cost(mutant))
            outcome = in_child(mutant, examples)
            if outcome != SURVIVED:
                break
        return outcome

    @functools.cached_property
    def first_examples(self) -> list[Example]:
        """A few of each test, played without any change once."""
        played = []
        for test in self._tests(_FEW):
            spent = 0.0
            for case in test.cases:
                if spent < _SHORT_SECONDS:
                    played.append(self.played(test, case))
                    spent += played[-1].seconds
        return played

    @functools.cached_property
    def other_examples(self) -> list[Example]:
        """The others, played without any change once."""
        first = collections.Counter(id(example.test.play) for example in self.first_examples)
        return [
            self.played(test, case)
            for test in self._tests(None)
            for case in test.cases[first[id(test.play)] :]
        ]

    def _tests(self, most: int | None) -> list[Examples]:
        return [test for title in self.titles for test in examples.of_row(title, most)]

    def played(self, test: Examples, case: dict) -> Example:
        """An example with the lines that it runs and its time; its failure is noted."""
        mutants.forget()  # what an earlier example computed once is run by this one too
        start = time.process_time()
        example = Example(test, case)
        with _running(*self.place) as lines:
            failure = _failure(example)
        self.failure = self.failure or failure
        example.seconds, example.lines = time.process_time() - start, frozenset(lines)
        return example


def in_child(mutant: Mutant, examples: list[Example]) -> str:
    """What becomes of a mutant in a process of its own."""
    seconds = max(_LEAST_SECONDS, _TIMES * sum(example.seconds for example in examples))
    gc.freeze()  # the child's collector leaves the parent's pages alone
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        # Whatever happens, the child ends here.
        try:
            os.close(reading)
            _limit(seconds)
            os.write(writing, json.dumps(_live(mutant.apply, examples)).encode())
        finally:
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        words = pipe.read()
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        name = signal.Signals(os.WTERMSIG(status)).name
        return f"took more than {seconds:.0f} s" if name == "SIGXCPU" else f"died of {name}"
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
    try:
        apply()
    except ValueError as failure:
        return None, 0.0, f"{UNJUDGED}: the code does not fit: {failure}"
    for place, example in enumerate(examples):
        start = time.process_time()
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


def _limit(seconds: float):
    """End the child when it works too long or asks for too much memory."""
    allowed = int(time.process_time() + seconds) + 1
    resource.setrlimit(resource.RLIMIT_CPU, (allowed, allowed + 5))
    resource.setrlimit(resource.RLIMIT_DATA, (_MEMORY, _MEMORY))
