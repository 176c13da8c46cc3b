"""IDX files: what is well formed is read, packed or plain, and all else is one line that names the file."""

import gzip
import struct
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from made import digits, idx_bytes, write_idx

from npdigits.base.errors import DataError
from npdigits.data import idx

IMAGES, LABELS = digits(12, shape=(4, 3))
both = pytest.mark.parametrize("name", ["images", "images.gz"])


def declares(*shape: int, element: int = 8) -> bytes:
    return bytes([0, 0, element, len(shape)]) + struct.pack(f">{len(shape)}I", *shape)


def refused(path: Path, dimensions: int = 3) -> str:
    """Return the message of the DataError, which is one line and names the file."""
    with pytest.raises(DataError) as caught:
        idx.read_idx(path, dimensions)
    message = str(caught.value)
    assert str(path) in message
    assert "\n" not in message
    return message


@both
@pytest.mark.parametrize("array", [IMAGES, LABELS, IMAGES[:1]], ids=["images", "labels", "one image"])
def test_reads_what_was_written(tmp_path, name, array):
    read = idx.read_idx(write_idx(tmp_path / name, array), array.ndim)
    assert type(read) is np.ndarray
    assert read.dtype == np.uint8
    np.testing.assert_array_equal(read, array)


def test_reads_bytes_written_by_hand(tmp_path):
    """Two images of 1 × 3, after the format's description: big-endian sizes, rows one after another."""
    path = tmp_path / "two"
    path.write_bytes(bytes.fromhex("00000803 00000002 00000001 00000003 010203 040506"))
    assert idx.read_idx(path, 3).tolist() == [[[1, 2, 3]], [[4, 5, 6]]]


def test_a_plain_file_is_mapped_not_copied(tmp_path):
    """What is written into the file later is seen, and nobody can write through the array."""
    path = write_idx(tmp_path / "images", IMAGES)
    read = idx.read_idx(path, 3)
    assert not read.flags.writeable
    changed = np.uint8(255 - IMAGES[0, 0, 0])
    with path.open("r+b") as file:
        file.seek(16)
        file.write(changed.tobytes())
    assert read[0, 0, 0] == changed


@both
@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\0\0\x08",
        b"not an IDX file at all",
        idx_bytes(LABELS),
        declares(12, 4, 3, element=13) + bytes(4 * 144),
        b"\1" + idx_bytes(IMAGES)[1:],
    ],
    ids=["empty", "3 bytes", "text", "labels", "float32", "first byte"],
)
def test_wrong_magic_number(tmp_path, name, content):
    message = refused(write_idx(tmp_path / name, content))
    assert "not an IDX file" in message
    assert f"begins with {content[:4].hex() or 'nothing'} instead of 00000803" in message


@both
def test_truncated_anywhere(tmp_path, name):
    content = idx_bytes(IMAGES)
    messages = [refused(write_idx(tmp_path / name, content[:length])) for length in range(4, len(content))]
    assert all("truncated in its header" in message for message in messages[: 16 - 4])
    assert all("12 × 4 × 3 bytes but holds" in message for message in messages[16 - 4 :])
    assert messages[-1].endswith("holds 143: truncated or damaged")


@both
def test_bytes_after_the_end(tmp_path, name):
    assert "12 × 4 × 3" in refused(write_idx(tmp_path / name, idx_bytes(IMAGES) + b"\0"))


@both
@pytest.mark.parametrize("shape", [(0, 28, 28), (2, 0, 28), (0, 0, 0)])
def test_zero_sizes(tmp_path, name, shape):
    assert "empty" in refused(write_idx(tmp_path / name, declares(*shape)))


@both
@pytest.mark.parametrize("shape", [(0xFFFFFFFF,) * 3, (0xFFFFFFFF, 28, 28), (60_000, 28, 28)])
def test_sizes_beyond_the_file_take_no_memory(tmp_path, name, shape):
    path = write_idx(tmp_path / name, declares(*shape) + bytes(1000))
    tracemalloc.start()
    try:
        message = refused(path)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 1_000_000
    assert " × ".join(f"{n:,}" for n in shape) in message


def test_the_best_packed_file_is_not_refused(tmp_path):
    """The bound on what a .gz can hold leaves room for DEFLATE at its best, a file of zeros."""
    empty = np.zeros((3000, 28, 28), np.uint8)
    np.testing.assert_array_equal(idx.read_idx(write_idx(tmp_path / "zeros.gz", empty), 3), empty)


def test_several_packed_members_are_one_file(tmp_path):
    content, path = idx_bytes(IMAGES), tmp_path / "images.gz"
    path.write_bytes(gzip.compress(content[:50]) + gzip.compress(content[50:]))
    np.testing.assert_array_equal(idx.read_idx(path, 3), IMAGES)


def test_a_packed_file_with_any_byte_damaged_never_gives_other_digits(tmp_path):
    path = write_idx(tmp_path / "images.gz", IMAGES)
    packed = path.read_bytes()
    outcomes = set()
    for place in range(len(packed)):
        path.write_bytes(packed[:place] + bytes([packed[place] ^ 0x24]) + packed[place + 1 :])
        try:
            np.testing.assert_array_equal(idx.read_idx(path, 3), IMAGES)
            outcomes.add("harmless")  # gzip's header holds a time and a system
        except DataError as error:
            assert str(path) in str(error)
            outcomes.add("refused")
    assert outcomes == {"harmless", "refused"}


def test_a_packed_file_cut_or_continued_anywhere(tmp_path):
    path = write_idx(tmp_path / "images.gz", IMAGES)
    packed = path.read_bytes()
    for length in range(len(packed)):
        path.write_bytes(packed[:length])
        refused(path)
    path.write_bytes(packed + b"and more")
    refused(path)


@both
def test_missing_file(tmp_path, name):
    assert "cannot be read: No such file" in refused(tmp_path / name)


@both
def test_a_folder_in_the_files_place(tmp_path, name):
    (tmp_path / name).mkdir()
    assert "cannot be read" in refused(tmp_path / name)


def test_a_plain_file_called_gz(tmp_path):
    path = tmp_path / "images.gz"
    path.write_bytes(idx_bytes(IMAGES))
    assert "gzip" in refused(path)
