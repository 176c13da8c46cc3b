# requires: trackio==0.43.0
"""Write the toy's runs and odd ones by Trackio, into projects of its folder."""

import math
import os
import shutil
import sys
from pathlib import Path

FOLDER = Path("trackio").absolute()
os.environ["TRACKIO_DIR"] = str(FOLDER)
os.environ["HF_HUB_OFFLINE"] = "1"

import toy  # noqa: E402
import trackio  # noqa: E402


def write_run(project, name, config, rows, **options):
    """Write a run: rows are (step or None, values)."""
    trackio.init(project=project, name=name, config=config, auto_log_gpu=False, **options)
    for step, values in rows:
        trackio.log(values, step=step)
    trackio.finish()


for run in toy.runs():
    write_run("toy", run["name"], run["settings"], run["history"])

config = {"lr": 1e-05, "net": {"widths": [300, 100], "drop": None}, "fast": True, "text": "007"}
figures = {"x": math.nan, "up": math.inf, "down": -math.inf, "deep": {"z": 1}, "text": "abc", "yes": True}
write_run("odd", "values", config, [(None, figures), (None, {"x": 1}), (None, {"x": 0.1 + 0.2})])
write_run("odd", "again", config, [(1, {"x": 1.0}), (2, {"x": 2.0})])
write_run("odd", "again", config, [(2, {"x": 2.5}), (3, {"x": 3.0})], resume="must")
write_run("odd", "bare", config, [(None, {"x": 1.0})])
write_run("odd", "bare", None, [(None, {"x": 2.0})], resume="must")  # which takes the configuration
write_run("odd", "namesake", config, [(0, {"x": 5.0})])
write_run("odd", "namesake", config, [(0, {"x": 6.0})])
write_run("odd", "deleted", config, [(0, {"x": 7.0})])
for one in trackio.Api().runs("odd"):
    if one.name == "deleted":
        one.delete()
for lock in FOLDER.glob("*.lock"):
    lock.unlink()
shutil.make_archive(Path(sys.argv[1], "trackio"), "zip", FOLDER.parent, FOLDER.name)
