"""One example run on both sides: a row, a case and a dtype become two sets of results."""

import collections
import contextlib
import copy
import functools
from collections.abc import Callable

import numpy as np
import torch
import torch.nn.attention

from parity_tests import compare, oracle, reach, strategies, tolerances
from parity_tests.catalogue import Row
from parity_tests.compare import Verdict
from parity_tests.mirroring import adapt_as
from parity_tests.oracle import Results
from parity_tests.strategies import Case

# How far inputs move, relatively, to measure how far results move (see `movement`): a little
# farther than rounding moves them, so that what it amplifies stays in proportion.
_STEPS = {"float32": 2.0**-20, "float64": 2.0**-36}
# How often they move, and whether the result of every operation on the way moves too. The unit is
# the farthest of so many moves: fewer give a smaller one, which does for most. What rounds on the
# way counts where the row says that terms cancel there, and plain moves do not do. Last come moves
# of a smaller step too, and of an ulp in the row's own dtype: where a deviation of 0 is divided by,
# farther ones leave proportion, and other digits lead elsewhere.
_NEAR = 2.0**-44
_MOVES = (
    ((1, False), (4, False)),
    ((1, True), (2, True), (4, True)),
    ((8, True),),
    ((8, True, 8),),
)


class Trial:
    """A module, its mirror and their inputs, built from a drawn case."""

    def __init__(self, row: Row, case: Case, dtype: str):
        self.row = row
        self.case = case
        self.dtype = np.dtype(dtype)
        self.upstream_by_shapes, self.floors, self.movements = {}, {}, {}
        self.distances = collections.defaultdict(list)
        self.module = build(row, case, dtype)
        self.kinks = tuple(row.kinks_of(self.module))
        elementwise = row.is_elementwise()
        decades = row.decades if row.decades is not None else (30 if elementwise else 3)
        kinks = (*self.kinks, *row.bends)
        # The sums of layers overflow in an order of their own.
        huge = row.huge if row.silent or elementwise else None
        inputs, keywords = strategies.fill(case, kinks, decades, huge)
        inputs = oracle.cast(inputs, self.dtype)
        if case.strided:
            inputs = oracle.map_structure(_strided, inputs)
        self.inputs = inputs
        self.keywords = {name: oracle.cast(value, self.dtype) for name, value in keywords.items()}

    @functools.cached_property
    def theirs(self) -> Results:
        """PyTorch's results."""
        return self.run_torch(self.module, self.inputs)

    @functools.cached_property
    def ours(self) -> Results:
        """The reference's results, in PyTorch's layout."""
        return self.run_reference(self.adapter(), self.inputs)

    @functools.cached_property
    def in_double(self) -> Results:
        """PyTorch's results on the same numbers in float64."""
        if self.dtype == np.float64:
            return self.theirs
        return self.run_torch(self.double_module, self.inputs, np.float64)

    @functools.cached_property
    def double_module(self) -> torch.nn.Module:
        """A copy of the module in float64."""
        return copy.deepcopy(self.module).double()

    @functools.cached_property
    def by_plain_kernels(self) -> Results:
        """PyTorch's results without its fast kernels."""
        floating = [a for a in oracle.flatten(self.inputs) if oracle.is_floating(a)]
        if all(np.isfinite(array).all() for array in floating):
            return self.theirs
        plain = torch.backends.mkldnn.flags(enabled=False)
        attention = torch.nn.attention.sdpa_kernel(torch.nn.attention.SDPBackend.MATH)
        with oracle.quiet(), plain, attention:
            return self.run_torch(self.module, self.inputs)

    @property
    def constant(self) -> tuple[int, ...]:
        """The places of targets that PyTorch does not differentiate."""
        return () if self.row.differentiable_target else self.row.targets

    def upstream(self, outputs: list[np.ndarray]) -> list[np.ndarray | None]:
        """A random gradient for each floating output; sometimes none for one of several, and among
        special inputs, whose slopes may be infinite, sometimes a few zeros."""
        shapes = tuple(output.shape for output in outputs)
        if shapes not in self.upstream_by_shapes:
            rng = np.random.default_rng([self.case.seed, 1])
            grads = [np.asarray(rng.normal(size=shape)).astype(self.dtype) for shape in shapes]
            if len(grads) > 1 and rng.random() < 0.3:
                grads[rng.integers(len(grads))] = None
            if self.case.regime == strategies.SPECIAL and rng.random() < 0.5:
                for grad in (grad for grad in grads if grad is not None):
                    grad[rng.random(grad.shape) < 0.3] = 0
            self.upstream_by_shapes[shapes] = grads
        return list(self.upstream_by_shapes[shapes])

    def run_torch(self, module, inputs, dtype=None, moved=None) -> Results:
        """Forward and backward in PyTorch, which leave the module as it was.

        `moved` is applied to the upstream gradients.
        """
        dtype = dtype or self.dtype
        changing = self.row.changes_params or next(module.buffers(), None) is not None
        random = self.row.replay is not None

        def upstream(outputs):
            grads = self.upstream(outputs)
            if self.row.absent_as_zero:
                pairs = zip(grads, outputs, strict=True)
                grads = [np.zeros(o.shape) if g is None else g for g, o in pairs]
            grads = [None if g is None else g.astype(dtype) for g in grads]
            return grads if moved is None else [None if g is None else moved(g) for g in grads]

        if self.row.contiguous:
            inputs = oracle.map_structure(_contiguous, inputs)
        with (
            oracle.seeded(self.case.seed % 2**31) if random else contextlib.nullcontext(),
            oracle.unchanged(module) if changing else contextlib.nullcontext(),
        ):
            return oracle.run(
                module,
                oracle.cast(inputs, dtype),
                {name: oracle.cast(value, dtype) for name, value in self.keywords.items()},
                upstream,
                self.constant,
            )

    def adapter(self, dtype=None):
        """A fresh mirror of the module; with a dtype, its parameters and buffers cast to it."""
        adapter = adapt_as(self.row, self.module)
        if dtype is not None and adapter.params:
            adapter.layer.params = [oracle.cast(param, dtype) for param in adapter.params]
        if dtype is not None and adapter.buffers:
            adapter.layer.buffers = [oracle.cast(buffer, dtype) for buffer in adapter.buffers]
        return adapter

    @functools.cached_property
    def draws(self):
        """The generator that repeats PyTorch's draws."""
        with oracle.seeded(self.case.seed % 2**31):
            return self.row.replay(copy.deepcopy(self.module), self.inputs)

    def forward(self, adapter, inputs):
        """Our forward; a random layer repeats PyTorch's draws."""
        draws = self.module.training or self.row.random_in_evaluation
        if self.row.replay is not None and draws:
            adapter.layer.rng = copy.deepcopy(self.draws)
        dtype = next((a.dtype for a in oracle.flatten(inputs) if oracle.is_floating(a)), None)
        keywords = {name: oracle.cast(value, dtype) for name, value in self.keywords.items()}
        return adapter.forward(*inputs, **keywords)

    def run_reference(self, adapter, inputs, upstream=None) -> Results:
        """Our forward and backward."""
        answer = self.theirs.outputs if self.row.warns is None else None
        with self.tolerating_nonfinite(answer):
            leaves = oracle.flatten(self.forward(adapter, inputs))
        with self.tolerating_nonfinite():
            outputs = [np.asarray(leaf) for leaf in leaves if leaf is not None]
            floating = [output for output in outputs if oracle.is_floating(output)]
            grads = upstream if upstream is not None else self.upstream(floating)
            grad_inputs, grad_params = adapter.backward(*grads)
        aligned = [
            grad
            for entry, own in zip(grad_inputs, inputs, strict=True)
            for grad in _align(entry, own)
        ]
        return Results(outputs, aligned, list(grad_params), list(adapter.buffers))

    def tolerating_nonfinite(self, answer=None):
        """A warning is a failure, unless the answer of a layer holds a NaN or an infinity.

        The answer is everything, and what it is made from, or these arrays.
        What is empty has nothing to warn of, even where its mean is NaN.
        """
        given = [a for a in oracle.flatten(self.inputs) if oracle.is_floating(a)]
        if self.row.silent or not any(array.size for array in given):
            return contextlib.nullcontext()
        if answer is None:
            answer = [*given, *(a for _, a in self.theirs.quantities() if a is not None)]
        if all(np.isfinite(array).all() for array in answer):
            return contextlib.nullcontext()
        return np.errstate(invalid="ignore", over="ignore", divide="ignore")

    # --- units and judges ---

    def verdicts(self) -> list[Verdict]:
        """The verdict on every quantity."""
        theirs = dict(self.theirs.quantities())
        ours = dict(self.ours.quantities())
        found = [self.verdict(name, ours.get(name), array) for name, array in theirs.items()]
        extra = [name for name in ours if name not in theirs]
        if extra:
            message = f"{extra[0]}: PyTorch has no such quantity; ours are {', '.join(ours)}"
            found.append(Verdict(extra[0], str(self.dtype), 0, np.inf, 0, message))
        reach.count(reach.of_trial, self)
        return found

    def verdict(self, name: str, actual, expected) -> Verdict:
        """Our value of one quantity against PyTorch's."""
        for place in range(self.measured, len(_MOVES) if self.row.cancels_within else 1):
            self.measured = place
            found = self.verdict_by_unit(name, actual, expected)
            if not found.message:
                break
        return found

    # The place in _MOVES of how the unit of a composition is measured by now.
    measured = 0

    def verdict_by_unit(self, name: str, actual, expected) -> Verdict:
        kind = self.row.kind(name)
        stem = name.partition("[")[0]
        if expected is None or not oracle.is_floating(expected):
            kind = "exact"
        alike = actual is not None and expected is not None and actual.shape == expected.shape
        return compare.compare(
            name,
            actual,
            expected,
            budget=tolerances.budget(self.row.title, name, kind, str(self.dtype)),
            units=self.units(name, kind, expected) if alike else (),
            judges=self.judges(name, kind),
            signed_zeros=self.row.signed_zeros and self.row.is_elementwise() and stem == "output",
            asserted=self.asserted(name, expected),
            context=self.context,
            kinks=self.kinks,
            kind=kind,
        )

    def units(self, name: str, kind: str, expected: np.ndarray) -> list[compare.Unit]:
        """What measures the worth of one unit of the budget at each element, the cheapest first:
        none gives less than the one before."""
        least = functools.partial(self.least, name, expected)

        def at_least(terms):
            magnitude = np.abs(np.nan_to_num(terms().get(name, np.zeros(())), posinf=0, neginf=0))
            return np.maximum(least(), np.finfo(self.dtype).eps * magnitude)

        match kind:
            case "exact":
                return [lambda: 1.0]
            case "elementwise":
                return [lambda: np.maximum(compare.ulp(expected, self.dtype), self.floor(name))]
            case "sum":
                return [least, lambda: at_least(lambda: self.terms)]
        measures = [functools.partial(self.movement, *each) for each in _MOVES[self.measured]]
        return [least, *(functools.partial(at_least, measure) for measure in measures)]

    def unit(self, name: str, kind: str, expected: np.ndarray) -> np.ndarray | float:
        """What one unit of the budget is worth at each element, whatever it takes to measure."""
        return self.units(name, kind, expected)[-1]()

    def least(self, name: str, expected: np.ndarray) -> np.ndarray:
        """What a unit of a sum or a composition is worth at least: eps times the result."""
        size = np.finfo(self.dtype).eps * np.abs(np.nan_to_num(expected, posinf=0, neginf=0))
        return np.maximum(np.maximum(compare.ulp(expected, self.dtype) / 2, size), self.floor(name))

    def floor(self, name: str) -> np.ndarray | float:
        """Eps times the magnitude of the terms that the row names."""
        stem = name.partition("[")[0]
        if stem not in self.floors:
            source = self.row.floor.get(stem)
            size = 0.0 if source is None else self.magnitude(source)
            self.floors[stem] = np.finfo(self.dtype).eps * size
        return self.floors[stem]

    def magnitude(self, source: str | Callable) -> np.ndarray:
        """What a row names as the magnitude of terms that cancel; 0 where that is not finite."""
        named = self.context()
        with np.errstate(over="ignore", invalid="ignore"):
            match source:
                case "one":
                    size = np.ones(())
                case "both":
                    # The magnitude of a term x g beside one of g alone.
                    size = named["grad_output"] * np.fmax(1, np.abs(named["input"]))
                case str():
                    size = named[source]
                case _:
                    size = source(self.module, named["input"], named["grad_output"])
        return np.abs(np.nan_to_num(size, posinf=0, neginf=0))

    @functools.cached_property
    def terms(self) -> dict[str, np.ndarray]:
        """For sums and products: the same layer on absolute values adds up its terms."""

        def absolute(array):
            return np.abs(np.nan_to_num(array.astype(np.float64), posinf=0, neginf=0))

        adapter = self.adapter(np.float64)
        if self.row.terms is not None:
            adapter.layer = self.row.terms(self.module)
        if adapter.params:
            adapter.layer.params = [absolute(param) for param in adapter.params]
        inputs = oracle.map_structure(
            lambda leaf: absolute(leaf) if oracle.is_floating(leaf) else leaf, self.inputs
        )
        floating = [output for output in self.theirs.outputs if oracle.is_floating(output)]
        upstream = [None if g is None else absolute(g) for g in self.upstream(floating)]
        results = self.run_reference(adapter, inputs, upstream)
        return {name: array for name, array in results.quantities() if array is not None}

    def movement(self, moves: int, within: bool, near: int = 0) -> dict[str, np.ndarray]:
        """For compositions: how far PyTorch's float64 results move at most in so many moves, and
        so many of the smaller steps.

        Each is relative to the move of every input and parameter by random factors close to 1 and,
        `within`, of the result of every operation on the way too.
        """
        if (moves, within, near) not in self.movements:
            step = _STEPS[str(self.dtype)]
            known = [
                *self.moved(moves, within, step),
                *self.moved(near, within, _NEAR),
                *self.moved(near, within, float(np.finfo(self.dtype).eps), self.dtype),
                # What was measured before counts on.
                *self.distances[False, step, np.dtype(np.float64)],
            ]
            self.movements[moves, within, near] = {
                name: self.farthest(array, [d[name] for d in known if name in d])
                for name, array in self.in_double.quantities()
                if oracle.is_floating(array)
            }
        return self.movements[moves, within, near]

    def moved(self, moves: int, within: bool, step: float, dtype=np.float64) -> list[dict]:
        """How far each result moves in each of so many moves."""
        known = self.distances[within, step, np.dtype(dtype)]
        known += [self.move(place, within, step, dtype) for place in range(len(known), moves)]
        return known[:moves]

    @staticmethod
    def farthest(array: np.ndarray, distances: list[np.ndarray]) -> np.ndarray:
        """The largest of a result's distances and its size, element by element."""
        largest = functools.reduce(np.fmax, distances, np.abs(array))
        # A random direction can leave one element still: a tenth of the mean is its least.
        mean = np.mean(np.nan_to_num(largest, posinf=0)) if array.size else 0
        return np.fmax(largest, 0.1 * mean)

    def move(self, place: int, within: bool, step: float, dtype) -> dict[str, np.ndarray]:
        """How far each result moves in one of the moves, in steps; computed in a dtype."""
        rng = np.random.default_rng([self.case.seed, 2, place])

        def by_one(array):
            spread = rng.uniform(-1, 1, array.shape)
            direction = (spread + np.copysign(1, spread)) / 2  # at least a half, either way
            return array.astype(np.float64) * (1 + step * direction)

        def moved(array):
            if not oracle.is_floating(array):
                return array
            bounds = self.row.bounds
            return by_one(array) if bounds is None else np.clip(by_one(array), *bounds)

        module = self.double_module if dtype == np.float64 else copy.deepcopy(self.module)
        with torch.no_grad():
            pairs = zip(module.parameters(), self.module.parameters(), strict=True)
            for parameter, own in pairs:
                parameter.copy_(torch.from_numpy(np.asarray(moved(own.detach().numpy()))))
        # Labels are not numbers that round.
        inputs = tuple(
            entry if index in self.constant else oracle.map_structure(moved, entry)
            for index, entry in enumerate(self.inputs)
        )
        rounding = oracle.Jitter(place, step) if within else contextlib.nullcontext()
        with rounding:
            # The upstream gradients too are terms that are added up on the way.
            results = self.run_torch(module, inputs, dtype, by_one if within else None)
        unmoved = self.in_double if dtype == np.float64 else self.theirs
        still = dict(unmoved.quantities())
        with np.errstate(invalid="ignore", over="ignore"):
            return {
                name: np.abs(array.astype(np.float64) - still[name]) / step
                for name, array in results.quantities()
                if array is not None and oracle.is_floating(still[name])
            }

    def judges(self, name: str, kind: str) -> list[compare.Judge]:
        """Who else may say that an element is right, where PyTorch in this dtype says no."""
        # Equal numbers matter where elements are compared with one another, or with a kink.
        alone = self.row.is_elementwise() and not self.kinks
        if kind == "exact" or (self.case.regime == strategies.TIES and not alone):
            return []
        judges = []
        if self.dtype == np.float32:
            judges.append(functools.partial(self.judge_in_double, name, kind))
        if name.partition("[")[0] in self.row.oracle_floor:
            judges.append(functools.partial(self.judge_in_longdouble, name, kind))
        return judges

    def judge_in_double(self, name, kind):
        """PyTorch in float64 on the same numbers."""
        expected = self.without_kinks(dict(self.in_double.quantities())[name])
        return expected, self.unit(name, kind, expected)

    def judge_in_longdouble(self, name, kind):
        """The same class in longdouble, itself within the oracle's own rounding of PyTorch."""
        inputs = oracle.cast(self.inputs, np.longdouble)
        floating = [output for output in self.theirs.outputs if oracle.is_floating(output)]
        upstream = oracle.cast(tuple(self.upstream(floating)), np.longdouble)
        adapter = self.adapter(np.longdouble)
        judged = dict(self.run_reference(adapter, inputs, list(upstream)).quantities())[name]
        expected = dict(self.theirs.quantities())[name]
        floor = self.magnitude(self.row.oracle_floor[name.partition("[")[0]])
        with np.errstate(invalid="ignore"):
            anchored = np.abs(judged - expected) <= 4 * np.finfo(self.dtype).eps * floor
        judged = self.without_kinks(np.where(anchored, judged, np.nan))
        return judged, self.unit(name, kind, judged)

    def without_kinks(self, expected):
        """NaN, which no judge accepts, where the input lies on a kink."""
        first = oracle.flatten(self.inputs)[0]
        if not self.kinks or first.shape != expected.shape:
            return expected
        return np.where(np.isin(first, np.asarray(self.kinks, first.dtype)), np.nan, expected)

    def asserted(self, name: str, expected) -> np.ndarray | None:
        """Where PyTorch defines the result: not at a NaN of the input, if the row says so, nor
        where its fast and its plain kernels disagree on what is infinite."""
        stem = name.partition("[")[0]
        if expected is not None and stem in self.row.kernel_dependent:
            plain = dict(self.by_plain_kernels.quantities())[name]
            alike = (plain == expected) | (np.isnan(plain) & np.isnan(expected))
            return alike | (np.isfinite(plain) & np.isfinite(expected))
        if self.row.gradient_at_nan or not stem.startswith("grad"):
            return None
        first = oracle.flatten(self.inputs)[0]
        if expected is None or first.shape != expected.shape:
            return None
        return ~np.isnan(first)

    def context(self) -> dict[str, np.ndarray]:
        """The arrays that help to say what is wrong."""
        floating = [output for output in self.theirs.outputs if oracle.is_floating(output)]
        upstream = self.upstream(floating)
        named = {"input": next(iter(oracle.flatten(self.inputs)), None)}
        named["grad_output"] = upstream[0] if upstream else None
        return {name: array for name, array in named.items() if oracle.is_floating(array)}


def build(row: Row, case: Case, dtype: str) -> torch.nn.Module:
    """The drawn module, its parameters and buffers moved off their initial values."""
    numpy_dtype, torch_dtype = np.dtype(dtype), getattr(torch, dtype)
    options = {
        name: oracle.to_tensor(oracle.cast(value, numpy_dtype))
        if isinstance(value, np.ndarray)
        else value
        for name, value in case.draft.options.items()
    }
    with oracle.seeded(case.seed % 2**31), oracle.quiet():
        module = (row.construct or row.oracle)(**options).to(torch_dtype)
    rng = np.random.default_rng([case.seed, 3])
    if row.prepare is None:
        _move(module, rng, given=options.values())
    else:
        row.prepare(module, rng)
    if case.regime == strategies.TIES:
        # Rows of parameters tie too.
        with torch.no_grad():
            for parameter in module.parameters():
                parameter.mul_(2).round_()
    return module.train(case.training)


def _move(module, rng, given):
    """Parameters off their initial zeros and ones; statistics and counts stay positive.

    What was given as an option stays as it was drawn.
    """
    with torch.no_grad():
        for parameter in module.parameters():
            noise = rng.normal(scale=0.5, size=tuple(parameter.shape))
            parameter += torch.as_tensor(noise, dtype=parameter.dtype)
        for buffer in module.buffers():
            if any(buffer is option for option in given):
                continue
            if buffer.is_floating_point():
                noise = rng.uniform(0, 1, size=tuple(buffer.shape))
            else:
                noise = rng.integers(0, 4, size=tuple(buffer.shape))
            buffer += torch.as_tensor(noise, dtype=buffer.dtype)


def _align(grad, entry):
    """One gradient for each leaf of an input, None where there is none."""
    if not isinstance(entry, (tuple, list)):
        return [grad]
    parts = grad if isinstance(grad, tuple) else (None,) * len(entry)
    return [leaf for part, own in zip(parts, entry, strict=True) for leaf in _align(part, own)]


def _contiguous(leaf):
    return np.asarray(leaf, order="C") if isinstance(leaf, np.ndarray) else leaf


def _strided(leaf):
    return strategies.strided(leaf) if isinstance(leaf, np.ndarray) else leaf
