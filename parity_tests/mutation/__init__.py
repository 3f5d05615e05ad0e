"""Mutants of the reference: a parity table is worth what its rows can catch."""
