"""How long an MLflow store of 10,000 runs takes to be read, beside MLflow's own search_runs: time and memory.

    python experiments/read_store_time.py FOLDER --mlflow MLFLOW_PYTHON [--runs 10000] [--pairs 5]

MLFLOW_PYTHON is the Python of an environment with mlflow (3.17.2 was measured), which makes the schema of the
database in FOLDER, if none is there yet; its rows are filled in by SQL: 5 params, 3 metrics of 20 steps and 4 tags a
run. Then each of these is done in fresh processes that take turns: npdigits reads the store and the last value of one
metric, reads the history of one metric, and compares the whole; MLflow gives search_runs' pages as a frame. Seconds are
those of the clock and those of the processor, which other work beside it changes less.
"""

import argparse
import json
import random
import sqlite3
import statistics
import subprocess
import sys
import time
from pathlib import Path

SCHEMA = """
import sys, mlflow
mlflow.set_tracking_uri("sqlite:///" + sys.argv[1])
client = mlflow.MlflowClient()
client.create_experiment("sweep", "/srv/somewhere/sweep")
"""
READ = """
from pathlib import Path
from npdigits.sources import mlflow
found = mlflow.read(Path(sys.argv[1]))
n = sum(value == value for value in found.last("val_acc"))
"""
HISTORY = """
from pathlib import Path
from npdigits.sources import mlflow
n = len(mlflow.read(Path(sys.argv[1])).history("val_acc"))
"""
COMPARE = """
import contextlib, io
from npdigits.compare.command import main
sys.argv[2:] = ["--metric", "val_acc"]
told = io.StringIO()
with contextlib.redirect_stdout(told), contextlib.suppress(SystemExit):
    main()
n = len(told.getvalue())
"""
SEARCH = """
import mlflow
mlflow.set_tracking_uri("sqlite:///" + sys.argv[1])
frame = mlflow.search_runs(experiment_names=["sweep"], max_results=100_000)
n = frame["metrics.val_acc"].notna().sum()
"""
REPORT = """
import json, resource, time
used = resource.getrusage(resource.RUSAGE_SELF)
print(json.dumps([time.perf_counter() - begin, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024, int(n)]))
"""


def make(path: Path, python: str, n: int) -> None:
    """Fill a database that MLflow has made with n runs: 50 seeds of each setting."""
    subprocess.run([python, "-c", SCHEMA, str(path)], check=True)
    draw = random.Random(0)
    with sqlite3.connect(path) as connection:
        (experiment,) = connection.execute("SELECT experiment_id FROM experiments WHERE name = 'sweep'").fetchone()
        for run in range(n):
            key, began = f"{draw.getrandbits(128):032x}", 1_750_000_000_000 + 60_000 * run
            row = (key, f"run-{run}", "UNKNOWN", "", "", "somebody", "FINISHED", began, began + 50_000, "", "active")
            connection.execute(
                "INSERT INTO runs (run_uuid, name, source_type, source_name, entry_point_name, user_id, status,"
                " start_time, end_time, source_version, lifecycle_stage, artifact_uri, experiment_id)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (*row, f"/srv/somewhere/sweep/{key}/artifacts", experiment),
            )
            setting, seed = divmod(run, 50)
            params = {"lr": 10 ** -(setting % 4 + 1), "width": 16 * (setting // 4 + 1), "seed": seed}
            for name, value in {**params, "optimizer": "sgd", "batch_size": 64}.items():
                connection.execute(
                    "INSERT INTO params (run_uuid, key, value) VALUES (?, ?, ?)", (key, name, str(value))
                )
            tags = {"runName": f"run-{run}", "user": "somebody", "source.name": "train.py", "source.type": "LOCAL"}
            for name, value in tags.items():
                connection.execute(
                    "INSERT INTO tags (run_uuid, key, value) VALUES (?, ?, ?)", (key, f"mlflow.{name}", value)
                )
            for name in ("train_loss", "val_loss", "val_acc"):
                values = [(key, name, draw.random(), began + 1000 * step, step, 0) for step in range(20)]
                into = "INTO {} (run_uuid, key, value, timestamp, step, is_nan) VALUES (?, ?, ?, ?, ?, ?)"
                connection.executemany(f"INSERT {into.format('metrics')}", values)
                connection.execute(f"INSERT {into.format('latest_metrics')}", values[-1])
    connection.close()


def measure(python: str, code: str, path: Path) -> list[float]:
    """Return what code takes in a fresh process: seconds with Python's start, without, of the processor; MiB; count."""
    whole = f"import sys, time\nbegin = time.perf_counter()\n{code}\n{REPORT}"
    begin = time.perf_counter()
    done = subprocess.run([python, "-c", whole, str(path)], check=True, capture_output=True, text=True)
    return [time.perf_counter() - begin, *json.loads(done.stdout.splitlines()[-1])]


def main() -> None:
    """Make the store if it is not there, and print what was measured."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--mlflow", required=True)
    parser.add_argument("--runs", type=int, default=10_000)
    parser.add_argument("--pairs", type=int, default=5)
    args = parser.parse_args()
    path = args.folder / "mlflow.db"
    if not path.exists():
        args.folder.mkdir(parents=True, exist_ok=True)
        make(path, args.mlflow, args.runs)
    print(f"{path.stat().st_size / 2**20:.0f} MiB")
    pieces = {
        "read, last values": (sys.executable, READ),
        "read, one history": (sys.executable, HISTORY),
        "npdigits-compare, whole": (sys.executable, COMPARE),
        "mlflow.search_runs": (args.mlflow, SEARCH),
    }
    seen: dict[str, list[list[float]]] = {name: [] for name in pieces}
    for _ in range(args.pairs):
        for name, (python, code) in pieces.items():
            seen[name].append(measure(python, code, path))
    for name, rows in seen.items():
        process, inside, used, memory, n = (statistics.median(column) for column in zip(*rows, strict=True))
        pairs = list(zip(rows, seen["mlflow.search_runs"], strict=True))
        ratios = [statistics.median(other[at] / own[at] for own, other in pairs) for at in (1, 2)]
        print(
            f"{name}: {inside:.2f} s ({process:.2f} with Python's start), {used:.2f} of the processor,"
            f" {memory:.0f} MiB, n = {n:.0f};"
            f" search_runs takes {ratios[0]:.1f} times as long ({ratios[1]:.1f} of the processor)"
        )


if __name__ == "__main__":
    main()
