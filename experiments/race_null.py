"""Does a race claim what is not there? ``python experiments/race_null.py``

Simulates races over settings that are all the same. Each is held by the race's own ``follow``, until no more settings
are left than finalists or the budget ends; the finalists and the reference, the first setting, get ten fresh seeds, and
the comparison's own ``make_blocks`` tests them at 0.05/2 as the report of a race does: exact sign flips, Holm over the
finalists. Then the budget is doubled, the race goes on if there is anything left to decide, and a second confirmation
tests at 0.05/4. A race has a false claim where any of these tests finds a difference, in either direction.

The last columns say what would have been claimed had the finalists been tested on the race's own seeds.
"""

import argparse
import math
import sys
from collections.abc import Callable, Sequence

import numpy as np

from npdigits.base.program import Parser, exit_code, whole_number
from npdigits.compare.family import Plan, make_blocks
from npdigits.compare.rows import ComparisonRow, Section
from npdigits.compare.statistics import ALPHA, Numbers
from npdigits.race.course import Ran, follow

PROGRAM = "race_null.py"
METRIC, WHERE = "val_accuracy", Section("", 0, "")
MEAN, SEEDS_SPREAD, SPREAD, DIGITS = 0.965, 0.0015, 0.0015, 10_000
EPOCHS, FRESH, FINALISTS, MOST_SEEDS = 20, 10, 3, 200
# How much of an epoch's residual is left in the next one.
KEPT = 0.8
Draw = Callable[[np.random.Generator, tuple[int, ...]], Numbers]
# Each with mean 0 and standard deviation 1.
NOISES: dict[str, Draw] = {
    "normal": lambda rng, shape: rng.standard_normal(shape),
    "heavy tails (Student's t, 3 degrees)": lambda rng, shape: rng.standard_t(3, shape) / math.sqrt(3),
    "skewed (exponential)": lambda rng, shape: 1 - rng.exponential(size=shape),
    "one run in twenty fails by 30 spreads": lambda rng, shape: (
        rng.standard_normal(shape) - 30 * (rng.random(shape) < 0.05)
    ),
}


class World:
    """Runs of settings that are all the same.

    Attributes:
        settings: how many.

    Args:
        noise: the residuals' name in ``NOISES``.
        curves: whether figures have learning curves, with residuals that change from epoch to epoch; else an epoch has
            the figure of every other.
        rng: what all is drawn from.
    """

    def __init__(self, settings: int, noise: str, curves: bool, rng: np.random.Generator) -> None:
        self.settings, self._noise, self._curves, self._rng = settings, NOISES[noise], curves, rng
        self._drawn: dict[int, Numbers] = {}

    def seed(self, place: int) -> Numbers:
        """Return all settings' accuracies with a seed, rounded to the digits that they are counted on: (m, epochs)."""
        if place not in self._drawn:
            of_seed = SEEDS_SPREAD * self._rng.standard_normal()
            if self._curves:
                residual = np.empty((self.settings, EPOCHS))
                residual[:, 0] = self._noise(self._rng, (self.settings,))
                for k in range(1, EPOCHS):
                    new = self._noise(self._rng, (self.settings,))
                    residual[:, k] = KEPT * residual[:, k - 1] + math.sqrt(1 - KEPT**2) * new
                values = MEAN - 0.05 * 0.6 ** np.arange(1, EPOCHS + 1) + of_seed + SPREAD * residual
            else:
                values = np.repeat(MEAN + of_seed + SPREAD * self._noise(self._rng, (self.settings, 1)), EPOCHS, axis=1)
            self._drawn[place] = np.round(values.clip(0, 1) * DIGITS) / DIGITS
        return self._drawn[place]

    def ran(self, setting: int, place: int) -> Ran:
        """Return a run as ``follow`` asks for it."""
        curve = self.seed(place)[setting]
        return Ran(EPOCHS, True, "", lambda k: float(curve[k - 1]))

    def race(self, budget: int) -> tuple[tuple[int, ...], int]:
        """Return the finalists, and how many seeds the race used."""
        end = follow(range(self.settings), EPOCHS, budget, self.ran, finalists=FINALISTS)
        ranking = (*end.alive, *(drop.setting for drop in reversed(end.dropped)))
        return ranking[:FINALISTS], end.seeds

    def claims(self, finalists: Sequence[int], seeds: Sequence[int], looks: int) -> bool:
        """Say whether the report finds a finalist to differ from the first setting, on these seeds."""
        names = tuple(map(str, seeds))
        rows = {
            setting: ComparisonRow(
                {"setting": setting},
                WHERE,
                names,
                names,
                {METRIC: np.array([self.seed(j)[setting, -1] for j in seeds])},
            )
            for setting in dict.fromkeys((0, *finalists))
        }
        plan = Plan(METRIC, {WHERE: rows[0]}, fixed=True)
        (block,) = make_blocks(list(rows.values()), [plan], None, looks=looks)
        return any(difference.real for difference in block.differences.values())


def simulate(races: int, settings: int, noise: str, curves: bool) -> dict[str, Numbers]:
    """Return which races had a false claim: in the first confirmation, in the second, and on their own seeds."""
    full = 10 * settings * EPOCHS // 5
    confirmation = (FINALISTS + 1) * FRESH * EPOCHS
    found = {name: np.zeros(races) for name in ("first", "second", "own seeds, at 0.05")}
    for i in range(races):
        world = World(settings, noise, curves, np.random.default_rng([list(NOISES).index(noise), curves, i]))
        finalists, used = world.race(full - confirmation)
        fresh = range(MOST_SEEDS, MOST_SEEDS + FRESH)
        found["first"][i] = world.claims(finalists, fresh, 2)
        found["own seeds, at 0.05"][i] = world.claims(finalists, range(used), 1)
        finalists, used = world.race(2 * full - 2 * confirmation)
        if used > MOST_SEEDS:
            raise AssertionError("the race reached the fresh seeds")
        found["second"][i] = world.claims(finalists, range(fresh.stop, fresh.stop + FRESH), 4)
    return {"either": np.maximum(found["first"], found["second"]), **found}


def in_percent(found: Numbers) -> str:
    """Return a share with its standard error of sampling."""
    share = found.mean()
    return f"{100 * share:.2f} ± {100 * math.sqrt(share * (1 - share) / len(found)):.2f}"


def tabulate() -> int:
    """Simulate each kind of noise and print a row for it."""
    parser = Parser(PROGRAM, description="Does a race claim what is not there?")
    parser.add_argument("--races", type=whole_number(2, 10**6), default=2000)
    parser.add_argument("--settings", type=whole_number(2, 1000), default=64)
    asked: argparse.Namespace = parser.parse_args()
    headings = None
    for curves in (False, True):
        for noise in NOISES:
            found = simulate(asked.races, asked.settings, noise, curves)
            if headings is None:
                headings = ["residuals", "per epoch", *(f"{name}, %" for name in found)]
                print(f"{asked.races:,} races each over {asked.settings} settings; family-wise at most {ALPHA:.0%}\n")
                print(f"| {' | '.join(headings)} |\n|---|---|{'---:|' * len(found)}", flush=True)
            cells = [noise, "yes" if curves else "no", *map(in_percent, found.values())]
            print(f"| {' | '.join(cells)} |", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(exit_code(PROGRAM, tabulate))
