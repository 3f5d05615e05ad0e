import numpy as np
from layers.base import Layer

class MaxPooling2D(Layer):
    def __init__(self, pool_size=(2, 2), stride=None):
        super().__init__()
        self.pool_size = pool_size
        self.stride = pool_size
        self.cache = None

    def forward(self, input_data):
        n, h, w, c = input_data.shape
        ph, pw = self.pool_size
        sh, sw = self.stride
        oh = (h - ph) // sh + 1
        ow = (w - pw) // sw + 1
        out = np.zeros((n, oh, ow, c), dtype=input_data.dtype)
        for i in range(oh):
            for j in range(ow):
                out[:, i, j] = input_data[:, i * sh:i * sh + ph, j * sw:j * sw + pw].max(axis=(1, 2))
        self.cache = input_data
        return out

    def backward(self, grad_output):
        x = self.cache
        ph, pw = self.pool_size
        sh, sw = self.stride
        grad_input = np.zeros_like(x)
        n, oh, ow, c = grad_output.shape
        for b in range(n):
            for i in range(oh):
                for j in range(ow):
                    for k in range(c):
                        janela = x[b, i * sh:i * sh + ph, j * sw:j * sw + pw, k]
                        a, d = np.unravel_index(np.argmax(janela), janela.shape)
                        grad_input[b, i * sh + a, j * sw + d, k] += grad_output[b, i, j, k]
        return grad_input, None
