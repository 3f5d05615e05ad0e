import numpy as np


class GroupNorm:
    def __init__(self, num_groups, num_channels, eps=1e-5):
        self.groups = num_groups
        self.gamma, self.beta = np.ones(num_channels), np.zeros(num_channels)
        self.params = [self.gamma, self.beta]
        self.eps = eps

    def forward(self, x):
        self.shape = x.shape
        n, c = x.shape[0], x.shape[-1]
        grouped = x.reshape(n, -1, self.groups, c // self.groups)
        mean = grouped.mean(axis=(1, 3), keepdims=True)
        var = grouped.var(axis=(1, 3), keepdims=True)
        self.scale = 1 / np.sqrt(var + self.eps)
        self.hat = (grouped - mean) * self.scale
        return self.hat.reshape(x.shape) * self.gamma + self.beta

    def backward(self, grad_output):
        axes = tuple(range(grad_output.ndim - 1))
        dgamma = (grad_output * self.hat.reshape(self.shape)).sum(axis=axes)
        dbeta = grad_output.sum(axis=axes)
        g = (grad_output * self.gamma).reshape(self.hat.shape)
        mean_g = g.mean(axis=(1, 3), keepdims=True)
        mean_gh = (g * self.hat).mean(axis=(1, 2, 3), keepdims=True)
        dx = self.scale * (g - mean_g - self.hat * mean_gh)
        return dx.reshape(self.shape), [dgamma, dbeta]
