"""Step by step through backward: each value that it names, beside autograd's gradient of the same.

Autograd knows the gradient of everything that forward stored, named or made. What backward
assigns is recorded line by line; a value that equals one of those gradients is right, a value
that is named after one of them and differs from it is wrong.
"""

import re
import sys
from dataclasses import dataclass

import numpy as np

from parity_tests.debug.structure import attributes

_MOST = 4000  # lines of backward that are watched
_LARGE = 20_000  # elements of an array that is compared
_STEM = re.compile(r"^_*(grad|delta|d|g)_*|_*(grad|gradient|bar|delta)$", re.IGNORECASE)


@dataclass
class Step:
    """One value that backward made: where, its name, and whether it is the right gradient."""

    line: int
    name: str
    value: np.ndarray
    quantity: str | None = None  # whose gradient it is, or should be
    state: str = "unknown"  # right, wrong, unknown

    def words(self):
        shown = f"line {self.line}: {self.name}"
        if self.state == "unknown":
            return shown
        return f"{shown}  {self.state}: d loss / d {self.quantity}"


class Watch:
    """Records the arrays that backward and its helpers assign, as they are assigned."""

    def __init__(self, files, thing):
        self.files, self.thing, self.steps = files, thing, []
        self.events, self.last = 0, 0  # line events; the line in which backward ended

    def __enter__(self):
        self.before = sys.gettrace()
        sys.settrace(self._called)
        return self

    def __exit__(self, *_):
        sys.settrace(self.before)

    def _called(self, frame, event, argument):
        if event != "call" or frame.f_code.co_filename not in self.files:
            return None
        seen = {}
        self._look(frame, seen, record=False)
        line = [frame.f_lineno]

        def follow(frame, event, argument):
            self.events += 1
            if event in ("line", "return") and self.events < _MOST:
                self._look(frame, seen, line=line[0])
            line[0] = self.last = frame.f_lineno
            return follow

        return follow

    def _look(self, frame, seen, record=True, line=0):
        values = {k: v for k, v in frame.f_locals.items() if k != "self"}
        if frame.f_locals.get("self") is self.thing:
            values |= {f"self.{k}": v for k, v in attributes(self.thing).items()}
        for name, value in values.items():
            if not isinstance(value, (np.ndarray, float)) or np.size(value) > _LARGE:
                continue
            old = seen.get(name)
            if old is not None and np.array_equal(old, value, equal_nan=True):
                continue
            seen[name] = np.array(value)
            if record:
                self.steps.append(Step(line, name, seen[name]))


def follow(study, exam):
    """The steps of backward in one case; an empty list if autograd could not follow forward."""
    if exam.traced is None:
        return []
    case = exam.case
    instance = case.start.copy()
    inputs = [np.array(value) for value in case.inputs]
    instance.forward(inputs)
    with Watch(study.subject.files, instance.thing) as watch:
        gradients = instance.backward([np.array(g) for g in case.upstreams], inputs)
    known = _known(study, exam)
    steps = _last_of_each(watch.steps, known)
    for step in steps:
        _judge(step, known)
    reached = _returned_right(study, exam)
    reached |= {step.quantity for step in steps if step.state == "right"}
    for step in steps:
        # A gradient that comes out right in the end was only on its way before.
        if step.state == "wrong" and step.quantity in reached:
            step.state = "unknown"
    return steps + list(_returned(study, exam, gradients, known, watch.last))


def _returned(study, exam, gradients, known, line):
    """What backward gives in the end."""
    for name, where, place in _labels(study, exam):
        given = getattr(gradients, where) or []
        value = given[place] if place < len(given) else None
        if value is not None and name in known:
            state = "right" if _same(value, known[name]) else "wrong"
            yield Step(line, "the returned gradient", np.array(value), name, state)


def _labels(study, exam):
    """(name, where, place) of every input and parameter."""
    names = study.subject.forward_arity[2]
    for place in range(len(exam.case.inputs)):
        yield names[place] if place < len(names) else f"input {place}", "inputs", place
    for place, name in enumerate(exam.case.start.param_names):
        yield name or f"params[{place}]", "params", place


def _known(study, exam):
    """name -> gradient, of all that autograd knows, inputs and parameters first."""
    known = {n: getattr(exam.traced, where)[place] for n, where, place in _labels(study, exam)}
    for name, (_, gradient) in exam.traced.inner.items():
        known.setdefault(name, gradient)
    return {name: g for name, g in known.items() if g is not None and np.any(g)}


def _returned_right(study, exam):
    """The inputs and parameters whose gradients backward returned as they should be."""
    found = set()
    for name, where, place in _labels(study, exam):
        yours, own, _, _ = exam.quantity(where, place)
        if own is not None and yours is not None and _same(yours, own):
            found.add(name)
    return found


def _last_of_each(steps, known):
    """One step for each name and line: the first that is right, or the last."""
    found = {}
    for step in steps:
        key = (step.line, step.name)
        if key not in found or not _same_as_any(found[key].value, known):
            found[key] = step
    return list(found.values())


def _same_as_any(value, known):
    return next((name for name, gradient in known.items() if _same(value, gradient)), None)


def _same(value, gradient):
    if np.shape(value) != np.shape(gradient):
        return False
    with np.errstate(all="ignore"):
        size = float(np.max(np.abs(gradient), initial=0))
        return bool(np.all(np.abs(value - gradient) <= 2e-6 * size))


def _bare(name):
    return re.sub(r"\[.*", "", name.removeprefix("self.")).strip("_").lower()


def stem(name):
    """`d_scores`, `grad_scores`, `self.dscores` -> scores."""
    return _STEM.sub("", _bare(name)) or _bare(name)


def _named_after(step, known):
    """The quantities of its shape that a value is named after: dscores, else ds for scores."""
    mine = stem(step.name)
    shaped = [n for n, g in known.items() if np.shape(g) == np.shape(step.value)]
    exact = [name for name in shaped if stem(name) == mine]
    if exact or mine == _bare(step.name):
        return exact if mine != _bare(step.name) else []
    begun = {_bare(n): n for n in shaped if _bare(n).startswith(mine) and _bare(n).isidentifier()}
    return list(begun.values()) if len(begun) == 1 else []


def _judge(step, known):
    right = [name for name, gradient in known.items() if _same(step.value, gradient)]
    named = _named_after(step, known)
    if right:
        step.state = "right"
        step.quantity = next((name for name in right if name in named), right[0])
    elif named and np.any(step.value):
        step.state, step.quantity = "wrong", named[0]


def summary(steps):
    """In one sentence: up to where it is right, and where it is first wrong."""
    wrong = next((place for place, step in enumerate(steps) if step.state == "wrong"), None)
    before = steps if wrong is None else steps[:wrong]
    right = next((step for step in reversed(before) if step.state == "right"), None)
    told = right and f"right up to d loss / d {right.quantity} (line {right.line}: {right.name})"
    if wrong is None:
        return f"{told}; what follows it is not" if told else None
    step = steps[wrong]
    fault = f"wrong at d loss / d {step.quantity} (line {step.line}: {step.name})"
    return f"{told}, {fault}" if told else fault


def right_lines(steps):
    """Lines that made nothing but right gradients."""
    lines = {step.line for step in steps if step.state == "right"}
    return lines - {step.line for step in steps if step.state == "wrong"}
