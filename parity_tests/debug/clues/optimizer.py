"""Clues from trajectories: which moment, which step, which option of an optimizer."""

import inspect

import numpy as np

from parity_tests.debug import guess_oracle, hyper, oracles, recipes, stepping
from parity_tests.debug.clues.evidence import Clue, same
from parity_tests.debug.failures import OwnCodeError, UsageError
from parity_tests.debug.structure import attributes


def gather(bench, finding):
    data = finding.evidence
    plan, step = data["plan"], data["step"]
    if data.get("ignored"):
        name = data["hyper"][0]
        yield Clue("hyperparameter_ignored", 1.0, f"the steps do not change with {name}")
    elif "hyper" in data:
        name, _, new = data["hyper"]
        yield Clue("hyperparameter_ignored", 0.7, f"right until {name} is {new!r}")
    yield from _first_step(data, plan, step)
    plans = [stepping.course(plan.words, 1), stepping.course("", 2, zeros=(2, 3)), plan]
    yield from _recipes(bench, plans)
    yield from _as_if(bench, plan, data["mine"])
    yield from _without_effect(bench, stepping.course("", 1))
    if step > 0:
        yield Clue("state_update", 0.6, f"right until step {step}, then it drifts away")
    else:
        yield Clue("state_update", 0.45, "wrong from the first step")
        yield Clue("forward_formula", 0.35, "wrong from the first step")
    if "tiny" in plan.words:
        yield Clue("wrong_point", 0.7, "wrong only for tiny gradients: the place of eps")
        yield Clue("hyperparameter_ignored", 0.5, "")


def _first_step(data, plan, step):
    """How the first step compares: a sign, a factor."""
    mine, theirs = (
        np.concatenate([np.ravel(a - b) for a, b in zip(data[side][0], plan.start, strict=True)])
        for side in ("mine", "theirs")
    )
    if not np.any(theirs):
        return
    factor = float(np.sum(mine * theirs) / np.sum(theirs * theirs))
    if same(mine, -theirs, 1e-6):
        yield Clue("sign", 0.99, "the first step goes the opposite way")
    elif same(mine, factor * theirs, 1e-5) and abs(factor - 1) > 1e-5 and step == 0:
        words = f"the first step is {factor:.5g} times the right one"
        yield Clue("scale_constant", 0.62, words)
        yield Clue("missing_factor", 0.55, words)


def _recipes(bench, plans):
    """The rule with one known mistake that gives exactly the same trajectory."""
    found = recipes.matching_mistake(bench, bench.oracle, plans)
    for place, mistake in enumerate(found):
        yield Clue(mistake.cause, 0.98 - 0.05 * place, mistake.words)
        if mistake.option is not None and _reads(bench, mistake.option):
            yield Clue("state_update", 0.985 - 0.05 * place, f"{mistake.option} has no effect")
        for cause in mistake.others:
            yield Clue(cause, 0.7, "")


def _as_if(bench, plan, mine):
    """The trajectory of another value of one option: its default, or none."""
    optimizer = oracles.torch_optimizer(bench.oracle)
    kind, given = type(optimizer), optimizer.defaults
    signature = inspect.signature(kind).parameters
    names = [name for name in signature if name in given]
    for name in names:
        for value in dict.fromkeys((signature[name].default, 0.0, False)):
            if value is inspect.Parameter.empty or value == given[name] or name == "lr":
                continue
            changed = {n: given[n] for n in names if given[n] is not None} | {name: value}
            try:
                varied = oracles.OptimizerOracle("", lambda p, c=changed: kind(p, **c))
                other = stepping.torch_path(varied, plan)
            except (ValueError, RuntimeError, TypeError):
                continue
            if stepping.first_difference(mine, other, plan) is None:
                read = _reads(bench, name)
                words = f"as if {name} were {value!r}"
                yield Clue("hyperparameter_ignored", 0.9 if read else 0.975, words)
                if read:
                    yield Clue("state_update", 0.974, words)


def _reads(bench, torch_name):
    """Does `step` read the option that torch calls so?"""
    thing = bench.subject.pristine
    known = (torch_name, *guess_oracle._ARGUMENTS.get(torch_name, ()))
    names = [name for name in attributes(thing) if name.strip("_") in known]
    sources = [
        inspect.getsource(method)
        for name, method in vars(type(thing)).items()
        if inspect.isfunction(method) and name != "__init__"
    ]
    return any(f"self.{name}" in source for name in names for source in sources)


def _without_effect(bench, plan):
    """Arguments that the steps do not answer to, while torch's would."""
    if bench.session.module is None:
        return
    mine = bench.runner.run(plan)
    values, _ = guess_oracle.given_arguments(bench.subject, bench.session.module)
    for name, value in values.items():
        for new in stepping.variations(name, value)[:1]:
            try:
                subject = hyper.rebuilt(bench, values, name, new)
                varied = stepping.varied_oracle(bench, values, name, new, subject)
                if varied is None:
                    continue
                path = stepping.with_form(subject, bench.runner).run(plan)
                theirs = stepping.torch_path(varied, plan)
                before = stepping.torch_path(bench.oracle, plan)
            except (OwnCodeError, UsageError, TypeError, ValueError, RuntimeError):
                continue
            moves = stepping.first_difference(theirs, before, plan) is not None
            if moves and stepping.first_difference(path, mine, plan) is None:
                words = f"the steps do not change with {name}"
                read = _reads(bench, name)
                yield Clue("hyperparameter_ignored", 0.9 if read else 0.975, words)
                if read:
                    yield Clue("state_update", 0.974, words)
