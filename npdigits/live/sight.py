"""What is seen of a run between two batches, on copies: curves, pictures of weights, distributions, mistakes.

Of a run that diverged the state is that of the epoch before, and the steps that led away from it stand in a file.
"""

import base64
import dataclasses
import itertools
import math
from pathlib import Path
from typing import Any

import numpy as np

from npdigits.base.arrays import Array
from npdigits.base.random import stream
from npdigits.config.build import empty_network, initial_state, recipe
from npdigits.config.seeds import seed_of
from npdigits.data.sets import Data, Split, hold_out
from npdigits.live.shapes import as_text, finite, histogram, weights_as_bytes
from npdigits.live.tempo import Position
from npdigits.nn.costs import softmax
from npdigits.nn.network import cross_entropy
from npdigits.nn.workspace import Workspace
from npdigits.runs.record import RunRecord
from npdigits.training.inside import BATCH, Arrays, Inside, evenly
from npdigits.training.scoring import Scoring

# Validation digits that are read at each look, evenly out of all.
VALIDATION = 1000
# Units of the first layer that are pictures, and digits that are read wrong.
MOST_UNITS, MOST_WRONG = 48, 24
# Steps of an epoch that diverged; of more every k-th is told, and the last.
MOST_STEPS = 1000
# The darkest shade of a picture.
INK = 255


class Sight:
    """Looks into a run, which is only read.

    Args:
        run: the run, which is about to begin.
        data: the data set that it is trained on.

    Attributes:
        in_epoch: batches of an epoch.
    """

    def __init__(self, run: RunRecord, data: Data) -> None:
        config = run.config
        self._run, self._data = run, data
        self._train, val = hold_out(data, config.val_size, seed_of(config, "split"))
        # Without validation digits those of the test are read, which are looked at and decide nothing.
        self._val, self._fixed = evenly(val if len(val) else data.test, VALIDATION), evenly(self._train, BATCH)
        self._is_test = not len(val)
        self._recipe = recipe(config, data.image_shape)
        self.in_epoch = -(-len(self._train) // config.batch_size)
        self._network = empty_network(config, run.sizes)
        self._scoring = Scoring(self._network, data.train.images.dtype.name)
        self._inside = Inside(initial_state(config, run.sizes), self._train, config.l2, config.weight_decay)
        self._order: tuple[int, Array] = 0, self._train.rows
        self._told = 0
        parameters = self._network.parameters
        self._one = Workspace(run.sizes, 1, parameters.flat.dtype.name)
        self._drawn: Array = np.zeros((1, run.sizes[0]), parameters.flat.dtype)
        self._read = self._network.plan_forward(self._drawn, self._one)

    def about(self) -> dict[str, Any]:
        """Return what does not change while the run goes on."""
        return {
            "sizes": list(self._run.sizes),
            "in_epoch": self.in_epoch,
            "epochs_most": self._run.config.epochs,
            "shape": list(self._data.image_shape),
            "classes": list(self._data.class_names),
            "data": self._data.name,
            "digits": {"train": len(self._train), "val": len(self._val), "is_test": self._is_test},
        }

    def look(self, at: Position) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return what is to be seen now, and the point of the curves, with the epochs that were not told yet."""
        with np.errstate(all="ignore"):  # what is not finite is null
            state = self._run.state
            self._network.parameters.flat[:] = state.network.parameters.flat
            lr = self._recipe.schedule(at.epochs)
            logits, val_logits = self._logits(self._fixed), self._logits(self._val)
            labels, answers = self._val.labels[self._val.rows], val_logits.argmax(axis=1)
            figures = [*_score(logits, self._fixed.labels[self._fixed.rows]), *_score(val_logits, labels)]
            point = [at.batches, self._cost_of_next(at), *(finite(figure) for figure in figures)]
            layers, states = self._layers(lr, logits)
            look = {
                **at._asdict(),
                "lr": finite(lr),
                "figures": dict(zip(("train_cost", "train", "val_cost", "val"), point[2:], strict=True)),
                "layers": layers,
                "units": {**self._units(), "states": states},
                "confusion": self._confusion(labels, answers),
                "wrong": self._wrong(labels, answers),
            }
        return look, {"point": point, "ended": self._new_epochs()}

    def read(self, image: str) -> dict[str, Any]:
        """Return what the network says of a digit, bytes in base64 as many as it has pixels."""
        pixels = np.frombuffer(base64.b64decode(image), np.uint8)
        if len(pixels) != self._drawn.shape[1]:
            return {"probabilities": None, "first": None}
        self._network.parameters.flat[:] = self._run.state.network.parameters.flat
        self._drawn[0] = pixels
        with np.errstate(all="ignore"):
            p = self._read().copy()
            softmax(p)
        hidden = self._one.activations[0][0] if self._one.activations else p[0]
        return {
            "probabilities": [finite(one) for one in p[0]],
            "first": [finite(one) for one in hidden[:MOST_UNITS]],
        }

    # ---- curves

    def _logits(self, split: Split) -> Array:
        parts = [logits.copy() for logits, _ in self._scoring.logits(split)]
        return np.concatenate(parts)

    def _cost_of_next(self, at: Position) -> float | None:
        """Return the cost of the batch that comes next, as its images are stored; None while sets are scored."""
        place, size = at.batches - self.in_epoch * at.epochs, self._recipe.batch_size
        if not 0 <= place < self.in_epoch:
            return None
        epoch, rows = at.epochs + 1, self._train.rows
        if self._order[0] != epoch:
            self._order = epoch, rows[stream(self._recipe.seed, "shuffle", epoch).permutation(len(rows))]
        batch = dataclasses.replace(self._train, rows=self._order[1][place * size : (place + 1) * size])
        return finite(_score(self._logits(batch), batch.labels[batch.rows])[0])

    def _new_epochs(self) -> list[list[float | None]]:
        """Return the records of the epochs that have ended since the last look, as points of the curves."""
        history = self._run.state.history
        new, self._told = history[self._told :], len(history)
        return [
            [one.epoch * self.in_epoch, None, one.train_cost, one.train_accuracy, one.val_cost, one.val_accuracy]
            for one in new
        ]

    # ---- pictures

    def _layers(self, lr: float, logits: Array) -> tuple[list[dict[str, Any]], list[str]]:
        """Return of each layer what ``training.inside`` sees and its distributions; and the states of units."""
        found: list[dict[str, Any]] = []
        states: list[str] = []
        weights = self._network.parameters.weights

        def see(arrays: Arrays) -> None:
            p = logits.copy()
            softmax(p)
            values = [*arrays.activations, p]
            for i, (a, gradient, w) in enumerate(zip(values, arrays.gradients, weights, strict=True)):
                is_last = i == len(weights) - 1
                found.append(
                    {
                        "activations": histogram(a, (0.0, 1.0) if is_last else None),
                        "gradients": histogram(gradient),
                        "weights": histogram(w),
                    }
                )
            states.extend(_states(arrays, min(len(weights[0]), MOST_UNITS)))

        layers = self._inside.look(self._run.state, lr, see)
        return [dataclasses.asdict(layer) | shapes for layer, shapes in zip(layers, found, strict=True)], states

    def _units(self) -> dict[str, Any]:
        """Return the first layer's weights as pictures; a unit is a picture of bytes."""
        w = self._network.parameters.weights[0]
        pixels, top = weights_as_bytes(w[:MOST_UNITS])
        return {"all": len(w), "shown": min(len(w), MOST_UNITS), "pixels": pixels, "top": finite(top)}

    def _confusion(self, labels: Array, answers: Array) -> list[int]:
        n = self._data.n_classes
        counts: list[int] = np.bincount(labels.astype(np.intp) * n + answers, minlength=n * n).tolist()
        return counts

    def _wrong(self, labels: Array, answers: Array) -> dict[str, Any]:
        """Return digits that are read wrong, evenly out of the classes, and how many there are."""
        wrong = np.flatnonzero(labels != answers)
        first = wrong[evenly_of_classes(labels[wrong], MOST_WRONG)]
        rows = self._val.rows[first]
        images = self._val.images[rows]
        if images.dtype != np.uint8 and len(rows):  # decimals in any unit: the highest is ink
            images = (images - images.min()) / max(float(np.ptp(images)), 1e-12) * INK
        digits = np.stack([rows, labels[first], answers[first]], axis=1).astype(np.intp)
        return {"all": len(wrong), "digits": digits.tolist(), "pixels": as_text(images.astype(np.uint8))}


def evenly_of_classes(labels: Array, most: int) -> Array:
    """Return the places of at most so many labels: the first of each class, then the second, …; in their order."""
    by_class = np.argsort(labels, kind="stable")
    ordered = labels[by_class]
    rank = np.empty(len(labels), np.intp)
    rank[by_class] = np.arange(len(labels)) - np.searchsorted(ordered, ordered)
    return np.sort(np.lexsort((labels, rank))[:most])


def end_of(run: Path, epoch: int, in_epoch: int) -> dict[str, Any]:
    """Return in which epoch a run diverged, and after how many batches in all; None where nothing tells that.

    Args:
        run: its directory.
        epoch: in which it did.
        in_epoch: batches of an epoch.
    """
    steps = _steps(run)
    # The cost before a step that is not finite is that after the step before.
    made = None if steps is None else int(steps["step"][-1]) - bool(math.isnan(steps["cost"][-1]))
    return {"diverged_in": epoch, "diverged_at": None if made is None else in_epoch * (epoch - 1) + made}


def points_of(run: Path, in_epoch: int) -> list[list[float | None]]:
    """Return the costs of the batches of that epoch, as points of the curve of the next batch."""
    steps = _steps(run)
    if steps is None:
        return []
    n = len(steps["step"])
    chosen = sorted({*range(0, n, -(-n // MOST_STEPS)), n - 1})
    before = in_epoch * (int(steps["epoch"][0]) - 1)
    costs = ((before + i, finite(float(steps["cost"][i]))) for i in chosen)
    return [[batches, cost, None, None, None, None] for batches, cost in costs if cost is not None]


def _score(logits: Array, labels: Array) -> tuple[float, float]:
    """Return mean cross-entropy in nats and accuracy."""
    return float(cross_entropy(logits, labels.astype(np.intp)).mean()), float((logits.argmax(axis=1) == labels).mean())


def _states(arrays: Arrays, n: int) -> list[str]:
    """Return of each of the first n units "", "dead" or "saturated"; of an output none."""
    if not arrays.dead:
        return [""] * n
    pairs = itertools.islice(zip(arrays.dead[0], arrays.saturated[0], strict=True), n)
    return ["dead" if dead else "saturated" if saturated else "" for dead, saturated in pairs]


def _steps(run: Path) -> dict[str, Array] | None:
    """Return diverged.csv; None where there is none that can be read."""
    from npdigits.runs.divergence import read_steps  # imports what draws, which few runs need

    try:
        return read_steps(run)
    except (OSError, ValueError):
        return None
