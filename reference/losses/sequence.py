"""Losses of a sequence of labels whose places are not known."""

import numpy as np

from reference import _checks, _numeric
from reference._base import Loss


def log_sum(terms):
    """The logarithm of the sum of e^term over the first axis; faster than np.logaddexp."""
    # At least the lowest number, so that -inf alone gives -inf.
    largest = np.maximum(terms.max(axis=0), np.finfo(terms.dtype).min)
    return largest + np.log(np.exp(terms - largest).sum(axis=0))


def _unless_lost(betas, others):
    """The sum: a state that leads to no end has no weight, not even where the other is NaN."""
    return np.where(betas == -np.inf, betas, betas + others)


class CTCLoss(Loss):
    """Connectionist temporal classification: the probability of a text, however it is aligned.

    Formula: l = -log sum_a prod_t p_t(a_t), over all alignments a that give the labels once
        repeated entries are merged and blanks then left out; "mean" divides each l by the number
        of its labels (at least 1), then averages. By dynamic programming over the labels with
        blanks around each: alpha_t(s) = p_t(label s) (alpha_(t-1)(s) + alpha_(t-1)(s - 1) +
        alpha_(t-1)(s - 2) if label s differs from label s - 2)
    Derivative: dl/dlog p_t(c) = -q_t(c), with q_t(c) the probability that an alignment of the
        labels is at c in frame t: the sum over the states s of label c of alpha_t(s) beta_t(s)
        divided by e^-l; 0 beyond the sequence's length.
    Shapes: log p (batch, time, classes), labels (batch, at least the longest) or one after another
        (sum of their lengths,), both lengths (batch,); or (time, classes), (labels,), () and ();
        the losses (batch,) or ().
    Dtypes: float32 and float64; the loss has that of log p.
    Errors: TypeError for log-probabilities that are not floating, labels or lengths that are not
        integers; ValueError for a label, blank or length out of range or another shape;
        RuntimeError for backward before forward.
    Book: not in the book.
    Paper: Graves, Fernandez, Gomez, Schmidhuber (2006), Connectionist temporal classification,
        ICML, DOI 10.1145/1143844.1143891.
    PyTorch: torch.nn.CTCLoss, which has time before batch, and whose gradient is p_t(c) - q_t(c):
        that of the logits below a log-softmax, not of log p; of logarithms so large that they
        round by more than 1, its q is e to their rounding. No other difference: labels that fit
        into no alignment have the loss inf and the gradient NaN, or 0 and 0 for zero_infinity.
    """

    non_floating = ("targets", "input_lengths", "target_lengths")

    def __init__(self, blank=0, reduction="mean", zero_infinity=False):
        super().__init__(reduction)
        self.blank = _checks.check_integer(self, minimum=0, blank=blank)
        self.zero_infinity = _checks.check_flag(self, zero_infinity=zero_infinity)

    def forward(self, log_probs, targets, input_lengths, target_lengths):
        self.check(log_probs, targets, input_lengths, target_lengths)
        labels = self.pad(targets, np.reshape(target_lengths, -1))
        _checks.check_indices(self, log_probs.shape[-1], targets=labels)
        self.shape = log_probs.shape
        self.lengths = np.reshape(input_lengths, -1)
        self.counts = target_lengths
        self.place(log_probs.reshape(-1, *log_probs.shape[-2:]), labels)
        # The logarithm of 0 is meant, sums beyond the lowest number are one too, and infinities
        # that meet give NaN, as in PyTorch.
        with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
            self.alphas = self.sweep()
            last = self.alphas[self.lengths, np.arange(len(labels))]  # (batch, states)
            self.log_total = log_sum(np.where(self.is_last, last, -np.inf).T)
        losses = -self.log_total.reshape(self.shape[:-2])
        self.losses = np.where(np.isposinf(losses), 0, losses) if self.zero_infinity else losses
        return self.reduce(self.losses)

    def check(self, log_probs, targets, input_lengths, target_lengths):
        _checks.check_rank(self, (2, 3), "(batch, time, classes)", log_probs=log_probs)
        batch, (time, classes) = log_probs.shape[:-2], log_probs.shape[-2:]
        _checks.check_below(self, ("classes", classes), method="forward", blank=self.blank)
        _checks.check_counts(self, batch, time, input_lengths=input_lengths)
        _checks.check_integers(self, targets=targets)
        _checks.check_rank(self, (1, 2), "(batch, labels) or (labels,)", targets=targets)
        _checks.check_counts(self, batch, targets.shape[-1], target_lengths=target_lengths)
        if targets.ndim == 1:
            _checks.check_shape(self, (int(np.sum(target_lengths)),), targets=targets)
        else:
            _checks.check_shape(self, (np.size(target_lengths), targets.shape[-1]), targets=targets)

    def pad(self, targets, lengths):
        """The labels of each sequence, filled up with blanks."""
        used = np.arange(lengths.max(initial=0)) < lengths[:, None]  # (batch, labels)
        labels = np.full(used.shape, self.blank)
        labels[used] = targets if targets.ndim == 1 else targets[:, : used.shape[1]][used]
        return labels

    def place(self, log_probs, labels):
        """Set the states, labels with blanks around each, and what every frame says of them."""
        lengths = self.counts.reshape(-1, 1)
        self.labels = np.full((len(labels), 2 * labels.shape[1] + 1), self.blank)
        self.labels[:, 1::2] = labels  # (batch, states)
        self.skips = self.labels[:, 2:] != self.labels[:, :-2]
        states = np.arange(self.labels.shape[1])
        self.is_last = (states == 2 * lengths) | (states == 2 * lengths - 1)
        emissions = np.take_along_axis(log_probs, self.labels[:, None], axis=-1)
        self.emissions = np.moveaxis(emissions, 1, 0)  # (time, batch, states)

    def sweep(self):
        """The logarithms of alpha: before the first frame, all in one state, and after each."""
        time, batch, states = self.emissions.shape
        alphas = np.full((time + 1, batch, states), -np.inf, self.emissions.dtype)
        alphas[0, :, 0] = 0
        alphas[1:2, :, :2] = self.emissions[:1, :, :2]
        terms = np.full((3, batch, states), -np.inf, self.emissions.dtype)
        for frame in range(1, time):
            before = alphas[frame]
            terms[0] = before
            terms[1, :, 1:] = before[:, :-1]
            np.copyto(terms[2, :, 2:], before[:, :-2], where=self.skips)
            alphas[frame + 1] = log_sum(terms) + self.emissions[frame]
        return alphas

    def sweep_back(self):
        """The logarithms of beta after each frame: of all that can follow."""
        betas = np.empty_like(self.emissions)
        terms = np.full((3, *betas.shape[1:]), -np.inf, betas.dtype)
        end = np.log(self.is_last)  # 0 where an alignment may end, -inf elsewhere
        for frame in reversed(range(len(betas))):
            betas[frame] = log_sum(terms)
            ends = self.lengths == frame + 1
            betas[frame, ends] = end[ends]
            after = _unless_lost(betas[frame], self.emissions[frame])
            terms[0] = after
            terms[1, :, :-1] = after[:, 1:]
            np.copyto(terms[2, :, :-2], after[:, 2:], where=self.skips)
        return betas

    def backward(self, grad_output=1.0):
        time, _, _ = self.emissions.shape
        classes = self.shape[-1]
        # The logarithm of 0 is meant; a total of 0, and NaN, make it NaN, as in PyTorch.
        with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
            # Each frame's total is e^-l; to divide by its own rounds less.
            betas = self.sweep_back()
            of_states = _numeric.softmax(_unless_lost(betas, self.alphas[1:]))
            of_class = self.labels[..., None] == np.arange(classes)  # (batch, states, classes)
            posterior = np.moveaxis(of_states, 0, 1) @ of_class
        # A total that is NaN, be it by a path to no end, leaves no share a number.
        total = self.log_total[:, None, None]
        posterior = np.where(np.isnan(total), total, posterior)
        within = np.arange(time) < self.lengths[:, None]
        if self.zero_infinity:
            within &= ~np.isneginf(self.log_total)[:, None]
        pull = self.spread(grad_output, self.losses).reshape(-1, 1, 1)
        return np.where(within[..., None], -pull * posterior, 0).reshape(self.shape), None

    def reduce(self, losses):
        return super().reduce(losses / self.per_label() if self.reduction == "mean" else losses)

    def spread(self, grad_output, losses):
        grad_losses = super().spread(grad_output, losses)
        return grad_losses / self.per_label() if self.reduction == "mean" else grad_losses

    def per_label(self):
        return np.maximum(self.counts, 1).astype(self.losses.dtype)
