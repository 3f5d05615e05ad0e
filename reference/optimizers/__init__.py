"""Optimizers (chapter 6)."""

from reference.optimizers.gradient_descent import (
    SGD,
    GradientDescent,
    HeavyBall,
    Momentum,
    Nesterov,
)

__all__ = ["GradientDescent", "HeavyBall", "Momentum", "Nesterov", "SGD"]
