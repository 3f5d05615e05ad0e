"""Clues from the chain rule: terms that are missing, and what answers to what."""

import itertools

import numpy as np

from parity_tests.debug import operations
from parity_tests.debug.clues.evidence import Clue, ratio, same
from parity_tests.debug.structure import is_floating


def cuts(evidence):
    """Is yours the gradient with one path of the chain rule changed, in every quantity?"""
    if not evidence.same_shape or evidence.exam.traced is None:
        return
    where, place = evidence.key
    missing = evidence.right - evidence.yours
    shares = {}  # the use -> what comes through it
    for use, traced in _all_cuts(evidence):
        through = evidence.right - getattr(traced, where)[place]
        if np.any(np.abs(through) > 1e-12) and not same(through, evidence.right):
            shares[use] = through
    for use, through in shares.items():
        if same(evidence.yours, through):
            yield Clue("missing_path", 0.9, f"yours is only the path through {use}")
            return
    for (one, first), (other, second) in itertools.combinations(shares.items(), 2):
        if same(first + second, missing):
            words = f"yours = right without the paths through {one} and {other}"
            yield Clue("missing_path", 0.9, words)
            return


def changed_rules(evidence):
    """Is yours the gradient under a change of the chain rule in one place?"""
    if not evidence.same_shape or evidence.exam.traced is None:
        return
    right, yours, keys = _everything(evidence)
    for use, traced in _all_cuts(evidence):
        yield from _times(evidence, use, operations.share(_of(traced, keys), right, yours))
    true = set()  # (words, site) of rules under which nothing changes: the derivative itself
    for rule, site, traced in _all_changes(evidence):
        under = _of(traced, keys)
        if all(map(same, right, under)):
            true.add((rule.words, site.text))
        elif rule is operations.WITHOUT:
            times = operations.share(under, right, yours)
            yield from _times(evidence, f"{site.text} (line {site.line})", times)
    for rule, site, traced in _all_changes(evidence):
        if rule is not operations.WITHOUT and all(map(same, yours, _of(traced, keys))):
            yield from _rule(evidence, rule, site, true)


def _rule(evidence, rule, site, true):
    pattern = rule.words.format(site=f"{site.text} (line {site.line})")
    whole = operations.half_of(rule)
    if rule is operations.UNIT and operations.piecewise(site):
        of_one = evidence.elementwise or evidence.study.is_loss
        yield Clue("branch", 0.985 if of_one else 0.8, pattern)
    elif rule is operations.UNIT and site.literal:
        yield Clue("scale_constant", 0.98, pattern)
    if whole is not None and (whole, site.text) in true:
        yield Clue("missing_factor", 0.98, pattern)
        yield Clue(rule.cause, 0.9, pattern)
    else:
        weak = rule is operations.UNIT and site.literal
        yield Clue(rule.cause, 0.8 if weak else 0.98, pattern)


def _times(evidence, path, times):
    """A path that comes in another number of times than once."""
    if times is None or abs(times - 1) < 1e-6:
        return
    if abs(times) < 1e-6:
        # One formula has no paths to forget; and what is all zero has lost more than a path.
        weak = evidence.elementwise or not np.any(evidence.yours)
        words = f"yours = right without the path through {path}"
        yield Clue("missing_path", 0.94 if weak else 0.98, words)
        return
    if abs(times + 1) < 1e-5:
        yield Clue("sign", 0.97, f"the path through {path} has the opposite sign")
        return
    words = f"the path through {path} comes in {times:.5g} times"
    counts = {size for value in (*evidence.case.inputs, *evidence.case.params)
              for size in (value.size, *value.shape) if size > 1}  # fmt: skip
    counted = any(_near(times, count) for count in counts)
    plain = any(_near(times, number) for number in (2, 3, 4))
    root = any(_near(times**2, number) for number in (2, 3, 4, 5, 6, 8)) and not plain
    yield Clue("missing_factor", 0.953 if root else 0.62, words)
    yield Clue("scale_constant", 0.95 if plain or not counted else 0.6, words)
    yield Clue("scale_reduction", 0.3 if not counted else 0.7 if plain else 0.952, words)


def _near(value, count):
    return abs(value / count - 1) < 1e-5 or abs(value * count - 1) < 1e-5


def _everything(evidence):
    """Right and yours of every quantity that backward gives, as lists, and their keys."""
    right, yours, keys = [], [], []
    for where in ("inputs", "params"):
        for place, own in enumerate(getattr(evidence.exam.own, where)):
            mine = evidence.exam.quantity(where, place)[0]
            if own is not None and mine is not None and np.shape(mine) == np.shape(own):
                right.append(np.nan_to_num(own))
                yours.append(np.asarray(mine))
                keys.append((where, place))
    return right, yours, keys


def _of(traced, keys):
    return [getattr(traced, where)[place] for where, place in keys]


def _all_cuts(evidence):
    """Computed once for all findings of a case."""
    exam, twin = evidence.exam, evidence.study.twin
    if exam.cuts is None:
        exam.cuts = list(twin.cuts(exam.case.start.copy(), exam.case.inputs, exam.case.upstreams))
    return exam.cuts


def _all_changes(evidence):
    exam = evidence.exam
    if exam.changes is None:
        exam.changes = []
        for change in operations.altered(evidence.study.twin, exam.case):
            exam.changes.append(change)
            if evidence.study.left < 1.0:
                break
    return exam.changes


def diagonal(evidence):
    if not evidence.same_shape or evidence.derivative is None or not evidence.of_input:
        return
    true, mine = evidence.matrix, evidence.your_matrix
    if evidence.right.size != len(true) or mine is None:
        return
    off = ~np.eye(len(true), dtype=bool)
    size = np.abs(true).max()
    cross = np.abs(true[off]).max(initial=0) > 1e-4 * size
    if cross and np.abs(mine[off]).max(initial=0) <= 1e-9 * size:
        exact = same(np.diag(mine), np.diag(true))
        words = "yours is diagonal: no element answers to another one's grad_output"
        yield Clue("diagonal_jacobian", 1.0 if exact else 0.75, words)


_PAIRS = 12  # of quantities whose Jacobian is looked at


def inner_diagonal(evidence):
    """Somewhere inside: a gradient that keeps only the diagonal of one step's Jacobian."""
    study, case = evidence.study, evidence.case
    if evidence.exam.traced is None:
        return
    mine = study.backward_values(case)
    known = {n: g for n, (_, g) in evidence.inner.items() if g.ndim and g.size <= 100}
    held = {n: g for n, g in known.items() if _among(mine, g)}
    diagonal = study.twin.diagonals(case.start.copy(), case.inputs)
    pairs = [
        (early, late)
        for late, early in itertools.product(held, known)
        if early not in held and known[early].shape == held[late].shape
    ]
    for early, late in pairs[:_PAIRS]:
        step = diagonal(early, late)
        wanted = None if step is None else step * held[late]
        if wanted is not None and np.any(wanted) and not same(wanted, known[early]):
            shaped = [v for v in mine.values() if np.shape(v) == wanted.shape]
            if any(ratio(v, wanted) for v in shaped):
                words = f"at {early} only the diagonal of d {late} / d {early} is used"
                yield Clue("diagonal_jacobian", 0.98, words)
                return


def _among(values, gradient):
    return any(same(v, gradient) for v in values.values() if np.shape(v) == gradient.shape)


def coupling(evidence):
    """Along which axes do elements answer to each other: in truth, and in yours?"""
    if not evidence.same_shape or evidence.derivative is None or not evidence.of_input:
        return
    shape, mine = evidence.right.shape, evidence.your_matrix
    if evidence.shapes != [shape] or mine is None:
        return
    extra = lacking = None
    for axis in range(len(shape)):
        yours, true = _couples(mine, shape, axis), _couples(evidence.matrix, shape, axis)
        extra = axis if yours and not true else extra
        lacking = axis if true and not yours else lacking
    if extra is not None:
        words = f"yours mixes entries along axis {extra}, the forward does not"
        yield Clue("wrong_axis", 0.93, words)
    elif lacking is not None:
        words = f"the forward mixes entries along axis {lacking}, yours does not"
        yield Clue("missing_path", 0.6, words)
        yield Clue("diagonal_jacobian", 0.55, words)


def _couples(matrix, shape, axis):
    """Is some output tied to an element that differs from it along this axis?"""
    rows, columns = np.nonzero(np.abs(matrix) > 1e-7 * np.abs(matrix).max())
    places = np.arange(matrix.shape[0])
    along = np.unravel_index(places, shape)[axis]
    return bool(np.any(along[rows] != along[columns]))


def rows_of_difference(evidence):
    """The same vector in every row."""
    if not evidence.same_shape or evidence.right.ndim < 2 or evidence.right.shape[0] < 2:
        return
    gap = evidence.yours - evidence.right
    if np.any(gap) and np.allclose(gap, gap[:1], rtol=1e-4, atol=1e-9 * np.abs(gap).max()):
        yield Clue("missing_path", 0.58, "yours - right is the same in every row")


def later_in_time(evidence):
    """Right at the last step only."""
    if not evidence.same_shape or evidence.right.ndim != 3 or not evidence.of_input:
        return
    by_step = evidence.mask.any(axis=(0, 2))
    if len(by_step) > 1 and not by_step[-1] and by_step[:-1].all():
        words = "right at the last step, wrong at all earlier ones"
        yield Clue("missing_path", 0.86, words)
        yield Clue("transposed", 0.45, words)
        yield Clue("wrong_point", 0.4, words)


def nothing_from_some(evidence):
    """Zero wherever it is wrong, and that is no matter of the input's own value."""
    wrong = evidence.mask
    if not evidence.same_shape or wrong.all() or not wrong.any():
        return
    if np.all(evidence.yours[wrong] == 0) and is_floating(evidence.yours):
        yield Clue("missing_path", 0.5, "yours is zero wherever it is wrong")


TESTS = (diagonal, changed_rules, cuts, coupling, inner_diagonal, rows_of_difference, later_in_time,
         nothing_from_some)  # fmt: skip
