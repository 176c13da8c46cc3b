"""Whether two checkouts leave the same bytes: ``python experiments/same_bits.py BEFORE AFTER``.

Runs every configuration below by the code of either folder, and compares all .npz files, metrics.csv, identity.json and
plots. Plots that are drawn otherwise are named, and end in exit code 0 all the same. For a change that is to alter no
bit: ``git worktree add ../before COMMIT`` makes the folder to compare with. The embedded digits are enough; all of it
takes about a minute. Code that is not the recorded one, whose runs would be told apart by their identity alone, is run
as a copy in which it is recorded.
"""

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from npdigits.base.program import Parser, exit_code, nonempty_path

PROGRAM = "same_bits.py"
PLOT = ".png"
COMPARED = ("*.npz", "metrics.csv", "identity.json", f"*{PLOT}")
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

DIGESTS = """
import json
from npdigits.config import code_digest
sources = code_digest.read_sources()
print(json.dumps({"CODE": code_digest.hash_tokens(sources), "BYTES": code_digest.hash_bytes(sources)}))
"""
RECORD = Path("npdigits", "config", "numerics.py")
# A line of the record: name, digest.
RECORDED = re.compile(r'^(CODE|BYTES) = "([0-9a-f]*)"$', re.MULTILINE)


def digests_of(checkout: Path) -> dict[str, str]:
    """Return the digests that a checkout's code has, by their names in ``RECORD``."""
    # Of what ``-c`` says the working directory stands before all others.
    env = {**os.environ, "PYTHONPATH": str(checkout.resolve())}
    done = subprocess.run([sys.executable, "-c", DIGESTS], cwd=checkout, env=env, capture_output=True, text=True)
    if done.returncode:
        raise OSError(f"{checkout}: {done.stderr.strip()}")
    found: dict[str, str] = json.loads(done.stdout)
    return found


def digests_recorded(checkout: Path) -> dict[str, str]:
    """Return the digests that a checkout has recorded; none for code of before there were any."""
    record = checkout / RECORD
    return dict(RECORDED.findall(record.read_text(encoding="utf-8"))) if record.exists() else {}


def record_digests(checkout: Path, digests: Mapping[str, str]) -> None:
    """Write these digests into a checkout's record."""
    text = (checkout / RECORD).read_text(encoding="utf-8")
    text = RECORDED.sub(lambda line: f'{line[1]} = "{digests[line[1]]}"', text)
    (checkout / RECORD).write_text(text, encoding="utf-8", newline="\n")


def with_recorded_code(checkout: Path, folder: Path) -> Path:
    """Return a checkout whose code is the recorded one, or else a copy of it in ``folder`` where it is."""
    recorded = digests_recorded(checkout)
    if not recorded or (found := digests_of(checkout)) == recorded:
        return checkout
    for name in ("npdigits", "conf"):
        shutil.copytree(checkout / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    record_digests(folder, found)
    return folder


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
    """Return the files of before that are not the same after, or are gone; what only later code writes is no change."""
    return sorted(name for name in before if before[name] != after.get(name))


def main() -> None:
    """Print the files that differ, and how many do; the exit code is 1 if there are results among them."""
    parser = Parser(PROGRAM, description=(__doc__ or "").partition(":")[0])
    for name in ("before", "after"):
        parser.add_argument(name, type=nonempty_path, metavar=name.upper(), help="a checkout")
    sys.exit(exit_code(PROGRAM, lambda: compare(parser.parse_args().before, parser.parse_args().after)))


def compare(before: Path, after: Path) -> int:
    """Print the files that differ, and how many do; return 1 if a result does, 0 if none or only plots do."""
    seen = []
    for checkout in (before, after):
        with tempfile.TemporaryDirectory() as code, tempfile.TemporaryDirectory() as out:
            seen.append(train_all(with_recorded_code(checkout, Path(code)), Path(out)))
    other = differing(*seen)
    new = len(seen[1].keys() - seen[0].keys())
    print("\n".join([*other, f"{len(other)} of {len(seen[0])} files differ" + (f"; {new} are new" if new else "")]))
    results = [name for name in other if not name.endswith(PLOT)]
    if other and not results:
        print("only plots differ: they are drawn from results, and no result from them")
    return 1 if results else 0


if __name__ == "__main__":
    main()
