import numpy as np

class RMS:
    def __init__(self, lr=0.01, alpha=0.9, eps=1e-8):
        self.lr, self.alpha, self.eps = lr, alpha, eps
        self.avg = {}

    def step(self, params, grads):
        for i, (p, g) in enumerate(zip(params, grads)):
            a = self.avg.setdefault(i, np.zeros_like(p))
            a[...] = self.alpha * a + (1 - self.alpha) * g
            p -= self.lr * g / (np.sqrt(a) + self.eps)
