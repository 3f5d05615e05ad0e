"""Layers (chapters 19 to 26)."""

from reference.layers.containers import Parallel, Residual, Sequential
from reference.layers.dense import Bilinear, Identity, Linear
from reference.layers.dropout import AlphaDropout, ChannelDropout, Dropout, FeatureAlphaDropout
from reference.layers.embedding import Embedding, EmbeddingBag
from reference.layers.pooling import MaxPooling1D, MaxPooling2D, MaxPooling3D

__all__ = [
    "AlphaDropout",
    "Bilinear",
    "ChannelDropout",
    "Dropout",
    "Embedding",
    "EmbeddingBag",
    "FeatureAlphaDropout",
    "Identity",
    "Linear",
    "MaxPooling1D",
    "MaxPooling2D",
    "MaxPooling3D",
    "Parallel",
    "Residual",
    "Sequential",
]
