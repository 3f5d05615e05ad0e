import numpy as np

class FullyConnected:
    def __init__(self, fan_in, fan_out, use_bias=True):
        lim = np.sqrt(6.0 / (fan_in + fan_out))
        self.W = np.random.uniform(-lim, lim, (fan_in, fan_out))
        self.b = np.zeros(fan_out) if use_bias else None
        self.params = [self.W] + ([self.b] if use_bias else [])
        self.dW = np.zeros_like(self.W)

    def forward(self, x):
        self.shape = x.shape
        self.x2 = x.reshape(-1, x.shape[-1])       # qualquer numero de eixos
        y = self.x2 @ self.W
        if self.b is not None:
            y = y + self.b
        return y.reshape(*x.shape[:-1], -1)

    def backward(self, g):
        g2 = g.reshape(-1, g.shape[-1])
        self.dW += self.x2.T @ g2
        grads = [self.dW.copy()]
        if self.b is not None:
            grads.append(g2.sum(0))
        return (g2 @ self.W.T).reshape(self.shape), grads
