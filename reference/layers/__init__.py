"""Layers (chapters 19 to 26)."""

from reference.layers.dense import Linear

__all__ = ["Linear"]
