"""A layer of `reference` in PyTorch's layout."""

import numpy as np
import torch

from parity_tests import oracle
from reference import Layer, _checks


class Adapter:
    """A layer of `reference`, called as PyTorch calls the module that it mirrors.

    It keeps the protocol of `reference.Layer` (so that containers take it), but in PyTorch's
    layout: arguments and outputs are moved by the layouts of the row.
    """

    # Within a container it keeps the protocol of layers: one gradient for one input, no tuple.
    within = False

    def __init__(self, module: torch.nn.Module, layer: Layer, row):
        self.module = module
        self.layer = layer
        self.row = row

    @property
    def params(self):
        """The layer's parameters; an array that stands in several places comes once."""
        return list({id(param): param for param in self.layer.params}.values())

    @params.setter
    def params(self, params):
        replaced = {id(old): new for old, new in zip(self.params, params, strict=True)}
        self.layer.params = [replaced[id(old)] for old in self.layer.params]

    @property
    def buffers(self):
        return self.layer.buffers

    @buffers.setter
    def buffers(self, buffers):
        self.layer.buffers = buffers

    @property
    def training(self):
        return self.layer.training

    @training.setter
    def training(self, training):
        self.layer.training = training

    @property
    def rng(self):
        return self.layer.rng

    @rng.setter
    def rng(self, rng):
        self.layer.rng = rng

    def forward(self, *inputs, **keywords):
        if self.row.ranks and oracle.is_floating(inputs[0]):
            _checks.check_rank(self.module, self.row.ranks, "here", input=inputs[0])
        layouts = self.row.layouts(self.row.inputs, len(inputs))
        first = oracle.flatten(inputs[0])[0] if inputs else None
        self.unbatched = first is not None and layouts[0].is_unbatched(self.module, first)
        moved = [self._move(entry, layout) for entry, layout in zip(inputs, layouts, strict=True)]
        renamed = {self.row.keywords.get(name, name): value for name, value in keywords.items()}
        outputs = self.layer.forward(*moved, **renamed)
        single = not isinstance(outputs, tuple)
        layouts = self.row.layouts(self.row.outputs, 1 if single else len(outputs))
        outputs = (outputs,) if single else outputs
        moved = tuple(
            self._move_back(entry, layout) for entry, layout in zip(outputs, layouts, strict=True)
        )
        self.structure = moved
        self.inputs = inputs
        if self.row.correct_output is not None and self.corrected:
            return self.row.correct_output(self.module, inputs, moved[0])
        return moved[0] if single else moved

    def backward(self, *grad_outputs):
        """The gradients of every positional input, and of the parameters."""
        if not hasattr(self, "structure"):
            return self.layer.backward(*grad_outputs)  # which says that forward comes first
        grads = iter(grad_outputs)
        upstream = []
        layouts = self.row.layouts(self.row.outputs, len(self.structure))
        for entry, layout in zip(self.structure, layouts, strict=True):
            for leaf in oracle.flatten(entry):
                if oracle.is_floating(leaf):
                    upstream.append(self._move(next(grads), layout))
        grad_input, grad_params = self.layer.backward(*upstream)
        grads = list(grad_input) if isinstance(grad_input, tuple) else [grad_input]
        count = len(self.inputs)
        places = [place for place in range(count) if place not in self.row.targets]
        by_place = dict(zip(places, grads, strict=False))
        floating = [
            place
            for place in self.row.targets
            if place < count and oracle.is_floating(self.inputs[place])
        ]
        if floating and hasattr(self.layer, "grad_target"):
            grad_targets = self.layer.grad_target(*upstream)
            if not isinstance(grad_targets, tuple):
                grad_targets = (grad_targets,)
            by_place.update(zip(floating, grad_targets, strict=True))
        by_place.update(self.further_gradients())
        layouts = self.row.layouts(self.row.inputs, len(self.inputs))
        grad_inputs = tuple(
            self._align(by_place.get(place), entry, layouts[place])
            for place, entry in enumerate(self.inputs)
        )
        if self.row.correct is not None and self.corrected:
            grad_inputs = self.row.correct(self.module, self.inputs, grad_outputs, grad_inputs)
        if self.within and len(grad_inputs) == 1:
            (grad_inputs,) = grad_inputs
        return grad_inputs, self._sum_shared(grad_params or [])

    def _sum_shared(self, grad_params):
        """The gradients of `params`: where an array stands in several places, their sum."""
        sums = {}
        for param, grad in zip(self.layer.params, grad_params, strict=True):
            sums[id(param)] = sums[id(param)] + grad if id(param) in sums else grad
        return list(sums.values())

    def further_gradients(self):
        """By place, the gradients of inputs that the layer gives apart from those of backward."""
        return {}

    # The witness turns this off: it judges the mathematics, not PyTorch's departures from it.
    corrected = True

    def _move(self, entry, layout):
        if isinstance(entry, (tuple, list)):
            return tuple(self._move(part, layout) for part in entry)
        if not isinstance(entry, (np.ndarray, np.generic)):
            return entry
        return layout.to_reference(self.module, np.asarray(entry), self.unbatched)

    def _move_back(self, entry, layout):
        if isinstance(entry, tuple):
            return tuple(self._move_back(part, layout) for part in entry)
        return layout.to_torch(self.module, np.asarray(entry), self.unbatched)

    def _align(self, grad, entry, layout):
        """A gradient in the nesting of its input; None for what is no array."""
        if isinstance(entry, (tuple, list)):
            parts = grad if isinstance(grad, tuple) else (None,) * len(entry)
            return tuple(
                self._align(part, own, layout) for part, own in zip(parts, entry, strict=True)
            )
        if grad is None or not isinstance(entry, (np.ndarray, np.generic)):
            return None
        return layout.to_torch(self.module, np.asarray(grad), self.unbatched)
