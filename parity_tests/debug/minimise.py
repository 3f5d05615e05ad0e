"""The smallest case that still fails, and code to paste that repeats it."""

import itertools

import numpy as np

from parity_tests.debug import judges
from parity_tests.debug.failures import OwnCodeError, UsageError
from parity_tests.debug.findings import table
from parity_tests.debug.structure import is_floating
from parity_tests.debug.study import Case, differing


def smallest(study, finding):
    """Shrink the case of a finding; its table and its code are those of the smallest case."""
    exam = finding.evidence.get("exam")
    if exam is None or finding.evidence.get("variant") == "evaluation":
        return
    case = exam.case
    if case.specs and all(spec.array is None for spec in case.specs):
        case = _shrunk(study, finding, case)
    case = _rounded(study, finding, case)
    shown = _shown(study, finding, case)
    if shown is None:
        return
    yours, right, mask, exam = shown
    if np.shape(yours) == np.shape(right) and mask.any():
        finding.table = _table(finding, yours, right, mask, exam)
    finding.evidence["smallest"] = case
    finding.code = code(study, finding, case)


def _table(finding, yours, right, mask, exam):
    if exam is None:
        return table(mask, yours=yours, oracle=right)
    key = finding.evidence["quantity"]
    numeric = judges.numeric_at(exam.function, exam.case, key, mask)
    traced = None if exam.traced is None else getattr(exam.traced, key[0])[key[1]]
    return table(mask, yours=yours, autograd=traced, numeric=numeric)


def _shrunk(study, finding, case):
    specs = list(case.specs)
    least = 3 if _couples_samples(finding.evidence["exam"]) else 1
    shapes = [spec.shape for spec in specs]
    rank = max(map(len, shapes), default=0)
    for axis in range(rank):
        sizes = {shape[axis] for shape in shapes if len(shape) > axis}
        largest = max(sizes)
        for size in range(least if axis == 0 else 1, largest):
            if study.left < 0.4:
                return case
            smaller = [
                spec.reshaped((*spec.shape[:axis], size, *spec.shape[axis + 1 :]))
                if len(spec.shape) > axis and spec.shape[axis] == largest
                else spec
                for spec in specs
            ]
            trial = _trial(study, finding, smaller, case)
            if trial is not None:
                specs, case = smaller, trial
                shapes = [spec.shape for spec in specs]
                break
    return case


def _trial(study, finding, specs, case):
    try:
        trial = study.case(specs, seed=case.seed, subject=case.start.subject)
        shown = _shown(study, finding, trial)
    except (OwnCodeError, UsageError, ValueError, RuntimeError, IndexError):
        return None
    return trial if _fails_alike(finding, shown) else None


def _fails_alike(finding, shown):
    """Does it still fail, and neither by its shape alone nor, where it did, by its values alone?"""
    if shown is None or not shown[2].any():
        return False
    shaped = np.shape(finding.evidence["yours"]) == np.shape(finding.evidence["right"])
    return (np.shape(shown[0]) == np.shape(shown[1])) == shaped


def _couples_samples(exam):
    """Does an output of one sample depend on another sample?"""
    for where, place, value in judges.floating(exam.case):
        if where != "inputs" or not exam.outputs:
            continue
        derivative = exam.own.jacobian(where, place)
        out = exam.outputs[0]
        batch = value.shape[0] if value.ndim else 0
        if batch < 2 or np.ndim(out) == 0 or out.shape[0] != batch:
            continue
        matrix = np.nan_to_num(derivative.matrix[: out.size])
        blocks = matrix.reshape(batch, -1, batch, value.size // batch)
        cross = [
            np.abs(blocks[a, :, b]).max(initial=0)
            for a, b in itertools.permutations(range(batch), 2)
        ]
        if max(cross) > 1e-9:
            return True
    return False


def _rounded(study, finding, case):
    """Numbers of one or two digits, if they fail too."""
    if case.specs and any(spec.array is not None for spec in case.specs):
        return case
    single = all(np.size(g) == 1 for g in case.upstreams)
    for digits in (1, 2):
        inputs = [np.round(v, digits) if is_floating(v) else v for v in case.inputs]
        if any(spec.kind in ("probs", "logprob") for spec in case.specs):
            inputs = case.inputs
        start = case.start.copy()
        params = [np.round(p, digits) if is_floating(p) else p for p in case.params]
        if params:
            start.set_params(params)
        upstreams = [np.ones_like(g) if single else np.round(g, digits) for g in case.upstreams]
        trial = Case(start, inputs, params, upstreams, case.words, case.specs, case.seed)
        try:
            shown = _shown(study, finding, trial)
        except (OwnCodeError, UsageError, ValueError, RuntimeError, IndexError):
            continue
        if _fails_alike(finding, shown):
            return trial
    return case


def _shown(study, finding, case):
    """(yours, what it must be, mask, exam) of the finding's quantity in a case, or None."""
    kept = study.oracle
    study.oracle = finding.evidence.get("oracle", kept)
    try:
        if finding.where == "forward":
            outputs = study.yours_outputs(case)
            _, pairs = study.consult(case, outputs)
            place = finding.evidence["output"]
            if pairs[place][0] is None:
                return None
            mask = differing(outputs[place], pairs[place][1])
            return outputs[place], pairs[place][1], mask, None
        exam = study.examine(case, seconds=0.5, oracle=False)
    finally:
        study.oracle = kept
    where, place = finding.evidence["quantity"]
    yours, own, _, _ = exam.quantity(where, place)
    known = exam.own.known.get((where, place))
    return yours, own, differing(yours, own, known, exam.own.error), exam


def code(study, finding, case):
    """Python to paste: it builds the target and repeats the failing call."""
    session = study.session
    if session.module is None:
        return None
    lines = [
        "import numpy as np",
        "from parity_tests.debug import build",
        "",
        f"target = build({f'{session.path}:{case.start.subject.expression}'!r})",
    ]
    for place, param in enumerate(case.params):
        lines.append(f"target.params[{place}][...] = {_literal(param)}")
    names = []
    for place, value in enumerate(case.inputs):
        names.append("x" if len(case.inputs) == 1 else f"x{place}")
        lines.append(f"{names[-1]} = {_literal(value)}")
    _, most, _ = case.start.subject.forward_arity
    packed = len(names) > 1 and most == 1
    given = f"({', '.join(names)})" if packed else ", ".join(names)
    name = case.start.subject.forward_name
    lines.append(f"output = target.{name}({given})")
    if finding.where != "forward":
        arguments, upstream = [], iter(case.upstreams)
        for role in case.start.plan(len(case.upstreams), case.inputs):
            if role == "upstream":
                g = next(upstream, None)
                lines.append(f"g{len(arguments) or ''} = {_literal(g)}")
                arguments.append(f"g{len(arguments) or ''}")
            elif role == "all":
                arguments.append(f"({', '.join(_literal(g) for g in case.upstreams)},)")
            elif role == "rate":
                arguments.append("1.0")
            else:
                arguments.append(names[role])
        lines.append(f"print(target.backward({', '.join(arguments)}))")
        if finding.table:
            row = finding.table[0]
            right = row.get("numeric") if row.get("numeric") is not None else row["autograd"]
            words = f"{finding.where}{row['element'] or ''}"
            lines.append(f"# {words} is {_short(row['yours'])}; it must be {_short(right)}")
    else:
        lines.append("print(output)")
        if finding.table:
            row = finding.table[0]
            yours, right = _short(row["yours"]), _short(row["oracle"])
            lines.append(f"# output{row['element'] or ''} is {yours}; the oracle's is {right}")
    return "\n".join(lines)


def _short(value):
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _literal(value):
    value = np.asarray(value)
    if value.ndim == 0:
        return repr(value.item())
    text = np.array2string(
        value, separator=", ", threshold=10**6, max_line_width=10**6, floatmode="unique"
    )
    text = " ".join(text.split())
    dtype = ", dtype=bool" if value.dtype == bool else ""
    if value.dtype.kind == "f" and value.dtype != np.float64:
        dtype = f", dtype=np.{value.dtype}"
    shape = "" if value.size else f".reshape({value.shape})"
    return f"np.array({text}{dtype}){shape}"
