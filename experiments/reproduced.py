"""What the recipes of the published rows measure here: figures of the runs that are there, and of none beside them."""

import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import yaml
from literature import ROWS, Row

from npdigits.base.errors import RunDirError
from npdigits.base.npz import read_npz
from npdigits.config import identity
from npdigits.config.compose import compose
from npdigits.config.conf_files import CONF
from npdigits.runs.table import read_runs

# So many runs, of the first seeds, make a committee.
COMMITTEE = 7


def runs_of(row: Row, folder: Path, seeds: int | None = None, more: Sequence[str] = ()) -> pd.DataFrame:
    """Return the finished runs of a row's recipe and seeds, by seed: seed, error (test, %), epochs, seconds, run.

    Args:
        row: of the table.
        folder: where its runs are, below the recipe's name.
        seeds: how many; None: as many as the recipe has.
        more: what was typed besides the recipe and the seed.

    Raises:
        RunDirError: a run there is not what the recipe makes now.
    """
    if not (folder / row.recipe).is_dir():
        return pd.DataFrame(columns=["seed", "error", "epochs", "seconds", "numerics", "run"])
    runs = read_runs([folder / row.recipe])
    for line in runs.warnings:
        print(line, file=sys.stderr)
    found = runs.table
    found = found[(found.status == "finished") & (found.same_as == "")].sort_values("seed")
    # Nobody may pick seeds: the first so many count (None: as many as the recipe has), and no others.
    others = found[found.seed >= (seeds or seeds_of(row))]
    if len(others):
        print(
            f"{folder / row.recipe}: not the recipe's seeds, left out: {', '.join(map(str, others.seed))}",
            file=sys.stderr,
        )
    found = found.drop(others.index)
    for run in found.itertuples():
        recipe = compose([f"experiment=published/{row.recipe}", f"seed={run.seed}", *more])
        if identity.digest(identity.identity(recipe, str(run.data_sha256))) != run.identity or run.data != "mnist":
            raise RunDirError(f"{run.run}: is not what experiment=published/{row.recipe} makes")
        # The figure is the last epoch's, as these runs have no validation data; it stands in two files.
        if abs(pd.read_csv(Path(run.run) / "metrics.csv").test_accuracy.iloc[-1] - run.test_accuracy) > 1e-6:
            raise RunDirError(f"{run.run}: summary.json and metrics.csv differ in test_accuracy")
    return pd.DataFrame(
        {
            "seed": found.seed.astype(int),
            # Counted in digits, so that no error is off by a rounding.
            "error": (10_000 - (10_000 * found.test_accuracy).round()) / 100,
            "epochs": found.epochs_run.astype(int),
            "seconds": found.seconds.round(1),
            "numerics": found.numerics,
            "run": found.run,
        }
    )


def committee(runs: pd.DataFrame) -> pd.DataFrame:
    """Return one line in place of many: what the mean of the runs' probabilities reads wrong, in per cent.

    Nothing as long as there are fewer than it takes.
    """
    runs = runs.head(COMMITTEE)
    if len(runs) < COMMITTEE:
        return runs.iloc[:0].assign(members=0)
    read = [read_npz(Path(run) / "predictions.npz") for run in runs.run]
    guesses = np.mean([one["probabilities"] for one in read], axis=0).argmax(axis=1)
    error = 100 * float((guesses != read[0]["labels"]).mean())
    first = runs.iloc[:1].assign(error=round(error, 2), seconds=runs.seconds.sum(), epochs=runs.epochs.sum())
    return first.assign(members=len(runs))


def collect(folder: Path) -> pd.DataFrame:
    """Return the figures of all rows whose runs are there: a line a run, or a committee."""
    frames = []
    for row in ROWS:
        runs = runs_of(row, folder)
        runs = committee(runs) if row.members else runs.assign(members=1)
        frames.append(runs.drop(columns="run").assign(row=row.name))
    table = pd.concat(frames)
    return table[["row", "members", "seed", "error", "epochs", "seconds", "numerics"]]


def with_kept(results: pd.DataFrame, kept: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    """Return the figures with those kept of rows that now have fewer runs or none; and the names of these rows."""
    frames, old = [], []
    for row in ROWS:
        new, before = results[results.row == row.name], kept[kept.row == row.name]
        if len(new) < len(before):
            old.append(row.name)
        frames.append(before if len(new) < len(before) else new)
    return pd.concat(frames), old


def seeds_of(row: Row) -> int:
    """Return how many runs the recipe has."""
    recipe = yaml.safe_load((CONF / "experiment" / "published" / f"{row.recipe}.yaml").read_text(encoding="utf-8"))
    return int(recipe["hydra"]["sweeper"]["params"]["seed"].removeprefix("range(").removesuffix(")"))
