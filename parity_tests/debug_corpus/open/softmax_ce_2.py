import numpy as np


class SoftmaxCrossEntropy:
    def forward(self, logits, labels):
        shifted = logits - logits.max(axis=1, keepdims=True)
        log_p = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
        self.p, self.labels = np.exp(log_p), labels
        return -log_p[np.arange(len(labels)), labels].mean()

    def backward(self, grad_output=1.0):
        grad = self.p.copy()
        grad[np.arange(len(self.labels)), self.labels] += 1
        return grad_output * grad / len(self.labels), None
