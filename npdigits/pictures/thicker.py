"""Strokes made thicker, or thinner."""

import numpy as np

from npdigits.base.arrays import Array


def thickened(levels: Array, by: int) -> Array:
    """Return strokes thicker by so many pixels: each pixel becomes the largest of a square. The image grows as much."""
    if by <= 0:
        return levels
    padded = np.pad(levels, by)
    n = len(padded) - by
    tall = np.max([padded[i : i + n] for i in range(by + 1)], axis=0)
    n = padded.shape[1] - by
    wider: Array = np.max([tall[:, i : i + n] for i in range(by + 1)], axis=0)
    return wider


def thinned(levels: Array, by: int) -> Array:
    """Return strokes thinner by so many pixels: each is the least of a square. The image shrinks as much."""
    if by <= 0:
        return levels
    n = len(levels) - by
    tall = np.min([levels[i : i + n] for i in range(by + 1)], axis=0)
    n = levels.shape[1] - by
    narrower: Array = np.min([tall[:, i : i + n] for i in range(by + 1)], axis=0)
    return narrower
