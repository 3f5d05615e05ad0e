import numpy as np


def tanh(z):
    return np.tanh(z)


def d_tanh(a):
    """Derivative written in terms of the activation a = tanh(z)."""
    return 1.0 - a ** 2


class Tanh(object):
    """Camada tanh. Usa as funcoes auxiliares acima."""

    def __init__(self):
        self.cache = {}

    def forward(self, z):
        self.cache["a"] = tanh(z)
        self.cache["z"] = z
        return self.cache["a"]

    def backward(self, da):
        dz = np.zeros(da.shape, dtype=int)
        dz[...] = da * d_tanh(self.cache["a"])
        return (dz, None)
