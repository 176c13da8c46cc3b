"""Which units of a layer are of no use: dead, saturated and identical ones, told on a batch of images.

A unit that is dead gives the same for every image. One that is saturated gives different numbers, but lies on a flat
part of its activation, where f′ lets hardly any gradient through. Identical ones compute the same as another.
"""

import numpy as np

from npdigits.base.arrays import Array
from npdigits.nn.activations import Activation

# A unit is dead if its activations differ by no more than this share of the layer's largest.
CONSTANT = 1e-6
# A unit is saturated at an image if |f′| is below this share of its largest: beyond |z| = 3.0 of tanh, 6.0 of sigmoid.
# A leaky ReLU's slope of 0.01 is none, which is a hair below in float32.
FLAT = 0.01 * (1 - 1e-6)
# It is saturated if it is so at this share of the images.
MOSTLY = 0.95
# Two units are identical if their weights and biases differ by no more than this share of their length: what is equal
# at first and has equal gradients, which are added up in another order, drifts apart by rounding.
EQUAL = 1e-4
# How many neighbours a row is compared with, in the order of its projections.
NEIGHBOURS = 3


def slopes(activation: Activation, a: Array, z: Array | None = None) -> Array:
    """Return f′(z) at every a = f(z), of the same shape.

    Args:
        activation: f.
        a: its values.
        z: where they were computed; needed as ``activation.needs_z`` says.
    """
    slope = np.ones_like(a)
    activation.backward(slope, a, *([z] if activation.needs_z else []))
    return slope


def largest_slope(activation: Activation, dtype: str) -> float:
    """Return the largest |f′(z)| for z from −8 to 8, where inputs of a unit lie as a rule."""
    z = np.linspace(-8, 8, 1601).astype(dtype)[:, None]
    a = z.copy()
    activation.apply(a)
    return float(np.abs(slopes(activation, a, z)).max())


def find_dead(a: Array) -> Array:
    """Return which units are dead, shape (n,), of activations of shape (images, n)."""
    lowest, highest = a.min(axis=0), a.max(axis=0)
    largest = max(float(np.abs(lowest).max()), float(np.abs(highest).max()))
    dead: Array = highest - lowest <= CONSTANT * largest
    return dead


def find_saturated(slope: Array, largest: float) -> Array:
    """Return which units are saturated, shape (n,), of slopes of shape (images, n) and the largest slope there is."""
    saturated: Array = (np.abs(slope) < FLAT * largest).mean(axis=0) >= MOSTLY
    return saturated


def find_identical(w: Array, b: Array) -> Array:
    """Return which units are identical to another of their layer, shape (n,), of W (n, inputs) and b (n,).

    Rows that are equal have equal projections on any direction, so only neighbours in their order are compared: of
    2,500 units that saves nearly all of three million comparisons.
    """
    rows = np.concatenate([w, b[:, None]], axis=1).astype(np.float64)
    n, inputs = rows.shape
    direction = np.cos(1.0 + np.arange(inputs, dtype=np.float64) ** 1.5)
    direction /= np.sqrt(direction @ direction)
    lengths = np.sqrt(np.einsum("ij,ij->i", rows, rows))
    projections = rows @ direction
    order = np.argsort(projections, kind="stable")
    identical = np.zeros(n, bool)
    for step in range(1, min(NEIGHBOURS + 1, n)):
        first, second = order[:-step], order[step:]
        allowed = EQUAL * np.maximum(lengths[first], lengths[second])
        near = np.flatnonzero(projections[second] - projections[first] <= allowed)
        some, others = first[near], second[near]
        differences = rows[some] - rows[others]
        equal = np.sqrt(np.einsum("ij,ij->i", differences, differences)) <= allowed[near]
        identical[some[equal]] = identical[others[equal]] = True
    return identical
