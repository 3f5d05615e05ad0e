import numpy as np


class RMSprop:
    def __init__(self, lr=0.01, alpha=0.99, eps=1e-8):
        self.lr, self.alpha, self.eps = lr, alpha, eps
        self.square = None

    def step(self, params, grads):
        if self.square is None:
            self.square = [np.zeros(p.shape) for p in params]
        for p, g, s in zip(params, grads, self.square):
            s *= self.alpha
            s += (1 - self.alpha) * g * g
            p -= self.lr * g / (s + self.eps)
