import numpy as np

class NAdam:
    """Nadam com o agendamento de momento do PyTorch"""
    def __init__(self, lr=2e-3, b1=0.9, b2=0.999, eps=1e-8, momentum_decay=4e-3):
        self.lr, self.b1, self.b2, self.eps, self.psi = lr, b1, b2, eps, momentum_decay
        self.n = 0
        self.prod = 1.0
        self.m = self.v = None

    def mu(self, t):
        return self.b1 * (1 - 0.5 * 0.96 ** (t * self.psi))

    def step(self, params, grads):
        if self.m is None:
            self.m = [np.zeros_like(p) for p in params]
            self.v = [np.zeros_like(p) for p in params]
        self.n += 1
        mu, mu_prox = self.mu(self.n), self.mu(self.n + 1)
        self.prod *= mu
        for p, g, i in zip(params, grads, range(len(params))):
            self.m[i] = self.b1 * self.m[i] + (1 - self.b1) * g
            self.v[i] = self.b2 * self.v[i] + (1 - self.b2) * g * g
            raiz = np.sqrt(self.v[i] / (1 - self.b2 ** self.n)) + self.eps
            p -= self.lr * mu_prox / (1 - self.prod * mu_prox) * self.m[i] / raiz
