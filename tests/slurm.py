"""The SLURM harness: real sweeps by the workers of dask-jobqueue on a real SLURM, which are taken away while they work.

    python tests/slurm.py                        # all of it, about ten minutes
    python tests/slurm.py --only scancel --seed 7 --runs 10

A SLURM of one node is started on the loopback address (``slurm_daemons``). After each sweep every result is compared,
byte by byte, with that of a sweep which this process's own machine did undisturbed; each epoch that was begun is noted
and counted; nothing may be left over. Needs root, Debian's slurm-wlm and munge, and dask-jobqueue; where they are
missing it says so and ends with code 77, which stands for skipped.
"""

import argparse
import contextlib
import importlib.util
import itertools
import logging
import math
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import slurm_daemons as daemons
from filelock import FileLock, Timeout
from made import REPOSITORY, write_set
from small_sweep import keys, results

SKIPPED, TERMINATED = 77, 143
FINISHED, INCOMPLETE = 0, 1
# Seconds after which a sweep is taken for one that does not end.
TOO_LONG = 400.0
# Each epoch pauses so long, so that a run takes a while and no core: several workers share one.
PAUSE = 0.25
# Epochs that a run may repeat after it was cut off: the one at work; killed, also those since its last checkpoint.
REPEATED, REPEATED_AFTER_KILL = 1, 4
# In every process of Python: each epoch that begins is noted, and pauses.
WATCHED = f"""
import os, time
if "NPDIGITS_EPOCHS" in os.environ:
    from npdigits.base import random
    original = random.stream
    def stream(seed, purpose, *numbers):
        if purpose == "shuffle":
            with open(os.environ["NPDIGITS_EPOCHS"], "a") as file:
                file.write(f"{{seed}} {{numbers[0]}} {{os.getpid()}} {{time.time()}}\\n")
            time.sleep({PAUSE})
        return original(seed, purpose, *numbers)
    random.stream = stream
"""


@dataclass
class Bench:
    """What the scenarios share.

    Attributes:
        folder: for everything.
        data: the set.
        rng: for what is drawn.
        expected: the results of undisturbed sweeps, by seeds and epochs.
    """

    folder: Path
    data: Path
    rng: random.Random
    expected: dict[tuple[int, int], dict[str, Any]]

    def command(self, out: Path, seeds: int, epochs: int) -> list[str]:
        fixed = keys(self.data, f"epochs={epochs}", "stop_on=none", f"seed=range({seeds})", f"out={out}")
        return [sys.executable, "-m", "npdigits.train", "-m", *fixed]

    def undisturbed(self, seeds: int, epochs: int) -> dict[str, Any]:
        """Return the results of this sweep by one process of this machine, which does not pause."""
        if (seeds, epochs) not in self.expected:
            out = self.folder / f"undisturbed-{seeds}-{epochs}"
            command = [*self.command(out, seeds, epochs), "workers=0"]
            environment = {name: value for name, value in os.environ.items() if name != "NPDIGITS_EPOCHS"}
            ended = subprocess.run(command, env=environment, capture_output=True, text=True)
            demand(ended.returncode == FINISHED, f"the undisturbed sweep failed: {ended.stderr}")
            self.expected[seeds, epochs] = results(out)
        return self.expected[seeds, epochs]


def demand(holds: bool, otherwise: str) -> None:
    """Raise AssertionError with this text, unless something holds."""
    if not holds:
        raise AssertionError(otherwise)


class Sweep:
    """A sweep in a process of its own, by the workers of a SLURMCluster.

    Args:
        bench: what the scenarios share.
        name: of the folder for it.
        seeds, epochs: its size.
        walltime: of a worker's job, hh:mm:ss.
    """

    def __init__(self, bench: Bench, name: str, seeds: int, epochs: int, walltime: str = "00:30:00") -> None:
        self.bench, self.seeds, self.epochs = bench, seeds, epochs
        self.folder = bench.folder / name
        self.folder.mkdir()
        self.out, self.noted = self.folder / "sweep", self.folder / "epochs"
        self.walltime = walltime
        self.most_workers = 0
        self.cluster: Any = None
        self.process: subprocess.Popen[str] | None = None

    @contextlib.contextmanager
    def on_slurm(self) -> Iterator["Sweep"]:
        """Have a cluster, without any worker yet, and afterwards look whether it left anything behind."""
        from dask_jobqueue import SLURMCluster

        os.environ["NPDIGITS_EPOCHS"] = str(self.noted)  # sbatch hands it on
        local = {"log_directory": str(self.folder / "logs"), "local_directory": str(self.folder / "local")}
        size = {"cores": 1, "processes": 1, "memory": "1GB", "walltime": self.walltime}
        try:
            with SLURMCluster(
                interface="lo", scheduler_options={"dashboard_address": ":0"}, **size, **local
            ) as cluster:
                self.cluster = cluster
                yield self
        finally:
            del os.environ["NPDIGITS_EPOCHS"]
            if self.process:
                self.process.kill()
                self.process.communicate()
            emptied = daemons.has_emptied()
        demand(emptied, f"SLURM's jobs did not end: {daemons.asked('squeue')}")
        self._check_nothing_left()

    def begin(self, *more: str) -> None:
        """Start the sweep."""
        address = f"hydra.launcher.address={self.cluster.scheduler_address}"
        command = [*self.bench.command(self.out, self.seeds, self.epochs), address, *more]
        pipes: dict[str, Any] = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        self.process = subprocess.Popen(command, cwd=self.folder, text=True, **pipes)
        threading.Thread(target=self._count_workers, args=(self.process,), daemon=True).start()

    def workers(self) -> list[str]:
        """Return the numbers of the jobs whose worker is there."""
        running = daemons.jobs("RUNNING")
        names = [worker["name"] for worker in self.cluster.scheduler_info["workers"].values()]
        numbers = [self.cluster.workers[name].job_id for name in names if name in self.cluster.workers]
        return sorted(number for number in numbers if number in running)

    def at_work(self) -> bool:
        """Say whether the sweep has not ended yet."""
        return self.process is not None and self.process.poll() is None

    def await_epoch(self, seconds: float) -> bool:
        """Wait so long after the next epoch has begun; return whether the sweep is still at work then."""
        before, until = self._count_noted(), math.inf
        while self.at_work() and time.monotonic() < until:
            if until == math.inf and self._count_noted() > before:
                until = time.monotonic() + seconds
            time.sleep(0.05)
        return self.at_work()

    def _count_noted(self) -> int:
        return self.noted.stat().st_size if self.noted.exists() else 0

    def end(self, code: int, warnings: int | None = 0) -> str:
        """Wait for the sweep, and return its standard error.

        Args:
            code: the exit code to expect.
            warnings: lines on standard error to expect; None: any.
        """
        assert self.process
        try:
            out, err = self.process.communicate(timeout=TOO_LONG)
        except subprocess.TimeoutExpired:
            self.process.kill()
            out, err = self.process.communicate()
            raise AssertionError(f"no end after {TOO_LONG:.0f} s:\n{out}{err}") from None
        said = f"\n{out}{err}"
        demand(self.process.returncode == code, f"exit code {self.process.returncode}, not {code}:{said}")
        demand("Traceback" not in out + err, f"a traceback:{said}")
        demand(warnings is None or len(err.splitlines()) == warnings, f"not {warnings} lines on standard error:{said}")
        return err

    def check(self, cuts: int = 0, repeated: int = REPEATED) -> str:
        """Compare the results; count the epochs; return in words what was counted.

        Args:
            cuts: how often a worker was taken away at most.
            repeated: epochs that a run may repeat each time.
        """
        expected, found = self.bench.undisturbed(self.seeds, self.epochs), results(self.out)
        demand(found.keys() == expected.keys(), f"other runs: {found.keys() ^ expected.keys()}")
        differing = [name for name in expected if found[name] != expected[name]]
        demand(not differing, f"not the bytes of the undisturbed runs: {differing}")
        parts = read_parts(self.noted)
        demand(sorted(parts) == list(range(self.seeds)), f"begun were the seeds {sorted(parts)}")
        again = 0
        for seed, stretches in parts.items():
            told = f"seed {seed}, epochs by process: {stretches}"
            demand(len({part.process for part in stretches}) == len(stretches), f"two processes at a time: {told}")
            demand(all(part.gapless for part in stretches), f"an epoch twice in one process: {told}")
            demand(stretches[0].first == 1 and stretches[-1].last == self.epochs, f"not all epochs: {told}")
            twice = [one.last - other.first + 1 for one, other in itertools.pairwise(stretches)]
            demand(all(0 <= n <= repeated for n in twice), f"{twice} epochs were trained twice: {told}")
            again += sum(twice)
        continued = sum(len(stretches) - 1 for stretches in parts.values())
        demand(continued <= cuts, f"{continued} runs were cut off, by {cuts} cuts: {parts}")
        return f"{self.seeds} runs, {continued} gone on with elsewhere, {again} epochs repeated"

    def _count_workers(self, process: subprocess.Popen[str]) -> None:
        while process.poll() is None:
            self.most_workers = max(self.most_workers, len(self.cluster.scheduler_info["workers"]))
            time.sleep(0.2)

    def _check_nothing_left(self) -> None:
        until = time.monotonic() + 10
        while left := {
            n: name for n, name in daemons.processes_of(self.bench.folder / "slurm").items() if not known(name)
        }:
            demand(time.monotonic() < until, f"processes were left: {left}")
            time.sleep(0.2)
        if not self.out.exists():
            return
        runs = {path.parent for path in self.out.glob("*/config.yaml")}
        more = {path.name for path in self.out.iterdir()} - {run.name for run in runs}
        demand(more <= {"sweep.csv"}, f"the sweep's folder has {more}")
        strays = [path for path in self.out.rglob(".*") if path.name != ".lock"]
        demand(not strays, f"temporary files were left: {strays}")
        for run in runs:
            try:
                FileLock(run / ".lock").acquire(timeout=0).lock.release()
            except Timeout:
                raise AssertionError(f"{run} is still held") from None


class Part(NamedTuple):
    """A stretch of epochs of one run in one process; whether each epoch in it came once, in order."""

    process: int
    first: int
    last: int
    gapless: bool


def read_parts(noted: Path) -> dict[int, list[Part]]:
    """Return of each seed the stretches of epochs that were begun, in the order of time."""
    demand(noted.exists(), "no epoch was noted")
    lines = [line.split() for line in noted.read_text().splitlines()]
    parts = defaultdict(list)
    for seed in {int(line[0]) for line in lines}:
        begun = sorted((float(at), int(process), int(epoch)) for of, epoch, process, at in lines if int(of) == seed)
        for process, stretch in itertools.groupby(begun, lambda line: line[1]):
            epochs = [epoch for _, _, epoch in stretch]
            gapless = epochs == list(range(epochs[0], epochs[-1] + 1))
            parts[seed].append(Part(process, epochs[0], epochs[-1], gapless))
    return dict(parts)


def known(command: str) -> bool:
    """Say whether a process is one of SLURM's daemons."""
    return Path(command.removeprefix(": ").split(" ", 1)[0].rstrip(":")).name in (
        "munged",
        "slurmctld",
        "slurmscriptd",
        "slurmd",
    )


def static(bench: Bench, name: str) -> str:
    """Two workers that stay."""
    with Sweep(bench, name, seeds=6, epochs=20).on_slurm() as sweep:
        sweep.cluster.scale(2)
        sweep.begin()
        sweep.end(FINISHED)
        return sweep.check()


def from_none(bench: Bench, name: str) -> str:
    """A cluster that grows from none, whose first jobs wait for 20 s, as others have the node."""
    with Sweep(bench, name, seeds=6, epochs=40).on_slurm() as sweep:
        blocker = ["sbatch", "-c", str(daemons.CPUS), "-o", "/dev/null", "--wrap", "sleep 1000"]
        number = daemons.asked(*blocker).split()[-1]
        sweep.cluster.adapt(minimum=0, maximum=3)
        sweep.begin()
        until = time.monotonic() + 60
        while sweep.at_work() and time.monotonic() < until and len(daemons.jobs("PENDING")) < 3:
            time.sleep(0.2)
        asked = len(daemons.jobs("PENDING"))
        time.sleep(20)
        if not sweep.at_work():
            sweep.end(FINISHED)
            raise AssertionError("the sweep did not wait")
        demand(asked == 3, f"the cluster has asked SLURM for {asked} workers")
        daemons.asked("scancel", number)
        sweep.end(FINISHED, warnings=None)
        demand(sweep.most_workers == 3, f"{sweep.most_workers} workers at most")
        return f"{sweep.check()}, {sweep.most_workers} workers at most"


def from_one(bench: Bench, name: str) -> str:
    """A cluster that may have one to three workers, and has all three."""
    with Sweep(bench, name, seeds=8, epochs=40).on_slurm() as sweep:
        sweep.cluster.adapt(minimum=1, maximum=3)
        sweep.begin()
        sweep.end(FINISHED)
        demand(sweep.most_workers == 3, f"{sweep.most_workers} workers at most")
        return f"{sweep.check()}, {sweep.most_workers} workers at most"


def wall_time(bench: Bench, name: str) -> str:
    """Jobs that end after a minute (SLURM looks every half a minute), and runs of which each takes longer."""
    with Sweep(bench, name, seeds=3, epochs=400, walltime="00:01:00").on_slurm() as sweep:
        sweep.cluster.adapt(minimum=0, maximum=3)
        sweep.begin()
        sweep.end(FINISHED, warnings=None)
        return sweep.check(cuts=9)


def scancel(bench: Bench, name: str, *how: str, repeated: int = REPEATED) -> str:
    """Workers' jobs that are cancelled at random moments, five times.

    Only those whose worker has come: of others dask-jobqueue never learns that they are gone, and goes on to wait.
    """
    with Sweep(bench, name, seeds=6, epochs=50).on_slurm() as sweep:
        sweep.cluster.adapt(minimum=2, maximum=3)
        sweep.begin()
        cuts = 0
        while cuts < 5 and sweep.await_epoch(bench.rng.uniform(0, 6)):
            if workers := sweep.workers():
                daemons.asked("scancel", *how, bench.rng.choice(workers))
                cuts += 1
        sweep.end(FINISHED, warnings=None)
        return f"{cuts} jobs cancelled, {sweep.check(cuts, repeated)}"


def scancel_kill(bench: Bench, name: str) -> str:
    """The same by SIGKILL."""
    return scancel(bench, name, "--signal=KILL", repeated=REPEATED_AFTER_KILL)


def no_worker(bench: Bench, name: str) -> str:
    """No worker ever comes; later two do, and the same command finishes."""
    with Sweep(bench, name, seeds=4, epochs=10).on_slurm() as sweep:
        begun = time.monotonic()
        sweep.begin("hydra.launcher.wait=0.1")
        sweep.end(INCOMPLETE, warnings=None)
        seconds = time.monotonic() - begun
        demand(seconds < 60, f"that took {seconds:.0f} s")
        sweep.cluster.scale(2)
        sweep.begin()
        sweep.end(FINISHED)
        return f"ended after {seconds:.0f} s; then {sweep.check()}"


SCENARIOS: dict[str, Callable[[Bench, str], str]] = {
    "static": static,
    "from_none": from_none,
    "from_one": from_one,
    "wall_time": wall_time,
    "scancel": scancel,
    "scancel_kill": scancel_kill,
    "no_worker": no_worker,
}


def main() -> None:
    """Do the scenarios, and print how each ended."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--only", choices=SCENARIOS, action="append", help="may be given several times; default: all")
    parser.add_argument("--seed", type=int, default=None, help="of what is drawn")
    parser.add_argument("--runs", type=int, default=1, help="how often; each next seed is greater by one")
    arguments = parser.parse_args()
    why = daemons.missing() or ("" if importlib.util.find_spec("dask_jobqueue") else "needs dask-jobqueue")
    if why:
        print(f"skipped: {why}")
        sys.exit(SKIPPED)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(TERMINATED))  # which ends what was started
    logging.getLogger("distributed").setLevel(logging.CRITICAL)  # whom it misses is what is tried
    first = random.randrange(10**6) if arguments.seed is None else arguments.seed
    failed = 0
    with tempfile.TemporaryDirectory(prefix="npdigits-slurm-") as scratch:
        folder = Path(scratch)
        (folder / "watched").mkdir()
        (folder / "watched" / "sitecustomize.py").write_text(WATCHED)
        path = [str(folder / "watched"), str(REPOSITORY), os.environ.get("PYTHONPATH", "")]
        os.environ |= {"PYTHONPATH": os.pathsep.join(filter(None, path)), "NPDIGITS_CACHE": str(folder / "cache")}
        bench = Bench(folder, write_set(folder / "data"), random.Random(), {})
        with daemons.slurm(folder / "slurm"):
            for seed, name in itertools.product(range(first, first + arguments.runs), arguments.only or SCENARIOS):
                bench.rng.seed(seed)
                begun = time.monotonic()
                try:
                    said = SCENARIOS[name](bench, f"{name}-{seed}")
                except AssertionError as error:
                    failed += 1
                    said = f"FAILED: {error}"
                print(f"{name}, seed {seed}, {time.monotonic() - begun:.0f} s: {said}", flush=True)
        left = daemons.processes_of(folder / "slurm")
    if left:
        failed += 1
        print(f"FAILED: SLURM left processes: {left}")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
