import numpy as np

class Square:
    def __init__(self, n=4):
        rng = np.random.default_rng(8)
        self.params = [rng.standard_normal((n, n)), rng.standard_normal(n)]

    def forward(self, x):
        self.x = x
        return x @ self.params[0] + self.params[1]

    def backward(self, g):
        return g @ self.params[0].T, (self.x.T @ g, g.sum(0))
