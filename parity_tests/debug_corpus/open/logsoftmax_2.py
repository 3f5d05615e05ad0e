import numpy as np
from base import Layer


class LogSoftmax(Layer):
    def forward(self, logits):
        top = np.max(logits, axis=1, keepdims=True)
        log_sum = top + np.log(np.sum(np.exp(logits - top), axis=1, keepdims=True))
        self.log_p = logits - log_sum
        return self.log_p

    def backward(self, grad_output):
        total = grad_output.sum(axis=0, keepdims=True)
        return grad_output - np.exp(self.log_p) * total, None
