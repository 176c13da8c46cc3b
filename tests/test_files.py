"""A file is the old one or the new one, whatever happens; an .npz holds no time and no pickle."""

import errno
import os
import re
import subprocess
import sys
import time
import zipfile

import numpy as np
import pytest
from made import outputs_of, start_python

from npdigits.base import files
from npdigits.base.files import STRAY_AGE, Appended, Folder, write_whole
from npdigits.base.npz import npz, read_npz

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
        "import sys; from pathlib import Path; from npdigits.base.files import write_whole\n"
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


def test_a_link_under_the_temporary_name_is_not_followed(tmp_path, monkeypatch):
    """That of releases before, which could be guessed, and that of this one, as if it had been."""
    victim = tmp_path / "victim"
    victim.write_text("dear")
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / ".a.txt.tmp").symlink_to(victim)
    write_whole(folder / "a.txt", "new")
    assert (victim.read_text(), (folder / "a.txt").read_text()) == ("dear", "new")
    monkeypatch.setattr(files.secrets, "token_hex", lambda n: "0" * 2 * n)
    (folder / ".a.txt.00000000.tmp").symlink_to(victim)
    with pytest.raises(FileExistsError, match=r"a\.txt"):
        write_whole(folder / "a.txt", "newer")
    assert (victim.read_text(), (folder / "a.txt").read_text()) == ("dear", "new")


def test_a_link_is_replaced_not_followed(tmp_path):
    (tmp_path / "victim").write_text("dear")
    (tmp_path / "a.txt").symlink_to(tmp_path / "victim")
    write_whole(tmp_path / "a.txt", "new")
    assert (tmp_path / "victim").read_text() == "dear" and not (tmp_path / "a.txt").is_symlink()


def test_many_write_one_file_at_once(tmp_path):
    """Each succeeds, and what stands there in the end is one's, whole."""
    code = """
import sys
from pathlib import Path
from npdigits.base.files import write_whole
for _ in range(100):
    write_whole(Path(sys.argv[1]), sys.argv[2] * 50_000, durable=False)
"""
    outputs_of(*(start_python(code, tmp_path / "a", letter) for letter in "abcdef"))
    content = (tmp_path / "a").read_text()
    assert len(content) == 50_000 and len(set(content)) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


STRAYS = (".a.txt.tmp", ".a.txt.0123abcd.tmp")
NO_STRAYS = ("a.txt", "a.txt.tmp", ".b.txt.tmp", ".b.txt.0123abcd.tmp", ".a.txt.0123abc.tmp", ".a.txt.swp")


def test_strays_are_removed_by_the_holder_or_by_age(tmp_path):
    for name in (*STRAYS, *NO_STRAYS):
        (tmp_path / name).touch()
        assert files.is_stray_of(tmp_path / name, ["below/a.txt"]) == (name in STRAYS)
    (tmp_path / ".a.txt.ffffffff.tmp").mkdir()
    Folder(tmp_path).remove_strays(["a.txt"], STRAY_AGE)  # somebody else may be writing these
    assert all((tmp_path / name).exists() for name in STRAYS)
    long_ago = time.time() - STRAY_AGE - 60
    os.utime(tmp_path / STRAYS[0], (long_ago, long_ago))
    Folder(tmp_path).remove_strays(["a.txt"], STRAY_AGE)
    assert [(tmp_path / name).exists() for name in STRAYS] == [False, True]
    Folder(tmp_path).remove_strays(["a.txt"])
    assert {path.name for path in tmp_path.iterdir()} == {*NO_STRAYS, ".a.txt.ffffffff.tmp"}


@pytest.mark.skipif(not files.BY_DESCRIPTOR, reason="this system takes no names in an open folder")
def test_a_held_folder_is_written_wherever_it_is(tmp_path):
    (tmp_path / "folder").mkdir()
    folder = Folder(tmp_path / "folder", held=True)
    lines = Appended(folder, "lines", re.compile(b""))
    (tmp_path / "folder").rename(tmp_path / "moved")
    (tmp_path / "folder").mkdir()
    folder.make("below")
    folder.write_whole("below/a", "1")
    folder.keep_as("below/a", "below/b")
    folder.write_whole("below/a", "2")
    os.link(tmp_path / "moved" / "lines", tmp_path / "moved" / "other")  # so that it is copied
    lines.write("line\n")
    lines.close()
    folder.close()
    assert not list((tmp_path / "folder").iterdir())
    found = {path.name: path.read_text() for path in (tmp_path / "moved").rglob("*") if path.is_file()}
    assert found == {"a": "2", "b": "1", "lines": "line\n", "other": ""}


LINE = re.compile(b"line ")


def test_nothing_is_added_through_a_link(tmp_path):
    """Nor to a file that has another name: its content is copied, if it is such a file, and the copy grows."""
    kept = tmp_path / "kept"
    kept.mkdir()
    contents = {"soft": "line 1\n", "hard": "line 1\n", "foreign": "dear\n", "dear": "dear\n"}
    for name, content in contents.items():
        (kept / name).write_text(content)
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "soft").symlink_to(kept / "soft")
    (folder / "foreign").symlink_to(kept / "foreign")
    (folder / "nowhere").symlink_to(kept / "none")
    (folder / "round").symlink_to("round")
    os.link(kept / "hard", folder / "hard")
    os.link(kept / "dear", folder / "dear")
    for name in (*contents, "nowhere", "round", "new"):
        lines = Appended(Folder(folder), name, LINE)
        lines.write("line 2\n")
        os.link(folder / name, kept / f"{name} at 2")  # as a copy made of links while the run is at work
        lines.write("line 3\n")
        lines.close()
    grown = "line 1\nline 2\nline 3\n"
    begun = grown.removeprefix("line 1\n")
    assert {path.name: path.read_text() for path in folder.iterdir()} == {
        **dict.fromkeys(("soft", "hard"), grown),
        **dict.fromkeys(("foreign", "dear", "nowhere", "round", "new"), begun),
    }
    for path in folder.iterdir():
        assert path.is_file() and not path.is_symlink() and path.stat().st_nlink == 1
        assert (kept / f"{path.name} at 2").read_text() == path.read_text().removesuffix("line 3\n")
    assert {name: (kept / name).read_text() for name in contents} == contents


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to(tmp_path / "pipe")
    code = """
import re, sys
from pathlib import Path
from npdigits.base.files import Appended, Folder
Appended(Folder(Path(sys.argv[1])), "link", re.compile(b"")).close()
try:
    Appended(Folder(Path(sys.argv[1])), "pipe", re.compile(b""))
except OSError as error:
    print(error.filename)
"""
    assert outputs_of(start_python(code, tmp_path)) == [str(tmp_path / "pipe")]
    assert (tmp_path / "link").read_text() == ""


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
    with pytest.raises(ValueError, match="objects are not written"):
        npz({"a": np.array([{}], object)})
    np.savez(tmp_path / "bad.npz", a=np.array([{}], object))
    with pytest.raises(ValueError, match="a is object: allowed are whole numbers"):
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


def test_numpy_2_0_writes_no_other_arrays_and_what_it_wrote_is_read(tmp_path, monkeypatch):
    """It takes every name for that of an array, ``allow_pickle`` too, and so did release 0.2.0 with it."""
    savez = np.savez
    named: dict[str, object] = {}
    monkeypatch.setattr(np, "savez", lambda file, **given: named.update(given) or savez(file, **given))
    npz(ARRAYS)
    assert list(named) == list(ARRAYS)
    with (tmp_path / "b.npz").open("wb") as file:
        savez(file, **ARRAYS)
    with zipfile.ZipFile(tmp_path / "b.npz", "a") as archive:
        archive.writestr("allow_pickle.npy", b"\x93NUMPY")
    assert list(read_npz(tmp_path / "b.npz")) == list(ARRAYS)
