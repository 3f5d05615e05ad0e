import numpy as np


class LayerNorm:
    def __init__(self, dim, eps=1e-5):
        self.params = [np.ones(dim), np.zeros(dim)]
        self.eps = eps

    def forward(self, x):
        mu = x.mean(-1, keepdims=True)
        var = ((x - mu) ** 2).mean(-1, keepdims=True)
        self.inv = 1 / (np.sqrt(var) + self.eps)
        self.norm = (x - mu) * self.inv
        weight, bias = self.params
        return weight * self.norm + bias

    def backward(self, grad):
        weight = self.params[0]
        lead = tuple(range(grad.ndim - 1))
        g = grad * weight
        a = g.mean(-1, keepdims=True)
        b = (g * self.norm).mean(-1, keepdims=True)
        dx = self.inv * (g - a - self.norm * b)
        return dx, [(grad * self.norm).sum(lead), grad.sum(lead)]
