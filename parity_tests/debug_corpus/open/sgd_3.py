import numpy as np


class SGD:
    def __init__(self, lr, momentum=0.0, weight_decay=0.0):
        self.lr, self.momentum, self.weight_decay = lr, momentum, weight_decay
        self.velocity = {}

    def step(self, params, grads):
        for k, (p, g) in enumerate(zip(params, grads)):
            g = g + self.weight_decay * p
            v = self.momentum * self.velocity.get(k, np.zeros_like(p)) + g
            self.velocity[k] = v
            p -= self.lr * v
            grads[k][...] = 0
