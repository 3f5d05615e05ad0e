"""Clues from a forward that is another function than the oracle's."""

import itertools

import numpy as np

from parity_tests.debug.clues import options
from parity_tests.debug.clues.evidence import Clue, ratio, same
from parity_tests.debug.failures import UsageError


def gather(study, finding):
    data = finding.evidence
    yours, right = data.get("yours"), data.get("right")
    if yours is None:
        return
    if np.issubdtype(np.asarray(yours).dtype, np.integer) or yours.dtype == np.float16:
        yield Clue("dtype", 0.97, f"yours holds {yours.dtype}")
    exam = data["exam"]
    if not np.isfinite(yours).all() and np.isfinite(right).all():
        yield Clue("overflow", 0.8, "not finite where the oracle is")
    # One number is some multiple of any other: only several tell of a factor.
    factor = ratio(yours, right)
    if factor is not None and (yours.size > 1 or _constant_elsewhere(study, exam, factor)):
        yield from _one_factor(factor, exam)
    yield from _other_axis(study, data)
    yield Clue("forward_formula", 0.75, "")
    for name in options.without_effect(study, exam.case):
        yield Clue("hyperparameter_ignored", 0.95, f"the output does not change with {name}")


def _other_axis(study, data):
    """Is yours the oracle's along another axis of a single input?"""
    inputs, yours = data["exam"].case.inputs, data["yours"]
    if len(inputs) != 1 or inputs[0].shape != np.shape(yours):
        return
    for axes in itertools.combinations(range(yours.ndim), 2):
        try:
            answer = study.oracle.run([np.swapaxes(inputs[0], *axes)], data["exam"].case.params)
        except (UsageError, RuntimeError, ValueError, IndexError, TypeError):
            continue
        if same(np.swapaxes(answer.outputs[0], *axes), yours):
            yield Clue("wrong_axis", 0.97, f"as if the axes {axes[0]} and {axes[1]} were exchanged")
            return


def _constant_elsewhere(study, exam, factor):
    case = study.case(exam.case.specs, seed=97)
    outputs = study.yours_outputs(case)
    _, pairs = study.consult(case, outputs)
    other = ratio(outputs[0], pairs[0][1]) if pairs[0][1] is not None else None
    return other is not None and abs(other / factor - 1) < 1e-6


def _one_factor(factor, exam):
    words = f"yours = {factor:.5g} x the oracle's, everywhere"
    if abs(factor + 1) < 1e-6:
        yield Clue("sign", 0.96, words)
        return
    reduced = _count_like(factor, exam)
    yield Clue("scale_reduction", 0.9 if reduced else 0.45, words)
    yield Clue("scale_constant", 0.6 if reduced else 0.8, words)


def _count_like(factor, exam):
    sizes = [s for value in exam.case.inputs for s in value.shape]
    sizes += [int(np.prod(value.shape)) for value in exam.case.inputs]
    sizes += [s for p in exam.case.params for s in p.shape] + [2, 3, 4, 9]
    return any(abs(factor - s) < 1e-6 or abs(factor * s - 1) < 1e-6 for s in sizes if s > 1)
