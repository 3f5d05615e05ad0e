"""One wrong gradient under the lens: the questions that the clues ask of it."""

import functools
from dataclasses import dataclass

import numpy as np

from parity_tests.debug.failures import OwnCodeError, UsageError


@dataclass
class Clue:
    """A likely cause, how strongly it is suggested, and the pattern that suggests it."""

    cause: str
    strength: float
    pattern: str


def same(a, b, rtol=2e-5):
    """Equal up to rounding, as whole arrays: enough to name the cause of what is wrong."""
    a, b = np.asarray(a, dtype=float), np.asarray(b, dtype=float)
    if a.shape != b.shape or a.size == 0:
        return False
    size = max(float(np.max(np.abs(b))), 1e-12)
    with np.errstate(all="ignore"):
        return bool(np.all(np.abs(a - b) <= rtol * size))


def ratio(yours, right):
    """The one factor between both arrays, or None."""
    size = float(np.sum(right * right))
    if size == 0:
        return None
    factor = float(np.sum(yours * right) / size)
    gap = np.max(np.abs(yours - factor * right), initial=0)
    return factor if gap <= 1e-4 * np.max(np.abs(right), initial=0) else None


class Evidence:
    """Yours, what it should be, and how both answer to other cases."""

    def __init__(self, study, finding, steps=()):
        self.study, self.finding, self.steps = study, finding, steps
        data = finding.evidence
        self.exam, self.key = data["exam"], data["quantity"]
        self.case = self.exam.case
        self.yours = None if data["yours"] is None else np.asarray(data["yours"])
        self.right = np.where(np.isnan(data["right"]), 0, data["right"])
        self.mask = data["mask"]
        self.shapes = [np.shape(g) for g in self.case.upstreams]
        self.takes = self.case.start.takes_upstream
        self.inner = self.exam.traced.inner if self.exam.traced is not None else {}

    @functools.cached_property
    def derivative(self):
        """The derivatives of every output of forward, (outputs, elements)."""
        return self.exam.own.jacobian(*self.key)

    @functools.cached_property
    def matrix(self):
        return np.nan_to_num(self.derivative.matrix)

    @property
    def of_input(self):
        return self.key[0] == "inputs"

    @property
    def same_shape(self):
        return self.yours is not None and np.shape(self.yours) == np.shape(self.right)

    @functools.cached_property
    def elementwise(self):
        """Does every output depend on one element alone?"""
        if self.derivative is None or not self.of_input:
            return False
        matrix = self.matrix
        if matrix.shape[0] != matrix.shape[1] or len(matrix) < 2:
            return False
        off = matrix - np.diag(np.diag(matrix))
        return bool(np.abs(off).max() <= 1e-9 * max(np.abs(matrix).max(), 1e-12))

    # --- other questions to the target ---

    def other_exams(self):
        """The same in two other cases."""
        case = self.case
        for seed in (95, 96):
            try:
                other = self.study.case(case.specs, seed=seed, subject=case.start.subject)
                yield self.study.examine(other, seconds=0.4, oracle=False)
            except (OwnCodeError, UsageError):
                continue

    def elsewhere(self, specs, seed, subject=None):
        """(yours, the right one) in another case, where that is known; None if it cannot be."""
        try:
            case = self.study.case(specs, seed=seed, subject=subject)
            exam = self.study.examine(case, seconds=0.4, oracle=False)
        except Exception:
            return None
        yours, own, _, _ = exam.quantity(*self.key)
        if yours is None or np.shape(yours) != np.shape(own):
            return None
        known = ~np.isnan(own)
        return (yours, own) if known.all() else (yours[known], own[known])

    def your_gradient(self, upstreams):
        try:
            _, yours, _ = self.study.yours(self.study.with_upstreams(self.case, upstreams))
        except Exception:
            return None
        found = getattr(yours, self.key[0]) or []
        return found[self.key[1]] if self.key[1] < len(found) else None

    def true_gradient(self, upstreams):
        flat = np.concatenate([np.ravel(g) for g in upstreams])
        with np.errstate(all="ignore"):
            return (flat @ self.matrix).reshape(np.shape(self.right))

    def other_upstreams(self, seed=5):
        rng = np.random.default_rng(seed)
        return [rng.normal(size=shape) for shape in self.shapes]

    @functools.cached_property
    def your_matrix(self):
        """Your gradient as a linear map of the upstream gradient, (outputs, elements)."""
        total = int(sum(np.prod(shape) for shape in self.shapes))
        if not self.takes or total > 64:
            return None
        rows = []
        for row in range(total):
            flat = np.zeros(total)
            flat[row] = 1
            upstreams, begin = [], 0
            for shape in self.shapes:
                size = int(np.prod(shape))
                upstreams.append(flat[begin : begin + size].reshape(shape))
                begin += size
            found = self.your_gradient(upstreams)
            if found is None or np.shape(found) != np.shape(self.right):
                return None
            rows.append(np.ravel(found))
        return np.array(rows, dtype=float)

    def with_param(self, place, value):
        """Your backward after its forward, with one parameter exchanged for it alone."""
        instance = self.case.start.copy()
        inputs = [np.array(v) for v in self.case.inputs]
        try:
            instance.forward(inputs)
            values = [np.array(p) for p in instance.params]
            values[place] = value
            instance.set_params(values)
            found = instance.backward([np.array(g) for g in self.case.upstreams], inputs)
        except Exception:
            return None
        parts = getattr(found, self.key[0]) or []
        return parts[self.key[1]] if self.key[1] < len(parts) else None

    def contributions(self):
        """How many places of the output each element reaches (channels count once)."""
        shape = self.shapes[0]
        if not shape or self.derivative is None:
            return None
        matrix = np.abs(self.matrix) > 1e-12
        matrix = matrix.reshape(-1, shape[-1], self.right.size).any(axis=1)
        return matrix.sum(axis=0).reshape(self.right.shape)
