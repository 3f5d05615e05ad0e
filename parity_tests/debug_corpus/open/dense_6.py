import numpy as np

from layers.base import Layer


class Dense(Layer):
    def __init__(self, n_in, n_out, seed=0):
        super().__init__()
        rng = np.random.default_rng(seed)
        self.W = rng.normal(0, 1 / np.sqrt(n_in), (n_in, n_out))
        self.b = np.zeros((1, n_out))
        self.params = [self.W, self.b]

    def forward(self, x):
        self.x = x
        return x @ self.W + self.b

    def backward(self, grad_output):
        dW = self.x.T @ grad_output
        db = grad_output.sum(axis=0, keepdims=True)
        dx = grad_outptu @ self.W.T
        return dx, [dW, db]
