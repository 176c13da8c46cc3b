"""One sweep of a PyTorch script, logged at once by four loggers: ``python experiments/four_loggers.py FOLDER``.

Three settings × ten seeds of a small network on scikit-learn's 1,797 digits, written to a CSV, by TensorBoard, by
MLflow (SQLite) and by W&B offline. Then each is read by npdigits: the histories must be those that were measured, to
the last bit (TensorBoard's after rounding to single precision), and the tables and verdicts of ``npdigits-compare``
the same.
Needs torch, scikit-learn, tensorboard, mlflow and wandb; FOLDER must not be there yet.
"""

import argparse
import csv
import itertools
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from sklearn.datasets import load_digits

from npdigits.sources.reading import read_source

SETTINGS = ({"lr": 0.05, "width": 16}, {"lr": 0.2, "width": 16}, {"lr": 0.2, "width": 64})
SEEDS = range(10)
EPOCHS = 8
BATCH = 50
TRAINING = 1000  # digits; the others are for validation
METRIC = "val_acc"
# source -> where it lies in the folder, and the largest relative difference that its figures may have
SOURCES = {
    "CSV": ("epochs.csv", 0.0),
    "MLflow": ("mlflow.db", 0.0),
    "W&B": ("wandb", 0.0),
    "TensorBoard": ("tensorboard", 1e-6),
}
Figures = dict[str, float]


def train(lr: float, width: int, seed: int) -> Iterator[Figures]:
    """Yield an epoch's training loss, validation loss and validation accuracy (a fraction)."""
    torch.manual_seed(seed)
    digits = load_digits()
    images = torch.tensor(digits.data / 16, dtype=torch.float64)
    labels = torch.tensor(digits.target)
    # Which digits are for validation depends on the seed, as the initial weights and the batches do.
    order = torch.randperm(len(labels))
    training, validation = order[:TRAINING], order[TRAINING:]
    network = torch.nn.Sequential(torch.nn.Linear(64, width), torch.nn.ReLU(), torch.nn.Linear(width, 10)).double()
    optimizer = torch.optim.SGD(network.parameters(), lr=lr)
    cost = torch.nn.CrossEntropyLoss()
    for _ in range(EPOCHS):
        losses = []
        shuffled = training[torch.randperm(TRAINING)]
        for first in range(0, TRAINING, BATCH):
            batch = shuffled[first : first + BATCH]
            optimizer.zero_grad()
            loss = cost(network(images[batch]), labels[batch])
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        with torch.no_grad():
            scores = network(images[validation])
            yield {
                "train_loss": float(np.mean(losses)),
                "val_loss": cost(scores, labels[validation]).item(),
                METRIC: (scores.argmax(1) == labels[validation]).double().mean().item(),
            }


def sweep(folder: Path) -> dict[tuple[Any, ...], list[Figures]]:
    """Train all runs, log each epoch to all four, and return what was measured, by (lr, width, seed)."""
    import mlflow
    import wandb
    from torch.utils.tensorboard import SummaryWriter

    mlflow.set_tracking_uri(f"sqlite:///{folder / 'mlflow.db'}")
    mlflow.set_experiment("digits")
    measured = {}
    with (folder / "epochs.csv").open("w", newline="") as file:
        table = csv.DictWriter(file, ["run", "lr", "width", "seed", "epoch", "train_loss", "val_loss", METRIC])
        table.writeheader()
        for number, (settings, seed) in enumerate(itertools.product(SETTINGS, SEEDS)):
            config = {**settings, "seed": seed}
            events = SummaryWriter(str(folder / "tensorboard" / f"run-{number}"))
            offline = wandb.init(mode="offline", project="digits", dir=str(folder), config=config)
            epochs = []
            with mlflow.start_run():
                mlflow.log_params(config)
                for epoch, figures in enumerate(train(seed=seed, **settings), start=1):  # type: ignore[arg-type]
                    epochs.append(figures)
                    table.writerow({"run": number, **config, "epoch": epoch, **figures})
                    for name, value in figures.items():
                        events.add_scalar(name, value, epoch)
                    mlflow.log_metrics(figures, step=epoch)
                    offline.log(figures, step=epoch)
            events.add_hparams(config, {f"hparam/{METRIC}": epochs[-1][METRIC]})
            events.close()
            offline.finish()
            measured[tuple(config.values())] = epochs
    return measured


def check_histories(folder: Path, measured: dict[tuple[Any, ...], list[Figures]]) -> None:
    """Print of each source how many values are read, and how many are others than were measured."""
    for source, (name, _) in SOURCES.items():
        found = read_source(folder / name, None, print)
        values = wrong = 0
        for metric in ("train_loss", "val_loss", METRIC):
            single = metric in found.single
            history = found.history(metric)
            for run, part in history.groupby("run"):
                settings = found.settings[int(run)]
                epochs = measured[tuple(settings[key] for key in ("lr", "width", "seed"))]
                expected = np.array([figures[metric] for figures in epochs])
                expected = expected.astype(np.float32).astype(float) if single else expected
                read = part["value"].to_numpy()
                values += len(read)
                wrong += len(read) != EPOCHS or int((read != expected).sum())
        precision = "single precision" if METRIC in found.single else "as measured"
        print(f"{source}: {len(found.names)} runs, {values} values, {wrong} wrong ({precision})")


def compare(folder: Path, name: str) -> Any:
    """Return what npdigits-compare says of a source, as data."""
    command = [sys.executable, "-m", "npdigits.compare", str(folder / name), "--metric", f"{METRIC},val_loss"]
    command += ["--at", "best:val_loss", "--margin", "val_acc=0.01,val_loss=0.01", "--json", "-"]
    run = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "NPDIGITS_STATE": str(folder)})
    if run.returncode:
        raise SystemExit(f"{name}: {run.stderr}")
    return json.loads(run.stdout)


def differences(one: Any, other: Any, where: str = "") -> Iterator[tuple[str, float]]:
    """Yield where two results differ, and by how much, relatively; infinity for what is no number."""
    if isinstance(one, dict) and isinstance(other, dict):
        for key in one.keys() | other.keys():
            yield from differences(one.get(key), other.get(key), f"{where}.{key}")
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        for index, (a, b) in enumerate(zip(one, other, strict=True)):
            yield from differences(a, b, f"{where}[{index}]")
    elif one != other:
        both = isinstance(one, float) and isinstance(other, float)
        yield where, abs(one - other) / max(abs(one), abs(other)) if both else float("inf")


def check_tables(folder: Path) -> None:
    """Print the table and verdict of the CSV, and of each other source where its own differ.

    Raises:
        SystemExit: they differ by more than the source's precision.
    """
    results = {source: compare(folder, name) for source, (name, _) in SOURCES.items()}
    first = results["CSV"]
    for row in first["rows"]:
        print({key: value for key, value in row.items() if value is not None})
    print(*first["says"], sep="\n")
    for source, (_, allowed) in SOURCES.items():
        # How a source was read stands in lines of its own.
        says = [line for line in results[source]["says"] if line in first["says"]]
        lines = [line for line in first["says"] if line not in says and not line.startswith(("Read: ", "Note: "))]
        found = list(differences(first["rows"], results[source]["rows"]))
        most = max((size for _, size in found), default=0.0)
        print(f"{source}: {len(found)} figures differ, by at most {most:.1e}; lines that differ: {lines}")
        if most > allowed or lines:
            raise SystemExit(f"{source}: not the same")


def main() -> None:
    """Sweep, and check."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder.resolve()
    folder.mkdir(parents=True)
    torch.set_num_threads(1)
    check_histories(folder, sweep(folder))
    check_tables(folder)


if __name__ == "__main__":
    main()
