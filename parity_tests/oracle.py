"""PyTorch's side: layouts, autograd, formulas as modules, NumPy in and out."""

import contextlib
import functools
import math
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np
import torch
from torch._decomp import decomposition_table
from torch._library.custom_ops import OPDEFS
from torch.utils._python_dispatch import TorchDispatchMode

# One thread: workers share the cores among themselves, and sums keep one order.
torch.set_num_threads(1)


# --- layouts: PyTorch's axes and those of `reference` ---


class AsIs:
    """The array has the same axes on both sides."""

    def is_unbatched(self, module, array: np.ndarray) -> bool:
        return False

    def to_reference(self, module, array: np.ndarray, unbatched: bool) -> np.ndarray:
        return array

    def to_torch(self, module, array: np.ndarray, unbatched: bool) -> np.ndarray:
        return array


@dataclass(frozen=True)
class ChannelsFirst(AsIs):
    """PyTorch has the channels on axis 1, the reference on its last.

    `spatial` is the number of spatial axes of a module that also takes one sample without a
    batch axis; None where the rank alone cannot tell (then a vector's only axis is channels).
    """

    spatial: int | None = None

    def is_unbatched(self, module, array):
        return self.spatial is not None and array.ndim == self.spatial + 1

    def to_reference(self, module, array, unbatched):
        array = array[None] if unbatched else array
        return np.moveaxis(array, min(1, array.ndim - 1), -1) if array.ndim else array

    def to_torch(self, module, array, unbatched):
        array = np.moveaxis(array, -1, min(1, array.ndim - 1)) if array.ndim else array
        return array[0] if unbatched else array


@dataclass(frozen=True)
class ChannelsBefore(AsIs):
    """PyTorch has the channels before the last `spatial` axes, the reference on its last axis.

    Any axes lead, or none. What has no axis for channels gets one of size 1.
    """

    spatial: int

    def is_unbatched(self, module, array):
        return array.ndim <= self.spatial

    def to_reference(self, module, array, unbatched):
        return array[..., None] if unbatched else np.moveaxis(array, -1 - self.spatial, -1)

    def to_torch(self, module, array, unbatched):
        return array[..., 0] if unbatched else np.moveaxis(array, -1, -1 - self.spatial)


@dataclass(frozen=True)
class Positions(ChannelsFirst):
    """One value for each position (a class index, a loss): only a missing batch axis is added."""

    def is_unbatched(self, module, array):
        return self.spatial is not None and array.ndim == self.spatial

    def to_reference(self, module, array, unbatched):
        return array[None] if unbatched else array

    def to_torch(self, module, array, unbatched):
        return array[0] if unbatched else array


class TimeFirst(AsIs):
    """PyTorch has (time, batch, features) unless the module is batch_first."""

    def is_unbatched(self, module, array):
        return array.ndim == 2

    def to_reference(self, module, array, unbatched):
        if unbatched:
            return array[None]
        return array if module.batch_first else np.swapaxes(array, 0, 1)

    def to_torch(self, module, array, unbatched):
        if unbatched:
            return array[0]
        return array if module.batch_first else np.swapaxes(array, 0, 1)


# --- running PyTorch ---


@dataclass
class Results:
    """What one forward and one backward pass gave, flattened depth first."""

    outputs: list[np.ndarray]
    grad_inputs: list[np.ndarray | None]
    grad_params: list[np.ndarray | None]
    buffers: list[np.ndarray] = field(default_factory=list)

    def quantities(self) -> Iterator[tuple[str, np.ndarray | None]]:
        """Each array with its name: output, grad_input, grad_params[0], ..."""
        for name, arrays in (
            ("output", self.outputs),
            ("grad_input", self.grad_inputs),
            ("grad_params", self.grad_params),
            ("buffers", self.buffers),
        ):
            numbered = len(arrays) > 1 or name in ("grad_params", "buffers")
            for place, array in enumerate(arrays):
                yield (f"{name}[{place}]" if numbered else name), array


def flatten(structure) -> list:
    """The leaves of nested tuples and lists, depth first."""
    if not isinstance(structure, (tuple, list)):
        return [structure]
    return [leaf for part in structure for leaf in flatten(part)]


def map_structure(function: Callable, structure):
    """The same nesting of tuples, each leaf mapped."""
    if isinstance(structure, (tuple, list)):
        return tuple(map_structure(function, part) for part in structure)
    return function(structure)


def is_floating(array) -> bool:
    return isinstance(array, (np.ndarray, np.generic)) and array.dtype.kind in "fc"


def to_tensor(array):
    """A tensor with the array's values and, where PyTorch can, its strides."""
    if not isinstance(array, (np.ndarray, np.generic)):
        return array
    array = np.asarray(array)
    if any(stride < 0 for stride in array.strides) or not array.flags.writeable:
        array = array.copy()
    return torch.from_numpy(array)


def to_numpy(tensor):
    """A NumPy copy of a tensor; anything else passes."""
    return tensor.detach().numpy().copy() if isinstance(tensor, torch.Tensor) else tensor


def cast(structure, dtype):
    """Floating arrays in another dtype, everything else as it is."""
    return map_structure(lambda leaf: leaf.astype(dtype) if is_floating(leaf) else leaf, structure)


def run(
    module: torch.nn.Module,
    inputs: tuple,
    keywords: dict,
    grad_outputs: Callable[[list[np.ndarray]], list[np.ndarray | None]],
    constant: tuple[int, ...] = (),
) -> Results:
    """Forward and backward of a module on NumPy arrays, under autograd.

    `grad_outputs` makes the upstream gradients, one for each floating output, from the outputs;
    `constant` are the places of inputs that PyTorch does not differentiate.
    """

    def leaf(array, wanted):
        tensor = to_tensor(array)
        if wanted and is_floating(array):
            # A view keeps the strides; a leaf of its own keeps the gradient.
            return tensor.detach().clone(memory_format=torch.preserve_format).requires_grad_()
        return tensor

    tensors = tuple(
        map_structure(functools.partial(leaf, wanted=place not in constant), entry)
        for place, entry in enumerate(inputs)
    )
    with quiet():
        outputs = module(*tensors, **{name: to_tensor(value) for name, value in keywords.items()})
    outputs = [output for output in flatten(outputs) if isinstance(output, torch.Tensor)]
    floating = [output for output in outputs if output.is_floating_point()]
    upstream = grad_outputs([to_numpy(output) for output in floating])
    leaves = flatten(tensors)
    parameters = list(module.parameters())
    wanted = [t for t in (*leaves, *parameters) if isinstance(t, torch.Tensor) and t.requires_grad]
    pairs = [
        (output, torch.from_numpy(np.asarray(grad)))
        for output, grad in zip(floating, upstream, strict=True)
        if output.requires_grad and grad is not None
    ]
    grads = [None] * len(wanted)
    if pairs and wanted:
        grads = torch.autograd.grad(
            [output for output, _ in pairs],
            wanted,
            [grad for _, grad in pairs],
            allow_unused=True,
        )
    by_leaf = {id(t): grad for t, grad in zip(wanted, grads, strict=True)}

    def gradient(t):
        if id(t) not in by_leaf:
            return None
        # No gradient stands for zeros, which have a shape and a dtype.
        grad = by_leaf[id(t)]
        return to_numpy(torch.zeros_like(t) if grad is None else grad.to_dense())

    return Results(
        [to_numpy(output) for output in outputs],
        [gradient(t) for t in leaves],
        [gradient(t) for t in parameters],
        [to_numpy(buffer) for buffer in module.buffers()],
    )


# --- what PyTorch has no class for ---


def formula(
    function: Callable,
    parameters: tuple[str, ...] = (),
    buffers: tuple[str, ...] = (),
    **defaults,
) -> type[torch.nn.Module]:
    """A module class that computes `function(*inputs, *parameters, **options)`.

    Autograd differentiates it. `parameters` names the constructor arguments, given as arrays,
    that become parameters of the module, in this order; one given as None is absent. `buffers`
    names the options that become buffers. `defaults` are the options' in the book or the paper.
    """

    class Formula(torch.nn.Module):
        def __init__(self, **options):
            super().__init__()
            held = (*parameters, *buffers)
            options = defaults | options
            self.options = {k: v for k, v in options.items() if k not in held}
            for name in parameters:
                value = options[name]
                if value is not None:
                    value = torch.nn.Parameter(torch.as_tensor(np.asarray(value)))
                self.register_parameter(name, value)
            for name in buffers:
                self.register_buffer(name, options[name])

        def forward(self, *inputs, **keywords):
            own = [getattr(self, name) for name in parameters]
            constants = {name: getattr(self, name) for name in buffers}
            return function(*inputs, *own, **constants, **self.options, **keywords)

        def __getattr__(self, name):
            # The options read as attributes, as those of PyTorch's own modules do.
            options = self.__dict__.get("options", {})
            return options[name] if name in options else super().__getattr__(name)

    Formula.__name__ = Formula.__qualname__ = f"formula({getattr(function, '__name__', '')})"
    return Formula


# Operations of PyTorch's that are compositions themselves.
_FUSED = (
    {
        getattr(torch.ops.aten, name).default
        for norm in ("native_batch_norm", "native_group_norm")
        for name in (norm, f"{norm}_backward")
    }
    | {
        getattr(torch.ops.aten, name).default
        for name in (
            "_log_softmax",
            "_log_softmax_backward_data",
            "_softmax_backward_data",
            "binary_cross_entropy_with_logits",
            "native_layer_norm",
        )
    }
    | {torch.ops.aten.norm.ScalarOpt_dim, torch.ops.aten.linalg_vector_norm.default}
)
# What picks numbers and does not round them: who is equal to the largest stays so.
_EXACT = {getattr(torch.ops.aten, name).default for name in ("abs", "amax", "amin")}


def _layer_norm_backward(grad, x, normalized_shape, mean, rstd, weight, bias, wanted):
    """As PyTorch's kernel has it: it adds a multiple of x to a constant, which cancel where the
    mean exceeds the deviation; its decomposition takes the mean from x first."""
    parts = decomposition_table[torch.ops.aten.native_layer_norm_backward.default]
    grads = parts(grad, x, normalized_shape, mean, rstd, weight, bias, wanted)
    if grads[0] is None or not x.numel():
        return grads
    axes = tuple(range(-len(normalized_shape), 0))
    share = 1 / math.prod(normalized_shape)
    pull = grad if weight is None else grad * weight
    total, along = pull.sum(axes, keepdim=True), (pull * x).sum(axes, keepdim=True)
    slope = (total * mean - along) * rstd * rstd * rstd * share
    constant = -slope * mean - total * rstd * share
    return rstd * pull + slope * x + constant, *grads[1:]


def _parts(operation) -> Callable | None:
    """What a composition computes in operations of its own; None for one that is none."""
    if operation is torch.ops.aten.native_layer_norm_backward.default:
        return _layer_norm_backward
    if operation in _FUSED:
        return decomposition_table[operation]
    # Those that PyTorch writes in Python.
    written = OPDEFS.get(operation.name()) if operation.namespace == "torch_nn" else None
    return written and written._init_fn


class Jitter(TorchDispatchMode):
    """Moves the result of each of PyTorch's operations by random factors of about 1 + step.

    So results move as rounding on the way moves them, also where terms cancel (1 - tanh^2).
    """

    def __init__(self, seed: int, step: float):
        super().__init__()
        # A generator of its own: PyTorch's draws stay what they are.
        self.generator = torch.Generator().manual_seed(seed)
        self.step = step

    @classmethod
    def _should_skip_dynamo(cls):
        return False  # else the first use imports PyTorch's compiler, for seconds

    def __torch_dispatch__(self, operation, types, arguments=(), keywords=None):
        if (parts := _parts(operation)) is not None:
            with self:  # each of its own operations comes here in turn
                return parts(*arguments, **(keywords or {}))
        results = operation(*arguments, **(keywords or {}))
        if not (operation.is_view or operation in _EXACT):
            for tensor in flatten(results):
                if isinstance(tensor, torch.Tensor) and tensor.is_floating_point():
                    factors = torch.empty_like(tensor).uniform_(
                        1 - self.step, 1 + self.step, generator=self.generator
                    )
                    tensor.mul_(factors)
        return results


# --- randomness that both sides share ---


class Replay:
    """Stands for a Generator: each draw returns the next of the given arrays, which has its shape.

    Real numbers are float64, as a Generator's are: who wants another dtype must cast them.
    """

    def __init__(self, *draws: np.ndarray):
        self.draws = [cast(np.asarray(draw), np.float64) for draw in draws]
        self.next = 0

    def _draw(self, *parameters, size=None):
        """The parameters of the law, and the size at the end or by name."""
        drawn = self.draws[self.next]
        self.next += 1
        shape = np.broadcast_shapes(parameters[-1] if size is None else size)
        if drawn.shape != shape:
            raise AssertionError(f"{shape} numbers are drawn where PyTorch draws {drawn.shape}")
        return drawn

    random = uniform = normal = standard_normal = integers = _draw
    standard_exponential = gumbel = exponential = _draw


@contextlib.contextmanager
def seeded(seed: int):
    """PyTorch's global generator, seeded inside and put back after."""
    # The generator itself: torch.manual_seed formats a stack trace for devices that are not here.
    generator = torch.default_generator
    state = generator.get_state()
    generator.manual_seed(seed)
    try:
        yield
    finally:
        generator.set_state(state)


@contextlib.contextmanager
def quiet():
    """PyTorch's advice to its users (an option without effect, say) is not under test."""
    with warnings.catch_warnings(action="ignore"):
        yield


@contextlib.contextmanager
def unchanged(module: torch.nn.Module):
    """Buffers, and parameters that forward itself moves, put back after."""
    held = [*module.buffers(), *module.parameters()]
    kept = [tensor.detach().clone() for tensor in held]
    try:
        yield
    finally:
        with torch.no_grad():
            for tensor, before in zip(held, kept, strict=True):
                tensor.copy_(before)
