import numpy as np

class SparseCategoricalCrossEntropy:
    ignore_index = -100

    def forward(self, y_pred, y_true):
        """y_pred: logits (N, C); y_true: inteiros (N,)"""
        y_true = np.asarray(y_true, dtype=int)
        m = np.max(y_pred, axis=-1, keepdims=True)
        e = np.exp(y_pred - m)
        self.probs = e / np.sum(e, axis=-1, keepdims=True)
        self.alvo = y_true
        total = 0
        for i, c in enumerate(y_true):
            total += -(y_pred[i, c] - m[i, 0] - np.log(e[i].sum()))
        return total / len(y_true)

    def backward(self, grad_output=1.0):
        dx = self.probs
        dx[np.arange(len(self.alvo)), self.alvo] -= 1
        dx /= len(self.alvo)
        return dx * grad_output
