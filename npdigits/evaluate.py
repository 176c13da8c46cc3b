"""Score trained runs, or a committee of them, on a test set: ``python -m npdigits.evaluate RUN [RUN …] [data=…]``."""

import argparse
import csv
import io
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from npdigits.base import targets
from npdigits.base.arrays import Array
from npdigits.base.blas import one_thread
from npdigits.base.errors import ConfigError, DataError, UserError
from npdigits.base.program import Parser, exit_code
from npdigits.config import compose as cli
from npdigits.config.schema import DataConfig
from npdigits.data import sets as data
from npdigits.runs import trained
from npdigits.runs.results import wilson
from npdigits.runs.trained import Trained

PROGRAM = "npdigits.evaluate"


def test_set(runs: Sequence[Trained], overrides: Sequence[str]) -> data.Data:
    """Load the data set that the runs are to be scored on: their own, or the one that was typed.

    Args:
        runs: trained on one data set.
        overrides: "data=kmnist", "data.dir=…"; none for the runs' own.

    Raises:
        DataError: it is not the set that a run knows, or its digits are among those that a run was trained on.
        ConfigError, DataUnavailable: it cannot be had.
    """
    chosen = cli.compose(overrides).data if overrides else runs[0].config.data
    name = chosen.name if overrides else runs[0].summary.data
    found = _load(chosen, name)
    for run in runs:
        if not overrides and found.sha256 != run.summary.data_sha256:
            raise DataError(f"{run.path}: was trained on other digits ({run.summary.data}) than {found.name} holds")
        if found.name == "mnist_5k" and run.summary.data == "mnist":
            raise DataError(f"data=mnist_5k: all of its digits are training images of MNIST, which {run.path} has seen")
        if overrides and found.sha256 != run.summary.data_sha256:
            _refuse_seen(run, found)
        has, takes = (found.test.images.shape[1], found.n_classes), (run.sizes[0], run.sizes[-1])
        if has != takes:
            shapes = "has {} pixels and {} classes, {} takes {} and {}".format(*has, run.path, *takes)
            raise DataError(f"data={found.name}: {shapes}")
    return found


def _refuse_seen(run: Trained, found: data.Data) -> None:
    """Refuse a test set of which more than a hundredth are images that the run was trained on.

    Raises:
        DataError: it is one.
    """
    try:
        own = _load(run.config.data, run.summary.data)
    except UserError:
        print(f"{PROGRAM}: WARNING: {run.path}: what it was trained on is not at hand to compare with", file=sys.stderr)
        return
    trained_on = {image.tobytes() for image in own.train.images[own.train.rows]}
    test = found.test.images[found.test.rows]
    n = sum(image.tobytes() in trained_on for image in test)
    if n > len(test) / 100:
        raise DataError(
            f"data={found.name}: {n:,} of its {len(test):,} test digits are training images of "
            f"{run.summary.data}, which {run.path} has seen"
        )


def _load(chosen: DataConfig, name: str) -> data.Data:
    return data.load(name, root=chosen.root_dir(), mirror=chosen.mirror, folder=chosen.folder(), fallback=None)


def confusion(guesses: Array, labels: Array, n_classes: int) -> Array:
    """Return how often each class (down) was read as each (across), shape (n_classes, n_classes)."""
    counts = np.zeros((n_classes, n_classes), dtype=int)
    np.add.at(counts, (labels, guesses), 1)
    return counts


def line(name: str, p: Array, labels: Array) -> str:
    """Return accuracy with Wilson's 95 % interval, errors and cost of one set of probabilities."""
    correct, n = int((p.argmax(axis=1) == labels).sum()), len(labels)
    low, high = wilson(correct, n)
    with np.errstate(divide="ignore"):
        cost = -np.log(p[np.arange(n), labels].astype(float)).mean()
    return f"{name}: {correct / n:.2%} ({low:.2%} to {high:.2%}), {n - correct} of {n:,} read wrong, cost {cost:.4f}"


def table(counts: Array) -> list[list[str]]:
    """Return the confusion matrix with each class's errors, as rows of text, a head first."""
    classes = [str(digit) for digit in range(len(counts))]
    rows = [["digit", *classes, "of", "wrong", "%"]]
    for digit, of_it in zip(classes, counts, strict=True):
        n, wrong = int(of_it.sum()), int(of_it.sum() - of_it[int(digit)])
        rows.append([digit, *map(str, of_it), str(n), str(wrong), f"{100 * wrong / n:.2f}" if n else "–"])
    return rows


def evaluate(paths: Sequence[Path], overrides: Sequence[str] = ()) -> tuple[list[str], Array]:
    """Score runs, and, where there are several, their committee: the mean of their probabilities.

    Args:
        paths: run directories.
        overrides: the data set, as typed; none for the runs' own.

    Returns:
        A line for each, the committee's last; and the confusion matrix of the last.

    Raises:
        UserError: a run or the data cannot be used.
    """
    if not paths:
        raise ConfigError("name a run directory, or several")
    if len({os.path.realpath(path) for path in paths}) < len(paths):
        raise ConfigError("a run is named twice: allowed is once, as each has one voice in the committee")
    runs = [trained.load(path) for path in paths]
    if len({run.summary.identity for run in runs}) < len(runs):
        raise ConfigError("two of the runs are copies of one: allowed is one, as each has one voice in the committee")
    for run in runs:
        if run.unfinished:
            print(f"{PROGRAM}: WARNING: {run.unfinished}", file=sys.stderr)
    found = test_set(runs, overrides)
    labels = found.test.labels[found.test.rows]
    with one_thread():
        each = [run.probabilities(found.test) for run in runs]
    lines = [f"{found.name} ({found.sha256[:8]}), {len(labels):,} test digits"]
    lines += [line(str(run.path), p, labels) for run, p in zip(runs, each, strict=True)]
    together = np.mean(each, axis=0)
    if len(runs) > 1:
        lines.append(line(f"committee of {len(runs)}", together, labels))
    return lines, confusion(together.argmax(axis=1), labels, found.n_classes)


def main() -> None:
    """Print the table; the exit code is 2 for bad input."""
    parser = Parser(f"python -m {PROGRAM}", description=(__doc__ or "").partition(":")[0])
    parser.add_argument("arguments", nargs="+", metavar="RUN", help="run directories; data=… for another test set")
    parser.add_argument(
        "--csv", metavar="FILE", help="write the confusion matrix; - for standard output, in place of the table"
    )
    sys.exit(exit_code(PROGRAM, lambda: _evaluate(parser.parse_args())))


def _evaluate(chosen: argparse.Namespace) -> int:
    targets.check({} if chosen.csv is None else {"csv": chosen.csv})
    overrides = [one for one in chosen.arguments if one.startswith(("data=", "data."))]
    paths = [one for one in chosen.arguments if one not in overrides]
    for other in (one for one in paths if not one or ("=" in one and not Path(one).exists())):
        raise ConfigError(f"{other or repr(other)}: allowed are run directories, and data=… with its keys")
    lines, counts = evaluate([Path(one) for one in paths], overrides)
    rows = table(counts)
    if chosen.csv:
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows(rows)
        if chosen.csv == "-":
            print(text.getvalue(), end="")
            return 0
        targets.put(Path(chosen.csv), text.getvalue().encode())
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    print("\n".join(lines))
    print("\n".join("  ".join(cell.rjust(w) for cell, w in zip(row, widths, strict=True)) for row in rows))
    return 0


if __name__ == "__main__":
    main()
