"""A race beside the full grid of the same settings: what does it cost, and is its winner as good as the grid's best?

    python experiments/race.py FOLDER --grid GRID [--grid GRID …] -- experiment=race_adam workers=2
    python experiments/race.py FOLDER --grid GRID --minutes 9 -- …    # stops then; the same command goes on

A grid is the folder of an ordinary sweep of the same settings over ten seeds; with arms it may be several folders. With
``--behind POINTS`` a row may have fewer seeds if by these it is so far behind the best row that it cannot be the best;
what its other seeds would have cost is then counted as its mean. The race is held in FOLDER/race. Then its winner, and
the grid's best row by its ten seeds, get the confirmation's fresh seeds and ten more that neither has had, in
FOLDER/check, and are compared seed by seed. FOLDER/minutes.json keeps how long the race took over all launches.
"""

import argparse
import dataclasses
import json
import math
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from npdigits.base.errors import UserError
from npdigits.base.interruption import Terminated
from npdigits.compare.statistics import t_interval
from npdigits.config.former import parse_run_config
from npdigits.config.identity import digest
from npdigits.config.schema import Config
from npdigits.config.seeds import DRAWN_BY
from npdigits.race.layout import RUNS, confirmation_folder
from npdigits.race.ledger import Run, read_runs
from npdigits.race.seeds import fresh_seeds
from npdigits.race.table import winner
from npdigits.race.told import Told, tell
from npdigits.runs.json_table import load_config, read_identity
from npdigits.runs.summary import Status
from npdigits.sweeps.sweep import run_sweep

# Seeds of a row of the grid, fresh seeds of the check beside the confirmation's, and where these begin: behind any that
# later confirmations will get.
SEEDS, MORE, BEHIND = 10, 10, 1000
# What the race may take of the grid's epochs and seconds, and the points by which its winner may be behind.
SHARE_OF_EPOCHS, SHARE_OF_SECONDS, POINTS = 1 / 5, 1 / 4, 0.1
OVER = (0, 3)


@dataclass(frozen=True)
class Row:
    """A setting as it was run.

    Attributes:
        setting: the digest of its identity without seeds, and without the version of the code, which may be older.
        runs: its finished runs, by their seeds.
        diverged: how many of its runs did.
    """

    setting: str
    runs: dict[int, Run]
    diverged: int

    @property
    def mean(self) -> float:
        """Mean validation accuracy of the best epochs; a setting that diverges is behind all others."""
        found = [accuracy(run) for run in self.runs.values()]
        return -math.inf if self.diverged or not found else math.fsum(found) / len(found)


def accuracy(run: Run) -> float:
    """Return the validation accuracy of a run's best epoch."""
    return run.accuracy(len(run.history))


def setting_of(run: Run) -> str:
    """Return which setting a run is of, whatever code and seed it was made with."""
    identity = read_identity(run.path) or {}
    return digest({key: value for key, value in identity.items() if key not in {"numerics", "seed", *DRAWN_BY}})


def rows_of(folders: Iterable[Path]) -> dict[str, Row]:
    """Return the rows of folders of runs, by their settings."""
    rows: dict[str, Row] = {}
    for folder in folders:
        for run in read_runs(folder).values():
            row = rows.setdefault(setting := setting_of(run), Row(setting, {}, 0))
            if run.summary.status == Status.FINISHED:
                row.runs[run.seed] = run
            elif run.summary.status == Status.DIVERGED:
                rows[setting] = dataclasses.replace(row, diverged=row.diverged + 1)
    return rows


def of_grid(folders: Sequence[Path], behind: float) -> dict[str, Row]:
    """Return the rows of a grid, each with its first ten seeds, or fewer where it is so many points behind the best.

    Raises:
        SystemExit: others have fewer.
    """
    rows = rows_of(folders)
    enough = max((row.mean for row in rows.values()), default=math.nan) - behind / 100
    short = [row for row in rows.values() if len(row.runs) + row.diverged < SEEDS and not row.mean < enough]
    if short or not rows:
        sys.exit(f"the grid is not whole: of {len(rows)} rows {len(short)} have fewer than {SEEDS} seeds")
    return {key: dataclasses.replace(row, runs=dict(sorted(row.runs.items())[:SEEDS])) for key, row in rows.items()}


def hold(folder: Path, typed: Sequence[str], minutes: float) -> None:
    """Hold the race, or go on with it, and note the minutes.

    Raises:
        SystemExit: it is not over.
    """
    file = folder / "minutes.json"
    before = json.loads(file.read_text()) if file.exists() else []
    begun = time.monotonic()
    command = [sys.executable, "-m", "npdigits.train", "-m", f"out={folder / 'race'}", *typed]
    process = subprocess.Popen(command, start_new_session=True)
    try:
        code = process.wait(60 * minutes if math.isfinite(minutes) else None)
    except (KeyboardInterrupt, subprocess.TimeoutExpired):
        process.send_signal(signal.SIGINT)
        code = process.wait()
    taken = (time.monotonic() - begun) / 60
    file.write_text(json.dumps([*before, taken]))
    if code not in OVER:
        sys.exit(f"the race has stopped with exit code {code} after {taken:.1f} minutes; the same command goes on")


def cost(runs: Iterable[Run]) -> tuple[int, float]:
    """Return the training epochs and the seconds that runs have taken."""
    found = list(runs)
    return sum(run.summary.epochs_run or 0 for run in found), math.fsum(run.summary.seconds or 0.0 for run in found)


def check(folder: Path, rows: Sequence[tuple[str, Config]], seeds: Sequence[int], there: Sequence[Path]) -> None:
    """Run settings on the seeds that they have not had yet in the folders ``there``."""
    known = rows_of(there)
    points: list[tuple[list[str], Config]] = []
    for setting, config in rows:
        for seed in seeds:
            if setting not in known or seed not in known[setting].runs:
                here = dataclasses.replace(config, seed=seed, out=str(folder), name=None, plots=False, quiet=True)
                points.append(([f"seed={seed}"], here))
    if points:
        run_sweep(points, ["seed"], [], {"workers": min(2, os.cpu_count() or 1)})


def config_of(run: Run) -> Config:
    """Return the configuration of a run, to be run with other seeds."""
    return parse_run_config(load_config(run.path))


def compare(folder: Path, told: Told, grid: dict[str, Row]) -> None:
    """Run the check, and print the paired difference of the race's winner and the grid's best row."""
    number = winner(told)
    if number is None:
        sys.exit("the race has no winner")
    last = told.race.confirmations[-1]
    confirmed = read_runs(told.folder / confirmation_folder(last.number))
    of_winner = confirmed[told.race.settings[number].identity, last.seeds[0]]
    won, best = setting_of(of_winner), max(grid.values(), key=lambda row: row.mean)
    place = 1 + sum(row.mean > grid[won].mean for row in grid.values()) if won in grid else None
    say_row("the race's winner", told.race.settings[number].overrides, grid.get(won), f", place {place} of {len(grid)}")
    say_row("the grid's best row", overrides_of(told, best), best, "")
    if won == best.setting:
        print("both are the same setting: the difference is 0")
    fresh = [seed for seed in fresh_seeds(told.race, BEHIND + MORE)[BEHIND:] if seed not in best.runs]
    seeds = [*last.seeds, *fresh]
    there = [told.folder / confirmation_folder(last.number), folder / "check"]
    check(folder / "check", [(won, config_of(of_winner)), (best.setting, config_of(next(iter(best.runs.values()))))],
          seeds, there)  # fmt: skip
    rows = rows_of(there)
    mine, other = rows[won], rows[best.setting]
    differences = [100 * (accuracy(mine.runs[s]) - accuracy(other.runs[s])) for s in seeds]
    apart = t_interval(differences)
    print(
        f"validation accuracy on {len(seeds)} fresh seeds: winner {mean_of(mine, seeds)}, best {mean_of(other, seeds)}"
    )
    held = "yes" if apart.mean >= -POINTS else "NO"
    print(
        f"winner − best: {apart.mean:+.3f} points, 95 % t interval {apart.low:+.3f} to {apart.high:+.3f}; "
        f"within {POINTS} points: {held}"
    )


def mean_of(row: Row, seeds: Sequence[int]) -> str:
    """Return a row's mean accuracy over seeds, with its interval."""
    found = t_interval([100 * accuracy(row.runs[seed]) for seed in seeds])
    return f"{found.mean:.3f} ± {found.half or math.nan:.3f} %"


def say_row(what: str, overrides: Sequence[str], row: Row | None, more: str) -> None:
    """Print a setting, with what the grid has measured of it."""
    of_grid = f"{100 * row.mean:.3f} % over the grid's {len(row.runs)} seeds{more}" if row else "not in the grid"
    print(f"{what}: {' '.join(overrides)}: {of_grid}")


def overrides_of(told: Told, row: Row) -> tuple[str, ...]:
    """Return what the race calls a row of the grid."""
    for run in told.ledger.runs.values():
        if setting_of(run) == row.setting:
            return next(one.overrides for one in told.race.settings if one.identity == run.identity)
    return ("not in the race",)


def report(told: Told, grid: dict[str, Row], minutes: Sequence[float], minutes_of_grid: float | None) -> None:
    """Print what the race and the grid cost."""
    folders = [told.folder / RUNS, *(told.folder / confirmation_folder(c.number) for c in told.race.confirmations)]
    runs = [run for folder in folders for run in read_runs(folder).values()]
    settings = {setting_of(run) for run in told.ledger.runs.values()}
    print(
        f"{len(told.race.settings)} settings in the race, {len(grid)} in the grid, "
        f"{len(settings & grid.keys())} of them in both"
    )
    epochs, seconds = cost(runs)
    of_rows = [(cost(row.runs.values()), SEEDS / len(row.runs)) for row in grid.values() if row.runs]
    of_grid = sum(row_epochs * more for (row_epochs, _), more in of_rows)
    seconds_of_grid = math.fsum(row_seconds * more for (_, row_seconds), more in of_rows)
    if fewer := sum(len(row.runs) < SEEDS for row in grid.values()):
        print(f"{fewer} rows of the grid have fewer than {SEEDS} seeds; what is missing is counted as their mean")
    for what, mine, full, most in (
        ("training epochs", epochs, of_grid, SHARE_OF_EPOCHS),
        ("seconds, summed over the runs", seconds, seconds_of_grid, SHARE_OF_SECONDS),
        ("minutes by the clock", math.fsum(minutes), minutes_of_grid, SHARE_OF_SECONDS),
    ):
        if full is None:
            print(f"{what}: race {mine:,.1f}, grid not said (--grid-minutes)")
            continue
        held = "yes" if mine <= most * full else "NO"
        print(f"{what}: race {mine:,.1f}, grid {full:,.1f}, share {mine / full:.3f}; at most {most:g}: {held}")


def main() -> None:
    """Hold the race, then compare it with the grid."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--grid", type=Path, action="append", required=True)
    parser.add_argument("--grid-minutes", type=float, help="that the grid took by the clock, if that was measured")
    parser.add_argument("--behind", type=float, default=math.inf, help="points; rows further behind need not be whole")
    parser.add_argument("--minutes", type=float, default=math.inf, help="after which it stops, to go on another time")
    ours = sys.argv[1:]
    typed = ours[ours.index("--") + 1 :] if "--" in ours else []
    arguments = parser.parse_args(ours[: len(ours) - len(typed) - bool(typed)])
    folder = arguments.folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    grid = of_grid(arguments.grid, arguments.behind)
    begun = time.monotonic()
    over = folder / "over.json"  # what was typed last, of a race that is over: another launch would only look at it
    if not over.exists() or json.loads(over.read_text()) != typed:
        hold(folder, typed, arguments.minutes)
        over.write_text(json.dumps(typed))
    told = tell(folder / "race")
    report(told, grid, json.loads((folder / "minutes.json").read_text()), arguments.grid_minutes)
    left = 60 * arguments.minutes - (time.monotonic() - begun)
    if math.isfinite(left):
        timer = threading.Timer(max(1.0, left), os.kill, (os.getpid(), signal.SIGINT))
        timer.daemon = True
        timer.start()
    try:
        compare(folder, told, grid)
    except (KeyboardInterrupt, Terminated):
        sys.exit("the check has stopped; the same command goes on")
    except UserError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
