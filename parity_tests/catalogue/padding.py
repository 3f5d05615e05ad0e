"""Rows: padding."""

import math

import numpy as np
import torch
from hypothesis import strategies as st

import reference
from parity_tests.catalogue._row import Refusal, Row, register
from parity_tests.oracle import ChannelsBefore
from parity_tests.strategies import Draft, Input, numbers, sizes

# Mostly places to pad, now and then none.
_SIZES = st.sampled_from([3, 4, 2, 5, 1, 3, 4, 2, 5, 0])
_LEADING = st.sampled_from([(2,), (1,), (), (2,), (1,), (0,)])


def _given(draw, margins):
    """Margins as the option is given: one number alone if they agree."""
    alone = len(set(margins)) == 1 and draw(st.booleans())
    return margins[0] if alone else tuple(margins)


def _images(draw, spatial, channels):
    """An image of these sizes, alone or in a batch."""
    return Input((*draw(_LEADING), channels, *spatial))


def _constant(rank, **options):
    """Margins that take no more places than there are."""

    def draw_constant(draw):
        spatial = [draw(_SIZES) for _ in range(rank)]
        margins = []
        for size in reversed(spatial):
            before = draw(st.integers(-size, 3))
            margins += [before, draw(st.integers(-size - min(before, 0), 3))]
        drawn = {name: draw(strategy) for name, strategy in options.items()}
        # PyTorch takes any leading axes, or not even one for channels.
        leading = draw(
            st.sampled_from([(2, 3), (1, 2), (2,), (), (2, 1, 2), (1, 1), (0, 2), (2, 0)])
        )
        given = {"padding": _given(draw, margins), **drawn}
        # Infinite outputs have no differences.
        differentiable = math.isfinite(drawn.get("value", 0))
        return Draft(given, (Input((*leading, *spatial)),), differentiable=differentiable)

    return draw_constant


def _continued(rank, widest, may_vanish):
    """Margins of up to widest(size) that leave places, on one axis perhaps none."""

    def draw_continued(draw):
        spatial = [draw(sizes(1, 4)) for _ in range(rank)]
        vanishing = draw(sizes(0, rank - 1)) if may_vanish else None
        margins = []
        for place, size in enumerate(reversed(spatial)):
            least, most = int(place != vanishing) - size, widest(size)
            before = draw(st.integers(least - most, most))
            margins += [before, draw(st.integers(least - before, most))]
        images = _images(draw, spatial, draw(sizes(1, 3)))
        return Draft({"padding": _given(draw, margins)}, (images,))

    return draw_continued


def _circular(rank):
    """Margins that the places left on their axis can fill."""

    def draw_circular(draw):
        spatial = [draw(_SIZES) for _ in range(rank)]
        margins = []
        for size in reversed(spatial):
            first = draw(sizes(0, max(size - 1, 0)) | st.just(0))
            last = draw(sizes(0, size - first) | st.just(0))
            kept = size - first - last
            margins += [-taken if taken else draw(sizes(0, kept)) for taken in (first, last)]
        images = _images(draw, spatial, draw(st.sampled_from([2, 1, 3, 2, 1, 0])))
        return Draft({"padding": _given(draw, margins)}, (images,))

    return draw_circular


def _one_margin(rank):
    """One number for all margins, of which PyTorch's classes make a tuple."""
    place = np.ones((1, *(1,) * rank, 1))
    margins = [(0, 0), *[(1, 1)] * rank, (0, 0)]
    padded = np.pad(place, margins, constant_values=0.5)
    return [({"padding": 1, "value": 0.5}, (place,), padded)]


def _refused(component):
    def fed(padding, shape):
        return lambda: component(padding).forward(np.ones(shape))

    return (
        Refusal(fed(1, (3, 4)), ValueError, "at least 3 axes"),
        Refusal(fed((1, 1, 1, 1), (3, 4)), ValueError, "at least 3 axes"),
        Refusal(fed((1, 1), (4,)), ValueError, "at least 2 axes"),
        Refusal(fed((0, -5), (2, 4, 3)), ValueError, "the 5 places"),
        Refusal(lambda: component((1, 2, 3)), ValueError, "an even number"),
        Refusal(lambda: component(()), ValueError, "an even number"),
        Refusal(lambda: component("same"), ValueError, "an even number"),
        Refusal(lambda: component(None), ValueError, "an even number"),
        Refusal(lambda: component((1.0, 2.0)), TypeError, "hold integers"),
    )


def _without_places(component):
    return (
        Refusal(lambda: component(0).forward(np.ones((1, 0, 3))), ValueError, "no empty axis"),
        Refusal(lambda: component((-2, -2)).forward(np.ones((1, 4, 3))), ValueError, "places left"),
    )


_NUMBERS = numbers(-3, 3) | st.sampled_from([-0.0, float("inf"), float("-inf"), float("nan")])

for _rank, _dimension in enumerate("123", start=1):
    _layouts = {"inputs": ChannelsBefore(_rank), "outputs": ChannelsBefore(_rank)}
    register(
        Row(
            reference.ConstantPad,
            getattr(torch.nn, f"ConstantPad{_dimension}d"),
            lambda m: reference.ConstantPad(m.padding, m.value),
            _constant(_rank, value=_NUMBERS),
            "exact",
            own_defaults={"value": 0.0},
            literals=_one_margin(_rank),
            name=f"ConstantPad{_dimension}d",
            refusals=(
                *_refused(lambda padding: reference.ConstantPad(padding, 0.5)),
                Refusal(lambda: reference.ConstantPad(1, "0"), TypeError, "value must be a real"),
                Refusal(
                    lambda: reference.ConstantPad((-6, 7)).forward(np.ones((1, 5, 2))),
                    ValueError,
                    "fill a margin of 7",
                ),
                Refusal(
                    lambda: reference.ConstantPad((1, -6)).forward(np.ones((1, 5, 2))),
                    ValueError,
                    "fill a margin of 1",
                ),
            ),
            **_layouts,
        ),
        Row(
            reference.ZeroPad,
            getattr(torch.nn, f"ZeroPad{_dimension}d"),
            lambda m: reference.ZeroPad(m.padding),
            _constant(_rank),
            "exact",
            name=f"ZeroPad{_dimension}d",
            refusals=_refused(reference.ZeroPad),
            **_layouts,
        ),
        Row(
            reference.ReflectionPad,
            getattr(torch.nn, f"ReflectionPad{_dimension}d"),
            lambda m: reference.ReflectionPad(m.padding),
            # In three dimensions PyTorch never fills the gradient behind an empty output.
            _continued(_rank, lambda size: size - 1, may_vanish=_rank == 2),
            {"output": "exact", "every": "sum"},
            name=f"ReflectionPad{_dimension}d",
            refusals=(
                *_refused(reference.ReflectionPad),
                *_without_places(reference.ReflectionPad),
                Refusal(
                    lambda: reference.ReflectionPad(4).forward(np.ones((1, 4, 2))),
                    ValueError,
                    "fill a margin of 4",
                ),
                Refusal(
                    lambda: reference.ReflectionPad((0, 5)).forward(np.ones((1, 4, 2))),
                    ValueError,
                    "fill a margin of 5",
                ),
            ),
            **_layouts,
        ),
        Row(
            reference.ReplicationPad,
            getattr(torch.nn, f"ReplicationPad{_dimension}d"),
            lambda m: reference.ReplicationPad(m.padding),
            _continued(_rank, lambda size: 3, may_vanish=_rank > 1),
            {"output": "exact", "every": "sum"},
            name=f"ReplicationPad{_dimension}d",
            refusals=(
                *_refused(reference.ReplicationPad),
                *_without_places(reference.ReplicationPad),
            ),
            **_layouts,
        ),
        Row(
            reference.CircularPad,
            getattr(torch.nn, f"CircularPad{_dimension}d"),
            lambda m: reference.CircularPad(m.padding),
            _circular(_rank),
            {"output": "exact", "every": "sum"},
            name=f"CircularPad{_dimension}d",
            refusals=(
                *_refused(reference.CircularPad),
                Refusal(
                    lambda: reference.CircularPad(5).forward(np.ones((1, 4, 2))),
                    ValueError,
                    "fill a margin of 5",
                ),
                Refusal(
                    lambda: reference.CircularPad((-2, 3)).forward(np.ones((1, 4, 2))),
                    ValueError,
                    "fill a margin of 3",
                ),
                Refusal(
                    lambda: reference.CircularPad((3, -2)).forward(np.ones((1, 4, 2))),
                    ValueError,
                    r"fill a margin of 3 \(at most 2\)",
                ),
            ),
            **_layouts,
        ),
    )

del _rank, _dimension, _layouts
