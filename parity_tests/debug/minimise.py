"""The smallest case that still fails, and code to paste that repeats it."""

import itertools

import numpy as np

from parity_tests.debug.failures import OwnCodeError, UsageError
from parity_tests.debug.structure import is_floating
from parity_tests.debug.study import Case
from parity_tests.debug.verdicts import table


def smallest(study, finding):
    """Shrink the case of a finding; its table and its code are those of the smallest case."""
    exam = finding.evidence.get("exam")
    if exam is None or finding.evidence.get("variant") == "evaluation":
        return
    case = exam.case
    if case.specs and all(spec.array is None for spec in case.specs):
        case = _shrunk(study, finding, case)
    case = _rounded(study, finding, case)
    shown = _mask(study, finding, case)
    if shown is None:
        return
    yours, numeric, judge, mask = shown
    if np.shape(yours) == np.shape(numeric) and mask.any():
        finding.table = table(yours, numeric, judge, mask)
    finding.evidence["smallest"] = case
    finding.code = code(study, finding, case)


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
        shown = _mask(study, finding, trial)
    except (OwnCodeError, UsageError, ValueError, RuntimeError, IndexError):
        return None
    return trial if shown is not None and shown[3].any() else None


def _couples_samples(exam):
    """Does an output of one sample depend on another sample?"""
    for (where, place), derivative in exam.own.jacobians.items():
        if where != "inputs" or not exam.outputs:
            continue
        value, out = exam.case.inputs[place], exam.outputs[0]
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
    for digits in (1, 2):
        inputs = [np.round(v, digits) if is_floating(v) else v for v in case.inputs]
        if any(spec.kind in ("probs", "logprob") for spec in case.specs):
            inputs = case.inputs
        start = case.start.copy()
        params = [np.round(p, digits) if is_floating(p) else p for p in case.params]
        if params:
            start.set_params(params)
        upstreams = [np.round(g, digits) for g in case.upstreams]
        trial = Case(start, inputs, params, upstreams, case.words, case.specs, case.seed)
        try:
            shown = _mask(study, finding, trial)
        except (OwnCodeError, UsageError, ValueError, RuntimeError, IndexError):
            continue
        if shown is not None and shown[3].any():
            return trial
    return case


def _mask(study, finding, case):
    """(yours, numeric, autograd's or the oracle's, mask) of the finding's quantity in a case."""
    from parity_tests.debug import verdicts

    kept = study.oracle
    study.oracle = finding.evidence.get("oracle", kept)
    try:
        if finding.where == "forward":
            outputs = study.yours_outputs(case)
            _, pairs = study.consult(case, outputs)
            place = finding.evidence["output"]
            if pairs[place][0] is None:
                return None
            mask = verdicts.differing(outputs[place], pairs[place][1])
            return outputs[place], pairs[place][1], pairs[place][1], mask
        exam = study.examine(case, seconds=0.5, oracle=False)
    finally:
        study.oracle = kept
    where, place = finding.evidence["quantity"]
    yours, own, traced, _ = exam.quantity(where, place)
    known = exam.own.known.get((where, place))
    return yours, own, traced, verdicts.differing(yours, own, known, exam.own.error)


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
            index, yours, judge, numeric = finding.table[0]
            words = f"{finding.where}{index if index else ''}"
            lines.append(f"# {words} is {_short(yours)}; it must be {_short(numeric)}")
    else:
        lines.append("print(output)")
        if finding.table:
            index, yours, judge, numeric = finding.table[0]
            right = judge if judge is not None else numeric
            lines.append(f"# output{index} is {_short(yours)}; the oracle's is {_short(right)}")
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
