"""The records of TensorBoard's event files: framing, checksums, scalars.

A file is a sequence of records (TFRecord): the length as 8 bytes, a checksum of these, the data, a checksum of the
data. The checksums are CRC-32C, turned right by 15 bits, plus 0xa282ead8. The data is an ``Event``.
https://www.tensorflow.org/tutorials/load_data/tfrecord, tensorflow/core/util/event.proto and framework/summary.proto.

Records of more than ``CHECKED`` bytes (pictures, graphs) are read without their data's checksum.
"""

import re
import struct
from collections.abc import Generator, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from npdigits.base.bounded import opened
from npdigits.sources.wire import BYTES, EIGHT, FOUR, VARINT, bytes_of, read_fields, signed, text_of

CHECKED = 2**16  # bytes
LONGEST = 2**28  # bytes of a record: TensorFlow itself writes no message of more than 2 GiB
CHUNK = 2**23  # bytes read at a time
FOOT = 4  # bytes of a checksum
HEAD = 8 + FOOT
CUT = "the last record is cut off"
DAMAGED = "a record's length is damaged; the rest is left out"

# What TensorBoard's own writers and torch's write of one scalar: wall_time, step, one short summary of one short value.
_USUAL = re.compile(rb"\t(.{8})(?:\x10([\x80-\xff]{0,9}[\0-\x7f]))?\*(.)\n(.)\n(.)", re.DOTALL)


@dataclass
class Value:
    """One value of a summary: its tag, and what it holds: a scalar's 4 bytes, a tensor's message, or a plugin's."""

    tag: str
    simple: bytes | None = None
    tensor: bytes | None = None
    plugin: str = ""
    content: bytes = b""


@dataclass
class Event:
    """What is needed of an ``Event``."""

    wall_time: float = 0.0
    step: int = 0
    values: list[Value] = field(default_factory=list)
    version: bytes | None = None
    starts: bool = False


def crc_table() -> np.ndarray:
    """Return the 256 remainders of CRC-32C (Castagnoli), reflected."""
    table = np.arange(256, dtype=np.uint32)
    for _ in range(8):
        table = np.where(table & 1, (table >> 1) ^ np.uint32(0x82F63B78), table >> 1)
    return table


_TABLE = crc_table()


def masked_crcs(data: np.ndarray, starts: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """Return the checksums of many pieces at once: byte by byte, each step for all that are longer.

    Args:
        data: (bytes,), uint8.
        starts, lengths: (pieces,), whole numbers.

    Returns:
        (pieces,), uint32.
    """
    order = np.argsort(-lengths, kind="stable")
    starts, lengths = starts[order], lengths[order]
    crcs = np.full(len(starts), 0xFFFFFFFF, np.uint32)
    longer = np.searchsorted(-lengths, -np.arange(lengths[0] if len(lengths) else 0), side="left")
    for at, count in enumerate(longer.tolist()):
        part = crcs[:count]
        part[:] = _TABLE[(part ^ data[starts[:count] + at]) & 255] ^ (part >> 8)
    crcs = ~crcs
    masked = ((crcs >> 15) | (crcs << 17)) + np.uint32(0xA282EAD8)
    result = np.empty_like(masked)
    result[order] = masked
    return result


def read_records(path: Path, problems: list[str], chunk: int = CHUNK) -> Iterator[bytes]:
    """Yield the data of the records of a file, in their order.

    A record whose checksum is wrong is left out. Where a length's is, or the file ends within a record, the rest is.

    Args:
        problems: is told what was left out.
        chunk: bytes that are read at a time.

    Raises:
        OSError, ValueError: as ``opened``.
    """
    with opened(path) as file:
        rest = b""
        while more := file.read(chunk):
            rest += more
            bounds, needed = _whole_records(rest)
            wrong = yield from _right_ones(rest, bounds, problems)
            if wrong:
                return
            rest = rest[int(bounds[-1, 1]) + FOOT :] if len(bounds) else rest
            if len(rest) >= HEAD and not _head_is_right(rest):
                problems.append(DAMAGED)
                return
            if needed > LONGEST:
                problems.append(f"a record of {needed:,} bytes: at most {LONGEST:,} are read; the rest is left out")
                return
            if needed > len(rest) + chunk:
                rest += file.read(needed - len(rest) - chunk)
        if rest:
            problems.append(CUT)


def _whole_records(data: bytes) -> tuple[np.ndarray, int]:
    """Return where the data of each whole record begins and ends, (records, 2), and how many bytes the next one has."""
    bounds: list[int] = []
    at, end = 0, len(data)
    unpack = struct.Struct("<Q").unpack_from
    needed = HEAD
    while at + HEAD <= end:
        (length,) = unpack(data, at)
        needed = HEAD + length + FOOT
        if length > LONGEST or at + needed > end:
            break
        bounds += (at + HEAD, at + HEAD + length)
        at += needed
        needed = HEAD
    return np.array(bounds, np.int64).reshape(-1, 2), needed


def _head_is_right(data: bytes) -> bool:
    """Return whether the checksum of the first record's length is right."""
    crc = masked_crcs(np.frombuffer(data, np.uint8, 8), np.zeros(1, np.int64), np.full(1, 8))
    return bool(int(crc[0]) == struct.unpack_from("<I", data, 8)[0])


def _right_ones(data: bytes, bounds: np.ndarray, problems: list[str]) -> Generator[bytes, None, bool]:
    """Yield the records whose checksums are right; return whether a length's is not, where the rest is no record."""
    array = np.frombuffer(data, np.uint8)
    starts, ends = bounds[:, 0], bounds[:, 1]

    def stored(at: np.ndarray) -> np.ndarray:
        return array[at[:, None] + np.arange(FOOT)].copy().view("<u4")[:, 0]

    heads = masked_crcs(array, starts - HEAD, np.full(len(starts), 8)) == stored(starts - FOOT)
    count = len(starts) if heads.all() else int(np.argmin(heads))
    checked = np.flatnonzero((ends - starts)[:count] <= CHECKED)
    right = np.ones(count, bool)
    right[checked] = masked_crcs(array, starts[checked], (ends - starts)[checked]) == stored(ends[checked])
    for start, end, good in zip(starts[:count].tolist(), ends[:count].tolist(), right.tolist(), strict=True):
        if good:
            yield data[start:end]
    if not right.all():
        problems.append(f"{int((~right).sum()):,} damaged records are left out")
    if count < len(starts):
        problems.append(DAMAGED)
    return count < len(starts)


def parse_event(data: bytes) -> Event:
    """Return what an ``Event`` holds.

    Raises:
        ValueError: it is no such message.
    """
    return parse_usual(data) or parse_any(data)


def parse_any(data: bytes) -> Event:
    """Return the same as ``parse_event``, whatever the message is like."""
    event = Event()
    for number, form, value in read_fields(data):
        if number == 1 and form == EIGHT:
            event.wall_time = struct.unpack("<d", bytes_of(value))[0]
        elif number == 2 and form == VARINT:
            event.step = signed(int(value))
        elif number == 3 and form == BYTES:
            event.version = bytes_of(value)
        elif number == 5 and form == BYTES:
            event.values += [
                _parse_value(bytes_of(part))
                for key, kind, part in read_fields(bytes_of(value))
                if (key, kind) == (1, BYTES)
            ]
        elif number == 7 and form == BYTES:  # SessionLog: its field 1 is the status, 1 is START
            event.starts = (1, VARINT, 1) in read_fields(bytes_of(value))
    return event


def parse_usual(data: bytes) -> Event | None:
    """Return the same as ``parse_event`` for the usual event of one scalar, in a fourth of its time; else None."""
    match = _USUAL.match(data)
    if match is None:
        return None
    start = match.end()
    total, end = len(data), start + data[start - 1]
    lengths = (
        data[start - 5] == total - start + 4,
        data[start - 3] == total - start + 2,
        data[end : end + 1] == b"\x15",
    )
    if end + 5 != total or total - start + 4 > 127 or not all(lengths):
        return None
    step = 0
    for shift, byte in enumerate(match[2] or b""):
        step |= (byte & 127) << 7 * shift
    value = Value(data[start:end].decode("utf-8", "backslashreplace"), simple=data[end + 1 :])
    return Event(struct.unpack("<d", match[1])[0], signed(step), [value])


def _parse_value(data: bytes) -> Value:
    """Return one value of a summary; pictures, sounds and histograms have neither scalar nor tensor."""
    value = Value("")
    for number, form, part in read_fields(data):
        if number == 1 and form == BYTES:
            value.tag = text_of(part)
        elif number == 2 and form == FOUR:
            value.simple = bytes_of(part)
        elif number == 8 and form == BYTES:
            value.tensor = bytes_of(part)
        elif number == 9 and form == BYTES:  # SummaryMetadata.plugin_data: its name and content
            for key, kind, inner in read_fields(bytes_of(part)):
                if (key, kind) == (1, BYTES):
                    plugin = {n: v for n, f, v in read_fields(bytes_of(inner)) if f == BYTES}
                    value.plugin, value.content = text_of(plugin.get(1, b"")), bytes_of(plugin.get(2, b""))
    return value
