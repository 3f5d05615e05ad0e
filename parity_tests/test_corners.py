"""What PyTorch takes or refuses at the edge of what an option means, beyond what rows draw."""

import math

import numpy as np
import pytest
import torch

from parity_tests import mirror


@pytest.mark.parametrize(
    ("module", "option"),
    [
        (torch.nn.LPPool1d(2, (2,)), "kernel_size"),
        (torch.nn.LPPool1d(math.inf, (2, 3)), "kernel_size"),
        (torch.nn.LPPool2d(2, (2,)), "kernel_size"),
        (torch.nn.LPPool2d(2, (2, 2, 2)), "kernel_size"),
        (torch.nn.AdaptiveAvgPool1d((2, 3)), "output_size"),
        (torch.nn.AdaptiveAvgPool2d((2, 2, 2)), "output_size"),
        (torch.nn.AdaptiveAvgPool3d((2, 2)), "output_size"),
        (torch.nn.AdaptiveMaxPool1d((2, 3)), "output_size"),
        (torch.nn.AdaptiveMaxPool2d((2,)), "output_size"),
        (torch.nn.MaxUnpool1d((2, 3)), "kernel_size"),
        (torch.nn.MaxUnpool2d((2,)), "kernel_size"),
        (torch.nn.FractionalMaxPool2d((2, 2, 2), 2), "kernel_size"),
    ],
    ids=str,
)
def test_an_option_that_pytorch_refuses_once_it_runs_is_refused_by_name(module, option):
    name = f"{type(module).__name__} with {option}="
    with pytest.raises(NotImplementedError, match=name):
        mirror(module)


@pytest.mark.parametrize("rank", [1, 2, 3])
@pytest.mark.parametrize("kernel_size", [1, 3])
def test_a_transposed_convolution_may_keep_no_place_of_its_output(rank, kernel_size):
    """PyTorch's kernels refuse that in float64, and some in float32 do."""
    kind = getattr(torch.nn, f"ConvTranspose{rank}d")
    twin = mirror(kind(4, 6, kernel_size, padding=(kernel_size + 1) // 2))
    images = np.ones((2, 4, *(2,) * rank), np.float32)
    output = twin.forward(images)
    assert output.shape == (2, 6, *(0,) * rank)
    (grad_images,), grad_params = twin.backward(output)
    np.testing.assert_array_equal(grad_images, np.zeros_like(images))
    for gradient, parameter in zip(grad_params, twin.params, strict=True):
        np.testing.assert_array_equal(gradient, np.zeros_like(parameter))
