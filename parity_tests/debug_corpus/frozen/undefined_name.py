import numpy as np

class Cubic:
    def forward(self, x):
        self.x = x
        return x ** 3

    def backward(self, grad_output):
        return grad_output * cubic_grad, None
