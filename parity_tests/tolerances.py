"""The sole reader of tolerances.toml."""

import functools
import tomllib
from pathlib import Path

_BESIDE = Path(__file__).with_name("tolerances.toml")  # in a wheel
PATH = _BESIDE if _BESIDE.exists() else Path(__file__).parent.parent / "tolerances.toml"


@functools.cache
def _table() -> dict:
    return tomllib.loads(PATH.read_text(encoding="utf-8"))


def kinds() -> list[str]:
    """The names of the kinds of budget."""
    return list(_table()["kinds"])


def budget(component: str, quantity: str, kind: str, dtype: str) -> float:
    """How many units an element of this quantity may be off."""
    general = _table()["kinds"][kind][dtype]
    stem = quantity.partition("[")[0]
    own = _table().get("override", {}).get(component, {})
    for name in (quantity, stem, "every"):
        if dtype in own.get(name, {}):
            return own[name][dtype]["budget"]
    return general


def overrides() -> list[tuple[str, str, str, dict]]:
    """Each override as (component, quantity, dtype, its entries)."""
    return [
        (component, quantity, dtype, entry)
        for component, quantities in _table().get("override", {}).items()
        for quantity, dtypes in quantities.items()
        for dtype, entry in dtypes.items()
    ]
