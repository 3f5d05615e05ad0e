"""Components with one bug each: what the harness must catch, by name."""

import numpy as np

import reference
from reference.layers import _windows


class OneElementOff(reference.Softsign):
    def backward(self, grad_output):
        grad_input = np.array(super().backward(grad_output)[0])
        grad_input.flat[0] *= 1 + 1e-6
        return grad_input, None


class SignReversed(reference.Softsign):
    def backward(self, grad_output):
        return -super().backward(grad_output)[0], None


class UpstreamMissing(reference.Softsign):
    def backward(self, grad_output):
        return super().backward(np.ones_like(grad_output))[0], None


class TransposedWeightGradient(reference.Linear):
    def backward(self, grad_output):
        grad_input, (grad_weights, *others) = super().backward(grad_output)
        return grad_input, [grad_weights.T, *others]


class BiasNotSummed(reference.Linear):
    def backward(self, grad_output):
        grad_input, (grad_weights, *others) = super().backward(grad_output)
        return grad_input, [grad_weights, *(grad_output for _ in others)]


class WrongAtTheKink(reference.LeakyReLU):
    def forward(self, input_data):
        output = super().forward(input_data)
        self.slopes = np.where(input_data >= 0, 1, self.alpha).astype(input_data.dtype)
        return output


class LostNegativeZero(reference.LeakyReLU):
    def forward(self, input_data):
        return super().forward(input_data) + 0.0


class NanToZero(reference.Softsign):
    def forward(self, input_data):
        output = super().forward(input_data)
        return np.where(np.isnan(output), np.zeros_like(output), output)


class LeakedFloat64(reference.Softsign):
    def forward(self, input_data):
        return np.asarray(super().forward(input_data), np.result_type(input_data, np.float64))


class InputChanged(reference.Softsign):
    def backward(self, grad_output):
        grad_input = np.array(super().backward(grad_output)[0])
        grad_output *= 0.5
        return grad_input, None


class StaleCache(reference.Softsign):
    def forward(self, input_data):
        first = getattr(self, "scale", None)
        output = super().forward(input_data)
        self.scale = self.scale if first is None else first
        return output


class Accumulating(reference.Linear):
    def backward(self, grad_output):
        grad_input, grad_params = super().backward(grad_output)
        before = getattr(self, "grads", [np.zeros_like(grad) for grad in grad_params])
        self.grads = [old + new for old, new in zip(before, grad_params, strict=True)]
        return grad_input, self.grads


class NotTheDerivative(reference.Softsign):
    def backward(self, grad_output):
        return grad_output / self.scale, None


class NotLinear(reference.Softsign):
    def backward(self, grad_output):
        return np.clip(super().backward(grad_output)[0], -0.1, 0.1), None


class StartsTooWide(reference.Linear):
    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        self.params = [1.01 * param for param in self.params]


class AnotherDefault(reference.LeakyReLU):
    def __init__(self, alpha=0.02):
        super().__init__(alpha)


class IgnoresItsOption(reference.LeakyReLU):
    def __init__(self, alpha=0.01):
        super().__init__(0.01 if np.isfinite(alpha) else alpha)


class TieShared(reference.MaxPooling2D):
    def forward(self, input_data):
        result = super().forward(input_data)
        output = result[0] if self.return_indices else result
        self.images = input_data.reshape(-1, *input_data.shape[-3:])
        self.best = output.reshape(-1, *output.shape[-3:])
        self.shape = input_data.shape
        return result

    def backward(self, grad_output):
        window = (self.pool_size, self.stride, self.padding, self.dilation)
        taps = list(_windows.inner_taps(self.sizes, self.best.shape[1:-1], *window))
        equal = [self.images[places] == self.best[met] for met, places in taps]
        count = np.zeros(self.best.shape, grad_output.dtype)
        for (met, _), tied in zip(taps, equal, strict=True):
            count[met] += tied
        share = grad_output.reshape(self.best.shape) / np.maximum(count, 1)
        grad_input = np.zeros(self.images.shape, grad_output.dtype)
        for (met, places), tied in zip(taps, equal, strict=True):
            grad_input[places] += np.where(tied, share[met], 0)
        return grad_input.reshape(self.shape), None


class DampenedFirstStep(reference.SGD):
    def update(self, param, grad, state, **options):
        state.setdefault("momentum_buffer", np.zeros_like(param))
        super().update(param, grad, state, **options)


class DecayAfterMomentum(reference.SGD):
    def update(self, param, grad, state, **options):
        decay = options.pop("weight_decay")
        super().update(param, grad, state, weight_decay=0.0, **options)
        param -= options["learning_rate"] * decay * param
