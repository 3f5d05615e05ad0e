"""`parity compare`: the measured sections of chapters 7 and 8, as tables."""

import argparse
import json

import numpy as np
from rich.progress import track

from parity_tests import experiments

_RATES = (0.01, 0.1, 0.5, 1.0)


def add_arguments(parser: argparse.ArgumentParser):
    tables = list(_TABLES)
    parser.add_argument("table", nargs="?", choices=tables, help="which (default: all)")
    parser.add_argument("--json", action="store_true", help="print as JSON")


def run(arguments: argparse.Namespace) -> int:
    names = [arguments.table] if arguments.table else list(_TABLES)
    results = {name: _TABLES[name](arguments.json) for name in names}
    if arguments.json:
        print(json.dumps({name: result["rows"] for name, result in results.items()}, indent=1))
        return 0
    for result in results.values():
        print(_text(**result))
    return 0


def gradients(silent: bool) -> dict:
    """Gradient norms by depth, relative to the last layer's."""
    rows = {}
    activations = experiments.SIGMOIDAL | experiments.RECTIFYING
    pairs = [(name, how) for how in experiments.INITIALIZATIONS for name in activations]
    for name, how in track(pairs, description="gradients by depth", disable=silent):
        initialize = experiments.INITIALIZATIONS[how]
        norms = experiments.gradient_norms(activations[name], initialize)
        shown = {f"layer {place + 1}": norms[place] for place in (0, 2, 5, 8, 11, 12)}
        rows[f"{name}, {how}"] = {**shown, "first / last": norms[0] / norms[-1]}
    title = (
        f"Norm of the gradient of the weights, by depth ({experiments.DEPTH} hidden layers of "
        f"{experiments.WIDTH}; sections 7.9 and 8.6)"
    )
    return {"title": title, "rows": rows, "form": "{:.2e}"}


def dead(silent: bool) -> dict:
    """The share of dead ReLU units, epoch by epoch."""
    rows = {}
    for rate in track(_RATES, description="dead units", disable=silent):
        shares = [list(experiments.dead_units(rate, seed=seed)) for seed in experiments.SEEDS]
        mean = np.mean(shares, axis=0)
        rows[f"learning rate {rate}"] = {
            f"epoch {epoch + 1}": float(share) for epoch, share in enumerate(mean)
        }
    title = "Share of ReLU units that no training digit activates (section 8.3; three seeds)"
    return {"title": title, "rows": rows, "form": "{:.1%}"}


def sigmoidal(silent: bool) -> dict:
    """Section 7.10."""
    title = "The sigmoidals in one network (section 7.10; mean and spread of three seeds)"
    return _contests(title, experiments.SIGMOIDAL, silent)


def rectifying(silent: bool) -> dict:
    """Section 8.7."""
    title = "The rectifiers in one network (section 8.7; mean and spread of three seeds)"
    return _contests(title, experiments.RECTIFYING, silent)


def _contests(title, activations, silent):
    rows = {}
    for name, activation in track(activations.items(), description=title[:15], disable=silent):
        runs = [experiments.contest(activation, seed) for seed in experiments.SEEDS]
        rows[name] = {
            measure: [float(np.mean(values)), float(np.std(values))]
            for measure in runs[0]
            for values in [[run[measure] for run in runs]]
        }
    return {"title": title, "rows": rows, "form": "{:.3f}"}


_TABLES = {
    "gradients": gradients,
    "dead": dead,
    "sigmoidal": sigmoidal,
    "rectifying": rectifying,
}


def _text(title: str, rows: dict, form: str) -> str:
    def shown(value):
        if isinstance(value, list):
            return " +- ".join(form.format(part) for part in value)
        return form.format(value)

    head = ["", *next(iter(rows.values()))]
    body = [[name, *map(shown, entries.values())] for name, entries in rows.items()]
    widths = [max(len(line[i]) for line in [head, *body]) for i in range(len(head))]
    lines = [
        "  ".join(
            cell.rjust(width) if place else cell.ljust(width)
            for place, (cell, width) in enumerate(zip(line, widths, strict=True))
        )
        for line in [head, *body]
    ]
    return "\n".join([f"\n{title}", *lines])
