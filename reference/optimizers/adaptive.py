"""Rates that adapt to each element's gradients (sections 6.3.4 and 6.3.5)."""

import math

import numpy as np

from reference import _checks
from reference._base import Optimizer
from reference._numeric import sign
from reference.optimizers._updates import add_square, lerp, norm, subtract_ratio, with_decay


class Adagrad(Optimizer):
    """A rate for each element that falls with the sum of its squared gradients.

    Formula: 1. g <- -g if maximize
        2. g <- g + weight_decay p
        3. r = learning_rate / (1 + (t - 1) lr_decay)
        4. s <- s + g^2
        5. p <- p - r g / (sqrt(s) + eps), or r g / sqrt(s + eps) if eps_inside_root
        with t = 1, 2, ..., and s = initial_accumulator_value before the first step.
    Derivative: none; the gradients are given.
    Shapes: params and grads are two lists of the same length, entry by entry of one shape.
    Dtypes: float32 and float64; the state has the parameter's.
    Errors: TypeError for an array that is not floating; ValueError for an option out of range,
        lists of different lengths, a shape that differs or a parameter that is read-only.
    Book: section 6.3.4.
    Paper: Duchi, Hazan, Singer (2011), Adaptive subgradient methods for online learning and
        stochastic optimization, JMLR 12.
    PyTorch: torch.optim.Adagrad. No difference while eps_inside_root is False. The paper has
        eps beside the root, as here; many textbooks, and Keras, have it inside, which is the
        other setting, and which shows for gradients of the size of its root.
    """

    def __init__(
        self,
        learning_rate=0.01,
        lr_decay=0.0,
        weight_decay=0.0,
        initial_accumulator_value=0.0,
        eps=1e-10,
        maximize=False,
        groups=None,
        eps_inside_root=False,
    ):
        super().__init__(
            groups,
            learning_rate=learning_rate,
            lr_decay=lr_decay,
            weight_decay=weight_decay,
            initial_accumulator_value=initial_accumulator_value,
            eps=eps,
            maximize=maximize,
            eps_inside_root=eps_inside_root,
        )

    def check_options(
        self,
        learning_rate,
        lr_decay,
        weight_decay,
        initial_accumulator_value,
        eps,
        maximize,
        eps_inside_root,
    ):
        _checks.check_nonnegative(self, learning_rate=learning_rate)
        _checks.check_nonnegative(self, lr_decay=lr_decay)
        _checks.check_nonnegative(self, weight_decay=weight_decay)
        _checks.check_nonnegative(self, initial_accumulator_value=initial_accumulator_value)
        _checks.check_nonnegative(self, eps=eps)
        _checks.check_flag(self, maximize=maximize)
        _checks.check_flag(self, eps_inside_root=eps_inside_root)

    def initial_state(self, param, initial_accumulator_value, **options):
        return {"step": np.zeros(()), "sum": np.full_like(param, initial_accumulator_value)}

    def update(
        self,
        param,
        grad,
        state,
        learning_rate,
        lr_decay,
        weight_decay,
        initial_accumulator_value,
        eps,
        eps_inside_root,
    ):
        state["step"] += 1
        grad = with_decay(grad, param, weight_decay)
        rate = learning_rate / (1 + (state["step"].item() - 1) * lr_decay)
        # The square of a huge gradient is infinite, as in PyTorch, and its step 0.
        with np.errstate(over="ignore"):
            state["sum"] += grad * grad
        subtract_ratio(param, rate * grad, root(state["sum"], eps, eps_inside_root))


class RMSprop(Optimizer):
    """A rate for each element, divided by the running root mean square of its gradients.

    Formula: 1. g <- -g if maximize
        2. g <- g + weight_decay p
        3. v <- alpha v + (1 - alpha) g^2
        4. if centered: a <- alpha a + (1 - alpha) g, and v - a^2 in place of v below
        5. d = g / (sqrt(v) + eps), or g / sqrt(v + eps) if eps_inside_root
        6. if momentum > 0: b <- momentum b + d, and b in place of d below
        7. p <- p - learning_rate d
        with v = a = b = 0 before the first step.
    Derivative: none; the gradients are given.
    Shapes: params and grads are two lists of the same length, entry by entry of one shape.
    Dtypes: float32 and float64; the state has the parameter's.
    Errors: TypeError for an array that is not floating; ValueError for an option out of range,
        lists of different lengths, a shape that differs or a parameter that is read-only.
    Book: section 6.3.5.
    Paper: Hinton, Srivastava, Swersky (2012), Neural networks for machine learning, lecture 6e;
        Graves (2013), Generating sequences with recurrent neural networks,
        arXiv 1308.0850.
    PyTorch: torch.optim.RMSprop, while eps_inside_root is False. The lecture has no eps; Graves
        and Keras have it inside the root, PyTorch beside it. The variance v - a^2 is 0 here where
        rounding makes it negative; PyTorch takes its root, NaN, which gradients that stay the
        same bring about.
    """

    def __init__(
        self,
        learning_rate=0.01,
        alpha=0.99,
        eps=1e-8,
        weight_decay=0.0,
        momentum=0.0,
        centered=False,
        maximize=False,
        groups=None,
        eps_inside_root=False,
    ):
        super().__init__(
            groups,
            learning_rate=learning_rate,
            alpha=alpha,
            eps=eps,
            weight_decay=weight_decay,
            momentum=momentum,
            centered=centered,
            maximize=maximize,
            eps_inside_root=eps_inside_root,
        )

    def check_options(
        self,
        learning_rate,
        alpha,
        eps,
        weight_decay,
        momentum,
        centered,
        maximize,
        eps_inside_root,
    ):
        _checks.check_nonnegative(self, learning_rate=learning_rate)
        _checks.check_nonnegative(self, alpha=alpha)
        _checks.check_nonnegative(self, eps=eps)
        _checks.check_nonnegative(self, weight_decay=weight_decay)
        _checks.check_nonnegative(self, momentum=momentum)
        _checks.check_flag(self, centered=centered)
        _checks.check_flag(self, maximize=maximize)
        _checks.check_flag(self, eps_inside_root=eps_inside_root)

    def initial_state(self, param, momentum, centered, **options):
        names = ["square_avg"]
        names += ["momentum_buffer"] if momentum else []
        names += ["grad_avg"] if centered else []
        return {"step": np.zeros(()), **{name: np.zeros_like(param) for name in names}}

    def update(
        self,
        param,
        grad,
        state,
        learning_rate,
        alpha,
        eps,
        weight_decay,
        momentum,
        centered,
        eps_inside_root,
    ):
        state["step"] += 1
        grad = with_decay(grad, param, weight_decay)
        variance = state["square_avg"]
        add_square(variance, grad, alpha)
        if centered:
            lerp(state["grad_avg"], grad, 1 - alpha)
            # v - a^2, whose factors do not overflow.
            deviation, mean = np.sqrt(variance), state["grad_avg"]
            variance = np.maximum((deviation - mean) * (deviation + mean), 0)
        scale = root(variance, eps, eps_inside_root)
        if momentum:
            velocity = state["momentum_buffer"]
            velocity *= momentum
            subtract_ratio(velocity, -grad, scale)
            # An infinite velocity times a rate of 0 is NaN, as in PyTorch.
            with np.errstate(invalid="ignore"):
                param -= learning_rate * velocity
        else:
            subtract_ratio(param, learning_rate * grad, scale)


class Adadelta(Optimizer):
    """Steps in the units of the parameter: the ratio of past moves to past gradients.

    Formula: 1. g <- -g if maximize
        2. g <- g + weight_decay p
        3. v <- rho v + (1 - rho) g^2
        4. d = sqrt(u + eps) / sqrt(v + eps) g
        5. u <- rho u + (1 - rho) d^2
        6. p <- p - learning_rate d
        with u = v = 0 before the first step.
    Derivative: none; the gradients are given.
    Shapes: params and grads are two lists of the same length, entry by entry of one shape.
    Dtypes: float32 and float64; the state has the parameter's.
    Errors: TypeError for an array that is not floating; ValueError for an option out of range,
        lists of different lengths, a shape that differs or a parameter that is read-only.
    Book: not in the book; beside section 6.3.4.
    Paper: Zeiler (2012), ADADELTA: an adaptive learning rate method, arXiv 1212.5701.
    PyTorch: torch.optim.Adadelta. No difference. The paper has no rate: 1, the default; Keras's
        is 0.001. eps stands inside both roots everywhere.
    """

    def __init__(
        self,
        learning_rate=1.0,
        rho=0.9,
        eps=1e-6,
        weight_decay=0.0,
        maximize=False,
        groups=None,
    ):
        super().__init__(
            groups,
            learning_rate=learning_rate,
            rho=rho,
            eps=eps,
            weight_decay=weight_decay,
            maximize=maximize,
        )

    def check_options(self, learning_rate, rho, eps, weight_decay, maximize):
        _checks.check_nonnegative(self, learning_rate=learning_rate)
        _checks.check_fraction(self, rho=rho)
        _checks.check_nonnegative(self, eps=eps)
        _checks.check_nonnegative(self, weight_decay=weight_decay)
        _checks.check_flag(self, maximize=maximize)

    def initial_state(self, param, **options):
        averages = {name: np.zeros_like(param) for name in ("square_avg", "acc_delta")}
        return {"step": np.zeros(()), **averages}

    def update(self, param, grad, state, learning_rate, rho, eps, weight_decay):
        state["step"] += 1
        grad = with_decay(grad, param, weight_decay)
        add_square(state["square_avg"], grad, rho)
        # Without an eps, 0 / 0 is NaN, as in PyTorch.
        with np.errstate(invalid="ignore"):
            delta = np.sqrt(state["acc_delta"] + eps) / np.sqrt(state["square_avg"] + eps) * grad
        add_square(state["acc_delta"], delta, rho)
        param -= learning_rate * delta


class Rprop(Optimizer):
    """Resilient backpropagation: the gradient's sign alone, with a step that each element learns.

    Formula: 1. g <- -g if maximize
        2. c = g times the g of the last step
        3. d <- d times etas[1] for c > 0, etas[0] for c < 0, then within step_sizes
        4. g <- 0 for c < 0
        5. p <- p - sign(g) d
        with d = learning_rate before the first step, whose c is 0.
    Derivative: none; the gradients are given. sign(0) = 0.
    Shapes: params and grads are two lists of the same length, entry by entry of one shape.
    Dtypes: float32 and float64; the state has the parameter's.
    Errors: TypeError for an array that is not floating; ValueError for an option out of range,
        lists of different lengths, a shape that differs or a parameter that is read-only.
    Book: not in the book; beside section 6.3.4.
    Paper: Riedmiller, Braun (1993), A direct adaptive method for faster backpropagation
        learning: the RPROP algorithm, DOI 10.1109/ICNN.1993.298623; Igel, Huesken (2003),
        Empirical evaluation of the improved Rprop learning algorithms,
        DOI 10.1016/S0925-2312(01)00700-7.
    PyTorch: torch.optim.Rprop. No difference. As there, learning_rate is only the first step's
        size, an element whose gradient is NaN stands still, and an element whose sign changed
        forgets its gradient, which is iRprop- of 2003. The paper of 1993 takes the last move
        back there instead.
    """

    def __init__(
        self,
        learning_rate=0.01,
        etas=(0.5, 1.2),
        step_sizes=(1e-6, 50),
        maximize=False,
        groups=None,
    ):
        super().__init__(
            groups,
            learning_rate=learning_rate,
            etas=etas,
            step_sizes=step_sizes,
            maximize=maximize,
        )

    def check_options(self, learning_rate, etas, step_sizes, maximize):
        _checks.check_nonnegative(self, learning_rate=learning_rate)
        _checks.check_etas(self, etas=etas)
        _checks.check_numbers(self, 2, step_sizes=step_sizes)
        _checks.check_flag(self, maximize=maximize)

    def initial_state(self, param, learning_rate, **options):
        return {
            "step": np.zeros(()),
            "prev": np.zeros_like(param),
            "step_size": np.full_like(param, learning_rate),
        }

    def update(self, param, grad, state, learning_rate, etas, step_sizes):
        state["step"] += 1
        # A product too large to hold has the right sign.
        with np.errstate(over="ignore"):
            agreement = grad * state["prev"]
        size = state["step_size"]
        size[agreement > 0] *= etas[1]
        size[agreement < 0] *= etas[0]
        np.clip(size, *step_sizes, out=size)
        state["prev"][...] = np.where(agreement < 0, 0, grad)
        param -= sign(state["prev"]) * size


class Adafactor(Optimizer):
    """Adam without momentum, its second moment kept as the row and column means of a matrix.

    Formula: 1. g <- -g if maximize
        2. w = t^beta2_decay, a = max(eps[1], rms(p)) min(learning_rate, 1 / sqrt(t))
        3. p <- p - learning_rate weight_decay p
        4. r <- (1 - w) r + w mean(g^2 over columns), c <- (1 - w) c + w mean(g^2 over rows)
        5. v = r c / max(mean(r), eps[0])
        6. u = g / sqrt(max(v, eps[0]^2))
        7. p <- p - a u / max(1, rms(u) / d)
        with t = 1, 2, ..., r = c = 0 before the first step, rms the root of the mean square, and
        axes before the last two a batch of matrices. A vector or a number has
        v <- (1 - w) v + w g^2 for lines 4 and 5.
    Derivative: none; the gradients are given.
    Shapes: params and grads are two lists of the same length, entry by entry of one shape.
    Dtypes: float32 and float64; the state has the parameter's.
    Errors: TypeError for an array that is not floating; ValueError for an option out of range,
        lists of different lengths, a shape that differs or a parameter that is read-only.
    Book: not in the book; beside section 6.3.4.
    Paper: Shazeer, Stern (2018), Adafactor: adaptive learning rates with sublinear memory cost,
        ICML, arXiv 1804.04235.
    PyTorch: torch.optim.Adafactor. eps[0] None is the machine epsilon of the parameter's dtype;
        PyTorch takes that of the first parameter of the group for all. The paper adds eps[0] to
        g^2, 1e-30, in place of the two bounds, has no decay, and weighs by 1 - t^-0.8. An empty
        parameter stands still; PyTorch divides by zero.
    """

    def __init__(
        self,
        learning_rate=0.01,
        beta2_decay=-0.8,
        eps=(None, 0.001),
        d=1.0,
        weight_decay=0.0,
        maximize=False,
        groups=None,
    ):
        super().__init__(
            groups,
            learning_rate=learning_rate,
            beta2_decay=beta2_decay,
            eps=eps,
            d=d,
            weight_decay=weight_decay,
            maximize=maximize,
        )

    def check_options(self, learning_rate, beta2_decay, eps, d, weight_decay, maximize):
        _checks.check_nonnegative(self, learning_rate=learning_rate)
        _checks.check_number_within(self, -math.inf, 0, beta2_decay=beta2_decay)
        _checks.check_eps_pair(self, eps=eps)
        _checks.check_number_within(self, 1, math.inf, d=d)
        _checks.check_nonnegative(self, weight_decay=weight_decay)
        _checks.check_flag(self, maximize=maximize)

    def initial_state(self, param, **options):
        step = {"step": np.zeros(())}
        if param.ndim < 2:
            return {**step, "variance": np.zeros_like(param)}
        rows, columns = param[..., :1], param[..., :1, :]
        return {**step, "row_var": np.zeros_like(rows), "col_var": np.zeros_like(columns)}

    def update(self, param, grad, state, learning_rate, beta2_decay, eps, d, weight_decay):
        state["step"] += 1
        step = state["step"].item()
        if param.size == 0:
            return
        lowest = np.finfo(param.dtype).eps.item() if eps[0] is None else eps[0]
        # Squares of huge numbers are infinite and their quotient NaN, as in PyTorch.
        with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
            rate = max(eps[1], root_mean_square(param)) * min(learning_rate, 1 / math.sqrt(step))
            param *= 1 - learning_rate * weight_decay
            square = self.second_moment(grad * grad, state, step**beta2_decay, lowest)
            move = grad / np.sqrt(np.maximum(square, lowest * lowest))
            param -= rate / max(1.0, root_mean_square(move) / d) * move

    def second_moment(self, square, state, weight, lowest):
        """The running mean of `square`: of a matrix, the product of its means' running means."""
        if "variance" in state:
            lerp(state["variance"], square, weight)
            return state["variance"]
        lerp(state["row_var"], np.mean(square, axis=-1, keepdims=True), weight)
        lerp(state["col_var"], np.mean(square, axis=-2, keepdims=True), weight)
        total = np.mean(state["row_var"], axis=-2, keepdims=True)
        return state["row_var"] * state["col_var"] / np.maximum(total, lowest)


def root(square, eps, inside):
    """sqrt(square) + eps, or sqrt(square + eps)."""
    return np.sqrt(square + eps) if inside else np.sqrt(square) + eps


def root_mean_square(values):
    """sqrt(mean(values^2)), as a Python float."""
    return float(norm(values)) / math.sqrt(values.size)
