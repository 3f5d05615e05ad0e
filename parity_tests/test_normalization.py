"""Normalization where the mean is ten thousand times the deviation, against 64 bits of mantissa."""

import numpy as np
import pytest

import reference

# A layer of 6 channels, and the axes over which it averages inputs (batch 4, 5, 5, 6 channels).
LAYERS = {
    "BatchNorm": (lambda: reference.BatchNorm(6), (0, 1, 2)),
    "LayerNorm": (lambda: reference.LayerNorm(6), (3,)),
    "LayerNorm of images": (lambda: reference.LayerNorm((5, 5, 6)), (1, 2, 3)),
    "GroupNorm": (lambda: reference.GroupNorm(1, 6), (1, 2, 3)),
    "InstanceNorm": (lambda: reference.InstanceNorm(6), (1, 2)),
}


def exact(inputs, grad_output, axes, eps=1e-5):
    """Output and input gradient by the definition, in long double."""
    inputs, grad_output = inputs.astype(np.longdouble), grad_output.astype(np.longdouble)

    def mean(values):
        return values.mean(axes, keepdims=True)

    centred = inputs - mean(inputs)
    deviation = np.sqrt(mean(centred**2) + eps)
    output = centred / deviation
    grad = grad_output - mean(grad_output) - output * mean(grad_output * output)
    return output, grad / deviation


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("mean", [1.0, -1e4])
@pytest.mark.parametrize("name", LAYERS)
def test_a_mean_far_above_the_deviation_costs_no_digits(name, mean, dtype):
    make, axes = LAYERS[name]
    rng = np.random.default_rng(0)
    inputs, grad_output = (rng.normal(size=(4, 5, 5, 6)).astype(dtype) for _ in range(2))
    inputs = inputs + dtype(mean)
    layer = make()
    got = layer.forward(inputs), layer.backward(grad_output)[0]
    for ours, expected in zip(got, exact(inputs, grad_output, axes), strict=True):
        error = np.abs(ours - expected).max() / np.abs(expected).max()
        assert error < 4 * np.finfo(dtype).eps
