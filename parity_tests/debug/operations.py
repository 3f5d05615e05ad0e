"""The chain rule, changed in one place of forward, and the mistake that each change is.

A rule takes an operand, the operation's value without that operand's path, and its value; what it
gives has the same value and another derivative by that operand. If yours equals the gradients
under a rule, all of them, the mistake is found, however backward is written.
"""

import re
from dataclasses import dataclass

import numpy as np
import torch

_PIECEWISE = re.compile(r"maximum|minimum|where|clip|abs|relu|fmax|fmin", re.IGNORECASE)


@dataclass(frozen=True)
class Rule:
    """One way to get the derivative of an operation wrong."""

    cause: str
    words: str  # of {site}
    change: object  # (operand, value without its path, value) -> value
    curved: bool = False  # only for a function of one operand that is not made of pieces

    def suits(self, site, alone):
        if not self.curved:
            return True
        return alone and site.function is not None and not piecewise(site)


def _passing(operand, others, slope):
    """The value, with a slope by the operand."""
    moved = operand.tensor - operand.tensor.detach()
    if torch.broadcast_shapes(moved.shape, others.tensor.shape) != others.tensor.shape:
        raise ValueError("the operand has more elements than the value")
    return type(others)(others.tensor + slope * moved)


def _without(operand, others, value):
    return others


def _unit(operand, others, value):
    return _passing(operand, others, 1.0)


def _slope(formula):
    def rule(operand, others, value):
        return _passing(operand, others, formula(operand.tensor.detach(), value.tensor.detach()))

    return rule


def _taken(words):
    return f"the derivative of {{site}} is taken as {words}"


def _other(words, formula, cause="wrong_derivative"):
    return Rule(cause, _taken(words), _slope(formula), curved=True)


WITHOUT = Rule("missing_path", "the path through {site} is missing", _without)
UNIT = Rule("missing_factor", "the derivative of {site} is left out", _unit)
RULES = (
    WITHOUT,
    UNIT,
    _other("y", lambda x, y: y),
    _other("1 - y", lambda x, y: 1 - y),
    _other("y (1 - y)", lambda x, y: y * (1 - y)),
    _other("1 - y^2", lambda x, y: 1 - y**2),
    _other("1 / y", lambda x, y: 1 / y),
    _other("1 / x", lambda x, y: 1 / x),
    _other("1 - x^2", lambda x, y: 1 - x**2, "wrong_point"),
    _other("x (1 - x)", lambda x, y: x * (1 - x), "wrong_point"),
    _other("exp(y)", lambda x, y: torch.exp(y), "wrong_point"),
    Rule("wrong_point", _taken("the operand itself"), _slope(lambda x, y: x)),
)
# Rules that leave out a factor, where another rule's formula is the truth.
_HALF = {"y": "y (1 - y)", "1 - y": "y (1 - y)"}


def half_of(rule):
    """The words of the rule of which this one has only a factor, or None."""
    for half, whole in _HALF.items():
        if rule.words == _taken(half):
            return _taken(whole)
    return None


def altered(twin, case):
    """For each rule and place: (rule, site, the gradients under it)."""
    for rule in RULES:
        for place, site in enumerate(twin.notes.operations):
            for operand, alone in list(site.operands.items()):
                if not rule.suits(site, alone) or (rule.cause == "wrong_point" and site.literal):
                    continue
                change = ("operand", place, operand, rule.change)
                try:
                    traced = twin.changed(case.start.copy(), case.inputs, case.upstreams, change)
                except Exception:
                    continue  # the rule does not suit this operation
                yield rule, site, traced


def piecewise(site):
    return site.function is not None and bool(_PIECEWISE.search(site.function))


def share(gradients, right, yours):
    """How often a path comes into yours, given the gradients without it; None if that varies.

    Each is a list of arrays; 0 means that the path is missing, -1 that its sign is wrong.
    """
    there = [r - g for r, g in zip(right, gradients, strict=True)]
    lacking = [r - y for r, y in zip(right, yours, strict=True)]
    size = sum(float(np.sum(s * s)) for s in there)
    largest = max((float(np.max(np.abs(r), initial=0)) for r in right), default=0.0)
    if size <= (1e-9 * largest) ** 2:
        return None
    factor = sum(float(np.sum(s * m)) for s, m in zip(there, lacking, strict=True)) / size
    for s, m in zip(there, lacking, strict=True):
        if np.max(np.abs(m - factor * s), initial=0) > 2e-5 * largest:
            return None
    return 1 - factor
