"""Optimizers' trajectories against known rules: which form they follow, or which mistake."""

import itertools
from dataclasses import dataclass

import numpy as np

from parity_tests.debug import oracles
from parity_tests.debug.rules import RULES, VARIANTS


@dataclass(frozen=True)
class Mistake:
    """A rule with one choice made wrongly, and the causes that it may belong to."""

    words: str
    cause: str
    change: dict
    others: tuple = ()
    option: str | None = None  # that is without effect


MISTAKES = {
    "Adam": [
        Mistake(
            "the first moment is not bias-corrected",
            "missing_factor",
            {"uncorrected1": 1},
            others=("state_update",),
        ),
        Mistake(
            "the second moment is not bias-corrected",
            "missing_factor",
            {"uncorrected2": 1},
            others=("state_update",),
        ),
        Mistake(
            "no moment is bias-corrected",
            "missing_factor",
            {"uncorrected1": 1, "uncorrected2": 1},
            others=("state_update",),
        ),
        Mistake("the correction counts one step too many", "state_update", {"late": 1}),
        Mistake(
            "the correction of the first moment uses no step count",
            "state_update",
            {"constant1": 1},
        ),
        Mistake(
            "the correction of the second moment uses no step count",
            "state_update",
            {"constant2": 1},
        ),
        Mistake(
            "both corrections use no step count", "state_update", {"constant1": 1, "constant2": 1}
        ),
        Mistake(
            "the two corrections are exchanged",
            "wrong_point",
            {"crossed_corrections": 1},
            others=("state_update",),
        ),
        Mistake(
            "the two betas are exchanged", "state_update", {"swapped": 1}, others=("wrong_point",)
        ),
        Mistake("the first moment forgets its past", "state_update", {"forget1": 1}),
        Mistake("the second moment forgets its past", "state_update", {"forget2": 1}),
        Mistake(
            "the first moment adds the whole gradient",
            "state_update",
            {"unweighted1": 1},
            others=("missing_factor",),
        ),
        Mistake(
            "the second moment adds the whole square",
            "state_update",
            {"unweighted2": 1},
            others=("missing_factor",),
        ),
        Mistake(
            "the first moment uses the second beta",
            "state_update",
            {"crossed1": 1},
            others=("wrong_point",),
        ),
        Mistake(
            "the second moment uses the first beta",
            "state_update",
            {"crossed2": 1},
            others=("wrong_point",),
        ),
        Mistake("beta1 and 1 - beta1 are exchanged", "state_update", {"mirror1": 1}),
        Mistake("beta2 and 1 - beta2 are exchanged", "state_update", {"mirror2": 1}),
        Mistake(
            "the second moment averages the gradient, not its square",
            "state_update",
            {"unsquared": 1},
            others=("wrong_point", "forward_formula"),
        ),
        Mistake(
            "the second moment averages magnitudes, not squares", "state_update", {"absolute": 1}
        ),
        Mistake(
            "eps stands inside the root", "wrong_point", {"inside": 1}, others=("forward_formula",)
        ),
        Mistake(
            "eps is added before the bias correction",
            "wrong_point",
            {"hat": 1},
            others=("forward_formula",),
        ),
        Mistake(
            "eps is missing", "hyperparameter_ignored", {"no_eps": 1}, others=("missing_path",)
        ),
        Mistake(
            "the root of the second moment is missing",
            "forward_formula",
            {"rootless": 1},
            others=("wrong_point", "missing_factor"),
        ),
        Mistake(
            "the gradient stands in place of the first moment",
            "wrong_point",
            {"gradient": 1},
            others=("state_update",),
        ),
        Mistake(
            "the weight decay is decoupled",
            "forward_formula",
            {"decoupled": 1},
            others=("wrong_point",),
        ),
    ],
    "SGD": [
        Mistake(
            "the momentum is ignored",
            "hyperparameter_ignored",
            {"ignored_momentum": 1},
            others=("state_update",),
            option="momentum",
        ),
        Mistake(
            "the velocity forgets its past",
            "state_update",
            {"forget": 1},
            others=("hyperparameter_ignored",),
        ),
        Mistake(
            "the velocity averages",
            "state_update",
            {"dampened": 1},
            others=("forward_formula", "missing_factor"),
        ),
        Mistake(
            "the look-ahead lacks the gradient itself",
            "missing_path",
            {"ahead_alone": 1},
            others=("missing_factor", "forward_formula"),
        ),
        Mistake(
            "the look-ahead lacks the momentum's factor",
            "missing_factor",
            {"unweighted_ahead": 1},
            others=("hyperparameter_ignored", "forward_formula"),
        ),
        Mistake(
            "the look-ahead uses the old velocity",
            "wrong_point",
            {"late_ahead": 1},
            others=("state_update",),
        ),
        Mistake(
            "the Nesterov step is missing",
            "hyperparameter_ignored",
            {"plain": 1},
            others=("missing_path", "missing_factor"),
        ),
        Mistake("the Nesterov step is taken unasked", "forward_formula", {"nesterov": 1}),
    ],
    "RMSprop": [
        Mistake(
            "eps stands inside the root", "wrong_point", {"inside": 1}, others=("forward_formula",)
        ),
        Mistake(
            "eps is missing", "hyperparameter_ignored", {"no_eps": 1}, others=("missing_path",)
        ),
        Mistake(
            "the average forgets its past", "state_update", {"forget": 1}, others=("wrong_point",)
        ),
        Mistake(
            "the average adds the whole square",
            "state_update",
            {"unweighted": 1},
            others=("missing_factor",),
        ),
        Mistake(
            "the squares are summed, not averaged",
            "state_update",
            {"summed": 1},
            others=("hyperparameter_ignored",),
        ),
        Mistake("alpha and 1 - alpha are exchanged", "state_update", {"mirror": 1}),
        Mistake(
            "the average is of the gradient, not of its square",
            "state_update",
            {"unsquared": 1},
            others=("wrong_point", "forward_formula"),
        ),
        Mistake(
            "the root is missing",
            "forward_formula",
            {"rootless": 1},
            others=("wrong_point", "missing_factor"),
        ),
    ],
    "Adagrad": [
        Mistake(
            "eps stands inside the root", "wrong_point", {"inside": 1}, others=("forward_formula",)
        ),
        Mistake(
            "eps is missing", "hyperparameter_ignored", {"no_eps": 1}, others=("missing_path",)
        ),
        Mistake("the sum forgets its past", "state_update", {"forget": 1}),
        Mistake(
            "the sum is of the gradient, not of its square",
            "state_update",
            {"unsquared": 1},
            others=("wrong_point", "forward_formula"),
        ),
        Mistake("the sum is of magnitudes, not of squares", "state_update", {"absolute": 1}),
        Mistake(
            "the root is missing",
            "forward_formula",
            {"rootless": 1},
            others=("wrong_point", "missing_factor"),
        ),
    ],
    "Adadelta": [
        Mistake(
            "the average forgets its past", "state_update", {"forget": 1}, others=("wrong_point",)
        ),
        Mistake("eps stands outside the roots", "wrong_point", {"outside": 1}),
        Mistake(
            "the second average is of the gradient, not of the step",
            "state_update",
            {"gradient_step": 1},
            others=("wrong_point",),
        ),
    ],
    "Adamax": [
        Mistake(
            "the first moment is not bias-corrected",
            "missing_factor",
            {"uncorrected1": 1},
            others=("state_update",),
        ),
        Mistake("the norm forgets its past", "state_update", {"forget": 1}),
    ],
    "NAdam": [
        Mistake("the step lacks the gradient itself", "missing_path", {"absent": 1}),
        Mistake("Dozat's form", "forward_formula", {"dozat": 1}),
        Mistake("the simple form", "forward_formula", {"simple": 1}),
    ],
}
MISTAKES["AdamW"] = [
    *MISTAKES["Adam"],
    Mistake("the decay lacks the rate", "missing_factor", {"unrated": 1}),
    Mistake(
        "the decay is added to the gradient",
        "wrong_point",
        {"decoupled": 0},
        others=("forward_formula",),
    ),
]

# Whatever the rule.
DECAY = [
    Mistake("the weight decay has the opposite sign", "sign", {"negated_decay": 1}),
    Mistake("the weight decay is ignored", "hyperparameter_ignored", {"no_decay": 1}),
    Mistake("the weight decay counts twice", "scale_constant", {"doubled_decay": 1}),
]


def rule_of(oracle):
    """(name, options) of the torch optimizer behind an oracle."""
    optimizer = oracles.torch_optimizer(oracle)
    name = type(optimizer).__name__
    options = {k: v for k, v in optimizer.defaults.items() if v is not None}
    if name == "AdamW":
        options["decoupled"] = True
    return name, options


def path(rule, options, plan):
    """The parameters after every step of a rule."""
    params, states = [np.array(p) for p in plan.start], [{} for _ in plan.start]
    options = {k: v for k, v in options.items() if k != "maximize"}
    found = []
    with np.errstate(all="ignore"):
        for grads in plan.grads:
            params = [
                rule(p, np.array(g), s, options)
                for p, g, s in zip(params, grads, states, strict=True)
            ]
            found.append([np.array(p) for p in params])
    return found


def matching_variant(bench, oracle):
    """The name of a known form that the target follows in every course, or None."""
    from parity_tests.debug import stepping

    name, options = rule_of(oracle)
    if name not in RULES:
        return None
    plans = list(stepping.courses())[:3]
    mine = [bench.runner.run(plan) for plan in plans]
    single = VARIANTS.get(name, [])
    pairs = [(f"{a}, {b}", {**x, **y}) for (a, x), (b, y) in itertools.combinations(single, 2)]
    for words, change in [*single, *pairs]:
        if all(
            stepping.first_difference(ours, path(RULES[name], {**options, **change}, plan), plan)
            is None
            for ours, plan in zip(mine, plans, strict=True)
        ):
            return words
    return None


def matching_mistake(bench, oracle, plans):
    """Every known mistake that gives exactly the target's trajectory."""
    from parity_tests.debug import stepping

    name, options = rule_of(oracle)
    if name not in RULES:
        return []
    mine = [bench.runner.run(plan) for plan in plans]
    found = []
    for mistake in (*MISTAKES.get(name, []), *(DECAY if options.get("weight_decay") else [])):
        changed = {**options, **mistake.change}
        if all(
            stepping.first_difference(ours, path(RULES[name], changed, plan), plan, 1e-5) is None
            for ours, plan in zip(mine, plans, strict=True)
        ):
            found.append(mistake)
    return found
