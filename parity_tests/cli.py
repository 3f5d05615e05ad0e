"""The command `parity`."""

import argparse
import importlib
import importlib.util
import sys

# Subcommand -> its module, loaded when it is used, and the modules that it needs.
_PARITY = ("torch", "pytest", "hypothesis", "xdist")
_COMMANDS = {
    "check": ("parity_tests.commands.check", "compare every component with PyTorch", _PARITY),
    "list": ("parity_tests.commands.list", "the components and their PyTorch names", _PARITY),
    "show": ("parity_tests.commands.show", "formula, shapes and measured error of one", _PARITY),
    "cite": ("parity_tests.commands.cite", "a component's source and what verified it", _PARITY),
    "book": ("parity_tests.commands.book", "the book, section by section", _PARITY),
    "reach": (
        "parity_tests.commands.reach",
        "what the examples reached, and the branches that none ran",
        (*_PARITY, "coverage"),
    ),
    "slack": (
        "parity_tests.commands.slack",
        "how much room the budgets leave, in thousands of examples",
        (*_PARITY, "rich"),
    ),
    "conventions": ("parity_tests.commands.conventions", "slopes on kinks, measured", _PARITY),
    "train": (
        "parity_tests.commands.train",
        "train the same network in NumPy and in PyTorch, side by side",
        (*_PARITY, "sklearn", "rich"),
    ),
    "compare": (
        "parity_tests.commands.compare",
        "vanishing gradients, dead units and activations, measured",
        ("torch", "sklearn", "rich"),
    ),
    "exhaustive": (
        "parity_tests.commands.exhaustive",
        "the activations at every float32 there is",
        (*_PARITY, "rich"),
    ),
    "mutants": (
        "parity_tests.commands.mutants",
        "change the reference in every way, and see its rows notice",
        (*_PARITY, "rich"),
    ),
    "bench": (
        "parity_tests.commands.bench",
        "speed and memory, side by side with PyTorch",
        ("torch", "hypothesis", "rich"),
    ),
    "figures": (
        "parity_tests.commands.figures",
        "paths of the optimizers, schedules, losses and activations, drawn",
        ("matplotlib",),
    ),
    "debug": (
        "parity_tests.debug.command",
        "say where a hand-written gradient is wrong",
        ("torch", "pytest", "hypothesis"),
    ),
}
_EXTRA = {"sklearn": "train", "coverage": "proof", "rich": "train", "matplotlib": "figures"}


def main(arguments: list[str] | None = None) -> int:
    """Run a subcommand; 0 in parity (or done), 1 not, 2 wrong usage."""
    given = sys.argv[1:] if arguments is None else arguments
    parser = argparse.ArgumentParser(
        prog="parity", description="NumPy implementations, compared with PyTorch."
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    named = next((word for word in given if word in _COMMANDS), None)
    for name, (module, about, needed) in _COMMANDS.items():
        # Only the command in use is loaded, so that the others' requirements may be absent.
        command = commands.add_parser(name, help=about, description=about)
        if name == named:
            if missing := [n for n in needed if importlib.util.find_spec(n) is None]:
                extras = sorted({_EXTRA.get(n, "parity") for n in missing} | {"parity"})
                print(
                    f"parity {name} needs {', '.join(missing)}: "
                    f"pip install 'ml-book-reference[{','.join(extras)}]' "
                    "(the CPU build of PyTorch suffices)",
                    file=sys.stderr,
                )
                return 2
            loaded = importlib.import_module(module)
            loaded.add_arguments(command)
            command.set_defaults(run=loaded.run)
    parsed = parser.parse_args(given)
    return parsed.run(parsed)


if __name__ == "__main__":
    sys.exit(main())
