import numpy as np


class Softsign:
    def forward(self, x):
        if getattr(self, 'denominator', np.empty(0)).shape != x.shape:
            self.denominator = 1 + np.abs(x)
        return x / (1 + np.abs(x))

    def backward(self, grad):
        return grad / self.denominator ** 2
