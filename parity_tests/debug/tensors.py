"""An array namespace over torch tensors: what stands for `np` when autograd runs a forward.

torch._numpy does most of the work. What it lacks, or does by silently leaving the graph, is
mended here: arrays built from lists of arrays, float(), .item(), math, errstate, generators,
sliding windows, ufunc.at, vectorize, ogrid, reflecting pads. Its gradients are used only where
they agree with numeric ones, so a gap that is left costs a trace and never a wrong verdict.
"""

import builtins
import math
import types

import numpy as real
import torch
import torch._numpy as base

Array = base.ndarray
base.set_default_dtype()  # NumPy's; to ask for them would load torch._dynamo, for seconds


def tensor_of(value):
    """The tensor behind an array of this namespace, or of a plain one."""
    if isinstance(value, Array):
        return value.tensor
    if isinstance(value, torch.Tensor):
        return value
    return torch.as_tensor(real.array(value))


def array_of(value):
    """An array of this namespace that shares nothing with `value`."""
    return Array(torch.as_tensor(real.array(value)))


def _traced(value):
    if isinstance(value, Array):
        return True
    return isinstance(value, (list, tuple)) and any(_traced(part) for part in value)


def _stacked(value):
    if isinstance(value, (list, tuple)):
        return torch.stack([_stacked(part).to(torch.float64) for part in value])
    return tensor_of(value)


def array(value, dtype=None, copy=True, ndmin=0, **_):
    if isinstance(value, (list, tuple)) and _traced(value):
        made = Array(_stacked(value))
    elif isinstance(value, Array):
        made = Array(value.tensor.clone())
    else:
        made = Array(torch.as_tensor(real.array(value)))
    if dtype is not None:
        made = made.astype(_dtype(dtype))
    while made.ndim < ndmin:
        made = made[None]
    return made


def asarray(value, dtype=None, **keywords):
    if isinstance(value, Array) and dtype is None:
        return value
    return array(value, dtype)


def _dtype(dtype):
    name = real.dtype(getattr(dtype, "name", dtype) if not isinstance(dtype, type) else dtype).name
    return {"longdouble": "float64", "float128": "float64"}.get(name, name)


def _creation(name):
    maker = getattr(real, name)

    def make(*arguments, **keywords):
        if "dtype" in keywords and keywords["dtype"] is not None:
            keywords["dtype"] = _dtype(keywords["dtype"])
        arguments = [
            real.asarray(a.tensor.detach().numpy()) if isinstance(a, Array) else a
            for a in arguments
        ]
        return array_of(maker(*arguments, **keywords))

    return make


def full(shape, value, dtype=None, **_):
    made = array_of(real.zeros(shape, _dtype(dtype) if dtype else real.asarray(0.0).dtype))
    made[...] = value
    return made


def _padded(value, width, mode="constant", **keywords):
    if mode == "constant":
        return _constant_padded(value, width, keywords.get("constant_values", 0))
    tensor = tensor_of(value)
    pairs = real.broadcast_to(real.asarray(width), (tensor.ndim, 2))
    for axis, (before, after) in enumerate(pairs):
        places = real.pad(real.arange(tensor.shape[axis]), (int(before), int(after)), mode=mode)
        tensor = tensor.index_select(axis, torch.as_tensor(places))
    return Array(tensor)


def _constant_padded(value, width, constant):
    tensor = tensor_of(value)
    pairs = real.broadcast_to(real.asarray(width), (tensor.ndim, 2))
    flat = [int(size) for pair in pairs[::-1] for size in pair]
    if isinstance(constant, (tuple, list)):
        constant = real.ravel(constant)[0]
    return Array(torch.nn.functional.pad(tensor, flat, value=float(constant)))


def _sliding_window_view(value, window_shape, axis=None, **_):
    tensor = tensor_of(value)
    window = (window_shape,) if isinstance(window_shape, int) else tuple(window_shape)
    axes = tuple(range(tensor.ndim)) if axis is None else axis
    axes = (axes,) if isinstance(axes, int) else tuple(axes)
    for size, place in zip(window, axes, strict=True):
        tensor = tensor.unfold(place if place >= 0 else place + value.ndim, int(size), 1)
    return Array(tensor)


def _as_strided(value, shape=None, strides=None, **_):
    tensor = tensor_of(value)
    step = value.itemsize if isinstance(value, Array) else 8
    return Array(tensor.as_strided(tuple(shape), tuple(int(s) // step for s in strides)))


class _Ufunc:
    """A ufunc: calls, reductions and unbuffered `at`."""

    def __init__(self, name):
        self.name, self.function = name, getattr(base, name)

    def __call__(self, *arguments, **keywords):
        arguments = [
            array_of(a) if isinstance(a, (real.ndarray, real.generic)) else a for a in arguments
        ]
        if keywords.get("where", True) is not True:
            return self._masked(arguments, **keywords)
        if keywords.get("dtype") is not None:
            keywords["dtype"] = _dtype(keywords["dtype"])
        out = keywords.get("out")
        if isinstance(out, tuple):
            keywords["out"] = out[0]
        return self.function(*arguments, **keywords)

    def _masked(self, arguments, where, out=None, **_):
        made = self.function(*arguments)
        mask = tensor_of(where)
        if out is None:
            return Array(torch.where(mask, made.tensor, torch.zeros_like(made.tensor)))
        out[...] = Array(torch.where(mask, made.tensor, out.tensor.clone()))
        return out

    def at(self, target, index, value=None):
        places = index if isinstance(index, tuple) else (index,)
        places = tuple(tensor_of(p) if not isinstance(p, slice) else p for p in places)
        if self.name in ("add", "subtract") and not any(isinstance(p, slice) for p in places):
            amount = tensor_of(value).to(target.tensor.dtype)
            amount = -amount if self.name == "subtract" else amount
            amount = amount.expand(target.tensor[places].shape)
            target.tensor.index_put_(places, amount, accumulate=True)
            return
        raise NotImplementedError(f"{self.name}.at")

    def reduce(self, value, axis=0, **keywords):
        names = {"add": "sum", "multiply": "prod", "maximum": "max", "minimum": "min"}
        return getattr(base, names[self.name])(value, axis=axis, **keywords)

    def outer(self, left, right):
        left, right = asarray(left), asarray(right)
        return self(left.reshape(left.shape + (1,) * right.ndim), right)

    def accumulate(self, value, axis=0):
        return getattr(base, {"add": "cumsum", "multiply": "cumprod"}[self.name])(value, axis=axis)


def _vectorize(function, **_):
    def apply(*arguments):
        arrays = base.broadcast_arrays(*[asarray(argument) for argument in arguments])
        flat = [a.reshape(-1) for a in arrays]
        values = [function(*(a[place] for a in flat)) for place in range(flat[0].size)]
        return array(values).reshape(arrays[0].shape)

    return apply


def _converting(function):
    """A function of torch._numpy that also takes real arrays and lists of arrays."""

    def convert(value):
        if isinstance(value, (real.ndarray, real.generic)):
            return array_of(value)
        return value

    def call(*arguments, **keywords):
        if keywords.get("dtype") is not None:
            keywords["dtype"] = _dtype(keywords["dtype"])
        arguments = [
            type(a)(convert(part) for part in a) if type(a) in (list, tuple) else convert(a)
            for a in arguments
        ]
        return function(*arguments, **keywords)

    return call


def _via_tensor(function):
    return lambda value, *rest, **_: Array(function(tensor_of(value).to(torch.float64), *rest))


def _clip(value, low=None, high=None, out=None, **keywords):
    low, high = keywords.get("min", low), keywords.get("max", high)
    made = asarray(value)
    if low is not None:
        made = base.maximum(made, asarray(low))
    if high is not None:
        made = base.minimum(made, asarray(high))
    if out is not None:
        out[...] = made
        return out
    return made


class _Namespace(types.ModuleType):
    """`np` for the second run of the target's file."""

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        value = self._found(name)
        setattr(self, name, value)
        return value

    def _found(self, name):
        original = getattr(real, name, None)
        if isinstance(original, real.ufunc) and hasattr(base, name):
            return _Ufunc(name)
        if isinstance(original, type) or not callable(original):
            return original if original is not None else getattr(base, name)
        if hasattr(base, name):
            return _converting(getattr(base, name))
        return original


def namespace():
    """A fresh namespace."""
    np = _Namespace("numpy")
    np.ndarray = Array
    np.array, np.asarray, np.ascontiguousarray, np.full = array, asarray, asarray, full
    np.asanyarray = asarray
    for name in ("zeros", "ones", "empty", "arange", "eye", "identity", "linspace", "tri"):
        setattr(np, name, _creation(name))
    for name in ("zeros_like", "ones_like", "empty_like", "indices", "argsort", "argmax", "argmin"):
        setattr(np, name, _creation(name))
    for name in (
        "nonzero",
        "argwhere",
        "flatnonzero",
        "ogrid",
        "mgrid",
        "unravel_index",
        "ndindex",
    ):
        setattr(np, name, _real_of(name))
    np.pad, np.clip, np.vectorize = _padded, _clip, _vectorize
    np.copy = lambda value, **_: array(value)
    np.dot = _dot
    np.expand_dims = _expand_dims
    np.isscalar = lambda value: real.isscalar(value) or isinstance(value, builtins.float)
    np.errstate, np.seterr = real.errstate, real.seterr
    np.shape = lambda value: tuple(value.shape) if hasattr(value, "shape") else real.shape(value)
    np.ndim = lambda value: len(np.shape(value))
    np.size = lambda value, axis=None: (
        int(real.prod(np.shape(value))) if axis is None else np.shape(value)[axis]
    )
    np.lib = types.SimpleNamespace(
        stride_tricks=types.SimpleNamespace(
            sliding_window_view=_sliding_window_view, as_strided=_as_strided
        )
    )
    np.linalg = types.SimpleNamespace(
        **{n: getattr(base.linalg, n) for n in dir(base.linalg) if not n.startswith("_")}
    )
    np.linalg.norm = _norm
    np.random = real.random
    np.add.at  # noqa: B018 - fails early if ufuncs are not wrapped
    return np


def _real_of(name):
    """Index arithmetic needs no gradient: the real function, its arrays converted."""
    original = getattr(real, name)
    if not callable(original):
        return original

    def call(*arguments, **keywords):
        plain = [a.tensor.detach().numpy() if isinstance(a, Array) else a for a in arguments]
        return original(*plain, **keywords)

    return call


def _dot(left, right, out=None):
    left, right = asarray(left), asarray(right)
    if left.ndim == 0 or right.ndim == 0:
        return left * right
    if left.ndim <= 2 and right.ndim <= 2:
        return left @ right
    return Array(torch.tensordot(left.tensor, right.tensor, dims=([-1], [max(right.ndim - 2, 0)])))


def _expand_dims(value, axis):
    made = tensor_of(value)
    axes = (axis,) if isinstance(axis, int) else axis
    for place in sorted(a % (made.ndim + len(axes)) for a in axes):
        made = made.unsqueeze(place)
    return Array(made)


def _norm(value, ord=None, axis=None, keepdims=False):
    tensor = tensor_of(value)
    order = 2 if ord is None else ord
    return Array(torch.linalg.vector_norm(tensor, ord=order, dim=axis, keepdim=keepdims))


def substitutes(np):
    """What imports of numpy, math and scipy mean in the second world."""

    def numpy_module(dotted):
        found = np
        for part in dotted.split(".")[1:]:
            found = getattr(found, part)
        return found

    return {
        "numpy": numpy_module,
        "math": lambda dotted: _math(np),
        "scipy": lambda dotted: _scipy(dotted),
    }


def _math(np):
    """`math` whose functions keep arrays of this namespace in the graph."""
    module = types.SimpleNamespace(
        **{n: getattr(math, n) for n in dir(math) if not n.startswith("_")}
    )
    names = ("exp", "log", "sqrt", "tanh", "sin", "cos", "tan", "log1p", "expm1", "sinh", "cosh")
    special = {"erf": torch.erf, "erfc": torch.erfc, "lgamma": torch.lgamma}

    def wrap(plain, traced):
        return lambda *arguments: (
            traced(*arguments) if any(_traced(a) for a in arguments) else plain(*arguments)
        )

    for name in (*names, "atan"):
        mine = {"atan": "arctan"}.get(name, name)
        setattr(module, name, wrap(getattr(math, name), getattr(np, mine)))
    module.pow = wrap(math.pow, np.power)
    module.fabs = wrap(math.fabs, np.abs)
    for name, function in special.items():
        setattr(module, name, wrap(getattr(math, name), _via_tensor(function)))
    return module


def _scipy(dotted):
    special = types.SimpleNamespace(
        erf=_via_tensor(torch.erf),
        erfc=_via_tensor(torch.erfc),
        expit=_via_tensor(torch.sigmoid),
        gammaln=_via_tensor(torch.lgamma),
        digamma=_via_tensor(torch.digamma),
        softmax=lambda value, axis=-1: Array(torch.softmax(tensor_of(value), axis)),
        log_softmax=lambda value, axis=-1: Array(torch.log_softmax(tensor_of(value), axis)),
        logsumexp=lambda value, axis=-1, keepdims=False: Array(
            torch.logsumexp(tensor_of(value), axis, keepdims)
        ),
    )
    return special if dotted.endswith("special") else types.SimpleNamespace(special=special)


class _Float(type):
    def __instancecheck__(cls, value):
        return isinstance(value, float)

    def __call__(cls, value=0.0):
        return value if isinstance(value, Array) else float(value)


class TracedFloat(metaclass=_Float):
    """`float` that leaves an array of this namespace in the graph."""


# Real arrays on the left of an operator leave the operation to the array of this namespace.
Array.__array_ufunc__ = None
Array.item = lambda self, *place: self.reshape(-1)[place[0]] if place else self.reshape(())
Array.itemsize = property(lambda self: self.tensor.element_size())


def _plain(value):
    if isinstance(value, real.generic):
        return value.item()
    if isinstance(value, real.ndarray):
        return array_of(value)
    if isinstance(value, list):
        return array(value)
    return value


def _mend(name):
    original = getattr(Array, name, None)
    if original is not None:

        def operate(self, other):
            return original(self, _plain(other))

        setattr(Array, name, operate)


def _mend_setitem():
    original = Array.__setitem__

    def write(self, place, value):
        original(self, _places(place), _plain(value))

    def read(self, place):
        return original_read(self, _places(place))

    original_read = Array.__getitem__
    Array.__setitem__, Array.__getitem__ = write, read


def _places(place):
    if isinstance(place, tuple):
        return tuple(_places(part) for part in place)
    if isinstance(place, real.generic):
        return place.item()
    if isinstance(place, real.ndarray):
        return array_of(place)
    if isinstance(place, Array) and place.ndim == 0 and not place.tensor.is_floating_point():
        return int(place.tensor)
    return place


for _name in ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "matmul"):
    for _form in ("__{}__", "__r{}__", "__i{}__"):
        _mend(_form.format(_name))
for _name in ("lt", "le", "gt", "ge", "eq", "ne", "and", "or", "xor"):
    _mend(f"__{_name}__")
_mend_setitem()
