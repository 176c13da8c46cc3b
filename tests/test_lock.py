"""Locks where the file system has flock and where it has none: whose they are, and when they are taken over."""

import contextlib
import errno
import os
import re
import subprocess
import sys
import threading
import time
import warnings

import filelock
import pytest

from npdigits.base import lock
from npdigits.base.errors import HeldError, MovedError
from npdigits.base.lock import BusyError, this_host
from npdigits.runs.hold import LOCK, Hold

fcntl = pytest.importorskip("fcntl")

WITHOUT_FLOCK = """
import errno, fcntl, os, sys, time
def flock(*_):
    raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))
fcntl.flock = flock
"""
HOLDS = """
from pathlib import Path
from npdigits.runs.hold import Hold
with Hold.take(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""
GONE = 2**22 + 1  # above the most that Linux gives


@pytest.fixture(params=(errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOLCK), ids=errno.errorcode.get)
def no_flock(monkeypatch, request):
    """A file system without flock."""

    def flock(*_):
        raise OSError(request.param, os.strerror(request.param))

    monkeypatch.setattr(fcntl, "flock", flock)


@contextlib.contextmanager
def another(code, path):
    """Another process, which holds a directory."""
    with subprocess.Popen([sys.executable, "-c", code, str(path)], stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout.readline() == "held\n"
            yield process
        finally:
            process.kill()


def refused(path):
    with pytest.raises(HeldError) as caught:
        Hold.take(path)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_where_there_is_no_flock_the_file_is_the_lock(tmp_path, no_flock):
    with Hold.take(tmp_path) as held:
        held.check()
        assert (tmp_path / LOCK).read_text() == f"{os.getpid()}\n{this_host()}\n"
        said = re.escape(
            f"out={tmp_path}: another process is writing this run: process {os.getpid()} of this host, since "
        )
        assert re.fullmatch(
            rf"{said}[-0-9]+ [:0-9]+: if it has ended, remove {re.escape(str(tmp_path / LOCK))}", refused(tmp_path)
        )
    assert not list(tmp_path.iterdir())
    Hold.take(tmp_path).release()


def test_a_process_that_was_killed_holds_nothing(tmp_path, no_flock):
    with another(WITHOUT_FLOCK + HOLDS, tmp_path) as process:
        assert f"process {process.pid} of this host" in refused(tmp_path)
    assert (tmp_path / LOCK).exists()
    with Hold.take(tmp_path):
        assert [file.name for file in tmp_path.iterdir()] == [LOCK]


def test_a_process_of_another_host_is_named_and_not_judged(tmp_path, no_flock):
    (tmp_path / LOCK).write_text(f"{GONE}\nnode17\n")
    os.utime(tmp_path / LOCK, (0, time.mktime((2026, 11, 1, 9, 30, 0, 0, 0, -1))))
    assert refused(tmp_path) == (
        f"out={tmp_path}: another process is writing this run: process {GONE} of the host node17, "
        f"since 2026-11-01 09:30:00: if it has ended, remove {tmp_path / LOCK}"
    )
    (tmp_path / LOCK).unlink()  # as it says
    Hold.take(tmp_path).release()


@pytest.mark.parametrize(
    "content", ["rubbish", "12", "12\nnode17", "0x\nnode17\n", "1\n\x1b[31m\n", "9" * 11 + "\na\n"]
)
def test_a_lock_of_unknown_form_is_refused(tmp_path, no_flock, content):
    (tmp_path / LOCK).write_text(content)
    assert "is a lock of unknown form, of " in refused(tmp_path) and "\x1b" not in refused(tmp_path)


def test_an_empty_file_is_what_flock_has_left_unless_somebody_writes_into_it(tmp_path, no_flock):
    (tmp_path / LOCK).touch()
    Hold.take(tmp_path).release()
    (tmp_path / LOCK).touch()
    threading.Timer(lock.LEFT / 3, (tmp_path / LOCK).write_text, ["12\nnode17\n"]).start()
    assert "process 12 of the host node17, since " in refused(tmp_path)


def test_whose_lock_was_taken_away_writes_no_more(tmp_path, no_flock):
    first = Hold.take(tmp_path)
    (tmp_path / LOCK).unlink()
    with Hold.take(tmp_path) as second:
        with pytest.raises(Exception, match="was moved or replaced while it was written"):
            first.check()
        first.release()
        second.check()


def test_one_of_many_takes_what_a_dead_process_has_left(tmp_path):
    """Each of eight processes tries for the lock of a process that is gone, at one instant."""
    code = (
        WITHOUT_FLOCK
        + """
from pathlib import Path
from npdigits.base.errors import HeldError, MovedError
from npdigits.runs.hold import Hold
while time.time() < float(sys.argv[2]):
    pass
try:
    hold = Hold.take(Path(sys.argv[1]))
    hold.check()
    print("mine", flush=True)
    time.sleep(3)
    hold.check()
except HeldError:
    print("held")
"""
    )
    (tmp_path / LOCK).write_text(f"{GONE}\n{this_host()}\n")
    start = time.time() + 3
    of_all = [
        subprocess.Popen([sys.executable, "-c", code, str(tmp_path), str(start)], stdout=subprocess.PIPE, text=True)
        for _ in range(8)
    ]
    said = [process.communicate()[0].strip() for process in of_all]
    assert sorted(said) == ["held"] * 7 + ["mine"] and not any(process.returncode for process in of_all)


def test_a_host_with_flock_and_one_without_do_not_both_hold(tmp_path, monkeypatch):
    with Hold.take(tmp_path), monkeypatch.context() as patch:
        patch.setattr(fcntl, "flock", raising(errno.ENOSYS))
        assert f"process {os.getpid()} of this host" in refused(tmp_path)
    assert (tmp_path / LOCK).read_bytes() == b""
    with monkeypatch.context() as patch:
        patch.setattr(fcntl, "flock", raising(errno.ENOSYS))
        soft = Hold.take(tmp_path)
    assert f"process {os.getpid()} of this host" in refused(tmp_path)
    soft.release()
    Hold.take(tmp_path).release()


def test_a_process_that_held_by_flock_and_is_gone_is_no_hindrance(tmp_path, monkeypatch):
    (tmp_path / LOCK).write_text(f"by flock: {GONE}\nnode17\n")
    with Hold.take(tmp_path):
        assert (tmp_path / LOCK).read_text() == f"by flock: {os.getpid()}\n{this_host()}\n"
    (tmp_path / LOCK).write_text(f"by flock: {GONE}\nnode17\n")
    monkeypatch.setattr(fcntl, "flock", raising(errno.ENOSYS))
    assert f"process {GONE} of the host node17" in refused(tmp_path)


def raising(number):
    def flock(*_):
        raise OSError(number, os.strerror(number))

    return flock


@pytest.mark.parametrize("flock", [True, False])
def test_earlier_versions_and_this_one_do_not_both_hold(tmp_path, monkeypatch, flock):
    """Which take the lock by filelock, that makes a soft lock of its own where there is no flock."""
    if not flock:
        monkeypatch.setattr(fcntl, "flock", raising(errno.ENOSYS))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # filelock says that it falls back
        with Hold.take(tmp_path) as held:
            try:
                filelock.FileLock(tmp_path / LOCK).acquire(timeout=0.1)
            except (filelock.Timeout, NotImplementedError):  # filelock before 3.21 has no lock without flock
                held.check()
            else:  # filelock before 4 removes whatever soft lock there is; ours then writes no more
                assert not flock and filelock.__version__ < "4"
                with pytest.raises(MovedError):
                    held.check()
                (tmp_path / LOCK).unlink(missing_ok=True)
        with contextlib.suppress(NotImplementedError), filelock.FileLock(tmp_path / LOCK):
            refused(tmp_path)
        if (tmp_path / LOCK).exists():
            os.utime(tmp_path / LOCK, (0, 0))
        Hold.take(tmp_path).release()


def test_other_errors_are_said(tmp_path, monkeypatch):
    monkeypatch.setattr(fcntl, "flock", raising(errno.EIO))
    with pytest.raises(OSError) as caught:
        Hold.take(tmp_path)
    assert caught.value.errno == errno.EIO
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / LOCK).mkdir()
    with pytest.raises(OSError):
        Hold.take(tmp_path / "a")


def test_a_lock_that_is_replaced_again_and_again_is_not_waited_for(tmp_path, monkeypatch):
    monkeypatch.setattr(lock, "_is_at", lambda *_: False)
    with pytest.raises(BusyError):
        lock.take(tmp_path / LOCK)


def test_a_lock_that_is_released_leaves_the_file_as_it_was(tmp_path):
    Hold.take(tmp_path).release()
    before = (tmp_path / LOCK).read_bytes(), (tmp_path / LOCK).stat().st_mtime_ns
    time.sleep(0.05)
    Hold.take(tmp_path).release()
    assert ((tmp_path / LOCK).read_bytes(), (tmp_path / LOCK).stat().st_mtime_ns) == before == (b"", before[1])
