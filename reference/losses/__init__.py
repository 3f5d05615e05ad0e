"""Losses (chapters 10 and 11)."""

__all__ = []
