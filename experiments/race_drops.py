"""How often do the rules of a race drop the truly best setting, and where? ``python experiments/race_drops.py``

Simulated races: setting i has the true figure τ·zᵢ, a run of it that + what all settings have in common with its seed +
a residual of spread σ, all normal. After a part of the epochs, true figures and residuals are correlated with those of
the full run as CORRELATED says, which is what the better halves of two small grids had (see the log). Accuracies are
scaled so that σ is 0.2 points.
"""

import math
import sys
from collections import Counter
from typing import NamedTuple

import numpy as np
from race_rules import Numbers, Table, replay

from npdigits.base.program import Parser, exit_code, whole_number

PROGRAM = "race_drops.py"
# Part of the epochs -> correlation of true figures, and of residuals, with those of the full run; linear between.
CORRELATED = {0.0: (0.5, 0.3), 0.2: (0.7, 0.6), 0.5: (0.98, 0.95), 1.0: (1.0, 1.0)}
EPOCHS, SEEDS, SPREAD = 20, 40, 0.002
RATIOS = (0.25, 0.5, 1.0, 2.0, 4.0)
# Rungs from this one on are counted together.
LATER = 7


class World(NamedTuple):
    """Settings with known truth: (settings,), and their runs."""

    truth: Numbers
    table: Table


def draw(settings: int, ratio: float, rng: np.random.Generator) -> World:
    """Draw settings whose true figures have the spread of ``ratio`` residuals."""
    parts = np.arange(1, EPOCHS + 1) / EPOCHS
    of_truth, of_residual = (
        np.interp(parts, list(CORRELATED), which) for which in zip(*CORRELATED.values(), strict=True)
    )
    z, other = rng.standard_normal((2, settings, 1))
    true = ratio * SPREAD * (of_truth * z + np.sqrt(1 - of_truth**2) * other)
    last, early = SPREAD * rng.standard_normal((2, settings, SEEDS, 1))
    residual = of_residual * last + np.sqrt(1 - of_residual**2) * early
    accuracy = 0.9 + true[:, None] + SPREAD * rng.standard_normal((1, SEEDS, 1)) + residual
    return World(true[:, -1], Table(accuracy, np.full((settings, SEEDS), EPOCHS), ()))


def simulate(races: int, settings: int, ratio: float, budget: int) -> list[str]:
    """Return the cells of a row: where the best was dropped, in percent, and how good the winner is."""
    dropped: Counter[int] = Counter()
    behind = np.zeros(races)
    for i in range(races):
        world = draw(settings, ratio, np.random.default_rng([i, settings]))
        ranking, _, end = replay(world.table, range(SEEDS), budget)
        best = int(world.truth.argmax())
        dropped.update(min(drop.rung, LATER) for drop in end.dropped if drop.setting == best)
        behind[i] = (world.truth[best] - world.truth[ranking[0]]) / SPREAD
    shares = [100 * dropped[rung] / races for rung in range(1, LATER + 1)]
    error = 1.96 * behind.std(ddof=1) / math.sqrt(races)
    wins = 100 * (behind == 0).mean()
    cells = [*shares, sum(shares), wins, 100 * (behind <= 0.5).mean()]
    return [*(f"{cell:.1f}" for cell in cells), f"{behind.mean():.3f} ± {error:.3f}"]


def tabulate() -> int:
    """Print a row for each ratio of spreads."""
    parser = Parser(PROGRAM, description="How often do the rules of a race drop the truly best setting?")
    parser.add_argument("--races", type=whole_number(2, 10**6), default=2000)
    parser.add_argument("--settings", type=whole_number(2, 1000), default=64)
    parser.add_argument("--budget", type=whole_number(1, 10**9), default=1760)
    asked = parser.parse_args()
    headings = [
        *(f"rung {rung}" for rung in range(1, LATER)),
        f"{LATER} on",
        "dropped",
        "wins",
        "within σ/2",
        "behind, σ",
    ]
    print(f"{asked.races:,} races each over {asked.settings} settings of {EPOCHS} epochs within {asked.budget:,}; %\n")
    print(f"| τ/σ | {' | '.join(headings)} |\n|{'---:|' * (1 + len(headings))}")
    for ratio in RATIOS:
        print(f"| {ratio:g} | {' | '.join(simulate(asked.races, asked.settings, ratio, asked.budget))} |", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(exit_code(PROGRAM, tabulate))
