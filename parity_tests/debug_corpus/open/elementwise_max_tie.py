import numpy as np

class ElementwiseMax:
    def forward(self, a, b):
        self.first = a >= b
        self.second = b >= a
        return np.maximum(a, b)

    def backward(self, grad_output):
        return (grad_output * self.first, grad_output * self.second), None
