"""Newton's method and its kin (section 6.4), in the form of the book's GradientDescent."""

import math

import numpy as np

from reference import _checks
from reference.optimizers._line_search import Trial, strong_wolfe
from reference.optimizers.gradient_descent import GradientDescent


class Minimizer(GradientDescent):
    """A descent whose moves a subclass writes: `move(grad)`, both of them vectors."""

    def update_step(self):
        """Descend; returns the last point and the path. It ends early where no move is left."""
        for _ in range(self.epochs):
            grad = self.gradient(self.point)
            size = np.linalg.norm(grad)
            if size < self.tolerance or size == 0:
                break
            following = self.moved(self.move(grad))
            if np.array_equal(following, self.point):
                break
            self.point = following
            self.path.append(self.point)
        return self.point, self.path

    def move(self, grad):
        raise NotImplementedError(f"{type(self).__name__} does not define move")

    def moved(self, move):
        """The point at the end of a move."""
        return self.point + np.reshape(move, np.shape(self.point))

    def value(self, point):
        """f at a point."""
        value = self.function(point)
        return _checks.check_derivative(self, 0, point, function=value)

    def gradient(self, point):
        """f' at a point, as a vector."""
        grad = self.function_prime(point)
        return np.ravel(_checks.check_derivative(self, 1, point, function_prime=grad))

    def search(self, direction, grad, step, curvature):
        """The end of a line search that starts with this step."""

        def try_step(step):
            point = self.moved(step * direction)
            ahead = self.gradient(point)
            return Trial(step, self.value(point), ahead, ahead @ direction)

        start = Trial(step * 0, self.value(self.point), grad, grad @ direction)
        length = np.max(np.abs(direction))
        return strong_wolfe(try_step, start, step, 25, length, curvature=curvature)[0]


class Newton(Minimizer):
    """Newton's method: the step to the stationary point of the local parabola.

    Formula: x' = x - learning_rate f''(x)^-1 f'(x), up to `epochs` times, while
        |f'(x)| >= tolerance
    Derivative: none; function_prime and function_hessian give them.
    Shapes: initial_point is a number or an array of any shape s; function_prime returns shape s,
        function_hessian s + s, as torch.func.hessian does.
    Dtypes: float32 and float64; the points have the initial one's.
    Errors: TypeError for a function that cannot be called or a value that is not floating;
        ValueError for an option out of range, a derivative of another shape, or a Hessian that is
        singular or not finite.
    Book: section 6.4.
    Paper: Nocedal, Wright (2006), Numerical optimization, section 3.3,
        DOI 10.1007/978-0-387-40065-5.
    PyTorch: no class; torch.func.hessian and torch.linalg.solve take the same steps. A rate of 1
        is the pure method, a lower one the damped. It goes to any stationary point: where the
        Hessian is indefinite towards a saddle, where it is negative towards a maximum;
        `DampedNewton` does not.
    """

    def __init__(
        self,
        function,
        function_prime,
        function_hessian,
        initial_point,
        learning_rate=1.0,
        epochs=100,
        tolerance=1e-6,
    ):
        super().__init__(function, function_prime, initial_point, learning_rate, epochs, tolerance)
        self.function_hessian = _checks.check_callable(self, function_hessian=function_hessian)

    def hessian(self):
        """f'' at the point, as a matrix."""
        value = self.function_hessian(self.point)
        value = _checks.check_derivative(self, 2, self.point, function_hessian=value)
        _checks.check_finite(self, method="update_step", function_hessian=value)
        return np.reshape(value, (np.size(self.point), np.size(self.point)))

    def move(self, grad):
        try:
            return -self.learning_rate * np.linalg.solve(self.hessian(), grad)
        except np.linalg.LinAlgError:
            hint = "DampedNewton goes on from there."
            fact = f"a singular one at {self.point}"
            requirement = "return an invertible matrix"
            name = "function_hessian"
            _checks.fail(ValueError, self, "update_step", name, requirement, fact, hint)


class DampedNewton(Newton):
    """Newton's method that always descends: a Hessian made positive, and a line search.

    Formula: d = -(f''(x) + m I)^-1 f'(x), x' = x + t d
        with m the first of 0 or 0.001 - min diag f'', and from there doubled (at least 0.001),
        that makes the matrix positive definite, and t the first of learning_rate, and half of
        it again and again, with f(x + t d) <= f(x) + 0.0001 t f'(x) . d (0 if there is none)
    Derivative: none; function_prime and function_hessian give them.
    Shapes: initial_point is a number or an array of any shape s; function_prime returns shape s,
        function_hessian s + s, as torch.func.hessian does.
    Dtypes: float32 and float64; the points have the initial one's.
    Errors: TypeError for a function that cannot be called or a value that is not floating;
        ValueError for an option out of range, a derivative of another shape, or a Hessian that is
        not finite.
    Book: section 6.4.
    Paper: Nocedal, Wright (2006), Numerical optimization, algorithms 3.1 and 3.3,
        DOI 10.1007/978-0-387-40065-5.
    PyTorch: no class; torch.func.hessian and torch.linalg.cholesky take the same steps. A
        singular or indefinite Hessian is no error; a point where f' is 0 ends it, be it a saddle.
    """

    def move(self, grad):
        direction = -self.solve_positive(self.hessian(), grad)
        step, slope, value = self.learning_rate, grad @ direction, self.value(self.point)

        def is_low(step):
            return self.value(self.moved(step * direction)) <= value + 1e-4 * step * slope

        while step > 0 and not is_low(step):
            step /= 2
        return step * direction

    def solve_positive(self, hessian, grad):
        """(hessian + m I)^-1 grad with the first m that makes the matrix positive definite."""
        lowest = np.min(np.diag(hessian))
        margin = 0.0 if lowest > 0 else 1e-3 - float(lowest)
        while True:
            shifted = hessian + margin * np.eye(len(grad), dtype=grad.dtype)
            try:
                np.linalg.cholesky(shifted)
            except np.linalg.LinAlgError:
                margin = max(2 * margin, 1e-3)
            else:
                return np.linalg.solve(shifted, grad)


class BFGS(Minimizer):
    """A quasi-Newton method that learns the inverse Hessian from the changes of the gradient.

    Formula: d = -H f'(x), x' = x + t d, with t by a line search for the strong Wolfe conditions
        (0.0001, 0.9); then with s = x' - x, y = f'(x') - f'(x), r = 1 / (y . s)
        H <- (I - r s y^T) H (I - r y s^T) + r s s^T, if y . s > 0
        H = I in the first step and y . s / (y . y) I before its first update; t starts from
        learning_rate, in the first step from learning_rate min(1, 1 / sum |f'(x)|).
    Derivative: none; function_prime gives it.
    Shapes: initial_point is a number or an array of any shape; function_prime returns the same.
    Dtypes: float32 and float64; the points have the initial one's.
    Errors: TypeError for a function that cannot be called or a value that is not floating;
        ValueError for an option out of range or a gradient of another shape.
    Book: not in the book; beside section 6.4.
    Paper: Broyden (1970), DOI 10.1093/imamat/6.1.76; Fletcher (1970),
        DOI 10.1093/comjnl/13.3.317; Goldfarb (1970), DOI 10.1090/S0025-5718-1970-0258249-6;
        Shanno (1970), DOI 10.1090/S0025-5718-1970-0274029-X.
    PyTorch: no class; torch.optim.LBFGS with line_search_fn="strong_wolfe" has the same line
        search, and the first two steps in common.
    """

    def __init__(
        self,
        function,
        function_prime,
        initial_point,
        learning_rate=1.0,
        epochs=100,
        tolerance=1e-6,
    ):
        super().__init__(function, function_prime, initial_point, learning_rate, epochs, tolerance)
        self.inverse_hessian = self.last_move = self.last_grad = None

    def move(self, grad):
        step = self.learning_rate
        if self.last_grad is None:
            step = step * min(1.0, 1.0 / np.sum(np.abs(grad)))
        else:
            self.learn(self.last_move, grad - self.last_grad)
        direction = -grad if self.inverse_hessian is None else -self.inverse_hessian @ grad
        self.last_grad = grad
        end = self.search(direction, grad, grad.dtype.type(step), curvature=0.9)
        self.last_move = end.step * direction
        return self.last_move

    def learn(self, move, change):
        """Take a move and the change of the gradient over it into the inverse Hessian."""
        curvature = change @ move
        if curvature <= 0:
            return
        identity = np.eye(move.size, dtype=move.dtype)
        if self.inverse_hessian is None:
            self.inverse_hessian = curvature / (change @ change) * identity
        turn = identity - np.outer(move, change) / curvature
        self.inverse_hessian = turn @ self.inverse_hessian @ turn.T
        self.inverse_hessian += np.outer(move, move) / curvature


class ConjugateGradients(Minimizer):
    """Gradients turned so that each direction keeps what the ones before have won.

    Formula: d' = -g' + b d, x' = x + t d, with t by a line search for the strong Wolfe conditions
        (0.0001, 0.1) and b, for g' the new gradient and g the last, by
        "fletcher-reeves": g' . g' / (g . g)
        "polak-ribiere": max(0, g' . (g' - g) / (g . g))
        "hestenes-stiefel": max(0, g' . (g' - g) / (d . (g' - g)))
        d = -g in the first step, and wherever d would not descend. t starts from
        learning_rate min(1, 1 / sum |g|), later from the last t times the ratio of the slopes.
    Derivative: none; function_prime gives it.
    Shapes: initial_point is a number or an array of any shape; function_prime returns the same.
    Dtypes: float32 and float64; the points have the initial one's.
    Errors: TypeError for a function that cannot be called or a value that is not floating;
        ValueError for an option out of range or a gradient of another shape.
    Book: not in the book; beside section 6.4.
    Paper: Fletcher, Reeves (1964), DOI 10.1093/comjnl/7.2.149; Polak, Ribiere (1969),
        DOI 10.1051/m2an/196903R100351; Hestenes, Stiefel (1952), DOI 10.6028/jres.049.044.
    PyTorch: no class; the line search is that of torch.optim.LBFGS.
    """

    def __init__(
        self,
        function,
        function_prime,
        initial_point,
        learning_rate=1.0,
        epochs=100,
        tolerance=1e-6,
        beta="polak-ribiere",
    ):
        super().__init__(function, function_prime, initial_point, learning_rate, epochs, tolerance)
        self.beta = _checks.check_choice(
            self, ("fletcher-reeves", "polak-ribiere", "hestenes-stiefel"), beta=beta
        )
        self.last_grad = self.direction = self.last_end = None

    def move(self, grad):
        direction = -grad
        if self.last_grad is not None:
            direction += self.weight(grad) * self.direction
        if not grad @ direction < 0:
            direction = -grad
        step = self.learning_rate * min(1.0, 1.0 / np.sum(np.abs(grad)))
        if self.last_end is not None:
            last_slope = self.last_grad @ self.direction
            step = self.last_end.step * (last_slope / (grad @ direction))
        self.last_grad, self.direction = grad, direction
        self.last_end = self.search(direction, grad, grad.dtype.type(step), curvature=0.1)
        return self.last_end.step * direction

    def weight(self, grad):
        """How much of the last direction stays."""
        change = grad - self.last_grad
        if self.beta == "fletcher-reeves":
            return grad @ grad / (self.last_grad @ self.last_grad)
        if self.beta == "polak-ribiere":
            return max(0, grad @ change / (self.last_grad @ self.last_grad))
        return max(0, grad @ change / (self.direction @ change))


class LinearConjugateGradients(Minimizer):
    """Conjugate gradients on a parabola, which they bring to its minimum in n steps.

    Formula: minimizes f(x) = x . A x / 2 - b . x, that is solves A x = b; with r = b - A x
        t = r . r / (d . A d), x' = x + t d, r' = r - t A d, d' = r' + r' . r' / (r . r) d
        d = r in the first step; up to `epochs` times, while |r| >= tolerance
    Derivative: f'(x) = A x - b.
    Shapes: matrix (n, n), right_side and initial_point (n,).
    Dtypes: float32 and float64; the points have the initial one's.
    Errors: TypeError for an array that is not floating; ValueError for an option out of range,
        another shape or a matrix that is not symmetric, or not positive definite along a
        direction.
    Book: not in the book; beside section 6.4.
    Paper: Hestenes, Stiefel (1952), Methods of conjugate gradients for solving linear systems,
        DOI 10.6028/jres.049.044.
    PyTorch: no class; torch.linalg.solve gives the minimum.
    """

    def __init__(self, matrix, right_side, initial_point, epochs=100, tolerance=1e-6):
        self.matrix, self.right_side = matrix, right_side
        super().__init__(
            lambda x: x @ matrix @ x / 2 - right_side @ x,
            lambda x: matrix @ x - right_side,
            initial_point,
            1.0,
            epochs,
            tolerance,
        )
        _checks.check_rank(self, 1, "(n,)", method="__init__", initial_point=self.point)
        count = self.point.size
        for name, array, shape in (
            ("matrix", matrix, (count, count)),
            ("right_side", right_side, (count,)),
        ):
            _checks.check_floating(self, "__init__", name, array)
            _checks.check_shape(self, shape, method="__init__", **{name: array})
        _checks.check_symmetric(self, matrix=matrix)
        self.residual = right_side - matrix @ self.point
        self.direction = self.residual

    def gradient(self, point):
        # The residual is carried along rather than computed anew.
        return -self.residual

    def move(self, grad):
        ahead = self.matrix @ self.direction
        curvature = self.direction @ ahead
        _checks.check_curvature(self, matrix=curvature)
        square = self.residual @ self.residual
        step, direction = square / curvature, self.direction
        self.residual = self.residual - step * ahead
        self.direction = self.residual + self.residual @ self.residual / square * direction
        return step * direction


class LeastSquares(Minimizer):
    """The minimizers of half a sum of squares: f(x) = |r(x)|^2 / 2, f'(x) = J^T r."""

    def __init__(self, residual, residual_prime, initial_point, learning_rate, epochs, tolerance):
        self.residual = _checks.check_callable(self, residual=residual)
        self.residual_prime = _checks.check_callable(self, residual_prime=residual_prime)
        super().__init__(
            lambda x: np.sum(np.square(self.residuals(x))) / 2,
            lambda x: np.reshape(self.jacobian(x).T @ self.residuals(x), np.shape(x)),
            initial_point,
            learning_rate,
            epochs,
            tolerance,
        )

    def residuals(self, point):
        """r at a point, as a vector."""
        value = self.residual(point)
        outputs = np.shape(value)
        return np.ravel(_checks.check_derivative(self, 0, point, outputs=outputs, residual=value))

    def jacobian(self, point):
        """J at a point, a row for each residual."""
        value, outputs = self.residual_prime(point), np.shape(self.residual(point))
        value = _checks.check_derivative(self, 1, point, outputs=outputs, residual_prime=value)
        return np.reshape(value, (-1, np.size(point)))

    def linearized(self):
        """J and r at the point, both finite."""
        jacobian, residuals = self.jacobian(self.point), self.residuals(self.point)
        _checks.check_finite(self, method="update_step", residual=residuals)
        _checks.check_finite(self, method="update_step", residual_prime=jacobian)
        return jacobian, residuals


class GaussNewton(LeastSquares):
    """Newton's method for sums of squares, without the residuals' second derivatives.

    Formula: x' = x - learning_rate J^+ r, the least squares solution of J d = -r, the shortest
        where there are several (a singular value of at most eps max(m, n) times the largest of
        the (m, n) Jacobian counts as 0); up to `epochs` times, while |J^T r| >= tolerance
    Derivative: none; residual_prime gives J.
    Shapes: initial_point is a number or an array of any shape s; residual returns any shape o,
        residual_prime o + s, as torch.func.jacrev does.
    Dtypes: float32 and float64; the points have the initial one's.
    Errors: TypeError for a function that cannot be called or a value that is not floating;
        ValueError for an option out of range, a derivative of another shape, or residuals or
        derivatives that are not finite.
    Book: not in the book; beside section 6.4.
    Paper: Gauss (1809), Theoria motus corporum coelestium, Perthes and Besser; Nocedal, Wright
        (2006), Numerical optimization, section 10.3, DOI 10.1007/978-0-387-40065-5.
    PyTorch: no class; torch.func.jacrev and torch.linalg.lstsq take the same steps. A Jacobian of
        deficient rank is no error; far from the minimum the steps may diverge.
    """

    def __init__(
        self,
        residual,
        residual_prime,
        initial_point,
        learning_rate=1.0,
        epochs=100,
        tolerance=1e-6,
    ):
        super().__init__(residual, residual_prime, initial_point, learning_rate, epochs, tolerance)

    def move(self, grad):
        jacobian, residuals = self.linearized()
        # None: a singular value that rounding alone could make counts as 0, as in PyTorch.
        return -self.learning_rate * np.linalg.pinv(jacobian, rtol=None) @ residuals


class LevenbergMarquardt(LeastSquares):
    """Gauss and Newton's method held back towards the gradient's until the sum falls.

    Formula: d = -(J^T J + m I)^-1 J^T r, x' = x + d
        with m the first of m / 10, m, 10 m, ... that lowers |r|^2 (it ends if none of sixty does),
        and damping the first m; up to `epochs` times, while |J^T r| >= tolerance
    Derivative: none; residual_prime gives J.
    Shapes: initial_point is a number or an array of any shape s; residual returns any shape o,
        residual_prime o + s, as torch.func.jacrev does.
    Dtypes: float32 and float64; the points have the initial one's.
    Errors: TypeError for a function that cannot be called or a value that is not floating;
        ValueError for an option out of range, a derivative of another shape, or residuals or
        derivatives that are not finite.
    Book: not in the book; beside section 6.4.
    Paper: Levenberg (1944), DOI 10.1090/qam/10666; Marquardt (1963), DOI 10.1137/0111030.
    PyTorch: no class; torch.func.jacrev and torch.linalg.solve take the same steps. Marquardt
        scales I by the diagonal of J^T J; here it is Levenberg's.
    """

    def __init__(
        self,
        residual,
        residual_prime,
        initial_point,
        damping=0.01,
        epochs=100,
        tolerance=1e-6,
    ):
        super().__init__(residual, residual_prime, initial_point, 1.0, epochs, tolerance)
        self.damping = _checks.check_positive(self, damping=damping)

    def move(self, grad):
        jacobian, residuals = self.linearized()
        value, targets = self.value(self.point), np.append(-residuals, np.zeros_like(grad))
        self.damping /= 10
        for _ in range(60):
            # As least squares, the sum is solved without squaring J, and whatever its rank.
            ridge = math.sqrt(self.damping) * np.eye(grad.size, dtype=grad.dtype)
            move = np.linalg.lstsq(np.vstack([jacobian, ridge]), targets)[0]
            if self.value(self.moved(move)) < value:
                return move
            self.damping *= 10
        return 0 * move
