"""Many pictures by several processes: the same as by one, also where a process is killed, and none is left over."""

import multiprocessing
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from drawn import drawn
from PIL import Image

from npdigits import forming

# A child that says which processes it has begun, once it has the first picture, and then reads on.
READS = """
import multiprocessing, sys
from pathlib import Path
from npdigits import forming
if __name__ == "__main__":
    forming.FEWEST, forming.cores = 10, lambda: 2
    for number, _ in enumerate(forming.all_formed([Path(sys.argv[1])] * 100_000)):
        if number == 0:
            print(*(child.pid for child in multiprocessing.active_children()), flush=True)
"""


@pytest.fixture
def files(tmp_path):
    """Return twenty digits and a file that is none."""
    for number in range(20):
        Image.fromarray(drawn(number % 10)).save(tmp_path / f"{number:02}.png")
    (tmp_path / "07.txt").write_text("no picture")
    return sorted(tmp_path.iterdir())


@pytest.fixture
def two_processes(monkeypatch):
    monkeypatch.setattr(forming, "FEWEST", 10)
    monkeypatch.setattr(forming, "CHUNK", 2)
    monkeypatch.setattr(forming, "cores", lambda: 2)


def same(results, others):
    """Say whether they are the same to the last bit."""
    return all(np.array_equal(a, b) and ra == rb for (a, ra), (b, rb) in zip(results, others, strict=True))


def test_by_several_processes_it_is_the_same_in_the_same_order(files, two_processes):
    alone = list(map(forming.formed, files))
    results = forming.all_formed(files)
    first = next(results)
    assert len(multiprocessing.active_children()) == 2
    assert same([first, *results], alone)
    assert [reason[:10] for image, reason in alone if image is None] == ["no picture"]
    assert multiprocessing.active_children() == []


def test_few_pictures_begin_no_process(files, two_processes, monkeypatch):
    monkeypatch.setattr(forming, "FEWEST", 11)
    results = forming.all_formed(files)
    next(results)
    assert multiprocessing.active_children() == []
    assert len(list(results)) == len(files) - 1


def test_where_a_process_is_killed_the_rest_is_done_by_this_one(files, two_processes):
    results = forming.all_formed(files * 20)
    first = next(results)
    os.kill(multiprocessing.active_children()[0].pid, signal.SIGKILL)
    assert same([first, *results], list(map(forming.formed, files)) * 20)
    assert multiprocessing.active_children() == []


def test_who_asks_for_no_more_leaves_no_process(files, two_processes):
    results = forming.all_formed(files * 20)
    next(results)
    processes = multiprocessing.active_children()
    results.close()
    assert [process.exitcode for process in processes] == [-signal.SIGKILL] * 2  # and no picture is read to its end


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_a_signal_ends_all_of_them(files, number):
    """Ctrl-C goes to all, as from a terminal, and only the first says so; of a kill the others hear nothing."""
    child = subprocess.Popen(
        [sys.executable, "-c", READS, str(files[0])],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    others = [int(pid) for pid in child.stdout.readline().split()]
    assert len(others) == 2
    if number == signal.SIGINT:
        os.killpg(child.pid, number)
    else:
        child.kill()
    said = child.communicate(timeout=60)[1]
    assert child.returncode == -number
    assert said.count("Traceback") == (number == signal.SIGINT)
    until = time.monotonic() + 30
    while any(os.path.exists(f"/proc/{pid}") for pid in others):  # noqa: PTH110
        assert time.monotonic() < until
        time.sleep(0.02)
