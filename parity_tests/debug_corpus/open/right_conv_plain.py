import numpy as np


class Convolution:
    """im2col, kernels as (height, width, in, out)."""

    def __init__(self, channels_in, channels_out, size, stride=1):
        self.kernel = np.random.randn(size, size, channels_in, channels_out) * 0.1
        self.bias = np.zeros((channels_out, 1))
        self.stride = stride
        self.params = [self.kernel, self.bias]

    def _columns(self, x):
        size = self.kernel.shape[0]
        windows = np.lib.stride_tricks.sliding_window_view(x, (size, size), axis=(1, 2))
        windows = windows[:, ::self.stride, ::self.stride]
        return windows.transpose(0, 1, 2, 4, 5, 3)

    def forward(self, x):
        self.x = x
        self.columns = self._columns(x)
        out = np.tensordot(self.columns, self.kernel, axes=([3, 4, 5], [0, 1, 2]))
        return out + self.bias[:, 0]

    def backward(self, grad):
        size, s = self.kernel.shape[0], self.stride
        grad_kernel = np.tensordot(self.columns, grad, axes=([0, 1, 2], [0, 1, 2]))
        grad_bias = grad.sum(axis=(0, 1, 2))[:, None]
        grad_x = np.zeros(self.x.shape)
        oh, ow = grad.shape[1:3]
        for i in range(size):
            for j in range(size):
                tap = grad @ self.kernel[i, j].T
                grad_x[:, i:i + s * oh:s, j:j + s * ow:s] += tap
        return grad_x, [grad_kernel, grad_bias]
