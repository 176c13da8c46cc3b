"""Training: a generator that yields one record an epoch and does no input or output.

Whoever calls it logs, saves and draws. Validation data chooses the best epoch and when to stop; the test set is
scored beside it and chooses nothing.
"""

import math
from collections.abc import Callable, Iterator

import numpy as np

from npdigits.base.interruption import never
from npdigits.data.sets import Split
from npdigits.training.own_metrics import columns, compute
from npdigits.training.passes import Diverged, Trainer
from npdigits.training.state import ALL_EPOCHS, Epoch, Recipe, State
from npdigits.training.stopping import variance_of_last
from npdigits.training.work_split import share
from npdigits.training.workers import Workers, can_fork


def fit(
    state: State,
    train: Split,
    val: Split,
    test: Split,
    recipe: Recipe,
    stop: Callable[[], bool] = never,
    until: int | None = None,
) -> Iterator[Epoch]:
    """Train from where ``state`` stands, and yield the record of each epoch once it is in ``state.history``.

    Between two yields nothing of ``state`` changes, so the caller may save it. At the end ``state.stopped_by`` is the
    reason: ``epochs``, or the stopping rule's name; None at a pause. A state that has a reason already is not trained.

    Args:
        state: what is trained, in place.
        train, val, test: the sets; ``val`` and ``test`` may be empty.
        recipe: how to train.
        stop: a control that is asked between two batches whether to end, in this process and thread. It may wait: for
            as long as it does not return, training is paused, with any number of workers, and goes on with the same
            bits. It may be asked more than once between the same two batches.
        until: the epoch after which to pause: ``state.stopped_by`` is None then, and training goes on from there as if
            it had not been paused, as everything is computed from the recipe's own number of epochs. None: no pause.

    Raises:
        Diverged: the cost stopped being finite; ``state`` is then what it was at the end of the epoch before.
        Stopped: ``stop`` said so; ``state`` likewise.
    """
    last = recipe.epochs if until is None else min(until, recipe.epochs)
    if state.stopped_by or len(state.history) >= last:
        return
    splits = {"train": train, "scored": train.first(recipe.score_size), "val": val, "test": test}
    with start_workers(state, splits, recipe, stop) as workers:
        while not state.stopped_by and len(state.history) < last:
            record = _train_epoch(state, workers, splits, recipe)
            if record.is_best:
                state.best = state.network.parameters.flat.copy()
            state.history.append(record)
            state.stopped_by = _reason_to_stop(state, recipe)
            yield record


def start_workers(state: State, splits: dict[str, Split], recipe: Recipe, stop: Callable[[], bool] = never) -> Workers:
    """Return the workers that train ``state``, ready to be called by the names of a ``Trainer``'s methods."""
    count = recipe.threads if can_fork() else 1
    memory = share(state.network.parameters, recipe.batch_size, count, recipe.dropout)
    return Workers(count, lambda part: Trainer(state, splits, recipe, part, memory, stop), stop)


def _train_epoch(state: State, workers: Workers, splits: dict[str, Split], recipe: Recipe) -> Epoch:
    """Train for one epoch, score the sets, and return the record.

    Raises:
        Diverged, Stopped: as ``fit``; the state is restored.
    """
    epoch = len(state.history) + 1
    lr = recipe.schedule(epoch - 1)
    with state.restored_on_error():
        workers.call("train", epoch, lr)
        own: dict[str, float] = {}
        train_cost, train_accuracy = _score(workers, "scored", splits, recipe, own)
        test_cost, test_accuracy = _score(workers, "test", splits, recipe, own)
        val_cost, val_accuracy = _score(workers, "val", splits, recipe, own) if len(splits["val"]) else (None, None)
        # The test cost is not checked: test data must not stop a run either.
        if not (math.isfinite(train_cost) and math.isfinite(val_cost or 0.0)):
            raise Diverged(epoch)
    earlier = [record.val_cost for record in state.history if record.val_cost is not None]
    return Epoch(
        epoch=epoch,
        lr=lr,
        train_cost=train_cost,
        train_accuracy=train_accuracy,
        val_cost=val_cost,
        val_accuracy=val_accuracy,
        test_cost=test_cost,
        test_accuracy=test_accuracy,
        gap=None if val_cost is None else val_cost - train_cost,
        val_cost_variance=variance_of_last(earlier if val_cost is None else [*earlier, val_cost], recipe.window),
        is_best=val_cost is None or val_cost < min(earlier, default=math.inf),
        own={column: own.get(column) for column in columns([name for name, _ in recipe.metrics])},
    )


def _score(
    workers: Workers, name: str, splits: dict[str, Split], recipe: Recipe, own: dict[str, float]
) -> tuple[float, float]:
    """Return (mean cross-entropy in nats, accuracy as a fraction) of a split; NaN if it is empty.

    The user's own figures are added to ``own``, if the cost is finite.
    """
    split = splits[name]
    if not (n := len(split)):
        return math.nan, math.nan
    parts = workers.call("score", name)
    # Built-in sum() of floats is another from Python 3.12 on.
    cost = math.fsum(cost for costs, _, _ in parts for cost in costs) / n
    if recipe.metrics and math.isfinite(cost):
        logits = np.concatenate([logits for _, _, logits in parts])
        own |= compute(recipe.metrics, "train" if name == "scored" else name, logits, split.labels[split.rows])
    return cost, sum(correct for _, correct, _ in parts) / n


def _reason_to_stop(state: State, recipe: Recipe) -> str | None:
    """Return why training ends after the last epoch of the history: the stopping rule's name or ``epochs``."""
    val_costs = [record.val_cost for record in state.history if record.val_cost is not None]
    gaps = [record.gap for record in state.history if record.gap is not None]
    if state.history[-1].val_cost is not None and recipe.stopping_rule(val_costs, gaps):
        return recipe.stop_on
    return ALL_EPOCHS if len(state.history) == recipe.epochs else None
