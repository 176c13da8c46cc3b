"""How fast a CSV of digits is read, beside pandas: ``python experiments/read_csv_time.py [FILE] [--rounds 5]``.

Without a file it writes Kaggle's form at full size, 42,000 rows of 785 columns, from MNIST's training set. Each way
reads the file in a fresh process, one after the other in every round, so that what else the machine does meets all of
them. Prints the medians, and those of the ratios to ``pandas.read_csv`` within a round: wall-clock time, processor time
and the most memory that the process ever had (VmHWM), of which the imports are a part.
"""

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from npdigits.data import sets

KAGGLE = 42_000
PANDAS = "pandas.read_csv"
LOAD = "from npdigits.forms import load; from npdigits.forms.found import Wanted; from pathlib import Path"
# What each way runs; FILE is the path. Imports are done before the clock starts.
WAYS = {
    PANDAS: ("import pandas", "pandas.read_csv(FILE)"),
    "the same, in chunks of bytes": (
        "import pandas; import numpy",
        "for chunk in pandas.read_csv(FILE, chunksize=2000, dtype=numpy.uint8): pass",
    ),
    "npdigits, as stored": (
        "from npdigits.forms import text_table; from npdigits.forms.found import Wanted; from pathlib import Path",
        "text_table.read([Path(FILE)], Wanted(), Path(FILE))",
    ),
    # With the test set drawn, duplicates, checks, the digest and the cache: what a first run waits for.
    "npdigits, the first read whole": (LOAD, "load.load(Path(FILE), None, Wanted(), str)"),
    "npdigits, from the cache": (LOAD, "load.load(Path(FILE), None, Wanted(), str)"),
}
FROM_CACHE = "npdigits, from the cache"
PROGRAM = """
import time, sys
FILE = sys.argv[1]
{imports}
wall, processor = time.perf_counter(), time.process_time()
{code}
print(time.perf_counter() - wall, time.process_time() - processor)
print(next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM")))
"""
Figures = tuple[float, float, float]  # seconds, seconds of the processor, MiB


def write_kaggle(path: Path) -> None:
    """Write MNIST's first training digits as Kaggle does."""
    split = sets.load("mnist").train.first(KAGGLE)
    columns = ["label", *(f"pixel{i}" for i in range(split.images.shape[1]))]
    table = np.column_stack([split.labels[split.rows], split.images[split.rows]])
    np.savetxt(path, table, fmt="%d", delimiter=",", header=",".join(columns), comments="")


def measure(way: str, path: Path, cache: Path) -> Figures:
    """Return what one way of reading takes, in a fresh process; the cache is empty but where it is to be found."""
    if way != FROM_CACHE:
        shutil.rmtree(cache, ignore_errors=True)
    imports, code = WAYS[way]
    program = PROGRAM.format(imports=imports, code=code)
    environment = {**os.environ, "NPDIGITS_CACHE": str(cache)}
    answer = subprocess.run(
        [sys.executable, "-c", program, path], env=environment, capture_output=True, text=True, check=True
    )
    wall, processor, memory = map(float, answer.stdout.split())
    return wall, processor, memory / 1024


def show(rounds: list[dict[str, Figures]]) -> None:
    """Print a row a way."""
    print(f"{'':30}  {'wall s':>7} {'cpu s':>7} {'MiB':>6}   to {PANDAS}: wall, cpu, MiB")
    for way in WAYS:
        medians = [statistics.median(one[way][i] for one in rounds) for i in range(3)]
        ratios = [statistics.median(one[way][i] / one[PANDAS][i] for one in rounds) for i in range(3)]
        print(
            f"{way:30}  {medians[0]:7.2f} {medians[1]:7.2f} {medians[2]:6.0f}   "
            f"{' '.join(f'{ratio:5.2f}' for ratio in ratios)}"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("file", nargs="?", type=Path)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = arguments.file or Path(folder, "train.csv")
        if arguments.file is None:
            write_kaggle(path)
        show([{way: measure(way, path, Path(folder, "cache")) for way in WAYS} for _ in range(arguments.rounds)])


if __name__ == "__main__":
    main()
