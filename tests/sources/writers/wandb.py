# requires: wandb==0.31.0
"""Run folders of W&B in offline mode: the toy's, and odd ones. Only the run files are kept."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import toy
import wandb

HERE = Path(sys.argv[1])
SETTINGS = {"mode": "offline", "silent": True, "disable_git": True, "host": "somewhere", "console": "off"}
SETTINGS |= {"x_disable_meta": True, "x_disable_stats": True, "x_disable_machine_info": True, "save_code": False}


def begin(folder: Path, **options: object) -> wandb.Run:
    folder.mkdir(parents=True, exist_ok=True)
    return wandb.init(project="toy", dir=str(folder), settings=wandb.Settings(**SETTINGS), **options)


def toys(folder: Path) -> None:
    for run in toy.runs():
        writer = begin(folder, config=run["settings"], name=run["name"], id=run["name"])
        for epoch, figures in run["history"]:
            writer.log(figures, step=epoch)
        writer.finish()


def odd(folder: Path) -> None:
    """What is not a plain number; nested ones; values of a step in several calls; changed settings."""
    config = {"optimizer": {"name": "sgd", "betas": [0.9, 0.999]}, "flag": True, "none": None, "text": "0.1"}
    writer = begin(folder, config={"lr": 0.1, **config, "infinite": float("inf"), "gone": 1}, id="numbers")
    writer.log({"nan": float("nan"), "inf": float("inf"), "ninf": -float("inf"), "int": 3, "true": True, "text": "a"})
    writer.log({"nested": {"a": 1.5, "b": {"c": 2}}, "list": [1, 2]})
    writer.log({"one": 1}, step=10)
    writer.log({"two": 2}, step=10)
    writer.log({"one": 3}, step=11)
    writer.log({"back": 1}, step=5)
    writer.config.update({"lr": 0.2, "late": 1}, allow_val_change=True)
    writer.summary["test_acc"] = 0.75
    writer.finish()
    writer = begin(folder, config={"lr": 0.3}, id="axes", job_type="train")
    writer.define_metric("global_step")
    writer.define_metric("val/*", step_metric="global_step")
    writer.define_metric("acc", summary="max")
    for index in range(3):
        writer.log({"global_step": 100 * index, "val/acc": index / 4, "acc": [0.5, 0.75, 0.25][index]})
    writer.finish(exit_code=3)
    for turn in range(2):
        writer = begin(folder, config={"lr": 0.4}, id="resumed", resume="allow")
        for step in range(3 - turn):
            writer.log({"acc": turn + step / 4, f"only {turn}": step})
        writer.finish()
        time.sleep(1.1)  # folders are named by the second
    writer = begin(folder, config={"lr": 0.5}, id="forked", fork_from="numbers?_step=1")
    writer.log({"one": 7})
    writer.finish()


def killed(folder: Path, logs: int, name: str) -> None:
    """A program that is killed: what it had not written as whole blocks of 32 KiB is lost."""
    child = subprocess.Popen(
        [sys.executable, "-P", __file__, str(folder), str(logs), name], stdout=subprocess.PIPE, start_new_session=True
    )
    child.stdout.readline()
    time.sleep(5)
    os.killpg(child.pid, signal.SIGKILL)
    child.wait()


if len(sys.argv) > 2:
    run = begin(HERE, config={"lr": 0.6}, id=sys.argv[3])
    for index in range(int(sys.argv[2])):
        run.log({"acc": index / 256})
    print("logged", flush=True)
    time.sleep(60)
# First, as a child would use the server of its parent, and that is not killed.
killed(HERE / "odd", 3, "early")
killed(HERE / "odd", 200, "late")
toys(HERE / "toys")
odd(HERE / "odd")
for path in sorted(HERE.rglob("*"), reverse=True):
    if path.is_symlink():
        path.unlink()
    elif path.is_dir() and path.name in ("files", "logs", "tmp"):
        shutil.rmtree(path)
    elif path.is_file() and path.suffix != ".wandb":
        path.unlink()
