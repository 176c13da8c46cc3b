"""What a run directory holds: the names of its files, and their sizes."""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from npdigits.runs import checkpoint

LOG = "train.log"
LAST, PREVIOUS, BEST = (f"checkpoints/{name}" for name in (checkpoint.LAST, checkpoint.PREVIOUS, checkpoint.BEST))
# Shows how the training images were distorted, where they were.
DISTORTED = "distorted.npz"
# What was seen inside the network, where it was looked into.
LAYERS = "layers.csv"
# The weights after each epoch, where they are kept: a folder.
HISTORY = "history"
# The steps of the epoch in which a run diverged.
DIVERGENCE_STEPS = "diverged.csv"
# What a run that has ended and has a best epoch cannot be without.
RESULTS = ("metrics.csv", "predictions.npz", BEST, LAST)
# How strange the validation digits are, by which a reading is doubted. Release 0.2.0 and code before do not know it,
# and would do a run again whose ``sizes`` name it, so it stands in a table of its own.
DOUBT = "doubt.npz"
MORE_RESULTS = (DOUBT,)
# What plots/ holds once it is complete; named here so that looking needs no matplotlib.
PLOTS = ("cost", "accuracy", "gap", "learning_rate", "confusion", "mistakes", "weights")
# An additional plot, of runs whose training images were distorted.
AUGMENTATION = "augmentation"
# Others: of runs that were looked into, and of those that diverged.
INSIDE, DIVERGENCE = "layers", "divergence"
MORE_PLOTS = (AUGMENTATION, INSIDE, DIVERGENCE)
# The files that are written whole: a process that is killed can leave a part of one under another name.
WRITTEN_WHOLE = (
    *("identity.json", "summary.json", "config.yaml", "overrides.yaml", "environment.json", "metrics.csv"),
    *(LAYERS, DIVERGENCE_STEPS),
    *("predictions.npz", DOUBT, DISTORTED, LOG, LAST, PREVIOUS, BEST, "code.json"),
    *(f"plots/{name}.png" for name in (*PLOTS, *MORE_PLOTS)),
)
FOLDERS = ("checkpoints", "plots", "code", HISTORY)
# How a line of train.log begins, to which others are added.
LOG_LINE = re.compile(rb"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d |Traceback ")


def result_sizes(path: Path) -> dict[str, int]:
    """Return the sizes of the result files that exist; a changed size shows a lost or torn file."""
    return _sizes(path, RESULTS)


def more_sizes(path: Path) -> dict[str, int] | None:
    """Return the sizes of the result files that earlier versions do not know; None where there is none."""
    return _sizes(path, MORE_RESULTS) or None


def is_whole(path: Path, sizes: Mapping[str, int] | None, more: Mapping[str, int] | None) -> bool:
    """Say whether the result files have the sizes that a summary recorded."""
    return result_sizes(path) == sizes and more_sizes(path) == (more or None)


def _sizes(path: Path, names: Iterable[str]) -> dict[str, int]:
    return {name: (path / name).stat().st_size for name in names if (path / name).is_file()}


def has_all_plots(path: Path) -> bool:
    """Say whether a run directory holds every plot."""
    return all((path / "plots" / f"{name}.png").exists() for name in PLOTS)
