#!/usr/bin/env bash
# distributed 2026.8.0: Client.run(function, wait=False) never calls a plain function, and with on_error="ignore" nobody is told.
#
# What one would guess: wait=False starts the function on every worker and returns at once, as a call of a function that takes
# no time would; on_error="ignore" hides what the function itself raises there.
# Seen: only coroutine functions may be called without waiting. A plain one is refused by an assertion before it is called,
# which on_error="ignore" hides as well: None is returned, as for a function that was started.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check dask==2026.8.0 distributed==2026.8.0

cat > "$folder/work.py" << 'PYTHON'
import sys, time
from pathlib import Path
from distributed import Client, LocalCluster

if __name__ == "__main__":
    folder = Path(sys.argv[1])

    def plain(name):
        (folder / name).touch()

    async def coroutine(name):
        (folder / name).touch()

    seen = {}
    with LocalCluster(n_workers=1, dashboard_address=None, silence_logs=60) as cluster, Client(cluster) as client:
        for function, wait in ((plain, True), (coroutine, False), (plain, False)):
            name = f"{function.__name__}, wait={wait}"
            returned = client.run(function, name, wait=wait, on_error="ignore")
            time.sleep(3)
            seen[name] = (folder / name).exists()
            print(f"{name}: {'called' if seen[name] else 'not called'}, returned {type(returned).__name__}", flush=True)
    sys.exit(seen != {"plain, wait=True": True, "coroutine, wait=False": True, "plain, wait=False": False})
PYTHON
"$folder/venv/bin/python" "$folder/work.py" "$folder" 2> /dev/null
