"""The figures: each a function that draws one, of the classes of `reference` alone.

Another figure is a function that returns a matplotlib Figure, and its line in FIGURES.
"""

from collections.abc import Callable

from matplotlib.figure import Figure

from parity_tests.figures import curves, paths, rates

FIGURES: dict[str, Callable[[], Figure]] = {
    "paths-rosenbrock": lambda: paths.draw("Rosenbrock"),
    "paths-himmelblau": lambda: paths.draw("Himmelblau"),
    "schedules": rates.draw,
    "losses-regression": lambda: curves.draw(curves.REGRESSION),
    "losses-binary": lambda: curves.draw(curves.BINARY),
    "activations-sigmoidal": lambda: curves.draw(curves.SIGMOIDAL),
    "activations-rectifying": lambda: curves.draw(curves.RECTIFYING),
    "activations-modern": lambda: curves.draw(curves.MODERN),
}
