"""How time and memory grow with epochs, training digits and hidden units."""

import os
import shutil
import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator

from npdigits.data import sets
from npdigits.runs.summary import read_summary

EPOCHS = [2, 4, 8, 16]
DIGITS = [62_500, 125_000, 250_000, 500_000, 1_000_000]
HIDDEN = [25, 50, 100, 200, 400, 800]


def measure() -> pd.DataFrame:
    """Return a row a run: what grows, how large, seconds of training and scoring, whole seconds, memory in MiB."""
    rows = []
    with tempfile.TemporaryDirectory() as scratch:
        for epochs in EPOCHS:
            row = _run([f"epochs={epochs}"], Path(scratch) / f"e{epochs}")
            rows.append({"grows": "epochs", "size": epochs} | row)
        for hidden in HIDDEN:
            keys = [f"hidden={hidden}", "epochs=2", "batch_size=128"]
            rows.append({"grows": "hidden units", "size": hidden} | _run(keys, Path(scratch) / f"h{hidden}"))
        for digits in DIGITS:
            folder = Path(scratch) / f"digits-{digits}"
            write_digits(folder, digits)
            keys = ["data=idx", f"data.dir={folder}", "epochs=1", "val_size=10000", "batch_size=128"]
            # The first run takes the files' hash, the second finds it kept: the second is what is measured.
            first = _run(keys, Path(scratch) / f"a{digits}")
            row = {"grows": "digits", "size": digits} | _run(keys, Path(scratch) / f"b{digits}")
            rows.append(row | {"whole seconds, first time": first["whole seconds"]})
            shutil.rmtree(folder)
    return pd.DataFrame(rows)


def exponents(points: pd.DataFrame) -> pd.DataFrame:
    """Fit seconds ∝ size^k by least squares of the logarithms, for each thing that grows."""
    rows = []
    for what, part in points.groupby("grows", sort=False):
        rows.append({"grows": what, "exponent of the seconds": round(_fit(part)[0], 2)})
    return pd.DataFrame(rows)


def draw(points: pd.DataFrame, path: Path) -> None:
    """Draw the seconds against what grows, both as logarithms, with the line that was fitted."""
    parts = list(points.groupby("grows", sort=False))
    figure = Figure(figsize=(9, 3.2), dpi=110, layout="constrained")
    for axes, (what, part) in zip(figure.subplots(1, len(parts)), parts, strict=True):
        k, c = _fit(part)
        axes.plot(part["size"], np.exp(c) * part["size"] ** k, color="0.6", linewidth=1)
        axes.plot(part["size"], part["training seconds"], "o", color="#0072B2", markersize=4)
        axes.set(xscale="log", yscale="log", xlabel=what, title=f"seconds ∝ {what}^{k:.2f}")
        axes.set_xticks(part["size"], [f"{size:,}" for size in part["size"]], fontsize=7)
        axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.yaxis.set_major_formatter("{x:g}")
        axes.minorticks_off()
        axes.title.set_fontsize(10)
        axes.spines[["top", "right"]].set_visible(False)
    figure.axes[0].set_ylabel("training and scoring (s)")
    figure.savefig(path)


def _fit(part: pd.DataFrame) -> tuple[float, float]:
    """Return slope and intercept of the logarithms' line."""
    k, c = np.polyfit(np.log(part["size"]), np.log(part["training seconds"]), 1)
    return float(k), float(c)


def _run(keys: list[str], out: Path) -> dict[str, Any]:
    """Make a run and watch its anonymous memory (what is not pages of a file)."""
    command = [sys.executable, "-m", "npdigits.train", *keys, "stop_on=none", "plots=false", f"out={out}"]
    begun = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    anonymous = 0
    status = Path(f"/proc/{process.pid}/status")
    while process.poll() is None:
        try:
            line = next(line for line in status.read_text().splitlines() if line.startswith("RssAnon"))
            anonymous = max(anonymous, int(line.split()[1]))
        except (OSError, StopIteration):
            pass
        time.sleep(0.01)
    if process.returncode:
        raise RuntimeError(f"{command} ended with code {process.returncode}")
    seconds = read_summary(out).seconds
    return {
        "training seconds": seconds,
        "whole seconds": round(time.perf_counter() - begun, 3),
        "anonymous MiB": anonymous // 1024,
    }


def write_digits(folder: Path, n: int) -> None:
    """Write IDX files of n training digits: MNIST's, over and over, each time moved by a pixel or two."""
    source = sets.load("mnist", fallback=None)
    folder.mkdir()
    images = np.array(source.train.images).reshape(-1, 28, 28)
    labels = source.train.labels.astype(np.uint8)
    with (folder / "train-images-idx3-ubyte").open("wb") as file:
        file.write(struct.pack(">IIII", 0x803, n, 28, 28))
        for i in range(0, n, len(images)):
            turn = i // len(images)
            file.write(np.roll(images[: n - i], (turn % 5 - 2, turn // 5 - 2), axis=(1, 2)).tobytes())
    (folder / "train-labels-idx1-ubyte").write_bytes(struct.pack(">II", 0x801, n) + np.resize(labels, n).tobytes())
    test = np.array(source.test.images)
    (folder / "t10k-images-idx3-ubyte").write_bytes(struct.pack(">IIII", 0x803, len(test), 28, 28) + test.tobytes())
    test_labels = source.test.labels.astype(np.uint8)
    (folder / "t10k-labels-idx1-ubyte").write_bytes(struct.pack(">II", 0x801, len(test)) + test_labels.tobytes())
    os.sync()  # so that the runs are not measured while the disk is busy
