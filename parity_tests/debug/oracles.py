"""The oracle: a torch module, a callable of torch tensors, and how they see the target's arrays."""

import ast
import inspect
import itertools
from dataclasses import dataclass, field

import numpy as np
import torch

from parity_tests.debug.failures import UsageError
from parity_tests.debug.loading import load_file, split_target
from parity_tests.debug.matching import assignments
from parity_tests.debug.structure import is_floating

# Modules whose channels stand on axis 1; the target has them last.
_CHANNELS = ("Conv", "Pool", "BatchNorm", "InstanceNorm", "GroupNorm", "LocalResponseNorm", "PReLU")
_CHANNELS += ("Dropout1d", "Dropout2d", "Dropout3d", "Pad", "Upsampl", "Shuffle", "Softmax2d")
_CHANNELS += ("CrossEntropy", "NLLLoss", "Unfold", "Fold", "CrossMapLRN", "AlphaDropout")
_TIME = ("RNN", "LSTM", "GRU", "MultiheadAttention", "Transformer", "CTCLoss")
LAYOUTS = ("same", "channels", "time")


@dataclass
class Answer:
    """What the oracle says, in the target's layout; one entry per floating output."""

    outputs: list
    inputs: list = field(default_factory=list)
    params: list = field(default_factory=list)
    buffers: dict = field(default_factory=dict)


def _namespace():
    return {
        "torch": torch,
        "nn": torch.nn,
        "F": torch.nn.functional,
        "optim": torch.optim,
        "np": np,
        "math": __import__("math"),
    }


def is_optimizer(text):
    """Does an oracle's expression build an optimizer from `params`?"""
    try:
        tree = ast.parse(text.strip(), mode="eval")
    except SyntaxError:
        return False
    names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    return "params" in names and not isinstance(tree.body, ast.Lambda)


def parse(text):
    """An oracle from its text."""
    text = text.strip()
    if ".py:" in text and not text.startswith("lambda"):
        path, expression = split_target(text)
        module = load_file(path)
        namespace = {**_namespace(), **vars(module)}
    else:
        expression, namespace = text, _namespace()
    if is_optimizer(expression):
        return OptimizerOracle(text, lambda params: _evaluate(expression, namespace, params))
    value = _evaluate(expression, namespace)
    return from_value(value, text, lambda: _evaluate(expression, namespace))


def from_value(value, text=None, make=None):
    """An oracle from a module, a class of modules or a callable."""
    text = text or getattr(value, "__name__", None) or repr(value)
    if isinstance(value, type) and issubclass(value, torch.nn.Module):
        value, make = value(), value
    if isinstance(value, type) and issubclass(value, torch.optim.Optimizer):
        kind = value
        return OptimizerOracle(text, lambda params: kind(params))
    if isinstance(value, torch.nn.Module):
        return ModuleOracle(text, value, make)
    if callable(value):
        return CallableOracle(text, value)
    raise UsageError(f"the oracle {text!r} is a {type(value).__name__}, not a module or callable")


def _evaluate(expression, namespace, params=None):
    try:
        code = compile(expression.strip(), "<oracle>", "eval")
        return eval(code, namespace if params is None else {**namespace, "params": params})
    except Exception as error:
        words = f"{type(error).__name__}: {error}"
        raise UsageError(f"the oracle {expression!r} cannot be built: {words}") from error


@dataclass
class OptimizerOracle:
    """A recipe for a torch optimizer."""

    text: str
    make: object
    guessed: bool = False

    def check(self):
        torch_optimizer(self)


def torch_optimizer(oracle):
    """A torch optimizer over two numbers, to ask for its class and options."""
    return oracle.make([torch.zeros(2, dtype=torch.float64, requires_grad=True)])


class _Oracle:
    guessed = False
    training = True

    def __init__(self, text):
        self.text = text
        self.layout = None
        self.mapping = None  # how the target's parameters become the oracle's
        self.said = []

    def layouts(self, inputs, forced=None):
        if forced:
            return [forced]
        ranks = [np.ndim(value) for value in inputs]
        if max(ranks, default=0) < 3:
            return (
                ["same", "time"] if max(ranks, default=0) == 2 and self.prefers_time else ["same"]
            )
        return self.preference()

    prefers_time = False

    def preference(self):
        return ["same", "channels", "time"]

    def run(self, inputs, params, upstreams=None, layout=None, mapping=None, runner=None):
        """Outputs and gradients, in the target's layout and its parameters' shapes."""
        layout = self.layout or "same" if layout is None else layout
        mapping = self.mapping if mapping is None else mapping
        given = [self._tensor(value, layout) for value in inputs]
        call = runner or self
        outputs = call.outputs_of(given, params, mapping)
        moved = [_back(out, layout, [np.ndim(v) for v in inputs]) for out in outputs]
        answer = Answer([out.detach().numpy().copy() for out in moved])
        if upstreams is not None:
            total = sum(
                (out * torch.as_tensor(np.asarray(g, dtype=np.float64)).reshape(out.shape)).sum()
                for out, g in zip(moved, upstreams, strict=False)
                if g is not None
            )
            wanted = [tensor for tensor in given if tensor.requires_grad]
            weights = call.parameters()
            both = torch.autograd.grad(total, [*wanted, *weights], allow_unused=True)
            order = iter(both[: len(wanted)])
            for tensor, value in zip(given, inputs, strict=True):
                gradient = next(order) if tensor.requires_grad else None
                if tensor.requires_grad and gradient is None:
                    gradient = torch.zeros_like(tensor)
                answer.inputs.append(
                    None
                    if gradient is None
                    else _unmoved(gradient, layout).reshape(np.shape(value)).numpy().copy()
                )
            rest = [
                torch.zeros_like(w) if g is None else g
                for w, g in zip(weights, both[len(wanted) :], strict=True)
            ]
            answer.params = call.returned([g.numpy() for g in rest], params, mapping)
        return answer

    def _tensor(self, value, layout):
        tensor = torch.as_tensor(np.array(value))
        if is_floating(value):
            tensor = tensor.to(torch.float64)
        elif tensor.dtype != torch.bool:
            tensor = tensor.to(torch.int64)
        tensor = _moved(tensor, layout).contiguous()
        return tensor.requires_grad_() if is_floating(value) else tensor


def _moved(tensor, layout):
    if layout == "channels" and tensor.ndim >= 3:
        return tensor.movedim(-1, 1)
    if layout == "time" and tensor.ndim == 3:
        return tensor.transpose(0, 1)
    if layout == "vector" and tensor.ndim == 2 and 1 in tensor.shape:
        return tensor.reshape(-1)
    return tensor


def _unmoved(tensor, layout):
    if layout == "channels" and tensor.ndim >= 3:
        return tensor.movedim(1, -1)
    return _moved(tensor, layout)


def _back(tensor, layout, ranks):
    if layout == "channels" and tensor.ndim >= 3:
        return tensor.movedim(1, -1)
    if layout == "time" and tensor.ndim == 3:
        return tensor.transpose(0, 1)
    return tensor


def tensors_in(value):
    """The floating tensors of nested outputs, depth first."""
    if isinstance(value, torch.Tensor):
        return [value] if value.is_floating_point() else []
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, (list, tuple)):
        return [leaf for part in value for leaf in tensors_in(part)]
    return []


class CallableOracle(_Oracle):
    """A function of torch tensors: first the inputs, then the target's parameters."""

    def __init__(self, text, function):
        super().__init__(text)
        self.function = function
        self.takes_params = None
        self._weights = []

    def candidates(self, params):
        return [None]

    def outputs_of(self, given, params, mapping):
        self._weights = [
            torch.as_tensor(np.array(p, dtype=np.float64)).requires_grad_() for p in params
        ]
        if self.takes_params is None:
            self.takes_params = self._takes(len(given), len(params))
        extra = self._weights if self.takes_params else []
        return tensors_in(self.function(*given, *extra))

    def _takes(self, inputs, params):
        try:
            signature = inspect.signature(self.function)
        except (TypeError, ValueError):
            return False
        try:
            signature.bind(*range(inputs + params))
        except TypeError:
            return False
        kinds = {p.kind for p in signature.parameters.values()}
        if inspect.Parameter.VAR_POSITIONAL in kinds or params == 0:
            return True
        required = [
            p for p in signature.parameters.values() if p.default is inspect.Parameter.empty
        ]
        return len(required) > inputs

    def parameters(self):
        return self._weights

    def returned(self, gradients, params, mapping):
        return list(gradients) if self.takes_params else [None] * len(params)


class ModuleOracle(_Oracle):
    """A torch module whose parameters take the target's values."""

    def __init__(self, text, module, make=None):
        super().__init__(text)
        self.module = module.double()
        self.make = make
        self.initial = {k: v.clone() for k, v in self.module.state_dict().items()}
        self.kind = type(module).__name__

    @property
    def batch_first(self):
        return getattr(self.module, "batch_first", True)

    @property
    def prefers_time(self):
        return any(word in self.kind for word in _TIME) and not self.batch_first

    def preference(self):
        if self.kind == "Sequential":
            kinds = {type(part).__name__ for part in self.module}
        else:
            kinds = {self.kind}
        if any(word in kind for word in _TIME for kind in kinds) and "Cell" not in self.kind:
            return ["same", "time"] if self.batch_first else ["time", "same"]
        if any(word in kind for word in _CHANNELS for kind in kinds):
            return ["channels", "same"]
        return ["same", "channels", "time"]

    def fresh(self):
        """Forget what earlier calls left in the buffers."""
        self.module.load_state_dict(self.initial)
        self.module.train(self.training)

    def parameters(self):
        return list(self.module.parameters())

    def candidates(self, params):
        return assignments(params, self.parameters(), self.module)

    def outputs_of(self, given, params, mapping):
        if not self.keep_state:
            self.fresh()
        if mapping is not None:
            self._place(params, mapping)
        torch.manual_seed(0)
        return tensors_in(self.module(*given))

    keep_state = False

    def _place(self, params, mapping):
        with torch.no_grad():
            for weight, piece in zip(self.parameters(), mapping, strict=True):
                if piece is not None:
                    value = np.ascontiguousarray(piece.forth(params))
                    weight.copy_(torch.as_tensor(value, dtype=torch.float64))
                elif weight.ndim == 1 and mapping.zeros:
                    weight.zero_()

    def returned(self, gradients, params, mapping):
        if mapping is None:
            return [None] * len(params)
        found = [None] * len(params)
        for gradient, piece in zip(gradients, mapping, strict=True):
            if piece is not None:
                piece.back(gradient, params, found)
        return found

    def buffers(self):
        return {name: b.detach().numpy().copy() for name, b in self.module.named_buffers()}


def arguments_of(text):
    """The keyword and positional literals in an oracle's expression, for variations."""
    try:
        return ast.parse(text.strip(), mode="eval").body
    except SyntaxError:
        return None


def all_layouts():
    return list(itertools.chain(LAYOUTS, ["vector"]))
