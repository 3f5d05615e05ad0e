"""Clues from shapes and order: transposes, flips, sums over axes."""

import itertools

import numpy as np

from parity_tests.debug.clues.evidence import Clue, same


def shape(evidence):
    if evidence.yours is None or evidence.same_shape:
        return
    yours, right = evidence.yours, np.shape(evidence.right)
    mine = np.shape(yours)
    if sorted(mine) == sorted(right) and mine != right:
        orders = itertools.permutations(range(len(mine)))
        if any(same(yours.transpose(axes), evidence.right) for axes in orders):
            yield Clue("transposed", 1.0, "equal after a transpose")
            return
        yield Clue("transposed", 0.8, f"shape {mine} where {right} is needed")
        yield Clue("wrong_axis", 0.6, "")
        return
    if yours.size > evidence.right.size:
        for axes in _subsets(yours.ndim):
            total = yours.sum(axis=axes)
            if total.size == evidence.right.size and same(total.reshape(right), evidence.right):
                yield Clue("not_summed", 1.0, f"right once it is summed over axis {axes}")
                return
        yield Clue("not_summed", 0.7, f"shape {mine} where {right} is needed")
        yield Clue("wrong_axis", 0.65, "")
        return
    if yours.size == evidence.right.size and same(yours.reshape(right), evidence.right):
        yield Clue("not_summed", 0.6, f"the values are right, the shape is {mine}")
        yield Clue("wrong_axis", 0.55, "an axis of size one is kept or dropped")
        return
    yield Clue("wrong_axis", 0.8, f"shape {mine} where {right} is needed")
    yield Clue("geometry", 0.4, "")


def reordered(evidence):
    """The right values in another order: a transpose, a flip, another order of reading."""
    if not evidence.same_shape or not np.any(evidence.right):
        return
    yours, right = evidence.yours, evidence.right
    if not same(np.sort(yours, axis=None), np.sort(right, axis=None)) or same(yours, right):
        return
    for axes in _subsets(right.ndim):
        if same(np.flip(yours, axes), right):
            words = f"equal after a flip along axis {axes[0] if len(axes) == 1 else axes}"
            yield Clue("geometry", 0.97, words)
            yield Clue("wrong_point", 0.5, "")
            return
    yield Clue("transposed", 0.9, "the right values, in another order")
    yield Clue("geometry", 0.6, "")
    yield Clue("wrong_axis", 0.5, "")


def transposition(evidence):
    if not evidence.same_shape:
        return
    right = evidence.right
    for one, other in itertools.combinations(range(right.ndim), 2):
        square = right.shape[one] == right.shape[other] > 1
        if square and same(np.swapaxes(evidence.yours, one, other), right):
            yield Clue("transposed", 1.0, "equal after a transpose")
            break
    for place, param in enumerate(evidence.case.params):
        yield from _of_param(evidence, place, param)


def moved_only(evidence):
    """A forward that only moves, copies or adds elements up has no derivative to be wrong."""
    if not evidence.same_shape or not evidence.of_input or evidence.elementwise:
        return
    matrix = evidence.matrix
    if evidence.derivative is None or not np.isin(np.round(matrix, 9), (0.0, 1.0)).all():
        return
    upstream = np.concatenate([np.ravel(g) for g in evidence.case.upstreams])
    turned = matrix.shape[0] == matrix.shape[1] and matrix @ upstream
    if turned is not False and same(turned.reshape(evidence.right.shape), evidence.yours):
        yield Clue("transposed", 0.97, "yours is the Jacobian times grad_output, not its transpose")
        return
    words = "every entry of the Jacobian is 0 or 1: elements only move"
    yield Clue("geometry", 0.7, words)
    yield Clue("wrong_axis", 0.5, "")


def _of_param(evidence, place, param):
    """Is yours right for a parameter that is transposed or flipped for backward alone?"""
    for axes in _turns(param) if evidence.takes else ():
        found = evidence.with_param(place, np.swapaxes(param, *axes))
        if found is not None and same(found, evidence.right):
            words = f"params[{place}] is transposed"
            if param.ndim > 2:
                words = f"axes {axes} of params[{place}] swap"
            yield Clue("transposed", 0.97, f"equal if {words}")
            break
    for axes in _flips(param):
        found = evidence.with_param(place, np.flip(param, axes))
        if found is not None and same(found, evidence.right):
            yield Clue("geometry", 0.97, f"equal if params[{place}] is flipped along axes {axes}")
            break


def _turns(param):
    """Pairs of axes of equal size."""
    pairs = itertools.combinations(range(param.ndim), 2)
    return [(a, b) for a, b in pairs if param.shape[a] == param.shape[b] > 1]


def _flips(param):
    """Pairs (or single ones) of axes along which a kernel may have been flipped."""
    if param.ndim < 3:
        return
    pairs = itertools.combinations(range(param.ndim), 2)
    yield from (pair for pair in pairs if param.shape[pair[0]] == param.shape[pair[1]] > 1)
    yield from ((axis,) for axis in range(param.ndim) if param.shape[axis] > 1)


def _subsets(rank):
    for count in range(1, rank + 1):
        yield from itertools.combinations(range(rank), count)


def one_end_only(evidence):
    """Is yours the gradient of only the last (first) sample, step or position?"""
    if not evidence.same_shape or evidence.derivative is None or len(evidence.shapes) != 1:
        return
    output = evidence.shapes[0]
    if evidence.key[0] == "params" or not evidence.takes:
        for axes, end in itertools.product(_subsets(len(output)), (-1, 0)):
            mask = np.zeros(output)
            index = [slice(None)] * len(output)
            for axis in axes:
                index[axis] = end
            mask[tuple(index)] = 1
            partial = evidence.true_gradient([evidence.case.upstreams[0] * mask])
            if same(partial, evidence.yours) and not same(partial, evidence.right):
                words = f"only the {'last' if end else 'first'} entry of axis {axes} counts"
                yield Clue("overwrite_not_accumulate", 0.97, words)
                return
    counts = evidence.contributions()
    if counts is None:
        return
    many, wrong = counts > 1, evidence.mask
    if wrong.any() and not (wrong & ~many).any() and (~many).any():
        if float((wrong & many).sum()) / max(int(many.sum()), 1) > 0.5:
            words = "right where one output contributes, wrong where several do"
            yield Clue("overwrite_not_accumulate", 0.78, words)


TESTS = (shape, reordered, transposition, moved_only, one_end_only)
