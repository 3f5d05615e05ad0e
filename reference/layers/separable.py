"""Depthwise and depthwise-separable convolution (section 22.9.6, Xception)."""

from reference import _checks
from reference.layers.containers import Sequential
from reference.layers.convolution import Convolution2D


class DepthwiseConvolution2D(Convolution2D):
    """Filters that slide over an image, each one looking at a single channel.

    Formula: y[b, i, j, m c + k] = bias[m c + k] + sum over u, v of kernels[m c + k, u, v]
        padded[b, s i + d u, s j + d v, c], with strides s and dilations d of each axis,
        m = depth_multiplier and k < m.
    Derivative: dL/dkernels[m c + k, u, v] = sum over b, i, j of g[b, i, j, m c + k]
        padded[b, s i + d u, s j + d v, c]; dL/dbias[q] = sum over b, i, j of g[b, i, j, q];
        dL/dpadded gathers g[b, i, j, m c + k] kernels[m c + k, u, v] at (s i + d u, s j + d v).
        It has no kink.
    Shapes: x (batch, height, width, input_channels) or without the batch, kernels (m
        input_channels, 1, kernel_height, kernel_width), biases (m input_channels,), y (batch,
        outputs_high, outputs_wide, m input_channels) with the outputs of Convolution2D.
    Dtypes: float32 and float64; the output has the promotion of the input's and the kernels'.
    Errors: TypeError for an array that is not floating; ValueError for another number of axes or
        channels, a size smaller than the kernel once padded, padding that its mode cannot fill,
        or an upstream gradient of another shape; RuntimeError for backward before forward.
    Book: section 22.9.6, the first half of Xception's convolution.
    Paper: Sifre (2014), Rigid-motion scattering for image classification, doctoral thesis, Ecole
        Polytechnique.
    PyTorch: torch.nn.Conv2d(input_channels, m input_channels, ..., groups=input_channels). No
        difference but the layout, with the channels last. Convolution2D with as many groups
        computes the same.
    """

    def __init__(
        self,
        input_channels,
        kernel_size,
        stride=1,
        padding=0,
        dilation=1,
        depth_multiplier=1,
        padding_mode="zeros",
        bias=True,
        rng=None,
    ):
        _checks.check_integer(self, input_channels=input_channels)
        self.depth_multiplier = _checks.check_integer(self, depth_multiplier=depth_multiplier)
        filters = input_channels * depth_multiplier
        options = (kernel_size, stride, padding, dilation, input_channels, padding_mode, bias, rng)
        super().__init__(input_channels, filters, *options)


class SeparableConvolution2D(Sequential):
    """Each channel is filtered on its own, then the channels are mixed place by place.

    Formula: z[b, i, j, c m + k] = sum over u, v of depthwise[c m + k, u, v]
        padded[b, s i + d u, s j + d v, c], with m = depth_multiplier and k < m;
        y[b, i, j, f] = bias[f] + sum over all channels q of z of pointwise[f, q] z[b, i, j, q].
    Derivative: the chain rule through the two convolutions, of which the second has kernels of
        one place; it has no kink.
    Shapes: x (batch, height, width, input_channels) or without the batch, depthwise kernels
        (input_channels m, 1, kernel_height, kernel_width), pointwise kernels (num_filters,
        input_channels m, 1, 1), biases (num_filters,), y (batch, outputs_high, outputs_wide,
        num_filters) with the outputs of Convolution2D.
    Dtypes: float32 and float64; the output has the promotion of the input's and the kernels'.
    Errors: TypeError for an array that is not floating; ValueError for another number of axes or
        channels, a size smaller than the kernel once padded, padding that its mode cannot fill,
        or an upstream gradient of another shape; RuntimeError for backward before forward.
    Book: section 22.9.6, Xception.
    Paper: Chollet (2017), Xception: deep learning with depthwise separable convolutions, CVPR,
        DOI 10.1109/CVPR.2017.195.
    PyTorch: no class; torch.nn.Conv2d with groups=in_channels and without bias, then
        torch.nn.Conv2d with kernel_size=1, computes the same and starts from the same law.
    """

    def __init__(
        self,
        input_channels,
        num_filters,
        kernel_size,
        stride=1,
        padding=0,
        dilation=1,
        depth_multiplier=1,
        padding_mode="zeros",
        bias=True,
        rng=None,
    ):
        rng = _checks.check_generator(self, rng=rng)
        _checks.check_integer(self, input_channels=input_channels)
        mixed = input_channels * _checks.check_integer(self, depth_multiplier=depth_multiplier)
        options = (kernel_size, stride, padding, dilation, depth_multiplier, padding_mode)
        depthwise = DepthwiseConvolution2D(input_channels, *options, bias=False, rng=rng)
        pointwise = Convolution2D(mixed, num_filters, 1, bias=bias, rng=rng)
        super().__init__(depthwise, pointwise)
