"""Autograd through the target's own forward, and through what it stores on the way."""

import sys
from dataclasses import dataclass, field

import numpy as np
import torch

from parity_tests.debug import tensors
from parity_tests.debug.failures import UsageError
from parity_tests.debug.loading import World
from parity_tests.debug.structure import converted, is_floating
from parity_tests.debug.subject import quiet


@dataclass
class Traced:
    """The gradients that autograd found."""

    inputs: list
    params: list
    inner: dict = field(default_factory=dict)  # name -> (value, gradient) of what forward stored
    outputs: list = field(default_factory=list)


class Twin:
    """The second world of a target: the same source over torch tensors."""

    def __init__(self, first_world, path):
        self.first = first_world
        np_like = tensors.namespace()
        self.world = World(tensors.substitutes(np_like))
        self.world.load(path)
        for module in self.world.modules.values():
            module.__dict__["__builtins__"]["float"] = tensors.TracedFloat

    def close(self):
        self.world.close()

    def renewed(self, thing):
        """An empty object of the class in the second world that `thing` has in the first."""
        kind = type(thing)
        for path, module in self.first.modules.items():
            if module.__name__ == kind.__module__ and path in self.world.modules:
                found = self.world.modules[path]
                for part in kind.__qualname__.split("."):
                    found = getattr(found, part, None)
                if found is not None:
                    return object.__new__(found)
        return object.__new__(kind)

    def run(self, instance, inputs, upstreams):
        """Autograd's gradients of the weighted outputs, and of what forward stored."""
        return self._graph(instance, inputs, upstreams)[0]

    def paths(self, instance, inputs, upstreams, key):
        """How much of one gradient comes through each thing that forward stored or named."""
        traced, inner, sources = self._graph(instance, inputs, upstreams)
        where, place = key
        source = sources[where][place]
        if source is None:
            return {}
        found = {}
        for name, tensor in inner.items():
            if name not in traced.inner or tensor is source:
                continue
            gradient = torch.as_tensor(traced.inner[name][1])
            (share,) = torch.autograd.grad(
                tensor, source, gradient, retain_graph=True, allow_unused=True
            )
            if share is not None:
                found[name] = share.detach().numpy().copy()
        return found

    def diagonal(self, instance, inputs, upstreams, early, late):
        """The diagonal of d late / d early, two stored quantities of one shape; else None."""
        _, inner, _ = self._graph(instance, inputs, upstreams)
        if early not in inner or late not in inner:
            return None
        first, second = inner[early], inner[late]
        found = np.zeros(first.numel())
        for place in range(first.numel()):
            unit = torch.zeros(second.numel(), dtype=second.dtype)
            unit[place] = 1
            (row,) = torch.autograd.grad(
                second, first, unit.reshape(second.shape), retain_graph=True, allow_unused=True
            )
            if row is None:
                return None
            found[place] = float(row.reshape(-1)[place])
        return found.reshape(tuple(first.shape))

    def _graph(self, instance, inputs, upstreams):
        leaves_in, leaves_param = [], []
        given = []
        for value in inputs:
            leaf = torch.as_tensor(np.array(value))
            if is_floating(value):
                leaf = leaf.to(torch.float64).requires_grad_()
            leaves_in.append(leaf if is_floating(value) else None)
            given.append(tensors.Array(leaf.clone()))
        owned = {id(param): place for place, param in enumerate(instance.params)}
        leaves_param = [
            torch.as_tensor(np.array(param)).requires_grad_() for param in instance.params
        ]

        copies = []

        def convert(array):
            if not isinstance(array, np.ndarray):
                return array
            if id(array) in owned:
                copies.append(tensors.Array(leaves_param[owned[id(array)]].clone()))
                return copies[-1]
            return tensors.array_of(array)

        thing = converted(instance.thing, convert, self.renewed)
        with (
            quiet(),
            # Copies of what autograd saves, so that forward may write in place.
            torch.autograd.graph.saved_tensors_hooks(_copied, _same),
            _locals_of(self.world.files, "forward", "__call__", "call") as seen,
        ):
            forward = getattr(thing, instance.subject.forward_name)
            _, most, _ = instance.subject.forward_arity
            packed = len(given) > 1 and most == 1
            result = forward(tuple(given)) if packed else forward(*given)
            outputs = [leaf for leaf in _leaves(result) if leaf.tensor.is_floating_point()]
            if len(outputs) != len(upstreams):
                raise UsageError("another number of outputs")
            total = sum(
                (out.tensor * torch.as_tensor(np.asarray(g, dtype=float))).sum()
                for out, g in zip(outputs, upstreams, strict=True)
            )
            own = [array.tensor for array in given] + [array.tensor for array in copies]
            inner = _inner(thing, seen, own)
            wanted = [leaf for leaf in (*leaves_in, *leaves_param) if leaf is not None]
            found = torch.autograd.grad(
                total, [*wanted, *inner.values()], allow_unused=True, retain_graph=True
            )
        found = [None if g is None else g.detach().numpy().copy() for g in found]
        zeros = [np.zeros(tuple(t.shape)) for t in wanted]
        direct = [z if g is None else g for z, g in zip(zeros, found, strict=False)]
        order = iter(direct)
        traced = Traced(
            [None if leaf is None else next(order) for leaf in leaves_in],
            [next(order) for _ in leaves_param],
            {
                name: (tensor.detach().numpy().copy(), gradient)
                for (name, tensor), gradient in zip(
                    inner.items(), found[len(wanted) :], strict=True
                )
                if gradient is not None
            },
            [out.tensor.detach().numpy().copy() for out in outputs],
        )
        return traced, inner, {"inputs": leaves_in, "params": leaves_param}


def _leaves(value):
    if isinstance(value, tensors.Array):
        return [value]
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list) and value and not any(isinstance(v, (list, tuple)) for v in value):
        arrays = [v for v in value if isinstance(v, tensors.Array)]
        return [tensors.array(value)] if all(a.ndim == 0 for a in arrays) else arrays
    if isinstance(value, (list, tuple)):
        return [leaf for part in value for leaf in _leaves(part)]
    return [tensors.array(value)] if isinstance(value, (int, float, np.generic)) else []


def _inner(thing, seen, given):
    """The tensors that forward stored on the object or named, by name."""
    found = {}
    own = {id(tensor) for tensor in given}
    for source in (getattr(thing, "__dict__", {}), seen.get("forward", {})):
        for name, value in source.items():
            for label, array in _named(name, value):
                tensor = array.tensor
                known = id(tensor) in own or any(tensor is other for other in found.values())
                if tensor.requires_grad and not tensor.is_leaf and not known:
                    found.setdefault(label, tensor)
    return found


def _named(name, value):
    if isinstance(value, tensors.Array):
        yield name, value
    elif isinstance(value, dict):
        for key, part in value.items():
            yield from _named(f"{name}[{key!r}]", part)
    elif isinstance(value, (list, tuple)) and len(value) <= 40:
        for place, part in enumerate(value):
            yield from _named(f"{name}[{place}]", part)


class _locals_of:
    """Collect the local names of some functions of the target as they return."""

    def __init__(self, files, *names):
        self.files, self.names, self.seen = files, names, {}

    def __enter__(self):
        self.before = sys.getprofile()
        sys.setprofile(self._watch)
        return self.seen

    def __exit__(self, *_):
        sys.setprofile(self.before)

    def _watch(self, frame, event, argument):
        if event != "return" or frame.f_code.co_filename not in self.files:
            return
        name = frame.f_code.co_name
        if name in self.names:
            stage = "backward" if name == "backward" else "forward"
            kept = {k: v for k, v in frame.f_locals.items() if k != "self"}
            self.seen.setdefault(stage, {}).update(kept)
            self.seen[stage + " return"] = argument


def locals_of(files, *names):
    return _locals_of(files, *names)


def _copied(tensor):
    return tensor.detach().clone()


def _same(tensor):
    return tensor
