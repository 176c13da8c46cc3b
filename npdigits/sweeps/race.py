"""A race from top to bottom: check what was asked for, draw settings, hold the race, write its table, conclude.

All that it decides it reads from the folder: race.json, and the runs. So the same command goes on after any kill, and a
larger budget goes on where a smaller one ended.
"""

import functools

from npdigits.base.errors import ClusterLostError, ConfigError, HeldError, UserError
from npdigits.base.interruption import Terminated, Watch
from npdigits.config.asked_race import AskedRace
from npdigits.race.definition import Race, read_race
from npdigits.race.layout import DEFINITION, is_race
from npdigits.race.told import tell
from npdigits.runs.hold import LOCK, Hold
from npdigits.runs.report import Report
from npdigits.sweeps import launcher
from npdigits.sweeps.race_changes import refuse_changed, refuse_other_settings, settle_growth, try_reference
from npdigits.sweeps.race_conclusion import conclude, write_table
from npdigits.sweeps.race_held import Held
from npdigits.sweeps.race_plan import RacePlan, plan_race
from npdigits.sweeps.race_progress import RaceProgress
from npdigits.sweeps.race_runs import PlaceFailed, Runs
from npdigits.sweeps.race_settings import draw_settings
from npdigits.sweeps.sweep import INCOMPLETE, do

GOES_ON = "the same command goes on"


def run_race(asked: AskedRace) -> int:
    """Hold a race in its folder, and return the exit code.

    Raises:
        UserError: no race can be that; nothing has been written then.
        KeyboardInterrupt, Terminated: once the runs at work are saved and the table is written.
    """
    report = Report(quiet=False)
    plan = plan_race(asked, report)
    refuse_changed(plan)
    refuse_other_settings(plan)
    race = settle_growth(plan, draw_settings(plan, report), report)
    try_reference(plan, race)
    with _lock(plan) as hold:
        return _hold_race(plan, race, hold, report)


def _lock(plan: RacePlan) -> Hold:
    """Take the lock of a race's folder, which is made.

    Raises:
        HeldError: another process holds it, or has changed it since it was read.
        ConfigError: it cannot be written.
    """
    try:
        plan.folder.mkdir(parents=True, exist_ok=True)
        hold = Hold.take(plan.folder)
    except HeldError as error:
        whose = str(error).partition("this run")[2]
        raise HeldError(f"{plan.folder}: another process is holding this race{whose}") from None
    except OSError as error:
        raise ConfigError(f"out={plan.folder}: cannot be written: {error.strerror}") from error
    try:
        if (read_race(plan.folder) if is_race(plan.folder) else None) != plan.before:
            raise HeldError(f"{plan.folder}: another process has held this race in between: type it again")
    except BaseException:
        hold.release()
        raise
    return hold


def _hold_race(plan: RacePlan, race: Race, hold: Hold, report: Report) -> int:
    """Hold a race whose folder is locked, until it is over, cannot go on, or is stopped; return the exit code."""
    searched = list(dict.fromkeys(key for keys in race.space.values() for key in keys))
    job = functools.partial(do, plan.folder, plan.sources)
    most = max(race.wanted, race.confirm)
    raised: BaseException | None = None
    incomplete = ""
    progress = RaceProgress(searched, report)
    with Watch() as watch, progress:
        try:
            with launcher.opened(plan.place, plan.folder, job, most, watch, progress) as place:
                Held(plan, race, hold, Runs(plan.folder, place, watch, progress), progress, report).to_the_end()
        except (KeyboardInterrupt, Terminated) as error:  # of a run in this process, which has saved itself
            raised = error
        except PlaceFailed as error:
            for run in error.failed:
                report.warn(f"{run.status}: {run.point.name}: {run.reason}")
            n = len(error.failed)
            incomplete = f"the race has stopped, as {n} run{'s' * (n != 1)} cannot be had"
        except ClusterLostError as error:
            incomplete = str(error)
        except UserError:
            _undo(plan)
            raise
    told = tell(plan.folder)
    write_table(hold, told)
    if incomplete:
        report.warn(f"{incomplete}; {GOES_ON}")
    if not (raised or watch.signal or incomplete):
        return conclude(told, report)
    report.say(f"{told.used:,} of {told.race.budget:,} epochs used; {GOES_ON}")
    report.result(str(plan.folder))
    if raised:
        raise raised
    watch.raise_signal()
    return INCOMPLETE


def _undo(plan: RacePlan) -> None:
    """Remove the definition of a race of which nothing was begun."""
    if plan.before is None and {item.name for item in plan.folder.iterdir()} <= {DEFINITION, LOCK}:
        (plan.folder / DEFINITION).unlink(missing_ok=True)
        (plan.folder / LOCK).unlink(missing_ok=True)
        plan.folder.rmdir()
