"""The networks that `parity train` trains: two for digits, one for characters."""

import functools

import numpy as np
import torch

import reference
from parity_tests import characters
from parity_tests.architectures import DecoderOnly, Sizes, TorchDecoderOnly
from parity_tests.training import Data, Network

# Digits to train with; the others of the 1797 are held out.
TRAINING = 1500


def _small_ours():
    return reference.Sequential(
        reference.Convolution2D(1, 8, 3, padding=1),
        reference.LeakyReLU(0.01),
        reference.MaxPooling2D(2),
        reference.Convolution2D(8, 16, 3, padding=1),
        reference.LeakyReLU(0.01),
        reference.MaxPooling2D(2),
        reference.Flatten(),
        reference.Linear(64, 10),
    )


def _small_theirs():
    return torch.nn.Sequential(
        torch.nn.Conv2d(1, 8, 3, padding=1),
        torch.nn.LeakyReLU(0.01),
        torch.nn.MaxPool2d(2),
        torch.nn.Conv2d(8, 16, 3, padding=1),
        torch.nn.LeakyReLU(0.01),
        torch.nn.MaxPool2d(2),
        torch.nn.Flatten(),
        torch.nn.Linear(64, 10),
    )


def _lenet5_ours():
    """Section 22.9.1: LeCun, Bottou, Bengio, Haffner (1998)."""
    return reference.Sequential(
        reference.Convolution2D(1, 6, 5),
        reference.Tanh(),
        reference.AveragePooling2D(2),
        reference.Convolution2D(6, 16, 5),
        reference.Tanh(),
        reference.AveragePooling2D(2),
        reference.Flatten(),
        reference.Linear(400, 120),
        reference.Tanh(),
        reference.Linear(120, 84),
        reference.Tanh(),
        reference.Linear(84, 10),
    )


def _lenet5_theirs():
    return torch.nn.Sequential(
        torch.nn.Conv2d(1, 6, 5),
        torch.nn.Tanh(),
        torch.nn.AvgPool2d(2),
        torch.nn.Conv2d(6, 16, 5),
        torch.nn.Tanh(),
        torch.nn.AvgPool2d(2),
        torch.nn.Flatten(),
        torch.nn.Linear(400, 120),
        torch.nn.Tanh(),
        torch.nn.Linear(120, 84),
        torch.nn.Tanh(),
        torch.nn.Linear(84, 10),
    )


def digits(seed: int, magnification: int = 1) -> Data:
    """Scikit-learn's digits of 8 x 8 pixels, shuffled; each pixel is repeated both ways."""
    from sklearn.datasets import load_digits

    bundle = load_digits()
    order = np.random.default_rng(seed).permutation(len(bundle.target))
    images, targets = bundle.images[order][..., np.newaxis] / 16, bundle.target[order]
    images = images.repeat(magnification, axis=1).repeat(magnification, axis=2)
    return Data(images[:TRAINING], targets[:TRAINING], images[TRAINING:], targets[TRAINING:])


def _channels_first(images):
    return np.moveaxis(images, -1, 1)


_OF_CHARACTERS = (
    len(characters.ALPHABET),
    characters.CONTEXT,
    Sizes(d_model=32, nhead=4, dim_feedforward=64, num_layers=2),
)

NETWORKS = {
    network.name: network
    for network in (
        Network(
            "small",
            _small_ours,
            _small_theirs,
            digits,
            epochs=10,
            steps=30,
            to_torch=_channels_first,
            flattened=(4, 16, 2, 2),
        ),
        Network(
            "lenet5",
            _lenet5_ours,
            _lenet5_theirs,
            functools.partial(digits, magnification=4),
            epochs=5,
            steps=30,
            to_torch=_channels_first,
            flattened=(4, 16, 5, 5),
        ),
        Network(
            "characters",
            functools.partial(DecoderOnly, *_OF_CHARACTERS),
            functools.partial(TorchDecoderOnly, *_OF_CHARACTERS),
            characters.windows,
            epochs=16,
            steps=108,
            optimizers=("adam",),
            generate=characters.generate,
        ),
    )
}
