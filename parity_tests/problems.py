"""Functions to minimize: in PyTorch to be differentiated, in NumPy with their derivatives."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Problem:
    """f(x) = |r(x)|^2 / 2, given by its residuals.

    residual(x, stack)  r, of NumPy's or PyTorch's x, with that library's stack
    jacobian(x)         a row for each residual
    bend(x, r)          the sum of r_i times the second derivative of r_i
    spread              how far starts are from the usual one
    """

    name: str
    residual: Callable
    jacobian: Callable
    bend: Callable
    start: tuple[float, ...]
    minima: tuple[tuple[float, ...], ...]
    spread: float = 0.2

    def near(self, point: Sequence[float], seed: int, spread: float | None = None) -> np.ndarray:
        """A random point about so far from another; without a spread as far as starts are."""
        spread = self.spread if spread is None else spread
        return point + spread * np.random.default_rng(seed).normal(size=len(point))

    def r(self, x: np.ndarray) -> np.ndarray:
        return self.residual(x, np.stack)

    def f(self, x: np.ndarray) -> np.floating:
        return np.sum(np.square(self.r(x))) / 2

    def gradient(self, x: np.ndarray) -> np.ndarray:
        return self.jacobian(x).T @ self.r(x)

    def hessian(self, x: np.ndarray) -> np.ndarray:
        jacobian = self.jacobian(x)
        return jacobian.T @ jacobian + self.bend(x, self.r(x))


def _matrix(*rows):
    return np.stack([np.stack(row) for row in rows])


def _rosenbrock_jacobian(x):
    one = np.ones_like(x[0])
    return _matrix((-20 * x[0], 10 * one), (-one, 0 * one))


def _beale(x, stack):
    a, b = x
    return stack([1.5 - a * (1 - b), 2.25 - a * (1 - b**2), 2.625 - a * (1 - b**3)])


def _beale_bend(x, r):
    a, b = x
    mixed = r[0] + 2 * b * r[1] + 3 * b**2 * r[2]
    return _matrix((0 * a, mixed), (mixed, a * (2 * r[1] + 6 * b * r[2])))


def _himmelblau(x, stack):
    a, b = x
    return stack([a**2 + b - 11, a + b**2 - 7])


# Where two hills 3 high stand, and how steep they are along each axis.
_HILLS = (((1.0, 0.0), (4.0, 1.0)), ((-1.0, 1.0), (1.0, 4.0)))


def _hills(x, stack):
    def height(place, steep):
        (a, b), (p, q), (s, t) = x, place, steep
        return 3 / (1 + s * (a - p) ** 2 + t * (b - q) ** 2)

    return stack([x[0] / 4, x[1] / 4, *(height(*hill) for hill in _HILLS)])


def _hill_derivatives(x):
    """The height of each hill by x, once and twice."""
    for place, steep in np.asarray(_HILLS, x.dtype):
        depth = 1 + np.sum(steep * (x - place) ** 2)
        slope = 2 * steep * (x - place)
        yield (
            -3 * slope / depth**2,
            6 * np.outer(slope, slope) / depth**3 - 6 * np.diag(steep) / depth**2,
        )


def _hills_jacobian(x):
    plain = np.eye(2, dtype=x.dtype) / 4
    return np.stack([*plain, *(once for once, _ in _hill_derivatives(x))])


PROBLEMS = {
    problem.name: problem
    for problem in (
        Problem(
            "Rosenbrock",
            lambda x, stack: stack([10 * (x[1] - x[0] ** 2), 1 - x[0]]),
            _rosenbrock_jacobian,
            lambda x, r: _matrix((-20 * r[0], 0 * r[0]), (0 * r[0], 0 * r[0])),
            (-1.2, 1.0),
            ((1.0, 1.0),),
        ),
        Problem(
            "Beale",
            _beale,
            lambda x: _matrix(
                *((x[1] ** k - 1, k * x[0] * x[1] ** (k - 1)) for k in (1, 2, 3)),
            ),
            _beale_bend,
            (1.0, 0.3),
            ((3.0, 0.5),),
        ),
        Problem(
            "Himmelblau",
            _himmelblau,
            lambda x: _matrix((2 * x[0], np.ones_like(x[0])), (np.ones_like(x[0]), 2 * x[1])),
            lambda x, r: _matrix((2 * r[0], 0 * r[0]), (0 * r[0], 2 * r[1])),
            (2.0, 3.0),
            (
                (3.0, 2.0),
                (-2.805118086952745, 3.131312518250573),
                (-3.779310253377747, -3.283185991286170),
                (3.584428340330492, -1.848126526964404),
            ),
        ),
        Problem(
            "a bowl",
            lambda x, stack: stack([2 * x[0] + x[1] - 1, x[1] + 0.5 * x[2], 3 * x[2] - x[0] + 2]),
            lambda x: np.array([[2.0, 1, 0], [0, 1, 0.5], [-1, 0, 3]], x.dtype),
            lambda x, r: np.zeros((3, 3), x.dtype),
            (1.0, -2.0, 0.5),
            ((4 / 11, 3 / 11, -6 / 11),),
        ),
        # Lines across it rise and fall several times.
        Problem(
            "hills",
            _hills,
            _hills_jacobian,
            lambda x, r: sum(
                part * twice for part, (_, twice) in zip(r[2:], _hill_derivatives(x), strict=True)
            ),
            (0.0, 0.0),
            (
                (-0.7404181352949861, -0.8143210172207517),
                (2.3966356672556133, -0.33921955091476325),
                (-0.3315429387690754, 2.3824176308126255),
            ),
            2.0,
        ),
    )
}
