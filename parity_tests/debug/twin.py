"""Autograd through the target's own forward, and through what it stores on the way."""

import sys
from dataclasses import dataclass, field

import numpy as np
import torch

from parity_tests.debug import tensors
from parity_tests.debug.failures import UsageError
from parity_tests.debug.loading import World
from parity_tests.debug.notes import Notes, instrument
from parity_tests.debug.structure import converted, is_floating
from parity_tests.debug.subject import quiet


@dataclass
class Traced:
    """The gradients that autograd found."""

    inputs: list
    params: list
    inner: dict = field(default_factory=dict)  # name -> (value, gradient) of what forward stored
    outputs: list = field(default_factory=list)


@dataclass
class Graph:
    """What autograd has recorded of one forward."""

    sources: dict  # "inputs", "params" -> the leaves
    outputs: list
    inner: dict  # name -> tensor of what forward stored, named or made
    traced: Traced | None = None


class Twin:
    """The second world of a target: the same source over torch tensors."""

    def __init__(self, first_world, path):
        self.first = first_world
        np_like = tensors.namespace()
        self.notes = Notes()
        self.world = World(
            tensors.substitutes(np_like),
            lambda tree: instrument(tree, self.notes),
            self.notes.builtins(),
        )
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
        return self._graph(instance, inputs, upstreams).traced

    def rows(self, instance, inputs, upstreams, where, place):
        """The derivatives of every output by one input or parameter, (outputs, elements)."""
        graph = self._graph(instance, inputs, upstreams)
        source = graph.sources[where][place]
        rows = []
        for output in graph.outputs:
            for element in output.reshape(-1):
                (row,) = _pulled(element, 1.0, [source]) if element.requires_grad else (None,)
                rows.append(np.zeros(source.numel()) if row is None else row.reshape(-1).numpy())
        return np.array(rows).reshape(len(rows), source.numel())

    def diagonals(self, instance, inputs):
        """(early, late) -> the diagonal of d late / d early, two quantities of one shape."""
        inner = self._forward(instance, inputs).inner

        def diagonal(early, late):
            first, second = inner[early], inner[late]
            found = np.zeros(first.numel())
            for place in range(first.numel()):
                (row,) = _pulled(second.reshape(-1)[place], 1.0, [first])
                if row is None:
                    return None
                found[place] = float(row.reshape(-1)[place])
            return found.reshape(tuple(first.shape))

        return diagonal

    def cuts(self, instance, inputs, upstreams):
        """For each use of a variable in forward: (what it is, the gradients without it)."""
        self._forward(instance, inputs)
        for place in list(self.notes.used):
            site = self.notes.uses[place]
            try:
                traced = self.changed(instance, inputs, upstreams, ("cut", place))
            except Exception:
                continue  # a cut may leave nothing to differentiate
            yield f"{site.text} (line {site.line})", traced

    def changed(self, instance, inputs, upstreams, change):
        """The gradients under a change of the chain rule in one place."""
        return _gradients(self._forward(instance, inputs, change), upstreams, {})

    def _graph(self, instance, inputs, upstreams):
        graph = self._forward(instance, inputs)
        graph.traced = _gradients(graph, upstreams, graph.inner)
        return graph

    def _forward(self, instance, inputs, change=None):
        """The target's forward over tensors, recorded, under a change of the chain rule."""
        sources = {
            "inputs": [_leaf(value) if is_floating(value) else None for value in inputs],
            "params": [_leaf(param) for param in instance.params],
        }
        given = [
            tensors.array_of(value) if leaf is None else tensors.Array(leaf.clone())
            for value, leaf in zip(inputs, sources["inputs"], strict=True)
        ]
        owned = {id(param): tensors.Array(leaf.clone()) for param, leaf in
                 zip(instance.params, sources["params"], strict=True)}  # fmt: skip

        def convert(array):
            if not isinstance(array, np.ndarray):
                return array
            return owned[id(array)] if id(array) in owned else tensors.array_of(array)

        thing = converted(instance.thing, convert, self.renewed)
        self.notes.forget()
        self.notes.active, self.notes.change = True, change
        try:
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
        finally:
            self.notes.active = False
        outputs = [out.tensor for out in _leaves(result) if out.tensor.is_floating_point()]
        own = [array.tensor for array in (*given, *owned.values())]
        places = (getattr(thing, "__dict__", {}), seen.get("forward", {}), self.notes.made)
        return Graph(sources, outputs, _inner(places, own))


def _leaf(value):
    return torch.as_tensor(np.array(value)).to(torch.float64).requires_grad_()


def _gradients(graph, upstreams, inner):
    """Autograd's answer: by inputs and parameters, and by what lies between."""
    if len(graph.outputs) != len(upstreams):
        raise UsageError("another number of outputs")
    total = sum(_weighted(out, g) for out, g in zip(graph.outputs, upstreams, strict=True))
    wanted = [leaf for leaves in graph.sources.values() for leaf in leaves if leaf is not None]
    found = torch.autograd.grad(
        total, [*wanted, *inner.values()], allow_unused=True, retain_graph=True
    )
    direct = iter(
        [
            np.zeros(tuple(leaf.shape)) if g is None else g.numpy().copy()
            for leaf, g in zip(wanted, found, strict=False)
        ]
    )
    sides = [
        [None if leaf is None else next(direct) for leaf in graph.sources[where]]
        for where in ("inputs", "params")
    ]
    between = zip(inner.items(), found[len(wanted) :], strict=True)
    return Traced(
        *sides,
        {
            name: (tensor.detach().numpy().copy(), gradient.numpy().copy())
            for (name, tensor), gradient in between
            if gradient is not None
        },
        [out.detach().numpy().copy() for out in graph.outputs],
    )


def _weighted(tensor, weights):
    return (tensor * torch.as_tensor(np.asarray(weights, dtype=float))).sum()


def _pulled(tensor, weights, sources):
    """The gradients of a weighted sum (autograd.grad with given weights would load sympy)."""
    total = _weighted(tensor, weights)
    return torch.autograd.grad(total, sources, retain_graph=True, allow_unused=True)


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


def _inner(places, given):
    """The tensors that forward stored on the object, named or made, by name."""
    found = {}
    own = {id(tensor) for tensor in given}
    for source in places:
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
