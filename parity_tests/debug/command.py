"""`parity debug`: say where a hand-written gradient is wrong."""

import argparse
import json
import sys

from parity_tests.debug.session import Session
from parity_tests.debug.show import text


def add_arguments(parser: argparse.ArgumentParser):
    parser.add_argument("target", help="file.py:Expression; a class alone is called")
    parser.add_argument(
        "--oracle",
        help="a torch.nn or torch.optim expression, a callable of torch tensors "
        "('lambda x, w: x @ w'), file.py:name, or a name of the catalogue",
    )
    parser.add_argument(
        "--input",
        action="append",
        metavar="SPEC",
        help="one for each input: a shape, perhaps after classes:K, ints:K, binary, prob, probs "
        "or logprob; or a .npy file",
    )
    parser.add_argument(
        "--layout",
        choices=("same", "channels", "time"),
        help="how the oracle sees the input: as it is, channels first, time first",
    )
    parser.add_argument("--trace", action="store_true", help="step by step through the target")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--lang", choices=("en", "pt"), default="en", help="the output's language")


def run(arguments: argparse.Namespace) -> int:
    """0 right, 1 wrong, 2 it could not be run."""
    session = Session(arguments.target, arguments.oracle, arguments.input, arguments.layout)
    report = session.run()
    if arguments.json:
        print(json.dumps(report.as_dict(), indent=2))
    else:
        output = text(report, arguments.lang, arguments.trace)
        print(output, file=sys.stdout)
    return report.exit_code
