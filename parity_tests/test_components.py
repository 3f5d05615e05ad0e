"""The kinds of test of every row; one function for each row and kind."""

import hypothesis
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from parity_tests import catalogue, kinds, trajectories
from parity_tests.catalogue import OptimizerRow, Row, RunRow
from parity_tests.report import tally
from parity_tests.strategies import cases


def _examples(count: int):
    """The settings of a test of so many examples, times the factor of the run."""
    return settings(max_examples=max(1, round(count * tally.EXAMPLES)))


def _publish(test, title: str, kind: str):
    """Make a test known to pytest under the name of its row and kind."""
    test.parity = (title, kind)
    if hasattr(test, "hypothesis") and tally.SEED is not None:
        test = hypothesis.seed(tally.SEED)(test)
    globals()[test.__name__] = test


def _layer_test(row: Row, kind: kinds.Kind):
    regimes = tuple(name for name in kind.regimes if name not in row.without_regimes)
    if not regimes:
        return None

    def test(dtype, case):
        tally.CURRENT.add(kind.check(row, case, dtype))

    test.__name__ = test.__qualname__ = f"test_{row.title}_{kind.name}"
    test = given(case=cases(row.draw, regimes))(test)
    return pytest.mark.parametrize("dtype", kind.dtypes)(_examples(kind.examples)(test))


def _plain_test(row, kind: str, check):
    def test():
        tally.CURRENT.add(check(row))

    test.__name__ = test.__qualname__ = f"test_{row.title}_{kind}"
    return test


def _trajectory_test(row: OptimizerRow, kind: str, examples: int, steps: int):
    def test(dtype, course):
        tally.CURRENT.add(trajectories.check_trajectory(row, course, dtype, steps))

    test.__name__ = test.__qualname__ = f"test_{row.title}_{kind}"
    test = given(course=trajectories.courses(row))(test)
    return pytest.mark.parametrize("dtype", ["float32", "float64"])(_examples(examples)(test))


def _run_test(row: RunRow):
    def test(dtype, case):
        tally.CURRENT.add(trajectories.check_run(row, case, dtype))

    test.__name__ = test.__qualname__ = f"test_{row.title}_run"
    test = given(case=st.composite(row.draw)())(test)
    return pytest.mark.parametrize("dtype", row.dtypes)(_examples(row.examples)(test))


for _row in catalogue.rows(Row):
    for _kind in kinds.KINDS:
        if _test := _layer_test(_row, _kind):
            _publish(_test, _row.title, _kind.name)
    if _row.law is not None:
        _publish(_plain_test(_row, "law", kinds.check_law), _row.title, "law")
    if _row.literals:
        _publish(_plain_test(_row, "literals", kinds.check_literals), _row.title, "literals")

for _row in catalogue.rows(OptimizerRow):
    _publish(_trajectory_test(_row, "trajectory", 100, 20), _row.title, "trajectory")
    _publish(_trajectory_test(_row, "long", 5, 200), _row.title, "long")

for _row in catalogue.rows(RunRow):
    _publish(_run_test(_row), _row.title, "run")

for _row in catalogue.rows((OptimizerRow, RunRow)):
    if _row.refusals:
        _publish(_plain_test(_row, "errors", kinds.check_refusals), _row.title, "errors")

del _row, _kind, _test
