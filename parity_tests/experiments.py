"""The measured sections of chapters 7 and 8: gradients by depth, dead units, activations compared.

NumPy alone, on scikit-learn's digits: what the book claims of its activations, measured.
"""

import time
from collections.abc import Iterator

import numpy as np

import reference
from reference import initializers

SIGMOIDAL = {
    "Sigmoid": reference.Sigmoid,
    "Tanh": reference.Tanh,
    "Softsign": reference.Softsign,
    "HardSigmoid": reference.HardSigmoid,
    "HardTanh": reference.HardTanh,
}
RECTIFYING = {
    "ReLU": reference.ReLU,
    "LeakyReLU": reference.LeakyReLU,
    "PReLU": reference.PReLU,
    "RReLU": reference.RReLU,
    "ELU": reference.ELU,
    "SELU": reference.SELU,
    "NoisyReLU": reference.NoisyReLU,
}
INITIALIZATIONS = {
    "Xavier": lambda shape, rng: initializers.xavier_normal(shape, rng=rng),
    "Kaiming": lambda shape, rng: initializers.kaiming_normal(shape, nonlinearity="relu", rng=rng),
}
DEPTH, WIDTH, PIXELS, CLASSES = 12, 64, 64, 10
SEEDS = (0, 1, 2)


def digits(seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Digits as rows of 64 pixels, centred: 1500 to train with and 297 held out."""
    from sklearn.datasets import load_digits

    bundle = load_digits()
    order = np.random.default_rng(seed).permutation(len(bundle.target))
    pixels = bundle.data[order] / 8 - 1
    targets = bundle.target[order]
    return pixels[:1500], targets[:1500], pixels[1500:], targets[1500:]


def network(activation: type, depth: int, initialize, rng) -> reference.Sequential:
    """Dense layers of one width with an activation after each but the last."""
    layers = []
    for inputs in (PIXELS, *[WIDTH] * (depth - 1)):
        layers += [_dense(inputs, WIDTH, initialize, rng), activation()]
    for layer in layers:
        if hasattr(layer, "rng"):
            layer.rng = rng
    return reference.Sequential(*layers, _dense(WIDTH, CLASSES, initialize, rng))


def _dense(inputs, outputs, initialize, rng):
    layer = reference.Linear(inputs, outputs, rng=rng)
    layer.params = [initialize((outputs, inputs), rng), np.zeros(outputs)]
    return layer


def gradient_norms(activation: type, initialize, seed: int = 0) -> list[float]:
    """Sections 7.9 and 8.6: the norm of the loss's gradient at each layer's weights, by depth."""
    pixels, targets, *_ = digits(seed)
    net = network(activation, DEPTH, initialize, np.random.default_rng(seed))
    loss = reference.CrossEntropyLoss()
    loss.forward(net.forward(pixels[:256]), targets[:256])
    _, grads = net.backward(loss.backward()[0])
    matrices = [grad for grad in grads if grad.ndim == 2]
    return [float(np.linalg.norm(grad)) for grad in matrices]


def dead_units(rate: float, epochs: int = 5, seed: int = 0) -> Iterator[float]:
    """Section 8.3: after each epoch, the share of ReLU units that no training digit activates."""
    pixels, targets, *_ = digits(seed)
    rng = np.random.default_rng(seed)
    net = network(reference.ReLU, 3, INITIALIZATIONS["Kaiming"], rng)
    for _ in _epochs(net, pixels, targets, rate, epochs, rng):
        yield _dead_share(net, pixels)


def _dead_share(net, pixels) -> float:
    silent = []
    for layer in net.layers:
        pixels = layer.forward(pixels)
        if isinstance(layer, reference.ReLU):
            silent.append(~(pixels > 0).any(axis=0))
    return float(np.mean(np.concatenate(silent)))


def _epochs(net, pixels, targets, rate, epochs, rng) -> Iterator[tuple[float, float]]:
    """Train with SGD and momentum; after each epoch, the mean loss and the seconds per step."""
    loss, optimizer = reference.CrossEntropyLoss(), reference.SGD(rate, momentum=0.9)
    for _ in range(epochs):
        losses = []
        start = time.perf_counter()
        for rows in np.array_split(rng.permutation(len(targets)), 30):
            # A rate that is too large overflows: the point of the experiment, and its outcome.
            with np.errstate(over="ignore", invalid="ignore"):
                losses.append(loss.forward(net.forward(pixels[rows]), targets[rows]))
                _, grads = net.backward(loss.backward()[0])
                optimizer.step(net.params, grads)
        yield float(np.mean(losses)), (time.perf_counter() - start) / 30


def contest(activation: type, seed: int, epochs: int = 15) -> dict[str, float]:
    """Sections 7.10 and 8.7: the same network with one activation: time, loss, accuracy."""
    pixels, targets, held, held_targets = digits(seed)
    rng = np.random.default_rng(seed)
    net = network(activation, 3, INITIALIZATIONS["Xavier"], rng)
    *_, (loss, seconds) = _epochs(net, pixels, targets, 0.05, epochs, rng)
    net.training = False
    right = net.forward(held).argmax(-1) == held_targets
    return {"ms per step": 1e3 * seconds, "loss": loss, "accuracy": float(np.mean(right))}
