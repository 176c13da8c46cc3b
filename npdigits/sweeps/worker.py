"""What a worker's process does: one run of a sweep, if it can be trusted with it, and the run is still wanted."""

import hashlib
import time
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

from distributed import Worker, get_worker

from npdigits.base import portable
from npdigits.base.arithmetic import arithmetic_in_short
from npdigits.base.errors import PlaceError
from npdigits.base.text import on_one_line
from npdigits.config.identity import numerics
from npdigits.runs.summary import Status
from npdigits.sweeps import ending
from npdigits.sweeps.points import Job, Outcome, Point

# Seconds after which a run asks again whether its sweep still wants it.
STILL_WANTED = 1.0
# So begins what a process that computes portably says of it.
ARITHMETIC = "arithmetic "

_ended_launches: set[str] = set()


@dataclass(frozen=True)
class Answer:
    """What a worker says of a run that it was given.

    Attributes:
        outcome: how the run ended; None where it did not begin.
        refused: why this worker can do no run of the sweep; "" where it can.
        leaving: whether the worker's process is about to end; the run is saved, and is to go on elsewhere.
    """

    outcome: Outcome | None = None
    refused: str = ""
    leaving: bool = False


def run_point(job: Job, launch_id: str, expected: dict[str, str], shared: bool, point: Point) -> Answer:
    """Do a run in a worker's process.

    Args:
        job: does it.
        launch_id: of the launch that the run belongs to.
        expected: the description that this process must give of itself.
        shared: whether other runs share the machine.
        point: the run.
    """
    this_worker, next_look = get_worker(), 0.0
    key = this_worker.get_current_task()

    def stop() -> bool:
        nonlocal next_look
        if launch_id in _ended_launches or ending.is_ending():
            return True
        if (now := time.monotonic()) < next_look:
            return False
        next_look = now + STILL_WANTED
        task = this_worker.state.tasks.get(key)  # a scheduler whose client is gone takes its tasks back
        return task is None or task.state == "cancelled"

    with ending.at_work():
        if ending.is_ending():
            return Answer(leaving=True)
        if stop():
            return Answer(Outcome(point, Status.LEFT))
        # Another process may have taken this worker's address since it was looked at.
        folder = Path(expected["folder"])
        if mismatch := find_mismatch(describe_process(folder), expected, folder, point.config.portable):
            return Answer(refused=mismatch)
        try:
            outcome = job(point, shared, stop)
        except PlaceError as error:
            return Answer(refused=str(error))
        return Answer(outcome, leaving=ending.is_ending() and not outcome.status.as_far_as_asked)


def end_launch(launch_id: str) -> None:
    """Have the runs of a launch stop: those at work in this process, and those that it is still to be given."""
    _ended_launches.add(launch_id)


async def introduce(token: Path, dask_worker: Worker) -> dict[str, str]:
    """Return the description of this worker's process, which from then on saves its runs before it ends.

    Args:
        token: a folder that only those see who see the sweep's.
        dask_worker: filled in by Dask.
    """
    await ending.watch(dask_worker)
    return describe_process(token)


def describe_process(token: Path) -> dict[str, str]:
    """Return what must be the same in every worker: what the bits depend on, and that it sees the sweep's folder.

    Args:
        token: a folder that only those see who see the sweep's.
    """
    versions = {name: metadata.version(name) for name in ("npdigits", "numpy")}
    same = {"numerics": str(numerics()), "code": hash_code(Path(__file__).parents[1])[:12]}
    arithmetic = portable.explain() or f"{ARITHMETIC}{arithmetic_in_short()}"
    return versions | same | {"portable": arithmetic, "folder": str(token) if token.is_dir() else "not seen"}


def hash_code(package: Path) -> str:
    """Return the SHA-256 of all Python files in a package and below, in hex."""
    return hashlib.sha256(b"".join(path.read_bytes() for path in sorted(package.rglob("*.py")))).hexdigest()


def find_mismatch(answer: Any, expected: dict[str, str], folder: Path, portably: bool = False) -> str:
    """Return why a worker cannot be used; "" if it can.

    Args:
        answer: the worker's description of its process, or the error that came instead.
        expected: the launching process's description.
        folder: the sweep's, for the message.
        portably: whether it is to compute portably. Otherwise the bits depend on its processor anyway.
    """
    if not isinstance(answer, dict):
        return f"npdigits cannot be used there: {on_one_line(answer)}"
    if answer["folder"] != expected["folder"]:
        return f"it does not see {folder}"
    compared = [name for name in expected if portably or name != "portable"]
    differing = [name for name in compared if answer[name] != expected[name]]
    return "; ".join(_describe_mismatch(name, answer[name], expected[name]) for name in differing)


def _describe_mismatch(name: str, there: str, here: str) -> str:
    """Return in what a worker's description differs; of one that does not compute portably, what to start it with."""
    if name == "portable" and not there.startswith(ARITHMETIC):
        return f"portable=true: {there}"
    return f"{name} {there} there, {here} here"
