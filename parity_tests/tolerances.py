"""The sole reader of tolerances.toml, and the writer of what `parity slack` tightens there."""

import contextlib
import functools
import math
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path

_BESIDE = Path(__file__).with_name("tolerances.toml")  # in a wheel
PATH = _BESIDE if _BESIDE.exists() else Path(__file__).parent.parent / "tolerances.toml"

# A budget above the least, and above so many times the worst error measured, is too loose.
LEAST = 2.0
ROOM = 4.0

# What follows this line is written by the command.
MARK = "# --- tightened by `parity slack --write`; what it writes never widens ---\n"


def _table() -> dict:
    return _read(PATH)


@functools.cache
def _read(path: Path) -> dict:
    return tomllib.loads(path.read_text(encoding="utf-8"))


def kinds() -> list[str]:
    """The names of the kinds of budget."""
    return list(_table()["kinds"])


def budget(component: str, quantity: str, kind: str, dtype: str) -> float:
    """How many units an element of this quantity may be off."""
    return _most(_budget(component, quantity, kind, dtype), quantity)


def _as_it_is(units: float, quantity: str) -> float:
    return units


_most = _as_it_is


@contextlib.contextmanager
def probing(worst: Callable[[str], float] = lambda quantity: 0.0):
    """Inside, no budget is above the least that any is tightened to, or above the worst error that
    is known of its quantity if that is larger.

    So every judge is asked about what lies beyond, and an error is measured by the nearest. What
    does not lie beyond is not the worst error, and is measured no better than that takes.
    """
    global _most

    def most(units: float, quantity: str) -> float:
        return min(units, max(LEAST, worst(quantity)))

    _most = most
    try:
        yield
    finally:
        _most = _as_it_is


def is_probing() -> bool:
    """Whether errors are measured beyond what the budgets ask."""
    return _most is not _as_it_is


def _budget(component, quantity, kind, dtype):
    general = untightened(component, quantity, kind, dtype)
    tight = _entry("tight", component, quantity, dtype)
    return general if tight is None else min(general, tight["budget"])


def untightened(component: str, quantity: str, kind: str, dtype: str) -> float:
    """The budget of the kind, or of an override that says why."""
    own = _entry("override", component, quantity, dtype)
    return _table()["kinds"][kind][dtype] if own is None else own["budget"]


def _entry(table: str, component: str, quantity: str, dtype: str) -> dict | None:
    """What a table says of a quantity by its name, by its stem, or of every quantity."""
    own = _table().get(table, {}).get(component, {})
    for name in (quantity, quantity.partition("[")[0], "every"):
        if dtype in own.get(name, {}):
            return own[name][dtype]
    return None


def overrides(table: str = "override") -> list[tuple[str, str, str, dict]]:
    """Each override ("tight": those of the command) as (component, quantity, dtype, entry)."""
    return [
        (component, quantity, dtype, entry)
        for component, quantities in _table().get(table, {}).items()
        for quantity, dtypes in quantities.items()
        for dtype, entry in dtypes.items()
    ]


def is_too_loose(budget: float, worst: float) -> bool:
    """Whether a budget leaves room for a bug beside the worst error measured."""
    return budget > max(LEAST, ROOM * worst)


def tightened(worst: float) -> float:
    """The budget for a worst error: at least twice as much, for the kernels of other processors."""
    return max(LEAST, 2.0 ** math.ceil(math.log2(2 * worst))) if worst else LEAST


def tighten(measured: Mapping[tuple[str, str, str], tuple[float, float]], path: Path = PATH):
    """Write the budgets that tighten: (component, quantity, dtype) -> (budget, worst error)."""
    text = path.read_text(encoding="utf-8").partition(MARK)[0].rstrip() + "\n"
    lines = [f"\n{MARK}"] if measured else []
    component = None
    for (title, quantity, dtype), (own, worst) in sorted(measured.items()):
        if title != component:
            lines.append(f'\n[tight."{title}"]\n')
            component = title
        # Upwards, so that the error written is not below the one measured.
        shown = math.ceil(worst * 1000) / 1000
        lines.append(f'"{quantity}".{dtype} = {{ budget = {own:g}, worst = {shown:g} }}\n')
    path.write_text(text + "".join(lines), encoding="utf-8")
    _read.cache_clear()
