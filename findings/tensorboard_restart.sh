#!/usr/bin/env bash
# TensorBoard 2.21.0: of a run that was begun again in its folder, one of TensorBoard's two loaders shows the old values
# beside the new ones, the other does not; and values without steps are three or one.
#
# What one would guess: how fast the event files are loaded (--load_fast) does not change what is in them, and a value that
# was logged is shown.
# Seen: the Python loader, which is also EventAccumulator, keeps everything that was written, in its order, unless the new
# writer was told a purge_step. The data server, which is the default where it runs, drops what a later value with the same or
# a lower step precedes: the curve of the first try from the new start on, and of values that were logged without steps all but
# the last. A script's best value over EventAccumulator can so be one that no curve has.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check \
    tensorboard==2.21.0 tensorboard-data-server==0.7.2 tensorboardX==2.6.5

cat > "$folder/seen.py" << 'PYTHON'
import json, os, socket, subprocess, sys, time, urllib.error, urllib.request
from tensorboardX import SummaryWriter

logs, program = sys.argv[1] + "/logs", sys.argv[1] + "/venv/bin/tensorboard"
with SummaryWriter(logs) as writer:
    for step in range(6):
        writer.add_scalar("loss", 10 - step, step)
    for value in (1, 2, 3):
        writer.add_scalar("without_steps", value)
time.sleep(1.1)
with SummaryWriter(logs) as writer:
    for step in (3, 4):
        writer.add_scalar("loss", 100 - step, step)

seen = {}
for fast in ("true", "false"):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    options = ["--logdir", logs, "--load_fast", fast, "--host", "127.0.0.1", "--port", str(port)]
    server = subprocess.Popen([program, *options], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        for tag in ("loss", "without_steps"):
            for _ in range(120):
                try:
                    url = f"http://127.0.0.1:{port}/data/plugin/scalars/scalars?run=.&tag={tag}"
                    seen[fast, tag] = [tuple(point[1:]) for point in json.load(urllib.request.urlopen(url))]
                    break
                except (urllib.error.URLError, ConnectionError, json.JSONDecodeError):
                    time.sleep(0.5)
            print(f"load_fast={fast} {tag}: {seen[fast, tag]}")
    finally:
        server.terminate()
        server.wait()
before = [(0, 10.0), (1, 9.0), (2, 8.0)]
sys.exit(seen != {
    ("true", "loss"): [*before, (3, 97.0), (4, 96.0)],
    ("false", "loss"): [*before, (3, 7.0), (4, 6.0), (5, 5.0), (3, 97.0), (4, 96.0)],
    ("true", "without_steps"): [(0, 3.0)],
    ("false", "without_steps"): [(0, 1.0), (0, 2.0), (0, 3.0)],
})
PYTHON
"$folder/venv/bin/python" "$folder/seen.py" "$folder"
