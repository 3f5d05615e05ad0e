"""Rows: convolution, its transpose, and its separable forms."""

import copy

import numpy as np
import torch
from hypothesis import strategies as st

import reference
from parity_tests.adapter import Adapter
from parity_tests.catalogue._row import Refusal, Row, for_all, register
from parity_tests.oracle import ChannelsBefore
from parity_tests.strategies import Draft, Input, lengths, sizes

_MODES = ("zeros", "reflect", "replicate", "circular")


# How numbers that agree are given: one for each axis, one for all, a tuple of one.
_FORMS = _EACH, _ALONE, _WRAPPED = slice(None), 0, slice(1)


def _per_axis(draw, rank, minimum, maximum, forms=_FORMS[:2]):
    """One number for each axis, and the option as it is given."""
    numbers = draw(lengths(rank, minimum, maximum))
    form = draw(st.sampled_from(forms)) if len(set(numbers)) == 1 else _EACH
    return numbers, numbers[form]


def _spans(kernel, dilation):
    return [d * (k - 1) + 1 for k, d in zip(kernel, dilation, strict=True)]


def _leading(draw):
    """The batch axis; none for one sample alone."""
    return draw(st.sampled_from([(2,), (1,), (), (3,), (2,), (0,)]))


def _window(draw, rank, batch):
    """Kernel, stride, dilation and padding, and sizes that they take."""
    kernel, kernel_size = _per_axis(draw, rank, 1, 3)
    mode = draw(st.sampled_from(_MODES))
    padding = draw(st.sampled_from(["same", "valid", "numbers", "numbers", "numbers"]))
    # PyTorch works out margins of its own from one number for each axis.
    forms = _FORMS if mode == "zeros" and padding != "same" else _FORMS[:2]
    dilation, dilation_given = _per_axis(draw, rank, 1, 2, forms)
    spans = _spans(kernel, dilation)
    stride = 1
    margins = [0] * rank
    if padding == "same":
        margins = [span // 2 for span in spans]
        least = [1] * rank
    else:
        _, stride = _per_axis(draw, rank, 1, 3, _FORMS)
        if padding == "numbers":
            margins, padding = _per_axis(draw, rank, 0, 3, forms)
        # Of an empty batch the images too may be empty, if zeros make up for it.
        smallest = 0 if batch == (0,) and mode == "zeros" else 1
        least = [max(smallest, span - 2 * pad) for span, pad in zip(spans, margins, strict=True)]
    # A margin is filled from the places of the image.
    widest = {"reflect": [pad + 1 for pad in margins], "circular": margins}.get(mode, least)
    least = [max(pair) for pair in zip(least, widest, strict=True)]
    options = {
        "kernel_size": kernel_size,
        "stride": stride,
        "padding": padding,
        "dilation": dilation_given,
        "padding_mode": mode,
    }
    more = draw(lengths(rank, 0, 3))
    return options, tuple(size + extra for size, extra in zip(least, more, strict=True))


def _convolution(rank):
    def draw_convolution(draw):
        groups = draw(st.sampled_from([1, 1, 2, 3]))
        leading = _leading(draw)
        options, spatial = _window(draw, rank, leading)
        channels = groups * draw(sizes(1, 3))
        options |= {
            "in_channels": channels,
            "out_channels": groups * draw(sizes(1, 2)),
            "groups": groups,
            "bias": draw(st.booleans()),
        }
        return Draft(options, (Input((*leading, channels, *spatial)),))

    return draw_convolution


def _transposed(rank):
    def draw_transposed(draw):
        groups = draw(st.sampled_from([1, 1, 2, 3]))
        kernel, kernel_size = _per_axis(draw, rank, 1, 3)
        how = draw(st.sampled_from(["", "", "sizes", "shape"]))
        # PyTorch reads one number for each axis where it is asked for a size.
        forms = _FORMS[:2] if how else _FORMS
        dilation, dilation_given = _per_axis(draw, rank, 1, 3, forms)
        stride, stride_given = _per_axis(draw, rank, 1, 3, forms)
        limits = [max(pair) - 1 for pair in zip(stride, dilation, strict=True)]
        extra = [draw(sizes(0, limit)) for limit in limits]
        leading = _leading(draw)
        # Something must be left of the output, if there is any.
        lowest = 0 if leading == (0,) else 1
        reach, spatial, padding = [], [], []
        for step, span, more in zip(stride, _spans(kernel, dilation), extra, strict=True):
            size = draw(st.sampled_from([2, 3, 1, 4, 0] if leading == (0,) else [2, 3, 1, 4]))
            size = max(size, -((span + more - step - lowest) // step))
            spatial.append(size)
            reach.append((size - 1) * step + span)
            padding.append(draw(sizes(0, (reach[-1] + more - lowest) // 2)))
        channels = groups * draw(sizes(1, 2))
        options = {
            "in_channels": channels,
            "out_channels": groups * draw(sizes(1, 2)),
            "kernel_size": kernel_size,
            "stride": stride_given,
            "padding": tuple(padding),
            "output_padding": tuple(extra),
            "groups": groups,
            "bias": draw(st.booleans()),
            "dilation": dilation_given,
            "padding_mode": "zeros",  # PyTorch takes no other
        }
        least = [size - 2 * pad for size, pad in zip(reach, padding, strict=True)]
        most = [size + step - 1 for size, step in zip(least, stride, strict=True)]
        keywords = {}
        if how and min(most) >= lowest:
            ends = zip(least, most, strict=True)
            asked = [draw(sizes(max(low, lowest), high)) for low, high in ends]
            whole = [*leading, options["out_channels"], *asked]
            keywords["output_size"] = whole if how == "shape" else asked
        return Draft(options, (Input((*leading, channels, *spatial)),), keywords)

    return draw_transposed


class _OutputShape(Adapter):
    """PyTorch's output_size may be the whole shape, in its own layout."""

    def forward(self, array, *output_size, **keywords):
        rank = self.layer.rank

        def cut(size):
            return size[-rank:] if size is not None and len(size) == array.ndim else size

        output_size = tuple(map(cut, output_size))
        keywords = {name: cut(size) for name, size in keywords.items()}
        return super().forward(array, *output_size, **keywords)


def _convolution_of(component):
    return lambda m: component(
        m.in_channels,
        m.out_channels,
        for_all(m.kernel_size),
        stride=for_all(m.stride),
        padding=for_all(m.padding),
        dilation=for_all(m.dilation),
        groups=m.groups,
        padding_mode=m.padding_mode,
        bias=m.bias is not None,
    )


def _transposed_of(component):
    return lambda m: component(
        m.in_channels,
        m.out_channels,
        for_all(m.kernel_size),
        stride=for_all(m.stride),
        padding=for_all(m.padding),
        output_padding=for_all(m.output_padding),
        dilation=for_all(m.dilation),
        groups=m.groups,
        bias=m.bias is not None,
    )


class DepthwiseConv2d(torch.nn.Conv2d):
    """PyTorch's convolution, with a group for each channel."""

    def __init__(self, in_channels, kernel_size, depth_multiplier=1, **options):
        filters = in_channels * depth_multiplier
        super().__init__(in_channels, filters, kernel_size, groups=in_channels, **options)
        self.depth_multiplier = depth_multiplier


class SeparableConv2d(torch.nn.Sequential):
    """PyTorch's convolutions of channels and of places, one after the other."""

    def __init__(self, in_channels, out_channels, kernel_size, bias=True, **options):
        depthwise = DepthwiseConv2d(in_channels, kernel_size, bias=False, **options)
        super().__init__(
            depthwise, torch.nn.Conv2d(depthwise.out_channels, out_channels, 1, bias=bias)
        )


def _depthwise(draw):
    leading = _leading(draw)
    options, spatial = _window(draw, 2, leading)
    channels = draw(sizes(1, 3))
    options |= {
        "in_channels": channels,
        "depth_multiplier": draw(sizes(1, 3)),
        "bias": draw(st.booleans()),
    }
    return Draft(options, (Input((*leading, channels, *spatial)),))


def _separable(draw):
    draft = _depthwise(draw)
    return Draft({**draft.options, "out_channels": draw(sizes(1, 3))}, draft.inputs)


def _depthwise_options(m):
    names = ("stride", "padding", "dilation", "depth_multiplier", "padding_mode")
    return {name: for_all(getattr(m, name)) for name in names}


def _one_by_one(module, images, grad_output):
    """PyTorch adds the terms of a sum to the bias one by one, and rounds each time by up to half
    an eps of all of them: an eighth of their number in fours of eps."""
    module = copy.deepcopy(module).double()
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.abs_()
        sums = module(torch.from_numpy(np.abs(images.astype(np.float64)))).numpy()
    return sums * max(1, module.weight[0].numel() / 8)


# --- bad input ---


def _refused(component, rank):
    """Bad input that the convolutions of each rank refuse."""
    sizes_of = (5, 6, 7)[:rank]

    def layer(channels=3, filters=2, kernel_size=2, **options):
        return component(channels, filters, kernel_size, **options)

    def fed(shape, **options):
        return lambda: layer(**options).forward(np.ones(shape))

    first = (2, 3, *sizes_of)
    return (
        Refusal(fed(first), ValueError, "3 channels on its last axis; .*channels-first"),
        Refusal(fed((2, *sizes_of, 4)), ValueError, "3 channels on its last axis"),
        Refusal(fed(sizes_of), ValueError, f"have {rank + 1} or {rank + 2} axes"),
        Refusal(fed((1, 2, *sizes_of, 3)), ValueError, f"have {rank + 1} or {rank + 2} axes"),
        Refusal(fed((2, *(0,) * rank, 3)), ValueError, "not be empty along axis"),
        Refusal(fed((0, *sizes_of[1:], 3)), ValueError, "not be empty along axis"),
        Refusal(lambda: layer(channels=0), ValueError, "input_channels must be at least 1"),
        Refusal(lambda: layer(filters=0), ValueError, "num_filters must be at least 1"),
        Refusal(lambda: layer(kernel_size=0), ValueError, "kernel_size must be at least 1"),
        Refusal(lambda: layer(kernel_size=(1,) * (rank + 1)), ValueError, "kernel_size must be"),
        Refusal(lambda: layer(kernel_size=1.5), ValueError, "kernel_size must be"),
        Refusal(lambda: layer(stride=0), ValueError, "stride must be at least 1"),
        Refusal(lambda: layer(padding=-1), ValueError, "padding must be at least 0"),
        Refusal(lambda: layer(dilation=0), ValueError, "dilation must be at least 1"),
        Refusal(lambda: layer(groups=0), ValueError, "groups must be at least 1"),
        Refusal(lambda: layer(filters=3, groups=3, channels=2), ValueError, "divisible by groups"),
        Refusal(lambda: layer(filters=2, groups=3), ValueError, "divisible by groups=3"),
        Refusal(lambda: layer(bias=1), TypeError, "bias must be True or False"),
        Refusal(lambda: layer(rng=3), TypeError, "numpy.random.Generator"),
    )


def _convolution_refused(component, rank):
    def fed(shape, kernel_size=2, **options):
        return lambda: component(3, 2, kernel_size, **options).forward(np.ones(shape))

    small = (2, *(2,) * rank, 3)
    unfilled = rf"^{component.__name__}\.forward: .* fill a margin of"
    return (
        *_refused(component, rank),
        Refusal(fed(small, 4), ValueError, "at least as large as the kernel"),
        Refusal(fed(small, 2, dilation=2), ValueError, "at least as large as the kernel"),
        Refusal(fed(small, padding=2, padding_mode="reflect"), ValueError, f"{unfilled} 2"),
        Refusal(fed(small, padding=3, padding_mode="circular"), ValueError, f"{unfilled} 3"),
        Refusal(fed(small, padding="same", stride=2), ValueError, "stride must be 1 where"),
        Refusal(fed(small, padding="full"), ValueError, "padding must be"),
        Refusal(fed(small, padding_mode="constant"), ValueError, "'zeros', 'reflect'"),
    )


def _transposed_refused(component, rank):
    def fed(output_size=None, **options):
        layer = component(3, 2, 2, **options)
        return lambda: layer.forward(np.ones((2, *(2,) * rank, 3)), output_size)

    return (
        *_refused(component, rank),
        Refusal(
            lambda: component(3, 2, 2, stride=3).forward(np.ones((0, *(0,) * rank, 3))),
            ValueError,
            "at least 0 outputs on each axis",
        ),
        Refusal(fed(padding=2), ValueError, "at least 0 outputs on each axis"),
        Refusal(fed(output_padding=1), ValueError, "output_padding must be below"),
        Refusal(fed((4,) * rank), ValueError, "output_size must lie in"),
        Refusal(fed((2,) * rank, stride=2), ValueError, "output_size must lie in"),
        Refusal(fed((3,) * (rank + 1)), ValueError, "output_size must be"),
        Refusal(fed(3), ValueError, "output_size must be"),
        Refusal(fed((3.0,) * rank), TypeError, "output_size must be an integer"),
        Refusal(lambda: component(3, 2, 2, output_padding=-1), ValueError, "output_padding must"),
    )


for _rank, _dimension in enumerate("123", start=1):
    _component = getattr(reference, f"Convolution{_dimension}D")
    register(
        Row(
            _component,
            getattr(torch.nn, f"Conv{_dimension}d"),
            _convolution_of(_component),
            _convolution(_rank),
            "sum",
            inputs=ChannelsBefore(_rank),
            outputs=ChannelsBefore(_rank),
            oracle_floor={"output": _one_by_one},
            refusals=_convolution_refused(_component, _rank),
        )
    )
    _component = getattr(reference, f"TransposedConvolution{_dimension}D")
    register(
        Row(
            _component,
            getattr(torch.nn, f"ConvTranspose{_dimension}d"),
            _transposed_of(_component),
            _transposed(_rank),
            "sum",
            inputs=ChannelsBefore(_rank),
            outputs=ChannelsBefore(_rank),
            adapter=_OutputShape,
            kernel_dependent=("grad_params",),
            warns=True,  # what padding takes away is computed too
            refusals=_transposed_refused(_component, _rank),
        )
    )

register(
    Row(
        reference.DepthwiseConvolution2D,
        DepthwiseConv2d,
        lambda m: reference.DepthwiseConvolution2D(
            m.in_channels, for_all(m.kernel_size), bias=m.bias is not None, **_depthwise_options(m)
        ),
        _depthwise,
        "sum",
        inputs=ChannelsBefore(2),
        outputs=ChannelsBefore(2),
        refusals=(
            Refusal(
                lambda: reference.DepthwiseConvolution2D(0, 2), ValueError, "input_channels must"
            ),
            Refusal(
                lambda: reference.DepthwiseConvolution2D(2, 2, depth_multiplier=0),
                ValueError,
                "depth_multiplier must be at least 1",
            ),
            Refusal(
                lambda: reference.SeparableConvolution2D(2, 2, 1, rng=0),
                TypeError,
                "^SeparableConvolution2D.__init__: rng must be a numpy.random.Generator",
            ),
        ),
    ),
    Row(
        reference.SeparableConvolution2D,
        SeparableConv2d,
        lambda m: reference.SeparableConvolution2D(
            m[0].in_channels,
            m[1].out_channels,
            for_all(m[0].kernel_size),
            bias=m[1].bias is not None,
            **_depthwise_options(m[0]),
        ),
        _separable,
        "sum",
        inputs=ChannelsBefore(2),
        outputs=ChannelsBefore(2),
        refusals=(
            Refusal(
                lambda: reference.SeparableConvolution2D(2, 2, 1, rng=3),
                TypeError,
                "^SeparableConvolution2D.__init__: rng must be",
            ),
            Refusal(
                lambda: reference.SeparableConvolution2D(2, 2, 1, depth_multiplier=0),
                ValueError,
                "depth_multiplier must be at least 1",
            ),
            Refusal(
                lambda: reference.SeparableConvolution2D(3, 2, 2).forward(np.ones((2, 3, 4, 5))),
                ValueError,
                "3 channels on its last axis; .*channels-first",
            ),
        ),
    ),
)

del _rank, _dimension, _component
