"""Optimizers (chapter 6)."""

from reference.optimizers.gradient_descent import SGD

__all__ = ["SGD"]
