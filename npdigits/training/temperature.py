"""The temperature of a network: the one number by which its probabilities are made to mean what they say.

A trained network is mostly too sure, or, trained on another cost than cross-entropy, not sure enough. With the
temperature T its probabilities are

    p = softmax(z/T)        T the minimum of C(T) = −Σ ln softmax(z/T)[y] over the validation set

(Guo, Pleiss, Sun & Weinberger 2017, sect. 4.2). The order of the classes is that of z, so no reading changes. C is
convex in β = 1/T (it is log-linear in β), and its slope

    dC/dβ = Σ (Σₖ pₖ zₖ − z[y])

rises from Σ (mean z − z[y]) at β = 0 to Σ (max z − z[y]) at β = ∞. So there is a minimum where the labels' z are above
the mean ones and not all of the digits are read right; elsewhere the validation set does not tell, and there is none.
"""

import math

import numpy as np

from npdigits.base.arrays import Array
from npdigits.data.sets import Split
from npdigits.nn.network import Network
from npdigits.training.scoring import Scoring

# Where a minimum is looked for. Logits of a wild network are hundreds of times too large, those of one that has hardly
# moved from small weights thousands of times too small.
LOWEST, HIGHEST = 1e-6, 1e6
# As many digits are kept: fewer than any validation set can tell, and more than change a probability's third decimal.
# The last bits of z, which differ from machine to machine, hardly ever show in them.
SIGNIFICANT = 4
# Newton's method takes about six steps; halving alone, which may be needed first, 40 more.
MOST_STEPS, CLOSE = 100, 1e-9
# So many logits are looked at at once: they stay in cache, and the sums are cut alike on all machines.
AT_ONCE = 2**16


def find_temperature(network: Network, val: Split) -> float | None:
    """Return the temperature of a network by a validation set; None where that does not tell."""
    if not len(val):
        return None
    with np.errstate(over="ignore", invalid="ignore"):  # as in ``scoring.probabilities``
        batches = [(z.copy(), y) for z, y in Scoring(network, val.images.dtype.name).logits(val)]
    return fit_temperature(np.concatenate([z for z, _ in batches]), np.concatenate([y for _, y in batches]))


def fit_temperature(z: Array, y: Array) -> float | None:
    """Return the temperature of logits z, shape (n, classes), whose labels are y, shape (n,); None if there is none.

    By Newton's method in β = 1/T, kept between a β whose slope is negative and one whose slope is positive.
    """
    low, high = 1 / HIGHEST, 1 / LOWEST
    if not _slopes(z, y, low)[0] < 0 < _slopes(z, y, high)[0]:
        return None
    beta = 1.0
    for _ in range(MOST_STEPS):
        slope, curvature = _slopes(z, y, beta)
        low, high = (low, beta) if slope > 0 else (beta, high)
        following = beta - slope / curvature if curvature > 0 else math.inf
        before, beta = beta, following if low < following < high else math.sqrt(low * high)
        if abs(beta - before) <= CLOSE * beta:
            break
    return float(f"{1 / beta:.{SIGNIFICANT}g}")


def _slopes(z: Array, y: Array, beta: float) -> tuple[float, float]:
    """Return dC/dβ and d²C/dβ² = Σ (Σₖ pₖ zₖ² − (Σₖ pₖ zₖ)²)."""
    firsts, seconds = [], []
    rows = max(1, AT_ONCE // z.shape[1])
    for start in range(0, len(z), rows):
        block, of_block = z[start : start + rows].astype(np.float64), y[start : start + rows]
        block -= block.max(axis=1, keepdims=True)
        p = np.exp(beta * block)
        p /= p.sum(axis=1, keepdims=True)
        mean = (p * block).sum(axis=1)
        firsts.append(float((mean - block[np.arange(len(block)), of_block]).sum()))
        seconds.append(float(((block - mean[:, None]) ** 2 * p).sum()))
    return math.fsum(firsts), math.fsum(seconds)
