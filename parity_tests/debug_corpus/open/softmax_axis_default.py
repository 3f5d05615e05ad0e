import numpy as np

class Softmax:
    def __init__(self, axis=0):
        self.axis = axis

    def forward(self, z):
        z = z - z.max(axis=self.axis, keepdims=True)
        e = np.exp(z)
        self.p = e / e.sum(axis=self.axis, keepdims=True)
        return self.p

    def backward(self, g):
        p = self.p
        soma = np.sum(g * p, axis=self.axis, keepdims=True)
        return p * (g - soma), None
