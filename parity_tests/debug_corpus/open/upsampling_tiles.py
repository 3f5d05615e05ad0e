import numpy as np

class UpSampling2D:
    """Nearest-neighbour upsampling of (N, H, W, C)."""
    def __init__(self, factor=2):
        self.f = factor

    def forward(self, x):
        return x.repeat(self.f, axis=1).repeat(self.f, axis=2)

    def backward(self, grad):
        n, h, w, c = grad.shape
        f = self.f
        return grad.reshape(n, f, h // f, f, w // f, c).sum(axis=(1, 3)), None
