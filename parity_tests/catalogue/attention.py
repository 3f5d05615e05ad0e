"""Rows: attention, transformers and positional encodings."""

import numpy as np
import torch
from hypothesis import strategies as st

import reference
from parity_tests.adapter import Adapter
from parity_tests.catalogue._row import Refusal, Row, register
from parity_tests.oracle import AsIs, ChannelsFirst, Replay, TimeFirst, formula
from parity_tests.strategies import Draft, Input, numbers, sizes


class Sequences(TimeFirst):
    """PyTorch has (time, batch, features) unless the attention inside is batch_first."""

    def to_reference(self, module, array, unbatched):
        return super().to_reference(_attention_of(module), array, unbatched)

    def to_torch(self, module, array, unbatched):
        return super().to_torch(_attention_of(module), array, unbatched)


class OfBatch(AsIs):
    """An array with the batch first on both sides: only a missing batch axis is added."""

    def to_reference(self, module, array, unbatched):
        return array[None] if unbatched else array

    def to_torch(self, module, array, unbatched):
        return array[0] if unbatched else array


class MaskedAdapter(Adapter):
    """Masks come by name or by place, and stay as they are but for a missing batch axis."""

    def forward(self, *inputs, **keywords):
        unbatched = inputs[0].ndim == 2
        for name, value in keywords.items():
            if unbatched and name.endswith("key_padding_mask") and value is not None:
                keywords[name] = value[None]
        keywords = {name: value for name, value in keywords.items() if value is not None}
        return super().forward(*inputs, **keywords)


class AttentionAdapter(MaskedAdapter):
    """PyTorch returns (output, None) where no weights are wanted."""

    def forward(self, *inputs, **keywords):
        outputs = super().forward(*inputs, **keywords)
        return outputs if isinstance(outputs, tuple) else (outputs, None)


def _attention_of(module):
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
    heads, group = draw(sizes(1, 2)), draw(sizes(1, 2)) if enable_gqa else 1
    batch, queries, keys = draw(sizes(1, 2)), draw(sizes(1, 3)), draw(sizes(1, 3))
    features, values = draw(sizes(1, 3)), draw(sizes(1, 3))
    kind = draw(st.sampled_from(["none", "causal", "boolean", "additive"]))
    options = {
        "dropout_p": draw(st.sampled_from([0.0, 0.3])),
        "is_causal": kind == "causal",
        "scale": draw(st.none() | numbers(0.1, 2)),
        "enable_gqa": enable_gqa,
    }
    shape = draw(st.sampled_from([(queries, keys), (batch, heads * group, queries, keys)]))
    mask = {"boolean": (Input(shape, "mask", {"rate": 0.7}),), "additive": (Input(shape),)}
    return Draft(
        options,
        (
            Input((batch, heads * group, queries, features)),
            Input((batch, heads, keys, features)),
            Input((batch, heads, keys, values)),
            *mask.get(kind, ()),
        ),
    )


def _scaled_replay(module, inputs):
    query, key = inputs[0], inputs[1]
    shape = (*query.shape[:-1], key.shape[-2])
    return Replay(_kept(module.dropout_p, shape))


def _kept(p, shape):
    """1 where PyTorch's next dropout keeps, 0 where it drops."""
    return (torch.nn.functional.dropout(torch.ones(shape), p) > 0).double().numpy()


# --- multi-head attention ---


def _additive_or_boolean(draw, shape, rate):
    return draw(
        st.sampled_from([None, Input(shape, "mask", {"rate": rate}), Input(shape, "normal")])
    )


def _multihead(draw):
    heads = draw(sizes(1, 2))
    embed_dim = heads * draw(sizes(1, 3))
    options = {
        "embed_dim": embed_dim,
        "num_heads": heads,
        "dropout": draw(st.sampled_from([0.0, 0.3])),
        "bias": draw(st.booleans()),
        "add_bias_kv": draw(st.booleans()),
        "add_zero_attn": draw(st.booleans()),
        "kdim": draw(st.none() | sizes(1, 3)),
        "vdim": draw(st.none() | sizes(1, 3)),
        "batch_first": draw(st.booleans()),
    }
    queries, keys, batch = draw(sizes(1, 3)), draw(sizes(1, 3)), draw(st.none() | sizes(1, 2))
    query = _sequence(queries, batch, embed_dim, options["batch_first"])
    key = _sequence(keys, batch, options["kdim"] or embed_dim, options["batch_first"])
    value = _sequence(keys, batch, options["vdim"] or embed_dim, options["batch_first"])
    need_weights, blocks = draw(st.booleans()), draw(st.sampled_from([0.2, 0.9]))
    rows = (queries, keys)
    if draw(st.booleans()):
        rows = ((batch or 1) * heads, queries, keys)
    keywords = {
        "key_padding_mask": _additive_or_boolean(
            draw, (keys,) if batch is None else (batch, keys), blocks
        ),
        "need_weights": need_weights,
        "attn_mask": _additive_or_boolean(draw, rows, blocks),
        "average_attn_weights": draw(st.booleans()),
    }
    return Draft(options, (query, key, value), keywords)


def _sequence(time, batch, features, batch_first):
    if batch is None:
        return Input((time, features))
    return Input((batch, time, features) if batch_first else (time, batch, features))


def _multihead_replay(module, inputs):
    query, key = inputs[0], inputs[1]
    axis = 1 if module.batch_first and query.ndim == 3 else 0
    batch = 1 if query.ndim == 2 else query.shape[1 - axis]
    added = (module.bias_k is not None) + module.add_zero_attn
    shape = (batch, module.num_heads, query.shape[axis], key.shape[axis] + added)
    return Replay(_kept(module.dropout, shape))


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
# PyTorch picks one of several kernels by shape and mask; a NaN score makes one of them give 0,
# another NaN: what NaN and infinity give is undefined.
_KERNELS_DIFFER = ("special",)

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
        cancels_within=True,
        without_regimes=_KERNELS_DIFFER,
        literals=[
            # softmax(1/sqrt(2), 0) weighs 1 and 0.
            (
                {},
                ([[1.0, 0.0]], [[1.0, 0.0], [0.0, 1.0]], [[1.0], [0.0]]),
                [[0.6697615493266569256167]],
            ),
        ],
        refusals=[
            Refusal(
                lambda: reference.ScaledDotProductAttention(is_causal=True).forward(
                    *[np.ones((2, 2))] * 3, np.ones((2, 2), bool)
                ),
                ValueError,
                "attn_mask must be None where is_causal is True",
            ),
            Refusal(
                lambda: reference.ScaledDotProductAttention().forward(
                    np.ones((2, 3)), np.ones((2, 2)), np.ones((2, 2))
                ),
                ValueError,
                "key must have 3 features, as query has",
            ),
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
        adapter=AttentionAdapter,
        cancels_within=True,
        without_regimes=_KERNELS_DIFFER,
        refusals=[
            Refusal(
                lambda: reference.MultiheadAttention(4, 3), ValueError, "divisible by num_heads=3"
            ),
            Refusal(
                lambda: reference.MultiheadAttention(4, 2).forward(
                    _EMBED, _EMBED, _EMBED, is_causal=True
                ),
                ValueError,
                "attn_mask must be given where is_causal is True",
            ),
            Refusal(
                lambda: reference.MultiheadAttention(4, 2).forward(
                    _EMBED, _EMBED, _EMBED, attn_mask=np.ones((3, 3))
                ),
                ValueError,
                r"attn_mask must have shape \(2, 2\)",
            ),
            Refusal(
                lambda: reference.MultiheadAttention(4, 2).forward(_EMBED[0], _EMBED, _EMBED),
                ValueError,
                "query must have 3 axes",
            ),
        ],
    ),
)


# --- transformers ---

_ACTIVATIONS = {torch.nn.functional.relu: "relu", torch.nn.functional.gelu: "gelu"}


def _activation(layer):
    """The name of a layer's activation; what has none is refused."""
    function = layer.activation
    if isinstance(function, (torch.nn.ReLU, torch.nn.GELU)):
        plain = getattr(function, "approximate", "none") == "none"
        if plain:
            return type(function).__name__.lower()
    if function not in _ACTIVATIONS:
        raise NotImplementedError(
            f"mirror: {type(layer).__name__} with activation={function!r} has no counterpart: "
            "only relu and gelu have"
        )
    return _ACTIVATIONS[function]


def _block_options(layer):
    return {
        "d_model": layer.self_attn.embed_dim,
        "nhead": layer.self_attn.num_heads,
        "dim_feedforward": layer.linear1.out_features,
        "dropout": layer.dropout.p,
        "activation": _activation(layer),
        "layer_norm_eps": layer.norm1.eps,
        "norm_first": layer.norm_first,
        "bias": layer.linear1.bias is not None,
    }


def _encoder_layer(module):
    return reference.TransformerEncoderLayer(**_block_options(module))


def _decoder_layer(module):
    return reference.TransformerDecoderLayer(**_block_options(module))


def _norm(module):
    if module is None:
        return None
    if type(module) is not torch.nn.LayerNorm:
        raise NotImplementedError(
            f"mirror: a norm of type {type(module).__name__} has no counterpart here: "
            "only LayerNorm has"
        )
    shape, affine = module.normalized_shape, module.elementwise_affine
    return reference.LayerNorm(shape, module.eps, affine, bias=module.bias is not None)


def _encoder(module):
    return reference.TransformerEncoder(
        *map(_encoder_layer, module.layers), norm=_norm(module.norm)
    )


def _decoder(module):
    return reference.TransformerDecoder(
        *map(_decoder_layer, module.layers), norm=_norm(module.norm)
    )


def _transformer(module):
    _refuse_custom(module)
    layer = module.encoder.layers[0]
    counts = (len(module.encoder.layers), len(module.decoder.layers))
    options = _block_options(layer)
    return reference.Transformer(options.pop("d_model"), options.pop("nhead"), *counts, **options)


def _refuse_custom(module):
    for name, kind in (
        ("encoder", torch.nn.TransformerEncoder),
        ("decoder", torch.nn.TransformerDecoder),
    ):
        if type(getattr(module, name)) is not kind:
            raise NotImplementedError(
                f"mirror: Transformer with custom_{name} has no counterpart: mirror it by itself"
            )


def _layer_options(draw):
    heads = draw(sizes(1, 2))
    return {
        "d_model": heads * draw(sizes(1, 3)),
        "nhead": heads,
        "dim_feedforward": draw(sizes(1, 4)),
        "dropout": draw(st.sampled_from([0.0, 0.3])),
        "activation": draw(st.sampled_from(["relu", "gelu"])),
        "layer_norm_eps": draw(st.sampled_from([1e-5, 1e-3])),
        "batch_first": draw(st.booleans()),
        "norm_first": draw(st.booleans()),
        "bias": draw(st.booleans()),
    }


def _masks(draw, prefix, batch, rows, keys, padding):
    """A mask of scores and a padding mask of one kind, that block no row whole."""
    kind = draw(st.sampled_from(["none", "boolean", "additive"]))
    if kind == "none":
        return {}
    padded = (keys,) if batch is None else (batch, keys)
    if kind == "additive":
        return {prefix: Input((rows, keys), "normal"), padding: Input(padded, "normal")}
    causal = np.triu(np.ones((rows, keys), bool), 1)
    last = np.zeros(padded, bool)
    last[..., 1:] = draw(st.booleans())
    return {
        prefix: Input((rows, keys), "given", {"array": causal}),
        padding: Input(padded, "given", {"array": last}),
    }


def _encoder_layer_draft(draw):
    options = _layer_options(draw)
    time, batch = draw(sizes(1, 3)), draw(st.none() | sizes(1, 2))
    src = _sequence(time, batch, options["d_model"], options["batch_first"])
    keywords = _masks(draw, "src_mask", batch, time, time, "src_key_padding_mask")
    return Draft(options, (src,), keywords)


def _decoder_layer_draft(draw):
    options = _layer_options(draw)
    time, steps, batch = draw(sizes(1, 3)), draw(sizes(1, 3)), draw(st.none() | sizes(1, 2))
    tgt = _sequence(time, batch, options["d_model"], options["batch_first"])
    memory = _sequence(steps, batch, options["d_model"], options["batch_first"])
    keywords = _masks(draw, "tgt_mask", batch, time, time, "tgt_key_padding_mask")
    keywords |= _masks(draw, "memory_mask", batch, time, steps, "memory_key_padding_mask")
    return Draft(options, (tgt, memory), keywords)


def _stacked(layer_class, stack_class):
    """The constructor of a stack from flat options, as they are drawn."""

    def construct(num_layers, final_norm, **options):
        layer = layer_class(**options)
        norm = torch.nn.LayerNorm(options["d_model"]) if final_norm else None
        extra = {"enable_nested_tensor": False} if "Encoder" in stack_class.__name__ else {}
        return stack_class(layer, num_layers, norm, **extra)

    return construct


def _encoder_draft(draw):
    draft = _encoder_layer_draft(draw)
    options = {**draft.options, "num_layers": draw(sizes(1, 2)), "final_norm": draw(st.booleans())}
    names = {"src_mask": "mask"}
    return Draft(options, draft.inputs, {names.get(k, k): v for k, v in draft.keywords.items()})


def _decoder_draft(draw):
    draft = _decoder_layer_draft(draw)
    options = {**draft.options, "num_layers": draw(sizes(1, 2)), "final_norm": draw(st.booleans())}
    return Draft(options, draft.inputs, draft.keywords)


def _transformer_draft(draw):
    options = _layer_options(draw)
    options |= {"num_encoder_layers": draw(sizes(1, 2)), "num_decoder_layers": draw(sizes(1, 2))}
    time, steps, batch = draw(sizes(1, 3)), draw(sizes(1, 3)), draw(st.none() | sizes(1, 2))
    src = _sequence(steps, batch, options["d_model"], options["batch_first"])
    tgt = _sequence(time, batch, options["d_model"], options["batch_first"])
    keywords = _masks(draw, "src_mask", batch, steps, steps, "src_key_padding_mask")
    keywords |= _masks(draw, "tgt_mask", batch, time, time, "tgt_key_padding_mask")
    keywords |= _masks(draw, "memory_mask", batch, time, steps, "memory_key_padding_mask")
    return Draft(options, (src, tgt), keywords)


def _replay_layer(layer, batch, time, *memory):
    """The masks of one layer in PyTorch's order: of weights (memory: its steps) and of tokens."""
    attention = layer.self_attn
    heads = attention.num_heads

    def tokens(features, from_attention):
        batch_first = attention.batch_first and batch is not None
        shape = (batch or 1, time, features)
        # Attention with batch_first returns a view of (time, batch, features), and PyTorch draws
        # in the order of memory.
        if batch_first and not from_attention:
            return _kept(layer.dropout.p, shape)
        return _kept(layer.dropout.p, (time, batch or 1, features)).swapaxes(0, 1)

    width, hidden = attention.embed_dim, layer.linear1.out_features
    draws = []
    for keys in (time, *memory):
        draws += [_kept(attention.dropout, (batch or 1, heads, time, keys)), tokens(width, True)]
    return [*draws, tokens(hidden, False), tokens(width, False)]


def _lengths(module, sequence):
    """Batch (None without one) and time of a sequence in PyTorch's layout."""
    if sequence.ndim == 2:
        return None, sequence.shape[0]
    batch_first = _attention_of(module).batch_first
    return sequence.shape[:2] if batch_first else sequence.shape[1::-1]


def _replay_encoder(module, inputs):
    layers = getattr(module, "layers", [module])
    return Replay(*(d for one in layers for d in _replay_layer(one, *_lengths(one, inputs[0]))))


def _replay_decoder(module, inputs):
    layers = getattr(module, "layers", [module])
    tgt, memory = (_lengths(module, sequence) for sequence in inputs[:2])
    return Replay(*(d for one in layers for d in _replay_layer(one, *tgt, memory[1])))


def _replay_transformer(module, inputs):
    src, tgt = inputs[:2]
    encoder = _replay_encoder(module.encoder, (src,))
    return Replay(*encoder.draws, *_replay_decoder(module.decoder, (tgt, src)).draws)


def _tail_of_gelu(module, input_data, grad_output):
    """GELU's slope is a sum that cancels in its tail, to eps of what comes from above."""
    functions = [getattr(part, "activation", None) for part in module.modules()]
    used = any(function is torch.nn.functional.gelu for function in functions)
    return np.abs(grad_output).max(initial=0) if used else np.zeros(())


_SHARED = {
    "budget": "composite",
    "floor": {"grad_input": _tail_of_gelu, "grad_params": _tail_of_gelu},
    "inputs": (Sequences(), Sequences()),
    "outputs": (Sequences(),),
    "adapter": MaskedAdapter,
    "cancels_within": True,
    "without_regimes": _KERNELS_DIFFER,
}
_UNKNOWN = Refusal(
    lambda: reference.TransformerEncoderLayer(4, 2, activation="tanh"),
    ValueError,
    "activation must be one of 'relu', 'gelu'; got 'tanh'",
)

register(
    Row(
        reference.TransformerEncoderLayer,
        torch.nn.TransformerEncoderLayer,
        _encoder_layer,
        _encoder_layer_draft,
        replay=_replay_encoder,
        refusals=[_UNKNOWN],
        **_SHARED,
    ),
    Row(
        reference.TransformerDecoderLayer,
        torch.nn.TransformerDecoderLayer,
        _decoder_layer,
        _decoder_layer_draft,
        replay=_replay_decoder,
        **_SHARED,
    ),
    Row(
        reference.TransformerEncoder,
        torch.nn.TransformerEncoder,
        _encoder,
        _encoder_draft,
        construct=_stacked(torch.nn.TransformerEncoderLayer, torch.nn.TransformerEncoder),
        replay=_replay_encoder,
        **_SHARED,
    ),
    Row(
        reference.TransformerDecoder,
        torch.nn.TransformerDecoder,
        _decoder,
        _decoder_draft,
        construct=_stacked(torch.nn.TransformerDecoderLayer, torch.nn.TransformerDecoder),
        replay=_replay_decoder,
        **_SHARED,
    ),
    Row(
        reference.Transformer,
        torch.nn.Transformer,
        _transformer,
        _transformer_draft,
        replay=_replay_transformer,
        **_SHARED,
    ),
)


# --- positions and patches ---


def _positioned(draw):
    time, features = draw(sizes(0, 4)), draw(sizes(1, 5))
    batch = tuple(draw(st.lists(sizes(0, 3), max_size=2)))
    base = draw(st.just(10000.0) | numbers(1, 100))
    return Draft({"d_model": features, "base": base}, (Input((*batch, time, features)),))


def _paired(draw):
    draft = _positioned(draw)
    (entry,) = draft.inputs
    pairs = 2 * draft.options["d_model"]
    options = {**draft.options, "d_model": pairs}
    return Draft(options, (Input((*entry.shape[:-1], pairs)),))


def _angles(time, d_model, base):
    even = torch.arange(0, d_model, 2, dtype=torch.float64)
    return torch.arange(time, dtype=torch.float64)[:, None] / base ** (even / d_model)


def _sinusoidal(input, d_model, base):
    angles = _angles(input.shape[-2], d_model, base)
    encoding = torch.zeros(input.shape[-2], d_model, dtype=torch.float64)
    encoding[:, 0::2] = angles.sin()
    encoding[:, 1::2] = angles.cos()[:, : d_model // 2]
    return input + encoding.to(input.dtype)


def _rotary(input, d_model, base):
    """The rotation as a product of complex numbers."""
    angles = _angles(input.shape[-2], d_model, base)
    turn = torch.polar(torch.ones_like(angles), angles).to(torch.zeros((), dtype=input.dtype) * 1j)
    pairs = torch.view_as_complex(input.reshape(*input.shape[:-1], d_model // 2, 2).contiguous())
    return torch.view_as_real(pairs * turn).reshape(input.shape)


def _learned(input, positions, max_length, d_model):
    return input + positions[: input.shape[-2]]


def _learned_draft(draw):
    draft = _positioned(draw)
    (entry,) = draft.inputs
    features = draft.options["d_model"]
    length = entry.shape[-2] + draw(sizes(1, 2))
    positions = np.linspace(-1, 1, length * features).reshape(length, features)
    options = {"max_length": length, "d_model": features, "positions": positions}
    return Draft(options, draft.inputs)


def _patches(input, weight, bias, input_channels, embed_dim, patch_size):
    grid = torch.nn.functional.conv2d(input, weight, bias, stride=patch_size)
    return grid.flatten(2).transpose(1, 2)


def _patches_draft(draw):
    channels, embed_dim, patch_size = draw(sizes(1, 3)), draw(sizes(1, 3)), draw(sizes(1, 3))
    height, width = (patch_size * draw(sizes(1, 2)) + draw(sizes(0, 1)) for _ in range(2))
    options = {
        "input_channels": channels,
        "embed_dim": embed_dim,
        "patch_size": patch_size,
        "weight": np.linspace(-1, 1, embed_dim * channels * patch_size**2).reshape(
            embed_dim, channels, patch_size, patch_size
        ),
        "bias": np.linspace(-1, 1, embed_dim),
    }
    return Draft(options, (Input((draw(sizes(1, 2)), channels, height, width)),))


_SHORT = np.ones((1, 2, 3))

register(
    Row(
        reference.SinusoidalEncoding,
        formula(_sinusoidal),
        lambda m: reference.SinusoidalEncoding(m.d_model, m.base),
        _positioned,
        "sum",
        literals=[
            # sin 1 and cos 1 on the first pair; 1/100 and its cosine on the second.
            (
                {"d_model": 4},
                (np.zeros((2, 4)),),
                [
                    [0.0, 1.0, 0.0, 1.0],
                    [
                        0.84147098480789650665,
                        0.54030230586813971740,
                        0.0099998333341666646825,
                        0.99995000041666527778,
                    ],
                ],
            ),
        ],
        refusals=[
            Refusal(
                lambda: reference.SinusoidalEncoding(4).forward(_SHORT),
                ValueError,
                "input_data must have 4 features",
            )
        ],
    ),
    Row(
        reference.RotaryEncoding,
        formula(_rotary),
        lambda m: reference.RotaryEncoding(m.d_model, m.base),
        _paired,
        "composite",
        literals=[
            (
                {"d_model": 2},
                (np.array([[1.0, 0.0], [1.0, 0.0]]),),
                [[1.0, 0.0], [0.54030230586813971740, 0.84147098480789650665]],
            ),
        ],
        refusals=[Refusal(lambda: reference.RotaryEncoding(3), ValueError, "divisible by")],
    ),
    Row(
        reference.LearnedEncoding,
        formula(_learned, parameters=("positions",)),
        lambda m: reference.LearnedEncoding(m.max_length, m.d_model),
        _learned_draft,
        "sum",
        refusals=[
            Refusal(
                lambda: reference.LearnedEncoding(1, 3).forward(_SHORT),
                ValueError,
                "time must be at most max_length=1; got 2",
            )
        ],
    ),
    Row(
        reference.PatchEmbedding,
        formula(_patches, parameters=("weight", "bias")),
        lambda m: reference.PatchEmbedding(m.input_channels, m.embed_dim, m.patch_size),
        _patches_draft,
        "sum",
        inputs=ChannelsFirst(2),
        outputs=AsIs(),
    ),
)
