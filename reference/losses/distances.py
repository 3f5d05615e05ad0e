"""Distance and similarity of two vectors, which the losses of pairs and triplets build on."""

import math

import numpy as np

from reference import _checks
from reference._base import Layer
from reference._numeric import product, sign
from reference.losses._elementwise import difference, sum_to_shape


def norm(vectors, p):
    """The p-norm along the last axis, which stays with length 1."""
    magnitude = np.abs(vectors)
    if p == math.inf:
        return np.max(magnitude, axis=-1, keepdims=True)
    if p == -math.inf:
        return np.min(magnitude, axis=-1, keepdims=True)
    if p == 0:
        return np.sum(vectors != 0, axis=-1, keepdims=True, dtype=vectors.dtype)
    if vectors.shape[-1] == 1:
        return magnitude  # no power that could overflow
    # Powers that overflow, and 0 to a negative power, are infinite, as in PyTorch.
    with np.errstate(over="ignore", divide="ignore"):
        return np.sum(magnitude**p, axis=-1, keepdims=True) ** (1 / p)


def norm_slope(vectors, norms, p):
    """The derivative of the p-norm by each component; 0 at 0, as PyTorch has it."""
    magnitude = np.abs(vectors)
    if p == 0:
        return np.zeros_like(vectors)
    if math.isinf(p):
        # Components that tie share the gradient.
        ties = magnitude == norms
        count = np.sum(ties, axis=-1, keepdims=True, dtype=vectors.dtype)
        return sign(vectors) * ties / np.maximum(count, 1)
    over, under = (magnitude, norms) if p >= 1 else (norms, magnitude)
    # Powers beyond the range of numbers, and 0 times what is not finite, are as in PyTorch.
    with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
        share = over ** abs(p - 1) / under ** abs(p - 1)
        return sign(vectors) * np.where(under == 0, 0 * over, share)


class PairwiseDistance(Layer):
    """The p-norm of the difference of two vectors.

    Formula: d = (sum_i |x_i - y_i + eps|^p)^(1/p); p = inf: the largest, -inf: the smallest,
        0: the number of those that are not 0
    Derivative: dd/dx_i = sign(v_i) |v_i|^(p-1) / d^(p-1) with v = x - y + eps, 0 where v_i or d is
        0; p = inf and -inf: sign(v_i), shared evenly among ties; p = 0: 0 (PyTorch's choices);
        dd/dy = -dd/dx.
    Shapes: x and y broadcast to (..., features); the distances (...), or (..., 1) for keepdim.
    Dtypes: float32 and float64; the distance has the promotion of x's and y's.
    Errors: TypeError for an array that is not floating; ValueError for shapes that do not
        broadcast or have no axis, or an upstream gradient of another shape; RuntimeError for
        backward before forward.
    Book: not in the book.
    Paper: Minkowski (1910), Geometrie der Zahlen, Teubner.
    PyTorch: torch.nn.PairwiseDistance, which also takes numbers without an axis. No other
        difference: eps is added to each signed component, so that equal vectors are at the
        distance eps n^(1/p).
    """

    def __init__(self, p=2.0, eps=1e-6, keepdim=False):
        super().__init__()
        self.p = _checks.check_extended_number(self, p=p)
        self.eps = _checks.check_number(self, eps=eps)
        self.keepdim = _checks.check_flag(self, keepdim=keepdim)

    def forward(self, input1, input2):
        _checks.check_broadcast(self, input1=input1, input2=input2)
        vectors = difference(input1, input2) + self.eps
        _checks.check_least_rank(self, 1, "(..., features)", input1=vectors)
        if math.isinf(self.p) or self.p < 0:
            _checks.check_filled_axis(self, -1, input1=vectors)
        self.shapes = input1.shape, input2.shape
        self.vectors = vectors
        self.norms = norm(vectors, self.p)  # (..., 1)
        return self.norms if self.keepdim else self.norms[..., 0]

    def backward(self, grad_output):
        grad_norms = np.reshape(grad_output, self.norms.shape)
        grad_vectors = product(grad_norms, norm_slope(self.vectors, self.norms, self.p))
        first, second = (sum_to_shape(grad_vectors, shape) for shape in self.shapes)
        return (first, -second), None


class CosineSimilarity(Layer):
    """The cosine of the angle between two vectors.

    Formula: c = (x / max(|x|, eps)) . (y / max(|y|, eps))
    Derivative: dc/dx = (y / max(|y|, eps) - c x / |x|) / max(|x|, eps), with x / |x| = 0 at x = 0:
        where the clamp acts, the term of |x| stays (PyTorch's choice); dc/dy likewise.
    Shapes: x and y broadcast; the axis dim of their common shape is summed over.
    Dtypes: float32 and float64; the cosine has the promotion of x's and y's.
    Errors: TypeError for an array that is not floating; ValueError for shapes that do not
        broadcast, an axis that is not there, or an upstream gradient of another shape;
        RuntimeError for backward before forward.
    Book: not in the book.
    Paper: Salton, Wong, Yang (1975), A vector space model for automatic indexing, Communications
        of the ACM 18(11), DOI 10.1145/361219.361220.
    PyTorch: torch.nn.CosineSimilarity, whose dim is 1 by default instead of the last axis, and
        which also takes numbers without an axis.
    """

    def __init__(self, dim=-1, eps=1e-8):
        super().__init__()
        self.dim = _checks.check_integer(self, minimum=-math.inf, dim=dim)
        self.eps = _checks.check_nonnegative(self, eps=eps)

    def forward(self, input1, input2):
        _checks.check_broadcast(self, input1=input1, input2=input2)
        pair = np.broadcast_arrays(input1, input2)
        _checks.check_least_rank(self, 1, "(..., features)", input1=pair[0])
        _checks.check_axis(self, self.dim, "dim", input1=pair[0])
        self.shapes = input1.shape, input2.shape
        self.vectors = [np.moveaxis(vectors, self.dim, -1) for vectors in pair]
        self.norms = [norm(vectors, 2) for vectors in self.vectors]
        self.bounded = [np.maximum(norms, self.eps) for norms in self.norms]
        # An infinite vector has no direction, nor has a tiny one without eps; infinite terms that
        # meet 0 or one another are NaN too, as in PyTorch.
        with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
            self.cosine = np.sum(self.unit(0) * self.unit(1), axis=-1, keepdims=True)
        return self.cosine[..., 0]

    def unit(self, which):
        """The direction of one of the two vectors."""
        return self.vectors[which] / self.bounded[which]

    def backward(self, grad_output):
        grads, pull = [], grad_output[..., None]
        for one, other in ((0, 1), (1, 0)):
            outwards = norm_slope(self.vectors[one], self.norms[one], 2)
            # Without eps, tiny vectors have infinite terms that meet: NaN, as in PyTorch.
            with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
                # From above first: it may bring back what a tiny norm makes too large to hold.
                slope = pull * self.unit(other) / self.bounded[one]
                slope -= pull * (self.cosine / self.bounded[one] * outwards)
            grads.append(sum_to_shape(np.moveaxis(slope, -1, self.dim), self.shapes[one]))
        return tuple(grads), None
