"""From clues to the likely cause, in plain words."""

import os

from parity_tests.debug import clues, trace
from parity_tests.debug.clues import Clue, Evidence, forward, optimizer, options, pieces
from parity_tests.debug.failures import OwnCodeError, UsageError
from parity_tests.debug.repair import Repair


def diagnose(study, report):
    """Give every finding its pattern, its cause and what else could be."""
    shared = {}
    for finding in report.findings:
        found = []
        try:
            for clue in _clues(study, finding, shared):
                found.append(clue)
        except Exception as error:
            # What was found so far still counts.
            finding.evidence["diagnosis"] = error
            if os.environ.get("PARITY_DEBUG_STRICT"):
                raise
        finding.evidence["clues"] = found
        settle(finding, found)


def settle(finding, found):
    """The strongest clue is the cause; the others are also possible."""
    if finding.cause is not None:
        found = [Clue(finding.cause, 2.0, finding.pattern or ""), *found]
    found = sorted(found, key=lambda clue: -clue.strength) or _defaults(finding)
    finding.cause = found[0].cause
    if not finding.pattern:
        shown = sorted(found, key=lambda clue: clue.cause != finding.cause)
        finding.pattern = next((clue.pattern for clue in shown if clue.pattern), None)
    others = [clue.cause for clue in found if clue.cause != finding.cause and clue.strength > 0.2]
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
    if finding.cause is not None:
        for place, cause in enumerate(_KIN.get(finding.cause, [])):
            yield Clue(cause, 0.4 - 0.1 * place, "")
        return
    if "hyper" in data:
        yield from options.moved(finding)
    if finding.where == "forward":
        yield from forward.gather(study, finding)
        yield from _mended(study, finding, {}, "forward")
        return
    if "exam" not in data:
        return
    if data["yours"] is None:
        yield Clue("missing_path", 0.6, "backward gives no gradient for it")
        return
    steps = _traced(study, finding)
    evidence = Evidence(study, finding, steps)
    known = clues.gather(evidence)
    yield from known
    yield from _one_formula(evidence, known)
    mended = list(_mended(study, finding, shared, "backward", steps, evidence.elementwise))
    yield from mended
    if "hyper" not in data and evidence.same_shape:
        in_pieces = any(clue.cause == "branch" for clue in known)
        yield from options.ignored(evidence, in_pieces, data.get("fix"))
        yield from options.geometry(evidence)
    if mended and evidence.elementwise and pieces.alternatives(evidence):
        yield Clue("branch", 0.7, "")
    yield from _defaults(finding)


# What looks much alike, when one of them is found.
_KIN = {
    "stale_cache": ["accumulates_across_calls", "aliasing_mutation"],
    "accumulates_across_calls": ["stale_cache", "aliasing_mutation"],
    "aliasing_mutation": ["accumulates_across_calls", "stale_cache"],
    "tie_kink": ["branch"],
}


def _traced(study, finding):
    """The trace of backward in the finding's case, said with the finding."""
    steps = _steps(study, finding.evidence["exam"])
    told = trace.summary(steps)
    finding.steps = [told] if told else []
    return steps


def _steps(study, exam):
    if exam.steps is None:
        try:
            exam.steps = trace.follow(study, exam)
        except (OwnCodeError, UsageError):
            exam.steps = []
    return exam.steps


def shown_steps(study):
    """The trace of the case that the report is about: the first finding's, or the plain one."""
    exams = [finding.evidence.get("exam") for finding in study.report.findings]
    exam = next((e for e in exams if e is not None), study.base_exam)
    return [] if exam is None else _steps(study, exam)


def _one_formula(evidence, known):
    """Where one formula holds for each element, a slip in one piece of it is that piece's."""
    causes = {clue.cause for clue in known if clue.strength > 0.6}
    if "branch" in causes and (evidence.elementwise or evidence.study.is_loss):
        yield Clue("branch", 0.985, "")
    elif evidence.elementwise and not causes & {"sign", "scale_constant", "upstream_missing"}:
        if any(clue.cause == "wrong_derivative" for clue in known):
            yield Clue("wrong_derivative", 0.9, "")


def diagnose_optimizer(bench, report):
    """Which moment, which step, which option."""
    for finding in report.findings:
        found = []
        if finding.cause is None and "plan" in finding.evidence:
            found = list(optimizer.gather(bench, finding))
        elif finding.cause is not None:
            found = [Clue(c, 0.4 - 0.1 * n, "") for n, c in enumerate(_KIN.get(finding.cause, []))]
        settle(finding, found)


# --- edits of the target's own code ---


# Slips in forward that are more than a wrong formula.
_IN_FORWARD = ("wrong_axis", "scale_reduction", "geometry", "dtype", "hyperparameter_ignored")


def _mended(study, finding, shared, stage, steps=(), elementwise=False):
    """What the single edits that mend it say."""
    key = (stage, finding.evidence.get("exam") and id(finding.evidence["exam"]))
    if key not in shared:
        shared[key] = _search(study, finding, stage, trace.right_lines(steps))
    for place, edit in enumerate(shared[key]):
        strength = 0.955 - 0.2 * (edit.weight - 1) - 0.004 * place
        if stage == "forward":
            strength = min(strength, 0.9 if edit.cause in _IN_FORWARD else 0.6)
        cause = edit.pointwise if elementwise and edit.pointwise else edit.cause
        if elementwise and cause == "sign":
            strength = min(strength, 0.88)  # within one formula it is another formula
        yield Clue(cause, strength, "")
        for cause in edit.others:
            yield Clue(cause, strength - 0.1, "")
    if shared[key] and "fix" not in finding.evidence:
        finding.evidence["fix"] = shared[key][0].words()


def _search(study, finding, stage, right_lines):
    if study.left < 0.5:
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
    return Repair(study, stage, cases, seconds, right_lines).search()


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
