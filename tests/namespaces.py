"""Four hosts in network namespaces, joined by a bridge in a fifth: a Dask cluster whose links can be taken down.

The namespaces' names are of this process, and the bridge has a namespace of its own: so two of these do not meet,
though their addresses are the same, and nothing appears in the network of the machine itself. All share the disk.
"""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import psutil

HOSTS = ("scheduler", "a", "b", "launcher")
ADDRESSES = {host: f"10.77.0.{number}" for number, host in enumerate(HOSTS, 1)}
SCHEDULER = f"tcp://{ADDRESSES['scheduler']}:8786"
# Seconds in which the scheduler must listen, and processes that were asked to end must be gone.
TO_LISTEN, TO_END = 60.0, 10.0


def why_not() -> str:
    """Return why namespaces cannot be made here; "" if they can."""
    if sys.platform != "linux" or os.geteuid() != 0:
        return "needs root on Linux"
    if missing := [name for name in ("ip", "tc", "iptables", "mount") if shutil.which(name) is None]:
        return f"needs {' and '.join(missing)} (iproute2, iptables)"
    name = f"npd{os.getpid()}-try"
    try:
        call("ip", "netns", "add", name)
        call("ip", "-n", name, "link", "add", "bridge0", "type", "bridge")
    except subprocess.CalledProcessError as error:
        return f"needs network namespaces and bridges: {error.stderr.strip()}"
    finally:
        subprocess.run(["ip", "netns", "del", name], capture_output=True, check=False)
    return ""


def call(*command: str) -> str:
    """Run a command and return what it printed."""
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


class Hosts:
    """The namespaces and what runs in them. To be used as a context: at its end everything is gone.

    Args:
        logs: a folder for what the processes print.
        environment: of all of them, added to this process's own.
    """

    def __init__(self, logs: Path, environment: dict[str, str]) -> None:
        self._logs, self._environment = logs, environment
        self._prefix = f"npd{os.getpid()}-"
        self._started: list[subprocess.Popen[str]] = []
        self._down: set[str] = set()

    def __enter__(self) -> "Hosts":
        try:
            bridge = self._prefix + "bridge"
            call("ip", "netns", "add", bridge)
            call("ip", "-n", bridge, "link", "add", "bridge0", "type", "bridge")
            call("ip", "-n", bridge, "link", "set", "bridge0", "up")
            for host, address in ADDRESSES.items():
                name = self._prefix + host
                call("ip", "netns", "add", name)
                peer = ("peer", "name", "eth", "netns", name)
                call("ip", "-n", bridge, "link", "add", f"to-{host}", "type", "veth", *peer)
                call("ip", "-n", bridge, "link", "set", f"to-{host}", "master", "bridge0", "up")
                call("ip", "-n", name, "address", "add", f"{address}/24", "dev", "eth")
                call("ip", "-n", name, "link", "set", "eth", "up")
                call("ip", "-n", name, "link", "set", "lo", "up")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        # A second Ctrl-C, or a signal that comes twice, would leave the rest behind.
        before = {number: signal.signal(number, signal.SIG_IGN) for number in (signal.SIGINT, signal.SIGTERM)}
        for host in (*HOSTS, "bridge"):
            self.end_all(host)
            subprocess.run(["ip", "netns", "del", self._prefix + host], capture_output=True, check=False)
        for number, handler in before.items():
            signal.signal(number, handler)

    def pids(self, host: str) -> list[int]:
        """Return the processes of a host."""
        ended = subprocess.run(
            ["ip", "netns", "pids", self._prefix + host], capture_output=True, text=True, check=False
        )
        return [int(pid) for pid in ended.stdout.split()]

    def end_all(self, host: str) -> None:
        """End all processes of a host, at last by SIGKILL."""
        for number, within in ((signal.SIGTERM, TO_END), (signal.SIGKILL, TO_END)):
            for pid in self.pids(host):
                send(pid, number)
                send(pid, signal.SIGCONT)
            until = time.monotonic() + within
            while self.pids(host) and time.monotonic() < until:
                for process in self._started:
                    process.poll()  # else it would stay as a zombie
                time.sleep(0.05)

    def start(
        self, host: str, name: str, command: Sequence[str], hidden: Path | None = None, **environment: str
    ) -> subprocess.Popen[str]:
        """Start a process on a host; what it prints goes to logs/name.

        Args:
            hidden: a folder that the process does not see: an empty one lies over it.
        """
        inside = ["ip", "netns", "exec", self._prefix + host]
        if hidden is not None:  # in the mount namespace that ``ip netns exec`` makes
            inside += ["sh", "-c", 'mount -t tmpfs none "$0" && exec "$@"', str(hidden)]
        with (self._logs / name).open("a") as log:
            process = subprocess.Popen(
                [*inside, *command],
                cwd=self._logs,
                env={**os.environ, **self._environment, **environment},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                text=True,
                start_new_session=True,  # Ctrl-C is for this program
            )
        self._started.append(process)
        return process

    def start_scheduler(self) -> None:
        """Start the scheduler, and wait until it listens."""
        options = ["--host", ADDRESSES["scheduler"], "--port", "8786", "--no-dashboard"]
        process = self.start("scheduler", "scheduler.log", dask("scheduler", *options))
        until = time.monotonic() + TO_LISTEN
        while "Scheduler at" not in (self._logs / "scheduler.log").read_text():
            assert process.poll() is None and time.monotonic() < until, "the scheduler does not listen"
            time.sleep(0.1)

    def start_worker(
        self, host: str, nanny: bool = True, threads: int = 1, hidden: Path | None = None, **environment: str
    ) -> subprocess.Popen[str]:
        """Start a worker on a host."""
        options = ["--host", ADDRESSES[host], "--nthreads", str(threads), "--no-dashboard", "--memory-limit", "0"]
        options += ["--nanny" if nanny else "--no-nanny", "--local-directory", str(self._logs / "local")]
        return self.start(host, f"worker-{host}.log", dask("worker", SCHEDULER, *options), hidden, **environment)

    def cut(self, host: str) -> None:
        """Take a host's link down. The host keeps its address, and what it sends is lost."""
        call("ip", "-n", self._prefix + "bridge", "link", "set", f"to-{host}", "down")

    def mend(self, host: str) -> None:
        """Take a host's link up again."""
        call("ip", "-n", self._prefix + "bridge", "link", "set", f"to-{host}", "up")

    def disturb(self, host: str, how: str) -> None:
        """Have a host's link lose each fifth packet ("loss"), or carry 200 kbit/s, so that all is late ("slow").

        By iptables and a token bucket, as many kernels come without netem.
        """
        inside = ("ip", "netns", "exec", self._prefix + host)
        if how == "loss":
            for chain in ("INPUT", "OUTPUT"):
                rule = ("-m", "statistic", "--mode", "random", "--probability", "0.2", "-j", "DROP")
                call(*inside, "iptables", "-A", chain, "-o" if chain == "OUTPUT" else "-i", "eth", *rule)
        else:
            bucket = ("tbf", "rate", "200kbit", "burst", "16kb", "latency", "500ms")
            call(*inside, "tc", "qdisc", "add", "dev", "eth", "root", *bucket)

    def calm(self, host: str) -> None:
        """End what ``disturb`` began."""
        for command in (("iptables", "-F"), ("tc", "qdisc", "del", "dev", "eth", "root")):
            inside = ("ip", "netns", "exec", self._prefix + host)
            subprocess.run([*inside, *command], capture_output=True, check=False)


def dask(part: str, *options: str) -> list[str]:
    """Return the command of a part of a Dask cluster."""
    return [sys.executable, "-m", f"distributed.cli.dask_{part}", *options]


def send(pid: int, number: int) -> None:
    """Send a signal, unless the process is gone."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


def end_family(process: subprocess.Popen[str], number: int, whom: str) -> None:
    """Send a signal to a worker's process ("parent": its nanny), to those that it has made ("child"), or to "both"."""
    with contextlib.suppress(psutil.NoSuchProcess):
        children = psutil.Process(process.pid).children(recursive=True)
        if whom in ("parent", "both") or not children:  # a worker without a nanny has no child
            send(process.pid, number)
        if whom in ("child", "both"):
            for child in children:
                send(child.pid, number)


def dump_stacks(pids: Sequence[int]) -> str:
    """Return what the threads of some processes are at, by py-spy; of each process a few lines where it is missing."""
    found = []
    for pid in pids:
        if (spy := shutil.which("py-spy", path=f"{Path(sys.executable).parent}{os.pathsep}{os.defpath}")) is None:
            return "(py-spy is not there)"
        ended = subprocess.run([spy, "dump", "--pid", str(pid)], capture_output=True, text=True, check=False)
        found.append(ended.stdout or ended.stderr)
    return "\n".join(found)
