"""The data of training: the recipe, the state between two epochs, and the record of each epoch."""

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from npdigits.base.arrays import Array
from npdigits.data.augmentation import DistortionRanges
from npdigits.nn.network import Network, Parameters
from npdigits.nn.optimizer import Optimizer
from npdigits.nn.schedules import Schedule
from npdigits.training.own_metrics import Metric
from npdigits.training.stopping import StoppingRule


@dataclass(frozen=True)
class Epoch:
    """The record of one epoch: a row of metrics.csv.

    Costs are plain mean cross-entropies in nats, without L2, so that they compare between configurations;
    accuracies are fractions. All three sets are scored with the same weights, those at the epoch's end; of the
    training set possibly the first digits only (``score_size``). Without validation data the fields that need it are
    None.
    """

    epoch: int  # counted from 1
    lr: float
    train_cost: float
    train_accuracy: float
    val_cost: float | None
    val_accuracy: float | None
    test_cost: float
    test_accuracy: float
    gap: float | None  # val_cost − train_cost
    val_cost_variance: float | None  # over the last `window` epochs
    is_best: bool  # the lowest val_cost so far; without validation data always true
    own: Mapping[str, float | None] = field(default_factory=dict)  # figures of the user's own: "val_top2" -> value


# Why a run has ended, where no stopping rule has ended it (``State.stopped_by``): after all epochs, or as its cost
# stopped being finite.
ALL_EPOCHS, DIVERGED = "epochs", "diverged"


@dataclass
class State:
    """All that a run is between two epochs."""

    network: Network
    gradient: Parameters  # what the optimizer reads; of no meaning between two steps
    optimizer: Optimizer
    history: list[Epoch] = field(default_factory=list)
    best: Array | None = None  # the best epoch's flat parameters
    stopped_by: str | None = None  # a stopping rule's name, ``epochs`` or ``diverged``; None while it may go on

    @contextlib.contextmanager
    def restored_on_error(self) -> Iterator[None]:
        """Put weights and optimizer back as they were if anything is raised in the context."""
        arrays = [self.network.parameters.flat, *self.optimizer.state.values()]
        copies, steps = [array.copy() for array in arrays], self.optimizer.steps
        try:
            yield
        except BaseException:
            for array, before in zip(arrays, copies, strict=True):
                array[...] = before
            self.optimizer.steps = steps
            raise

    @property
    def best_epoch(self) -> Epoch | None:
        """The record whose weights are kept: the lowest validation cost; without validation data the last."""
        return next((record for record in reversed(self.history) if record.is_best), None)


@dataclass(frozen=True)
class Recipe:
    """How to train: plain values, every one of which can change the result."""

    schedule: Schedule
    stop_on: str
    stopping_rule: StoppingRule
    window: int
    epochs: int
    batch_size: int
    l2: float
    weight_decay: float
    seed: int  # of all that is drawn while training
    threads: int = 1  # processes that share the work
    dropout: tuple[float, ...] = ()  # of each hidden layer
    input_dropout: float = 0.0
    max_norm: float | None = None
    augment: DistortionRanges | None = None
    added_strokes: float = 0.0
    image_shape: tuple[int, int] = (28, 28)
    score_size: int | None = None  # training digits scored after each epoch; None: all
    metrics: tuple[tuple[str, Metric], ...] = ()  # figures of the user's own, by name
