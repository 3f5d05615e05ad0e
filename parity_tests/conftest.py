"""Pytest finds the plugin of parity runs here; `parity check` names it itself."""

pytest_plugins = ["parity_tests.report.plugin"]
