"""Each line of docs/differences-from-the-book.md has a test here that shows the right behaviour."""

import math
import re
from pathlib import Path

import numpy as np
import pytest
import torch

import reference

PAGE = Path(__file__).parent.parent / "docs" / "differences-from-the-book.md"


def slope_at(layer, point):
    layer.forward(np.array([point]))
    return layer.backward(np.array([2.0]))[0][0] / 2


def test_step_is_along_the_opposite():
    descent = reference.GradientDescent(lambda x: x**2, lambda x: 2 * x, 3.0, 0.1, epochs=1)
    point, _ = descent.update_step()
    assert point == pytest.approx(3.0 - 0.1 * 6.0)


def test_descent_stops_on_the_norm():
    calls = []

    def gradient(x):
        calls.append(x)
        return 2 * x

    # Each component lies below the tolerance, the norm does not.
    start = np.array([0.4, 0.4])
    reference.GradientDescent(np.sum, gradient, start, 0.1, epochs=1, tolerance=1.0).update_step()
    assert np.linalg.norm(2 * start) > 1
    descent = reference.GradientDescent(np.sum, gradient, start, 0.1, epochs=50, tolerance=1.0)
    point, path = descent.update_step()
    assert len(path) > 1
    assert np.linalg.norm(2 * point) < 1


def test_path_has_the_last_point():
    descent = reference.GradientDescent(lambda x: x**2, lambda x: 2 * x, 3.0, 0.1, epochs=4)
    point, path = descent.update_step()
    assert len(path) == 5
    assert path[0] == 3.0
    assert path[-1] == point


def test_epochs_and_tolerance():
    arguments = (lambda x: x**2, lambda x: 2 * x, 3.0, 0.1)
    assert len(reference.GradientDescent(*arguments, epochs=7).update_step()[1]) == 8
    point, path = reference.GradientDescent(*arguments, epochs=9999, tolerance=0.5).update_step()
    assert len(path) < 50
    assert abs(2 * point) < 0.5


def test_sigmoid_does_not_overflow():
    values = np.array([-1e4, -745.0, 0.0, 1e4])
    theirs = torch.sigmoid(torch.from_numpy(values)).numpy()
    # PyTorch rounds the subnormal number at -745 to 0.
    np.testing.assert_allclose(reference.Sigmoid().forward(values), theirs, rtol=0, atol=1e-320)


def test_sigmoid_gradient_is_finite():
    assert slope_at(reference.Sigmoid(), -1e4) == 0
    assert slope_at(reference.Sigmoid(), 0.0) == 0.25


def test_sigmoid_runs_as_it_stands():
    layer = reference.Sigmoid()
    assert layer.backward(layer.forward(np.ones(3)))[1] is None


def test_tanh_is_finite_everywhere():
    values = np.array([-1e4, 1e4, 0.5])
    expected = [-1.0, 1.0, 0.46211715726000975]
    np.testing.assert_allclose(reference.Tanh().forward(values), expected, rtol=1e-15)


def test_softsign_has_a_backward():
    assert slope_at(reference.Softsign(), 1.0) == 0.25


@pytest.mark.parametrize("kink", [-3.0, 3.0])
def test_hard_sigmoid_at_its_kinks(kink):
    assert slope_at(reference.HardSigmoid(), kink) == 0
    assert slope_at(reference.HardSigmoid(), kink * 0.99) == pytest.approx(1 / 6)


@pytest.mark.parametrize("kink", [-1.0, 1.0])
def test_hard_tanh_at_its_kinks(kink):
    assert slope_at(reference.HardTanh(), kink) == 0
    assert slope_at(reference.HardTanh(), kink * 0.99) == 1


def test_leaky_relu_for_a_steep_slope():
    values = reference.LeakyReLU(alpha=3.0).forward(np.array([-1.0, 2.0]))
    np.testing.assert_array_equal(values, [-3.0, 2.0])


def test_leaky_relu_at_zero():
    assert slope_at(reference.LeakyReLU(alpha=0.2), 0.0) == 0.2


def test_prelu_at_zero():
    layer = reference.PReLU()
    layer.params = [np.array([0.2])]
    assert slope_at(layer, 0.0) == 0.2


def test_prelu_learns_alpha():
    layer = reference.PReLU()
    layer.forward(np.array([[-2.0], [5.0], [-1.0]]))
    _, (grad_alpha,) = layer.backward(np.array([[1.0], [10.0], [3.0]]))
    np.testing.assert_array_equal(grad_alpha, [-2.0 * 1 - 1.0 * 3])


def test_elu_at_zero():
    assert slope_at(reference.ELU(alpha=2.0), 0.0) == 2.0


def test_selu_constants():
    layer = reference.SELU()
    scale = layer.forward(np.array([1.0]))[0]
    # Klambauer et al. (2017): the fixed point of mean 0 and variance 1, to more digits.
    assert scale == 1.0507009873554804934193349852946
    floor = layer.forward(np.array([-800.0]))[0]
    assert floor == pytest.approx(-1.7580993408473768599402175208123, rel=2e-16)


def test_noisy_relu_readings():
    class Ones:
        def standard_normal(self, shape):
            return np.full(shape, -1.0)

    values = np.array([4.0, 0.5, -1.0])
    deviations = np.sqrt(1 / (1 + np.exp(-values)))
    book = reference.NoisyReLU(rng=np.random.default_rng(0))
    paper = reference.NoisyReLU(noise_first=True, rng=np.random.default_rng(0))
    book.rng = paper.rng = Ones()
    np.testing.assert_allclose(book.forward(values)[:2], (values - deviations)[:2], rtol=1e-15)
    np.testing.assert_allclose(paper.forward(values), np.maximum(values - deviations, 0))


def test_kernel_size_as_a_number():
    one, two = (reference.Convolution2D(3, 4, kernel_size=size) for size in (3, (3, 3)))
    assert one.params[0].shape == two.params[0].shape == (4, 3, 3, 3)


def test_biases_are_a_vector():
    assert reference.Convolution2D(3, 4, 3).params[1].shape == (4,)


def test_convolution_has_a_backward():
    layer = reference.Convolution2D(2, 4, 3, padding=1, dilation=2, groups=2)
    output = layer.forward(np.ones((1, 6, 6, 2)))
    grad_input, grad_params = layer.backward(output)
    assert grad_input.shape == (1, 6, 6, 2)
    assert [grad.shape for grad in grad_params] == [(4, 1, 3, 3), (4,)]


@pytest.mark.parametrize("layer", [reference.MaxPooling2D(2), reference.AveragePooling2D(2)])
def test_pooling_keeps_float32(layer):
    assert layer.forward(np.ones((1, 4, 4, 2), np.float32)).dtype == np.float32


def test_max_pooling_tie():
    layer = reference.MaxPooling2D(2)
    layer.forward(np.full((1, 2, 2, 1), 7.0))
    grad_input, _ = layer.backward(np.full((1, 1, 1, 1), 5.0))
    np.testing.assert_array_equal(grad_input[0, :, :, 0], [[5.0, 0.0], [0.0, 0.0]])


def test_average_pooling_has_a_backward():
    layer = reference.AveragePooling2D(2)
    layer.forward(np.ones((1, 2, 2, 1)))
    grad_input, _ = layer.backward(np.full((1, 1, 1, 1), 8.0))
    np.testing.assert_array_equal(grad_input[0, :, :, 0], np.full((2, 2), 2.0))


def test_global_average_keeps_float32():
    layer = reference.GlobalAveragePooling2D()
    output = layer.forward(np.ones((2, 3, 3, 4), np.float32))
    assert output.shape == (2, 1, 1, 4)
    assert output.dtype == layer.backward(output)[0].dtype == np.float32


def test_flatten_is_channels_last():
    image = np.arange(12.0).reshape(1, 2, 2, 3)
    np.testing.assert_array_equal(reference.Flatten().forward(image)[0], np.arange(12.0))
    channels_first = torch.from_numpy(np.moveaxis(image, -1, 1).copy())
    theirs = torch.nn.Flatten()(channels_first).numpy()[0]
    assert not math.isclose(theirs[1], 1.0)
    np.testing.assert_array_equal(theirs, np.moveaxis(image, -1, 1).ravel())


def test_the_page_and_the_tests_name_the_same_differences():
    named = set(re.findall(r"`([a-z0-9-]+)` \|$", PAGE.read_text(encoding="utf-8"), re.MULTILINE))
    tests = {name[5:].replace("_", "-") for name in globals() if name.startswith("test_")}
    tests.discard("the-page-and-the-tests-name-the-same-differences")
    assert named == tests
