"""What a worker's process does: one run of a sweep, if it can be trusted with it, and the run is still wanted."""

import hashlib
import time
from importlib import metadata
from pathlib import Path
from typing import Any

from distributed import get_worker

from npdigits.base.text import on_one_line
from npdigits.config.identity import NUMERICS
from npdigits.runs.summary import Status
from npdigits.sweeps.points import Ended, Job, Point

# Seconds between two looks of a run whether the sweep that it belongs to is still there.
STILL_WANTED = 1.0

_ended_launches: set[str] = set()


def act(job: Job, shared: bool, launch_id: str, expected: dict[str, str], point: Point) -> Ended:
    """Do a run in a worker's process."""
    here, next_look = get_worker(), 0.0
    key = here.get_current_task()

    def stop() -> bool:
        nonlocal next_look
        if launch_id in _ended_launches:
            return True
        if (now := time.monotonic()) < next_look:
            return False
        next_look = now + STILL_WANTED
        task = here.state.tasks.get(key)  # a scheduler whose client is gone takes its tasks back
        return task is None or task.state == "cancelled"

    if stop():
        return Ended(point, Status.LEFT)
    folder = Path(expected["folder"])
    if reason := unfit(about(folder), expected, folder):  # a worker that came later
        return Ended(point, Status.FAILED, f"the worker {here.address} is refused: {reason}")
    return job(point, shared, stop)


def end(launch_id: str) -> None:
    _ended_launches.add(launch_id)


def about(token: Path) -> dict[str, str]:
    """Return what must be the same for every worker: what the bits depend on, and that the sweep's folder is seen."""
    versions = {name: metadata.version(name) for name in ("npdigits", "numpy")}
    code = hashlib.sha256(b"".join(path.read_bytes() for path in sorted(Path(__file__).parents[1].rglob("*.py"))))
    same = {"numerics": str(NUMERICS), "code": code.hexdigest()[:12]}
    return versions | same | {"folder": str(token) if token.is_dir() else "not seen"}


def unfit(there: Any, here: dict[str, str], folder: Path) -> str:
    """Say why a worker cannot be used, if so; ``there`` is what it says about itself, or its error."""
    if not isinstance(there, dict):
        return f"npdigits cannot be used there: {on_one_line(there)}"
    if there["folder"] != here["folder"]:
        return f"it does not see {folder}"
    differing = [f"{name} {there[name]} there, {here[name]} here" for name in here if there[name] != here[name]]
    return "; ".join(differing)
