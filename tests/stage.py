"""A cluster, the sweep that runs on it, and what a scenario of ``cluster.py`` can do to both."""

import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from made import REPOSITORY
from namespaces import SCHEDULER, Hosts, end_family

EPOCHS, RUNS = 200, 8
# Seconds after which Dask takes a silent connection for broken: 30 by default; less, so that more fits into the time.
# Below 11 Dask itself raises "Timeout too low".
SILENT = 12
DASK = {f"DASK_DISTRIBUTED__COMM__TIMEOUTS__{name}": f"{SILENT}s" for name in ("TCP", "CONNECT")}


class Fault(AssertionError):
    """Something did not come out right."""


def expect(condition: object, what: str) -> None:
    """Raise Fault unless the condition holds."""
    if not condition:
        raise Fault(what)


class Stage:
    """What a scenario acts on: the hosts, the sweep that runs on them, and the clock.

    Args:
        hosts: the namespaces.
        folder: the scenario's own.
        data: the data set's.
        rng: draws what is left open.
    """

    def __init__(self, hosts: Hosts, folder: Path, data: Path, rng: random.Random) -> None:
        self.hosts, self.folder, self.data, self.rng = hosts, folder, data, rng
        self.out = folder / "work" / "sweep"
        self.out.parent.mkdir()
        self.workers: dict[str, subprocess.Popen[str]] = {}
        self.foreign: list[subprocess.Popen[str]] = []
        self.sweep: subprocess.Popen[str] | None = None
        self.events: list[str] = []

    def note(self, what: str) -> None:
        """Write down what is done to the cluster."""
        self.events.append(f"{time.monotonic() - self.begun:.1f} s {what}" if self.sweep else what)

    def command(self, *more: str) -> list[str]:
        """Return the sweep's command."""
        keys = ["data=idx", f"data.dir={self.data}", f"epochs={EPOCHS}", "hidden=60", "stop_on=none", "plots=false"]
        grid = [f"seed=range(0,{RUNS})", f"out={self.out}"]
        return [sys.executable, "-m", "npdigits.train", "-m", *keys, *grid, *more]

    def worker(self, host: str, nanny: bool = True, threads: int = 1) -> None:
        """Start a host's worker, in the place of the one that it had."""
        self.note(f"worker {host} starts")
        self.workers[host] = self.hosts.start_worker(host, nanny, threads)

    def launch(self) -> None:
        """Begin the sweep."""
        self.begun = time.monotonic()
        more = (f"hydra.launcher.address={SCHEDULER}", "hydra.launcher.wait=1")
        self.sweep = self.hosts.start("launcher", "launcher.log", self.command(*more))

    def finished(self) -> int:
        """Return how many runs have ended."""
        return sum('"finished"' in path.read_text() for path in self.out.glob("*/summary.json"))

    @property
    def going(self) -> bool:
        """Whether the sweep has not ended."""
        return self.sweep is not None and self.sweep.poll() is None

    def until(self, reached: Callable[[], bool], seconds: float = 60.0) -> bool:
        """Wait until something is so; say whether it came to that before the sweep's end."""
        until = time.monotonic() + seconds
        while self.going and time.monotonic() < until:
            if reached():
                return True
            time.sleep(0.05)
        return reached()

    def pause(self, seconds: float) -> None:
        """Wait, but no longer than the sweep goes on."""
        self.until(lambda: False, seconds)

    def into_the_runs(self) -> None:
        """Wait until the first runs have ended and the next ones are under way."""
        expect(self.until(lambda: self.finished() >= 2), "no two runs finished within a minute")
        self.pause(1.0)

    def end_worker(self, host: str, number: int, whom: str) -> None:
        """Send a signal to a host's worker."""
        self.note(f"{signal.Signals(number).name} to the {whom} of worker {host}")
        end_family(self.workers[host], number, whom)

    def cut(self, host: str, seconds: float | None = None) -> None:
        """Take a host's link down, and up again after some seconds, if any are given."""
        self.note(f"{host} cut off" + (f" for {seconds:.0f} s" if seconds else ""))
        self.hosts.cut(host)
        if seconds:
            self.pause(seconds)
            self.hosts.mend(host)

    def stranger(self, host: str, kind: str) -> None:
        """Start a worker that cannot do the sweep's runs."""
        self.note(f"a worker comes to {host}: {kind}")
        hidden, other = None, self.folder / f"package-{kind.replace(' ', '-')}"
        environment = {"NPDIGITS_CACHE": str(self.folder / "cache-of-a-stranger")}
        if kind == "no folder":
            hidden = self.out.parent
        elif kind == "no data":
            hidden = self.data
        else:
            if kind == "other code" and not other.exists():
                for name in ("npdigits", "conf"):
                    shutil.copytree(REPOSITORY / name, other / name)
                with (other / "npdigits" / "nn" / "costs.py").open("a") as file:
                    file.write("# one line more\n")
            elif not other.exists():
                (other / "npdigits").mkdir(parents=True)
                text = "raise ModuleNotFoundError(\"No module named 'npdigits'\")\n"
                (other / "npdigits" / "__init__.py").write_text(text)
            environment["PYTHONPATH"] = str(other)
        self.foreign.append(self.hosts.start_worker(host, hidden=hidden, **environment))

    def said(self) -> str:
        """Return what the sweep has printed."""
        return (self.folder / "launcher.log").read_text()


@dataclass(frozen=True)
class Scenario:
    """What is done to a cluster while a sweep runs on it.

    Attributes:
        name: of the scenario.
        act: does it.
        codes: the exit codes that are right.
        before: whether ``act`` starts the sweep (and perhaps the workers) itself.
        refused: how many lines must say that a worker is refused.
        threads: of each worker.
        nanny: whether the workers have a nanny.
    """

    name: str
    act: Callable[[Stage], None]
    codes: tuple[int, ...] = (0,)
    before: bool = False
    refused: int | None = 0
    threads: int = 1
    nanny: bool = True
