"""Configurations that take every way through a step, and a digest of what any number of processes leaves of each.

``python tests/same_by_many.py 1,2,3`` prints those whose bytes depend on the number, and ends with code 1 if any do.
"""

import dataclasses
import functools
import hashlib
import sys

import numpy as np

from npdigits.base.blas import one_thread
from npdigits.config.build import initial_state, recipe
from npdigits.config.compose import compose
from npdigits.config.schema import Config
from npdigits.data.sets import Split
from npdigits.training.loop import fit

# By images and by units, small products and large ones, batches and parts of one image, layers narrower than a cut.
CONFIGURATIONS = (
    "hidden=20",
    "hidden=20 batch_size=128",
    "hidden=20 batch_size=100 dropout=0.3 input_dropout=0.1",
    "hidden=[]",
    "hidden=[] batch_size=17",
    "hidden=5 batch_size=33 cost=mse",
    "hidden=800",
    "hidden=800 batch_size=128",
    "hidden=[300,100] max_norm=2",
    "hidden=[300,100] batch_size=512 dropout=0.5",
    "hidden=128 optimizer=sgd momentum=0.9 nesterov=true",
    "hidden=128 batch_size=128",
    "hidden=[33,17] activation=gelu",
    "hidden=[33,17] activation=softplus dtype=float64",
    "hidden=50 activation=tanh batch_size=1",
    "hidden=50 batch_size=33 output=sigmoid cost=mse",
    "hidden=50 batch_size=49 cost=mse activation=sigmoid",
    "hidden=50 batch_size=65 augment=elastic",
    "hidden=50 batch_size=129 added_strokes=0.9",
    "hidden=50 batch_size=33 added_strokes=0.5 augment=affine dtype=float64",
    "hidden=[5,3,1] batch_size=9 l2=1e-3",
    "hidden=40 batch_size=97 optimizer=lion",
    "hidden=40 batch_size=600 optimizer=rmsprop activation=silu l2=0.01",
    "hidden=801 batch_size=65 augment=affine dropout=0.2 input_dropout=0.2",
    "hidden=[200,150,100] activation=relu",
    "hidden=800 batch_size=512",
    "hidden=[17,13] batch_size=31 dropout=[0.2,0.5] activation=gelu dtype=float64",
    "hidden=[60,40] batch_size=8 output=tanh cost=mse initializer=lecun",
)


@functools.cache  # as dear as a digest of most of them
def composed(typed: str) -> Config:
    """Return the configuration that is typed so."""
    return compose(typed.split())


def digest(typed: str, threads: int) -> str:
    """Return the SHA-256 of weights, moments and history after two epochs of two batches and one that is smaller."""
    config = composed(typed)
    n, rng = 2 * config.batch_size + 1, np.random.default_rng(0)
    images = rng.integers(0, 256, (n + 700, 784), np.uint8) * (rng.random((n + 700, 784)) < 0.2)
    labels, rows = rng.integers(0, 10, len(images)).astype(np.uint8), np.arange(len(images))
    train, val, test = (Split(images, labels, part) for part in (rows[:n], rows[n : n + 300], rows[n + 300 :]))
    state = initial_state(config, (784, *config.hidden, 10))
    how = dataclasses.replace(recipe(config, (28, 28)), threads=threads, epochs=2)
    with one_thread():
        history = list(fit(state, train, val, test, how))
    arrays = [state.network.parameters.flat, *state.optimizer.state.values()]
    return hashlib.sha256(b"".join(array.tobytes() for array in arrays) + repr(history).encode()).hexdigest()


def main() -> None:
    """Print the configurations whose bytes depend on the number of processes."""
    numbers = [int(number) for number in sys.argv[1].split(",")]
    differing = [typed for typed in CONFIGURATIONS if len({digest(typed, number) for number in numbers}) > 1]
    print("\n".join(differing))
    sys.exit(1 if differing else 0)


if __name__ == "__main__":
    main()
