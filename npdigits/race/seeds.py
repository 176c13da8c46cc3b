"""The seeds of a race and of its confirmations, drawn without repetition from a stream of its own."""

import dataclasses
from collections.abc import Iterator

from npdigits.base.random import stream
from npdigits.config.identity import digest
from npdigits.race.definition import MOST_SEEDS, Race, counting


def with_seeds(race: Race, n: int) -> Race:
    """Return a race that has so many seeds at least; those that it has stay the first."""
    missing = n - len(race.seeds)
    if missing <= 0:
        return race
    unused = _unused(race, fresh=False)
    return dataclasses.replace(race, seeds=(*race.seeds, *(next(unused) for _ in range(missing))))


def fresh_seeds(race: Race, n: int) -> tuple[int, ...]:
    """Return n seeds that no run of the race, and none of its confirmations, has had or will have."""
    unused = _unused(race, fresh=True)
    return tuple(next(unused) for _ in range(n))


def _unused(race: Race, fresh: bool) -> Iterator[int]:
    """Yield the seeds of one half of all, in an order that the race's own stream draws, but for those that were used.

    The race has the one half, its confirmations have the other: so it does not matter to either how many the other
    takes, nor in which order they grow.
    """
    definition = {
        "space": {arm: dict(keys) for arm, keys in race.space.items()},
        "data": race.data,
        "fixed": counting(race.fixed),
        "fixed_of": {arm: counting(of_arm) for arm, of_arm in race.fixed_of.items()},
        "where": sorted(race.where),
        "search": race.search,
    }
    order = stream(race.seed, f"seeds of the race {digest(definition)}").permutation(MOST_SEEDS)
    half = order[MOST_SEEDS // 2 :] if fresh else order[: MOST_SEEDS // 2]
    used = {*race.seeds, *(seed for one in race.confirmations for seed in one.seeds)}
    return (seed for seed in map(int, half) if seed not in used)
