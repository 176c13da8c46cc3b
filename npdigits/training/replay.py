"""Training steps made again on copies, one after another, to see where a cost has stopped being finite."""

import dataclasses
import math
from dataclasses import dataclass

import numpy as np

from npdigits.base.interruption import Stopped
from npdigits.data.sets import Split
from npdigits.nn.network import cross_entropy
from npdigits.nn.workspace import Workspace
from npdigits.training.inside import copy_into
from npdigits.training.passes import Diverged, Trainer
from npdigits.training.scoring import score
from npdigits.training.state import Recipe, State

# Products and sums that a replay may take: some seconds. Small networks make whole epochs in that, and one of ten
# million parameters with batches of 100 digits some thirty steps.
MOST_WORK = 2e11


@dataclass(frozen=True)
class Course:
    """How the cost went.

    Attributes:
        costs: mean cross-entropy in nats of each step's batch, before the step.
        finite: whether all of them are, so that it was the number of steps that ended it.
    """

    costs: list[float]
    finite: bool


class Replay:
    """Makes the steps of an epoch again.

    Args:
        shadow: a state of the same form as those that are replayed; its arrays are overwritten.
        train: the training set.
        recipe: how it was trained.
    """

    def __init__(self, shadow: State, train: Split, recipe: Recipe) -> None:
        self._shadow, self._train, self._recipe = shadow, train, recipe
        parameters = shadow.network.parameters
        self._workspace = Workspace(parameters.sizes, recipe.batch_size, parameters.flat.dtype.name)
        # Forward and backward three products, and once more forward for the cost.
        self._most = max(int(MOST_WORK / (4 * 2 * parameters.flat.size * recipe.batch_size)), 1)

    def steps(self, state: State, epoch: int, lr: float, most: int | None = None) -> Course:
        """Make the steps of an epoch from where a state stands, at the most so many, until the cost is not finite."""
        copy_into(self._shadow, state)
        wanted = min(most or self._most, self._most)
        costs: list[float] = []

        def watch() -> bool:
            """Note the cost of the batch that is to be stepped on; say whether that is enough."""
            rest = len(self._train) - len(costs) * self._recipe.batch_size
            n = min(self._recipe.batch_size, rest)
            x, y = trainer.batches.x[:n], trainer.batches.y[:n]
            logits = self._shadow.network.forward(x, self._workspace)
            costs.append(float(cross_entropy(logits, y).mean()))
            return not math.isfinite(costs[-1]) or len(costs) > wanted

        trainer = Trainer(
            self._shadow, {"train": self._train}, dataclasses.replace(self._recipe, threads=1), stop=watch
        )
        try:
            trainer.train(epoch, lr)
        except Diverged:  # told by the output's biases: the next cost would not be finite
            costs.append(math.nan)
        except Stopped:
            pass
        return Course(costs, all(map(math.isfinite, costs)))

    def cost_after(self, state: State, lr: float, steps: int, digits: Split) -> float:
        """Return the cost of some digits after so many steps of epoch 1 at a rate; infinity if one is not finite."""
        if not self.steps(state, 1, lr, steps).finite:
            return math.inf
        after = cost_of(self._shadow, digits)
        return after if math.isfinite(after) else math.inf


def cost_of(state: State, digits: Split) -> float:
    """Return the mean cross-entropy of some digits in nats."""
    with np.errstate(all="ignore"):
        return score(state.network, digits)[0]
