import numpy as np

class WordTable:
    def __init__(self, words, size):
        self.params = [np.random.default_rng(1).standard_normal((words, size))]

    def forward(self, ids):
        self.ids = ids
        return self.params[0][ids]

    def backward(self, g):
        d = np.zeros_like(self.params[0])
        d[self.ids] = g
        return None, [d]
