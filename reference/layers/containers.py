"""Containers: layers made of layers (sections 19, 22.9 and 23)."""

import itertools
import math

import numpy as np

from reference import _checks, _numeric
from reference._base import Layer
from reference.layers.dense import Linear
from reference.layers.pooling_adaptive import average


class Container(Layer):
    """A layer whose parameters, buffers and mode are those of the layers it holds."""

    def __init__(self, *layers):
        named = {f"layers[{place}]": layer for place, layer in enumerate(layers)}
        self.layers = _checks.check_layers(self, **named)

    @property
    def params(self):
        """The parameters of all layers in order; an array that several share comes once."""
        return self._distinct("params")

    @params.setter
    def params(self, params):
        self._replace("params", params)

    @property
    def buffers(self):
        """The buffers of all layers in order; an array that several share comes once."""
        return self._distinct("buffers")

    @buffers.setter
    def buffers(self, buffers):
        self._replace("buffers", buffers)

    @property
    def training(self):
        """Whether every layer is in training; setting it sets that of every layer."""
        return all(layer.training for layer in self.layers)

    @training.setter
    def training(self, training):
        for layer in self.layers:
            layer.training = training

    @property
    def rng(self):
        """The generator of the first layer that draws; setting it sets that of every layer."""
        return next((layer.rng for layer in self.layers if getattr(layer, "rng", None)), None)

    @rng.setter
    def rng(self, rng):
        for layer in self.layers:
            if hasattr(layer, "rng"):
                layer.rng = rng

    def _distinct(self, name):
        arrays = itertools.chain.from_iterable(getattr(layer, name) for layer in self.layers)
        return list({id(array): array for array in arrays}.values())

    def _replace(self, name, arrays):
        """Put each array in the place, or the places, of the one it replaces."""
        pairs = zip(self._distinct(name), arrays, strict=True)
        replaced = {id(former): array for former, array in pairs}
        for layer in self.layers:
            setattr(layer, name, [replaced[id(former)] for former in getattr(layer, name)])

    def sum_grads(self, grads):
        """The gradients of `params`, from those of each layer: summed where an array is shared."""
        sums = {}
        for layer, grad_params in zip(self.layers, grads, strict=True):
            if grad_params is None:
                continue
            for param, grad in zip(layer.params, grad_params, strict=True):
                sums[id(param)] = sums[id(param)] + grad if id(param) in sums else grad
        return [sums.get(id(param)) for param in self.params]


def _backward(layer, *grad_outputs):
    """The gradients of a layer's input and parameters.

    Of a layer with further, optional inputs (a first state) the first input's alone.
    """
    grad_input, grad_params = layer.backward(*grad_outputs)
    return grad_input[0] if isinstance(grad_input, tuple) else grad_input, grad_params


class Sequential(Container):
    """Layers one after another, each fed with the output of the one before.

    Formula: y = f_n(... f_2(f_1(x)))
    Derivative: the chain rule, from the last layer to the first: the gradient that a layer
        returns for its input is the upstream gradient of the one before. An array that several
        layers share gets the sum of their gradients.
    Shapes: what the layers take and give; no layer at all gives back its input.
    Dtypes: what the layers take and give.
    Errors: TypeError for a layer without forward, backward, params, buffers and training;
        ValueError for the same layer in two places or an upstream gradient of another shape;
        RuntimeError for backward before forward; and what the layers raise.
    Book: section 6.2, chapter 19.
    Paper: Rumelhart, Hinton, Williams (1986), Learning representations by back-propagating
        errors, Nature 323, DOI 10.1038/323533a0.
    PyTorch: torch.nn.Sequential. One layer cannot stand in two places, for it remembers one
        forward only: give the second the same arrays as params instead.
    """

    # The first layer checks the input: it may take integers.
    non_floating = ("input_data",)

    def forward(self, input_data):
        for layer in self.layers:
            input_data = layer.forward(input_data)
        return input_data

    def backward(self, *grad_outputs):
        grads = []
        for layer in reversed(self.layers):
            grad_input, grad_params = _backward(layer, *grad_outputs)
            grads.insert(0, grad_params)
            grad_outputs = (grad_input,)
        return grad_outputs[0], self.sum_grads(grads)


class Residual(Container):
    """A layer plus a shortcut around it.

    Formula: y = f(x) + s(x), with s(x) = x unless a shortcut is given
    Derivative: dL/dx = f'(x)^T g + s'(x)^T g; the second term is g itself without a shortcut.
    Shapes: f(x) and s(x) have one shape, which is y's.
    Dtypes: what the layers take and give.
    Errors: TypeError for a layer without forward, backward, params, buffers and training;
        ValueError for the same layer in two places, branches whose shapes differ or an upstream
        gradient of another shape; RuntimeError for backward before forward.
    Book: section 22.9, chapter 23.
    Paper: He, Zhang, Ren, Sun (2016), Deep residual learning for image recognition, CVPR,
        DOI 10.1109/CVPR.2016.90.
    PyTorch: no class; f(x) + x in a module of one's own. The shapes must be equal: nothing is
        broadcast.
    """

    def __init__(self, layer, shortcut=None):
        given = {} if shortcut is None else {"shortcut": shortcut}
        self.layers = _checks.check_layers(self, layer=layer, **given)

    def forward(self, input_data):
        # The layer, then the shortcut if there is one; the input itself if there is none.
        outputs = [layer.forward(input_data) for layer in self.layers]
        branch, shortcut = (*outputs, input_data)[:2]
        _checks.check_shape(self, shortcut.shape, branch=branch)
        return branch + shortcut

    def backward(self, grad_output):
        pairs = [_backward(layer, grad_output) for layer in self.layers]
        grad_inputs, grads = zip(*pairs, strict=True)
        through_branch, through_shortcut = (*grad_inputs, grad_output)[:2]
        return through_branch + through_shortcut, self.sum_grads(grads)


class Parallel(Container):
    """Branches side by side, their outputs joined along the last axis.

    Formula: y = [f_1(x), f_2(x), ..., f_n(x)]
    Derivative: dL/dx = sum over i of f_i'(x)^T g_i, with g_i the part of g that stands where
        f_i(x) stands in y.
    Shapes: the outputs of the branches agree in every axis but the last; y has the sum of their
        last axes.
    Dtypes: what the layers take; the output has the promotion of what they give.
    Errors: TypeError for a layer without forward, backward, params, buffers and training;
        ValueError for no layer at all, the same layer in two places, outputs whose shapes do not
        agree or an upstream gradient of another shape; RuntimeError for backward before forward.
    Book: section 22.9 (GoogLeNet).
    Paper: Szegedy, Liu, Jia, Sermanet, Reed, Anguelov, Erhan, Vanhoucke, Rabinovich (2015),
        Going deeper with convolutions, CVPR, DOI 10.1109/CVPR.2015.7298594.
    PyTorch: no class; torch.cat of the branches along the channels.
    """

    def __init__(self, first, *others):
        named = {f"others[{place}]": layer for place, layer in enumerate(others)}
        self.layers = _checks.check_layers(self, first=first, **named)

    def forward(self, input_data):
        outputs = [layer.forward(input_data) for layer in self.layers]
        for output in outputs:
            _checks.check_shape(self, outputs[0].shape[:-1] + output.shape[-1:], output=output)
        self.splits = np.cumsum([output.shape[-1] for output in outputs[:-1]])
        return np.concatenate(outputs, axis=-1)

    def backward(self, grad_output):
        parts = np.split(grad_output, self.splits, axis=-1)
        pairs = [_backward(layer, part) for layer, part in zip(self.layers, parts, strict=True)]
        grad_inputs, grads = zip(*pairs, strict=True)
        return sum(grad_inputs[1:], start=grad_inputs[0]), self.sum_grads(grads)


class SqueezeExcitation(Container):
    """Weighs the channels by what a small network makes of their means.

    Formula: y = x s, with s = sigmoid(W2 relu(W1 m + b1) + b2) and m the mean of each channel
        over the positions, NaN where there are none
    Derivative: dL/dx = g s + q / positions, with q = W1^T (relu' W2^T (p s (1 - s))) the gradient
        of m, and p the sum over the positions of g x, that of s; relu' = 1 above 0 and 0 below,
        at the kink 0 it is 0 (PyTorch's choice).
    Shapes: x (batch, ..., input_channels), with any number of axes between; W1 (squeeze_channels,
        input_channels), b1 (squeeze_channels,), W2 (input_channels, squeeze_channels), b2
        (input_channels,); the output has the input's.
    Dtypes: float32 and float64; the output has the promotion of the input's and the weights'.
    Errors: TypeError for an array that is not floating; ValueError for an input of fewer than two
        axes or of another number of channels, or an upstream gradient of another shape;
        RuntimeError for backward before forward.
    Book: section 22.9.7.
    Paper: Hu, Shen, Sun (2018), Squeeze-and-excitation networks, CVPR,
        DOI 10.1109/CVPR.2018.00745.
    PyTorch: no class in torch.nn; torchvision.ops.SqueezeExcitation, whose convolutions of size 1
        are the two linear maps here. The weights start from the law of Linear.
    """

    def __init__(self, input_channels, squeeze_channels, rng=None):
        rng = _checks.check_generator(self, rng=rng)
        squeeze = Linear(input_channels, squeeze_channels, rng=rng)
        excite = Linear(squeeze_channels, input_channels, rng=rng)
        super().__init__(squeeze, excite)
        self.input_channels = input_channels

    def forward(self, input_data):
        _checks.check_least_rank(self, 2, "(batch, ..., channels)", input_data=input_data)
        _checks.check_last_axis(self, self.input_channels, "channels", input_data=input_data)
        batch, *sizes, channels = input_data.shape
        self.cells = input_data.reshape(batch, math.prod(sizes), channels)
        means = average(_numeric.einsum("bpc->bc", self.cells), self.cells.shape[1])
        squeeze, excite = self.layers
        squeezed = squeeze.forward(means)
        self.alive = ~(squeezed <= 0)
        self.gates = _numeric.sigmoid(excite.forward(np.maximum(squeezed, 0)))
        return (self.cells * self.gates[:, np.newaxis]).reshape(input_data.shape)

    def backward(self, grad_output):
        grad = grad_output.reshape(self.cells.shape)
        grad_gates = _numeric.einsum("bpc,bpc->bc", grad, self.cells)
        squeeze, excite = self.layers
        grad_excited = grad_gates * (1 - self.gates) * self.gates
        grad_squeezed, grads_of_excite = excite.backward(grad_excited)
        grad_means, grads_of_squeeze = squeeze.backward(np.where(self.alive, grad_squeezed, 0))
        grad_cells = average(grad_means[:, np.newaxis], self.cells.shape[1])
        grad_input = grad * self.gates[:, np.newaxis] + grad_cells
        return grad_input.reshape(grad_output.shape), [*grads_of_squeeze, *grads_of_excite]
