"""Rows: resampling."""

import numpy as np
import torch
from hypothesis import strategies as st

import reference
from parity_tests.catalogue._row import Refusal, Row, register
from parity_tests.oracle import ChannelsFirst
from parity_tests.strategies import Draft, Input, numbers, sizes

_MODES = {
    1: ("nearest", "nearest-exact", "linear", "area"),
    2: ("nearest", "nearest-exact", "bilinear", "area"),
    3: ("nearest", "nearest-exact", "trilinear", "area"),
}
_ALIGNED = ("linear", "bilinear", "bicubic", "trilinear")
_FACTORS = st.one_of(
    st.sampled_from([1.0, 2.0, 3.0, 0.5, 1.1, 1.5, 2.2, 1 / 3, 0.7, 1 + 1e-9]),
    numbers(0.25, 3.25),
)


def _one_or_each(draw, rank, strategy):
    """One number for all axes, or one for each."""
    return draw(st.one_of(strategy, st.tuples(*(strategy,) * rank)))


def _scaled(draw, rank):
    """A size or a factor, and sizes of the input that it leaves something of."""
    spatial = tuple(draw(sizes(1, 6)) for _ in range(rank))
    if draw(st.integers(0, 4)) == 4:
        # Along many places rounding moves the last ones far.
        *others, _ = spatial
        size = (*others, draw(st.integers(500, 1500)))
        return {"size": size}, (*others, draw(st.integers(500, 1500)))
    if draw(st.booleans()):
        return {"size": _one_or_each(draw, rank, sizes(1, 9))}, spatial
    factors = _one_or_each(draw, rank, _FACTORS)
    each = factors if isinstance(factors, tuple) else (factors,) * rank
    least = [next(n for n in range(1, 9) if int(n * factor)) for factor in each]
    spatial = tuple(max(pair) for pair in zip(spatial, least, strict=True))
    return {"scale_factor": factors}, spatial


def _images(draw, spatial):
    return (Input((draw(sizes(0, 2)), draw(sizes(1, 3)), *spatial)),)


def _upsample(draw):
    rank = draw(st.sampled_from([1, 2, 2, 3]))
    return _moded(draw, rank, draw(st.sampled_from(_MODES[rank])))


def _bicubic(draw):
    return _moded(draw, 2, "bicubic")


def _moded(draw, rank, mode):
    options, spatial = _scaled(draw, rank)
    options["mode"] = mode
    if mode in _ALIGNED:
        options["align_corners"] = draw(st.sampled_from([None, False, True]))
    if "scale_factor" in options:
        options["recompute_scale_factor"] = draw(st.sampled_from([None, False, True]))
    return Draft(options, _images(draw, spatial))


def _images_scaled(draw):
    options, spatial = _scaled(draw, 2)
    return Draft(options, _images(draw, spatial))


def _disagreement(module, inputs, grad_outputs, grad_inputs):
    """PyTorch's backward where its forward went another way.

    A bicubic resampling that keeps both sizes is copied; the nearest modes take the places that
    single precision gives, by the sizes where one stays or doubles ("nearest").
    """
    (image,), (grad_output,) = inputs, grad_outputs
    kept, made = image.shape[2:], grad_output.shape[2:]
    if module.mode == "bicubic" and kept == made:
        return (grad_output,)
    if module.mode not in ("nearest", "nearest-exact"):
        return grad_inputs
    factors = module.scale_factor
    if module.recompute_scale_factor or factors is None:
        factors = (None,) * len(kept)
    elif not isinstance(factors, tuple):
        factors = (factors,) * len(kept)
    grad = grad_output
    for axis, (size, count, factor) in enumerate(zip(kept, made, factors, strict=True), start=2):
        if module.mode == "nearest" and count in (size, 2 * size):
            factor = None
        single = np.float32
        gap = single(1 / factor) if factor else single(size) / single(count)
        shift = single(0.5 if module.mode == "nearest-exact" else 0)
        places = np.floor((np.arange(count, dtype=single) + shift) * gap).astype(int)
        lines = np.moveaxis(grad, axis, 0)
        total = np.zeros((size, *lines.shape[1:]), grad.dtype)
        np.add.at(total, np.minimum(places, size - 1), lines)
        grad = np.moveaxis(total, 0, axis)
    return (grad,)


class _RoundedPlaces(reference.Upsample):
    """A linear weight is the distance between a place on the input and the one below it.

    PyTorch rounds the place by half an eps of it, or not at all where the processor multiplies and
    adds at once: an eighth of it counts among the terms, as the budget is four of these.
    """

    def axis_taps(self, *axis):
        places, weights = super().axis_taps(*axis)
        rounded = self.mode in ("linear", "bilinear", "trilinear") and not self.align_corners
        return places, weights + (places + 1) / 8 if rounded else weights


class _CubicTerms(reference.Upsample):
    """Cubic weights are what is left of terms that cancel: about the magnitude of these instead.

    PyTorch's backward computes them anew, up to 13 eps from its forward's, whatever their size; far
    along an axis the rounding of the place counts for more, as in the linear modes.
    """

    def axis_taps(self, *axis):
        places, weights = super().axis_taps(*axis)
        terms = np.abs(weights) + 1
        return places, terms if self.align_corners else np.maximum(terms, places / 8)


def _resampled_by(component):
    return lambda m: component(
        m.size, m.scale_factor, m.mode, m.align_corners, m.recompute_scale_factor
    )


def _fed(shape, component=reference.Upsample, **options):
    return lambda: component(**options).forward(np.ones(shape))


def _made(error, message, component=reference.Upsample, **options):
    return Refusal(lambda: component(**options), error, message)


# So many outputs that in float32 the last one lies beyond the last place.
_MANY_OUTPUTS = [
    (
        {"size": (1, 4535839), "mode": "nearest-exact"},
        (np.ones((1, 1, 9, 1)),),
        np.ones((1, 1, 1, 1)),
    )
]


def _many_places():
    """A sequence so long that the floor of a place, which is that of float32, is off.

    Of the last two outputs the first lies 1.5 beyond its floor, and gets the next place; the floor
    of the second would be a place beyond the last.
    """
    sequence = np.zeros((1, 2**25 + 2**22, 1))
    sequence[:, 33973861], sequence[:, -1] = 1.0, 2.0
    options = {"size": 11, "mode": "linear", "align_corners": True}
    return [(options, (sequence,), np.reshape([*[0.0] * 9, 1.0, 2.0], (1, 11, 1)))]


def _scaled_refused(component):
    """What each of the three classes refuses."""
    empty = "have no empty axis but the batch"
    return (
        Refusal(_fed((5, 4), component, size=2), ValueError, "have .* axes"),
        Refusal(_fed((1, 1, 4, 4, 4, 1), component, size=2), ValueError, "have .* axes"),
        Refusal(_fed((1, 0, 4, 2), component, size=2), ValueError, empty),
        Refusal(_fed((1, 4, 4, 0), component, size=2), ValueError, empty),
        Refusal(_fed((1, 4, 4, 2), component, size=(2, 2, 2)), ValueError, "size must be"),
        Refusal(_fed((1, 4, 4, 2), component, scale_factor=(2.0,)), ValueError, "factor must be"),
        Refusal(_fed((1, 4, 1, 2), component, scale_factor=0.5), ValueError, "for one output"),
        _made(ValueError, "be given, one alone; got none", component),
        _made(ValueError, "be given, one alone; got size", component, size=2, scale_factor=2.0),
        _made(ValueError, "size must be at least 1", component, size=0),
        _made(TypeError, "size must be an integer", component, size=1.5),
        _made(TypeError, "size must be an integer", component, size=(2, 1.5)),
        _made(ValueError, "scale_factor must be positive", component, scale_factor=0.0),
        _made(ValueError, "scale_factor must be positive", component, scale_factor=(2.0, -1.0)),
        _made(TypeError, "scale_factor must be a real", component, scale_factor="2"),
    )


register(
    Row(
        reference.Upsample,
        torch.nn.Upsample,
        _resampled_by(reference.Upsample),
        _upsample,
        "sum",
        inputs=ChannelsFirst(),
        outputs=ChannelsFirst(),
        correct=_disagreement,
        terms=_resampled_by(_RoundedPlaces),
        literals=(*_MANY_OUTPUTS, *_many_places()),
        refusals=(
            *_scaled_refused(reference.Upsample),
            _made(ValueError, "mode must be one of", size=2, mode="cubic"),
            _made(ValueError, "be None in mode", size=2, align_corners=True),
            _made(TypeError, "be True or False", size=2, mode="linear", align_corners=1),
            _made(ValueError, "be None with recompute", size=2, recompute_scale_factor=True),
            _made(TypeError, "be True or False", scale_factor=2.0, recompute_scale_factor=1),
            Refusal(_fed((1, 4, 4, 2), size=2, mode="linear"), ValueError, "have 3 axes"),
            Refusal(_fed((1, 4, 2), size=2, mode="bicubic"), ValueError, "have 4 axes"),
        ),
    ),
    Row(
        reference.Upsample,
        torch.nn.Upsample,
        _resampled_by(reference.Upsample),
        _bicubic,
        "sum",
        name="UpsampleBicubic",
        inputs=ChannelsFirst(),
        outputs=ChannelsFirst(),
        correct=_disagreement,
        terms=_resampled_by(_CubicTerms),
    ),
    Row(
        reference.UpsamplingNearest2d,
        torch.nn.UpsamplingNearest2d,
        lambda m: reference.UpsamplingNearest2d(m.size, m.scale_factor),
        _images_scaled,
        {"output": "exact", "every": "sum"},
        inputs=ChannelsFirst(),
        outputs=ChannelsFirst(),
        correct=_disagreement,
        refusals=(
            *_scaled_refused(reference.UpsamplingNearest2d),
            Refusal(
                _fed((1, 4, 1), reference.UpsamplingNearest2d, size=2), ValueError, "have 4 axes"
            ),
        ),
    ),
    Row(
        reference.UpsamplingBilinear2d,
        torch.nn.UpsamplingBilinear2d,
        lambda m: reference.UpsamplingBilinear2d(m.size, m.scale_factor),
        _images_scaled,
        "sum",
        inputs=ChannelsFirst(),
        outputs=ChannelsFirst(),
        refusals=_scaled_refused(reference.UpsamplingBilinear2d),
    ),
)
