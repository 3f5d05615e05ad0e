"""The exhaustive run: what it tests, and that it finds one wrong input among billions."""

import numpy as np
import pytest

import reference
from parity_tests import exhaustive

# Patterns so far apart that one chunk spans all of them.
_EVERY = exhaustive.PATTERNS // exhaustive.CHUNK


@pytest.mark.parametrize("title", [row.title for row in exhaustive.rows()])
def test_one_chunk_of_all_floats_is_in_parity(title):
    outcome = exhaustive.check(title, 0, _EVERY)
    assert outcome.message is None
    assert outcome.elements == exhaustive.CHUNK


def test_every_pattern_comes_once():
    starts = range(0, exhaustive.PATTERNS, 1024 * exhaustive.CHUNK)
    chunks = [exhaustive.inputs(start, 1024).view(np.uint32) for start in starts]
    met = np.concatenate(chunks)
    assert len(np.unique(met)) == len(met) == exhaustive.PATTERNS // 1024


def test_one_wrong_input_is_found(monkeypatch):
    wanted = exhaustive.inputs(0, _EVERY)[12345]
    right = reference.Tanh.forward

    def wrong(self, input_data):
        output = right(self, input_data)
        return np.where(input_data == wanted, np.nextafter(output, 0) * 1.00001, output)

    monkeypatch.setattr(reference.Tanh, "forward", wrong)
    outcome = exhaustive.check("Tanh", 0, _EVERY)
    assert outcome.doubted
    assert "1 of" in outcome.message
