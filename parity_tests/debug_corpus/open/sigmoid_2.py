import numpy as np

from layers.base import Layer


class Sigmoid(Layer):
    def forward(self, x):
        self.out = 1.0 / (1.0 + np.exp(-x))
        self.x = x
        return self.out

    def backward(self, grad_output):
        return grad_output * self.x * (1 - self.x), None
