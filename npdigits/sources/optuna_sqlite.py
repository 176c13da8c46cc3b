"""Optuna's SQLite storage (RDBStorage): a table for studies, trials, their parameters, values, reports, attributes.

What was seen of its real files: a choice is the position in the list of its distribution, as a float; infinities are
NULL with a word beside them, in databases since 3.0; a deleted study leaves no rows.
"""

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

from npdigits.base.errors import ConfigError
from npdigits.base.kinds import short_repr
from npdigits.sources.database import Database, open_database, tables_of
from npdigits.sources.found import Found
from npdigits.sources.optuna_trials import DIRECTIONS, STATES, Study, Trial, as_found, first_names, read_parameter

KIND = "Optuna's SQLite storage"
SPECIAL = {"INF_POS": math.inf, "INF_NEG": -math.inf, "NAN": math.nan}
# Problems that are listed of one file.
MOST_SKIPPED = 100


def recognizes(path: Path) -> bool:
    """Say whether a file is Optuna's database."""
    return {"studies", "trials", "trial_params", "version_info"} <= tables_of(path)


def read(path: Path) -> Found:
    """Read all studies of a database.

    Raises:
        ConfigError: it cannot be read.
    """
    with open_database(path) as database:
        studies = _read_studies(database)
        trials, skipped = _read_trials(database, studies)
        bad: dict[int, str] = {}
        _add(database, "trial_params", ("param_name", "param_value", "distribution_json"), trials, _add_parameter, bad)
        _add(database, "trial_user_attributes", ("key", "value_json"), trials, _add_attribute, bad)
        _add_numbers(database, "trial_values", ("objective", "value", "value_type"), trials, bad)
        reports = ("step", "intermediate_value", "intermediate_value_type")
        _add_numbers(database, "trial_intermediate_values", reports, trials, bad)
    if not studies:
        raise ConfigError(f"{path}: no studies")
    skipped += [(f"{path}: {trials[key].study.name}, trial {trials[key].number}", why) for key, why in bad.items()]
    good = [trial for key, trial in trials.items() if key not in bad]
    return as_found(KIND, str(path), good, skipped[:MOST_SKIPPED])


def _read_studies(database: Database) -> dict[int, Study]:
    """Return id -> study."""
    database.need("studies", "study_id", "study_name")
    studies = {key: Study(str(name)) for key, name in database.rows("SELECT study_id, study_name FROM studies")}
    if database.has("study_directions", "study_id", "objective", "direction"):
        query = "SELECT study_id, direction FROM study_directions ORDER BY study_id, objective"
        for key, direction in database.rows(query):
            if key in studies:
                known = direction if direction in DIRECTIONS else DIRECTIONS[0]
                studies[key].directions = [*studies[key].directions, known]
    if database.has("study_system_attributes", "study_id", "key", "value_json"):
        for key, name, text in database.rows("SELECT study_id, key, value_json FROM study_system_attributes"):
            if key in studies:
                studies[key].metric_names = first_names({name: _json(text)}) or studies[key].metric_names
    return studies


def _json(text: Any) -> Any:
    """Return what a JSON text stands for; None of one that cannot be read."""
    try:
        return json.loads(text)
    except (ValueError, TypeError, RecursionError):
        return None


def _read_trials(database: Database, studies: dict[int, Study]) -> tuple[dict[int, Trial], list[tuple[str, str]]]:
    """Return id -> trial in the order of their numbers, without what belongs to them, and what could not be read."""
    database.need("trials", "trial_id", "number", "study_id", "state")
    trials, skipped = {}, []
    query = "SELECT trial_id, number, study_id, state FROM trials ORDER BY study_id, number, trial_id"
    for key, number, study, state in database.rows(query):
        if study in studies and state in STATES and type(number) is int:
            trials[key] = Trial(studies[study], number, state)
        else:
            skipped.append((f"trial {short_repr(number)}", f"state {short_repr(state)}, study {short_repr(study)}"))
    return trials, skipped


def _add(
    database: Database,
    table: str,
    columns: tuple[str, ...],
    trials: dict[int, Trial],
    add: Callable[..., None],
    bad: dict[int, str],
) -> None:
    """Give to each trial what a table holds of it; note in ``bad`` the trials whose rows cannot be read."""
    database.need(table, "trial_id", *columns)
    for key, *values in database.rows(f"SELECT trial_id, {', '.join(columns)} FROM {table} ORDER BY rowid"):
        if key in trials:
            try:
                add(trials[key], *values)
            except (ValueError, TypeError, KeyError, IndexError, RecursionError, OverflowError):
                bad.setdefault(key, f"{table}: {short_repr(values)} cannot be read")


def _add_parameter(trial: Trial, name: str, number: float, distribution: str) -> None:
    trial.settings[str(name)] = read_parameter(number, distribution)


def _add_attribute(trial: Trial, name: str, text: str) -> None:
    trial.attributes[str(name)] = json.loads(text)


def _add_numbers(
    database: Database, table: str, columns: tuple[str, str, str], trials: dict[int, Trial], bad: dict[int, str]
) -> None:
    """Give to each trial its final values, or its reports."""
    if not database.has(table, columns[2]):  # before Optuna 3.0: finite ones alone
        columns = (columns[0], columns[1], "'FINITE'")
        database.need(table, "trial_id", *columns[:2])
    query = f"SELECT trial_id, {', '.join(columns)} FROM {table} ORDER BY trial_id"
    is_final = columns[0] == "objective"
    for key, where, number, kind in database.rows(f"{query}{', objective' if is_final else ', rowid'}"):
        trial = trials.get(key)
        if trial is None:
            continue
        value = SPECIAL.get(kind, number)
        if not isinstance(value, float | int) or not isinstance(where, int):
            bad.setdefault(key, f"{table}: {short_repr(number)} ({short_repr(kind)}) is no number")
        elif is_final:
            trial.values = [*trial.values, float(value)]
        else:
            trial.reports[float(where)] = float(value)
