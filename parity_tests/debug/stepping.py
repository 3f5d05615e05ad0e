"""Optimizers: whole trajectories against torch's, and what holds for every optimizer."""

from dataclasses import dataclass

import numpy as np
import torch

from parity_tests.debug import causes, guess_oracle, hyper, oracles, recipes
from parity_tests.debug.failures import OwnCodeError, UsageError
from parity_tests.debug.findings import Finding, Quantity, table
from parity_tests.debug.structure import attributes, leaves, walk
from parity_tests.debug.subject import Instance

SHAPES = ((3, 4), (4,), (2, 3))


@dataclass
class Course:
    """Starting parameters, the gradients of every step, and what happens on the way."""

    words: str
    start: list
    grads: list  # one list of gradients per step
    rates: dict | None = None  # step -> factor on the learning rate
    reuse: bool = False  # does the caller overwrite its gradient arrays?


def course(words, seed, steps=8, scale=1.0, zeros=(), **options):
    rng = np.random.default_rng(seed)
    start = [rng.normal(size=shape) for shape in SHAPES]
    grads = [
        [np.zeros(s) if step in zeros else scale * rng.normal(size=s) for s in SHAPES]
        for step in range(steps)
    ]
    return Course(words, start, grads, **options)


def courses():
    """What every optimizer goes through, the plainest first."""
    yield course("random gradients", 1)
    yield course("gradients of zero in between", 2, zeros=(2, 3))
    yield course("tiny gradients", 3, scale=1e-7)
    yield course("large gradients", 4, steps=5, scale=1e3)
    yield course("many steps", 5, steps=40)


class Runner:
    """The target's `step`, in the form in which it moves all parameters."""

    def __init__(self, subject):
        self.subject = subject
        self.form, self.returns = None, False

    def settle(self):
        """Flat lists, groups per layer, or single arrays: the first form that moves everything."""
        failures, partial = [], None
        for form in ("flat", "groups", "single"):
            try:
                moved, returned = self._try(form)
            except OwnCodeError as error:
                failures.append(error)
                continue
            if all(moved):
                self.form, self.returns = form, returned
                return
            partial = partial or (form, moved)
        if partial is None:
            own = [error for error in failures if not error.shape_like]
            raise (own or failures)[0]
        self.form, self.unmoved = partial

    unmoved = None

    def _try(self, form):
        self.form = form
        plan = course("", 9, steps=1)
        params = [np.array(p) for p in plan.start]
        instance = self.subject.fresh()
        returned = self.step(instance, params, plan.grads[0])
        moved = [not np.array_equal(a, b) for a, b in zip(params, plan.start, strict=True)]
        found = [leaf for leaf in leaves(returned) if leaf is not None]
        fresh = len(found) == len(params) and all(
            np.shape(f) == p.shape and not np.array_equal(f, p)
            for f, p in zip(found, params, strict=True)
        )
        if not any(moved) and fresh:
            return [True] * len(params), True
        return moved, False

    def step(self, instance, params, grads):
        method = getattr(instance.thing, self.subject.step_name)
        if self.form == "single":
            return [instance.call("step", method, p, g) for p, g in zip(params, grads, strict=True)]
        if self.form == "groups":
            params, grads = [params[:2], params[2:]], [grads[:2], grads[2:]]
        return instance.call("step", method, params, grads)

    def run(self, plan, instance=None, dtype=np.float64):
        """The parameters after every step."""
        instance = instance or self.subject.fresh()
        params = [p.astype(dtype) for p in plan.start]
        buffers = [np.zeros(p.shape, dtype) for p in params]
        path = []
        for step, grads in enumerate(plan.grads):
            if plan.rates and step in plan.rates:
                _scale_rate(instance.thing, plan.rates[step])
            given = [g.astype(dtype) for g in grads]
            if plan.reuse:
                for buffer, g in zip(buffers, given, strict=True):
                    buffer[...] = g
                given = buffers
            returned = self.step(instance, params, given)
            if self.returns:
                params = [np.asarray(leaf) for leaf in leaves(returned) if leaf is not None]
            path.append([np.array(p) for p in params])
        return path


def _rate_name(thing):
    names = ("learning_rate", "lr", "eta", "rate", "step_size", "alpha")
    return next((n for n in names if isinstance(getattr(thing, n, None), (int, float))), None)


def _scale_rate(thing, factor):
    name = _rate_name(thing)
    setattr(thing, name, getattr(thing, name) * factor)


def torch_path(oracle, plan):
    """The parameters after every step of the oracle."""
    params = [torch.tensor(p, requires_grad=True) for p in plan.start]
    optimizer = oracle.make(params)
    path = []
    for step, grads in enumerate(plan.grads):
        if plan.rates and step in plan.rates:
            for group in optimizer.param_groups:
                group["lr"] *= plan.rates[step]
        for param, g in zip(params, grads, strict=True):
            param.grad = torch.tensor(np.array(g))
        optimizer.step()
        path.append([p.detach().numpy().copy() for p in params])
    return path


def first_difference(mine, theirs, plan, tolerance=2e-6):
    """(step, array, mask) of the first step that differs; None where all agree."""
    before = plan.start
    travelled = [np.zeros(p.shape) for p in plan.start]
    for step, (ours, other) in enumerate(zip(mine, theirs, strict=True)):
        for place, (a, b) in enumerate(zip(ours, other, strict=True)):
            travelled[place] = travelled[place] + np.abs(b - before[place])
            with np.errstate(all="ignore"):
                slack = tolerance * travelled[place] + 3e-15 * (1 + np.abs(b)) * (step + 1)
                slack = slack + 1e-7 * float(np.max(travelled[place], initial=0))
                bad = ~(np.abs(a - b) <= slack) & np.isfinite(b)
            if np.shape(a) != np.shape(b) or bad.any():
                return step, place, bad
        before = other
    return None


def examine(session, subject, oracle):
    """The report of an optimizer."""
    report = session.report
    if oracle is not None and not isinstance(oracle, oracles.OptimizerOracle):
        if not oracle.guessed:
            raise UsageError(f"{subject.name} is an optimizer, its oracle {oracle.text} is not")
        oracle = report.oracle = None
    if oracle is not None:
        oracle.check()
    runner = Runner(subject)
    runner.settle()
    bench = Bench(session, subject, oracle, runner)
    session.bench = bench
    if runner.unmoved is not None and _never_lands(bench):
        return
    if runner.form == "groups":
        report.remark("step takes groups of parameters, one list per layer")
    if runner.returns:
        report.remark("step returns new arrays and leaves the old ones as they were")
    for probe in (_against_oracle, _generic, _hyper, _rates):
        probe(bench)
        if report.findings:
            break
    causes.diagnose_optimizer(bench, report)
    state = "wrong" if report.findings else "ok" if bench.oracle is not None else "not checked"
    words = f"agrees with {bench.oracle.text}" if state == "ok" else ""
    if bench.oracle is None and not report.findings:
        words = "no oracle: only what holds for every optimizer was checked"
        report.remark("no oracle was named or guessed; only general properties were checked")
    report.quantities.append(Quantity("params", state, words))


class Bench:
    """An optimizer under study."""

    def __init__(self, session, subject, oracle, runner):
        self.session, self.subject, self.oracle = session, subject, oracle
        self.runner, self.report = runner, session.report

    def add(self, where, probe, words, cause=None, **evidence):
        finding = Finding(where, probe, words, cause)
        finding.evidence = evidence
        self.report.findings.append(finding)
        return finding


def _never_lands(bench):
    moved = bench.runner.unmoved
    if all(moved):
        return False
    if any(moved):
        still = [i for i, m in enumerate(moved) if not m]
        words = f"params: step leaves some of the parameters unchanged (entries {still})"
    else:
        words = "params: step leaves the arrays unchanged: the update never lands in them"
    if bench.oracle is not None:
        plan = course("", 9, steps=1)
        other = torch_path(bench.oracle, plan)
        if first_difference([plan.start], other, plan) is None:
            return False
    finding = bench.add("params", "first step", words, "state_update")
    finding.pattern = "the arrays are the same before and after step"
    finding.evidence = {"lands": False}
    return True


def _against_oracle(bench):
    oracle = bench.oracle
    if oracle is None:
        return
    for plan in courses():
        mine = bench.runner.run(plan)
        theirs = torch_path(oracle, plan)
        found = first_difference(mine, theirs, plan)
        if found is None:
            continue
        if oracle.guessed:
            name = recipes.matching_variant(bench, oracle)
            if name is not None:
                bench.report.remark(
                    f"another form than {oracle.text}, guessed from the class's name: {name}"
                )
                bench.oracle = bench.report.oracle = None
                return
        _report_path(bench, plan, mine, theirs, found)
        return


def _report_path(bench, plan, mine, theirs, found, extra=None):
    step, place, mask = found
    words = (
        f"params: after step {step + 1} {int(mask.sum())} of {mask.size} elements of "
        f"params[{place}] differ from {bench.oracle.text} ({plan.words})"
    )
    finding = bench.add("params", plan.words, words)
    finding.evidence = {
        "plan": plan,
        "mine": mine,
        "theirs": theirs,
        "step": step,
        "place": place,
        "mask": mask,
        **(extra or {}),
    }
    if np.shape(mine[step][place]) == np.shape(theirs[step][place]):
        finding.table = table(mask, yours=mine[step][place], oracle=theirs[step][place])


def _hyper(bench):
    """Every argument away from its default, in the oracle too."""
    oracle, session = bench.oracle, bench.session
    if oracle is None or session.module is None:
        return
    values, _ = guess_oracle.given_arguments(bench.subject, session.module)
    for name, value in values.items():
        for new in variations(name, value):
            found = _vary(bench, oracle, values, name, new)
            if found:
                return


def variations(name, value):
    """Other values of an optimizer's argument."""
    if isinstance(value, float) and name in ("weight_decay", "l2", "decay", "lr_decay"):
        return [0.07]
    if isinstance(value, tuple) and value and all(isinstance(part, float) for part in value):
        return [tuple(0.5 + 0.4 * part for part in value)]
    if value == 0.0 and isinstance(value, (int, float)) and not isinstance(value, bool):
        return [0.07] if "decay" in name else [0.6]
    return hyper.variations(name, value, oracle=True)


def varied_oracle(bench, values, name, new, subject):
    """The oracle with the same argument changed; None where it has none such."""
    oracle = bench.oracle
    if oracle.guessed:
        varied = guess_oracle.guess(subject, bench.session.module, {**values, name: new})
        return None if varied is None or varied.options == oracle.options else varied
    text = hyper.vary_text(oracle.text, name, values[name], new)
    if text is None:
        return None
    varied = oracles.parse(text)
    varied.check()
    return varied


def with_form(subject, runner):
    """A runner of another subject that calls `step` in the same form."""
    other = Runner(subject)
    other.form, other.returns = runner.form, runner.returns
    return other


def _vary(bench, oracle, values, name, new):
    try:
        subject = hyper.rebuilt(bench, values, name, new)
        varied = varied_oracle(bench, values, name, new, subject)
    except (OwnCodeError, UsageError, TypeError, ValueError):
        return False
    if varied is None:
        return False
    runner = with_form(subject, bench.runner)
    for plan in (course(f"{name}={new!r}", 6), course(f"{name}={new!r}, small", 7, scale=1e-2)):
        try:
            mine, theirs = runner.run(plan), torch_path(varied, plan)
        except (OwnCodeError, ValueError, RuntimeError):
            return False
        found = first_difference(mine, theirs, plan)
        if found is None:
            continue
        ignored = first_difference(mine, bench.runner.run(plan), plan, 0.0) is None
        kept = bench.oracle, bench.subject, bench.runner
        bench.oracle, bench.subject, bench.runner = varied, subject, runner
        if oracle.guessed and recipes.matching_variant(bench, varied) is not None:
            bench.oracle, bench.subject, bench.runner = kept
            return False
        evidence = {"hyper": (name, values[name], new), "ignored": ignored}
        _report_path(bench, plan, mine, theirs, found, evidence)
        return True
    return False


def _generic(bench):
    """What holds for every optimizer: gradients untouched, no arrays kept, objects apart."""
    plan = course("random gradients", 11, steps=6)
    runner = bench.runner
    instance = bench.subject.fresh()
    params = [np.array(p) for p in plan.start]
    for step, grads in enumerate(plan.grads[:3]):
        given = [np.array(g) for g in grads]
        runner.step(instance, params, given)
        if any(not np.array_equal(a, b) for a, b in zip(given, grads, strict=True)):
            words = f"params: step {step + 1} changes the gradients that it was given, in place"
            finding = bench.add("params", "in place", words, "aliasing_mutation")
            finding.pattern = "an array that belongs to the caller has other values afterwards"
            return
    plain_path = runner.run(plan)
    reused = Course(plan.words, plan.start, plan.grads, reuse=True)
    if first_difference(runner.run(reused), plain_path, plan) is not None:
        words = "params: the optimizer keeps the caller's gradient array, and sees it overwritten"
        finding = bench.add("params", "reused arrays", words, "aliasing_mutation")
        finding.pattern = "another result if the caller reuses its gradient arrays"
        return
    if first_difference(runner.run(plan), plain_path, plan) is not None:
        words = "state: a new optimizer starts from what an earlier one left behind"
        bench.add("state", "a second object", words, "accumulates_across_calls")
        return
    _order_of_arrays(bench, plan, plain_path)


def _order_of_arrays(bench, plan, plain_path):
    """Each array alone must move as it does in company."""
    if bench.runner.form != "flat" or bench.runner.returns:
        return
    instance = bench.subject.fresh()
    params = [np.array(plan.start[0])]
    path = []
    for grads in plan.grads:
        bench.runner.step(instance, params, [np.array(grads[0])])
        path.append([np.array(params[0])])
    alone = Course(plan.words, plan.start[:1], plan.grads)
    company = [[arrays[0]] for arrays in plain_path]
    if first_difference(path, company, alone) is not None:
        names = {np.shape(v) for _, v in walk(instance.thing)}
        words = "params: an array moves otherwise when it is alone than among others"
        if bench.oracle is None and _normed(bench):
            bench.report.remark("the arrays' updates depend on one another")
            return
        finding = bench.add("params", "one array alone", words, "state_update")
        finding.pattern = "one step counts several times, or the arrays share their state"
        finding.evidence = {"shared": True, "shapes": names}


def _normed(bench):
    source = str(attributes(bench.subject.pristine)) + type(bench.subject.pristine).__name__
    return any(word in source.lower() for word in ("clip", "norm", "lamb", "lars"))


def _rates(bench):
    """A learning rate that changes on the way."""
    oracle = bench.oracle
    if oracle is None or _rate_name(bench.subject.pristine) is None:
        return
    plan = course("a learning rate that changes", 12, rates={3: 0.1, 5: 20.0})
    mine, theirs = bench.runner.run(plan), torch_path(oracle, plan)
    if first_difference(mine, theirs, plan) is not None:
        bench.report.remark(
            f"once the learning rate changes it moves otherwise than {oracle.text} (the textbook "
            "form keeps the old rate in its velocity)"
        )


def fresh(subject):
    return Instance(subject, subject.fresh().thing)
