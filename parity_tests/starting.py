"""How a component starts, beside PyTorch: the law of its parameters, and what it takes unsaid."""

import contextlib
import functools
import inspect
import unittest.mock
from collections.abc import Callable, Iterator, Mapping

import numpy as np
import torch

from parity_tests import oracle
from parity_tests.catalogue import OptimizerRow, Row, RunRow
from parity_tests.compare import Verdict
from parity_tests.kinds import Findings, Kind
from parity_tests.mirroring import adapt
from parity_tests.strategies import Case
from reference import Layer, Loss


class Fixed:
    """A generator whose every draw is a bound, or so many deviations from the mean."""

    def __init__(self, deviations: int):
        self.deviations = deviations

    def random(self, shape=()):
        return self.uniform(0, 1, shape)

    def uniform(self, low, high, shape):
        return np.full(shape, high if self.deviations > 0 else low, float)

    def normal(self, mean, std, shape):
        return np.full(shape, mean + self.deviations * std, float)

    def standard_normal(self, shape):
        return self.normal(0.0, 1.0, shape)

    # The same of PyTorch's.

    def fill_uniform(self, tensor, low=0.0, high=1.0, generator=None):
        return tensor.fill_(high if self.deviations > 0 else low)

    def fill_normal(self, tensor, mean=0.0, std=1.0, generator=None):
        return tensor.fill_(mean + self.deviations * std)


class Undrawn(Fixed):
    """A generator of zeros, which leaves PyTorch's memory as it is: large layers cost nothing."""

    def __init__(self):
        super().__init__(0)

    def uniform(self, low, high, shape):
        return np.zeros(shape)

    def normal(self, mean, std, shape):
        return np.zeros(shape)

    def fill_uniform(self, tensor, low=0.0, high=1.0, generator=None):
        return tensor

    def fill_normal(self, tensor, mean=0.0, std=1.0, generator=None):
        return tensor


def check_start(row: Row, case: Case, dtype: str) -> list[Verdict]:
    """Where every draw is a bound, or a deviation from its mean, both start alike."""
    found = Findings(row, dtype)
    for deviations in (-1, 1):
        module, layer, _ = _constructed(row, _options(case), Fixed(deviations))
        theirs = [*module.parameters()], [*module.buffers()]
        for ours, expected in zip((layer.params, layer.buffers), theirs, strict=True):
            alike = len(ours) == len(expected) and all(
                isinstance(a, np.ndarray)
                and a.shape == tuple(b.shape)
                and np.allclose(a, b.detach().numpy(), rtol=1e-12)
                for a, b in zip(ours, expected, strict=True)
            )
            if not alike:
                found.add("parameters or buffers start from another law than PyTorch's")
    return found.conclude("start", f"{module}, seed {case.seed}")


def check_defaults(row: Row, case: Case, dtype: str) -> list[Verdict]:
    """Of the options as few as it takes on both sides make the same component."""
    found = Findings(row, dtype)
    signature = inspect.signature(row.component.__init__).parameters
    _check_own_defaults(row, found)
    options = _options(case)
    fewest = _fewest(lambda fewer: _constructed(row, fewer, Undrawn()), options)
    module, layer, (positional, given) = _constructed(row, fewest, Undrawn())

    def fresh(fewer):
        stated = {name: given[name] for name in row.own_defaults if name in given}
        with _drawing(Undrawn()):
            return row.component(*positional, **stated | fewer)

    needed = _fewest(fresh, given)
    for name in needed:
        # One of several options may be due on both sides.
        if signature[name].default not in (inspect.Parameter.empty, None) or not fewest:
            found.add(f"the default of {name}, {signature[name].default!r}, is refused")
    for path in _apart(layer, fresh(needed), ""):
        found.add(f"by default, {path[1:]} is not what PyTorch has")
    if not layer.training:
        found.add("a layer does not begin in training")
    # None says no, as False does.
    ours, theirs = _defaults(row.component.forward), _defaults(row.oracle.forward)
    for name in sorted(ours.keys() & theirs.keys()):
        if (ours[name] or None) != (theirs[name] or None):
            found.add(f"by default, forward's {name} is {ours[name]}, not {theirs[name]}")
    for method in ("backward", "grad_target") if issubclass(row.component, Loss) else ():
        if hasattr(row.component, method):
            (default,) = _defaults(getattr(row.component, method)).values()
            if default != 1:
                found.add(f"the upstream gradient of {method} is {default} by default, not 1")
    return found.conclude("defaults", f"{module}")


def _check_own_defaults(row, found: Findings):
    named = inspect.signature(row.component.__init__).parameters
    for name, value in row.own_defaults.items():
        if named[name].default != value:
            found.add(f"the default of {name} is {named[name].default}, not {value}")


def check_options(row: Row, case: Case, dtype: str) -> list[Verdict]:
    """Whatever an argument of the constructor is, it is not just anything."""
    found = Findings(row, dtype)
    _, _, (positional, given) = _constructed(row, _options(case), Undrawn())
    # A layer in the place of options would keep them from being used.
    signature = inspect.signature(row.component.__init__).parameters
    options = {
        name: value
        for name, value in given.items()
        if not isinstance(value, Layer) or signature[name].default is inspect.Parameter.empty
    }
    _refuse_anything(row, found, positional, options)
    if "rng" in _named(row.component):
        generator = np.random.default_rng(0)
        layer = row.component(*positional, **options | {"rng": generator})
        # Where nothing is drawn later, or only by parts, none is kept.
        if any(getattr(part, "rng", None) not in (generator, None) for part in _parts(layer)):
            found.add("the generator that was given is not the one that draws")
        again = row.component(*positional, **options | {"rng": np.random.default_rng(0)})
        if not all(map(np.array_equal, layer.params, again.params)):
            found.add("parameters are drawn by another generator than the one that was given")
    return found.conclude("options", row.title)


def _parts(layer) -> Iterator:
    """A layer and all that it is made of."""
    yield layer
    for part in getattr(layer, "layers", ()):
        yield from _parts(part)


def check_optimizer_options(row: OptimizerRow) -> list[Verdict]:
    """The same of an optimizer's."""
    found = Findings(row, "float64")
    with _recording(row.component) as given:
        row.mirror(row.oracle([torch.nn.Parameter(torch.ones(2, 2))]))
    (_, named), *_ = given
    _refuse_anything(row, found, (), named | {"groups": None})
    return found.conclude("options", row.title)


def check_run_options(row: RunRow, case, dtype: str) -> list[Verdict]:
    """The same of a class that runs on its own."""
    found = Findings(row, "float64")
    with _recording(row.component) as given:
        row.ours(case, dtype)
    _refuse_anything(row, found, *given[0])
    return found.conclude("options", row.title)


def _refuse_anything(row, found: Findings, positional: tuple, given: dict):
    """Each argument in turn is an object of no kind, of which the error speaks by its name."""
    for name in _named(row.component):
        act = functools.partial(row.component, *positional, **given | {name: object()})
        # A part speaks for itself, of an argument of its own.
        pattern = rf"{name}|^(?!{row.component.__name__}\.)"
        with _drawing(Undrawn()):
            found.raises((TypeError, ValueError), f"{name}=object()", act, pattern=pattern)


def check_optimizer_defaults(row: OptimizerRow) -> list[Verdict]:
    """The options of a group of which nothing was said."""
    found = Findings(row, "float64")
    theirs = row.mirror(row.oracle([torch.nn.Parameter(torch.ones(2, 2))])).groups[0]
    _check_own_defaults(row, found)
    theirs = theirs | row.own_defaults
    named = inspect.signature(row.component).parameters.values()
    needed = [p.name for p in named if p.default is p.empty and p.kind == p.POSITIONAL_OR_KEYWORD]
    optimizer = row.component(**{name: theirs[name] for name in needed})
    ours = optimizer.groups[0]
    if optimizer.learning_rate != theirs["learning_rate"]:
        found.add(f"learning_rate reads as {optimizer.learning_rate}")
    for name in sorted(ours.keys() - {"count"}):
        if ours[name] != theirs[name]:
            found.add(f"by default, {name} is {ours[name]}, not {theirs[name]}")
    return found.conclude("defaults", row.title)


def check_optimizer_empty(row: OptimizerRow) -> list[Verdict]:
    """A parameter without elements, which some of PyTorch's divide by, stands still."""
    found, rng = Findings(row, "float64"), np.random.default_rng(0)
    for rank in range(max(row.ranks[0], 1), row.ranks[1] + 1):
        for empty in range(rank):
            ours = row.mirror(row.oracle([torch.nn.Parameter(torch.ones(2, 2))]))
            param = np.ones([2 * (axis != empty) for axis in range(rank)])
            row.step(ours, [param], [row.give(param, rng)])
            if param.size or len(ours.state) != 1:
                found.add(f"a parameter of shape {param.shape} does not stand still")
    return found.conclude("empty", row.title)


def check_run_defaults(row: RunRow) -> list[Verdict]:
    """Defaults are those of the oracle's argument of that name, or the row's own."""
    found = Findings(row, "float64")
    ours, theirs = _defaults(row.component), _defaults(row.oracle) | row.own_defaults
    # Each side has a generator of its own.
    for name in sorted(ours.keys() - {"rng"}):
        if name not in theirs or ours[name] != theirs[name]:
            found.add(f"by default, {name} is {ours[name]}, not {theirs.get(name, 'stated')}")
    return found.conclude("defaults", row.title)


def _defaults(side) -> dict:
    named = inspect.signature(side).parameters.values()
    return {p.name: p.default for p in named if p.default is not p.empty}


def _fewest(construct: Callable, options: dict) -> dict:
    """No more of the options than it takes to construct something."""
    fewest = {}
    for name, value in options.items():
        if _succeeds(construct, fewest):
            break
        fewest[name] = value
    for name in options.keys() & fewest.keys():
        fewer = {other: value for other, value in fewest.items() if other != name}
        if _succeeds(construct, fewer):
            fewest = fewer
    return fewest


def _succeeds(construct, options) -> bool:
    try:
        construct(options)
    except (TypeError, ValueError, KeyError, AttributeError):  # an option is missing
        return False
    return True


def kinds_of(row: Row) -> list[Kind]:
    """The kinds of test of how a row's component starts."""
    if row.parametrization:
        return []
    start = Kind("start", check_start, ("ordinary",), 8, ("float64",))
    defaults = Kind("defaults", check_defaults, ("ordinary",), 1, ("float64",))
    options = Kind("options", check_options, ("ordinary",), 1, ("float64",))
    # The parameters of a formula follow no law, and those of parts that of each.
    own_law = row.oracle.__module__.startswith("torch") and not (row.container or row.construct)
    return [start, defaults, options] if own_law else [defaults, options]


def _options(case: Case) -> dict:
    return {
        name: torch.from_numpy(value) if isinstance(value, np.ndarray) else value
        for name, value in case.draft.options.items()
    }


def _constructed(row: Row, options: Mapping, generator: Fixed) -> tuple:
    """PyTorch's module, the layer made from it, and the arguments that made the layer."""
    kept = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    try:
        with (
            oracle.quiet(),
            _drawing(generator),
            _recording(row.component) as given,
        ):
            module = (row.construct or row.oracle)(**options)
            parts = [lambda part: adapt(part, {})] if row.container else []
            return module, row.convert(module, *parts), given[0]
    finally:
        torch.set_default_dtype(kept)


def _named(component: type) -> list[str]:
    """The arguments of a constructor that have a name."""
    parameters = list(inspect.signature(component.__init__).parameters.values())[1:]
    return [p.name for p in parameters if p.kind == p.POSITIONAL_OR_KEYWORD]


@contextlib.contextmanager
def _recording(component: type):
    """Inside, the arguments of each construction are appended: positional ones, and by name."""
    given, construct, named = [], component.__init__, _named(component)

    @functools.wraps(construct)
    def recording(self, *arguments, **keywords):
        by_name = dict(zip(named, arguments, strict=False))
        given.append((arguments[len(named) :], by_name | keywords))
        construct(self, *arguments, **keywords)

    with unittest.mock.patch.object(component, "__init__", recording):
        yield given


@contextlib.contextmanager
def _drawing(generator: Fixed):
    """Both sides draw from this generator."""
    fill = {"uniform_": generator.fill_uniform, "normal_": generator.fill_normal}
    plain = {
        name: lambda tensor, *given, act=act, **named: act(tensor, *given, **named)
        for name, act in fill.items()
    }
    with (
        unittest.mock.patch.multiple(torch.Tensor, **plain),
        unittest.mock.patch.object(np.random, "default_rng", return_value=generator),
    ):
        yield


def _apart(ours, theirs, path: str):
    """The paths of the attributes in which two layers differ."""
    match ours:
        case _ if ours is theirs:
            same = True  # a part that was given: its memory may hold anything, NaN too
        case np.ndarray():
            same = np.array_equal(ours, theirs)
        case dict():
            same = ours.keys() == theirs.keys()
            for name in ours.keys() & theirs.keys():
                yield from _apart(ours[name], theirs[name], f"{path}.{name}")
        case list() | tuple():
            # One number may stand for one on each axis.
            theirs = theirs if isinstance(theirs, (list, tuple)) else [theirs] * len(ours)
            same = len(ours) == len(theirs)
            for place, (one, other) in enumerate(zip(ours, theirs, strict=False)):
                yield from _apart(one, other, f"{path}[{place}]")
        case _ if hasattr(ours, "__dict__") and type(ours) is type(theirs):
            same = True
            yield from _apart(vars(ours), vars(theirs), path)
        case float():
            # PyTorch holds some of its defaults in float32.
            same = ours == theirs or np.isclose(ours, theirs, rtol=1e-7, atol=0)
        case _:
            same = ours == theirs
    if not same:
        yield path
