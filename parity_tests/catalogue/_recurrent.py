"""What the rows of recurrent layers stand on: packed sequences, states, and the peephole oracle."""

import numpy as np
import torch
from torch.nn.utils.rnn import PackedSequence

from parity_tests import oracle
from parity_tests.adapter import Adapter
from parity_tests.oracle import AsIs


class CarriedState(AsIs):
    """A state (cells, batch, features): only a missing batch axis is added."""

    def to_reference(self, module, array, unbatched):
        return array[:, np.newaxis] if unbatched else array

    def to_torch(self, module, array, unbatched):
        return array[:, 0] if unbatched else array


class Packing:
    """Where the rows of a packed sequence stand among padded sequences (batch, time, ...)."""

    def __init__(self, batch_sizes, order=None, restore=None):
        batch, time = int(batch_sizes.max(initial=0)), len(batch_sizes)
        order = np.arange(batch) if order is None else order
        reached = np.arange(batch) < np.asarray(batch_sizes)[:, np.newaxis]  # (time, batch)
        self.times, ranks = np.nonzero(reached)
        self.samples = order[ranks]
        self.shape = (batch, time)
        self.lengths = np.empty(batch, np.int64)
        self.lengths[order] = reached.sum(axis=0)

    def pack(self, padded):
        return padded[self.samples, self.times]

    def pad(self, rows):
        padded = np.zeros((*self.shape, *rows.shape[1:]), rows.dtype)
        padded[self.samples, self.times] = rows
        return padded


class SequenceAdapter(Adapter):
    """A recurrent layer that takes packed sequences too.

    A packed sequence is the tuple that torch.nn.utils.rnn.PackedSequence is, of tensors or of
    arrays: data, batch_sizes, sorted_indices, unsorted_indices. It becomes sequences and their
    lengths.
    """

    def forward(self, *inputs, **keywords):
        self.packing = None
        if not isinstance(inputs[0], tuple):
            return super().forward(*inputs, **keywords)
        packed, *state = inputs
        data, *places = oracle.map_structure(oracle.to_numpy, packed)
        self.inputs, self.unbatched = ((data, *places), *state), False
        packing = Packing(*places)
        output, state = self.layer.forward(packing.pad(data), *state, lengths=packing.lengths)
        self.packing = packing
        self.structure = ((packing.pack(output), *places), state)
        return self.structure

    def backward(self, *grad_outputs):
        if getattr(self, "packing", None) is None:
            return super().backward(*grad_outputs)
        grad_data, *grad_state = grad_outputs
        grad_output = None if grad_data is None else self.packing.pad(grad_data)
        (grad_input, grad_state), grad_params = self.layer.backward(grad_output, *grad_state)
        grads = ((self.packing.pack(grad_input), None, None, None), grad_state)
        aligned = zip(grads, self.inputs, strict=False)
        return tuple(self._align(grad, entry, AsIs()) for grad, entry in aligned), grad_params


# --- oracles that PyTorch has no class for ---


def takes_packed(kind):
    """PyTorch's layer, given the arrays of a packed sequence as a tuple."""

    class Packed(kind):
        def forward(self, packed, hx=None):
            # PyTorch reads these through bare pointers, without regard to strides.
            parts = [None if part is None else part.contiguous() for part in packed]
            return super().forward(PackedSequence(*parts), hx)

    Packed.__name__ = Packed.__qualname__ = f"Packed{kind.__name__}"
    return Packed


class PeepholeCell(torch.nn.Module):
    """Graves (2013), eq. 7-11, in torch operations."""

    def __init__(self, input_size, hidden_size, bias=True):
        super().__init__()
        self.input_size, self.hidden_size, self.bias = input_size, hidden_size, bias
        rows = 4 * hidden_size
        shapes = [(rows, input_size), (rows, hidden_size), (rows,), (rows,)][: 2 + 2 * bias]
        for place, shape in enumerate([*shapes, (3, hidden_size)]):
            self.register_parameter(f"p{place}", torch.nn.Parameter(torch.zeros(shape)))

    def forward(self, x, state=None):
        weights_x, weights_h, *biases, peepholes = self.parameters()
        h, c = (x.new_zeros(*x.shape[:-1], self.hidden_size),) * 2 if state is None else state
        sums = x @ weights_x.T + h @ weights_h.T
        for bias in biases:
            sums = sums + bias
        a_i, a_f, a_c, a_o = sums.chunk(4, -1) if self.hidden_size else (sums,) * 4
        i = torch.sigmoid(a_i + peepholes[0] * c)
        f = torch.sigmoid(a_f + peepholes[1] * c)
        c = f * c + i * torch.tanh(a_c)
        o = torch.sigmoid(a_o + peepholes[2] * c)
        return o * torch.tanh(c), c


class PeepholeLayers(torch.nn.Module):
    """Layers of that cell along padded sequences of the given lengths."""

    batch_first = True

    def __init__(
        self, input_size, hidden_size, num_layers=1, bias=True, dropout=0.0, bidirectional=False
    ):
        super().__init__()
        self.input_size, self.hidden_size, self.num_layers = input_size, hidden_size, num_layers
        self.bias, self.dropout, self.bidirectional = bias, dropout, bidirectional
        directions = 1 + bidirectional
        widths = [input_size] + [directions * hidden_size] * (num_layers - 1)
        self.cells = torch.nn.ModuleList(
            PeepholeCell(width, hidden_size, bias) for width in widths for _ in range(directions)
        )

    def forward(self, x, state=None, lengths=None):
        batch, time, _ = x.shape
        if state is None:
            state = (x.new_zeros(len(self.cells), batch, self.hidden_size),) * 2
        lengths = torch.full((batch,), time) if lengths is None else lengths
        # What is padded must not be computed with: it may be NaN.
        x = torch.where((torch.arange(time) < lengths[:, None])[..., None], x, 0)
        finals, directions = [], 1 + self.bidirectional
        for layer in range(self.num_layers):
            outputs = []
            for cell in self.cells[layer * directions : (layer + 1) * directions]:
                reverse = len(outputs) == 1
                output, final = self._sweep(
                    cell, x, [part[len(finals)] for part in state], lengths, reverse
                )
                outputs.append(output)
                finals.append(final)
            x = torch.cat(outputs, -1)
            if layer < self.num_layers - 1:
                x = torch.nn.functional.dropout(x, self.dropout, self.training)
        return x, tuple(torch.stack(parts) for parts in zip(*finals, strict=True))

    def _sweep(self, cell, x, state, lengths, reverse):
        outputs = {}
        for time in sorted(range(x.shape[1]), reverse=reverse):
            reached = (time < lengths)[:, None]
            new = cell(x[:, time], [torch.where(reached, part, 0) for part in state])
            state = [torch.where(reached, a, b) for a, b in zip(new, state, strict=True)]
            outputs[time] = torch.where(reached, state[0], 0)
        return torch.stack([outputs[time] for time in sorted(outputs)], 1), state
