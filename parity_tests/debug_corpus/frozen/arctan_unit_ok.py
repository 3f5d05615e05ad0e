import numpy as np
from layers.base import Layer

class ArcTan(Layer):
    def __init__(self):
        super().__init__()
        self.entrada = None

    def forward(self, entrada):
        self.entrada = entrada
        return np.arctan(entrada)

    def backward(self, gradiente):
        return gradiente / (1 + self.entrada ** 2), None
