"""A mutant lives in a child process, where the examples of its rows try to tell it from PyTorch."""

import gc
import os
import resource
import signal
import time
import warnings
from collections.abc import Callable

from parity_tests.mutation.examples import Examples

SURVIVED = "survived"
UNJUDGED = "unjudged"
# Seconds of the child's own work, not of the clock: a busy machine kills no mutant.
_LEAST_SECONDS = 10
# Bytes: a mutant that asks for more is not computing what was asked.
_MEMORY = 8 << 30


def outcome(apply: Callable[[], None], examples: list[Examples], seconds: float) -> str:
    """SURVIVED, or by what it was killed, after at most so many seconds of work."""
    if not seconds:
        return f"{UNJUDGED}: without any change, {_live(_nothing, examples)}"
    gc.freeze()  # the child's collector leaves the parent's pages alone
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        # Whatever happens, the child ends here.
        try:
            os.close(reading)
            _limit(seconds)
            os.write(writing, _live(apply, examples).encode()[:500])
        finally:
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        words = pipe.read().decode(errors="replace")
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        name = signal.Signals(os.WTERMSIG(status)).name
        return f"took more than {seconds:.0f} s" if name == "SIGXCPU" else f"died of {name}"
    return words or f"{UNJUDGED}: the child ended without a word"


def seconds_of(examples: list[Examples]) -> float:
    """The seconds of work that a mutant gets: many times what the examples take unchanged.

    0 where they do not pass: then no mutant could be said to be killed by them.
    """
    start = time.process_time()
    passed = _live(_nothing, examples) == SURVIVED
    return passed * max(_LEAST_SECONDS, 10 * (time.process_time() - start))


def _nothing():
    """No change."""


def _live(apply, examples) -> str:
    try:
        apply()
    except ValueError as failure:
        return f"{UNJUDGED}: the code does not fit: {failure}"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for each, case in _in_turn(examples):
            try:
                each.play(**case)
            except BaseException as failure:
                words = str(failure).partition("\n")[2] or str(failure)
                return f"{each.title} {each.kind}: {type(failure).__name__}: {words.strip()}"
    return SURVIVED


def _in_turn(examples):
    """The first case of each test, the second of each, and so on: each test sees other mistakes."""
    examples = list(examples)
    for place in range(max(len(each.cases) for each in examples)):
        for each in examples:
            if place < len(each.cases):
                yield each, each.cases[place]


def _limit(seconds: float):
    """End the child when it works too long or asks for too much memory."""
    allowed = int(time.process_time() + seconds) + 1
    resource.setrlimit(resource.RLIMIT_CPU, (allowed, allowed + 5))
    resource.setrlimit(resource.RLIMIT_DATA, (_MEMORY, _MEMORY))
