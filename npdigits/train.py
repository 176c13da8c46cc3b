"""Train one network, or the networks of a sweep, as the command line says: ``python -m npdigits.train hidden=20``."""

if __name__ == "__main__":
    from npdigits.base.start import start

    start("npdigits", "npdigits.train", trains=True)

from typing import TYPE_CHECKING, Any

from npdigits.base import portable
from npdigits.base.program import DIVERGED, warn
from npdigits.config import command_line
from npdigits.config.override import Override
from npdigits.config.schema import Config
from npdigits.runs import resume
from npdigits.runs.run import carry_out, run
from npdigits.runs.summary import Status
from npdigits.runs.track import require_tracker

if TYPE_CHECKING:
    from npdigits.config.asked_race import AskedRace

__all__ = ["main", "run"]


def main() -> None:
    """Train as the command line says.

    The exit code is 0, 2 for bad input, 3 for a run that diverged, 1 for a sweep in which something failed.
    """
    command_line.main(_run, _sweep, _race)


def _run(config: Config, overrides: list[str]) -> int:
    """Do a single run; return the exit code."""
    for override in overrides:
        if Override.of(override).key in ("name", "workers"):
            warn("npdigits", f"{override} has no effect: it is a sweep's")
    if config.resume and resume.is_portable(config):
        portable.enter()
    require_tracker([config])
    summary = carry_out(config, config.out_dir(), overrides)
    return DIVERGED if summary.status == Status.DIVERGED else 0


def _sweep(points: list[tuple[list[str], Config]], swept: list[str], fixed: list[str], where: dict[str, Any]) -> int:
    """Do the runs of a sweep; return the exit code."""
    from npdigits.sweeps.sweep import run_sweep  # a single run has no need of it

    return run_sweep(points, swept, fixed, where)


def _race(asked: "AskedRace") -> int:
    """Hold a race; return the exit code."""
    from npdigits.sweeps.race import run_race

    return run_race(asked)
