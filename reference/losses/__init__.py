"""Losses (chapters 10 and 11)."""

from reference.losses.categorical import CrossEntropyLoss

__all__ = ["CrossEntropyLoss"]
