import numpy as np

class HalfSquared:
    def forward(self, y_pred, y_true):
        self.r = y_pred - y_true
        return 0.5 * np.mean(self.r ** 2)

    def backward(self):
        return self.r / self.r.size
