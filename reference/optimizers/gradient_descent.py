"""Gradient descent and its momentum (sections 6.1 to 6.3.3)."""

from reference import _checks
from reference._base import Optimizer


class SGD(Optimizer):
    """Stochastic gradient descent, with momentum, Nesterov's form and weight decay.

    Formula: g <- -g if maximize
        g <- g + weight_decay p
        v <- g in the first step, then momentum v + (1 - dampening) g
        g <- g + momentum v (nesterov) or v
        p <- p - learning_rate g
    Derivative: none; the gradients are given.
    Shapes: params and grads are two lists of the same length, entry by entry of one shape.
    Dtypes: float32 and float64; the state has the parameter's.
    Errors: TypeError for an array that is not floating; ValueError for an option out of range,
        lists of different lengths, a shape that differs or a parameter that is read-only.
    Book: sections 6.1, 6.3.1-6.3.3, eq. 6.1.
    Paper: Robbins, Monro (1951), DOI 10.1214/aoms/1177729586; Polyak (1964),
        DOI 10.1016/0041-5553(64)90137-5; Nesterov (1983), Soviet Math. Doklady 27.
    PyTorch: torch.optim.SGD. No difference. The first step is not dampened. The book multiplies
        the gradient by the rate before it enters v, which differs once the rate changes.
    """

    def __init__(
        self,
        learning_rate=0.001,
        momentum=0.0,
        dampening=0.0,
        weight_decay=0.0,
        nesterov=False,
        maximize=False,
        groups=None,
    ):
        super().__init__(
            groups,
            learning_rate=learning_rate,
            momentum=momentum,
            dampening=dampening,
            weight_decay=weight_decay,
            nesterov=nesterov,
            maximize=maximize,
        )

    def check_options(self, learning_rate, momentum, dampening, weight_decay, nesterov, maximize):
        _checks.check_nonnegative(self, learning_rate=learning_rate)
        _checks.check_nonnegative(self, momentum=momentum)
        _checks.check_number(self, dampening=dampening)
        _checks.check_nonnegative(self, weight_decay=weight_decay)
        _checks.check_flag(self, maximize=maximize)
        if _checks.check_flag(self, nesterov=nesterov) and (momentum == 0 or dampening != 0):
            requirement = "come with a momentum above 0 and a dampening of 0"
            fact = f"momentum={momentum}, dampening={dampening}"
            _checks.fail(ValueError, self, "__init__", "nesterov", requirement, fact)

    def update(
        self,
        param,
        grad,
        state,
        learning_rate,
        momentum,
        dampening,
        weight_decay,
        nesterov,
        maximize,
    ):
        grad = -grad if maximize else grad
        grad = grad + weight_decay * param
        if momentum:
            if "momentum_buffer" in state:
                velocity = momentum * state["momentum_buffer"] + (1 - dampening) * grad
            else:
                velocity = grad
            state["momentum_buffer"] = velocity
            grad = grad + momentum * velocity if nesterov else velocity
        param -= learning_rate * grad
