"""Clues from where it is wrong: one side of a threshold, one block of channels."""

import ast

import numpy as np

from parity_tests.debug.clues.evidence import Clue
from parity_tests.debug.edits.base import CHOOSING, called, tree
from parity_tests.debug.structure import is_floating
from parity_tests.debug.study import differing


def pieces(evidence):
    """Right on one side of a threshold, wrong on the other, in several cases."""
    if not evidence.same_shape or not evidence.of_input:
        return
    wrong = np.concatenate([np.ravel(mask) for mask, _ in _seen(evidence)])
    if wrong.all() or wrong.sum() < 1 or (~wrong).sum() < 2:
        return
    for name, value in _common([measures for _, measures in _seen(evidence)]):
        for words, measure in ((name, value), (f"|{name}|", np.abs(value))):
            if measure[wrong].max() <= measure[~wrong].min() + 1e-12:
                limit = measure[wrong].max()
                yield Clue("branch", 0.84, f"wrong where {words} is {limit:.4g} or less")
                return
            if measure[wrong].min() >= measure[~wrong].max() - 1e-12:
                limit = measure[wrong].min()
                yield Clue("branch", 0.84, f"wrong where {words} is {limit:.4g} or more")
                return


def _seen(evidence):
    """(where it is wrong, the measures) of this case and of two others."""
    if "pieces" not in evidence.finding.evidence:
        found = [(evidence.mask, dict(_measures(evidence, evidence.exam)))]
        for exam in evidence.other_exams():
            yours, own, _, _ = exam.quantity(*evidence.key)
            if np.shape(yours) == np.shape(own):
                known = exam.own.known.get(evidence.key)
                mask = differing(yours, own, known, exam.own.error)
                found.append((mask, dict(_measures(evidence, exam))))
        evidence.finding.evidence["pieces"] = found
    return evidence.finding.evidence["pieces"]


def _common(measures):
    for name in measures[0]:
        if all(name in other for other in measures):
            yield name, np.concatenate([np.ravel(other[name]) for other in measures])


def _measures(evidence, exam):
    """Arrays of its shape whose values may decide which piece holds."""
    inputs, place = exam.case.inputs, evidence.key[1]
    shape = inputs[place].shape
    yield "the input", inputs[place]
    floats = [value for value in inputs if is_floating(value) and value.shape == shape]
    if len(floats) == 2:
        yield "the difference", floats[0] - floats[1]
    inner = exam.traced.inner if exam.traced is not None else {}
    for name, (value, _) in inner.items():
        if np.shape(value) == shape:
            yield name, value


def blocks(evidence):
    """Wrong only in one block of an axis: one group's channels, one half, one head."""
    wrong = evidence.mask
    if not evidence.same_shape or wrong.all():
        return
    for axis in range(wrong.ndim):
        others = tuple(a for a in range(wrong.ndim) if a != axis)
        bad = np.flatnonzero(wrong.any(axis=others))
        size = wrong.shape[axis]
        if size < 4 or len(bad) < 2 or len(bad) == size or size % len(bad):
            continue
        if bad[-1] - bad[0] + 1 == len(bad) and wrong.mean() > 0.8 * len(bad) / size:
            words = f"wrong only in the entries {bad[0]} to {bad[-1]} of axis {axis}"
            yield Clue("geometry", 0.45, words)
            yield Clue("wrong_point", 0.4, words)


def alternatives(evidence):
    """Does forward choose between formulas?"""
    subject = evidence.study.subject
    nodes = ast.walk(tree(getattr(type(subject.pristine), subject.forward_name)))
    return any(isinstance(n, (ast.Compare, ast.IfExp)) or called(n) in CHOOSING for n in nodes)


TESTS = (pieces, blocks)
