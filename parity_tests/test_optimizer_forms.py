"""The other forms of the optimizers differ from PyTorch's in what they say, and in nothing else."""

import pytest

from parity_tests import optimizer_forms
from parity_tests.optimizer_forms import FORMS, SETTINGS

_ROUNDING = 1e-13
_NAMES = [f"{form.title}: {form.source}" for form in FORMS]


@pytest.mark.parametrize("form", FORMS, ids=_NAMES)
def test_a_form_is_pytorchs_but_for_its_difference(form):
    for setting in SETTINGS:
        assert optimizer_forms.apart(form, setting, alike=True) < _ROUNDING


@pytest.mark.parametrize("form", FORMS, ids=_NAMES)
def test_a_form_that_is_called_the_same_is_the_same_and_another_is_not(form):
    distances = [optimizer_forms.apart(form, setting) for setting in SETTINGS]
    assert (max(distances) < _ROUNDING) == (form.pytorch == "the same")


def test_the_place_of_eps_shows_in_small_gradients_and_the_rate_in_the_velocity_when_it_falls():
    apart = {
        name: {setting: optimizer_forms.apart(form, setting) for setting in SETTINGS}
        for name, form in zip(_NAMES, FORMS, strict=True)
    }
    for name in (
        "SparseAdam: Kingma and Ba (2015), algorithm 1; Adam",
        "Adagrad: textbooks, Keras",
    ):
        assert apart[name]["gradients of 1e-8"] > 0.1
        assert apart[name]["gradients of 1"] < 1e-6
    look_ahead = apart["SGD(nesterov): the same, its look-ahead point"]
    assert look_ahead["gradients of 1"] < _ROUNDING
    assert look_ahead["rate falls to 1/8"] > 0.1
