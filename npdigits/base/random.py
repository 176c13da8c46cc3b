"""Random numbers from streams that are keyed, not shared."""

import hashlib

import numpy as np


def stream(seed: int, purpose: str, epoch: int = 0) -> np.random.Generator:
    """Return the random generator of one purpose in one epoch.

    The three keys are hashed to the 256 bits that seed a PCG64. So nothing depends on what was drawn before: an epoch
    can be repeated alone, no generator state is ever saved, and a new purpose changes no existing one.

    Args:
        seed: the run's seed, ≥ 0.
        purpose: of the numbers: ``split``, ``initialization``, ``shuffle``, ``readout``, …
        epoch: counted from 1; 0 where the purpose is not drawn anew each epoch.
    """
    digest = hashlib.sha256(f"{seed}/{purpose}/{epoch}".encode()).digest()
    return np.random.Generator(np.random.PCG64(int.from_bytes(digest, "big")))
