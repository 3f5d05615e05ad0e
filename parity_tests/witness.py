"""A witness that is not PyTorch: differences of the class's own forward, in longdouble."""

import itertools

import numpy as np

from parity_tests import oracle
from parity_tests.catalogue import Row
from parity_tests.compare import Verdict
from parity_tests.strategies import Case
from parity_tests.trial import Trial

# Steps of the central differences; the error of each is a quarter of the one before.
_STEPS = (2.0**-10, 2.0**-11, 2.0**-12)
_TOLERANCE = 1e-7
_NEGLIGIBLE = 1e-10
# As a share of the upstream gradient, what rounding may leave of terms that cancel.
_LEAST = 1e-9


def check_witness(row: Row, case: Case, dtype: str = "longdouble") -> list[Verdict]:
    """Along random directions, backward's slope is the limit of forward's differences.

    The central differences must converge at their rate (Taylor test). Where they do not, a kink
    lies within a step: then the slope must lie between the one-sided ones.
    """
    if not case.draft.differentiable:
        return [Verdict("witness", "longdouble", 0)]
    trial = Trial(row, case, "float64")
    adapter = trial.adapter(np.longdouble)
    adapter.corrected = False
    inputs = oracle.cast(trial.inputs, np.longdouble)
    params = list(adapter.params)
    rng = np.random.default_rng([case.seed, 4])

    def forward(at_inputs, at_params):
        if at_params:
            adapter.layer.params = at_params
        outputs = oracle.flatten(trial.forward(adapter, at_inputs))
        return [np.asarray(leaf) for leaf in outputs if oracle.is_floating(leaf)]

    outputs = forward(inputs, params)
    if not any(output.size for output in outputs):
        # Nothing moves. (NumPy's einsum of two empty longdouble arrays adds up stray memory.)
        return [Verdict("witness", "longdouble", 0)]
    upstream = [rng.normal(size=o.shape).astype(np.longdouble) for o in outputs]
    grad_inputs, grad_params = adapter.backward(*upstream)
    grads = [*oracle.flatten(grad_inputs), *grad_params]
    leaves = [*oracle.flatten(inputs), *params]
    directions = [
        None if grad is None else rng.normal(size=leaf.shape).astype(np.longdouble)
        for grad, leaf in zip(grads, leaves, strict=True)
    ]
    # The largest component moves by one step, so that no input moves past its neighbour.
    reach = max((np.abs(d).max(initial=0) for d in directions if d is not None), default=0)
    # What is NaN (the mean of nothing) or infinite has no slope; agreement compares it.
    if not reach or not all(np.isfinite(output).all() for output in outputs):
        return [Verdict("witness", "longdouble", 0)]
    directions = [None if d is None else d / reach for d in directions]

    def value(step):
        moved = iter(
            leaf if d is None else leaf + np.longdouble(step) * d
            for leaf, d in zip(leaves, directions, strict=True)
        )
        at_inputs = oracle.map_structure(lambda leaf: next(moved), inputs)
        at_params = [next(moved) for _ in params]
        outputs = forward(at_inputs, at_params)
        return sum(np.sum(g * o) for g, o in zip(upstream, outputs, strict=True))

    pairs = [(g, d) for g, d in zip(grads, directions, strict=True) if d is not None]
    slope = sum(np.sum(g * d) for g, d in pairs)
    least = _LEAST * sum(np.sum(np.abs(g)) for g in upstream) + np.longdouble(1e-30)
    scale = sum(np.sum(np.abs(g * d)) for g, d in pairs) + least
    here = value(0.0)
    ahead, behind = [value(s) for s in _STEPS], [value(-s) for s in _STEPS]
    central = [(a - b) / (2 * s) for a, b, s in zip(ahead, behind, _STEPS, strict=True)]
    # Richardson: the errors of order s^2, then of order s^4, drop out.
    finer = [(4 * fine - coarse) / 3 for coarse, fine in itertools.pairwise(central)]
    limit = (16 * finer[1] - finer[0]) / 15
    elements = sum(g.size for g, _ in pairs)
    error = abs(slope - limit) / scale
    one_sided = [(a - here) / s for a, s in zip(ahead, _STEPS, strict=True)]
    one_sided += [(here - b) / s for b, s in zip(behind, _STEPS, strict=True)]
    gaps = [abs(a - b) / scale for a, b in zip(one_sided[:3], one_sided[3:], strict=True)]
    # At a kink the differences may converge too, to the mean of two slopes that stay apart; near
    # one, some of the steps cross it, and the two extrapolations differ.
    apart = gaps[2] > _NEGLIGIBLE and gaps[1] < 1.5 * gaps[2]
    kinked = apart or abs(finer[1] - finer[0]) / scale > _TOLERANCE
    rate_holds = _converges([abs(c - limit) / scale for c in central]) and not kinked
    if rate_holds and error <= _TOLERANCE:
        return [Verdict("witness", "longdouble", elements)]
    margin = 4 * max(abs(one_sided[1] - one_sided[2]), abs(one_sided[4] - one_sided[5]))
    low, high = min(one_sided[2], one_sided[5]), max(one_sided[2], one_sided[5])
    if not rate_holds and low - margin <= slope <= high + margin:
        return [Verdict("witness", "longdouble", elements)]
    kink = "" if rate_holds else " (the differences do not converge: a kink is near)"
    raise AssertionError(
        f"{row.title}, longdouble, witness: backward is not the derivative of forward\n"
        f"  backward says the slope along a random direction is {slope:.12g},\n"
        f"  differences of forward say {limit:.12g}, relative error {float(error):.3g}{kink}\n"
        f"  {trial.module}, seed {case.seed}\n"
        f"  repeat: parity check {row.title} --only witness"
    )


def _converges(errors) -> bool:
    """Each halving of the step divides the error by about four, until it is negligible."""
    return all(
        fine <= _NEGLIGIBLE or 2.5 <= coarse / fine <= 6.5
        for coarse, fine in itertools.pairwise(errors)
    )
