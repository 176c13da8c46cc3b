"""The network as a textbook writes it: forward pass, cost, backpropagation, one step of gradient descent.

Read this first. The other modules of ``nn`` compute the same numbers, but write them into memory that is reused, in
place, and in shapes that BLAS is fast at. ``tests/test_plain.py`` holds both equal. No run uses this module.

Notation, with B images a batch and layers l = 1 … L, the last of which is the output:

    a⁰ = x                          (B, n₀)   the images
    zˡ = aˡ⁻¹ Wˡᵀ + bˡ              (B, nₗ)   with Wˡ of shape (nₗ, nₗ₋₁) and bˡ of shape (nₗ,)
    aˡ = f(zˡ)·mˡ                   (B, nₗ)   hidden layers; mˡ is the dropout mask, 1 without dropout
    aᴸ = g(zᴸ)                      (B, nᴸ)   the output: softmax, sigmoid or tanh
    C  = (1/B) Σ c(aᴸ, t) + ½·λ·Σ W²          c: the cost of one image with target t; λ: L2, on weights alone

Backpropagation is the chain rule on these lines, from the last to the first (Rumelhart, Hinton & Williams 1986;
Nielsen, ch. 2, whose names for the four equations are on the right). Products of δ, m and f′ are element by element:

    δᴸ     = ∂C/∂zᴸ                                    (BP1)
    δˡ     = (δˡ⁺¹ Wˡ⁺¹)·mˡ·f′(zˡ)                     (BP2)
    ∂C/∂bˡ = Σ δˡ over the images                      (BP3)
    ∂C/∂Wˡ = δˡᵀ aˡ⁻¹ + λ·Wˡ                           (BP4)
"""

import math
from collections.abc import Callable, Sequence

import numpy as np

from npdigits.base.arrays import Array

LEAK = 0.01


def sigmoid(z: Array) -> Array:
    """Return 1 / (1 + e^(−z))."""
    return np.asarray(1 / (1 + np.exp(-z)))


def softmax(z: Array) -> Array:
    """Return e^z / Σ e^z of each row.

    The row's maximum is subtracted first, which changes nothing but keeps e^z ≤ 1.
    """
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return np.asarray(e / e.sum(axis=1, keepdims=True))


def normal_cdf(z: Array) -> Array:
    """Return Φ(z) = ½·(1 + erf(z/√2)), the share of a standard normal distribution that is below z."""
    return np.asarray(0.5 * (1 + np.vectorize(math.erf)(z / math.sqrt(2))))


def normal_density(z: Array) -> Array:
    """Return φ(z) = e^(−z²/2) / √(2π), the derivative of Φ."""
    return np.asarray(np.exp(-(z**2) / 2) / math.sqrt(2 * math.pi))


# name -> (f, f′), both functions of z
ACTIVATIONS: dict[str, tuple[Callable[[Array], Array], Callable[[Array], Array]]] = {
    "leaky_relu": (lambda z: np.where(z > 0, z, LEAK * z), lambda z: np.where(z > 0, 1.0, LEAK)),
    "relu": (lambda z: np.where(z > 0, z, 0.0), lambda z: np.where(z > 0, 1.0, 0.0)),
    "tanh": (np.tanh, lambda z: 1 / np.cosh(z) ** 2),
    "sigmoid": (sigmoid, lambda z: sigmoid(z) * (1 - sigmoid(z))),
    "identity": (lambda z: z, np.ones_like),
    "gelu": (lambda z: z * normal_cdf(z), lambda z: normal_cdf(z) + z * normal_density(z)),
    "silu": (lambda z: z * sigmoid(z), lambda z: sigmoid(z) * (1 + z * (1 - sigmoid(z)))),
    "softplus": (lambda z: np.log(1 + np.exp(z)), sigmoid),
}

# name -> g
OUTPUTS: dict[str, Callable[[Array], Array]] = {"softmax": softmax, "sigmoid": sigmoid, "tanh": np.tanh}


def targets(y: Array, n_classes: int, output: str) -> Array:
    """Return t, shape (B, nᴸ): 1 for an image's class y, else 0; for tanh outputs −1."""
    t: Array = np.eye(n_classes)[y]
    return 2 * t - 1 if output == "tanh" else t


def forward(
    weights: Sequence[Array],
    biases: Sequence[Array],
    x: Array,
    activation: str = "leaky_relu",
    masks: Sequence[Array | None] | None = None,
) -> tuple[list[Array], list[Array]]:
    """Return ([z¹ … zᴸ], [a⁰ … aᴸ⁻¹]) of images x.

    Args:
        weights, biases: W¹ … Wᴸ and b¹ … bᴸ.
        x: images, shape (B, n₀).
        activation: f, a key of ``ACTIVATIONS``.
        masks: m¹ … mᴸ⁻¹, of shape (B, nₗ) each; None where no unit is left out.
    """
    f, _ = ACTIVATIONS[activation]
    n_hidden = len(weights) - 1
    masks = masks or [None] * n_hidden
    zs, activations = [], [x]
    for layer, (w, b) in enumerate(zip(weights, biases, strict=True)):
        z = activations[-1] @ w.T + b
        zs.append(z)
        if layer < n_hidden:
            mask = masks[layer]
            activations.append(f(z) if mask is None else f(z) * mask)
    return zs, activations


def cost_of_images(z: Array, y: Array, output: str = "softmax", cost: str = "cross_entropy") -> Array:
    """Return c of each image, shape (B,), from the last layer's z.

    Cross-entropy with softmax is −Σ t ln a = −ln a[y]; with sigmoids −Σ (t ln a + (1 − t) ln(1 − a)).
    The mean squared error is ½ Σ (a − t)².
    """
    a, t = OUTPUTS[output](z), targets(y, z.shape[1], output)
    if cost == "mse":
        return np.asarray(0.5 * ((a - t) ** 2).sum(axis=1))
    if output == "softmax":
        return np.asarray(-np.log(a[np.arange(len(y)), y]))
    return np.asarray(-(t * np.log(a) + (1 - t) * np.log(1 - a)).sum(axis=1))


def output_error(z: Array, y: Array, output: str = "softmax", cost: str = "cross_entropy") -> Array:
    """Return ∂c/∂z of each image, shape (B, nᴸ): B times δᴸ (BP1).

    Cross-entropy, with the output that belongs to it: a − t. For the mean squared error ∂c/∂a = a − t, so that a
    sigmoid or tanh gives (a − t)·g′(z). With softmax every output depends on every z: ∂aᵢ/∂zⱼ = aᵢ·(δᵢⱼ − aⱼ).
    """
    a, t = OUTPUTS[output](z), targets(y, z.shape[1], output)
    if cost == "cross_entropy":
        return a - t
    if output == "softmax":
        jacobian = a[:, :, None] * (np.eye(a.shape[1]) - a[:, None, :])  # (B, i, j)
        return np.asarray(np.einsum("bi,bij->bj", a - t, jacobian))
    _, derivative = ACTIVATIONS[output]
    return (a - t) * derivative(z)


def mean_cost(
    weights: Sequence[Array],
    biases: Sequence[Array],
    x: Array,
    y: Array,
    activation: str = "leaky_relu",
    output: str = "softmax",
    cost: str = "cross_entropy",
    masks: Sequence[Array | None] | None = None,
    l2: float = 0.0,
) -> float:
    """Return C, in nats if it is a cross-entropy. The arguments are those of ``gradient``."""
    zs, _ = forward(weights, biases, x, activation, masks)
    penalty = 0.5 * l2 * sum((w**2).sum() for w in weights)
    return float(cost_of_images(zs[-1], y, output, cost).mean() + penalty)


def gradient(
    weights: Sequence[Array],
    biases: Sequence[Array],
    x: Array,
    y: Array,
    activation: str = "leaky_relu",
    output: str = "softmax",
    cost: str = "cross_entropy",
    masks: Sequence[Array | None] | None = None,
    l2: float = 0.0,
) -> tuple[list[Array], list[Array]]:
    """Return ([∂C/∂W¹ … ∂C/∂Wᴸ], [∂C/∂b¹ … ∂C/∂bᴸ]) by backpropagation.

    Args:
        weights, biases: W¹ … Wᴸ and b¹ … bᴸ.
        x: images, shape (B, n₀).
        y: class labels 0 … nᴸ−1, shape (B,).
        activation: f, a key of ``ACTIVATIONS``.
        output: g, a key of ``OUTPUTS``.
        cost: ``cross_entropy``, with softmax or sigmoids, or ``mse``.
        masks: m¹ … mᴸ⁻¹ (dropout); None where no unit is left out.
        l2: λ.
    """
    _, derivative = ACTIVATIONS[activation]
    masks = masks or [None] * (len(weights) - 1)
    zs, activations = forward(weights, biases, x, activation, masks)
    delta = output_error(zs[-1], y, output, cost) / len(x)  # BP1
    dw: list[Array] = []
    db: list[Array] = []
    for layer in reversed(range(len(weights))):
        dw.insert(0, delta.T @ activations[layer] + l2 * weights[layer])  # BP4
        db.insert(0, delta.sum(axis=0))  # BP3
        if layer:
            delta = delta @ weights[layer] * derivative(zs[layer - 1])  # BP2
            mask = masks[layer - 1]
            if mask is not None:
                delta = delta * mask
    return dw, db


def sgd_step(
    weights: Sequence[Array],
    biases: Sequence[Array],
    dw: Sequence[Array],
    db: Sequence[Array],
    lr: float,
    weight_decay: float = 0.0,
) -> tuple[list[Array], list[Array]]:
    """Return the weights and biases after one step of gradient descent.

    W ← (1 − η·λ′)·W − η·∂C/∂W;  b ← b − η·∂C/∂b

    Args:
        weights, biases: before the step.
        dw, db: the gradient of C.
        lr: η, the learning rate.
        weight_decay: λ′ of the decay that is decoupled from the gradient (Loshchilov & Hutter 2019).
    """
    new_weights = [(1 - lr * weight_decay) * w - lr * g for w, g in zip(weights, dw, strict=True)]
    new_biases = [b - lr * g for b, g in zip(biases, db, strict=True)]
    return new_weights, new_biases


class Adam:
    """Kingma & Ba 2015, algorithm 1, line by line, for n parameters θ in one array.

    Attributes:
        m, v: running means of the gradient and of its square, shape (n,).
        t: steps made.
    """

    def __init__(self, n: int, beta1: float = 0.9, beta2: float = 0.999, eps: float = 1e-8) -> None:
        self.beta1, self.beta2, self.eps = beta1, beta2, eps
        self.m, self.v, self.t = np.zeros(n), np.zeros(n), 0

    def step(self, theta: Array, g: Array, lr: float) -> Array:
        """Return θ after one step, with g = ∂C/∂θ and the learning rate η."""
        self.t += 1
        self.m = self.beta1 * self.m + (1 - self.beta1) * g
        self.v = self.beta2 * self.v + (1 - self.beta2) * g**2
        m_hat = self.m / (1 - self.beta1**self.t)
        v_hat = self.v / (1 - self.beta2**self.t)
        return np.asarray(theta - lr * m_hat / (np.sqrt(v_hat) + self.eps))
