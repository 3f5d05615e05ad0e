"""What the rows of the optimizers do not say: closed forms, groups, resuming, refusals."""

import copy
import dataclasses
import math
from fractions import Fraction

import numpy as np
import pytest
import torch

import reference
from parity_tests import catalogue, trajectories
from parity_tests.kinds import MESSAGE

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
