"""The same network in NumPy and in PyTorch, trained step by step beside each other.

Both start from the same weights and see the same batches, each makes its own gradients from its
own parameters. Rounding then grows along the way, in PyTorch against itself no less: the yardstick
is a second PyTorch network that starts one ulp away, and the bound is 32 times its drift so far.
"""

import copy
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np
import torch

import reference
from parity_tests import catalogue

BOUND = 32
# Digits to train with, and batches of 50 of them in an epoch; the rest is held out.
TRAINING, STEPS = 1500, 30


@dataclass(frozen=True)
class Network:
    """A network on both sides, and where a flattened image enters its dense part.

    `flattened` is (place in the list of parameters, channels, height, width): PyTorch flattens
    channels first, the reference channels last, so that weight's columns are in another order.
    """

    name: str
    ours: Callable[[], reference.Sequential]
    theirs: Callable[[], torch.nn.Sequential]
    images: Callable[[np.ndarray], np.ndarray]  # digits (n, 8, 8) to (n, height, width, 1)
    epochs: int
    flattened: tuple[int, int, int, int] | None = None

    def to_reference(self, place: int, param: np.ndarray) -> np.ndarray:
        """A parameter of PyTorch's in the reference's order."""
        if self.flattened is None or place != self.flattened[0]:
            return param
        channels_first = param.reshape(-1, *self.flattened[1:])
        return np.ascontiguousarray(np.moveaxis(channels_first, 1, -1)).reshape(param.shape)


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


def _enlarged(digits):
    """Digits of 8 x 8 pixels as 32 x 32, each pixel repeated."""
    return digits.repeat(4, axis=1).repeat(4, axis=2)[..., None] / 16


NETWORKS = {
    "small": Network(
        "small",
        _small_ours,
        _small_theirs,
        lambda digits: digits[..., None] / 16,
        epochs=10,
        flattened=(4, 16, 2, 2),
    ),
    "lenet5": Network(
        "lenet5", _lenet5_ours, _lenet5_theirs, _enlarged, epochs=5, flattened=(4, 16, 5, 5)
    ),
}

OPTIMIZERS = {
    "sgd": lambda params: torch.optim.SGD(params, lr=0.1, momentum=0.9),
    "adam": lambda params: torch.optim.Adam(params, lr=0.002),
}


@dataclass
class Outcome:
    """What a side-by-side training measured."""

    losses: list[float] = field(default_factory=list)
    loss_share: float = 0.0  # the largest difference of losses, as a share of its bound
    param_share: float = 0.0  # the same of the parameters, at the end of each epoch
    drift: float = 0.0  # the largest difference of a parameter from PyTorch's
    yardstick: float = 0.0  # the same of PyTorch started one ulp away
    accuracy: float = 0.0  # ours, on digits held out
    their_accuracy: float = 0.0
    seconds: float = 0.0
    their_seconds: float = 0.0

    @property
    def holds(self) -> bool:
        return self.loss_share <= 1 and self.param_share <= 1


class _Torch:
    """A PyTorch network and its optimizer."""

    def __init__(self, network: torch.nn.Module, optimizer: str):
        self.network = network
        self.optimizer = OPTIMIZERS[optimizer](network.parameters())
        self.loss = torch.nn.CrossEntropyLoss()

    def step(self, images, targets) -> float:
        self.optimizer.zero_grad()
        loss = self.loss(self.network(images), targets)
        loss.backward()
        self.optimizer.step()
        return loss.item()

    def accuracy(self, images, targets) -> float:
        with torch.no_grad():
            return (self.network(images).argmax(1) == targets).double().mean().item()

    def params(self) -> list[np.ndarray]:
        return [p.detach().numpy() for p in self.network.parameters()]


class _NumPy:
    """The reference's network with the same weights, and its optimizer."""

    def __init__(self, network: Network, twin: _Torch):
        self.network = network.ours()
        for place, (own, theirs) in enumerate(zip(self.network.params, twin.params(), strict=True)):
            own[...] = network.to_reference(place, theirs)
        self.optimizer = catalogue.row_of(twin.optimizer).mirror(twin.optimizer)
        self.loss = reference.CrossEntropyLoss()

    def step(self, images, targets) -> float:
        loss = self.loss.forward(self.network.forward(images), targets)
        _, grads = self.network.backward(self.loss.backward()[0])
        self.optimizer.step(self.network.params, grads)
        return float(loss)

    def accuracy(self, images, targets) -> float:
        return float(np.mean(self.network.forward(images).argmax(-1) == targets))


def digits(network: Network, seed: int) -> tuple[np.ndarray, ...]:
    """Scikit-learn's digits, shuffled: 1500 to train with and 297 held out."""
    from sklearn.datasets import load_digits

    bundle = load_digits()
    order = np.random.default_rng(seed).permutation(len(bundle.target))
    images, targets = network.images(bundle.images[order]), bundle.target[order]
    return (images[:TRAINING], targets[:TRAINING], images[TRAINING:], targets[TRAINING:])


def train(
    network: Network, optimizer: str, epochs: int, seed: int = 0, steps: int = 0
) -> Iterator[Outcome]:
    """Train side by side; yields the outcome so far after every step (`steps` > 0: at most)."""
    images, targets, held_images, held_targets = digits(network, seed)
    torch.manual_seed(seed)
    theirs = _Torch(network.theirs().double(), optimizer)
    nudged = _Torch(one_ulp_away(theirs.network, seed), optimizer)
    ours = _NumPy(network, theirs)
    outcome = Outcome()
    rng = np.random.default_rng(seed)
    loss_drift = 0.0
    done = 0
    for _ in range(epochs):
        for rows in np.array_split(rng.permutation(TRAINING), STEPS):
            arrays = np.ascontiguousarray(images[rows]), targets[rows]
            tensors = torch.from_numpy(np.moveaxis(arrays[0], -1, 1)), torch.from_numpy(arrays[1])
            start = time.perf_counter()
            our_loss = ours.step(*arrays)
            middle = time.perf_counter()
            their_loss = theirs.step(*tensors)
            outcome.seconds += middle - start
            outcome.their_seconds += time.perf_counter() - middle
            loss_drift = max(loss_drift, abs(nudged.step(*tensors) - their_loss))
            # Before the first step only the loss's own rounding tells the networks apart.
            bound = BOUND * max(loss_drift, np.spacing(their_loss))
            outcome.losses.append(our_loss)
            outcome.loss_share = max(outcome.loss_share, abs(our_loss - their_loss) / bound)
            done += 1
            if done == steps:
                break
            yield outcome
        _compare_params(network, ours, theirs, nudged, outcome)
        if done == steps:
            break
    outcome.accuracy = ours.accuracy(held_images, held_targets)
    held = torch.from_numpy(np.moveaxis(held_images, -1, 1)), torch.from_numpy(held_targets)
    outcome.their_accuracy = theirs.accuracy(*held)
    yield outcome


def one_ulp_away(network: torch.nn.Module, seed: int) -> torch.nn.Module:
    """A copy with every parameter moved to a neighbouring number."""
    rng = np.random.default_rng(seed)
    copied = copy.deepcopy(network)
    with torch.no_grad():
        for param in copied.parameters():
            toward = rng.choice([-np.inf, np.inf], tuple(param.shape)).astype(param.numpy().dtype)
            param.copy_(torch.from_numpy(np.nextafter(param.numpy(), toward)))
    return copied


def _compare_params(network, ours, theirs, nudged, outcome):
    """Every parameter, at the end of an epoch."""
    pairs = zip(ours.network.params, theirs.params(), nudged.params(), strict=True)
    for place, (own, right, beside) in enumerate(pairs):
        outcome.yardstick = max(outcome.yardstick, np.abs(beside - right).max())
        distance = np.abs(own - network.to_reference(place, right)).max()
        outcome.drift = max(outcome.drift, distance)
    outcome.param_share = max(outcome.param_share, outcome.drift / (BOUND * outcome.yardstick))
