"""Which key seeds what is drawn: one table of all streams of random numbers.

A stream is made of a seed, a purpose and an epoch (``base.random.stream``). Each purpose of a run belongs to one of
three sources of spread: the division of the data, the initial weights, the order in which training goes on. A source
has a key for its seed; null is the run's ``seed``. So one source can vary while the others stand still (Bouthillier et
al. 2021, "Accounting for Variance in Machine Learning Benchmarks", MLSys 3).
"""

from collections.abc import Collection, Mapping
from typing import Any

from npdigits.config.schema import Config

# Key -> the purposes whose streams it seeds. conf/README.md explains them.
DRAWN_BY: dict[str, tuple[str, ...]] = {
    "split_seed": ("split", "readout"),
    "initialization_seed": ("initialization",),
    "order_seed": (
        *("shuffle", "dropout", "input dropout", "added strokes", "augmentation"),
        *("distorted", "added strokes shown"),
    ),
}
# Purposes that no key seeds: what is drawn for them is the same for every run.
ALWAYS_THE_SAME = (
    *("mnist_5k test set", "test set of a file", "hashes of images", "outliers", "page to learn on"),
    *("gradient check parameters", "gradient check batch", "gradient check nearby", "gradient check noise"),
)
KEY_OF = {purpose: key for key, purposes in DRAWN_BY.items() for purpose in purposes}


def seed_of(config: Config, purpose: str) -> int:
    """Return the seed of a purpose's stream: that of its own key, or where this is null the run's ``seed``."""
    seed: int = given_or_seed(vars(config), KEY_OF[purpose])
    return seed


def given_or_seed(values: Mapping[str, Any], key: str) -> Any:
    """Return the seed that one of the three keys stands for, among plain values."""
    given = values.get(key)
    return values["seed"] if given is None else given


def three_seeds(config: Config) -> tuple[int, ...]:
    """Return the seeds of the three sources, in the order of the table: runs in which they agree draw the same."""
    return tuple(given_or_seed(vars(config), key) for key in DRAWN_BY)


def reads_seed(values: Mapping[str, Any], idle: Collection[str] = ()) -> bool:
    """Say whether anything is drawn with ``seed``: whether one of the keys that are read is null.

    Args:
        values: a configuration's, or an identity's, as plain values.
        idle: keys that are not read.
    """
    return any(values.get(key) is None for key in DRAWN_BY if key not in idle)


def settle_seeds(values: Mapping[str, Any], idle: Collection[str] = ()) -> dict[str, Any]:
    """Return plain values with the four seeds in their canonical form.

    A key that has the value of ``seed`` becomes null, as it draws the same numbers. A ``seed`` that nothing is drawn
    with becomes that of the split, so that runs which differ in it alone are one run.

    Args:
        values: a configuration's, or an identity's.
        idle: keys that are not read.
    """
    settled = dict(values)
    if "seed" not in settled or all(settled.get(key) is None for key in DRAWN_BY):
        return settled
    if not reads_seed(settled, idle):
        settled["seed"] = settled["split_seed"]
    return settled | {key: None for key in DRAWN_BY if key in settled and settled[key] == settled["seed"]}
