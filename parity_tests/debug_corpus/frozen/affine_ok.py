import numpy as np

class Affine:
    def __init__(self, n_in, n_out, seed=3):
        r = np.random.RandomState(seed)
        self.W = r.randn(n_in, n_out) * 0.4
        self.c = r.randn(1, n_out) * 0.1
        self.params = [self.W, self.c]

    def forward(self, X):
        self.X = X
        return X.dot(self.W) + self.c

    def backward(self, D):
        dW = self.X.T.dot(D)
        dc = D.sum(axis=0, keepdims=True)
        return D.dot(self.W.T), [dW, dc]
