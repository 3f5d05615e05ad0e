"""Clues from the constructor's arguments: what an option changes in yours and in the right one."""

import inspect
import re

import numpy as np

from parity_tests.debug import guess_oracle, hyper
from parity_tests.debug.clues.evidence import Clue, same

GEOMETRY = ("stride", "pad", "dilation", "kernel", "pool", "window", "group")
_PLAIN = {"stride": 1, "pad": 0, "dilat": 1, "group": 1}


def moved(finding):
    """Wrong only once an option moved."""
    name, _, new = finding.evidence["hyper"]
    words = f"right until {name} is {new!r}"
    if finding.evidence.get("unchanged"):
        yield Clue("hyperparameter_ignored", 1.0, f"the output does not change with {name}")
    elif any(word in name for word in GEOMETRY):
        yield Clue("geometry", 0.9, words)
        yield Clue("hyperparameter_ignored", 0.6, words)
        yield Clue("overwrite_not_accumulate", 0.5, words)
    else:
        yield Clue("hyperparameter_ignored", 0.93, words)


def arguments(study):
    if study.session.module is None:
        return {}
    return guess_oracle.given_arguments(study.subject, study.session.module)[0]


def ignored(evidence, in_pieces, fix):
    """Does yours stay the same when an option moves, while the right one changes?

    Where an edit mends it that does not read the option, that edit says more.
    """
    study = evidence.study
    values = arguments(study)
    for name, value in values.items():
        if not isinstance(value, float) or any(word in name for word in (*GEOMETRY, "eps")):
            continue
        for new in hyper.variations(name, value, oracle=True)[:1]:
            found = _with_option(evidence, values, name, new)
            if found is None:
                continue
            yours, right = found
            if same(yours, evidence.yours, 1e-9) and not same(right, evidence.right, 1e-4):
                words = f"yours does not change with {name}, the right one does"
                plain = _right_for_a_plain_value(evidence, values, name)
                strength = 0.99 if plain else 0.6 if in_pieces else 0.984
                if fix is not None and not re.search(rf"\b{name}\b", fix):
                    strength = min(strength, 0.93)
                yield Clue("hyperparameter_ignored", strength, words)


def geometry(evidence):
    """Right where the window does not jump, has no border, does not overlap, or is one group?"""
    values = arguments(evidence.study)
    sizes = [v for n, v in values.items() if any(w in n for w in ("kernel", "pool", "window"))]
    size = sizes[0] if sizes else None
    side = size if isinstance(size, int) else size[0] if isinstance(size, tuple) and size else None
    for name, value in values.items():
        word = next((word for word in _PLAIN if word in name), None)
        if word is None or isinstance(value, (bool, str)):
            continue
        if word == "stride" and side and value != side:
            if _right_with(evidence, values, name, side):
                words = f"right where windows do not overlap ({name}={side})"
                yield Clue("overwrite_not_accumulate", 0.9, words)
        if value != _PLAIN[word] and _right_with(evidence, values, name, _PLAIN[word]):
            yield Clue("geometry", 0.956, f"right with {name}={_PLAIN[word]}")


def _right_with(evidence, values, name, new):
    found = _with_option(evidence, values, name, new)
    return found is not None and np.any(found[1]) and same(*found)


def _with_option(evidence, values, name, new):
    """(yours, the right one) for another value of one argument, where that is known."""
    study, case = evidence.study, evidence.case
    if study.left < 0.3:
        return None
    try:
        subject = hyper.rebuilt(study, values, name, new)
    except Exception:
        return None
    return evidence.elsewhere(case.specs, case.seed, subject)


def _right_for_a_plain_value(evidence, values, name):
    """Is yours right for some plain value of the option (its default, 1, 0.01)?"""
    default = inspect.signature(type(evidence.study.subject.pristine)).parameters[name].default
    tried = [v for v in (default, 1.0, 0.01, 0.5, 0.1) if isinstance(v, (int, float))]
    return any(_right_with(evidence, values, name, float(value)) for value in tried)


def without_effect(study, case):
    """Names of arguments (flags too) that forward does not answer to."""
    values = arguments(study)
    before = study.yours_outputs(study.case(case.specs, seed=case.seed))
    for name, value in values.items():
        if not isinstance(value, (int, float, tuple)):
            continue
        for new in hyper.variations(name, value, oracle=True)[:1]:
            try:
                subject = hyper.rebuilt(study, values, name, new)
                other = study.case(case.specs, seed=case.seed, subject=subject)
                outputs = study.yours_outputs(other)
            except Exception:
                continue
            if len(outputs) == len(before) and all(map(np.array_equal, outputs, before)):
                yield name
