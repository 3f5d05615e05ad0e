"""Averages over the path of the parameters."""

import numpy as np

from reference import _checks
from reference._base import Optimizer
from reference.optimizers._updates import with_decay


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
