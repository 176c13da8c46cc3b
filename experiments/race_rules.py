"""How good are the rules of a race? ``python experiments/race_rules.py GRID [GRID …]``

Each GRID is the folder of a finished sweep, every setting with the same seeds. Its metrics.csv are read once into
GRID.npz. Then races over its settings are held by the race's own ``follow``, thousands of times, and by altered rules:

- by default with seeds that are drawn from the grid's own: the curve of setting i with a new seed is the mean curve of
  i + what a random seed had in common over all settings + a residual of i of a random seed, so that the truth is known
  and there are as many seeds as a race asks for;
- with ``--real`` with the grid's seeds in a random order.

A row says how many epochs a race took, how far its winner, and the best of its three finalists in a confirmation with
ten further seeds, are behind the truly best setting, beside what the whole grid with ten seeds would have chosen.
"""

import argparse
import contextlib
import csv
import math
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple
from unittest import mock

import numpy as np
from numpy.typing import NDArray

from npdigits.base.program import Parser, exit_code, whole_number
from npdigits.race import rules
from npdigits.race.course import Course, Ran, follow

PROGRAM = "race_rules.py"
Numbers = NDArray[np.float64]
# Points of accuracy within which a winner counts as good as the best.
NEAR = 0.1
CONFIRMED, FINALISTS = 10, 3


class Table(NamedTuple):
    """A finished grid.

    Attributes:
        accuracy: (settings, seeds, epochs), validation accuracy of the best epoch so far, by the lowest validation
            cost; a run that ended early keeps its last one; NaN throughout where a run diverged.
        ran: (settings, seeds), how many epochs each run had.
        names: (settings,), what each setting is.
    """

    accuracy: Numbers
    ran: NDArray[np.int64]
    names: tuple[str, ...]


def read_grid(folder: Path) -> Table:
    """Return the table of a finished grid; it is kept in FOLDER.npz, which is read the next time."""
    kept = folder.with_name(folder.name + ".npz")
    if not kept.is_file():
        _gather(folder, kept)
    with np.load(kept) as arrays:
        return Table(best_so_far(arrays["val_accuracy"], arrays["val_cost"]), arrays["ran"], tuple(arrays["names"]))


def best_so_far(accuracy: Numbers, cost: Numbers) -> Numbers:
    """Return the accuracy of the epoch of the lowest cost among the first k, for each k: (…, epochs)."""
    best = np.empty_like(accuracy)
    lowest = np.full(accuracy.shape[:-1], np.inf)
    held = np.full(accuracy.shape[:-1], np.nan)
    for k in range(accuracy.shape[-1]):
        better = cost[..., k] < lowest  # never where a run has ended
        lowest, held = np.where(better, cost[..., k], lowest), np.where(better, accuracy[..., k], held)
        best[..., k] = held
    return best


def _gather(folder: Path, kept: Path) -> None:
    """Read all runs of a grid and keep their curves: (settings, seeds, epochs), NaN after a run's last epoch."""
    from npdigits.runs.table import load_runs

    runs = load_runs(folder)
    settings, seeds = list(dict.fromkeys(runs["configuration"])), sorted(set(runs["seed"]))
    epochs = int(runs["epochs_run"].max())
    shape = (len(settings), len(seeds), epochs)
    accuracy, cost = np.full(shape, np.nan), np.full(shape, np.nan)
    ran = np.zeros(shape[:2], dtype=int)
    for row in runs.to_dict("records"):
        at = settings.index(row["configuration"]), seeds.index(row["seed"])
        with (Path(row["run"]) / "metrics.csv").open(newline="") as file:
            lines = list(csv.DictReader(file))
        ran[at] = len(lines)
        if row["status"] != "diverged":
            accuracy[at][: len(lines)] = [float(line["val_accuracy"]) for line in lines]
            cost[at][: len(lines)] = [float(line["val_cost"]) for line in lines]
    if (ran == 0).any():
        raise SystemExit(f"{PROGRAM}: error: {folder} is no finished grid: {(ran == 0).sum()} runs are missing")
    np.savez(kept, ran=ran, names=np.array([str(one) for one in settings]), val_accuracy=accuracy, val_cost=cost)


def replay(table: Table, order: Sequence[int], budget: int) -> tuple[tuple[int, ...], int, Course]:
    """Hold a race over the settings of a finished grid.

    Args:
        table: the grid.
        order: the places of its seeds, in the order in which the race gets them. Where it asks for more, it ends.
        budget: training epochs that it may take.

    Returns:
        All settings, the best first; the epochs that were used; the course.
    """
    epochs = table.accuracy.shape[2]

    def ran(setting: int, place: int) -> Ran | None:
        if place >= len(order):
            return None
        curve = table.accuracy[setting, order[place]]
        lost = "" if math.isfinite(curve[-1]) else "diverged"
        return Ran(int(table.ran[setting, order[place]]), True, lost, lambda k: float(curve[k - 1]))

    end = follow(range(len(table.accuracy)), epochs, budget, ran)
    return (*end.alive, *(drop.setting for drop in reversed(end.dropped))), end.used, end


class Resampled:
    """New seeds for a grid, drawn from its own: the truth is then known.

    Args:
        table: the grid, whose settings' means are taken for the truth. Settings with a diverged run are left out.
        noise: residuals are multiplied by this.
    """

    def __init__(self, table: Table, noise: float = 1.0) -> None:
        stays = np.array([bool(np.isfinite(curves).all()) for curves in table.accuracy])
        accuracy, self._ran = table.accuracy[stays], table.ran[stays]
        self._mean = accuracy.mean(axis=1, keepdims=True)
        self._of_seed = (accuracy - self._mean).mean(axis=0, keepdims=True)
        m, s = accuracy.shape[:2]
        # The residuals of m settings and s seeds have the share (m − 1)(s − 1)/(m·s) of their variance.
        self._residual = (accuracy - self._mean - self._of_seed) * noise * math.sqrt(m * s / ((m - 1) * (s - 1)))
        self.names = tuple(name for name, stay in zip(table.names, stays.tolist(), strict=True) if stay)

    @property
    def truth(self) -> Numbers:
        """The true accuracy of each setting's full run: (settings,)."""
        truth: Numbers = self._mean[:, 0, -1]
        return truth

    @property
    def spreads(self) -> tuple[float, float, float]:
        """Standard deviations: of the ten best settings' truth, of what seeds have in common, of residuals."""
        best = np.sort(self.truth)[-10:]
        return float(best.std(ddof=1)), float(self._of_seed[..., -1].std(ddof=1)), float(self._residual[..., -1].std())

    def draw(self, seeds: int, rng: np.random.Generator) -> Table:
        """Return a table with so many new seeds."""
        m, s, _ = self._residual.shape
        of_seed = self._of_seed[:, rng.integers(s, size=seeds)]
        which = rng.integers(s, size=(m, seeds))
        residual = np.take_along_axis(self._residual, which[:, :, None], axis=1)
        ran = np.take_along_axis(self._ran, which, axis=1)
        return Table(self._mean + of_seed + residual, ran, self.names)


def on_ranks(figures: Mapping[int, Sequence[float]]) -> dict[int, tuple[float, float]]:
    """Return the t test of the ranks within each seed: Conover's after Friedman, irace's default.

    Its variance, (A − Σᵢ Rᵢ²/s) / ((m − 1)(s − 1)) with A the sum of all squared ranks and Rᵢ the rank sums (Conover
    1999, section 5.8), is the residual variance of the ranks' two-way layout, as each seed has the same mean rank.
    """
    from scipy.stats import rankdata

    ranks = rankdata(np.array(list(figures.values())), axis=0)
    by_rank = dict(zip(figures, ranks.tolist(), strict=True))
    best = rules.rank(figures)[0]
    tests = PLAIN(by_rank)
    # PLAIN compares with the best mean rank; who has the best mean stays.
    return {i: (0.0, 1.0) if i == best else test for i, test in tests.items()}


def each_pair(figures: Mapping[int, Sequence[float]]) -> dict[int, tuple[float, float]]:
    """Return the paired t test of each setting against the best by the spread of their own differences alone."""
    best = rules.rank(figures)[0]
    return {i: PLAIN({best: figures[best], i: x})[i] if i != best else (0.0, 1.0) for i, x in figures.items()}


PLAIN = rules.compare_with_best
# What is altered: attributes of ``rules``.
VARIANTS: dict[str, dict[str, Any]] = {
    "the rules": {},
    "no short rungs": {"SHORT": ()},
    "short: 0.3 → 0.5": {"SHORT": ((0.3, 0.5),)},
    "short: 0.2 → 0.6, 0.5 → 0.375": {"SHORT": ((0.2, 0.6), (0.5, 0.375))},
    "short: 0.1 → 0.75, 0.3 → 0.5": {"SHORT": ((0.1, 0.75), (0.3, 0.5))},
    "short: 0.2 → 0.5, 0.5 → 0.25; first 0.2": {"SHORT": ((0.2, 0.5), (0.5, 0.25)), "FIRST": 0.2},
    "short: 0.1 → 0.5, 0.2 → 0.25, 0.5 → 0.125": {"SHORT": ((0.1, 0.5), (0.2, 0.25), (0.5, 0.125)), "FIRST": 0.125},
    "first 0.2": {"FIRST": 0.2},
    "first 0.3": {"FIRST": 0.3},
    "next 0.5": {"NEXT": 0.5},
    "next 0.8": {"NEXT": 0.8},
    "few 8": {"FEW": 8},
    "few 3": {"FEW": 3},
    "α 0.02": {"ALPHA": 0.02},
    "α 0.1": {"ALPHA": 0.1},
    "α 0.2": {"ALPHA": 0.2},
    "rank alone (α 0)": {"ALPHA": -1.0},
    "t alone (no cap)": {"FIRST": 1.0, "NEXT": 1.0},
    "Friedman and Conover": {"compare_with_best": on_ranks},
    "each pair's own spread": {"compare_with_best": each_pair},
}


@contextlib.contextmanager
def altered(**changes: Any) -> Iterator[None]:
    """Have the rules be others for a while."""
    with contextlib.ExitStack() as stack:
        for name, value in changes.items():
            stack.enter_context(mock.patch.object(rules, name, value))
        yield


class Outcome(NamedTuple):
    """What one race came to; differences in points of accuracy.

    Attributes:
        used: epochs.
        seeds: that its last settings had.
        behind: the winner behind the truly best setting.
        confirmed: the best of the finalists on fresh seeds, likewise.
        kept: whether the truly best setting is among the finalists.
        dropped_by: "rank", "t", or "" where the truly best setting is alive.
    """

    used: int
    seeds: int
    behind: float
    confirmed: float
    kept: bool
    dropped_by: str


def hold(world: Resampled, budget: int, rng: np.random.Generator) -> Outcome:
    """Hold one race on new seeds, and confirm its finalists on ten others."""
    table, truth = world.draw(40, rng), world.truth
    ranking, used, end = replay(table, range(40), budget)
    best = int(truth.argmax())
    fresh = world.draw(CONFIRMED, rng).accuracy[list(ranking[:FINALISTS]), :, -1].mean(axis=1)
    confirmed = ranking[int(fresh.argmax())]
    why = next((drop.why.split(" ")[0] for drop in end.dropped if drop.setting == best), "")
    seeds = len(end.figures[ranking[0]])
    behind, of_confirmed = (100 * float(truth[best] - truth[i]) for i in (ranking[0], confirmed))
    return Outcome(used, seeds, behind, of_confirmed, best in ranking[:FINALISTS], why)


def choose_by_grid(world: Resampled, rng: np.random.Generator) -> float:
    """Return how far the best row of the whole grid with ten seeds is behind the truly best setting."""
    row = int(world.draw(10, rng).accuracy[:, :, -1].mean(axis=1).argmax())
    return 100 * float(world.truth.max() - world.truth[row])


def judge(world: Resampled, budget: int, races: int, seed: int, only: str) -> Iterator[list[str]]:
    """Yield a row of figures for each variant of the rules; all have the same luck."""
    grid = np.array([choose_by_grid(world, np.random.default_rng([seed, i])) for i in range(races)])
    near = f"{100 * (grid <= NEAR).mean():.0f}"
    m, _, epochs = world.draw(1, np.random.default_rng(seed)).accuracy.shape
    yield ["the whole grid, ten seeds", f"{m * 10 * epochs:,}", "10", *_mean(grid), near, *["–"] * 5]
    for name, changes in VARIANTS.items():
        if not re.search(only, name):
            continue
        with altered(**changes):
            races_held = [hold(world, budget, np.random.default_rng([seed, i])) for i in range(races)]
        yield [name, *_figures(races_held)]


def _figures(races: Sequence[Outcome]) -> list[str]:
    behind, confirmed = (np.array([getattr(one, name) for one in races]) for name in ("behind", "confirmed"))
    parts = [(confirmed <= NEAR).mean(), np.mean([one.kept for one in races])]
    parts += [np.mean([one.dropped_by == rule for one in races]) for rule in ("rank", "t")]
    return [
        f"{np.mean([one.used for one in races]):,.0f}",
        f"{np.mean([one.seeds for one in races]):.1f}",
        *_mean(behind),
        f"{100 * (behind <= NEAR).mean():.0f}",
        *_mean(confirmed),
        *(f"{100 * part:.0f}" for part in parts),
    ]


def _mean(values: Numbers) -> list[str]:
    return [f"{values.mean():.3f} ± {1.96 * values.std(ddof=1) / math.sqrt(len(values)):.3f}"]


HEADINGS = (
    *("rules", "epochs", "seeds", "winner behind, points", f"within {NEAR} %"),
    *("confirmed behind", "within %", "best among finalists %", "dropped by rank %", "by t %"),
)


def show(rows: Iterable[Sequence[str]]) -> None:
    """Print a Markdown table."""
    print("| " + " | ".join(HEADINGS) + " |\n|---" + "|---:" * (len(HEADINGS) - 1) + "|")
    for row in rows:
        print("| " + " | ".join(row) + " |", flush=True)


def replay_real(table: Table, budget: int, races: int, seed: int) -> None:
    """Print what races come to with a grid's own seeds in a random order; the truth is the grid's own mean."""
    means = np.nan_to_num(table.accuracy[:, :, -1].mean(axis=1), nan=-1.0)
    behind, used = [], []
    for i in range(races):
        order = np.random.default_rng([seed, i]).permutation(table.accuracy.shape[1])
        ranking, epochs, _ = replay(table, order.tolist(), budget)
        behind.append(100 * float(means.max() - means[ranking[0]]))
        used.append(epochs)
    near = 100 * np.mean(np.array(behind) <= NEAR)
    print(f"{races} orders of the seeds: {np.mean(used):,.0f} epochs, {_mean(np.array(behind))[0]} points behind the")
    print(f"grid's best row, within {NEAR} in {near:.1f} %, at most {max(behind):.2f}")


def read_command_line() -> argparse.Namespace:
    """Return what was asked for."""
    parser = Parser(PROGRAM, description="How good are the rules of a race?")
    parser.add_argument("grids", nargs="+", type=Path, help="folders of finished sweeps, every setting with all seeds")
    parser.add_argument("--races", type=whole_number(2, 10**6), default=1000)
    parser.add_argument("--budget", type=whole_number(1, 10**9), help="default: a fifth, less a confirmation")
    parser.add_argument("--noise", type=float, default=1.0, help="residuals are multiplied by this")
    parser.add_argument("--seed", type=whole_number(0, 10**9), default=0)
    parser.add_argument("--only", default="", help="a regular expression: variants whose name it finds")
    parser.add_argument("--real", action="store_true", help="the grid's own seeds, in a random order")
    return parser.parse_args()


def judge_all() -> int:
    """Judge the rules on each grid."""
    asked = read_command_line()
    for folder in asked.grids:
        table = read_grid(folder)
        m, _, epochs = table.accuracy.shape
        budget = asked.budget or 2 * m * epochs - (FINALISTS + 1) * CONFIRMED * epochs
        print(f"\n{folder.name}: {m} settings, {epochs} epochs, {budget:,} for the race, {asked.races} races")
        if asked.real:
            replay_real(table, budget, asked.races, asked.seed)
            continue
        world = Resampled(table, asked.noise)
        top, of_seed, residual = (100 * spread for spread in world.spreads)
        print(f"spread in points: ten best {top:.2f}, seeds {of_seed:.2f}, residuals {residual:.2f}\n")
        show(judge(world, budget, asked.races, asked.seed, asked.only))
    return 0


if __name__ == "__main__":
    sys.exit(exit_code(PROGRAM, judge_all))
