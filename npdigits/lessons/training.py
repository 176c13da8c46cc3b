"""A training in memory, for notebooks: the same bits as the command line's, without a run directory."""

import functools
from dataclasses import dataclass, fields, replace

import pandas as pd

from npdigits.base.arrays import Array
from npdigits.base.blas import one_thread
from npdigits.base.terminal import show
from npdigits.config.build import check_fit, initial_state, recipe
from npdigits.config.compose import compose
from npdigits.config.schema import Config
from npdigits.config.seeds import seed_of
from npdigits.data.sets import Data, hold_out, load
from npdigits.training.loop import fit
from npdigits.training.passes import Diverged
from npdigits.training.state import DIVERGED, Epoch

# What is small enough for a notebook: 5,000 real digits that come with the installation.
SMALL = ("data=mnist_5k", "epochs=5", "threads=1")


@dataclass(frozen=True, repr=False)
class Learned:
    """What came of a training.

    Attributes:
        history: a row an epoch: its number, costs, accuracies.
        weights, biases: of each layer, as they were at the last epoch's end.
        stopped_by: "epochs", a stopping rule's name, or "diverged".
        config: what it was trained by.
    """

    history: pd.DataFrame
    weights: list[Array]
    biases: list[Array]
    stopped_by: str
    config: Config

    def __repr__(self) -> str:
        """Return one line: as a cell's last line, thousands of weights would fill the notebook."""
        read = f"{self.accuracy:.1%} of the validation digits are read right" if len(self.history) else "no epoch"
        return f"<Learned: {read}; {len(self.history)} epochs; ended: {self.stopped_by}>"

    @property
    def accuracy(self) -> float:
        """The share of validation digits that were read right after the last epoch; of none, if there was no epoch."""
        return float(self.history.val_accuracy.iloc[-1]) if len(self.history) else float("nan")


def learn(*settings: str, seed: int | None = None) -> Learned:
    """Train a network on small data, and return what came of it.

    Args:
        settings: as the command line takes them: "hidden=20", "lr=0.01"; ``SMALL`` stands before them.
        seed: what is drawn at random; None is the settings' own.

    Raises:
        UserError: a setting is not allowed.
    """
    # An own file may be another one the next time.
    config = (_compose if any(".py" in setting for setting in settings) else _composed)(*settings)
    config = config if seed is None else replace(config, seed=seed)
    source = _source(config.data.name)
    train, val = hold_out(source, config.val_size, seed_of(config, "split"))
    sizes = (source.train.images.shape[1], *config.hidden, source.n_classes)
    check_fit(config, sizes, len(train), source)
    state = initial_state(config, sizes)
    history: list[Epoch] = []
    with one_thread():
        try:
            history.extend(fit(state, train, val, source.test, recipe(config, source.image_shape)))
        except Diverged as error:
            show(f"{error}: the numbers became too large to be written down; the rate lr={config.lr:g} may be too high")
            history = state.history
    names = [field.name for field in fields(Epoch) if field.name != "own"]
    table = pd.DataFrame([{name: getattr(epoch, name) for name in names} for epoch in history], columns=names)
    parameters = state.network.parameters
    weights, biases = ([one.copy() for one in some] for some in (parameters.weights, parameters.biases))
    return Learned(table, weights, biases, state.stopped_by or DIVERGED, config)


def digits() -> tuple[Array, Array]:
    """Return the small set's digits for training: images 0 (paper) … 1 (ink), shape (n, 28, 28), and their labels."""
    train = _source("mnist_5k").train
    images: Array = train.images[train.rows].reshape(-1, 28, 28) / 255
    return images, train.labels[train.rows]


@functools.lru_cache(maxsize=4)
def _source(name: str) -> Data:
    """Return a data set, read once."""
    return load(name, fallback="mnist_5k", warn=show)


def _compose(*settings: str) -> Config:
    return compose([*SMALL, *settings])


_composed = functools.lru_cache(maxsize=64)(_compose)
