import numpy as np


def sigmoid(z):
    return 0.5 * (1 + np.tanh(0.5 * z))


class LSTMCell:
    def __init__(self, input_size, hidden_size):
        rng = np.random.default_rng(2)
        self.hidden = hidden_size
        self.W = rng.normal(0, 0.5, (input_size + hidden_size, 4 * hidden_size))
        self.b = np.zeros(4 * hidden_size)
        self.params = [self.W, self.b]

    def forward(self, x, h, c):
        self.z = np.concatenate([x, h], axis=1)
        self.c_prev = c
        a = self.z @ self.W + self.b
        i, f, g, o = np.split(a, 4, axis=1)
        self.i, self.f, self.o = sigmoid(i), sigmoid(f), sigmoid(o)
        self.g = np.tanh(g)
        self.c = self.f * c + self.i * self.g
        self.tc = np.tanh(self.c)
        return self.o * self.tc, self.c

    def backward(self, grad_h, grad_c):
        do = grad_h * self.tc
        dc = grad_h * self.o * (1 - self.tc ** 2)
        di, df, dg = dc * self.g, dc * self.c_prev, dc * self.i
        da = np.concatenate([
            di * self.i * (1 - self.i),
            df * self.f * (1 - self.f),
            dg * (1 - self.g ** 2),
            do * self.o * (1 - self.o),
        ], axis=1)
        dW = self.z.T @ da
        db = da.sum(axis=0)
        dz = da @ self.W.T
        n = self.z.shape[1] - self.hidden
        return (dz[:, :n], dz[:, n:], dc * self.f), [dW, db]
