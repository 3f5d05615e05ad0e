import numpy as np


class LeakyReLU:
    def __init__(self, alpha=0.01):
        self.alpha = alpha
        self.params = []

    def forward(self, x):
        self.mask = x > 0
        x[~self.mask] *= self.alpha
        return x

    def backward(self, grad_output):
        slope = np.where(self.mask, 1.0, self.alpha)
        return grad_output * slope, None
