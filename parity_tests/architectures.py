"""The architectures of sections 26.6 and 26.7, of the reference's layers and in torch.nn.

Each comes twice: of NumPy layers, whose gradient follows from theirs, and in PyTorch, with the same
parameters in the same order.
"""

from typing import NamedTuple

import numpy as np
import torch
from torch import nn

import reference
from reference.layers.containers import Container


class Sizes(NamedTuple):
    """What all four have in common."""

    d_model: int
    nhead: int
    dim_feedforward: int
    num_layers: int


class First(reference.Layer):
    """The first step of each sequence: y = x[:, 0]."""

    def forward(self, input_data):
        self.shape = input_data.shape
        return input_data[:, 0]

    def backward(self, grad_output):
        grad_input = np.zeros(self.shape, grad_output.dtype)
        grad_input[:, 0] = grad_output
        return grad_input, None


class ClassToken(reference.Layer):
    """A learned step before the others, which gathers what the class depends on: y = [c, x]."""

    def __init__(self, d_model):
        super().__init__()
        self.params = [np.zeros((1, 1, d_model))]

    def forward(self, input_data):
        token = np.broadcast_to(self.params[0], (len(input_data), 1, input_data.shape[-1]))
        return np.concatenate([token, input_data], axis=1)

    def backward(self, grad_output):
        return grad_output[:, 1:], [grad_output[:, :1].sum(axis=0, keepdims=True)]


def _blocks(sizes, norm_first, rng):
    """Self-attention and feed-forward, `num_layers` times."""
    layers = [
        reference.TransformerEncoderLayer(
            *sizes[:3], dropout=0.0, activation="gelu", norm_first=norm_first, rng=rng
        )
        for _ in range(sizes.num_layers)
    ]
    norm = reference.LayerNorm(sizes.d_model) if norm_first else None
    return reference.TransformerEncoder(*layers, norm=norm)


def _torch_blocks(sizes, norm_first):
    layer = nn.TransformerEncoderLayer(
        *sizes[:3], dropout=0.0, activation="gelu", norm_first=norm_first, batch_first=True
    )
    norm = nn.LayerNorm(sizes.d_model) if norm_first else None
    return nn.TransformerEncoder(layer, sizes.num_layers, norm, enable_nested_tensor=False)


class TorchClassToken(nn.Module):
    """A learned step before the others."""

    def __init__(self, d_model):
        super().__init__()
        self.token = nn.Parameter(torch.zeros(1, 1, d_model))

    def forward(self, hidden):
        return torch.cat([self.token.expand(len(hidden), -1, -1), hidden], dim=1)


class TorchPositions(nn.Module):
    """Learned positions."""

    def __init__(self, max_length, d_model):
        super().__init__()
        self.vectors = nn.Parameter(torch.empty(max_length, d_model).normal_(0, 0.02))

    def forward(self, hidden):
        return hidden + self.vectors[: hidden.shape[1]]


# --- section 26.6.1, as BERT: for understanding ---


class EncoderOnly(reference.Sequential):
    """Every step sees every other, but padding; the first stands for the whole sequence."""

    non_floating = ("tokens", "padding")

    def __init__(self, vocabulary, classes, max_length, sizes, rng=None):
        super().__init__(
            reference.Embedding(vocabulary, sizes.d_model, rng=rng),
            reference.LearnedEncoding(max_length, sizes.d_model, rng=rng),
            _blocks(sizes, norm_first=False, rng=rng),
            First(),
            reference.Linear(sizes.d_model, sizes.d_model, rng=rng),
            reference.Tanh(),
            reference.Linear(sizes.d_model, classes, rng=rng),
        )

    def forward(self, tokens, padding=None):
        embedding, positions, blocks, *head = self.layers
        hidden = positions.forward(embedding.forward(tokens))
        hidden = blocks.forward(hidden, src_key_padding_mask=padding)
        for layer in head:
            hidden = layer.forward(hidden)
        return hidden


class TorchEncoderOnly(nn.Module):
    def __init__(self, vocabulary, classes, max_length, sizes):
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, sizes.d_model)
        self.positions = TorchPositions(max_length, sizes.d_model)
        self.blocks = _torch_blocks(sizes, norm_first=False)
        self.pooler = nn.Linear(sizes.d_model, sizes.d_model)
        self.head = nn.Linear(sizes.d_model, classes)

    def forward(self, tokens, padding=None):
        hidden = self.positions(self.embedding(tokens))
        hidden = self.blocks(hidden, src_key_padding_mask=padding)
        return self.head(torch.tanh(self.pooler(hidden[:, 0])))


# --- section 26.6.2, as GPT: for generation ---


class DecoderOnly(reference.Sequential):
    """Every step sees itself and those before it, and foretells the next.

    There is no memory to attend to: the layers are those of an encoder, under a causal mask.
    """

    non_floating = ("tokens",)

    def __init__(self, vocabulary, max_length, sizes, rng=None):
        super().__init__(
            reference.Embedding(vocabulary, sizes.d_model, rng=rng),
            reference.LearnedEncoding(max_length, sizes.d_model, rng=rng),
            _blocks(sizes, norm_first=True, rng=rng),
            reference.Linear(sizes.d_model, vocabulary, bias=False, rng=rng),
        )

    def forward(self, tokens):
        embedding, positions, blocks, head = self.layers
        hidden = positions.forward(embedding.forward(tokens))
        later = ~np.tri(tokens.shape[1], dtype=bool)
        return head.forward(blocks.forward(hidden, later))


class TorchDecoderOnly(nn.Module):
    def __init__(self, vocabulary, max_length, sizes):
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, sizes.d_model)
        self.positions = TorchPositions(max_length, sizes.d_model)
        self.blocks = _torch_blocks(sizes, norm_first=True)
        self.head = nn.Linear(sizes.d_model, vocabulary, bias=False)

    def forward(self, tokens):
        hidden = self.positions(self.embedding(tokens))
        later = torch.ones(tokens.shape[1], tokens.shape[1], dtype=torch.bool).triu(1)
        return self.head(self.blocks(hidden, later))


# --- section 26.6.3, as T5: for translation ---


class EncoderDecoder(Container):
    """An encoder reads the source; a decoder writes the target, step by step, reading that."""

    non_floating = ("source", "target", "padding")

    def __init__(self, vocabulary, sizes, rng=None):
        counts = (sizes.num_layers, sizes.num_layers)
        self.positions = reference.SinusoidalEncoding(sizes.d_model)
        self.of_source = reference.Embedding(vocabulary, sizes.d_model, rng=rng)
        self.of_target = reference.Embedding(vocabulary, sizes.d_model, rng=rng)
        self.transformer = reference.Transformer(
            *sizes[:2], *counts, sizes.dim_feedforward, dropout=0.0, rng=rng
        )
        self.head = reference.Linear(sizes.d_model, vocabulary, rng=rng)
        super().__init__(self.of_source, self.of_target, self.transformer, self.head)

    def forward(self, source, target, padding=None):
        hidden = self.transformer.forward(
            self.positions.forward(self.of_source.forward(source)),
            self.positions.forward(self.of_target.forward(target)),
            tgt_mask=~np.tri(target.shape[1], dtype=bool),
            src_key_padding_mask=padding,
            memory_key_padding_mask=padding,
        )
        return self.head.forward(hidden)

    def backward(self, grad_output):
        grad_hidden, grads_head = self.head.backward(grad_output)
        (grad_source, grad_target), grads_transformer = self.transformer.backward(grad_hidden)
        # Positions are added: the gradient passes them by.
        _, grads_source = self.of_source.backward(grad_source)
        _, grads_target = self.of_target.backward(grad_target)
        grads = [grads_source, grads_target, grads_transformer, grads_head]
        return (None, None), self.sum_grads(grads)


class TorchEncoderDecoder(nn.Module):
    def __init__(self, vocabulary, sizes):
        super().__init__()
        counts = (sizes.num_layers, sizes.num_layers)
        self.of_source = nn.Embedding(vocabulary, sizes.d_model)
        self.of_target = nn.Embedding(vocabulary, sizes.d_model)
        self.transformer = nn.Transformer(
            *sizes[:2], *counts, sizes.dim_feedforward, dropout=0.0, batch_first=True
        )
        self.head = nn.Linear(sizes.d_model, vocabulary)

    def positions(self, hidden):
        time, d_model = hidden.shape[1:]
        even = torch.arange(0, d_model, 2, dtype=torch.float64)
        angles = torch.arange(time)[:, None] / 10000 ** (even / d_model)
        encoding = torch.stack([angles.sin(), angles.cos()], dim=-1).flatten(1)
        return hidden + encoding.to(hidden.dtype)

    def forward(self, source, target, padding=None):
        later = torch.ones(target.shape[1], target.shape[1], dtype=torch.bool).triu(1)
        hidden = self.transformer(
            self.positions(self.of_source(source)),
            self.positions(self.of_target(target)),
            tgt_mask=later,
            src_key_padding_mask=padding,
            memory_key_padding_mask=padding,
        )
        return self.head(hidden)


# --- section 26.7: for images ---


class VisionTransformer(reference.Sequential):
    """The patches of an image are the steps of a sequence; a learned step gathers the class."""

    def __init__(self, input_channels, patches, patch_size, classes, sizes, rng=None):
        super().__init__(
            reference.PatchEmbedding(input_channels, sizes.d_model, patch_size, rng=rng),
            ClassToken(sizes.d_model),
            reference.LearnedEncoding(1 + patches, sizes.d_model, rng=rng),
            _blocks(sizes, norm_first=True, rng=rng),
            First(),
            reference.Linear(sizes.d_model, classes, rng=rng),
        )


class TorchVisionTransformer(nn.Module):
    def __init__(self, input_channels, patches, patch_size, classes, sizes):
        super().__init__()
        self.patches = nn.Conv2d(input_channels, sizes.d_model, patch_size, patch_size)
        self.token = TorchClassToken(sizes.d_model)
        self.positions = TorchPositions(1 + patches, sizes.d_model)
        self.blocks = _torch_blocks(sizes, norm_first=True)
        self.head = nn.Linear(sizes.d_model, classes)

    def forward(self, images):
        patches = self.patches(images).flatten(2).transpose(1, 2)
        return self.head(self.blocks(self.positions(self.token(patches)))[:, 0])
