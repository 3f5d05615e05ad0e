"""Normalization by mean and deviation (section 25.3), root mean square, or length."""

import math

import numpy as np

from reference import _checks, _numeric
from reference._base import Layer


class _ChannelNorm(Layer):
    """Normalization of (batch, ..., channels), with an affine map of each channel.

    A subclass writes `pool`: from means over the positions of each sample and channel it takes
    those of the sets of elements that share a mean and a deviation.
    """

    def __init__(self, num_channels, eps, affine, bias):
        super().__init__()
        self.num_channels = num_channels
        self.eps = eps
        self.affine = _checks.check_flag(self, affine=affine)
        self.bias = _checks.check_flag(self, bias=bias)
        if affine:
            self.params = [np.ones(num_channels), np.zeros(num_channels)][: 1 + bias]

    @property
    def weights(self):
        return self.params[0] if self.affine else 1

    def pool(self, means):
        """From (batch, channels) to the same or (1, channels)."""
        raise NotImplementedError(f"{type(self).__name__} does not define pool")

    def as_cells(self, input_data):
        """A view (batch, positions, channels)."""
        _checks.check_least_rank(self, 2, "(batch, ..., channels)", input_data=input_data)
        if self.params or self.buffers:
            _checks.check_last_axis(self, self.num_channels, "channels", input_data=input_data)
        batch, *sizes, channels = input_data.shape
        return input_data.reshape(batch, math.prod(sizes), channels)

    def normalize(self, cells):
        """Keep the cells with mean 0 and variance 1; returns the mean and variance they had."""
        count = max(cells.shape[1], 1)
        mean = self.pool(_numeric.einsum("bpc->bc", cells) / count)
        self.normalized = cells - mean[:, np.newaxis]
        # What the rounding of the mean has left in: much, where the mean exceeds the deviation.
        rest = self.pool(_numeric.einsum("bpc->bc", self.normalized) / count)
        self.normalized -= rest[:, np.newaxis]
        squares = _numeric.einsum("bpc,bpc->bc", self.normalized, self.normalized)
        variance = self.pool(squares / count)
        self.inverse = self.invert(np.sqrt(variance + self.eps))
        self.normalized *= self.inverse[:, np.newaxis]
        self.fixed = False
        return mean, variance

    def invert(self, deviation):
        return 1 / deviation

    def normalize_by(self, cells, mean, variance):
        """Keep the cells less a given mean, divided by a given deviation."""
        self.inverse = 1 / np.sqrt(variance + self.eps)[np.newaxis]
        self.normalized = (cells - mean) * self.inverse
        self.fixed = True

    def scaled(self, shape):
        """The output: each channel times its weight, plus its bias."""
        output = self.normalized * self.weights
        if len(self.params) == 2:
            output += self.params[1]
        return output.reshape(shape)

    def backward(self, grad_output):
        grad = grad_output.reshape(self.normalized.shape)
        grad_bias = _numeric.einsum("bpc->bc", grad)
        grad_weights = _numeric.einsum("bpc,bpc->bc", grad, self.normalized)
        grad_params = [grad_weights.sum(axis=0), grad_bias.sum(axis=0)][: len(self.params)]
        grad_input = grad * (self.inverse * self.weights)[:, np.newaxis]
        if not self.fixed:
            # The mean and the deviation move with the input too.
            count = max(grad.shape[1], 1)
            along_normalized = self.inverse * self.pool(self.weights * grad_weights / count)
            along_mean = self.inverse * self.pool(self.weights * grad_bias / count)
            grad_input -= self.normalized * along_normalized[:, np.newaxis]
            grad_input -= along_mean[:, np.newaxis]
        return grad_input.reshape(grad_output.shape), grad_params


class _TrackingNorm(_ChannelNorm):
    """What BatchNorm and InstanceNorm share: running statistics, used in evaluation."""

    least_features = 0

    def __init__(self, num_features, eps, momentum, affine, track_running_stats, bias):
        _checks.check_integer(self, minimum=self.least_features, num_features=num_features)
        super().__init__(num_features, eps, affine, bias)
        self.momentum = None if momentum is None else _checks.check_number(self, momentum=momentum)
        if _checks.check_flag(self, track_running_stats=track_running_stats):
            self.buffers = [np.zeros(num_features), np.ones(num_features), np.array(0)]

    @property
    def running_mean(self):
        return self.buffers[0] if self.buffers else None

    @property
    def running_var(self):
        return self.buffers[1] if self.buffers else None

    @property
    def num_batches_tracked(self):
        return self.buffers[2] if self.buffers else None

    def track(self, mean, variance, count, factor):
        """Move the running statistics towards those of the batch, of `count` values each."""
        if count > 1:
            unbiased = variance * (count / (count - 1))
            self.running_mean[...] = (1 - factor) * self.running_mean + factor * mean
            self.running_var[...] = (1 - factor) * self.running_var + factor * unbiased


class BatchNorm(_TrackingNorm):
    """Normalizes each channel over the batch and all positions, then scales and shifts it.

    Formula: y = (x - m) / sqrt(v + eps) w + b, with m and v the mean and the (biased) variance of
        the channel's n values in training, or without running statistics; the running ones in
        evaluation. In training running_mean <- (1 - f) running_mean + f m and
        running_var <- (1 - f) running_var + f v n / (n - 1), with f = momentum, or
        1 / (number of batches) if momentum is None.
    Derivative: with z = (x - m) / sqrt(v + eps): dL/dx = w / sqrt(v + eps) (g - mean(g)
        - z mean(g z)), where the means, over the channel, are left out in evaluation with running
        statistics; dL/dw = sum of g z; dL/db = sum of g.
    Shapes: x (batch, ..., num_features), with any number of axes between; w, b and the
        statistics (num_features,); the output has the input's.
    Dtypes: float32 and float64; the output has the promotion of the input's and the weights'.
    Errors: TypeError for an array that is not floating; ValueError for an input of fewer than two
        axes, another number of channels where there are weights or statistics, a single value
        for each channel in training, an eps that is not positive or an upstream gradient of
        another shape; RuntimeError for backward before forward.
    Book: section 25.3.2.
    Paper: Ioffe, Szegedy (2015), Batch normalization: accelerating deep network training by
        reducing internal covariate shift, ICML.
    PyTorch: torch.nn.BatchNorm1d, BatchNorm2d and BatchNorm3d in one class. No difference, but
        for the mean, which is taken twice: PyTorch's loses digits where the mean exceeds the
        deviation. The paper's running variance is unbiased too.
    """

    least_features = 1

    def __init__(
        self,
        num_features,
        eps=1e-05,
        momentum=0.1,
        affine=True,
        track_running_stats=True,
        bias=True,
    ):
        eps = _checks.check_positive(self, eps=eps)
        super().__init__(num_features, eps, momentum, affine, track_running_stats, bias)

    def pool(self, means):
        return means.sum(axis=0, keepdims=True) / max(len(means), 1)

    def forward(self, input_data):
        cells = self.as_cells(input_data)
        count = cells.shape[0] * cells.shape[1]
        if not self.training and self.buffers:
            self.normalize_by(cells, self.running_mean, self.running_var)
            return self.scaled(input_data.shape)
        _checks.check_several_values(self, count, input_data=input_data)
        mean, variance = self.normalize(cells)
        if self.buffers:
            self.num_batches_tracked[...] += 1
            batches = self.num_batches_tracked.item()
            factor = 1 / batches if self.momentum is None else self.momentum
            self.track(mean[0], variance[0], count, factor)
        return self.scaled(input_data.shape)


class InstanceNorm(_TrackingNorm):
    """Normalizes each channel of each sample over its positions.

    Formula: y = (x - m) / sqrt(v + eps) w + b, with m and v the mean and the (biased) variance of
        the n positions of one sample and channel in training, or without running statistics; the
        running ones in evaluation. In training running_mean <- (1 - f) running_mean + f m and
        running_var <- (1 - f) running_var + f v n / (n - 1), with m and v averaged over the
        batch and f = momentum, 0 if momentum is None.
    Derivative: with z = (x - m) / sqrt(v + eps): dL/dx = w / sqrt(v + eps) (g - mean(g)
        - z mean(g z)), where the means, over the positions, are left out in evaluation with
        running statistics; dL/dw = sum of g z; dL/db = sum of g.
    Shapes: x (batch, ..., num_features), with any number of axes between; w, b and the
        statistics (num_features,); the output has the input's.
    Dtypes: float32 and float64; the output has the promotion of the input's and the weights'.
    Errors: TypeError for an array that is not floating; ValueError for an input of fewer than two
        axes, another number of channels where there are weights or statistics, weights and no
        samples or no channels, a single position in training, a negative eps or an upstream
        gradient of another shape; RuntimeError for backward before forward.
    Book: not in the book.
    Paper: Ulyanov, Vedaldi, Lempitsky (2016), Instance normalization: the missing ingredient for
        fast stylization, arXiv:1607.08022, DOI 10.48550/arXiv.1607.08022.
    PyTorch: torch.nn.InstanceNorm1d, InstanceNorm2d and InstanceNorm3d in one class. The input
        has a batch axis always; PyTorch's may lack it. As in PyTorch num_batches_tracked stays 0,
        so that a momentum of None leaves the statistics as they are.
    """

    def __init__(
        self,
        num_features,
        eps=1e-05,
        momentum=0.1,
        affine=False,
        track_running_stats=False,
        bias=True,
    ):
        eps = _checks.check_nonnegative(self, eps=eps)
        super().__init__(num_features, eps, momentum, affine, track_running_stats, bias)

    def pool(self, means):
        return means

    def invert(self, deviation):
        # Without an eps equal values stay 0: PyTorch's choice.
        return np.divide(1, deviation, out=np.zeros_like(deviation), where=deviation != 0)

    def forward(self, input_data):
        cells = self.as_cells(input_data)
        if self.params:
            # As in PyTorch, which has no weights of no samples and of no channels.
            _checks.check_filled_axis(self, 0, input_data=input_data)
            _checks.check_filled_axis(self, -1, input_data=input_data)
        if not self.training and self.buffers:
            self.normalize_by(cells, self.running_mean, self.running_var)
            return self.scaled(input_data.shape)
        _checks.check_several_values(self, cells.shape[1], input_data=input_data)
        means, variances = self.normalize(cells)
        if self.buffers and len(cells):
            factor = 0.0 if self.momentum is None else self.momentum
            self.track(means.mean(axis=0), variances.mean(axis=0), cells.shape[1], factor)
        return self.scaled(input_data.shape)


class GroupNorm(_ChannelNorm):
    """Normalizes groups of adjacent channels of each sample over all their positions.

    Formula: y = (x - m) / sqrt(v + eps) w + b, with m and v the mean and the (biased) variance of
        all positions of the num_channels / num_groups channels of one group of one sample
    Derivative: with z = (x - m) / sqrt(v + eps): dL/dx = (g w - mean(g w) - z mean(g w z)) /
        sqrt(v + eps), the means over the group; dL/dw = sum of g z; dL/db = sum of g.
    Shapes: x (batch, ..., num_channels), with any number of axes between; w and b
        (num_channels,); the output has the input's.
    Dtypes: float32 and float64; the output has the promotion of the input's and the weights'.
    Errors: TypeError for an array that is not floating; ValueError for a num_channels that
        num_groups does not divide, an input of fewer than two axes or of another number of
        channels, a batch of one sample with a single value for each group, a negative eps or an
        upstream gradient of another shape; RuntimeError for backward before forward.
    Book: not in the book.
    Paper: Wu, He (2018), Group normalization, ECCV, DOI 10.1007/978-3-030-01261-8_1.
    PyTorch: torch.nn.GroupNorm. No difference, but for the mean, which is taken twice: PyTorch's
        loses digits where the mean exceeds the deviation.
    """

    def __init__(self, num_groups, num_channels, eps=1e-05, affine=True, bias=True):
        self.num_groups = _checks.check_integer(self, num_groups=num_groups)
        _checks.check_integer(self, minimum=0, num_channels=num_channels)
        _checks.check_divides(self, ("num_groups", num_groups), num_channels=num_channels)
        super().__init__(num_channels, _checks.check_number(self, eps=eps), affine, bias)

    def pool(self, means):
        members = means.shape[1] // self.num_groups
        groups = means.reshape(len(means), self.num_groups, members)
        return np.repeat(groups.sum(axis=-1) / max(members, 1), members, axis=-1)

    def forward(self, input_data):
        _checks.check_last_axis(self, self.num_channels, "channels", input_data=input_data)
        count = input_data.size // self.num_groups
        _checks.check_several_values(self, count, input_data=input_data)
        self.normalize(self.as_cells(input_data))
        return self.scaled(input_data.shape)


class _RowNorm(Layer):
    """Normalization of the last axes, with an affine map of each of their elements."""

    def __init__(self, normalized_shape, eps, elementwise_affine, bias):
        super().__init__()
        self.normalized_shape = _checks.check_axes(self, normalized_shape=normalized_shape)
        self.eps = eps
        bias = _checks.check_flag(self, bias=bias)
        if _checks.check_flag(self, elementwise_affine=elementwise_affine):
            shape = self.normalized_shape
            self.params = [np.ones(shape), np.zeros(shape)][: 1 + bias]

    @property
    def weights(self):
        """Flat: (features,)."""
        return self.params[0].reshape(-1) if self.params else 1

    def as_rows(self, array):
        """A view (rows, features)."""
        features = math.prod(self.normalized_shape)
        leading = array.shape[: -len(self.normalized_shape)]
        # Without features no row has a deviation to divide by.
        return array.reshape(math.prod(leading) if features else 0, features)

    def scaled(self, shape):
        """The output: each element times its weight, plus its bias."""
        output = self.normalized * self.weights
        if len(self.params) == 2:
            output += self.params[1].reshape(-1)
        return output.reshape(shape)

    def gradients_of_params(self, grad_rows):
        """dL/dw = sum of g z and dL/db = sum of g."""
        grad_weights = _numeric.einsum("rf,rf->f", grad_rows, self.normalized)
        grads = [grad_weights, grad_rows.sum(axis=0)][: len(self.params)]
        return [grad.reshape(self.normalized_shape) for grad in grads]


class LayerNorm(_RowNorm):
    """Normalizes the last axes of each sample, then scales and shifts each element.

    Formula: y = (x - m) / sqrt(v + eps) w + b, with m and v the mean and the (biased) variance
        over the axes of normalized_shape
    Derivative: with z = (x - m) / sqrt(v + eps): dL/dx = (g w - mean(g w) - z mean(g w z)) /
        sqrt(v + eps); dL/dw = sum of g z; dL/db = sum of g.
    Shapes: x (..., *normalized_shape); w and b normalized_shape; the output has the input's.
    Dtypes: float32 and float64; the output has the promotion of the input's and the weights'.
    Errors: TypeError for an array that is not floating; ValueError for an empty normalized_shape,
        an input that does not end with it or an upstream gradient of another shape; RuntimeError
        for backward before forward.
    Book: section 25.3.1.
    Paper: Ba, Kiros, Hinton (2016), Layer normalization, arXiv:1607.06450,
        DOI 10.48550/arXiv.1607.06450.
    PyTorch: torch.nn.LayerNorm. No difference, but for the mean, which is taken twice: PyTorch's
        loses digits where the mean exceeds the deviation; and but for rows whose variance is too
        small to divide by, without eps: its backward has the deviations as x / 0 - m / 0.
    """

    def __init__(self, normalized_shape, eps=1e-05, elementwise_affine=True, bias=True):
        eps = _checks.check_number(self, eps=eps)
        super().__init__(normalized_shape, eps, elementwise_affine, bias)

    def forward(self, input_data):
        _checks.check_last_axes(self, self.normalized_shape, input_data=input_data)
        rows = self.as_rows(input_data)
        features = max(rows.shape[1], 1)
        averaging = np.full(rows.shape[1], 1 / features, rows.dtype)
        self.normalized = rows - (rows @ averaging)[:, np.newaxis]
        # What the rounding of the mean has left in: much, where the mean exceeds the deviation.
        self.normalized -= (self.normalized @ averaging)[:, np.newaxis]
        squares = _numeric.einsum("rf,rf->r", self.normalized, self.normalized)
        self.inverse = 1 / np.sqrt(squares / features + self.eps)[:, np.newaxis]
        self.normalized *= self.inverse
        return self.scaled(input_data.shape)

    def backward(self, grad_output):
        grad_rows = self.as_rows(grad_output)
        grad_input = grad_rows * self.weights
        features = max(grad_input.shape[1], 1)
        averaging = np.full(grad_input.shape[1], 1 / features, grad_input.dtype)
        along_mean = grad_input @ averaging
        along_normalized = _numeric.einsum("rf,rf->r", grad_input, self.normalized) / features
        grad_input -= along_mean[:, np.newaxis]
        grad_input -= self.normalized * along_normalized[:, np.newaxis]
        grad_input *= self.inverse
        return grad_input.reshape(grad_output.shape), self.gradients_of_params(grad_rows)


class RMSNorm(_RowNorm):
    """Divides the last axes of each sample by their root mean square, then scales each element.

    Formula: y = x / sqrt(mean(x^2) + eps) w, the mean over the axes of normalized_shape
    Derivative: with r = sqrt(mean(x^2) + eps) and z = x / r: dL/dx = (g w - z mean(g w z)) / r;
        dL/dw = sum of g z.
    Shapes: x (..., *normalized_shape); w normalized_shape; the output has the input's.
    Dtypes: float32 and float64; the output has the promotion of the input's and the weights'.
    Errors: TypeError for an array that is not floating; ValueError for an empty normalized_shape,
        an input that does not end with it or an upstream gradient of another shape; RuntimeError
        for backward before forward.
    Book: not in the book.
    Paper: Zhang, Sennrich (2019), Root mean square layer normalization, NeurIPS.
    PyTorch: torch.nn.RMSNorm. No difference; without an eps it is the spacing of the input's
        floats at 1, 2.2e-16 in float64.
    """

    def __init__(self, normalized_shape, eps=None, elementwise_affine=True):
        eps = None if eps is None else _checks.check_number(self, eps=eps)
        super().__init__(normalized_shape, eps, elementwise_affine, bias=False)

    def forward(self, input_data):
        _checks.check_last_axes(self, self.normalized_shape, input_data=input_data)
        rows = self.as_rows(input_data)
        features = max(rows.shape[1], 1)
        eps = np.finfo(rows.dtype).eps if self.eps is None else self.eps
        squares = _numeric.einsum("rf,rf->r", rows, rows)
        self.inverse = 1 / np.sqrt(squares / features + eps)[:, np.newaxis]
        self.normalized = rows * self.inverse
        return self.scaled(input_data.shape)

    def backward(self, grad_output):
        grad_rows = self.as_rows(grad_output)
        grad_input = grad_rows * self.weights
        features = max(grad_input.shape[1], 1)
        along_normalized = _numeric.einsum("rf,rf->r", grad_input, self.normalized) / features
        grad_input -= self.normalized * along_normalized[:, np.newaxis]
        grad_input *= self.inverse
        return grad_input.reshape(grad_output.shape), self.gradients_of_params(grad_rows)


class L2Normalize(Layer):
    """Divides each feature vector by its length.

    Formula: y = x / max(n, eps), with n = sqrt(sum of x^2) over the last axis
    Derivative: dL/dx = (g - y (g . y)) / n for n >= eps, g / eps otherwise; at the kink n = eps
        it is the first (PyTorch's choice), at x = 0 the second.
    Shapes: x (..., features); the output has the input's.
    Dtypes: float32 and float64; the output has the input's.
    Errors: TypeError for an array that is not floating; ValueError for an input without axes, a
        negative eps or an upstream gradient of another shape; RuntimeError for backward before
        forward.
    Book: not in the book.
    Paper: Wang, Xiang, Cheng, Yuille (2017), NormFace: L2 hypersphere embedding for face
        verification, ACM Multimedia, DOI 10.1145/3123266.3123359.
    PyTorch: torch.nn.functional.normalize(x, p=2, dim=-1, eps=eps). No difference.
    """

    def __init__(self, eps=1e-12):
        super().__init__()
        self.eps = _checks.check_nonnegative(self, eps=eps)

    def forward(self, input_data):
        _checks.check_least_rank(self, 1, "(..., features)", input_data=input_data)
        norm = np.sqrt(_numeric.einsum("...f,...f->...", input_data, input_data))[..., np.newaxis]
        self.long = norm >= self.eps
        self.divisor = np.maximum(norm, self.eps)
        self.output = input_data / self.divisor
        return self.output

    def backward(self, grad_output):
        along_output = _numeric.einsum("...f,...f->...", grad_output, self.output)[..., np.newaxis]
        grad_input = grad_output - np.where(self.long, self.output * along_output, 0)
        return grad_input / self.divisor, None
