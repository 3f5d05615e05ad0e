"""The kinds of test of every row; one function for each row and kind."""

import functools
import zlib

import hypothesis
from hypothesis import given, settings
from hypothesis import strategies as st

from parity_tests import catalogue, kinds, rare, slack, starting, trajectories
from parity_tests.catalogue import OptimizerRow, Row, RunRow
from parity_tests.report import tally
from parity_tests.strategies import cases

DTYPES = ("float32", "float64")


def _publish(test, title: str, kind: str, dtypes: tuple[str, ...] = ()):
    """Make a test known to pytest under the name of its row and kind, and its dtypes."""
    test.parity = (title, kind, dtypes)
    if hasattr(test, "hypothesis"):
        # By the name alone: Hypothesis would hash the source, the same for all, at some cost.
        test = hypothesis.seed(zlib.crc32(f"{test.__name__} {tally.SEED}".encode()))(test)
    globals()[test.__name__] = test


def _drawn_test(row, kind: str, cases, examples: int, dtypes: tuple[str, ...], check):
    """A test that checks each drawn case in every dtype."""

    def test(case):
        for dtype in tally.chosen(dtypes):
            tally.CURRENT.add(check(row, case, dtype))

    test.__name__ = test.__qualname__ = f"test_{row.title}_{kind}"
    count = max(1, round(examples * tally.EXAMPLES))
    _publish(settings(max_examples=count)(given(case=cases)(test)), row.title, kind, dtypes)


def _plain_test(row, kind: str, check):
    def test():
        tally.CURRENT.add(check(row))

    test.__name__ = test.__qualname__ = f"test_{row.title}_{kind}"
    return test


def _worst_test(row, kept: list[slack.Worst], dtypes: tuple[str, ...]):
    """A test that repeats the worst cases; one may be the worst of several quantities."""

    def test():
        for worst in {f"{worst.dtype} {worst.case}": worst for worst in kept}.values():
            if worst.dtype in tally.chosen(dtypes):
                about = f"the worst case kept for {worst.quantity}"
                verdicts = slack.repeat(worst)
                tally.CURRENT.add(kinds.conclude(row, worst.dtype, "worst", verdicts, about))

    test.__name__ = test.__qualname__ = f"test_{row.title}_worst"
    _publish(test, row.title, "worst", dtypes)


def _rare_test(row, kept: list[rare.Rare], dtypes: tuple[str, ...]):
    """A test that repeats the cases of what is seldom drawn."""

    def test():
        for entry in kept:
            for dtype in tally.chosen(dtypes):
                about = f"the case kept for {', '.join(entry.reaches)}"
                verdicts = rare.repeat(entry, dtype)
                tally.CURRENT.add(kinds.conclude(row, dtype, "rare", verdicts, about))

    test.__name__ = test.__qualname__ = f"test_{row.title}_rare"
    _publish(test, row.title, "rare", dtypes)


for _row in catalogue.rows(Row):
    for _kind in [*kinds.KINDS, *starting.kinds_of(_row)]:
        if _regimes := tuple(name for name in _kind.regimes if name not in _row.without_regimes):
            _cases = cases(_row.draw, _regimes)
            _drawn_test(_row, _kind.name, _cases, _kind.examples, _kind.dtypes, _kind.check)
    if _row.law is not None:
        _publish(_plain_test(_row, "law", kinds.check_law), _row.title, "law")
    if _row.literals:
        _publish(_plain_test(_row, "literals", kinds.check_literals), _row.title, "literals")
    if _row.methods:
        _cases = cases(_row.draw, ("ordinary",))
        _drawn_test(_row, "methods", _cases, 20, ("float64",), kinds.check_methods)

for _row in catalogue.rows(OptimizerRow):
    _test = _plain_test(_row, "defaults", starting.check_optimizer_defaults)
    _publish(_test, _row.title, "defaults")
    _test = _plain_test(_row, "options", starting.check_optimizer_options)
    _publish(_test, _row.title, "options")
    _test = _plain_test(_row, "empty", starting.check_optimizer_empty)
    _publish(_test, _row.title, "empty")
    for _name, _examples, _steps in (("trajectory", 100, 20), ("long", 5, 200)):
        _check = functools.partial(trajectories.check_trajectory, steps=_steps)
        _drawn_test(_row, _name, trajectories.courses(_row), _examples, DTYPES, _check)

for _row in catalogue.rows(RunRow):
    _publish(_plain_test(_row, "defaults", starting.check_run_defaults), _row.title, "defaults")
    _cases = st.composite(_row.draw)()
    _drawn_test(_row, "run", _cases, _row.examples, _row.dtypes, trajectories.check_run)
    if _row.literals:
        _publish(_plain_test(_row, "literals", kinds.check_run_literals), _row.title, "literals")
    if isinstance(_row.component, type):
        _drawn_test(_row, "options", _cases, 1, ("float64",), starting.check_run_options)

for _row in catalogue.rows((OptimizerRow, RunRow)):
    if _row.refusals:
        _publish(_plain_test(_row, "errors", kinds.check_refusals), _row.title, "errors")

_kept = slack.kept()
for _row in catalogue.rows():
    if _own := [worst for worst in _kept if worst.component == _row.title]:
        _worst_test(_row, _own, tuple(sorted({worst.dtype for worst in _own})))

_kept = rare.kept()
for _row in catalogue.rows():
    if _own := [entry for entry in _kept if entry.component == _row.title]:
        _rare_test(_row, _own, slack.dtypes_of(_row))

del _row, _kind, _regimes, _cases, _test, _name, _examples, _steps, _check, _kept, _own
