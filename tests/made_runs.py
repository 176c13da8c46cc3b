"""Run directories made by hand, for tests of what reads them."""

import functools
import json
from pathlib import Path

import numpy as np

from npdigits.base.npz import npz
from npdigits.config.compose import compose
from npdigits.config.identity import digest, identity
from npdigits.config.seeds import DRAWN_BY, settle_seeds
from npdigits.runs import metrics
from npdigits.training.state import Epoch

SHA256 = "a" * 64
SEEDS = ("seed", *DRAWN_BY)
ENVIRONMENT = {
    "packages": {"numpy": "2.4.6"},
    "processor": "a processor",
    "numpy_simd": {"found": ["X86_V3"]},
    "blas": [{"internal_api": "openblas", "version": "0.3.31", "architecture": "SkylakeX"}],
}


@functools.cache
def composed(*typed):
    """Return a configuration; composed once, as that takes longer than all the rest."""
    return compose(typed)


def made_run(
    path,
    val_accuracy=0.9,
    *typed,
    status="finished",
    sha256=SHA256,
    data="mnist",
    numerics=None,
    once=None,
    environment=ENVIRONMENT,
    epochs=2,
    right=None,
    validated=True,
    **summary,
):
    """Write a run directory and return its path.

    Args:
        path: where.
        val_accuracy: of its best epoch, the last one; test accuracy is 0.01 less, the cost 1 − accuracy.
        typed: what differs from the defaults: "hidden=20", "seed=1".
        status, sha256, data, numerics, environment: what the files say; None leaves the file or the value as it is.
        once: what was part of its identity when its version wrote it, as {"threads": 2}, and is of none today.
        epochs: rows of metrics.csv.
        right: which of the test digits are read right; their labels are all 1.
        validated: whether there are validation figures.
        summary: more of summary.json.
    """
    path = Path(path)
    (path / "plots").mkdir(parents=True)
    seeds = {key: int(value) for key, _, value in (one.partition("=") for one in typed) if key in SEEDS}
    config = composed(*(one for one in typed if one.partition("=")[0] not in SEEDS))
    settled = settle_seeds({"seed": 0, **seeds})
    this = identity(config, sha256) | {key: seed for key, seed in settled.items() if seed is not None}
    this |= (once or {}) | ({} if numerics is None else {"numerics": numerics})
    accuracies = {"train": val_accuracy, "val": val_accuracy, "test": val_accuracy - 0.01}
    figures = {f"{split}_accuracy": value for split, value in accuracies.items()}
    figures |= {f"{split}_cost": 1 - value for split, value in accuracies.items()}
    written = {
        **{"status": status, "identity": digest(this), "data": data, "data_sha256": sha256, "parameters": 15910},
        **{"epochs_run": epochs, "seconds": 2.0, "data_sizes": {"val": 100 if validated else 0}},
        **({"best_epoch": epochs, **figures} if status == "finished" else {}),
        **summary,
        **({} if validated else {"val_cost": None, "val_accuracy": None}),
    }
    history = [
        Epoch(epoch, 0.01, 1 / epoch, 0.5, 1 / epoch, val_accuracy, 1 / epoch, accuracies["test"], 0.0, None, True)
        for epoch in range(1, epochs + 1)
    ]
    (path / "metrics.csv").write_text(metrics.format_metrics(history))
    (path / "identity.json").write_text(json.dumps(this))
    (path / "summary.json").write_text(json.dumps(written))
    if environment is not None:
        (path / "environment.json").write_text(json.dumps(environment))
    if right is not None:
        probabilities = np.eye(3, dtype=np.float32)[np.where(right, 1, 2)]
        (path / "predictions.npz").write_bytes(
            npz({"probabilities": probabilities, "labels": np.ones(len(right), np.uint8)})
        )
    return path


def made_sweep(folder, key, accuracies):
    """Write a run for each value of a key and each seed: ``accuracies`` is value -> those of seeds 0, 1, …"""
    for value, of_seeds in accuracies.items():
        for seed, accuracy in enumerate(of_seeds):
            made_run(folder / f"{key}-{value}-{seed}", accuracy, f"{key}={value}", f"seed={seed}")
    return folder
