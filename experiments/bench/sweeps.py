"""What a sweep costs beyond its runs: against one process, for each run, for each that is skipped, and as it grows."""

import csv
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import pandas as pd

from bench import growth

GRID = ["hidden=20", "epochs=10", "stop_on=none", "plots=false", "lr=0.003,0.005,0.01,0.02", "weight_decay=0,0.03,0.06"]
SEEDS = "seed=range(5)"
# Tiny runs: 600 digits of 28 × 28 pixels, one epoch.
TINY, COUNTS = ["hidden=5", "epochs=1", "batch_size=100", "val_size=100", "plots=false"], [125, 250, 500, 1000]


def measure() -> pd.DataFrame:
    """Return a row a sweep: runs, workers, whole seconds, seconds of the second time, and what each costs a run."""
    rows = []
    with tempfile.TemporaryDirectory() as scratch:
        for workers in ("0", "null"):
            out = Path(scratch) / f"grid-{workers}"
            rows.append({"sweep": "12 configurations × 5 seeds, MNIST"} | _sweep([*GRID, SEEDS], workers, out))
        folder = Path(scratch) / "digits"
        growth.write_digits(folder, 600)
        for count in COUNTS:
            for workers in ("0", "null"):
                keys = ["data=idx", f"data.dir={folder}", *TINY, f"seed=range({count})"]
                rows.append(
                    {"sweep": f"{count} tiny runs"} | _sweep(keys, workers, Path(scratch) / f"{count}-{workers}")
                )
    return pd.DataFrame(rows)


def _sweep(keys: list[str], workers: str, out: Path) -> dict[str, Any]:
    """Do a sweep twice: what the second time takes is what it takes to skip its runs."""
    command = [sys.executable, "-m", "npdigits.train", "-m", *keys, f"workers={workers}", f"out={out}"]
    seconds = []
    for _ in range(2):
        begun = time.perf_counter()
        subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
        seconds.append(time.perf_counter() - begun)
    with (out / "sweep.csv").open(newline="") as file:
        trained = [float(row["seconds"]) for row in csv.DictReader(file)]
    row: dict[str, Any] = {"runs": len(trained), "workers": workers, "seconds": seconds[0]}
    if workers == "0":
        row["a run beyond its training, at most"] = (seconds[0] - sum(trained)) / len(trained)
    return row | {"seconds of skipping all": seconds[1], "a skipped run, at most": seconds[1] / len(trained)}
