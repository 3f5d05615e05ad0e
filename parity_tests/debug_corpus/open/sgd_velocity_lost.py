import numpy as np

class SGD:
    """Descida do gradiente com momento (forma do PyTorch) e decaimento de pesos."""

    def __init__(self, lr=0.01, momentum=0.0, weight_decay=0.0):
        self.lr = lr
        self.momentum = momentum
        self.weight_decay = weight_decay
        self.v = None

    def step(self, params, grads):
        if self.v is None:
            self.v = [np.zeros_like(p) for p in params]
        for i, (p, g) in enumerate(zip(params, grads)):
            g = g + self.weight_decay * p
            v = self.momentum * self.v[i] + g
            p -= self.lr * v
