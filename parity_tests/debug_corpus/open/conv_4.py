import numpy as np
from layers.base import Layer


class Conv2D(Layer):
    def __init__(self, in_channels, out_channels, kernel_size, stride=1, padding=0):
        super().__init__()
        k = kernel_size
        rng = np.random.default_rng(3)
        self.W = rng.normal(size=(out_channels, in_channels, k, k)) * 0.2
        self.b = np.zeros(out_channels)
        self.k, self.stride, self.padding = k, stride, padding
        self.params = [self.W, self.b]

    def forward(self, x):
        p, s, k = self.padding, self.stride, self.k
        self.x_shape = x.shape
        self.xp = np.pad(x, ((0, 0), (p, p), (p, p), (0, 0)))
        n, h, w, _ = self.xp.shape
        self.oh, self.ow = (h - k) // s + 1, (w - k) // s + 1
        out = np.zeros((n, self.oh, self.ow, self.W.shape[0]))
        for i in range(self.oh):
            for j in range(self.ow):
                patch = self.xp[:, i * s:i * s + k, j * s:j * s + k, :]
                out[:, i, j, :] = np.einsum("nhwc,fchw->nf", patch, self.W) + self.b
        return out

    def backward(self, grad_output):
        p, s, k = self.padding, self.stride, self.k
        dxp = np.zeros_like(self.xp)
        dW = np.zeros_like(self.W)
        for i in range(self.oh):
            for j in range(self.ow):
                g = grad_output[:, i, j, :]
                patch = self.xp[:, i * s:i * s + k, j * s:j * s + k, :]
                dW += np.einsum("nf,nhwc->fchw", g, patch)
                dxp[:, i * s:i * s + k, j * s:j * s + k, :] = np.einsum("nf,fchw->nhwc", g, self.W)
        db = grad_output.sum(axis=(0, 1, 2))
        h, w = self.x_shape[1:3]
        return dxp[:, p:p + h, p:p + w, :], [dW, db]
