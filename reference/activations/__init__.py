"""Activations (chapters 7 to 9, section 11.1)."""

from reference.activations.rectifying import LeakyReLU
from reference.activations.sigmoidal import Softsign

__all__ = ["LeakyReLU", "Softsign"]
