import numpy as np

class AdamW:
    def __init__(self, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.01):
        self.lr, self.betas, self.eps, self.wd = lr, betas, eps, weight_decay
        self.state = {}

    def step(self, params, grads):
        b1, b2 = self.betas
        for i, (w, g) in enumerate(zip(params, grads)):
            s = self.state.setdefault(i, {"t": 0, "m": 0.0, "v": 0.0})
            s["t"] += 1
            g = g + self.wd * w
            s["m"] = b1 * s["m"] + (1 - b1) * g
            s["v"] = b2 * s["v"] + (1 - b2) * g * g
            mh = s["m"] / (1 - b1 ** s["t"])
            vh = s["v"] / (1 - b2 ** s["t"])
            w -= self.lr * mh / (np.sqrt(vh) + self.eps)
