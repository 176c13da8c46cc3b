"""Optuna's studies and trials, as both of its storages hold them, in the form of all sources.

A trial is a run. Its parameters and attributes of the user are settings, its values are what was measured at the end,
and what it reported on the way is the history of the metric ``intermediate``.
"""

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from npdigits.sources.found import DELETED, FAILED, FINISHED, HISTORY, RUNNING, Found
from npdigits.sources.values import as_setting, flatten

INTERMEDIATE = "intermediate"
STUDY = "study"
# Where a study keeps the names that the user gave its values.
METRIC_NAMES = "study:metric_names"
NOT_SET, MINIMIZE, MAXIMIZE = "NOT_SET", "MINIMIZE", "MAXIMIZE"
# By their numbers in a journal.
DIRECTIONS = (NOT_SET, MINIMIZE, MAXIMIZE)
STATES = ("RUNNING", "COMPLETE", "PRUNED", "FAIL", "WAITING")
ENDED = {"COMPLETE", "PRUNED", "FAIL"}
# How a trial ended, in the words of all sources, and why it is not finished.
STATUS = {
    "COMPLETE": (FINISHED, ""),
    "RUNNING": (RUNNING, ""),
    "WAITING": (RUNNING, "waiting: not begun"),
    "PRUNED": (FAILED, "pruned"),
    "FAIL": (FAILED, "failed"),
}
WHOLE = {"IntDistribution", "IntUniformDistribution", "IntLogUniformDistribution"}


@dataclass
class Study:
    """A study.

    Attributes:
        name: unique in its storage, but for those that were deleted.
        directions: of each value one of ``DIRECTIONS``.
        metric_names: of its values, where the user named them.
        deleted: whether it was deleted, and what was written of it is still there.
    """

    name: str
    directions: Sequence[str] = ()
    metric_names: Sequence[str] = ()
    deleted: bool = False


@dataclass
class Trial:
    """A trial.

    Attributes:
        study: whose it is.
        number: from 0, in its study.
        state: one of ``STATES``.
        settings: its parameters and the user's attributes.
        values: its final values, one a direction.
        reports: step -> value of those on the way, in the order in which they were written.
    """

    study: Study
    number: int
    state: str = "RUNNING"
    settings: dict[str, Any] = field(default_factory=dict)
    attributes: dict[str, Any] = field(default_factory=dict)
    values: Sequence[float] = ()
    reports: dict[float, float] = field(default_factory=dict)


def read_parameter(number: float, distribution: str) -> Any:
    """Return a parameter's value from the number that Optuna keeps: of a choice its position, of an integer a float.

    Args:
        number: as it is stored.
        distribution: what it was drawn from, as JSON.

    Raises:
        ValueError, KeyError, TypeError, IndexError: that is no distribution, or the number is not of it.
    """
    table = json.loads(distribution)
    attributes = table["attributes"]
    if table["name"] == "CategoricalDistribution":
        if number != int(number) or number < 0:
            raise ValueError(f"{number} is no position of a choice")
        return as_setting(attributes["choices"][int(number)])
    return int(number) if table["name"] in WHOLE else float(number)


def as_found(kind: str, place: str, trials: Sequence[Trial], skipped: Sequence[tuple[str, str]]) -> Found:
    """Return trials in the form of all sources.

    Args:
        kind: of the storage, in words.
        place: its file.
        trials: of all studies.
        skipped: what could not be read.
    """
    studies = list({id(trial.study): trial.study for trial in trials}.values())
    several = len([study for study in studies if not study.deleted]) > 1
    histories = _histories(trials)
    ends = [(DELETED, "") if trial.study.deleted else STATUS[trial.state] for trial in trials]
    return Found(
        kind,
        names=[_name(place, trial, several) for trial in trials],
        settings=[_settings(trial, several) for trial in trials],
        metrics=list(histories),
        history=lambda metric: histories[metric],
        statuses=[status for status, _ in ends],
        reasons=[reason for _, reason in ends],
        has_steps=INTERMEDIATE in histories,
        higher=_higher(studies),
        skipped=skipped,
        remarks=_remarks(studies, trials, several),
    )


def _name(place: str, trial: Trial, several: bool) -> str:
    study = f"{trial.study.name}, " if several or trial.study.deleted else ""
    return f"{place}: {study}trial {trial.number}"


def _settings(trial: Trial, several: bool) -> dict[str, Any]:
    attributes = {
        name if name not in trial.settings else f"user_attrs.{name}": value
        for name, value in flatten(trial.attributes).items()
    }
    return {**({STUDY: trial.study.name} if several else {}), **trial.settings, **attributes}


def value_names(study: Study, n: int) -> list[str]:
    """Return the names of a study's values: the user's, or value, or value_0, value_1, …"""
    if len(study.metric_names) == n:
        return list(study.metric_names)
    return ["value"] if n == 1 else [f"value_{objective}" for objective in range(n)]


def _histories(trials: Sequence[Trial]) -> dict[str, pd.DataFrame]:
    """Return metric -> history: the values, the reports, and the user's attributes that were measured."""
    rows: dict[str, list[tuple[int, float, float]]] = {}
    for position, trial in enumerate(trials):
        for name, value in zip(value_names(trial.study, len(trial.values)), trial.values, strict=True):
            rows.setdefault(name, []).append((position, math.nan, value))
    reports = [(position, *report) for position, trial in enumerate(trials) for report in trial.reports.items()]
    if reports:
        rows.setdefault(INTERMEDIATE, []).extend(reports)
    for name in _measured_attributes(trials):
        if name not in rows:
            found = ((position, trial.attributes.get(name)) for position, trial in enumerate(trials))
            rows[name] = [(position, math.nan, float(value)) for position, value in found if value is not None]
    return {name: pd.DataFrame(of, columns=HISTORY).astype({"run": int}) for name, of in rows.items()}


def _measured_attributes(trials: Iterable[Trial]) -> list[str]:
    """Return attributes of the user that may be results: numbers in all trials, with decimals in one of them."""
    kinds: dict[str, set[type]] = {}
    for trial in trials:
        for name, value in trial.attributes.items():
            kinds.setdefault(name, set()).add(type(value))
    return [name for name, of in kinds.items() if float in of and of <= {float, int, type(None)}]


def _higher(studies: Sequence[Study]) -> dict[str, bool]:
    """Return of each value whether higher is better, where all studies that have it agree."""
    told: dict[str, set[str]] = {}
    for study in studies:
        names = value_names(study, len(study.directions))
        for name, direction in zip(names, study.directions, strict=True):
            told.setdefault(name, set()).add(direction)
            if len(names) == 1:
                told.setdefault(INTERMEDIATE, set()).add(direction)
    return {name: of == {MAXIMIZE} for name, of in told.items() if len(of) == 1 and NOT_SET not in of}


def _remarks(studies: Sequence[Study], trials: Sequence[Trial], several: bool) -> list[str]:
    remarks = []
    if several:
        remarks.append(f"there are {len(studies)} studies: which one a trial is of is the setting {STUDY}")
    if attributes := _measured_attributes(trials):
        remarks.append(f"numbers with decimals among the user's attributes are metrics, too: {', '.join(attributes)}")
    return remarks


def first_names(table: Mapping[str, Any]) -> Sequence[str]:
    """Return the names of a study's values from its system attributes; none where there are none."""
    names = table.get(METRIC_NAMES)
    if not isinstance(names, list) or not all(isinstance(name, str) and name for name in names):
        return ()
    return names if len(set(names)) == len(names) else ()
