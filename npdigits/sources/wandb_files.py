"""The records of one W&B run, as its file ``run-ID.wandb`` keeps them.

After 7 bytes (":W&B", 0xbee1, a version) follows a log as of LevelDB, whose blocks of 32 KiB begin with these 7 bytes:
pieces with a head of 7 bytes (CRC-32 of type and data, length, type: 1 whole, 2 first, 3 middle, 4 last).
https://github.com/google/leveldb/blob/main/doc/log_format.md; each record is a ``Record`` of
https://github.com/wandb/wandb/blob/main/wandb/proto/wandb_internal.proto, whose field numbers stand below.
Values are JSON, with NaN and Infinity as words or, by older versions, as texts.
"""

import json
import struct
import zlib
from array import array
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from npdigits.base.bounded import opened
from npdigits.sources.values import flatten
from npdigits.sources.wire import BYTES, EIGHT, VARINT, Fields, as_double, bytes_of, read_fields, signed, text_of

HEADER = struct.pack("<4sHB", b":W&B", 0xBEE1, 0)
BLOCK, HEAD = 2**15, 7
WHOLE, FIRST, MIDDLE, LAST = 1, 2, 3, 4
LONGEST = 2**28  # bytes of a record
MOST_METRICS = 10_000
CUT = "the last record is cut off"
# Fields of Record.
HISTORY, SUMMARY, CONFIG, METRIC, RUN, EXIT = 2, 3, 5, 12, 17, 18
# Fields of the items of history, summary and config.
KEY, NESTED_KEY, VALUE_JSON = 1, 2, 16
WORDS = {"NaN": float("nan"), "Infinity": float("inf"), "-Infinity": float("-inf")}
MINIMIZE, MAXIMIZE = 1, 2


@dataclass
class Curve:
    """The values of one metric: their ``_step`` and themselves, in the order of the file."""

    steps: "array[int]" = field(default_factory=lambda: array("q"))
    values: "array[float]" = field(default_factory=lambda: array("d"))


@dataclass
class Logged:
    """What one file tells of a run.

    Attributes:
        began: seconds since 1970.
        config: nested, as it is at the end.
        summary: name -> number, as it is at the end.
        axes: metric, or a pattern of metrics, -> the metric that its steps are.
        goals: metric, or a pattern, -> whether higher is better.
        branch: the run and its last step that this one begins behind.
        code: of the exit; None where there is no such record.
        problems: what was left out.
    """

    id: str = ""
    name: str = ""
    job: str = ""
    began: float = 0.0
    config: dict[str, Any] = field(default_factory=dict)
    curves: dict[str, Curve] = field(default_factory=dict)
    summary: dict[str, float] = field(default_factory=dict)
    axes: dict[str, str] = field(default_factory=dict)
    goals: dict[str, bool] = field(default_factory=dict)
    branch: tuple[str, int] | None = None
    code: int | None = None
    problems: list[str] = field(default_factory=list)


def begins_as_wandb(path: Path) -> bool:
    """Return whether a file has the header of W&B's run files."""
    try:
        with opened(path) as file:
            return file.read(HEAD)[:6] == HEADER[:6]
    except (OSError, ValueError):
        return False


def read_records(path: Path, problems: list[str]) -> Iterator[bytes]:
    """Yield the records of a file, in their order; a damaged piece costs its block.

    Args:
        problems: is told what was left out.

    Raises:
        OSError, ValueError: as ``opened``; or this is no such file.
    """
    damaged = 0
    parts: list[bytes] = []
    cut = False
    with opened(path) as file:
        block = file.read(BLOCK)
        if block[:6] != HEADER[:6]:
            raise ValueError("it does not begin as a run's file")
        at = HEAD
        while block:
            while at + HEAD <= len(block):
                crc, length, kind = struct.unpack_from("<IHB", block, at)
                data = block[at + HEAD : at + HEAD + length]
                cut = len(data) < length and len(block) < BLOCK
                if zlib.crc32(data, zlib.crc32(bytes([kind]))) != crc or kind not in (WHOLE, FIRST, MIDDLE, LAST):
                    # A block may end in zeros; what else does not fit is damage, or the file's torn end.
                    damaged += not cut and any(block[at:])
                    parts = []
                    break
                at += HEAD + length
                if kind in (WHOLE, FIRST):
                    parts = [data]
                elif parts:
                    parts.append(data)
                if kind in (WHOLE, LAST) and parts:
                    yield b"".join(parts)
                    parts = []
                elif len(parts) * BLOCK > LONGEST:
                    problems.append(f"a record of more than {LONGEST:,} bytes is left out")
                    parts = []
            else:
                cut = len(block) - at > 0 and len(block) < BLOCK
            block, at = file.read(BLOCK), 0
    if damaged:
        problems.append(f"{damaged:,} damaged blocks of 32 KiB are left out, each from the damage on")
    if cut or parts:
        problems.append(CUT)


def read_file(path: Path) -> Logged:
    """Read the file of a run.

    Raises:
        OSError, ValueError: it cannot be read, or is no such file.
    """
    run = Logged()
    unread = 0
    for record in read_records(path, run.problems):
        try:
            for number, form, value in read_fields(record):
                if form == BYTES and number in _TAKE:
                    _TAKE[number](run, read_fields(bytes_of(value)))
        except (ValueError, RecursionError, OverflowError):  # all by JSON, too
            unread += 1
    if unread:
        run.problems.append(f"{unread:,} records that are of no known form are left out")
    if len(run.curves) >= MOST_METRICS:
        run.problems.append(f"more than {MOST_METRICS:,} metrics: the first ones are read")
    return run


def _items(fields: Fields, number: int) -> Iterator[tuple[list[str], str]]:
    """Yield the names (the outer first) and the JSON of the items of a record."""
    for found, form, value in fields:
        if found != number or form != BYTES:
            continue
        key, nested, content = "", [], ""
        for part, _, inner in read_fields(bytes_of(value)):
            if part == NESTED_KEY:
                nested.append(text_of(inner))
            elif part == KEY:
                key = text_of(inner)
            elif part == VALUE_JSON:
                content = text_of(inner)
        yield nested or [key], content


def _numbers(names: list[str], content: str) -> Iterator[tuple[str, float]]:
    """Yield the numbers of an item: its value, or those of a table in it; pictures and the like have none."""
    name = ".".join(names)
    try:
        yield name, float(content)  # JSON's numbers, NaN, Infinity
        return
    except ValueError:
        pass
    if content[:1] == '"':
        word = WORDS.get(content[1:-1])
        if word is not None:
            yield name, word
    elif content[:1] == "{":
        table = json.loads(content)
        if "_type" not in table:
            for inner, value in flatten(table).items():
                if isinstance(value, int | float) and not isinstance(value, bool):
                    yield f"{name}.{inner}", float(value)


def add_history(run: Logged, fields: Fields) -> None:
    """Add one row. Its items are in no order, as Go's maps have none: a row's metrics are taken by their names."""
    step = 0
    for number, form, value in fields:
        if number == 2 and form == BYTES:  # HistoryStep
            step = next(
                (signed(int(num)) for key, kind, num in read_fields(bytes_of(value)) if (key, kind) == (1, 0)), 0
            )
    row: list[tuple[str, float]] = []
    for names, content in _items(fields, 1):
        if names == ["_step"]:
            step = int(float(content))
        elif not names[0].startswith("_"):
            row += _numbers(names, content)
    for name, number_ in sorted(row) if any(name not in run.curves for name, _ in row) else row:
        curve = run.curves.get(name)
        if curve is None:
            if len(run.curves) >= MOST_METRICS:
                continue
            curve = run.curves[name] = Curve()
        curve.steps.append(step)
        curve.values.append(number_)


def _add_summary(run: Logged, fields: Fields) -> None:
    """Change the summary."""
    for names, content in _items(fields, 1):
        if not names[0].startswith("_"):
            run.summary |= {name: number for name, number in _numbers(names, content) if name not in run.curves}
    for names, _ in _items(fields, 2):
        run.summary.pop(".".join(names), None)


def add_config(run: Logged, fields: Fields) -> None:
    """Change the config. What W&B keeps there of itself, ``_wandb``, is none."""
    for names, content in _items(fields, 1):
        if names[0] == "_wandb":
            continue
        table = run.config
        for name in names[:-1]:
            inner = table.get(name)
            table[name] = table = inner if isinstance(inner, dict) else {}
        table[names[-1]] = json.loads(content)
    for names, _ in _items(fields, 2):
        table = run.config
        for name in names[:-1]:
            table = table.get(name) if isinstance(table.get(name), dict) else {}  # type: ignore[assignment]
        table.pop(names[-1], None)


def _add_run(run: Logged, fields: Fields) -> None:
    """Take the run's id, name, config, start and branch point."""
    for number, form, value in fields:
        if form != BYTES:
            continue
        if number == 1:
            run.id = text_of(value)
        elif number == 8:
            run.name = text_of(value)
        elif number == 7:
            run.job = text_of(value)
        elif number in (4, 5):
            (add_config if number == 4 else _add_summary)(run, read_fields(bytes_of(value)))
        elif number == 17:  # Timestamp
            parts = {key: int(part) for key, kind, part in read_fields(bytes_of(value)) if kind == VARINT}
            run.began = parts.get(1, 0) + parts.get(2, 0) / 1e9
        elif number == 23:  # BranchPoint
            told = {key: part for key, _, part in read_fields(bytes_of(value))}
            step = next(
                (as_double(bytes_of(part)) for key, kind, part in read_fields(bytes_of(value)) if kind == EIGHT), 0
            )
            run.branch = text_of(told.get(1, b"")), int(step)


def _add_metric(run: Logged, fields: Fields) -> None:
    """Take what ``define_metric`` tells: the metric that is the axis, and the goal."""
    texts = {number: text_of(value) for number, form, value in fields if form == BYTES}
    name = texts.get(1) or texts.get(2)
    if not name:
        return
    if texts.get(4):
        run.axes[name] = texts[4]
    goal = [int(value) for number, form, value in fields if (number, form) == (8, VARINT)]
    if goal and goal[-1] in (MINIMIZE, MAXIMIZE):
        run.goals[name] = goal[-1] == MAXIMIZE


def _add_exit(run: Logged, fields: Fields) -> None:
    """Take the exit code; 0 is not written."""
    run.code = next((signed(int(value)) for number, form, value in fields if (number, form) == (1, VARINT)), 0)


_TAKE: dict[int, Callable[[Logged, Fields], None]] = {
    HISTORY: add_history,
    SUMMARY: _add_summary,
    CONFIG: add_config,
    METRIC: _add_metric,
    RUN: _add_run,
    EXIT: _add_exit,
}
