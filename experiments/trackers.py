"""Runs that npdigits-export has written, read back by the trackers' own programs: by hand, as these are large.

    python experiments/trackers.py FOLDER [tensorboard==2.21.0 mlflow==3.17.2 trackio==0.43.0 pandas]

Makes a small sweep in FOLDER (finished, diverged and interrupted runs), an environment for each package, exports twice,
goes on with the interrupted run and exports once more, and has each package's own reader tell what is there. Every
figure of every run must be there once and be the same: to the last digit, of TensorBoard in single precision.
"""

import json
import math
import os
import struct
import subprocess
import sys
import venv
from collections.abc import Callable
from pathlib import Path

PACKAGES = ("tensorboard==2.21.0", "mlflow==3.17.2", "trackio==0.43.0", "pandas")
# name of a run -> (its figures, name -> [[step, value], …]; its settings as text)
Told = dict[str, tuple[dict[str, list[list[float]]], dict[str, str]]]


def read_tensorboard(target: str) -> Told:
    """Read by TensorBoard's EventAccumulator and its HPARAMS plugin."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    from tensorboard.plugins.hparams.metadata import parse_session_start_info_plugin_data

    told: Told = {}
    for folder in sorted(path for path in Path(target).iterdir() if path.is_dir()):
        found = EventAccumulator(str(folder), size_guidance={"scalars": 0})
        found.Reload()
        figures = {name: [[one.step, one.value] for one in found.Scalars(name)] for name in found.Tags()["scalars"]}
        content = found.summary_metadata["_hparams_/session_start_info"].plugin_data.content
        settings = parse_session_start_info_plugin_data(content).hparams
        told[folder.name] = figures, {k: str(getattr(v, v.WhichOneof("kind"))) for k, v in settings.items()}
    return told


def read_mlflow(target: str) -> Told:
    """Read by MLflow's client."""
    from mlflow import MlflowClient

    client = MlflowClient(tracking_uri=target)
    number = client.get_experiment_by_name("npdigits").experiment_id
    told: Told = {}
    for run in client.search_runs([number], max_results=1000):
        figures = {
            name: [[one.step, one.value] for one in client.get_metric_history(run.info.run_id, name)]
            for name in run.data.metrics
        }
        assert run.info.run_name not in told, "a run is there twice"
        told[run.info.run_name] = figures, dict(run.data.params)
    return told


def read_trackio(target: str) -> Told:
    """Read by Trackio's API."""
    os.environ["TRACKIO_DIR"] = target
    import trackio
    from trackio.sqlite_storage import SQLiteStorage

    told: Told = {}
    for run in trackio.Api().runs("npdigits"):
        figures: dict[str, list[list[float]]] = {}
        for row in SQLiteStorage.get_logs("npdigits", run.name, run_id=run.id):
            for name, value in row.items():
                if name not in ("step", "timestamp") and not name.startswith("plots/"):
                    figures.setdefault(name, []).append([row["step"], value])
        assert run.name not in told, "a run is there twice"
        settings = {k: str(v) for k, v in run.config.items() if not k.startswith(("_", "npdigits."))}
        told[run.name] = figures, settings
    return told


def read_pandas(target: str) -> Told:
    """Read the CSV by pandas."""
    import pandas as pd

    table = pd.read_csv(target, keep_default_na=False, na_values=[""], dtype={"metrics": str})
    figures = table.columns[list(table.columns).index("epoch") + 1 :]
    told: Told = {}
    for name, rows in table.groupby("run"):
        values = {
            column.replace("learning_rate", "lr"): rows[["epoch", column]].dropna().to_numpy().tolist()
            for column in figures
        }
        told[str(name)] = {key: found for key, found in values.items() if found}, {}
    return told


READERS: dict[str, Callable[[str], Told]] = {
    "tensorboard": read_tensorboard,
    "mlflow": read_mlflow,
    "trackio": read_trackio,
    "pandas": read_pandas,
}


def make_sweep(folder: Path) -> None:
    """Do four small runs, one that diverges, and one that is interrupted."""
    from npdigits import compose, run

    keys = ["data=mnist_5k", "epochs=4", "quiet=true"]
    for hidden in (5, 8):
        for seed in (0, 1):
            run(compose([*keys, f"hidden={hidden}", f"seed={seed}"]), folder / f"{hidden}-{seed}")
    run(compose([*keys, "lr=1e30", "optimizer=sgd"]), folder / "diverged")
    asked = iter(range(10**6))
    run(compose([*keys, "seed=2"]), folder / "interrupted", stop=lambda: next(asked) == 300)


def expected(folder: Path, package: str) -> Told:
    """Return what must be told of the runs."""
    from npdigits.export.exported import read_exported

    told: Told = {}
    for run in read_exported([folder], lambda line: None):
        figures: dict[str, list[list[float]]] = {}
        for epoch, values in run.epochs:
            for name, value in values.items():
                figures.setdefault(name, []).append([epoch, value])
        if package != "pandas":
            last = len(run.epochs)
            figures |= {name: [[run.best_epoch, value]] for name, value in run.best.items()}
            figures |= {name: [[last, value]] for name, value in run.totals.items()}
        if package == "tensorboard":
            figures = {name: [[step, single(v)] for step, v in values] for name, values in figures.items()}
        number = (lambda v: str(float(v)) if type(v) is int else str(v)) if package == "tensorboard" else str
        settings = {} if package == "pandas" else {name: number(value) for name, value in run.settings.items()}
        if figures:
            told[run.name] = figures, settings
    return told


def single(value: float) -> float:
    """Return a number in single precision."""
    return float(struct.unpack("<f", struct.pack("<f", value))[0]) if math.isfinite(value) else value


def check(folder: Path, requirement: str) -> None:
    """Export to one package, and have it tell what is there.

    Raises:
        AssertionError: it is something else.
    """
    package = requirement.partition("==")[0]
    environment = folder / "environments" / requirement
    python = environment / "bin" / "python"
    if not python.exists():
        venv.create(environment, with_pip=True)
        subprocess.run([python, "-m", "pip", "install", "-q", "--disable-pip-version-check", requirement], check=True)
    site = next((environment / "lib").glob("python*/site-packages"))
    place = folder / requirement.replace("==", "-")
    target = {"mlflow": f"sqlite:///{place}.db", "pandas": f"{place}.csv"}.get(package, str(place))
    option = {"pandas": "--csv"}.get(package, f"--{package}")
    # npdigits' own packages first: its results are the same whatever the tracker brings along.
    code = f"import sys; sys.path.append({str(site)!r}); from npdigits.export.command import main; main()"
    for goes_on in (False, False, True):
        if goes_on:
            resume = ["-m", "npdigits.train", f"resume={folder / 'sweep' / 'interrupted'}", "quiet=true"]
            subprocess.run([sys.executable, *resume], check=True, stdout=subprocess.DEVNULL)
        subprocess.run([sys.executable, "-c", code, folder / "sweep", option, target], check=True)
        read = subprocess.run([python, __file__, "--read", package, target], check=True, capture_output=True, text=True)
        found, wanted = (
            json.loads(read.stdout.splitlines()[-1]),
            json.loads(json.dumps(expected(folder / "sweep", package))),
        )
        assert found.keys() == wanted.keys(), found.keys() ^ wanted.keys()
        for name, (figures, settings) in wanted.items():
            assert {key: sorted(values) for key, values in found[name][0].items()} == figures, name
            assert found[name][1] == settings, name
    n = sum(len(values) for figures, _ in wanted.values() for values in figures.values())
    held = "in single precision" if package == "tensorboard" else "to the last digit"
    print(f"{requirement}: {len(wanted)} runs, {n:,} figures, each once and the same {held}")


def main() -> None:
    """Check the packages that are named, or all."""
    if sys.argv[1:2] == ["--read"]:
        print(json.dumps(READERS[sys.argv[2]](sys.argv[3])))
        return
    folder = Path(sys.argv[1]).absolute()
    for requirement in sys.argv[2:] or PACKAGES:
        subprocess.run(["rm", "-rf", folder / "sweep"], check=True)
        make_sweep(folder / "sweep")
        check(folder, requirement)


if __name__ == "__main__":
    main()
