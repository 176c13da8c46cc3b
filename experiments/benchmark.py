"""Faster than the frameworks? ``python experiments/benchmark.py`` (needs ``pip install -e ".[bench]"`` and MNIST).

Measures npdigits and its peers side by side in one run, and writes tables (Markdown, CSV), plots and the machine it ran
on into ``--out``. Speeds are to be read as ratios: a shared machine's seconds drift, and the peers take turns.
"""

import json
import os
import sys
from pathlib import Path

import pandas as pd
from bench import comparison, growth, passes, sweeps, whole
from matplotlib.figure import Figure

from npdigits.base.program import Parser
from npdigits.runs.environment import environment

# Peers that have learned the same end within so many points of each other.
SAME_ACCURACY = 0.02


def main() -> None:
    """Run the parts that are asked for."""
    parser = Parser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument(
        "--parts", default="passes,whole,growth,sweeps,comparison", help="which to run (default: %(default)s)"
    )
    parser.add_argument("--repetitions", type=int, default=5, help="of each measurement (default: %(default)s)")
    parser.add_argument("--hidden", help="only this network of the grid, such as 20 or 300-100")
    parser.add_argument("--batch", type=int, help="only this batch size of the grid")
    parser.add_argument("--peers", help="only these, such as JAX,PyTorch")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results", help="where to write")
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    machine = {"cores": os.cpu_count(), **environment(("torch", "jax", "scikit-learn"))}
    (arguments.out / "machine.json").write_text(json.dumps(machine, indent=2) + "\n")
    wrong = False
    for part in arguments.parts.split(","):
        if part == "passes":
            cells = [
                (hidden, batch)
                for hidden in passes.HIDDEN
                for batch in passes.BATCH
                if arguments.hidden in (None, passes.name(hidden)) and arguments.batch in (None, batch)
            ]
            peers = set(arguments.peers.split(",")) if arguments.peers else None
            wrong |= not run_passes(cells, arguments.repetitions, peers, arguments.out)
        elif part == "whole":
            write(whole.measure(arguments.repetitions), arguments.out / "whole")
        elif part == "growth":
            points = growth.measure()
            write(points, arguments.out / "growth")
            write(growth.exponents(points), arguments.out / "exponents")
            growth.draw(points, arguments.out / "growth.png")
        elif part == "sweeps":
            write(sweeps.measure(), arguments.out / "sweeps")
        elif part == "comparison":
            write(comparison.measure(), arguments.out / "comparison")
        else:
            parser.error(f"--parts={part}: allowed are passes, whole, growth, sweeps, comparison")
    sys.exit(1 if wrong else 0)


def run_passes(cells: list[tuple[list[int], int]], repetitions: int, peers: set[str] | None, out: Path) -> bool:
    """Measure the grid; return whether all peers of each cell ended equally accurate."""
    rows = []
    for row in passes.measure(cells, repetitions, peers):
        rows.append(row)
        cell = f"{row['hidden']:>8} batch {row['batch']:<4}"
        print(f"{cell} {row['peer']:<20} {row['threads']} threads {row['seconds']:.4f} s", flush=True)
    timed = pd.DataFrame(rows)
    timed.to_csv(out / "passes-all.csv", index=False)
    table = passes.summarize(timed)
    write(table, out / "passes")
    draw(table, out / "passes.png")
    spread = timed.groupby(["hidden", "batch"])["accuracy"].agg(lambda a: a.max() - a.min())
    for cell, width in spread[spread > SAME_ACCURACY].items():
        print(f"{cell}: the accuracies at the end are {width:.2%} apart: the comparison is not fair", file=sys.stderr)
    return bool((spread <= SAME_ACCURACY).all())


def write(table: pd.DataFrame, path: Path) -> None:
    """Write a table as CSV and Markdown, and print it."""
    table.to_csv(path.with_suffix(".csv"), index=False)
    shown = table.map(
        lambda value: "–" if pd.isna(value) else f"{value:.3g}" if isinstance(value, float) else str(value)
    )
    lines = [list(table.columns), ["---"] * len(table.columns), *shown.to_numpy().tolist()]
    markdown = "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"
    path.with_suffix(".md").write_text(markdown)
    print(markdown)


def draw(table: pd.DataFrame, path: Path) -> None:
    """Draw how many times as long each peer takes as npdigits, a group of bars a cell."""
    peers = [
        column
        for column in table.columns
        if column.endswith(" / npdigits") and "DataLoader" not in column and "own order" not in column
    ]
    figure = Figure(figsize=(9, 4), dpi=110, layout="constrained")
    axes = figure.add_subplot()
    colors = ("#0072B2", "#D55E00", "#009E73")
    for i, (column, color) in enumerate(zip(peers, colors, strict=False)):
        places = [row + (i - 1) * 0.27 for row in range(len(table))]
        axes.bar(places, table[column], width=0.25, color=color, label=column.removesuffix(" / npdigits"))
    axes.axhline(1, color="0.3", linewidth=0.8)
    names = [f"{hidden}\nbatch {batch}" for hidden, batch in zip(table["hidden"], table["batch"], strict=True)]
    axes.set_xticks(range(len(table)), names)
    axes.tick_params("x", labelsize=7)
    axes.set_ylabel("peer's time / npdigits' time")
    axes.set_title("One training pass over 60,000 digits: above 1, npdigits is faster", fontsize=10)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False)
    figure.savefig(path)


if __name__ == "__main__":
    main()
