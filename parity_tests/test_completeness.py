"""Every class of torch.nn and torch.optim has a row, or a line that says why not."""

import inspect
import re
from pathlib import Path

import torch
from hypothesis import Phase, given, settings

from parity_tests import catalogue
from parity_tests.strategies import cases

PAGE = Path(__file__).parent.parent / "docs" / "left-out.md"


def _classes(module, base):
    members = [getattr(module, name) for name in dir(module) if not name.startswith("_")]
    return {m for m in members if isinstance(m, type) and issubclass(m, base)}


# An option of which PyTorch takes one value only.
ONE_VALUE = {f"ConvTranspose{rank}d": {"padding_mode"} for rank in (1, 2, 3)}


def test_what_is_left_out_is_listed():
    compared = {row.oracle for row in catalogue.rows()}
    wanted = _classes(torch.nn, torch.nn.Module) | _classes(torch.optim, torch.optim.Optimizer)
    missing = {cls.__name__ for cls in wanted - compared}
    rows = re.findall(r"^\| (`.+`) \|", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    listed = {name for row in rows for name in re.findall(r"`(\w+)`", row)}
    assert missing == listed


def test_every_option_of_pytorch_s_constructors_is_drawn():
    """What the row never draws is an option that nobody compared."""
    # Where the numbers live, and options that do nothing, that PyTorch has deprecated or that are
    # refused.
    silent = {"self", "device", "dtype", "size_average", "reduce", "inplace", "args", "kwargs"}
    silent |= {"min_value", "max_value", "sparse", "_weight", "_freeze", "enable_nested_tensor"}
    silent |= {"mask_check", "custom_encoder", "custom_decoder", "options"}
    drawn: dict[type, set[str]] = {}
    for row in catalogue.rows(catalogue.Row):
        plain = row.oracle.__module__.startswith("torch.nn.modules") and row.construct is None
        if plain and not row.container:
            drawn.setdefault(row.oracle, set()).update(_drawn_options(row))
    for oracle, options in drawn.items():
        expected = set(inspect.signature(oracle.__init__).parameters) - silent
        expected -= ONE_VALUE.get(oracle.__name__, set())
        assert expected <= options, f"{oracle.__name__}: never draws {sorted(expected - options)}"


def _drawn_options(row) -> set[str]:
    """The constructor options that a few dozen cases of a row draw."""
    drawn: set[str] = set()

    @settings(max_examples=40, phases=[Phase.generate], database=None, derandomize=True)
    @given(case=cases(row.draw, ("ordinary",)))
    def look(case):
        drawn.update(case.draft.options)

    look()
    return drawn
