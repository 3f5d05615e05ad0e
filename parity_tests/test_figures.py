"""The figures show every component that they are about, and are the same bytes each time."""

import inspect

import pytest

import reference
from parity_tests.cli import main
from parity_tests.figures import FIGURES, curves, paths, rates
from parity_tests.figures.style import write
from reference.activations import modern, rectifying, sigmoidal
from reference.losses import regression


def _public(module, base):
    """The classes that a module defines and the package exports."""
    return {
        name
        for name, value in vars(module).items()
        if inspect.isclass(value)
        and issubclass(value, base)
        and value.__module__ == module.__name__
        and name in reference.__all__
    }


def _shown(chart):
    return {type(curve.layer).__name__ for curve in chart.curves}


def test_every_optimizer_has_a_panel():
    optimizers = set()
    for module in vars(reference.optimizers).values():
        if inspect.ismodule(module):
            optimizers |= _public(module, (reference.Optimizer, reference.GradientDescent))
    shown = {component.__name__ for component in paths.optimizers()}
    # The one solves a matrix's equations, and the other goes where SGD goes.
    assert shown == optimizers - {"LinearConjugateGradients", "GradientDescent"}


def test_every_schedule_has_a_panel():
    modules = (reference.optimizers.schedules, reference.optimizers.annealing)
    assert {*rates.OPTIONS} == set().union(*(_public(module, object) for module in modules))


@pytest.mark.parametrize(
    ("module", "chart"),
    [
        (sigmoidal, curves.SIGMOIDAL),
        (rectifying, curves.RECTIFYING),
        (modern, curves.MODERN),
        (regression, curves.REGRESSION),
    ],
)
def test_every_function_of_one_variable_has_a_panel(module, chart):
    assert _shown(chart) == _public(module, reference.Layer)


def test_a_path_keeps_to_the_view_and_ends_low():
    for name, start in (("Rosenbrock", 12.1), ("Himmelblau", 89.1)):
        path = paths.best_path(reference.Adam, name)
        assert len(path.points) == paths.STEPS + 1
        assert path.value < 1e-2 < start


def test_a_derivative_is_drawn_with_a_gap_where_it_jumps():
    figure = curves.draw(curves.Chart("", "", (-1, 1), (-2, 2), curves.RECTIFYING.curves[:1]))
    _, slopes = figure.axes[0].lines
    values = slopes.get_ydata()
    assert sorted({*values[values == values]}) == [0, 1]
    assert (values != values).sum() == 1


def test_a_figure_is_the_same_bytes_each_time(tmp_path):
    name = "losses-binary"
    first, second = (write(FIGURES[name], name, tmp_path / run) for run in ("one", "two"))
    assert [place.suffix for place in first] == [".png", ".svg"]
    for one, two in zip(first, second, strict=True):
        assert one.read_bytes() == two.read_bytes()


def test_the_command_says_where_a_figure_went(tmp_path, capsys):
    assert main(["figures", "activations-sigmoidal", "--directory", str(tmp_path)]) == 0
    place = tmp_path / "activations-sigmoidal.png"
    assert place.stat().st_size > 10_000
    assert f"1/1  activations-sigmoidal ... {place}" in capsys.readouterr().out


def test_an_unknown_figure_is_wrong_usage(capsys):
    assert main(["figures", "paths"]) == 2
    assert "no figure is named 'paths'; there are paths-rosenbrock" in capsys.readouterr().err
