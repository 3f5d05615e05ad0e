"""The same network in NumPy and in PyTorch, trained step by step beside each other.

Both start from the same weights and see the same batches, each makes its own gradients from its
own parameters. Rounding then grows along the way, in PyTorch against itself no less: the yardstick
is a second PyTorch network that starts one ulp away, and the bound is 32 times its drift so far.
"""

import copy
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import torch

import reference
from parity_tests import catalogue

BOUND = 32


class Data(NamedTuple):
    """Inputs, features last, and their targets: to train with, and held out."""

    inputs: np.ndarray
    targets: np.ndarray
    held_inputs: np.ndarray
    held_targets: np.ndarray


@dataclass(frozen=True)
class Network:
    """A network on both sides, its data, and what differs between the sides.

    `flattened` says where a flattened image enters the dense part: (place in the list of
    parameters, channels, height, width). PyTorch flattens channels first, the reference channels
    last, so that weight's columns are in another order.
    """

    name: str
    ours: Callable[[], reference.Layer]
    theirs: Callable[[], torch.nn.Module]
    data: Callable[[int], Data]  # from a seed
    epochs: int
    steps: int  # batches in an epoch
    optimizers: tuple[str, ...] = ("sgd", "adam")
    to_torch: Callable[[np.ndarray], np.ndarray] = np.asarray  # inputs in PyTorch's layout
    flattened: tuple[int, int, int, int] | None = None
    # The text that a network goes on with, from what gives its logits for tokens.
    generate: Callable[[Callable[[np.ndarray], np.ndarray]], str] | None = None

    def to_reference(self, place: int, param: np.ndarray) -> np.ndarray:
        """A parameter of PyTorch's in the reference's order."""
        if self.flattened is None or place != self.flattened[0]:
            return param
        channels_first = param.reshape(-1, *self.flattened[1:])
        return np.ascontiguousarray(np.moveaxis(channels_first, 1, -1)).reshape(param.shape)


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
    accuracy: float = 0.0  # the share of targets held out that ours finds
    their_accuracy: float = 0.0
    text: str = ""  # what a network that generates goes on with
    their_text: str = ""
    seconds: float = 0.0
    their_seconds: float = 0.0

    @property
    def holds(self) -> bool:
        return self.loss_share <= 1 and self.param_share <= 1 and self.text == self.their_text


class _Torch:
    """A PyTorch network and its optimizer."""

    def __init__(self, network: torch.nn.Module, optimizer: str):
        self.network = network
        self.optimizer = OPTIMIZERS[optimizer](network.parameters())
        self.loss = torch.nn.CrossEntropyLoss()

    def step(self, inputs, targets) -> float:
        self.optimizer.zero_grad()
        # PyTorch wants the classes on axis 1: every target becomes a sample.
        loss = self.loss(self.network(inputs).flatten(0, -2), targets.flatten())
        loss.backward()
        self.optimizer.step()
        return loss.item()

    def logits(self, inputs: np.ndarray) -> np.ndarray:
        with torch.no_grad():
            return self.network(torch.from_numpy(inputs)).numpy()

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

    def step(self, inputs, targets) -> float:
        loss = self.loss.forward(self.network.forward(inputs), targets)
        _, grads = self.network.backward(self.loss.backward()[0])
        self.optimizer.step(self.network.params, grads)
        return float(loss)

    def logits(self, inputs: np.ndarray) -> np.ndarray:
        return self.network.forward(inputs)


def train(
    network: Network, optimizer: str, epochs: int, seed: int = 0, steps: int = 0
) -> Iterator[Outcome]:
    """Train side by side; yields the outcome so far after every step (`steps` > 0: at most)."""
    data = network.data(seed)
    torch.manual_seed(seed)
    theirs = _Torch(network.theirs().double(), optimizer)
    nudged = _Torch(one_ulp_away(theirs.network, seed), optimizer)
    ours = _NumPy(network, theirs)
    outcome = Outcome()
    rng = np.random.default_rng(seed)
    loss_drift = 0.0
    done = 0
    for _ in range(epochs):
        for rows in np.array_split(rng.permutation(len(data.inputs)), network.steps):
            arrays = np.ascontiguousarray(data.inputs[rows]), data.targets[rows]
            tensors = torch.from_numpy(network.to_torch(arrays[0])), torch.from_numpy(arrays[1])
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
    logits = ours.logits, lambda inputs: theirs.logits(network.to_torch(inputs))
    outcome.accuracy, outcome.their_accuracy = (
        float(np.mean(of(data.held_inputs).argmax(-1) == data.held_targets)) for of in logits
    )
    if network.generate is not None:
        outcome.text, outcome.their_text = map(network.generate, logits)
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
