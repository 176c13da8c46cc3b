"""Where the runs of a sweep are done: one after the other in this process, or by the processes of a cluster.

A run is ``job(point, …)``, the same function everywhere, so the place cannot change a bit of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from npdigits.base.errors import ConfigError
from npdigits.base.text import on_one_line
from npdigits.sweeps.points import Job, Outcome, Point

# What conf/hydra/launcher names.
TARGET = "npdigits.sweeps.launcher.Place"
# The target in version 0.1, which users' own files of that group may still name.
FORMER_TARGET = "npdigits.launcher.Place"


@dataclass(frozen=True)
class Place:
    """Where to do the runs.

    Attributes:
        workers: processes of this machine; 0 is this process itself; None means as many as there are cores for.
        address: of the scheduler of a cluster, which then does the runs instead of this machine.
    """

    workers: int | None = None
    address: str | None = None

    @classmethod
    def of(cls, values: dict[str, Any]) -> Place:
        """Check the values of ``hydra.launcher``.

        Raises:
            ConfigError: a key or a value is not allowed.
        """
        for key, value in values.items():
            workers = value is None or (isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= 4096)
            allowed = {
                "_target_": (value in (TARGET, FORMER_TARGET), f"{TARGET}: npdigits does its runs itself"),
                "workers": (workers, "null or an integer from 0 to 4096"),
                "address": (value is None or (isinstance(value, str) and "://" in value), "null or tcp://host:port"),
            }
            if key not in allowed:
                raise ConfigError(f"hydra.launcher.{key}={value}: unknown key; there are workers and address")
            fits, what = allowed[key]
            if not fits:
                raise ConfigError(f"hydra.launcher.{key}={value}: allowed is {what}")
        return cls(values.get("workers"), values.get("address"))


def launch(
    points: Sequence[Point],
    job: Job,
    place: Place,
    folder: Path,
    stop: Callable[[], bool],
    report_running: Callable[[int], None],
) -> Iterator[Outcome]:
    """Do the runs, and yield how each ended, in the order in which they end.

    Args:
        points: the runs.
        job: does one run; must be picklable.
        place: where to do them.
        folder: the sweep's; it exists.
        stop: asked all the time whether to stop. Runs at work are then saved, and no more are begun.
        report_running: is told how many runs are at work.

    Raises:
        ConfigError: the cluster cannot be reached, or one of its workers cannot be trusted.
        ClusterLostError: its scheduler is gone.
    """
    if not points:
        return
    if place.workers == 0 and not place.address:
        for point in points:
            if stop():
                return
            report_running(1)
            ended = job(point, False, stop)
            report_running(0)
            yield ended
        return
    try:
        import distributed  # noqa: F401 – which reads the user's Dask configuration
    except Exception as error:
        raise ConfigError(
            f"Dask cannot be imported: {on_one_line(error)}; workers=0 does the runs without it"
        ) from error
    from npdigits.sweeps import cluster

    yield from cluster.run_on_cluster(points, job, place.address, place.workers, folder, stop, report_running)
