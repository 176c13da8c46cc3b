"""Training: a generator that yields one record an epoch and does no input or output.

Whoever calls it logs, saves and draws. Validation data chooses the best epoch and when to stop; the test set is
scored beside it and chooses nothing.
"""

import math
from collections.abc import Callable, Iterator

from npdigits.base.interruption import never
from npdigits.data.sets import Split
from npdigits.training.passes import Diverged, Member
from npdigits.training.state import Epoch, Recipe, State
from npdigits.training.stopping import variance_of_last
from npdigits.training.work_split import sharing
from npdigits.training.workers import Team


def fit(
    state: State, train: Split, val: Split, test: Split, recipe: Recipe, stop: Callable[[], bool] = never
) -> Iterator[Epoch]:
    """Train from where ``state`` stands, and yield the record of each epoch once it is in ``state.history``.

    Between two yields nothing of ``state`` is in motion, so the caller may save it. At the end ``state.stopped_by``
    says why: ``epochs``, or the stopping rule's name. A state that says so already is left as it is.

    Args:
        state: what is trained, in place.
        train, val, test: the sets; ``val`` and ``test`` may be empty.
        recipe: how to train.
        stop: asked between two batches whether to end.

    Raises:
        Diverged: the cost stopped being finite; ``state`` is then what it was at the end of the epoch before.
        Stopped: ``stop`` said so; ``state`` likewise.
    """
    if state.stopped_by:
        return
    splits = {"train": train, "scored": train.first(recipe.score_size), "val": val, "test": test}
    with team_of(state, splits, recipe, stop) as team:
        yield from _epochs(state, team, {name: len(split) for name, split in splits.items()}, recipe)


def team_of(state: State, splits: dict[str, Split], recipe: Recipe, stop: Callable[[], bool] = never) -> Team:
    """Return the processes that train ``state``, ready to be asked what a ``Member`` can do."""
    shared = sharing(state.network.parameters, recipe.batch_size, recipe.threads)
    return Team(recipe.threads, lambda part: Member(state, splits, recipe, part, shared, stop), stop)


def _score(team: Team, name: str, n: int) -> tuple[float, float]:
    """Return (mean cross-entropy in nats, accuracy as a fraction) of a split of n digits; of none NaN."""
    if not n:
        return math.nan, math.nan
    parts = team.do("score", name)
    return sum(cost for cost, _ in parts) / n, sum(correct for _, correct in parts) / n


def _epochs(state: State, team: Team, sizes: dict[str, int], recipe: Recipe) -> Iterator[Epoch]:
    val_costs = [record.val_cost for record in state.history if record.val_cost is not None]
    gaps = [record.gap for record in state.history if record.gap is not None]

    while len(state.history) < recipe.epochs:
        epoch = len(state.history) + 1
        lr = recipe.schedule(epoch - 1)
        with state.back_if_cut_short():
            team.do("train", epoch, lr)
            train_cost, train_accuracy = _score(team, "scored", sizes["scored"])
            test_cost, test_accuracy = _score(team, "test", sizes["test"])
            val_cost, val_accuracy = _score(team, "val", sizes["val"]) if sizes["val"] else (None, None)
            # The test cost is not asked: test data must not stop a run either.
            if not (math.isfinite(train_cost) and math.isfinite(val_cost or 0.0)):
                raise Diverged(epoch)
        gap = None
        if val_cost is not None:
            gap = val_cost - train_cost
            val_costs.append(val_cost)
            gaps.append(gap)
        is_best = val_cost is None or val_cost < min(val_costs[:-1], default=math.inf)
        variance = variance_of_last(val_costs, recipe.window)
        record = Epoch(
            epoch,
            lr,
            train_cost,
            train_accuracy,
            val_cost,
            val_accuracy,
            test_cost,
            test_accuracy,
            gap,
            variance,
            is_best,
        )
        if is_best:
            state.best = state.network.parameters.flat.copy()
        state.history.append(record)
        if sizes["val"] and recipe.stopping_rule(val_costs, gaps):
            state.stopped_by = recipe.stop_on
        elif epoch == recipe.epochs:
            state.stopped_by = "epochs"
        yield record
        if state.stopped_by:
            return
