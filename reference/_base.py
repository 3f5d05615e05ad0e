"""The protocol of the book: Layer, Loss and Optimizer."""

import functools
import inspect

import numpy as np

from reference import _checks


def _guard_forward(forward):
    """Check that arrays are floating before forward; keep the output's shape for backward."""
    signature = inspect.signature(forward)

    @functools.wraps(forward)
    def guarded(self, *inputs, **keywords):
        arguments = signature.bind(self, *inputs, **keywords).arguments
        for name in list(arguments)[1:]:
            if name not in self.non_floating:
                _checks.check_floating(self, "forward", name, arguments[name])
        output = forward(self, *inputs, **keywords)
        self.output_shapes = [np.shape(part) for part in _flatten(output)]
        return output

    return guarded


def _guard_backward(backward):
    """Check that forward came first and that the upstream gradients have the outputs' shapes."""

    @functools.wraps(backward)
    def guarded(self, *grad_outputs, **keywords):
        _checks.check_upstream(self, (*grad_outputs, *keywords.values()))
        return backward(self, *grad_outputs, **keywords)

    return guarded


def _flatten(structure):
    """The leaves of nested tuples, depth first."""
    if not isinstance(structure, tuple):
        return [structure]
    return [leaf for part in structure for leaf in _flatten(part)]


class Layer:
    """A function with parameters and a hand-written gradient.

    A subclass writes `forward(input_data)`, which returns the output and keeps on itself what
    backward needs, and `backward(grad_output)`, which returns `(grad_input, grad_params)`:
    `grad_input` an array (a tuple for several inputs), `grad_params` None or a list aligned with
    `params`. The checks that every layer shares are put around both, so that the body of a class
    is its equations alone.
    """

    # Arguments of forward that are not floating arrays (targets, indices, masks, sizes, flags).
    non_floating = ()

    def __init__(self):
        self.params = []
        self.buffers = []
        self.training = True

    def __init_subclass__(cls, **keywords):
        super().__init_subclass__(**keywords)
        guards = {
            "forward": _guard_forward,
            "backward": _guard_backward,
            "grad_target": _guard_backward,
        }
        for name in guards.keys() & cls.__dict__.keys():
            setattr(cls, name, guards[name](cls.__dict__[name]))

    def forward(self, input_data):
        raise NotImplementedError(f"{type(self).__name__} does not define forward")

    def backward(self, grad_output):
        raise NotImplementedError(f"{type(self).__name__} does not define backward")


class Loss(Layer):
    """A layer whose output measures a prediction against a target.

    Formula: none: L = sum(l); "mean": L = sum(l) / n; "none": L = l, with l the losses of the
    n elements.
    """

    reductions = ("mean", "sum", "none")

    def __init__(self, reduction="mean"):
        super().__init__()
        self.reduction = _checks.check_choice(self, self.reductions, reduction=reduction)

    def divisor(self, losses):
        """What the sum of the losses is divided by."""
        return losses.size if self.reduction == "mean" else 1

    def reduce(self, losses):
        """The reported value: the mean, the sum, or the losses themselves."""
        if self.reduction == "none":
            return losses
        # The mean of no losses is NaN, and a sum that overflows infinite, as in PyTorch.
        with np.errstate(invalid="ignore", over="ignore"):
            return np.sum(losses) / self.divisor(losses)

    def spread(self, grad_output, losses):
        """The gradient that reaches each of the losses: the transpose of `reduce`."""
        grad_loss = np.asarray(grad_output, losses.dtype) / (self.divisor(losses) or 1)
        return np.broadcast_to(grad_loss, losses.shape)


class Optimizer:
    """A rule that moves parameters along their gradients, in place.

    A subclass writes `update(param, grad, state, **options)` for one array, and where it keeps
    something between steps `initial_state(param, **options)`. This class loops over the
    parameters, keeps one dict of named arrays for each in `state`, gives each parameter the
    options of its group, and reverses the gradient where the option `maximize` says so.
    """

    def __init__(self, groups=None, **options):
        self.defaults = options
        self.groups = _checks.check_groups(self, groups, options)
        for group in self.groups:
            self.check_options(**{name: group[name] for name in options})
        self.state = []

    def check_options(self, **options):
        """Raise for an option out of its range; called once for each group."""

    def check_grad(self, place, param, grad):
        """Raise for a gradient that does not fit its parameter; called in every step."""
        _checks.check_grad(self, place, param, grad)

    @property
    def learning_rate(self):
        """The learning rate; setting it sets that of every group."""
        return self.groups[0]["learning_rate"]

    @learning_rate.setter
    def learning_rate(self, rate):
        rate = _checks.check_nonnegative(self, learning_rate=rate)
        for group in self.groups:
            group["learning_rate"] = rate

    def add_group(self, **group):
        """Take further parameters, which follow the others, with options of their own."""
        counted = _checks.check_counted(self)
        (added,) = _checks.check_groups(self, [group], self.defaults)
        self.check_options(**{name: added[name] for name in self.defaults})
        self.groups = [*counted, added]

    def step(self, params, grads):
        """Move every parameter one step; a gradient of None leaves its parameter alone."""
        groups = _checks.check_step(self, params, grads)
        self.state.extend({} for _ in params[len(self.state) :])
        for param, grad, state, group in zip(params, grads, self.state, groups, strict=True):
            if grad is not None:
                options = {name: group[name] for name in self.defaults}
                grad = self.reversed_grad(grad) if options.pop("maximize", False) else grad
                if not state:
                    state.update(self.initial_state(param, **options))
                self.update(param, grad, state, **options)

    def reversed_grad(self, grad):
        """The gradient of -f."""
        return -grad

    def initial_state(self, param, **options):
        """What is kept for one parameter, as it stands before the first step."""
        return {}

    def update(self, param, grad, state, **options):
        raise NotImplementedError(f"{type(self).__name__} does not define update")

    def load_state(self, state, params):
        """Resume from `state`, a copy of the `state` of an optimizer of the same `params`."""
        layouts = _checks.check_state(self, state, params)
        self.state = [
            {name: np.array(array, layout[name].dtype) for name, array in entry.items()}
            for entry, layout in zip(state, layouts, strict=True)
        ]

    def state_layout(self, param, **options):
        """Arrays of the names, shapes and dtypes that the state of one parameter may have."""
        return self.initial_state(param, **options)
