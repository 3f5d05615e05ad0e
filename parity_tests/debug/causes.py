"""From clues to the likely cause, in plain words."""

import os

import numpy as np

from parity_tests.debug import guess_oracle, hyper, recipes, stepping
from parity_tests.debug.evidence import Clue, Evidence, same
from parity_tests.debug.failures import OwnCodeError, UsageError
from parity_tests.debug.repair import Repair

_GEOMETRY = ("stride", "pad", "dilation", "kernel", "pool", "window")


def diagnose(study, report):
    """Give every finding its pattern, its cause and what else could be."""
    shared = {}
    for finding in report.findings:
        clues = []
        try:
            for clue in _clues(study, finding, shared):
                clues.append(clue)
        except Exception as error:
            # What was found so far still counts.
            finding.evidence["diagnosis"] = error
            if os.environ.get("PARITY_DEBUG_STRICT"):
                raise
        finding.evidence["clues"] = clues
        settle(finding, clues)


def settle(finding, clues):
    """The strongest clue is the cause; the others are also possible."""
    if finding.cause is not None:
        clues = [Clue(finding.cause, 2.0, finding.pattern or ""), *clues]
    clues = sorted(clues, key=lambda clue: -clue.strength)
    if not clues:
        clues = _defaults(finding)
    finding.cause = clues[0].cause
    if not finding.pattern:
        finding.pattern = next((clue.pattern for clue in clues if clue.pattern), None)
    others = [clue.cause for clue in clues if clue.cause != finding.cause and clue.strength > 0.2]
    own = finding.also_possible
    finding.also_possible = list(dict.fromkeys([*own, *others]))[:4]


def _defaults(finding):
    if finding.where == "forward":
        return [Clue("forward_formula", 0.5, "")]
    if finding.where in ("state", "params"):
        return [Clue("state_update", 0.5, ""), Clue("forward_formula", 0.4, "")]
    return [
        Clue("wrong_derivative", 0.4, ""),
        Clue("wrong_point", 0.35, ""),
        Clue("missing_factor", 0.33, ""),
        Clue("missing_path", 0.3, ""),
    ]


def _clues(study, finding, shared):
    data = finding.evidence
    if finding.cause in ("exception", "aliasing_mutation", "overflow", "state_update"):
        return
    if finding.cause == "tie_kink":
        yield Clue("branch", 0.3, "")
        return
    if finding.cause is not None:
        others = {
            "stale_cache": ["accumulates_across_calls", "aliasing_mutation"],
            "accumulates_across_calls": ["stale_cache", "aliasing_mutation"],
        }.get(finding.cause, [])
        for place, cause in enumerate(others):
            yield Clue(cause, 0.4 - 0.1 * place, "")
        return
    if "hyper" in data:
        yield from _option(study, finding)
    if finding.where == "forward":
        yield from _forward(study, finding)
        return
    if "exam" not in data:
        return
    if data["yours"] is None:
        yield Clue("missing_path", 0.6, "backward gives no gradient for it")
        return
    evidence = Evidence(study, finding)
    known = list(evidence.clues())
    yield from known
    if evidence.elementwise:
        yield from _elementwise(evidence, known)
    if "hyper" not in data:
        yield from ignored_options(study, finding, evidence)
        yield from geometry_options(study, evidence)
    for clue in _mended(study, finding, shared, "backward"):
        if evidence.elementwise and clue.cause == "sign":
            clue.strength = min(clue.strength, 0.88)
        yield clue
    yield from _defaults(finding)


def _elementwise(evidence, known):
    """One formula, element by element: a slip within it is another derivative, or one piece."""
    causes = {clue.cause for clue in known if clue.strength > 0.6}
    if "branch" in causes:
        yield Clue("branch", 0.965, "")
    elif "sign" not in causes and not causes & {"scale_constant", "upstream_missing"}:
        shared = [clue for clue in known if clue.cause == "wrong_derivative"]
        if shared:
            yield Clue("wrong_derivative", 0.9, "")


# --- hyper-parameters ---


def _option(study, finding):
    """Wrong only once an option moved."""
    name, _, new = finding.evidence["hyper"]
    words = f"right until {name} is {new!r}"
    if finding.evidence.get("unchanged"):
        yield Clue("hyperparameter_ignored", 1.0, f"the output does not change with {name}")
        return
    if any(word in name for word in _GEOMETRY):
        yield Clue("geometry", 0.9, words)
        yield Clue("hyperparameter_ignored", 0.6, words)
        yield Clue("overwrite_not_accumulate", 0.5, words)
        return
    yield Clue("hyperparameter_ignored", 0.93, words)


def ignored_options(study, finding, evidence):
    """Does yours stay the same when an option moves, while the right one changes?"""
    session = study.session
    if session.module is None or not evidence.same_shape or study.left < 0.5:
        return
    values, _ = guess_oracle.given_arguments(study.subject, session.module)
    case = evidence.case
    for name, value in values.items():
        if not isinstance(value, (int, float)) or isinstance(value, bool):
            continue
        if any(word in name for word in (*_GEOMETRY, "eps")) or isinstance(value, int):
            continue
        for new in hyper.variations(name, value, oracle=True)[:1]:
            found = _with_option(study, values, name, new, case, evidence.key)
            if found is None:
                continue
            yours, right = found
            if same(yours, evidence.yours, 1e-9) and not same(right, evidence.right, 1e-4):
                default = _at_default(study, values, name, case, evidence)
                words = f"yours does not change with {name}, the right one does"
                yield Clue("hyperparameter_ignored", 0.975 if default else 0.5, words)


def geometry_options(study, evidence):
    """Right where the window does not jump, has no border, or does not overlap?"""
    session = study.session
    if session.module is None or not evidence.same_shape:
        return
    values, _ = guess_oracle.given_arguments(study.subject, session.module)
    plain = {"stride": 1, "pad": 0, "dilat": 1}
    sizes = [v for n, v in values.items() if any(w in n for w in ("kernel", "pool", "window"))]
    size = sizes[0] if sizes else None
    side = size if isinstance(size, int) else size[0] if isinstance(size, tuple) and size else None
    for name, value in values.items():
        for word, simple in plain.items():
            if word not in name:
                continue
            if word == "stride" and side and value != side:
                if _right_with(study, values, name, side, evidence):
                    words = f"right where windows do not overlap ({name}={side})"
                    yield Clue("overwrite_not_accumulate", 0.9, words)
            if value != simple and _right_with(study, values, name, simple, evidence):
                yield Clue("geometry", 0.93, f"right with {name}={simple}")


def _right_with(study, values, name, new, evidence):
    found = _with_option(study, values, name, new, evidence.case, evidence.key)
    return found is not None and np.any(found[1]) and same(found[0], found[1])


def _with_option(study, values, name, new, case, key):
    try:
        subject = hyper.rebuilt(study, values, name, new)
        other = study.case(case.specs, seed=case.seed, subject=subject)
        exam = study.examine(other, seconds=0.4, oracle=False)
    except Exception:
        return None
    yours, own, _, _ = exam.quantity(*key)
    if yours is None or np.shape(yours) != np.shape(own):
        return None
    return yours, np.nan_to_num(own)


def _at_default(study, values, name, case, evidence):
    """Is yours right for some plain value of the option (its default, 1, 0.01)?"""
    kind = type(study.subject.pristine)
    import inspect

    default = inspect.signature(kind).parameters[name].default
    tried = [v for v in (default, 1.0, 0.01, 0.5, 0.1) if isinstance(v, (int, float))]
    for value in tried:
        found = _with_option(study, values, name, float(value), case, evidence.key)
        if found is not None and np.any(found[1]) and same(found[0], found[1]):
            return True
    return False


# --- forward ---


def _forward(study, finding):
    data = finding.evidence
    yours, right = data.get("yours"), data.get("right")
    if yours is None:
        return
    if np.issubdtype(np.asarray(yours).dtype, np.integer) or yours.dtype == np.float16:
        yield Clue("dtype", 0.97, f"yours holds {yours.dtype}")
    exam = data["exam"]
    if not np.isfinite(yours).all() and np.isfinite(right).all():
        yield Clue("overflow", 0.8, "not finite where the oracle is")
    size = float(np.sum(right * right))
    if size:
        factor = float(np.sum(yours * right) / size)
        if same(yours, factor * right, 1e-6):
            words = f"yours = {factor:.5g} x the oracle's, everywhere"
            reduced = _count_like(factor, exam)
            yield Clue("scale_reduction", 0.9 if reduced else 0.45, words)
            yield Clue("scale_constant", 0.6 if reduced else 0.7, words)
            if abs(factor + 1) < 1e-6:
                yield Clue("sign", 0.9, words)
    yield Clue("forward_formula", 0.75, "")
    yield from _forward_options(study, finding)
    yield from _mended(study, finding, {}, "forward")


def _count_like(factor, exam):
    sizes = [s for value in exam.case.inputs for s in value.shape]
    sizes += [int(np.prod(value.shape)) for value in exam.case.inputs]
    sizes += [s for p in exam.case.params for s in p.shape] + [2, 3, 4, 9]
    return exam.outputs and any(
        abs(factor - s) < 1e-6 or abs(factor * s - 1) < 1e-6 for s in sizes if s > 1
    )


def _forward_options(study, finding):
    """Does forward stay the same when an option moves?"""
    session = study.session
    if session.module is None:
        return
    values, _ = guess_oracle.given_arguments(study.subject, session.module)
    case = finding.evidence["exam"].case
    for name, value in values.items():
        if not isinstance(value, (int, float)) or isinstance(value, bool):
            continue
        for new in hyper.variations(name, value, oracle=True)[:1]:
            try:
                subject = hyper.rebuilt(study, values, name, new)
                other = study.case(case.specs, seed=case.seed, subject=subject)
                outputs = study.yours_outputs(other)
                before = study.yours_outputs(study.case(case.specs, seed=case.seed))
            except Exception:
                continue
            if len(outputs) == len(before) and all(
                np.array_equal(a, b) for a, b in zip(outputs, before, strict=True)
            ):
                words = f"the output does not change with {name}"
                yield Clue("hyperparameter_ignored", 0.95, words)


# --- edits of the target's own code ---


def _mended(study, finding, shared, stage):
    """What the single edits that mend it say."""
    key = (stage, finding.evidence.get("exam") and id(finding.evidence["exam"]))
    if key not in shared:
        shared[key] = _search(study, finding, stage)
    edits = shared[key]
    for place, edit in enumerate(edits):
        strength = 0.955 - 0.2 * (edit.weight - 1) - 0.004 * place
        cause = edit.cause
        if stage == "forward":
            if "self." in edit.after and cause in ("missing_factor", "branch", "scale_reduction"):
                cause = "hyperparameter_ignored"
            strength = min(strength, 0.9 if cause in _IN_FORWARD else 0.6)
        yield Clue(cause, strength, "")
    if edits and "fix" not in finding.evidence:
        finding.evidence["fix"] = edits[0].words()
        finding.evidence["edits"] = edits


_IN_FORWARD = ("wrong_axis", "scale_reduction", "geometry", "dtype", "hyperparameter_ignored")


def _search(study, finding, stage):
    if study.session.module is None or study.left < 0.5:
        return []
    exam = finding.evidence["exam"]
    cases = [_expected(study, exam, stage)]
    for seed in (95, 96):
        try:
            case = study.case(exam.case.specs, seed=seed, subject=exam.case.start.subject)
            other = study.examine(case, seconds=0.4, oracle=stage == "forward")
        except (OwnCodeError, UsageError):
            continue
        cases.append(_expected(study, other, stage))
    cases = [case for case in cases if case is not None]
    if not cases:
        return []
    seconds = min(2.5, max(study.left - 0.5, 0.5))
    found = Repair(study, stage, cases, seconds).search()
    return found


def _expected(study, exam, stage):
    """What every quantity of a case must be."""
    if stage == "forward":
        if exam.answer is None:
            return None
        expected = {
            ("outputs", place): (other, None, 0.0)
            for place, (index, other) in enumerate(exam.pairs)
            if index is not None
        }
        return exam.case, expected
    expected = {}
    for where in ("inputs", "params"):
        for place, own in enumerate(getattr(exam.own, where)):
            given = getattr(exam.yours, where)
            absent = given is None or place >= len(given) or given[place] is None
            if own is None or absent:
                continue
            known = exam.own.known[where, place]
            expected[where, place] = (own, known, exam.own.error)
    return exam.case, expected


# --- optimizers ---


def diagnose_optimizer(bench, report):
    """Which moment, which step, which option: the rule with one mistake that fits exactly."""
    for finding in report.findings:
        clues = []
        if finding.cause is None and "plan" in finding.evidence:
            clues = list(_optimizer_clues(bench, finding))
        settle(finding, clues)


def _optimizer_clues(bench, finding):
    data = finding.evidence
    plan, step = data["plan"], data["step"]
    if data.get("ignored"):
        name = data["hyper"][0]
        yield Clue("hyperparameter_ignored", 1.0, f"the steps do not change with {name}")
    elif "hyper" in data:
        name, _, new = data["hyper"]
        yield Clue("hyperparameter_ignored", 0.7, f"right until {name} is {new!r}")
    mine = [a - b for a, b in zip(data["mine"][0], plan.start, strict=True)]
    theirs = [a - b for a, b in zip(data["theirs"][0], plan.start, strict=True)]
    yield from _first_step(mine, theirs, step)
    plans = [stepping.course(plan.words, 1), stepping.course("", 2, zeros=(2, 3)), plan]
    for place, (words, cause) in enumerate(
        recipes.matching_mistake(bench, bench.oracle, plans[:3])
    ):
        yield Clue(cause, 0.98 - 0.05 * place, words)
    if step > 0:
        yield Clue("state_update", 0.6, f"right until step {step}, then it drifts away")
    else:
        yield Clue("forward_formula", 0.35, "wrong from the first step")
        yield Clue("state_update", 0.45, "wrong from the first step")
    if "tiny" in plan.words:
        yield Clue("wrong_point", 0.7, "wrong only for tiny gradients: the place of eps")
        yield Clue("hyperparameter_ignored", 0.5, "")


def _first_step(mine, theirs, step):
    """How the first step compares: a sign, a factor."""
    a, b = (np.concatenate([np.ravel(v) for v in side]) for side in (mine, theirs))
    if not np.any(b):
        return
    factor = float(np.sum(a * b) / np.sum(b * b))
    if same(a, -b, 1e-6):
        yield Clue("sign", 0.99, "the first step goes the opposite way")
    elif same(a, factor * b, 1e-5) and abs(factor - 1) > 1e-5 and step == 0:
        words = f"the first step is {factor:.5g} times the right one"
        yield Clue("scale_constant", 0.62, words)
        yield Clue("missing_factor", 0.55, words)
