"""Wrappers that compute a parameter of a layer from others: weight and spectral norm."""

import math

import numpy as np

from reference import _checks
from reference.layers.containers import Container
from reference.layers.normalization import L2Normalize


class _Reparametrization(Container):
    """A layer one of whose parameters is a function of other arrays, `originals`.

    A subclass writes `weights()`, the parameter, and `gradients(grad_weights)`, the gradients of
    the originals.
    """

    # The layer checks its inputs.
    non_floating = ("inputs", "keywords")

    def __init__(self, layer, place):
        self.layers = _checks.check_layers(self, layer=layer)
        self.layer = layer
        self.place = _checks.check_place(self, len(layer.params), place=place)
        self.originals = []
        self.own_buffers = []

    @property
    def params(self):
        """The layer's parameters but the one computed, then the originals."""
        return [*self.others(self.layer.params), *self.originals]

    @params.setter
    def params(self, params):
        others = len(self.layer.params) - 1
        computed = self.layer.params[self.place]
        self.layer.params = [*params[: self.place], computed, *params[self.place : others]]
        self.originals = list(params[others:])

    @property
    def buffers(self):
        """The layer's buffers, then this wrapper's."""
        return [*self.layer.buffers, *self.own_buffers]

    @buffers.setter
    def buffers(self, buffers):
        count = len(self.layer.buffers)
        self.layer.buffers = list(buffers[:count])
        self.own_buffers = list(buffers[count:])

    def __getattr__(self, name):
        """The options of the layer read as the wrapper's own, once there is a layer."""
        layer = object.__getattribute__(self, "layer")
        return getattr(layer, name)

    def others(self, arrays):
        """All but the one that stands in the place of the computed parameter."""
        return [*arrays[: self.place], *arrays[self.place + 1 :]]

    def weights(self):
        raise NotImplementedError(f"{type(self).__name__} does not define weights")

    def gradients(self, grad_weights):
        raise NotImplementedError(f"{type(self).__name__} does not define gradients")

    def forward(self, *inputs, **keywords):
        params = list(self.layer.params)
        params[self.place] = self.weights()
        self.layer.params = params
        return self.layer.forward(*inputs, **keywords)

    def backward(self, *grad_outputs):
        grad_input, grad_params = self.layer.backward(*grad_outputs)
        return grad_input, [*self.others(grad_params), *self.gradients(grad_params[self.place])]


class WeightNorm(_Reparametrization):
    """Splits a parameter of a layer into lengths and directions.

    Formula: W = v a / n, with n = sqrt(sum of v^2) over all axes but dim, over all if dim is None
    Derivative: dL/da = sum of G v / n over those axes; dL/dv = a / n (G - v / n dL/da), with G the
        gradient that the layer gives for W.
    Shapes: v that of W; a the same with 1 for every axis but dim, () if dim is None; inputs and
        outputs those of the layer.
    Dtypes: those of the layer.
    Errors: TypeError for a layer without forward, backward, params, buffers and training;
        ValueError for a place outside the layer's params or a dim outside the parameter's axes;
        RuntimeError for backward before forward; and what the layer raises.
    Book: not in the book.
    Paper: Salimans, Kingma (2016), Weight normalization: a simple reparameterization to
        accelerate training of deep neural networks, NIPS.
    PyTorch: torch.nn.utils.parametrizations.weight_norm, which names the parameter where `place`
        says its index in the layer's params; these are, as there, the layer's other parameters,
        then a and v. PyTorch's dim=-1 means None.
    """

    def __init__(self, layer, place=0, dim=0):
        super().__init__(layer, place)
        initial = layer.params[self.place]
        self.dim = _checks.check_place(self, initial.ndim, dim=dim)
        self.axes = tuple(axis for axis in range(initial.ndim) if axis != self.dim)
        self.originals = [self.lengths(initial), initial]

    def lengths(self, directions):
        """Their norms along `axes`."""
        squares = np.sum(directions * directions, axis=self.axes, keepdims=self.dim is not None)
        return np.asarray(np.sqrt(squares))

    def weights(self):
        lengths, directions = self.originals
        self.norms = self.lengths(directions)
        # NaN or infinite for a direction of zeros, as in PyTorch.
        with np.errstate(divide="ignore", invalid="ignore"):
            return directions * (lengths / self.norms)

    def gradients(self, grad_weights):
        lengths, directions = self.originals
        along = np.sum(grad_weights * directions, axis=self.axes, keepdims=self.dim is not None)
        # NaN or infinite for a direction of zeros, as in PyTorch.
        with np.errstate(divide="ignore", invalid="ignore"):
            grad_lengths = np.asarray(along / self.norms)
            units = directions / self.norms
            return [grad_lengths, lengths / self.norms * (grad_weights - units * grad_lengths)]


class SpectralNorm(_Reparametrization):
    """Divides a parameter of a layer by its largest singular value.

    Formula: W = w / s, with s = u^T M v, M the matrix (w's axis dim, all its others), and u and v
        its first singular vectors as n_power_iterations steps u <- M v / max(|M v|, eps),
        v <- M^T u / max(|M^T u|, eps) of every forward in training find them; of a vector,
        W = w / max(|w|, eps)
    Derivative: dL/dM = (G - (sum of G M) / s u v^T) / s, with G the gradient that the layer gives
        for W; u and v are not differentiated. Of a vector, that of L2Normalize.
    Shapes: w that of W; u (rows of M,), v (columns of M,); inputs and outputs those of the layer.
    Dtypes: those of the layer.
    Errors: TypeError for a layer without forward, backward, params, buffers and training;
        ValueError for a place outside the layer's params, a dim outside the parameter's axes,
        n_power_iterations below 1 or a negative eps; RuntimeError for backward before forward;
        and what the layer raises.
    Book: not in the book.
    Paper: Miyato, Kataoka, Koyama, Yoshida (2018), Spectral normalization for generative
        adversarial networks, ICLR.
    PyTorch: torch.nn.utils.parametrizations.spectral_norm, which names the parameter where
        `place` says its index in the layer's params; these are, as there, the layer's other
        parameters, then w; u and v are buffers. u and v start from normal vectors, 15 steps and
        those of one forward, as there. PyTorch's default dim is 1 for transposed convolutions.
    """

    def __init__(self, layer, place=0, n_power_iterations=1, eps=1e-12, dim=0, rng=None):
        super().__init__(layer, place)
        steps = _checks.check_integer(self, n_power_iterations=n_power_iterations)
        self.n_power_iterations = steps
        self.normalize = L2Normalize(_checks.check_nonnegative(self, eps=eps))
        initial = layer.params[self.place]
        self.dim = _checks.check_place(self, initial.ndim, dim=dim)
        self.originals = [initial]
        rng = _checks.check_generator(self, rng=rng)
        if initial.ndim > 1:
            self.own_buffers = [
                self.normalize.forward(rng.standard_normal(size)) for size in self.matrix().shape
            ]
            self.iterate(15)
            self.weights()  # PyTorch computes them once when it wraps the layer

    def matrix(self):
        """M, a view or a copy (size of dim, product of the others)."""
        first = np.moveaxis(self.originals[0], self.dim, 0)
        return first.reshape(first.shape[0], math.prod(first.shape[1:]))

    def iterate(self, steps):
        """The power method, in place."""
        u, v = self.own_buffers
        for _ in range(steps):
            u[...] = self.normalize.forward(self.matrix() @ v)
            v[...] = self.normalize.forward(self.matrix().T @ u)

    def weights(self):
        (original,) = self.originals
        if original.ndim == 1:
            return self.normalize.forward(original)
        if self.training:
            self.iterate(self.n_power_iterations)
        self.u, self.v = self.own_buffers
        self.largest = self.u @ (self.matrix() @ self.v)
        return original / self.largest

    def gradients(self, grad_weights):
        (original,) = self.originals
        if original.ndim == 1:
            return [self.normalize.backward(grad_weights)[0]]
        along = np.sum(grad_weights * original) / self.largest
        first = np.moveaxis(original, self.dim, 0)
        outer = np.outer(self.u, self.v).reshape(first.shape)
        return [(grad_weights - along * np.moveaxis(outer, 0, self.dim)) / self.largest]
