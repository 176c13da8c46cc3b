"""Lesson 1: what a unit computes, z = Σ w·x + b, against the network's forward pass."""

import numpy as np

from npdigits.base.arrays import Array
from npdigits.lessons.answers import Answer, Function, Wrong, agree
from npdigits.nn.activations import ACTIVATIONS
from npdigits.nn.network import Network, Parameters
from npdigits.nn.workspace import Workspace

CASES = 20


def check(function: Function) -> None:
    """Judge ``my_function(image, weights, bias)`` of two arrays of one shape and a number."""
    answer = Answer(function, "image", "weights", "bias")
    rng = np.random.default_rng(1)
    for case in range(CASES):
        shape = (28, 28) if case % 2 else (3, 4)
        image, weights, bias = rng.random(shape), rng.normal(0, 1, shape), float(rng.normal(0, 5))
        returned = answer(image, weights, bias)
        if isinstance(returned, np.ndarray) and returned.shape == shape:
            raise Wrong("it returned a number for each pixel; a unit adds them all up to a single one")
        z = answer.number(image, weights, bias)
        true = _of_the_network(image, weights, bias)
        if agree(z, true):
            continue
        if agree(z, true - bias):
            raise Wrong("the bias is missing: it is added once, after the sum")
        if agree(z, true + (image.size - 1) * bias):
            raise Wrong("the bias was added for every pixel; it belongs to the unit and is added once")
        if agree(z, (true - bias) / image.size + bias):
            raise Wrong("this is the mean of the products; a unit takes their sum")
        if agree(z, max(true, 0)):
            raise Wrong("what is negative became 0: that is the step after this one; here z itself is asked for")
        raise Wrong(f"for an image of {image.size} pixels it returned {z:.4g}; the network computes {true:.4g}")


def _of_the_network(image: Array, weights: Array, bias: float) -> float:
    """Return z as a network with a single unit computes it."""
    sizes = (image.size, 1)
    parameters = Parameters(sizes, "float64")
    parameters.weights[0][...], parameters.biases[0][...] = weights.ravel(), bias
    network = Network(parameters, ACTIVATIONS["identity"]())
    return float(network.forward(image.reshape(1, -1), Workspace(sizes, 1, "float64"))[0, 0])
