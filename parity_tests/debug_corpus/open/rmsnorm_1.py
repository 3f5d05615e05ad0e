import numpy as np


class RMSNorm:
    def __init__(self, dim, eps=1e-6):
        self.gain = np.ones(dim)
        self.params = [self.gain]
        self.eps = eps

    def forward(self, x):
        self.x = x
        self.rms = np.sqrt((x ** 2).mean(axis=-1, keepdims=True) + self.eps)
        return x / self.rms * self.gain

    def backward(self, grad_output):
        g = grad_output * self.gain
        dot = (g * self.x).mean(axis=-1, keepdims=True)
        grad_input = g / self.rms + self.x * dot / self.rms ** 3
        axes = tuple(range(self.x.ndim - 1))
        return grad_input, [(grad_output * self.x / self.rms).sum(axis=axes)]
