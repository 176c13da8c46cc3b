"""How far one seed's shares are those of all seeds: ``python experiments/importance_seeds.py GRID EPOCHS KEY=VALUE,…``.

Takes a finished grid of all values of some keys with several seeds. The truth is the variance analysis of the figures
after so many epochs, as ranks within each seed, averaged over the seeds. Prints for each share the truth, what
``race/anova.py`` finds of each seed alone, and how many of its intervals hold the truth.
"""

import argparse
from collections.abc import Sequence
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
from importance_cover import holds, shares_on_grid

import npdigits
from npdigits.base.arrays import Array
from npdigits.base.terminal import show
from npdigits.config.axes import Axis
from npdigits.race.anova import ranks, variance_shares
from npdigits.race.places import place, sides_of


def main() -> None:
    """Print a line for each share."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition(":")[0])
    parser.add_argument("grid", type=Path)
    parser.add_argument("epochs", type=int, help="of the first rung")
    parser.add_argument("keys", nargs="+", metavar="KEY=VALUE,…", help="numbers")
    options = parser.parse_args()
    axes = [read_axis(typed) for typed in options.keys]
    figures = read_figures(options.grid, options.epochs, axes)
    placed, _ = place(sides_of(axes), settings_of(axes))
    shape = [len(axis.values) for axis in axes]
    mean = np.mean([ranks(of_seed) for of_seed in figures], axis=0).reshape(shape)
    truth = shares_on_grid(mean, 1.0)
    found = [
        {tuple(sorted(names.index(key) for key in one.keys)): one for one in variance_shares(placed, of_seed, "seeds")}
        for of_seed in figures
        if (names := [axis.key for axis in axes])
    ]
    show(f"{len(figures)} seeds, {mean.size} settings, {options.epochs} epochs")
    for key, share in truth.items():
        held = sum(holds(one[key].low, one[key].high, share) for one in found)
        each = " ".join(f"{one[key].share:.2f}" for one in found)
        show(f"{'×'.join(axes[j].key for j in key):24} {share:.3f}: {each}; held {held:.0f}")


def read_axis(typed: str) -> Axis:
    """Return the axis of what was typed."""
    key, _, values = typed.partition("=")
    return Axis(key, values, tuple((value, float(value)) for value in values.split(",")))


def settings_of(axes: Sequence[Axis]) -> list[tuple[str, ...]]:
    """Return all settings, the last key's values next to each other."""
    typed = ([f"{axis.key}={value}" for value, _ in axis.values] for axis in axes)
    return list(product(*typed))


def read_figures(grid: Path, epochs: int, axes: Sequence[Axis]) -> Array:
    """Return validation accuracies of the best epoch so far, (seeds, settings), of the seeds that all settings have."""
    runs, metrics = npdigits.load_runs(grid), npdigits.load_metrics(grid)
    early = metrics[metrics.epoch <= epochs]
    best = early.loc[early.groupby("run").val_cost.idxmin()].set_index("run").val_accuracy
    runs = runs[runs.status == "finished"].assign(figure=lambda table: table.run.map(best))
    keys = [axis.key for axis in axes]
    table = runs.pivot_table(index="seed", columns=keys, values="figure", aggfunc="first")
    every = pd.MultiIndex.from_tuples(
        list(product(*([value for _, value in axis.values] for axis in axes))), names=keys
    )
    return np.asarray(table.reindex(columns=every).dropna().to_numpy())


if __name__ == "__main__":
    main()
