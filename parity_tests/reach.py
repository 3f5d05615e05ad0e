"""What the compared examples reached: values of options, kinks, ties, special numbers, masks.

A label is what one example may show of its component ("option padding=0", "float32 kink 3").
What ought to be reached is declared by the checks of the component's own constructor, by the
signatures of PyTorch's class and by the row; what no example reached fails.
"""

import contextlib
import functools
import inspect
import math
import numbers
import unittest.mock
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping

import numpy as np

from parity_tests import catalogue, oracle, strategies
from reference import _checks

# Options that say where numbers live or come from, that do nothing to them, that PyTorch has
# deprecated, and modules of the user's own.
_ELSEWHERE = ("self", "device", "dtype", "args", "kwargs", "params", "optimizer", "generator")
_IDLE = ("inplace", "sparse", "foreach", "fused", "capturable", "differentiable", "mask_check")
_IDLE += ("enable_nested_tensor", "options", "last_epoch")
_DEPRECATED = ("size_average", "reduce", "min_value", "max_value", "_weight", "_freeze")
_FOREIGN = ("custom_encoder", "custom_decoder")
SILENT = frozenset((*_ELSEWHERE, *_IDLE, *_DEPRECATED, *_FOREIGN))
# Options that stand for a value among the integers of an input.
_SENTINELS = ("ignore_index", "padding_idx")
_DTYPES = ("float32", "float64")
# Values of inputs that are real numbers of any size.
_REAL = ("real", "gaps", "grid")


class Reach:
    """Counts examples by what they showed; a label with 0 was possible and never shown."""

    def __init__(self, row):
        self.row = row
        self.counts: Counter[str] = Counter()
        self._options = inspect.signature(row.component).parameters.keys()
        self._constructed: set[str] = set()

    @contextlib.contextmanager
    def listening(self) -> Iterator["Reach"]:
        """Inside, the checks of the row's component tell which options they are given."""
        with contextlib.ExitStack() as stack:
            for name, classes in _CHECKS.items():
                check = getattr(_checks, name)
                heard = functools.partial(self._hear, check, classes)
                stack.enter_context(unittest.mock.patch.object(_checks, name, heard))
            yield self

    def _hear(self, check, classes, owner, *arguments, **keywords):
        result = check(owner, *arguments, **keywords)
        (option, value), *_ = [item for item in keywords.items() if item[0] not in _NO_OPTIONS]
        if self._is_own(owner, keywords.get("method", "__init__"), option.partition("[")[0]):
            details = {name: keywords[name] for name in ("minimum",) if name in keywords}
            possible, shown = classes(value, *arguments, **details)
            for label in possible:
                self.counts.setdefault(f"option {option}{label}", 0)
            self._constructed |= {f"option {option}{label}" for label in shown}
        return result

    def _is_own(self, owner, method: str, option: str) -> bool:
        """Whether it is the row's component that checks, not a part of it, an option it takes."""
        component = self.row.component
        if option not in self._options:
            return False
        return (
            isinstance(owner, component)
            if isinstance(component, type)
            else (method == component.__name__)
        )

    def add(self, labels: Mapping[str, bool]):
        """Count an example by its labels, and by the options that were constructed for it."""
        for label, shown in labels.items():
            self.counts[label] += bool(shown)
        for label in self._constructed - {label for label, shown in labels.items() if shown}:
            self.counts[label] += 1
        self._constructed = set()


# Set by the plugin while an item runs.
CURRENT: Reach | None = None


def count(labels: Callable[..., Mapping[str, bool]], *example):
    """Count an example that has been compared, where a run keeps count."""
    if CURRENT is not None:
        CURRENT.add(labels(*example))


# --- what the checks of constructors declare: the classes of values they let through ---

_NO_OPTIONS = ("method", "minimum")


def _number(value) -> str:
    """The class of a number."""
    if isinstance(value, float) and math.isinf(value):
        return " infinite"
    return "=0" if value == 0 else ">0" if value > 0 else "<0"


def _signs(*possible):
    # Numbers below 0 are counted where they are drawn: many options allow them to no purpose.
    return lambda value, *rest: (possible, {_number(value)})


def _fraction(value):
    exact = {0: "=0", 1: "=1"}
    return ("=0", "=1", " in (0, 1)"), {exact.get(value, " in (0, 1)")}


def _flag(value):
    return ("=True", "=False"), {f"={bool(value)}"}


def _optional_flag(value):
    return ("=True", "=False", "=None"), {f"={value}"}


def _choice(value, choices):
    return [f"={choice!r}" for choice in choices], {f"={value!r}"}


def _integer(value, *rest, minimum=1):
    if math.isinf(minimum):
        return ("<0", ">0"), {_number(value)}
    return (f"={minimum}", f">{minimum}"), {f"={minimum}" if value == minimum else f">{minimum}"}


def _sizes(value, rank, minimum=1):
    alone = isinstance(value, numbers.Integral)
    forms = (" one for all axes", " one for each axis") if rank > 1 else ()
    sizes = (value,) if alone else value
    shown = {label for size in sizes for label in _integer(size, minimum=minimum)[1]}
    return (*_integer(minimum, minimum=minimum)[0], *forms), {*shown, *forms[not alone :][:1]}


def _betas(value):
    return ("[0]=0", "[0]>0", "[1]=0", "[1]>0"), {
        f"[{place}]{_number(beta)}" for place, beta in enumerate(value)
    }


def _place(value, *rest):
    shown = "=None" if value is None else "<0" if value < 0 else ">=0"
    return ("=None", "<0", ">=0"), {shown}


_CHECKS = {
    "check_number": _signs(">0", "=0"),
    "check_nonnegative": _signs(">0", "=0"),
    "check_nonzero": _signs(">0", "<0"),
    "check_fraction": _fraction,
    "check_extended_number": _signs(">0", " infinite"),
    "check_bound": _signs(">0", "=0", " infinite"),
    "check_flag": _flag,
    "check_optional_flag": _optional_flag,
    "check_choice": _choice,
    "check_integer": _integer,
    "check_sizes": _sizes,
    "check_betas": _betas,
    "check_place": _place,
}


# --- what one example shows ---


def of_trial(trial) -> dict[str, bool]:
    """Of a layer's example: its options, inputs, mode and memory."""
    case, dtype = trial.case, str(trial.dtype)
    labels = {
        f"dtype {dtype}": True,
        f"mode {'training' if case.training else 'evaluation'}": True,
    }
    labels |= dict.fromkeys(_options(case.draft.options), True)
    if trial.row.construct is None:
        labels |= dict.fromkeys(_unsaid(trial.row.oracle, case.draft.options), True)
    arguments = _arguments(trial.module, trial.inputs, trial.keywords)
    for name, value in arguments.items():
        labels |= dict.fromkeys(_argument(name, value), True)
    integers = [a for a in oracle.flatten(trial.inputs) if _is_integral(a)]
    for name in _SENTINELS:
        if isinstance(sentinel := getattr(trial.module, name, None), int) and integers:
            labels[f"input of {name}"] = any(np.any(a == sentinel) for a in integers)
    floating = [a for a in oracle.flatten(trial.inputs) if oracle.is_floating(a)]
    arrays = floating if floating else integers
    for array in arrays:
        labels[f"memory {'in order' if array.flags.c_contiguous else 'in another order'}"] = True
        labels |= dict.fromkeys((f"axis of {size}" for size in array.shape if size < 2), True)
    labels |= {f"rank {array.ndim}": True for array in arrays[:1]}
    return labels | _values(trial, floating)


def _values(trial, floating) -> dict[str, bool]:
    """Kinks and what lies beside them; ties; special numbers, input by input."""
    labels = {}
    fixed = not callable(trial.row.kinks)
    for place, kink in enumerate(trial.kinks):
        name = f"{kink:g}" if fixed else f"[{place}]"
        points = {"on": kink}
        for word, side in (("just below", -np.inf), ("just above", np.inf)):
            points[word] = np.nextafter(np.float32(kink), np.float32(side))
        for word, point in points.items():
            shown = any(np.any(array == trial.dtype.type(point)) for array in floating)
            labels[f"{word} kink {name}"] = shown
    regime, drawn = trial.case.regime, _drawn(trial.case.draft.inputs)
    for place, (values, array) in enumerate(zip(drawn, oracle.flatten(trial.inputs), strict=True)):
        if values in _REAL and regime == strategies.TIES and array.size > 1:
            labels[f"input[{place}] ties"] = len(np.unique(array)) < array.size
        if values in _REAL and regime == strategies.SPECIAL:
            shown = _specials(array)
            labels |= {f"input[{place}] {word}": found.any() for word, found in shown.items()}
    return labels


def _specials(array) -> dict[str, np.ndarray]:
    zeros, signs = array == 0, np.signbit(array)
    least = np.finfo(array.dtype).smallest_normal
    return {
        "NaN": np.isnan(array),
        "+inf": array == np.inf,
        "-inf": array == -np.inf,
        "+0": zeros & ~signs,
        "-0": zeros & signs,
        f"subnormal {array.dtype}": ~zeros & (np.abs(array) < least),
    }


def _drawn(entries) -> list[str]:
    """What the values of each drawn input are; "" for what is no Input."""
    return [
        entry.values if isinstance(entry, strategies.Input) else ""
        for entry in oracle.flatten(entries)
    ]


def _is_integral(array) -> bool:
    return isinstance(array, np.ndarray) and np.issubdtype(array.dtype, np.integer)


def _option(name: str, value) -> Iterator[str]:
    """The classes of an option's value, as PyTorch's constructor takes it."""
    given = f"option {name}"
    if isinstance(value, (bool, str, type(None))):
        yield f"{given}={value!r}"
    elif isinstance(value, numbers.Real):
        yield f"{given}{_number(value)}"
    elif isinstance(value, (tuple, list)):
        for place, part in enumerate(value):
            if isinstance(part, (bool, numbers.Real, type(None))):
                yield from _option(f"{name}[{place}]", part)
    if value is not None:
        yield f"{given} given"


def _argument(name: str, value) -> Iterator[str]:
    """What an argument of forward is: absent, a flag, or a mask of one kind or the other."""
    if value is None or isinstance(value, bool):
        yield f"argument {name}={value}"
    if value is not None:
        yield f"argument {name} given"
    if isinstance(value, np.ndarray) and "mask" in name:
        yield f"argument {name} {'boolean' if value.dtype == bool else 'floating'}"


def _arguments(module, inputs, keywords) -> dict:
    """The arguments of PyTorch's forward by name, those left out at their defaults."""
    signature = _signature(type(module).forward)
    if signature is None:
        return {}
    bound = signature.bind(module, *inputs, **keywords)
    bound.apply_defaults()
    own = {name: value for name, value in bound.arguments.items() if _is_optional(signature, name)}
    return {name: value for name, value in own.items() if name not in SILENT}


def _is_optional(signature, name) -> bool:
    default = signature.parameters[name].default
    return default is None or isinstance(default, bool)


def of_course(course, dtype: str, scales: Iterable[str]) -> dict[str, bool]:
    """Of an optimizer's trajectory: the options of its groups, gradients and parameters."""
    labels = {f"gradients {scale}": scale == course.scale for scale in scales} | {
        f"dtype {dtype}": True,
        f"groups {len(course.groups)}": True,
        f"rate {'changing' if course.changing_rate else 'constant'}": True,
        f"gradients {'some absent' if course.absent else 'all present'}": True,
        f"state {'resumed' if course.resumed else 'kept'}": True,
    }
    for group in course.groups:
        for name, value in group.items():
            labels |= dict.fromkeys(_option(name, value), True)
    for shape in course.shapes:
        labels[f"rank {len(shape)}"] = True
        labels |= dict.fromkeys((f"axis of {size}" for size in shape if size < 2), True)
    return labels


def of_run(row, case, dtype: str) -> dict[str, bool]:
    """Of a run: the dtype and the options that its case holds, PyTorch's or of our own."""
    options = getattr(case, "options", None)
    if options is None:
        return {f"dtype {dtype}": True}
    wanted = _declared_options(row.oracle)
    own = {f"option {name} given" for name in options} <= wanted.keys()
    labels = {name: False for name, labels in wanted.items() if own and labels == (name,)}
    labels |= dict.fromkeys(_options(options), True)
    labels |= dict.fromkeys(_unsaid(row.oracle, options) if own else (), True)
    return {**labels, f"dtype {dtype}": True}


# --- what ought to be shown ---


def declared(row) -> dict[str, tuple[str, ...]]:
    """What a row and PyTorch's signatures declare: a name -> labels of which one must be shown."""
    labels = [f"dtype {dtype}" for dtype in getattr(row, "dtypes", _DTYPES)]
    wanted = {label: (label,) for label in labels}
    if (hasattr(row, "convert") and row.construct is None) or hasattr(row, "state"):
        wanted |= _declared_options(row.oracle)
    if hasattr(row, "kinks"):
        labels = ["mode training", "mode evaluation", "memory in order", "memory in another order"]
        labels += ["axis of 0", "axis of 1", *(f"rank {rank}" for rank in row.ranks)]
        wanted |= {label: (label,) for label in labels}
        if row.construct is None:
            wanted |= _declared_arguments(row.oracle)
    if hasattr(row, "state"):
        labels = ["gradients some absent", "gradients all present", "groups 2"]
        labels += ["rate changing", "rate constant"]
        labels += ["state resumed", "state kept", "axis of 1"]
        labels += ["axis of 0"] * (row.least_size == 0)
        low, high = row.ranks
        labels += [f"rank {rank}" for rank in range(low, high + 1)]
        wanted |= {label: (label,) for label in labels}
    return wanted


def _options(given: Mapping) -> list[str]:
    """The classes of the values of options."""
    return [label for name, value in given.items() for label in _option(name, value)]


def _unsaid(theirs, given: Mapping) -> list[str]:
    """The classes of the defaults of PyTorch's options that were not given."""
    signature = _signature(theirs)
    named = {} if signature is None else signature.parameters
    defaults = {
        name: parameter.default
        for name, parameter in named.items()
        if name not in SILENT.union(given) and parameter.default is not parameter.empty
    }
    return [label for label in _options(defaults) if not label.endswith(" given")]


def _declared_options(theirs) -> dict[str, tuple[str, ...]]:
    wanted = {}
    signature = _signature(theirs)
    for name, parameter in () if signature is None else signature.parameters.items():
        if name in SILENT or parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            continue
        option, default = f"option {name}", parameter.default
        # A function's first arguments are what it works on.
        if default is parameter.empty and not isinstance(theirs, type):
            continue
        wanted[f"{option} given"] = (f"{option} given",)
        if isinstance(default, bool):
            wanted |= {f"{option}={flag}": (f"{option}={flag}",) for flag in (True, False)}
        elif default is None:
            wanted[f"{option}=None"] = (f"{option}=None",)
        elif isinstance(default, numbers.Real) and default == 0:
            wanted[f"{option}=0"] = f"{option}=0", f"{option}[0]=0"
            signs = [f"{option}{place}{sign}0" for sign in "<>" for place in ("", "[0]")]
            wanted[f"{option} not 0"] = tuple(signs)
    return wanted


def _declared_arguments(theirs) -> dict[str, tuple[str, ...]]:
    wanted = {}
    signature = _signature(theirs.forward)
    for name in () if signature is None else signature.parameters:
        if name in SILENT or not _is_optional(signature, name):
            continue
        argument = f"argument {name}"
        default = signature.parameters[name].default
        labels = [f"{argument}=None", f"{argument} given"]
        if isinstance(default, bool):
            labels = [f"{argument}=True", f"{argument}=False"]
        elif "mask" in name:
            labels += [f"{argument} boolean", f"{argument} floating"]
        wanted |= {label: (label,) for label in labels}
    return wanted


@functools.cache
def _signature(function) -> inspect.Signature | None:
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):
        return None
    kinds = {parameter.kind for parameter in signature.parameters.values()}
    return None if inspect.Parameter.VAR_POSITIONAL in kinds else signature


def never(row, counts: Mapping[str, int], kin: Iterable[Mapping[str, int]] = ()) -> list[str]:
    """What no example of a row reached, and what a row wrongly says cannot be reached.

    `kin` are the counts of rows of the same component or of the same class of PyTorch's: an
    option that one of them reaches is reached.
    """
    shown = {label for label, number in counts.items() if number}
    elsewhere = {label for other in kin for label, number in other.items() if number}
    shared = {label for label in elsewhere if label.startswith("option ")}
    wanted = {label: (label,) for label in counts} | declared(row)
    absent = {name for name, labels in wanted.items() if not {*labels} & (shown | shared)}
    excused = row.unreached
    wrongly = [f"{name} (said to be out of reach)" for name in excused if name not in absent]
    return sorted(absent - excused.keys()) + wrongly


def missing(counts: Mapping[str, Mapping[str, int]]) -> dict[str, list[str]]:
    """What each of the rows that ran together never reached, by their titles."""
    found = {}
    for title, own in counts.items():
        row = catalogue.find(title)
        kin = [
            other.title
            for other in catalogue.rows()
            if other is not row and {row.component, row.oracle} & {other.component, other.oracle}
        ]
        absent = never(row, own, [counts[name] for name in kin if name in counts])
        if not {*kin} <= counts.keys():
            # An option may be that of a row that did not run.
            absent = [label for label in absent if not label.startswith("option ")]
        found[title] = absent
    return found


def added(counts: Iterable[Mapping[str, int]]) -> Counter[str]:
    """The counts of several tests, labels that were never shown included."""
    total: Counter[str] = Counter()
    for own in counts:
        for label, number in own.items():
            total[label] += number
    return total


@contextlib.contextmanager
def counting(row) -> Iterator[Counter[str]]:
    """Inside, what is compared of a row is counted."""
    global CURRENT
    CURRENT = Reach(row)
    try:
        with CURRENT.listening():
            yield CURRENT.counts
    finally:
        CURRENT = None
