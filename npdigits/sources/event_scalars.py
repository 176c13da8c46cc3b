"""One folder of event files: its scalars, and what TensorBoard's hparams plugin keeps of a run.

Schemas: tensorflow/core/framework/{summary,tensor,types}.proto, tensorboard/plugins/hparams/plugin_data.proto,
google/protobuf/struct.proto.
"""

import struct
from array import array
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from npdigits.sources.event_files import CUT, Event, Value, parse_event, read_records
from npdigits.sources.wire import (
    BYTES,
    EIGHT,
    VARINT,
    bytes_of,
    only_bytes,
    read_fields,
    read_map,
    read_varint,
    text_of,
)

# DataType -> what one number of it is; bfloat16 (14) is the upper half of a float.
TYPES = {1: "<f4", 2: "<f8", 3: "<i4", 4: "u1", 5: "<i2", 6: "i1", 9: "<i8", 10: "?", 17: "<u2", 19: "<f2"}
TYPES |= {22: "<u4", 23: "<u8", 14: "<u2"}
BFLOAT16, HALVES, FLOATS = 14, (14, 19), (1, 14, 19)
CONTENT, SHAPE = 4, 2
# The fields of a TensorProto with its numbers: half, float, double, int, int64, bool, uint32, uint64.
NUMBERS = frozenset([13, 5, 6, 7, 10, 11, 16, 17])
# Status of the hparams plugin.
SUCCESS, FAILURE, RUNS = 1, 2, 3
MOST_TAGS = 10_000  # of a folder


@dataclass
class Series:
    """The values of one tag in the order in which they were written."""

    steps: "array[int]" = field(default_factory=lambda: array("q"))
    values: "array[float]" = field(default_factory=lambda: array("d"))
    single: bool = True

    def cut(self, step: int) -> int:
        """Drop the values of this step and of later ones; return how many."""
        kept = [index for index, at in enumerate(self.steps) if at < step]
        dropped = len(self.steps) - len(kept)
        if dropped:
            self.steps = array("q", [self.steps[index] for index in kept])
            self.values = array("d", [self.values[index] for index in kept])
        return dropped


@dataclass
class Folder:
    """What the event files of one folder hold.

    Attributes:
        began: the time of the first event, which orders folders that are joined.
        settings: of the hparams plugin; None where it was not used.
        status: of the hparams plugin; 0 where it tells none.
        replaced: how many values a restart has replaced.
        cut: whether the last file ends within a record.
        problems: (file, why) of what was left out.
    """

    series: dict[str, Series] = field(default_factory=dict)
    began: float = 0.0
    settings: dict[str, Any] | None = None
    status: int = 0
    replaced: int = 0
    cut: bool = False
    problems: list[tuple[Path, str]] = field(default_factory=list)
    plugins: dict[str, str] = field(default_factory=dict)


def read_folder(files: Sequence[Path]) -> Folder:
    """Read the event files of one folder.

    Each is begun by one start of a program. Where a later file has a tag's values from a step on, these replace those
    of the earlier files from this step on, as in TensorBoard's own loader (its data server). ``purge_step`` of torch's
    SummaryWriter does so for all tags.
    """
    folder = Folder()
    whole = []
    for path in files:
        problems: list[str] = []
        try:
            events = _events(path, problems)
        except (OSError, ValueError) as error:
            folder.problems.append((path, str(error)))
            continue
        if events:
            whole.append((events[0].wall_time, path, events, CUT in problems))
        folder.problems += [(path, problem) for problem in problems if problem != CUT or not events]
    for began, _, events, cut in sorted(whole, key=lambda file: file[:2]):
        folder.began = folder.began or began
        folder.cut = cut
        add_events(folder, events)
    if len(folder.series) >= MOST_TAGS:
        folder.problems.append((files[0], f"more than {MOST_TAGS:,} tags: the first ones are read"))
    return folder


def _events(path: Path, problems: list[str]) -> list[Event]:
    """Return the events of a file that hold something; the first stands for the file's beginning."""
    events: list[Event] = []
    unread = 0
    for record in read_records(path, problems):
        try:
            event = parse_event(record)
        except ValueError:
            unread += 1
            continue
        if event.values or event.starts or not events:
            events.append(event)
    if unread:
        problems.append(f"{unread:,} records that are no events are left out")
    return events


def add_events(folder: Folder, events: Sequence[Event]) -> None:
    """Add the events of one file to those of the earlier ones."""
    begun: set[str] = set()
    for event in events:
        if event.starts:
            folder.replaced += sum(series.cut(event.step) for series in folder.series.values())
        for value in event.values:
            plugin = folder.plugins.setdefault(value.tag, value.plugin)
            if value.plugin == "hparams":
                _add_hparams(folder, value.content)
                continue
            number, single = scalar(value, plugin)
            if number is None:
                continue
            series = folder.series.get(value.tag)
            if series is None:
                if len(folder.series) >= MOST_TAGS:
                    continue
                series = folder.series[value.tag] = Series()
            if value.tag not in begun:
                begun.add(value.tag)
                folder.replaced += series.cut(event.step)
            series.steps.append(event.step)
            series.values.append(number)
            series.single &= single


def scalar(value: Value, plugin: str) -> tuple[float | None, bool]:
    """Return the number that a value holds, or None, and whether it is of single precision or less.

    Args:
        plugin: that the tag's first value names; only the first one has to.
    """
    if value.simple is not None:
        return struct.unpack("<f", value.simple)[0], True
    if value.tensor is None or plugin not in ("scalars", ""):
        return None, False
    try:
        return tensor_number(value.tensor)
    except ValueError:
        return None, False


def tensor_number(data: bytes) -> tuple[float | None, bool]:
    """Return the number of a tensor that has one, or None, and whether it is of single precision or less.

    Raises:
        ValueError: it is no such message.
    """
    kind, content, numbers, form = 0, b"", None, VARINT
    for number, kind_of, value in read_fields(data):
        if number == 1 and kind_of == VARINT:
            kind = int(value)
        elif number == CONTENT and kind_of == BYTES:
            content = bytes_of(value)
        elif number == SHAPE and kind_of == BYTES and _elements(bytes_of(value)) != 1:
            return None, False
        elif number in NUMBERS and numbers is None:
            numbers, form = value, kind_of
    if kind not in TYPES:
        return None, False
    if content:
        found = np.frombuffer(content, TYPES[kind], 1)[0]
        if kind == BFLOAT16:
            found = np.array([int(found) << 16], "<u4").view("<f4")[0]
    else:
        found = _number(kind, numbers, form)
    return float(found), kind in FLOATS


def _number(kind: int, value: int | bytes | None, form: int) -> float:
    """Return the first of the numbers that a field of a TensorProto has, packed or not; without any it is 0."""
    if value is None or value == b"":
        return 0.0
    if kind in (1, 2):
        return float(np.frombuffer(bytes_of(value), TYPES[kind], 1)[0])
    if form == BYTES:  # packed
        value = read_varint(bytes_of(value), 0)[0]
    bits = int(value)
    if kind in HALVES:
        half = np.array([bits & 0xFFFF], "<u2")
        return float(half.view("<f2")[0]) if kind == 19 else float(np.array([int(half[0]) << 16], "<u4").view("<f4")[0])
    return float(bits - 2**64 if bits >= 2**63 and kind != 23 else bits)


def _elements(shape: bytes) -> int:
    """Return how many elements a TensorShapeProto has: the product of its dimensions' sizes."""
    elements = 1
    for number, form, value in read_fields(shape):
        if number == 2 and form == BYTES:
            elements *= next((int(size) for key, _, size in read_fields(bytes_of(value)) if key == 1), 0)
    return elements


def _add_hparams(folder: Folder, content: bytes) -> None:
    """Add what an ``HParamsPluginData`` tells: settings (3, session_start_info) or the status (4, session_end_info)."""
    try:
        parts = only_bytes(content)
        if 3 in parts:
            entries = read_map(read_fields(parts[3]), 1)
            folder.settings = {name: _setting(value) for name, value in entries.items()}
        if 4 in parts:
            status = [int(value) for number, form, value in read_fields(parts[4]) if (number, form) == (1, VARINT)]
            folder.status = status[-1] if status else 0
    except ValueError:
        folder.problems.append((Path(), "its hparams are damaged"))


def _setting(data: bytes) -> Any:
    """Return a ``google.protobuf.Value``: a number (a double: 16 is kept as 16.0, and is 16 here), text, a boolean."""
    found: Any = None
    for number, form, value in read_fields(data):
        if (number, form) == (2, EIGHT):
            found = struct.unpack("<d", bytes_of(value))[0]
            found = int(found) if found.is_integer() and abs(found) < 2**53 else found
        elif (number, form) == (3, BYTES):
            found = text_of(value)
        elif (number, form) == (4, VARINT):
            found = bool(value)
    return found
