"""Lesson 2: the gradient of a small network for one image, against the network's own backpropagation."""

import numpy as np

from npdigits.base.arrays import Array
from npdigits.lessons.answers import Answer, Function, Wrong, agree, as_array, described
from npdigits.nn.activations import ACTIVATIONS
from npdigits.nn.network import Network, Parameters
from npdigits.nn.workspace import Workspace

NAMES = ("dW1", "db1", "dW2", "db2")
SHAPES = ((4, 3, 2), (5, 2, 3), (9, 4, 10))
# Going from the last layer to the first, as an answer does: what is wrong first is named first.
ORDER = ("db2", "dW2", "db1", "dW1")


def check(function: Function) -> None:
    """Judge ``my_function(x, y, W1, b1, W2, b2)`` of a tanh network, which returns dW1, db1, dW2, db2."""
    answer = Answer(function, "x", "y", "W1", "b1", "W2", "b2")
    rng = np.random.default_rng(2)
    for sizes in SHAPES:
        for label in range(sizes[-1]):
            parameters = Parameters(sizes, "float64")
            parameters.flat[...] = rng.normal(0, 1, parameters.flat.size)
            x = rng.normal(0, 1, sizes[0])
            (w1, w2), (b1, b2) = parameters.weights, parameters.biases
            returned = answer(x, label, w1, b1, w2, b2)
            if not isinstance(returned, tuple | list) or len(returned) != len(NAMES):
                raise Wrong(f"it returned {described(returned)}; asked for are four arrays: return {', '.join(NAMES)}")
            shapes = (w1.shape, b1.shape, w2.shape, b2.shape)
            given = {name: as_array(name, one, shape) for name, one, shape in zip(NAMES, returned, shapes, strict=True)}
            _compare(given, parameters, x, label)


def _compare(given: dict[str, Array], parameters: Parameters, x: Array, label: int) -> None:
    """Raise ``Wrong`` with the likely reason if a part of a gradient is not the network's."""
    gradient = Parameters(parameters.sizes, "float64")
    network = Network(parameters, ACTIVATIONS["tanh"]())
    workspace = Workspace(parameters.sizes, 1, "float64")
    network.gradient(x[None], np.array([label]), gradient, workspace, 1.0)
    true = dict(
        zip(NAMES, (gradient.weights[0], gradient.biases[0], gradient.weights[1], gradient.biases[1]), strict=True)
    )
    if all(agree(given[name], -true[name]) for name in NAMES):
        raise Wrong("every sign is the other way round: an output's error is what it says minus what it should say")
    name = next((name for name in ORDER if not agree(given[name], true[name])), None)
    if name is None:
        return
    hidden = np.tanh(parameters.weights[0] @ x + parameters.biases[0])
    hint = "it is not the network's"
    if name == "db2":
        one = np.eye(parameters.sizes[-1])[label]
        if agree(given[name] - one, true[name]):
            hint = "the 1 of the right class was not subtracted from the probabilities"
        else:
            hint = "the error of the output is p minus t: the probabilities, minus 1 for the right class"
    elif name == "dW2":
        hint = "each weight's slope is the error of the unit that it leads to, times the value that it carries"
    elif name == "db1":
        if agree(given[name] * (1 - hidden**2), true[name]):
            hint = "the slope of tanh is missing: the error that arrives is multiplied by 1 − a²"
        elif agree(given[name], true[name] / (1 - hidden**2) * hidden):
            hint = "the error was multiplied by a; the slope of tanh is 1 − a²"
        else:
            hint = "an error comes back over the same weights W2 by which the value went out; then the slope of tanh"
    elif name == "dW1":
        hint = "db1 is right; each weight's slope is that, times the pixel that the weight belongs to"
    raise Wrong(f"{name}: {hint}")
