"""The very tests and examples of `parity check`, drawn once and played many times."""

import functools
from collections.abc import Callable
from dataclasses import dataclass, field

from parity_tests.report import profile

# Before the tests are made: their settings are those of the profile that is loaded.
profile.load()

from parity_tests import test_components  # noqa: E402

# Kinds of test that are quick to find a mistake come first, in this order.
_ORDER = ("agreement", "trajectory", "run", "errors", "special", "kinks", "protocol", "literals")


class _EnoughError(BaseException):
    """Ends the drawing of examples; Hypothesis lets it pass."""


@dataclass(frozen=True)
class Examples:
    """One test of a row: `play(**case)` for each of its cases."""

    title: str
    kind: str
    play: Callable = field(repr=False)
    cases: tuple[dict, ...] = field(repr=False)

    @property
    def key(self) -> tuple[str, str]:
        """What names the test."""
        return self.title, self.kind


def of_row(title: str, most: int | None = None) -> list[Examples]:
    """The tests of a row with all of their examples, or with the first few."""
    tests = [test for test in vars(test_components).values() if _about(test)[0] == title]
    order = {kind: place for place, kind in enumerate(_ORDER)}
    tests.sort(key=lambda test: order.get(_about(test)[1], len(order)))
    return [_drawn(test, most) for test in tests]


def _about(test) -> tuple:
    return getattr(test, "parity", ("", ""))


def _drawn(test, most: int | None) -> Examples:
    title, kind, _ = test.parity
    if not hasattr(test, "hypothesis"):
        return Examples(title, kind, test, ({},))
    play, cases = test.hypothesis.inner_test, []

    @functools.wraps(play)
    def record(**case):
        if len(cases) == most:
            raise _EnoughError
        cases.append(case)

    test.hypothesis.inner_test = record
    try:
        test()
    except _EnoughError:
        pass
    finally:
        test.hypothesis.inner_test = play
    return Examples(title, kind, play, tuple(cases))
