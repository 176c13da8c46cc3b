"""The kill harness of races: launchers and workers ended at random instants, until the race is over all the same.

    python tests/kill_race.py --races 8                        # two of each kind of place: some minutes
    python tests/kill_race.py --races 1 --place 2 --seed 1234  # one again

Each race is drawn from the seed: its space, and what is ended when. It is held undisturbed in one process; undisturbed
at its place; and at its place where five times a launcher gets SIGKILL, SIGTERM or Ctrl-C, or a worker SIGKILL or
SIGTERM, and the same command goes on. Then race.csv, race.json, and of every run each .npz, metrics.csv, and the
summary but for its times must be the same bytes. The places are ``0``, this process; ``1`` and ``2``, processes of this
machine; and ``cluster``, a Dask scheduler with two workers in processes of their own.
"""

import argparse
import contextlib
import functools
import itertools
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pandas  # noqa: F401
import psutil
from kill import COMPARED
from made import write_set
from small_sweep import TIMES

from npdigits import train
from npdigits.runs import plots  # noqa: F401 – imported before the forks; not SciPy, which a race begins without

# Of each race what is typed besides the data.
RACES = [
    ("race=8", "lr=tag(log,interval(1e-5,1e-2))", "l2=choice(0,1e-3)", "hidden=8", "epochs=6", "optimizer=adam"),
    ("race=9", "lr=choice(1e-3,1e-2,1e3)", "batch_size=choice(10,50,100)", "hidden=6", "epochs=5", "optimizer=sgd"),
    (
        *("race=8", "race.finalists=1", "hidden=12", "epochs=6", "lr=1e-3", "patience=2"),
        *("--arm", "dropout", "dropout=interval(0,0.5)", "l2=0", "--arm", "l2", "l2=tag(log,interval(1e-5,1e-1))"),
    ),
]
# The one that the suite holds.
RACES.append(("race=4", "race.finalists=1", "lr=choice(1e-3,1e-2,0.1,1e3)", "hidden=6", "epochs=3", "optimizer=sgd"))
# Of each race the keys that make it small.
SMALL = ("plots=false", "race.confirm=3")
PLACES = ("0", "1", "2", "cluster")
# Exit codes of a race that is over, whose runs cannot be had now, and that was ended by a signal.
OVER, INCOMPLETE, NOT_STARTED, STOPPED = (0, 3), 1, 2, (130, 143)
# What is done to the launcher, and to a worker.
TO_LAUNCHER = (signal.SIGKILL, signal.SIGKILL, signal.SIGTERM, signal.SIGINT)
TO_WORKER = (signal.SIGKILL, signal.SIGTERM)
# How often it is a worker, where there is one.
TO_A_WORKER = 0.6
# Seconds for which one is waited for, and that it then has at most.
TO_COME, TO_BEGIN = 5.0, 3.0
# Launches after which a race that is not over has failed, and seconds that one may take.
MOST_LAUNCHES, TOO_LONG = 40, 600.0


def start(arguments: list[str], folder: Path) -> int:
    """Fork a process that is ``python -m npdigits.train -m`` with these arguments there; return its number.

    It begins a process group, and its race is in ``race`` of the folder.
    """
    pid = os.fork()
    if pid == 0:
        os.setpgid(0, 0)
        os.chdir(folder)
        silent = os.open(os.environ.get("KILL_RACE_LOG", os.devnull), os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        os.dup2(silent, 1)
        os.dup2(silent, 2)
        sys.argv[1:] = ["-m", "out=race", *arguments]
        code = 99
        try:
            train.main()
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else 98
        finally:
            os._exit(code)
    with contextlib.suppress(OSError):
        os.setpgid(pid, pid)  # whichever of both comes first
    return pid


def wait(pid: int, seconds: float) -> int | None:
    """Return the exit code of a process that ends within so many seconds; None where it does not."""
    until = time.monotonic() + seconds
    while True:
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status)
        if time.monotonic() >= until:
            return None
        time.sleep(0.005)


def raced(folder: Path) -> dict[str, bytes]:
    """Return all of a race's folder that must not depend on kills."""
    race = json.loads((folder / "race.json").read_text())
    race["fixed"] = [one for one in race["fixed"] if not one.startswith(("workers=", "hydra.launcher."))]
    found = {"race.json": json.dumps(race).encode(), "race.csv": (folder / "race.csv").read_bytes()}
    for path in sorted(folder.glob("*/*/summary.json")):
        run = path.parent
        found |= {
            f"{run.relative_to(folder)}/{file}": (run / file).read_bytes() for file in COMPARED if (run / file).exists()
        }
        summary = {key: value for key, value in json.loads(path.read_text()).items() if key not in TIMES}
        found[f"{run.relative_to(folder)}/summary.json"] = json.dumps(summary).encode()
    return found


def workers_of(pid: int) -> list[psutil.Process]:
    """Return the processes in which the runs of a launcher are done."""
    with contextlib.suppress(psutil.Error):
        children = psutil.Process(pid).children(recursive=True)
        return [one for one in children if "spawn_main" in " ".join(one.cmdline())]
    return []


def await_workers(workers: Callable[[], list[psutil.Process]], rng: random.Random) -> list[psutil.Process]:
    """Return the processes that may be killed, some time after there are any; none where none come soon."""
    until = time.monotonic() + TO_COME
    while not workers() and time.monotonic() < until:
        time.sleep(0.05)
    time.sleep(rng.uniform(0, TO_BEGIN) if workers() else 0)
    return workers()


@contextlib.contextmanager
def dask_cluster(folder: Path) -> Iterator[tuple[str, list[psutil.Process]]]:
    """Start a scheduler and two workers with nannies; yield its address, and the nannies."""
    folder.mkdir()
    command = [sys.executable, "-m", "distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--port", "0"]
    file = folder / "scheduler.json"
    options = {"cwd": folder, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    started = [subprocess.Popen([*command, "--no-dashboard", "--scheduler-file", str(file)], **options)]
    try:
        until = time.monotonic() + 60
        while not file.exists() or not file.read_text().strip():
            assert time.monotonic() < until, "no scheduler has started"
            time.sleep(0.05)
        address = json.loads(file.read_text())["address"]
        command = [sys.executable, "-m", "distributed.cli.dask_worker", address, "--nworkers", "1", "--nthreads", "1"]
        command += ["--no-dashboard", "--local-directory", str(folder)]
        started += [subprocess.Popen(command, **options) for _ in range(2)]
        yield address, [psutil.Process(process.pid) for process in started[1:]]
    finally:
        everything = [child for one in started for child in psutil.Process(one.pid).children(recursive=True)]
        for process in reversed(started):
            process.kill()
            process.wait()
        for child in everything:
            with contextlib.suppress(psutil.NoSuchProcess):
                child.kill()


def hold(
    arguments: list[str],
    folder: Path,
    workers: Callable[[int], list[psutil.Process]] | None,
    rng: random.Random,
    kills: int,
    seconds: float,
) -> Counter[str]:
    """Hold a race in spite of so many kills; return what was done to it, and how its launches ended.

    Args:
        arguments: the command.
        folder: where it is typed.
        workers: (launcher) -> the processes that may be killed beside it; None: there are none.
        rng: draws what is ended when.
        kills: how many there are to be.
        seconds: that the race takes.

    Raises:
        AssertionError: it is not over after many launches, or one has ended as none should.
    """
    done = Counter[str]()
    left = kills
    for _ in range(MOST_LAUNCHES):
        pid = start(arguments, folder)
        code, hurt = None, False
        while code is None and left:
            code = wait(pid, rng.uniform(0, seconds / kills))
            if code is not None:
                break
            left -= 1
            if (
                workers
                and rng.random() < TO_A_WORKER
                and (there := await_workers(functools.partial(workers, pid), rng))
            ):
                number = rng.choice(TO_WORKER)
                with contextlib.suppress(psutil.NoSuchProcess):
                    rng.choice(there).send_signal(number)
                done[f"worker {number.name}"] += 1
                hurt = True
                continue
            number = rng.choice(TO_LAUNCHER)
            done[f"launcher {number.name}"] += 1
            os.killpg(pid, number) if number == signal.SIGINT else os.kill(pid, number)
            code = wait(pid, TOO_LONG)
            break
        code = wait(pid, TOO_LONG) if code is None else code
        if code is None:
            os.killpg(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
        expected = {*OVER, INCOMPLETE, *STOPPED, -signal.SIGKILL, -signal.SIGTERM, -signal.SIGINT}
        # Where a worker is killed while the processes of this machine start, that cannot be done, in a line.
        assert code in expected | ({NOT_STARTED} if hurt else set()), f"exit code {code} after {dict(done)}"
        done[f"exit code {code}"] += 1
        if code in OVER and not left:
            return done
        if code in OVER:  # it was over before all kills: what is left is done to a race that only looks again
            left -= 1
    raise AssertionError(f"not over after {MOST_LAUNCHES} launches")


def undisturbed(arguments: list[str], folder: Path) -> tuple[dict[str, bytes], float]:
    """Hold a race that nobody disturbs; return what it leaves, and its seconds.

    Raises:
        AssertionError: it is not over.
    """
    folder.mkdir()
    begun = time.monotonic()
    code = wait(start(arguments, folder), TOO_LONG)
    assert code in OVER, f"undisturbed it has ended with exit code {code} ({' '.join(arguments)})"
    return raced(folder / "race"), time.monotonic() - begun


def one(seed: int, place: str, folder: Path, data: Path, kills: int, small: bool = False) -> Counter[str]:
    """Hold one race of the harness, or the suite's small one; return what was done to it.

    Raises:
        AssertionError: it is not the undisturbed race.
    """
    rng = random.Random(seed)
    folder.mkdir()
    common = ["data=idx", f"data.dir={data}", *SMALL, f"race.seed={rng.randrange(100)}"]
    race = [*common, *(RACES[-1] if small else rng.choice(RACES))]  # arms stand last
    expected, seconds = undisturbed(["workers=0", *race], folder / "whole")
    with contextlib.ExitStack() as stack:
        where, workers = f"workers={place}", workers_of if place != "0" else None
        if place == "cluster":
            address, nannies = stack.enter_context(dask_cluster(folder / "away"))
            where = f"hydra.launcher.address={address}"

            def workers(pid: int) -> list[psutil.Process]:
                return [child for nanny in nannies for child in nanny.children()]

        there = expected
        if place != "0":
            there, seconds = undisturbed([where, *race], folder / "there")
        (cut := folder / "cut").mkdir()
        done = hold([where, *race], cut, workers, rng, kills, seconds)
    found = raced(cut / "race")
    about = f"seed {seed} at {place} ({' '.join(race)}; {dict(done)})"

    def tell(name: str) -> str:
        if not name.endswith(".json") or name not in expected.keys() & other.keys():
            return name
        a, b = json.loads(expected[name]), json.loads(other[name])
        return f"{name} {[(key, a.get(key), b.get(key)) for key in a.keys() | b.keys() if a.get(key) != b.get(key)]}"

    for what, other in (("undisturbed there", there), ("killed", found)):
        differing = [name for name in expected.keys() | other.keys() if expected.get(name) != other.get(name)]
        assert not differing, f"{about}: {what} it is another race: {', '.join(map(tell, sorted(differing)[:5]))}"
    strays = [str(path.relative_to(cut)) for path in cut.rglob(".*.tmp")]
    assert not strays, f"{about}: temporary files were left: {strays}"
    shutil.rmtree(folder)
    done["runs"] += sum(name.endswith("summary.json") for name in expected)
    return done


def main() -> None:
    """Hold as many races as asked, and print the seed of each that fails."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--races", type=int, default=8)
    parser.add_argument("--kills", type=int, default=5, help="of each race")
    parser.add_argument("--place", choices=PLACES, default=None, help="of all races; by default each in turn")
    parser.add_argument("--small", action="store_true", help="hold the small race of the suite")
    parser.add_argument("--seed", type=int, default=None, help="of the first race; each next one's is greater by one")
    arguments = parser.parse_args()
    first = random.randrange(10**6) if arguments.seed is None else arguments.seed
    print(f"seeds {first} to {first + arguments.races - 1}", flush=True)
    failed, total = 0, Counter[str]()
    with tempfile.TemporaryDirectory() as scratch:
        os.environ["NPDIGITS_CACHE"] = f"{scratch}/cache"
        os.environ["NPDIGITS_STATE"] = f"{scratch}/state"
        data = write_set(Path(scratch) / "data", train=1500, test=200)
        places = itertools.repeat(arguments.place) if arguments.place else itertools.cycle(PLACES)
        for seed, place in zip(range(first, first + arguments.races), places, strict=False):
            try:
                done = one(seed, place, Path(scratch) / str(seed), data, arguments.kills, arguments.small)
                total += done
                print(f"seed {seed} at {place}: {dict(done)}", flush=True)
            except AssertionError as error:
                failed += 1
                print(f"FAILED {error}", flush=True)
    print(f"{arguments.races} races, {failed} not as if undisturbed: {dict(total)}")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
