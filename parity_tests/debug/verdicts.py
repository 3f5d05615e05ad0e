"""From an examined case to findings: what is wrong, against whom, and what is a convention."""

import numpy as np

from parity_tests.debug.findings import Finding, Quantity, table
from parity_tests.debug.structure import is_floating
from parity_tests.debug.study import differing


def where_name(where, place, study):
    """The quantity's name: grad_input, grad_input[i], grad_params[i]."""
    if where == "params":
        return f"grad_params[{place}]"
    floats = [i for i, value in enumerate(study.main.inputs) if is_floating(value)]
    several = len(floats) > 1 and not (study.is_loss and study.given_inputs < 2)
    return f"grad_input[{place}]" if several else "grad_input"


def forward_mask(exam):
    """For each output the elements that differ from the oracle's; None without an oracle."""
    if exam.answer is None:
        return None
    masks = []
    for mine, (place, other) in zip(exam.outputs, exam.pairs, strict=True):
        masks.append(None if place is None else differing(mine, other))
    return masks


def judge(study, exam, probe):
    """Findings and quantities of one examined case."""
    findings, quantities = [], []
    masks = forward_mask(exam)
    forward_wrong = _judge_forward(study, exam, masks, probe, findings, quantities)
    states = [
        _judge_gradient(study, exam, where, place, probe)
        for where, arrays in (("inputs", exam.case.inputs), ("params", exam.case.params))
        for place, value in enumerate(arrays)
        if is_floating(value) and value.size
    ]
    states = [state for state in states if state is not None]
    if forward_wrong:
        _settle_forward(study, exam, states, findings, quantities, probe)
        return findings, quantities
    for state in states:
        if state.silent:
            continue
        quantities.append(state.quantity())
        if state.wrong:
            findings.append(state.finding())
        elif state.convention:
            study.report.conventions.append(state.convention)
    return findings, quantities


def _judge_forward(study, exam, masks, probe, findings, quantities):
    if masks is None:
        words = "no oracle" if study.oracle is None else "the oracle cannot take this case"
        quantities.append(Quantity("forward", "not checked", words))
        return False
    wrong = [m is not None and m.any() for m in masks]
    if not any(wrong):
        quantities.append(Quantity("forward", "ok", f"agrees with {study.oracle.text}"))
        return False
    place = wrong.index(True)
    mask, mine, other = masks[place], exam.outputs[place], exam.pairs[place][1]
    words = f"{int(mask.sum())} of {mask.size} elements differ from {study.oracle.text}"
    quantities.append(Quantity("forward", "wrong", words))
    finding = Finding("forward", probe, f"forward: {words}")
    finding.evidence = {
        "exam": exam,
        "yours": mine,
        "right": other,
        "mask": mask,
        "output": place,
    }
    finding.table = table(mask, yours=mine, oracle=other)
    findings.append(finding)
    return True


def _settle_forward(study, exam, states, findings, quantities, probe):
    """The forward is another function than the oracle's: what of the gradients?"""
    right_for_own = all(not s.own_wrong for s in states if s.given)
    right_for_oracle = states and all(
        s.oracle is not None and not s.oracle_wrong for s in states if s.given
    )
    guessed = study.oracle.guessed
    if guessed and not right_for_oracle:
        # The name alone suggested the oracle: nothing is held against another function.
        findings.clear()
        quantities[0] = Quantity(
            "forward",
            "not checked",
            f"is another function than {study.oracle.text}, which only the class's name suggested",
        )
        study.report.remark(
            f"forward is another function than {study.oracle.text}, guessed from the class's name"
        )
        for state in states:
            state.oracle = None
            quantities.append(state.quantity())
            if state.own_wrong:
                findings.append(state.finding())
        study.oracle = None
        return
    for state in states:
        if not state.given:
            continue
        if right_for_own:
            words = "right for your own forward"
            quantities.append(Quantity(state.name, "ok", words))
        elif not state.oracle_wrong and state.oracle is not None:
            words = "the derivative of the oracle's forward, not of yours"
            quantities.append(Quantity(state.name, "ok", words))
        else:
            words = "not judged while forward differs from the oracle's"
            quantities.append(Quantity(state.name, "not checked", words))
    if right_for_own:
        study.report.remark(
            "the gradient is the derivative of your forward; it is the forward that differs"
        )
    elif right_for_oracle:
        study.report.remark(
            "the gradient is that of the oracle's function; only the forward differs"
        )


class State:
    """The comparison of one gradient."""

    def __init__(self, study, exam, where, place, probe):
        self.study, self.exam, self.where, self.place = study, exam, where, place
        self.probe = probe
        self.name = where_name(where, place, study)
        self.yours, self.own, self.traced, self.oracle = exam.quantity(where, place)
        self.known = exam.own.known.get((where, place))
        self.given = self.yours is not None
        self.convention = None
        self.own_mask = differing(self.yours, self.own, self.known, exam.own.error)
        self.oracle_mask = None if self.oracle is None else differing(self.yours, self.oracle)
        forward = forward_mask(exam)
        self.forward_ok = forward is not None and not any(m is None or m.any() for m in forward)
        if self.oracle is not None and self.oracle_mask.any() and not self.own_wrong:
            self._weigh_convention()
        elif self.own_wrong and self.follows_oracle:
            self.convention = (
                f"{self.name}: {int(self.own_mask.sum())} elements are {study.oracle.text}'s, "
                "by its convention, not the derivative of the forward"
            )

    @property
    def own_wrong(self):
        return self.given and bool(self.own_mask.any())

    @property
    def oracle_wrong(self):
        return self.given and self.oracle is not None and bool(self.oracle_mask.any())

    def _weigh_convention(self):
        """The oracle's gradient differs where yours is proven, or where nothing is known."""
        unknown = self.oracle_mask if self.known is None else self.oracle_mask & ~self.known
        if (
            unknown.any()
            and self.forward_ok
            and (self.known is None or not self.known.any())
            and self.own.size
            and np.isnan(self.own).all()
        ):
            return
        if self.forward_ok:
            count = int(self.oracle_mask.sum())
            self.convention = (
                f"{self.name}: {count} elements follow another convention than "
                f"{self.study.oracle.text}"
            )

    @property
    def follows_oracle(self):
        """Is yours the oracle's gradient throughout, where the forward is the same function?"""
        return self.oracle is not None and self.forward_ok and not self.oracle_wrong

    @property
    def right(self):
        """The array that the gradient should have been."""
        if self.oracle is not None and self.forward_ok and not self.study.oracle.guessed:
            return self.oracle
        return self.own

    @property
    def wrong(self):
        if not self.given:
            return self.missing
        if self.own_wrong:
            return not self.follows_oracle
        nothing_known = self.known is not None and not self.known.any()
        return self.oracle_wrong and self.forward_ok and nothing_known

    @property
    def silent(self):
        """A loss's target, for which nobody expects a gradient."""
        return not self.given and self.study.is_loss and self.where == "inputs"

    @property
    def missing(self):
        """Does backward leave out the gradient of a declared parameter?"""
        declared = hasattr(self.exam.case.start.thing, "params")
        used = self.own is not None and np.any(np.nan_to_num(self.own) != 0)
        return self.where == "params" and declared and bool(used)

    @property
    def mask(self):
        return self.own_mask if self.own_wrong or not self.given else self.oracle_mask

    def quantity(self):
        if not self.given:
            words = "backward gives no gradient for it"
            return Quantity(self.name, "wrong" if self.missing else "not checked", words)
        if self.wrong:
            words = f"{int(self.mask.sum())} of {self.mask.size} elements"
            if np.shape(self.yours) != np.shape(self.own):
                words = f"shape {np.shape(self.yours)} for {np.shape(self.own)}"
            return Quantity(self.name, "wrong", words)
        if self.convention:
            return Quantity(self.name, "convention", self.convention)
        judged = int(np.sum(self.known)) if self.known is not None else self.own.size
        if judged == 0:
            return Quantity(self.name, "not checked", "on a kink everywhere, or not finite")
        words = "" if judged == self.own.size else f"{judged} of {self.own.size} elements checked"
        return Quantity(self.name, "ok", words)

    def finding(self):
        count, size = int(self.mask.sum()), self.mask.size
        if not self.given:
            words = f"{self.name}: backward gives no gradient for this parameter"
        elif np.shape(self.yours) != np.shape(self.own):
            words = (
                f"{self.name}: has shape {np.shape(self.yours)}, its array has {np.shape(self.own)}"
            )
        else:
            words = (
                f"{self.name}: {count} of {size} elements are not the derivative of your forward"
            )
        finding = Finding(self.name, self.probe, words)
        finding.evidence = {
            "exam": self.exam,
            "yours": self.yours,
            "right": self.right if self.right is not None else self.own,
            "mask": self.mask,
            "quantity": (self.where, self.place),
        }
        if np.shape(self.yours) == np.shape(self.own):
            finding.table = table(self.mask, yours=self.yours, autograd=self.right)
        return finding


def _judge_gradient(study, exam, where, place, probe):
    own = getattr(exam.own, where)[place]
    if own is None:
        return None
    return State(study, exam, where, place, probe)
