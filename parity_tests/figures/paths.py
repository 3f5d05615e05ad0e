"""The way of every optimizer down a function of two variables."""

import functools
import inspect
from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure

import reference
from parity_tests.figures import style
from parity_tests.problems import PROBLEMS, Problem

STEPS = 200
# Of these each optimizer gets the rate that ends lowest among those that keep it in view.
_RATES = [digit * 10.0**power for power in range(-4, 2) for digit in (1, 3)]
# Where to look, and where to start: on Himmelblau's function beside a maximum, which is where
# pure Newton goes.
_BOUNDS = {"Rosenbrock": ((-2, 2), (-1.2, 2.8)), "Himmelblau": ((-5, 5), (-5, 5))}
_STARTS = {"Rosenbrock": (-1.2, 1.0), "Himmelblau": (-0.5, -0.5)}
# One iteration a step, so that every point shows.
_OPTIONS = {reference.LBFGS: {"max_iter": 1, "line_search_fn": "strong_wolfe"}}
# What the constructors of the descents call the functions of a problem.
_FUNCTIONS = {
    "function": "f",
    "function_prime": "gradient",
    "function_hessian": "hessian",
    "residual": "r",
    "residual_prime": "jacobian",
}


@dataclass(frozen=True)
class Path:
    """Where an optimizer went, with which rate (None: it has none), and the value at the end."""

    points: np.ndarray
    rate: float | None
    value: float


def optimizers() -> list[type]:
    """Every optimizer of the reference, then every descent on a given function but SGD's twin."""
    classes = [c for c in vars(reference.optimizers).values() if isinstance(c, type)]
    stepping = [c for c in classes if issubclass(c, reference.Optimizer)]
    descents = [c for c in classes if reference.GradientDescent in c.__mro__[1:]]
    return [*stepping, *(c for c in descents if _required(c) <= {*_FUNCTIONS, "initial_point"})]


def _required(component: type) -> set[str]:
    parameters = inspect.signature(component).parameters.values()
    return {parameter.name for parameter in parameters if parameter.default is parameter.empty}


def best_path(component: type, name: str) -> Path:
    """The path on a problem from the usual start, with the best of the rates where it needs one."""
    problem, start = PROBLEMS[name], np.array(_STARTS[name])
    if issubclass(component, reference.GradientDescent):
        return _descend(component, problem, start)
    paths = [_step(component, problem, start, rate) for rate in _RATES]
    low, high = np.transpose(_BOUNDS[name])
    in_view = [path for path in paths if np.all((low <= path.points) & (path.points <= high))]
    return min(in_view, key=lambda path: path.value)


def _step(component, problem: Problem, start, rate) -> Path:
    # A matrix, which Muon asks for and the others take.
    params = [start[None].copy()]
    optimizer = component(rate, **_OPTIONS.get(component, {}))
    takes_closure = "closure" in inspect.signature(component.step).parameters
    points = [start]

    def closure():
        return problem.f(params[0][0]), [problem.gradient(params[0][0])[None]]

    # With too large a rate it runs away, and out of view.
    with np.errstate(all="ignore"):
        for _ in range(STEPS):
            optimizer.step(params, closure if takes_closure else closure()[1])
            points.append(params[0][0].copy())
        return _ended(problem, points, rate)


def _descend(component, problem: Problem, start) -> Path:
    given = {name: getattr(problem, own) for name, own in _FUNCTIONS.items()}
    arguments = {name: given[name] for name in _required(component) - {"initial_point"}}
    descent = component(**arguments, initial_point=start, epochs=STEPS)
    return _ended(problem, descent.update_step()[1], None)


def _ended(problem, points, rate) -> Path:
    return Path(np.array(points), rate, float(problem.f(points[-1])))


def draw(name: str) -> Figure:
    """A panel for each optimizer."""
    components = optimizers()
    title = (
        f"{name}'s function: {STEPS} steps of every optimizer, each with the best of "
        f"{len(_RATES)} rates that keeps it in view"
    )
    figure, axes = style.panels(len(components), 5, (2.1, 2.0), title)
    for component, panel in zip(components, axes, strict=True):
        _draw_panel(panel, name, component)
    style.legend_below(figure, axes[0])
    return figure


def _draw_panel(panel, name, component):
    (left, right), (bottom, top) = _BOUNDS[name]
    x, y, heights = _heights(name)
    panel.contour(x, y, heights, 12, colors="#bbbbbb", linewidths=0.5, linestyles="solid")
    path = best_path(component, name)
    dots = {"marker": ".", "markersize": 2.5, "linewidth": 0.9}
    panel.plot(*path.points.T, color=style.VALUE, label="path", **dots)
    panel.plot(*path.points[0], "o", color=style.MARK, markersize=4, label="start")
    minima = np.transpose(PROBLEMS[name].minima)
    panel.plot(*minima, "x", color=style.SLOPE, markersize=5, label="minimum")
    panel.set(xlim=(left, right), ylim=(bottom, top))
    panel.grid(visible=False)
    panel.tick_params(labelsize=6)
    panel.set_title(component.__name__)
    rate = "" if path.rate is None else f"rate {path.rate:g}, "
    steps = "" if len(path.points) == STEPS + 1 else f", {len(path.points) - 1} steps"
    panel.set_xlabel(f"{rate}f = {path.value:.0e}{steps}", fontsize=7)


@functools.cache
def _heights(name):
    """A grid, and the logarithm of the function there."""
    x, y = np.meshgrid(*(np.linspace(*bounds, 120) for bounds in _BOUNDS[name]))
    values = [PROBLEMS[name].f(point) for point in np.stack([x.ravel(), y.ravel()], axis=-1)]
    return x, y, np.log10(np.array(values) + 1e-3).reshape(x.shape)
