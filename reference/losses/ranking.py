"""Losses of pairs and triplets: what is alike is near, what differs is far."""

import copy
import functools

import numpy as np

from reference import _checks, _numeric
from reference._base import Loss
from reference.losses._elementwise import difference, sum_to_shape
from reference.losses.distances import PairwiseDistance, norm, norm_slope


class MarginRankingLoss(Loss):
    """What one score lacks to a margin above another.

    Formula: l = max(0, -t (x - y) + margin), with t = 1 where x should be the larger, else -1
    Derivative: dl/dx = -t, dl/dy = t and dl/dt = -(x - y) where -t (x - y) + margin >= 0, else 0:
        at the kink the gradient flows (PyTorch's choice).
    Shapes: x, y and t broadcast; the losses have their common shape.
    Dtypes: float32 and float64, the labels any number; the loss has the promotion of x's and y's.
    Errors: TypeError for scores that are not floating or labels that are not numbers; ValueError
        for shapes that do not broadcast; RuntimeError for backward before forward.
    Book: not in the book.
    Paper: Herbrich, Graepel, Obermayer (1999), Support vector learning for ordinal regression,
        ICANN, DOI 10.1049/cp:19991091.
    PyTorch: torch.nn.MarginRankingLoss. No difference; backward returns the pair of the gradients
        of x and y.
    """

    non_floating = ("target",)

    def __init__(self, margin=0.0, reduction="mean"):
        super().__init__(reduction)
        self.margin = _checks.check_number(self, margin=margin)

    def forward(self, input1, input2, target):
        _checks.check_broadcast(self, input1=input1, input2=input2, target=target)
        self.shapes = input1.shape, input2.shape, np.shape(target)
        self.lead = difference(input1, input2)
        self.target = _checks.check_labels(self, self.lead.dtype, target=target)
        # A label of 0 times an infinite lead is NaN, as in PyTorch.
        self.lack = _numeric.product(-self.target, self.lead) + self.margin
        self.losses = np.maximum(self.lack, 0)
        return self.reduce(self.losses)

    def backward(self, grad_output=1.0):
        grad_lack = self.spread(grad_output, self.losses) * (self.lack >= 0)
        grad_lead = _numeric.product(-self.target, grad_lack)
        return (
            sum_to_shape(grad_lead, self.shapes[0]),
            sum_to_shape(-grad_lead, self.shapes[1]),
        ), None

    def grad_target(self, grad_output=1.0):
        grad_lack = self.spread(grad_output, self.losses) * (self.lack >= 0)
        # No gradient times an infinite lead is NaN, as in PyTorch.
        return sum_to_shape(-_numeric.product(grad_lack, self.lead), self.shapes[2])


class CosineEmbeddingLoss(Loss):
    """One minus the cosine of what is alike, the cosine above a margin of what differs.

    Formula: l = 1 - c for t = 1, max(0, c - margin) for t = -1, 0 for any other t, with
        c = x . y / n and n = sqrt((|x|^2 + eps) (|y|^2 + eps))
    Derivative: dl/dx = -dc/dx for t = 1, dc/dx for t = -1 where c >= margin: at the kink the
        gradient flows (PyTorch's choice); dc/dx = y / n - c x (|y|^2 + eps) / n^2, whose last
        quotient is 1 / (|x|^2 + eps); dl/dy likewise.
    Shapes: x and y (..., features); t (...); they broadcast.
    Dtypes: float32 and float64, the labels any number; the loss has the promotion of x's and y's.
    Errors: TypeError for vectors that are not floating or labels that are not numbers; ValueError
        for shapes that do not broadcast; RuntimeError for backward before forward.
    Book: not in the book.
    Paper: Hadsell, Chopra, LeCun (2006), Dimensionality reduction by learning an invariant
        mapping, CVPR, DOI 10.1109/CVPR.2006.100.
    PyTorch: torch.nn.CosineEmbeddingLoss, whose eps is 1e-12 rounded to float32 even for
        float64; backward returns the pair of the gradients of x and y.
    """

    non_floating = ("target",)

    def __init__(self, margin=0.0, reduction="mean", eps=1e-12):
        super().__init__(reduction)
        self.margin = _checks.check_number(self, margin=margin)
        self.eps = _checks.check_positive(self, eps=eps)

    def forward(self, input1, input2, target):
        _checks.check_least_rank(self, 1, "(..., features)", input1=input1)
        _checks.check_least_rank(self, 1, "(..., features)", input2=input2)
        _checks.check_broadcast(self, input1=input1, input2=input2)
        # What overflows, or is infinite, has the cosine 0 or NaN, as in PyTorch.
        with np.errstate(over="ignore", invalid="ignore"):
            product = np.sum(input1 * input2, axis=-1)
            squares = [np.sum(v * v, axis=-1) + self.eps for v in (input1, input2)]
            root = np.sqrt(squares[0] * squares[1])
            cosine = product / root
        _checks.check_broadcast(self, cosine=cosine, target=target)
        self.vectors, self.squares, self.root = (input1, input2), squares, root
        self.cosine = cosine
        self.target = _checks.check_labels(self, cosine.dtype, target=target)
        different = np.where(self.target == -1, np.maximum(cosine - self.margin, 0), 0)
        self.losses = np.where(self.target == 1, 1 - cosine, 0) + different
        return self.reduce(self.losses)

    def backward(self, grad_output=1.0):
        different = (self.target == -1) & (self.cosine >= self.margin)
        direction = np.subtract(different, self.target == 1, dtype=self.cosine.dtype)
        grad_cosine = self.spread(grad_output, self.losses) * direction
        first, second = (self.pull(grad_cosine, *pair) for pair in ((0, 1), (1, 0)))
        return (first, second), None

    def pull(self, grad_cosine, one, other):
        """The gradient of one of the two vectors, by that of their cosine."""
        # What overflowed, or is infinite, has the gradient 0 or NaN, as in PyTorch.
        with np.errstate(invalid="ignore"):
            inwards = self.cosine * (self.squares[other] / self.root) / self.root
            slope = (
                self.vectors[other] / self.root[..., None] - inwards[..., None] * self.vectors[one]
            )
        grad = _numeric.product(grad_cosine[..., None], slope)
        return sum_to_shape(grad, self.vectors[one].shape)


class ContrastiveLoss(Loss):
    """The squared distance of what is alike, the square of what it lacks to a margin otherwise.

    Formula: l = (1 - t) d^2 / 2 + t max(0, margin - d)^2 / 2, with d = |x - y| and t = 0 for a
        pair that is alike, 1 for one that differs
    Derivative: dl/dx = ((1 - t) d - t max(0, margin - d)) (x - y) / d, where the quotient is 0 at
        d = 0 (as PyTorch's norm has it); dl/dy = -dl/dx. No kink at d = margin.
    Shapes: x and y broadcast to (..., features); t (...), which broadcasts too.
    Dtypes: float32 and float64, the labels any number; the loss has the promotion of x's and y's.
    Errors: TypeError for vectors that are not floating or labels that are not numbers; ValueError
        for shapes that do not broadcast; RuntimeError for backward before forward.
    Book: not in the book.
    Paper: Hadsell, Chopra, LeCun (2006), Dimensionality reduction by learning an invariant
        mapping, CVPR, DOI 10.1109/CVPR.2006.100.
    PyTorch: no class; backward returns the pair of the gradients of x and y.
    """

    non_floating = ("target",)

    def __init__(self, margin=1.0, reduction="mean"):
        super().__init__(reduction)
        self.margin = _checks.check_positive(self, margin=margin)

    def forward(self, input1, input2, target):
        _checks.check_least_rank(self, 1, "(..., features)", input1=input1)
        _checks.check_least_rank(self, 1, "(..., features)", input2=input2)
        _checks.check_broadcast(self, input1=input1, input2=input2)
        apart = difference(input1, input2)
        distances = norm(apart, 2)
        _checks.check_broadcast(self, distances=distances[..., 0], target=target)
        self.shapes = input1.shape, input2.shape
        self.apart, self.distances = apart, distances
        self.target = _checks.check_labels(self, apart.dtype, target=target)
        distance = distances[..., 0]
        lack = np.maximum(self.margin - distance, 0)
        # A square beyond the largest number is infinite, but where its share is 0.
        with np.errstate(over="ignore", invalid="ignore"):
            alike = (1 - self.target) * distance * distance
            self.losses = (alike + self.target * lack * lack) / 2
        return self.reduce(self.losses)

    def backward(self, grad_output=1.0):
        grad_losses = self.spread(grad_output, self.losses)[..., None]
        target = self.target[..., None]
        lack = np.maximum(self.margin - self.distances, 0)
        direction = norm_slope(self.apart, self.distances, 2)
        # An infinite distance has no direction, and what overflows is infinite.
        with np.errstate(over="ignore", invalid="ignore"):
            grad = grad_losses * ((1 - target) * self.distances - target * lack) * direction
        return (sum_to_shape(grad, self.shapes[0]), sum_to_shape(-grad, self.shapes[1])), None


class TripletMarginWithDistanceLoss(Loss):
    """What an anchor's distance from its positive lacks to a margin below that from its negative.

    Formula: l = max(0, margin + d(a, p) - d(a, n)); with swap, d(a, n) is replaced by d(p, n)
        where that is smaller
    Derivative: 1 for d(a, p) and -1 for d(a, n) where margin + d(a, p) - d(a, n) >= 0, else 0: at
        the kink the gradient flows; with swap, the -1 goes to the smaller of d(a, n) and d(p, n),
        half to each at a tie (PyTorch's choices); the rest is the distance's own derivative.
    Shapes: a, p and n (..., features) broadcast; the losses have the shape of the distances.
    Dtypes: float32 and float64; the loss has the promotion of the inputs'.
    Errors: TypeError for an array that is not floating; ValueError for a margin that is not
        positive or shapes that do not broadcast; RuntimeError for backward before forward.
    Book: not in the book.
    Paper: Balntas, Riba, Ponsa, Mikolajczyk (2016), Learning local feature descriptors with
        triplets and shallow convolutional neural networks, BMVC, DOI 10.5244/C.30.119.
    PyTorch: torch.nn.TripletMarginWithDistanceLoss, whose distance is any function; here it is
        a layer of two inputs, PairwiseDistance by default. backward returns the triple of the
        gradients of a, p and n, and those of the distance's parameters.
    """

    def __init__(self, distance_function=None, margin=1.0, swap=False, reduction="mean"):
        super().__init__(reduction)
        distance = PairwiseDistance() if distance_function is None else distance_function
        (self.distance,) = _checks.check_layers(self, distance_function=distance)
        self.margin = _checks.check_positive(self, margin=margin)
        self.swap = _checks.check_flag(self, swap=swap)

    @property
    def params(self):
        """The parameters of the distance."""
        return self.distance.params

    @params.setter
    def params(self, params):
        if hasattr(self, "distance"):  # not yet where Layer empties the list
            self.distance.params = params

    def forward(self, anchor, positive, negative):
        inputs = anchor, positive, negative
        # The places of a distance's two inputs: one layer for each, on the same parameters.
        self.places = ((0, 1), (0, 2), (1, 2))[: 2 + self.swap]
        shared = {id(param): param for param in self.params}
        self.layers = [copy.deepcopy(self.distance, dict(shared)) for _ in self.places]
        self.distances = [
            layer.forward(inputs[one], inputs[other])
            for layer, (one, other) in zip(self.layers, self.places, strict=True)
        ]
        self.nearest = functools.reduce(np.minimum, self.distances[1:])
        self.lack = difference(self.margin + self.distances[0], self.nearest)
        self.losses = np.maximum(self.lack, 0)
        return self.reduce(self.losses)

    def backward(self, grad_output=1.0):
        grad_lack = self.spread(grad_output, self.losses) * (self.lack >= 0)
        ties = [np.equal(d, self.nearest).astype(grad_lack.dtype) for d in self.distances[1:]]
        shares = [tie / np.maximum(sum(ties), 1) for tie in ties]
        grads, grad_params = [0, 0, 0], [0] * len(self.params)
        for layer, place, distance, share in zip(
            self.layers,
            self.places,
            self.distances,
            [1] + [-share for share in shares],
            strict=True,
        ):
            pair, own = layer.backward(sum_to_shape(grad_lack * share, np.shape(distance)))
            for which, grad in zip(place, pair, strict=True):
                grads[which] = grads[which] + grad
            grad_params = [total + grad for total, grad in zip(grad_params, own or [], strict=True)]
        return tuple(grads), grad_params or None


class TripletMarginLoss(TripletMarginWithDistanceLoss):
    """What an anchor's p-norm distance from its positive lacks to that from its negative.

    Formula: l = max(0, margin + |a - p + eps|_p - |a - n + eps|_p); with swap, the second distance
        is replaced by |p - n + eps|_p where that is smaller
    Derivative: of the distances as in TripletMarginWithDistanceLoss: at the kink the gradient
        flows, ties are shared (PyTorch's choices); of the norms as in PairwiseDistance: 0 at 0.
    Shapes: a, p and n broadcast to (..., features); the losses (...).
    Dtypes: float32 and float64; the loss has the promotion of the inputs'.
    Errors: TypeError for an array that is not floating; ValueError for a margin that is not
        positive or shapes that do not broadcast; RuntimeError for backward before forward.
    Book: not in the book.
    Paper: Balntas, Riba, Ponsa, Mikolajczyk (2016), Learning local feature descriptors with
        triplets and shallow convolutional neural networks, BMVC, DOI 10.5244/C.30.119.
    PyTorch: torch.nn.TripletMarginLoss. No difference; backward returns the triple of the
        gradients of a, p and n.
    """

    def __init__(self, margin=1.0, p=2.0, eps=1e-6, swap=False, reduction="mean"):
        super().__init__(PairwiseDistance(p, eps), margin, swap, reduction)
