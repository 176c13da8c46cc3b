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
            found = [getattr(one, "shape", None) for one in returned]
            if found != [*shapes] and sorted(map(str, found)) == sorted(map(str, shapes)):
                raise Wrong(f"the four arrays are in another order: return {', '.join(NAMES)}")
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
        raise Wrong("every sign is the other way round: the slopes of the outputs are p, minus 1 for the right class")
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
            hint = "the slopes of the outputs are p, minus 1 at the place y of the right class; b2 has the same slopes"
    elif name == "dW2":
        hint = "each weight's slope is that of the output that it leads to, which db2 has, times the a that it carries"
    elif name == "db1":
        if agree(given[name] * (1 - hidden**2), true[name]):
            hint = "the slope of tanh is missing: what comes back to a unit is multiplied by 1 − a²"
        elif agree(given[name], true[name] / (1 - hidden**2) * hidden):
            hint = "what comes back was multiplied by a; the slope of tanh is 1 − a²"
        else:
            hint = "slopes come back over the same weights W2 by which a went out, W2.T @ …; then the slope of tanh"
    elif name == "dW1":
        hint = "db1 is right; each weight's slope is that, times the pixel that the weight belongs to"
    raise Wrong(f"{name}: {hint}")
