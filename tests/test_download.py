"""Downloads: one at a time, whole or not at all, and given up when mirror, torchvision or parent are gone."""

import errno
import os
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from made import outputs_of, start_python, write_set
from mirror import Mirror

from npdigits.base.errors import DataUnavailable
from npdigits.data import download, sets

STALL = 3.0
LOCK = [".MNIST.lock"]
REASONS = {  # of a failure, by how the mirror answers
    "rubbish": "corrupted",
    "half": "corrupted",
    "missing": "HTTP Error 404",
    "silent": "the mirror gave nothing for 3 s",
    "drip": "the mirror gave nothing for 3 s",
}


@pytest.fixture(scope="module")
def mirror():
    with Mirror() as mirror:
        yield mirror


def files_below(root: Path) -> list[str]:
    return sorted(path.relative_to(root).as_posix() for path in root.rglob("*"))


@pytest.fixture(scope="module")
def outcomes(mirror, tmp_path_factory):
    """What each bad mirror left: (root, error, when). All at once, as each takes an import of torchvision."""
    cache = tmp_path_factory.mktemp("cache")
    roots = {answer: tmp_path_factory.mktemp(answer) for answer in REASONS}

    def attempt(answer):
        with pytest.raises(DataUnavailable) as caught:
            sets.load("mnist", roots[answer], f"{mirror.url}/{answer}", fallback=None)
        return roots[answer], str(caught.value), time.monotonic()

    with pytest.MonkeyPatch.context() as patch, ThreadPoolExecutor(len(REASONS)) as pool:
        patch.setenv("NPDIGITS_CACHE", str(cache))
        patch.setenv("NO_PROXY", "127.0.0.1")
        patch.setenv("no_proxy", "127.0.0.1")
        patch.setattr(download, "STALL_SECONDS", STALL)
        found = dict(zip(REASONS, pool.map(attempt, REASONS), strict=True))
    assert files_below(cache) == [], "something was kept of a failed download"
    return found


@pytest.mark.alone
def test_a_bad_mirror_ends_in_one_line_and_leaves_nothing(mirror, outcomes):
    """One test of all answers: they are given at once, and each process that runs one of five would do all of it."""
    for answer, (root, message, ended) in outcomes.items():
        assert message.startswith("data=mnist is not at hand ("), answer
        assert REASONS[answer] in message
        assert "\n" not in message, answer
        assert files_below(root) == LOCK, answer
        asked = [when for how, *_, when in mirror.asked if how == answer]
        assert asked, f"the mirror was never asked for {answer}"
        assert ended - asked[-1] < STALL + 5, answer
        if answer in ("silent", "drip"):
            assert ended - asked[0] > STALL - 0.5, f"{answer}: given up too early"


LOAD = """
import sys
from pathlib import Path
from npdigits.data import sets
loaded = sets.load("mnist", Path(sys.argv[1]), sys.argv[2])
print(loaded.name, loaded.sha256, len(loaded.train), len(loaded.test))
"""


def test_two_processes_at_once_share_one_download(mirror, mnist_root, tmp_path):
    """Both get what the original files hold; each file is given once; no scratch remains."""
    root = tmp_path / "new" / "root"
    expected = f"mnist {sets.load('mnist', mnist_root).sha256} 60000 10000"
    both = [start_python(LOAD, root, f"{mirror.url}/good/") for _ in range(2)]
    assert outputs_of(*both) == [expected, expected]
    given = sorted(name for how, name, head_only, _ in mirror.asked if how == "good" and not head_only)
    assert given == sorted(path.name for path in (mnist_root / "MNIST" / "raw").glob("*.gz"))
    assert sorted(path.name for path in root.iterdir()) == [*LOCK, "MNIST"]
    assert {path.stem for path in (root / "MNIST" / "raw").iterdir()} == {Path(name).stem for name in given}


@pytest.mark.alone
@pytest.mark.skipif(os.name == "nt", reason="Windows does not tell a child that its parent is gone")
def test_the_child_dies_with_its_parent(mirror, tmp_path):
    mirror.left.clear()
    before = len(mirror.asked)
    parent = start_python(LOAD, tmp_path, f"{mirror.url}/silent/")
    deadline = time.monotonic() + 60
    while len(mirror.asked) == before and time.monotonic() < deadline:
        time.sleep(0.05)
    scratch = list(tmp_path.glob(".download-*"))
    parent.kill()
    parent.communicate()
    assert mirror.asked[before:], "the mirror was never asked"
    assert scratch
    assert mirror.left.wait(6), "the child still listens"  # it would, by itself, for 10 s
    assert files_below(tmp_path) == LOCK


def test_a_torchvision_that_cannot_be_imported_is_said(no_torchvision, warm_cache, tmp_path):
    said = []
    loaded = sets.load("mnist", tmp_path, fallback="mnist_5k", warn=said.append)
    (line,) = said
    assert f"torchvision cannot be imported: {no_torchvision}" in line
    assert "USES MNIST_5K INSTEAD" in line
    assert loaded.name == "mnist_5k"
    assert files_below(tmp_path) == LOCK


QUICK = """
import atexit, pathlib, time
class datasets:
    class MNIST:
        def __init__(self, root, download):
            time.sleep(0.5)
            raw = pathlib.Path(root, "MNIST", "raw")
            raw.mkdir(parents=True)
            (raw / "fetched").touch()
"""


@pytest.mark.parametrize("slow", ["time.sleep(2)", "atexit.register(time.sleep, 60)"], ids=["import", "end"])
def test_a_slow_import_or_end_is_not_the_mirrors_fault(torchvision_is, tmp_path, monkeypatch, slow):
    """The mirror's time begins when the import has ended, and ends with the download."""
    monkeypatch.setattr(download, "STALL_SECONDS", 1.0)
    torchvision_is(QUICK + slow)
    download.fetch("MNIST", tmp_path, None, is_complete=lambda: False)
    assert "MNIST/raw/fetched" in files_below(tmp_path)


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("import time; time.sleep(60)", "importing torchvision did not end for 1 s"),
        ("import os; print('first\\nlast words', flush=True); os._exit(3)", "^last words$"),
        ("import os; os._exit(3)", "torchvision ended with code 3"),
        ("datasets = None", "has no attribute 'MNIST'"),
        ("print('Downloading'); raise ImportError('half\\ninstalled')", "cannot be imported: half installed$"),
        ("raise SystemExit('leaving')", "leaving"),
    ],
    ids=["hangs", "dies", "dies silently", "is empty", "prints", "leaves"],
)
def test_whatever_torchvision_does_is_one_reason(torchvision_is, tmp_path, monkeypatch, source, reason):
    monkeypatch.setattr(download, "IMPORT_SECONDS", 1.0)
    monkeypatch.delenv("PYTHONUNBUFFERED", raising=False)
    torchvision_is(source)
    with pytest.raises(DataUnavailable, match=reason):
        download.fetch("MNIST", tmp_path, None, is_complete=lambda: False)
    assert files_below(tmp_path) == LOCK


def test_a_root_that_cannot_be_made(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(DataUnavailable, match=r"file"):
        download.fetch("MNIST", tmp_path / "file" / "root", None, is_complete=lambda: False)


def test_nothing_is_fetched_that_came_meanwhile(no_torchvision, tmp_path):
    """The question is asked again under the lock: another process may have fetched it."""
    download.fetch("MNIST", tmp_path, None, is_complete=lambda: True)


def test_a_lock_without_flock_that_another_host_has_is_waited_for_and_named(tmp_path, monkeypatch, capsys):
    def flock(*_):
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))

    monkeypatch.setattr(pytest.importorskip("fcntl"), "flock", flock)
    monkeypatch.setattr(download, "LOCK_SAID", 0.1)
    lock = tmp_path / LOCK[0]
    lock.write_text("4711\nelsewhere\n")
    with ThreadPoolExecutor(1) as pool:
        fetched = pool.submit(download.fetch, "MNIST", tmp_path, None, is_complete=lambda: True)
        time.sleep(1)
        assert not fetched.done()
        lock.unlink()
        fetched.result(timeout=10)
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and "process 4711 of the host elsewhere, since " in said
    assert said.endswith(f"if it has ended, remove {lock}\n")
    assert not lock.exists()


def test_after_a_failure_the_files_are_found_when_they_come(no_torchvision, tmp_path):
    """Neither the lock's file nor anything in the cache is in their way."""
    with pytest.raises(DataUnavailable):
        sets.load("mnist", tmp_path)
    write_set(tmp_path / "MNIST" / "raw", train=120, test=30, packed=True)
    assert len(sets.load("mnist", tmp_path).train) == 120
