"""Every write fails once, a disk is full, 32 processes start at once: what was there stays valid, nothing is lost."""

import errno
import json
import os
import re
import subprocess
from pathlib import Path

import pytest
from made import read_summary, start_python, write_set
from test_resume import every_epoch, result  # noqa: F401 – every_epoch acts by itself
from typed import tree, typed

from npdigits.base import program
from npdigits.base.files import is_stray_of
from npdigits.config.compose import compose
from npdigits.runs import checkpoint
from npdigits.train import run

CALLS = ("open", "write", "fsync", "link", "replace")


class Faults:
    """Counts the calls of the system that write into a folder, and makes the k-th fail."""

    def __init__(self, monkeypatch, folder, fail_at=None, error=errno.ENOSPC, torn=False):
        self.count, self.failed, self.opened = 0, None, []
        self._files = {}
        for name in CALLS:
            original = getattr(os, name)

            def call(*arguments, _name=name, _original=original, **named):
                given = arguments[0]
                path = self._files.get(given, "") if _name in ("write", "fsync") else self.path_of(given, named)
                ours = path.startswith(str(folder)) and not path.endswith(".lock")
                writes = _name != "open" or (len(arguments) > 1 and arguments[1] & os.O_WRONLY)
                if ours and writes:
                    self.count += 1
                    if self.count == fail_at:
                        self.failed = f"{_name} {path}"
                        if torn and _name == "write":
                            _original(arguments[0], bytes(arguments[1])[: len(arguments[1]) // 2])
                        raise OSError(error, os.strerror(error))
                answer = _original(*arguments, **named)
                if _name == "open":
                    self.opened.append(path)
                    self._files[answer] = path
                return answer

            monkeypatch.setattr(os, name, call)

    def path_of(self, path, named):
        """Return the path that is meant, also where it is one in a folder that was opened before."""
        folder = named.get("dir_fd", named.get("src_dir_fd"))
        return str(path) if folder is None else str(Path(self._files[folder], path))


@pytest.fixture
def short(tmp_path):
    """A run of 200 digits in ten batches: how many files it writes, and when, does not depend on the digits."""
    data = write_set(tmp_path / "few", train=240, test=40)
    return ["data=idx", f"data.dir={data}", "hidden=4", "epochs=2", "plots=false", "quiet=true", "batch_size=40"]


def writes_of_a_run(monkeypatch, folder, keys):
    """Count them, in a run that nothing disturbs."""
    with monkeypatch.context() as patch:
        faults = Faults(patch, folder)
        run(compose(keys), folder, keys)
    return faults.count


def test_every_write_fails_once(tmp_path, monkeypatch, short, capsys):
    """For each k: one clear line and a non-zero code, what was there stays valid, and the run then ends as it would.

    Nothing in the package asks which error it was, so three take turns.
    """
    count = writes_of_a_run(monkeypatch, tmp_path / "whole", short)
    assert count > 40
    whole = result(tmp_path / "whole")
    config, survived = compose(short), []
    for k in range(1, count + 1):
        path, error = tmp_path / f"run{k}", (errno.ENOSPC, errno.EIO, errno.EACCES)[k % 3]
        with monkeypatch.context() as patch:
            faults = Faults(patch, path, k, error, torn=k % 2 == 0)
            code = program.exit_code("npdigits", lambda path=path: run(config, path, short) and 0)
        assert faults.failed, f"write {k} of {count} was never made"
        said = capsys.readouterr().err
        if code == 0:
            survived.append(faults.failed)
        else:
            assert code == program.BAD_INPUT, faults.failed
            assert said.count("\n") == 1 and os.strerror(error) in said and str(path) in said, (faults.failed, said)
        last = path / "checkpoints" / "last.npz"
        if last.exists():
            checkpoint.read_checkpoint(last)  # valid, the old one or the new one
        run(config, path, short)
        assert result(path) == whole, faults.failed
        assert not list(path.rglob(".*.tmp"))
    # A link that cannot be made is a copy, a run does without a line of its log; nothing else may fail without a word.
    harmless = [failed.startswith("link") or re.match(r"write .*/train\.log$", failed) for failed in survived]
    assert all(harmless), survived


def test_the_writes_are_all_made_through_the_five_calls(tmp_path, monkeypatch, short):
    """Else the test above would not see them: every file of a run directory was opened by them, but for the lock."""
    faults = Faults(monkeypatch, tmp_path / "run")
    run(compose(short), tmp_path / "run", short)
    opened = [Path(path) for path in faults.opened]
    for path in (tmp_path / "run").rglob("*"):
        if path.is_file() and path.name != ".lock":
            seen = [other for other in opened if other.parent == path.parent and is_stray_of(other, [path.name])]
            assert path in opened if path.name == "train.log" else seen, path


def test_a_disk_that_is_really_full(tmp_path, short):
    """On a small tmpfs: one line, and the run goes on when there is room."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=300k", "tmpfs", disk], capture_output=True, text=True)
    if mounted.returncode:
        pytest.skip(f"a tmpfs may not be mounted here: {mounted.stderr.strip()}")
    try:
        keys = [*short[:2], "hidden=150", "epochs=6", "plots=false", "quiet=true"]
        full = typed(*keys, f"out={disk / 'run'}", cwd=tmp_path)
        assert full.returncode == 2, full.stderr
        assert full.stderr.count("\n") == 1 and "No space left on device" in full.stderr
        subprocess.run(["mount", "-o", "remount,size=20m", disk], check=True)
        again = typed(*keys, f"out={disk / 'run'}", cwd=tmp_path)
        assert again.returncode == 0, again.stderr
        whole = typed(*keys, f"out={tmp_path / 'whole'}", cwd=tmp_path)
        assert whole.returncode == 0
        assert result(disk / "run") == result(tmp_path / "whole")
    finally:
        subprocess.run(["umount", disk], check=True)


def test_32_starts_of_one_command_with_the_clock_stopped_make_32_directories(tmp_path):
    code = """
import datetime, os, sys, time
from pathlib import Path
from types import SimpleNamespace
from npdigits.runs import directory, outputs
now = datetime.datetime(2026, 12, 31, 23, 59, 59, 999_990)
outputs.datetime = SimpleNamespace(datetime=SimpleNamespace(now=lambda: now), timedelta=datetime.timedelta)
start = time.time() + 0.5
pids = []
for _ in range(32):
    if (pid := os.fork()) == 0:
        while time.time() < start:
            pass
        claimed = directory.claim(None, Path(sys.argv[1]), {"seed": 0, "epochs": 1})
        (claimed.path / "mine").touch(exist_ok=False)
        os._exit(0)
    pids.append(pid)
print(sum(os.waitpid(pid, 0)[1] for pid in pids))
"""
    assert start_python(code, tmp_path).communicate(timeout=60)[0] == "0\n"
    made = sorted(tmp_path.glob("*/*"))
    assert len(made) == 32
    assert all((path / "mine").exists() for path in made)


def test_what_only_reads_works_on_a_copy_that_is_read_only(tmp_path, short):
    keys = [*short[:3], "epochs=1", "batch_size=100", "plots=false"]
    run(compose(keys), tmp_path / "run", keys)
    for path in sorted((tmp_path / "run").rglob("*"), reverse=True):
        path.chmod(0o555 if path.is_dir() else 0o444)
    (tmp_path / "run").chmod(0o555)
    before = tree(tmp_path / "run")
    try:
        again = typed(*keys, f"out={tmp_path / 'run'}", cwd=tmp_path)
        assert again.returncode == 0 and "finished already" in again.stdout
        assert checkpoint.read_best(tmp_path / "run" / "checkpoints").keys() == {"W1", "b1", "W2", "b2"}
        assert read_summary(tmp_path / "run")["status"] == "finished"
        assert json.loads((tmp_path / "run" / "identity.json").read_text())["seed"] == 0
        assert tree(tmp_path / "run") == before  # a superuser could have written there
    finally:
        for path in (tmp_path / "run", *(tmp_path / "run").rglob("*")):
            path.chmod(0o755)
