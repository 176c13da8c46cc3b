"""The whole process: command typed to all files written, its peak memory, and how long start-up takes."""

import contextlib
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

import pandas as pd

from npdigits.data.sets import data_root
from npdigits.runs.summary import read_summary

SCRIPT = Path(__file__).with_name("pytorch_script.py")
JOB = ["hidden=20", "batch_size=128", "epochs=20", "stop_on=none"]


def timed(command: list[str]) -> tuple[float, float]:
    """Return a command's seconds and its process's peak memory in MiB; it must succeed.

    The peak is looked up while it runs: what the system tells afterwards is never less than this process's own.
    """
    begun = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    peak, status = 0, Path(f"/proc/{process.pid}/status")
    while process.poll() is None:
        with contextlib.suppress(OSError, StopIteration):
            line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
            peak = max(peak, int(line.split()[1]))
        time.sleep(0.01)
    seconds = time.perf_counter() - begun
    if process.returncode:
        raise RuntimeError(f"{command} ended with code {process.returncode}")
    return seconds, peak / 1024


def measure(repetitions: int) -> pd.DataFrame:
    """Return a row a measurement: medians of seconds and peak memory, and the ratio to ours where there is a peer."""
    train = [sys.executable, "-m", "npdigits.train"]
    times: dict[str, list[tuple[float, float]]] = {}
    to_first_epoch = []
    with tempfile.TemporaryDirectory() as scratch:
        timed([*train, "epochs=1", f"out={scratch}/warm-up"])
        for i in range(repetitions):
            commands = {
                "20 epochs, plots and all": [*train, *JOB, f"out={scratch}/whole-{i}"],
                "20 epochs, a PyTorch script": [sys.executable, str(SCRIPT), str(data_root()), f"{scratch}/torch-{i}"],
                "--help": [*train, "--help"],
                "1 epoch, no plots": [*train, "epochs=1", "plots=false", f"out={scratch}/one-{i}"],
                "the default run": [*train, f"out={scratch}/default-{i}"],
            }
            for name, command in commands.items():
                times.setdefault(name, []).append(timed(command))
            whole, memory = times["1 epoch, no plots"][-1]
            # What is not training and scoring: nearly all of it comes before the first epoch.
            to_first_epoch.append((whole - (read_summary(Path(scratch) / f"one-{i}").seconds or 0.0), memory))
    times["start to first epoch, at most"] = to_first_epoch
    ours = [seconds for seconds, _ in times["20 epochs, plots and all"]]
    theirs = [seconds for seconds, _ in times["20 epochs, a PyTorch script"]]
    table = pd.DataFrame(
        [(name, median(s for s, _ in values), median(m for _, m in values)) for name, values in times.items()],
        columns=["what", "seconds", "peak MiB"],
    )
    ratio = median(t / o for t, o in zip(theirs, ours, strict=True))
    table["/ npdigits"] = [f"{ratio:.2f}" if "PyTorch" in name else "" for name in table["what"]]
    return table
