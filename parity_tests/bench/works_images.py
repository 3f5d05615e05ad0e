"""Work on images: the sizes of LeNet-5, of a ResNet's stages, and of one and three dimensions."""

import math

import numpy as np

from parity_tests.bench.work import Work, assign
from parity_tests.strategies import Draft, Input

# By rank: what is small, and what is real.
_LINES = {
    "small": {"batch": 2, "length": 12, "channels": 3},
    "sound": {"batch": 16, "length": 1024, "channels": 32},
}
_IMAGES = {
    "small": {"batch": 2, "length": 8, "channels": 3},
    "LeNet-5": {"batch": 32, "length": 28, "channels": 6},
    "ResNet stage": {"batch": 8, "length": 56, "channels": 64},
}
_VOLUMES = {
    "small": {"batch": 2, "length": 4, "channels": 3},
    "video": {"batch": 2, "length": 24, "channels": 16},
}
_SIZES = {1: _LINES, 2: _IMAGES, 3: _VOLUMES}


def _images(rank, values="real", sizes=None, orders=None, sweeps=None, **options):
    """Work on images with these options; one that is callable is made from the sizes."""

    def draft(**sized):
        given = {k: v(**sized) if callable(v) else v for k, v in options.items()}
        return Draft(given, (_image(rank, values, **sized),))

    orders = {"length": rank, **(orders or {})}
    return Work(draft, sizes or _SIZES[rank], orders, sweeps or {})


def _image(rank, values, batch, length, channels, **others):
    return Input((batch, channels, *(length,) * rank), values)


# --- convolution ---


def _convolved(rank, sizes, **more):
    """Convolution: the work grows with channels times filters, both named channels."""
    options = {
        "in_channels": lambda channels, **_: channels,
        "out_channels": lambda channels, filters, **_: filters,
        "kernel_size": lambda kernel, **_: kernel,
        "groups": lambda groups=1, **_: groups,
        **more,
    }
    names = ("batch", "length", "channels", "filters", "kernel", "groups")
    named = {name: dict(zip(names, given, strict=False)) for name, given in sizes.items()}
    return _images(
        rank,
        sizes=named,
        orders={"kernel": rank},
        sweeps={"kernel": (3, 5, 7)},
        **options,
    )


_CONVOLUTIONS = {
    1: {"small": (2, 12, 3, 4, 3), "sound": (16, 1024, 32, 32, 5)},
    2: {
        "small": (2, 7, 3, 4, 3),
        "LeNet-5, second": (32, 14, 6, 16, 5),
        "ResNet stem": (4, 112, 3, 64, 7),
        "ResNeXt stage": (8, 28, 128, 128, 3, 32),
        "a filter per channel": (8, 28, 64, 64, 3, 64),
        "ResNet stage": (8, 28, 32, 64, 3),
    },
    3: {"small": (2, 4, 3, 4, 2), "video": (2, 16, 8, 16, 3)},
}
_TRANSPOSED = {
    1: {"small": (2, 12, 3, 4, 3), "sound": (16, 512, 32, 32, 4)},
    2: {"small": (2, 7, 3, 4, 3), "generator": (8, 16, 64, 32, 4)},
    3: {"small": (2, 4, 3, 4, 2), "video": (2, 10, 16, 8, 3)},
}


def _depthwise(batch, length, channels, kernel):
    options = {"in_channels": channels, "kernel_size": kernel, "depth_multiplier": 1, "padding": 1}
    return Draft(options, (Input((batch, channels, length, length)),))


def _separable(batch, length, channels, kernel):
    options = {
        "in_channels": channels,
        "out_channels": channels,
        "kernel_size": kernel,
        "depth_multiplier": 1,
        "padding": 1,
    }
    return Draft(options, (Input((batch, channels, length, length)),))


_MOBILE = {
    "small": {"batch": 2, "length": 7, "channels": 3, "kernel": 3},
    "MobileNet stage": {"batch": 8, "length": 28, "channels": 64, "kernel": 3},
}
_PLANES = {"length": 2, "kernel": 2}
_KERNELS = {"kernel": (3, 5, 7)}

# --- windows ---


def _kernels(rank):
    """The sizes of that rank with a kernel."""
    return {name: {**sized, "kernel": 2} for name, sized in _SIZES[rank].items()}


def _windows(rank, **options):
    """Pooling by windows that stand beside one another."""
    return _images(
        rank,
        sizes=_kernels(rank),
        orders={"kernel": 0.5},
        sweeps={"kernel": (2, 3, 4)},
        kernel_size=lambda kernel, **_: kernel,
        **options,
    )


def _unpooled(rank):
    def draft(batch, length, channels):
        shape = (batch, channels, *(length // 2,) * rank)
        places = Input(shape, "places", {"count": (length // 2 * 2) ** rank, "spatial": rank})
        return Draft({"kernel_size": 2}, (Input(shape), places))

    return Work(draft, _SIZES[rank], {"length": rank})


def _fractional(rank):
    def halves(length, **_):
        return length // 2

    return _images(rank, kernel_size=2, output_size=halves)


def _unfolded(batch, length, channels, kernel):
    return Draft({"kernel_size": kernel, "padding": 1}, (Input((batch, channels, length, length)),))


def _folded(batch, length, channels, kernel):
    blocks = (length + 3 - kernel) ** 2
    options = {"kernel_size": kernel, "padding": 1, "output_size": (length, length)}
    return Draft(options, (Input((batch, channels * kernel**2, blocks)),))


_FOLDS = {
    "small": {"batch": 2, "length": 8, "channels": 3, "kernel": 3},
    "ResNet stage": {"batch": 4, "length": 28, "channels": 64, "kernel": 3},
}

# --- moving elements ---


def _shuffled(channels_of, **options):
    def draft(batch, length, channels):
        return Draft(options, (Input((batch, channels_of(channels), length, length)),))

    return Work(
        draft,
        {
            "small": {"batch": 2, "length": 8, "channels": 3},
            "super-resolution": {"batch": 8, "length": 56, "channels": 16},
        },
        {"length": 2},
    )


def _flat(batch, length, channels):
    return Draft({}, (Input((batch, channels, length, length)),))


def _unflat(batch, length, channels):
    size = {"dim": 1, "unflattened_size": (channels, length, length)}
    return Draft(size, (Input((batch, math.prod(size["unflattened_size"]))),))


def _patches(batch, length, channels, kernel):
    shape = (channels, 3, kernel, kernel)
    options = {"input_channels": 3, "embed_dim": channels, "patch_size": kernel}
    return Draft(
        {**options, "weight": _ramp(shape), "bias": _ramp((channels,))},
        (Input((batch, 3, length, length)),),
    )


def _ramp(shape):
    return np.linspace(-1, 1, math.prod(shape)).reshape(shape)


# --- by rank ---

for _rank in (1, 2, 3):
    _name = f"{_rank}"
    assign(
        {
            f"Convolution{_rank}D": _convolved(_rank, _CONVOLUTIONS[_rank], padding=1),
            f"TransposedConvolution{_rank}D": _convolved(
                _rank, _TRANSPOSED[_rank], stride=2, padding=1
            ),
            f"MaxPooling{_rank}D": _windows(_rank),
            f"AveragePooling{_rank}D": _windows(_rank),
            f"LPPool{_rank}d": _windows(_rank, norm_type=2.0),
            f"AdaptiveAvgPool{_rank}d": _images(_rank, output_size=5),
            f"AdaptiveMaxPool{_rank}d": _images(_rank, output_size=5),
            f"GlobalAveragePooling{_rank}D": _images(_rank, output_size=1),
            # argmax reads each channel in strides, which with more channels miss the cache.
            f"GlobalMaxPooling{_rank}D": _images(_rank, orders={"channels": 1.25}, output_size=1),
            f"MaxUnpool{_rank}d": _unpooled(_rank),
            f"ConstantPad{_rank}d": _images(_rank, padding=1, value=0.5),
            **{
                f"{kind}Pad{_rank}d": _images(_rank, padding=1)
                for kind in ("Zero", "Reflection", "Replication", "Circular")
            },
            f"BatchNorm{_rank}d": _images(_rank, num_features=lambda channels, **_: channels),
            f"InstanceNorm{_rank}d": _images(_rank, num_features=lambda channels, **_: channels),
            f"Dropout{_rank}d": _images(_rank, p=0.5),
        }
    )

assign(
    {
        "DepthwiseConvolution2D": Work(_depthwise, _MOBILE, _PLANES, _KERNELS),
        "SeparableConvolution2D": Work(_separable, _MOBILE, {**_PLANES, "channels": 2}, _KERNELS),
        "FractionalMaxPool2d": _fractional(2),
        "FractionalMaxPool3d": _fractional(3),
        "Unfold": Work(_unfolded, _FOLDS, _PLANES, _KERNELS),
        "Fold": Work(_folded, _FOLDS, _PLANES, _KERNELS),
        "PixelShuffle": _shuffled(lambda channels: 4 * channels, upscale_factor=2),
        "PixelUnshuffle": _shuffled(lambda channels: channels, downscale_factor=2),
        "ChannelShuffle": _shuffled(lambda channels: 4 * channels, groups=4),
        "Flatten": Work(_flat, _IMAGES, {"length": 2}),
        "Unflatten": Work(_unflat, _IMAGES, {"length": 2}),
        "PatchEmbedding": Work(
            _patches,
            {
                "small": {"batch": 2, "length": 8, "channels": 6, "kernel": 4},
                "ViT": {"batch": 4, "length": 224, "channels": 192, "kernel": 16},
            },
            {"length": 2},
            {"kernel": (8, 14, 16)},
        ),
        "Softmax2d": _images(2),
        "PReLU": _images(2, num_parameters=lambda channels, **_: channels),
        "GroupNorm": _images(
            2,
            num_groups=lambda channels, **_: math.gcd(channels, 8),
            num_channels=lambda channels, **_: channels,
        ),
        "LocalResponseNorm": _images(2, size=5),
        "CrossMapLRN2d": _images(2, size=5),
        "FeatureAlphaDropout": _images(2, p=0.5),
        "Upsample": _images(2, scale_factor=2.0, mode="bilinear"),
        "UpsampleBicubic": _images(2, scale_factor=2.0, mode="bicubic"),
        "UpsamplingNearest2d": _images(2, scale_factor=2.0),
        "UpsamplingBilinear2d": _images(2, scale_factor=2.0),
    }
)
