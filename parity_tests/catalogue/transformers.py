"""Rows: transformers, their layers and stacks."""

import numpy as np
import torch
from hypothesis import strategies as st

import reference
from parity_tests.catalogue._row import Refusal, Row, register
from parity_tests.catalogue.attention import (
    KERNELS_DIFFER,
    MaskedAdapter,
    OfBatch,
    Sequences,
    attention_of,
    is_viewable,
    kept,
    masks,
    sequence,
    values_among,
)
from parity_tests.oracle import AsIs, Replay
from parity_tests.strategies import Draft, sizes

_ACTIVATIONS = {
    torch.relu: "relu",
    torch.nn.functional.relu: "relu",
    torch.nn.functional.gelu: "gelu",
}


def _unknown(module, what):
    return NotImplementedError(f"mirror: {type(module).__name__} with {what} has no counterpart")


def _activation(layer):
    """The name of a layer's activation; what has none is refused."""
    function = layer.activation
    if type(function) is torch.nn.ReLU:
        return "relu"
    if type(function) is torch.nn.GELU and function.approximate == "none":
        return "gelu"
    if function not in _ACTIVATIONS:
        raise _unknown(layer, f"activation={function!r} (only relu and the exact gelu)")
    return _ACTIVATIONS[function]


def _only(layer, name, values):
    """The one value of an option in all parts of a layer."""
    found = set(values)
    if len(found) != 1:
        raise _unknown(layer, f"parts that differ in {name}")
    return found.pop()


def _block_options(layer):
    """The options of a layer, which its parts must share: someone may have replaced them."""
    nn = torch.nn
    parts = {kind: [] for kind in (nn.MultiheadAttention, nn.Linear, nn.LayerNorm, nn.Dropout)}
    for name, part in layer.named_children():
        if name != "activation":
            if type(part) not in parts:
                raise _unknown(layer, f"{name} of type {type(part).__name__}")
            parts[type(part)].append(part)
    attentions, linears, norms, dropouts = parts.values()
    if any(a.bias_k is not None or a.add_zero_attn for a in attentions):
        raise _unknown(layer, "keys that attention appends")
    biases = [a.in_proj_bias for a in attentions] + [part.bias for part in linears + norms]
    rates = [a.dropout for a in attentions] + [dropout.p for dropout in dropouts]
    return {
        "d_model": _only(layer, "d_model", (size for n in norms for size in n.normalized_shape)),
        "nhead": _only(layer, "nhead", (a.num_heads for a in attentions)),
        "dim_feedforward": layer.linear1.out_features,
        "dropout": _only(layer, "dropout", rates),
        "activation": _activation(layer),
        "layer_norm_eps": _only(layer, "layer_norm_eps", (norm.eps for norm in norms)),
        "norm_first": layer.norm_first,
        "bias": _only(layer, "bias", (bias is not None for bias in biases)),
    }


def _block(kind, component):
    """What makes a layer of `component` from one that is exactly of PyTorch's class `kind`."""

    def convert(layer):
        if type(layer) is not kind:
            raise _unknown(layer, "a forward of its own")
        return component(**_block_options(layer))

    return convert


_encoder_layer = _block(torch.nn.TransformerEncoderLayer, reference.TransformerEncoderLayer)
_decoder_layer = _block(torch.nn.TransformerDecoderLayer, reference.TransformerDecoderLayer)


def _norm(stack):
    norm = stack.norm
    if norm is None:
        return None
    if type(norm) is not torch.nn.LayerNorm:
        raise _unknown(stack, f"norm of type {type(norm).__name__} (only LayerNorm)")
    shape, affine = norm.normalized_shape, norm.elementwise_affine
    return reference.LayerNorm(shape, norm.eps, affine, bias=norm.bias is not None)


def _encoder(module):
    return reference.TransformerEncoder(*map(_encoder_layer, module.layers), norm=_norm(module))


def _decoder(module):
    return reference.TransformerDecoder(*map(_decoder_layer, module.layers), norm=_norm(module))


def _transformer(module):
    encoder, decoder = module.encoder, module.decoder
    kinds = (torch.nn.TransformerEncoder, torch.nn.TransformerDecoder)
    if (type(encoder), type(decoder)) != kinds:
        raise _unknown(module, "custom_encoder or custom_decoder (mirror each by itself)")
    # Layer by layer: copied by the decoder, PyTorch's layers fall back to relu where their
    # activation is a module.
    return reference.Transformer(custom_encoder=_encoder(encoder), custom_decoder=_decoder(decoder))


def _layer_options(draw):
    heads = draw(sizes(1, 2))
    return {
        "d_model": heads * draw(sizes(1, 3)),
        "nhead": heads,
        "dim_feedforward": draw(sizes(0, 4)),
        "dropout": draw(st.sampled_from([0.0, 0.3, 1.0])),
        "activation": draw(st.sampled_from(["relu", "gelu"])),
        "layer_norm_eps": draw(st.sampled_from([1e-5, 1e-3])),
        "batch_first": draw(st.booleans()),
        "norm_first": draw(st.booleans()),
        "bias": draw(st.booleans()),
    }


def _layer_inputs(draw, options, sources):
    """Sequences of random lengths, then their masks of scores, then those of padding.

    `sources` names for each mask whose queries and whose keys it is about: "st" is a mask of the
    scores of the target's queries and the source's keys.
    """
    batch, batch_first = draw(st.none() | sizes(0, 2)), options["batch_first"]
    times = {name: draw(sizes(0, 3)) for name in dict.fromkeys("".join(sources))}
    values = values_among(*times.values())
    layout = (batch, options["d_model"], batch_first, values)
    inputs = [sequence(time, *layout) for time in times.values()]
    heads, pairs = options["nhead"], []
    for queries, keys in ((times[queries], times[keys]) for queries, keys in sources):
        viewable = is_viewable(batch, heads, keys)
        pairs.append(masks(draw, batch, heads, queries, keys, values, viewable))
    return (*inputs, *(rows for rows, _ in pairs), *(padding for _, padding in pairs))


def _hints(draw, given, *names):
    """Whether each mask of scores, of those that are given, is said to be causal, or nothing."""
    drawn = {
        name: draw(st.sampled_from([None, False, True]))
        for name, mask in zip(names, given, strict=True)
        if mask is not None
    }
    return {name: hint for name, hint in drawn.items() if hint is not None}


def _encoder_layer_draft(draw):
    options = _layer_options(draw)
    inputs = _layer_inputs(draw, options, ["ss"])
    return Draft(options, inputs, _hints(draw, inputs[1:2], "is_causal"))


def _decoder_layer_draft(draw):
    options = _layer_options(draw)
    inputs = _layer_inputs(draw, options, ["tt", "ts"])
    return Draft(options, inputs, _hints(draw, inputs[2:4], "tgt_is_causal", "memory_is_causal"))


def _stacked(layer_class, stack_class):
    """The constructor of a stack from flat options, as they are drawn."""

    def construct(num_layers, final_norm, **options):
        layer = layer_class(**options)
        norm = torch.nn.LayerNorm(options["d_model"]) if final_norm else None
        extra = {"enable_nested_tensor": False} if "Encoder" in stack_class.__name__ else {}
        return stack_class(layer, num_layers, norm, **extra)

    return construct


def _stack_options(draw):
    return {"num_layers": draw(sizes(1, 2)), "final_norm": draw(st.booleans())}


def _encoder_draft(draw):
    draft = _encoder_layer_draft(draw)
    return Draft(draft.options | _stack_options(draw), draft.inputs, draft.keywords)


def _decoder_draft(draw):
    draft = _decoder_layer_draft(draw)
    return Draft(draft.options | _stack_options(draw), draft.inputs, draft.keywords)


def _transformer_draft(draw):
    options = _layer_options(draw)
    options |= {"num_encoder_layers": draw(sizes(1, 2)), "num_decoder_layers": draw(sizes(1, 2))}
    inputs = _layer_inputs(draw, options, ["ss", "tt", "ts"])
    names = ("src_is_causal", "tgt_is_causal", "memory_is_causal")
    return Draft(options, inputs, _hints(draw, inputs[2:5], *names))


def _replay_layer(layer, batch, time, *memory):
    """The masks of one layer in PyTorch's order: of weights (memory: its steps) and of tokens."""
    attention = layer.self_attn
    heads, samples = attention.num_heads, 1 if batch is None else batch

    def tokens(features, from_attention):
        batch_first = attention.batch_first and batch is not None
        shape = (samples, time, features)
        # Attention with batch_first returns a view of (time, batch, features), and PyTorch draws
        # in the order of memory.
        if batch_first and not from_attention:
            return kept(layer.dropout.p, shape)
        return kept(layer.dropout.p, (time, samples, features)).swapaxes(0, 1)

    width, hidden = attention.embed_dim, layer.linear1.out_features
    draws = []
    for keys in (time, *memory):
        draws += [kept(attention.dropout, (samples, heads, time, keys)), tokens(width, True)]
    return [*draws, tokens(hidden, False), tokens(width, False)]


def _lengths(module, sequence):
    """Batch (None without one) and time of a sequence in PyTorch's layout."""
    if sequence.ndim == 2:
        return None, sequence.shape[0]
    batch_first = attention_of(module).batch_first
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


_SCORES, _PADDING = AsIs(), OfBatch()
_OF_ENCODER = (Sequences(), _SCORES, _PADDING)
_OF_DECODER = (*[Sequences()] * 2, *[_SCORES] * 2, *[_PADDING] * 2)
_SHARED = {
    "budget": "composite",
    "floor": {"grad_input": _tail_of_gelu, "grad_params": _tail_of_gelu},
    "outputs": (Sequences(),),
    "adapter": MaskedAdapter,
    "cancels_within": True,
    "kernel_dependent": KERNELS_DIFFER,
}
_UNKNOWN = Refusal(
    lambda: reference.TransformerEncoderLayer(4, 2, activation="tanh"),
    ValueError,
    "activation must be one of 'relu', 'gelu'; got 'tanh'",
)

_ATTENTION = [np.zeros((6, 2)), np.zeros((2, 2))]
_FEEDFORWARD = [np.zeros((1, 2)), np.zeros((2, 1))]
# Without a bias anywhere, and weights of 0 but those of the norms, the target is normalized.
_UNBIASED = (
    {
        "d_model": 2,
        "nhead": 1,
        "num_encoder_layers": 1,
        "num_decoder_layers": 1,
        "dim_feedforward": 1,
        "layer_norm_eps": 0.0,
        "bias": False,
    },
    (np.array([[[2.0, 1.0]]]), np.array([[[3.0, -5.0]]])),
    [[[1.0, -1.0]]],
    [
        *(*_ATTENTION, *_FEEDFORWARD, *[np.ones(2)] * 3),
        *(*_ATTENTION * 2, *_FEEDFORWARD, *[np.ones(2)] * 4),
    ],
)

register(
    Row(
        reference.TransformerEncoderLayer,
        torch.nn.TransformerEncoderLayer,
        _encoder_layer,
        _encoder_layer_draft,
        inputs=_OF_ENCODER,
        replay=_replay_encoder,
        refusals=[
            _UNKNOWN,
            Refusal(
                lambda: reference.TransformerEncoderLayer(4, 2, rng=0),
                TypeError,
                "^TransformerEncoderLayer.__init__: rng must be a numpy.random.Generator",
            ),
        ],
        **_SHARED,
    ),
    Row(
        reference.TransformerDecoderLayer,
        torch.nn.TransformerDecoderLayer,
        _decoder_layer,
        _decoder_layer_draft,
        inputs=_OF_DECODER,
        replay=_replay_decoder,
        refusals=[
            Refusal(
                lambda hint=hint: reference.TransformerDecoderLayer(4, 2).forward(
                    *np.ones((2, 1, 3, 4)), **{hint: True}
                ),
                ValueError,
                "attn_mask must be given where is_causal is True",
            )
            for hint in ("tgt_is_causal", "memory_is_causal")
        ],
        **_SHARED,
    ),
    Row(
        reference.TransformerEncoder,
        torch.nn.TransformerEncoder,
        _encoder,
        _encoder_draft,
        construct=_stacked(torch.nn.TransformerEncoderLayer, torch.nn.TransformerEncoder),
        inputs=_OF_ENCODER,
        replay=_replay_encoder,
        **_SHARED,
    ),
    Row(
        reference.TransformerDecoder,
        torch.nn.TransformerDecoder,
        _decoder,
        _decoder_draft,
        construct=_stacked(torch.nn.TransformerDecoderLayer, torch.nn.TransformerDecoder),
        inputs=_OF_DECODER,
        replay=_replay_decoder,
        **_SHARED,
    ),
    Row(
        reference.Transformer,
        torch.nn.Transformer,
        _transformer,
        _transformer_draft,
        literals=[_UNBIASED],
        refusals=[
            Refusal(
                lambda: reference.Transformer(4, 2, rng=0),
                TypeError,
                "^Transformer.__init__: rng must be a numpy.random.Generator",
            )
        ],
        inputs=(*[Sequences()] * 2, *[_SCORES] * 3, *[_PADDING] * 3),
        replay=_replay_transformer,
        unreached={
            f"option num_{side}_layers=1": "it is given as a stack of layers"
            for side in ("encoder", "decoder")
        },
        **_SHARED,
    ),
)
