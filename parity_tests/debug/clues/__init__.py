"""Clues: what each way of looking at a wrong gradient says of its cause."""

import os

from parity_tests.debug.clues import numbers, order, paths, pieces
from parity_tests.debug.clues.evidence import Clue, Evidence, same

__all__ = ["Clue", "Evidence", "gather", "same"]

_TESTS = (*numbers.TESTS, *order.TESTS, *paths.TESTS, *pieces.TESTS)


def gather(evidence):
    """All clues; each test speaks for itself, and one that cannot be made says nothing."""
    found = []
    for test in _TESTS:
        try:
            found += test(evidence)
        except Exception:
            if os.environ.get("PARITY_DEBUG_STRICT"):
                raise
    return found
