"""Lesson 6: the sign-flip test of paired seeds, against the one by which runs are compared."""

import numpy as np

from npdigits.compare.statistics import sign_flip_p
from npdigits.lessons.answers import Answer, Function, Wrong, agree

# Of so many pairs, at the most, all signs are tried in a moment, also in plain Python: 2¹⁰ = 1,024.
MOST = 10
CASES = 25


def check(function: Function) -> None:
    """Judge ``my_function(a, b)`` of two lists with a figure for each seed, which returns p."""
    answer = Answer(function, "a", "b")
    rng = np.random.default_rng(6)
    for case in range(CASES):
        n = int(rng.integers(3, MOST + 1))
        shared = rng.normal(90, 2, n)  # what the seed brings, to both
        # In whole eighths, so that equal sums are equal; some of the differences are 0.
        a = (np.round(8 * (shared + rng.normal(0, 0.5, n))) / 8).tolist()
        b = (np.round(8 * (shared + rng.normal((case % 3 - 1) * 0.6, 0.5, n))) / 8).tolist()
        d = np.subtract(a, b)
        p, true = answer.number(a, b), sign_flip_p(d)
        if agree(p, true):
            continue
        if not 0 <= p <= 1:
            raise Wrong(f"it returned {p:.4g}; p is a share, from 0 to 1")
        if agree(p, 1 - true) and not agree(true, 0.5):
            raise Wrong("this is the share that is less extreme; p is the share that is at least as extreme")
        if agree(p, sign_flip_p(d, "greater")) or agree(p, sign_flip_p(d, "less")):
            raise Wrong("this looks at one side only; which is better is not known beforehand, so compare sizes: abs")
        if agree(p, true - _ties(d)):
            raise Wrong("those with the same sum count too: at least as extreme is >=, and the signs as seen are one")
        raise Wrong(f"of {n} pairs with the differences {', '.join(f'{x:g}' for x in d)} p is {true:.4g}, not {p:.4g}")


def _ties(d: np.ndarray) -> float:
    """Return the share of signs whose sum is as large as the one that was seen, and no larger."""
    signs = 1 - 2 * ((np.arange(2 ** len(d))[:, None] >> np.arange(len(d))) & 1)
    return float((np.abs(signs @ d) == abs(d.sum())).mean())
