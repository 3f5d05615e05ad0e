"""Quasi-Newton steps with a memory of the last moves."""

import copy

import numpy as np

from reference import _checks
from reference._base import Optimizer
from reference.optimizers._line_search import Trial, strong_wolfe


class LBFGS(Optimizer):
    """Newton's direction from the last `history_size` moves and changes of the gradient.

    Formula: up to max_iter times, with s_i the last moves, y_i the changes of the gradient over
        them, and r_i = 1 / (y_i . s_i):
        1. s, y join the memory if y . s > 1e-10; h = y . s / (y . y)
        2. d = -g; from the newest to the oldest a_i = r_i s_i . d, d <- d - a_i y_i
        3. d <- h d; from the oldest to the newest d <- d + (a_i - r_i y_i . d) s_i
        4. t = learning_rate, in the first iteration of all times min(1, 1 / sum |g|)
        5. with line_search_fn "strong_wolfe", t <- a step at which f has fallen by 1e-4 t |g . d|
           and |g . d| is down to 0.9 of itself
        6. p <- p + t d
        It ends when g . d > -tolerance_change, after max_eval evaluations, when
        max |g| <= tolerance_grad, max |t d| <= tolerance_change or f changed less than
        tolerance_change.
    Derivative: none; the closure gives the gradients.
    Shapes: params and the closure's gradients are two lists of the same length, entry by entry of
        one shape.
    Dtypes: float32 and float64; the state has the parameters'.
    Errors: TypeError for an array that is not floating or a closure that is no function or does
        not return a pair; ValueError for an option out of range, a second group, lists of different
        lengths, a shape that differs or a parameter that is read-only.
    Book: not in the book; beside section 6.4.
    Paper: Liu, Nocedal (1989), On the limited memory BFGS method for large scale optimization,
        DOI 10.1007/BF01589116; Nocedal, Wright (2006), Numerical optimization,
        algorithms 3.5 and 3.6, DOI 10.1007/978-0-387-40065-5.
    PyTorch: torch.optim.LBFGS. No difference. The whole state is kept for the first parameter, as
        there; a gradient of None counts as zero. With a rate of 0 and a line search PyTorch
        divides by zero; here it is refused. Its steps amplify rounding: two runs an ulp apart
        separate.
    """

    def __init__(
        self,
        learning_rate=1.0,
        max_iter=20,
        max_eval=None,
        tolerance_grad=1e-7,
        tolerance_change=1e-9,
        history_size=100,
        line_search_fn=None,
    ):
        max_iter = _checks.check_integer(self, max_iter=max_iter)
        super().__init__(
            learning_rate=learning_rate,
            max_iter=max_iter,
            max_eval=max_iter * 5 // 4 if max_eval is None else max_eval,
            tolerance_grad=tolerance_grad,
            tolerance_change=tolerance_change,
            history_size=history_size,
            line_search_fn=line_search_fn,
        )

    def check_options(
        self,
        learning_rate,
        max_iter,
        max_eval,
        tolerance_grad,
        tolerance_change,
        history_size,
        line_search_fn,
    ):
        _checks.check_choice(self, (None, "strong_wolfe"), line_search_fn=line_search_fn)
        check_rate = _checks.check_positive if line_search_fn else _checks.check_nonnegative
        check_rate(self, learning_rate=learning_rate)
        _checks.check_integer(self, max_eval=max_eval)
        _checks.check_number(self, tolerance_grad=tolerance_grad)
        _checks.check_number(self, tolerance_change=tolerance_change)
        _checks.check_integer(self, history_size=history_size)

    def add_group(self, **group):
        """Refused, as by PyTorch's constructor: the parameters move as one vector."""
        _checks.check_alone(self)

    def step(self, params, closure):
        """Iterate on `closure()`, which returns `(loss, grads)`; returns the first loss."""
        _checks.check_params(self, params, len(self.state))
        if not self.state:
            self.state = [{"func_evals": 0, "n_iter": 0}, *({} for _ in params[1:])]
        options, state = self.groups[0], self.state[0]
        first_loss, grad = self.evaluate(params, closure)
        loss, evaluations = first_loss, 1
        state["func_evals"] += 1
        if largest(grad) <= options["tolerance_grad"]:
            return first_loss
        for iteration in range(1, options["max_iter"] + 1):
            state["n_iter"] += 1
            direction, rate = self.direction(state, grad), options["learning_rate"]
            if state["n_iter"] == 1:
                rate = min(1.0, 1.0 / np.sum(np.abs(grad))) * rate
            start = Trial(grad.dtype.type(0), loss, grad, grad @ direction)
            state.update(d=direction, t=rate, prev_flat_grad=grad, prev_loss=loss)
            if start.slope > -options["tolerance_change"]:
                break
            most = options["max_eval"] - evaluations
            is_last = iteration == options["max_iter"]
            end, count = self.advance(params, closure, direction, start, rate, most, is_last)
            loss, grad, state["t"] = end.value, end.grad, end.step
            evaluations += count
            state["func_evals"] += count
            if (
                evaluations >= options["max_eval"]
                or largest(grad) <= options["tolerance_grad"]
                or largest(direction * end.step) <= options["tolerance_change"]
                or abs(loss - start.value) < options["tolerance_change"]
            ):
                break
        return first_loss

    def advance(self, params, closure, direction, start, rate, most, is_last):
        """Go along the direction; returns the trial at its end and the number of evaluations."""
        points = [param.copy() for param in params]

        def shift(step):
            step = direction.dtype.type(step)
            for param, point, part in zip(
                params, points, split(step * direction, params), strict=True
            ):
                param[...] = point + part
            return step

        def try_step(step):
            step = shift(step)
            loss, grad = self.evaluate(params, closure)
            return Trial(step, loss, grad, grad @ direction)

        if self.groups[0]["line_search_fn"] == "strong_wolfe":
            end, count = strong_wolfe(try_step, start, rate, most, largest(direction))
            shift(end.step)
            return end, count
        if is_last:
            # Nothing comes after the last point that would ask for its gradient.
            return start._replace(step=shift(rate)), 0
        return try_step(rate), 1

    def evaluate(self, params, closure):
        """The loss, as a float, and the gradients of all parameters as one vector."""
        loss, grads = _checks.check_evaluation(self, closure)
        _checks.check_step(self, params, grads)
        parts = [
            np.zeros(param.size, param.dtype) if grad is None else np.ravel(grad)
            for param, grad in zip(params, grads, strict=True)
        ]
        return float(loss), np.concatenate(parts)

    def direction(self, state, grad):
        """Newton's direction by the memory, which takes in the last move first."""
        if "d" not in state:
            state.update(old_dirs=[], old_stps=[], ro=[], H_diag=1)
            return -grad
        changes, moves, ratios = state["old_dirs"], state["old_stps"], state["ro"]
        change, last_move = grad - state["prev_flat_grad"], state["d"] * state["t"]
        curvature = change @ last_move
        if curvature > 1e-10:
            changes.append(change)
            moves.append(last_move)
            ratios.append(1 / curvature)
            state["H_diag"] = curvature / (change @ change)
            for history in (changes, moves, ratios):
                del history[: -self.groups[0]["history_size"]]

        direction, parts = -grad, []
        for change, last_move, ratio in reversed([*zip(changes, moves, ratios, strict=True)]):
            parts.append((last_move @ direction) * ratio)
            direction -= parts[-1] * change
        direction = state["H_diag"] * direction
        for change, last_move, ratio in zip(changes, moves, ratios, strict=True):
            direction += (parts.pop() - (change @ direction) * ratio) * last_move
        return direction

    def load_state(self, state, params):
        """Resume from `state`, a copy of the `state` of an optimizer of the same `params`."""
        _checks.check_history(self, state, params)
        self.state = copy.deepcopy(list(state))


def largest(vector):
    """max |vector|, 0 of no elements."""
    return np.max(np.abs(vector), initial=0)


def split(vector, arrays):
    """The parts of a vector in the shapes of arrays."""
    ends = np.cumsum([array.size for array in arrays])
    parts = np.split(vector, ends[:-1])
    return [part.reshape(array.shape) for part, array in zip(parts, arrays, strict=True)]
