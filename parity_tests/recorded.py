"""Drawn cases as JSON: what they are made of, not how they were drawn.

So a case outlives a change of the strategies that drew it.
"""

import dataclasses
import importlib
from collections.abc import Mapping

import numpy as np
import torch

# Where the dataclasses that a case is made of may come from.
_PACKAGES = ("parity_tests", "torch")


def encode(value):
    """A case, and whatever it holds, as JSON has it; a TypeError names what cannot be kept."""
    if isinstance(value, (bool, str, type(None))) or type(value) in (int, float):
        return value
    if dataclasses.is_dataclass(value):
        fields = {f.name: encode(getattr(value, f.name)) for f in dataclasses.fields(value)}
        return {"class": f"{type(value).__module__}:{type(value).__qualname__}", **fields}
    if isinstance(value, Mapping):
        return {"mapping": {name: encode(entry) for name, entry in value.items()}}
    if isinstance(value, tuple):
        return {"tuple": [encode(part) for part in value]}
    if isinstance(value, list):
        return [encode(part) for part in value]
    if isinstance(value, (np.ndarray, np.generic)):
        return {"array": value.tolist(), "dtype": str(value.dtype), "shape": list(value.shape)}
    if isinstance(value, torch.Tensor):
        return {"tensor": encode(value.detach().numpy())}
    if isinstance(value, torch.dtype):
        return {"dtype of torch": str(value).partition(".")[2]}
    raise TypeError(f"a {type(value).__name__} cannot be kept")


def decode(value):
    """What `encode` encoded."""
    match value:
        case list():
            return [decode(part) for part in value]
        case {"class": name, **fields}:
            return _found(name)(**{key: decode(entry) for key, entry in fields.items()})
        case {"mapping": entries}:
            return {name: decode(entry) for name, entry in entries.items()}
        case {"tuple": parts}:
            return tuple(decode(part) for part in parts)
        case {"array": numbers, "dtype": dtype, "shape": shape}:
            return np.asarray(numbers, dtype).reshape(shape)
        case {"tensor": array}:
            return torch.from_numpy(decode(array))
        case {"dtype of torch": name}:
            return getattr(torch, name)
    return value


def _found(name: str) -> type:
    module, _, kind = name.partition(":")
    if module.partition(".")[0] not in _PACKAGES:
        raise ValueError(f"{name} is no class of {' or '.join(_PACKAGES)}")
    return getattr(importlib.import_module(module), kind)
