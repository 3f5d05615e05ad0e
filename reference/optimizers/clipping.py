"""Gradient clipping (section 25.4): functions on a list of gradients, which change it in place.

A gradient of None is passed over.
"""

import math

import numpy as np

from reference import _checks

__all__ = ["clip_grad_norm", "clip_grad_value", "clip_grads_with_norm", "get_total_norm"]

OWNER = "clipping"


def get_total_norm(grads, norm_type=2.0, error_if_nonfinite=False):
    """The norm of all gradients together, as of one vector.

    Formula: (sum |g|^p)^(1/p) with p = norm_type; max |g| for inf, min |g| for -inf. It is taken
        of each gradient and then of these norms, which is the same but for p = 0: the number of
        gradients that are not all 0.
    Shapes: a list of arrays of any shape; the norm is a scalar, 0 of no gradients.
    Dtypes: float32 and float64; the norm has the widest of them.
    Errors: RuntimeError for a norm that is not finite, if error_if_nonfinite; ValueError for an
        empty array where the norm of nothing is not defined (p < 0 and inf).
    Book: section 25.4.
    PyTorch: torch.nn.utils.get_total_norm. No difference.
    """
    _checks.check_extended_number(OWNER, method="get_total_norm", norm_type=norm_type)
    _checks.check_grads(OWNER, grads, method="get_total_norm")
    norms = [vector_norm(grad, norm_type) for grad in grads if grad is not None]
    total = vector_norm(norms, norm_type) if norms else np.float32(0)
    if error_if_nonfinite:
        _checks.check_finite_norm(OWNER, total, method="get_total_norm")
    return total


def clip_grads_with_norm(grads, max_norm, total_norm):
    """Scale all gradients by the factor that brings `total_norm` down to `max_norm`.

    Formula: g <- g min(1, max_norm / (total_norm + 1e-6))
    Shapes: a list of arrays of any shape.
    Dtypes: float32 and float64, kept.
    Errors: TypeError for an array that is not floating, ValueError for one that is read-only.
    Book: section 25.4.
    PyTorch: torch.nn.utils.clip_grads_with_norm_. No difference: an infinite norm makes the
        infinite gradients NaN and the others 0.
    """
    method = "clip_grads_with_norm"
    _checks.check_bound(OWNER, method=method, max_norm=max_norm)
    _checks.check_grads(OWNER, grads, method=method, in_place=True)
    # An infinite gradient times 0 is NaN, and inf / inf too, as in PyTorch.
    with np.errstate(invalid="ignore"):
        factor = np.minimum(max_norm / (total_norm + 1e-6), 1.0)
        for grad in grads:
            if grad is not None:
                grad *= factor


def clip_grad_norm(grads, max_norm, norm_type=2.0, error_if_nonfinite=False):
    """Scale all gradients so that their norm is at most `max_norm`; returns the norm before.

    Formula: N = (sum |g|^p)^(1/p) with p = norm_type, g <- g min(1, max_norm / (N + 1e-6))
    Shapes: a list of arrays of any shape; the norm is a scalar.
    Dtypes: float32 and float64, kept; the norm has the widest of them.
    Errors: RuntimeError for a norm that is not finite, if error_if_nonfinite, and then nothing is
        changed; TypeError for an array that is not floating, ValueError for one that is read-only.
    Book: section 25.4.
    Paper: Pascanu, Mikolov, Bengio (2013), On the difficulty of training recurrent neural
        networks, ICML, arXiv 1211.5063, which has no 1e-6.
    PyTorch: torch.nn.utils.clip_grad_norm_. No difference. TensorFlow's clip_by_global_norm has
        no 1e-6 either.
    """
    total_norm = get_total_norm(grads, norm_type, error_if_nonfinite)
    clip_grads_with_norm(grads, max_norm, total_norm)
    return total_norm


def clip_grad_value(grads, clip_value):
    """Confine every element of the gradients to an interval around 0.

    Formula: g <- max(-clip_value, min(clip_value, g))
    Shapes: a list of arrays of any shape.
    Dtypes: float32 and float64, kept.
    Errors: TypeError for an array that is not floating, ValueError for a negative clip_value or
        an array that is read-only.
    Book: section 25.4.
    PyTorch: torch.nn.utils.clip_grad_value_. No difference; NaN stays NaN.
    """
    method = "clip_grad_value"
    _checks.check_bound(OWNER, method=method, clip_value=clip_value)
    _checks.check_grads(OWNER, grads, method=method, in_place=True)
    for grad in grads:
        if grad is not None:
            np.clip(grad, -clip_value, clip_value, out=grad)


def vector_norm(values, order):
    """(sum |values|^order)^(1 / order), and its limits."""
    sizes = np.abs(values)
    if order == 0:
        return sizes.dtype.type(np.count_nonzero(sizes))
    if order < 0 or order == math.inf:
        _checks.check_norm_exists(OWNER, order, grads=sizes)
    # PyTorch takes no power of a value that is alone.
    if math.isinf(order) or sizes.size == 1:
        return np.max(sizes) if order > 0 else np.min(sizes)
    # Powers may be infinite, 0 to a negative one too, as in PyTorch.
    with np.errstate(over="ignore", divide="ignore"):
        return np.sum(sizes**order) ** (1 / order)
