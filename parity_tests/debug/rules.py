"""The optimizers' update rules with every choice spelt out, to recognise a form or a mistake."""

import numpy as np


def _decay(o):
    times = 0 if o.get("no_decay") else 2 if o.get("doubled_decay") else 1
    return o.get("weight_decay", 0.0) * (-times if o.get("negated_decay") else times)


def _adam(p, g, s, o):
    s["t"] = s.get("t", 0) + 1
    t = s["t"] + o.get("late", 0)
    b1, b2 = o["betas"]
    if o.get("swapped"):
        b1, b2 = b2, b1
    if o.get("decoupled"):
        p = p - (1.0 if o.get("unrated") else o["lr"]) * _decay(o) * p
    else:
        g = g + _decay(o) * p
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
    g = g + _decay(o) * p
    if not mu or o.get("ignored_momentum"):
        return p - lr * g
    keep = (1 - mu) if o.get("dampened") else 1.0
    keep = 1 - o["dampening"] if o.get("dampening") and "v" in s else keep
    velocity = 0.0 if o.get("forget") else s.get("v", 0.0)
    s["v"] = mu * velocity + keep * g
    if o.get("nesterov") and not o.get("plain"):
        ahead = s["v"] if o.get("unweighted_ahead") else mu * s["v"]
        ahead = mu * velocity if o.get("late_ahead") else ahead
        return p - lr * (ahead if o.get("ahead_alone") else g * keep + ahead)
    return p - lr * s["v"]


def _rmsprop(p, g, s, o):
    a = o.get("alpha", 0.99)
    g = g + _decay(o) * p
    square = g if o.get("unsquared") else g * g
    keep = 1.0 if o.get("unweighted") else 1 - a
    old = 0.0 if o.get("forget") else s.get("v", 0.0)
    s["v"] = a * old + keep * square if not o.get("mirror") else (1 - a) * old + a * square
    if o.get("summed"):
        s["v"] = old + square
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
    g = g + _decay(o) * p
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
    g = g + _decay(o) * p
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
    g = g + _decay(o) * p
    eps = o.get("eps", 1e-8)
    s["m"] = b1 * s.get("m", 0.0) + (1 - b1) * g
    size = np.abs(g) + (0.0 if o.get("outside") else eps)
    s["u"] = np.maximum(b2 * (0.0 if o.get("forget") else s.get("u", 0.0)), size)
    c1 = 1.0 if o.get("uncorrected1") else 1 - b1 ** s["t"]
    return p - o["lr"] / c1 * s["m"] / (s["u"] + (eps if o.get("outside") else 0.0))


def _nadam(p, g, s, o):
    s["t"] = t = s.get("t", 0) + 1
    b1, b2 = o["betas"]
    g = g + _decay(o) * p
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
        present = 0.0 if o.get("absent") else (1 - mu) * g / (1 - s["product"])
        m = present + mu_next * s["m"] / (1 - s["product"] * mu_next)
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
