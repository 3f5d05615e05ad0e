import numpy as np


class Tanh:
    def __init__(self):
        self.params = []

    def forward(self, input_data):
        if not hasattr(self, 'y'):
            self.y = np.tanh(input_data)
        return np.tanh(input_data)

    def backward(self, grad_output):
        return grad_output * (1 - self.y ** 2), None
