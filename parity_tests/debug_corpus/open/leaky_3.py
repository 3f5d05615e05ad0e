import numpy as np


class LeakyReLU:
    def __init__(self, alpha=0.01):
        self.alpha = alpha
        self.params = []

    def forward(self, x):
        self.mask = x > 0
        return np.where(self.mask, x, self.alpha * x)

    def backward(self, grad_output):
        slope = np.where(self.mask, 1.0, 0.01)
        return grad_output * slope, None
