import numpy as np
from layers.base import Layer


class HardTanh(Layer):
    def __init__(self, min_val=-1.0, max_val=1.0):
        super().__init__()
        self.min_val = min_val
        self.max_val = max_val

    def forward(self, x):
        self.x = x
        return np.clip(x, self.min_val, self.max_val)

    def backward(self, grad_output):
        inside = self.x < self.max_val
        return grad_output * inside, None
