import numpy as np

class Elman:
    """h_t = tanh(x_t U + h_{t-1} V + b) over (batch, time, features)."""
    def __init__(self, n, m):
        r = np.random.default_rng(9)
        self.params = [r.standard_normal((n, m)) * 0.5, r.standard_normal((m, m)) * 0.5, r.standard_normal(m)]

    def forward(self, x):
        U, V, b = self.params
        self.x, self.h = x, [np.zeros((x.shape[0], V.shape[0]))]
        for t in range(x.shape[1]):
            self.h.append(np.tanh(x[:, t] @ U + self.h[-1] @ V + b))
        return np.stack(self.h[1:], axis=1)

    def backward(self, g):
        U, V, b = self.params
        dx, dU, dV, db = np.zeros_like(self.x), np.zeros_like(U), np.zeros_like(V), np.zeros_like(b)
        carry = 0
        for t in reversed(range(self.x.shape[1])):
            a = (g[:, t] + carry) * (1 - self.h[t + 1] ** 2)
            dU += self.x[:, t].T @ a
            dV += self.h[t].T @ a
            db += a.sum(0)
            dx[:, t] = a @ U.T
            carry = 0
        return dx, [dU, dV, db]
