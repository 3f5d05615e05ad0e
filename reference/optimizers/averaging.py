"""Averages over the path of the parameters (section 6.3.1)."""

import numpy as np

from reference import _checks
from reference._base import Optimizer
from reference.optimizers._updates import lerp, with_decay


class ASGD(Optimizer):
    """Gradient descent with a falling rate, and the average of its points from step t0 on.

    Formula: 1. g <- -g if maximize
        2. g <- g + weight_decay p
        3. p <- p - lambd eta p
        4. p <- p - eta g
        5. a <- a + mu (p - a), a = p while mu = 1
        6. eta <- learning_rate / (1 + lambd learning_rate t)^alpha, mu <- 1 / max(1, t - t0)
        with t = 1, 2, ..., eta = learning_rate and mu = 1 before the first step; a is the state
        `ax`, the parameter itself is not averaged.
    Derivative: none; the gradients are given.
    Shapes: params and grads are two lists of the same length, entry by entry of one shape.
    Dtypes: float32 and float64; the state has the parameter's. scalar_dtype is that of eta and
        mu; None stands for float64.
    Errors: TypeError for an array that is not floating; ValueError for an option out of range,
        lists of different lengths, a shape that differs or a parameter that is read-only.
    Book: not in the book; beside section 6.3.1.
    Paper: Polyak, Juditsky (1992), Acceleration of stochastic approximation by averaging,
        DOI 10.1137/0330046.
    PyTorch: torch.optim.ASGD keeps eta and mu in its default dtype, float32, even for parameters
        of float64: scalar_dtype=numpy.float32 does the same. As there, eta and mu take part one
        step after line 6 computes them.
    """

    def __init__(
        self,
        learning_rate=0.01,
        lambd=0.0001,
        alpha=0.75,
        t0=1e6,
        weight_decay=0.0,
        maximize=False,
        groups=None,
        scalar_dtype=None,
    ):
        self.scalar_dtype = _checks.check_scalar_dtype(self, scalar_dtype=scalar_dtype)
        super().__init__(
            groups,
            learning_rate=learning_rate,
            lambd=lambd,
            alpha=alpha,
            t0=t0,
            weight_decay=weight_decay,
            maximize=maximize,
        )

    def check_options(self, learning_rate, lambd, alpha, t0, weight_decay, maximize):
        _checks.check_nonnegative(self, learning_rate=learning_rate)
        _checks.check_number(self, lambd=lambd)
        _checks.check_number(self, alpha=alpha)
        _checks.check_number(self, t0=t0)
        _checks.check_nonnegative(self, weight_decay=weight_decay)
        _checks.check_flag(self, maximize=maximize)

    def initial_state(self, param, learning_rate, **options):
        return {
            "step": np.zeros(()),
            "eta": np.full((), learning_rate, self.scalar_dtype),
            "mu": np.ones((), self.scalar_dtype),
            "ax": np.zeros_like(param),
        }

    def update(self, param, grad, state, learning_rate, lambd, alpha, t0, weight_decay):
        state["step"] += 1
        step, eta, mu = (state[name].item() for name in ("step", "eta", "mu"))
        grad = with_decay(grad, param, weight_decay)
        param *= 1 - lambd * eta
        param -= eta * grad
        # Exactly p while mu is 1, were it infinite.
        state["ax"][...] = param if mu == 1 else state["ax"] + mu * (param - state["ax"])
        state["eta"][...] = learning_rate / (1 + lambd * learning_rate * step) ** alpha
        state["mu"][...] = 1 / max(1, step - t0)


class Average:
    """An average of parameters, step by step: `update(params)` takes them in.

    A subclass writes `blend(average, param)` for one array, in place.
    """

    def __init__(self):
        self.params = []
        self.n_averaged = 0

    def update(self, params):
        """Take in the parameters as they stand; the first ones are the average's start."""
        _checks.check_alike(self, self.params if self.n_averaged else None, params)
        if self.n_averaged == 0:
            self.params = [param.copy() for param in params]
        else:
            for average, param in zip(self.params, params, strict=True):
                self.blend(average, param)
        self.n_averaged += 1

    def blend(self, average, param):
        raise NotImplementedError(f"{type(self).__name__} does not define blend")


class ExponentialMovingAverage(Average):
    """The average of the parameters in which the past fades.

    Formula: a <- decay a + (1 - decay) p, with a = p in the first update
    Derivative: none.
    Shapes: params is a list of arrays of any shape; the average's `params` have the same.
    Dtypes: float32 and float64; the average has the parameters'.
    Errors: TypeError for an array that is not floating; ValueError for a decay outside [0, 1], or
        other shapes than in the first update.
    Book: not in the book; beside section 6.3.1.
    Paper: Ruppert (1988), Efficient estimations from a slowly convergent Robbins-Monro process,
        Cornell University, Operations Research technical report 781; Tarvainen, Valpola (2017),
        Mean teachers are better role models, arXiv 1703.01780.
    PyTorch: torch.optim.swa_utils.AveragedModel with get_ema_multi_avg_fn(decay) or
        get_ema_avg_fn(decay). No difference; give the buffers beside the parameters where
        use_buffers asks for them.
    """

    def __init__(self, decay=0.999):
        super().__init__()
        self.decay = _checks.check_fraction(self, decay=decay)

    def blend(self, average, param):
        lerp(average, param, 1 - self.decay)


class StochasticWeightAverage(Average):
    """The plain mean of the parameters taken in.

    Formula: a <- a + (p - a) / (n + 1), with n the updates before, a = p in the first
    Derivative: none.
    Shapes: params is a list of arrays of any shape; the average's `params` have the same.
    Dtypes: float32 and float64; the average has the parameters'.
    Errors: TypeError for an array that is not floating; ValueError for other shapes than in the
        first update.
    Book: not in the book; beside section 6.3.1.
    Paper: Izmailov, Podoprikhin, Garipov, Vetrov, Wilson (2018), Averaging weights leads to
        wider optima and better generalization, UAI, arXiv 1803.05407.
    PyTorch: torch.optim.swa_utils.AveragedModel. No difference from its default;
        get_swa_multi_avg_fn takes 1 / (n + 1) in float32, whose digits show in float64.
    """

    def blend(self, average, param):
        average += (param - average) / (self.n_averaged + 1)


def update_bn(batches, network, norms):
    """Take the running statistics of batch normalization anew, as the plain mean over batches.

    Formula: running statistics = the mean of those of the batches, which the network goes through
        in training; `norms` are its layers of batch normalization
    Shapes: what network.forward takes.
    Dtypes: those of the network.
    Errors: those of network.forward; the layers' momentum and the network's mode are put back.
    Book: not in the book; beside section 25.3.2.
    PyTorch: torch.optim.swa_utils.update_bn, which finds the layers itself.
    """
    momenta, was_training = [norm.momentum for norm in norms], network.training
    network.training = True
    for norm in norms:
        for buffer, start in zip(norm.buffers, (0, 1, 0), strict=True):
            buffer[...] = start
        norm.momentum = None
    try:
        for batch in batches:
            network.forward(batch)
    finally:
        network.training = was_training
        for norm, momentum in zip(norms, momenta, strict=True):
            norm.momentum = momentum
