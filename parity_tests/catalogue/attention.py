"""Rows: attention, by itself and in several heads."""

import inspect

import numpy as np
import torch
from hypothesis import strategies as st

import reference
from parity_tests.adapter import Adapter
from parity_tests.catalogue._row import Refusal, Row, register
from parity_tests.oracle import AsIs, Replay, TimeFirst
from parity_tests.strategies import Draft, Input, numbers, sizes


class Sequences(TimeFirst):
    """PyTorch has (time, batch, features) unless the attention inside is batch_first."""

    def to_reference(self, module, array, unbatched):
        return super().to_reference(attention_of(module), array, unbatched)

    def to_torch(self, module, array, unbatched):
        return super().to_torch(attention_of(module), array, unbatched)


class OfBatch(AsIs):
    """An array with the batch first on both sides: only a missing batch axis is added."""

    def to_reference(self, module, array, unbatched):
        return array[None] if unbatched else array

    def to_torch(self, module, array, unbatched):
        return array[0] if unbatched else array


class MaskedAdapter(Adapter):
    """Masks come by name or by place; those of floats have gradients."""

    def forward(self, *inputs, **keywords):
        if inputs[0].ndim == 2:
            for name, value in keywords.items():
                if name.endswith("key_padding_mask") and value is not None:
                    keywords[name] = value[None]
        return super().forward(*inputs, **keywords)

    def further_gradients(self):
        names = list(inspect.signature(self.layer.forward).parameters)
        return {names.index(name): grad for name, grad in self.layer.grad_masks().items()}


class AttentionAdapter(MaskedAdapter):
    """PyTorch returns (output, None) where no weights are wanted."""

    def forward(self, *inputs, **keywords):
        outputs = super().forward(*inputs, **keywords)
        return outputs if isinstance(outputs, tuple) else (outputs, None)


def attention_of(module):
    return next(part for part in module.modules() if isinstance(part, torch.nn.MultiheadAttention))


# --- scaled dot-product attention ---


class _Attend(torch.nn.Module):
    """The function as a module; its dropout acts in training, as in the class."""

    def __init__(self, dropout_p=0.0, is_causal=False, scale=None, enable_gqa=False):
        super().__init__()
        self.dropout_p, self.is_causal = dropout_p, is_causal
        self.scale, self.enable_gqa = scale, enable_gqa

    def forward(self, query, key, value, attn_mask=None):
        return torch.nn.functional.scaled_dot_product_attention(
            query,
            key,
            value,
            attn_mask=attn_mask,
            dropout_p=self.dropout_p if self.training else 0.0,
            is_causal=self.is_causal,
            scale=self.scale,
            enable_gqa=self.enable_gqa,
        )


def _scaled(draw):
    enable_gqa = draw(st.booleans())
    heads, group = draw(sizes(0, 2)), draw(sizes(1, 2)) if enable_gqa else 1
    batch, queries, keys = draw(sizes(0, 2)), draw(sizes(0, 3)), draw(sizes(0, 3))
    features, values = draw(sizes(0, 3)), draw(sizes(0, 3))
    kind = draw(st.sampled_from(["none", "causal", "boolean", "additive"]))
    options = {
        "dropout_p": draw(st.sampled_from([0.0, 0.3, 1.0])),
        "is_causal": kind == "causal",
        "scale": draw(st.none() | st.just(0.0) | numbers(0.1, 2) | numbers(-2, -0.1)),
        "enable_gqa": enable_gqa,
    }
    # The axes before the last two: grouped heads need one of their own.
    shared = draw(st.sampled_from([(batch, heads), (heads,), ()][: 3 - enable_gqa]))
    leading = (*shared[:-1], *[group * size for size in shared[-1:]])
    ones = (1,) * len(shared)
    of_keys = draw(st.sampled_from([shared, (*ones[1:], *shared[-1:]), ones, shared[-1:]]))
    rows = draw(st.sampled_from([(queries, keys), (*leading, queries, keys), (*ones, 1, keys)]))
    rate, real = draw(st.sampled_from([0.3, 0.9])), values_among(keys, features, values)
    mask = {
        "boolean": (Input(rows, "mask", {"rate": 1 - rate}),),
        "additive": (Input(rows, "blocking", {"rate": rate}),),
    }
    return Draft(
        options,
        (
            Input((*leading, queries, features), real),
            Input((*of_keys, keys, features), real),
            Input((*of_keys, keys, values), real),
            *mask.get(kind, ()),
        ),
    )


def _scaled_replay(module, inputs):
    query, key = inputs[0], inputs[1]
    shape = (*query.shape[:-1], key.shape[-2])
    return Replay(kept(module.dropout_p, shape))


def kept(p, shape):
    """1 where PyTorch's next dropout keeps, 0 where it drops."""
    return (torch.nn.functional.dropout(torch.ones(shape), p) > 0).double().numpy()


# --- multi-head attention ---


def is_viewable(batch, heads, keys):
    """Whether PyTorch can view masks as (batch, heads, queries, keys).

    It refuses to where nothing is in the batch, or no keys, but for one head of one sample.
    """
    samples = 1 if batch is None else batch
    return samples * heads == 1 or 0 not in (samples, keys)


def masks(draw, batch, heads, queries, keys, values, viewable):
    """A mask of scores and, where PyTorch can view them, one of keys that are padding.

    Either may be None.
    """
    rate = draw(st.sampled_from([0.2, 0.9]))

    def mask(shape):
        kinds = [None, Input(shape, "mask", {"rate": rate})]
        kinds += [Input(shape, values), Input(shape, "blocking", {"rate": rate})]
        return draw(st.sampled_from(kinds))

    if not viewable:
        return mask((queries, keys)), None
    several = draw(st.booleans())
    samples = 1 if batch is None else batch
    rows = mask((samples * heads, queries, keys) if several else (queries, keys))
    return rows, mask((keys,) if batch is None else (batch, keys))


def _multihead(draw):
    heads = draw(sizes(1, 2))
    embed_dim = heads * draw(sizes(1, 3))
    options = {
        "embed_dim": embed_dim,
        "num_heads": heads,
        "dropout": draw(st.sampled_from([0.0, 0.3, 1.0])),
        "bias": draw(st.booleans()),
        "add_bias_kv": draw(st.booleans()),
        "add_zero_attn": draw(st.booleans()),
        "kdim": draw(st.none() | sizes(1, 3)),
        "vdim": draw(st.none() | sizes(1, 3)),
        "batch_first": draw(st.booleans()),
    }
    queries, keys, batch = draw(sizes(0, 3)), draw(sizes(0, 3)), draw(st.none() | sizes(0, 2))
    values = values_among(keys)
    layout = (options["batch_first"], values)
    query = sequence(queries, batch, embed_dim, *layout)
    key = sequence(keys, batch, options["kdim"] or embed_dim, *layout)
    value = sequence(keys, batch, options["vdim"] or embed_dim, *layout)
    need_weights = draw(st.booleans())
    appended = options["add_bias_kv"] + options["add_zero_attn"]
    viewable = need_weights or is_viewable(batch, heads, keys + appended)
    rows, padding = masks(draw, batch, heads, queries, keys, values, viewable)
    keywords = {
        "average_attn_weights": draw(st.booleans()),
        "is_causal": rows is not None and draw(st.booleans()),
    }
    return Draft(options, (query, key, value, padding, need_weights, rows), keywords)


def values_among(*lengths):
    """The values of arrays of which some may be empty.

    Then PyTorch's attention gives 0 times the sum of all: NaN and infinity would spread to results
    that do not depend on them.
    """
    return "real" if all(lengths) else "normal"


def sequence(time, batch, features, batch_first, values):
    if batch is None:
        return Input((time, features), values)
    return Input((batch, time, features) if batch_first else (time, batch, features), values)


def _multihead_replay(module, inputs):
    query, key = inputs[0], inputs[1]
    axis = 1 if module.batch_first and query.ndim == 3 else 0
    batch = 1 if query.ndim == 2 else query.shape[1 - axis]
    added = (module.bias_k is not None) + module.add_zero_attn
    shape = (batch, module.num_heads, query.shape[axis], key.shape[axis] + added)
    return Replay(kept(module.dropout, shape))


def _multihead_layer(module):
    return reference.MultiheadAttention(
        module.embed_dim,
        module.num_heads,
        dropout=module.dropout,
        bias=module.in_proj_bias is not None,
        add_bias_kv=module.bias_k is not None,
        add_zero_attn=module.add_zero_attn,
        kdim=module.kdim,
        vdim=module.vdim,
    )


_EMBED = np.ones((1, 2, 4))


def _attending(query, key=None, value=None, mask=None, **options):
    """Attention to ones of these shapes; key and value are as what stands before them."""
    key = query if key is None else key
    shapes = (query, key, key if value is None else value)
    layer = reference.ScaledDotProductAttention
    return lambda: layer(**options).forward(*map(np.ones, shapes), mask)


def _embedded(query=_EMBED, key=_EMBED, value=_EMBED, heads=2, **given):
    """Attention to four features."""
    return lambda: reference.MultiheadAttention(4, heads).forward(query, key, value, **given)


def _unviewed(batch, heads, keys, axis):
    """Refused, as PyTorch has it: without weights, masks of no samples or of no keys."""
    query, key = np.ones((batch, 2, 4)), np.ones((batch, keys, 4))
    return Refusal(
        _embedded(
            query, key, key, heads, need_weights=False, key_padding_mask=np.ones((batch, keys))
        ),
        ValueError,
        f"key must not be empty along axis {axis}",
    )


# PyTorch picks one of several kernels by shape and mask: of a NaN score one makes NaN, another 0.
KERNELS_DIFFER = ("output", "grad_input", "grad_params")

register(
    Row(
        reference.ScaledDotProductAttention,
        _Attend,
        lambda m: reference.ScaledDotProductAttention(
            m.dropout_p, m.is_causal, m.scale, m.enable_gqa
        ),
        _scaled,
        "composite",
        replay=_scaled_replay,
        warns=True,  # what is masked is computed too
        cancels_within=True,
        kernel_dependent=KERNELS_DIFFER,
        literals=[
            # softmax(1/sqrt(2), 0) weighs 1 and 0.
            (
                {},
                ([[1.0, 0.0]], [[1.0, 0.0], [0.0, 1.0]], [[1.0], [0.0]]),
                [[0.6697615493266569256167]],
            ),
            # One feature: softmax(1, 0).
            ({}, ([[1.0]], [[1.0], [0.0]], [[1.0], [0.0]]), [[0.7310585786300048792512]]),
            # softmax(s, s + 2), with s so large that s + 1 is no number.
            (
                {"scale": 1.0},
                ([[1.0]], [[1e16], [1e16 + 2]], [[1.0], [0.0]]),
                [[0.1192029220221175559403]],
            ),
        ],
        refusals=[
            Refusal(act, ValueError, message)
            for act, message in (
                (
                    _attending((2, 2), mask=np.ones((2, 2), bool), is_causal=True),
                    "attn_mask must be None where is_causal is True",
                ),
                (_attending((2, 3), (2, 2)), "key must have 3 features, as query has"),
                (_attending((2, 3), (2, 3), (3, 3)), "value must end with the axes"),
                (_attending((3,)), "query must have at least 2 axes"),
                (_attending((2, 3), enable_gqa=True), "query must have at least 3 axes"),
                (
                    _attending((2, 1, 3), (3, 1, 3)),
                    r"value must broadcast with query of shape \(2,\)",
                ),
                (
                    _attending((3, 1, 3), (2, 1, 3), enable_gqa=True),
                    "divisible by the heads of key=2",
                ),
                (_attending((2, 3), mask=np.ones(2)), "attn_mask must have at least 2 axes"),
                (_attending((2, 3), mask=np.ones((2, 3))), "attn_mask must broadcast"),
                (
                    lambda: reference.ScaledDotProductAttention(dropout_p=1.5),
                    "dropout_p must lie in",
                ),
            )
        ]
        + [
            Refusal(
                _attending((2, 3), mask=np.ones((2, 2), np.int64)),
                TypeError,
                "attn_mask must hold booleans, or floats",
            )
        ],
    ),
    Row(
        reference.MultiheadAttention,
        torch.nn.MultiheadAttention,
        _multihead_layer,
        _multihead,
        "composite",
        inputs=(Sequences(), Sequences(), Sequences(), OfBatch()),
        outputs=(Sequences(), OfBatch()),
        replay=_multihead_replay,
        warns=True,  # what is masked is computed too
        adapter=AttentionAdapter,
        cancels_within=True,
        kernel_dependent=KERNELS_DIFFER,
        refusals=[
            Refusal(act, ValueError, message)
            for act, message in (
                (lambda: reference.MultiheadAttention(4, 3), "divisible by num_heads=3"),
                (lambda: reference.MultiheadAttention(4, 2, dropout=-0.5), "dropout must lie in"),
                (_embedded(is_causal=True), "attn_mask must be given where is_causal is True"),
                (_embedded(attn_mask=np.ones((3, 3))), r"attn_mask must have shape \(2, 2\)"),
                (
                    _embedded(key_padding_mask=np.ones((1, 3), bool)),
                    r"key_padding_mask must have shape \(1, 2\)",
                ),
                (_embedded(query=_EMBED[0]), "query must have 3 axes"),
                (_embedded(query=np.ones((1, 2, 3))), "query must have 4 features"),
                (_embedded(key=np.ones((1, 2, 3))), r"key must have shape \(1, 2, 4\)"),
                (_embedded(key=np.ones((2, 2, 4))), r"key must have shape \(1, 2, 4\)"),
                (_embedded(value=np.ones((1, 3, 4))), r"value must have shape \(1, 2, 4\)"),
            )
        ]
        + [
            _unviewed(0, 2, 3, axis=0),
            _unviewed(1, 2, 0, axis=1),
            _unviewed(2, 1, 0, axis=1),
            _unviewed(2, 2, 0, axis=1),
        ]
        + [
            Refusal(_embedded(**given), TypeError, message)
            for given, message in (
                ({"attn_mask": [[0.0, 0.0]]}, "attn_mask must be a NumPy array"),
                (
                    {"attn_mask": np.ones((2, 2), np.float16)},
                    "attn_mask must hold booleans, or floats that float64 holds; got dtype float16",
                ),
                (
                    {"key_padding_mask": np.ones((1, 2), np.int64)},
                    "key_padding_mask must hold booleans, or floats",
                ),
                (
                    {"query": _EMBED.astype(np.float32), "attn_mask": np.ones((2, 2))},
                    "attn_mask must hold booleans, or floats that float32 holds",
                ),
                (
                    {"query": _EMBED.astype(np.float32), "key_padding_mask": np.ones((1, 2))},
                    "key_padding_mask must hold booleans, or floats that float32 holds",
                ),
            )
        ],
    ),
)
