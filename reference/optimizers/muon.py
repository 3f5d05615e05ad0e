"""Steps along orthogonal matrices."""

import math

import numpy as np

from reference import _checks
from reference._base import Optimizer
from reference.optimizers._updates import lerp, norm


class Muon(Optimizer):
    """Momentum made orthogonal: every singular value of a matrix's step is about 1.

    Formula: 1. b <- momentum b + (1 - momentum) g, with b = 0 before the first step
        2. u = momentum b + (1 - momentum) g if nesterov, otherwise b
        3. X = u / max(|u|, eps), transposed if it has more rows than columns
        4. ns_steps times: G = X X^T, X <- a X + (b G + c G^2) X with (a, b, c) = ns_coefficients
        5. p <- p - learning_rate weight_decay p
        6. p <- p - s learning_rate X, transposed back
        with s = sqrt(max(1, rows / columns)) for adjust_lr_fn None or "original",
        0.2 sqrt(max(rows, columns)) for "match_rms_adamw".
    Derivative: none; the gradients are given.
    Shapes: params and grads are two lists of matrices, entry by entry of one shape.
    Dtypes: float32 and float64; the state has the parameter's. If bfloat16, each result of lines
        3 and 4 is rounded to bfloat16.
    Errors: TypeError for an array that is not floating; ValueError for a parameter that is not a
        matrix, an option out of range, lists of different lengths, a shape that differs or a
        parameter that is read-only.
    Book: not in the book; beside section 6.3.2.
    Paper: Jordan, Jin, Boza, You, Cesista, Newhouse, Bernstein (2024), Muon: an optimizer for
        hidden layers in neural networks, kellerjordan.github.io/posts/muon; "match_rms_adamw":
        Liu and others (2025), Muon is scalable for LLM training, arXiv 2502.16982.
    PyTorch: torch.optim.Muon iterates in bfloat16 whatever the parameter's dtype: bfloat16=True
        does the same to within that dtype's last digit, the default keeps the parameter's
        precision. The text writes line 1 without 1 - momentum, which line 3 takes out again. An
        empty parameter stands still; PyTorch divides by zero.
    """

    def __init__(
        self,
        learning_rate=0.001,
        weight_decay=0.1,
        momentum=0.95,
        nesterov=True,
        ns_coefficients=(3.4445, -4.7750, 2.0315),
        eps=1e-7,
        ns_steps=5,
        adjust_lr_fn=None,
        groups=None,
        bfloat16=False,
    ):
        self.bfloat16 = _checks.check_flag(self, bfloat16=bfloat16)
        super().__init__(
            groups,
            learning_rate=learning_rate,
            weight_decay=weight_decay,
            momentum=momentum,
            nesterov=nesterov,
            ns_coefficients=ns_coefficients,
            eps=eps,
            ns_steps=ns_steps,
            adjust_lr_fn=adjust_lr_fn,
        )

    def check_options(
        self,
        learning_rate,
        weight_decay,
        momentum,
        nesterov,
        ns_coefficients,
        eps,
        ns_steps,
        adjust_lr_fn,
    ):
        _checks.check_nonnegative(self, learning_rate=learning_rate)
        _checks.check_nonnegative(self, weight_decay=weight_decay)
        _checks.check_nonnegative(self, momentum=momentum)
        _checks.check_flag(self, nesterov=nesterov)
        _checks.check_numbers(self, 3, ns_coefficients=ns_coefficients)
        _checks.check_number(self, eps=eps)
        _checks.check_integer(self, minimum=0, ns_steps=ns_steps)
        _checks.check_choice(self, (None, "original", "match_rms_adamw"), adjust_lr_fn=adjust_lr_fn)

    def check_grad(self, place, param, grad):
        _checks.check_rank(self, 2, "(rows, columns)", method="step", **{f"params[{place}]": param})
        super().check_grad(place, param, grad)

    def initial_state(self, param, **options):
        return {"momentum_buffer": np.zeros_like(param)}

    def update(
        self,
        param,
        grad,
        state,
        learning_rate,
        weight_decay,
        momentum,
        nesterov,
        ns_coefficients,
        eps,
        ns_steps,
        adjust_lr_fn,
    ):
        if param.size == 0:
            return
        velocity = state["momentum_buffer"]
        lerp(velocity, grad, 1 - momentum)
        move = velocity
        if nesterov:
            move = np.array(grad, param.dtype)
            lerp(move, velocity, momentum)

        rows, columns = param.shape
        scale = math.sqrt(max(1, rows / columns))
        if adjust_lr_fn == "match_rms_adamw":
            scale = 0.2 * math.sqrt(max(rows, columns))
        param *= 1 - learning_rate * weight_decay
        move = self.orthogonal(move, ns_coefficients, eps, ns_steps).astype(param.dtype)
        # A move that is infinite or NaN makes the parameter so, as in PyTorch.
        with np.errstate(over="ignore", invalid="ignore"):
            param -= learning_rate * scale * move

    def orthogonal(self, matrix, coefficients, eps, steps):
        """U V^T for a matrix U S V^T, nearly, by the iteration of Newton and Schulz."""
        if matrix.shape[0] > matrix.shape[1]:
            return self.orthogonal(matrix.T, coefficients, eps, steps).T
        a, b, c = coefficients
        rounded = round_to_bfloat16 if self.bfloat16 else np.asarray
        weighted = weighted_in_bfloat16 if self.bfloat16 else weighted_sum
        # A norm too large to hold is infinite and its step 0; an iteration whose coefficients
        # make it diverge ends in NaN, as does one that underflows without an eps: as in PyTorch.
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            x = rounded(matrix)
            x = rounded(x / np.maximum(rounded(norm(x)), rounded(x.dtype.type(eps))))
            for _ in range(steps):
                gram = rounded(x @ x.T)
                gram = weighted(b, gram, c, gram @ gram)
                x = weighted(a, x, 1, gram @ x)
        return x


def weighted_sum(a, x, b, y):
    return a * x + b * y


def weighted_in_bfloat16(a, x, b, y):
    # PyTorch works in float32 with one rounding for a x and the sum; float64 holds a x exactly.
    return round_to_bfloat16(np.float64(np.float32(a)) * x + np.float32(b) * y)


def round_to_bfloat16(values):
    """The nearest numbers with 8 significant bits, ties to even, as float32."""
    bits = np.asarray(values, np.float32).view(np.uint32)
    bits = bits + np.uint32(0x7FFF) + (bits >> np.uint32(16) & np.uint32(1))
    return (bits & np.uint32(0xFFFF0000)).view(np.float32)
