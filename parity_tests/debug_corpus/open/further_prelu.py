import numpy as np
from camadas import Camada

class PReLU(Camada):
    """PReLU com um alfa por canal (ultimo eixo)."""

    def __init__(self, canais, alfa=0.25):
        super().__init__()
        self.alfa = np.full(canais, alfa)
        self.params = [self.alfa]

    def forward(self, x):
        self.x = x
        return np.where(x > 0, x, self.alfa * x)

    def backward(self, grad):
        neg = self.x <= 0
        dx = np.where(self.x < 0, self.alfa, 0.0) * grad
        dx = dx + np.where(self.x > 0, grad, 0.0)
        eixos = tuple(range(self.x.ndim - 1))
        dalfa = (grad * self.x * neg).sum(axis=eixos)
        return dx, [dalfa]
