"""The mutants that compute the same as the reference, each with its proof."""

import functools
import tomllib
from pathlib import Path

PATH = Path(__file__).with_name("equivalent.toml")


@functools.cache
def proofs() -> dict[str, str]:
    """Name of a mutant -> why it is no change."""
    entries = tomllib.loads(PATH.read_text(encoding="utf-8")).get("equivalent", [])
    return {name: entry["proof"] for entry in entries for name in entry["mutants"]}
