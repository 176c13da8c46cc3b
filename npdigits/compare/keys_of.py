"""Which settings of other programs' runs are keys, which one is the seed, and which say nothing."""

import hashlib
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from npdigits.base.errors import ConfigError
from npdigits.config.suggestions import suggestion
from npdigits.runs.table import MISSING, NULL

# How the last part of a setting's name is written that seeds a program's random numbers, the most telling first.
SEEDS = ("seed", "random_seed", "random_state", "rng_seed", "global_seed", "seed_everything", "manual_seed", "rng")
# Words in the names of columns that are measured, or that name a run. Looked for in plain tables alone.
MEASURED = {
    *("loss", "acc", "accuracy", "error", "err", "auc", "f1", "precision", "recall", "score", "rmse", "mae", "mse"),
    *("time", "seconds", "runtime", "duration", "elapsed", "timestamp", "date", "datetime", "created", "perplexity"),
    *("reward", "return", "r2", "bleu", "nll", "wer", "iou", "rank"),
}
# A longer text is shown by its beginning and a digest, so that two that differ stay two.
LONGEST = 60
# Columns that name a run, or count within it.
NAMING = {"run", "run_id", "run_name", "name", "id", "trial", "trial_id", "uuid", "index", "version", "exp_id"}
COUNTING = {"step", "epoch", "epochs_run", "iteration", "iter", "global_step", "batch"}


@dataclass(frozen=True)
class Chosen:
    """What the settings of some runs are.

    Attributes:
        keys: those in which configurations differ.
        seed: the setting that pairs runs; None where there is none.
        left_out: (setting, why) of those that vary and are no keys.
    """

    keys: tuple[str, ...]
    seed: str | None
    left_out: tuple[tuple[str, str], ...]


def words_of(name: str) -> list[str]:
    """Return the words of a name in lower case: ["val", "acc"] of "valAcc", "val_acc" and "val/acc"."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", re.sub(r"[^A-Za-z0-9]+", " ", name)).lower().split()


def setting_table(settings: Sequence[Mapping[str, object]]) -> pd.DataFrame:
    """Return settings as a table, a row a run: what a run lacks is MISSING, None is "null", booleans are words.

    A column that holds numbers and text holds text alone, so that it can be sorted.
    """
    names = dict.fromkeys(name for one in settings for name in one)
    table = {}
    for name in names:
        cells = _as_cells([one.get(name, MISSING) for one in settings])
        kinds = set(map(type, cells))
        if str in kinds and len(kinds) > 1:
            others = {cell for cell in cells if isinstance(cell, str)} - {MISSING, NULL}
            cells = [str(cell) for cell in cells] if others else cells
        table[name] = pd.Series(cells, dtype=object)
    return pd.DataFrame(table, index=range(len(settings)))


def _as_cells(values: list[object]) -> list[Any]:
    """Return settings of many runs as cells; of one type alone, equal ones are looked at once."""
    kinds = set(map(type, values))
    if kinds == {int}:
        return values
    if kinds == {float} or kinds == {str}:  # of several types, 1 and True would be equal
        cells = {value: as_cell(value) for value in set(values)}
        return [cells[value] for value in values]
    return [as_cell(value) for value in values]


def as_cell(value: object) -> Any:
    """Return a setting as a cell; 8.0 is 8, and NaN is what is not there."""
    if value is None:
        return NULL
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        if value != value:
            return MISSING
        return int(value) if value.is_integer() and abs(value) < 2**53 else value
    if isinstance(value, str) and len(value) > LONGEST:
        return f"{value[: LONGEST - 12]}…{hashlib.sha256(value.encode('utf-8', 'surrogatepass')).hexdigest()[:8]}"
    return value


def choose(
    table: pd.DataFrame,
    metrics: Sequence[str],
    told: bool,
    seed: str | None = None,
    keys: Sequence[str] | None = None,
    also_measured: Collection[str] = (),
) -> Chosen:
    """Choose the keys and the seed. Only settings are looked at, never what was measured.

    Args:
        table: of the settings, a row a run.
        metrics: what is compared or shown, which is no key.
        told: whether the source tells settings from what was measured.
        seed: the setting that was named; None is the one that is called so.
        keys: the settings that were named; None are those that vary and can be keys, in the order of their names.

        also_measured: settings that the program calls a metric, too.

    Raises:
        ConfigError: a name is unknown.
    """
    for option, name in [("--seed", seed), *(("--keys", key) for key in keys or ())]:
        if name is not None and name not in table:
            raise ConfigError(f"{option} {name}: the runs have {listed([*table])}{suggestion(name, [*table])}")
    varying = [name for name in table if name not in metrics and _n_values(table[name]) > 1]
    if seed is None:
        seed = _find_seed([name for name in varying if name not in (keys or ())])
    if keys is not None:
        others = [name for name in varying if name not in keys and name != seed and (told or not _is_measured(name))]
        named = tuple(key for key in dict.fromkeys(keys) if key != seed)
        return Chosen(named, seed, tuple((name, "not among --keys") for name in others if name not in also_measured))
    left_out: list[tuple[str, str]] = []
    found = []
    for name in varying:
        if name == seed:
            continue
        if why := "is measured, too" if name in also_measured else _why_not(table, name, seed, told):
            left_out.append((name, why))
        else:
            found.append(name)
    return Chosen(tuple(sorted(found)), seed, tuple(left_out))  # so that all sources of one sweep give one table


def listed(names: Sequence[str], most: int = 12) -> str:
    """Return the first names, and how many more there are."""
    shown = ", ".join(list(names)[:most])
    return f"{shown} and {len(names) - most} more" if len(names) > most else shown or "no settings"


def _n_values(column: pd.Series) -> int:
    return int(column.nunique(dropna=False))


def _find_seed(varying: Sequence[str]) -> str | None:
    """Return the setting whose name says that it is the seed: by its whole name first, then by its last part."""
    for wanted in SEEDS:
        for name in varying:
            if name.lower() == wanted:
                return name
    for wanted in SEEDS:
        for name in varying:
            if re.split(r"[./]", name.lower())[-1] == wanted:
                return name
    return None


def _why_not(table: pd.DataFrame, name: str, seed: str | None, told: bool) -> str:
    """Return why a setting that varies is no key; "" if it is one."""
    column, n = table[name], len(table)
    if not told and _is_measured(name):
        return "its name is of a result"
    if name.lower() in NAMING and _n_values(column) == n:
        return "names the runs"
    if seed is not None and _is_one_to_one(table[seed], column):
        return f"follows {seed}"
    # Settings repeat, over seeds or over those of other settings; a path, a name or a result is another in each run.
    if n > 3 and _share_alone(column) > 0.5 and (not told or all(isinstance(value, str) for value in column)):
        return "is another in most runs"
    return ""


def _is_measured(name: str) -> bool:
    return bool(set(words_of(name)) & MEASURED) or name.lower() in COUNTING


def _share_alone(column: pd.Series) -> float:
    """Return the share of the runs whose value no other run has."""
    counts = column.map(column.value_counts(dropna=False))
    return float((counts == 1).mean())


def _is_one_to_one(seed: pd.Series, other: pd.Series) -> bool:
    """Say whether one setting has another value for each seed and the same one for equal seeds."""
    pairs = set(zip(seed, other, strict=True))
    return len(pairs) == _n_values(seed) == _n_values(other) and len(pairs) < len(seed)
