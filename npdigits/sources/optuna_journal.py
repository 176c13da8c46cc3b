"""Optuna's journal storage (JournalFileBackend): a line of JSON for each operation; all are done again in their order.

What was seen of its real files: studies and trials have no numbers in them but are counted, those of deleted studies
and of operations that came too late as well; infinities and NaN stand there as Infinity and NaN, which JSON has not.
"""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from npdigits.base.bounded import opened
from npdigits.base.errors import ConfigError
from npdigits.base.kinds import short_repr
from npdigits.base.text import message_of
from npdigits.sources.found import Found
from npdigits.sources.optuna_trials import (
    DIRECTIONS,
    ENDED,
    STATES,
    Study,
    Trial,
    as_found,
    first_names,
    read_parameter,
)

KIND = "Optuna's journal"
# Bytes of a line; a journal is as long as it is, and read line by line.
LONGEST_LINE = 16 * 2**20
MOST_SKIPPED = 100


def recognizes(path: Path) -> bool:
    """Say whether a file's first line is the operation that makes a study."""
    try:
        with opened(path) as file:
            line = file.readline(2**16)
        table = json.loads(line)
        return isinstance(table, dict) and table.get("op_code") == 0 and {"worker_id", "study_name"} <= table.keys()
    except (OSError, ValueError, RecursionError):
        return False


def read(path: Path) -> Found:
    """Read all studies of a journal.

    Raises:
        ConfigError: it cannot be read.
    """
    journal = Journal()
    skipped: list[tuple[str, str]] = []
    try:
        with opened(path) as file:
            number = 0
            while line := file.readline(LONGEST_LINE):
                number += 1
                if why := _replay(journal, line):
                    skipped.append((f"{path}: line {number:,}", why))
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path}: {message_of(error)}") from error
    if not journal.by_number:
        raise ConfigError(f"{path}: no studies")
    more = len(skipped) - MOST_SKIPPED
    skipped = [*skipped[:MOST_SKIPPED], *([(str(path), f"{more:,} more lines cannot be read")] if more > 0 else [])]
    return as_found(KIND, str(path), [trial for trial in journal.trials if trial is not None], skipped)


def _replay(journal: "Journal", line: bytes) -> str:
    """Do the operation of a line again, and return why that cannot be; "" if it was done."""
    if not line.endswith(b"\n"):
        return "has no end: it was being written, or is too long"
    try:
        journal.do(json.loads(line))
    except RecursionError:
        return "too many lists within another"
    except (ValueError, TypeError, KeyError, IndexError, AttributeError, OverflowError) as error:
        return f"{type(error).__name__}: {message_of(error)}"
    return ""


class Journal:
    """What the operations of a journal have made so far.

    Attributes:
        by_number: the studies, deleted ones too.
        trials: those of all studies.
    """

    def __init__(self) -> None:
        self.by_number: list[Study] = []
        self.trials: list[Trial | None] = []
        self._counts: dict[int, int] = {}
        self._operations: dict[int, Callable[[Mapping[str, Any]], None]] = {
            0: self._create_study,
            1: self._delete_study,
            2: lambda _: None,  # the user's attributes of a study
            3: self._name_metrics,
            4: self._create_trial,
            5: self._set_parameter,
            6: self._set_state,
            7: self._report,
            8: self._set_attribute,
            9: lambda _: None,  # Optuna's own attributes of a trial
            10: lambda _: None,  # "discard", which Optuna itself passes over
        }

    def do(self, operation: Mapping[str, Any]) -> None:
        """Do an operation.

        Raises:
            ValueError, TypeError, KeyError, IndexError, AttributeError: it is none of Optuna's.
        """
        code = operation["op_code"]
        if type(code) is not int or code not in self._operations:
            raise ValueError(f"operation {short_repr(code)}: known are 0 to {max(self._operations)}")
        self._operations[code](operation)

    def _create_study(self, operation: Mapping[str, Any]) -> None:
        name = str(operation["study_name"])
        if name not in (study.name for study in self.by_number if not study.deleted):  # else the first one made it
            self.by_number.append(Study(name, [DIRECTIONS[direction] for direction in operation["directions"]]))

    def _delete_study(self, operation: Mapping[str, Any]) -> None:
        if study := self._study(operation):
            study.deleted = True
            study.name += f" (deleted, study {operation['study_id']})"

    def _name_metrics(self, operation: Mapping[str, Any]) -> None:
        if study := self._study(operation):
            study.metric_names = first_names(operation["system_attr"]) or study.metric_names

    def _study(self, operation: Mapping[str, Any]) -> Study | None:
        """Return the study that an operation is about; None if it is not there, or not any more."""
        number = operation["study_id"]
        if type(number) is not int:
            raise TypeError(f"study_id {short_repr(number)}")
        study = self.by_number[number] if 0 <= number < len(self.by_number) else None
        return study if study and not study.deleted else None

    def _create_trial(self, operation: Mapping[str, Any]) -> None:
        study = self._study(operation)
        if study is None:
            return
        number = self._counts[id(study)] = self._counts.get(id(study), -1) + 1
        self.trials.append(None)  # counted, whether it can be read or not
        trial = Trial(study, number, STATES[operation.get("state", 0)])
        for name, value in operation.get("params", {}).items():
            trial.settings[name] = read_parameter(value, operation["distributions"][name])
        trial.attributes = dict(operation.get("user_attrs", {}))
        single = operation.get("value")
        values = operation.get("values") or ([] if single is None else [single])
        trial.values = [float(value) for value in values]
        trial.reports = {float(step): float(v) for step, v in operation.get("intermediate_values", {}).items()}
        self.trials[-1] = trial

    def _trial(self, operation: Mapping[str, Any]) -> Trial | None:
        """Return the trial that an operation is about; None of one that is not there or has ended."""
        number = operation["trial_id"]
        if type(number) is not int:
            raise TypeError(f"trial_id {short_repr(number)}")
        trial = self.trials[number] if 0 <= number < len(self.trials) else None
        return trial if trial and trial.state not in ENDED else None

    def _set_parameter(self, operation: Mapping[str, Any]) -> None:
        if trial := self._trial(operation):
            value = read_parameter(operation["param_value_internal"], operation["distribution"])
            trial.settings[str(operation["param_name"])] = value

    def _set_state(self, operation: Mapping[str, Any]) -> None:
        if trial := self._trial(operation):
            values = operation["values"]
            trial.values = trial.values if values is None else [float(value) for value in values]
            trial.state = STATES[operation["state"]]

    def _report(self, operation: Mapping[str, Any]) -> None:
        if trial := self._trial(operation):
            trial.reports[float(operation["step"])] = float(operation["intermediate_value"])

    def _set_attribute(self, operation: Mapping[str, Any]) -> None:
        if trial := self._trial(operation):
            trial.attributes |= operation["user_attr"]
