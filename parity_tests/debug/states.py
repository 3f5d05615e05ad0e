"""Probe 9: what several calls leave behind (running statistics), and evaluation."""

import re

import numpy as np

from parity_tests.debug import probes
from parity_tests.debug.failures import OwnCodeError
from parity_tests.debug.findings import Finding
from parity_tests.debug.structure import is_floating, walk
from parity_tests.debug.study import differing

_RUNNING = re.compile(r"running|moving|ema|_avg|tracked|global", re.IGNORECASE)


def examine(study):
    found = _running(study) or _moving(study)
    if found:
        _track(study, found)
    if not study.report.findings and found:
        _evaluation(study)


def _running(study):
    """Names of the arrays that calls of forward in training are meant to move."""
    return [
        name
        for name, value in _arrays(study.main.start).items()
        if _RUNNING.search(name)
        and isinstance(value, (np.ndarray, np.floating, float))
        and is_floating(value)
        and np.size(value) > 0
    ]


def _arrays(instance):
    """Every array of an object but its parameters, by its path."""
    owned = {id(param) for param in instance.params}
    return {name: value for name, value in walk(instance.thing) if id(value) not in owned}


def _moving(study):
    """Other arrays that a call moves, where the oracle keeps running statistics."""
    module = getattr(study.oracle, "module", None)
    sizes = {b.numel() for _, b in module.named_buffers()} if module is not None else set()
    start = study.main.start.copy()
    before = {n: np.array(v) for n, v in _arrays(start).items() if _is_state(v, sizes)}
    if not before:
        return []
    start.forward([np.array(value) for value in study.main.inputs])
    after = _arrays(start)
    return [n for n, v in before.items() if not np.array_equal(v, after.get(n))]


def _is_state(value, sizes):
    return isinstance(value, np.ndarray) and is_floating(value) and value.size in sizes


def _kind(name):
    if re.search(r"var|sigma2|second|sq", name, re.IGNORECASE):
        return "var"
    if re.search(r"std|sigma", name, re.IGNORECASE):
        return "std"
    return "mean" if re.search(r"mean|mu|avg", name, re.IGNORECASE) else None


def _track(study, names):
    """Three calls in training: the oracle's buffers, or the law that an average obeys."""
    oracle = study.oracle
    buffers = None
    instance = study.main.start.copy()
    before = {n: np.array(_arrays(instance)[n]) for n in names}
    history = [before]
    cases = [study.case(study.specs, seed=61 + k) for k in range(3)]
    if oracle is not None and hasattr(oracle, "module"):
        oracle.fresh()
        oracle.keep_state = True
    try:
        for case in cases:
            inputs = [v * 1.5 + 0.7 if is_floating(v) else v for v in case.inputs]
            instance.forward([np.array(v) for v in inputs])
            history.append({n: np.array(_arrays(instance)[n]) for n in names})
            if oracle is not None and hasattr(oracle, "module"):
                oracle.module.train()
                oracle.run(inputs, study.main.params)
                buffers = oracle.buffers()
    except (OwnCodeError, RuntimeError, ValueError):
        return
    finally:
        if oracle is not None and hasattr(oracle, "module"):
            oracle.keep_state = False
    still = [n for n in names if np.array_equal(history[0][n], history[-1][n])]
    if buffers:
        _against_buffers(study, names, history[-1], buffers, still, before)
    elif still:
        _say(study, still[0], "does not move in training", {"never": True})


def _against_buffers(study, names, mine, buffers, still, first):
    explicit = not study.oracle.guessed
    for name in names:
        kind = _kind(name)
        if kind is None:
            # Named otherwise: variances start from one, means from zero.
            kind = "var" if np.all(first[name] == 1) else "mean"
        other = next(
            (v for k, v in buffers.items() if kind in ("mean", "var") and f"running_{kind}" in k),
            None,
        )
        if other is None or np.size(other) != np.size(mine[name]):
            continue
        right = other.reshape(np.shape(mine[name]))
        mask = differing(mine[name], right)
        if not mask.any():
            continue
        if name in still:
            _say(study, name, "does not move in training", {"never": True})
            return
        if not explicit and _other_convention(study, name, kind):
            study.report.remark(f"{name} follows another convention than {study.oracle.text}")
            continue
        words = f"after three calls differs from {study.oracle.text}"
        _say(study, name, words, {"yours": mine[name], "right": right, "mask": mask})
        return


def _other_convention(study, name, kind):
    """Is it an average of the batch's statistics all the same (biased, or the other momentum)?"""
    instance = study.main.start.copy()
    case = study.case(study.specs, seed=66)
    inputs = [np.array(v) for v in case.inputs]
    values = []
    try:
        for _ in range(400):
            instance.forward([np.array(v) for v in inputs])
            values.append(np.array(_arrays(instance)[name]))
    except OwnCodeError:
        return False
    data = inputs[0].reshape(-1, inputs[0].shape[-1])
    limits = {"mean": [data.mean(0)], "var": [data.var(0), data.var(0, ddof=1)]}
    limits["std"] = [data.std(0), data.std(0, ddof=1)]
    final = np.ravel(values[-1])
    return any(
        final.shape == limit.shape and np.allclose(final, limit, rtol=1e-3, atol=1e-4)
        for limit in limits.get(kind, [])
    )


def _say(study, name, words, evidence):
    finding = Finding("state", "several calls", f"state: {name} {words}", "state_update")
    finding.evidence = evidence
    finding.pattern = "running statistics differ, outputs in training agree"
    study.report.findings.append(finding)
    probes.mark_wrong(study, [finding])


def _evaluation(study):
    """After two calls in training, forward and backward in evaluation."""
    thing = study.main.start.thing
    if not isinstance(getattr(thing, "training", None), bool):
        return
    start = study.main.start.copy()
    oracle = study.oracle
    module = getattr(oracle, "module", None)
    if module is not None:
        oracle.fresh()
        oracle.keep_state = True
    try:
        for seed in (71, 72):
            case = study.case(study.specs, seed=seed)
            start.forward([np.array(v) for v in case.inputs])
            if module is not None:
                module.train()
                oracle.run(case.inputs, study.main.params)
        start.thing.training = False
        if module is not None:
            module.eval()
            oracle.initial = {k: v.clone() for k, v in module.state_dict().items()}
            oracle.keep_state = False
        from parity_tests.debug.study import Case

        case = study.case(study.specs, seed=73)
        evaluated = Case(
            start,
            case.inputs,
            [np.array(p) for p in start.params],
            case.upstreams,
            "evaluation",
            study.specs,
            73,
        )
        _judged_in_evaluation(study, evaluated)
    except (OwnCodeError, RuntimeError, ValueError) as error:
        study.report.remark(f"in evaluation: {error}")
    finally:
        if module is not None:
            oracle.keep_state = False


def _judged_in_evaluation(study, case):
    """A forward that stores nothing in evaluation has no backward there: that is only said."""
    trial = case.start.copy()
    before = {name: id(value) for name, value in walk(trial.thing)}
    trial.forward([np.array(value) for value in case.inputs])
    stored = before != {name: id(value) for name, value in walk(trial.thing)}
    report = study.report
    earlier = len(report.findings)
    probes.check_case(study, case, "evaluation")
    gradients = [f for f in report.findings[earlier:] if f.where.startswith("grad")]
    if gradients and not stored:
        report.findings[:] = [f for f in report.findings if f not in gradients]
        report.remark("in evaluation forward stores nothing: backward belongs to training alone")
