"""What a worker's process does: one run of a sweep, if it can be trusted with it, and the run is still wanted."""

import hashlib
import time
from importlib import metadata
from pathlib import Path
from typing import Any

from distributed import get_worker

from npdigits.base.text import on_one_line
from npdigits.config.identity import numerics
from npdigits.runs.summary import Status
from npdigits.sweeps.points import Job, Outcome, Point

# Seconds after which a run asks again whether its sweep still wants it.
STILL_WANTED = 1.0

_ended_launches: set[str] = set()


def run_point(job: Job, shared: bool, launch_id: str, expected: dict[str, str], point: Point) -> Outcome:
    """Do a run in a worker's process.

    Args:
        job: does it.
        shared: whether other runs share the machine.
        launch_id: of the launch that the run belongs to.
        expected: the description that this process must give of itself.
        point: the run.
    """
    this_worker, next_look = get_worker(), 0.0
    key = this_worker.get_current_task()

    def stop() -> bool:
        nonlocal next_look
        if launch_id in _ended_launches:
            return True
        if (now := time.monotonic()) < next_look:
            return False
        next_look = now + STILL_WANTED
        task = this_worker.state.tasks.get(key)  # a scheduler whose client is gone takes its tasks back
        return task is None or task.state == "cancelled"

    if stop():
        return Outcome(point, Status.LEFT)
    folder = Path(expected["folder"])
    if mismatch := find_mismatch(describe_process(folder), expected, folder):  # a worker that came later
        return Outcome(point, Status.FAILED, f"the worker {this_worker.address} is refused: {mismatch}")
    return job(point, shared, stop)


def end_launch(launch_id: str) -> None:
    """Have the runs of a launch stop: those at work in this process, and those that it is still to be given."""
    _ended_launches.add(launch_id)


def describe_process(token: Path) -> dict[str, str]:
    """Return what must be the same in every worker: what the bits depend on, and that it sees the sweep's folder.

    Args:
        token: a folder that only those see who see the sweep's.
    """
    versions = {name: metadata.version(name) for name in ("npdigits", "numpy")}
    same = {"numerics": str(numerics()), "code": hash_code(Path(__file__).parents[1])[:12]}
    return versions | same | {"folder": str(token) if token.is_dir() else "not seen"}


def hash_code(package: Path) -> str:
    """Return the SHA-256 of all Python files in a package and below, in hex."""
    return hashlib.sha256(b"".join(path.read_bytes() for path in sorted(package.rglob("*.py")))).hexdigest()


def find_mismatch(answer: Any, expected: dict[str, str], folder: Path) -> str:
    """Return why a worker cannot be used; "" if it can.

    Args:
        answer: the worker's description of its process, or the error that came instead.
        expected: the launching process's description.
        folder: the sweep's, for the message.
    """
    if not isinstance(answer, dict):
        return f"npdigits cannot be used there: {on_one_line(answer)}"
    if answer["folder"] != expected["folder"]:
        return f"it does not see {folder}"
    differing = [name for name in expected if answer[name] != expected[name]]
    return "; ".join(f"{name} {answer[name]} there, {expected[name]} here" for name in differing)
