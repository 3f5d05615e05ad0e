import numpy as np

class CumulativeSum:
    """y_t = sum of x up to t, along time"""
    def forward(self, x):
        return np.cumsum(x, axis=1)

    def backward(self, g):
        return np.cumsum(g, axis=1), None
