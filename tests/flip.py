"""Random bit flips in a real checkpoint: ``python tests/flip.py --flips 5000 [--seed N]``.

Each must be refused, or change nothing of what is loaded.
"""

import argparse
import random
import sys
import tempfile
from pathlib import Path

import numpy as np

from npdigits.config import build
from npdigits.config.compose import compose
from npdigits.runs.checkpoint import pack, read_checkpoint

SIZES = (784, 20, 10)


def flips(n: int, seed: int, folder: Path) -> list[str]:
    """Flip one to three random bits of a checkpoint of 784–20–10, n times; return what went wrong."""
    from test_checkpoint import HISTORY, IDENTITY, same

    state, rng = build.initial_state(compose(), SIZES), random.Random(seed)
    draw = np.random.default_rng(seed)
    for array in (state.network.parameters.flat, *state.optimizer.state.values()):
        array[...] = draw.normal(size=array.shape)
    state.best, state.history, state.optimizer.steps = state.network.parameters.flat.copy(), list(HISTORY), 5
    whole = pack(state, IDENTITY, "mnist")
    path, wrong = folder / "flipped.npz", []
    fresh = build.initial_state(compose(), SIZES)
    for i in range(n):
        content = bytearray(whole)
        bits = [rng.randrange(8 * len(whole)) for _ in range(rng.randint(1, 3))]
        for bit in bits:
            content[bit // 8] ^= 1 << bit % 8
        path.write_bytes(content)
        try:
            read_checkpoint(path).restore(fresh)
        except (OSError, ValueError):
            continue
        if not same(fresh, state):
            wrong.append(f"seed {seed}, flip {i}: bits {bits}: loaded wrong")
    return wrong


def main() -> None:
    """Flip, and fail if anything was loaded wrong."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--flips", type=int, default=5000)
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    arguments = parser.parse_args()
    print(f"seed {arguments.seed}", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        wrong = flips(arguments.flips, arguments.seed, Path(folder))
    print("\n".join([*wrong, f"{arguments.flips} flips, {len(wrong)} loaded wrong"]))
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
