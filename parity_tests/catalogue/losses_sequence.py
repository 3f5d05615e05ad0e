"""Rows: losses of a sequence of labels whose places are not known."""

import numpy as np
import torch
from hypothesis import strategies as st

import reference
from parity_tests.adapter import Adapter
from parity_tests.catalogue._row import Row, register
from parity_tests.catalogue.losses import REDUCTIONS, plain, refused
from parity_tests.oracle import AsIs
from parity_tests.strategies import Draft, Input, sizes


def _sequences(draw):
    time, classes = draw(sizes(1, 6)), draw(sizes(1, 4))
    batch = draw(st.sampled_from([None, 1, 2, 3]))
    count = 1 if batch is None else batch
    counts = [draw(sizes(0, 3)) for _ in range(count)]
    lengths = [draw(st.sampled_from([time, time, draw(sizes(0, time)), 0])) for _ in range(count)]
    labels = {"low": 0, "high": classes}
    padded = draw(st.booleans())
    shape = (count, max(counts) + draw(sizes(0, 1))) if padded else (sum(counts),)
    options = {
        "blank": draw(sizes(0, classes - 1)),
        "reduction": draw(REDUCTIONS),
        "zero_infinity": draw(st.booleans()),
    }
    axes = (time, classes) if batch is None else (time, count, classes)
    log_probs = Input(axes, draw(st.sampled_from(["log_probabilities", "nonpositive"])))
    given = draw(st.sampled_from(["array", "tuple"]))
    if given == "tuple":
        places = (tuple(lengths), tuple(counts))
    else:
        single = () if batch is None and draw(st.booleans()) else (count,)
        places = [Input(single, "given", {"array": array}) for array in (lengths, counts)]
    return Draft(options, (log_probs, Input(shape, "integers", labels), *places))


class _FramesFirst(AsIs):
    """PyTorch has (time, batch, classes), or (time, classes) on both sides."""

    def to_reference(self, module, array, unbatched):
        return np.swapaxes(array, 0, 1) if array.ndim == 3 else array

    to_torch = to_reference


class _Sequences(Adapter):
    """CTCLoss: lengths as tuples, labels of one sequence alone, and PyTorch's gradient."""

    def forward(self, log_probs, targets, input_lengths, target_lengths):
        batch = log_probs.shape[1:-1]
        lengths = [np.reshape(given, batch) for given in (input_lengths, target_lengths)]
        if not batch:
            count = lengths[1] if targets.ndim == 2 else targets.size
            targets = targets.reshape(-1)[:count]
        output = super().forward(log_probs, targets, *lengths)
        self.given = log_probs, targets, input_lengths, target_lengths
        return output

    def backward(self, *grad_outputs):
        (grad, *_), grad_params = super().backward(*grad_outputs)
        if self.corrected:
            grad = grad + self.departure(*grad_outputs)
            is_noise, noise = self.rounding(*grad_outputs)
            grad = np.where(is_noise, noise, grad)
        places = [
            (None,) * len(part) if isinstance(part, tuple) else None for part in self.given[1:]
        ]
        return (grad, *places), grad_params

    def departure(self, grad_output):
        """What PyTorch adds to the gradient of each log-probability.

        The probability itself, as if a log-softmax had come before; NaN where that is 0, or where
        a NaN lies on a path that leads to no end; and in the last frame the share of the last
        blank, which it overwrites where the last label is a blank too.
        """
        layer, log_probs = self.layer, self.given[0]
        frames = _FramesFirst().to_reference(self.module, log_probs, False)
        frames = frames.reshape(-1, *frames.shape[-2:])
        time = frames.shape[1]
        pull = np.reshape(layer.spread(grad_output, layer.losses), (-1, 1, 1))
        with np.errstate(over="ignore", invalid="ignore"):
            added = np.exp(frames)
            added = np.where(np.isneginf(frames), added.dtype.type(np.nan), added)
            for row, (length, count) in enumerate(
                zip(layer.lengths, layer.counts.reshape(-1), strict=True)
            ):
                if length and count and layer.labels[row, 2 * count - 1] == layer.blank:
                    last = layer.alphas[length, row, 2 * count] - layer.log_total[row]
                    added[row, length - 1, layer.blank] += np.exp(last)
                added[row][self._on_lost_paths(row, length, 2 * count + 1)] = np.nan
            within = (np.arange(time) < layer.lengths[:, None])[..., None]
            if layer.zero_infinity:
                within = within & ~np.isneginf(layer.log_total)[:, None, None]
            added = np.where(within, pull * added, 0)
        shape = layer.shape
        return _FramesFirst().to_torch(self.module, added.reshape(shape), False)

    def rounding(self, grad_output):
        """Where PyTorch's share of an entry is e to the rounding of huge logarithms, and what its
        gradient then is: it adds alpha, beta and l, and takes log p away, all of which cancel."""
        layer, log_probs = self.layer, self.given[0]
        frames = _FramesFirst().to_reference(self.module, log_probs, False)
        frames = frames.reshape(-1, *frames.shape[-2:])  # (batch, time, classes)
        pull = np.reshape(layer.spread(grad_output, layer.losses), (-1, 1, 1))
        with np.errstate(all="ignore"):
            through = layer.alphas[1:] + (layer.sweep_back() + layer.emissions)
            at_class = np.full_like(frames, -np.inf)
            for row, labels in enumerate(layer.labels[:, : 2 * layer.counts.max(initial=0) + 1]):
                for state, label in enumerate(labels[: 2 * layer.counts.reshape(-1)[row] + 1]):
                    met = at_class[row, :, label], through[:, row, state]
                    at_class[row, :, label] = np.logaddexp(*met)
            total = layer.log_total[:, None, None]
            largest = np.maximum(np.abs(at_class), np.abs(total))
            is_noise = np.isfinite(largest) & (np.finfo(frames.dtype).eps * largest > 2.0**-6)
            is_noise &= (np.arange(frames.shape[1]) < layer.lengths[:, None])[..., None]
            grad = pull * (np.exp(frames) - np.exp(at_class - total - frames))
        return tuple(
            _FramesFirst().to_torch(self.module, part.reshape(layer.shape), False)
            for part in (is_noise, grad)
        )

    def _on_lost_paths(self, row, length, states):
        """Where a NaN comes before or after, (time, classes), be it on a path to no end.

        In a sequence's last frame PyTorch looks at the states alone that may end.
        """
        layer = self.layer
        skips = np.append(layer.skips[row], [False, False])[:states]
        emissions, alphas = (a[:, row, :states] for a in (layer.emissions, layer.alphas[1:]))
        found = np.zeros((len(emissions), layer.shape[-1]), bool)
        after = np.zeros(states, bool)
        for frame in reversed(range(length)):
            following = np.append(after, [False, False])
            after = after | following[1:-1] | (skips & following[2:]) | np.isnan(emissions[frame])
            seen = after | np.isnan(alphas[frame])
            if frame + 1 == length:
                after, seen = (part & layer.is_last[row, :states] for part in (after, seen))
            found[frame, layer.labels[row, :states][seen]] = True
        return found


def _path(module, log_probs, grad_output):
    """The magnitude of the logarithms that are added up along a path, times the gradient of its
    probability, which is at most that of the loss."""
    finite = np.nan_to_num(log_probs.astype(np.float64), posinf=0, neginf=0)
    sums = np.abs(finite).max(axis=-1).sum(axis=0)
    size = np.abs(grad_output) * np.maximum(sums, 1)  # (batch,) or ()
    return size[..., None] / (np.size(sums) if module.reduction == "mean" else 1)


def _sequence(message, error=ValueError, **changes):
    arguments = {
        "log_probs": np.zeros((2, 5, 3)),
        "targets": np.array([[1, 2], [1, 0]]),
        "input_lengths": np.array([5, 5]),
        "target_lengths": np.array([2, 1]),
    }
    return refused(error, message, lambda: reference.CTCLoss().forward(**{**arguments, **changes}))


_NO_LABELS = np.zeros(0, np.int64)

register(
    Row(
        reference.CTCLoss,
        torch.nn.CTCLoss,
        plain(reference.CTCLoss, "blank", "zero_infinity"),
        _sequences,
        "composite",
        inputs=(_FramesFirst(),),
        adapter=_Sequences,
        contiguous=True,
        floor={"grad_input": _path},
        literals=(
            # No sequences, which PyTorch refuses.
            (
                {"reduction": "sum"},
                (np.zeros((0, 5, 3)), _NO_LABELS[:, None], _NO_LABELS, _NO_LABELS),
                0.0,
            ),
        ),
        unreached={"axis of 0": "PyTorch refuses empty log-probabilities"},
        refusals=(
            _sequence("targets must hold integers", TypeError, targets=np.ones((2, 2))),
            _sequence(r"targets must lie in \[0, 3\); got 3", targets=np.array([[1, 3], [1, 0]])),
            _sequence(r"targets must have shape \(3,\)", targets=np.array([1, 2])),
            _sequence(r"targets must have shape \(2, 2\)", targets=np.array([[1, 2]])),
            _sequence("targets must have 1 or 2 axes", targets=np.array(1)),
            _sequence(r"input_lengths must lie in \[0, 5\]", input_lengths=np.array([6, 5])),
            _sequence(r"target_lengths must lie in \[0, 2\]", target_lengths=np.array([3, 1])),
            _sequence(r"target_lengths must have shape \(2,\)", target_lengths=np.array([1])),
            _sequence("log_probs must have 2 or 3 axes", log_probs=np.zeros(3)),
            refused(ValueError, "blank must be at least 0", lambda: reference.CTCLoss(blank=-1)),
            refused(
                ValueError,
                "blank must be below classes=3",
                lambda: reference.CTCLoss(blank=3).forward(
                    np.zeros((5, 3)), np.array([1]), np.array(5), np.array(1)
                ),
            ),
        ),
        departure=(
            "The gradient of the log-probabilities has e^lp added to it, as if a log-softmax had "
            "come before; it is NaN where that is 0, or where a NaN lies on a path to no end, and "
            "e to the rounding of huge logarithms."
        ),
    ),
)
