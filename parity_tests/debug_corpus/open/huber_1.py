import numpy as np


class Huber:
    def __init__(self, delta=1.0):
        self.delta = delta

    def forward(self, prediction, target):
        self.error = prediction - target
        small = np.abs(self.error) <= self.delta
        square = 0.5 * self.error ** 2
        line = self.delta * (np.abs(self.error) - 0.5 * self.delta)
        return np.where(small, square, line).mean()

    def backward(self, grad_output=1.0):
        return np.clip(self.error, -self.delta, self.delta) / self.error.size, None
