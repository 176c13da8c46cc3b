"""This machine's own cluster: nobody else gets in, no settings of the user's break it, and nothing of it stays."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time

import psutil
import pytest
from distributed import Client, Security
from small_sweep import keys, rows
from typed import typed

from npdigits.base.errors import ConfigError
from npdigits.base.interruption import Stopped, never
from npdigits.sweeps import limits, local_cluster

FINISHED, BAD_INPUT = 0, 2
ENDLESS = ["seed=0,1", "epochs=999999", "stop_on=none", "out=sweep", "workers=2"]
PAUSE = pytest.mark.skipif(not hasattr(signal, "SIGSTOP"), reason="Windows stops no process this way")


def begin(tmp_path, *typed_keys, **environment):
    """Begin a sweep in a process group of its own; return its process once both workers have begun a run."""
    process = subprocess.Popen(
        [sys.executable, "-m", "npdigits.train", "-m", *typed_keys],
        cwd=tmp_path,
        env={**os.environ, "PYTHONFAULTHANDLER": "1", **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    deadline = time.monotonic() + 60
    while len(list(tmp_path.glob("sweep/*/metrics.csv"))) < 2:
        assert time.monotonic() < deadline and process.poll() is None, process.communicate()
        time.sleep(0.05)
    return process


def await_end(process, seconds):
    """Return what a sweep says on standard error until its end; where that does not come, show where it stands."""
    try:
        return process.communicate(timeout=seconds)[1]
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGABRT)  # has all its threads' stacks written
        time.sleep(2)
        os.killpg(process.pid, signal.SIGKILL)
        raise AssertionError(f"has not ended after {seconds} s:\n{process.communicate()[1]}") from None


@pytest.fixture
def temporary(tmp_path, monkeypatch):
    """An empty folder that is the system's for temporary files."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    return folder


@PAUSE
@pytest.mark.alone
def test_a_pause_fails_no_run_whatever_the_user_has_set_for_dask(idx_set, tmp_path):
    # The shortest time to live that Dask heeds is ten heartbeats: five seconds.
    time_to_live = {"DASK_DISTRIBUTED__SCHEDULER__WORKER_TTL": "1s", "DASK_DISTRIBUTED__COMM__TIMEOUTS__TCP": "1s"}
    more = ["seed=0,1", "epochs=2000", "stop_on=none", "out=sweep", "workers=2"]
    process = begin(tmp_path, *keys(idx_set, *more), **time_to_live)
    os.killpg(process.pid, signal.SIGSTOP)
    time.sleep(7)
    os.kill(process.pid, signal.SIGCONT)  # the scheduler comes first, and sees the workers late
    time.sleep(2)
    os.killpg(process.pid, signal.SIGCONT)
    err = await_end(process, 120)
    assert (process.returncode, err) == (FINISHED, "")
    for row in rows(tmp_path / "sweep"):
        assert row["status"] == "finished"
        # And its process was not taken from it, so that it would have had to go on from a checkpoint.
        assert (tmp_path / "sweep" / row["run"] / "train.log").read_text().count("digits to train on") == 1


def test_no_port_of_a_sweep_answers_a_stranger(idx_set, tmp_path, temporary):
    process = begin(tmp_path, *keys(idx_set, *ENDLESS))
    try:
        first = psutil.Process(process.pid)
        processes = [first, *first.children(recursive=True)]
        ports = [
            (one.pid, connection.laddr)
            for one in processes
            for connection in one.net_connections("inet")
            if connection.status == psutil.CONN_LISTEN
        ]
        # The scheduler's and for each worker its nanny's and its own; none for pages.
        assert len(ports) == 5 and {address.ip for _, address in ports} == {"127.0.0.1"}
        for _, (ip, port) in ports:
            with socket.create_connection((ip, port), timeout=10) as stranger:
                stranger.sendall(b"GET / HTTP/1.0\r\n\r\n")
                with contextlib.suppress(ConnectionResetError):
                    assert stranger.recv(99) == b""
            for scheme, security in (("tcp", None), ("tls", Security.temporary())):
                with pytest.raises(OSError):
                    Client(f"{scheme}://{ip}:{port}", security=security, timeout=5, set_as_default=False)
        # No key lies on the disk, and no other user sees what does.
        made = [path for path in temporary.rglob("*") if path.is_file()]
        assert all(b"PRIVATE" not in path.read_bytes() for path in made)
        assert all(path.stat().st_mode & 0o077 == 0 for path in temporary.iterdir() if path.is_dir())
        assert all("PRIVATE" not in " ".join([*one.cmdline(), *one.environ().values()]) for one in processes)
    finally:
        process.send_signal(signal.SIGTERM)
        err = await_end(process, 60)
    assert (process.returncode, err) == (143, "npdigits: terminated\n")
    assert list(temporary.iterdir()) == []


BROKEN = {
    "DASK_DISTRIBUTED__WORKER__MULTIPROCESSING_METHOD": "nonsense",
    "DASK_DISTRIBUTED__SCHEDULER__WORKER_TTL": "abc",
    "DASK_DISTRIBUTED__SCHEDULER__CONTACT_ADDRESS": "tcp://10.9.9.9:1",
    "DASK_DISTRIBUTED__SCHEDULER__HTTP__ROUTES": "[3]",
    "DASK_DISTRIBUTED__WORKER__PRELOAD": "no_such_module",
    "DASK_DISTRIBUTED__NANNY__PRELOAD": "no_such_module",
    "DASK_DISTRIBUTED__NANNY__ENVIRON": "3",
    "DASK_DISTRIBUTED__COMM__REQUIRE_ENCRYPTION": "True",
    "DASK_DISTRIBUTED__COMM__TLS__MIN_VERSION": "9",
    "DASK_DISTRIBUTED__COMM__TLS__CIPHERS": "none-such",
    "DASK_DISTRIBUTED__COMM__COMPRESSION": "none-such",
    "DASK_SCHEDULER_ADDRESS": "tcp://10.9.9.9:1",
    "DASK_TEMPORARY_DIRECTORY": "/dev/null/x",
}


def test_no_settings_for_other_clusters_break_it_and_nothing_stays(idx_set, tmp_path, temporary):
    ended = typed("-m", *keys(idx_set), "seed=0,1", "out=sweep", cwd=tmp_path, **BROKEN)
    assert (ended.returncode, ended.stderr) == (FINISHED, "")
    assert list(temporary.iterdir()) == []


def refused(ended, tmp_path):
    """What is said in the one line of a sweep that cannot be begun, of which nothing is left."""
    assert ended.returncode == BAD_INPUT and ended.stderr.count("\n") == 1, ended
    assert "workers=0" in ended.stderr
    assert not (tmp_path / "sweep").exists()
    return ended.stderr


@pytest.mark.parametrize(
    ("yaml", "said"), [("distributed: [", "malformed"), ("distributed: {comm: {shard: abc}}", "'abc' as a byte unit")]
)
def test_settings_that_dask_itself_cannot_read_are_named_in_a_line(idx_set, tmp_path, yaml, said):
    (tmp_path / "dask.yaml").write_text(yaml)
    environment = {"DASK_CONFIG": str(tmp_path / "dask.yaml")}
    ended = typed("-m", *keys(idx_set), "seed=0,1", "out=sweep", cwd=tmp_path, **environment)
    line = refused(ended, tmp_path)
    assert line.startswith("npdigits: Dask cannot be imported: ValueError: ") and said in line
    ended = typed("-m", *keys(idx_set), "seed=0,1", "out=sweep", "workers=0", cwd=tmp_path, **environment)
    assert (ended.returncode, ended.stderr) == (FINISHED, "")


def test_without_cryptography_a_line_offers_this_process(idx_set, tmp_path, temporary):
    (tmp_path / "fake" / "cryptography").mkdir(parents=True)
    (tmp_path / "fake" / "cryptography" / "__init__.py").write_text("raise ImportError('on purpose')")
    path = os.pathsep.join([str(tmp_path / "fake"), os.environ.get("PYTHONPATH", "")])
    ended = typed("-m", *keys(idx_set), "seed=0,1", "out=sweep", cwd=tmp_path, PYTHONPATH=path)
    assert "needs cryptography" in refused(ended, tmp_path)
    assert list(temporary.iterdir()) == []
    ended = typed("-m", *keys(idx_set), "seed=0,1", "out=sweep", "workers=0", cwd=tmp_path, PYTHONPATH=path)
    assert (ended.returncode, ended.stderr) == (FINISHED, "")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such limits")
@pytest.mark.parametrize(("soft", "hard"), [(12, 12), (40, 40), (30, 400)])
def test_too_few_open_files_are_raised_or_said_beforehand(idx_set, tmp_path, temporary, soft, hard):
    command = [sys.executable, "-m", "npdigits.train", "-m", *keys(idx_set), "seed=0,1", "out=sweep", "workers=2"]
    limited = f'ulimit -Sn {soft} && ulimit -Hn {hard} && exec "$0" "$@"'
    ended = subprocess.run(["sh", "-c", limited, *command], cwd=tmp_path, capture_output=True, text=True, timeout=60)
    if hard == 400:
        assert (ended.returncode, ended.stderr) == (FINISHED, "")
    else:
        assert f"open files, and {hard} are allowed (ulimit -n)" in refused(ended, tmp_path)
    assert list(temporary.iterdir()) == []


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such limits")
def test_too_few_processes_are_said_beforehand(monkeypatch):
    resource = pytest.importorskip("resource")
    monkeypatch.setattr(resource, "setrlimit", lambda *_: None)
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr(limits, "_count_threads_of_user", lambda: 100)
    monkeypatch.setattr(limits, "_count_room_in_control_group", lambda: None)
    limit = 100 + limits.THREADS + 4 * limits.THREADS_A_WORKER
    monkeypatch.setattr(resource, "getrlimit", lambda what: (limit if what == resource.RLIMIT_NPROC else 4096,) * 2)
    limits.raise_limits(4)

    def refuse(what, _):
        assert what == resource.RLIMIT_NPROC
        raise ValueError("not allowed to raise maximum limit")

    monkeypatch.setattr(resource, "setrlimit", refuse)
    limits.raise_limits(4)
    with pytest.raises(ConfigError, match=rf"workers=5 needs {limit + 8} processes .* {limit} are .*or workers=0$"):
        limits.raise_limits(5)
    monkeypatch.setattr(limits, "_count_room_in_control_group", lambda: 20)
    with pytest.raises(ConfigError, match=r"needs 24 more processes .* 20 are allowed \(pids.max .*or workers=0$"):
        limits.raise_limits(2)


@pytest.mark.parametrize(
    ("does", "raised", "said"),
    [
        (lambda: {}["a"], ConfigError, "the sweep's 2 processes could not be started: KeyError: 'a'; workers=0 "),
        (lambda: time.sleep(60), ConfigError, "could not be started: not all had after 1 s; workers=0 does without"),
        (lambda: time.sleep(60), Stopped, "^$"),
    ],
)
def test_a_start_that_fails_or_hangs_is_a_line_and_a_signal_is_heeded(monkeypatch, temporary, does, raised, said):
    monkeypatch.setattr(local_cluster, "TO_START", 1.0)
    monkeypatch.setattr(local_cluster, "_start", lambda *_: does())
    stop = never if raised is ConfigError else lambda: True
    monkeypatch.setattr(local_cluster.tempfile, "tempdir", str(temporary))
    with pytest.raises(raised, match=said), local_cluster.open_cluster(2, stop):
        raise AssertionError("was made")
    assert list(temporary.iterdir()) == []


@pytest.mark.parametrize("secured", [True, False])
def test_a_cluster_of_the_users_own_is_reached_by_the_users_own_certificates(idx_set, tmp_path, secured):
    security = Security.temporary()
    (tmp_path / "key.pem").write_text(security.tls_client_key)
    (tmp_path / "certificate.pem").write_text(security.tls_ca_file)
    tls = {"DASK_DISTRIBUTED__COMM__TLS__CA_FILE": str(tmp_path / "certificate.pem")}
    for role in ("SCHEDULER", "WORKER", "CLIENT"):
        tls[f"DASK_DISTRIBUTED__COMM__TLS__{role}__KEY"] = str(tmp_path / "key.pem")
        tls[f"DASK_DISTRIBUTED__COMM__TLS__{role}__CERT"] = str(tmp_path / "certificate.pem")
    file = tmp_path / "scheduler.json"
    command = [sys.executable, "-m", "distributed.cli.dask_"]
    options = {"env": {**os.environ, **tls}, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    where = ["--protocol", "tls", "--host", "127.0.0.1", "--port", "0", "--no-dashboard", "--scheduler-file", str(file)]
    scheduler = subprocess.Popen([*command[:-1], f"{command[-1]}scheduler", *where], **options)
    started = [scheduler]
    try:
        deadline = time.monotonic() + 60
        while not file.exists() or not file.read_text().strip():
            assert time.monotonic() < deadline
            time.sleep(0.05)
        address = json.loads(file.read_text())["address"]
        assert address.startswith("tls://")
        of_worker = ["--nthreads", "1", "--no-dashboard", "--local-directory", str(tmp_path / "away")]
        started.append(subprocess.Popen([*command[:-1], f"{command[-1]}worker", address, *of_worker], **options))
        grid = ["-m", *keys(idx_set), "seed=0,1", "out=sweep", f"hydra.launcher.address={address}"]
        ended = typed(*grid, cwd=tmp_path, **(tls if secured else {}))
    finally:
        for process in reversed(started):
            process.kill()
            process.wait()
    if secured:
        assert (ended.returncode, ended.stderr) == (FINISHED, "")
    else:
        assert ended.returncode == BAD_INPUT and ended.stderr.count("\n") == 1
        assert ended.stderr.startswith(f"npdigits: hydra.launcher.address={address}: cannot be connected to: ")
