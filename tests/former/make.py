"""Makes the runs of earlier versions that lie here: ``python tests/former/make.py``, with git's history.

Each is made by the code of its commit, checked out into a scratch folder and put first on the path, in the environment
that runs this script; NumPy 2.4.6 and Hydra 1.3.8 were there. Removed are train.log, which names the folder, the lock,
previous.npz, which is a copy, and the kernel from environment.json. Run it for another state only, as what lies here is
not to change.
"""

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

HERE = Path(__file__).parent
PLAIN = "data=mnist_5k hidden=3 optimizer=sgd lr=0.1 epochs=2 plots=false"
DISTORTED = f"{PLAIN} dropout=0.2 input_dropout=0.1 max_norm=2 augment=elastic alpha=20 output=sigmoid cost=mse seed=4"
# Allowed then, and not today.
WIDE = f"{PLAIN} dropout=0.995 input_dropout=0.992 seed=4"
TOO_FAR = f"{PLAIN} augment=elastic alpha=20000 sigma=1500 shift=1500 seed=7"
# (commit, name) -> what was typed
RUNS = {
    ("3c68595", "run"): f"{PLAIN} seed=0",
    ("71dac70", "run"): f"{PLAIN} seed=1",
    ("dd95b35", "run"): f"{PLAIN} seed=2",
    ("c321c01", "run"): f"{PLAIN} seed=3",
    ("4c8f4d0", "run"): f"{PLAIN} seed=4",
    ("6f79665", "run"): f"{PLAIN} seed=5",
    ("7df39d8", "run"): f"{PLAIN} seed=6",
    ("9b3b77d", "run"): f"{PLAIN} seed=7",
    ("0c23602", "run"): f"{PLAIN} seed=8",
    ("914df2f", "run"): f"{PLAIN} seed=9",
    ("4c8f4d0", "distorted"): DISTORTED,
}
# Those that were cut off after an epoch, of three.
CUT_OFF = {
    ("3c68595", "cut_off"): f"{PLAIN} epochs=3 seed=0",
    ("71dac70", "cut_off"): f"{PLAIN} epochs=3 seed=1",
    ("dd95b35", "cut_off"): f"{PLAIN} epochs=3 seed=2",
    ("c321c01", "cut_off"): f"{PLAIN} epochs=3 seed=3",
    ("4c8f4d0", "wide"): f"{WIDE} epochs=3",
    ("9b3b77d", "too_far"): f"{TOO_FAR} epochs=3",
}
CUT = """
import pathlib, sys
from npdigits import cli, train
out, typed = pathlib.Path(sys.argv[1]), sys.argv[2:]
train.run(cli.compose(typed), out, typed, stop=lambda: (out / "metrics.csv").read_text().count("\\n") == 2)
"""


def make(commit: str, checkout: Path, scratch: Path) -> None:
    """Make all runs of a commit."""
    for (of, name), typed in {**RUNS, **CUT_OFF}.items():
        if of == commit:
            whole = (of, name) in RUNS
            keys = [f"out={commit}/{name}", *unique(typed.split())]
            command = ["-m", "npdigits.train", *keys] if whole else ["-c", CUT, keys[0].removeprefix("out="), *keys[1:]]
            env = {"PYTHONPATH": str(checkout), "PATH": "/usr/bin:/bin", "NPDIGITS_CACHE": str(scratch / "cache")}
            subprocess.run([sys.executable, *command], cwd=scratch, env=env, check=True, stdout=subprocess.DEVNULL)
            tidy(scratch / commit / name)


def unique(typed: Sequence[str]) -> list[str]:
    """Return overrides of which the last of each key counts."""
    return list({override.partition("=")[0]: override for override in typed}.values())


def tidy(run: Path) -> None:
    """Remove what names this machine, and what is there twice; move the run here."""
    for name in ("train.log", ".lock", "checkpoints/previous.npz"):
        (run / name).unlink(missing_ok=True)
    environment = json.loads((run / "environment.json").read_text())
    environment["platform"] = "Linux"
    (run / "environment.json").write_text(json.dumps(environment, indent=2) + "\n")
    target = HERE / run.parent.name / run.name
    target.parent.mkdir(exist_ok=True)
    shutil.rmtree(target, ignore_errors=True)
    run.rename(target)


def main() -> None:
    """Make the runs of the commits that are named, or of all."""
    commits = sys.argv[1:] or list(dict.fromkeys(commit for commit, _ in {**RUNS, **CUT_OFF}))
    for commit in commits:
        with tempfile.TemporaryDirectory(dir=HERE.parents[1]) as scratch:
            checkout = Path(scratch) / "checkout"
            subprocess.run(["git", "worktree", "add", "-q", "--detach", checkout, commit], cwd=HERE, check=True)
            try:
                make(commit, checkout, Path(scratch))
            finally:
                subprocess.run(["git", "worktree", "remove", "--force", checkout], cwd=HERE, check=True)


if __name__ == "__main__":
    main()
