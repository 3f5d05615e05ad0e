"""Descents on functions whose minima are known: where they end, and how fast."""

import itertools
import math

import numpy as np
import pytest

import reference
from parity_tests.problems import PROBLEMS


def _descents(problem):
    x = np.array(problem.start)
    f, g, h, r, j = problem.f, problem.gradient, problem.hessian, problem.r, problem.jacobian
    stop = {"epochs": 300, "tolerance": 1e-9}
    yield reference.DampedNewton(f, g, h, x, **stop)
    yield reference.BFGS(f, g, x, **stop)
    for beta in ("fletcher-reeves", "polak-ribiere", "hestenes-stiefel"):
        yield reference.ConjugateGradients(f, g, x, **stop, beta=beta)
    yield reference.LevenbergMarquardt(r, j, x, **stop)


@pytest.mark.parametrize("problem", PROBLEMS.values(), ids=PROBLEMS)
def test_every_descent_finds_a_known_minimum(problem):
    for descent in _descents(problem):
        point, path = descent.update_step()
        distances = [np.abs(point - np.array(minimum)).max() for minimum in problem.minima]
        assert min(distances) < 1e-7, (type(descent).__name__, point)
        assert path[0].tolist() == list(problem.start)
        np.testing.assert_array_equal(path[-1], point)


def _closure(problem, params):
    return lambda: (problem.f(params[0]), [problem.gradient(params[0])])


def test_lbfgs_finds_known_minima():
    for problem in PROBLEMS.values():
        params = [np.array(problem.start)]
        optimizer = reference.LBFGS(
            max_iter=200, tolerance_change=1e-15, line_search_fn="strong_wolfe"
        )
        optimizer.step(params, _closure(problem, params))
        distances = [np.abs(params[0] - np.array(minimum)).max() for minimum in problem.minima]
        assert min(distances) < 1e-6, problem.name


def test_newton_and_gauss_newton_end_a_parabola_in_one_step():
    problem = PROBLEMS["a bowl"]
    x, minimum = np.array(problem.start), np.array(problem.minima[0])
    newton = reference.Newton(problem.f, problem.gradient, problem.hessian, x)
    gauss = reference.GaussNewton(problem.r, problem.jacobian, x)
    for descent in (newton, gauss):
        point, path = descent.update_step()
        assert len(path) == 2
        np.testing.assert_allclose(point, minimum, atol=1e-14)


@pytest.mark.parametrize("size", [1, 2, 5, 8])
def test_linear_conjugate_gradients_end_in_as_many_steps_as_unknowns(size):
    rng = np.random.default_rng(size)
    factor = rng.normal(size=(size, size))
    matrix, right_side = factor @ factor.T + np.eye(size), rng.normal(size=size)
    solver = reference.LinearConjugateGradients(matrix, right_side, np.zeros(size), tolerance=1e-9)
    point, path = solver.update_step()
    assert len(path) <= size + 1
    np.testing.assert_allclose(point, np.linalg.solve(matrix, right_side), atol=1e-9)


def test_newton_converges_quadratically_and_bfgs_superlinearly():
    problem = PROBLEMS["Beale"]
    x, minimum = np.array([2.8, 0.45]), np.array(problem.minima[0])
    _, path = reference.Newton(
        problem.f, problem.gradient, problem.hessian, x, tolerance=1e-12
    ).update_step()
    errors = [np.linalg.norm(point - minimum) for point in path]
    orders = [
        math.log(c / b) / math.log(b / a)
        for a, b, c in zip(errors, errors[1:], errors[2:], strict=False)
        if c > 1e-13
    ]
    assert orders[-1] > 1.8
    _, path = reference.BFGS(problem.f, problem.gradient, x, tolerance=1e-10).update_step()
    errors = [np.linalg.norm(point - minimum) for point in path]
    ratios = [b / a for a, b in itertools.pairwise(errors) if b > 1e-13]
    assert ratios[-1] < 0.1
    assert ratios[-1] < ratios[len(ratios) // 2]


def test_newton_goes_to_a_saddle_and_damped_newton_does_not():
    def f(x):
        return x[0] ** 2 - x[1] ** 2 + x[1] ** 4 / 4

    def gradient(x):
        return np.array([2 * x[0], -2 * x[1] + x[1] ** 3])

    def hessian(x):
        return np.array([[2.0, 0.0], [0.0, -2 + 3 * x[1] ** 2]])

    start = np.array([1.0, 0.1])
    saddle, _ = reference.Newton(f, gradient, hessian, start).update_step()
    np.testing.assert_allclose(saddle, [0, 0], atol=1e-6)
    minimum, _ = reference.DampedNewton(f, gradient, hessian, start).update_step()
    np.testing.assert_allclose(minimum, [0, math.sqrt(2)], atol=1e-6)


def test_damped_newton_passes_a_singular_hessian():
    point, _ = reference.DampedNewton(
        lambda x: np.sum(x**4), lambda x: 4 * x**3, lambda x: np.diag(12 * x**2), np.zeros(2) + 0.5
    ).update_step()
    assert np.abs(point).max() < 1e-1
    flat = reference.DampedNewton(
        lambda x: np.sum(x**2), lambda x: 2 * x, lambda x: np.zeros((2, 2)), np.ones(2)
    )
    assert np.abs(flat.update_step()[0]).max() < 0.05


def test_gauss_newton_takes_the_shortest_step_of_many():
    def residual(x):
        return np.array([x[0] + x[1] - 2])

    point, _ = reference.GaussNewton(
        residual, lambda x: np.array([[1.0, 1.0]]), np.zeros(2)
    ).update_step()
    np.testing.assert_allclose(point, [1, 1], atol=1e-14)


def test_descents_take_numbers_for_points():
    newton = reference.Newton(lambda x: x**4 - x, lambda x: 4 * x**3 - 1, lambda x: 12 * x**2, 1.0)
    assert newton.update_step()[0] == pytest.approx(4 ** (-1 / 3), rel=1e-12)
    bfgs = reference.BFGS(lambda x: x**4 - x, lambda x: 4 * x**3 - 1, 1.0)
    assert bfgs.update_step()[0] == pytest.approx(4 ** (-1 / 3), rel=1e-6)


def test_gradient_descent_keeps_every_point_and_goes_on_where_it_stopped():
    descent = reference.GradientDescent(lambda x: x * x, lambda x: 2 * x, 1.0, 0.25, epochs=3)
    assert descent.update_step()[1] == [1.0, 0.5, 0.25, 0.125]
    assert descent.update_step()[1] == [2.0**-k for k in range(7)]
    start = np.ones(2)
    point, path = reference.GradientDescent(
        lambda x: x @ x, lambda x: 2 * x, start, 0.25, epochs=2
    ).update_step()
    start[:] = 7
    np.testing.assert_array_equal(path, [[1, 1], [0.5, 0.5], [0.25, 0.25]])
    np.testing.assert_array_equal(point, path[-1])
