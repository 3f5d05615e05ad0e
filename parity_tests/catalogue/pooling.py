"""Rows: pooling with sliding windows, over given bins, at drawn places, and its way back."""

import math

import numpy as np
import torch
from hypothesis import strategies as st

import reference
from parity_tests.adapter import Adapter
from parity_tests.catalogue._activations import Given
from parity_tests.catalogue._row import Point, Refusal, Row, for_all, no_counterpart, register
from parity_tests.oracle import ChannelsBefore, Replay
from parity_tests.strategies import Draft, Input, numbers, sizes


def _per_axis(draw, rank, minimum, maximum):
    """One number for each axis, and the option as it is given: one number alone if they agree."""
    drawn = tuple(draw(sizes(minimum, maximum)) for _ in range(rank))
    alone = len(set(drawn)) == 1 and draw(st.booleans())
    return drawn, drawn[0] if alone else drawn


def _wrapped(draw, option):
    """A number for all axes may come as a tuple of one."""
    return (option,) if isinstance(option, int) and draw(st.booleans()) else option


def _leading(draw):
    """The batch axis; none for one sample alone."""
    return draw(st.sampled_from([(), (0,), (1,), (2,), (2,)]))


def _is_pooled(size, kernel, stride, padding, dilation, ceil_mode):
    """Whether an axis holds a window, and every window a place."""
    reach = size + 2 * padding - dilation * (kernel - 1) - 1
    count = (reach + (stride - 1 if ceil_mode else 0)) // stride + 1
    starts = [o * stride - padding for o in range(count) if o * stride < size + padding]
    return bool(starts) and all(
        any(0 <= start + tap * dilation < size for tap in range(kernel)) for start in starts
    )


def _window(draw, rank, dilated=False, padded=True):
    """The options of a sliding window, and sizes that hold it."""
    # From four taps on a window may begin two places before the input.
    kernel, kernel_given = _per_axis(draw, rank, 1, 3 if rank == 3 else 4)
    stride, stride_given = _per_axis(draw, rank, 1, 3)
    if draw(st.booleans()):
        stride, stride_given = kernel, None
    options = {"kernel_size": kernel_given, "stride": _wrapped(draw, stride_given)}
    padding, dilation = (0,) * rank, (1,) * rank
    if padded and draw(st.booleans()):
        padding = tuple(draw(sizes(0, size // 2)) for size in kernel)
        options["padding"] = padding
    if dilated:
        dilation, options["dilation"] = _per_axis(draw, rank, 1, 3)
    options["ceil_mode"] = draw(st.booleans())
    spatial = []
    for axis in zip(kernel, stride, padding, dilation, strict=True):
        size = draw(sizes(1, 6))
        while not _is_pooled(size, *axis, options["ceil_mode"]):
            size += 1
        spatial.append(size)
    return options, tuple(spatial)


def _images(draw, spatial, values="real", least=1):
    """Images; one sample alone has at least `least` channels."""
    leading = _leading(draw)
    channels = draw(sizes(1 if leading else least, 3))
    return Input((*leading, channels, *spatial), values)


# --- sliding windows ---


def _max_pooling(rank):
    def draw_max_pooling(draw):
        options, spatial = _window(draw, rank, dilated=True)
        options["kernel_size"] = _wrapped(draw, options["kernel_size"])
        options["return_indices"] = draw(st.booleans())
        return Draft(options, (_images(draw, spatial, "gaps"),))

    return draw_max_pooling


def _average_pooling(rank):
    def draw_average_pooling(draw):
        options, spatial = _window(draw, rank)
        options["count_include_pad"] = draw(st.booleans())
        if rank > 1:
            divisors = st.sampled_from([None, None, 1, 3, -2])
            options["divisor_override"] = draw(divisors)
        if rank == 3:
            # PyTorch refuses sizes below the kernel's, even where padding makes up for them.
            kernel = np.broadcast_to(options["kernel_size"], 3)
            spatial = tuple(max(size, int(k)) for size, k in zip(spatial, kernel, strict=True))
        options["kernel_size"] = _wrapped(draw, options["kernel_size"])
        return Draft(options, (_images(draw, spatial),))

    return draw_average_pooling


def _p_pooling(rank):
    def draw_p_pooling(draw):
        options, spatial = _window(draw, rank, padded=False)
        if rank == 3:
            kernel = np.broadcast_to(options["kernel_size"], 3)
            spatial = tuple(max(size, int(k)) for size, k in zip(spatial, kernel, strict=True))
        norms = st.sampled_from([1, 2, 2.0, 3, 4, 0.5, 1.5, -1, math.inf, -math.inf])
        norm = draw(st.one_of(norms, numbers(-3, 5).filter(lambda p: abs(p) > 0.1)))
        options["norm_type"] = norm
        if rank == 1 and not math.isinf(norm):
            # PyTorch multiplies by the kernel's size as it is given.
            options["kernel_size"] = int(np.squeeze(options["kernel_size"]))
        # Powers of negative numbers are NaN, or sums near 0 that have no slope to speak of.
        smooth = norm in (2, 2.0, 4) or math.isinf(norm)
        values = draw(st.sampled_from(["real", "nonnegative"]))
        return Draft(
            options,
            (_images(draw, spatial, values),),
            differentiable=smooth or values == "nonnegative",
        )

    return draw_p_pooling


def _max_pooling_of(component):
    def convert(m):
        window = map(for_all, (m.kernel_size, m.stride, m.padding, m.dilation))
        return component(*window, m.return_indices, m.ceil_mode)

    return convert


def _average_pooling_of(component):
    def convert(m):
        divisor = getattr(m, "divisor_override", None)
        options = {} if divisor is None else {"divisor_override": divisor}
        options["count_include_pad"] = m.count_include_pad
        window = map(for_all, (m.kernel_size, m.stride, m.padding))
        return component(*window, m.ceil_mode, **options)

    return convert


def _axes(value, rank):
    """One entry for each axis."""
    return (value,) * rank if value is None or isinstance(value, int) else tuple(value)


def _axes_of(module, name, rank):
    """An option as one entry for each axis; for others PyTorch fails when it runs."""
    given = getattr(module, name)
    if len(_axes(given, rank)) != rank:
        raise no_counterpart(f"{type(module).__name__} with {name}={given}")
    return _axes(given, rank)


def _p_pooling_of(rank):
    def convert(m):
        if rank == 1 and not isinstance(m.kernel_size, int) and not math.isinf(m.norm_type):
            # PyTorch multiplies by the kernel's size as it is given.
            raise no_counterpart(f"{type(m).__name__} with kernel_size={m.kernel_size}")
        pool_size = _axes_of(m, "kernel_size", rank)
        return reference.LPPooling(m.norm_type, pool_size, for_all(m.stride), m.ceil_mode)

    return convert


def _refused(layer, rank, argument="pool_size"):
    """Bad input that every pooling layer refuses; `layer(size, **options)` makes one."""
    ranks = f"have {rank + 1} or {rank + 2} axes"
    return (
        Refusal(lambda: layer(2).forward(np.ones((4,) * rank)), ValueError, ranks),
        Refusal(lambda: layer(2).forward(np.ones((1, 1, *(4,) * rank, 1))), ValueError, ranks),
        Refusal(
            lambda: layer(2).forward(np.ones((2, *(4,) * (rank - 1), 0, 3))),
            ValueError,
            "have no empty",
        ),
        Refusal(lambda: layer((1.5,) * rank), TypeError, f"{argument} must be an integer"),
        Refusal(lambda: layer((2,) * 4), ValueError, f"{argument} must"),
    )


def _window_refused(layer, rank):
    places = (3,) * rank
    return (
        *_refused(layer, rank),
        Refusal(lambda: layer(0), ValueError, "pool_size must be at least 1"),
        Refusal(lambda: layer(2, stride=0), ValueError, "stride must be at least 1"),
        Refusal(lambda: layer(2, ceil_mode=1), TypeError, "ceil_mode must be True or False"),
        Refusal(lambda: layer(4).forward(np.ones((2, *places, 2))), ValueError, "must"),
        Refusal(
            lambda: layer(2).forward(np.ones((2, *places, 0))), ValueError, "no empty axis but"
        ),
    )


def _padded_refused(layer):
    return (
        Refusal(lambda: layer(2, padding=2), ValueError, "padding must be at most half"),
        Refusal(lambda: layer(2, padding=-1), ValueError, "padding must be at least 0"),
    )


def _max_refused(component, rank):
    def layer(size, **options):
        return component(size, **options)

    return (
        *_window_refused(layer, rank),
        *_padded_refused(layer),
        Refusal(lambda: layer(2, dilation=0), ValueError, "dilation must be at least 1"),
        Refusal(lambda: layer(2, return_indices=1), TypeError, "return_indices must be True"),
        Refusal(
            lambda: layer(2, dilation=3, padding=1).forward(np.ones((1, *(2,) * rank, 1))),
            ValueError,
            "be met by every dilated window",
        ),
    )


def _average_refused(component, rank):
    def layer(size, **options):
        return component(size, **options)

    found = [
        *_window_refused(layer, rank),
        *_padded_refused(layer),
        Refusal(lambda: layer(2, count_include_pad=1), TypeError, "count_include_pad must be"),
    ]
    if rank > 1:
        found += [
            Refusal(lambda: layer(2, divisor_override=0), ValueError, "not be zero"),
            Refusal(lambda: layer(2, divisor_override=1.5), TypeError, "divisor_override must"),
        ]
    if rank == 3:
        small = np.ones((2, 3, 2, 3, 2))
        refused = "be no smaller than pool_size"
        found.append(Refusal(lambda: layer(3, padding=1).forward(small), ValueError, refused))
    return tuple(found)


def _p_refused(rank):
    def layer(size, norm_type=2, **options):
        return reference.LPPooling(norm_type, _axes(size, rank), **options)

    return (
        *_window_refused(layer, rank),
        Refusal(lambda: layer(2, 0), ValueError, "norm_type must not be zero"),
        Refusal(lambda: layer(2, math.nan), ValueError, "norm_type must be a number"),
        Refusal(lambda: layer(2, "2"), TypeError, "norm_type must be a real number"),
        Refusal(lambda: reference.LPPooling(2, ()), ValueError, "pool_size must have"),
    )


# --- given bins ---


def _output_size(draw, rank):
    """Bins for each axis, None where it keeps its size, and the option as it is given."""
    if rank == 1:
        count = draw(sizes(1, 7))
        return draw(st.sampled_from([count, (count,)]))
    counts = st.one_of(st.none(), sizes(1, 7))
    return draw(st.one_of(sizes(1, 7), st.tuples(*(counts,) * rank)))


def _adaptive(rank, values="real", **options):
    def draw_adaptive(draw):
        drawn = {name: draw(strategy) for name, strategy in options.items()}
        drawn["output_size"] = _output_size(draw, rank)
        # One average of all places may be one of none.
        alone = values == "real" and drawn["output_size"] in (1, (1,) * rank)
        spatial = tuple(draw(sizes(0 if alone else 1, 7)) for _ in range(rank))
        return Draft(drawn, (_images(draw, spatial, values, 0),))

    return draw_adaptive


def _global(rank, values="real"):
    def draw_global(draw):
        # The average of no places is NaN; there is no maximum of none.
        spatial = tuple(draw(sizes(0 if values == "real" else 1, 5)) for _ in range(rank))
        return Draft({"output_size": 1}, (_images(draw, spatial, values, 0),))

    return draw_global


def _whole(component):
    return lambda m: component()


def _bins_refused(layer, rank):
    colourless = np.ones((2, *(4,) * rank, 0))
    volumes = Refusal(lambda: layer(2).forward(colourless), ValueError, "at least one channel")
    return (
        *_refused(layer, rank, "output_size"),
        *[volumes][: rank == 3],
        Refusal(lambda: layer(-1), ValueError, "output_size must be at least 0"),
    )


def _global_refused(component, rank):
    ranks = f"have {rank + 1} or {rank + 2} axes"
    return (Refusal(lambda: component().forward(np.ones((4,) * rank)), ValueError, ranks),)


def _maximum_refused(component, rank):
    """There is no maximum of no places, nor PyTorch's of no channels."""
    placeless, colourless = np.ones((2, *(4,) * (rank - 1), 0, 3)), np.ones((2, *(4,) * rank, 0))
    places, channels = "have no empty spatial axis", "have at least one channel"
    return (
        *_global_refused(component, rank),
        Refusal(lambda: component().forward(placeless), ValueError, places),
        Refusal(lambda: component().forward(colourless), ValueError, channels),
    )


# --- drawn places ---


_RATIOS = {1: (0.3, 0.5, 0.75, 0.8), 2: (0.3, 0.5, 0.6), 3: (0.3, 0.4, 0.5)}


# The largest number below 1 in float32, where 1 more is 2.
_NEARLY_ONE = 1 - 2.0**-24


def _fractional(rank):
    def draw_fractional(draw):
        kernel, kernel_given = _per_axis(draw, rank, 1, 3)
        options = {"kernel_size": kernel_given, "return_indices": draw(st.booleans())}
        # PyTorch asks for one place more in three dimensions.
        if draw(st.booleans()):
            counts, options["output_size"] = _per_axis(draw, rank, 1, 4)
            least = [m + k - 1 + rank - 2 for m, k in zip(counts, kernel, strict=True)]
            spatial = tuple(size + draw(sizes(0, 4)) for size in least)
        else:
            # Larger ratios for smaller kernels: the sizes that they need stay small.
            alone = draw(st.booleans())
            widest = (max(kernel),) * rank if alone else kernel
            ratios = tuple(draw(st.sampled_from(_RATIOS[size])) for size in widest)
            options["output_ratio"] = ratios[0] if alone else ratios
            spatial = []
            for ratio, size in zip((ratios[0],) * rank if alone else ratios, kernel, strict=True):
                places = 2
                while not 0 < int(places * ratio) <= places - size + 1 - (rank - 2):
                    places += 1
                spatial.append(places)
        leading = _leading(draw)
        channels = draw(sizes(1 if leading else 0, 3))
        if draw(st.booleans()):
            images = leading[0] if leading else 1
            rng = np.random.default_rng(draw(st.integers(0, 99)))
            shape = (images + draw(sizes(0, 1)), channels, rank)
            anywhere = draw(st.booleans())
            drawn = rng.random(shape) if anywhere else rng.choice([0, _NEARLY_ONE], shape)
            options["_random_samples"] = drawn
        return Draft(options, (Input((*leading, channels, *spatial), "gaps"),))

    return draw_fractional


def _fractional_of(rank):
    return lambda m: reference.FractionalMaxPooling(
        _axes_of(m, "kernel_size", rank),
        m.output_size,
        m.output_ratio,
        m.return_indices,
        None if m._random_samples is None else m._random_samples.numpy(),
    )


def _replay_samples(rank):
    def replay(module, inputs):
        (image,) = inputs
        images = image.shape[0] if image.ndim == rank + 2 else 1
        dtype = getattr(torch, str(image.dtype), torch.float64)
        return Replay(torch.rand(images, image.shape[-1 - rank], rank, dtype=dtype).numpy())

    return replay


def _fractional_literals(rank):
    """Windows two places apart: in float32, which is that of the images, (1 + u) 2 is 4, and the
    second starts at 4 - 1; in float64, that of the draws, it is less."""
    draws, others = np.full((1, 1, rank), _NEARLY_ONE), rank - 1
    images = np.arange(5, dtype=np.float32).reshape(5, *(1,) * rank)
    images = np.broadcast_to(images, (5, *(2,) * others, 1))
    options = {"pool_size": (1,) * rank, "output_size": (3, *(1,) * others)}
    maxima = np.reshape([0.0, 3.0, 4.0], (3, *(1,) * rank))
    return [
        ({**options, "samples": draws}, (images,), maxima),
        ({**options, "rng": Given(*draws)}, (images,), maxima),
    ]


def _fractional_law():
    """Windows 1.5 places apart: the second starts 2 places after the first where u is in the
    middle third."""
    layer = reference.FractionalMaxPooling((1, 1), (3, 3), rng=np.random.default_rng(0))
    layer.return_indices = True
    _, indices = layer.forward(np.zeros((100, 4, 4, 100)))
    rows, columns = np.divmod(indices, 4)
    far = {"height": rows[:, 1, 0] - rows[:, 0, 0] == 2, "width": columns[:, 0, 1] == 2}
    found = {f"second window along the {axis}": (far[axis], 1 / 3) for axis in far}
    found["windows along both axes alike"] = (far["height"] == far["width"], 5 / 9)
    return [
        (what, (np.mean(seen) - share) / np.sqrt(share * (1 - share) / seen.size))
        for what, (seen, share) in found.items()
    ]


def _fractional_refused(rank):
    def layer(size=2, output_size=2, **options):
        return reference.FractionalMaxPooling(_axes(size, rank), output_size, **options)

    def fed(shape, **options):
        return lambda: layer(**options).forward(np.ones(shape))

    small, large = (1, *(3,) * rank, 1), (1, *(4,) * rank, 1)
    return (
        *_refused(layer, rank),
        Refusal(fed((2, *(4,) * rank, 0)), ValueError, "have at least one channel"),
        Refusal(fed(small, output_size=3), ValueError, "have sizes from"),
        # Two windows of two take three places of an image, and of a volume four.
        Refusal(fed((1, *(rank,) * rank, 1)), ValueError, rf"have sizes from \({rank + 1},"),
        Refusal(lambda: layer(output_ratio=0.5), ValueError, "be given, one alone; got output_s"),
        Refusal(lambda: layer(output_size=None), ValueError, "be given, one alone; got none"),
        Refusal(lambda: layer(output_size=None, output_ratio=1.0), ValueError, "between 0 and 1"),
        Refusal(lambda: layer(output_size=-1), ValueError, "output_size must be at least 0"),
        Refusal(lambda: layer(output_size=None, output_ratio=(0.5,)), ValueError, "be a number or"),
        Refusal(lambda: reference.FractionalMaxPooling(2, 2), ValueError, "have 2 to 3 entries"),
        Refusal(fed(large, samples=np.ones((1, 2, rank))), ValueError, "samples must have shape"),
        Refusal(fed(large, samples=np.ones((1, 1, rank), int)), TypeError, "samples must be flo"),
        Refusal(lambda: layer(rng=3), TypeError, "numpy.random.Generator"),
    )


# --- the way back ---


def _unpooling(rank):
    def draw_unpooling(draw):
        kernel, kernel_given = _per_axis(draw, rank, 1, 3)
        stride, stride_given = _per_axis(draw, rank, 1, 3)
        if draw(st.booleans()):
            stride, stride_given = kernel, None
        padding = tuple(draw(sizes(0, size // 2)) for size in kernel)
        spatial, usual = [], []
        for k, s, p in zip(kernel, stride, padding, strict=True):
            size = draw(sizes(1, 3))
            while (size - 1) * s + k - 2 * p < 1:
                size += 1
            spatial.append(size)
            usual.append((size - 1) * s + k - 2 * p)
        leading = _leading(draw)
        channels = draw(sizes(1 if leading else 0, 3))
        keywords, outputs = {}, usual
        if how := draw(st.sampled_from(["", "", "sizes", "shape"])):
            outputs = [
                draw(sizes(max(size - s + 1, 1), size + s - 1))
                for size, s in zip(usual, stride, strict=True)
            ]
            # PyTorch takes a whole shape for batches only.
            whole = how == "shape" and leading
            keywords["output_size"] = [*leading, channels, *outputs] if whole else outputs
        shape, places = (*leading, channels, *spatial), math.prod(outputs)
        indices = Input(shape, "places", {"count": places, "spatial": rank})
        options = {"kernel_size": kernel_given, "stride": stride_given, "padding": padding}
        return Draft(
            options,
            (Input(shape), indices),
            keywords,
            # Where two windows name one place, PyTorch gives both its gradient.
            differentiable=places >= math.prod(spatial),
        )

    return draw_unpooling


class _OutputSizes(Adapter):
    """PyTorch's output_size may be the whole shape, in its own layout; not so of one sample."""

    def forward(self, array, indices, *output_size, **keywords):
        rank = len(self.layer.pool_size)

        def cut(size):
            return size[-rank:] if size is not None and len(size) == rank + 2 else size

        output_size = tuple(map(cut, output_size))
        keywords = {
            name: cut(value) if name == "output_size" else value for name, value in keywords.items()
        }
        return super().forward(array, indices, *output_size, **keywords)


def _unpooling_of(rank):
    return lambda m: reference.MaxUnpooling(
        _axes_of(m, "kernel_size", rank), for_all(m.stride), for_all(m.padding)
    )


def _unpooling_refused(rank):
    def layer(size=2, **options):
        return reference.MaxUnpooling(_axes(size, rank), **options)

    def fed(indices, shape=(1, *(2,) * rank, 1), **keywords):
        return lambda: layer().forward(np.ones(shape), indices, **keywords)

    zeros = np.zeros((1, *(2,) * rank, 1), int)
    ranks = f"have {rank + 1} or {rank + 2} axes"
    return (
        Refusal(fed(zeros, (2,) * rank), ValueError, ranks),
        Refusal(fed(zeros, (1, *(2,) * (rank - 1), 0, 1)), ValueError, "have no empty spatial"),
        Refusal(fed(zeros, (1, *(2,) * rank, 0)), ValueError, "have at least one channel"),
        Refusal(fed(zeros, (2, *(2,) * rank, 1)), ValueError, "indices must have shape"),
        Refusal(fed(zeros - 1), ValueError, "indices must lie in"),
        Refusal(fed(zeros + 4**rank), ValueError, "indices must lie in"),
        Refusal(fed(zeros * 1.0), TypeError, "indices must hold integers"),
        Refusal(fed(zeros, output_size=(6,) * rank), ValueError, "output_size must differ from"),
        Refusal(fed(zeros, output_size=(4,) * (rank + 1)), ValueError, "output_size must be"),
        Refusal(fed(zeros, output_size=4), ValueError, "output_size must be"),
        Refusal(fed(zeros, output_size=(4.0,) * rank), TypeError, "output_size must be an int"),
        Refusal(lambda: layer(0), ValueError, "pool_size must be at least 1"),
        Refusal(lambda: layer(stride=0), ValueError, "stride must be at least 1"),
        Refusal(lambda: layer(padding=-1), ValueError, "padding must be at least 0"),
    )


def _zero_window(rank):
    """The conventions at a window of zeros, where the root has no slope."""
    window = np.zeros((1, 1, *(2,) * rank))
    place = (0,) * (rank + 3)
    return tuple(
        Point(f"a window of zeros, p = {p:g}", (window,), place, {"norm_type": p, "kernel_size": 2})
        for p in (1.0, 2.0)
    )


def _tie(rank, **options):
    """The conventions at a window of equal numbers: its first element and its last."""
    window = np.ones((1, 1, *(2,) * rank))
    return (
        Point("a tie: the first", (window,), (0, 0, 0, *(0,) * rank), options),
        Point("a tie: the last", (window,), (0, 0, 0, *(1,) * rank), options),
    )


def _small_cubes(rank):
    """A third is no number of float32; the cube root is that of the third before it is rounded."""
    image = np.full((1, *(1,) * rank, 1), 2.0**-40, np.float32)
    return [({"norm_type": 3, "pool_size": (1,) * rank}, (image,), image)]


def _no_channels(rank):
    """Images and sequences without channels, of which PyTorch has no gradient."""
    images, averages = (np.ones((2, *(size,) * rank, 0)) for size in (3, 2))
    return [({"output_size": (2,) * rank}, (images,), averages)]


def _no_bins(rank):
    """Of no bins there are no maxima."""
    images = np.ones((1, *(3,) * rank, 1))
    return [({"output_size": (0,) * rank}, (images,), np.ones((1, *(0,) * rank, 1)))]


def _large_images(rank):
    """Two images of 8 MB each, of which windows of one place see the first and the middle one."""
    images = np.zeros((2, 2**20, *(1,) * rank))
    images[:, 0], images[:, 2**19] = 1.0, 2.0
    options = {"pool_size": (1,) * rank, "stride": (2**19, *(1,) * (rank - 1))}
    return [(options, (images,), np.reshape([[1.0, 2.0]] * 2, (2, 2, *(1,) * rank)))]


# The book's window; PyTorch asks for one.
_PAIRS = {1: 2, 2: (2, 2), 3: (2, 2, 2)}

for _rank, _dimension in enumerate("123", start=1):
    _layouts = {"inputs": ChannelsBefore(_rank), "outputs": ChannelsBefore(_rank)}

    def _of(name, dimension=_dimension):
        """The class of this rank: of the reference, or else of PyTorch."""
        return getattr(reference, f"{name}{dimension}D", None) or getattr(
            torch.nn, f"{name}{dimension}d"
        )

    register(
        Row(
            _of("MaxPooling"),
            _of("MaxPool"),
            _max_pooling_of(_of("MaxPooling")),
            _max_pooling(_rank),
            "exact",
            points=_tie(_rank, kernel_size=2),
            own_defaults={"pool_size": _PAIRS[_rank]},
            literals=_large_images(_rank),
            refusals=_max_refused(_of("MaxPooling"), _rank),
            **_layouts,
        ),
        Row(
            _of("AveragePooling"),
            _of("AvgPool"),
            _average_pooling_of(_of("AveragePooling")),
            _average_pooling(_rank),
            "exact",
            own_defaults={"pool_size": _PAIRS[_rank]},
            refusals=_average_refused(_of("AveragePooling"), _rank),
            **_layouts,
        ),
        Row(
            reference.LPPooling,
            _of("LPPool"),
            _p_pooling_of(_rank),
            _p_pooling(_rank),
            "composite",
            name=f"LPPool{_dimension}d",
            # The root magnifies the rounding of the sum.
            cancels_within=True,
            warns=False,
            huge=None,  # PyTorch's x^-2 is 1 / (x x), which overflows on the way
            points=_zero_window(_rank),
            literals=_small_cubes(_rank),
            refusals=_p_refused(_rank),
            **_layouts,
        ),
        Row(
            reference.AdaptiveAveragePooling,
            _of("AdaptiveAvgPool"),
            lambda m, rank=_rank: reference.AdaptiveAveragePooling(
                _axes_of(m, "output_size", rank)
            ),
            _adaptive(_rank),
            "sum",
            name=f"AdaptiveAvgPool{_dimension}d",
            literals=_no_channels(_rank) if _rank < 3 else (),
            refusals=_bins_refused(
                lambda size, rank=_rank: reference.AdaptiveAveragePooling(_axes(size, rank)), _rank
            ),
            **_layouts,
        ),
        Row(
            reference.AdaptiveMaxPooling,
            _of("AdaptiveMaxPool"),
            lambda m, rank=_rank: reference.AdaptiveMaxPooling(
                _axes_of(m, "output_size", rank), m.return_indices
            ),
            _adaptive(_rank, "gaps", return_indices=st.booleans()),
            "exact",
            points=_tie(_rank, output_size=1),
            name=f"AdaptiveMaxPool{_dimension}d",
            literals=_no_bins(_rank),
            refusals=_bins_refused(
                lambda size, rank=_rank: reference.AdaptiveMaxPooling(_axes(size, rank)), _rank
            ),
            **_layouts,
        ),
        Row(
            _of("GlobalAveragePooling"),
            _of("AdaptiveAvgPool"),
            _whole(_of("GlobalAveragePooling")),
            _global(_rank),
            "sum",
            refusals=_global_refused(_of("GlobalAveragePooling"), _rank),
            **_layouts,
        ),
        Row(
            _of("GlobalMaxPooling"),
            _of("AdaptiveMaxPool"),
            _whole(_of("GlobalMaxPooling")),
            _global(_rank, "gaps"),
            "exact",
            points=_tie(_rank, output_size=1),
            refusals=_maximum_refused(_of("GlobalMaxPooling"), _rank),
            **_layouts,
        ),
        Row(
            reference.MaxUnpooling,
            _of("MaxUnpool"),
            _unpooling_of(_rank),
            _unpooling(_rank),
            "exact",
            name=f"MaxUnpool{_dimension}d",
            adapter=_OutputSizes,
            # PyTorch's backward takes the indices of images and volumes in order alone.
            contiguous=_rank > 1,
            refusals=_unpooling_refused(_rank),
            **_layouts,
        ),
    )
    if _rank > 1:
        register(
            Row(
                reference.FractionalMaxPooling,
                _of("FractionalMaxPool"),
                _fractional_of(_rank),
                _fractional(_rank),
                "exact",
                name=f"FractionalMaxPool{_dimension}d",
                prepare=lambda module, rng: None,
                replay=_replay_samples(_rank),
                random_in_evaluation=True,
                law=_fractional_law,
                literals=_fractional_literals(_rank),
                refusals=_fractional_refused(_rank),
                **_layouts,
            )
        )

del _rank, _dimension, _layouts, _of
