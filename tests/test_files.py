"""A file is the old one or the new one, whatever happens; an .npz holds no time and no pickle."""

import errno
import os
import subprocess
import sys
import time

import numpy as np
import pytest

from npdigits.files import npz, read_npz, write_whole

ARRAYS = {"W1": np.arange(12, dtype=np.float32).reshape(3, 4), "b1": np.zeros(0), "y": np.array(3, np.uint8)}


def test_a_file_is_written_and_written_over(tmp_path):
    for content in ("first: ä", b"\x00second\r\n", ""):
        write_whole(tmp_path / "a.txt", content)
        read = (tmp_path / "a.txt").read_bytes()
        assert read == (content.encode() if isinstance(content, str) else content)
    assert [path.name for path in tmp_path.iterdir()] == ["a.txt"]


def no_space(*args, **named):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


FAULTS = {call: (os, call, no_space) for call in ("open", "write", "fsync", "replace")}


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("old", [b"old", None])
def test_a_write_that_fails_changes_nothing_and_leaves_nothing(tmp_path, monkeypatch, fault, old):
    if old is not None:
        (tmp_path / "a.txt").write_bytes(old)
    with monkeypatch.context() as patch:
        patch.setattr(*FAULTS[fault])
        with pytest.raises(OSError, match=r"No space left.*: '.*a\.txt'"):
            write_whole(tmp_path / "a.txt", "new")
    assert [path.read_bytes() for path in tmp_path.iterdir()] == ([] if old is None else [old])


def test_a_writer_killed_at_any_instant_leaves_one_whole_content(tmp_path):
    script = (
        "import sys; from pathlib import Path; from npdigits.files import write_whole\n"
        "path = Path(sys.argv[1])\n"
        "while True:\n"
        "    for letter in b'ab': write_whole(path, bytes([letter]) * 3_000_000)\n"
    )
    path = tmp_path / "big"
    for i in range(6):
        child = subprocess.Popen([sys.executable, "-c", script, str(path)])
        deadline = time.monotonic() + 60
        before = path.stat().st_ino if path.exists() else None
        while not path.exists() or path.stat().st_ino == before:  # until this child has written once
            assert time.monotonic() < deadline and child.poll() is None
            time.sleep(0.001)
        time.sleep(0.003 * i)
        child.kill()
        child.wait()
        assert path.read_bytes() in (b"a" * 3_000_000, b"b" * 3_000_000)


def test_the_content_reaches_the_disk_before_the_name_does(tmp_path, monkeypatch):
    """Else a power cut could leave the new name with nothing in it."""
    order = []
    fsync, replace = os.fsync, os.replace
    monkeypatch.setattr(os, "fsync", lambda fd: (order.append(os.fstat(fd).st_ino), fsync(fd)))
    monkeypatch.setattr(os, "replace", lambda path, to: (order.append("rename"), replace(path, to)))
    write_whole(tmp_path / "a", "content")
    folder = [tmp_path.stat().st_ino] if hasattr(os, "O_DIRECTORY") else []
    assert order == [(tmp_path / "a").stat().st_ino, "rename", *folder]


def test_arrays_come_back_as_they_were(tmp_path):
    (tmp_path / "a.npz").write_bytes(npz(ARRAYS))
    read = read_npz(tmp_path / "a.npz")
    assert list(read) == list(ARRAYS)
    for name, array in ARRAYS.items():
        assert (read[name].dtype, read[name].shape) == (array.dtype, array.shape)
        assert np.array_equal(read[name], array)


def test_the_same_arrays_give_the_same_bytes_at_any_time(monkeypatch):
    first = npz(ARRAYS)
    monkeypatch.setattr(time, "time", lambda: 2e9)
    monkeypatch.setattr(time, "localtime", lambda *args: time.gmtime(2e9))
    assert npz({name: array.copy() for name, array in ARRAYS.items()}) == first
    assert npz(ARRAYS | {"y": np.array(4, np.uint8)}) != first


def test_nothing_is_ever_unpickled(tmp_path):
    with pytest.raises(ValueError, match="allow_pickle=False"):
        npz({"a": np.array([{}], object)})
    np.savez(tmp_path / "bad.npz", a=np.array([{}], object))
    with pytest.raises(ValueError, match="holds objects"):
        read_npz(tmp_path / "bad.npz")


def test_every_truncation_and_every_flipped_byte_is_noticed(tmp_path):
    whole = npz({"a": np.arange(5, dtype=np.float32)})
    path = tmp_path / "a.npz"
    damaged = [whole[:n] for n in range(len(whole))]
    damaged += [whole[:i] + bytes([whole[i] ^ 1 << i % 8]) + whole[i + 1 :] for i in range(len(whole))]
    damaged += [whole[:i] + bytes([whole[i] ^ 0xFF]) + whole[i + 1 :] for i in range(len(whole))]
    refused = 0
    for content in damaged:
        path.write_bytes(content)
        try:
            assert np.array_equal(read_npz(path)["a"], np.arange(5))  # a bit that no reader looks at
        except (OSError, ValueError):
            refused += 1
    assert refused > len(damaged) * 0.7


def test_a_file_that_is_not_there_is_an_os_error(tmp_path):
    with pytest.raises(FileNotFoundError):
        read_npz(tmp_path / "none.npz")
