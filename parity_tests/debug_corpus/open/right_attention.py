import numpy as np


def softmax(z):
    e = np.exp(z - z.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


class SelfAttention:
    def __init__(self, dim):
        rng = np.random.default_rng(0)
        self.Wq, self.Wk, self.Wv = (rng.normal(size=(dim, dim)) / np.sqrt(dim) for _ in range(3))
        self.params = [self.Wq, self.Wk, self.Wv]
        self.dim = dim

    def forward(self, x):
        self.x = x
        self.q, self.k, self.v = x @ self.Wq, x @ self.Wk, x @ self.Wv
        self.scores = self.q @ self.k.transpose(0, 2, 1) / np.sqrt(self.dim)
        self.a = softmax(self.scores)
        return self.a @ self.v

    def backward(self, grad_output):
        da = grad_output @ self.v.transpose(0, 2, 1)
        dv = self.a.transpose(0, 2, 1) @ grad_output
        ds = self.a * (da - (da * self.a).sum(axis=-1, keepdims=True))
        ds = ds / np.sqrt(self.dim)
        dq = ds @ self.k
        dk = ds.transpose(0, 2, 1) @ self.q
        dx = dq @ self.Wq.T + dk @ self.Wk.T + dv @ self.Wv.T
        grads = [np.einsum("nti,ntj->ij", self.x, d) for d in (dq, dk, dv)]
        return dx, grads
