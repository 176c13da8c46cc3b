#!/usr/bin/env bash
# NumPy 2.4.6 beside pandas 3.1.1: of a wide table of bytes np.loadtxt takes half the time of read_csv, and less memory.
#
# What one would guess: pandas' C parser is the fast way to read numbers from a CSV, and np.loadtxt the slow one of Python
# loops, as it was until NumPy 1.22; of 785 columns it takes several times as long.
# Seen, of 12,000 rows of 785 columns: np.loadtxt(dtype=uint8) takes about half of the processor's time of read_csv, also of one
# that is told dtype="uint8", and far less memory: pandas makes 785 columns, each an object of its own, of every piece it reads.
# Judged by the processor's time and the most memory (VmHWM, so on Linux) of fresh processes, alternating, with a margin.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check numpy==2.4.6 pandas==3.1.1

"$folder/venv/bin/python" - "$folder" << 'PYTHON'
import pathlib, statistics, subprocess, sys
import numpy as np

folder = sys.argv[1]
table = pathlib.Path(folder, "digits.csv")
rng = np.random.default_rng(0)
pixels = rng.integers(1, 256, (12_000, 784)) * (rng.random((12_000, 784)) < 0.2)
head = "label," + ",".join(f"pixel{i}" for i in range(784))
rows = np.column_stack([rng.integers(0, 10, 12_000), pixels])
table.write_text(head + "\n" + "\n".join(",".join(map(str, row)) for row in rows.tolist()) + "\n")
WAYS = {
    "np.loadtxt, uint8": ("import numpy", "numpy.loadtxt(FILE, dtype=numpy.uint8, delimiter=',', skiprows=1)"),
    "pandas.read_csv": ("import pandas", "pandas.read_csv(FILE)"),
    "pandas.read_csv, uint8": ("import pandas", "pandas.read_csv(FILE, dtype='uint8')"),
}
CODE = """
import pathlib, re, sys, time
{imports}
FILE = sys.argv[1]
before = time.process_time()
{call}
seconds = time.process_time() - before
print(seconds, int(re.search(r"VmHWM:\\s+(\\d+)", pathlib.Path("/proc/self/status").read_text())[1]) / 1024)
"""
seen = {way: [] for way in WAYS}
for _ in range(5):
    for way, (imports, call) in WAYS.items():
        code = CODE.format(imports=imports, call=call)
        ended = subprocess.run([sys.executable, "-c", code, table], capture_output=True, text=True, check=True)
        seen[way].append([float(figure) for figure in ended.stdout.split()])
medians = {way: [statistics.median(figures) for figures in zip(*rounds)] for way, rounds in seen.items()}
for way, (seconds, memory) in medians.items():
    print(f"{way:24} {seconds:5.2f} s of the processor  {memory:4.0f} MiB")
fast, default, narrow = medians.values()
assert fast[0] < 0.8 * default[0] and fast[0] < 0.8 * narrow[0], medians
assert fast[1] < 0.6 * default[1], medians
PYTHON
