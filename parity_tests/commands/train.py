"""`parity train`: the same network in NumPy and in PyTorch, trained side by side."""

import argparse
import dataclasses
import json
import sys

from rich.progress import Progress

from parity_tests import training


def add_arguments(parser: argparse.ArgumentParser):
    networks, optimizers = list(training.NETWORKS), list(training.OPTIMIZERS)
    parser.add_argument("network", nargs="?", choices=networks, help="(default: all)")
    parser.add_argument("--optimizer", choices=optimizers, help="(default: all)")
    parser.add_argument("--epochs", type=int, help="(default: the network's own)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", action="store_true", help="print as JSON")


def run(arguments: argparse.Namespace) -> int:
    if arguments.epochs is not None and arguments.epochs < 1:
        print(f"parity train: --epochs must be at least 1; got {arguments.epochs}", file=sys.stderr)
        return 2
    networks = [arguments.network] if arguments.network else list(training.NETWORKS)
    optimizers = [arguments.optimizer] if arguments.optimizer else list(training.OPTIMIZERS)
    outcomes = {}
    with Progress(disable=arguments.json) as progress:
        for name in networks:
            for optimizer in optimizers:
                network = training.NETWORKS[name]
                epochs = network.epochs if arguments.epochs is None else arguments.epochs
                total = epochs * training.STEPS
                task = progress.add_task(f"{name}, {optimizer}", total=total)
                for outcome in training.train(network, optimizer, epochs, arguments.seed):
                    progress.update(task, completed=len(outcome.losses))
                outcomes[f"{name}, {optimizer}"] = outcome
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
    return "\n".join(
        [
            f"{name}: {verdict} over {len(outcome.losses)} steps in float64",
            f"  loss {outcome.losses[0]:.4f} -> {outcome.losses[-1]:.4f}; on held-out digits "
            f"{outcome.accuracy:.1%} are right (PyTorch: {outcome.their_accuracy:.1%})",
            f"  largest drift of a parameter {outcome.drift:.2g}; PyTorch from one ulp away "
            f"drifts {outcome.yardstick:.2g}",
            f"  of the bound ({training.BOUND} times that drift): parameters "
            f"{outcome.param_share:.1%}, losses {outcome.loss_share:.1%}",
            f"  seconds: NumPy {outcome.seconds:.1f}, PyTorch {outcome.their_seconds:.1f}",
        ]
    )
