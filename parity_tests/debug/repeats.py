"""Probes 5 and 6: calls that follow one another, and arrays changed in place."""

import re

import numpy as np

from parity_tests.debug import probes, specs
from parity_tests.debug.failures import OwnCodeError
from parity_tests.debug.findings import Finding, table
from parity_tests.debug.numeric import OwnFunction, jacobian
from parity_tests.debug.structure import attributes, is_floating, walk
from parity_tests.debug.study import differing
from parity_tests.debug.verdicts import where_name

_IN_PLACE = re.compile(r"in_?place", re.IGNORECASE)


def changes_its_arguments(study):
    """Does forward change its input or the parameters? Then it is not a function of them."""
    case = study.main
    instance = case.start.copy()
    inputs = [np.array(value) for value in case.inputs]
    instance.forward(inputs)
    asked = any(_IN_PLACE.search(n) and v is True for n, v in attributes(instance.thing).items())
    if asked and not _unchanged(inputs, case.inputs):
        study.report.remark("forward changes its input in place, as it was asked to")
    else:
        _changed(study, inputs, case.inputs, "forward", "forward changes its input in place")
    _changed(study, instance.params, case.params, "params", "forward changes the parameters")
    return bool(study.report.findings)


def changes_other_arrays(study):
    """Does backward, or a later call, change an array that the caller holds?"""
    case = study.main
    instance = case.start.copy()
    inputs = [np.array(value) for value in case.inputs]
    upstreams = [np.array(g) for g in case.upstreams]
    rate = "rate" in instance.plan(len(upstreams), inputs)
    instance.forward(inputs)
    given = [np.array(value) for value in inputs]
    held = [out for out in instance.raw_outputs if isinstance(out, np.ndarray)]
    kept = [np.array(out) for out in held]
    gradients = instance.backward(upstreams, inputs)
    _changed(study, inputs, given, "grad_input", "backward changes forward's input in place")
    _changed(
        study,
        upstreams,
        case.upstreams,
        "grad_input",
        "backward changes its upstream gradient in place",
    )
    if not rate:
        _changed(study, instance.params, case.params, "params", "backward changes the parameters")
    _changed(study, held, kept, "forward", "backward changes the output that forward returned")
    if study.report.findings:
        return
    grads = [g for g in (*gradients.inputs, *(gradients.params or [])) if g is not None]
    copies = [np.array(g) for g in grads]
    other = study.case(study.specs, seed=31)
    instance.forward([np.array(value) for value in other.inputs])
    _changed(study, held, kept, "forward", "a later forward changes an earlier output")
    if study.report.findings:
        return
    instance.backward([np.array(g) for g in other.upstreams], other.inputs)
    if any(not np.array_equal(a, b, equal_nan=True) for a, b in zip(grads, copies, strict=True)):
        study.report.remark("a later backward overwrites the arrays that an earlier one returned")


def _unchanged(now, before):
    return all(
        np.array_equal(mine, old, equal_nan=True) for mine, old in zip(now, before, strict=False)
    )


def _changed(study, now, before, where, words):
    if not _unchanged(now, before):
        finding = Finding(where, "in place", words, cause="aliasing_mutation")
        finding.pattern = "an array that belongs to the caller has other values afterwards"
        finding.evidence = {"mutation": words}
        study.report.findings.append(finding)


def examine(study):
    """Is the second call's answer that of a fresh object?"""
    backward_twice(study)
    if study.report.findings:
        return
    batch = study.specs[0].shape[0] if study.specs and study.specs[0].shape else 0
    variants = [("a second call", study.specs)]
    if batch > 2:
        smaller = specs.with_batch(study.specs, batch - 1)
        variants += [("a second call with a smaller batch", smaller)] if smaller else []
    if batch > 1:
        larger = specs.with_batch(study.specs, batch + 1)
        variants += [("a second call with a larger batch", larger)] if larger else []
    for words, chosen in variants:
        for between in (True, False):
            if study.left < 0.5:
                return
            label = words if between else words.replace("call", "forward")
            _second(study, label, chosen, between)
            if study.report.findings:
                return


def backward_twice(study):
    case = study.main
    instance = case.start.copy()
    inputs = [np.array(value) for value in case.inputs]
    instance.forward(inputs)
    if "rate" in instance.plan(len(case.upstreams), inputs):
        return
    stored = [(v, np.array(v)) for _, v in walk(instance.thing) if isinstance(v, np.ndarray)]
    first = _flat(instance.backward([np.array(g) for g in case.upstreams], inputs), copy=True)
    spoilt = any(not np.array_equal(now, old, equal_nan=True) for now, old in stored)
    try:
        second = _flat(instance.backward([np.array(g) for g in case.upstreams], inputs), copy=True)
    except OwnCodeError:
        study.report.remark("backward cannot be called twice after one forward")
        return
    for key, value in first.items():
        again = second.get(key)
        if again is None or not differing(again, value).any():
            continue
        doubled = np.shape(again) == np.shape(value) and np.allclose(again, 2 * value, rtol=1e-6)
        _report(
            study,
            key,
            again,
            value,
            "backward twice",
            "accumulates_across_calls"
            if doubled
            else "aliasing_mutation"
            if spoilt
            else "stale_cache",
            "a second backward gives another gradient" + (", twice the first" if doubled else ""),
            {"doubled": doubled, "twice": True},
        )
        return


def _second(study, words, chosen, between):
    first, second = study.main, study.case(chosen, seed=32)
    second.start, second.params = first.start, first.params
    fresh_outputs, fresh, _ = study.yours(second)
    instance = first.start.copy()
    try:
        instance.forward([np.array(value) for value in first.inputs])
        earlier = {}
        if between:
            given = [np.array(g) for g in first.upstreams]
            earlier = _flat(instance.backward(given, first.inputs), copy=True)
        if "rate" in instance.plan(len(first.upstreams), first.inputs):
            return
        state = instance.copy()
        inputs = [np.array(value) for value in second.inputs]
        outputs = [np.array(out) for out in instance.forward(inputs) if is_floating(out)]
        shapes_agree = all(
            np.shape(g) == np.shape(out) for g, out in zip(second.upstreams, outputs, strict=True)
        )
        gradients = (
            _flat(instance.backward([np.array(g) for g in second.upstreams], inputs), copy=True)
            if shapes_agree
            else {}
        )
    except OwnCodeError as error:
        if error.refuses:
            return
        where = "forward" if error.stage == "forward" else "grad_input"
        finding = Finding(
            where, words, f"{words} fails: {error} ({error.place}: {error.code})", "stale_cache"
        )
        finding.also_possible = ["exception"]
        finding.evidence = {"error": error}
        study.report.findings.append(finding)
        probes.mark_wrong(study, [finding])
        return
    changed = [
        differing(mine, right).any() for mine, right in zip(outputs, fresh_outputs, strict=True)
    ]
    if any(changed) and _frozen(study, first, second, fresh_outputs):
        finding = Finding(
            "forward", words, f"{words} of forward still depends on the first", "stale_cache"
        )
        finding.evidence = {"stale_forward": True}
        study.report.findings.append(finding)
        probes.mark_wrong(study, [finding])
        return
    _second_gradients(study, words, state, second, gradients, _flat(fresh), earlier, any(changed))


def _second_gradients(study, words, state, second, gradients, fresh, earlier, moved):
    """Gradients of the second call against a fresh object's, or against its own state's."""
    for key, value in gradients.items():
        right = fresh.get(key)
        if right is None or not differing(value, right).any():
            continue
        if moved or _stateful(state, second):
            function = OwnFunction(state, second.inputs)
            derivative = jacobian(function, key[0], key[1])
            upstream = np.concatenate([np.ravel(g) for g in second.upstreams])
            right = derivative.pulled(upstream, np.shape(right))
            known = derivative.known.reshape(np.shape(right))
            error = float(np.max(derivative.error[derivative.known], initial=0)) * 1e-2
            if not differing(value, right, known, error + function.noise).any():
                continue
        before = earlier.get(key)
        summed = (
            before is not None
            and np.shape(before) == np.shape(value)
            and np.allclose(value, right + before, rtol=1e-6, atol=1e-9)
        )
        _report(
            study,
            key,
            value,
            right,
            words,
            "accumulates_across_calls" if summed else "stale_cache",
            f"{words} gives another gradient than a fresh object"
            + (": the sum of both calls'" if summed else ""),
            {"summed": summed},
        )


def _stateful(state, second):
    """Does the forward depend on what happened before (a mask drawn anew, a carried state)?"""
    one = state.copy().forward([np.array(value) for value in second.inputs])
    copy = state.copy()
    copy.forward([np.array(value) for value in second.inputs])
    two = copy.forward([np.array(value) for value in second.inputs])
    pairs = zip(one, two, strict=True)
    return any(np.shape(a) != np.shape(b) or not np.allclose(a, b) for a, b in pairs)


def _frozen(study, first, second, fresh):
    """Does only the first call of all decide? Then something was cached and never renewed."""
    instance = first.start.copy()
    try:
        instance.forward([np.array(value) for value in first.inputs])
        results = []
        for _ in range(3):
            outputs = instance.forward([np.array(value) for value in second.inputs])
            results.append([np.array(out) for out in outputs if is_floating(out)])
    except OwnCodeError:
        return False
    same = all(
        np.shape(a) == np.shape(b) and np.allclose(a, b, rtol=1e-12, equal_nan=True)
        for later in results[1:]
        for a, b in zip(results[0], later, strict=True)
    )
    alone = first.start.copy()
    repeated = [
        [np.array(out) for out in alone.forward([np.array(v) for v in second.inputs])]
        for _ in range(2)
    ]
    steady = all(np.allclose(a, b) for a, b in zip(*repeated, strict=True) if is_floating(a))
    return same and steady and getattr(study.main.start.thing, "training", True) is not False


def _flat(gradients, copy=False):
    """Gradients by (where, place)."""
    found = {}
    for where in ("inputs", "params"):
        for place, value in enumerate(getattr(gradients, where) or []):
            if value is not None:
                found[where, place] = np.array(value) if copy else np.asarray(value)
    return found


def _report(study, key, yours, right, probe, cause, words, evidence):
    name = where_name(*key, study)
    finding = Finding(name, probe, f"{name}: {words}", cause)
    mask = differing(yours, right)
    finding.evidence = {"yours": yours, "right": right, "mask": mask, "quantity": key, **evidence}
    if np.shape(yours) == np.shape(right):
        finding.table = table(mask, yours=yours, autograd=right)
    study.report.findings.append(finding)
    probes.mark_wrong(study, [finding])
