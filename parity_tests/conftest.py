"""The debugger's figures over its corpus, gathered from all workers and held to what is asked."""

import json

import pytest

_OUTCOMES = pytest.StashKey()


def pytest_configure(config):
    config.stash[_OUTCOMES] = []
    config.pluginmanager.register(_Gathering(config))


class _Gathering:
    """Hears the reports of every worker."""

    def __init__(self, config):
        self.config = config

    def pytest_runtest_logreport(self, report):
        for name, entry in report.user_properties:
            if name == "debug_corpus" and report.when == "call":
                self.config.stash[_OUTCOMES].append(json.loads(entry))


def _complete(config):
    """The outcomes of the whole corpus, in its order; None if only a part of it ran."""
    found = config.stash[_OUTCOMES]
    if not found:
        return None
    from parity_tests.debug import figures

    outcomes = {(o["half"], o["file"]): figures.Outcome(**o) for o in found}
    keys = [(half, entry["file"]) for half, entry in figures.cases()]
    return [outcomes[key] for key in keys] if set(keys) <= set(outcomes) else None


def _complaints(outcomes):
    from parity_tests.debug import figures

    yield from (f"below what is asked: {h.half}" for h in figures.figures(outcomes) if not h.enough)
    text = figures.PAGE.read_text(encoding="utf-8")
    if text != figures.page(text, outcomes):
        yield f"{figures.PAGE.name} is out of date: python -m parity_tests.debug.figures"


def pytest_sessionfinish(session):
    outcomes = _complete(session.config)
    if outcomes and list(_complaints(outcomes)) and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter, config):
    outcomes = _complete(config)
    if outcomes is None:
        return
    from parity_tests.debug import figures

    terminalreporter.section("the gradient debugger over its corpus")
    for half in figures.figures(outcomes):
        terminalreporter.write_line(half.words())
    for complaint in _complaints(outcomes):
        terminalreporter.write_line(complaint, red=True)
