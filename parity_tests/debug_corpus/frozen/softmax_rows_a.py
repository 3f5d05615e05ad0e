import numpy as np

class RowSoftmax:
    def forward(self, scores):
        e = np.exp(scores - scores.max(axis=-1, keepdims=True))
        self.prob = e / e.sum(axis=-1, keepdims=True)
        return self.prob

    def backward(self, upstream):
        dot = np.sum(upstream * self.prob, axis=-1, keepdims=True)
        return upstream * self.prob * (1 - self.prob), None
