import numpy as np

def softmax(s):
    e = np.exp(s - s.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)

class ScaledDotProductAttention:
    """forward(Q, K, V), cada um (lote, tempo, d)"""
    def __init__(self, causal=False):
        self.causal = causal

    def forward(self, Q, K, V):
        d = Q.shape[-1]
        scores = Q @ K.transpose(0, 2, 1) / d ** 0.5
        if self.causal:
            t = scores.shape[-1]
            scores = np.where(np.tril(np.ones((t, t), dtype=bool)), scores, -np.inf)
        A = softmax(scores)
        self.memoria = dict(Q=Q, K=K, V=V, A=A)
        return A @ V

    def backward(self, dO):
        Q, K, V, A = (self.memoria[k] for k in "QKVA")
        d = Q.shape[-1]
        dV = A.transpose(0, 2, 1) @ dO
        dA = dO @ V.transpose(0, 2, 1)
        dS = A * (dA - (dA * A).sum(axis=-1, keepdims=True))
        dS = dS / d ** 0.5
        dQ = dS @ K * d ** 0.5
        dK = dS.transpose(0, 2, 1) @ Q
        return (dQ, dK, dV), None
