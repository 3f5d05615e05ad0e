"""`mirror`: the NumPy twin of a constructed PyTorch module or optimizer, in PyTorch's layout."""

import inspect

import numpy as np
import torch
from torch.nn.utils import parametrize

from parity_tests import catalogue, oracle
from parity_tests.adapter import Adapter
from reference import Layer


class Mirror:
    """What `mirror(module)` returns: forward, backward, buffers and the layer itself."""

    def __init__(self, module: torch.nn.Module, adapter: Adapter):
        self._signature = inspect.signature(module.forward)
        self._adapter = adapter
        self._frozen = [not parameter.requires_grad for parameter in module.parameters()]

    @property
    def layer(self) -> Layer:
        return self._adapter.layer

    @property
    def params(self) -> list[np.ndarray]:
        return self._adapter.params

    @property
    def buffers(self) -> list[np.ndarray]:
        return list(self._adapter.buffers)

    def forward(self, *inputs, **keywords):
        """The outputs for inputs in PyTorch's layout, order and names."""
        self._signature.bind(*inputs, **keywords)
        self._counted = len(inputs)
        for name in list(self._signature.parameters)[len(inputs) :]:
            if not _holds_arrays(keywords.get(name)):
                break
            # A floating input that continues the positional ones counts as one of them.
            if self._counted == len(inputs) and _is_floating(keywords[name]):
                self._counted += 1
            inputs = (*inputs, keywords.pop(name))
        return self._adapter.forward(*inputs, **keywords)

    def backward(self, *grad_outputs):
        """`(grad_inputs, grad_params)` for one gradient per floating output, depth first.

        Parameters that were frozen when the module was mirrored get None, as in PyTorch.
        """
        grad_inputs, grad_params = self._adapter.backward(*grad_outputs)
        pairs = zip(grad_params, self._frozen, strict=True)
        return grad_inputs[: self._counted], [None if frozen else grad for grad, frozen in pairs]


def _holds_arrays(value) -> bool:
    return all(isinstance(leaf, (np.ndarray, np.generic)) for leaf in oracle.flatten(value))


def _is_floating(value) -> bool:
    return any(oracle.is_floating(leaf) for leaf in oracle.flatten(value))


def mirror(module):
    """The NumPy twin of a torch.nn module or a torch.optim optimizer.

    Hyper-parameters, parameters, buffers, training mode and optimizer state are copied. What has
    no counterpart raises NotImplementedError that names the class, and the option where only an
    option has none.
    """
    if isinstance(module, torch.optim.Optimizer):
        row = catalogue.row_of(module)
        _refuse_hooks(module, _hooks(module, _STEP_HOOKS))
        return row.mirror(module)
    return Mirror(module, adapt(module, {}))


def adapt(module: torch.nn.Module, shared: dict[int, np.ndarray]) -> Adapter:
    """The adapter of a module; `shared` maps parameters seen so far to their arrays."""
    return adapt_as(catalogue.row_of(module), module, shared)


def adapt_as(row: catalogue.Row, module: torch.nn.Module, shared: dict | None = None) -> Adapter:
    """The adapter of a module by a given row."""
    shared = {} if shared is None else shared
    if parametrize.is_parametrized(module):
        row = catalogue.row_of(module)
    for part in [module] if row.container else module.modules():
        _refuse_additions(part)
        if part is not module and parametrize.is_parametrized(part):
            what = f"{type(module).__name__} with a parametrization within"
            raise catalogue.no_counterpart(what)
    adapter = row.adapter or Adapter
    if row.container:
        # Its children are adapted one by one, each with its own parameters.
        layer = row.convert(module, lambda child: _part(child, shared))
        return adapter(module, layer, row)
    layer = (
        _parametrized(row, module) if parametrize.is_parametrized(module) else row.convert(module)
    )
    layer.params = _shared_arrays(module, "parameters", layer.params, shared)
    layer.buffers = _shared_arrays(module, "buffers", layer.buffers, shared)
    layer.training = module.training
    return adapter(module, layer, row)


def _part(module, shared):
    """The adapter of a module that stands within a container."""
    adapter = adapt(module, shared)
    adapter.within = True
    return adapter


def _parametrized(row, module):
    """The layer of a module, in the wrapper of each of its parametrizations."""
    chains = module.parametrizations
    # Reading a parameter computes it, and in training moves the vectors of a spectral norm.
    training = chains.training
    chains.eval()
    layer = row.convert(module)
    chains.train(training)
    names = [
        name
        for name in row.parameters
        if name in chains or module._parameters.get(name) is not None
    ]
    for name, chain in chains.items():
        wrapper = catalogue.parametrization_of(chain)
        if wrapper is None or name not in names:
            kinds = " and ".join(type(link).__name__ for link in chain)
            raise catalogue.no_counterpart(f"{row.oracle.__name__} with {name} under {kinds}")
        layer = wrapper.convert(chain[0], layer, names.index(name))
        names.remove(name)
    return layer


def _shared_arrays(module, kind, own, shared):
    """The arrays of a module's parameters or buffers, which are those that its layer has too.

    One that stands in several places comes in each.
    """
    named = dict(getattr(module, f"named_{kind}")(remove_duplicate=False))
    if [tuple(tensor.shape) for tensor in named.values()] != [np.shape(array) for array in own]:
        raise catalogue.no_counterpart(f"{type(module).__name__} with {', '.join(named)}")
    return [_share(shared, tensor) for tensor in named.values()]


def _share(shared, tensor):
    """One array for each parameter or buffer, however many modules hold it."""
    if id(tensor) not in shared:
        if tensor.dtype not in (torch.float32, torch.float64, torch.int64):
            hint = "convert the module with .float() or .double()"
            raise catalogue.no_counterpart(f"a parameter of dtype {tensor.dtype}", hint)
        if tensor.device.type == "meta":
            raise catalogue.no_counterpart("a parameter on device meta", "it has no numbers")
        shared[id(tensor)] = tensor.detach().cpu().numpy().copy()
    return shared[id(tensor)]


_HOOKS = (
    "_forward_hooks",
    "_forward_pre_hooks",
    "_backward_hooks",
    "_backward_pre_hooks",
    "_forward_hooks_with_kwargs",
)
_STEP_HOOKS = ("_optimizer_step_pre_hooks", "_optimizer_step_post_hooks")


def _hooks(owner, names):
    """Which of these kinds of hooks an object has."""
    return [name.strip("_") for name in names if getattr(owner, name, None)]


def _refuse_hooks(owner, found):
    if found:
        what = f"{type(owner).__name__} with {found[0]}"
        raise catalogue.no_counterpart(what, "remove them first")


def _refuse_additions(module):
    """Refuse what changes the results of one module and not of its class."""
    kind = type(module).__name__
    if "forward" in vars(module):
        raise catalogue.no_counterpart(f"{kind} with a forward of its own")
    found = _hooks(module, _HOOKS)
    for name, parameter in module.named_parameters(recurse=False):
        if parameter._backward_hooks or parameter._post_accumulate_grad_hooks:
            found.append(f"hooks of {name}")
    _refuse_hooks(module, found)
