import numpy as np


class AveragePooling2D:
    def __init__(self, pool_size=(2, 2), stride=None):
        self.pool_h, self.pool_w = pool_size
        self.stride = stride if stride is not None else pool_size[0]
        self.params = []

    def forward(self, input_data):
        self.input_shape = input_data.shape
        batch, height, width, channels = input_data.shape
        s = self.stride
        out_h = (height - self.pool_h) // s + 1
        out_w = (width - self.pool_w) // s + 1
        output = np.zeros((batch, out_h, out_w, channels))
        for i in range(self.pool_h):
            for j in range(self.pool_w):
                output += input_data[:, i:i + s * out_h:s, j:j + s * out_w:s]
        return output / self.pool_h

    def backward(self, grad_output):
        grad_input = np.zeros(self.input_shape)
        s = self.stride
        _, out_h, out_w, _ = grad_output.shape
        share = grad_output / (self.pool_h * self.pool_w)
        for i in range(self.pool_h):
            for j in range(self.pool_w):
                grad_input[:, i:i + s * out_h:s, j:j + s * out_w:s] += share
        return grad_input, None
