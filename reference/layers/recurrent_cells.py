"""Recurrent cells: one step in time, gate by gate (sections 24.2 to 24.5).

The letters of the formulas: x the input, h the hidden state, c the cell's memory, W_x and W_h the
weights of x and h, b_x and b_h their biases, s the sigmoid; a prime marks what the step makes.
"""

import math

import numpy as np

from reference import _checks
from reference._base import Layer
from reference._numeric import sigmoid

# What the plain cell may apply: the function, and its derivative as a function of its value.
NONLINEARITIES = {
    "tanh": (np.tanh, lambda hidden: 1 - hidden * hidden),
    # At NaN the derivative is 1, as PyTorch's.
    "relu": (lambda products: np.maximum(products, 0), lambda hidden: ~(hidden <= 0)),
}


class RecurrentCell(Layer):
    """What the recurrent cells share: their parameters, their state, and the input's products.

    A subclass writes its equations twice, for a batch at one point in time. `step(from_input,
    state, weights_h, bias_h, ...)` takes W_x x + b_x, and returns the new state and what its
    gradient needs; `step_backward(grad_state, kept, weights_h, bias_h, ...)` takes the gradients
    of the new state, and returns a list of those of W_x x + b_x and of W_h h + b_h (one, where
    they are the same), that of the state before the step, and a tuple of those of the parameters
    after b_h.
    """

    # Blocks of rows in W_x and W_h, one for each activation that they feed.
    blocks = 1
    # The arrays that pass from step to step.
    state_names = ("hidden",)
    # The fewest features of the input and of the hidden state.
    least_size = 0

    def __init__(self, input_size, hidden_size, bias=True, rng=None):
        super().__init__()
        least = self.least_size
        self.input_size = _checks.check_integer(self, minimum=least, input_size=input_size)
        self.hidden_size = _checks.check_integer(self, minimum=least, hidden_size=hidden_size)
        self.bias = _checks.check_flag(self, bias=bias)
        self.rng = _checks.check_generator(self, rng=rng)
        self.params = self.draw_params()

    @property
    def output_size(self):
        """The number of features in h."""
        return self.hidden_size

    def draw_params(self):
        """The parameters to start from."""
        return self.draw_cell(self.input_size)

    def draw_cell(self, input_size):
        """W_x, W_h and, with a bias, b_x and b_h."""
        rows = self.blocks * self.hidden_size
        shapes = [(rows, input_size), (rows, self.output_size), (rows,), (rows,)]
        return [self.draw_uniform(shape) for shape in shapes[: 2 + 2 * self.bias]]

    def draw_uniform(self, shape):
        """U(-1/sqrt(hidden_size), 1/sqrt(hidden_size)), the law of every parameter."""
        bound = 1 / math.sqrt(self.hidden_size) if self.hidden_size else 0.0
        return self.rng.uniform(-bound, bound, shape)

    def split_params(self, params):
        """W_x and b_x, then the list of those that `step` takes."""
        weights_x, weights_h, *rest = params
        bias_x, bias_h, *others = rest if self.bias else (0, 0, *rest)
        return weights_x, bias_x, [weights_h, bias_h, *others]

    def multiply(self, inputs, weights, bias):
        """W x + b or W h + b, of one step or of all at once."""
        # An infinite sum (of which BLAS may falsely report NaN) saturates to a finite answer.
        with np.errstate(over="ignore", invalid="ignore"):
            return inputs @ weights.T + bias

    def grad_shared(self, grad_products, inputs, hiddens):
        """The gradients of W_x, W_h, b_x and b_h; rows are samples, or samples and times."""
        grad_from_input, grad_from_state = grad_products[0], grad_products[-1]
        grad_weights = [grad_from_input.T @ inputs, grad_from_state.T @ hiddens]
        if not self.bias:
            return grad_weights
        return [*grad_weights, grad_from_input.sum(axis=0), grad_from_state.sum(axis=0)]

    def take_state(self, state, shapes, dtype):
        """The given state as a tuple of its arrays; zeros for None."""
        if state is None:
            return tuple(np.zeros(shape, dtype) for shape in shapes)
        return _checks.check_carried(self, dict(zip(self.state_names, shapes, strict=True)), state)

    def give_state(self, state):
        """The state as the caller sees it: one array, or a tuple of several."""
        return state if len(state) > 1 else state[0]

    def fill_zeros(self, grad_outputs, dtype):
        """One gradient for each output: zeros for None and for what is left out."""
        given = (*grad_outputs, *[None] * len(self.output_shapes))
        return tuple(
            np.zeros(shape, dtype) if grad is None else grad
            for grad, shape in zip(given, self.output_shapes, strict=False)
        )

    def forward(self, input_data, state=None):
        _checks.check_rank(self, 2, "(batch, features)", input_data=input_data)
        _checks.check_last_axis(self, self.input_size, "features", input_data=input_data)
        weights_x, bias_x, own = self.split_params(self.params)
        shapes = [(len(input_data), self.hidden_size)] * len(self.state_names)
        state = self.take_state(state, shapes, np.result_type(input_data, weights_x))
        from_input = self.multiply(input_data, weights_x, bias_x)
        self.input_data, self.hidden = input_data, state[0]
        state, self.kept = self.step(from_input, state, *own)
        return self.give_state(state)

    def backward(self, *grad_state):
        weights_x, _, own = self.split_params(self.params)
        grad_state = self.fill_zeros(grad_state, np.result_type(self.input_data, weights_x))
        grad_products, grad_state, grad_own = self.step_backward(grad_state, self.kept, *own)
        grad_shared = self.grad_shared(grad_products, self.input_data, self.hidden)
        grad_input = grad_products[0] @ weights_x
        return (grad_input, self.give_state(grad_state)), [*grad_shared, *grad_own]


class RNNCell(RecurrentCell):
    """A layer of neurons that sees its own last output (Elman's network), for one step in time.

    Formula: h' = f(W_x x + b_x + W_h h + b_h), with f = tanh or relu
    Derivative: with da = g (1 - h'^2) for tanh, and for relu g where h' > 0 and 0 elsewhere, the
        kink included (PyTorch's choice): dL/dx = da W_x; dL/dh = da W_h; dL/dW_x = da^T x;
        dL/dW_h = da^T h; dL/db_x = dL/db_h = sum of da over the batch.
    Shapes: x (batch, input_size), h and h' (batch, hidden_size), W_x (hidden_size, input_size),
        W_h (hidden_size, hidden_size), b_x and b_h (hidden_size,). h is 0 by default.
    Dtypes: float32 and float64; the output has the promotion of the input's and the weights'.
    Errors: TypeError for an array that is not floating; ValueError for an unknown nonlinearity,
        another number of features, a state or an upstream gradient of another shape; RuntimeError
        for backward before forward.
    Book: sections 24.2 and 24.3.
    Paper: Elman (1990), Finding structure in time, Cognitive Science 14(2),
        DOI 10.1207/s15516709cog1402_1.
    PyTorch: torch.nn.RNNCell. PyTorch's input may lack the batch axis; backward returns the
        gradients of x and h.
    """

    def __init__(self, input_size, hidden_size, bias=True, nonlinearity="tanh", rng=None):
        super().__init__(input_size, hidden_size, bias, rng)
        self.nonlinearity = _checks.check_choice(
            self, tuple(NONLINEARITIES), nonlinearity=nonlinearity
        )

    def step(self, from_input, state, weights_h, bias_h):
        (hidden,) = state
        activate, _ = NONLINEARITIES[self.nonlinearity]
        hidden = activate(from_input + self.multiply(hidden, weights_h, bias_h))
        return (hidden,), hidden

    def step_backward(self, grad_state, hidden, weights_h, bias_h):
        (grad_hidden,) = grad_state
        _, derivative = NONLINEARITIES[self.nonlinearity]
        grad_products = grad_hidden * derivative(hidden)
        return [grad_products], (grad_products @ weights_h,), ()


class LSTMCell(RecurrentCell):
    """A cell of memory behind three gates, for one step in time.

    Formula: i = s(W_xi x + b_xi + W_hi h + b_hi), what is written
        f = s(W_xf x + b_xf + W_hf h + b_hf), what is kept
        n = tanh(W_xn x + b_xn + W_hn h + b_hn), the candidate
        o = s(W_xo x + b_xo + W_ho h + b_ho), what is shown
        c' = f c + i n
        h' = o tanh(c')
    Derivative: with k = dL/dc' + dL/dh' o (1 - tanh(c')^2), the arguments of the four get
        k n i (1 - i), k c f (1 - f), k i (1 - n^2) and dL/dh' tanh(c') o (1 - o), side by side
        da; dL/dc = k f; dL/dh = da W_h; dL/dx = da W_x; dL/dW_x = da^T x; dL/dW_h = da^T h;
        dL/db_x = dL/db_h = sum of da over the batch. No kinks.
    Shapes: x (batch, input_size), h, c, h' and c' (batch, hidden_size), W_x (4 hidden_size,
        input_size) and W_h (4 hidden_size, hidden_size) in the order i, f, n, o, b_x and b_h (4
        hidden_size,). The state is the tuple (h, c), by default 0.
    Dtypes: float32 and float64; the output has the promotion of the input's and the weights'.
    Errors: TypeError for an array that is not floating; ValueError for another number of features,
        a state or an upstream gradient of another shape; RuntimeError for backward before forward.
    Book: section 24.5.1.
    Paper: Hochreiter, Schmidhuber (1997), Long short-term memory, Neural Computation 9(8),
        DOI 10.1162/neco.1997.9.8.1735; the forget gate: Gers, Schmidhuber, Cummins (2000),
        Learning to forget, Neural Computation 12(10), DOI 10.1162/089976600300015015.
    PyTorch: torch.nn.LSTMCell. PyTorch's input may lack the batch axis; backward returns the
        gradients of x and (h, c).
    """

    blocks = 4
    state_names = ("hidden", "cell")

    def step(self, from_input, state, weights_h, bias_h):
        hidden, cell = state
        products = from_input + self.multiply(hidden, weights_h, bias_h)
        for_input, for_forget, for_candidate, for_output = np.split(products, 4, axis=1)
        input_gate, forget_gate = sigmoid(for_input), sigmoid(for_forget)
        candidate, output_gate = np.tanh(for_candidate), sigmoid(for_output)
        next_cell = forget_gate * cell + input_gate * candidate
        shown = np.tanh(next_cell)
        kept = (input_gate, forget_gate, candidate, output_gate, cell, shown)
        return (output_gate * shown, next_cell), kept

    def step_backward(self, grad_state, kept, weights_h, bias_h):
        grad_hidden, grad_cell = grad_state
        input_gate, forget_gate, candidate, output_gate, cell, shown = kept
        grad_cell = grad_cell + grad_hidden * output_gate * (1 - shown * shown)
        grad_products = np.concatenate(
            [
                grad_cell * candidate * input_gate * (1 - input_gate),
                grad_cell * cell * forget_gate * (1 - forget_gate),
                grad_cell * input_gate * (1 - candidate * candidate),
                grad_hidden * shown * output_gate * (1 - output_gate),
            ],
            axis=1,
        )
        grad_state = (grad_products @ weights_h, grad_cell * forget_gate)
        return [grad_products], grad_state, ()


class PeepholeLSTMCell(RecurrentCell):
    """A cell of memory whose gates see the memory itself, for one step in time.

    Formula: i = s(W_xi x + b_xi + W_hi h + b_hi + p_i c), what is written
        f = s(W_xf x + b_xf + W_hf h + b_hf + p_f c), what is kept
        n = tanh(W_xn x + b_xn + W_hn h + b_hn), the candidate
        c' = f c + i n
        o = s(W_xo x + b_xo + W_ho h + b_ho + p_o c'), what is shown
        h' = o tanh(c')
    Derivative: with da_o = dL/dh' tanh(c') o (1 - o) and
        k = dL/dc' + dL/dh' o (1 - tanh(c')^2) + p_o da_o, the arguments of i, f and n get
        da_i = k n i (1 - i), da_f = k c f (1 - f) and da_n = k i (1 - n^2);
        dL/dc = k f + p_i da_i + p_f da_f; dL/dp_i, dL/dp_f and dL/dp_o are da_i c, da_f c and
        da_o c', summed over the batch; the rest is as in LSTMCell. No kinks.
    Shapes: x (batch, input_size), h, c, h' and c' (batch, hidden_size), W_x (4 hidden_size,
        input_size) and W_h (4 hidden_size, hidden_size) in the order i, f, n, o, b_x and b_h (4
        hidden_size,), p (3, hidden_size) in the order i, f, o, the last of the parameters. The
        state is the tuple (h, c), by default 0.
    Dtypes: float32 and float64; the output has the promotion of the input's and the weights'.
    Errors: TypeError for an array that is not floating; ValueError for another number of features,
        a state or an upstream gradient of another shape; RuntimeError for backward before forward.
    Book: section 24.5.2.
    Paper: Gers, Schraudolph, Schmidhuber (2002), Learning precise timing with LSTM recurrent
        networks, JMLR 3, DOI 10.1162/153244303768966139; in this form Graves (2013), Generating
        sequences with recurrent neural networks, eq. 7-11, arXiv:1308.0850.
    PyTorch: none. The gradient is that of the formula; the first paper cuts it off at the gates.
        The two biases are those of LSTMCell, and count as their sum.
    """

    blocks = 4
    state_names = ("hidden", "cell")

    def draw_cell(self, input_size):
        return [*super().draw_cell(input_size), self.draw_uniform((3, self.hidden_size))]

    def step(self, from_input, state, weights_h, bias_h, peepholes):
        hidden, cell = state
        into_input, into_forget, into_output = peepholes
        products = from_input + self.multiply(hidden, weights_h, bias_h)
        for_input, for_forget, for_candidate, for_output = np.split(products, 4, axis=1)
        input_gate = sigmoid(for_input + into_input * cell)
        forget_gate = sigmoid(for_forget + into_forget * cell)
        candidate = np.tanh(for_candidate)
        next_cell = forget_gate * cell + input_gate * candidate
        output_gate = sigmoid(for_output + into_output * next_cell)
        shown = np.tanh(next_cell)
        kept = (input_gate, forget_gate, candidate, output_gate, cell, next_cell, shown)
        return (output_gate * shown, next_cell), kept

    def step_backward(self, grad_state, kept, weights_h, bias_h, peepholes):
        grad_hidden, grad_cell = grad_state
        into_input, into_forget, into_output = peepholes
        input_gate, forget_gate, candidate, output_gate, cell, next_cell, shown = kept
        for_output = grad_hidden * shown * output_gate * (1 - output_gate)
        through_output = grad_hidden * output_gate * (1 - shown * shown)
        grad_cell = grad_cell + through_output + into_output * for_output
        for_input = grad_cell * candidate * input_gate * (1 - input_gate)
        for_forget = grad_cell * cell * forget_gate * (1 - forget_gate)
        for_candidate = grad_cell * input_gate * (1 - candidate * candidate)
        grad_products = np.concatenate([for_input, for_forget, for_candidate, for_output], axis=1)
        seen = (for_input * cell, for_forget * cell, for_output * next_cell)
        grad_peepholes = np.stack([part.sum(axis=0) for part in seen])
        grad_cell = grad_cell * forget_gate + into_input * for_input + into_forget * for_forget
        grad_state = (grad_products @ weights_h, grad_cell)
        return [grad_products], grad_state, (grad_peepholes,)


class GRUCell(RecurrentCell):
    """A hidden state that two gates blend with a new candidate, for one step in time.

    Formula: r = s(W_xr x + b_xr + W_hr h + b_hr), how much of the past the candidate sees
        z = s(W_xz x + b_xz + W_hz h + b_hz), what is kept
        n = tanh(W_xn x + b_xn + r (W_hn h + b_hn)), the candidate
        h' = (1 - z) n + z h
    Derivative: the arguments of z, n and r get da_z = g (h - n) z (1 - z),
        da_n = g (1 - z) (1 - n^2) and da_r = da_n (W_hn h + b_hn) r (1 - r); side by side,
        da_x = (da_r, da_z, da_n) and da_h = (da_r, da_z, r da_n): dL/dx = da_x W_x;
        dL/dh = g z + da_h W_h; dL/dW_x = da_x^T x; dL/dW_h = da_h^T h; dL/db_x and dL/db_h =
        sums of da_x and da_h over the batch. No kinks.
    Shapes: x (batch, input_size), h and h' (batch, hidden_size), W_x (3 hidden_size, input_size)
        and W_h (3 hidden_size, hidden_size) in the order r, z, n, b_x and b_h (3 hidden_size,). h
        is 0 by default.
    Dtypes: float32 and float64; the output has the promotion of the input's and the weights'.
    Errors: TypeError for an array that is not floating; ValueError for another number of features,
        a state or an upstream gradient of another shape; RuntimeError for backward before forward.
    Book: section 24.5.3.
    Paper: Cho, van Merrienboer, Gulcehre, Bahdanau, Bougares, Schwenk, Bengio (2014), Learning
        phrase representations using RNN encoder-decoder for statistical machine translation,
        EMNLP, DOI 10.3115/v1/D14-1179.
    PyTorch: torch.nn.GRUCell. PyTorch's input may lack the batch axis; backward returns the
        gradients of x and h. The paper resets before the product, W_hn (r h), where this form
        resets after it.
    """

    blocks = 3

    def step(self, from_input, state, weights_h, bias_h):
        (hidden,) = state
        from_state = self.multiply(hidden, weights_h, bias_h)
        input_reset, input_update, input_candidate = np.split(from_input, 3, axis=1)
        state_reset, state_update, state_candidate = np.split(from_state, 3, axis=1)
        reset = sigmoid(input_reset + state_reset)
        update = sigmoid(input_update + state_update)
        candidate = np.tanh(input_candidate + reset * state_candidate)
        # A copy, for a view would keep the other two blocks too.
        kept = (reset, update, candidate, state_candidate.copy(), hidden)
        return ((1 - update) * candidate + update * hidden,), kept

    def step_backward(self, grad_state, kept, weights_h, bias_h):
        (grad_hidden,) = grad_state
        reset, update, candidate, state_candidate, hidden = kept
        for_update = grad_hidden * (hidden - candidate) * update * (1 - update)
        for_candidate = grad_hidden * (1 - update) * (1 - candidate * candidate)
        for_reset = for_candidate * state_candidate * reset * (1 - reset)
        grad_from_input = np.concatenate([for_reset, for_update, for_candidate], axis=1)
        grad_from_state = np.concatenate([for_reset, for_update, reset * for_candidate], axis=1)
        grad_hidden = grad_hidden * update + grad_from_state @ weights_h
        return [grad_from_input, grad_from_state], (grad_hidden,), ()
