"""What is looked at, in order: the plain case first, then what hides from it."""

import numpy as np

from parity_tests.debug import (
    causes,
    extremes,
    hyper,
    kinks,
    minimise,
    repeats,
    specs,
    states,
    verdicts,
)
from parity_tests.debug.failures import OwnCodeError, UsageError
from parity_tests.debug.guess_inputs import Hints
from parity_tests.debug.structure import is_floating


def examine(study):
    """Run the probes; once something is wrong only what helps to explain it is run."""
    study.is_loss = Hints(study.subject).is_loss
    _probe_all(study)
    study.allow(4.0)
    causes.diagnose(study, study.report)
    study.report.steps = [step.words() for step in causes.shown_steps(study)]
    for finding in study.report.findings:
        try:
            minimise.smallest(study, finding)
        except (OwnCodeError, UsageError, ValueError, RuntimeError, IndexError):
            continue  # the first failing case is shown as it is


def _probe_all(study):
    base(study)
    if study.report.findings:
        return
    for probe in (
        variants,
        repeats.examine,
        kinks.examine,
        hyper.examine,
        states.examine,
        extremes.examine,
    ):
        if study.left < 0.3:
            study.report.remark(f"no time was left for the probe {probe.__name__}")
            return
        try:
            probe(study)
        except (OwnCodeError, UsageError):
            raise
        except Exception as error:
            name = probe.__module__.rpartition(".")[2]
            study.report.remark(f"a probe could not run ({name}: {type(error).__name__}: {error})")
        if study.report.findings:
            return


def base(study):
    """Probes 1, 2 and 3: forward, every gradient, against the oracle and your own forward."""
    _, yours, _ = study.yours(study.main)
    study.given_inputs = sum(gradient is not None for gradient in yours.inputs)
    if repeats.changes_its_arguments(study):
        return
    repeats.changes_other_arrays(study)
    early = list(study.report.findings)
    exam = study.examine(study.main, seconds=2.5)
    findings, quantities = verdicts.judge(study, exam, "gradient")
    if findings:
        findings, quantities = _charitable(study, exam, findings, quantities)
    study.base_exam = exam
    study.report.quantities = quantities
    study.report.findings += findings
    mark_wrong(study, early)
    if study.twin is not None and study.trusted is False:
        study.report.remark(
            "autograd could not follow your forward (or disagreed with numeric derivatives); "
            "numeric derivatives were used"
        )


def _charitable(study, exam, findings, quantities):
    """A loss whose `backward` takes no upstream gradient may mean the mean of its outputs."""
    outputs = exam.outputs
    if study.subject_takes_upstream or len(outputs) != 1 or outputs[0].size < 2:
        return findings, quantities
    for count, words in ((outputs[0].size, "mean"), (outputs[0].shape[0], "mean over the batch")):
        other = study.with_upstreams(exam.case, [np.full(outputs[0].shape, 1 / count)])
        again = study.examine(other, seconds=1.0)
        better, states = verdicts.judge(study, again, "gradient")
        if not better:
            study.report.remark(f"backward is right for the {words} of the outputs")
            study.mean_of_outputs = count
            return better, states
    return findings, quantities


def variants(study):
    """Other values, other batch sizes, odd sizes, small values."""
    given = study.specs
    cases = [("other values", given, {"seed": 11})]
    batch = given[0].shape[0] if given and given[0].shape else 0
    for size, words in ((1, "a batch of one"), (batch + 1, "another batch size")):
        other = specs.with_batch(given, size)
        if other is not None and size != batch:
            cases.append((words, other, {"seed": 12}))
    cases += [(f"sizes {s[0].shape}", s, {"seed": 13}) for s in _odd_sizes(given)]
    cases.append(("small values", given, {"seed": 14, "scale": 0.02}))
    cases.append(("large values", given, {"seed": 15, "scale": 5.0}))
    for words, chosen, options in cases:
        if study.left < 1.0 or check(study, words, chosen, options):
            return


def _odd_sizes(given):
    """Shapes with one of the middle axes a step longer or shorter."""
    first = given[0]
    if len(first.shape) < 3 or first.array is not None:
        return
    for axis in range(1, len(first.shape) - 1):
        for change in (1, -1):
            size = first.shape[axis] + change
            if size < 1:
                continue
            yield [
                spec.reshaped((*spec.shape[:axis], size, *spec.shape[axis + 1 :]))
                if len(spec.shape) == len(first.shape)
                and spec.shape[axis] == first.shape[axis]
                and spec.array is None
                else spec
                for spec in given
            ]


def check(study, words, chosen, options, subject=None):
    """One further case; True if it found something."""
    try:
        case = study.case(chosen, subject=subject, words=words, **options)
        return check_case(study, case, words)
    except OwnCodeError as error:
        if not error.shape_like and not error.refuses:
            study.report.remark(f"with {words}: {error} ({error.place})")
        return False


def check_case(study, case, words, oracle=True):
    """Directional derivatives first, all elements where they disagree."""
    bad, outputs, _yours = study.quick(case)
    if not all(np.isfinite(out).all() for out in outputs):
        return False
    differs = False
    if study.oracle is not None and oracle and not bad:
        try:
            _answer, pairs = study.consult(case, outputs)
            differs = any(
                place is not None and verdicts.differing(mine, other).any()
                for mine, (place, other) in zip(outputs, pairs, strict=True)
            )
        except (UsageError, RuntimeError, ValueError, IndexError):
            differs = False
    if not bad and not differs:
        return False
    exam = study.examine(case, seconds=2.0, oracle=oracle)
    findings, _ = verdicts.judge(study, exam, words)
    for finding in findings:
        finding.statement += f" ({words})"
        finding.evidence["variant"] = words
    study.report.findings += findings
    mark_wrong(study, findings)
    return bool(findings)


def mark_wrong(study, findings):
    """Keep the list of quantities in step with what a later probe found."""
    for finding in findings:
        for quantity in study.report.quantities:
            if quantity.name == finding.where:
                quantity.state, quantity.words = "wrong", finding.probe


def floating_places(case):
    return [place for place, value in enumerate(case.inputs) if is_floating(value)]
