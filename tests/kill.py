"""The kill harness: real processes, killed with SIGKILL at random instants, and gone on with until they finish.

    python tests/kill.py --runs 200            # about four minutes
    python tests/kill.py --runs 1 --seed 1234  # one again

Each run is drawn from the seed: a configuration, and up to five instants. It is trained once undisturbed and once
killed at these instants, each time going on by the same command or by ``resume=``. At the end every .npz, metrics.csv,
and the summary but for its times must be the same bytes. Processes are forked from one that has imported everything, so
that the instants fall into the run and not into Python's start.
"""

import argparse
import json
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path

from made import write_set

from npdigits import train
from npdigits.runs import plots  # noqa: F401 – imported before the forks

CONFIGURATIONS = [
    ("hidden=8", "epochs=40"),
    ("hidden=12", "epochs=25", "optimizer=sgd", "momentum=0.9", "lr=0.1", "l2=1e-3"),
    ("hidden=[10,6]", "epochs=25", "optimizer=rmsprop", "lr=0.003", "schedule=cosine"),
    ("hidden=200", "epochs=12", "l2=1e-4", "weight_decay=0", "activation=tanh"),
    ("hidden=9", "epochs=30", "val_size=0", "schedule=step", "warmup=3"),
    ("hidden=30", "epochs=60", "stop_on=val_cost", "patience=3", "schedule=constant", "dtype=float64"),
    ("hidden=[]", "epochs=30", "stop_on=variance", "min_delta=1e-4"),
    ("hidden=8", "epochs=30", "optimizer=sgd", "lr=2", "schedule=constant", "l2=0.9", "weight_decay=0"),  # diverges
]
if sys.platform == "linux":
    CONFIGURATIONS.append(("hidden=40", "epochs=15", "threads=2"))
COMPARED = (
    "metrics.csv",
    "predictions.npz",
    "checkpoints/last.npz",
    "checkpoints/previous.npz",
    "checkpoints/best.npz",
)


def start(arguments: list[str]) -> int:
    """Fork a process that is ``python -m npdigits.train`` with these arguments; return its number."""
    pid = os.fork()
    if pid == 0:
        os.setpgid(0, 0)
        silent = os.open(os.devnull, os.O_WRONLY)
        os.dup2(silent, 1)
        os.dup2(silent, 2)
        sys.argv[1:] = arguments
        code = 99
        try:
            train.main()
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else 98
        finally:
            os._exit(code)
    return pid


def finish(arguments: list[str]) -> float:
    """Let such a process end by itself; return its seconds."""
    begun = time.monotonic()
    code = os.waitstatus_to_exitcode(os.waitpid(start(arguments), 0)[1])
    assert code in (0, train.DIVERGED), f"exit code {code} of {arguments}"
    return time.monotonic() - begun


def killed_after(arguments: list[str], seconds: float) -> None:
    """Kill such a process after so many seconds, if it still lives then."""
    pid = start(arguments)
    time.sleep(seconds)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)


def result(run: Path) -> dict[str, bytes]:
    """Return all of a run directory that must not depend on kills."""
    found = {name: (run / name).read_bytes() for name in COMPARED if (run / name).exists()}
    summary = json.loads((run / "summary.json").read_text())
    del summary["seconds"]
    return {**found, "summary.json": json.dumps(summary).encode()}


def one(seed: int, folder: Path, data: Path) -> int:
    """Do one run of the harness; return how many kills it took.

    Raises:
        AssertionError: its result is not that of the undisturbed run.
    """
    rng = random.Random(seed)
    common = ["data=idx", f"data.dir={data}", "plots=false", *rng.choice(CONFIGURATIONS), f"seed={rng.randrange(3)}"]
    whole, cut = folder / "whole", folder / "cut"
    seconds = finish([*common, f"out={whole}"])
    kills = rng.randint(1, 5)
    for _ in range(kills):
        begun = (cut / "checkpoints" / "last.npz").exists()
        go_on = [f"resume={cut}"] if begun and rng.random() < 0.5 else [*common, f"out={cut}"]
        killed_after(go_on, rng.uniform(0, 1.1 * seconds))
    finish([*common, f"out={cut}"])
    expected, found = result(whole), result(cut)
    assert expected.keys() == found.keys(), f"seed {seed}: {expected.keys()} {found.keys()}"
    for name, content in expected.items():
        assert content == found[name], f"seed {seed}: {name} is not that of the undisturbed run ({' '.join(common)})"
    assert not list(cut.rglob(".*.tmp")), f"seed {seed}: temporary files were left"
    shutil.rmtree(folder)
    return kills


def main() -> None:
    """Do as many runs as asked, and print the seed of each that fails."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--runs", type=int, default=12)
    parser.add_argument("--seed", type=int, default=None, help="of the first run; each next one's is greater by one")
    arguments = parser.parse_args()
    first = random.randrange(10**6) if arguments.seed is None else arguments.seed
    print(f"seeds {first} to {first + arguments.runs - 1}", flush=True)
    failed, kills = 0, 0
    with tempfile.TemporaryDirectory() as scratch:
        os.environ["NPDIGITS_CACHE"] = f"{scratch}/cache"
        data = write_set(Path(scratch) / "data", train=1500, test=200)
        for seed in range(first, first + arguments.runs):
            try:
                kills += one(seed, Path(scratch) / str(seed), data)
            except AssertionError as error:
                failed += 1
                print(f"FAILED {error}", flush=True)
    print(f"{arguments.runs} runs, {kills} kills, {failed} not as if undisturbed")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
