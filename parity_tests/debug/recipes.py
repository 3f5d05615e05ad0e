"""The optimizers' update rules with every choice spelt out, to recognise a form or a mistake."""

import itertools

import numpy as np


def _adam(p, g, s, o):
    s["t"] = s.get("t", 0) + 1
    t = s["t"] + o.get("late", 0)
    b1, b2 = o["betas"]
    if o.get("swapped"):
        b1, b2 = b2, b1
    if o.get("weight_decay") and not o.get("no_decay"):
        if o.get("decoupled"):
            p = p - o["lr"] * o["weight_decay"] * p
        else:
            g = g + o["weight_decay"] * p
    keep1 = 1.0 if o.get("unweighted1") else 1 - b1
    keep2 = 1.0 if o.get("unweighted2") else 1 - b2
    if o.get("crossed1"):
        keep1 = 1 - b2
    if o.get("crossed2"):
        keep2 = 1 - b1
    m0 = 0.0 if o.get("forget1") else s.get("m", 0.0)
    v0 = 0.0 if o.get("forget2") else s.get("v", 0.0)
    square = g if o.get("unsquared") else np.abs(g) if o.get("absolute") else g * g
    s["m"] = (b1 * m0 + keep1 * g) if not o.get("mirror1") else ((1 - b1) * m0 + b1 * g)
    s["v"] = (b2 * v0 + keep2 * square) if not o.get("mirror2") else ((1 - b2) * v0 + b2 * square)
    power1 = 1 if o.get("constant1") else t
    power2 = 1 if o.get("constant2") else t
    c1 = 1.0 if o.get("uncorrected1") else 1 - b1**power1
    c2 = 1.0 if o.get("uncorrected2") else 1 - b2**power2
    if o.get("crossed_corrections"):
        c1, c2 = 1 - b2**t, 1 - b1**t
    m, v = s["m"] / c1, s["v"] / c2
    if o.get("amsgrad"):
        s["vmax"] = np.maximum(s.get("vmax", 0.0), s["v"])
        v = s["vmax"] / c2
    eps = 0.0 if o.get("no_eps") else o["eps"]
    if o.get("inside"):
        root = np.sqrt(v + eps)
    elif o.get("hat"):
        root = np.sqrt(v) + eps / np.sqrt(c2)
    elif o.get("rootless"):
        root = v + eps
    else:
        root = np.sqrt(v) + eps
    if o.get("gradient"):
        m = g
    return p - o["lr"] * m / root


def _sgd(p, g, s, o):
    mu, lr = o.get("momentum", 0.0), o["lr"]
    if o.get("weight_decay") and not o.get("no_decay"):
        g = g + o["weight_decay"] * p * (2 if o.get("doubled_decay") else 1)
    if not mu or o.get("ignored_momentum"):
        return p - lr * g
    keep = (1 - mu) if o.get("dampened") else 1.0
    keep = 1 - o["dampening"] if o.get("dampening") and "v" in s else keep
    velocity = 0.0 if o.get("forget") else s.get("v", 0.0)
    s["v"] = mu * velocity + keep * g
    if o.get("nesterov") and not o.get("plain"):
        return p - lr * (g * keep + mu * s["v"])
    return p - lr * s["v"]


def _rmsprop(p, g, s, o):
    a = o.get("alpha", 0.99)
    if o.get("weight_decay"):
        g = g + o["weight_decay"] * p
    square = g if o.get("unsquared") else g * g
    keep = 1.0 if o.get("unweighted") else 1 - a
    old = 0.0 if o.get("forget") else s.get("v", 0.0)
    s["v"] = a * old + keep * square if not o.get("mirror") else (1 - a) * old + a * square
    v = s["v"]
    if o.get("centered"):
        s["a"] = a * s.get("a", 0.0) + (1 - a) * g
        v = v - s["a"] ** 2
    eps = 0.0 if o.get("no_eps") else o.get("eps", 1e-8)
    root = np.sqrt(v + eps) if o.get("inside") else np.sqrt(v) + eps
    root = v + eps if o.get("rootless") else root
    step = g / root
    if o.get("momentum"):
        if o.get("rate_inside"):
            s["b"] = o["momentum"] * s.get("b", 0.0) + o["lr"] * step
            return p - s["b"]
        s["b"] = o["momentum"] * s.get("b", 0.0) + step
        step = s["b"]
    return p - o["lr"] * step


def _adagrad(p, g, s, o):
    if o.get("weight_decay"):
        g = g + o["weight_decay"] * p
    square = g if o.get("unsquared") else np.abs(g) if o.get("absolute") else g * g
    s["t"] = s.get("t", 0) + 1
    old = 0.0 if o.get("forget") else s.get("v", o.get("initial_accumulator_value", 0.0))
    s["v"] = old + square
    eps = 0.0 if o.get("no_eps") else o.get("eps", 1e-10)
    root = np.sqrt(s["v"] + eps) if o.get("inside") else np.sqrt(s["v"]) + eps
    root = s["v"] + eps if o.get("rootless") else root
    rate = o["lr"] / (1 + (s["t"] - 1) * o.get("lr_decay", 0.0))
    return p - rate * g / root


def _adadelta(p, g, s, o):
    rho, eps = o.get("rho", 0.9), o.get("eps", 1e-6)
    if o.get("weight_decay"):
        g = g + o["weight_decay"] * p
    old = 0.0 if o.get("forget") else s.get("v", 0.0)
    s["v"] = rho * old + (1 - rho) * g * g
    before = s.get("d", 0.0)
    if o.get("early"):
        step = np.sqrt(before + eps) / np.sqrt(s["v"] + eps) * g
    elif o.get("outside"):
        step = (np.sqrt(before) + eps) / (np.sqrt(s["v"]) + eps) * g
    elif o.get("gradient_step"):
        step = np.sqrt(before + eps) / np.sqrt(s["v"] + eps) * g
        s["d"] = rho * before + (1 - rho) * g * g
        return p - o["lr"] * step
    else:
        step = np.sqrt(before + eps) / np.sqrt(s["v"] + eps) * g
    s["d"] = rho * before + (1 - rho) * step * step
    if o.get("scaled"):
        s["d"] = rho * before + (1 - rho) * (o["lr"] * step) ** 2
    return p - o["lr"] * step


def _adamax(p, g, s, o):
    s["t"] = s.get("t", 0) + 1
    b1, b2 = o["betas"]
    if o.get("weight_decay"):
        g = g + o["weight_decay"] * p
    eps = o.get("eps", 1e-8)
    s["m"] = b1 * s.get("m", 0.0) + (1 - b1) * g
    size = np.abs(g) + (0.0 if o.get("outside") else eps)
    s["u"] = np.maximum(b2 * s.get("u", 0.0), size)
    c1 = 1.0 if o.get("uncorrected1") else 1 - b1 ** s["t"]
    return p - o["lr"] / c1 * s["m"] / (s["u"] + (eps if o.get("outside") else 0.0))


def _nadam(p, g, s, o):
    s["t"] = t = s.get("t", 0) + 1
    b1, b2 = o["betas"]
    if o.get("weight_decay"):
        g = g + o["weight_decay"] * p
    s["m"] = b1 * s.get("m", 0.0) + (1 - b1) * g
    s["v"] = b2 * s.get("v", 0.0) + (1 - b2) * g * g
    v = s["v"] / (1 - b2**t)
    if o.get("dozat"):
        m = b1 * s["m"] / (1 - b1 ** (t + 1)) + (1 - b1) * g / (1 - b1**t)
    elif o.get("simple"):
        m = (b1 * s["m"] + (1 - b1) * g) / (1 - b1**t)
    else:
        psi = o.get("momentum_decay", 4e-3)
        mu, mu_next = (b1 * (1 - 0.5 * 0.96 ** (k * psi)) for k in (t, t + 1))
        s["product"] = s.get("product", 1.0) * mu
        m = (1 - mu) * g / (1 - s["product"]) + mu_next * s["m"] / (1 - s["product"] * mu_next)
    root = np.sqrt(v + o["eps"]) if o.get("inside") else np.sqrt(v) + o["eps"]
    return p - o["lr"] * m / root


RULES = {
    "Adam": _adam,
    "AdamW": _adam,
    "SGD": _sgd,
    "RMSprop": _rmsprop,
    "Adagrad": _adagrad,
    "Adadelta": _adadelta,
    "Adamax": _adamax,
    "NAdam": _nadam,
}

# Forms that books and libraries print; any of them is right where the oracle was only guessed.
VARIANTS = {
    "Adam": [("eps inside the root", {"inside": 1}), ("eps before the correction", {"hat": 1}),
             ("decoupled weight decay", {"decoupled": 1})],
    "AdamW": [("eps inside the root", {"inside": 1}), ("eps before the correction", {"hat": 1})],
    "SGD": [("a velocity that averages", {"dampened": 1}), ("no Nesterov form", {"plain": 1})],
    "RMSprop": [("eps inside the root", {"inside": 1}),
                ("the rate inside the velocity", {"rate_inside": 1})],
    "Adagrad": [("eps inside the root", {"inside": 1})],
    "Adadelta": [("eps outside the roots", {"outside": 1})],
    "Adamax": [("eps outside the maximum", {"outside": 1})],
    "NAdam": [("Dozat's form", {"dozat": 1}), ("the simple form", {"simple": 1}),
              ("the simple form, eps inside", {"simple": 1, "inside": 1})],
}  # fmt: skip

# Mistakes, each with the cause that it belongs to.
MISTAKES = {
    "Adam": [
        ("the first moment is not bias-corrected", "missing_factor", {"uncorrected1": 1}),
        ("the second moment is not bias-corrected", "missing_factor", {"uncorrected2": 1}),
        ("no moment is bias-corrected", "missing_factor", {"uncorrected1": 1, "uncorrected2": 1}),
        ("the correction counts one step too many", "state_update", {"late": 1}),
        ("the correction of the first moment uses no step count", "state_update", {"constant1": 1}),
        ("the correction of the second moment uses no step count", "state_update",
         {"constant2": 1}),
        ("both corrections use no step count", "state_update", {"constant1": 1, "constant2": 1}),
        ("the two corrections are exchanged", "wrong_point", {"crossed_corrections": 1}),
        ("the two betas are exchanged", "state_update", {"swapped": 1}),
        ("the first moment forgets its past", "state_update", {"forget1": 1}),
        ("the second moment forgets its past", "state_update", {"forget2": 1}),
        ("the first moment adds the whole gradient", "state_update", {"unweighted1": 1}),
        ("the second moment adds the whole square", "state_update", {"unweighted2": 1}),
        ("the first moment uses the second beta", "state_update", {"crossed1": 1}),
        ("the second moment uses the first beta", "state_update", {"crossed2": 1}),
        ("beta1 and 1 - beta1 are exchanged", "state_update", {"mirror1": 1}),
        ("beta2 and 1 - beta2 are exchanged", "state_update", {"mirror2": 1}),
        ("the second moment averages the gradient, not its square", "state_update",
         {"unsquared": 1}),
        ("the second moment averages magnitudes, not squares", "state_update", {"absolute": 1}),
        ("eps stands inside the root", "wrong_point", {"inside": 1}),
        ("eps is added before the bias correction", "wrong_point", {"hat": 1}),
        ("eps is missing", "hyperparameter_ignored", {"no_eps": 1}),
        ("the root of the second moment is missing", "forward_formula", {"rootless": 1}),
        ("the gradient stands in place of the first moment", "wrong_point", {"gradient": 1}),
        ("the weight decay is ignored", "hyperparameter_ignored", {"no_decay": 1}),
        ("the weight decay is decoupled", "forward_formula", {"decoupled": 1}),
    ],
    "SGD": [
        ("the momentum is ignored", "hyperparameter_ignored", {"ignored_momentum": 1}),
        ("the velocity forgets its past", "state_update", {"forget": 1}),
        ("the velocity averages", "state_update", {"dampened": 1}),
        ("the Nesterov step is missing", "hyperparameter_ignored", {"plain": 1}),
        ("the Nesterov step is taken unasked", "forward_formula", {"nesterov": 1}),
        ("the weight decay is ignored", "hyperparameter_ignored", {"no_decay": 1}),
        ("the weight decay counts twice", "scale_constant", {"doubled_decay": 1}),
    ],
    "RMSprop": [
        ("eps stands inside the root", "wrong_point", {"inside": 1}),
        ("eps is missing", "hyperparameter_ignored", {"no_eps": 1}),
        ("the average forgets its past", "state_update", {"forget": 1}),
        ("the average adds the whole square", "state_update", {"unweighted": 1}),
        ("alpha and 1 - alpha are exchanged", "state_update", {"mirror": 1}),
        ("the average is of the gradient, not of its square", "state_update", {"unsquared": 1}),
        ("the root is missing", "forward_formula", {"rootless": 1}),
    ],
    "Adagrad": [
        ("eps stands inside the root", "wrong_point", {"inside": 1}),
        ("eps is missing", "hyperparameter_ignored", {"no_eps": 1}),
        ("the sum forgets its past", "state_update", {"forget": 1}),
        ("the sum is of the gradient, not of its square", "state_update", {"unsquared": 1}),
        ("the sum is of magnitudes, not of squares", "state_update", {"absolute": 1}),
        ("the root is missing", "forward_formula", {"rootless": 1}),
    ],
    "Adadelta": [
        ("the average forgets its past", "state_update", {"forget": 1}),
        ("eps stands outside the roots", "wrong_point", {"outside": 1}),
        ("the second average is of the gradient, not of the step", "state_update",
         {"gradient_step": 1}),
    ],
    "Adamax": [("the first moment is not bias-corrected", "missing_factor", {"uncorrected1": 1})],
    "NAdam": [
        ("Dozat's form", "forward_formula", {"dozat": 1}),
        ("the simple form", "forward_formula", {"simple": 1}),
    ],
}  # fmt: skip
MISTAKES["AdamW"] = MISTAKES["Adam"]


def rule_of(oracle):
    """(name, options) of the torch optimizer behind an oracle."""
    import torch

    optimizer = oracle.make([torch.zeros(2, dtype=torch.float64, requires_grad=True)])
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
    """(words, cause) of every known mistake that gives exactly the target's trajectory."""
    from parity_tests.debug import stepping

    name, options = rule_of(oracle)
    if name not in RULES:
        return []
    mine = [bench.runner.run(plan) for plan in plans]
    found = []
    for words, cause, change in MISTAKES.get(name, []):
        if all(
            stepping.first_difference(
                ours, path(RULES[name], {**options, **change}, plan), plan, 1e-5
            )
            is None
            for ours, plan in zip(mine, plans, strict=True)
        ):
            found.append((words, cause))
    return found
