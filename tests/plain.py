"""The plain version of every step, straight from the equations and without a thought for speed.

The fast one must match it to rounding.
"""

import numpy as np

ACTIVATIONS = {
    "leaky_relu": (lambda z: np.where(z > 0, z, 0.01 * z), lambda z: np.where(z > 0, 1.0, 0.01)),
    "relu": (lambda z: np.where(z > 0, z, 0.0), lambda z: np.where(z > 0, 1.0, 0.0)),
    "tanh": (np.tanh, lambda z: 1 / np.cosh(z) ** 2),
    "sigmoid": (lambda z: 1 / (1 + np.exp(-z)), lambda z: np.exp(-z) / (1 + np.exp(-z)) ** 2),
}


def forward(weights, biases, x, activation="leaky_relu"):
    """Return z and a of every layer; a[0] is the input."""
    f, _ = ACTIVATIONS[activation]
    zs, activations = [], [x]
    for layer, (w, b) in enumerate(zip(weights, biases, strict=True)):
        zs.append(activations[-1] @ w.T + b)
        activations.append(f(zs[-1]) if layer < len(weights) - 1 else zs[-1])
    return zs, activations


def softmax(z):
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def cost(weights, biases, x, y, activation="leaky_relu"):
    """Mean cross-entropy in nats."""
    p = softmax(forward(weights, biases, x, activation)[1][-1])
    return -np.log(p[np.arange(len(y)), y]).mean()


def gradient(weights, biases, x, y, activation="leaky_relu"):
    """Nielsen, ch. 2, BP1–BP4."""
    _, derivative = ACTIVATIONS[activation]
    zs, activations = forward(weights, biases, x, activation)
    onehot = np.eye(len(biases[-1]))[y]
    delta = (softmax(activations[-1]) - onehot) / len(x)
    dw, db = [], []
    for layer in reversed(range(len(weights))):
        dw.insert(0, delta.T @ activations[layer])
        db.insert(0, delta.sum(axis=0))
        if layer:
            delta = delta @ weights[layer] * derivative(zs[layer - 1])
    return dw, db


class Adam:
    """Kingma & Ba 2015, algorithm 1, line by line."""

    def __init__(self, n, beta1=0.9, beta2=0.999, eps=1e-8):
        self.beta1, self.beta2, self.eps = beta1, beta2, eps
        self.m, self.v, self.t = np.zeros(n), np.zeros(n), 0

    def step(self, theta, g, lr):
        self.t += 1
        self.m = self.beta1 * self.m + (1 - self.beta1) * g
        self.v = self.beta2 * self.v + (1 - self.beta2) * g**2
        m_hat = self.m / (1 - self.beta1**self.t)
        v_hat = self.v / (1 - self.beta2**self.t)
        return theta - lr * m_hat / (np.sqrt(v_hat) + self.eps)
