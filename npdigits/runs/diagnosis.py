"""Why a run has failed, in one line: told from its figures and from a look inside the network, on copies.

A run has failed if its cost stopped being finite; if it reads the digits that it was trained on no better than by
chance, or their cost has not left the one of guessing; if it reads validation digits by chance, or far worse than the
training digits. Nothing is said of any other. All is computed from the run's last state and its seeds alone, so that
the line is the same when a run that was cut off comes to its end.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from npdigits.base.text import on_one_line
from npdigits.config.build import initial_state
from npdigits.data.sets import Split
from npdigits.nn.units import find_identical
from npdigits.runs.blow_up import HIGH, cost_as_text, entropy_of, shares_of, tell_divergence, tell_rate
from npdigits.runs.divergence import as_text
from npdigits.runs.layout import DIVERGENCE_STEPS
from npdigits.runs.results import wilson_interval
from npdigits.runs.summary import Status
from npdigits.training.inside import Arrays, Inside, Layer
from npdigits.training.neighbours import agreement
from npdigits.training.replay import Course
from npdigits.training.state import State

if TYPE_CHECKING:
    from npdigits.runs.prepare import Plan
    from npdigits.runs.record import RunRecord
    from npdigits.runs.writer import RunWriter

# A cost has not left that of guessing, the entropy of the labels, if it never fell below this share of it.
HARDLY = 0.97
# Of a run of which that is said at most this share is read right: after other costs than cross-entropy the cost that is
# reported may be high though all is read.
FEW = 0.5
# Chance is so near, as a share of what lies between it and all: of few digits much is not shown to be more.
NEAR = 0.1
# Validation is far from training if its accuracy is by so much less, also at the upper end of its 95 % interval.
FAR = 0.2
# Nearest neighbours tell of labels that do not fit from so many digits on; fewer are too unlike each other.
ENOUGH = 200
# A layer is lost if so many of its units are of no use.
LOST = 0.9
# Weights have vanished, or have hardly moved, if their norm, or its change, is below this share of the initial norm.
VANISHED, MOVED = 1e-3, 0.01
# From these on they can be what has pulled weights to 0. Adam's steps of about lr hold against a decay of lr·λ·w where
# w is below 1/λ; L2 is held against by a mean gradient, of which few are above a hundredth.
STRONG = {"l2": 0.03, "weight_decay": 1.0}
# A gradient vanishes on its way if the norm of some layer's is below this share of the output's.
FADED = 1e-2
# A cost falls still if it has fallen in every epoch, in all by a hundredth at least.
FALLEN = 0.99
# A step of more than this share of the weights is a large one. So much dropout leaves little to learn from.
LARGE_STEP, MUCH = 0.05, 0.5


def diagnose(plan: Plan, record: RunRecord, status: Status, writer: RunWriter, warn: Callable[[str], None]) -> str:
    """Return why a run that has ended has failed, in one line; "" where it has not.

    Of a run that diverged the costs of the last steps are written (``divergence``).

    Args:
        plan: its settings and sets.
        record: its state and summary, which are only read.
        status: in which it has ended.
        writer: of its directory.
        warn: is told where it cannot be found out, which costs the run nothing.
    """
    try:
        with np.errstate(all="ignore"):
            found = Diagnosis(plan, record.state)
            line = found.line(status)
    except Exception as error:  # own code may raise, and memory may be short
        warn(f"why the run failed is not known: {on_one_line(error)}")
        return ""
    if found.course and found.course.costs:
        writer.write(DIVERGENCE_STEPS, as_text(len(record.state.history) + 1, found.course.costs))
    return line


@dataclass
class Diagnosis:
    """What is known of a run that has ended.

    Attributes:
        plan, state: its settings and sets, and where it stands; both are only read.
        course: of one that diverged, the steps of the epoch in which it did; None before ``line``.
    """

    plan: Plan
    state: State
    course: Course | None = None

    def line(self, status: Status) -> str:
        """Return why it has failed; "" where it has not."""
        if status == Status.DIVERGED:
            line, self.course = tell_divergence(self.plan, self.state, self.initial)
            return line
        best, last = self.state.best_epoch, self.state.history[-1]
        if best is None:
            return ""
        if equal := self._of_equal_units():
            return equal
        if self._never_learned():
            return self._of_what_never_learned()
        # Without validation digits the test digits tell.
        name, other = ("validation", self.plan.val) if len(self.plan.val) else ("test", self.plan.source.test)
        if not len(other):
            return ""
        accuracy, now = ((e.test_accuracy if e.val_accuracy is None else e.val_accuracy) for e in (best, last))
        if _at_chance(accuracy, other) and _at_chance(last.train_accuracy, self._scored):
            return self._of_what_never_learned()
        reads = f"{last.train_accuracy:.1%} of the training digits are read right, {now:.1%} of the {name} digits"
        _, high = wilson_interval(round(accuracy * len(other)), len(other))
        if _at_chance(accuracy, other) and high < last.train_accuracy:
            return f"{reads}, which is chance: {self._of_labels(name, other)}"
        if high < best.train_accuracy - FAR:
            return f"{reads}: {self._of_distance(name, other)}"
        return ""

    @cached_property
    def initial(self) -> State:
        """The state that the run began with."""
        return initial_state(self.plan.config, self.plan.sizes)

    @property
    def _scored(self) -> Split:
        """The training digits that are scored after each epoch."""
        return self.plan.train.first(self.plan.config.score_size)

    def _never_learned(self) -> bool:
        most = max(epoch.train_accuracy for epoch in self.state.history)
        lowest = min(epoch.train_cost for epoch in self.state.history)
        return _at_chance(most, self._scored) or (most < FEW and lowest > HARDLY * entropy_of(self.plan.train))

    def _of_equal_units(self) -> str:
        """Return which hidden layer has units that are all equal, whatever was reached so; "" where none has."""
        parameters = self.state.network.parameters
        for layer, (w, b) in enumerate(zip(parameters.weights[:-1], parameters.biases[:-1], strict=True), start=1):
            if find_identical(w, b).all() and not self._vanished(layer):
                drawn_by = _shown(self.plan.config.initializer)
                return (
                    f"all {len(b)} units of layer {layer} are equal (initializer={drawn_by}), get equal gradients and "
                    "stay equal: the layer is one unit; draw its initial weights"
                )
        return ""

    def _vanished(self, layer: int) -> str:
        """Return the keys that have pulled a layer's weights to 0; "" where none is strong, or they are not 0."""
        now, before = (
            float(np.linalg.norm(state.network.parameters.weights[layer - 1].astype(np.float64)))
            for state in (self.state, self.initial)
        )
        strong = [key for key, least in STRONG.items() if getattr(self.plan.config, key) >= least]
        if not strong or not now < VANISHED * before:
            return ""
        return " and ".join(f"{key}={getattr(self.plan.config, key):g}" for key in strong)

    def _of_what_never_learned(self) -> str:
        config = self.plan.config
        look = Inside(initial_state(config, self.plan.sizes), self.plan.train, config.l2, config.weight_decay).look
        starved: list[float] = []
        first = look(self.initial, config.lr)
        now = look(self.state, self.state.history[-1].lr, lambda seen: starved.extend(_starved(seen)))
        guessing, lowest = entropy_of(self.plan.train), min(epoch.train_cost for epoch in self.state.history)
        if found := self._of_units(now, first, starved) or _of_gradients(now):
            return found
        if lowest > HIGH * guessing:
            line = f"the training cost never fell below {cost_as_text(lowest)} nats, that of guessing is {guessing:.2f}"
            return f"{line}; {tell_rate(self.plan, self.initial, self.state.history[0].lr)}"
        if found := self._of_steps():
            return found
        agreeing, n, chance = agreement(self.plan.train)
        cost = f"the training cost stayed near {guessing:.2f} nats, that of guessing"
        if wilson_interval(agreeing, n)[0] <= chance:
            return f"{cost}, though the layers are healthy: {_unfit(agreeing, n)}"
        if max(layer.update_ratio or 0.0 for layer in now) > LARGE_STEP:
            return f"{cost}, and the steps are large: a smaller lr (it is {config.lr:g})"
        shares = {"dropout": max(config.dropout, default=0.0), "input_dropout": config.input_dropout}
        if dropped := [f"{key}={share:g}" for key, share in shares.items() if share >= MUCH]:
            return f"{cost}, and {' and '.join(dropped)} leaves little to learn from: less of it"
        if self._still_falls():
            return f"{cost}, but falls still: a larger lr (it is {config.lr:g}), or more epochs"
        return f"{cost}, and neither layers nor labels show why: another lr (it is {config.lr:g}), or more epochs"

    def _still_falls(self) -> bool:
        """Say whether the cost has fallen in every epoch."""
        costs = [epoch.train_cost for epoch in self.state.history]
        return all(after < before for before, after in itertools.pairwise(costs)) and costs[-1] < FALLEN * costs[0]

    def _of_units(self, now: Sequence[Layer], first: Sequence[Layer], starved: Sequence[float]) -> str:
        """Return which hidden layer has lost its units, and how; "" where none has.

        Args:
            now, first: each layer after the last epoch, and before the first one.
            starved: of each hidden layer the share that ``_starved`` gives.
        """
        config = self.plan.config
        for layer, before, hungry in zip(now[:-1], first[:-1], starved, strict=True):
            if keys := self._vanished(layer.layer):
                return f"the weights of layer {layer.layer} have vanished: {keys} pulls them to 0"
            where = f"of the {self.plan.sizes[layer.layer]} units of layer {layer.layer}"
            idle, idle_at_first = ((one.dead or 0) + (one.saturated or 0) for one in (layer, before))
            mend = f"a smaller lr (it is {config.lr:g})"
            if idle_at_first >= LOST:
                mend = f"so it was before the first step: smaller initial weights (init_scale is {config.init_scale:g})"
            if hungry >= LOST:
                return (
                    f"the signal vanishes on its way forward: {hungry:.0%} {where} give the same for every digit, "
                    "though they are not saturated: fewer layers, larger initial weights, or another activation"
                )
            if (layer.dead or 0) >= LOST:
                unlike = "" if idle_at_first >= LOST or config.activation != "relu" else ", or activation=leaky_relu"
                return f"{layer.dead:.0%} {where} are dead, they give the same for every digit: {mend}{unlike}"
            if idle >= LOST:
                flat = f"where the slope of {_shown(config.activation)} is next to 0"
                return f"{idle:.0%} {where} are saturated, {flat}: {mend}"
        return ""

    def _of_steps(self) -> str:
        """Return why the weights have not moved; "" where they have."""
        config = self.plan.config
        w, before = (state.network.parameters.all_weights.astype(np.float64) for state in (self.state, self.initial))
        moved = math.sqrt(((w - before) ** 2).sum()) / (math.sqrt((before**2).sum()) or 1.0)
        if moved < MOVED:
            moved_in = f"{moved:.1e} of their length in {len(self.state.history)} epochs"
            return f"the weights have moved by {moved_in}: a larger lr (it is {config.lr:g})"
        return ""

    def _of_labels(self, name: str, other: Split) -> str:
        """Return why digits that were not trained on are read by chance."""
        agreeing, n, chance = agreement(self.plan.train)
        if wilson_interval(agreeing, n)[0] <= chance:
            return f"the training digits were learned by heart, as {_unfit(agreeing, n)}"
        agreeing, n, chance = agreement(self.plan.train, other)
        if wilson_interval(agreeing, n)[0] <= chance:
            unlike = f"the {name} digits or their labels are unlike those that were trained on"
            return f"{unlike}: {_neighbours(agreeing, n, name)}"
        return "overfitting: more training digits, a smaller network, or more regularization"

    def _of_distance(self, name: str, other: Split) -> str:
        """Return why digits that were not trained on are read far worse."""
        agreeing, n, _ = agreement(self.plan.train)
        agreeing_there, n_there, _ = agreement(self.plan.train, other)
        if agreeing_there / n_there < agreeing / n - FAR:
            return f"the {name} digits are unlike the training digits: {_neighbours(agreeing_there, n_there, name)}"
        parameters, digits = self.state.network.parameters.flat.size, len(self.plan.train)
        if agreeing / n < FEW and n >= ENOUGH:
            return f"many labels may not fit the pictures: {_neighbours(agreeing, n, 'training')}"
        return (
            f"overfitting, {parameters:,} parameters on {digits:,} digits: more digits, a smaller network, or more "
            "regularization"
        )


def _of_gradients(now: Sequence[Layer]) -> str:
    """Return that the gradient vanishes on its way back; "" where it does not."""
    norms = [layer.gradient_norm or 0.0 for layer in now]
    if min(norms) >= FADED * norms[-1]:
        return ""
    where = f"{norms[-1]:.1e} at the output, {min(norms):.1e} at layer {norms.index(min(norms)) + 1}"
    return (
        f"the gradient vanishes on its way back ({where}): fewer layers, larger initial weights, or another activation"
    )


def _starved(seen: Arrays) -> list[float]:
    """Return of each hidden layer the share of the units that give the same for every image where f′ is not next to 0.

    They would let a gradient through: it is what comes to them that does not differ.
    """
    return [float((dead & ~saturated).mean()) for dead, saturated in zip(seen.dead, seen.saturated, strict=True)]


def _at_chance(accuracy: float, split: Split) -> bool:
    """Say whether an accuracy is next to the share of the most frequent class, and not shown to be more than that."""
    chance = float(shares_of(split).max())
    low, _ = wilson_interval(round(accuracy * len(split)), len(split))
    return low <= chance and accuracy <= chance + NEAR * (1 - chance)


def _unfit(agreeing: int, n: int) -> str:
    return f"the labels do not fit the pictures (are they shuffled?): {_neighbours(agreeing, n, 'training')}"


def _neighbours(agreeing: int, n: int, name: str) -> str:
    return f"of {n:,} {name} digits {agreeing / n:.0%} have the label of the most similar training digit"


def _shown(name: str) -> str:
    """Return a component's name, of own code without the digest."""
    return name.partition("@")[0]
