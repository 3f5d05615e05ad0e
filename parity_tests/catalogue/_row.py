"""What a row says of a component: what is compared with what. No formulas, no tolerances."""

import difflib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from torch.nn.utils import parametrize

from parity_tests import oracle
from parity_tests.oracle import AsIs
from reference import Layer, Loss, Optimizer

ROWS: dict[str, "Row | OptimizerRow | RunRow"] = {}
_BY_ORACLE: dict[type, "Row | OptimizerRow | RunRow"] = {}


@dataclass(frozen=True)
class Refusal:
    """Bad input that must be refused: what is done, the error, and a pattern of its message."""

    act: Callable[[], object]
    error: type[Exception] | tuple[type[Exception], ...]
    message: str


@dataclass(frozen=True)
class Point:
    """A place where the gradient is a choice, a kink, a tie or a clamp, for the conventions table.

    `inputs` are those of PyTorch's forward, as numbers and lists, and `place` is the element whose
    slope is asked for: the number of the input, then the index.
    """

    what: str
    inputs: tuple
    place: tuple[int, ...]
    options: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class Row:
    """A layer, activation or loss.

    component    the class of `reference`
    oracle       the class of torch.nn, or one made by `oracle.formula`
    convert      makes the layer, with all its options, from a constructed module
    draw         draw(draw) -> Draft: options of the oracle's constructor, inputs, keywords
    budget       the kind of budget for every quantity, or by quantity ("output", "grad_input",
                 "grad_params", "buffers"; "every" for the rest): see tolerances.toml
    """

    component: type[Layer]
    oracle: type[torch.nn.Module]
    convert: Callable
    draw: Callable
    budget: str | Mapping[str, str]
    # The row's name where one component has several oracles (Conv2d, Conv3d); else the class's.
    name: str = ""
    # Layouts of the positional inputs and of the outputs: one for all, or one each.
    inputs: AsIs | tuple[AsIs, ...] = field(default_factory=AsIs)
    outputs: AsIs | tuple[AsIs, ...] = field(default_factory=AsIs)
    # Keywords of PyTorch's forward that have another name in the reference.
    keywords: Mapping[str, str] = field(default_factory=dict)
    # Positions of the targets among the inputs of a loss (None: the second).
    target_places: tuple[int, ...] | None = None
    # Whether PyTorch differentiates the targets.
    differentiable_target: bool = True
    # Where one-sided slopes differ, as numbers or as a function of the module.
    kinks: Sequence[float] | Callable = ()
    # Where the slope itself has a kink: no test of differences comes near.
    bends: Sequence[float] = ()
    # Kinks that no single number is: ties, margins, clamps, those that need an option.
    points: Sequence[Point] = ()
    # Where terms cancel in our own formula: quantity -> their magnitude, which times eps is then
    # the least unit: "input", "grad_output", "both" (the larger of g and x g), "one", or a
    # function of (module, input, grad_output).
    floor: Mapping[str, str | Callable] = field(default_factory=dict)
    # Where PyTorch's formula cancels and ours does not: quantity -> the same; the same class in
    # longdouble judges, itself within that floor of PyTorch.
    oracle_floor: Mapping[str, str | Callable] = field(default_factory=dict)
    # True where PyTorch gets zeros for an absent upstream gradient, which is what None stands for:
    # otherwise it leaves out a path through NaN that zeros make NaN (the output gate of an LSTM).
    absent_as_zero: bool = False
    # Compositions in which terms cancel on the way (1 - tanh^2 of a saturated unit): the unit then
    # counts the rounding of every operation of PyTorch's, not of inputs and parameters alone.
    cancels_within: bool = False
    # The interval that PyTorch insists on for every input, which the moves that measure a
    # composition's unit then keep to.
    bounds: tuple[float, float] | None = None
    # Where a linear layer has signed weights of its own: from a module, the layer whose result on
    # absolute values adds up the magnitudes of the terms (None: the layer itself does).
    terms: Callable | None = None
    # True where PyTorch refuses or misreads inputs that are not contiguous: it gets copies.
    contiguous: bool = False
    # Powers of ten that the wide regime spans to either side.
    decades: float | None = None
    # The largest of the special numbers; less where PyTorch's result overflows on the way alone,
    # None where it does so for any that is huge.
    huge: float | None = 3e38
    # False where PyTorch's sign of a zero output depends on the element's place in a vector.
    signed_zeros: bool = True
    # False where PyTorch's gradient at a NaN input depends on the element's place in a vector.
    gradient_at_nan: bool = True
    # Quantities in which PyTorch's fast kernels, chosen by dtype and batch, leave out 0 times
    # infinity and its plain ones do not: elements on which the two disagree are not asserted.
    kernel_dependent: tuple[str, ...] = ()
    # Regimes of values that PyTorch itself refuses or leaves undefined for this component.
    without_regimes: tuple[str, ...] = ()
    # Random layers: replay(module, inputs) -> the generator that repeats PyTorch's draws, called
    # under the seed that PyTorch's own run gets; law() -> [(what, z score)], with a fixed seed.
    replay: Callable | None = None
    law: Callable | None = None
    # True where it draws in evaluation too.
    random_in_evaluation: bool = False
    # PyTorch's departure from the mathematics: correct(module, inputs, grad_outputs, grad_inputs).
    correct: Callable | None = None
    # The same of a single output: correct_output(module, inputs, output).
    correct_output: Callable | None = None
    # The departure in words, where an adapter or an option of the class makes it.
    departure: str = ""
    # Sets parameters and buffers of a drawn module: prepare(module, rng); None: all are moved.
    prepare: Callable | None = None
    # Values from the paper's or the book's equation: (options, inputs, output) in the layout of
    # the reference, and the parameters where the options do not set them; needed where the oracle
    # is a formula.
    literals: Sequence[tuple] = ()
    refusals: Sequence[Refusal] = ()
    # Further methods of both sides that take the first input, or a batch of it.
    methods: tuple[str, ...] = ()
    # Arguments whose default is the book's or our own, not the oracle's.
    own_defaults: Mapping[str, object] = field(default_factory=dict)
    # A module that holds others; convert(module, adapt) then adapts them.
    container: bool = False
    # Makes the module from the drawn options, where the oracle's constructor does not.
    construct: Callable | None = None
    # A parametrization; convert(module, layer, place) then wraps the layer of which it computes
    # the parameter in that place.
    parametrization: bool = False
    # The ranks of the first input, where the component takes more ranks than PyTorch's class.
    ranks: tuple[int, ...] = ()
    # The parameters that a module of this class holds itself, in its order.
    parameters: tuple[str, ...] = ("weight", "bias")
    adapter: type | None = None
    # What no example can reach, label -> why (see parity_tests/reach.py).
    unreached: Mapping[str, str] = field(default_factory=dict)
    # Whether what is not finite may come with a warning, True even where what comes out is finite
    # (None: in layers, which add up, where what comes out is not).
    warns: bool | None = None
    # True where forward changes the parameters themselves (Embedding with max_norm).
    changes_params: bool = False

    @property
    def title(self) -> str:
        return self.name or self.component.__name__

    @property
    def family(self) -> str:
        return self.component.__module__.split(".")[1].lstrip("_")

    @property
    def silent(self) -> bool:
        """Whether NaN and infinities come without a warning too."""
        return self.family != "layers" if self.warns is None else not self.warns

    @property
    def targets(self) -> tuple[int, ...]:
        if self.target_places is not None:
            return self.target_places
        return (1,) if issubclass(self.component, Loss) else ()

    def kind(self, quantity: str) -> str:
        """The kind of budget of a quantity."""
        if isinstance(self.budget, str):
            return self.budget
        stem = quantity.partition("[")[0]
        return self.budget.get(quantity) or self.budget.get(stem) or self.budget["every"]

    def layouts(self, given, count: int) -> tuple[AsIs, ...]:
        """One layout for each of `count` arrays."""
        if isinstance(given, tuple):
            return (given + (AsIs(),) * count)[:count]
        return (given,) * count

    def kinks_of(self, module) -> Sequence[float]:
        return self.kinks(module) if callable(self.kinks) else self.kinks

    def is_elementwise(self) -> bool:
        return self.kind("output") in ("exact", "elementwise")


@dataclass(frozen=True)
class OptimizerRow:
    """An optimizer: compared along whole trajectories of given gradients.

    convert      makes the reference's optimizer from (torch optimizer, its groups)
    options      strategies of the oracle's keyword options
    """

    component: type[Optimizer]
    oracle: type[torch.optim.Optimizer]
    # Option of PyTorch -> the reference's constructor argument and value: translate(group) -> dict.
    translate: Callable[[Mapping], Mapping]
    # draw(draw) -> the keyword options of the oracle's constructor.
    draw: Callable
    name: str = ""
    budget: str = "trajectory"
    # Keys of PyTorch's state -> ours, for those that are compared and copied.
    state: Mapping[str, str] = field(default_factory=dict)
    # State whose dtype is our own choice: counters.
    scalars: tuple[str, ...] = ("step",)
    # Ranks of parameters that it takes, and the least length of their axes.
    ranks: tuple[int, int] = (0, 3)
    least_size: int = 0
    # Constructor arguments that no group may have: constant(torch optimizer) -> dict.
    constant: Callable = lambda optimizer: {}
    # A gradient in the form that ours takes, from a dense one: give(grad, rng); and what PyTorch
    # gets for it: hand(given, parameter, tensor_of).
    give: Callable = lambda grad, rng: grad
    hand: Callable = lambda given, parameter, tensor_of: tensor_of(given)
    # One step of ours: step(optimizer, params, grads).
    step: Callable = lambda optimizer, params, grads: optimizer.step(params, grads)
    # Code that takes one step, where the usual one does not do; its last line prints.
    example: str = ""
    # Where rounding alone decides between a number and NaN: determined(PyTorch's state of one
    # parameter, name -> array (steps, *shape), eps) -> mask of what is asserted.
    determined: Callable | None = None
    # Steps that amplify what rounds within them (Newton-Schulz): PyTorch's drift then counts the
    # rounding of every operation too.
    amplifies_within: bool = False
    # Options of PyTorch that have no meaning in NumPy, and the values that ask for nothing.
    meaningless: Mapping[str, tuple] = field(
        default_factory=lambda: {
            "foreach": (None, False),
            "fused": (None, False),
            "capturable": (False,),
            "differentiable": (False,),
        }
    )
    # Where PyTorch departs from the mathematics and `mirror` follows it, in words.
    departure: str = ""
    # Arguments whose default is the book's or our own, not the oracle's.
    own_defaults: Mapping[str, object] = field(default_factory=dict)
    # What no example can reach, label -> why.
    unreached: Mapping[str, str] = field(default_factory=dict)
    refusals: Sequence[Refusal] = ()

    @property
    def title(self) -> str:
        return self.name or self.component.__name__

    @property
    def family(self) -> str:
        return "optimizers"

    def kind(self, quantity: str) -> str:
        return self.budget

    def mirror(self, optimizer: torch.optim.Optimizer) -> Optimizer:
        """The reference's optimizer with the options, groups and state of PyTorch's."""
        groups = []
        for group in optimizer.param_groups:
            for name, silent in self.meaningless.items():
                if name in group and group[name] not in silent:
                    what = f"{type(optimizer).__name__} with {name}={group[name]!r}"
                    raise no_counterpart(what, "the option has no meaning in NumPy")
            params = group["params"]
            options = {k: number_of(value) for k, value in group.items() if value is not params}
            translated = self.translate({**options, "params": params})
            groups.append({"count": len(params), **translated})
        first = {name: value for name, value in groups[0].items() if name != "count"}
        ours = self.component(**first, **self.constant(optimizer), groups=groups)
        params = [param for group in optimizer.param_groups for param in group["params"]]
        states = [self.state_of(optimizer, param) for param in params]
        if any(states):
            ours.load_state(states, [np.array(oracle.to_numpy(param)) for param in params])
        return ours

    def state_of(self, optimizer: torch.optim.Optimizer, param: torch.Tensor) -> dict:
        """The state of one parameter under our names; empty before its first step."""
        state = optimizer.state.get(param, {})
        # PyTorch makes Adagrad's at construction.
        if "step" in state and float(state["step"]) == 0:
            return {}
        return {
            own: np.array(float(state[theirs]))
            if own in self.scalars
            else oracle.to_numpy(state[theirs])
            for theirs, own in self.state.items()
            if state.get(theirs) is not None
        }


def number_of(value):
    """An option that PyTorch may hold as a tensor, as a scalar of the same precision."""
    if isinstance(value, torch.Tensor) and value.numel() == 1:
        return oracle.to_numpy(value).reshape(())[()]
    if isinstance(value, (tuple, list)) and any(isinstance(part, torch.Tensor) for part in value):
        return tuple(number_of(part) for part in value)
    return value


def for_all(option):
    """An option that PyTorch holds for each axis, as one number for all of them if they agree.

    A tuple of one stands for all axes.
    """
    return option[0] if isinstance(option, tuple) and len(set(option)) == 1 else option


@dataclass(frozen=True)
class RunRow:
    """What runs on its own, a schedule, an average, a descent, an initializer: compared in full.

    draw     draw(draw) -> a case, all that both sides need
    ours     ours(case, dtype) -> name -> array, its first axis the steps
    theirs   theirs(case, dtype, nudge) -> the same from PyTorch, which hands the numbers that it
             goes on with to `nudge`; it returns them, or moves them an ulp to measure the drift
    example  code that takes one step; its last line prints
    """

    component: type | Callable
    oracle: type | Callable
    draw: Callable
    ours: Callable
    theirs: Callable
    example: str
    name: str = ""
    budget: str = "trajectory"
    dtypes: tuple[str, ...] = ("float32", "float64")
    examples: int = 30
    # PyTorch's own run in a higher precision, where it is the one that cancels:
    # precise(case, dtype) -> name -> array.
    precise: Callable | None = None
    # Makes ours from a constructed optimizer of PyTorch's.
    mirror: Callable | None = None
    # Arguments whose default is the book's or our own, not the oracle's.
    own_defaults: Mapping[str, object] = field(default_factory=dict)
    # What no example can reach, label -> why.
    unreached: Mapping[str, str] = field(default_factory=dict)
    refusals: Sequence[Refusal] = ()
    # Calls that no run makes or PyTorch has no answer to, with the values of the equation.
    literals: Sequence[tuple[Callable, object]] = ()

    @property
    def title(self) -> str:
        return self.name or self.component.__name__

    @property
    def family(self) -> str:
        return self.component.__module__.split(".")[1]

    def kind(self, quantity: str) -> str:
        """The kind of budget of a quantity."""
        return self.budget


def register(*rows):
    """Add rows to the catalogue."""
    for row in rows:
        if row.title in ROWS:
            raise ValueError(f"catalogue: two rows are named {row.title}")
        ROWS[row.title] = row
        if not isinstance(row, RunRow) or row.mirror is not None:
            _BY_ORACLE.setdefault(row.oracle, row)


def rows(kind: type = object) -> list:
    """The rows of a class, in order of registration."""
    return [row for row in ROWS.values() if isinstance(row, kind)]


def row_of(module):
    """The row whose oracle is exactly the class of a module or an optimizer."""
    oracle_class = type(module)
    if parametrize.is_parametrized(module):
        # PyTorch derives a class of its own from that of the module.
        oracle_class = oracle_class.__base__
    row = _BY_ORACLE.get(oracle_class)
    if row is None:
        name = f"{type(module).__module__}.{type(module).__qualname__}"
        raise no_counterpart(name, "types match exactly; subclasses are refused")
    return row


def parametrization_of(chain) -> Row | None:
    """The row of the one parametrization that computes a parameter; None where there is none."""
    row = _BY_ORACLE.get(type(chain[0])) if len(chain) == 1 else None
    return row if row is not None and row.parametrization else None


def no_counterpart(what: str, why: str = "") -> NotImplementedError:
    """The error for a class, or a class with an option, that the reference has nothing for."""
    reason = f" ({why})" if why else ""
    return NotImplementedError(f"mirror: {what} has no counterpart in the reference{reason}")


def find(name: str):
    """The row of a name; a LookupError suggests the nearest."""
    if name in ROWS:
        return ROWS[name]
    folded = {title.lower(): title for title in ROWS}
    for row in ROWS.values():
        folded.setdefault(row.oracle.__name__.lower(), row.title)
    if name.lower() in folded:
        return ROWS[folded[name.lower()]]
    nearest = difflib.get_close_matches(name.lower(), folded, n=1, cutoff=0)
    hint = f"did you mean {folded[nearest[0]]}?" if nearest else "the catalogue is empty"
    raise LookupError(f"no component is named {name!r}; {hint}")
