"""Clues from a forward that is another function than the oracle's."""

import numpy as np

from parity_tests.debug.clues import options
from parity_tests.debug.clues.evidence import Clue, ratio


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
    yield Clue("forward_formula", 0.75, "")
    for name in options.without_effect(study, exam.case):
        yield Clue("hyperparameter_ignored", 0.95, f"the output does not change with {name}")


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
