"""Recurrent layers: cells carried along sequences (sections 24.2 to 24.5)."""

import functools

import numpy as np

from reference import _checks
from reference.layers.recurrent_cells import (
    GRUCell,
    LSTMCell,
    PeepholeLSTMCell,
    RecurrentCell,
    RNNCell,
)


class Packing:
    """The steps of sequences of different lengths as the rows of one matrix, time by time.

    The sequences are sorted, longest first, so that those that reach a step are the first of all;
    `steps` holds for each point in time how many these are, and the place of their rows. (PyTorch
    calls the rows a packed sequence.)
    """

    def __init__(self, lengths, time):
        self.order = np.argsort(lengths, kind="stable")[::-1]
        reached = np.arange(time)[:, np.newaxis] < lengths[self.order]  # (time, batch)
        self.times, ranks = np.nonzero(reached)
        self.samples = self.order[ranks]
        self.shape = (len(lengths), time)
        ends = np.cumsum(reached.sum(axis=1))
        self.steps = [
            (end - start, slice(start, end))
            for start, end in zip([0, *ends[:-1]], ends, strict=True)
        ]

    def pack(self, sequences):
        """(batch, time, features) -> (rows, features); what lies beyond the lengths is left out."""
        return sequences[self.samples, self.times]

    def unpack(self, rows):
        """(rows, features) -> (batch, time, features), with 0 beyond the lengths."""
        sequences = np.zeros((*self.shape, rows.shape[-1]), rows.dtype)
        sequences[self.samples, self.times] = rows
        return sequences

    def sort(self, state):
        """Arrays (batch, features) in the order of falling lengths."""
        return tuple(part[self.order] for part in state)

    def unsort(self, state):
        """Arrays (batch, features) back in their own order."""
        return tuple(part[np.argsort(self.order)] for part in state)


class RecurrentLayer(RecurrentCell):
    """What the recurrent layers share: layers on layers, two directions, the way through time.

    A subclass inherits this class and then the cell that holds the equations of its steps.
    """

    least_size = 1
    non_floating = ("lengths",)
    # How many gradients the two products have: the same one, where they are only added up.
    product_grads = 1

    def __init__(self, input_size, hidden_size, num_layers, dropout, bidirectional, **options):
        self.num_layers = _checks.check_integer(self, num_layers=num_layers)
        self.dropout = _checks.check_fraction(self, dropout=dropout)
        self.bidirectional = _checks.check_flag(self, bidirectional=bidirectional)
        self.num_directions = 1 + self.bidirectional
        super().__init__(input_size, hidden_size, **options)

    def draw_params(self):
        """Those of the first layer's forward cell, of its reverse cell, of the second layer's."""
        sizes = [self.input_size] + [self.num_directions * self.output_size] * (self.num_layers - 1)
        cells = [self.draw_cell(size) for size in sizes for _ in range(self.num_directions)]
        return [param for cell in cells for param in cell]

    def cell_params(self, place):
        """The parameters of one cell, counted as the rows of the state are."""
        count = len(self.params) // (self.num_layers * self.num_directions)
        return self.params[place * count : (place + 1) * count]

    def state_shapes(self, batch):
        """The shapes of the state's arrays: a row for each cell."""
        cells = self.num_layers * self.num_directions
        sizes = [self.output_size] + [self.hidden_size] * (len(self.state_names) - 1)
        return [(cells, batch, size) for size in sizes]

    def forward(self, input_data, state=None, lengths=None):
        _checks.check_rank(self, 3, "(batch, time, features)", input_data=input_data)
        _checks.check_last_axis(self, self.input_size, "features", input_data=input_data)
        _checks.check_filled_axis(self, 1, input_data=input_data)
        batch, time, _ = input_data.shape
        lengths = _checks.check_lengths(self, batch, time, lengths=lengths)
        # Zeros of the input's dtype: the first step promotes them to that of the weights.
        state = self.take_state(state, self.state_shapes(batch), input_data.dtype)
        self.packing = Packing(lengths, time)
        rows, state = self.run(self.packing.pack(input_data), state)
        return self.packing.unpack(rows), self.give_state(state)

    def run(self, rows, state):
        """All layers: the output of one, dropped out in training, is the input of the next."""
        self.sweeps, self.noises, finals = [], [], []
        for layer in range(self.num_layers):
            self.noises.append(self.draw_noise(rows) if layer else 1)
            inputs, outputs = rows * self.noises[layer], []
            for _ in range(self.num_directions):
                initial = tuple(part[len(finals)] for part in state)
                output, final = self.sweep(len(finals), inputs, initial)
                outputs.append(output)
                finals.append(final)
            rows = np.concatenate(outputs, axis=1)
        return rows, tuple(np.stack(parts) for parts in zip(*finals, strict=True))

    def sweep(self, place, inputs, state):
        """One layer in one direction, step by step."""
        weights_x, bias_x, own = self.split_params(self.cell_params(place))
        from_input = self.multiply(inputs, weights_x, bias_x)  # all steps at once
        output = np.empty((len(inputs), self.output_size), np.result_type(from_input, *state))
        hiddens, kept = np.empty_like(output), []
        state = self.packing.sort(state)
        for count, rows in self.steps(place):
            active = tuple(part[:count] for part in state)
            hiddens[rows] = active[0]
            active, needed = self.step(from_input[rows], active, *own)
            output[rows] = active[0]
            kept.append(needed)
            state = _put_first(active, state)
        self.sweeps.append((inputs, hiddens, kept))
        return output, self.packing.unsort(state)

    def steps(self, place):
        """The steps in the order of a cell's direction."""
        reverse = place % self.num_directions == 1
        return self.packing.steps[::-1] if reverse else self.packing.steps

    def draw_noise(self, rows):
        """0 where dropout silences a value between two layers, else what keeps the mean."""
        if not self.training or self.dropout == 0:
            return 1
        draws = self.rng.random((*self.packing.shape, rows.shape[1]))
        kept = self.packing.pack(draws) >= self.dropout
        # Nothing is kept when dropout = 1, so that its scale does not matter.
        return kept.astype(rows.dtype) / (1 - self.dropout if self.dropout < 1 else 1)

    def backward(self, *grad_outputs):
        dtype = self.sweeps[-1][1].dtype
        grad_output, *grad_state = self.fill_zeros(grad_outputs, dtype)
        packed = self.run_backward(self.packing.pack(grad_output), grad_state)
        grad_rows, grad_state, grad_params = packed
        return (self.packing.unpack(grad_rows), self.give_state(grad_state)), grad_params

    def run_backward(self, grad_rows, grad_state):
        """All layers, the last first; the gradients of both directions meet in their input."""
        place = self.num_layers * self.num_directions
        grad_initials, grad_params = [], []
        for noise in reversed(self.noises):
            grad_inputs = []
            for grad_output in np.split(grad_rows, self.num_directions, axis=1)[::-1]:
                place -= 1
                grad_final = tuple(part[place] for part in grad_state)
                grads = self.sweep_backward(place, grad_output, grad_final)
                grad_inputs.append(grads[0])
                grad_initials = [grads[1], *grad_initials]
                grad_params = [*grads[2], *grad_params]
            grad_rows = functools.reduce(np.add, grad_inputs)
            grad_rows *= noise
        grad_state = tuple(np.stack(parts) for parts in zip(*grad_initials, strict=True))
        return grad_rows, grad_state, grad_params

    def sweep_backward(self, place, grad_output, grad_state):
        """One layer in one direction, from its last step to its first."""
        inputs, hiddens, kept = self.sweeps[place]
        weights_x, _, own = self.split_params(self.cell_params(place))
        shape = (self.product_grads, len(inputs), len(weights_x))
        grad_products = np.empty(shape, hiddens.dtype)
        grad_own = [np.zeros_like(param) for param in own[2:]]
        grad_state = self.packing.sort(grad_state)
        for (count, rows), needed in zip(self.steps(place)[::-1], kept[::-1], strict=True):
            hidden, *others = (part[:count] for part in grad_state)
            grad_products[:, rows], active, grads = self.step_backward(
                (hidden + grad_output[rows], *others), needed, *own
            )
            grad_own = [total + grad for total, grad in zip(grad_own, grads, strict=True)]
            grad_state = _put_first(active, grad_state)
        grad_shared = self.grad_shared(grad_products, inputs, hiddens)
        grad_inputs = grad_products[0] @ weights_x
        return grad_inputs, self.packing.unsort(grad_state), [*grad_shared, *grad_own]


def _put_first(active, state):
    """The state with new rows for the sequences that reach a step, which are its first."""
    return tuple(
        np.concatenate([new, old[len(new) :]]) for new, old in zip(active, state, strict=True)
    )


class RNN(RecurrentLayer, RNNCell):
    """Plain recurrent cells carried along a sequence, in layers, one way or both.

    Formula: h_t = f(W_x x_t + b_x + W_h h_(t-1) + b_h), with f = tanh or relu
        y_t = h_t of the last layer; each other layer's h_t is the next one's x_t, times m / (1 -
        dropout) in training, with m = 0 with probability dropout and 1 otherwise
        bidirectional: a second cell goes from the last step to the first, and stands beside the
        first in y_t
    Derivative: through time: with g_t = dL/dy_t + da_(t+1) W_h and da_t = g_t f'(a_t), all of
        RNNCell's gradients at step t, those of the parameters summed over the steps; dL/dh_0 =
        da_1 W_h; g_T includes the gradient of the final state. relu has gradient 0 at its kink.
    Shapes: x (batch, time, input_size), y (batch, time, directions hidden_size), h_0 and h_T
        (layers directions, batch, hidden_size), lengths (batch,), integers in [1, time]. h_0 is 0
        and the lengths are time by default. The parameters are RNNCell's for layer 1 forward,
        layer 1 reverse, layer 2 forward and so on; from the second layer on input_size is
        directions hidden_size.
    Dtypes: float32 and float64; the output has the promotion of the input's and the weights'.
    Errors: TypeError for an array that is not floating or lengths that are not integers;
        ValueError for an option out of its range, another number of features, no steps, lengths
        out of their range, a state or an upstream gradient of another shape; RuntimeError for
        backward before forward.
    Book: sections 24.2, 24.3 and 24.4.
    Paper: Elman (1990), DOI 10.1207/s15516709cog1402_1; through time: Werbos (1990),
        Backpropagation through time, Proceedings of the IEEE 78(10), DOI 10.1109/5.58337; both
        ways: Schuster, Paliwal (1997), Bidirectional recurrent neural networks, IEEE Transactions
        on Signal Processing 45(11), DOI 10.1109/78.650093.
    PyTorch: torch.nn.RNN with batch_first=True; PyTorch's input may lack the batch axis. lengths
        stands for a packed sequence, in any order: y is 0 beyond them, and the final state is that
        of each sequence's own end. The masks of dropout are rng.random((batch, time, features)) >=
        dropout, one for each layer but the last.
    """

    def __init__(
        self,
        input_size,
        hidden_size,
        num_layers=1,
        nonlinearity="tanh",
        bias=True,
        dropout=0.0,
        bidirectional=False,
        rng=None,
    ):
        options = {"nonlinearity": nonlinearity, "bias": bias, "rng": rng}
        super().__init__(input_size, hidden_size, num_layers, dropout, bidirectional, **options)


class LSTM(RecurrentLayer, LSTMCell):
    """Cells of memory behind gates carried along a sequence, in layers, one way or both.

    Formula: (h_t, c_t) = LSTMCell(x_t, (h_(t-1), c_(t-1))); with proj_size > 0, h_t is then
        multiplied by W_r
        y_t = h_t of the last layer; each other layer's h_t is the next one's x_t, times m / (1 -
        dropout) in training, with m = 0 with probability dropout and 1 otherwise
        bidirectional: a second cell goes from the last step to the first, and stands beside the
        first in y_t
    Derivative: through time: dL/dh_t = dL/dy_t + da_(t+1) W_h and dL/dc_t = f_(t+1) k_(t+1), with
        LSTMCell's letters, give all of its gradients at step t, those of the parameters summed
        over the steps; with W_r, dL/dh_t is first multiplied by it, and dL/dW_r = dL/dh_t^T o
        tanh(c). No kinks.
    Shapes: x (batch, time, input_size), y (batch, time, directions P), with P = proj_size if that
        is above 0 and hidden_size otherwise; the state is (h, c), with h (layers directions,
        batch, P) and c (layers directions, batch, hidden_size), by default 0; lengths (batch,),
        integers in [1, time], by default time. The parameters are LSTMCell's, W_h (4 hidden_size,
        P), and W_r (P, hidden_size), for layer 1 forward, layer 1 reverse, layer 2 forward and so
        on; from the second layer on input_size is directions P.
    Dtypes: float32 and float64; the output has the promotion of the input's and the weights'.
    Errors: TypeError for an array that is not floating or lengths that are not integers;
        ValueError for an option out of its range, another number of features, no steps, lengths
        out of their range, a state or an upstream gradient of another shape; RuntimeError for
        backward before forward.
    Book: section 24.5.1.
    Paper: Hochreiter, Schmidhuber (1997), DOI 10.1162/neco.1997.9.8.1735; Gers, Schmidhuber,
        Cummins (2000), DOI 10.1162/089976600300015015; the projection: Sak, Senior, Beaufays
        (2014), Long short-term memory recurrent neural network architectures for large scale
        acoustic modeling, Interspeech, DOI 10.21437/Interspeech.2014-80.
    PyTorch: torch.nn.LSTM with batch_first=True; PyTorch's input may lack the batch axis. lengths
        stands for a packed sequence, in any order: y is 0 beyond them, and the final state is that
        of each sequence's own end. The masks of dropout are rng.random((batch, time, features)) >=
        dropout, one for each layer but the last.
    """

    def __init__(
        self,
        input_size,
        hidden_size,
        num_layers=1,
        bias=True,
        dropout=0.0,
        bidirectional=False,
        proj_size=0,
        rng=None,
    ):
        self.proj_size = _checks.check_integer(self, minimum=0, proj_size=proj_size)
        options = {"bias": bias, "rng": rng}
        super().__init__(input_size, hidden_size, num_layers, dropout, bidirectional, **options)
        _checks.check_below(self, ("hidden_size", hidden_size), proj_size=proj_size)

    @property
    def output_size(self):
        return self.proj_size if self.proj_size else self.hidden_size

    def draw_cell(self, input_size):
        params = super().draw_cell(input_size)
        if not self.proj_size:
            return params
        return [*params, self.draw_uniform((self.proj_size, self.hidden_size))]

    def step(self, from_input, state, weights_h, bias_h, *projection):
        (hidden, cell), kept = super().step(from_input, state, weights_h, bias_h)
        projected = hidden @ projection[0].T if projection else hidden
        return (projected, cell), (kept, [hidden for _ in projection])

    def step_backward(self, grad_state, kept, weights_h, bias_h, *projection):
        (grad_hidden, grad_cell), (kept, hiddens) = grad_state, kept
        grad_own = tuple(grad_hidden.T @ hidden for hidden in hiddens)
        grad_hidden = grad_hidden @ projection[0] if projection else grad_hidden
        grads = super().step_backward((grad_hidden, grad_cell), kept, weights_h, bias_h)
        return *grads[:-1], grad_own


class PeepholeLSTM(RecurrentLayer, PeepholeLSTMCell):
    """Cells of memory that their gates see, carried along a sequence, in layers, one way or both.

    Formula: (h_t, c_t) = PeepholeLSTMCell(x_t, (h_(t-1), c_(t-1)))
        y_t = h_t of the last layer; each other layer's h_t is the next one's x_t, times m / (1 -
        dropout) in training, with m = 0 with probability dropout and 1 otherwise
        bidirectional: a second cell goes from the last step to the first, and stands beside the
        first in y_t
    Derivative: through time: dL/dh_t = dL/dy_t + da_(t+1) W_h, and dL/dc_t as step t + 1 of
        PeepholeLSTMCell returns it, give all of its gradients at step t, those of the parameters
        summed over the steps. No kinks.
    Shapes: x (batch, time, input_size), y (batch, time, directions hidden_size); the state is (h,
        c), both (layers directions, batch, hidden_size), by default 0; lengths (batch,), integers
        in [1, time], by default time. The parameters are PeepholeLSTMCell's for layer 1 forward,
        layer 1 reverse, layer 2 forward and so on; from the second layer on input_size is
        directions hidden_size.
    Dtypes: float32 and float64; the output has the promotion of the input's and the weights'.
    Errors: TypeError for an array that is not floating or lengths that are not integers;
        ValueError for an option out of its range, another number of features, no steps, lengths
        out of their range, a state or an upstream gradient of another shape; RuntimeError for
        backward before forward.
    Book: section 24.5.2.
    Paper: Gers, Schraudolph, Schmidhuber (2002), DOI 10.1162/153244303768966139; Graves (2013),
        eq. 7-11, arXiv:1308.0850.
    PyTorch: none; layers, directions, states, lengths and dropout are those of LSTM.
    """

    def __init__(
        self,
        input_size,
        hidden_size,
        num_layers=1,
        bias=True,
        dropout=0.0,
        bidirectional=False,
        rng=None,
    ):
        options = {"bias": bias, "rng": rng}
        super().__init__(input_size, hidden_size, num_layers, dropout, bidirectional, **options)


class GRU(RecurrentLayer, GRUCell):
    """Gated recurrent units carried along a sequence, in layers, one way or both.

    Formula: h_t = GRUCell(x_t, h_(t-1))
        y_t = h_t of the last layer; each other layer's h_t is the next one's x_t, times m / (1 -
        dropout) in training, with m = 0 with probability dropout and 1 otherwise
        bidirectional: a second cell goes from the last step to the first, and stands beside the
        first in y_t
    Derivative: through time: dL/dh_t = dL/dy_t + g_(t+1) z_(t+1) + da_h,(t+1) W_h, with GRUCell's
        letters, gives all of its gradients at step t, those of the parameters summed over the
        steps. No kinks.
    Shapes: x (batch, time, input_size), y (batch, time, directions hidden_size), h_0 and h_T
        (layers directions, batch, hidden_size), lengths (batch,), integers in [1, time]. h_0 is 0
        and the lengths are time by default. The parameters are GRUCell's for layer 1 forward,
        layer 1 reverse, layer 2 forward and so on; from the second layer on input_size is
        directions hidden_size.
    Dtypes: float32 and float64; the output has the promotion of the input's and the weights'.
    Errors: TypeError for an array that is not floating or lengths that are not integers;
        ValueError for an option out of its range, another number of features, no steps, lengths
        out of their range, a state or an upstream gradient of another shape; RuntimeError for
        backward before forward.
    Book: section 24.5.3.
    Paper: Cho, van Merrienboer, Gulcehre, Bahdanau, Bougares, Schwenk, Bengio (2014), DOI
        10.3115/v1/D14-1179.
    PyTorch: torch.nn.GRU with batch_first=True; PyTorch's input may lack the batch axis. lengths
        stands for a packed sequence, in any order: y is 0 beyond them, and the final state is that
        of each sequence's own end. The masks of dropout are rng.random((batch, time, features)) >=
        dropout, one for each layer but the last. The paper resets before the product.
    """

    # The reset gate stands between the two products.
    product_grads = 2

    def __init__(
        self,
        input_size,
        hidden_size,
        num_layers=1,
        bias=True,
        dropout=0.0,
        bidirectional=False,
        rng=None,
    ):
        options = {"bias": bias, "rng": rng}
        super().__init__(input_size, hidden_size, num_layers, dropout, bidirectional, **options)
