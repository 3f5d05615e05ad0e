"""What an input looks like: a shape and a kind of values, or an array in a file."""

import ast
import re
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from parity_tests.debug.failures import UsageError

KINDS = ("normal", "positive", "unit", "classes", "ints", "binary", "signs", "prob", "probs")
KINDS += ("logprob", "onehot", "bool")
INTEGER_KINDS = ("classes", "ints")


@dataclass(frozen=True)
class Spec:
    """One input: its kind, its shape, the number of classes, or a fixed array."""

    kind: str
    shape: tuple
    count: int = 0
    array: np.ndarray | None = None

    @property
    def integer(self):
        if self.array is not None:
            return not np.issubdtype(self.array.dtype, np.floating)
        return self.kind in INTEGER_KINDS or self.kind == "bool"

    @property
    def bounded(self):
        """May its values not be moved far?"""
        return self.array is not None or self.kind not in ("normal", "positive")

    def reshaped(self, shape):
        return replace(self, shape=tuple(shape), array=None)

    def text(self):
        if self.array is not None:
            return f"array {self.shape}"
        prefix = {"normal": ""}.get(self.kind, self.kind)
        counted = f"{prefix}:{self.count}" if self.kind in INTEGER_KINDS else prefix
        return f"{counted} {self.shape}".strip()


def parse(text):
    """The spec that a user wrote."""
    text = text.strip()
    if text.endswith(".npy"):
        if not Path(text).is_file():
            raise UsageError(f"there is no file {text}")
        array = np.load(text)
        return Spec("normal", array.shape, array=array)
    match = re.fullmatch(r"(?:([a-z]+)(?::(\d+))?\s*)?(\(.*\)|\d+)", text)
    if not match:
        raise UsageError(f"an input must be a shape, perhaps after a kind; got {text!r}")
    kind, count, shape = match.groups()
    if kind is not None and kind not in KINDS:
        raise UsageError(f"an input's kind must be one of {', '.join(KINDS)}; got {kind!r}")
    if kind in INTEGER_KINDS and count is None:
        raise UsageError(f"{kind} needs a count, such as {kind}:5 (8,); got {text!r}")
    try:
        shape = ast.literal_eval(shape)
    except (ValueError, SyntaxError) as error:
        raise UsageError(f"cannot read the shape in {text!r}") from error
    shape = (shape,) if isinstance(shape, int) else tuple(shape)
    if not all(isinstance(size, int) and size >= 0 for size in shape):
        raise UsageError(f"a shape must hold sizes; got {text!r}")
    return Spec(kind or "normal", shape, int(count or 0))


def from_argument(value):
    """A spec from what Python code passes: a text, a shape or an array."""
    if isinstance(value, Spec):
        return value
    if isinstance(value, str):
        return parse(value)
    if isinstance(value, np.ndarray):
        return Spec("normal", value.shape, array=value)
    return Spec("normal", tuple(value))


def draw(spec, rng):
    """An array of this spec."""
    if spec.array is not None:
        return spec.array.copy()
    shape, kind = spec.shape, spec.kind
    if kind == "normal":
        return rng.normal(size=shape)
    if kind == "positive":
        return rng.uniform(0.3, 2.5, shape)
    if kind in ("prob", "unit"):
        return rng.uniform(0.08, 0.92, shape)
    if kind in ("probs", "logprob"):
        weights = rng.uniform(0.2, 1.5, shape)
        probs = weights / weights.sum(axis=-1, keepdims=True)
        return np.log(probs) if kind == "logprob" else probs
    if kind in INTEGER_KINDS:
        return _covering(rng, spec.count, shape)
    if kind == "onehot":
        classes = _covering(rng, shape[-1], shape[:-1])
        return np.eye(shape[-1])[classes]
    if kind == "bool":
        return rng.random(shape) < 0.6
    signs = _covering(rng, 2, shape)
    return (2.0 * signs - 1) if kind == "signs" else signs.astype(float)


def _covering(rng, count, shape):
    """Random integers below `count` in which many different ones occur."""
    size = int(np.prod(shape))
    values = rng.integers(0, max(count, 1), size)
    some = rng.permutation(max(count, 1))[: size // 2 + 1][:size]
    values[: len(some)] = some
    return rng.permutation(values).reshape(shape)


def with_batch(specs, size):
    """The same specs with another size of the axis that all of them begin with."""
    batches = {spec.shape[0] for spec in specs if spec.shape}
    if len(batches) != 1 or any(spec.array is not None or not spec.shape for spec in specs):
        return None
    if min(len(spec.shape) for spec in specs) < 1:
        return None
    return [spec.reshaped((size, *spec.shape[1:])) for spec in specs]
