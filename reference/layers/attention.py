"""Attention (sections 26.2 and 26.3): queries gather values by their likeness to keys."""

import numpy as np

from reference import _checks
from reference._base import Layer
from reference.layers.dropout import Dropout


class _Weighting:
    """The heads of attention: c = softmax(q k^T scale + mask) v, each head for itself.

    Shapes: q (..., queries, features), k (..., keys, features), v (..., keys, values), mask
    added to the scores (..., queries, keys), c (..., queries, values).
    """

    def __init__(self, dropout):
        self.dropout = dropout

    def forward(self, query, key, value, mask, scale, blocked_row):
        """`blocked_row` is the weight of every key in a row whose keys are all blocked."""
        self.query, self.key, self.value, self.scale = query, key, value, scale
        scores = scale * query @ np.swapaxes(key, -1, -2)
        scores += mask
        largest = scores.max(axis=-1, keepdims=True, initial=-np.inf)
        scores -= np.where(largest == -np.inf, 0, largest)
        self.weights = np.exp(scores, out=scores)
        total = self.weights.sum(axis=-1, keepdims=True)
        self.weights /= np.where(total == 0, 1, total)
        self.weights[total[..., 0] == 0] = blocked_row
        self.dropped = self.dropout.forward(self.weights)
        return self.dropped @ value

    def backward(self, grad_context, grad_dropped):
        """Either gradient may be None, for zero."""
        grad_value = np.zeros(self.value.shape, self.weights.dtype)
        grad_weights = np.zeros((), self.weights.dtype) if grad_dropped is None else grad_dropped
        if grad_context is not None:
            grad_value = np.swapaxes(self.dropped, -1, -2) @ grad_context
            grad_weights = grad_weights + grad_context @ np.swapaxes(self.value, -1, -2)
        grad_weights = np.broadcast_to(grad_weights, self.weights.shape)
        grad_weights, _ = self.dropout.backward(grad_weights)
        along = np.einsum("...k,...k->...", grad_weights, self.weights)[..., np.newaxis]
        # Softmax's full Jacobian: w (g - sum of g w).
        grad_weights -= along
        grad_weights *= self.weights
        self.grad_mask = grad_weights
        grad_query = self.scale * (self.grad_mask @ self.key)
        grad_key = self.scale * (np.swapaxes(self.grad_mask, -1, -2) @ self.query)
        return grad_query, grad_key, grad_value


def _blocking(blocked, dtype):
    """What is added to the scores: minus infinity where a key is blocked."""
    return np.where(blocked, dtype.type(-np.inf), dtype.type(0))


def _causal(queries, keys, dtype):
    """What is added to the scores so that query t sees the keys 0 to t alone."""
    return _blocking(~np.tri(queries, keys, dtype=bool), dtype)


class ScaledDotProductAttention(Layer):
    """Each query takes the mean of the values, weighted by the likeness of its key.

    Formula: y = softmax(q k^T scale + mask) v, with scale = 1 / sqrt(features) if None
    Derivative: with w the weights and G = g v^T: dL/dv = w^T g; with S = w (G - sum of G w):
        dL/dq = scale S k, dL/dk = scale S^T q, dL/dmask = S for an additive mask. Softmax's
        whole Jacobian, not its diagonal.
    Shapes: query (..., heads, queries, features), key (..., heads, keys, features), value
        (..., heads, keys, values), y (..., heads, queries, values), where the axes before the
        last two broadcast; attn_mask broadcasts to (..., heads, queries, keys). With enable_gqa
        key and value may have fewer heads, whose number divides that of the queries' heads: each
        serves as many neighbours in turn.
    Dtypes: float32 and float64; a mask of booleans (True: this key counts) or of floats, which are
        added.
    Errors: TypeError for an array that is not floating; ValueError for shapes that do not match,
        is_causal beside a mask, a dropout outside [0, 1] or an upstream gradient of another shape;
        RuntimeError for backward before forward.
    Book: section 26.2.
    Paper: Vaswani, Shazeer, Parmar, Uszkoreit, Jones, Gomez, Kaiser, Polosukhin (2017), Attention
        is all you need, NeurIPS.
    PyTorch: torch.nn.functional.scaled_dot_product_attention. A row whose keys are all blocked
        gives 0, where a plain softmax is NaN. Dropout acts in training alone. One difference: where
        an array is empty PyTorch adds 0 times the sum of all, which is NaN if one of them holds NaN
        or infinity.
    """

    non_floating = ("attn_mask",)

    def __init__(self, dropout_p=0.0, is_causal=False, scale=None, enable_gqa=False, rng=None):
        super().__init__()
        self.is_causal = _checks.check_flag(self, is_causal=is_causal)
        self.scale = scale if scale is None else _checks.check_number(self, scale=scale)
        self.enable_gqa = _checks.check_flag(self, enable_gqa=enable_gqa)
        _checks.check_fraction(self, dropout_p=dropout_p)
        self.weighting = _Weighting(Dropout(dropout_p, rng=rng))

    @property
    def rng(self):
        """The generator of the dropout of weights."""
        return self.weighting.dropout.rng

    @rng.setter
    def rng(self, rng):
        self.weighting.dropout.rng = rng

    def forward(self, query, key, value, attn_mask=None):
        self.inputs = (query, key, value)
        self._check_inputs()
        queries, features = query.shape[-2:]
        key, value = self._repeated(key), self._repeated(value)
        batch = {"query": query, "key": key, "value": value}
        batch = {name: np.broadcast_to(0, array.shape[:-2]) for name, array in batch.items()}
        scores = (*_checks.check_broadcast(self, **batch), queries, key.shape[-2])
        mask = query.dtype.type(0)
        if self.is_causal:
            _checks.check_absent(self, "where is_causal is True", attn_mask=attn_mask)
            mask = _causal(queries, key.shape[-2], query.dtype)
        elif attn_mask is not None:
            _checks.check_mask(self, query.dtype, attn_mask=attn_mask)
            _checks.check_least_rank(self, 2, "(..., queries, keys)", attn_mask=attn_mask)
            _checks.check_broadcast(self, shape=scores, attn_mask=attn_mask)
            mask = _blocking(~attn_mask, query.dtype) if attn_mask.dtype == bool else attn_mask
        self.weighting.dropout.training = self.training
        scale = max(features, 1) ** -0.5 if self.scale is None else self.scale
        self.mask = attn_mask
        return self.weighting.forward(query, key, value, mask, scale, blocked_row=0)

    def backward(self, grad_output):
        grads = self.weighting.backward(grad_output, None)
        grads = tuple(self._shared(g, x.shape) for g, x in zip(grads, self.inputs, strict=True))
        if self.mask is None:
            return grads, None
        if self.mask.dtype == bool:
            return (*grads, None), None
        return (*grads, _unbroadcast(self.weighting.grad_mask, self.mask.shape)), None

    def _check_inputs(self):
        query, key, value = self.inputs
        layout = "(..., heads, time, features)"
        for name, array in {"query": query, "key": key, "value": value}.items():
            _checks.check_least_rank(self, 3 if self.enable_gqa else 2, layout, **{name: array})
            if self.enable_gqa:
                heads = (f"the heads of {name}", max(array.shape[-3], 1))
                _checks.check_axis_divides(self, heads, -3, query=query)
        _checks.check_last_axis(self, query.shape[-1], "features, as query has", key=key)
        _checks.check_last_axes(self, (key.shape[-2], value.shape[-1]), value=value)

    def _repeated(self, array):
        """Each head of keys or values once for every query's head that it serves."""
        if not self.enable_gqa:
            return array
        return np.repeat(array, self.inputs[0].shape[-3] // max(array.shape[-3], 1), axis=-3)

    def _shared(self, grad, shape):
        """Summed over the heads and the samples that share an array of this shape."""
        if self.enable_gqa:
            *batch, heads, time, features = grad.shape
            grouped = (*batch, shape[-3], heads // max(shape[-3], 1), time, features)
            grad = grad.reshape(grouped).sum(axis=-3)
        return _unbroadcast(grad, shape)


def _unbroadcast(grad, shape):
    """A gradient summed over the axes along which an array of this shape was repeated."""
    grad = grad.sum(axis=tuple(range(grad.ndim - len(shape))))
    repeated = tuple(axis for axis, size in enumerate(shape) if size == 1)
    return grad.sum(axis=repeated, keepdims=True)


def _outer(grad, array):
    """The gradient of a matrix W in array W^T: the sum of g x^T over batch and time."""
    return grad.reshape(-1, grad.shape[-1]).T @ array.reshape(-1, array.shape[-1])


class MultiheadAttention(Layer):
    """Attention in several heads, each on its own projections of query, key and value.

    Formula: q = x_q W_q^T + b_q, k = x_k W_k^T + b_k, v = x_v W_v^T + b_v, each cut into heads
        w = softmax(q k^T / sqrt(embed_dim / num_heads) + mask), for each head
        y = concat(w v) W_o^T + b_o
        add_bias_kv appends a learned key and value, add_zero_attn then a key and value of zeros.
    Derivative: that of the projections (Linear) around that of attention; the weights returned
        take a gradient of their own.
    Shapes: query (batch, queries, embed_dim), key (batch, keys, kdim), value (batch, keys, vdim),
        y (batch, queries, embed_dim), weights (batch, queries, keys), the mean over the heads, or
        (batch, heads, queries, keys) without average_attn_weights. attn_mask (queries, keys) or
        (batch heads, queries, keys); key_padding_mask (batch, keys). Parameters as in PyTorch:
        in_proj (3 embed_dim, embed_dim), or three matrices where kdim or vdim differ, its bias,
        bias_k, bias_v (1, 1, embed_dim), out_proj (embed_dim, embed_dim), its bias.
    Dtypes: float32 and float64; masks of booleans (True: this key is BLOCKED, the opposite of
        ScaledDotProductAttention's) or of floats, which are added.
    Errors: TypeError for an array that is not floating; ValueError for an embed_dim that
        num_heads does not divide, other numbers of features, masks of another shape, is_causal
        without attn_mask or an upstream gradient of another shape; RuntimeError for backward
        before forward.
    Book: section 26.3.
    Paper: Vaswani, Shazeer, Parmar, Uszkoreit, Jones, Gomez, Kaiser, Polosukhin (2017), Attention
        is all you need, NeurIPS.
    PyTorch: torch.nn.MultiheadAttention with batch_first. No difference in training or under
        autograd. A row whose keys are all blocked is NaN with need_weights and b_o without.
        is_causal is a hint: without need_weights and key_padding_mask it replaces attn_mask by
        the causal mask, learned and zero keys included. need_weights=False returns y alone, not
        (y, None). The gradients of masks of floats are apart, in grad_masks().
    """

    non_floating = (
        "key_padding_mask",
        "need_weights",
        "attn_mask",
        "average_attn_weights",
        "is_causal",
    )

    def __init__(
        self,
        embed_dim,
        num_heads,
        dropout=0.0,
        bias=True,
        add_bias_kv=False,
        add_zero_attn=False,
        kdim=None,
        vdim=None,
        rng=None,
    ):
        super().__init__()
        self.embed_dim = _checks.check_integer(self, embed_dim=embed_dim)
        self.num_heads = _checks.check_integer(self, num_heads=num_heads)
        _checks.check_divides(self, ("num_heads", num_heads), embed_dim=embed_dim)
        self.bias = _checks.check_flag(self, bias=bias)
        self.add_bias_kv = _checks.check_flag(self, add_bias_kv=add_bias_kv)
        self.add_zero_attn = _checks.check_flag(self, add_zero_attn=add_zero_attn)
        self.kdim = embed_dim if kdim is None else _checks.check_integer(self, kdim=kdim)
        self.vdim = embed_dim if vdim is None else _checks.check_integer(self, vdim=vdim)
        self.packed = self.kdim == self.vdim == embed_dim
        _checks.check_fraction(self, dropout=dropout)
        rng = _checks.check_generator(self, rng=rng)
        self.weighting = _Weighting(Dropout(dropout, rng=rng))
        self.params = self._initial(rng)

    def _initial(self, rng):
        """PyTorch's laws: Xavier for the projections, zeros for their biases."""
        size = self.embed_dim
        if self.packed:
            shapes = [(3 * size, size)]
        else:
            shapes = [(size, size), (size, self.kdim), (size, self.vdim)]
        bounds = [np.sqrt(6 / sum(shape)) for shape in shapes]
        params = [rng.uniform(-b, b, shape) for b, shape in zip(bounds, shapes, strict=True)]
        params += [np.zeros(3 * size)] if self.bias else []
        deviation = np.sqrt(1 / size)
        params += [rng.normal(0, deviation, (1, 1, size)) for _ in range(2 * self.add_bias_kv)]
        params += [rng.uniform(-deviation, deviation, (size, size))]
        return params + ([np.zeros(size)] if self.bias else [])

    @property
    def rng(self):
        """The generator of the dropout of weights."""
        return self.weighting.dropout.rng

    @rng.setter
    def rng(self, rng):
        self.weighting.dropout.rng = rng

    def projections(self):
        """W_q, W_k, W_v and b_q, b_k, b_v."""
        count = 1 if self.packed else 3
        weights = np.split(self.params[0], 3) if self.packed else self.params[:3]
        biases = np.split(self.params[count], 3) if self.bias else [0, 0, 0]
        return weights, biases

    def forward(
        self,
        query,
        key,
        value,
        key_padding_mask=None,
        need_weights=True,
        attn_mask=None,
        average_attn_weights=True,
        is_causal=False,
    ):
        self.inputs = (query, key, value)
        self._check_inputs()
        if is_causal:
            _checks.check_present(self, "where is_causal is True", attn_mask=attn_mask)
        # The hint is taken at its word, unless the mask is read for another reason.
        self.hinted = is_causal and key_padding_mask is None and not need_weights
        self.masks = self._spread(attn_mask, key_padding_mask)
        weights, biases = self.projections()
        query, key, value = (
            x @ w.T + b for x, w, b in zip(self.inputs, weights, biases, strict=True)
        )
        key, value = self._lengthened(key, 0), self._lengthened(value, 1)
        mask = self._added(query, key)
        if not need_weights:
            self._check_view(mask, key)
        heads = [self._heads(array) for array in (query, key, value)]  # (batch, heads, time, d)
        scale = (self.embed_dim // self.num_heads) ** -0.5
        self.weighting.dropout.training = self.training
        blocked_row = np.nan if need_weights else 0
        context = self.weighting.forward(*heads, mask, scale, blocked_row)
        self.context = self._merged(context)  # (batch, queries, embed_dim)
        output = self.context @ self.params[-1 - self.bias].T
        if self.bias:
            output = output + self.params[-1]
        self.averaged = average_attn_weights
        if not need_weights:
            return output
        given = self.weighting.dropped
        return output, given.mean(axis=1) if average_attn_weights else given

    def backward(self, grad_output, grad_weights=None):
        query, key, value = self.inputs
        grad_context = None
        grad_out = [np.zeros_like(param) for param in self.params[-1 - self.bias :]]
        if grad_output is None:
            value = np.zeros_like(value)  # nothing reaches it, not even where it is infinite
        else:
            grad_out = [_outer(grad_output, self.context), grad_output.sum(axis=(0, 1))]
            grad_context = self._heads(grad_output @ self.params[-1 - self.bias])
        if self.averaged and grad_weights is not None:
            share = grad_weights[:, np.newaxis] / self.num_heads
            grad_weights = np.repeat(share, self.num_heads, axis=1)
        grads = [self._merged(g) for g in self.weighting.backward(grad_context, grad_weights)]
        grad_extra = []
        if self.add_bias_kv:
            place = key.shape[1]
            grad_extra = [grad[:, place].sum(axis=0)[None, None] for grad in grads[1:]]
        grads = [g[:, : x.shape[1]] for g, x in zip(grads, (query, key, value), strict=True)]
        grad_in = [_outer(g, x) for g, x in zip(grads, (query, key, value), strict=True)]
        grad_in = [np.concatenate(grad_in)] if self.packed else grad_in
        if self.bias:
            grad_in.append(np.concatenate([grad.sum(axis=(0, 1)) for grad in grads]))
        weights, _ = self.projections()
        grad_inputs = tuple(g @ w for g, w in zip(grads, weights, strict=True))
        return grad_inputs, [*grad_in, *grad_extra, *grad_out[: 1 + self.bias]]

    def grad_masks(self):
        """After backward: the gradient of each mask of floats, by name."""
        keys = self.inputs[1].shape[1]
        grad = self.weighting.grad_mask[..., :keys]  # (batch, heads, queries, keys)
        return {
            name: _unbroadcast(grad, spread.shape).reshape(mask.shape)
            for name, (mask, spread) in self.masks.items()
            if mask.dtype != bool and not self.hinted
        }

    def _heads(self, array):
        """(batch, time, embed_dim) as (batch, heads, time, features of a head)."""
        batch, time, _ = array.shape
        features = self.embed_dim // self.num_heads
        return array.reshape(batch, time, self.num_heads, features).swapaxes(1, 2)

    def _merged(self, heads):
        """The inverse of `_heads`."""
        batch, _, time, _ = heads.shape
        return heads.swapaxes(1, 2).reshape(batch, time, self.embed_dim)

    def _lengthened(self, array, which):
        """Keys (which = 0) or values (1) with the learned one and the zero one at their end."""
        batch, _, features = array.shape
        extra = []
        if self.add_bias_kv:
            learned = self.params[(1 if self.packed else 3) + self.bias + which]
            extra.append(np.broadcast_to(learned, (batch, 1, features)))
        if self.add_zero_attn:
            extra.append(np.zeros((batch, 1, features), array.dtype))
        return np.concatenate([array, *extra], axis=1) if extra else array

    def _spread(self, attn_mask, key_padding_mask):
        """Each mask that is given, by name: itself, and so that it broadcasts with the scores."""
        (batch, queries, _), keys = self.inputs[0].shape, self.inputs[1].shape[1]
        masks = {}
        if attn_mask is not None:
            _checks.check_mask(self, self.inputs[0].dtype, attn_mask=attn_mask)
            several = () if attn_mask.ndim != 3 else (batch * self.num_heads,)
            _checks.check_shape(self, (*several, queries, keys), attn_mask=attn_mask)
            heads = () if attn_mask.ndim != 3 else (batch, self.num_heads)
            masks["attn_mask"] = attn_mask, attn_mask.reshape(*heads, queries, keys)
        if key_padding_mask is not None:
            _checks.check_mask(self, self.inputs[0].dtype, key_padding_mask=key_padding_mask)
            _checks.check_shape(self, (batch, keys), key_padding_mask=key_padding_mask)
            masks["key_padding_mask"] = key_padding_mask, key_padding_mask[:, None, None]
        return masks

    def _added(self, query, key):
        """What the masks add to the scores; keys that were appended are never blocked."""
        if self.hinted:
            return _causal(query.shape[1], key.shape[1], query.dtype)
        mask = np.zeros(self.inputs[1].shape[1], query.dtype)  # (keys,)
        for _, spread in self.masks.values():
            mask = mask + _additive(spread, query.dtype)
        appended = key.shape[1] - mask.shape[-1]
        return np.pad(mask, [(0, 0)] * (mask.ndim - 1) + [(0, appended)])

    def _check_inputs(self):
        query, key, value = self.inputs
        _checks.check_rank(self, 3, "(batch, queries, embed_dim)", query=query)
        _checks.check_last_axis(self, self.embed_dim, "features", query=query)
        _checks.check_shape(self, (len(query), *key.shape[1:2], self.kdim), key=key)
        _checks.check_shape(self, (*key.shape[:2], self.vdim), value=value)

    def _check_view(self, mask, key):
        """PyTorch refuses to view what has no elements as (batch, heads, queries, keys)."""
        if mask.ndim == 4 and len(key) * self.num_heads != 1:
            for axis in (0, 1):
                _checks.check_filled_axis(self, axis, key=key)


def _additive(mask, dtype):
    """A mask of booleans, True for blocked, as one of floats; one of floats as it is."""
    return _blocking(mask, dtype) if mask.dtype == bool else mask
