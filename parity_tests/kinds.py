"""The kinds of test that every row of a layer gets, without a line of its own.

Each takes a row, a case and a dtype, returns the verdicts it reached, and raises AssertionError
with the words of those that disagree.
"""

import copy
import inspect
import math
import re
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from parity_tests import compare, oracle, strategies
from parity_tests.catalogue import Row
from parity_tests.compare import Verdict
from parity_tests.strategies import Case
from parity_tests.trial import Trial
from parity_tests.witness import check_witness

MESSAGE = re.compile(r"^\w+\.\w+: .+ must .+; got .+\.", re.DOTALL)


def conclude(row, dtype: str, kind: str, verdicts: list[Verdict], about: str) -> list[Verdict]:
    """Raise if a verdict is against us; the message ends with the command that repeats it."""
    wrong = [verdict.message for verdict in verdicts if verdict.message]
    if wrong:
        repeat = f"parity check {row.title} --only {kind} --dtype {dtype}"
        lines = [f"{row.title}, {dtype}, {kind}:", *wrong, f"  {about}", f"  repeat: {repeat}"]
        raise AssertionError("\n".join(lines))
    return verdicts


def check_agreement(row: Row, case: Case, dtype: str, kind: str = "agreement") -> list[Verdict]:
    """Forward, every gradient and every buffer against PyTorch."""
    trial = Trial(row, case, dtype)
    about = f"{trial.module}, inputs {_shapes(trial.inputs)}, {case.regime}, seed {case.seed}"
    return conclude(row, dtype, kind, trial.verdicts(), about)


def check_kinks(row: Row, case: Case, dtype: str) -> list[Verdict]:
    """The same on kinks and ties, hit on purpose."""
    return check_agreement(row, case, dtype, "kinks")


def check_special(row: Row, case: Case, dtype: str) -> list[Verdict]:
    """The same on NaN, infinities, both zeros, subnormal and huge values."""
    return check_agreement(row, case, dtype, "special")


def check_protocol(row: Row, case: Case, dtype: str) -> list[Verdict]:
    """Backward is linear and repeatable, nothing is changed, the last forward counts."""
    trial = Trial(row, case, dtype)
    inputs = oracle.map_structure(_read_only, trial.inputs)
    adapter = trial.adapter()
    found = Findings(row, dtype)
    with trial.tolerating_nonfinite():
        before = [leaf.copy() for leaf in _arrays((inputs, tuple(adapter.params)))]
        if row.replay is not None:
            # A container of layers that do not draw has none, and gets none.
            draws = adapter.layer.rng is not None
            generator = adapter.layer.rng = copy.deepcopy(trial.draws)
            if adapter.layer.rng is not (generator if draws else None):
                found.add("the generator that was set does not read back")
        outputs = trial.forward(adapter, inputs)
        kept = [leaf.copy() for leaf in _arrays(outputs)]
        floating = [leaf for leaf in _arrays(outputs) if oracle.is_floating(leaf)]
        upstream = trial.upstream(floating)
        given = [grad.copy() for grad in upstream if grad is not None]
        grads = adapter.backward(*upstream)
        if not all(isinstance(a, np.ndarray) for a in (*adapter.layer.params, *grads[1])):
            found.add("a parameter or its gradient is no array")
        first = [leaf.copy() for leaf in _arrays(grads)]
        second = _arrays(adapter.backward(*upstream))
        found.equal(first, second, "a second backward gives another result: it accumulates")
        now = _arrays((inputs, tuple(adapter.params)))
        if not row.changes_params:
            found.equal(before, now, "an input or a parameter was changed in place")
        found.equal(given, _present(upstream), "the upstream gradient was changed in place")
        _check_left_out(adapter.layer, found)
        _check_absent(row, inputs, adapter.layer, found)

        other = oracle.map_structure(_other, trial.inputs)
        _read_all(adapter.layer, found)
        fresh = trial.adapter()
        if adapter.params:  # as they are by now: forward may have moved them, and the buffers
            fresh.layer.params = [param.copy() for param in adapter.params]
        if adapter.buffers:
            buffers = fresh.layer.buffers = [buffer.copy() for buffer in adapter.buffers]
            if not all(a is b for a, b in zip(buffers, fresh.layer.buffers, strict=True)):
                found.add("the buffers that were set do not read back")
        trial.forward(adapter, other)
        found.equal(kept, _arrays(outputs), "an earlier output was changed by a later forward")
        last = _arrays(adapter.backward(*upstream))
        trial.forward(fresh, other)
        alone = _arrays(fresh.backward(*upstream))
        found.equal(alone, last, "a stale cache: backward does not belong to the last forward")
        if _needs_no_upstream(adapter.layer):
            # In a finer precision, which must not reach what is passed on.
            ones = [np.ones(shape, np.longdouble) for shape in adapter.layer.output_shapes]
            said, unsaid = adapter.layer.backward(*ones), adapter.layer.backward()
            pairs = list(zip(_arrays(said), _arrays(unsaid), strict=True))
            # Sums of arrays that are stretched round differently.
            if not all(np.allclose(a, b, rtol=1e-12, equal_nan=True) for a, b in pairs):
                found.add("backward of nothing is not that of an upstream gradient of 1")
            if not all(a.dtype == b.dtype for a, b in pairs):
                found.add("a finer upstream gradient changes the precision of what is passed on")
            grad_inputs, grad_params = said
            if isinstance(grad_inputs, tuple) and len(grad_inputs) == 1:
                found.add("the gradient of a single input comes in a tuple")
            if not adapter.layer.params and grad_params is not None:
                found.add("without parameters, their gradients are not None")
        _check_linear(trial, found)
    return found.conclude("protocol", f"{trial.module}, {case.regime}, seed {case.seed}")


def _needs_no_upstream(layer) -> bool:
    """Whether backward may be called without a gradient, which then is 1."""
    arguments = inspect.signature(layer.backward).parameters.values()
    return all(isinstance(argument.default, float) for argument in arguments)


def _read_all(layer, found: "Findings"):
    """Whatever the options are, every property can be read."""
    for name, entry in inspect.getmembers_static(type(layer)):
        if isinstance(entry, property):
            try:
                getattr(layer, name)
            except (LookupError, TypeError, AttributeError) as error:
                found.add(f"{name} cannot be read: {type(error).__name__}: {error}")


def _check_left_out(layer, found: "Findings"):
    """The gradients of several outputs may be left out from the second on, or all be None."""
    grad_output, *rest = (np.ones(shape) for shape in layer.output_shapes)
    try:
        inspect.signature(layer.backward).bind(grad_output, *rest)
    except TypeError:  # the other outputs have no gradient
        return
    unsaid, said = layer.backward(grad_output), layer.backward(grad_output, *[None] * len(rest))
    message = "an upstream gradient that is left out is not None"
    found.equal(_arrays(said), _arrays(unsaid), message)
    if rest:
        absent = _arrays(layer.backward(*[None] * len(layer.output_shapes)))
        shapes = [grad.shape for grad in absent] == [grad.shape for grad in _arrays(said)]
        if not shapes or any(np.nan_to_num(grad).any() for grad in absent):
            found.add("without any upstream gradient the gradients are not 0")


def _check_absent(row: Row, inputs: tuple, layer, found: "Findings"):
    """What was not given has no gradient; but a state that is left out is one of zeros."""
    grad_output, *_ = (np.ones(shape) for shape in layer.output_shapes)
    grad_inputs, _ = layer.backward(grad_output)
    if isinstance(grad_inputs, tuple) and not (row.absent_as_zero or row.targets):
        pairs = zip(inputs, grad_inputs, strict=False)
        if any(given is None and grad is not None for given, grad in pairs):
            found.add("an input that was not given has a gradient")


def _check_linear(trial: Trial, found: "Findings"):
    """backward(2 g - 3 h) is 2 backward(g) - 3 backward(h), in longdouble."""
    adapter = trial.adapter(np.longdouble)
    adapter.corrected = False
    inputs = oracle.cast(trial.inputs, np.longdouble)
    outputs = trial.forward(adapter, inputs)
    shapes = [leaf.shape for leaf in _arrays(outputs) if oracle.is_floating(leaf)]
    rng = np.random.default_rng(trial.case.seed)
    one = [rng.normal(size=shape).astype(np.longdouble) for shape in shapes]
    two = [rng.normal(size=shape).astype(np.longdouble) for shape in shapes]
    both = [2 * g - 3 * h for g, h in zip(one, two, strict=True)]
    by_one, by_two, by_both = (_arrays(adapter.backward(*g)) for g in (one, two, both))
    # A gradient that cancels to nothing is rounding alone, as large as what it is made of: the
    # other gradients and the upstream one, which is about 1.
    largest = [np.abs(g).max(initial=1) for g in (*by_one, *by_two)]
    least = 1e-2 * max((size for size in largest if np.isfinite(size)), default=1)
    for g, h, sum_of_both in zip(by_one, by_two, by_both, strict=True):
        scale = np.abs(g).max(initial=0) + np.abs(h).max(initial=0) + least
        if not np.isfinite(scale):
            continue
        if np.abs(sum_of_both - (2 * g - 3 * h)).max(initial=0) > 1e-13 * scale:
            found.add("backward is not linear in the upstream gradient")


def check_errors(row: Row, case: Case, dtype: str) -> list[Verdict]:
    """Bad input gets the one form of message, and changes nothing."""
    trial = Trial(row, case, dtype)
    found = Findings(row, dtype)
    adapter = trial.adapter()
    if trial.inputs and oracle.is_floating(trial.inputs[0]):
        first, *others = trial.inputs
        upstream = trial.upstream([o for o in trial.theirs.outputs if oracle.is_floating(o)])
        grads = [_grown(grad) for grad in upstream if grad is not None]
        if len(grads) == len(upstream):
            found.raises(RuntimeError, "backward before forward", adapter.backward, *upstream)
        ours = trial.ours
        for wrong in (first.astype(np.int64), first.astype(np.float16), first.astype(object)):
            about = f"an input of dtype {wrong.dtype}"
            with np.errstate(invalid="ignore", over="ignore"):
                found.raises(TypeError, about, adapter.forward, wrong, *others)
        trial.run_reference(adapter, trial.inputs)
        if len(grads) == len(upstream) and not adapter.row.container:
            about = "an upstream gradient of the wrong shape"
            found.raises(ValueError, about, adapter.layer.backward, *grads)
        again = trial.run_reference(adapter, trial.inputs)
        kept = [array for _, array in ours.quantities() if oracle.is_floating(array)]
        if not (row.changes_params or ours.buffers):
            now = [array for _, array in again.quantities() if oracle.is_floating(array)]
            found.equal(kept, now, "a refused input left the layer changed")
    for refusal in row.refusals:
        found.raises(refusal.error, refusal.message, refusal.act, pattern=refusal.message)
    for name in _numeric_options(row.component):
        about = f"{name}=nan"
        found.raises((ValueError, TypeError), about, row.component, **{name: math.nan})
    return found.conclude("errors", f"{trial.module}")


def check_refusals(row) -> list[Verdict]:
    """Bad input that the row itself names."""
    found = Findings(row, "float64")
    for refusal in row.refusals:
        found.raises(refusal.error, refusal.message, refusal.act, pattern=refusal.message)
    return found.conclude("errors", row.title)


def check_law(row: Row) -> list[Verdict]:
    """A random layer's draws follow their law: every z score stays below five."""
    found = Findings(row, "float64")
    for what, score in row.law():
        if not abs(score) < 5:
            found.add(f"{what}: {score:.2f} standard deviations from its law")
    return found.conclude("law", "fixed seed")


def check_literals(row: Row) -> list[Verdict]:
    """Values computed in high precision from the equation, in the layout of the reference."""
    found = Findings(row, "float64")
    for options, inputs, output, *params in row.literals:
        layer = row.component(**options)
        if not all(isinstance(param, np.ndarray) for param in layer.params):
            found.add("a parameter is no array")
        if params:
            layer.params = [np.array(param) for param in params[0]]
        got = layer.forward(*_as_arrays(inputs))
        pairs = zip(_arrays((got,)), _leaves(output), strict=True)
        if not all(_as_the_equation(a, b) for a, b in pairs):
            found.add(f"forward of {inputs} is {got!r}, the equation gives {output!r}")
        # Whatever the dtype of weights and draws.
        with np.errstate(over="ignore"):  # what is too large for it is infinite
            layer.params = list(oracle.cast(tuple(layer.params), np.float32))
            inputs = oracle.cast(_as_arrays(inputs), np.float32)
        rough = layer.forward(*inputs)
        if any(oracle.is_floating(a) and a.dtype != np.float32 for a in _arrays((rough,))):
            found.add(f"forward of {inputs} in float32 is not of that dtype")
        if _needs_no_upstream(layer):
            grads = _arrays(layer.backward())
            if any(grad.dtype != np.float32 for grad in grads):
                found.add(f"backward of {inputs} in float32 is not of that dtype")
    return found.conclude("literals", "values from the equation")


def _as_the_equation(got, expected) -> bool:
    """Whether a value agrees: an array of a dtype of its own to two ulp of it, a list to 1e-14."""
    if not (isinstance(expected, np.ndarray) and got.dtype == expected.dtype):
        return np.allclose(got, expected, rtol=1e-14, atol=1e-300)
    # The tables of the reference hold 18 digits, which is more than an ulp of a quadruple.
    within = np.maximum(2 * compare.ulp(expected, expected.dtype), 1e-18 * np.abs(expected))
    return np.all((np.abs(got - expected) <= within) | (got == expected))


def check_run_literals(row) -> list[Verdict]:
    """The values of a class that runs on its own, from its equation."""
    found = Findings(row, "float64")
    for place, (act, expected) in enumerate(row.literals):
        if not _as_the_equation(got := act(), expected):
            found.add(f"literal {place} is {got!r}, the equation gives {expected!r}")
    return found.conclude("literals", "values from the equation")


def check_methods(row: Row, case: Case, dtype: str) -> list[Verdict]:
    """What else a layer can say of an input, as PyTorch's method of the same name says it."""
    trial = Trial(row, case, dtype)
    found = Findings(row, dtype)
    (given, *_), layer = trial.inputs, trial.adapter().layer
    for name in row.methods:
        # PyTorch's take a batch alone.
        theirs = getattr(trial.module, name)(oracle.to_tensor(np.atleast_2d(given)))
        expected = oracle.to_numpy(theirs).reshape((*given.shape[:-1], *theirs.shape[1:]))
        ours = np.asarray(getattr(layer, name)(given))
        alike = ours.shape == expected.shape and np.allclose(ours, expected, 1e-12, 1e-12)
        if not alike:
            found.add(f"{name} is {ours!r}, PyTorch's {expected!r}")
    return found.conclude("methods", f"{trial.module}, {case.regime}, seed {case.seed}")


@dataclass(frozen=True)
class Kind:
    """A kind of test: its check, the regimes it draws, and how many examples it gets."""

    name: str
    check: Callable
    regimes: tuple[str, ...]
    examples: int
    dtypes: tuple[str, ...] = ("float32", "float64")


KINDS = (
    Kind("agreement", check_agreement, strategies.ORDINARY, 60),
    Kind("kinks", check_kinks, (strategies.KINKS, strategies.TIES), 20),
    Kind("special", check_special, (strategies.SPECIAL,), 20),
    Kind("witness", check_witness, (strategies.SMOOTH,), 20, ("longdouble",)),
    Kind("protocol", check_protocol, ("ordinary", strategies.TIES), 20, ("float64",)),
    Kind("errors", check_errors, ("ordinary",), 5, ("float64",)),
)


class Findings:
    """What a check that is not a comparison of two arrays found."""

    def __init__(self, row: Row, dtype: str):
        self.row = row
        self.dtype = dtype
        self.verdicts: list[Verdict] = []

    def add(self, message: str):
        self.verdicts.append(Verdict("protocol", self.dtype, 0, np.inf, 0, message))

    def equal(self, before, after, message: str):
        """Arrays that must not have changed, to the bit."""
        same = len(before) == len(after) and all(
            a.dtype == b.dtype and np.array_equal(a, b, equal_nan=a.dtype.kind in "fc")
            for a, b in zip(before, after, strict=True)
        )
        if not same:
            self.add(message)

    def raises(self, error, about: str, act: Callable, *arguments, pattern="", **keywords):
        """An act that must be refused with this error and the one form of message."""
        try:
            act(*arguments, **keywords)
        except error as refusal:
            if not MESSAGE.match(str(refusal)) or not re.search(pattern, str(refusal)):
                self.add(f"{about}: the message {str(refusal)!r} is not of the form that is due")
        except Exception as other:  # the finding is that the wrong error came
            self.add(f"{about}: {type(other).__name__} instead of {error}: {other}")
        else:
            self.add(f"{about}: nothing was refused")

    def conclude(self, kind: str, about: str) -> list[Verdict]:
        conclude(self.row, self.dtype, kind, self.verdicts, about)
        return self.verdicts


def _as_arrays(structure):
    """Nested tuples of arrays from nested tuples of lists and numbers."""
    if isinstance(structure, tuple):
        return tuple(_as_arrays(part) for part in structure)
    return np.asarray(structure)


def _leaves(structure) -> list:
    """What nested tuples hold."""
    if isinstance(structure, tuple):
        return [leaf for part in structure for leaf in _leaves(part)]
    return [structure]


def _arrays(structure) -> list[np.ndarray]:
    leaves = oracle.flatten(structure)
    return [np.asarray(leaf) for leaf in leaves if isinstance(leaf, (np.ndarray, np.generic))]


def _present(arrays):
    return [array for array in arrays if array is not None]


def _read_only(leaf):
    if isinstance(leaf, np.ndarray):
        leaf = leaf.view()
        leaf.flags.writeable = False
    return leaf


def _other(leaf):
    """Other values of the same shape and dtype."""
    return leaf * leaf.dtype.type(0.5) if oracle.is_floating(leaf) else leaf


def _grown(grad):
    return np.zeros((*grad.shape, 2), grad.dtype)


def _shapes(inputs):
    return [leaf.shape for leaf in _arrays(inputs)]


def _numeric_options(component: type) -> list[str]:
    """Options with a numeric default, where all other arguments have defaults too."""
    parameters = list(inspect.signature(component.__init__).parameters.values())[1:]
    named = [p for p in parameters if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)]
    if any(p.default is p.empty for p in named):
        return []
    return [p.name for p in named if type(p.default) in (int, float)]
