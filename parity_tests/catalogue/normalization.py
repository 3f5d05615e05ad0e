"""Rows: normalization of activations and of weights."""

import decimal
import math

import numpy as np
import torch
from hypothesis import strategies as st
from torch.nn.utils import parametrizations

import reference
from parity_tests.adapter import Adapter
from parity_tests.catalogue._row import Point, Refusal, Row, register
from parity_tests.oracle import ChannelsFirst, Replay, formula, seeded
from parity_tests.strategies import Draft, Input, numbers, shapes, sizes

# The gradient of a bias is a sum of what comes from above.
_AFFINE = {"every": "composite", "grad_params[1]": "sum"}


def _eps(draw, *further):
    return draw(st.sampled_from([1e-5, 1e-3, *further]) | numbers(1e-6, 2))


def _refused(act, message, error=ValueError):
    return Refusal(act, error, message)


# --- over the batch, over the positions, over groups of channels ---


def _tracking(draw, *further):
    """The options that BatchNorm and InstanceNorm share."""
    return {
        "eps": _eps(draw, *further),
        "momentum": draw(st.none() | st.sampled_from([0.0, 0.1, 1.0]) | numbers(0, 1.5)),
        "affine": draw(st.booleans()),
        "track_running_stats": draw(st.booleans()),
        "bias": draw(st.booleans()),
    }


def _normalized(options, shape, count):
    """The draft; a single value for each mean is refused, unless running statistics serve."""
    training = None
    if count == 1:
        options["track_running_stats"], training = True, False
    return Draft(options, (Input(shape),), training=training)


def _batch_norm(*ranks):
    def draw_batch_norm(draw):
        rank, channels = draw(st.sampled_from(ranks)), draw(sizes(1, 3))
        batch, *spatial = draw(shapes(rank - 1, rank - 1, 0, 3))
        options = {"num_features": channels, **_tracking(draw)}
        return _normalized(options, (batch, channels, *spatial), batch * math.prod(spatial))

    return draw_batch_norm


def _instance_norm(rank):
    def draw_instance_norm(draw):
        options = _tracking(draw, 0.0)
        # PyTorch repeats the weights for each sample, and fails where that is nothing.
        least = 1 if options["affine"] else 0
        channels, spatial = draw(sizes(least, 3)), draw(shapes(rank, rank, 0, 3))
        batch = draw(st.just(()) | st.tuples(sizes(least, 3)))
        options = {"num_features": channels, **options}
        return _normalized(options, (*batch, channels, *spatial), math.prod(spatial))

    return draw_instance_norm


class _EmptyBatch(Adapter):
    """PyTorch's InstanceNorm means its statistics over the batch: NaN if that is empty."""

    def forward(self, input_data):
        output = super().forward(input_data)
        batched = input_data.ndim == max(self.row.ranks)
        if self.corrected and self.training and batched and len(input_data) == 0:
            for statistic in self.buffers[:2]:
                statistic[...] = np.nan
        return output


def _tracked(component):
    def convert(module):
        return component(
            module.num_features,
            eps=module.eps,
            momentum=module.momentum,
            affine=module.affine,
            track_running_stats=module.track_running_stats,
            bias=module.bias is not None,
        )

    return convert


def _group_norm(draw):
    groups, members = draw(sizes(1, 3)), draw(sizes(0, 3))
    batch, *spatial = draw(shapes(1, 3, 0, 3))
    if batch * members * math.prod(spatial) == 1:
        batch = 2
    # Without an eps PyTorch's rounding decides what becomes of values that do not deviate.
    deviates = members * math.prod(spatial) > 1
    options = {
        "num_groups": groups,
        "num_channels": groups * members,
        "eps": _eps(draw, *[0.0] * deviates),
        "affine": draw(st.booleans()),
        "bias": draw(st.booleans()),
    }
    values = "real" if options["eps"] else "normal"
    return Draft(options, (Input((batch, groups * members, *spatial), values),))


class _DeviationOfNothing(Adapter):
    """PyTorch's GroupNorm divides by the deviation of no positions, NaN, in the gradient of its
    weights, which is a sum of nothing."""

    def backward(self, *grad_outputs):
        grad_inputs, grad_params = super().backward(*grad_outputs)
        batch, _, *spatial = self.inputs[0].shape
        if self.corrected and grad_params and batch and 0 in spatial:
            grad_params[0] = np.full_like(grad_params[0], np.nan)
        return grad_inputs, grad_params


# --- over the last axes ---


def _last_axes(draw):
    """The sizes of the axes normalized, as PyTorch takes them, and a shape that ends with them."""
    shape = draw(shapes(1, 2, 0, 4))
    given = shape[0] if len(shape) == 1 and draw(st.booleans()) else shape
    return given, (*draw(shapes(0, 2, 0, 4)), *shape)


def _layer_norm(draw):
    normalized, shape = _last_axes(draw)
    options = {
        "normalized_shape": normalized,
        "eps": _eps(draw, 0.0),
        "elementwise_affine": draw(st.booleans()),
        "bias": draw(st.booleans()),
    }
    return Draft(options, (Input(shape),))


def _rms_norm(draw):
    normalized, shape = _last_axes(draw)
    options = {
        "normalized_shape": normalized,
        "eps": draw(st.none()) if draw(st.booleans()) else _eps(draw, 0.0),
        "elementwise_affine": draw(st.booleans()),
    }
    # Without an eps PyTorch's rounding decides what becomes of squares that vanish.
    return Draft(options, (Input(shape, "normal" if options["eps"] == 0 else "real"),))


def _l2_normalize(draw):
    eps = draw(st.sampled_from([1e-12, 0.0]) | numbers(1e-6, 3))
    # Without an eps PyTorch's rounding decides what becomes of squares that vanish.
    return Draft({"eps": eps}, (Input(draw(shapes(1, 3)), "real" if eps else "normal"),))


def _unit(*integers):
    """Whole numbers divided by their length, in 40 digits."""
    with decimal.localcontext(prec=40):
        length = sum(decimal.Decimal(i) ** 2 for i in integers).sqrt()
        return np.array([float(i / length) for i in integers])


# --- over neighbouring channels ---


def _local_response(draw, least_size, shape):
    options = {
        "size": draw(sizes(least_size, 6)),
        "alpha": draw(st.just(1e-4) | numbers(0, 2)),
        "beta": draw(st.just(0.75) | numbers(-1, 2)),
        "k": draw(st.sampled_from([1.0, 0.0]) | numbers(0.1, 3)),
    }
    if options["k"]:
        return Draft(options, (Input(shape),))
    # Without a k PyTorch's rounding, and what overflows on its way, decide on sums next to 0.
    return Draft({**options, "alpha": 1.0}, (Input(shape, "positive"),))


def _lrn(draw):
    return _local_response(draw, 1, draw(shapes(3, 5, 0, 3)))


def _slope_at_infinity(module, inputs, grad_outputs, grad_inputs):
    """Where a sum is infinite PyTorch multiplies 0 by the infinite slope of a power above 1."""
    (grad_input,), (array,) = grad_inputs, inputs
    if module.beta <= 1 or not array.size:
        return grad_inputs
    before, after = module.size // 2, (module.size - 1) // 2

    def windows(values, before, after):
        margins = [(before, after) if axis == 1 else (0, 0) for axis in range(values.ndim)]
        padded = np.pad(values, margins)
        return np.lib.stride_tricks.sliding_window_view(padded, module.size, axis=1)

    with np.errstate(over="ignore", invalid="ignore"):
        infinite = np.isinf(windows(array * array, before, after).sum(axis=-1))
    reached = windows(infinite, after, before).any(axis=-1)
    return (np.where(reached, np.nan, grad_input).astype(grad_input.dtype),)


def _cross_map_lrn(draw):
    batch, channels, *spatial = draw(shapes(4, 4, 0, 3))
    # PyTorch indexes the first channel, and fails in backward for a size of 1.
    return _local_response(draw, 2, (batch, 2 * channels + 1, *spatial))


def _lrn_of(component):
    return lambda m: component(m.size, alpha=m.alpha, beta=m.beta, k=m.k)


class _WithoutVariance(Adapter):
    """LayerNorm: where a row's variance is too small to divide by, PyTorch's backward has its
    deviations as x / 0 - m / 0."""

    def backward(self, *grad_outputs):
        layer = self.layer
        if self.corrected and hasattr(layer, "inverse"):
            rows = layer.as_rows(self.inputs[0])
            means = rows.sum(axis=1, keepdims=True) / max(rows.shape[1], 1)
            with np.errstate(all="ignore"):
                apart = rows * layer.inverse - means * layer.inverse
            layer.normalized = np.where(np.isinf(layer.inverse), apart, layer.normalized)
        return super().backward(*grad_outputs)


class _CrossMapLRN2d(Adapter):
    """PyTorch's departures: x_0^2 never leaves the sums, and the gradient's windows are shifted."""

    def forward(self, input_data):
        output = super().forward(input_data)
        if not self.corrected:
            return output
        layer = self.layer
        squares = layer.input_data**2
        places = np.arange(squares.shape[-1])
        kept = np.where(places > layer.before, squares[..., :1], 0)
        # A square that is not finite leaves NaN behind when it is subtracted.
        last = np.maximum(places - layer.before - 1, 0)
        kept = kept + np.cumsum(np.where(places > 0, 0 * squares, 0), axis=-1)[..., last]
        layer.scale = layer.scale + layer.alpha / layer.size * kept
        layer.power = layer.scale**-layer.beta
        return np.moveaxis(layer.input_data * layer.power, -1, 1)

    def backward(self, *grad_outputs):
        if not (self.corrected and hasattr(self, "structure")):
            return super().backward(*grad_outputs)
        layer = self.layer
        reach = layer.before, layer.after

        def ratios(grad_output):
            return grad_output * layer.input_data * layer.power / layer.scale

        layer.after = int(layer.size - (layer.size - 1) / 2)
        layer.before = layer.size - 1 - layer.after
        layer.ratios = ratios  # an exponent of 0 gets no zeros here
        try:
            (grad_input,), grad_params = super().backward(*grad_outputs)
            # A ratio that is not finite leaves NaN behind too.
            passed = np.cumsum(0 * ratios(np.moveaxis(grad_outputs[0], 1, -1)), axis=-1)
            passed = passed[..., : max(passed.shape[-1] - layer.after - 1, 0)]
            grad_input[:, layer.after + 1 :] += np.moveaxis(passed, -1, 1)
            return (grad_input,), grad_params
        finally:
            layer.before, layer.after = reach
            del layer.ratios


# --- of weights ---


def _reparametrized(draw):
    """The options of a layer, and of what computes one of its parameters; the layer's input."""
    if draw(st.sampled_from([False, False, True])):
        # It has buffers, and all of its parameters are vectors.
        features = draw(sizes(1, 4))
        of, layer, matrices = "BatchNorm1d", {"num_features": features}, ()
        leading = (draw(sizes(2, 4)),)
    else:
        features, leading = draw(sizes(1, 4)), draw(shapes(0, 2))
        of, matrices = "Linear", ("weight",)
        layer = {
            "in_features": features,
            "out_features": draw(sizes(1, 4)),
            "bias": draw(st.booleans()),
        }
    name = draw(st.sampled_from(["weight", "bias"] if layer.get("bias", True) else ["weight"]))
    dim = draw(st.sampled_from([None, 0, -1, 1, -2] if name in matrices else [None, 0, -1]))
    # The other parameter too may be computed, in a wrapper within.
    within = of == "Linear" and name == "bias" and draw(st.booleans())
    options = {"of": of, "layer": layer, "name": name, "dim": dim, "within": within}
    return options, (*leading, features)


def _made(of, layer, within):
    """A layer; with another wrapper within, of its weights."""
    module = getattr(torch.nn, of)(**layer)
    return parametrizations.spectral_norm(module, "weight") if within else module


def _weight_norm(draw):
    options, shape = _reparametrized(draw)
    layer, within = options["layer"], options["within"]
    has_rows = "in_features" in layer and options["dim"] != 1 and not within
    if has_rows and draw(st.integers(0, 9)) == 0:
        layer["in_features"], shape = 0, (*shape[:-1], 0)
    training = draw(st.booleans())
    # Of no directions at all the gradient is 0 / 0; in training the vectors within move.
    differentiable = shape[-1] > 0 and not (within and training)
    return Draft(options, (Input(shape),), training=training, differentiable=differentiable)


def _with_weight_norm(layer, name, dim, of="Linear", within=False):
    return parametrizations.weight_norm(_made(of, layer, within), name, dim)


def _from_the_end(layer, place):
    """The place of any parameter but the first, counted from the end."""
    return place and place - len(layer.params)


def _weight_norm_of(module, layer, place):
    rank = layer.params[place].ndim
    dim = None if module.dim == -1 else module.dim % rank
    return reference.WeightNorm(layer, _from_the_end(layer, place), dim)


def _spectral_norm(draw):
    options, shape = _reparametrized(draw)
    options |= {
        "n_power_iterations": draw(st.integers(1, 3)),
        "eps": draw(st.sampled_from([1e-12, 0.0]) | numbers(1e-6, 2)),
    }
    training = draw(st.booleans())
    # In training u and v, which are held fixed, move with the weights.
    is_matrix = options["of"] == "Linear" and options["name"] == "weight"
    fixed = not (training and (is_matrix or options["within"]))
    return Draft(options, (Input(shape),), training=training, differentiable=fixed)


def _with_spectral_norm(layer, name, of="Linear", within=False, **options):
    return parametrizations.spectral_norm(_made(of, layer, within), name, **options)


def _spectral_norm_of(module, layer, place):
    return reference.SpectralNorm(
        layer,
        _from_the_end(layer, place),
        n_power_iterations=getattr(module, "n_power_iterations", 1),
        eps=module.eps,
        dim=module.dim,
    )


def _spectral_law():
    """Nothing but the layer being said, u and v start where PyTorch's do, and go on from there.

    Of weights far below eps every step is divided by it.
    """
    weights = np.arange(1.0, 7.0).reshape(2, 3) % 4
    for size in (1.0, 1e-13):
        module = torch.nn.Linear(3, 2, dtype=torch.float64)
        module.weight.data[...] = torch.from_numpy(size * weights)
        layer = reference.Linear(3, 2)
        layer.params = [module.weight.detach().numpy().copy(), module.bias.detach().numpy()]
        with seeded(0):
            draws = [torch.empty(n, dtype=torch.float64).normal_().numpy() for n in (2, 3)]
        with seeded(0):
            parametrizations.spectral_norm(module)
        ours, theirs = reference.SpectralNorm(layer, rng=Replay(*draws)), module.parametrizations
        for when in ("at the start", "after a forward"):
            pairs = zip(ours.buffers, theirs.weight.buffers(), strict=True)
            alike = all(np.allclose(a, b, rtol=1e-12, atol=0) for a, b in pairs)
            yield f"weights of {size}: u and v {when}", 0.0 if alike else np.inf
            ours.forward(np.ones((1, 3)))
            module(torch.ones(1, 3, dtype=torch.float64))


_LINEAR = reference.Linear(3, 2)
_BARE = {"affine": False, "track_running_stats": False}
_NO_PLACE = {"option place=None": "a parametrization is of one parameter"}

register(
    *(
        Row(
            reference.BatchNorm,
            oracle,
            _tracked(reference.BatchNorm),
            _batch_norm(*ranks),
            _AFFINE,
            cancels_within=True,
            # PyTorch's gradient is wrong for a single sample in another order of memory.
            contiguous=True,
            name=oracle.__name__,
            inputs=ChannelsFirst(),
            outputs=ChannelsFirst(),
            ranks=ranks,
            literals=(
                # Of a mean far above the deviation; without weights and statistics, any number
                # of channels.
                (
                    {**_BARE, "num_features": 3, "eps": 2 / 9},
                    ([[2.0**30], [2.0**30], [2.0**30 + 1]],),
                    [[-0.5], [-0.5], [1.0]],
                ),
            ),
            refusals=(
                _refused(
                    lambda: reference.BatchNorm(3).forward(np.ones((2, 3, 4, 4))),
                    "Is it channels-first",
                ),
                _refused(lambda: reference.BatchNorm(3).forward(np.ones(3)), "at least 2 axes"),
                _refused(
                    lambda: reference.BatchNorm(3).forward(np.ones((1, 3))), "more than one value"
                ),
                _refused(
                    lambda: reference.BatchNorm(3, affine=False).forward(np.ones((2, 4))),
                    "3 channels on its last axis",
                ),
                _refused(lambda: reference.BatchNorm(0), "num_features must be at least 1"),
                _refused(lambda: reference.BatchNorm(3, eps=0.0), "eps must be positive"),
                _refused(lambda: reference.BatchNorm(3, eps=-1.0), "eps must be positive"),
            ),
        )
        for oracle, ranks in (
            (torch.nn.BatchNorm1d, (2, 3)),
            (torch.nn.BatchNorm2d, (4,)),
            (torch.nn.BatchNorm3d, (5,)),
        )
    ),
    *(
        Row(
            reference.InstanceNorm,
            oracle,
            _tracked(reference.InstanceNorm),
            _instance_norm(rank),
            _AFFINE,
            cancels_within=True,
            name=oracle.__name__,
            inputs=ChannelsFirst(rank),
            outputs=ChannelsFirst(rank),
            ranks=(rank + 1, rank + 2),
            literals=(
                (
                    {**_BARE, "num_features": 3, "eps": 2 / 9},
                    ([[[2.0**30], [2.0**30], [2.0**30 + 1]]],),
                    [[[-0.5], [-0.5], [1.0]]],
                ),
            ),
            # PyTorch's module has one only where it is affine.
            own_defaults={"bias": True},
            adapter=_EmptyBatch,
            departure="The running statistics of an empty batch are NaN.",
            refusals=(
                _refused(
                    lambda: reference.InstanceNorm(3, affine=True).forward(np.ones((2, 3, 4, 4))),
                    "Is it channels-first",
                ),
                _refused(
                    lambda: reference.InstanceNorm(3).forward(np.ones((2, 1, 3))),
                    "more than one value",
                ),
                _refused(
                    lambda: reference.InstanceNorm(3, affine=True).forward(np.ones((0, 4, 3))),
                    "not be empty along axis 0",
                ),
                _refused(
                    lambda: reference.InstanceNorm(0, affine=True).forward(np.ones((2, 4, 0))),
                    "not be empty along axis -1",
                ),
                _refused(lambda: reference.InstanceNorm(3, eps=-1.0), "eps must be 0 or more"),
                _refused(lambda: reference.InstanceNorm(-1), "num_features must be at least 0"),
            ),
        )
        for oracle, rank in (
            (torch.nn.InstanceNorm1d, 1),
            (torch.nn.InstanceNorm2d, 2),
            (torch.nn.InstanceNorm3d, 3),
        )
    ),
    Row(
        reference.GroupNorm,
        torch.nn.GroupNorm,
        lambda m: reference.GroupNorm(
            m.num_groups, m.num_channels, eps=m.eps, affine=m.affine, bias=m.bias is not None
        ),
        _group_norm,
        _AFFINE,
        cancels_within=True,
        inputs=ChannelsFirst(),
        outputs=ChannelsFirst(),
        adapter=_DeviationOfNothing,
        refusals=(
            _refused(lambda: reference.GroupNorm(2, 3), "divisible by num_groups=2"),
            _refused(lambda: reference.GroupNorm(0, 3), "num_groups must be at least 1"),
            _refused(lambda: reference.GroupNorm(1, -1), "num_channels must be at least 0"),
            _refused(
                lambda: reference.GroupNorm(2, 4).forward(np.ones((1, 3, 6))),
                "4 channels on its last axis",
            ),
            _refused(
                lambda: reference.GroupNorm(2, 4, affine=False).forward(np.ones((1, 3, 6))),
                "4 channels on its last axis",
            ),
            _refused(
                lambda: reference.GroupNorm(3, 6).forward(np.ones((2, 6, 4, 4))),
                "Is it channels-first",
            ),
            _refused(lambda: reference.GroupNorm(1, 3).forward(np.ones(3)), "at least 2 axes"),
            _refused(
                lambda: reference.GroupNorm(3, 3).forward(np.ones((1, 3))), "more than one value"
            ),
        ),
        departure="The gradient of the weights is NaN, not 0, where there are no positions.",
    ),
    Row(
        reference.LayerNorm,
        torch.nn.LayerNorm,
        lambda m: reference.LayerNorm(
            m.normalized_shape,
            eps=m.eps,
            elementwise_affine=m.elementwise_affine,
            bias=m.bias is not None,
        ),
        _layer_norm,
        _AFFINE,
        cancels_within=True,
        adapter=_WithoutVariance,
        departure="Where the variance is too small to divide by and eps is 0, backward has the "
        "deviations as x / 0 - m / 0.",
        # The mean is rounded to an eighth in one row or another, depending on the order in which it
        # is added up; what deviates from it is not.
        literals=(
            (
                {"normalized_shape": 3, "eps": 1.0},
                (1e15 + np.array([[-1, 0, 4], [0, 4, -1], [4, -1, 0], [2, 3, -5], [7, 1, 1]]),),
                np.array(
                    [
                        np.array([-2.0, -1.0, 3.0]) / math.sqrt(14 / 3 + 1),
                        np.array([-1.0, 3.0, -2.0]) / math.sqrt(14 / 3 + 1),
                        np.array([3.0, -2.0, -1.0]) / math.sqrt(14 / 3 + 1),
                        np.array([2.0, 3.0, -5.0]) / math.sqrt(38 / 3 + 1),
                        np.array([4.0, -2.0, -2.0]) / math.sqrt(8 + 1),
                    ]
                ),
            ),
        ),
        refusals=(
            _refused(lambda: reference.LayerNorm(()), "normalized_shape must be"),
            _refused(lambda: reference.LayerNorm((3, -1)), "at least 0"),
            _refused(
                lambda: reference.LayerNorm((2, 3)).forward(np.ones((2, 4))),
                r"end with the axes \(2, 3\)",
            ),
            _refused(lambda: reference.LayerNorm((2, 3)).forward(np.ones(3)), "end with the axes"),
        ),
    ),
    Row(
        reference.RMSNorm,
        torch.nn.RMSNorm,
        lambda m: reference.RMSNorm(
            m.normalized_shape, eps=m.eps, elementwise_affine=m.elementwise_affine
        ),
        _rms_norm,
        "composite",
        cancels_within=True,
        # Without an eps a single feature is as good as a step.
        kinks=(0.0,),
        points=(Point("zeros", ([[0.0, 0.0]],), (0, 0, 0), {"normalized_shape": 2}),),
        refusals=(
            _refused(
                lambda: reference.RMSNorm(3).forward(np.ones((2, 4))), r"end with the axes \(3,\)"
            ),
        ),
    ),
    Row(
        reference.L2Normalize,
        formula(
            lambda input_data, eps: torch.nn.functional.normalize(input_data, dim=-1, eps=eps),
            eps=1e-12,
        ),
        lambda m: reference.L2Normalize(eps=m.eps),
        _l2_normalize,
        "composite",
        cancels_within=True,
        literals=[
            ({}, [[3.0, 4.0]], [0.6, 0.8]),
            ({}, [[1.0, 2.0, -3.0]], _unit(1, 2, -3)),
            ({"eps": 8.0}, [[3.0, 4.0]], [0.375, 0.5]),
            ({}, [[0.0, 0.0]], [0.0, 0.0]),
        ],
        points=(
            Point("a zero vector", ([[0.0, 0.0]],), (0, 0, 0), {"eps": 0.125}),
            Point("norm = eps: the clamp", ([[0.5, 0.0]],), (0, 0, 0), {"eps": 0.5}),
        ),
        refusals=(
            _refused(lambda: reference.L2Normalize().forward(np.ones(())), "at least 1 axes"),
            _refused(lambda: reference.L2Normalize(eps=-1.0), "eps must be 0 or more"),
        ),
    ),
    Row(
        reference.LocalResponseNorm,
        torch.nn.LocalResponseNorm,
        _lrn_of(reference.LocalResponseNorm),
        _lrn,
        "composite",
        cancels_within=True,
        contiguous=True,
        correct=_slope_at_infinity,
        inputs=ChannelsFirst(),
        outputs=ChannelsFirst(),
        refusals=(
            _refused(lambda: reference.LocalResponseNorm(0), "size must be at least 1"),
            _refused(
                lambda: reference.LocalResponseNorm(2).forward(np.ones((2, 3))), "at least 3 axes"
            ),
        ),
    ),
    Row(
        reference.CrossMapLRN2d,
        torch.nn.CrossMapLRN2d,
        _lrn_of(reference.CrossMapLRN2d),
        _cross_map_lrn,
        "composite",
        cancels_within=True,
        contiguous=True,
        inputs=ChannelsFirst(),
        outputs=ChannelsFirst(),
        adapter=_CrossMapLRN2d,
        unreached={"option size=1": "PyTorch fails in backward"},
        refusals=(
            _refused(lambda: reference.CrossMapLRN2d(3).forward(np.ones((2, 3, 4))), "4 axes"),
            _refused(
                lambda: reference.CrossMapLRN2d(3).forward(np.ones((2, 3, 3, 0))),
                "not be empty along axis -1",
            ),
        ),
        departure=(
            "The sums keep one square too many from channel size // 2 + 1 on, x_0^2 for good, and "
            "the gradient's windows are shifted."
        ),
    ),
    Row(
        reference.WeightNorm,
        parametrizations._WeightNorm,
        _weight_norm_of,
        _weight_norm,
        "composite",
        cancels_within=True,
        parametrization=True,
        construct=_with_weight_norm,
        unreached=_NO_PLACE,
        # By default the first parameter is computed, and has a length for each of its rows.
        literals=(
            (
                {"layer": reference.Linear(2, 2, bias=False)},
                ([1.0, 1.0],),
                [14.0, 3.0],
                [[[10.0], [3.0]], [[3.0, 4.0], [0.0, 2.0]]],
            ),
            # One length alone is an array too.
            (
                {"layer": reference.Linear(2, 2, bias=False), "dim": None},
                ([0.0, 0.0],),
                [0.0, 0.0],
            ),
            # Rows without elements have no direction.
            ({"layer": reference.Linear(0, 2, bias=False)}, (np.ones(0),), [0.0, 0.0]),
        ),
        refusals=(
            _refused(lambda: reference.WeightNorm(_LINEAR, 2), r"place must lie in \[-2, 2\)"),
            _refused(lambda: reference.WeightNorm(_LINEAR, 0, 2), r"dim must lie in \[-2, 2\)"),
            _refused(lambda: reference.WeightNorm(3), "layer must have forward", TypeError),
        ),
    ),
    Row(
        reference.SpectralNorm,
        parametrizations._SpectralNorm,
        _spectral_norm_of,
        _spectral_norm,
        "composite",
        cancels_within=True,
        parametrization=True,
        construct=_with_spectral_norm,
        unreached=_NO_PLACE,
        law=_spectral_law,
        refusals=(
            _refused(
                lambda: reference.SpectralNorm(_LINEAR, eps=-1.0), "^SpectralNorm.*: eps must"
            ),
            _refused(lambda: reference.SpectralNorm(_LINEAR, 2), r"place must lie in \[-2, 2\)"),
            _refused(lambda: reference.SpectralNorm(_LINEAR, dim=2), r"dim must lie in"),
            _refused(lambda: reference.SpectralNorm(_LINEAR, n_power_iterations=0), "at least 1"),
        ),
    ),
)
