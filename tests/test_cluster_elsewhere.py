"""Sweeps by a cluster that is not this machine's own: real schedulers and workers, which come, go and are ended."""

import contextlib
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
import zygote
from made import write_set
from small_sweep import JOBS, keys, results
from typed import typed

import npdigits

FINISHED, BAD_INPUT, INCOMPLETE = 0, 2, 1
# Three runs of some seconds each, and where what they do is written.
LONG = ["seed=range(3)", "epochs=600", "stop_on=none"]


@pytest.fixture
def impatient(monkeypatch):
    """Let a scheduler give up whom it has not heard of for five seconds, the shortest time that Dask heeds."""
    monkeypatch.setenv("DASK_DISTRIBUTED__SCHEDULER__WORKER_TTL", "1s")
    monkeypatch.setenv("DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES", "0")


@pytest.fixture
def cluster(tmp_path):
    """A real ``dask scheduler`` and two ``dask worker`` processes on the loopback address, in another directory."""
    away = tmp_path / "away"
    away.mkdir()
    started = []

    def start(*arguments, **environment):
        process = zygote.Popen(
            [sys.executable, "-m", "distributed.cli." + arguments[0], *arguments[1:]],
            cwd=away,
            env={**os.environ, **environment},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        started.append(process)
        return process

    file = away / "scheduler.json"
    start("dask_scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard", "--scheduler-file", str(file))
    deadline = time.monotonic() + 30
    while not file.exists() or not file.read_text().strip():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    address = json.loads(file.read_text())["address"]
    worker = ("dask_worker", address, "--nthreads", "1", "--no-dashboard", "--local-directory", str(away))
    yield address, lambda *more, **environment: start(*worker, *more, **environment)
    left = [child for process in started if process.poll() is None for child in psutil.Process(process.pid).children()]
    for process in reversed(started):
        process.kill()
        process.wait()
    for child in left:
        with contextlib.suppress(psutil.NoSuchProcess):
            child.kill()


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    """The data set, and what the jobs and the long jobs leave that are done one after the other in one process."""
    folder = tmp_path_factory.mktemp("undisturbed")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NPDIGITS_CACHE", str(folder / "cache"))
        idx_set = write_set(folder / "idx_set")
        for name, grid in (("jobs", JOBS), ("long", LONG)):
            ended = typed("-m", *keys(idx_set), *grid, f"out={name}", "workers=0", cwd=folder)
            assert ended.returncode == FINISHED, ended.stderr
    return idx_set, results(folder / "jobs"), results(folder / "long")


class Launched:
    """A sweep of the long jobs that is at work in another process."""

    def __init__(self, idx_set, folder, address, *more):
        self.folder = folder / "sweep"
        grid = [*keys(idx_set), *LONG, f"out={self.folder}", f"hydra.launcher.address={address}", *more]
        self.process = zygote.Popen(
            [sys.executable, "-m", "npdigits.train", "-m", *grid],
            cwd=folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def wait_until(self, true, seconds=60):
        deadline = time.monotonic() + seconds
        while not true():
            assert time.monotonic() < deadline and self.process.poll() is None, self.process.communicate()
            time.sleep(0.05)

    def epochs(self):
        """How many epochs each run has come to."""
        return {path.parent.name: path.read_bytes().count(b"\n") - 1 for path in self.folder.glob("*/metrics.csv")}

    def end(self, seconds=120):
        """Return its exit code and what it printed on standard error."""
        try:
            self.out, err = self.process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            pytest.fail(f"not at its end after {seconds} s: {self.process.communicate()}, {self.epochs()}")
        return self.process.returncode, err

    def trained_twice(self):
        """Of each run, how many epochs it has trained beyond those that it was to train, by its log."""
        logs = {log.parent.name: log.read_text() for log in self.folder.glob("*/train.log")}
        return {name: len(re.findall(r"epoch +\d+/", log)) - 600 for name, log in logs.items()}


def test_a_cluster_elsewhere_leaves_the_same_bytes(undisturbed, tmp_path, cluster):
    idx_set, expected, _ = undisturbed
    address, start_worker = cluster
    for _ in range(2):
        start_worker()
    ended = typed("-m", *keys(idx_set), *JOBS, "out=sweep", f"hydra.launcher.address={address}", cwd=tmp_path)
    assert (ended.returncode, ended.stderr) == (FINISHED, ""), ended
    assert results(tmp_path / "sweep") == expected


@pytest.mark.skipif(not hasattr(signal, "SIGSTOP"), reason="Windows stops no process this way")
@pytest.mark.alone
def test_a_worker_elsewhere_that_was_only_late_is_not_blamed_and_its_run_is_tried_again(
    idx_set, tmp_path, impatient, cluster
):
    address, start_worker = cluster
    nanny = psutil.Process(start_worker().pid)
    more = ["seed=0", "epochs=4000", "stop_on=none", "out=sweep", f"hydra.launcher.address={address}"]
    process = zygote.Popen(
        [sys.executable, "-m", "npdigits.train", "-m", *keys(idx_set, *more)],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    deadline = time.monotonic() + 60
    while not list(tmp_path.glob("sweep/*/metrics.csv")):
        assert time.monotonic() < deadline and process.poll() is None
        time.sleep(0.05)
    stopped = [nanny, *nanny.children(recursive=True)]
    for one in stopped:
        one.suspend()
    time.sleep(9)
    for one in stopped:
        one.resume()
    _, err = process.communicate(timeout=120)
    assert "memory" not in err
    assert (process.returncode, err) == (FINISHED, "")


def test_workers_elsewhere_notice_that_the_launching_process_is_gone(undisturbed, tmp_path, cluster):
    idx_set, *_ = undisturbed
    address, start_worker = cluster
    start_worker()
    endless = ["-m", *keys(idx_set), "seed=0,1", "epochs=999999", "stop_on=none", "out=sweep"]
    command = [sys.executable, "-m", "npdigits.train", *endless, f"hydra.launcher.address={address}"]
    process = zygote.Popen(command, cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 30
    while not list(tmp_path.glob("sweep/*/metrics.csv")):
        assert time.monotonic() < deadline and process.poll() is None
        time.sleep(0.05)
    process.kill()
    process.wait()
    deadline = time.monotonic() + 30
    while (status := statuses(tmp_path / "sweep")) != ["interrupted"]:
        assert time.monotonic() < deadline, status
        time.sleep(0.1)


def statuses(folder):
    return [json.loads(path.read_text())["status"] for path in folder.glob("*/summary.json")]


def test_a_worker_that_cannot_be_trusted_is_refused(undisturbed, tmp_path, cluster):
    idx_set, *_ = undisturbed
    address, start_worker = cluster
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "sitecustomize.py").write_text(
        "import npdigits.config.identity\nnpdigits.config.identity.NUMERICS = -1\n"
    )
    path = [str(tmp_path / "other"), os.environ.get("PYTHONPATH", "")]
    start_worker(PYTHONPATH=os.pathsep.join(filter(None, path)))
    ended = typed("-m", *keys(idx_set), "seed=0,1", "out=sweep", f"hydra.launcher.address={address}", cwd=tmp_path)
    assert ended.returncode == BAD_INPUT
    warning, error = ended.stderr.splitlines()
    assert re.fullmatch(r"npdigits: WARNING: the worker tcp://\S+ is refused: numerics -1 there, \d+ here", warning)
    assert error == "npdigits: every worker of the cluster is refused: nothing has begun"
    assert not (tmp_path / "sweep").exists()


@pytest.mark.parametrize(
    ("number", "whom"),
    [
        (signal.SIGTERM, "nanny"),
        (signal.SIGTERM, "process"),
        (signal.SIGTERM, "both"),
        (signal.SIGTERM, "without nanny"),
        (signal.SIGINT, "both"),
        (signal.SIGKILL, "process"),
        (signal.SIGKILL, "both"),
    ],
)
def test_a_worker_that_is_ended_costs_no_run_and_no_epoch(undisturbed, tmp_path, cluster, number, whom):
    idx_set, _, expected = undisturbed
    address, start_worker = cluster
    first = psutil.Process(start_worker(*["--no-nanny"] * (whom == "without nanny")).pid)
    sweep = Launched(idx_set, tmp_path, address)
    sweep.wait_until(lambda: any(epochs > 20 for epochs in sweep.epochs().values()))
    # multiprocessing's resource tracker is a child, too.
    children = [child for child in first.children() if "spawn_main" in " ".join(child.cmdline())]
    start_worker()
    for process in {"nanny": [first], "process": children, "both": [first, *children], "without nanny": [first]}[whom]:
        process.send_signal(number)
    code, err = sweep.end()
    assert (code, err) == (FINISHED, "")
    assert results(sweep.folder) == expected
    if number != signal.SIGKILL:
        assert set(sweep.trained_twice().values()) == {0}
        logs = "".join(log.read_text() for log in sweep.folder.glob("*/train.log"))
        assert logs.count("interrupted after epoch") == 1


@pytest.mark.parametrize("least", [0, 1])
def test_a_cluster_grows_to_a_worker_for_each_run(undisturbed, tmp_path, least):
    idx_set, _, expected = undisturbed
    code = """
import sys
from distributed import LocalCluster
if __name__ == "__main__":
    least = int(sys.argv[1])
    with LocalCluster(n_workers=least, threads_per_worker=1, dashboard_address=None, host="127.0.0.1") as cluster:
        cluster.adapt(minimum=least, maximum=8, interval="200ms", wait_count=20)
        print(cluster.scheduler_address, flush=True)
        most = 0
        while not sys.stdin.readable() or not __import__("select").select([sys.stdin], [], [], 0.1)[0]:
            most = max(most, len(cluster.scheduler_info["workers"]))
        print(most, flush=True)
"""
    (tmp_path / "adaptive.py").write_text(code)
    with subprocess.Popen(
        [sys.executable, "adaptive.py", str(least)],
        cwd=tmp_path,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as adaptive:
        address = adaptive.stdout.readline().strip()
        sweep = Launched(idx_set, tmp_path, address)
        try:
            code, err = sweep.end()
        finally:
            most, _ = adaptive.communicate("end\n", timeout=60)
    assert (code, err) == (FINISHED, "")
    assert results(sweep.folder) == expected
    assert most.strip() in ("3", "4")  # Dask may count a run that has been at work for seconds as two


def test_a_latecomer_of_other_code_swallows_no_run(undisturbed, tmp_path, cluster):
    idx_set, _, expected = undisturbed
    address, start_worker = cluster
    start_worker()
    shutil.copytree(Path(npdigits.__file__).parent, tmp_path / "other" / "npdigits")
    with (tmp_path / "other" / "npdigits" / "train.py").open("a") as file:
        file.write("# other code\n")
    sweep = Launched(idx_set, tmp_path, address)
    sweep.wait_until(lambda: any(sweep.epochs().values()))
    start_worker(PYTHONPATH=os.pathsep.join([str(tmp_path / "other"), os.environ.get("PYTHONPATH", "")]))
    code, err = sweep.end()
    assert code == FINISHED
    assert re.fullmatch(
        r"npdigits: WARNING: the worker tcp://127.0.0.1:\d+ is refused: code \w{12} there, \w{12} here\n", err
    )
    assert results(sweep.folder) == expected


def test_where_no_worker_comes_the_sweep_ends_and_the_same_command_goes_on(undisturbed, tmp_path, cluster):
    idx_set, _, expected = undisturbed
    address, start_worker = cluster
    sweep = Launched(idx_set, tmp_path, address, "hydra.launcher.wait=0.02")
    code, err = sweep.end()
    assert code == INCOMPLETE
    assert err.splitlines()[0] == (
        "npdigits: WARNING: waited 0.02 minutes for a worker (hydra.launcher.wait), with 3 runs to do: "
        "the same command goes on"
    )
    assert "3 left" in sweep.out
    start_worker()
    again = Launched(idx_set, tmp_path, address, "hydra.launcher.wait=null")
    assert again.end() == (FINISHED, "")
    assert results(sweep.folder) == expected


def test_a_scheduler_that_comes_back_is_connected_to_again(undisturbed, tmp_path):
    idx_set, _, expected = undisturbed
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    address = f"tcp://127.0.0.1:{port}"
    begin = [sys.executable, "-m", "distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--port", str(port)]
    join = [sys.executable, "-m", "distributed.cli.dask_worker", address, "--nthreads", "1", "--no-nanny"]
    quiet = {"cwd": tmp_path, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    started = []

    def start(command):
        started.append(zygote.Popen([*command, "--no-dashboard"], **quiet))
        return started[-1]

    try:
        scheduler = start(begin)
        start(join)
        sweep = Launched(idx_set, tmp_path, address)
        sweep.wait_until(lambda: any(epochs > 20 for epochs in sweep.epochs().values()))
        scheduler.kill()
        scheduler.wait()
        start(begin)
        start(join)
        assert sweep.end() == (FINISHED, "")
    finally:
        for process in reversed(started):
            process.kill()
            process.wait()
    assert "the cluster is gone" in sweep.out and "trying to connect again, for 120 s" in sweep.out
    assert results(sweep.folder) == expected


@pytest.mark.parametrize("wait", ["-1", "true", "soon", "inf"])
def test_a_wait_that_is_no_number_of_minutes_is_refused(idx_set, tmp_path, wait):
    ended = typed("-m", *keys(idx_set), "seed=0,1", "out=sweep", f"hydra.launcher.wait={wait}", cwd=tmp_path)
    assert ended.returncode == BAD_INPUT and not (tmp_path / "sweep").exists()
    assert ended.stderr.startswith(
        f"npdigits: hydra.launcher.wait={'True' if wait == 'true' else wait}: allowed is null"
    )
