import numpy as np

class ShiftedReLU(object):
    def __init__(self, shift=0.5):
        self.shift = shift

    def forward(self, x):
        self.on = x > self.shift
        return np.where(self.on, x - self.shift, 0.0)

    def backward(self, g):
        out = g
        out[self.on] = g[self.on]
        return out, []
