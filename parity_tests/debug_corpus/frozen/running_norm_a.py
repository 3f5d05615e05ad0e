import numpy as np

class RunningNorm:
    def __init__(self, n, momentum=0.1, eps=1e-5):
        self.n, self.momentum, self.eps = n, momentum, eps
        self.params = [np.full(n, 1.2), np.full(n, -0.3)]
        self.buffers = [np.zeros(n), np.ones(n)]
        self.training = True

    def forward(self, x):
        if self.training:
            m, v, k = x.mean(0), x.var(0), len(x)
            self.buffers[0] = (1 - self.momentum) * self.buffers[0] + self.momentum * m
            self.buffers[1] = (1 - self.momentum) * self.buffers[1] + self.momentum * v * k / (k - 1)
        else:
            m, v = self.buffers
        self.istd = 1 / np.sqrt(v + self.eps)
        self.z = (x - m) * self.istd
        return self.params[0] * self.z + self.params[1]

    def backward(self, g):
        dg, db = (g * self.z).sum(0), g.sum(0)
        u = g * self.params[0]
        if self.training:
            u = u - self.z * (u * self.z).mean(0)
        return u * self.istd, [dg, db]
