"""What a run directory holds that can be drawn: of a run that has ended all, of another one as far as it came."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from npdigits.base.arrays import Array
from npdigits.base.errors import RunDirError
from npdigits.runs.arrays import fits_network, read_distorted, read_predictions
from npdigits.runs.checkpoint import opened
from npdigits.runs.divergence import read_steps
from npdigits.runs.layers import read_layers
from npdigits.runs.layout import AUGMENTATION, DISTORTED, DIVERGENCE, DIVERGENCE_STEPS, INSIDE, LAYERS, PLOTS
from npdigits.runs.metrics import read_metrics
from npdigits.runs.summary import Status, read_summary

# The plots that tell of the best epoch's readings, and of its weights.
OF_PREDICTIONS, OF_WEIGHTS = ("confusion", "mistakes"), ("weights",)


class RunFiles:
    """The files of a run directory, read once for all plots.

    Of a run that has ended with a best epoch, all of them must be there. Another one may be at work: its files are read
    as they are at this instant, without its lock, and what it has not written yet is None.

    Attributes:
        summary: of the run.
        metrics: columns of metrics.csv.
        best_epoch: so far; None where there is none.
        best: the arrays of best.npz.
        predictions: the arrays of predictions.npz.
        distorted: the arrays of distorted.npz; None where nothing was.
        layers: columns of layers.csv; None where nobody looked, or no epoch is there yet.
        steps: columns of diverged.csv; None of a run that has not diverged.

    Raises:
        RunDirError: it is not a run directory, it is damaged, or it holds no epoch to draw.
    """

    def __init__(self, path: Path) -> None:
        self.summary = read_summary(path)
        over = self.summary.status.ended
        self.metrics = {name: np.array(values) for name, values in read_metrics(path, growing=not over).items()}
        n = len(self.metrics["epoch"])
        diverged = self.summary.status == Status.DIVERGED and (path / DIVERGENCE_STEPS).exists()
        if not diverged and (not n or (over and self.summary.best_epoch is None)):
            reason = "no epoch was finished" if over else "no epoch has ended yet"
            raise RunDirError(f"{path}: {reason} (status {self.summary.status}): nothing to draw")
        if over and (self.summary.best_epoch or 0) > n:
            raise RunDirError(f"{path}: damaged: metrics.csv has {n} rows, but best_epoch={self.summary.best_epoch}")
        # Of a run that was made longer, the summary may still tell of its former end.
        marked = [*self.metrics["epoch"][self.metrics["is_best"] == 1]]
        self.best_epoch = self.summary.best_epoch if over else int(marked[-1]) if marked else None
        self.predictions: dict[str, Array] | None = None
        self.best: dict[str, Array] | None = None
        self._read_arrays(path, over)

    def _read_arrays(self, path: Path, over: bool) -> None:
        best = path / "checkpoints" / "best.npz"
        try:
            if over and self.best_epoch:
                self.predictions = read_predictions(path / "predictions.npz")
            if (over and self.best_epoch) or (not over and best.exists()):
                self.best = opened(best, fits_network())
                if not all(np.isfinite(self.best[name]).all() for name in self.best if name[0] in "Wb"):
                    raise ValueError(f"{best}: damaged: holds numbers that are not finite")
            self.class_names = self._named(path)
            self.distorted = read_distorted(path / DISTORTED) if (path / DISTORTED).exists() else None
            layers = read_layers(path) if (path / LAYERS).exists() else None
            self.layers = layers if layers and len(layers["epoch"]) else None
            has_steps = self.summary.status == Status.DIVERGED and (path / DIVERGENCE_STEPS).exists()
            self.steps = read_steps(path) if has_steps else None
        except OSError as error:
            raise RunDirError(f"{path}: cannot be drawn: {error}") from error
        except ValueError as error:  # which names the file
            raise RunDirError(str(error)) from error

    def _named(self, path: Path) -> tuple[str, ...]:
        """Return the names of the classes; none before there are predictions.

        Raises:
            ValueError: summary.json names another number of classes.
        """
        if self.predictions is None:
            return ()
        try:
            return self.summary.class_names(self.predictions["probabilities"].shape[1])
        except ValueError as error:
            raise ValueError(f"{path}: damaged: {error}") from error

    @property
    def names(self) -> tuple[str, ...]:
        """The plots that can be drawn, in their order."""
        missing = (*(OF_PREDICTIONS if self.predictions is None else ()), *(OF_WEIGHTS if self.best is None else ()))
        ordinary = [name for name in PLOTS if name not in missing] if len(self.metrics["epoch"]) else []
        more = {AUGMENTATION: self.distorted, INSIDE: self.layers, DIVERGENCE: self.steps}
        return (*ordinary, *(name for name in more if more[name]))

    @property
    def title(self) -> str:
        """The line that stands above every plot: the data set that was really used, the network, how the run stands."""
        network = ""
        if self.best is not None:
            layers = sum(name.startswith("W") for name in self.best)
            sizes = [self.best["W1"].shape[1], *(len(self.best[f"W{i + 1}"]) for i in range(layers))]
            network = f", {'–'.join(map(str, sizes))}"
        status = self.summary.status
        state = "" if status == Status.FINISHED else f", {status}"
        if status == Status.DIVERGED:
            state += f" in epoch {self.summary.diverged_in_epoch}"
        elif state:
            state += f" after epoch {len(self.metrics['epoch'])}"
        return f"{self.summary.data} ({self.summary.data_sha256[:8]}){network}{state}"
