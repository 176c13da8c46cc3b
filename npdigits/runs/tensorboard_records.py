"""TensorBoard's event files: settings, figures and images of a run as records, made of the package's own messages.

A record is length (uint64), its CRC, data, CRC of the data, all little-endian; the data is an ``Event``. Figures are
float32 there. The package's EventFileWriter is not used: it names files by clock, host and process, writes in a thread,
and asks for TensorFlow. Nothing here imports that.
"""

import functools
import struct
from collections.abc import Iterable, Iterator, Mapping
from types import SimpleNamespace
from typing import Any

MISSING = 'the package tensorboard is not installed: pip install "npdigits[tensorboard]"'
# How a file begins.
VERSION = "brain.Event:2"
# Of text that TensorBoard shows.
TEXT_PLUGIN = "text"
SESSION_START, SESSION_END = "_hparams_/session_start_info", "_hparams_/session_end_info"
LENGTH, CRC = struct.Struct("<Q"), struct.Struct("<I")


@functools.cache
def messages() -> SimpleNamespace:
    """Return the package's messages and its CRC, which take half a second to import.

    Raises:
        ImportError: it is not installed.
    """
    from tensorboard.compat.proto import event_pb2, summary_pb2, tensor_pb2, types_pb2
    from tensorboard.compat.tensorflow_stub.pywrap_tensorflow import masked_crc32c
    from tensorboard.plugins.hparams import api_pb2, metadata, plugin_data_pb2

    return SimpleNamespace(
        event=event_pb2,
        summary=summary_pb2,
        tensor=tensor_pb2,
        types=types_pb2,
        crc=masked_crc32c,
        api=api_pb2,
        metadata=metadata,
        plugin=plugin_data_pb2,
    )


def record(**event: Any) -> bytes:
    """Return an event as a record: ``wall_time`` in seconds, ``step``, and ``summary`` or ``file_version``."""
    known = messages()
    data = known.event.Event(**event).SerializeToString(deterministic=True)
    length = LENGTH.pack(len(data))
    return bytes(length + CRC.pack(known.crc(length)) + data + CRC.pack(known.crc(data)))


def read_records(content: bytes) -> Iterator[tuple[bytes, Any]]:
    """Yield each whole record and its event. Stops where the file is torn.

    Raises:
        google.protobuf.message.DecodeError: a record is no event.
    """
    known, start = messages(), 0
    while start + LENGTH.size + CRC.size <= len(content):
        (length,) = LENGTH.unpack_from(content, start)
        begin = start + LENGTH.size + CRC.size
        end = begin + length
        if end + CRC.size > len(content) or known.crc(content[begin:end]) != CRC.unpack_from(content, end)[0]:
            return
        yield content[start : end + CRC.size], known.event.Event.FromString(content[begin:end])
        start = end + CRC.size


def head(wall: float) -> bytes:
    """Return the record that a file begins with."""
    return record(wall_time=wall, file_version=VERSION)


def figures(step: int, values: Mapping[str, float], wall: float) -> bytes:
    """Return a step's figures, of names of their own."""
    summary = messages().summary
    value = [summary.Summary.Value(tag=name, simple_value=_single(number)) for name, number in values.items()]
    return record(wall_time=wall, step=step, summary=summary.Summary(value=value))


def settings(values: Mapping[str, Any], started: float, wall: float) -> bytes:
    """Return the settings of a run for the HPARAMS page: numbers, booleans and text.

    No experiment is described: TensorBoard takes the first that it finds for all runs, and makes one of the settings of
    all of them where there is none.
    """
    known = messages()
    start = known.plugin.SessionStartInfo(start_time_secs=started)
    for name, value in values.items():
        if isinstance(value, bool):
            start.hparams[name].bool_value = value
        elif isinstance(value, int | float):
            start.hparams[name].number_value = value
        else:
            start.hparams[name].string_value = str(value)
    return _of_hparams(SESSION_START, known.plugin.HParamsPluginData(session_start_info=start), wall)


def end(ended: bool, failed: bool, wall: float) -> bytes:
    """Return how a run has ended, or that it has not, for the HPARAMS page."""
    known = messages()
    status = known.api.Status
    value = status.STATUS_FAILURE if failed else status.STATUS_SUCCESS if ended else status.STATUS_RUNNING
    info = known.plugin.SessionEndInfo(status=value, end_time_secs=wall)
    return _of_hparams(SESSION_END, known.plugin.HParamsPluginData(session_end_info=info), wall)


def text(tag: str, content: str, wall: float) -> bytes:
    """Return a text in Markdown."""
    known = messages()
    plugin = known.summary.SummaryMetadata.PluginData(plugin_name=TEXT_PLUGIN)
    tensor = known.tensor.TensorProto(dtype=known.types.DT_STRING, string_val=[content.encode()])
    value = known.summary.Summary.Value(
        tag=tag, metadata=known.summary.SummaryMetadata(plugin_data=plugin), tensor=tensor
    )
    return record(wall_time=wall, summary=known.summary.Summary(value=[value]))


def image(tag: str, png: bytes, size: tuple[int, int], step: int, wall: float) -> bytes:
    """Return an image of this width and height."""
    summary = messages().summary
    shown = summary.Summary.Image(width=size[0], height=size[1], colorspace=4, encoded_image_string=png)
    value = summary.Summary.Value(tag=tag, image=shown)
    return record(wall_time=wall, step=step, summary=summary.Summary(value=[value]))


def markdown_table(rows: Iterable[tuple[str, Any]]) -> str:
    """Return names and values as a table in Markdown."""
    lines = [f"| {name} | {str(value).replace('|', chr(92) + '|')} |" for name, value in rows]
    return "\n".join(["| | |", "|---|---|", *lines])


def _of_hparams(tag: str, data: Any, wall: float) -> bytes:
    known = messages()
    value = known.summary.Summary.Value(
        tag=tag, metadata=known.metadata.create_summary_metadata(data), tensor=known.metadata.NULL_TENSOR
    )
    return record(wall_time=wall, summary=known.summary.Summary(value=[value]))


def _single(number: float) -> float:
    """Return a number that float32 holds; one that is too large for it is infinite, as NumPy has it too."""
    try:
        return float(struct.unpack("<f", struct.pack("<f", number))[0])
    except OverflowError:
        return float("inf") if number > 0 else float("-inf")
