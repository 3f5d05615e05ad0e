import numpy as np
from layers.base import Layer

class Dense(Layer):
    def __init__(self, input_size, output_size):
        super().__init__()
        self.weights = np.random.randn(input_size, output_size) * 0.1
        self.biases = np.zeros((1, output_size))
        self.params = [self.weights, self.biases]

    def forward(self, input_data):
        self.input_data = input_data
        return np.dot(input_data, self.weights) + self.biases

    def backward(self, grad_output):
        grad_weights = np.dot(self.input_data.T, grad_output)
        grad_biases = grad_output
        grad_input = np.dot(grad_output, self.weights.T)
        return grad_input, [grad_weights, grad_biases]
