#!/usr/bin/env bash
# Trackio 0.43.0: a run that is resumed without its configuration loses the one that it had.
#
# What one would guess: trackio.init(name=…, resume="must") goes on with a run, and what is not given stays as it was.
# Seen: the run's configuration is replaced by an empty one when the first value is logged; its values are all there. What
# the run was trained with is nowhere to be found after that, and nothing is said.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check trackio==0.43.0

cd "$folder"
HOME=$folder TRACKIO_DIR=$folder/trackio HF_HUB_OFFLINE=1 "$folder/venv/bin/python" - << 'PYTHON'
import json
import sqlite3

import trackio


def kept():
    """Return a run's configuration as it is stored, without Trackio's own entries, and its number of logged values."""
    connection = sqlite3.connect("trackio/project.db")
    ((config,),) = connection.execute("SELECT config FROM configs").fetchall()
    ((n,),) = connection.execute("SELECT count(*) FROM metrics").fetchall()
    connection.close()
    return {name: value for name, value in json.loads(config).items() if not name.startswith("_")}, n


seen = []
for options in ({"config": {"lr": 0.1, "seed": 3}}, {"resume": "must"}):
    trackio.init(project="project", name="run", auto_log_gpu=False, **options)
    trackio.log({"acc": 0.5})
    trackio.finish()
    seen.append(kept())
print(f"at first: {seen[0]}; resumed: {seen[1]}")
assert seen == [({"lr": 0.1, "seed": 3}, 1), ({}, 2)]
PYTHON
