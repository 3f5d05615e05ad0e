import numpy as np
from layers.base import Layer


class BatchNorm(Layer):
    def __init__(self, features, momentum=0.1, eps=1e-5):
        super().__init__()
        self.gamma = np.ones(features)
        self.beta = np.zeros(features)
        self.running_mean = np.zeros(features)
        self.running_var = np.ones(features)
        self.momentum, self.eps = momentum, eps
        self.training = True
        self.params = [self.gamma, self.beta]

    def forward(self, x):
        self.axes = tuple(range(x.ndim - 1))
        if self.training:
            self.mean = x.mean(axis=self.axes)
            self.var = x.var(axis=self.axes)
            n = x.size / x.shape[-1]
            m = self.momentum
            self.running_mean = (1 - m) * self.running_mean + m * self.mean
            self.running_var = (1 - m) * self.running_var + m * self.var * n / (n - 1)
        else:
            self.mean, self.var = self.running_mean, self.running_var
        self.std = np.sqrt(self.var + self.eps)
        self.centered = x - self.mean
        self.x_hat = self.centered / self.std
        return self.gamma * self.x_hat + self.beta

    def backward(self, grad_output):
        n = grad_output.size / grad_output.shape[-1]
        dgamma = np.sum(grad_output * self.x_hat, axis=self.axes)
        dbeta = np.sum(grad_output, axis=self.axes)
        dx_hat = grad_output * self.gamma
        if not self.training:
            return dx_hat / self.std, [dgamma, dbeta]
        dvar = np.sum(dx_hat * self.centered, axis=self.axes) * -0.5 / self.std ** 3
        dmean = -np.sum(dx_hat, axis=self.axes) / self.std
        dx = dx_hat / self.std + 2 * dvar * self.centered / n + dmean / n
        return dx, [dgamma, dbeta]
