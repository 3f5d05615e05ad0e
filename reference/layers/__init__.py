"""Layers (chapters 19 to 26)."""

from reference.layers.containers import Parallel, Residual, Sequential
from reference.layers.dense import Linear
from reference.layers.dropout import AlphaDropout, ChannelDropout, Dropout, FeatureAlphaDropout

__all__ = [
    "AlphaDropout",
    "ChannelDropout",
    "Dropout",
    "FeatureAlphaDropout",
    "Linear",
    "Parallel",
    "Residual",
    "Sequential",
]
