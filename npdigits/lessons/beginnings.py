"""Lesson 3: initial weights that a layer can learn from, judged by their properties."""

import numpy as np

from npdigits.lessons.answers import Answer, Function, Wrong

SHAPES = ((20, 784), (10, 20), (50, 100), (200, 400))
# z of inputs of variance 1 has about this spread: the schemes of nn/initializers.py have 0.7 to 1.5.
LEAST, MOST = 0.3, 3.0
# The mean of n weights lies within so many of its standard errors.
FAR = 5


def check(function: Function) -> None:
    """Judge ``my_function(rng, n_out, n_in)``, which returns weights of shape (n_out, n_in)."""
    answer = Answer(function, "rng", "n_out", "n_in")
    for shape in SHAPES:
        w = answer.array(shape, np.random.default_rng(3), *shape)
        if not w.any():
            raise Wrong("all weights are 0: then all units are equal, and stay equal")
        if np.ptp(w) == 0:
            raise Wrong("all weights are the same number: that is no better than 0, as all units are equal")
        if len(np.unique(w.round(12), axis=0)) < len(w):
            raise Wrong("two units have the same weights: they compute the same, and get the same gradient for ever")
        if abs(w.mean()) > FAR * w.std() / np.sqrt(w.size):
            raise Wrong(f"the mean of the weights is {w.mean():.3g}: draw as many below 0 as above it")
        inputs = np.random.default_rng(33).normal(0, 1, (1000, shape[1]))
        spread = float((inputs @ w.T).std())
        if not LEAST < spread < MOST:
            size, better = ("large", "smaller") if spread >= MOST else ("small", "larger")
            raise Wrong(
                f"with {shape[1]} inputs the sums z spread by {spread:.3g}, which is too {size}; about 1 is right: the "
                f"more inputs a unit has, the smaller its weights must be; here they should be {better}"
            )
        again = answer.array(shape, np.random.default_rng(3), *shape)
        other = answer.array(shape, np.random.default_rng(4), *shape)
        if not np.array_equal(w, again):
            raise Wrong("the same rng gave other weights: draw with the rng that is given, so that it can be repeated")
        if np.array_equal(w, other):
            raise Wrong("another rng gave the same weights: draw with the rng that is given")
