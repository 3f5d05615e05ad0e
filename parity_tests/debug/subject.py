"""The target as a function with a gradient, whatever its protocol."""

import contextlib
import copy
import functools
import inspect
import io
import random
import re
import warnings
from dataclasses import dataclass, field

import numpy as np

from parity_tests.debug.failures import OwnCodeError, UsageError
from parity_tests.debug.structure import attributes, is_floating, leaves, with_dtype

_RATE = re.compile(
    r"^(lr|learning_?rate|eta|rate|step_?size|alpha|taxa(_de)?(_aprendizado)?|passo)$",
    re.IGNORECASE,
)
_UPSTREAM = re.compile(r"grad|^d_?(out|y|z|l)|dout|delta|upstream|^g$|^g_|erro|^v$", re.IGNORECASE)
PREDICTION = re.compile(
    r"^(y_?(p|pred|hat|chapeu|prev)|pred\w*|prev(is|isao|isto|isoes)|logits?|outputs?|scores?|"
    r"probs?|saidas?|a)$", re.IGNORECASE,
)  # fmt: skip
TARGET = re.compile(
    r"^(y|t|y_?(true|t|real|verdadeiro)|true|targets?|labels?|truth|expected|alvos?|rotulos?|"
    r"gabarito|esperado|verdadeiro|real|classes)$", re.IGNORECASE,
)  # fmt: skip
_TRAINING = ("training", "train", "is_training", "is_train")


@contextlib.contextmanager
def quiet(seed=0):
    """Run the target's code: seeded, silent, its warnings collected."""
    default_rng = np.random.default_rng
    np.random.default_rng = lambda given=None: default_rng(20240 if given is None else given)
    np.random.seed(seed)  # noqa: NPY002 - the target may draw from the global generator
    random.seed(seed)
    try:
        with (
            warnings.catch_warnings(record=True) as heard,
            contextlib.redirect_stdout(io.StringIO()),
            np.errstate(all="warn"),
        ):
            warnings.simplefilter("always")
            yield heard
    finally:
        np.random.default_rng = default_rng


@dataclass
class Gradients:
    """What backward gave: one entry for each input, and for each parameter."""

    inputs: list
    params: list | None
    problems: list = field(default_factory=list)
    origin: str = "returned"


class Subject:
    """A recipe for objects of the target, and how to call them."""

    def __init__(self, make, files, expression):
        self.files, self.expression, self.make = files, expression, make
        self.overrides = None
        self.pristine = self._made()
        self.name = type(self.pristine).__name__
        self.forward_name = next(
            (
                n
                for n in ("forward", "__call__", "call")
                if callable(getattr(self.pristine, n, None))
            ),
            None,
        )
        self.step_name = next(
            (n for n in ("step", "update") if callable(getattr(self.pristine, n, None))), None
        )
        self.kind = "layer"
        if not callable(getattr(self.pristine, "backward", None)):
            if self.step_name:
                self.kind = "optimizer"
            elif self.forward_name is None:
                raise UsageError(
                    f"{self.name} has neither forward and backward nor step: not a class "
                    "in the book's protocol"
                )
        elif self.forward_name is None:
            raise UsageError(f"{self.name} has backward but no forward")
        self.heard = []

    def _made(self):
        with quiet():
            try:
                return self.make()
            except (UsageError, OwnCodeError):
                raise
            except (Exception, SystemExit) as error:
                own = OwnCodeError("build", error, self.files)
                if own.file is None and "required" in str(error) and "argument" in str(error):
                    name = self.expression.split("(")[0]
                    raise UsageError(
                        f"{name} needs arguments ({error}): write {name}(...) with them"
                    ) from error
                raise own from error

    def fresh(self, dtype=None):
        """A new object in the state in which the target was built."""
        if dtype is not None and dtype != np.float64:
            return Instance(self, with_dtype(self.pristine, dtype))
        try:
            return Instance(self, copy.deepcopy(self.pristine))
        except Exception:
            return Instance(self, self._made())

    @functools.cached_property
    def forward_arity(self):
        """(how many positional inputs forward needs, how many it takes, their names)."""
        return _positional(getattr(self.pristine, self.forward_name))

    @functools.cached_property
    def backward_arity(self):
        return _positional(self.pristine.backward)


def _positional(method):
    try:
        parameters = inspect.signature(method).parameters.values()
    except (TypeError, ValueError):
        return 1, 9, ["x"]
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    plain = [p for p in parameters if p.kind in kinds]
    starred = any(p.kind is inspect.Parameter.VAR_POSITIONAL for p in parameters)
    required = [p for p in plain if p.default is inspect.Parameter.empty]
    return len(required), 99 if starred else len(plain), [p.name for p in plain]


class Instance:
    """One object of the target."""

    def __init__(self, subject, thing):
        self.subject, self.thing = subject, thing
        self.warnings = []

    bare = False  # called within `quiet` already, many times

    def copy(self):
        return Instance(self.subject, copy.deepcopy(self.thing))

    # --- calling ---

    def call(self, stage, function, *arguments, **keywords):
        """Call the target's own code; its exceptions become OwnCodeError."""
        if self.bare:
            return function(*arguments, **keywords)
        with quiet() as heard:
            try:
                result = function(*arguments, **keywords)
            except (Exception, SystemExit) as error:
                raise OwnCodeError(stage, error, self.subject.files) from error
        self.warnings = [str(warning.message) for warning in heard]
        return result

    def forward(self, inputs):
        """The outputs, flattened; floating ones as arrays."""
        required, most, names = self.subject.forward_arity
        method = getattr(self.thing, self.subject.forward_name)
        keywords = {}
        if required > len(inputs) and names[required - 1] in _TRAINING:
            keywords[names[required - 1]] = True
        packed = len(inputs) > 1 and most == 1
        arguments = (tuple(inputs),) if packed else tuple(inputs)
        raw = self.call("forward", method, *arguments, **keywords)
        self.raw_outputs = leaves(raw)
        return [np.asarray(leaf) for leaf in self.raw_outputs if leaf is not None]

    def backward(self, upstreams, inputs):
        """The gradients that backward gives for these upstream gradients."""
        before = [np.array(param) for param in self.params]
        plan = self.plan(len(upstreams), inputs)
        arguments = []
        scalars = [g[()] if g.ndim == 0 else g for g in upstreams]
        given = iter(scalars)
        for role in plan:
            if role == "all":
                arguments.append(tuple(scalars))
            elif role == "upstream":
                arguments.append(next(given, None))
            elif role == "rate":
                arguments.append(1.0)
            else:
                arguments.append(inputs[role])
        result = self.call("backward", self.thing.backward, *arguments)
        return self.sorted_gradients(result, inputs, before if "rate" in plan else None)

    def plan(self, outputs, inputs):
        """What each argument of backward is: an upstream gradient, an input, a rate."""
        required, most, names = self.subject.backward_arity
        if most == 99 and not names:
            return ["upstream"] * outputs
        roles = [self._role(name, len(inputs)) for name in names]
        if required == 0:
            # Optional arguments: an upstream gradient is given, what forward has seen is not.
            spare = roles[:outputs] if outputs > 1 else roles[:1]
            return spare if set(spare) == {"upstream"} else []
        roles = roles[:required]
        if len(roles) == 1:
            return ["all"] if roles == ["upstream"] and outputs > 1 else roles
        spare = roles.count("upstream") - outputs
        if spare > 0 and len(inputs) > 1 and roles.count("upstream") == len(inputs):
            if not any(_UPSTREAM.search(name) for name in names[:required]):
                order = iter(range(len(inputs)))
                roles = [next(order) if role == "upstream" else role for role in roles]
        return roles

    def _role(self, name, inputs):
        """What an argument of backward is by its name."""
        forward_names = self.subject.forward_arity[2]
        if _UPSTREAM.search(name):
            return "upstream"
        if name in forward_names[:inputs]:
            place = forward_names.index(name)
            # A single argument that forward has first is the upstream gradient all the same.
            alone = self.subject.backward_arity[0] == 1 and place == 0
            return "upstream" if alone else place
        if _RATE.match(name):
            return "rate"
        if inputs == 2 and self.subject.backward_arity[0] != 1:
            if PREDICTION.match(name):
                return 0
            if TARGET.match(name):
                return 1
        return "upstream"

    @property
    def takes_upstream(self):
        required, most, _ = self.subject.backward_arity
        if required == 0 and most == 0:
            return False
        inputs = [None] * max(self.subject.forward_arity[0], 1)
        return any(role in ("upstream", "all") for role in self.plan(1, inputs))

    # --- parameters ---

    @property
    def params(self):
        """The arrays that are trained, in the target's order."""
        for name in ("params", "parameters"):
            owned = getattr(self.thing, name, None)
            if callable(owned) and name == "parameters":
                owned = owned()
            if owned is not None and not callable(owned):
                found = [leaf for leaf in leaves(owned) if isinstance(leaf, np.ndarray)]
                if found or name == "params":
                    return found
        return [
            value
            for name, value in attributes(self.thing).items()
            if isinstance(value, np.ndarray)
            and is_floating(value)
            and name in self.subject_parameter_names()
        ]

    def subject_parameter_names(self):
        """Array attributes that a target without `params` was built with."""
        found = attributes(self.subject.pristine)
        hidden = re.compile(r"running|moving|mean|var|buffer|cache|input|output|mask|grad|^d[A-Z_]")
        return [
            name
            for name, value in found.items()
            if isinstance(value, np.ndarray) and is_floating(value) and not hidden.search(name)
        ]

    @property
    def param_names(self):
        """The attribute under which each parameter is also known, or None."""
        named = {id(value): name for name, value in attributes(self.thing).items()}
        owned = getattr(self.thing, "params", None)
        if isinstance(owned, dict):
            return [str(key) for key in owned]
        return [named.get(id(param)) for param in self.params]

    def set_params(self, values):
        """Write new values into the parameters, in place."""
        for param, value in zip(self.params, values, strict=True):
            if not param.flags.writeable:
                param.flags.writeable = True
            param[...] = value

    # --- what backward returned ---

    def sorted_gradients(self, result, inputs, before_update):
        params = self.params
        gradients = _sort(result, inputs, params)
        if gradients.params is None and params:
            if before_update is not None:
                gradients.params = [b - p for b, p in zip(before_update, params, strict=True)]
                gradients.origin = "updated"
            else:
                stored = self.stored_gradients(params)
                if stored is not None:
                    gradients.params, gradients.origin = stored, "stored"
        return gradients

    def stored_gradients(self, params):
        """Parameter gradients that backward keeps on the object instead of returning them."""
        found = attributes(self.thing)
        for name in ("grads", "grad_params", "gradients", "param_grads", "dparams"):
            kept = [leaf for leaf in leaves(found.get(name)) if leaf is not None]
            if len(kept) == len(params) and all(
                np.shape(k) == p.shape for k, p in zip(kept, params, strict=True)
            ):
                return kept
        kept = []
        for name in self.param_names:
            forms = () if name is None else _gradient_names(name)
            kept.append(
                next((found[f] for f in forms if isinstance(found.get(f), np.ndarray)), None)
            )
        return kept if any(value is not None for value in kept) else None


def _gradient_names(name):
    bare = name.lstrip("_")
    stems = dict.fromkeys((bare, bare.lower(), bare.upper(), bare.rstrip("s")))
    for stem in stems:
        yield from (f"d{stem}", f"d_{stem}", f"grad_{stem}", f"{stem}_grad", f"g_{stem}")
        yield from (
            f"grad{stem}",
            f"_d{stem}",
            f"_grad_{stem}",
            f"delta_{stem}",
            f"{stem}_gradient",
        )


def _sort(result, inputs, params):
    """Tell the inputs' gradients from the parameters' in what backward returned."""
    floating = [is_floating(value) for value in inputs]
    count, holds = len(inputs), len(params)
    if result is None:
        return Gradients([None] * count, None, ["nothing"])
    if isinstance(result, list):
        plain = leaves(result)
        result = plain[0] if len(plain) == 1 and not isinstance(result[0], list) else result
        numbers = leaves(result)
        if isinstance(result, list) and len(numbers) == 1:
            result = numbers[0]
    if not isinstance(result, (tuple, list)):
        return Gradients(_align([_array(result)], floating), None)
    parts = list(result)
    if len(parts) == 2 and (parts[1] is None or isinstance(parts[1], (list, tuple, dict))):
        first = parts[0]
        first = [_array(part) for part in leaves(first)] if _nested(first) else [_array(first)]
        rest = None if parts[1] is None else [_array(leaf) for leaf in leaves(parts[1])]
        if rest == [] and not holds:
            rest = None
        return Gradients(_align(first, floating), rest)
    flat = [_array(leaf) for leaf in leaves(parts)]
    if len(flat) == count + holds and holds:
        return Gradients(_align(flat[:count], floating), flat[count:])
    if len(flat) == sum(floating) + holds and holds:
        return Gradients(_align(flat[: -holds or None], floating), flat[-holds:])
    if len(flat) == 2 and count == 1 and holds:
        return Gradients(_align(flat[:1], floating), flat[1:])
    return Gradients(_align(flat, floating), None)


def _nested(value):
    return isinstance(value, (tuple, list)) and len(leaves(value)) != 1


def _array(value):
    return None if value is None else np.asarray(value)


def _align(gradients, floating):
    """One gradient for each input: fewer of them belong to the floating inputs, in order."""
    if len(gradients) >= len(floating):
        return gradients[: len(floating)]
    aligned, rest = [], list(gradients)
    for is_float in floating:
        aligned.append(rest.pop(0) if rest and is_float else None)
    return aligned
