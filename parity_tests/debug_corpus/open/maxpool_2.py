import numpy as np
from layers import Layer


class MaxPool2D(Layer):
    def __init__(self, pool_size=2, stride=None):
        super().__init__()
        self.k = pool_size
        self.s = stride or pool_size

    def forward(self, x):
        self.x = x
        n, h, w, c = x.shape
        oh, ow = (h - self.k) // self.s + 1, (w - self.k) // self.s + 1
        out = np.empty((n, oh, ow, c), dtype=x.dtype)
        for i in range(oh):
            for j in range(ow):
                window = x[:, i * self.s:i * self.s + self.k, j * self.s:j * self.s + self.k]
                out[:, i, j] = window.max(axis=(1, 2))
        return out

    def backward(self, grad_output):
        grad = np.zeros_like(self.x)
        n, oh, ow, c = grad_output.shape
        for b in range(n):
            for i in range(oh):
                for j in range(ow):
                    for f in range(c):
                        top, left = i * self.s, j * self.s
                        window = self.x[b, top:top + self.k, left:left + self.k, f]
                        grad[b, top:top + self.k, left:left + self.k, f] += grad_output[b, i, j, f] * (window == window.max())
        return grad, None
