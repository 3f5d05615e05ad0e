"""What the rows of the optimizers do not say: closed forms, known minima, clipping, resuming."""

import copy
import dataclasses
import functools
import itertools
import math
from fractions import Fraction

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import reference
from parity_tests import catalogue, mirror, oracle, trajectories
from parity_tests.catalogue import OptimizerRow
from parity_tests.kinds import MESSAGE
from parity_tests.problems import PROBLEMS
from parity_tests.strategies import numbers, shapes

_PLAIN = settings(max_examples=60)


# --- clipping ---


@st.composite
def _gradients(draw):
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    scale = draw(st.sampled_from([1.0, 1e-8, 1e25, 1e-30]))
    grads = []
    for _ in range(draw(st.integers(0, 3))):
        values = rng.normal(size=draw(shapes(0, 3, 1, 3))) * scale
        if draw(st.sampled_from([False] * 5 + [True])):
            values = np.where(rng.random(values.shape) < 0.3, rng.choice([np.nan, np.inf]), values)
        grads.append(None if draw(st.sampled_from([False] * 5 + [True])) else values)
    return grads


def _both(grads, dtype):
    ours = [None if grad is None else np.array(grad, dtype) for grad in grads]
    theirs = [torch.nn.Parameter(torch.zeros(np.shape(g))) for g in ours]
    for param, grad in zip(theirs, ours, strict=True):
        param.data = param.data.to(getattr(torch, dtype))
        param.grad = None if grad is None else torch.from_numpy(grad.copy())
    return ours, theirs


def _near(ours, theirs, dtype, units=8):
    theirs = np.asarray(theirs)
    assert np.asarray(ours).dtype == theirs.dtype
    bound = units * np.finfo(dtype).eps * np.abs(theirs) + 4 * np.finfo(dtype).smallest_normal
    with np.errstate(invalid="ignore"):
        same = (ours == theirs) | (np.isnan(ours) & np.isnan(theirs))
        assert np.all(same | (np.abs(ours - theirs) <= bound)), (ours, theirs)


_ORDERS = st.sampled_from([0, 0.5, 1, 1.5, 2, 3, -1, math.inf, -math.inf])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@_PLAIN
@given(grads=_gradients(), order=_ORDERS, bound=st.just(math.inf) | numbers(0, 3))
def test_clipping_by_norm(dtype, grads, order, bound):
    ours, theirs = _both(grads, dtype)
    expected = torch.nn.utils.clip_grad_norm_(theirs, bound, order)
    norm = reference.clip_grad_norm(ours, bound, order)
    if any(grad is not None for grad in ours):
        _near(norm, expected.numpy(), dtype)
    assert norm == 0 or any(grad is not None for grad in ours)
    for grad, param in zip(ours, theirs, strict=True):
        if grad is not None:
            _near(grad, param.grad.numpy(), dtype, 16)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@_PLAIN
@given(grads=_gradients(), bound=st.just(math.inf) | numbers(0, 3))
def test_clipping_by_value(dtype, grads, bound):
    ours, theirs = _both(grads, dtype)
    if any(param.grad is not None for param in theirs):  # PyTorch fails on none
        torch.nn.utils.clip_grad_value_(theirs, bound)
    reference.clip_grad_value(ours, bound)
    for grad, param in zip(ours, theirs, strict=True):
        if grad is not None:
            np.testing.assert_array_equal(grad, param.grad.numpy())


def test_a_norm_that_is_not_finite_is_refused_on_demand_and_changes_nothing():
    grads = [np.array([1.0, np.inf])]
    with pytest.raises(RuntimeError, match="have a finite norm; got inf"):
        reference.clip_grad_norm(grads, 1.0, error_if_nonfinite=True)
    np.testing.assert_array_equal(grads[0], [1.0, np.inf])
    reference.clip_grad_norm(grads, 1.0)
    np.testing.assert_array_equal(grads[0], [0.0, np.nan])


@pytest.mark.parametrize(
    ("act", "error", "words"),
    [
        (lambda: reference.clip_grad_value([np.ones(2)], -1), ValueError, "be 0 or more"),
        (lambda: reference.clip_grad_norm(np.ones(2), 1), TypeError, "be a list of arrays"),
        (lambda: reference.clip_grad_norm([np.arange(2)], 1), TypeError, "be floating"),
        (lambda: reference.get_total_norm([np.ones(0)], math.inf), ValueError, "an element or"),
        (lambda: reference.get_total_norm([np.ones(1)], math.nan), ValueError, "be a number"),
    ],
)
def test_bad_input_to_clipping(act, error, words):
    with pytest.raises(error, match=words) as caught:
        act()
    assert MESSAGE.match(str(caught.value))


def test_clipping_refuses_a_read_only_gradient():
    grad = np.ones(2)
    grad.flags.writeable = False
    with pytest.raises(ValueError, match="be writable"):
        reference.clip_grad_norm([grad], 1.0)


# --- closed forms ---


def test_momentum_under_a_constant_gradient():
    """p_t = p_0 - rate g / (1 - b) (t - b (1 - b^t) / (1 - b)), in fractions."""
    rate, b, g, steps = Fraction(1, 8), Fraction(3, 4), Fraction(3, 2), 12
    exact = 1 - rate * g / (1 - b) * (steps - b * (1 - b**steps) / (1 - b))
    for make in (reference.Momentum, reference.HeavyBall):
        params = [np.array([1.0])]
        optimizer = make(float(rate), float(b))
        for _ in range(steps):
            optimizer.step(params, [np.array([float(g)])])
        assert params[0][0] == pytest.approx(float(exact), rel=1e-14)


def test_heavy_ball_and_momentum_draw_one_path_at_any_rates():
    rng = np.random.default_rng(0)
    ball, momentum = reference.HeavyBall(), reference.Momentum()
    params = [[np.ones((2, 3))], [np.ones((2, 3))]]
    for _ in range(50):
        ball.learning_rate = momentum.learning_rate = rng.uniform(0, 0.5)
        ball.groups[0]["momentum"] = momentum.groups[0]["momentum"] = rng.uniform(0, 1)
        grad = rng.normal(size=(2, 3))
        ball.step(params[0], [grad])
        momentum.step(params[1], [grad])
    np.testing.assert_allclose(params[0][0], params[1][0], rtol=1e-12)


def test_momentum_equals_pytorchs_until_the_rate_changes():
    tensor = torch.ones(3, dtype=torch.float64, requires_grad=True)
    theirs, ours = torch.optim.SGD([tensor], 0.1, 0.9), reference.Momentum(0.1, 0.9)
    params, rng = [np.ones(3)], np.random.default_rng(1)
    apart = []
    for step in range(30):
        if step == 20:
            theirs.param_groups[0]["lr"] = ours.learning_rate = 0.01
        grad = rng.normal(size=3)
        tensor.grad = torch.from_numpy(grad)
        theirs.step()
        ours.step(params, [grad])
        apart.append(np.abs(tensor.detach().numpy() - params[0]).max())
    assert max(apart[:20]) < 1e-14
    assert apart[20] > 0.01


def test_nesterovs_look_ahead_is_pytorchs_parameter():
    """PyTorch's parameter is our p - momentum v, on its own gradients, step by step."""
    matrix = np.diag([1.0, 4.0, 9.0])
    tensor = torch.tensor([1.0, -2.0, 0.5], dtype=torch.float64, requires_grad=True)
    theirs = torch.optim.SGD([tensor], 0.05, 0.9, nesterov=True)
    params, ours = [tensor.detach().numpy().copy()], reference.Nesterov(0.05, 0.9)
    for _ in range(100):
        theirs.zero_grad()
        (tensor @ torch.from_numpy(matrix) @ tensor / 2).backward()
        theirs.step()
        loss = ours.step(params, lambda: (params[0] @ matrix @ params[0] / 2, [matrix @ params[0]]))
        np.testing.assert_allclose(ours.look_ahead(params)[0], tensor.detach(), atol=1e-14)
    assert loss < 0.1


def test_nesterov_puts_the_parameters_back_when_the_closure_raises():
    params, ours = [np.ones(2)], reference.Nesterov(0.1, 0.9)
    ours.step(params, lambda: (0.0, [np.ones(2)]))
    before = params[0].copy()
    with pytest.raises(ZeroDivisionError):
        ours.step(params, lambda: 1 / 0)
    np.testing.assert_array_equal(params[0], before)


@pytest.mark.parametrize("inside", [False, True])
def test_where_eps_stands_shows_in_small_gradients(inside):
    g, eps, rate, steps = 1e-5, 1e-8, 0.1, 4
    roots = [
        math.sqrt(t * g * g + eps) if inside else math.sqrt(t) * g + eps
        for t in range(1, steps + 1)
    ]
    params = [np.zeros(1)]
    adagrad = reference.Adagrad(rate, eps=eps, eps_inside_root=inside)
    for _ in range(steps):
        adagrad.step(params, [np.array([g])])
    assert params[0][0] == pytest.approx(-rate * g * sum(1 / root for root in roots), rel=1e-13)

    params, v = [np.zeros(1)], 0.1 * g * g
    rmsprop = reference.RMSprop(rate, alpha=0.9, eps=eps, eps_inside_root=inside)
    rmsprop.step(params, [np.array([g])])
    root = math.sqrt(v + eps) if inside else math.sqrt(v) + eps
    assert params[0][0] == pytest.approx(-rate * g / root, rel=1e-13)


def test_the_scalars_of_nadam_and_asgd_are_exact_by_default():
    for make in (reference.NAdam, reference.ASGD):
        exact, wide, single = (make(0.1, scalar_dtype=d) for d in (None, np.longdouble, np.float32))
        tracks = []
        for optimizer in (exact, wide, single):
            params, rng = [np.ones(3)], np.random.default_rng(0)
            for _ in range(50):
                optimizer.step(params, [rng.normal(size=3)])
            tracks.append(params[0])
        assert np.abs(tracks[0] - tracks[1]).max() < 1e-14
        assert 1e-12 < np.abs(tracks[0] - tracks[2]).max() < 1e-6


def test_muon_makes_the_step_orthogonal():
    rng = np.random.default_rng(0)
    coefficients = {"ns_coefficients": (1.875, -1.25, 0.375), "ns_steps": 40}
    for shape in ((4, 3), (3, 5)):
        optimizer = reference.Muon(1.0, weight_decay=0.0, momentum=0.0, **coefficients)
        start = rng.normal(size=shape)
        params, grad = [start.copy()], rng.normal(size=shape)
        optimizer.step(params, [grad])
        u, _, v = np.linalg.svd(grad, full_matrices=False)
        scale = math.sqrt(max(1, shape[0] / shape[1]))
        np.testing.assert_allclose(start - params[0], scale * u @ v, atol=1e-12)


# --- known minima ---


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


# --- schedules ---


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("StepLR", {"step_size": 3, "gamma": 0.0}),
        ("MultiStepLR", {"milestones": [2, 5, 5], "gamma": 0.0}),
        ("ExponentialLR", {"gamma": 0.0}),
    ],
)
def test_a_schedule_goes_on_multiplying_by_zero_what_others_set(name, options):
    restarts = {"T_0": 4}
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.1)
    scheduler = torch.optim.lr_scheduler.ChainedScheduler(
        [
            torch.optim.lr_scheduler.CosineAnnealingWarmRestarts(optimizer, **restarts),
            getattr(torch.optim.lr_scheduler, name)(optimizer, **options),
        ]
    )
    schedule = reference.ChainedScheduler(
        [
            reference.CosineAnnealingWarmRestarts(0.1, **restarts),
            getattr(reference, name)(0.1, **options),
        ]
    )
    for t in range(12):
        assert schedule(t) == optimizer.param_groups[0]["lr"]
        optimizer.step()
        scheduler.step()


# --- closed loops: each side's gradients from its own parameters ---

_LOOPS = catalogue.rows(OptimizerRow)
_TORCH_OPTIM = {cls.__module__ for cls in vars(torch.optim).values() if isinstance(cls, type)}


def _network(dtype):
    rng = np.random.default_rng(3)
    return [rng.normal(size=shape).astype(dtype) for shape in ((8, 3), (8, 2), (3, 2))]


def _closed_loop(row, dtype, steps, seed=None):
    """PyTorch's path and ours; with a seed, its numbers are an ulp away here and there."""
    inputs, targets, weights = _network(dtype)
    rng = np.random.default_rng(seed)

    def tensor_of(array):
        ulps = 0 if seed is None else rng.choice([-1, 0, 1], size=array.shape).astype(dtype)
        return torch.from_numpy(array + ulps * np.spacing(array))

    tensor = tensor_of(weights).requires_grad_()
    theirs = row.oracle([tensor], **({"lr": 0.01} if row.oracle is torch.optim.SGD else {}))
    ours, params = row.mirror(theirs), [weights.copy()]
    tracks = [], []
    for _ in range(steps):
        loss = torch.mean((torch.tanh(tensor_of(inputs) @ tensor) - tensor_of(targets)) ** 2)
        (grad,) = torch.autograd.grad(loss, [tensor])
        tensor.grad = grad.to_sparse(1) if row.title == "SparseAdam" else grad
        theirs.step()
        hidden = np.tanh(inputs @ params[0])
        errors = 2 * (hidden - targets) / np.asarray(targets.size, targets.dtype)
        row.step(ours, params, [inputs.T @ (errors * (1 - hidden**2))])
        tracks[0].append(oracle.to_numpy(tensor))
        tracks[1].append(params[0].copy())
    return [np.stack(track) for track in tracks]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("row", _LOOPS, ids=lambda row: row.title)
def test_a_small_network_is_trained_alike(row, dtype):
    """Within 32 times the drift of PyTorch from itself, its numbers an ulp away."""
    steps = 20 if row.title == "Muon" else 200
    theirs, ours = _closed_loop(row, dtype, steps)
    beside = np.stack([_closed_loop(row, dtype, steps, seed)[0] for seed in range(4)])
    drift = np.maximum.accumulate(np.abs(beside - theirs).max(axis=(0, 2, 3)))
    bound = 32 * np.maximum(drift, np.finfo(dtype).eps * np.abs(theirs).max())
    assert np.all(np.abs(ours - theirs).max(axis=(1, 2)) <= bound)


# --- groups, state, refusals ---


def test_a_group_added_later_has_its_own_options():
    tensors = [torch.ones(2, dtype=torch.float64, requires_grad=True) for _ in range(2)]
    theirs = torch.optim.Adam([tensors[0]], lr=0.1)
    ours, params = reference.Adam(0.1), [np.ones(2)]
    for step in range(6):
        if step == 3:
            theirs.add_param_group({"params": [tensors[1]], "lr": 0.01, "amsgrad": True})
            ours.add_group(count=1, learning_rate=0.01, amsgrad=True)
            params.append(np.ones(2))
        for tensor in tensors:
            tensor.grad = torch.full((2,), 0.5 - step, dtype=torch.float64)
        theirs.step()
        ours.step(params, [np.full(2, 0.5 - step) for _ in params])
    for tensor, param in zip(tensors, params, strict=True):
        np.testing.assert_allclose(param, tensor.detach(), rtol=1e-14)
    assert set(ours.state[1]) == {"step", "exp_avg", "exp_avg_sq", "max_exp_avg_sq"}


@pytest.mark.parametrize(
    ("act", "error", "words"),
    [
        (lambda: reference.Adam().add_group(count=1), RuntimeError, "come after the first step"),
        (lambda: reference.Adam(groups=[]), ValueError, "hold one group or more"),
        (lambda: reference.Adam(groups=[{"lr": 1}]), ValueError, "have keys among count"),
        (lambda: reference.Adam(groups=[{"eps": 1}]), ValueError, "say its count"),
        (lambda: reference.Adam(betas=(0.9, 1.0)), ValueError, r"lie in \[0, 1\)"),
        (lambda: reference.Adam(betas=0.9), ValueError, "be 2 numbers"),
        (lambda: reference.Adam(eps=-1), ValueError, "be 0 or more"),
        (lambda: reference.Adadelta(rho=1.1), ValueError, r"lie in \[0, 1\]"),
        (lambda: reference.Rprop(etas=(1.2, 0.5)), ValueError, "be a factor in"),
        (lambda: reference.Adafactor(beta2_decay=0.8), ValueError, r"lie in \[-inf, 0\]"),
        (lambda: reference.Adafactor(eps=(None, -1)), ValueError, "be 0 or more"),
        (lambda: reference.Adafactor(eps=(-1, 1)), ValueError, "be 0 or more"),
        (lambda: reference.NAdam(scalar_dtype=int), TypeError, "floating dtype"),
        (lambda: reference.SparseAdam(0), ValueError, "be positive"),
        (lambda: reference.SGD(nesterov=True), ValueError, "come with a momentum"),
        (lambda: reference.Adam().step([np.ones(2)], []), ValueError, "one entry for each"),
        (
            lambda: reference.Adam().step([np.ones(2)], [np.ones(3)]),
            ValueError,
            r"have the parameter's shape \(2,\)",
        ),
        (
            lambda: reference.Adam().step([np.ones(2) + 1j], [np.ones(2)]),
            TypeError,
            "be real",
        ),
        (
            lambda: reference.Adam(groups=[{"count": 2}]).step([np.ones(2)], [np.ones(2)]),
            ValueError,
            "the sum of the groups' counts",
        ),
        (
            lambda: reference.Muon().step([np.ones(2)], [np.ones(2)]),
            ValueError,
            "have 2 axes",
        ),
        (
            lambda: reference.SparseAdam().step([np.ones(())], [np.ones(())]),
            ValueError,
            "have an axis or more",
        ),
        (
            lambda: reference.SparseAdam().step(
                [np.ones((2, 3))], [(np.array([2]), np.ones((1, 3)))]
            ),
            ValueError,
            r"lie in \[0, 2\)",
        ),
        (
            lambda: reference.SparseAdam().step(
                [np.ones((2, 3))], [(np.array([0]), np.ones((1, 2)))]
            ),
            ValueError,
            r"have shape \(1, 3\)",
        ),
        (
            lambda: reference.SparseAdam().step([np.ones(2)], [(np.array([0]),)]),
            ValueError,
            r"a pair \(indices, rows\)",
        ),
        (
            lambda: reference.SparseAdam().step(
                [np.ones(2)], [(np.zeros((2, 1), int), np.ones(1))]
            ),
            ValueError,
            r"have shape \(n,\) or \(k, n\)",
        ),
        (
            lambda: reference.Adam().load_state([{"step": np.ones(())}], [np.ones(2)]),
            ValueError,
            "be empty or a dict of step, exp_avg, exp_avg_sq; got a dict of step",
        ),
        (
            lambda: reference.Adam().load_state([], [np.ones(2)]),
            ValueError,
            "be a list of 1 dicts",
        ),
        (
            lambda: reference.SGD(momentum=0.9).load_state(
                [{"momentum_buffer": np.ones(3)}], [np.ones(2)]
            ),
            ValueError,
            r"have shape \(2,\)",
        ),
    ],
)
def test_bad_input_to_optimizers(act, error, words):
    with pytest.raises(error, match=words) as caught:
        act()
    assert MESSAGE.match(str(caught.value))


def test_a_loaded_state_is_a_copy():
    first, params = reference.Adam(), [np.ones(2)]
    first.step(params, [np.ones(2)])
    state = copy.deepcopy(first.state)
    second = reference.Adam()
    second.load_state(state, params)
    second.step(params, [np.ones(2)])
    assert state[0]["step"] == 1
    assert second.state[0]["step"] == 2


def test_sparse_gradients_in_each_form():
    grad = np.array([[1.0, 2.0], [0.0, 0.0], [3.0, -1.0]])
    pairs = np.array([0, 2]), grad[[0, 2]]
    repeated = np.array([2, 0, 2]), np.stack([grad[2] / 2, grad[0], grad[2] / 2])
    places = np.array([[0, 0, 2, 2], [0, 1, 0, 1]]), np.array([1.0, 2.0, 3.0, -1.0])
    moved = []
    for form in (grad, pairs, repeated, places):
        params = [np.ones((3, 2))]
        optimizer = reference.SparseAdam(0.1)
        for _ in range(3):
            optimizer.step(params, [form])
        moved.append(params[0])
    np.testing.assert_array_equal(moved[0][1], 1)
    for other in moved[1:]:
        np.testing.assert_allclose(other, moved[0], rtol=1e-15)


@pytest.mark.parametrize("row", _LOOPS, ids=lambda row: row.title)
def test_longdouble_parameters_go_the_same_way(row):
    """An independent witness: the same code in a higher precision."""
    if row.title == "Muon":
        make = functools.partial(reference.Muon, bfloat16=False)
    else:
        make = row.component
    tracks = []
    for dtype in (np.float64, np.longdouble):
        rng, params, optimizer = np.random.default_rng(0), [np.ones((2, 3), dtype)], make()
        for _ in range(30):
            row.step(optimizer, params, [rng.normal(size=(2, 3)).astype(dtype)])
        tracks.append(params[0])
    assert tracks[1].dtype == np.longdouble
    assert np.abs(tracks[0] - tracks[1]).max() < 1e-14


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("Adam", {"betas": (0.9, 0.0), "eps": 0.0}),
        ("Adamax", {"betas": (0.9, 0.0), "eps": 0.0}),
        ("NAdam", {"betas": (0.9, 0.0), "eps": 0.0}),
        ("RAdam", {"betas": (0.9, 0.0), "eps": 0.0}),
        ("SparseAdam", {"betas": (0.9, 0.0), "eps": 1e-20}),
        ("RMSprop", {"alpha": 0.0, "eps": 0.0, "momentum": 0.9}),
        ("Adadelta", {"rho": 0.0, "eps": 0.0}),
        ("Adadelta", {"rho": 0.9, "eps": 1e-30}),
    ],
)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_step_too_large_to_hold_is_pytorchs(name, options, dtype):
    """Without a memory of the last gradient, huge moments are divided by a faint one."""
    course = trajectories.Course(
        ({"lr": 0.1, **options},), ((3,),), "alternating", False, False, False, 1
    )
    trajectories.check_trajectory(catalogue.find(name), course, dtype, 20)


def test_an_eps_in_the_wrong_place_is_caught():
    class Misplaced(reference.Adam):
        def update(self, param, grad, state, eps, **options):
            super().update(param, grad, state, eps=0.0, **options)
            param += 1e-3 * eps

    row = dataclasses.replace(catalogue.find("Adam"), component=Misplaced)
    course = trajectories.Course(({"lr": 0.1},), ((3,),), "tiny", False, False, False, 1)
    with pytest.raises(AssertionError, match=r"params\[0\]"):
        trajectories.check_trajectory(row, course, "float64", 20)


# --- mirror ---


def test_mirror_goes_on_with_pytorchs_lbfgs():
    problem = PROBLEMS["Rosenbrock"]
    tensor = torch.tensor(problem.start, dtype=torch.float64, requires_grad=True)
    theirs = torch.optim.LBFGS([tensor], max_iter=4, line_search_fn="strong_wolfe")

    def their_closure():
        theirs.zero_grad()
        loss = (problem.residual(tensor, torch.stack) ** 2).sum() / 2
        loss.backward()
        return loss

    theirs.step(their_closure)
    ours, params = mirror(theirs), [oracle.to_numpy(tensor)]
    theirs.step(their_closure)
    ours.step(params, _closure(problem, params))
    np.testing.assert_allclose(params[0], tensor.detach(), rtol=1e-12)
    assert ours.state[0]["n_iter"] == theirs.state[tensor]["n_iter"]


@pytest.mark.parametrize("option", ["foreach", "fused", "capturable", "differentiable"])
def test_mirror_refuses_what_has_no_meaning_in_numpy(option):
    optimizer = torch.optim.Adam([torch.ones(2, requires_grad=True)])
    optimizer.param_groups[0][option] = True
    with pytest.raises(NotImplementedError, match=option):
        mirror(optimizer)


@pytest.mark.parametrize(
    "row",
    [row for row in _LOOPS if row.oracle.__module__ in _TORCH_OPTIM],
    ids=lambda row: row.title,
)
def test_a_rate_that_is_a_tensor_counts_in_its_own_precision(row):
    tensor = torch.ones(2, 3, dtype=torch.float64, requires_grad=True)
    options = {} if row.title in ("Rprop", "SparseAdam") else {"weight_decay": 0.1}
    theirs = row.oracle([tensor], lr=torch.tensor(0.01), **options)
    ours, params, rng = mirror(theirs), [np.ones((2, 3))], np.random.default_rng(0)
    for _ in range(20):
        grad = rng.normal(size=(2, 3))
        tensor.grad = torch.from_numpy(grad)
        if row.title == "SparseAdam":
            tensor.grad = tensor.grad.to_sparse(1)
        theirs.step()
        ours.step(params, [grad])
    np.testing.assert_allclose(params[0], tensor.detach(), rtol=8 * np.finfo(float).eps)


def test_mirror_copies_the_state_of_a_running_optimizer():
    tensor = torch.ones(3, dtype=torch.float64, requires_grad=True)
    theirs = torch.optim.NAdam([tensor], lr=0.1)
    for step in range(6):
        if step == 3:
            ours, params = mirror(theirs), [oracle.to_numpy(tensor)]
        tensor.grad = torch.full((3,), 1.0 - step, dtype=torch.float64)
        theirs.step()
        if step >= 3:
            ours.step(params, [np.full(3, 1.0 - step)])
    np.testing.assert_allclose(params[0], tensor.detach(), rtol=1e-15)
    assert ours.state[0]["mu_product"].dtype == np.float32


def test_mirror_gives_a_group_of_adafactor_the_eps_of_its_first_parameter():
    start = [np.full((2, 2), 0.1, dtype) for dtype in (np.float32, np.float64)]
    tensors = [torch.from_numpy(point.copy()).requires_grad_() for point in start]
    theirs = torch.optim.Adafactor(tensors)
    ours, params, rng = mirror(theirs), start, np.random.default_rng(0)
    for _ in range(3):
        grads = [1e-5 * rng.normal(size=(2, 2)).astype(param.dtype) for param in params]
        for tensor, grad in zip(tensors, grads, strict=True):
            tensor.grad = torch.from_numpy(grad)
        theirs.step()
        ours.step(params, grads)
    np.testing.assert_allclose(params[1], tensors[1].detach(), rtol=1e-15)


@pytest.mark.parametrize("register", ["step_pre_hook", "step_post_hook"])
def test_mirror_refuses_an_optimizer_with_hooks(register):
    for make in (torch.optim.SGD, torch.optim.LBFGS):
        optimizer = make([torch.ones(2, requires_grad=True)], lr=0.1)
        getattr(optimizer, f"register_{register}")(lambda *arguments: None)
        with pytest.raises(NotImplementedError, match=f"{make.__name__} with .*{register}"):
            mirror(optimizer)


# --- statistics of batch normalization ---


def test_update_bn_takes_the_plain_mean_over_the_batches():
    rng = np.random.default_rng(0)
    batches = [rng.normal(size=(5, 3)) for _ in range(4)]
    module = torch.nn.BatchNorm1d(3).double()
    ours = mirror(module).layer
    torch.optim.swa_utils.update_bn([torch.from_numpy(batch) for batch in batches], module)
    ours.training = False
    reference.update_bn(batches, ours, [ours])
    np.testing.assert_allclose(ours.buffers[0], module.running_mean, rtol=1e-14)
    np.testing.assert_allclose(ours.buffers[1], module.running_var, rtol=1e-14)
    assert ours.buffers[2] == 4
    assert ours.momentum == module.momentum
    assert not ours.training
