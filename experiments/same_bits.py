"""Whether two checkouts leave the same bytes: ``python experiments/same_bits.py BEFORE AFTER``.

Runs every configuration below by the code of either folder, and compares all .npz files, metrics.csv, identity.json and
plots. For a change that is to alter no bit: ``git worktree add ../before COMMIT`` makes the folder to compare with. The
embedded digits are enough; all of it takes about a minute.
"""

import hashlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from npdigits.base.program import Parser, exit_code, nonempty_path

PROGRAM = "same_bits.py"
COMPARED = ("*.npz", "metrics.csv", "identity.json", "*.png")
TWO_EPOCHS = {
    **{f"activation {name}": f"activation={name}" for name in ("sigmoid", "tanh", "relu", "leaky_relu")},
    "gradient descent": "optimizer=sgd",
    "momentum": "optimizer=sgd momentum=0.9",
    "rmsprop": "optimizer=rmsprop",
    "adam L2 and decay": "optimizer=adam l2=1e-3 weight_decay=1e-3 betas=[0.8,0.99]",
    "constant": "schedule=constant",
    "warm-up": "schedule=exponential warmup=1",
    "step": "schedule=step decay_every=1",
    "cosine": "schedule=cosine",
    "softmax mse": "output=softmax cost=mse",
    "sigmoids": "output=sigmoid cost=cross_entropy",
    "sigmoids mse": "output=sigmoid cost=mse",
    "tanh mse": "output=tanh cost=mse",
    "dropout": "hidden=[40,30] dropout=[0.2,0.5] input_dropout=0.1 max_norm=3",
    "affine": "augment=affine",
    "elastic": "augment=elastic",
    "two processes by units": "threads=2 hidden=[300,100] batch_size=32",
    "two processes by images": "threads=2 hidden=20 batch_size=256 dropout=0.3 augment=affine",
    "float64": "dtype=float64 hidden=25 initializer=xavier",
    "no validation data": "val_size=0 score_size=1000",
    "large weights": "initializer=normal init_scale=0.5",
    "no hidden layer": "hidden=[]",
    "plots": "plots=true hidden=12",
}
OTHERS = {
    "gap": "stop_on=gap patience=2 epochs=30",
    "variance": "stop_on=variance epochs=30",
    "validation cost": "stop_on=val_cost patience=2 epochs=30",
    "diverges": "lr=1e6 optimizer=sgd epochs=3",
}
ESTIMATOR = """
import sys
import numpy as np
from npdigits import Classifier
rng = np.random.default_rng(0)
x, y = rng.random((400, 30)), rng.integers(0, 4, 400)
np.savez(sys.argv[1], p=Classifier(hidden=(12,), epochs=5, seed=1, val_size=50).fit(x, y).predict_proba(x))
"""


def train_all(checkout: Path, out: Path) -> dict[str, str]:
    """Run everything by the code of a checkout; return the SHA-256 of each file by its name below ``out``."""
    env = {**os.environ, "PYTHONPATH": str(checkout.resolve())}

    def python(*arguments: str, codes: tuple[int, ...] = (0,)) -> None:
        done = subprocess.run([sys.executable, *arguments], cwd=out, env=env, capture_output=True, text=True)
        if done.returncode not in codes:
            raise OSError(f"{' '.join(arguments)}: {done.stderr.strip()}")

    def train(*keys: str, codes: tuple[int, ...] = (0,)) -> None:
        python("-m", "npdigits.train", "data=mnist_5k", *keys, codes=codes)

    for name, keys in TWO_EPOCHS.items():
        train(f"out={out / name}", "plots=false", "epochs=2", *keys.split())
    for name, keys in OTHERS.items():
        train(f"out={out / name}", "plots=false", *keys.split(), codes=(0, 3))
    train(f"out={out / 'resumed'}", "hidden=15", "epochs=2", "plots=false")
    python("-m", "npdigits.train", f"resume={out / 'resumed'}", "epochs=4")
    train("-m", "hidden=5,10", "seed=0,1", "epochs=2", "plots=false", f"out={out / 'sweep'}")
    python("-c", ESTIMATOR, str(out / "estimator.npz"))
    files = sorted(path for pattern in COMPARED for path in out.rglob(pattern))
    return {str(path.relative_to(out)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def differing(before: Mapping[str, str], after: Mapping[str, str]) -> list[str]:
    """Return the files that are not the same in both, or are there in one alone."""
    return sorted(name for name in {*before, *after} if before.get(name) != after.get(name))


def main() -> None:
    """Print the files that differ, and how many do; the exit code is 1 if there are any."""
    parser = Parser(PROGRAM, description=(__doc__ or "").partition(":")[0])
    for name in ("before", "after"):
        parser.add_argument(name, type=nonempty_path, metavar=name.upper(), help="a checkout")
    sys.exit(exit_code(PROGRAM, lambda: _compare(parser.parse_args().before, parser.parse_args().after)))


def _compare(before: Path, after: Path) -> int:
    with tempfile.TemporaryDirectory() as first, tempfile.TemporaryDirectory() as second:
        seen = [train_all(checkout, Path(out)) for checkout, out in ((before, first), (after, second))]
    other = differing(*seen)
    print("\n".join([*other, f"{len(other)} of {len({*seen[0], *seen[1]})} files differ"]))
    return 1 if other else 0


if __name__ == "__main__":
    main()
