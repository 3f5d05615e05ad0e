"""Rows: descents on a given function, each beside the same steps with PyTorch's derivatives."""

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from hypothesis import strategies as st
from torch.optim.lbfgs import _strong_wolfe

import reference
from parity_tests.catalogue._lines import SEARCHES
from parity_tests.catalogue._row import Refusal, RunRow, register
from parity_tests.catalogue.descents import padded
from parity_tests.problems import PROBLEMS, Problem
from parity_tests.strategies import numbers

# --- what is run ---


@dataclass(frozen=True)
class Descent:
    """A problem, a start near the usual one or near its first minimum, and options."""

    problem: str
    seed: int
    options: Mapping
    close: bool = False

    def start(self, dtype) -> np.ndarray:
        problem = PROBLEMS[self.problem]
        usual = problem.minima[0] if self.close else problem.start
        return problem.near(usual, self.seed).astype(dtype)


def _drawn(names=tuple(PROBLEMS), **options):
    """The draw of a descent on one of these problems, with these options."""

    def draw_descent(draw):
        drawn = {name: draw(strategy) for name, strategy in options.items()}
        seed = draw(st.integers(0, 2**32 - 1))
        close = draw(st.sampled_from([False, False, True]))
        return Descent(draw(st.sampled_from(names)), seed, drawn, close)

    return draw_descent


def _ours(component, *functions: str):
    """Runs a component on functions of the problem, by the names of Problem's methods."""

    def run(case, dtype):
        problem = PROBLEMS[case.problem]
        given = [getattr(problem, name) for name in functions]
        return padded(
            component(*given, case.start(dtype), **case.options).update_step()[1],
            case.options["epochs"],
        )

    return run


# --- the same steps in PyTorch ---


class _Formula:
    """Steps of a paper in PyTorch: `move(x, gradient)` is written anew, from its text."""

    def __init__(self, problem: Problem, options: Mapping, nudge: Callable):
        self.problem, self.options, self.nudge = problem, options, nudge

    def r(self, x):
        return self.problem.residual(x, torch.stack)

    def f(self, x):
        return (self.r(x) ** 2).sum() / 2

    def gradient(self, x):
        return torch.func.grad(self.f)(x)

    def hessian(self, x):
        return torch.func.jacrev(torch.func.grad(self.f))(x)

    def path(self, x):
        points = [x]
        for _ in range(self.options["epochs"]):
            gradient = self.nudge(self.gradient(x))
            if gradient.dot(gradient) == 0 or gradient.norm() < self.options["tolerance"]:
                break
            x = self.nudge(x + self.move(x, gradient))
            points.append(x)
        return points

    def wolfe(self, x, direction, gradient, step, curvature):
        """PyTorch's own line search."""

        def evaluate(x, step, direction):
            point = x + step * direction
            return float(self.nudge(self.f(point))), self.nudge(self.gradient(point))

        slope = gradient.dot(direction)
        value = float(self.f(x))
        arguments = (evaluate, x, step, direction, value, gradient, slope)
        return _strong_wolfe(*arguments, c2=curvature, max_ls=25)[2]


def _theirs(formula: type[_Formula]) -> Callable:
    def run(case, dtype, nudge):
        start = nudge(torch.from_numpy(case.start(dtype)))
        steps = formula(PROBLEMS[case.problem], case.options, nudge)
        return padded(steps.path(start), case.options["epochs"])

    return run


class NewtonFormula(_Formula):
    """x - learning_rate H^-1 g."""

    def move(self, x, gradient):
        hessian = self.hessian(x)
        return -self.options["learning_rate"] * torch.linalg.solve(hessian, gradient)


class DampedNewtonFormula(_Formula):
    """Cholesky with added multiples of the identity, and Armijo's rule."""

    def move(self, x, gradient):
        hessian = self.hessian(x)
        lowest = hessian.diagonal().min().item()
        shift = 0.0 if lowest > 0 else 1e-3 - lowest
        identity = torch.eye(len(x), dtype=x.dtype)
        while torch.linalg.cholesky_ex(hessian + shift * identity).info > 0:
            shift = max(2 * shift, 1e-3)
        direction = -torch.linalg.solve(hessian + shift * identity, gradient)
        step, slope = self.options["learning_rate"], gradient @ direction
        while step and not self.f(x + step * direction) <= self.f(x) + 1e-4 * step * slope:
            step = step / 2
        return step * direction


class BFGSFormula(_Formula):
    """The update of the inverse Hessian as Nocedal and Wright print it, equation 6.17."""

    inverse = before = None

    def move(self, x, gradient):
        identity = torch.eye(len(x), dtype=x.dtype)
        step = self.options["learning_rate"]
        if self.before is None:
            direction = -gradient
            step = min(1.0, 1.0 / gradient.abs().sum()) * step
        else:
            s, y = x - self.before[0], gradient - self.before[1]
            if y.dot(s) > 0:
                rho = 1 / y.dot(s)
                if self.inverse is None:
                    self.inverse = y.dot(s) / y.dot(y) * identity
                left = identity - rho * torch.outer(s, y)
                right = identity - rho * torch.outer(y, s)
                self.inverse = left @ self.inverse @ right + rho * torch.outer(s, s)
            direction = -gradient if self.inverse is None else -(self.inverse @ gradient)
        self.before = x, gradient
        return self.wolfe(x, direction, gradient, step, 0.9) * direction


class ConjugateGradientsFormula(_Formula):
    """Fletcher and Reeves's beta, or that of others, no lower than 0."""

    before = None

    def move(self, x, gradient):
        step = min(1.0, 1.0 / gradient.abs().sum()) * self.options["learning_rate"]
        direction = -gradient
        if self.before is not None:
            last, last_direction, last_step = self.before
            change = gradient - last
            beta = {
                "fletcher-reeves": gradient.dot(gradient) / last.dot(last),
                "polak-ribiere": gradient.dot(change) / last.dot(last),
                "hestenes-stiefel": gradient.dot(change) / last_direction.dot(change),
            }[self.options["beta"]]
            direction = direction + beta.clamp(min=0) * last_direction
            if not gradient.dot(direction) < 0:
                direction = -gradient
            step = last_step * (last.dot(last_direction) / gradient.dot(direction))
        step = self.wolfe(x, direction, gradient, step, 0.1)
        self.before = gradient, direction, step
        return step * direction


class GaussNewtonFormula(_Formula):
    """J^+ r by least squares."""

    def move(self, x, gradient):
        jacobian = torch.func.jacrev(self.r)(x)
        solved = torch.linalg.lstsq(jacobian, self.r(x)[:, None], driver="gelsd").solution
        return -self.options["learning_rate"] * solved[:, 0]


class LevenbergMarquardtFormula(_Formula):
    """(J^T J + m I)^-1 J^T r, with a tenth of the last m and tenfold until the sum falls, or
    sixty times."""

    damping = None

    def move(self, x, gradient):
        jacobian, identity = torch.func.jacrev(self.r)(x), torch.eye(len(x), dtype=x.dtype)
        m = (self.options["damping"] if self.damping is None else self.damping) / 10
        for _ in range(60):
            move = -torch.linalg.solve(jacobian.T @ jacobian + m * identity, gradient)
            if self.f(x + move) < self.f(x):
                self.damping = m
                return move
            m = m * 10
        return 0 * gradient


# --- rows ---

_STOP = {"epochs": st.integers(0, 8), "tolerance": st.sampled_from([0.01, 0.1, 0.0])}
# The first steps of a line search, some much too short or too long.
_RATES = {"learning_rate": numbers(0.25, 1.25) | st.sampled_from([1e-3, 0.03, 5.0, 50.0])}

_FUNCTIONS = """import numpy as np
from reference import {name}
descent = {name}({functions}, np.array([1.0, 1.0]))
print(descent.update_step()[0])"""
_BOWL = ["lambda x: x @ x / 2", "lambda x: x", "lambda x: np.eye(2)"]
_RESIDUALS = ["lambda x: 2 * x - 1", "lambda x: 2 * np.eye(2)"]


def _example(component, functions):
    return _FUNCTIONS.format(name=component.__name__, functions=", ".join(functions))


_DEFAULTS = {"epochs": 100, "tolerance": 1e-6}


def _row(component, formula, functions, shown, draw, unsaid=(("learning_rate", 1.0),), **details):
    """`unsaid`: defaults, beside those of all."""
    return RunRow(
        component,
        formula,
        draw,
        _ours(component, *functions),
        _theirs(formula),
        _example(component, shown),
        budget="closed",
        own_defaults=_DEFAULTS | dict(unsaid),
        **details,
    )


_NO_RATE = {"option learning_rate=0": "PyTorch's line search divides by it"}


def _flat(component, hessian, start=(1.0, 1.0)):
    """A descent whose Hessian is this matrix everywhere."""
    functions = lambda x: x @ x, lambda x: 2 * x, lambda x: hessian
    return component(*functions, np.array(start)).update_step


def _misshapen(component):
    """Values or gradients of another shape or kind than a function has."""

    def descend(function, function_prime):
        return component(function, function_prime, np.ones(2)).update_step

    return (
        Refusal(descend(lambda x: x, lambda x: x), ValueError, r"function must return shape \(\)"),
        Refusal(descend(lambda x: x > 0, lambda x: x), TypeError, "function must be"),
        Refusal(
            descend(lambda x: x @ x / 2, lambda x: x[:1]),
            ValueError,
            r"function_prime must return shape \(2,\)",
        ),
    )


def _where_it_stays(component):
    """A first step of length 0 is no error, though PyTorch's line search divides by it."""
    descent = component(lambda x: x @ x / 2, lambda x: x, np.ones(2), learning_rate=0.0)
    return descent.update_step()[0]


def _back_and_forth():
    """A parabola's first step is too long by a 16th; the next direction of `beta` is then 0."""
    descent = reference.ConjugateGradients(
        lambda x: x @ x / 2,
        lambda x: x,
        np.ones(1),
        learning_rate=17 / 16,
        epochs=2,
        tolerance=0.0,
        beta="hestenes-stiefel",
    )
    return np.concatenate(descent.update_step()[1])


def _halved(values, prime=1.0, bend=1.0):
    """Where Newton's damped step from 0 ends, of a function given at -1, -1/2 and so on."""
    descent = reference.DampedNewton(
        lambda x: np.float64(values.get(float(x), 1.0)),
        lambda x: np.float64(prime),
        lambda x: np.float64(bend),
        np.float64(0.0),
        epochs=1,
        tolerance=0.0,
    )
    return descent.update_step()[0]


def _indefinite():
    """Where the step ends that the Hessian ((1, 2), (2, 1)) asks for: its margin is 1.024."""
    descent = reference.DampedNewton(
        lambda x: -np.sum(x), lambda x: -np.ones(2), lambda x: _SADDLE, np.zeros(2), epochs=1
    )
    return descent.update_step()[0]


_SADDLE = np.array([[1.0, 2.0], [2.0, 1.0]])


def _damped(nearer):
    """Whether a step from 0 is made if only places nearer than this have a smaller residual."""
    descent = reference.LevenbergMarquardt(
        lambda x: np.where(abs(x) < nearer, 0.5, 1.0) if x.any() else np.ones(1),
        lambda x: np.ones((1, 1)),
        np.zeros(1),
        epochs=1,
        damping=1e-31,
    )
    return descent.update_step()[0].any()


def _half_the_squares(component):
    """The sum and its gradient at (1, 2), of the residuals x and 3 x[0]."""
    descent = component(
        lambda x: np.append(x, 3 * x[0]), lambda x: np.array([[1, 0], [0, 1], [3, 0.0]]), np.ones(2)
    )
    point = np.array([1.0, 2.0])
    return np.append(descent.function(point), descent.function_prime(point))


def _not_finite(component):
    """Residuals or a Jacobian that are not finite at the point."""

    def descend(residuals, jacobian):
        return component(lambda x: residuals, lambda x: jacobian, np.ones(2)).update_step

    words = "must be finite; got"
    return (
        Refusal(descend(np.ones(2, int), np.eye(2)), TypeError, "residual must be floating"),
        Refusal(descend(np.ones(2), np.eye(2, dtype=int)), TypeError, "residual_prime must be"),
        Refusal(
            descend(np.ones(2), np.eye(3)), ValueError, r"residual_prime must return shape \(2, 2\)"
        ),
        Refusal(
            descend(np.full(2, np.nan), np.eye(2)), ValueError, f"update_step: residual {words} nan"
        ),
        Refusal(
            descend(np.ones(2), np.full((2, 2), np.inf)),
            ValueError,
            f"update_step: residual_prime {words} inf",
        ),
    )


register(
    _row(
        reference.Newton,
        NewtonFormula,
        ("f", "gradient", "hessian"),
        _BOWL,
        # Of a rate of 0 both stay where they are.
        _drawn(**_STOP, learning_rate=st.just(0.0) | numbers(0.25, 1.25)),
        refusals=(
            Refusal(_flat(reference.Newton, np.zeros((2, 2))), ValueError, "invertible"),
            Refusal(_flat(reference.Newton, np.eye(3)), ValueError, r"return shape \(2, 2\)"),
            Refusal(_flat(reference.Newton, np.full((2, 2), np.inf)), ValueError, "be finite"),
            Refusal(
                functools.partial(reference.Newton, None, abs, abs, 1.0), TypeError, "a function"
            ),
        ),
    ),
    _row(
        reference.DampedNewton,
        DampedNewtonFormula,
        ("f", "gradient", "hessian"),
        _BOWL,
        _drawn(**_STOP, learning_rate=st.sampled_from([0.5, 1.0, 0.0])),
        refusals=(
            Refusal(_flat(reference.DampedNewton, np.full((2, 2), np.nan)), ValueError, "finite"),
        ),
        literals=(
            # A fall of less than a ten-thousandth of the slope does not do, one as large does.
            (lambda: _halved({0.0: 0.0, -1.0: -0.5e-4, -0.5: -0.502e-4}), -0.5),
            # Without a fall that numbers can tell, the first step does; without any, none.
            (lambda: _halved({0.0: 1.0, -1e-8: 1.0}, prime=1e-8), -1e-8),
            (lambda: _halved({0.0: np.nan}), 0.0),
            (_indefinite, [1 / 4.024] * 2),
        ),
    ),
    _row(
        reference.BFGS,
        BFGSFormula,
        ("f", "gradient"),
        _BOWL[:2],
        _drawn(**_STOP, **_RATES),
        unreached=_NO_RATE,
        refusals=_misshapen(reference.BFGS),
        literals=(
            (lambda: _where_it_stays(reference.BFGS), np.ones(2)),
            *((functools.partial(line.ratio, first), 1.0) for line, first in SEARCHES),
        ),
    ),
    _row(
        reference.ConjugateGradients,
        ConjugateGradientsFormula,
        ("f", "gradient"),
        _BOWL[:2],
        _drawn(
            **_STOP,
            **_RATES,
            beta=st.sampled_from(["fletcher-reeves", "polak-ribiere", "hestenes-stiefel"]),
        ),
        (("learning_rate", 1.0), ("beta", "polak-ribiere")),
        unreached=_NO_RATE,
        refusals=_misshapen(reference.ConjugateGradients),
        literals=(
            (lambda: _where_it_stays(reference.ConjugateGradients), np.ones(2)),
            (_back_and_forth, [1.0, -0.0625, 0.0]),
        ),
    ),
    _row(
        reference.GaussNewton,
        GaussNewtonFormula,
        ("r", "jacobian"),
        _RESIDUALS,
        _drawn(**_STOP, learning_rate=st.just(0.0) | numbers(0.25, 1.25)),
        refusals=_not_finite(reference.GaussNewton),
        literals=((lambda: _half_the_squares(reference.GaussNewton), [7.0, 10.0, 2.0]),),
    ),
    _row(
        reference.LevenbergMarquardt,
        LevenbergMarquardtFormula,
        ("r", "jacobian"),
        _RESIDUALS,
        _drawn(**_STOP, damping=numbers(1e-3, 10)),
        (("damping", 0.01),),
        refusals=_not_finite(reference.LevenbergMarquardt),
        literals=(
            (lambda: _half_the_squares(reference.LevenbergMarquardt), [7.0, 10.0, 2.0]),
            # The sixtieth damping, 1e27, is the last; what is as low is not lower.
            (lambda: _damped(3e-27), True),
            (lambda: _damped(3e-28), False),
            (lambda: _damped(0.0), False),
        ),
    ),
)
