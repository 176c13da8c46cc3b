"""Random streams: keyed by seed, purpose and epoch, and by nothing else."""

import numpy as np

from npdigits.base.random import stream


def draw(*key):
    return tuple(stream(*key).integers(0, 2**63, 8).tolist())


def test_a_key_always_gives_the_same_numbers():
    stream(5, "another").random(1000)
    assert draw(5, "shuffle", 3) == draw(5, "shuffle", 3)


def test_every_part_of_the_key_counts():
    keys = [
        (seed, purpose, epoch)
        for seed in (0, 1, 10, 11, 2**40)
        for purpose in ("a", "b", "1/a")
        for epoch in (0, 1, 2, 11)
    ]
    assert len({draw(*key) for key in keys}) == len(keys)


def test_the_numbers_are_pinned():
    """A change of these bits is a change of every result: it needs a new NUMERICS."""
    assert stream(0, "split").permutation(10).tolist() == PINNED_PERMUTATION
    assert stream(0, "initialization").normal(size=2).tolist() == PINNED_NORMALS


def test_streams_are_not_correlated():
    a, b = (stream(0, "shuffle", epoch).normal(size=20_000) for epoch in (1, 2))
    assert abs(np.corrcoef(a, b)[0, 1]) < 4 / 20_000**0.5


PINNED_PERMUTATION = [7, 1, 9, 6, 4, 5, 0, 3, 8, 2]
PINNED_NORMALS = [0.48439557311496806, -0.11863547076061566]
