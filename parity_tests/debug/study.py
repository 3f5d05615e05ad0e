"""One case of the target, examined: yours, autograd's, the numeric value, the oracle's."""

import copy
import time
from dataclasses import dataclass, field

import numpy as np

from parity_tests.debug import judges
from parity_tests.debug.failures import OwnCodeError, UsageError
from parity_tests.debug.judges import Side, agrees
from parity_tests.debug.numeric import OwnFunction
from parity_tests.debug.specs import draw
from parity_tests.debug.structure import is_floating, walk
from parity_tests.debug.twin import locals_of

RTOL, FLOOR = 3e-6, 1e-7


@dataclass
class Case:
    """Inputs, parameters and upstream gradients, and the object before forward."""

    start: object
    inputs: list
    params: list
    upstreams: list
    words: str = ""
    specs: list = field(default_factory=list)
    seed: int = 0


@dataclass
class Exam:
    """Everything known about one case."""

    case: Case
    outputs: list
    yours: object
    own: Side
    traced: object = None
    answer: object = None
    pairs: list = field(default_factory=list)  # the oracle's output for each of yours, or None
    after: object = None  # the instance after backward
    function: object = None  # your forward, for numeric derivatives
    cuts: list | None = None  # the gradients without each single use of a variable
    changes: list | None = None  # the gradients under each change of the chain rule in one place
    steps: list | None = None  # the trace of backward

    def quantity(self, where, place):
        """(yours, the derivative of your own forward, autograd's, the oracle's)."""
        given = getattr(self.yours, where)
        yours = None if given is None or place >= len(given) else given[place]
        own = getattr(self.own, where)[place]
        traced = None if self.traced is None else getattr(self.traced, where)[place]
        oracle = None
        if self.answer is not None and place < len(getattr(self.answer, where)):
            oracle = getattr(self.answer, where)[place]
        return yours, own, traced, oracle


def tolerance(right, error=0.0):
    finite = np.abs(right[np.isfinite(right)])
    size = float(finite.max(initial=0))
    return RTOL * np.abs(right) + (FLOOR + 20 * error) * size + 1e-9


def differing(yours, right, known=None, error=0.0):
    """A mask of the elements that are wrong; all of them for another shape."""
    if yours is None or np.shape(yours) != np.shape(right):
        return np.ones(np.shape(right), dtype=bool)
    yours = np.asarray(yours, dtype=np.float64)
    right = np.asarray(right, dtype=np.float64)
    with np.errstate(all="ignore"):
        close = np.abs(yours - right) <= tolerance(right, error)
    same = (yours == right) | close | (np.isnan(yours) & np.isnan(right))
    judged = ~np.isnan(right) if known is None else known & ~np.isnan(right)
    return ~same & judged


class Study:
    """The target, its oracle, and what is known of its inputs."""

    def __init__(self, subject, oracle=None, twin=None, seconds=8.0):
        self.subject, self.oracle, self.twin = subject, oracle, twin
        self.began, self.seconds = time.process_time(), seconds
        self.layout_forced = None
        self.training = True
        self.mean_of_outputs = False
        self.base_exam = None
        self.given_inputs = 0  # of how many inputs backward gives the gradient
        self.oracle_words = None
        self.trusted = None  # does autograd agree with numeric derivatives?

    @property
    def left(self):
        return self.seconds - (time.process_time() - self.began)

    def allow(self, seconds):
        """Let what follows take this long at least."""
        self.seconds = max(self.seconds, time.process_time() - self.began + seconds)

    # --- cases ---

    def case(self, specs, seed=0, subject=None, scale=1.0, prepare=None, words=""):
        """A case with drawn values; the parameters are moved away from 0 and 1."""
        rng = np.random.default_rng(seed)
        inputs = [draw(spec, rng) for spec in specs]
        if scale != 1.0:
            inputs = [
                value * scale if spec.kind == "normal" and spec.array is None else value
                for value, spec in zip(inputs, specs, strict=True)
            ]
        return self.prepared(inputs, seed, subject, prepare, words, list(specs))

    def prepared(self, inputs, seed=0, subject=None, prepare=None, words="", specs=()):
        """A case with these inputs."""
        rng = np.random.default_rng(seed + 1000)
        subject = subject or self.subject
        start = subject.fresh()
        if prepare:
            prepare(start.thing)
        shapes = self._outputs_of(start, inputs)
        if start.subject is subject and not start.params:
            first = start.copy()  # parameters that the first forward makes
            first.forward([np.array(value) for value in inputs])
            if first.params:
                start = first
        for strength in (0.4, 0.05, 0.0):
            trial = start.copy()
            values = [
                param + strength * rng.normal(size=param.shape)
                if is_floating(param)
                else np.array(param)
                for param in start.params
            ]
            if values:
                trial.set_params(values)
            try:
                outputs = self._outputs_of(trial, inputs)
            except OwnCodeError:
                continue
            if all(np.isfinite(out).all() for out in outputs) or strength == 0:
                start, shapes = trial, outputs
                break
        upstreams = self.upstreams(shapes, rng)
        params = [np.array(param) for param in start.params]
        return Case(start, inputs, params, upstreams, words, list(specs), seed)

    def _outputs_of(self, start, inputs):
        outputs = start.copy().forward([np.array(value) for value in inputs])
        return [out for out in outputs if is_floating(out)]

    def upstreams(self, outputs, rng):
        if not self.subject_takes_upstream:
            return [np.ones(np.shape(out)) for out in outputs]
        return [rng.normal(size=np.shape(out)) + 0.3 for out in outputs]

    @property
    def subject_takes_upstream(self):
        return self.subject.fresh().takes_upstream

    # --- examination ---

    def yours(self, case):
        """Forward and backward of the target, on copies."""
        instance = case.start.copy()
        inputs = [np.array(value) for value in case.inputs]
        outputs = instance.forward(inputs)
        outputs = [np.array(out) for out in outputs if is_floating(out)]
        given = [np.array(g) for g in case.upstreams]
        gradients = instance.backward(given, inputs)
        gradients.inputs = [None if g is None else np.array(g) for g in gradients.inputs]
        if gradients.params is not None:
            gradients.params = [None if g is None else np.array(g) for g in gradients.params]
        return outputs, gradients, instance

    def examine(self, case, seconds=2.0, oracle=True):
        """All judges on one case, element by element."""
        outputs, yours, after = self.yours(case)
        function = OwnFunction(case.start, case.inputs)
        traced, own = self.own_derivative(function, case, seconds)
        exam = Exam(case, outputs, yours, own, traced, after=after)
        exam.function = function
        if self.oracle is not None and oracle:
            self.ask(exam)
        return exam

    def own_derivative(self, function, case, seconds):
        """(autograd through your forward or None, the derivative that can be trusted)."""
        traced = side = None
        if self.twin is not None:
            try:
                traced, side = judges.confirmed(self.twin, function, case)
            except Exception:
                self.trusted = False
        if side is not None:
            self.trusted = True
            return traced, side
        affordable = max(int(min(seconds, self.left / 2) / (4 * function.cost)), 12)
        side = judges.differenced(function, case, affordable)
        if traced is not None:
            self.trusted = self._agrees(traced, side)
        return (traced if traced is not None and self.trusted else None), side

    def _agrees(self, traced, side):
        """Does autograd agree element by element, away from kinks? Then it is the better value."""
        places = [(where, place) for where, place in side.known]
        for where, place in places:
            found, numeric = getattr(traced, where)[place], getattr(side, where)[place]
            if differing(found, numeric, side.known[where, place], side.error * 10 + 1e-7).any():
                return False
        for where, place in places:
            found, numeric = getattr(traced, where), getattr(side, where)
            numeric[place] = np.where(side.known[where, place], found[place], np.nan)
        return True

    def quick(self, case, directions=2):
        """Do random directional derivatives agree with your gradients? The bad quantities."""
        outputs, yours, _ = self.yours(case)
        function = OwnFunction(case.start, case.inputs)
        upstream, rng = judges.flat_upstream(case), np.random.default_rng(case.seed + 77)
        bad = []
        for where, place, array in judges.floating(case):
            given = getattr(yours, where) or []
            gradient = given[place] if place < len(given) else None
            if gradient is None or not array.size:
                continue
            shaped = np.shape(gradient) == array.shape
            key = where, place
            if not shaped or agrees(function, key, gradient, upstream, rng, directions) is False:
                bad.append(key)
        return bad, outputs, yours

    # --- the oracle ---

    def ask(self, exam):
        """Fill in the oracle's answer; None if it cannot take this case."""
        try:
            exam.answer, exam.pairs = self.consult(exam.case, exam.outputs)
        except Exception:
            exam.answer, exam.pairs = None, []

    def consult(self, case, outputs):
        oracle = self.oracle
        if hasattr(oracle, "training"):
            oracle.training = getattr(case.start.thing, "training", True) is not False
        plain = oracle.run(case.inputs, case.params)
        pairs = pair_outputs(outputs, plain.outputs)
        if all(place is None for place, _ in pairs):
            raise UsageError("its outputs have other shapes than the target's")
        upstreams = [None] * len(plain.outputs)
        for (place, _), g in zip(pairs, case.upstreams, strict=True):
            if place is not None:
                upstreams[place] = np.reshape(g, plain.outputs[place].shape)
        answer = oracle.run(case.inputs, case.params, upstreams)
        return answer, pair_outputs(outputs, answer.outputs)

    def attach_oracle(self, case):
        """Find the layout and the parameters' order under which the forwards agree."""
        outputs = self.yours_outputs(case)
        best, failure = None, None
        began = time.process_time()
        oracle = self.oracle
        if hasattr(oracle, "training"):
            oracle.training = getattr(case.start.thing, "training", True) is not False
        for layout in [*oracle.layouts(case.inputs, self.layout_forced), "vector"]:
            if layout == "vector" and best is not None:
                break
            for mapping in oracle.candidates(case.params):
                try:
                    answer = oracle.run(case.inputs, case.params, None, layout, mapping)
                except Exception as error:
                    failure = error
                    break
                score = disagreement(outputs, answer.outputs)
                if best is None or score < best[0] * 0.999:
                    best = (score, layout, mapping)
                if score < 1e-6 or time.process_time() - began > 1.5:
                    break
            if best is not None and best[0] < 1e-6:
                break
        if best is None:
            if failure is None and case.params:
                raise UsageError("its parameters have other shapes than the target's")
            raise UsageError(f"it cannot take these inputs ({failure})")
        score, oracle.layout, oracle.mapping = best
        return score

    def yours_outputs(self, case):
        outputs = case.start.copy().forward([np.array(value) for value in case.inputs])
        return [np.array(out) for out in outputs if is_floating(out)]

    def backward_values(self, case):
        """The arrays that backward names, stores or returns, by name."""
        instance = case.start.copy()
        inputs = [np.array(value) for value in case.inputs]
        instance.forward(inputs)
        before = {name: np.array(value) for name, value in walk(instance.thing)}
        with locals_of(self.subject.files, "backward") as seen:
            gradients = instance.backward([np.array(g) for g in case.upstreams], inputs)
        found = dict(seen.get("backward", {}))
        for name, value in walk(instance.thing):
            old = before.get(name)
            if old is None or np.shape(old) != np.shape(value) or not np.array_equal(old, value):
                found.setdefault(name, value)
        for place, value in enumerate(gradients.inputs):
            found.setdefault(f"grad_input[{place}]", value)
        for place, value in enumerate(gradients.params or []):
            found.setdefault(f"grad_params[{place}]", value)
        return {n: np.array(v) for n, v in found.items() if isinstance(v, np.ndarray)}

    def with_upstreams(self, case, upstreams):
        twin = copy.copy(case)
        twin.upstreams = upstreams
        return twin


def pair_outputs(yours, theirs):
    """For each of your outputs (the oracle's place, its array in your shape) or (None, None)."""
    pairs, used = [], set()
    for mine in yours:
        best = (None, None, np.inf)
        for place, other in enumerate(theirs):
            if place in used or np.size(other) != np.size(mine):
                continue
            if np.squeeze(other).shape != np.squeeze(mine).shape:
                continue
            shaped = np.reshape(other, np.shape(mine))
            gap = _gap(mine, shaped)
            if gap < best[2] or best[0] is None:
                best = (place, shaped, gap)
        if best[0] is not None:
            used.add(best[0])
        pairs.append(best[:2])
    return pairs


def _gap(mine, other):
    with np.errstate(all="ignore"):
        size = float(np.max(np.abs(other), initial=0)) + 1e-12
        gap = float(np.max(np.abs(mine - other), initial=0)) / size
    return gap if np.isfinite(gap) else 1e9


def disagreement(yours, theirs):
    """How far the outputs are apart, relative; 1e12 for outputs of other shapes."""
    if not yours:
        return 1e12
    pairs = pair_outputs(yours, theirs)
    gaps = [
        1e12 if place is None else _gap(mine, other)
        for mine, (place, other) in zip(yours, pairs, strict=True)
    ]
    return max(gaps)
