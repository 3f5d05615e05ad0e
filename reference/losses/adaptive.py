"""The softmax of very many classes, by frequency (beyond section 11.3)."""

import numpy as np

from reference import _checks, _numeric
from reference._base import Layer


def _draw(rng, inputs, shape):
    bound = 1 / np.sqrt(inputs) if inputs else 0.0
    return rng.uniform(-bound, bound, shape)


def _pull_logits(log_p, places, pull):
    """The gradient of the logits for `pull` on the chosen entry of each row of log_p."""
    grad = -pull[:, None] * np.exp(log_p)
    grad[np.arange(len(places)), places] += pull
    return grad


class AdaptiveLogSoftmaxWithLoss(Layer):
    """Cross-entropy over many classes: rare ones share an entry of the head, and a tail of theirs.

    Formula: y = log p(t | x) = log softmax(H x + b)_t for t among the frequent classes,
        log softmax(H x + b)_k + log softmax(V_k U_k x)_(t - cutoff_k) for t in cluster k;
        loss = -mean(y)
    Derivative: with g the gradient of y, less that of the loss divided by the batch size: for the
        logits of each softmax used, g (1[entry of t] - p); by the chain to H, b, U_k, V_k and x.
        It has no kink.
    Shapes: x (..., in_features), t (...) integers, y (...), loss (); H (cutoffs[0] + clusters,
        in_features), b (cutoffs[0] + clusters,), U_k (in_features // div_value^k, in_features),
        V_k (classes of cluster k, in_features // div_value^k).
    Dtypes: float32 and float64; the outputs have the promotion of the input's and the weights'.
    Errors: TypeError for an array that is not floating or targets that are not integers;
        ValueError for an option out of range, another number of features, a target that is no
        class, targets of another shape or an upstream gradient of another shape; RuntimeError for
        backward before forward.
    Book: not in the book.
    Paper: Grave, Joulin, Cisse, Grangier, Jegou (2017), Efficient softmax approximation for GPUs,
        ICML, arXiv 1609.04309.
    PyTorch: torch.nn.AdaptiveLogSoftmaxWithLoss. No difference; the weights start from the same
        law, U(-1/sqrt(n), 1/sqrt(n)) with n their number of inputs.
    """

    non_floating = ("target",)

    def __init__(self, in_features, n_classes, cutoffs, div_value=4.0, head_bias=False, rng=None):
        super().__init__()
        self.in_features = _checks.check_integer(self, in_features=in_features)
        self.n_classes = _checks.check_integer(self, minimum=2, n_classes=n_classes)
        self.cutoffs = _checks.check_cutoffs(self, self.n_classes, cutoffs=cutoffs)
        self.div_value = _checks.check_positive(self, div_value=div_value)
        self.head_bias = _checks.check_flag(self, head_bias=head_bias)
        rng = _checks.check_generator(self, rng=rng)
        entries = self.cutoffs[0] + len(self.cutoffs)
        shapes = [(entries, in_features), (entries,)][: 1 + self.head_bias]
        self.params = [_draw(rng, in_features, shape) for shape in shapes]
        ends = [*self.cutoffs[1:], self.n_classes]
        for place, (start, end) in enumerate(zip(self.cutoffs, ends, strict=True)):
            hidden = int(in_features // self.div_value ** (place + 1))
            self.params.append(_draw(rng, in_features, (hidden, in_features)))
            self.params.append(_draw(rng, hidden, (end - start, hidden)))

    @property
    def clusters(self):
        """The cutoff, U and V of each cluster."""
        tails = self.params[1 + self.head_bias :]
        return list(zip(self.cutoffs, tails[::2], tails[1::2], strict=True))

    def head_log_p(self, rows):
        logits = rows @ self.params[0].T  # (batch, cutoffs[0] + clusters)
        return _numeric.log_softmax(logits + self.params[1] if self.head_bias else logits)

    def forward(self, input_data, target):
        _checks.check_last_axis(self, self.in_features, "features", input_data=input_data)
        _checks.check_shape(self, input_data.shape[:-1], target=target)
        _checks.check_indices(self, self.n_classes, target=target)
        self.input_shape = input_data.shape
        self.rows, target = input_data.reshape(-1, self.in_features), np.reshape(target, -1)
        cluster = np.searchsorted(self.cutoffs, target, side="right")  # 0: the frequent classes
        self.entries = np.where(cluster == 0, target, self.cutoffs[0] + cluster - 1)
        self.head = self.head_log_p(self.rows)
        log_p = self.head[np.arange(len(target)), self.entries]
        self.tails = []
        for place, (start, inner, outer) in enumerate(self.clusters):
            members = np.flatnonzero(cluster == place + 1)
            hidden = self.rows[members] @ inner.T  # (members, hidden)
            tail = _numeric.log_softmax(hidden @ outer.T)  # (members, classes of the cluster)
            classes = target[members] - start
            log_p[members] += tail[np.arange(len(members)), classes]
            self.tails.append((members, hidden, tail, classes))
        # The mean of no rows is NaN, as in PyTorch.
        with np.errstate(invalid="ignore"):
            loss = np.sum(-log_p) / log_p.dtype.type(log_p.size)
        return log_p.reshape(input_data.shape[:-1]), loss

    def backward(self, grad_output=None, grad_loss=None):
        pull = np.zeros(len(self.rows), self.head.dtype)
        if grad_output is not None:
            pull += np.reshape(grad_output, -1)
        if grad_loss is not None:
            pull -= grad_loss / max(len(pull), 1)
        grad_head = _pull_logits(self.head, self.entries, pull)
        grad_rows = grad_head @ self.params[0]
        grad_params = [grad_head.T @ self.rows, grad_head.sum(axis=0)][: 1 + self.head_bias]
        for (_, inner, outer), tail in zip(self.clusters, self.tails, strict=True):
            members, hidden, log_p, classes = tail
            grad_tail = _pull_logits(log_p, classes, pull[members])
            grad_hidden = grad_tail @ outer
            grad_rows[members] += grad_hidden @ inner
            grad_params += [grad_hidden.T @ self.rows[members], grad_tail.T @ hidden]
        return grad_rows.reshape(self.input_shape), grad_params

    def log_prob(self, input_data):
        """The logarithm of every class's probability, (..., n_classes)."""
        _checks.check_floating(self, "log_prob", "input_data", input_data)
        features = {"input_data": input_data}
        _checks.check_last_axis(self, self.in_features, "features", method="log_prob", **features)
        head = self.head_log_p(input_data)
        frequent, shared = head[..., : self.cutoffs[0]], head[..., self.cutoffs[0] :]
        rare = [
            shared[..., [place]] + _numeric.log_softmax(input_data @ inner.T @ outer.T)
            for place, (_, inner, outer) in enumerate(self.clusters)
        ]
        return np.concatenate([frequent, *rare], axis=-1)

    def predict(self, input_data):
        """The most probable class, (...)."""
        return np.argmax(self.log_prob(input_data), axis=-1)
