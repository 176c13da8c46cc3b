"""Many pictures by several processes: the same as by one, also where a process is killed, and none is left over."""

import io
import os
import pickle
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from drawn import drawn
from PIL import Image

from npdigits.pictures import pool

# A program that says which processes it has begun, once it has the first picture, and then reads on.
READS = """
import signal, subprocess, sys
from pathlib import Path
from npdigits.pictures import pool
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell in the background ignores it
original, begun = subprocess.Popen, []
def popen(*arguments, **named):
    begun.append(original(*arguments, **named))
    return begun[-1]
subprocess.Popen = popen
pool.FEWEST, pool.cores = 10, lambda: 2
for number, _ in enumerate(pool.form_all([Path(sys.argv[1])] * 100_000)):
    if number == 0:
        print(*(process.pid for process in begun), flush=True)
"""


@pytest.fixture
def files(tmp_path):
    """Return twenty digits and a file that is none."""
    for number in range(20):
        Image.fromarray(drawn(number % 10)).save(tmp_path / f"{number:02}.png")
    (tmp_path / "07.txt").write_text("no picture")
    return sorted(tmp_path.iterdir())


@pytest.fixture
def begun(monkeypatch):
    """Let pictures be prepared by two processes, also few of them; the processes that are begun."""
    begun = []
    original = subprocess.Popen

    def popen(*arguments, **named):
        begun.append(original(*arguments, **named))
        return begun[-1]

    monkeypatch.setattr(subprocess, "Popen", popen)
    monkeypatch.setattr(pool, "FEWEST", 10)
    monkeypatch.setattr(pool, "CHUNK", 2)
    monkeypatch.setattr(pool, "cores", lambda: 2)
    return begun


@pytest.fixture
def alone(files):
    """What they are to be like."""
    return list(map(pool.form_file, files))


@pytest.fixture
def done_here(monkeypatch, alone):
    """The pictures that this process prepares itself, once the above are there."""
    done = []
    original = pool.form_file
    monkeypatch.setattr(pool, "form_file", lambda file: (done.append(file), original(file))[1])
    return done


def same(results, others):
    """Say whether they are the same to the last bit."""
    return all(np.array_equal(a, b) and ra == rb for (a, ra), (b, rb) in zip(results, others, strict=True))


def test_by_several_processes_it_is_the_same_in_the_same_order(files, begun, alone, done_here):
    assert same(list(pool.form_all(files)), alone)
    assert [reason[:10] for image, reason in alone if image is None] == ["no picture"]
    assert len(begun) == 2 and done_here == []
    assert all(process.returncode is not None for process in begun)


def test_few_pictures_begin_no_process(files, begun, alone, done_here, monkeypatch):
    monkeypatch.setattr(pool, "FEWEST", 11)
    assert same(list(pool.form_all(files)), alone)
    assert begun == [] and done_here == files


def test_where_a_process_is_killed_the_rest_is_done_by_this_one(files, begun, alone, done_here):
    results = pool.form_all(files * 100)
    first = next(results)
    begun[0].kill()  # long before its end, as it can send no more than is received
    assert same([first, *results], alone * 100)
    assert 0 < len(done_here) < len(files) * 100
    assert [process.returncode for process in begun] == [-signal.SIGKILL] * 2


@pytest.mark.skipif(os.name == "nt", reason="programs of POSIX")
@pytest.mark.parametrize("program", [None, "exit 1", "cat > /dev/null; printf rubbish"])
def test_where_processes_are_of_no_use_all_is_done_by_this_one(
    files, begun, alone, done_here, monkeypatch, tmp_path_factory, program
):
    python = tmp_path_factory.mktemp("bin") / "python"
    if program is not None:
        python.write_text(f"#!/bin/sh\n{program}\n")
        python.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(python))
    assert same(list(pool.form_all(files)), alone)
    assert done_here == files


@pytest.mark.parametrize(("parents", "done"), [([5, 1], 1), ([1], 0)], ids=["lost", "lost while it started"])
def test_a_process_that_nobody_waits_for_begins_no_other_picture(files, alone, done_here, monkeypatch, parents, done):
    sent, parents = io.BytesIO(), iter(parents)
    monkeypatch.setattr(sys, "argv", ["forming", "5"])
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(pickle.dumps([files]))))
    monkeypatch.setattr(sys, "stdout", SimpleNamespace(buffer=sent))
    monkeypatch.setattr(os, "getppid", lambda: next(parents))
    pool.main()
    assert done_here == files[:done] and sent.getvalue() == b""


def test_a_process_says_nothing_of_what_was_sent_in_part(files):
    sent = pickle.dumps([files])[:-20]
    program = [sys.executable, "-m", "npdigits.pictures.pool", str(os.getpid())]
    ended = subprocess.run(program, input=sent, capture_output=True, timeout=60, check=False)
    assert (ended.returncode, ended.stdout, ended.stderr) == (1, b"", b"")


def test_who_asks_for_no_more_leaves_no_process(files, begun):
    results = pool.form_all(files * 100)
    next(results)
    results.close()
    assert [process.returncode for process in begun] == [-signal.SIGKILL] * 2  # and no picture is read to its end


def test_who_forgets_it_ends(files):
    program = f"{READS}    break\nresults = pool.form_all([Path(sys.argv[1])] * 1000)\nnext(results)"
    ended = subprocess.run(
        [sys.executable, "-c", program, files[0]], capture_output=True, text=True, timeout=60, check=False
    )
    assert (ended.returncode, ended.stderr) == (0, "")


def gone(pid):
    """Say whether a process is no more, or only still listed."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


@pytest.mark.skipif(sys.platform != "linux", reason="looks for processes in /proc")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
@pytest.mark.parametrize("whom", ["all of its group", "the first one"])
def test_a_signal_ends_all_of_them(files, number, whom):
    """Of Ctrl-C only the first one says something; of a kill the others hear nothing."""
    typed = [sys.executable, "-c", READS, str(files[0])]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(typed, text=True, start_new_session=True, **pipes) as child:
        try:
            others = child.stdout.readline().split()
            assert len(others) == 2 and not any(map(gone, others))
            (os.killpg if whom == "all of its group" else os.kill)(child.pid, number)
            said = child.communicate(timeout=60)[1]
        finally:
            child.kill()
    assert child.returncode == -number
    assert said.count("Traceback") == (number == signal.SIGINT)
    until = time.monotonic() + 60
    while not all(map(gone, others)):
        assert time.monotonic() < until
        time.sleep(0.02)
