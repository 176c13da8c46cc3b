"""A sweep: many runs in one folder, which is continued by doing it again.

It is ``run(config, folder / name)`` for every point of a grid and nothing more, so finished runs are skipped, cut-off
ones go on, failed ones are tried again, and new values are added.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from npdigits.base.spreadsheet import csv_table
from npdigits.config.identity import NOT_PART, Canonical, canonical, digest
from npdigits.config.rules import cell
from npdigits.config.schema import Config, follows_in, implied
from npdigits.runs.directory import ENDED

# All but characters that every file system takes in a name, and Hydra in a value without quotes.
UNSAFE = re.compile(r"[^A-Za-z0-9._+-]+")
# Windows takes no file of these names, whatever its ending.
RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\.|$)", re.IGNORECASE)
LONGEST_NAME = 80
Row = dict[str, Any]
# (configuration, status, name of the directory, reason, summary)
Run = tuple[dict[str, Any], str, str, str, dict[str, Any]]
FIGURES = ("val_cost", "val_accuracy", "test_cost", "test_accuracy", "best_epoch", "epochs_run", "seconds")
# How a run of a sweep can have ended; all but the first two are tried again by the same command.
STATUSES = (*ENDED, "failed", "interrupted", "held", "left")


@dataclass(frozen=True)
class Point:
    """One run of a sweep.

    Attributes:
        overrides: what makes it, as typed.
        config: checked.
        identity: of the run.
        name: of its directory.
        form: brings the identity of a run that is there into its canonical form, as this one is.
    """

    overrides: tuple[str, ...]
    config: Config
    identity: dict[str, Any]
    name: str
    form: Canonical = canonical


@dataclass(frozen=True)
class Ended:
    """How a point's run ended.

    Attributes:
        point: which.
        status: one of ``STATUSES``: ``held`` by another process, ``left`` for another time.
        reason: why not finished, in one line.
        summary: of the run; empty if there is none.
        before: whether it had ended before the sweep was begun.
    """

    point: Point
    status: str
    reason: str = ""
    summary: dict[str, Any] = field(default_factory=dict)
    before: bool = False


# Does one run: (point, whether others share the machine, stop) -> how it ended.
Job = Callable[[Point, bool, Callable[[], bool]], Ended]


def folder_name(name: str | None, swept: Sequence[str], fixed: Sequence[str]) -> str:
    """Return a sweep's name as a folder's: the one given, or one of the keys that vary and what was typed besides.

    Never of the values that vary, so that a grid may grow in its folder. Keys that cannot change a result are left out.
    """
    if name is not None:
        return safe(name)
    counting = sorted(o for o in fixed if _key(o).partition(".")[0] not in NOT_PART - {"data"})
    return safe("_".join([*sorted(swept), *(override.replace("=", "-") for override in counting)]) or "sweep")


def run_name(config: Config, default: Config, identity: dict[str, Any]) -> str:
    """Return a run directory's name: what differs from the defaults, and eight hex digits of the identity.

    What does not fit into it is left out, but not the seed, which stands last.
    """
    here = config.as_dict()
    there = default.as_dict() | implied(here)
    differing = {key: value for key, value in here.items() if key not in NOT_PART and value != there[key]}
    seed = [f"seed-{differing.pop('seed')}"] if "seed" in differing else []
    parts = [f"{key}-{_shown(value)}" for key, value in differing.items()]
    if config.data.name != default.data.name:
        parts.append(f"data-{config.data.name}")
    end = "_".join([*seed, digest(identity)[:8]])
    room, kept = LONGEST_NAME - len(end) - 1, ""
    for part in map(_plain, parts or ([] if seed else ["default"])):
        longer = f"{kept}_{part}" if kept else part[:room].rstrip("-.")
        kept = longer if len(longer) <= room else kept
    return f"{kept}_{end}" if kept else end


def differing(configs: Sequence[dict[str, Any]], swept: Sequence[str]) -> list[str]:
    """Return the keys that vary, and those in which any of these configurations differ besides.

    A value that follows from another is no difference.
    """
    free = [{**config, **dict.fromkeys(follows_in(config))} for config in configs]
    besides = [key for key in free[0] if key not in {*NOT_PART, *swept}]
    return [*swept, *(key for key in besides if any(other.get(key) != free[0][key] for other in free))]


def row(
    swept: Sequence[str], config: dict[str, Any], status: str, name: str, reason: str, summary: dict[str, Any]
) -> Row:
    """Return a run's row of the table: the keys that vary, the status, the best epoch's figures, the directory.

    ``seconds_shared`` says whether other runs of the sweep shared the machine while the seconds were measured.
    """
    varied = {key: _value(config, key) for key in swept}
    if "data" in varied and "data" in summary:
        varied["data"] = summary["data"]  # what was really used
    figures = {figure: "" if (value := summary.get(figure)) is None else value for figure in FIGURES}
    shared = str(summary.get("seconds_shared", False)).lower() if summary else ""
    return {**varied, "status": status, **figures, "seconds_shared": shared, "run": name, "reason": reason}


def table(rows: Sequence[Row]) -> str:
    """Return the rows as CSV."""
    return csv_table(rows[0], (row.values() for row in rows))


def counted(ended: Sequence[Ended]) -> str:
    """Return how many ended in which way: "3 finished (2 of them before), 1 failed"."""
    parts = []
    for status in STATUSES:
        of_it = [one for one in ended if one.status == status]
        before = sum(one.before for one in of_it)
        if of_it:
            parts.append(f"{len(of_it)} {status}" + (f" ({before} before)" if before else ""))
    return ", ".join(parts)


def safe(text: str) -> str:
    """Return a text as a name that is safe on every file system and short; it cannot lead to another folder.

    A text that had to be altered gets eight hex digits, so that no two texts have one name.
    """
    name = _plain(text)
    return name if name == text else f"{name[: LONGEST_NAME - 9]}-{digest({'name': text})[:8]}"


def _plain(text: str) -> str:
    name = UNSAFE.sub("-", text).strip("-.")
    return f"_{name}" if not name or RESERVED.match(name) else name[:LONGEST_NAME]


def _value(config: dict[str, Any], key: str) -> Any:
    """Return a key's value as a cell; ``data`` alone is its name, and what a configuration does not have is empty."""
    value: Any = config
    for part in key.split("."):
        value = value.get(part, "") if isinstance(value, dict) else ""
    return cell(value.get("name", "") if isinstance(value, dict) else value)


def _key(override: str) -> str:
    return override.lstrip("+~").partition("=")[0]


def _shown(value: Any) -> str:
    return ("-".join(map(str, value)) or "none") if isinstance(value, list) else str(value)
