import numpy as np


class Adagrad:
    def __init__(self, lr=0.01, eps=1e-10):
        self.lr, self.eps = lr, eps
        self.cache = {}

    def step(self, params, grads):
        for layer, (ps, gs) in enumerate(zip(params, grads)):
            for k, (p, g) in enumerate(zip(ps, gs)):
                total = self.cache.setdefault((layer, k), np.zeros_like(p))
                total += g ** 2
                p -= self.lr * g / (np.sqrt(total) + self.eps)
