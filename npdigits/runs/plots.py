"""The plots of a run, drawn from its directory's files alone."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Generator, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from npdigits.base import canvas, ticks
from npdigits.base.arrays import Array
from npdigits.base.errors import RunDirError
from npdigits.base.files import STRAY_AGE, Folder
from npdigits.base.text import on_one_line
from npdigits.runs import class_plots, divergence, layer_plots, weight_plots
from npdigits.runs.layout import AUGMENTATION, DIVERGENCE, INSIDE, MORE_PLOTS, PLOTS
from npdigits.runs.run_files import RunFiles

if TYPE_CHECKING:  # matplotlib is imported where something is drawn: the user's settings can make that fail
    from matplotlib.figure import Figure

# Okabe & Ito's colours, which also the colour-blind tell apart; each set also has its own line style.
STYLES: dict[str, dict[str, Any]] = {
    "train": {"color": "#0072B2", "linestyle": "-", "label": "training"},
    "val": {"color": "#D55E00", "linestyle": "--", "label": "validation"},
    "test": {"color": "#009E73", "linestyle": ":", "label": "test"},
}
# Inches: margins of curves, whose figures may have as many digits as 2.3026; of the plot of two panels, and between
# these.
SIDES: dict[str, Any] = {"left": 1.1, "right": 0.4}
GAP_SIZE, GAP_BETWEEN = (6.4, 5.2), 0.25


def draw(path: Path, folder: Folder | None = None, form: str = "png") -> list[Path]:
    """Draw all plots of a run directory, as far as it has come, into its plots/ and return their paths.

    Args:
        path: the run directory.
        folder: the same directory as the process that writes it holds it; None opens it.
        form: of the files, one of ``canvas.FORMS``; those of another form stay.

    Raises:
        RunDirError: the directory cannot be read or written, or matplotlib cannot draw.
    """
    run = RunFiles(path)
    with contextlib.closing(render(run, run.names, form)) as pictures:
        return write(path, folder or Folder(path), pictures, form)


def render(run: RunFiles, names: Sequence[str], form: str = "png") -> Generator[tuple[str, bytes], None, None]:
    """Draw plots of a run; yield the name of each and the content of its file.

    Raises:
        RunDirError: matplotlib cannot draw.
    """
    with canvas.defaults():
        for name in names:
            yield name, _drawn(name, run, form)


def write(path: Path, folder: Folder, pictures: Iterable[tuple[str, bytes]], form: str = "png") -> list[Path]:
    """Write plots into the plots/ of a run directory as they come; return their paths.

    Args:
        path: the run directory.
        folder: the same directory.
        pictures: of each plot the name and the content of its file.
        form: of the files.

    Raises:
        RunDirError: the directory cannot be written.
    """
    if (path / "plots").is_symlink():
        raise RunDirError(f"{path / 'plots'}: a link: another's files would be written; put a folder there")
    files = []
    try:
        folder.make("plots")
        folder.remove_strays([f"plots/{name}.{form}" for name in (*PLOTS, *MORE_PLOTS)], STRAY_AGE)
        for name, content in pictures:
            files.append(f"plots/{name}.{form}")
            folder.write_whole(files[-1], content)
    except OSError as error:
        raise RunDirError(f"{path / 'plots'}: cannot be written: {error.strerror or error}") from error
    return [path / file for file in files]


def _drawn(name: str, run: RunFiles, form: str) -> bytes:
    """Draw one plot; return the content of its file.

    Raises:
        RunDirError: it cannot be drawn.
    """
    try:
        return canvas.write(DRAWN_BY[name](run), form, name.replace("_", " "))
    except Exception as error:  # matplotlib raises whatever it likes
        raise RunDirError(f"{name}: cannot be drawn: {on_one_line(error)}") from error


def cost(run: RunFiles) -> Figure:
    """Draw the cost of the three sets over the epochs, the best epoch marked."""
    return _curves(run, "cost", "cross-entropy (nats)")


def accuracy(run: RunFiles) -> Figure:
    """Draw the accuracy of the three sets over the epochs, the best epoch marked."""
    return _curves(run, "accuracy", "accuracy (%)", scale=100)


def gap(run: RunFiles) -> Figure:
    """Draw how much worse the network does on digits it did not train on, and how settled the validation cost is."""
    figure, upper = canvas.titled(f"Overfitting — {run.title}", GAP_SIZE, **SIDES)
    left, bottom, width, height = upper.get_position().bounds
    panel = (height - GAP_BETWEEN / GAP_SIZE[1]) / 2
    upper.set_position((left, bottom + height - panel, width, panel))
    lower = figure.add_axes((left, bottom, width, panel), sharex=upper)
    lower.spines[["top", "right"]].set_visible(False)
    epochs = run.metrics["epoch"]
    upper.plot(epochs, run.metrics["gap"], color="#D55E00", marker=_marker(epochs))
    upper.axhline(0, color="0.7", linewidth=0.8)
    upper.set_ylabel("validation − training\ncost (nats)", fontsize=9)
    upper.tick_params(labelbottom=False)
    ticks.show_no_noise(upper, float(np.nanmax(run.metrics["train_cost"], initial=0.0)))
    if np.isnan(run.metrics["gap"]).all():
        upper.text(0.5, 0.5, "no validation data", transform=upper.transAxes, ha="center")
    variance = run.metrics["val_cost_variance"]
    lower.set_ylabel("validation cost's\nvariance (nats²)", fontsize=9)
    for axes in (upper, lower):
        axes.tick_params(axis="y", labelsize=9)
    if np.nanmax(variance, initial=0.0) > 0:
        lower.plot(epochs, variance, color="#0072B2", marker=_marker(variance[variance > 0]))
        ticks.logarithmic(lower)
    else:
        lower.set_yticks([])
        lower.text(0.5, 0.5, "no variance", transform=lower.transAxes, ha="center")
    _epochs_axis(lower)
    return figure


def learning_rate(run: RunFiles) -> Figure:
    """Draw the learning rate of each epoch."""
    figure, axes = canvas.titled(f"Learning rate — {run.title}", **SIDES)
    axes.plot(run.metrics["epoch"], run.metrics["lr"], color="#0072B2", marker=".")
    axes.set_ylabel("learning rate")
    if run.metrics["lr"].min() > 0:
        ticks.logarithmic(axes)
    _epochs_axis(axes)
    return figure


def confusion(run: RunFiles) -> Figure:
    """Draw how often each test digit is read as each digit."""
    assert run.predictions is not None, "drawn only where they are there"
    return class_plots.confusion(run.title, run.predictions, run.class_names)


def mistakes(run: RunFiles) -> Figure:
    """Draw the test digits that were read wrong with the greatest confidence."""
    assert run.predictions is not None, "drawn only where they are there"
    return class_plots.mistakes(run.title, run.predictions, run.class_names, run.summary.height_and_width)


def augmentation(run: RunFiles) -> Figure:
    """Draw some training digits, on the left, and what the augmentation makes of them."""
    assert run.distorted is not None, "drawn only where it is there"
    height, width = run.summary.height_and_width
    rows = np.concatenate([run.distorted["originals"][:, None], run.distorted["distorted"]], axis=1)
    pictures = np.pad(rows.reshape(*rows.shape[:2], height, width), ((0, 0), (0, 0), (1, 1), (1, 1)))
    sheet = pictures.transpose(0, 2, 1, 3).reshape(len(rows) * (height + 2), -1)
    # Inches; 0.75 and 0.95 are left around.
    size = (6.4, min((6.4 - 2 * 0.75) * sheet.shape[0] / sheet.shape[1] + 0.95, weight_plots.MOST_HEIGHT))
    figure, axes = canvas.titled(f"Training digits, and as they are seen — {run.title}", size=size, of_images=True)
    axes.imshow(sheet, cmap="gray_r", interpolation="nearest")
    axes.axvline(width + 1.5, color="#D55E00", linewidth=1)
    axes.axis("off")
    return figure


def layers(run: RunFiles) -> Figure:
    """Draw what was seen inside the network, layer by layer."""
    assert run.layers is not None, "drawn only where they are there"
    return layer_plots.layers(run.title, run.layers)


def diverged(run: RunFiles) -> Figure:
    """Draw the steps of the epoch in which the run diverged."""
    assert run.steps is not None, "drawn only where they are there"
    return divergence.divergence(run.title, run.steps)


def weights(run: RunFiles) -> Figure:
    """Draw the weights of each first-layer unit as a picture."""
    assert run.best is not None, "drawn only where they are there"
    return weight_plots.weights(run.title, run.best["W1"], run.summary.height_and_width)


DRAWN_BY: dict[str, Callable[[RunFiles], Figure]] = {
    "cost": cost,
    "accuracy": accuracy,
    "gap": gap,
    "learning_rate": learning_rate,
    "confusion": confusion,
    "mistakes": mistakes,
    "weights": weights,
    AUGMENTATION: augmentation,
    INSIDE: layers,
    DIVERGENCE: diverged,
}


def _curves(run: RunFiles, figure_name: str, label: str, scale: float = 1) -> Figure:
    """Draw one figure of metrics.csv for the three sets."""
    figure, axes = canvas.titled(f"{figure_name.capitalize()} — {run.title}", **SIDES)
    for split, style in STYLES.items():
        values: Array = run.metrics[f"{split}_{figure_name}"] * scale
        if not np.isnan(values).all():
            axes.plot(run.metrics["epoch"], values, marker=_marker(values), **style)
    best = run.best_epoch
    axes.axvline(best, color="0.6", linewidth=0.8)
    axes.annotate(f" best: {best}", (best, 1), xycoords=("data", "axes fraction"), va="top", fontsize=8, color="0.3")
    axes.set_ylabel(label)
    axes.legend(frameon=False)
    ticks.show_no_noise(axes)
    _epochs_axis(axes)
    return figure


def _marker(values: Array) -> str | None:
    """Return a dot where a line would be invisible: it has one point only."""
    return "." if len(values) == 1 else None


def _epochs_axis(axes: Any) -> None:
    axes.set_xlabel("epoch")
    ticks.whole_steps(axes)
