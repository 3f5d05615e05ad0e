"""Probe 4: kinks and ties hit on purpose.

At a kink any value between the one-sided slopes is a convention. Along a direction in which the
forward is smooth all the same (all the tied elements move together) there is nothing to choose,
and the total gradient must be right: a maximum shared by two elements has one unit of gradient.
"""

import numpy as np

from parity_tests.debug import probes
from parity_tests.debug.failures import OwnCodeError
from parity_tests.debug.findings import Finding, plain
from parity_tests.debug.numeric import OwnFunction
from parity_tests.debug.structure import attributes, is_floating
from parity_tests.debug.study import Case
from parity_tests.debug.verdicts import where_name

_SPECIAL = [0.0, 1.0, -1.0, 0.5, -0.5, 2.0, -2.0, 3.0, -3.0]
_STEP = 1e-7
_FREE = ("normal", "positive")


def examine(study):
    """Inputs drawn from few special values, so that kinks and ties occur."""
    for words, values in _pools(study):
        for seed in (41, 42):
            if study.left < 1.0:
                return
            try:
                found = _one(study, words, values, seed)
            except OwnCodeError:
                found = False
            if found:
                return


def _pools(study):
    own = []
    for value in attributes(study.subject.pristine).values():
        if isinstance(value, (int, float, np.floating)) and not isinstance(value, bool):
            own += [float(value), -float(value)] if abs(value) < 100 else []
    yield "ties", [0.0, 1.0]
    yield "kinks", _SPECIAL
    yield "kinks", [*dict.fromkeys(own), 0.0, 6.0]


def _one(study, words, values, seed):
    rng = np.random.default_rng(seed)
    inputs = []
    for spec, value in zip(study.specs, study.main.inputs, strict=True):
        free = spec.kind in _FREE and spec.array is None and is_floating(value)
        if spec.kind == "positive":
            values = [abs(v) + 0.5 for v in values]
        inputs.append(rng.choice(values, size=value.shape) if free else np.array(value))
    if all(np.array_equal(a, b) for a, b in zip(inputs, study.main.inputs, strict=True)):
        return False
    start = study.main.start
    case = Case(start, inputs, study.main.params, study.main.upstreams, words, study.specs, seed)
    function = OwnFunction(start, inputs)
    if not np.isfinite(function.base).all() or function.base.size == 0:
        return False
    rows = your_rows(study, case, function.base.size)
    if rows is None:
        return False
    free = [p for p in probes.floating_places(case) if study.specs[p].kind in _FREE]
    for place in free:
        if _bracketed(study, case, function, rows, place, words):
            return True
        if _keeping_ties(study, case, function, rows, [place], words):
            return True
    if len(free) > 1 and _keeping_ties(study, case, function, rows, free, words):
        return True
    _conventions(study, case)
    return False


def your_rows(study, case, outputs):
    """Your gradient of each output by each input: backward of unit upstream gradients."""
    takes = study.subject_takes_upstream
    if not takes and outputs > 1:
        return None
    chosen = range(outputs) if outputs <= 24 else np.random.default_rng(1).permutation(outputs)[:24]
    instance = case.start.copy()
    shapes = [np.shape(g) for g in case.upstreams]
    given = [np.array(value) for value in case.inputs]
    instance.forward(given)
    rows = {}
    for row in chosen:
        flat = np.zeros(outputs)
        flat[row] = 1.0
        upstreams, begin = [], 0
        for shape in shapes:
            size = int(np.prod(shape))
            upstreams.append(flat[begin : begin + size].reshape(shape))
            begin += size
        if len(shapes) == 1:
            upstreams[0] = upstreams[0] + 0.0
        rows[int(row)] = instance.copy().backward(upstreams, given).inputs
    return rows


def _one_sided(function, directions):
    """Slopes of every output to the left and right, and where both exist.

    `directions`: how each of the inputs that move does, by its place.
    """
    moves = {("inputs", place): direction for place, direction in directions.items()}
    h = _STEP if function.dtype == np.longdouble else 1e-6
    here = function.base
    found = []
    for sign in (-1.0, 1.0):
        far = function.moved(moves, sign * h)
        near = function.moved(moves, sign * h / 2)
        found.append((sign * (far - here) / h, sign * (near - here) / (h / 2)))
    (left_far, left), (right_far, right) = found
    size = 1 + np.abs(left) + np.abs(right)
    exists = (np.abs(left - left_far) < 1e-3 * size) & (np.abs(right - right_far) < 1e-3 * size)
    exists &= np.isfinite(left) & np.isfinite(right)
    return left.astype(float), right.astype(float), exists


def _bracketed(study, case, function, rows, place, words):
    """Element by element: between the slopes to the left and right."""
    array = case.inputs[place]
    elements = range(array.size)
    if array.size * 4 * function.cost > 0.7:
        few = max(int(0.7 / (4 * function.cost)), 6)
        elements = np.random.default_rng(5).permutation(array.size)[:few]
    for element in elements:
        unit = np.zeros(array.size)
        unit[element] = 1
        directions = {place: unit.reshape(array.shape)}
        for mine, low, high, slack in _slopes(function, rows, directions):
            if not np.isfinite(mine):
                study.report.remark(f"{where_name('inputs', place, study)} is {mine} at {words}")
            elif not low - slack <= mine <= high + slack:
                _report(study, case, place, words, int(element), array, mine, low, high)
                return True
    return False


def _keeping_ties(study, case, function, rows, places, words):
    """Equal elements move together, those of several inputs too: there is nothing to choose."""
    arrays = [case.inputs[place] for place in places]
    values = np.unique(np.concatenate([np.ravel(array) for array in arrays]))
    moves = np.random.default_rng(6).normal(size=(4, values.size))
    for move in (*moves, np.ones(values.size)):
        directions = {
            place: move[np.searchsorted(values, array)]
            for place, array in zip(places, arrays, strict=True)
        }
        for mine, low, high, slack in _slopes(function, rows, directions):
            smooth = high - low <= slack  # else only elements are bracketed
            if smooth and np.isfinite(mine) and not low - slack <= mine <= high + slack:
                _report(study, case, places[-1], words, None, None, mine, low, high)
                return True
    return False


def _slopes(function, rows, directions):
    """For each output with a slope on either side: yours, the lower, the higher, and the slack."""
    left, right, exists = _one_sided(function, directions)
    for row, gradients in rows.items():
        parts = [(gradients[place], direction) for place, direction in directions.items()]
        if not exists[row] or any(np.shape(g) != np.shape(d) for g, d in parts):
            continue
        mine = float(sum(np.sum(g * d) for g, d in parts))
        low, high = sorted((left[row], right[row]))
        size = max(np.max(np.abs(g), initial=0) for g, _ in parts)
        yield mine, low, high, 2e-4 * (1 + size + abs(low) + abs(high))


def _report(study, case, place, words, element, array, mine, low, high):
    name = where_name("inputs", place, study)
    if element is None:
        statement = (
            f"{name}: where elements are equal the total gradient is {mine:.6g}, "
            f"it must be {low:.6g}"
        )
        pattern = "wrong only at equal elements"
    else:
        at = float(array.flat[element])
        statement = (
            f"{name}: at the kink {at:g} yours is {mine:.6g}, the slopes beside it are "
            f"{low:.6g} and {high:.6g}"
        )
        pattern = "wrong only at a kink"
    finding = Finding(name, words, statement, "tie_kink", pattern=pattern)
    index = [] if element is None else [int(i) for i in np.unravel_index(element, array.shape)]
    finding.table = [{"element": index, "yours": plain(mine), "numeric": plain(low)}]
    finding.evidence = {"kink": words, "case": case}
    study.report.findings.append(finding)
    probes.mark_wrong(study, [finding])


def _conventions(study, case):
    """Where the oracle chooses another value at a kink, say so."""
    if study.oracle is None:
        return
    try:
        outputs, yours, _ = study.yours(case)
        answer, _pairs = study.consult(case, outputs)
    except Exception:
        return
    for place, theirs in enumerate(answer.inputs):
        mine = yours.inputs[place] if place < len(yours.inputs) else None
        if mine is None or theirs is None or np.shape(mine) != np.shape(theirs):
            continue
        with np.errstate(all="ignore"):
            apart = np.abs(mine - theirs) > 1e-6 * (1 + np.abs(theirs))
        if apart.any():
            at = np.unique(np.round(case.inputs[place][apart], 6))[:4]
            name = where_name("inputs", place, study)
            values = ", ".join(f"{value:g}" for value in at)
            words = f"{name}: another convention than {study.oracle.text} at {values}"
            if not any(
                line.startswith(f"{name}: another convention") for line in study.report.conventions
            ):
                study.report.conventions.append(words)
            for quantity in study.report.quantities:
                if quantity.name == name and quantity.state == "ok":
                    quantity.state, quantity.words = "convention", words
