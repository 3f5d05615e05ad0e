"""Bad input to the components of the book's first network: one message form, nothing changed."""

import numpy as np
import pytest

import reference
from parity_tests.kinds import MESSAGE

IMAGES = np.ones((2, 5, 5, 3))
LOGITS, TARGETS = np.zeros((4, 3)), np.array([0, 1, 2, 0])


def forward(layer, *inputs):
    return lambda: layer.forward(*inputs)


def backward(layer, inputs, grad):
    def act():
        layer.forward(*inputs)
        layer.backward(grad)

    return act


BAD = {
    "images without a channel axis": (
        forward(reference.Convolution2D(3, 4, 3), np.ones((5, 5))),
        ValueError,
        r"Convolution2D\.forward: input_data must have .* axes .*; got shape \(5, 5\)",
    ),
    "channels-first images": (
        forward(reference.Convolution2D(3, 4, 3), np.ones((2, 3, 8, 8))),
        ValueError,
        r"3 channels on its last axis; got shape \(2, 3, 8, 8\)\. Is it channels-first\?",
    ),
    "another number of features": (
        forward(reference.Linear(3, 2), np.ones((4, 5))),
        ValueError,
        r"Linear\.forward: input_data must have 3 features on its last axis; got shape \(4, 5\)",
    ),
    "an integer array": (
        forward(reference.Softsign(), np.arange(3)),
        TypeError,
        r"Softsign\.forward: input_data must be floating; got dtype int64\. Convert it",
    ),
    "an option that is NaN": (
        lambda: reference.LeakyReLU(alpha=float("nan")),
        ValueError,
        r"LeakyReLU\.__init__: alpha must be finite; got nan",
    ),
    "a negative rate": (
        lambda: reference.SGD(learning_rate=-0.1),
        ValueError,
        r"SGD\.__init__: learning_rate must be 0 or more; got -0\.1",
    ),
    "a negative size": (
        lambda: reference.Convolution2D(3, -1, 3),
        ValueError,
        r"Convolution2D\.__init__: num_filters must be at least \d; got -1",
    ),
    "a probability above one": (
        lambda: reference.Dropout(p=1.5),
        ValueError,
        r"Dropout\.__init__: p must lie in \[0, 1\]; got 1\.5",
    ),
    "a kernel larger than the padded input": (
        forward(reference.Convolution2D(3, 4, 9, padding=1), IMAGES),
        ValueError,
        r"must be at least as large as the kernel .* once padded; got \(7, 7\) \(padded\)",
    ),
    "groups that do not divide the channels": (
        lambda: reference.Convolution2D(3, 4, 3, groups=2),
        ValueError,
        r"must be divisible by groups=2; got 3",
    ),
    "a target out of range": (
        forward(reference.CrossEntropyLoss(), LOGITS, np.array([0, 1, 3, 0])),
        ValueError,
        r"CrossEntropyLoss\.forward: target must lie in \[0, 3\); got 3 at index \(2,\)",
    ),
    "a target of another shape": (
        forward(reference.CrossEntropyLoss(), LOGITS, np.array([0, 1])),
        ValueError,
        r"CrossEntropyLoss\.forward: target must have shape \(4,\); got shape \(2,\)",
    ),
    "an unknown reduction": (
        lambda: reference.CrossEntropyLoss(reduction="average"),
        ValueError,
        r"reduction must be one of 'mean', 'sum', 'none'; got 'average'",
    ),
    "an upstream gradient of another shape": (
        backward(reference.MaxPooling2D(2), (IMAGES,), np.ones((2, 3, 3, 3))),
        ValueError,
        r"grad_output must have the output's shape \(2, 2, 2, 3\); got shape \(2, 3, 3, 3\)",
    ),
    "gradients for fewer arrays": (
        lambda: reference.SGD(0.1).step([np.ones(2), np.ones(2)], [np.ones(2)]),
        ValueError,
        r"SGD\.step: grads must have one entry for each of the 2 params; got 1 entries",
    ),
    "a gradient of another shape": (
        lambda: reference.SGD(0.1).step([np.ones(2)], [np.ones(3)]),
        ValueError,
        r"SGD\.step: grads\[0\] must have the parameter's shape \(2,\); got shape \(3,\)",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_refused_with_its_message(case):
    act, error, message = BAD[case]
    with pytest.raises(error, match=message) as caught:
        act()
    assert MESSAGE.match(str(caught.value))


@pytest.mark.parametrize(
    "layer",
    [
        reference.Softsign(),
        reference.LeakyReLU(),
        reference.Linear(3, 2),
        reference.Convolution2D(3, 4, 3),
        reference.MaxPooling2D(2),
        reference.Dropout(),
        reference.Flatten(),
        reference.CrossEntropyLoss(),
        reference.Sequential(reference.Linear(3, 2)),
    ],
    ids=lambda layer: type(layer).__name__,
)
def test_backward_before_forward_is_refused(layer):
    with pytest.raises(RuntimeError, match=rf"{type(layer).__name__}\.backward: forward must be"):
        layer.backward(np.asarray(1.0))


def test_a_refused_step_moves_nothing():
    """The second pair is bad: the first parameter stays where it was."""
    optimizer = reference.SGD(0.1, momentum=0.9)
    params = [np.ones(2), np.ones(2)]
    optimizer.step(params, [np.ones(2), np.ones(2)])
    before = [param.copy() for param in params]
    state = [{name: array.copy() for name, array in entry.items()} for entry in optimizer.state]
    with pytest.raises(ValueError, match="grads"):
        optimizer.step(params, [np.ones(2), np.ones(3)])
    for now, then in zip(params, before, strict=True):
        np.testing.assert_array_equal(now, then)
    for now, then in zip(optimizer.state, state, strict=True):
        np.testing.assert_array_equal(now["momentum_buffer"], then["momentum_buffer"])


def test_a_refused_forward_leaves_the_last_one_in_place():
    layer = reference.Linear(3, 2)
    layer.forward(np.ones((4, 3)))
    expected = layer.backward(np.ones((4, 2)))[1]
    with pytest.raises(ValueError, match="features"):
        layer.forward(np.ones((4, 5)))
    for now, then in zip(layer.backward(np.ones((4, 2)))[1], expected, strict=True):
        np.testing.assert_array_equal(now, then)


def test_read_only_and_strided_arrays_work():
    values = np.arange(24.0).reshape(4, 6)[:, ::2]
    values.flags.writeable = False
    layer = reference.Linear(3, 2)
    np.testing.assert_array_equal(layer.forward(values), layer.forward(values.copy()))


def test_a_read_only_parameter_is_refused():
    param = np.ones(2)
    param.flags.writeable = False
    with pytest.raises(ValueError, match=r"params\[0\] must be writable"):
        reference.SGD(0.1).step([param], [np.ones(2)])
