"""Embeddings: rows of a table, looked up by their index."""

import numpy as np

from reference import _checks
from reference._base import Layer


def _sum_by(groups, rows, count):
    """For each of `count` groups, the sum of the rows (n, features) that belong to it."""
    features = rows.shape[-1]
    sums = np.zeros((count, features), rows.dtype)
    # On flat arrays, where NumPy is quick: the place of each element in `sums`.
    places = groups[:, np.newaxis] * features + np.arange(features)
    np.add.at(sums.reshape(-1), places.reshape(-1), rows.reshape(-1))
    return sums


class _Table(Layer):
    """What Embedding and EmbeddingBag share: the table, its options and its gradient."""

    def __init__(
        self,
        num_embeddings,
        embedding_dim,
        padding_idx=None,
        max_norm=None,
        norm_type=2.0,
        scale_grad_by_freq=False,
        rng=None,
    ):
        super().__init__()
        self.num_embeddings = _checks.check_integer(self, minimum=0, num_embeddings=num_embeddings)
        self.embedding_dim = _checks.check_integer(self, minimum=0, embedding_dim=embedding_dim)
        self.padding_idx = _checks.check_place(self, num_embeddings, padding_idx=padding_idx)
        self.max_norm = None if max_norm is None else _checks.check_number(self, max_norm=max_norm)
        self.norm_type = _checks.check_extended_number(self, norm_type=norm_type)
        self.scale_grad_by_freq = _checks.check_flag(self, scale_grad_by_freq=scale_grad_by_freq)
        rng = _checks.check_generator(self, rng=rng)
        self.params = [rng.standard_normal((num_embeddings, embedding_dim))]
        if padding_idx is not None:
            self.weights[self.padding_idx] = 0

    @property
    def weights(self):
        return self.params[0]

    def shrink_rows(self, indices):
        """Scale the rows in use whose norm exceeds `max_norm` down to it, in place."""
        rows = np.unique(indices)
        # A zero has an infinite negative power, which makes a norm of negative type 0.
        with np.errstate(divide="ignore"):
            norms = np.linalg.norm(self.weights[rows], ord=self.norm_type, axis=-1)
        long = norms > self.max_norm
        # In float64 at least: 1e-7 is less than the spacing of float32 at 1.
        norms = norms[long].astype(np.result_type(norms, float))
        scale = (self.max_norm / (norms + 1e-7)).astype(self.weights.dtype)
        self.weights[rows[long]] *= scale[:, np.newaxis]

    def gradient_of_rows(self, indices, grad_rows):
        """The table's gradient, from those of the rows looked up: (n,) and (n, features)."""
        grad_weights = _sum_by(indices, grad_rows, self.num_embeddings)
        if self.scale_grad_by_freq:
            times = np.bincount(indices, minlength=self.num_embeddings)
            grad_weights /= np.maximum(times, 1)[:, np.newaxis]
        return grad_weights


class Embedding(_Table):
    """Looks up a row of a table for each index.

    Formula: y = W[x]; with max_norm, each row used whose norm_type-norm n exceeds it is first
        replaced by W[i] max_norm / (n + 1e-7), in the table itself
    Derivative: dL/dW[i] = sum of g over the places where x = i, divided by their number if
        scale_grad_by_freq; 0 for i = padding_idx. The indices have none. The scaling to max_norm
        is not differentiated.
    Shapes: x any, of integers in [0, num_embeddings); W (num_embeddings, embedding_dim);
        y (*x.shape, embedding_dim).
    Dtypes: float32 and float64; the output has the table's.
    Errors: TypeError for indices that are no integers; ValueError for an index out of range, a
        padding_idx outside the table or an upstream gradient of another shape; RuntimeError for
        backward before forward.
    Book: not in the book.
    Paper: Bengio, Ducharme, Vincent, Jauvin (2003), A neural probabilistic language model,
        JMLR 3.
    PyTorch: torch.nn.Embedding. The gradient is a whole array always: there is no sparse=True. The
        table starts from the same law, N(0, 1), with the row of padding_idx 0.
    """

    non_floating = ("input_data",)

    def forward(self, input_data):
        _checks.check_indices(self, self.num_embeddings, input_data=input_data)
        if self.max_norm is not None:
            self.shrink_rows(input_data)
        self.input_data = input_data
        return self.weights[input_data]

    def backward(self, grad_output):
        indices = self.input_data.reshape(-1)
        grad_rows = grad_output.reshape(indices.size, self.embedding_dim)
        grad_weights = self.gradient_of_rows(indices, grad_rows)
        if self.padding_idx is not None:
            grad_weights[self.padding_idx] = 0
        return None, [grad_weights]


class EmbeddingBag(_Table):
    """Looks up rows of a table and reduces each bag of them to one.

    Formula: "sum": y_b = sum over the i in bag b of s_i W[x_i], with s the per_sample_weights,
        1 if there are none; "mean": y_b = their sum divided by their number; "max": y_b = their
        maximum, feature by feature. Indices equal to padding_idx are left out; an empty bag
        gives 0. max_norm as in Embedding.
    Derivative: dL/dW[j] = sum of c_i g_b over the places where x_i = j, with c_i = s_i ("sum"),
        1 / the bag's number of rows ("mean"), or 1 where the row has the maximum, the first of
        equal ones (PyTorch's choice), and 0 elsewhere ("max"); divided by the number of places
        if scale_grad_by_freq. dL/ds_i = W[x_i] . g_b, 0 for padding.
    Shapes: x (bags, length), s of the same shape; or x (n,) with offsets (bags,), the place
        where each bag starts, s (n,). With include_last_offset the offsets are (bags + 1,), and
        the last is n. W (num_embeddings, embedding_dim), y (bags, embedding_dim).
    Dtypes: float32 and float64; the output has the promotion of the table's and that of s.
    Errors: TypeError for indices or offsets that are no integers; ValueError for an index out of
        range, a padding_idx outside the table, offsets that do not start at 0, fall or exceed n,
        offsets missing for x (n,) or given for x (bags, length), per_sample_weights outside
        "sum", scale_grad_by_freq in "max", or an upstream gradient of another shape;
        RuntimeError for backward before forward.
    Book: not in the book.
    Paper: Joulin, Grave, Bojanowski, Mikolov (2017), Bag of tricks for efficient text
        classification, EACL, DOI 10.18653/v1/E17-2068.
    PyTorch: torch.nn.EmbeddingBag. Its scale_grad_by_freq divides the gradient of the k-th row
        in use by the number of places of another row, that of the k-th index in sorted order;
        here each is divided by its own number. The gradient is a whole array always, as in
        Embedding. PyTorch lets the offsets fall, or end before n; the result is not defined.
    """

    non_floating = ("input_data", "offsets")

    def __init__(
        self,
        num_embeddings,
        embedding_dim,
        max_norm=None,
        norm_type=2.0,
        scale_grad_by_freq=False,
        mode="mean",
        include_last_offset=False,
        padding_idx=None,
        rng=None,
    ):
        options = (padding_idx, max_norm, norm_type, scale_grad_by_freq, rng)
        super().__init__(num_embeddings, embedding_dim, *options)
        self.mode = _checks.check_choice(self, ("sum", "mean", "max"), mode=mode)
        self.include_last_offset = _checks.check_flag(self, include_last_offset=include_last_offset)
        if scale_grad_by_freq:
            _checks.check_choice(self, ("sum", "mean"), mode=mode)

    def forward(self, input_data, offsets=None, per_sample_weights=None):
        _checks.check_indices(self, self.num_embeddings, input_data=input_data)
        starts = self.starts_of_bags(input_data, offsets)
        if per_sample_weights is not None:
            _checks.check_choice(self, ("sum",), method="forward", mode=self.mode)
            _checks.check_shape(self, input_data.shape, per_sample_weights=per_sample_weights)
        if self.max_norm is not None:
            self.shrink_rows(input_data)
        self.weighted = per_sample_weights is not None
        # Without a padding_idx, that is None, every index differs from it.
        self.kept = input_data != self.padding_idx
        self.indices = input_data[self.kept]  # (n,), without the padding, as all that follows
        self.rows = self.weights[self.indices]
        lengths = np.diff(starts, append=input_data.size)
        self.bags = np.repeat(np.arange(starts.size), lengths)[self.kept.reshape(-1)]
        self.lengths = np.bincount(self.bags, minlength=starts.size)
        if self.mode == "max":
            return self.maximum()
        self.factors = self.factors_of_rows(per_sample_weights)[:, np.newaxis]
        return _sum_by(self.bags, self.factors * self.rows, starts.size)

    def backward(self, grad_output):
        if self.mode == "max":
            grad_rows = np.zeros(self.rows.shape, grad_output.dtype)
            filled = self.lengths > 0
            grad_rows[self.winners[filled], np.arange(self.embedding_dim)] = grad_output[filled]
            return (None, None, None), [self.gradient_of_rows(self.indices, grad_rows)]
        grad_terms = grad_output[self.bags]
        grad_weights = self.gradient_of_rows(self.indices, self.factors * grad_terms)
        if not self.weighted:
            return (None, None, None), [grad_weights]
        grad_factors = np.zeros(self.kept.shape, grad_terms.dtype)
        grad_factors[self.kept] = np.sum(self.rows * grad_terms, axis=-1)
        return (None, None, grad_factors), [grad_weights]

    def starts_of_bags(self, input_data, offsets):
        """The place in the flat input where each bag starts."""
        _checks.check_rank(self, (1, 2), "(n,) or (bags, length)", input_data=input_data)
        count = input_data.size
        if input_data.ndim == 2:
            _checks.check_absent(self, "with input_data of 2 axes", offsets=offsets)
            _checks.check_filled_axis(self, -1, input_data=input_data)
            return np.arange(0, count, input_data.shape[-1])
        _checks.check_offsets(self, count, self.include_last_offset, offsets=offsets)
        return offsets[:-1] if self.include_last_offset else offsets

    def factors_of_rows(self, per_sample_weights):
        """What each row is multiplied with before its bag is summed."""
        if self.weighted:
            return per_sample_weights[self.kept]
        if self.mode == "mean":
            return 1 / self.lengths[self.bags].astype(self.rows.dtype)
        return np.ones(self.indices.shape, self.rows.dtype)

    def maximum(self):
        """The largest of each bag's rows; `winners` are the places it comes from."""
        output = np.zeros((self.lengths.size, self.embedding_dim), self.rows.dtype)
        self.winners = np.zeros(output.shape, int)
        starts = np.cumsum(self.lengths) - self.lengths
        for place in range(np.max(self.lengths, initial=0)):
            bags = np.flatnonzero(self.lengths > place)
            rows = self.rows[starts[bags] + place]
            # A NaN wins only where it stands first in its bag, as in PyTorch.
            better = (rows > output[bags]) | (place == 0)
            output[bags] = np.where(better, rows, output[bags])
            winners = np.where(better, (starts[bags] + place)[:, np.newaxis], self.winners[bags])
            self.winners[bags] = winners
        return output
