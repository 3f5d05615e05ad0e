"""`parity train`: the same network in NumPy and in PyTorch, trained side by side."""

import argparse
import dataclasses
import json
import sys
import textwrap

from rich.progress import Progress

from parity_tests import training
from parity_tests.networks import NETWORKS


def add_arguments(parser: argparse.ArgumentParser):
    parser.add_argument("network", nargs="?", choices=list(NETWORKS), help="(default: all)")
    optimizers = list(training.OPTIMIZERS)
    parser.add_argument("--optimizer", choices=optimizers, help="(default: the network's own)")
    parser.add_argument("--epochs", type=int, help="(default: the network's own)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", action="store_true", help="print as JSON")


def run(arguments: argparse.Namespace) -> int:
    if arguments.epochs is not None and arguments.epochs < 1:
        print(f"parity train: --epochs must be at least 1; got {arguments.epochs}", file=sys.stderr)
        return 2
    networks = [NETWORKS[arguments.network]] if arguments.network else NETWORKS.values()
    outcomes = {}
    with Progress(disable=arguments.json) as progress:
        for network in networks:
            chosen = [arguments.optimizer] if arguments.optimizer else network.optimizers
            for optimizer in chosen:
                epochs = network.epochs if arguments.epochs is None else arguments.epochs
                name = f"{network.name}, {optimizer}"
                task = progress.add_task(name, total=epochs * network.steps)
                for outcome in training.train(network, optimizer, epochs, arguments.seed):
                    progress.update(task, completed=len(outcome.losses))
                outcomes[name] = outcome
    if arguments.json:
        entries = {
            name: {**dataclasses.asdict(outcome), "holds": outcome.holds}
            for name, outcome in outcomes.items()
        }
        print(json.dumps(entries, indent=1))
    else:
        for name, outcome in outcomes.items():
            print(_text(name, outcome))
    return 0 if all(outcome.holds for outcome in outcomes.values()) else 1


def _text(name: str, outcome: training.Outcome) -> str:
    verdict = "agrees with PyTorch" if outcome.holds else "DOES NOT AGREE with PyTorch"
    last = len(outcome.losses) - 1
    shown = sorted({round(share * last / 8) for share in range(9)})
    lines = [
        f"{name}: {verdict} over {len(outcome.losses)} steps in float64",
        f"  loss {' '.join(f'{outcome.losses[step]:.4f}' for step in shown)}",
        f"  of the targets held out {outcome.accuracy:.1%} are found "
        f"(PyTorch: {outcome.their_accuracy:.1%})",
        f"  largest drift of a parameter {outcome.drift:.2g}; PyTorch from one ulp away "
        f"drifts {outcome.yardstick:.2g}",
        f"  of the bound ({training.BOUND} times that drift): parameters "
        f"{outcome.param_share:.1%}, losses {outcome.loss_share:.1%}",
        f"  seconds: NumPy {outcome.seconds:.1f}, PyTorch {outcome.their_seconds:.1f}",
    ]
    if outcome.text:
        whose = "both" if outcome.text == outcome.their_text else "NumPy"
        lines.append(f"  {whose} go on with:" if whose == "both" else f"  {whose} goes on with:")
        lines.append(textwrap.indent(outcome.text, "    "))
    if outcome.text != outcome.their_text:
        lines += ["  PyTorch goes on with:", textwrap.indent(outcome.their_text, "    ")]
    return "\n".join(lines)
