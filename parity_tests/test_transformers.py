"""Masks by name and by place, and layers whose parts somebody replaced."""

import copy
import inspect

import numpy as np
import pytest
import torch

from parity_tests import mirror, oracle
from parity_tests.test_mirror import compare_with

nn = torch.nn
RNG = np.random.default_rng(0)
BATCH, TIME, STEPS, WIDTH, HEADS = 3, 4, 5, 6, 2


def attention(batch_first):
    return nn.MultiheadAttention(WIDTH, HEADS, batch_first=batch_first)


def encoder_layer(batch_first, **options):
    return nn.TransformerEncoderLayer(WIDTH, HEADS, 7, 0.0, batch_first=batch_first, **options)


def decoder_layer(batch_first, **options):
    return nn.TransformerDecoderLayer(WIDTH, HEADS, 7, 0.0, batch_first=batch_first, **options)


def encoder(batch_first):
    layer = encoder_layer(batch_first)
    return nn.TransformerEncoder(layer, 2, nn.LayerNorm(WIDTH), enable_nested_tensor=False)


def decoder(batch_first):
    return nn.TransformerDecoder(decoder_layer(batch_first), 2)


def transformer(batch_first):
    with oracle.quiet():
        return nn.Transformer(WIDTH, HEADS, 1, 1, 7, 0.0, batch_first=batch_first)


# The sequences of each module, then its masks, by the lengths that they run over.
CALLS = {
    attention: {"query": "t", "key": "s", "value": "s", "key_padding_mask": "s", "attn_mask": "ts"},
    encoder_layer: {"src": "t", "src_mask": "tt", "src_key_padding_mask": "t"},
    encoder: {"src": "t", "mask": "tt", "src_key_padding_mask": "t"},
    decoder_layer: {"tgt": "t", "memory": "s", "tgt_mask": "tt", "memory_mask": "ts"},
    decoder: {"tgt": "t", "memory": "s", "tgt_mask": "tt", "memory_key_padding_mask": "s"},
    transformer: {"src": "s", "tgt": "t", "src_mask": "ss", "memory_key_padding_mask": "s"},
}


def arguments(call, floating, batch_first, batched):
    """Arrays in PyTorch's layout for the arguments of a call, by name."""
    lengths = {"t": TIME, "s": STEPS}
    arrays = {}
    for name, axes in call.items():
        shape = tuple(lengths[axis] for axis in axes)
        if not name.endswith("mask"):
            shape = (*shape, BATCH, WIDTH) if batched else (*shape, WIDTH)
            array = RNG.normal(size=shape)
            arrays[name] = array.swapaxes(0, 1) if batched and batch_first else array
            continue
        shape = (BATCH, *shape) if batched and "padding" in name else shape
        arrays[name] = RNG.normal(size=shape) if floating else RNG.random(shape) < 0.3
    return arrays


@pytest.mark.parametrize("batched", [True, False])
@pytest.mark.parametrize("batch_first", [True, False])
@pytest.mark.parametrize("floating", [True, False])
@pytest.mark.parametrize("make", CALLS)
def test_masks_by_name_are_those_by_place(make, floating, batch_first, batched):
    torch.manual_seed(0)
    module = make(batch_first).double()
    named = arguments(CALLS[make], floating, batch_first, batched)
    names = list(inspect.signature(module.forward).parameters)
    last = max(names.index(name) for name in named)
    by_place = [named.get(name) for name in names[: last + 1]]
    if make is attention:
        by_place[names.index("need_weights")] = True
    compare_with(module, *by_place)
    twin, sequences = mirror(module), [a for n, a in named.items() if not n.endswith("mask")]
    masks = {name: array for name, array in named.items() if name.endswith("mask")}
    outputs = oracle.flatten(twin.forward(*by_place))
    upstream = [RNG.normal(size=output.shape) for output in outputs]
    grads = twin.backward(*upstream)
    again = oracle.flatten(twin.forward(*sequences, **masks))
    for one, other in zip(outputs, again, strict=True):
        np.testing.assert_array_equal(one, other)
    grad_inputs, grad_params = twin.backward(*upstream)
    # A mask of floats that continues the sequences counts as one of the inputs by place.
    assert len(grad_inputs) >= len(sequences)
    for one, other in zip(
        [*grad_inputs, *grad_params], [*grads[0][: len(grad_inputs)], *grads[1]], strict=True
    ):
        np.testing.assert_array_equal(one, other)


def test_copies_of_a_decoder_layer_fall_back_to_relu_where_its_activation_is_a_module():
    torch.manual_seed(0)
    layer = decoder_layer(True, activation=nn.GELU()).double()
    tgt, memory = RNG.normal(size=(BATCH, TIME, WIDTH)), RNG.normal(size=(BATCH, STEPS, WIDTH))
    one, copied = (compare_with(each, tgt, memory) for each in (layer, copy.deepcopy(layer)))
    assert not np.allclose(one.forward(tgt, memory), copied.forward(tgt, memory))
    with oracle.quiet():
        whole = nn.Transformer(WIDTH, HEADS, 1, 1, 7, 0.0, nn.GELU(), batch_first=True)
    compare_with(whole.double(), memory, tgt)


class Own(nn.TransformerEncoderLayer):
    """A layer with a forward of its own."""


def with_part(name, part):
    layer = encoder_layer(True)
    setattr(layer, name, part)
    return layer


def stack_of(layer):
    return nn.TransformerEncoder(layer, 1, enable_nested_tensor=False)


ALTERED = {
    "activation=.* has no counterpart": encoder_layer(True, activation=nn.SiLU()),
    "approximate='tanh'": encoder_layer(True, activation=nn.GELU("tanh")),
    "norm1 of type RMSNorm": with_part("norm1", nn.RMSNorm(WIDTH)),
    "parts that differ in layer_norm_eps": with_part("norm1", nn.LayerNorm(WIDTH, 0.1)),
    "parts that differ in dropout": with_part("dropout1", nn.Dropout(0.5)),
    "parts that differ in bias": with_part("linear1", nn.Linear(WIDTH, 7, bias=False)),
    "keys that attention appends": with_part(
        "self_attn", nn.MultiheadAttention(WIDTH, HEADS, add_zero_attn=True)
    ),
    "a forward of its own": stack_of(Own(WIDTH, HEADS, 7)),
    "norm of type BatchNorm1d": nn.TransformerEncoder(
        encoder_layer(True), 1, nn.BatchNorm1d(WIDTH), enable_nested_tensor=False
    ),
    "custom_encoder": nn.Transformer(
        WIDTH, HEADS, 1, 1, 7, custom_encoder=nn.Identity(), batch_first=True
    ),
}


@pytest.mark.parametrize("words", ALTERED)
def test_what_has_no_counterpart_is_refused_by_name(words):
    with pytest.raises(NotImplementedError, match=words):
        mirror(ALTERED[words])


@pytest.mark.parametrize(
    ("mask", "error", "words"),
    [
        (np.ones((TIME, TIME), int), TypeError, "booleans, or floats that float32 holds; got d"),
        (np.ones((TIME, TIME)), TypeError, "floats that float32 holds; got dtype float64"),
        (np.ones(TIME, bool), ValueError, r"must have shape \(4, 4\); got shape \(4,\)"),
        (np.ones((TIME, STEPS), bool), ValueError, r"must have shape \(4, 4\); got shape \(4, 5\)"),
    ],
)
def test_a_mask_that_pytorch_refuses_is_refused(mask, error, words):
    query = np.ones((BATCH, TIME, WIDTH), np.float32)
    module = nn.MultiheadAttention(WIDTH, HEADS, batch_first=True)
    with pytest.raises((RuntimeError, AssertionError)):
        module(*[torch.from_numpy(query)] * 3, attn_mask=torch.from_numpy(mask))
    with pytest.raises(error, match=words):
        mirror(module).forward(query, query, query, attn_mask=mask)
