import numpy as np
from layers.base import Layer


class RNN(Layer):
    def __init__(self, input_size, hidden_size):
        super().__init__()
        rng = np.random.default_rng(5)
        self.Wx = rng.normal(0, 0.4, (input_size, hidden_size))
        self.Wh = rng.normal(0, 0.4, (hidden_size, hidden_size))
        self.b = np.zeros(hidden_size)
        self.params = [self.Wx, self.Wh, self.b]

    def forward(self, x):
        n, steps, _ = x.shape
        self.x = x
        self.h = np.zeros((n, steps + 1, self.Wh.shape[0]))
        for t in range(steps):
            self.h[:, t + 1] = np.tanh(x[:, t] @ self.Wx + self.h[:, t] @ self.Wh + self.b)
        return self.h[:, 1:].copy()

    def backward(self, grad_output):
        dWx, dWh, db = (np.zeros_like(p) for p in self.params)
        dx = np.zeros_like(self.x)
        dh_next = np.zeros_like(self.h[:, 0])
        for t in reversed(range(self.x.shape[1])):
            dh = grad_output[:, t] + dh_next
            da = dh * (1 - self.h[:, t + 1] ** 2)
            dWx += self.x[:, t].T @ da
            dWh += self.h[:, t + 1].T @ da
            db += da.sum(axis=0)
            dx[:, t] = da @ self.Wx.T
            dh_next = da @ self.Wh.T
        return dx, [dWx, dWh, db]
