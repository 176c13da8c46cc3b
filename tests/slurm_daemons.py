"""A SLURM of one node on the loopback address: munged, slurmctld and slurmd, in a folder of their own, without systemd.

Needs root and Debian's packages slurm-wlm and munge; their own configuration and services are left alone.
"""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "scancel", "squeue", "sinfo")
# Names a process that was started from here on, wherever it has gone: see ``processes_of``.
MARK = "NPDIGITS_SLURM"
CPUS = 4
# Seconds for each of the daemons to come up, and for all jobs to end: KillWait and some.
TO_START, TO_END = 30.0, 45.0
# Without cgroups, which a container does not let everyone have. The node is said to have CPUs, whatever it has: the
# pauses of this harness share a core well. KillWait is SLURM's default.
CONFIGURATION = """\
ClusterName=npdigits
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={ports[0]}
SlurmdPort={ports[1]}
CommunicationParameters=NoCtldInAddrAny,NoInAddrAny
AuthType=auth/munge
AuthInfo=socket={folder}/munge/socket
SlurmUser=root
SlurmdUser=root
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SchedulerType=sched/builtin
MpiDefault=none
SwitchType=switch/none
ReturnToService=2
KillWait=30
SlurmdParameters=config_overrides
NodeName=here NodeHostname={host} NodeAddr=127.0.0.1 CPUs={cpus} RealMemory=1000000
PartitionName=all Nodes=ALL Default=YES MaxTime=INFINITE State=UP
"""


def missing() -> str:
    """Return why no SLURM can be started here; "" if it can."""
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        return "needs root"
    absent = [name for name in PROGRAMS if shutil.which(name) is None]
    return f"needs {', '.join(absent)} (Debian's packages slurm-wlm and munge)" if absent else ""


@contextlib.contextmanager
def slurm(folder: Path) -> Iterator[None]:
    """Start a SLURM, point this process's commands at it, and end it with all that was started in it.

    Args:
        folder: a new one, for all its files.

    Raises:
        RuntimeError: it does not come up.
    """
    for name in ("munge", "state", "spool"):
        (folder / name).mkdir(parents=True, mode=0o700)
    key = folder / "munge" / "key"
    key.write_bytes(os.urandom(128))
    key.chmod(0o600)
    host = socket.gethostname().partition(".")[0]
    configuration = folder / "slurm.conf"
    configuration.write_text(CONFIGURATION.format(host=host, ports=_free_ports(2), folder=folder, cpus=CPUS))
    os.environ |= {"SLURM_CONF": str(configuration), MARK: str(folder)}
    started: list[subprocess.Popen[bytes]] = []
    try:
        files = {"key-file": "key", "socket": "socket", "pid-file": "pid", "log-file": "log", "seed-file": "seed"}
        options = [f"--{option}={folder}/munge/{name}" for option, name in files.items()]
        started.append(_start(folder, "munged", "--force", "--foreground", *options))
        _wait_for(lambda: (folder / "munge" / "socket").exists(), "munged", folder)
        started.append(_start(folder, "slurmctld", "-D", "-c"))
        started.append(_start(folder, "slurmd", "-D"))
        _wait_for(lambda: asked("sinfo", "-h", "-o", "%T") == "idle", "SLURM's node", folder)
        yield
    finally:
        _end(folder, started)
        for name in ("SLURM_CONF", MARK):
            del os.environ[name]


def asked(*command: str) -> str:
    """Return what a command prints, or "" if it fails."""
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60)
    return ended.stdout.strip() if ended.returncode == 0 else ""


def jobs(state: str = "") -> list[str]:
    """Return the numbers of the jobs that are there, perhaps only of those in one state."""
    return asked("squeue", "-h", "-o", "%i", *(["-t", state] if state else [])).split()


def has_emptied() -> bool:
    """Cancel all jobs, and return whether they were gone in time."""
    asked("scancel", "--user", "root")
    until = time.monotonic() + TO_END
    while jobs():
        if time.monotonic() > until:
            return False
        time.sleep(0.2)
    return True


def processes_of(folder: Path) -> dict[int, str]:
    """Return the living processes whose environment names this folder, and what each is called."""
    found = {}
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):  # gone meanwhile
            zombie = (process / "stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"
            if not zombie and f"{MARK}={folder}".encode() in (process / "environ").read_bytes().split(b"\0"):
                found[int(process.name)] = (process / "cmdline").read_text().replace("\0", " ").strip()
    found.pop(os.getpid(), None)
    return found


def _start(folder: Path, *command: str) -> subprocess.Popen[bytes]:
    with (folder / f"{command[0]}.log").open("wb") as log:
        return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=folder)


def _wait_for(has_come, what, folder) -> None:
    until = time.monotonic() + TO_START
    while not has_come():
        if time.monotonic() > until:
            said = "\n".join(path.read_text(errors="replace")[-2000:] for path in sorted(folder.glob("*.log")))
            raise RuntimeError(f"{what} did not come up:\n{said}")
        time.sleep(0.1)


def _end(folder: Path, started: list[subprocess.Popen[bytes]]) -> None:
    """End all jobs, then the daemons, the last one first, then whatever else was started here."""
    if len(started) > 1:
        has_emptied()
    for process in reversed(started):
        process.terminate()
        try:
            process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    for number in processes_of(folder):
        with contextlib.suppress(ProcessLookupError):
            os.kill(number, signal.SIGKILL)


def _free_ports(n: int) -> list[int]:
    with contextlib.ExitStack() as opened:
        listening = [opened.enter_context(socket.socket()) for _ in range(n)]
        for one in listening:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in listening]
