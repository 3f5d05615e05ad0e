"""Minimal NumPy implementations with hand-written gradients."""

from reference import initializers
from reference._base import Layer, Loss, Optimizer
from reference.activations import *  # noqa: F403
from reference.layers import *  # noqa: F403
from reference.losses import *  # noqa: F403
from reference.optimizers import *  # noqa: F403

__all__ = ["Layer", "Loss", "Optimizer", "initializers"]
__all__ += activations.__all__ + layers.__all__ + losses.__all__ + optimizers.__all__  # noqa: F405
