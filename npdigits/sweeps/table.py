"""sweep.csv: a line a run of the sweep, and one for each other run that is in its folder."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from npdigits.base.errors import UserError
from npdigits.base.spreadsheet import csv_table
from npdigits.config.dependence import follows_in
from npdigits.config.former import with_absent
from npdigits.config.identity import NOT_PART
from npdigits.config.value_text import as_cell
from npdigits.runs.json_table import load_config, read_identity
from npdigits.runs.summary import Status, Summary, read_summary
from npdigits.sweeps.points import Outcome

FIGURES = ("val_cost", "val_accuracy", "test_cost", "test_accuracy", "best_epoch", "epochs_run", "seconds")


@dataclass(frozen=True)
class TableLine:
    """What a line of sweep.csv says: of a run of this sweep, or of another one that is in its folder.

    Attributes:
        configuration: of the run, as plain values, with its ``numerics``, which tell what code has computed it.
        status: how it ended.
        name: of its directory.
        reason: why not finished, in one line.
        summary: of the run; None if there is none.
    """

    configuration: dict[str, Any]
    status: Status
    name: str
    reason: str
    summary: Summary | None

    @classmethod
    def of(cls, ended: Outcome) -> "TableLine":
        """Return the line of a run of this sweep."""
        configuration = ended.point.config.as_dict() | {"numerics": ended.point.identity["numerics"]}
        return cls(configuration, ended.status, ended.point.name, ended.reason, ended.summary)


def lines_of_others(folder: Path, names: set[str]) -> list[TableLine]:
    """Return the lines of the folder's other runs, of an earlier and larger grid.

    Args:
        folder: of the sweep.
        names: of the directories of its own runs.
    """
    found: list[TableLine] = []
    for path in sorted(path.parent for path in folder.glob("*/summary.json") if path.parent.name not in names):
        try:
            configuration = load_config(path)
            summary = read_summary(path)
            configuration = {**with_absent(configuration), "numerics": (read_identity(path) or {}).get("numerics")}
            reason = summary.explanation(epochs=configuration.get("epochs"))
            found.append(TableLine(configuration, summary.status, path.name, reason, summary))
        except (OSError, ValueError, UserError):
            continue  # not a run of ours, or begun this moment
    return found


def columns_of(configurations: Sequence[dict[str, Any]], swept: Sequence[str]) -> list[str]:
    """Return the keys that vary, and those in which any of these configurations differ besides.

    A value that follows from another is no difference.
    """
    free = [{**one, **dict.fromkeys(follows_in(one))} for one in configurations]
    besides = [key for key in free[0] if key not in {*NOT_PART, *swept}]
    return [*swept, *(key for key in besides if any(other.get(key) != free[0][key] for other in free))]


def format_table(lines: Sequence[TableLine], swept: Sequence[str]) -> str:
    """Return sweep.csv of these runs, of which the keys ``swept`` vary."""
    columns = columns_of([line.configuration for line in lines], swept)
    return rows_as_csv([table_row(line, columns) for line in lines])


def rows_as_csv(rows: Sequence[dict[str, Any]]) -> str:
    """Return rows of the same columns as CSV."""
    return csv_table(rows[0], (row.values() for row in rows))


def table_row(line: TableLine, columns: Sequence[str]) -> dict[str, Any]:
    """Return a line's cells: the keys that vary, the status, the best epoch's figures, the directory.

    ``seconds_shared`` says whether other runs of the sweep shared the machine while the seconds were measured.
    """
    varied = {key: _value(line.configuration, key) for key in columns}
    figures = dict.fromkeys(FIGURES, "")
    shared = ""
    if line.summary:
        if "data" in varied and line.summary.data:
            varied["data"] = line.summary.data  # what was really used
        reached = {figure: getattr(line.summary, figure) for figure in FIGURES}
        figures |= {figure: value for figure, value in reached.items() if value is not None}
        shared = str(line.summary.seconds_shared).lower()
    status = str(line.status)
    return {**varied, "status": status, **figures, "seconds_shared": shared, "run": line.name, "reason": line.reason}


def _value(config: dict[str, Any], key: str) -> Any:
    """Return a key's value as a cell; ``data`` alone is its name, and what a configuration does not have is empty."""
    value: Any = config
    for part in key.split("."):
        value = value.get(part, "") if isinstance(value, dict) else ""
    return as_cell(value.get("name", "") if isinstance(value, dict) else value)
