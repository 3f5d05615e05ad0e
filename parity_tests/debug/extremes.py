"""Probes 7 and 8: float32, and magnitudes up to several thousand."""

import numpy as np

from parity_tests.debug import probes
from parity_tests.debug.failures import OwnCodeError
from parity_tests.debug.findings import Finding
from parity_tests.debug.structure import is_floating, with_dtype
from parity_tests.debug.subject import Instance
from parity_tests.debug.verdicts import where_name

_SCALES = (30.0, 300.0, 4000.0)


def examine(study):
    dtypes(study)
    if not study.report.findings:
        magnitudes(study)


def dtypes(study):
    """float64 in must not be rounded on the way; float32 in should stay float32."""
    exam = study.base_exam
    narrow = [out.dtype for out in exam.outputs if out.dtype in (np.float32, np.float16)]
    for where in ("inputs", "params"):
        for place, gradient in enumerate(getattr(exam.yours, where) or []):
            if gradient is None or gradient.dtype not in (np.float32, np.float16):
                continue
            name = where_name(where, place, study)
            words = f"{name}: float64 inputs give a gradient of {gradient.dtype}"
            if narrow:
                study.report.remark(words)
                continue
            finding = Finding(name, "dtype", words, "dtype")
            finding.pattern = "the values are rounded to fewer digits than the input has"
            study.report.findings.append(finding)
            probes.mark_wrong(study, [finding])
    if narrow:
        study.report.remark(f"forward: float64 inputs give an output of {narrow[0]}")
    if study.report.findings:
        return
    single(study)


def single(study):
    case = study.main
    start = Instance(case.start.subject, with_dtype(case.start.thing, np.float32))
    inputs = [_as(value, np.float32) for value in case.inputs]
    try:
        instance = start.copy()
        outputs = [np.array(out) for out in instance.forward(inputs) if is_floating(out)]
        gradients = instance.backward([_as(g, np.float32) for g in case.upstreams], inputs)
    except OwnCodeError as error:
        if not error.refuses:
            study.report.remark(f"with float32 arrays: {error} ({error.place})")
        return
    for out in outputs:
        if out.dtype != np.float32:
            study.report.remark(f"forward: float32 inputs give an output of {out.dtype}")
    exam = study.base_exam
    for where in ("inputs", "params"):
        mine = getattr(gradients, where) or []
        wide = getattr(exam.yours, where) or []
        for place, (gradient, right) in enumerate(zip(mine, wide, strict=False)):
            if gradient is None or right is None or np.shape(gradient) != np.shape(right):
                continue
            name = where_name(where, place, study)
            if np.asarray(gradient).dtype != np.float32:
                study.report.remark(f"{name}: float32 inputs give {np.asarray(gradient).dtype}")
            size = float(np.max(np.abs(right), initial=0)) + 1e-6
            with np.errstate(all="ignore"):
                apart = float(np.max(np.abs(gradient - right), initial=0))
            if not apart <= 5e-2 * size:
                words = f"{name}: float32 inputs give other values than float64 ones"
                study.report.findings.append(Finding(name, "float32", words, "dtype"))
                probes.mark_wrong(study, study.report.findings[-1:])
                return


def _as(value, dtype):
    return np.asarray(value, dtype) if is_floating(value) else np.array(value)


def magnitudes(study):
    """Values of some thousands: where a wider range of exponents is finite, so must yours be."""
    if not any(spec.kind == "normal" and spec.array is None for spec in study.specs):
        return
    for scale in _SCALES:
        if study.left < 0.5:
            return
        for seed in (51, 52):
            try:
                found = _magnitude(study, scale, seed)
            except OwnCodeError as error:
                study.report.remark(f"with values near {scale:g}: {error} ({error.place})")
                return
            if found:
                return


def _magnitude(study, scale, seed):
    case = study.case(study.specs, seed=seed)
    start = study.main.start
    inputs = [
        value * scale if spec.kind == "normal" and spec.array is None else value
        for value, spec in zip(case.inputs, study.specs, strict=True)
    ]
    outputs, gradients, heard = _both(start, inputs, study.main.upstreams)
    wide_outputs, wide_gradients = _wide(start, inputs, study.main.upstreams)
    theirs = None
    if wide_outputs is None and study.oracle is not None:
        theirs = _oracle(study, inputs)
    forward_bad = gradient_bad = None
    for place, out in enumerate(outputs):
        right = wide_outputs[place] if wide_outputs else theirs[0][place] if theirs else None
        if _overflowed(out, right):
            forward_bad = place
    for key, value in gradients.items():
        right = (
            wide_gradients.get(key) if wide_gradients else theirs[1].get(key) if theirs else None
        )
        if _overflowed(value, right):
            gradient_bad = gradient_bad or key
    if forward_bad is None and gradient_bad is None:
        if heard:
            study.report.remark(
                f"with values near {scale:g} NumPy warns ({heard[0]}); the values are right"
            )
        return False
    infinite = forward_bad is not None and not np.isnan(outputs[forward_bad]).any()
    explicit = study.oracle is not None and not study.oracle.guessed
    overflowed = any("overflow" in words for words in heard)
    if infinite and gradient_bad is None and study.is_loss and not (explicit or overflowed):
        study.report.remark(
            f"with values near {scale:g} the loss is infinite; its gradient is right"
        )
        return False
    if study.is_loss and not explicit and any("zero encountered in log" in w for w in heard):
        study.report.remark(
            f"with values near {scale:g} a probability becomes 0 and its logarithm infinite"
        )
        return False
    name = "forward" if forward_bad is not None else where_name(*gradient_bad, study)
    bad = outputs[forward_bad] if forward_bad is not None else gradients[gradient_bad]
    kind = "NaN" if np.isnan(bad).any() else "infinite" if np.isinf(bad).any() else "wrong"
    finding = Finding(name, "magnitude", f"{name}: {kind} for inputs near {scale:g}", "overflow")
    finding.pattern = f"right for small inputs, {kind} for large ones"
    finding.evidence = {"scale": scale}
    study.report.findings.append(finding)
    probes.mark_wrong(study, [finding])
    return True


def _both(start, inputs, upstreams):
    instance = start.copy()
    given = [np.array(value) for value in inputs]
    outputs = [np.array(out) for out in instance.forward(given) if is_floating(out)]
    heard = list(instance.warnings)
    upstreams = [np.array(g).reshape(o.shape) for g, o in zip(upstreams, outputs, strict=True)]
    found = _keyed(instance.backward(upstreams, given))
    return outputs, found, heard + instance.warnings


def _wide(start, inputs, upstreams):
    """The same in longdouble, whose exponents reach 1e4932; None where it is not kept."""
    instance = Instance(start.subject, with_dtype(start.thing, np.longdouble))
    given = [_as(value, np.longdouble) for value in inputs]
    try:
        outputs = [np.array(out) for out in instance.forward(given) if is_floating(out)]
        if any(out.dtype != np.longdouble for out in outputs):
            return None, None
        wide = [np.asarray(g, np.longdouble) for g in upstreams]
        found = _keyed(instance.backward(wide, given))
    except OwnCodeError:
        return None, None
    return outputs, {k: v for k, v in found.items() if v.dtype == np.longdouble}


def _oracle(study, inputs):
    from parity_tests.debug.study import Case

    case = Case(study.main.start, inputs, study.main.params, study.main.upstreams)
    try:
        outputs = study.yours_outputs(case)
        answer, pairs = study.consult(case, outputs)
    except Exception:
        return None
    gradients = {("inputs", i): g for i, g in enumerate(answer.inputs) if g is not None}
    gradients |= {("params", i): g for i, g in enumerate(answer.params) if g is not None}
    return [other for _, other in pairs], gradients


def _keyed(gradients):
    return {
        (where, place): np.array(value)
        for where in ("inputs", "params")
        for place, value in enumerate(getattr(gradients, where) or [])
        if value is not None
    }


def _overflowed(mine, right):
    """Not finite, or quite wrong, where a finite value fits."""
    if right is None:
        return bool(np.isnan(mine).any())
    if np.shape(mine) != np.shape(right):
        return False
    with np.errstate(all="ignore"):
        fits = np.isfinite(right) & (np.abs(right) < 1e300)
        bad = fits & ~np.isfinite(mine)
    return bool(bad.any())
