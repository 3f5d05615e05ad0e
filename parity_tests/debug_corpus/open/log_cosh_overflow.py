import numpy as np

class LogCosh:
    def forward(self, y_pred, y_true):
        self.e = y_pred - y_true
        return np.mean(np.log(np.cosh(self.e)))

    def backward(self, grad_output=1.0):
        return grad_output * np.tanh(self.e) / self.e.size, None
