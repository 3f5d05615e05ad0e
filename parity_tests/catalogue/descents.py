"""Rows: gradient descent in the book's form, the textbook's momenta, L-BFGS."""

import collections
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from hypothesis import strategies as st

import reference
from parity_tests import oracle
from parity_tests.catalogue._optimizers import HISTORIES
from parity_tests.catalogue._row import OptimizerRow, Refusal, RunRow, number_of, register
from parity_tests.problems import PROBLEMS
from parity_tests.strategies import numbers

# --- the book's GradientDescent ---


def _wave(x):
    return torch.cos(x).sum() + (x * x).sum() / 4


@dataclass(frozen=True)
class Slope:
    """A start of some shape on sum cos(x) + x^2 / 4, and options."""

    shape: tuple[int, ...]
    seed: int
    options: Mapping

    def start(self, dtype):
        return np.random.default_rng(self.seed).normal(size=self.shape).astype(dtype)


def _slopes(draw):
    shape = draw(st.sampled_from([(), (1,), (3,), (2, 2), (0,)]))
    options = {
        "learning_rate": draw(st.just(0.0) | numbers(1e-3, 1.5)),
        "epochs": draw(st.integers(0, 40)),
        "tolerance": draw(st.sampled_from([0.0, 0.01, 0.5])),
    }
    return Slope(shape, draw(st.integers(0, 2**32 - 1)), options)


def _descend(case, dtype):
    descent = reference.GradientDescent(
        lambda x: np.sum(np.cos(x) + x * x / 4),
        lambda x: x / 2 - np.sin(x),
        case.start(dtype)[()],
        **case.options,
    )
    point, path = descent.update_step()
    return _descended(case, path, point)


def _descend_in_torch(case, dtype, nudge):
    x = nudge(torch.from_numpy(np.array(case.start(dtype)))).requires_grad_()
    optimizer = torch.optim.SGD([x], lr=case.options["learning_rate"])
    path = [oracle.to_numpy(x)]
    for _ in range(case.options["epochs"]):
        optimizer.zero_grad()
        _wave(x).backward()
        if x.grad.norm() < case.options["tolerance"]:
            break
        x.grad = nudge(x.grad)
        optimizer.step()
        path.append(oracle.to_numpy(x))
    return _descended(case, path, path[-1])


def _descended(case, path, point):
    """The path with its last point repeated: a run that is nudged may stop at another step."""
    missing = case.options["epochs"] + 1 - len(path)
    whole = np.stack([*path, *path[-1:] * missing])
    return {"path": whole, "point": np.array(point)[None], "length": np.array([float(len(path))])}


# --- the textbook's momenta, as optimizers in PyTorch's operations ---


class _Textbook(torch.optim.Optimizer):
    def __init__(self, params, lr=0.001, momentum=0.9):
        super().__init__(params, {"lr": lr, "momentum": momentum})

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is not None:
                    self.move(p, self.state[p], group["lr"], group["momentum"])


class RumelhartFormula(_Textbook):
    """v = momentum v + lr g, p = p - v."""

    def move(self, p, state, lr, momentum):
        state["velocity"] = momentum * state.get("velocity", torch.zeros_like(p)) + lr * p.grad
        p.copy_(p - state["velocity"])


class PolyakFormula(_Textbook):
    """p' = p - lr g + momentum (p - q)."""

    def move(self, p, state, lr, momentum):
        moved = p - lr * p.grad + momentum * (p - state.get("previous", p))
        state["previous"] = p.clone()
        p.copy_(moved)


class NesterovFormula(_Textbook):
    """q = p - momentum v, v = momentum v + lr grad f(q), p = p - v; f(q) = g . q + q . q / 2."""

    def move(self, p, state, lr, momentum):
        carried = momentum * state.get("velocity", torch.zeros_like(p))
        ahead = p - carried
        state["velocity"] = carried + lr * (p.grad + ahead)
        p.copy_(p - state["velocity"])


def _step_in_a_bowl(optimizer, params, grads):
    """A step of ours on the same f, whose gradient depends on where it is taken."""

    def closure():
        taken = [None if g is None else g + p for g, p in zip(grads, params, strict=True)]
        return 0.0, taken

    optimizer.step(params, closure)


def _momentum(draw):
    return {
        "lr": draw(st.just(0.0) | numbers(1e-4, 0.5)),
        "momentum": draw(st.sampled_from([0.0, 0.5, 0.9]) | numbers(0, 0.99)),
    }


def _momentum_options(group):
    return {"learning_rate": group["lr"], "momentum": group["momentum"]}


# --- L-BFGS ---


@dataclass(frozen=True)
class Closures:
    """Some steps of L-BFGS on a problem, the parameters in two arrays.

    absent  the second array has no gradient
    away    how far the start is from a minimum, or None for near the usual start
    """

    problem: str
    seed: int
    steps: int
    resumed: bool
    options: Mapping
    absent: bool = False
    away: float | None = None

    def start(self, dtype):
        problem = PROBLEMS[self.problem]
        usual = problem.start if self.away is None else problem.minima[0]
        first, *others = problem.near(usual, self.seed, self.away).astype(dtype)
        return [np.array(first), np.array([others])]


def _closures(draw):
    search = draw(st.sampled_from([None, "strong_wolfe"]))
    # A line search does not start from a rate of 0, but from one much too low or too high.
    searched = numbers(0.01, 1.2) | st.sampled_from([1e-3, 5.0, 50.0])
    options = {
        "lr": draw(searched if search else st.just(0.0) | numbers(0.01, 0.2)),
        "max_iter": draw(st.integers(1, 6)),
        "max_eval": draw(st.none() | st.integers(1, 8)),
        "tolerance_grad": draw(st.sampled_from([1e-2, 1e-1, 0.0])),
        "tolerance_change": draw(st.sampled_from([1e-9, 1e-3, 0.0, 10.0])),
        "history_size": draw(st.sampled_from([1, 2, 100])),
        "line_search_fn": search,
    }
    return Closures(
        draw(st.sampled_from([*PROBLEMS])),
        draw(st.integers(0, 2**32 - 1)),
        draw(st.integers(1, 3)),
        draw(st.booleans()),
        options,
        draw(st.booleans()),
        draw(st.none() | st.sampled_from([0.0, 1e-2])),
    )


def _mirror_lbfgs(optimizer: torch.optim.LBFGS) -> reference.LBFGS:
    """The reference's LBFGS with the options and the state of PyTorch's."""
    (group,) = optimizer.param_groups
    options = {name: value for name, value in group.items() if name not in ("params", "lr")}
    ours = reference.LBFGS(learning_rate=number_of(group["lr"]), **options)
    state = {
        name: oracle.map_structure(oracle.to_numpy, tuple(value))
        if isinstance(value, list)
        else oracle.to_numpy(value)
        for name, value in optimizer.state[optimizer._params[0]].items()
        if name != "al" and value is not None
    }
    if state:
        state = {k: list(v) if isinstance(v, tuple) else v for k, v in state.items()}
        params = [oracle.to_numpy(param) for param in group["params"]]
        ours.load_state([state, *({} for _ in params[1:])], params)
    return ours


def _flat(params):
    return np.concatenate([np.ravel(oracle.to_numpy(param)) for param in params])


def _run_lbfgs(case, dtype):
    problem, params = PROBLEMS[case.problem], case.start(dtype)
    options = {name: value for name, value in case.options.items() if name != "lr"}
    ours = reference.LBFGS(learning_rate=case.options["lr"], **options)

    def closure():
        x = _flat(params)
        gradient = problem.gradient(x)
        others = None if case.absent else gradient[1:].reshape(1, -1)
        return problem.f(x), [gradient[0].reshape(()), others]

    track = collections.defaultdict(list)
    for step in range(case.steps):
        if case.resumed and step == 1:
            state, ours = ours.state, reference.LBFGS(learning_rate=case.options["lr"], **options)
            ours.load_state(state, params)
        _note(track, ours.step(params, closure), params, ours.state[0])
    return {name: np.array(entries, dtype) for name, entries in track.items()}


def _three_parameters():
    """One step down sum x^2 from 1 to 6, given as three arrays."""
    params = [np.array([1.0]), np.array([2.0, 3.0]), np.array([4.0, 5.0, 6.0])]
    descent = reference.LBFGS(max_iter=1)
    descent.step(params, lambda: (sum(np.sum(p**2) for p in params), [2 * p for p in params]))
    return _flat(params)


def _in_a_bowl(**options):
    """Where one step down x^2 / 2 from 4 ends whose first iteration moves by an eighth of 4."""
    param = np.array([4.0])
    reference.LBFGS(0.5, **options).step([param], lambda: (param[0] ** 2 / 2, [1 * param]))
    return param


def _flat_valley():
    """Where two iterations end whose change and move have a product of exactly 1e-10."""
    param, slopes = np.zeros(1), iter([[0.5], [-0.5]])
    descent = reference.LBFGS(2e-10, max_iter=2, max_eval=9, tolerance_change=0)
    descent.step([param], lambda: (0.0, [np.array(next(slopes))]))
    return param


def _run_lbfgs_in_torch(case, dtype, nudge):
    problem = PROBLEMS[case.problem]
    params = [nudge(torch.from_numpy(p)).requires_grad_() for p in case.start(dtype)]
    theirs = torch.optim.LBFGS(params, **case.options)

    def closure():
        theirs.zero_grad()
        x = torch.cat([param.reshape(-1) for param in params])
        loss = (problem.residual(x, torch.stack) ** 2).sum() / 2
        loss.backward()
        for param in params:
            param.grad = nudge(param.grad)
        if case.absent:
            params[1].grad = None
        return nudge(loss)

    track = collections.defaultdict(list)
    for _ in range(case.steps):
        _note(track, theirs.step(closure).item(), params, theirs.state[params[0]])
    return {name: np.array(entries, dtype) for name, entries in track.items()}


def _note(track, loss, params, state):
    """What a step returns and leaves; the state begins with the first iteration."""
    point = _flat(params)
    begun = dict.fromkeys(("d", "prev_flat_grad"), 0 * point)
    begun |= {"prev_loss": 0.0, "t": 0.0, "H_diag": 1.0, "func_evals": 0, "n_iter": 0}
    noted = {name: oracle.to_numpy(state.get(name, before)) for name, before in begun.items()}
    for name, value in {"params": point, "loss": loss, **noted}.items():
        track[name].append(value)


# --- conjugate gradients of a matrix ---


def padded(path, epochs) -> dict[str, np.ndarray]:
    """The path, its last point repeated, so that both sides have as many."""
    points = [oracle.to_numpy(point) for point in path]
    return {"path": np.stack(points + points[-1:] * (epochs + 1 - len(points)))}


@dataclass(frozen=True)
class System:
    """A positive definite matrix, a right side and a start, from a seed."""

    size: int
    seed: int
    options: Mapping

    def arrays(self, dtype):
        rng = np.random.default_rng(self.seed)
        factor = rng.normal(size=(self.size, self.size))
        matrix = factor @ factor.T + np.eye(self.size)
        arrays = matrix, rng.normal(size=self.size), rng.normal(size=self.size)
        return [array.astype(dtype) for array in arrays]


def _systems(draw):
    tolerance = draw(st.sampled_from([0.01, 0.1, 0.0]))
    options = {"epochs": draw(st.integers(0, 6)), "tolerance": tolerance}
    return System(draw(st.integers(1, 5)), draw(st.integers(0, 2**32 - 1)), options)


class HestenesStiefelFormula:
    """Each direction made conjugate to the last by the matrix itself, in PyTorch."""

    @staticmethod
    def path(matrix, right_side, x, options, nudge):
        residual = nudge(right_side - nudge(matrix @ x))
        points, direction = [x], residual
        for _ in range(options["epochs"]):
            if residual.dot(residual) == 0 or residual.norm() < options["tolerance"]:
                break
            ahead = nudge(matrix @ direction)
            bend = direction @ ahead
            if bend == 0:  # after as many steps as there are axes no direction is left
                break
            step = direction @ residual / bend
            x = nudge(x + step * direction)
            residual = nudge(residual - nudge(step * ahead))
            share = ahead @ residual / bend
            direction = nudge(residual - nudge(share * direction))
            points.append(x)
        return points


def _solver():
    matrix = np.array([[2.0, 1.0], [1.0, 3.0]])
    return reference.LinearConjugateGradients(matrix, np.ones(2), np.array([1.0, 3.0]), epochs=1)


def _moved(solver):
    solver.update_step()
    return solver


def _solve(case, dtype):
    solver = reference.LinearConjugateGradients(*case.arrays(dtype), **case.options)
    return padded(solver.update_step()[1], case.options["epochs"])


def _solve_in_torch(case, dtype, nudge):
    arrays = [nudge(torch.from_numpy(array)) for array in case.arrays(dtype)]
    path = HestenesStiefelFormula.path(*arrays, case.options, nudge)
    return padded(path, case.options["epochs"])


# --- rows ---

_OPTIMIZER = """import numpy as np
from reference import {name}
optimizer = {name}()
params = [np.array([[1.0, -2.0], [0.5, 3.0]])]
optimizer.step(params, lambda: (np.sum(params[0] ** 2), [2 * params[0]]))
print(params[0])"""


def _bad(act, error, message):
    return Refusal(act, error, message)


def _closures_refused(component):
    return (
        _bad(lambda: component().step([np.ones(3)], None), TypeError, "be a function"),
        _bad(lambda: component().step([np.ones(3)], lambda: 0.0), TypeError, "return .loss, grads"),
    )


def _gradient_descent(**changed):
    options = {"function": abs, "function_prime": abs, "initial_point": 1.0, **changed}
    return lambda: reference.GradientDescent(**options).update_step()


register(
    RunRow(
        reference.GradientDescent,
        torch.optim.SGD,
        _slopes,
        _descend,
        _descend_in_torch,
        """import numpy as np
from reference import GradientDescent
descent = GradientDescent(lambda x: x @ x, lambda x: 2 * x, np.array([1.0, -2.0]), 0.1)
point, path = descent.update_step()
print(point, len(path))""",
        budget="closed",
        own_defaults={"learning_rate": 0.001, "epochs": 100, "tolerance": 1e-6},
        examples=60,
        refusals=(
            _bad(_gradient_descent(function=1), TypeError, "be a function"),
            _bad(_gradient_descent(function_prime=None), TypeError, "be a function"),
            _bad(_gradient_descent(initial_point=np.arange(3)), TypeError, "be floating"),
            _bad(_gradient_descent(initial_point="a"), TypeError, "be a NumPy array"),
            _bad(_gradient_descent(learning_rate=-1), ValueError, "be 0 or more"),
            _bad(_gradient_descent(epochs=1.5), TypeError, "be an integer"),
            _bad(_gradient_descent(epochs=-1), ValueError, "be at least 0"),
            _bad(_gradient_descent(tolerance=np.inf), ValueError, "be finite"),
            _bad(
                _gradient_descent(function_prime=lambda x: np.ones(2)),
                ValueError,
                r"function_prime must return shape \(\); got shape \(2,\)",
            ),
        ),
    ),
    OptimizerRow(
        reference.Momentum,
        RumelhartFormula,
        _momentum_options,
        _momentum,
        state={"velocity": "velocity"},
    ),
    OptimizerRow(
        reference.HeavyBall,
        PolyakFormula,
        _momentum_options,
        _momentum,
        state={"previous": "previous"},
    ),
    OptimizerRow(
        reference.Nesterov,
        NesterovFormula,
        _momentum_options,
        _momentum,
        state={"velocity": "velocity"},
        step=_step_in_a_bowl,
        example=_OPTIMIZER.format(name="Nesterov"),
        refusals=_closures_refused(reference.Nesterov),
    ),
    RunRow(
        reference.LBFGS,
        torch.optim.LBFGS,
        _closures,
        _run_lbfgs,
        _run_lbfgs_in_torch,
        _OPTIMIZER.format(name="LBFGS"),
        budget="closed",
        examples=60,
        mirror=_mirror_lbfgs,
        own_defaults={"learning_rate": 1.0},
        refusals=(
            _bad(lambda: reference.LBFGS(line_search_fn="weak"), ValueError, "be one of None"),
            _bad(lambda: reference.LBFGS(0, line_search_fn="strong_wolfe"), ValueError, "positive"),
            _bad(lambda: reference.LBFGS(history_size=0), ValueError, "at least 1"),
            *HISTORIES,
            _bad(
                lambda: reference.LBFGS().load_state([{"d": np.ones(3)}], [np.ones(3)]),
                ValueError,
                "be a dict of",
            ),
            _bad(
                lambda: reference.LBFGS().step([np.ones(3)], lambda: (0.0, [np.ones(2)])),
                ValueError,
                r"have the parameter's shape \(3,\)",
            ),
            # Before the closure is called.
            _bad(lambda: reference.LBFGS().step([np.arange(3)], None), TypeError, "be floating"),
            _bad(lambda: reference.LBFGS().add_group(count=1), ValueError, "be the only one"),
            *_closures_refused(reference.LBFGS),
        ),
        # The first step is -g / sum abs(g), here x / 21.
        literals=(
            (_three_parameters, [20 / 21 * number for number in range(1, 7)]),
            # What equals a tolerance is within it, but for the slope; and 1e-10 is no curvature.
            (lambda: _in_a_bowl(tolerance_grad=3.5), 3.5),
            (lambda: _in_a_bowl(tolerance_change=16.0), 3.5),
            (_flat_valley, 0.0),
            (lambda: reference.LBFGS().step([np.zeros(0)], lambda: (3.0, [np.zeros(0)])), 3.0),
        ),
    ),
    RunRow(
        reference.LinearConjugateGradients,
        HestenesStiefelFormula,
        _systems,
        _solve,
        _solve_in_torch,
        """import numpy as np
from reference import LinearConjugateGradients
solver = LinearConjugateGradients(np.diag([1.0, 2.0]), np.ones(2), np.zeros(2))
print(solver.update_step()[0])""",
        budget="closed",
        own_defaults={"epochs": 100, "tolerance": 1e-6},
        # The parabola, which the steps themselves do without.
        literals=(
            (lambda: _solver().function(np.array([1.0, 3.0])), 13.5),
            (lambda: _solver().function_prime(np.array([1.0, 3.0])), [4.0, 9.0]),
            (lambda: _solver().gradient(np.array([1.0, 3.0])), [4.0, 9.0]),
            (lambda: _moved(_solver()).residual, [261 / 347, -116 / 347]),
        ),
        refusals=(
            _bad(
                reference.LinearConjugateGradients(-np.eye(2), np.ones(2), np.zeros(2)).update_step,
                ValueError,
                "be positive definite",
            ),
            _bad(
                lambda: reference.LinearConjugateGradients(np.eye(3), np.ones(2), np.zeros(2)),
                ValueError,
                r"matrix must have shape \(2, 2\)",
            ),
            _bad(
                lambda: reference.LinearConjugateGradients(
                    np.array([[2.0, 1.0], [0.5, 3.0]]), np.ones(2), np.zeros(2)
                ),
                ValueError,
                r"be symmetric; got 1.0 at \(0, 1\) and 0.5 at \(1, 0\)",
            ),
            _bad(
                lambda: reference.LinearConjugateGradients(np.eye(2), np.ones(2), np.zeros((2, 1))),
                ValueError,
                r"initial_point must have 1 axes",
            ),
            _bad(
                lambda: reference.LinearConjugateGradients(
                    np.eye(2, dtype=int), np.ones(2), np.zeros(2)
                ),
                TypeError,
                "matrix must",
            ),
        ),
    ),
)
