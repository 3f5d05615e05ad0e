"""Gradient descent and its momentum (sections 6.1 to 6.3.3)."""

import numpy as np

from reference import _checks
from reference._base import Optimizer
from reference.optimizers._updates import move, with_decay


class SGD(Optimizer):
    """Stochastic gradient descent, with momentum, Nesterov's form and weight decay.

    Formula: 1. g <- -g if maximize
        2. g <- g + weight_decay p
        3. v <- g in the first step, afterwards momentum v + (1 - dampening) g
        4. g <- g + momentum v if nesterov, otherwise v
        5. p <- p - learning_rate g
        Lines 3 and 4 are left out for a momentum of 0.
    Derivative: none; the gradients are given.
    Shapes: params and grads are two lists of the same length, entry by entry of one shape.
    Dtypes: float32 and float64; the state has the parameter's.
    Errors: TypeError for an array that is not floating; ValueError for an option out of range,
        lists of different lengths, a shape that differs or a parameter that is read-only.
    Book: sections 6.1, 6.3.1-6.3.3, eq. 6.1.
    Paper: Robbins, Monro (1951), DOI 10.1214/aoms/1177729586; Polyak (1964),
        DOI 10.1016/0041-5553(64)90137-5; Sutskever, Martens, Dahl, Hinton (2013), On the importance
        of initialization and momentum in deep learning, ICML.
    PyTorch: torch.optim.SGD. No difference. The first step is not dampened. The papers multiply
        the gradient by the rate before it enters v (`Momentum`, `Nesterov`), which differs as
        soon as the rate changes, and in Nesterov's form keep another point: this parameter is
        the point at which Nesterov takes the gradient. Keras multiplies before, as the papers do.
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

    def state_layout(self, param, momentum, **options):
        return {"momentum_buffer": param} if momentum else {}

    def update(
        self, param, grad, state, learning_rate, momentum, dampening, weight_decay, nesterov
    ):
        grad = with_decay(grad, param, weight_decay)
        if momentum:
            if "momentum_buffer" in state:
                velocity = state["momentum_buffer"]
                velocity *= momentum
                velocity += (1 - dampening) * grad
            else:
                velocity = state["momentum_buffer"] = np.array(grad, param.dtype)
            grad = grad + momentum * velocity if nesterov else velocity
        param -= learning_rate * grad


class Momentum(Optimizer):
    """Gradient descent with momentum, in the textbook form.

    Formula: 1. v <- momentum v + learning_rate g, with v = 0 before the first step
        2. p <- p - v
    Derivative: none; the gradients are given.
    Shapes: params and grads are two lists of the same length, entry by entry of one shape.
    Dtypes: float32 and float64; the state has the parameter's.
    Errors: TypeError for an array that is not floating; ValueError for an option out of range,
        lists of different lengths, a shape that differs or a parameter that is read-only.
    Book: section 6.3.2.
    Paper: Rumelhart, Hinton, Williams (1986), Learning representations by back-propagating
        errors, DOI 10.1038/323533a0.
    PyTorch: torch.optim.SGD(momentum=momentum) keeps v / learning_rate: the same path while the
        rate stands, another one from the first step after it changes, since here the velocity
        keeps the rate at which each gradient entered it. `HeavyBall` is the same iteration
        written with two points.
    """

    def __init__(self, learning_rate=0.001, momentum=0.9, groups=None):
        super().__init__(groups, learning_rate=learning_rate, momentum=momentum)

    def check_options(self, learning_rate, momentum):
        _checks.check_nonnegative(self, learning_rate=learning_rate)
        _checks.check_nonnegative(self, momentum=momentum)

    def initial_state(self, param, **options):
        return {"velocity": np.zeros_like(param)}

    def update(self, param, grad, state, learning_rate, momentum):
        velocity = state["velocity"]
        velocity *= momentum
        velocity += learning_rate * grad
        param -= velocity


class HeavyBall(Optimizer):
    """Polyak's heavy ball: a gradient step that keeps part of the last move.

    Formula: p' = p - learning_rate g + momentum (p - q)
        with q the point before p, and q = p in the first step.
    Derivative: none; the gradients are given.
    Shapes: params and grads are two lists of the same length, entry by entry of one shape.
    Dtypes: float32 and float64; the state has the parameter's.
    Errors: TypeError for an array that is not floating; ValueError for an option out of range,
        lists of different lengths, a shape that differs or a parameter that is read-only.
    Book: section 6.3.2.
    Paper: Polyak (1964), Some methods of speeding up the convergence of iteration methods,
        DOI 10.1016/0041-5553(64)90137-5.
    PyTorch: torch.optim.SGD(momentum=momentum) while the rate stands. With a rate that changes it
        is `Momentum` that draws the same path, at every rate and momentum.
    """

    def __init__(self, learning_rate=0.001, momentum=0.9, groups=None):
        super().__init__(groups, learning_rate=learning_rate, momentum=momentum)

    def check_options(self, learning_rate, momentum):
        _checks.check_nonnegative(self, learning_rate=learning_rate)
        _checks.check_nonnegative(self, momentum=momentum)

    def initial_state(self, param, **options):
        return {"previous": param.copy()}

    def update(self, param, grad, state, learning_rate, momentum):
        following = param - learning_rate * grad + momentum * (param - state["previous"])
        state["previous"][...] = param
        param[...] = following


class Nesterov(Optimizer):
    """Nesterov's accelerated gradient: the gradient is taken ahead, where momentum leads.

    Formula: 1. q = p - momentum v, with v = 0 before the first step
        2. v <- momentum v + learning_rate grad f(q)
        3. p <- p - v
    Derivative: none; the closure gives the gradients.
    Shapes: params and the closure's gradients are two lists of the same length, entry by entry of
        one shape.
    Dtypes: float32 and float64; the state has the parameter's.
    Errors: TypeError for an array that is not floating or a closure that is no function or does
        not return a pair; ValueError for an option out of range, lists of different lengths, a
        shape that differs or a parameter that is read-only.
    Book: section 6.3.3.
    Paper: Nesterov (1983), A method for solving the convex programming problem with convergence
        rate O(1/k^2), Soviet Math. Doklady 27; Sutskever, Martens, Dahl, Hinton (2013), On the
        importance of initialization and momentum in deep learning, ICML.
    PyTorch: torch.optim.SGD(momentum=momentum, nesterov=True) keeps q in place of p: while the
        rate stands, its parameter is this p - momentum v after each step.
    """

    def __init__(self, learning_rate=0.001, momentum=0.9, groups=None):
        super().__init__(groups, learning_rate=learning_rate, momentum=momentum)

    def check_options(self, learning_rate, momentum):
        _checks.check_nonnegative(self, learning_rate=learning_rate)
        _checks.check_nonnegative(self, momentum=momentum)

    def initial_state(self, param, **options):
        return {"velocity": np.zeros_like(param)}

    def step(self, params, closure):
        """Take the gradients of `closure()`, which returns `(loss, grads)`, ahead; then step."""
        points = self.look_ahead(params)
        standing = [param.copy() for param in params]
        try:
            move(params, points)
            loss, grads = _checks.check_evaluation(self, closure)
        finally:
            move(params, standing)
        super().step(params, grads)
        return loss

    def look_ahead(self, params):
        """The points q at which the next step takes its gradients."""
        groups = _checks.check_params(self, params, len(self.state))
        states = [*self.state, *({} for _ in params[len(self.state) :])]
        return [
            param - group["momentum"] * state.get("velocity", 0)
            for param, state, group in zip(params, states, groups, strict=True)
        ]

    def update(self, param, grad, state, learning_rate, momentum):
        velocity = state["velocity"]
        velocity *= momentum
        velocity += learning_rate * grad
        param -= velocity


class GradientDescent:
    """The method of gradient descent on a given function, with the path it takes.

    Formula: x' = x - learning_rate f'(x), up to `epochs` times, while |f'(x)| >= tolerance
    Derivative: none; function_prime gives it.
    Shapes: initial_point is a number or an array of any shape; function_prime returns the same.
    Dtypes: float32 and float64; the points have the initial one's.
    Errors: TypeError for a function that cannot be called, a point or a gradient that is not
        floating; ValueError for an option out of range or a gradient of another shape.
    Book: section 6.1.3, eq. 6.1.
    Paper: Cauchy (1847), Methode generale pour la resolution des systemes d'equations
        simultanees, Comptes rendus de l'Academie des Sciences 25.
    PyTorch: torch.optim.SGD on the full gradient, with the same stopping rule. The book stops on
        abs(f'(x)), which an array does not have as one number: here it is the norm. Its path
        lacks the last point; this one starts with the initial point and ends with the last.
    """

    def __init__(
        self,
        function,
        function_prime,
        initial_point,
        learning_rate=0.001,
        epochs=100,
        tolerance=1e-6,
    ):
        self.function = _checks.check_callable(self, function=function)
        self.function_prime = _checks.check_callable(self, function_prime=function_prime)
        self.point = _checks.check_point(self, initial_point=initial_point)
        self.learning_rate = _checks.check_nonnegative(self, learning_rate=learning_rate)
        self.epochs = _checks.check_integer(self, minimum=0, epochs=epochs)
        self.tolerance = _checks.check_nonnegative(self, tolerance=tolerance)
        self.path = [self.point]

    def update_step(self):
        """Descend; returns the last point and the path."""
        for _ in range(self.epochs):
            grad = self.function_prime(self.point)
            grad = _checks.check_derivative(self, 1, self.point, function_prime=grad)
            if np.linalg.norm(grad) < self.tolerance:
                break
            self.point = self.point - self.learning_rate * grad
            self.path.append(self.point)
        return self.point, self.path
