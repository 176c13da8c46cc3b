"""The page that trains: the same gradients and steps as ours, in a real browser, and nothing asked for."""

import base64

import numpy as np
import pytest

from npdigits.base.choice import assemble
from npdigits.export.learn import BEGINNING, digits, learn_page
from npdigits.nn.activations import ACTIVATIONS
from npdigits.nn.initializers import INITIALIZERS
from npdigits.nn.network import Network, Parameters, cross_entropy
from npdigits.nn.optimizers import OPTIMIZERS
from npdigits.nn.workspace import Workspace

BATCHES, UNITS = 10, 6
# The initial parameters, and of each batch its rows, its cost and its gradient; the numbers as bytes.
COURSE = """([settings, n]) => {
  const { digits, training } = npdigits, trainer = new Trainer(settings, digits, training);
  const { parameters, gradient } = trainer.network;
  const packed = (floats) => {
    const all = new Uint8Array(floats.slice().buffer), text = [];
    for (let i = 0; i < all.length; i += 8192) text.push(String.fromCharCode(...all.subarray(i, i + 8192)));
    return btoa(text.join(""));
  };
  const first = packed(parameters.flat), batches = [];
  for (let i = 0; i < n; i++) {
    const rows = Array.from(trainer.next());
    trainer.network.backward(digits, rows, trainer.pass);
    const one = { rows, gradient: packed(gradient.flat) };
    trainer.step();
    batches.push({ ...one, cost: trainer.cost });
  }
  return { first, batches, last: packed(parameters.flat) };
}"""


@pytest.fixture(scope="module")
def known_digits(mnist_5k, shared_cache):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NPDIGITS_CACHE", str(shared_cache))
        return digits()


@pytest.fixture(scope="module")
def page_file(known_digits, shared_cache, tmp_path_factory):
    path = tmp_path_factory.mktemp("page") / "learn.html"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NPDIGITS_CACHE", str(shared_cache))
        path.write_text(learn_page(None), encoding="utf-8")
    return path


@pytest.fixture
def opened(opened_page, page_file, request):
    tab = opened_page(page_file, **getattr(request, "param", {}))
    tab.wait_for_function("() => window.npdigits")
    return tab


@pytest.fixture(scope="module")
def course(browser, page_file):
    """Return a function that trains in one and the same tab, some batches of some settings."""
    tab = browser.new_page()
    tab.goto(page_file.as_uri())
    tab.wait_for_function("() => window.npdigits")
    yield lambda settings: tab.evaluate(COURSE, [settings, BATCHES])
    tab.close()


def as_ours(packed):
    """Return the page's parameters as ours: a pixel's weights lie side by side there, a unit's here."""
    parameters = Parameters((784, UNITS, 10), "float64")
    w1, w2, b1, b2 = np.split(
        np.frombuffer(base64.b64decode(packed), "<f8"), np.cumsum([784 * UNITS, UNITS * 10, UNITS])
    )
    parameters.weights[0][...], parameters.weights[1][...] = w1.reshape(784, UNITS).T, w2.reshape(10, UNITS)
    parameters.biases[0][...], parameters.biases[1][...] = b1, b2
    return parameters


def off(theirs, mine):
    """Return how far apart two sets of arrays are: of each the largest difference, as a share of its largest number."""
    pairs = list(zip((*theirs.weights, *theirs.biases), (*mine.weights, *mine.biases), strict=True))
    return max(np.abs(a - b).max() / (np.abs(b).max() or 1) for a, b in pairs)


def held(done, settings, images, labels):
    """Hold a course to that of our trainer from the same weights on the same batches; return how far off it was."""
    parameters, apart = as_ours(done["first"]), []
    network = Network(parameters, assemble(ACTIVATIONS[settings["activation"]], {"leak": 0.01}), 1 / 255)
    gradient, workspace = Parameters(parameters.sizes, "float64"), Workspace(parameters.sizes, 32, "float64")
    numbers = {"momentum": settings["momentum"]} if settings["optimizer"] == "sgd" else {}
    optimizer = OPTIMIZERS[settings["optimizer"]](parameters, gradient, **numbers)
    for batch in done["batches"]:
        x, y = images[batch["rows"]].astype(float), labels[batch["rows"]]
        assert batch["cost"] == pytest.approx(cross_entropy(network.forward(x, workspace), y).mean(), rel=1e-5)
        network.gradient(x, y, gradient, workspace, 1 / len(x))
        apart.append(off(as_ours(batch["gradient"]), gradient))
        gradient.flat *= optimizer.gradient_scale(settings["l2"])
        optimizer.step(settings["lr"], settings["l2"], settings["weight_decay"])
    return max(*apart, off(as_ours(done["last"]), parameters))


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_gradients_of_ten_batches_are_those_of_our_trainer(course, known_digits, activation):
    for initializer in INITIALIZERS:
        settings = {**BEGINNING, "seed": 3, "hidden": UNITS, "activation": activation, "initializer": initializer}
        done = course(settings)
        assert len(done["batches"]) == BATCHES
        assert held(done, settings, *known_digits) < 1e-5, initializer


@pytest.mark.parametrize("settings", [{}, {"momentum": 0.9}, {"optimizer": "adam", "lr": 0.01}], ids=str)
def test_steps_are_those_of_our_optimizers(course, known_digits, settings):
    for regularized in ({"l2": 0.01}, {"weight_decay": 0.06}, {"l2": 0.001, "weight_decay": 0.5}, {}):
        chosen = {**BEGINNING, "seed": 0, "hidden": UNITS, **settings, **regularized}
        assert held(course(chosen), chosen, *known_digits) < 1e-5, regularized
