"""The gradient debugger: where a hand-derived gradient is wrong, and probably why."""

from parity_tests.debug.loading import World, evaluate, split_target
from parity_tests.debug.session import Session

__all__ = ["assert_gradients", "build", "explain"]


def explain(target, oracle=None, inputs=None, layout=None, seconds=8.0):
    """A report of what is right and what is wrong in a class with a hand-written gradient.

    `target` is `"file.py:Expression"`, an object or a class; `oracle` a torch expression, a
    module or a callable of torch tensors; `inputs` one shape, spec or array for each input.
    The report has `verdict`, `findings`, `remarks`, `as_dict()` and `exit_code`.
    """
    return Session(target, oracle, inputs, layout, seconds).run()


def assert_gradients(target, oracle=None, inputs=None, layout=None, seconds=8.0):
    """Raise AssertionError, with the whole report, unless the target's gradients are right."""
    from parity_tests.debug.show import text

    report = explain(target, oracle, inputs, layout, seconds)
    if report.exit_code:
        raise AssertionError("\n" + text(report))


def build(target):
    """The object of a `"file.py:Expression"`, its missing imports replaced by stand-ins."""
    path, expression = split_target(target)
    return evaluate(expression, World().load(path))
