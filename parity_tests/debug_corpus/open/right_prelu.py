import numpy as np
from nn.base import Layer


class PReLU(Layer):
    def __init__(self, channels, init=0.25):
        super().__init__()
        self.a = np.full(channels, init)
        self.params = [self.a]

    def forward(self, x):
        self.x = x
        return np.maximum(x, 0) + self.a * np.minimum(x, 0)

    def backward(self, grad_output):
        grad_input = grad_output * np.where(self.x > 0, 1.0, self.a)
        axes = tuple(range(self.x.ndim - 1))
        grad_a = (grad_output * np.minimum(self.x, 0)).sum(axis=axes)
        return grad_input, [grad_a]
