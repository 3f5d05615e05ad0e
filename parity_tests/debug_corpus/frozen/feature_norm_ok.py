import numpy as np

class FeatureNorm:
    """Layer normalization over the last axis."""
    def __init__(self, size, eps=1e-5):
        rng = np.random.default_rng(5)
        self.eps = eps
        self.gamma = 1 + 0.3 * rng.standard_normal(size)
        self.beta = 0.2 * rng.standard_normal(size)
        self.params = [self.gamma, self.beta]

    def forward(self, x):
        mu = x.mean(-1, keepdims=True)
        var = ((x - mu) ** 2).mean(-1, keepdims=True)
        self.inv = 1.0 / np.sqrt(var + self.eps)
        self.xhat = (x - mu) * self.inv
        return self.gamma * self.xhat + self.beta

    def backward(self, dy):
        axes = tuple(range(dy.ndim - 1))
        dgamma = (dy * self.xhat).sum(axes)
        dbeta = dy.sum(axes)
        h = dy * self.gamma
        dx = h - h.mean(-1, keepdims=True) - self.xhat * (h * self.xhat).mean(-1, keepdims=True)
        return dx * self.inv, [dgamma, dbeta]
