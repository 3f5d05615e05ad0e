"""Every class of `reference`, compared with PyTorch element by element."""

import importlib

# Loaded on first use: `parity` must be able to say what to install where torch is absent.
_LAZY = {
    "mirror": "parity_tests.mirroring",
    "explain": "parity_tests.debug",
    "assert_gradients": "parity_tests.debug",
}
__all__ = sorted(_LAZY)


def __getattr__(name):
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_LAZY[name]), name)
