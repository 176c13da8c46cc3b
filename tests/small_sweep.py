"""A small sweep that is quick to do, and what must be equal between two of them."""

import csv
import json

# Seconds in a summary and the machine's share of it are no part of a result.
TIMES = ("seconds", "seconds_shared")
RESULTS = ("metrics.csv", "predictions.npz", "checkpoints/last.npz", "checkpoints/previous.npz", "checkpoints/best.npz")
# 24 jobs.
JOBS = ["seed=range(24)", "epochs=60", "stop_on=none"]


def keys(idx_set, *more):
    """The fixed part of a command for a small data set."""
    return ["data=idx", f"data.dir={idx_set}", "epochs=3", "hidden=6", "plots=false", *more]


def rows(folder):
    with (folder / "sweep.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def results(folder):
    """What must be equal between two sweeps: of each run its results' bytes, and its summary without times."""
    found = {}
    for summary in sorted(folder.glob("*/summary.json")):
        run = summary.parent
        content = {key: value for key, value in json.loads(summary.read_text()).items() if key not in TIMES}
        found[run.name] = (content, *((run / name).read_bytes() for name in RESULTS))
    return found
