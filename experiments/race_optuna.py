"""A race beside Optuna, for the same training epochs: ``python experiments/race_optuna.py GRID [--unseen FOLDER …]``

GRID is the folder of a finished sweep, every setting with the same seeds. Both choose from its settings and pay for a
run, by the epochs that it had, when they first ask for it: a race by its rules, and Optuna by TPE with WilcoxonPruner.
Each of Optuna's trials is a setting, of which it suggests each key, and runs one seed after another: the accuracy of
each is reported under the seed's number, and the mean is returned, of a pruned trial that of the seeds it had, as
WilcoxonPruner's documentation has it. Nobody confirms.

Each of ``--samplers`` repetitions has its own random order of the seeds, the race's and Optuna's, and its own seed of
the sampler. What was chosen is scored by the mean validation accuracy on seeds that neither saw: those of the runs in
``--unseen``. Without it, the commands that make them are printed.
"""

import argparse
import math
import sys
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from race_rules import CONFIRMED, FINALISTS, Table, read_grid, replay

from npdigits.base.program import Parser, exit_code, whole_number
from npdigits.compare.statistics import t_interval

PROGRAM = "race_optuna.py"
# Trials of Optuna's that are asked for at most: repeats cost no epochs, and may go on for ever.
MOST_TRIALS = 500
UNSEEN = range(10, 20)


class Settings(NamedTuple):
    """The settings of a grid.

    Attributes:
        digests: of each setting, by which its runs are known.
        values: key -> its values in rising order, for each key that varies.
        points: of each setting the place of its value, for each of these keys.
    """

    digests: tuple[str, ...]
    values: Mapping[str, tuple[Any, ...]]
    points: tuple[tuple[int, ...], ...]


class Way(NamedTuple):
    """How Optuna is used.

    Attributes:
        name: in the table.
        seeds: how many seeds a trial has.
        shuffled: whether each trial has an order of its own, instead of the repetition's.
        ordered: whether a key's values are numbered in rising order, instead of without order.
    """

    name: str
    seeds: int
    shuffled: bool = False
    ordered: bool = False


class Chosen(NamedTuple):
    """What was chosen, for how many epochs, of how many settings that had a run."""

    setting: int
    used: int
    tried: int


def read_settings(folder: Path, digests: Sequence[str]) -> Settings:
    """Return the settings of a grid, in the order of its table."""
    from npdigits.config.keys import TABLE
    from npdigits.runs.table import load_runs

    first = load_runs(folder).drop_duplicates("configuration").set_index("configuration").loc[list(digests)]
    searched = [key for key in TABLE if key in first and key != "seed" and first[key].nunique() > 1]
    values = {key: tuple(sorted(first[key].unique().tolist())) for key in searched}
    rows = zip(*(first[key] for key in searched), strict=True)
    points = tuple(tuple(values[key].index(x) for key, x in zip(searched, row, strict=True)) for row in rows)
    if len(set(points)) != math.prod(map(len, values.values())):
        raise SystemExit(f"{PROGRAM}: error: {folder}: the settings are not all combinations of {', '.join(searched)}")
    return Settings(tuple(digests), values, points)


def read_seeds(folder: Path) -> list[int]:
    """Return the seeds of a grid."""
    from npdigits.runs.table import load_runs

    return sorted(set(load_runs(folder)["seed"].tolist()))


def choose_by_race(table: Table, order: Sequence[int], budget: int) -> Chosen:
    """Return what a race chooses."""
    ranking, used, _ = replay(table, order, budget)
    return Chosen(ranking[0], used, len(ranking))


def choose_by_optuna(
    table: Table, settings: Settings, order: Sequence[int], budget: int, way: Way, seed: int
) -> Chosen:
    """Return what Optuna chooses: the setting of its best trial when the epochs do not suffice for the next run."""
    import optuna

    rng = np.random.default_rng([seed, 1])
    number_of = {point: number for number, point in enumerate(settings.points)}
    study = optuna.create_study(
        direction="maximize", sampler=optuna.samplers.TPESampler(seed=seed), pruner=optuna.pruners.WilcoxonPruner()
    )
    paid: dict[tuple[int, int], int] = {}
    for _ in range(MOST_TRIALS):
        trial = study.ask()
        setting = number_of[tuple(_suggest(trial, key, len(of), way) for key, of in settings.values.items())]
        figures: list[float] = []
        trial.set_user_attr("setting", setting)
        for place in rng.permutation(order)[: way.seeds] if way.shuffled else order[: way.seeds]:
            if (setting, place) not in paid:
                if sum(paid.values()) + table.ran[setting, place] > budget:
                    return _best_of(study, paid)
                paid[setting, place] = int(table.ran[setting, place])
            figures.append(float(table.accuracy[setting, place, -1]))
            if math.isnan(figures[-1]):
                break
            trial.report(figures[-1], int(place))
            if trial.should_prune():
                break
        if math.isnan(figures[-1]):
            study.tell(trial, state=optuna.trial.TrialState.FAIL)
        else:
            study.tell(trial, sum(figures) / len(figures))
    return _best_of(study, paid)


def _suggest(trial: Any, key: str, count: int, way: Way) -> int:
    place: int = trial.suggest_int(key, 0, count - 1) if way.ordered else trial.suggest_categorical(key, range(count))
    return place


def _best_of(study: Any, paid: Mapping[tuple[int, int], int]) -> Chosen:
    try:
        best = study.best_trial
    except ValueError:
        raise SystemExit(f"{PROGRAM}: error: the budget is too small for one trial") from None
    return Chosen(best.user_attrs["setting"], sum(paid.values()), len({setting for setting, _ in paid}))


def choose_all(table: Table, settings: Settings, asked: argparse.Namespace) -> dict[str, list[Chosen]]:
    """Return what each way chooses in each repetition; the race stands first."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
    seeds = table.accuracy.shape[1]
    ways = (
        Way(f"Optuna, {seeds} seeds a trial", seeds),
        Way("the same, in an order of each trial's own", seeds, shuffled=True),
        Way("the same, values as whole numbers", seeds, ordered=True),
        Way(f"Optuna, {seeds // 2} seeds a trial", seeds // 2),
        Way("Optuna, 1 seed a trial", 1),
    )
    chosen: dict[str, list[Chosen]] = {name: [] for name in ("the race", *(way.name for way in ways))}
    for repetition in range(asked.samplers):
        seed = asked.seed + repetition
        order = np.random.default_rng(seed).permutation(seeds).tolist()
        chosen["the race"].append(choose_by_race(table, order, asked.budget))
        for way in ways:
            chosen[way.name].append(choose_by_optuna(table, settings, order, asked.budget, way, seed))
    means = np.nan_to_num(table.accuracy[:, :, -1].mean(axis=1), nan=-1.0)
    chosen["the grid's best row"] = [Chosen(int(means.argmax()), int(table.ran.sum()), len(means))]
    return chosen


def read_unseen(folders: Sequence[Path], settings: Settings, seen: Sequence[int]) -> dict[int, float]:
    """Return the mean validation accuracy in points of each setting that has all of the unseen seeds' runs."""
    from npdigits.runs.table import load_runs

    runs = load_runs([str(folder) for folder in folders])
    runs = runs[(runs["status"] == "finished") & ~runs["seed"].isin(list(seen))].drop_duplicates("identity")
    by_setting = runs.pivot_table(index="configuration", columns="seed", values="val_accuracy").dropna()
    numbers = {digest: number for number, digest in enumerate(settings.digests)}
    print(f"Scored on seeds {', '.join(map(str, by_setting.columns))}, which nobody saw.\n", flush=True)
    return {numbers[digest]: 100 * float(x.mean()) for digest, x in by_setting.iterrows() if digest in numbers}


def show_table(chosen: Mapping[str, Sequence[Chosen]], scores: Mapping[int, float]) -> None:
    """Print a Markdown table: accuracy on the unseen seeds, and how far the race is ahead, with 95 % intervals."""
    headings = (
        "epochs",
        "settings tried",
        "different choices",
        "accuracy %",
        "race ahead, points",
        "ahead, even, behind",
    )
    print(f"| way | {' | '.join(headings)} |\n|---{'|---:' * len(headings)}|")
    race = np.array([scores[one.setting] for one in chosen["the race"]])
    for name, picks in chosen.items():
        own = np.array([scores[one.setting] for one in picks])
        ahead = race - own  # of the grid's row, the same in every repetition, too
        signs = " ".join(str(int((np.sign(ahead) == sign).sum())) for sign in (1, 0, -1))
        cells = [
            f"{np.mean([one.used for one in picks]):,.0f}",
            f"{np.mean([one.tried for one in picks]):.1f}",
            str(len({one.setting for one in picks})),
            _interval(own, 2) if len(own) > 1 else f"{own[0]:.2f}",
            *(["–", "–"] if name == "the race" else [_interval(ahead, 3), signs]),
        ]
        print(f"| {name} | {' | '.join(cells)} |")


def _interval(values: Any, digits: int) -> str:
    mean, half, _ = t_interval(values)
    return f"{mean:.{digits}f} ± {half or 0:.{digits}f}"


def show_commands(settings: Settings, wanted: Sequence[int]) -> None:
    """Print what makes the unseen runs of the settings that were chosen."""
    print(f"{len(wanted)} settings were chosen. What makes their unseen runs, with GRID's other overrides for …:\n")
    for number in wanted:
        values = zip(settings.values.items(), settings.points[number], strict=True)
        typed = " ".join(f"{key}={of[place]}" for (key, of), place in values)
        print(f"npdigits -m out=UNSEEN 'seed=range({UNSEEN.start},{UNSEEN.stop})' … {typed}")


def read_command_line() -> argparse.Namespace:
    """Return what was asked for."""
    parser = Parser(PROGRAM, description="A race beside Optuna, for the same training epochs.")
    parser.add_argument("grid", type=Path, help="folder of a finished sweep, every setting with all seeds")
    parser.add_argument("--unseen", nargs="+", type=Path, default=[], help="folders of runs with further seeds")
    parser.add_argument("--samplers", type=whole_number(2, 10_000), default=20, help="repetitions")
    parser.add_argument("--budget", type=whole_number(1, 10**9), help="default: a fifth, less a confirmation")
    parser.add_argument("--seed", type=whole_number(0, 10**9), default=0)
    return parser.parse_args()


def compare() -> int:
    """Let both choose, and score what they chose."""
    asked = read_command_line()
    table = read_grid(asked.grid)
    settings = read_settings(asked.grid, table.names)
    m, seeds, epochs = table.accuracy.shape
    asked.budget = asked.budget or 2 * m * epochs - (FINALISTS + 1) * CONFIRMED * epochs
    print(f"{asked.grid.name}: {m} settings ({', '.join(settings.values)}), {seeds} seeds, {asked.budget:,} epochs,")
    print(f"{asked.samplers} repetitions from seed {asked.seed} on\n", flush=True)
    chosen = choose_all(table, settings, asked)
    wanted = sorted({one.setting for picks in chosen.values() for one in picks})
    scores = read_unseen(asked.unseen, settings, read_seeds(asked.grid)) if asked.unseen else {}
    if missing := [number for number in wanted if number not in scores]:
        show_commands(settings, missing)
        return 1 if asked.unseen else 0
    show_table(chosen, scores)
    return 0


if __name__ == "__main__":
    sys.exit(exit_code(PROGRAM, compare))
