"""The pytest plugin of a parity run: profiles, selection, tallies from workers to the table."""

import time

import pytest

from parity_tests import catalogue, reach
from parity_tests.report import profile, tally


def pytest_addoption(parser):
    group = parser.getgroup("parity")
    group.addoption("--component", action="append", default=[], help="only this component")
    group.addoption("--only", action="append", default=[], help="only this kind of test")
    group.addoption("--dtype", action="append", default=[], help="only this dtype")
    group.addoption("--examples", type=float, default=1.0, help="multiply the examples by this")
    group.addoption("--soak-seed", type=int, help="draw other examples, from this seed")
    group.addoption("--parity-report", help="write report.json here and print the table")
    group.addoption(
        "--reach", action="store_true", help="fail for what was not reached, in any run"
    )
    group.addoption("--lines", action="store_true", help="a line per component")


def pytest_configure(config):
    seed = config.getoption("soak_seed")
    profile.load(seed)
    tally.EXAMPLES = config.getoption("examples")
    tally.SEED = seed
    tally.DTYPES = tuple(config.getoption("dtype"))
    config.stash[_STATE] = {"tallies": [], "failures": [], "start": time.time()}


_STATE = pytest.StashKey()


def pytest_collection_modifyitems(config, items):
    """Keep what was asked for."""
    titles, only = config.getoption("component"), config.getoption("only")

    def keep(item):
        about = getattr(getattr(item, "function", None), "parity", None)
        if about is None:
            return not (titles or only or tally.DTYPES)
        title, kind, dtypes = about
        asked = (not titles or title in titles) and (not only or kind in only)
        return asked and bool(tally.chosen(dtypes) or not tally.DTYPES)

    kept = [item for item in items if keep(item)]
    if len(kept) < len(items):
        config.hook.pytest_deselected(items=[item for item in items if item not in kept])
        items[:] = kept


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item):
    """Hand what the item compared to its report, which crosses from the worker."""
    about = getattr(getattr(item, "function", None), "parity", None)
    if about is None:
        return (yield)
    title, kind, _ = about
    tally.CURRENT = tally.Tally()
    start = time.perf_counter()
    with reach.counting(catalogue.find(title)) as counts:
        try:
            return (yield)
        finally:
            seconds = time.perf_counter() - start
            entry = tally.CURRENT.as_dict(title, kind, seconds) | {"reach": dict(counts)}
            item.user_properties.append(("parity", entry))


def pytest_runtest_logreport(report):
    state = _CONTROLLER.get("state")
    if state is None or report.when != "call":
        return
    for name, entry in report.user_properties:
        if name == "parity":
            state["tallies"].append({**entry, "passed": report.passed})


_CONTROLLER: dict = {}


def pytest_sessionstart(session):
    if not hasattr(session.config, "workerinput"):
        _CONTROLLER["state"] = session.config.stash[_STATE]


def pytest_sessionfinish(session, exitstatus):
    """Make the report; in a whole run, what was never reached fails as a test does."""
    config = session.config
    place = config.getoption("parity_report")
    if place is None or hasattr(config, "workerinput"):
        return
    from parity_tests.report import table

    state = config.stash[_STATE]
    state["report"] = table.make(
        state["tallies"],
        seconds=time.time() - state["start"],
        seed=tally.SEED,
        whole=config.getoption("reach") or is_whole(config),
    )
    table.write(state["report"], place)
    if state["tallies"] and not state["report"]["in_parity"]:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def is_whole(config) -> bool:
    """Whether a run has every component, kind and dtype, and the examples that everyone has."""
    some = config.getoption("component") or config.getoption("only") or config.getoption("dtype")
    usual = config.getoption("examples") == 1 and config.getoption("soak_seed") is None
    return usual and not some


def pytest_terminal_summary(terminalreporter, exitstatus, config):
    report = config.stash[_STATE].get("report")
    if report is None:
        return
    from parity_tests.report import table

    place = config.getoption("parity_report")
    for failed in terminalreporter.stats.get("failed", []) + terminalreporter.stats.get(
        "error", []
    ):
        terminalreporter.write(f"\n{words(failed)}\n")
    terminalreporter.write("\n" + table.text(report, lines=config.getoption("lines")) + "\n")
    terminalreporter.write_line(f"report: {place}")


def words(failed) -> str:
    """What a failed item says, without the frames that led there."""
    crash = getattr(failed.longrepr, "reprcrash", None)
    return crash.message if crash is not None else failed.longreprtext
