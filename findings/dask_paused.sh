#!/usr/bin/env bash
# distributed 2026.8.0: a LocalCluster that is stopped as a whole (Ctrl-Z and fg, a laptop's sleep) for longer than the
# scheduler's worker-ttl loses its workers and what they did, though nobody was gone.
#
# What one would guess: scheduler and workers slept the same time, so at wake-up the heartbeats that are due come before
# anyone is missed, or the scheduler sees that it slept itself; the task goes on and ends.
# Seen: the scheduler counts its own sleep as the workers' silence. Every worker process is ended and begun anew, and a task
# that may not be tried again fails as KilledWorker. By default worker-ttl is five minutes; here it is shortened, and not to the
# 1 s that is asked for, as ten heartbeats are the least.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check dask==2026.8.0 distributed==2026.8.0

cat > "$folder/work.py" << 'PYTHON'
import os, sys, time
import dask
from distributed import Client, LocalCluster

if __name__ == "__main__":
    dask.config.set({"distributed.scheduler.worker-ttl": "1s", "distributed.scheduler.allowed-failures": 0})
    with LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address=None, silence_logs=60) as cluster:
        client = Client(cluster)
        pid = client.submit(os.getpid, pure=False).result()
        task = client.submit(time.sleep, 20 if sys.argv[1] == "paused" else 5, pure=False)
        time.sleep(1)
        print("at work", flush=True)
        error = task.exception()
        print(type(error).__name__, client.submit(os.getpid, pure=False).result() == pid, flush=True)
PYTHON

"$folder/venv/bin/python" - "$folder" << 'PYTHON'
import os, signal, subprocess, sys, time

folder = sys.argv[1]
seen = {}
for how in ("undisturbed", "paused"):
    work = subprocess.Popen([f"{folder}/venv/bin/python", f"{folder}/work.py", how], start_new_session=True,
                            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    assert work.stdout.readline() == "at work\n"
    if how == "paused":
        os.killpg(work.pid, signal.SIGSTOP)
        time.sleep(15)
        os.killpg(work.pid, signal.SIGCONT)
    error, same = work.communicate(timeout=90)[0].split()
    seen[how] = f"task: {'finished' if error == 'NoneType' else error}; the same worker process: {same}"
    print(f"{how}: {seen[how]}")
sys.exit(seen != {"undisturbed": "task: finished; the same worker process: True",
                  "paused": "task: KilledWorker; the same worker process: False"})
PYTHON
