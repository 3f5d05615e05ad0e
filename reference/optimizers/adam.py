"""Adam and its kin: steps scaled by running moments (sections 6.3.6 and 6.3.7)."""

import math

import numpy as np

from reference import _checks
from reference._base import Optimizer
from reference.optimizers._updates import add_square, lerp, subtract_ratio, with_decay


class Adam(Optimizer):
    """Adaptive moment estimation: a step of about the rate, whatever the gradient's size.

    Formula: 1. g <- -g if maximize
        2. g <- g + weight_decay p, or p <- p - learning_rate weight_decay p if decoupled
        3. m <- beta1 m + (1 - beta1) g
        4. v <- beta2 v + (1 - beta2) g^2
        5. s = v, or the largest v so far if amsgrad
        6. p <- p - learning_rate (m / (1 - beta1^t)) / (sqrt(s / (1 - beta2^t)) + eps)
        with t = 1, 2, ..., and m = v = 0 before the first step.
    Derivative: none; the gradients are given.
    Shapes: params and grads are two lists of the same length, entry by entry of one shape.
    Dtypes: float32 and float64; the state has the parameter's.
    Errors: TypeError for an array that is not floating; ValueError for an option out of range,
        lists of different lengths, a shape that differs or a parameter that is read-only.
    Book: section 6.3.6.
    Paper: Kingma, Ba (2015), Adam: a method for stochastic optimization, ICLR,
        arXiv 1412.6980; Reddi, Kale, Kumar (2018), On the convergence of Adam and beyond, ICLR.
    PyTorch: torch.optim.Adam. No difference. The amsgrad paper corrects neither moment's bias;
        PyTorch takes the largest v before its bias is corrected, as here. The paper's faster form
        and Keras's put eps beside sqrt(v) before the bias is corrected, which shows for gradients
        of the size of eps.
    """

    def __init__(
        self,
        learning_rate=0.001,
        betas=(0.9, 0.999),
        eps=1e-8,
        weight_decay=0.0,
        amsgrad=False,
        maximize=False,
        decoupled_weight_decay=False,
        groups=None,
    ):
        super().__init__(
            groups,
            learning_rate=learning_rate,
            betas=betas,
            eps=eps,
            weight_decay=weight_decay,
            amsgrad=amsgrad,
            maximize=maximize,
            decoupled_weight_decay=decoupled_weight_decay,
        )

    def check_options(
        self, learning_rate, betas, eps, weight_decay, amsgrad, maximize, decoupled_weight_decay
    ):
        _checks.check_nonnegative(self, learning_rate=learning_rate)
        _checks.check_betas(self, betas=betas)
        _checks.check_nonnegative(self, eps=eps)
        _checks.check_nonnegative(self, weight_decay=weight_decay)
        _checks.check_flag(self, amsgrad=amsgrad)
        _checks.check_flag(self, maximize=maximize)
        _checks.check_flag(self, decoupled_weight_decay=decoupled_weight_decay)

    def initial_state(self, param, amsgrad, **options):
        names = ("exp_avg", "exp_avg_sq", *(("max_exp_avg_sq",) if amsgrad else ()))
        return {"step": np.zeros(()), **{name: np.zeros_like(param) for name in names}}

    def update(
        self,
        param,
        grad,
        state,
        learning_rate,
        betas,
        eps,
        weight_decay,
        amsgrad,
        decoupled_weight_decay,
    ):
        state["step"] += 1
        correction1, correction2 = (1 - beta ** state["step"].item() for beta in betas)
        if decoupled_weight_decay:
            param *= 1 - learning_rate * weight_decay
        else:
            grad = with_decay(grad, param, weight_decay)

        mean, square = state["exp_avg"], state["exp_avg_sq"]
        lerp(mean, grad, 1 - betas[0])
        add_square(square, grad, betas[1])
        if amsgrad:
            square = np.maximum(state["max_exp_avg_sq"], square, out=state["max_exp_avg_sq"])

        scale = np.sqrt(square) / math.sqrt(correction2) + eps
        subtract_ratio(param, learning_rate / correction1 * mean, scale)


class AdamW(Adam):
    """Adam with the weight decay apart from the gradient.

    Formula: 1. g <- -g if maximize
        2. p <- p - learning_rate weight_decay p
        3. m <- beta1 m + (1 - beta1) g
        4. v <- beta2 v + (1 - beta2) g^2
        5. s = v, or the largest v so far if amsgrad
        6. p <- p - learning_rate (m / (1 - beta1^t)) / (sqrt(s / (1 - beta2^t)) + eps)
        with t = 1, 2, ..., and m = v = 0 before the first step.
    Derivative: none; the gradients are given.
    Shapes: params and grads are two lists of the same length, entry by entry of one shape.
    Dtypes: float32 and float64; the state has the parameter's.
    Errors: TypeError for an array that is not floating; ValueError for an option out of range,
        lists of different lengths, a shape that differs or a parameter that is read-only.
    Book: not in the book; beside section 6.3.6.
    Paper: Loshchilov, Hutter (2019), Decoupled weight decay regularization, ICLR,
        arXiv 1711.05101.
    PyTorch: torch.optim.AdamW. No difference. The paper decays by a schedule times weight_decay,
        apart from the rate; here as in PyTorch the rate multiplies it. A gradient of zero still
        decays the parameter, a gradient of None does not.
    """

    def __init__(
        self,
        learning_rate=0.001,
        betas=(0.9, 0.999),
        eps=1e-8,
        weight_decay=0.01,
        amsgrad=False,
        maximize=False,
        groups=None,
    ):
        super().__init__(learning_rate, betas, eps, weight_decay, amsgrad, maximize, True, groups)


class Adamax(Optimizer):
    """Adam with the largest gradient in place of the root of the second moment.

    Formula: 1. g <- -g if maximize
        2. g <- g + weight_decay p
        3. m <- beta1 m + (1 - beta1) g
        4. u <- max(beta2 u, |g| + eps)
        5. p <- p - learning_rate / (1 - beta1^t) m / u
        with t = 1, 2, ..., and m = u = 0 before the first step.
    Derivative: none; the gradients are given.
    Shapes: params and grads are two lists of the same length, entry by entry of one shape.
    Dtypes: float32 and float64; the state has the parameter's.
    Errors: TypeError for an array that is not floating; ValueError for an option out of range,
        lists of different lengths, a shape that differs or a parameter that is read-only.
    Book: not in the book; beside section 6.3.6.
    Paper: Kingma, Ba (2015), Adam: a method for stochastic optimization, section 7.1, ICLR,
        arXiv 1412.6980.
    PyTorch: torch.optim.Adamax. No difference. The paper has no eps; Keras adds it to u in
        line 5, PyTorch to |g| in line 4.
    """

    def __init__(
        self,
        learning_rate=0.002,
        betas=(0.9, 0.999),
        eps=1e-8,
        weight_decay=0.0,
        maximize=False,
        groups=None,
    ):
        super().__init__(
            groups,
            learning_rate=learning_rate,
            betas=betas,
            eps=eps,
            weight_decay=weight_decay,
            maximize=maximize,
        )

    def check_options(self, learning_rate, betas, eps, weight_decay, maximize):
        _checks.check_nonnegative(self, learning_rate=learning_rate)
        _checks.check_betas(self, betas=betas)
        _checks.check_nonnegative(self, eps=eps)
        _checks.check_nonnegative(self, weight_decay=weight_decay)
        _checks.check_flag(self, maximize=maximize)

    def initial_state(self, param, **options):
        moments = {name: np.zeros_like(param) for name in ("exp_avg", "exp_inf")}
        return {"step": np.zeros(()), **moments}

    def update(self, param, grad, state, learning_rate, betas, eps, weight_decay):
        state["step"] += 1
        correction = 1 - betas[0] ** state["step"].item()
        grad = with_decay(grad, param, weight_decay)
        mean, largest = state["exp_avg"], state["exp_inf"]
        lerp(mean, grad, 1 - betas[0])
        largest *= betas[1]
        np.maximum(largest, np.abs(grad) + eps, out=largest)
        subtract_ratio(param, learning_rate / correction * mean, largest)


class NAdam(Optimizer):
    """Adam with Nesterov's momentum, whose weight grows from step to step.

    Formula: 1. g <- -g if maximize
        2. g <- g + weight_decay p, or p <- p - learning_rate weight_decay p if decoupled
        3. mu_t = beta1 (1 - 0.5 * 0.96^(t momentum_decay)), M_t = mu_1 ... mu_t
        4. m <- beta1 m + (1 - beta1) g
        5. v <- beta2 v + (1 - beta2) g^2
        6. s = sqrt(v / (1 - beta2^t)) + eps
        7. p <- p - learning_rate (1 - mu_t) / (1 - M_t) g / s
        8. p <- p - learning_rate mu_(t+1) / (1 - M_(t+1)) m / s
        with t = 1, 2, ..., and m = v = 0 before the first step.
    Derivative: none; the gradients are given.
    Shapes: params and grads are two lists of the same length, entry by entry of one shape.
    Dtypes: float32 and float64; the state has the parameter's. scalar_dtype is that of M_t;
        None stands for float64.
    Errors: TypeError for an array that is not floating; ValueError for an option out of range,
        lists of different lengths, a shape that differs or a parameter that is read-only.
    Book: section 6.3.7.
    Paper: Dozat (2016), Incorporating Nesterov momentum into Adam, ICLR Workshop.
    PyTorch: torch.optim.NAdam keeps M_t in its default dtype, float32, even for parameters of
        float64: scalar_dtype=numpy.float32 is the same to the last digits. The paper multiplies
        m by its own mu_t and 1 - mu_t; PyTorch averages with beta1, as here. The paper's
        warming schedule has 0.96^(t / 250): momentum_decay = 0.004.
    """

    def __init__(
        self,
        learning_rate=0.002,
        betas=(0.9, 0.999),
        eps=1e-8,
        weight_decay=0.0,
        momentum_decay=0.004,
        decoupled_weight_decay=False,
        maximize=False,
        groups=None,
        scalar_dtype=None,
    ):
        self.scalar_dtype = _checks.check_scalar_dtype(self, scalar_dtype=scalar_dtype)
        super().__init__(
            groups,
            learning_rate=learning_rate,
            betas=betas,
            eps=eps,
            weight_decay=weight_decay,
            momentum_decay=momentum_decay,
            decoupled_weight_decay=decoupled_weight_decay,
            maximize=maximize,
        )

    def check_options(
        self,
        learning_rate,
        betas,
        eps,
        weight_decay,
        momentum_decay,
        decoupled_weight_decay,
        maximize,
    ):
        _checks.check_nonnegative(self, learning_rate=learning_rate)
        _checks.check_betas(self, betas=betas)
        _checks.check_nonnegative(self, eps=eps)
        _checks.check_nonnegative(self, weight_decay=weight_decay)
        _checks.check_nonnegative(self, momentum_decay=momentum_decay)
        _checks.check_flag(self, decoupled_weight_decay=decoupled_weight_decay)
        _checks.check_flag(self, maximize=maximize)

    def initial_state(self, param, **options):
        moments = {name: np.zeros_like(param) for name in ("exp_avg", "exp_avg_sq")}
        return {"step": np.zeros(()), "mu_product": np.ones((), self.scalar_dtype), **moments}

    def update(
        self,
        param,
        grad,
        state,
        learning_rate,
        betas,
        eps,
        weight_decay,
        momentum_decay,
        decoupled_weight_decay,
    ):
        state["step"] += 1
        step = state["step"].item()
        if decoupled_weight_decay:
            param *= 1 - learning_rate * weight_decay
        else:
            grad = with_decay(grad, param, weight_decay)

        mu = betas[0] * (1 - 0.5 * 0.96 ** (step * momentum_decay))
        next_mu = betas[0] * (1 - 0.5 * 0.96 ** ((step + 1) * momentum_decay))
        state["mu_product"] *= mu
        product = state["mu_product"].item()

        mean, square = state["exp_avg"], state["exp_avg_sq"]
        lerp(mean, grad, 1 - betas[0])
        add_square(square, grad, betas[1])
        scale = np.sqrt(square / (1 - betas[1] ** step)) + eps
        subtract_ratio(param, learning_rate * (1 - mu) / (1 - product) * grad, scale)
        subtract_ratio(param, learning_rate * next_mu / (1 - product * next_mu) * mean, scale)


class RAdam(Optimizer):
    """Adam that adapts only once its second moment's variance is tractable, and rectifies it.

    Formula: 1. g <- -g if maximize
        2. g <- g + weight_decay p, or p <- p - learning_rate weight_decay p if decoupled
        3. m <- beta1 m + (1 - beta1) g
        4. v <- beta2 v + (1 - beta2) g^2
        5. R = 2 / (1 - beta2) - 1, r = R - 2 t beta2^t / (1 - beta2^t)
        6. a = 1 for r <= 5, otherwise sqrt((r - 4) (r - 2) R / ((R - 4) (R - 2) r))
           sqrt(1 - beta2^t) / (sqrt(v) + eps)
        7. p <- p - learning_rate a m / (1 - beta1^t)
        with t = 1, 2, ..., and m = v = 0 before the first step.
    Derivative: none; the gradients are given.
    Shapes: params and grads are two lists of the same length, entry by entry of one shape.
    Dtypes: float32 and float64; the state has the parameter's.
    Errors: TypeError for an array that is not floating; ValueError for an option out of range,
        lists of different lengths, a shape that differs or a parameter that is read-only.
    Book: not in the book; beside section 6.3.6.
    Paper: Liu, Jiang, He, Chen, Liu, Gao, Han (2020), On the variance of the adaptive learning
        rate and beyond, ICLR, arXiv 1908.03265.
    PyTorch: torch.optim.RAdam. No difference. The paper rectifies from r > 4 on and has no eps;
        PyTorch from r > 5 on, with eps beside sqrt(v) before the bias is corrected.
    """

    def __init__(
        self,
        learning_rate=0.001,
        betas=(0.9, 0.999),
        eps=1e-8,
        weight_decay=0.0,
        decoupled_weight_decay=False,
        maximize=False,
        groups=None,
    ):
        super().__init__(
            groups,
            learning_rate=learning_rate,
            betas=betas,
            eps=eps,
            weight_decay=weight_decay,
            decoupled_weight_decay=decoupled_weight_decay,
            maximize=maximize,
        )

    def check_options(
        self, learning_rate, betas, eps, weight_decay, decoupled_weight_decay, maximize
    ):
        _checks.check_nonnegative(self, learning_rate=learning_rate)
        _checks.check_betas(self, betas=betas)
        _checks.check_nonnegative(self, eps=eps)
        _checks.check_nonnegative(self, weight_decay=weight_decay)
        _checks.check_flag(self, decoupled_weight_decay=decoupled_weight_decay)
        _checks.check_flag(self, maximize=maximize)

    def initial_state(self, param, **options):
        moments = {name: np.zeros_like(param) for name in ("exp_avg", "exp_avg_sq")}
        return {"step": np.zeros(()), **moments}

    def update(
        self,
        param,
        grad,
        state,
        learning_rate,
        betas,
        eps,
        weight_decay,
        decoupled_weight_decay,
    ):
        state["step"] += 1
        step = state["step"].item()
        correction1, correction2 = (1 - beta**step for beta in betas)
        if decoupled_weight_decay:
            param *= 1 - learning_rate * weight_decay
        else:
            grad = with_decay(grad, param, weight_decay)

        mean, square = state["exp_avg"], state["exp_avg_sq"]
        lerp(mean, grad, 1 - betas[0])
        add_square(square, grad, betas[1])
        move = learning_rate * (mean / correction1)

        length_limit = 2 / (1 - betas[1]) - 1
        length = length_limit - 2 * step * betas[1] ** step / correction2
        if length > 5:
            rectified = (length - 4) * (length - 2) * length_limit
            rectified /= (length_limit - 4) * (length_limit - 2) * length
            rate = math.sqrt(rectified) * math.sqrt(correction2)
            subtract_ratio(param, rate * move, np.sqrt(square) + eps)
        else:
            param -= move


class SparseAdam(Optimizer):
    """Adam on the rows that a gradient names; the other rows and their moments stand still.

    Formula: for the rows i of the gradient
        1. g_i <- -g_i if maximize
        2. m_i <- beta1 m_i + (1 - beta1) g_i
        3. v_i <- beta2 v_i + (1 - beta2) g_i^2
        4. p_i <- p_i - learning_rate sqrt(1 - beta2^t) / (1 - beta1^t) m_i / (sqrt(v_i) + eps)
        with t = 1, 2, ... the step of the whole parameter, and m = v = 0 before the first.
    Derivative: none; the gradients are given.
    Shapes: each gradient is a pair (indices, rows): indices (n,) counts along the first axis, or
        (k, n) along the first k; rows (n, ...) has the other axes. Rows of equal indices are
        summed. An array of the parameter's shape stands for those of its rows that are not all 0.
    Dtypes: float32 and float64 for parameters and rows, integers for indices; the state has the
        parameter's.
    Errors: TypeError for rows that are not floating or indices that are not integers; ValueError
        for an option or index out of range, lists of different lengths, a shape that differs or
        a parameter that is read-only.
    Book: not in the book; beside section 6.3.6.
    Paper: Kingma, Ba (2015), Adam: a method for stochastic optimization, ICLR,
        arXiv 1412.6980, end of section 2.
    PyTorch: torch.optim.SparseAdam, whose gradients are sparse tensors. As there, eps stands
        beside sqrt(v) before the bias is corrected, which Adam does after, and rows without a
        gradient do not decay.
    """

    def __init__(
        self, learning_rate=0.001, betas=(0.9, 0.999), eps=1e-8, maximize=False, groups=None
    ):
        super().__init__(
            groups, learning_rate=learning_rate, betas=betas, eps=eps, maximize=maximize
        )

    def check_options(self, learning_rate, betas, eps, maximize):
        _checks.check_positive(self, learning_rate=learning_rate)
        _checks.check_betas(self, betas=betas)
        _checks.check_positive(self, eps=eps)
        _checks.check_flag(self, maximize=maximize)

    def check_grad(self, place, param, grad):
        _checks.check_sparse_grad(self, place, param, grad)

    def reversed_grad(self, grad):
        if isinstance(grad, tuple):
            indices, rows = grad
            return indices, -rows
        return -grad

    def initial_state(self, param, **options):
        moments = {name: np.zeros_like(param) for name in ("exp_avg", "exp_avg_sq")}
        return {"step": np.zeros(()), **moments}

    def update(self, param, grad, state, learning_rate, betas, eps):
        state["step"] += 1
        correction1, correction2 = (1 - beta ** state["step"].item() for beta in betas)
        touched, rows = distinct_rows(grad, param)
        mean, square = state["exp_avg"][touched], state["exp_avg_sq"][touched]
        # The square of a huge gradient is infinite and what follows NaN, as in PyTorch.
        with np.errstate(over="ignore", invalid="ignore"):
            mean += (1 - betas[0]) * (rows - mean)
            square += (1 - betas[1]) * (rows * rows - square)
        state["exp_avg"][touched], state["exp_avg_sq"][touched] = mean, square
        rate, moved = learning_rate * math.sqrt(correction2) / correction1, param[touched]
        subtract_ratio(moved, rate * mean, np.sqrt(square) + eps)
        param[touched] = moved


def distinct_rows(grad, param):
    """The places a sparse gradient names, each once, and the sum of the rows given for each."""
    if not isinstance(grad, tuple):
        touched = np.nonzero(np.any(grad, axis=tuple(range(1, grad.ndim))))
        return touched, grad[touched]
    indices, rows = grad
    indices = np.atleast_2d(indices)
    flat = np.ravel_multi_index(tuple(indices), param.shape[: len(indices)])
    distinct, place = np.unique(flat, return_inverse=True)
    sums = np.zeros((len(distinct), *rows.shape[1:]), rows.dtype)
    np.add.at(sums, place, rows)
    return np.unravel_index(distinct, param.shape[: len(indices)]), sums
