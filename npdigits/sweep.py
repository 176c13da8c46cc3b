"""A sweep: many runs in one folder, which is continued by doing it again.

It is ``run(config, folder / name)`` for every point of a grid and nothing more, so finished runs are skipped, cut-off
ones go on, failed ones are tried again, and new values are added.
"""

import csv
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from npdigits.config import Config
from npdigits.identity import NOT_PART, digest
from npdigits.rundir import ENDED

# All but characters that every file system takes in a name, and Hydra in a value without quotes.
UNSAFE = re.compile(r"[^A-Za-z0-9._+-]+")
# Windows takes no file of these names, whatever its ending.
RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\.|$)", re.IGNORECASE)
LONGEST_NAME = 80
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
    """

    overrides: tuple[str, ...]
    config: Config
    identity: dict[str, Any]
    name: str


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


def folder_name(name: str | None, swept: Sequence[str], fixed: Sequence[str]) -> str:
    """Return a sweep's name as a folder's: the one given, or one of the keys that vary and what was typed besides.

    Never of the values that vary, so that a grid may grow in its folder. Keys that cannot change a result are left out.
    """
    if name is not None:
        return safe(name)
    counting = sorted(o for o in fixed if _key(o).partition(".")[0] not in NOT_PART - {"data"})
    return safe("_".join([*sorted(swept), *counting]) or "sweep")


def run_name(config: Config, default: Config, identity: dict[str, Any]) -> str:
    """Return a run directory's name: what differs from the defaults, and eight hex digits of the identity."""
    here, there = config.as_dict(), default.as_dict()
    parts = [f"{key}-{_shown(value)}" for key, value in here.items() if key not in NOT_PART and value != there[key]]
    if config.data.name != default.data.name:
        parts.append(f"data-{config.data.name}")
    return f"{safe('_'.join(parts) or 'default')}-{digest(identity)[:8]}"


def table(ended: Sequence[Ended], swept: Sequence[str]) -> str:
    """Return the runs as CSV: the keys that vary, the status, the best epoch's figures, the directory.

    ``seconds_shared`` says whether other runs of the sweep shared the machine while the seconds were measured.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([*swept, "status", *FIGURES, "seconds_shared", "run", "reason"])
    for one in ended:
        config, summary = one.point.config.as_dict(), one.summary
        varied = [config["data"]["name"] if key == "data" else config.get(key, "") for key in swept]
        figures = ["" if (figure := summary.get(name)) is None else figure for name in FIGURES]
        shared = str(summary.get("seconds_shared", False)).lower() if summary else ""
        writer.writerow([*varied, one.status, *figures, shared, one.point.name, one.reason])
    return text.getvalue()


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
    """Return a text as a name that is safe on every file system and short; it cannot lead to another folder."""
    name = UNSAFE.sub("-", text).strip("-.") or "_"
    if RESERVED.match(name):
        name = f"_{name}"
    return name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME - 9]}-{digest({'name': text})[:8]}"


def _key(override: str) -> str:
    return override.lstrip("+~").partition("=")[0]


def _shown(value: Any) -> str:
    return "-".join(map(str, value)) if isinstance(value, list) else str(value)
