"""How long comparing takes, and how it grows with the number of run directories, which are made for the purpose."""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd

from bench import growth
from bench.whole import timed
from npdigits.config.identity import digest

COUNTS = [1250, 2500, 5000, 10_000]
SEEDS = 10
RUN = ["epochs=20", "stop_on=none", "hidden=5", "batch_size=100", "val_size=100", "plots=false"]


def measure() -> pd.DataFrame:
    """Return a row a measurement: run directories, what was asked for, seconds and peak memory of the whole process."""
    rows = []
    with tempfile.TemporaryDirectory() as scratch:
        growth.write_digits(Path(scratch) / "digits", 600)
        where = ["data=idx", f"data.dir={scratch}/digits", f"out={scratch}/template"]
        command = [sys.executable, "-m", "npdigits.train", *RUN, *where]
        subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
        for count in COUNTS:
            folder = Path(scratch) / f"made-{count}"
            make_runs(folder, Path(scratch) / "template", count)
            asked = {"against one row": ["--baseline", "lr=0.01"], "against the best": ["--baseline", "best"]}
            if count == COUNTS[-1]:
                asked |= {"a row a run": ["--all"], "the page": ["--html", f"{scratch}/page.html"]}
            for name, options in asked.items():
                compare = [sys.executable, "-m", "npdigits.compare", str(folder), *options]
                timed(compare)  # so that the files have been read once
                seconds, memory = min(timed(compare) for _ in range(3))
                rows.append({"runs": count, "asked": name, "seconds": seconds, "peak MiB": memory})
    return pd.DataFrame(rows)


def make_runs(folder: Path, template: Path, count: int) -> None:
    """Write as many run directories like a real one: ``SEEDS`` seeds of each learning rate, with drawn figures.

    Checkpoints and predictions, which a comparison over seeds does not read, are left out.
    """
    identity, summary = (json.loads((template / name).read_text()) for name in ("identity.json", "summary.json"))
    same = {name: (template / name).read_bytes() for name in ("environment.json", "config.yaml", "metrics.csv")}
    rng = np.random.default_rng(count)
    for place in range(count):
        path = folder / f"run-{place}"
        path.mkdir(parents=True)
        this = identity | {"lr": round(0.01 + place // SEEDS * 1e-5, 5), "seed": place % SEEDS}
        accuracies = {f"{split}_accuracy": round(rng.normal(0.9, 0.01), 4) for split in ("train", "val", "test")}
        (path / "identity.json").write_text(json.dumps(this, indent=2))
        (path / "summary.json").write_text(json.dumps(summary | accuracies | {"identity": digest(this)}, indent=2))
        for name, content in same.items():
            (path / name).write_bytes(content)
