import numpy as np

class Gate:
    """Elementwise product of two inputs."""
    def forward(self, a, b):
        self.a, self.b = a, b
        return a * b

    def backward(self, g):
        return (g * self.b, g * self.a), None
