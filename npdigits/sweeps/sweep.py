"""A sweep from top to bottom: check every point, do the runs that have not ended, write the table, conclude.

A sweep is ``run(config, folder / name)`` for every point of a grid and nothing more. So the same command continues it:
finished runs are skipped, interrupted ones go on, failed ones are tried again, and new values are added.
"""

import contextlib
import dataclasses
import functools
import secrets
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from npdigits.base.errors import ClusterLostError, ConfigError, HeldError, PlaceError, UserError, first_cause, noted_log
from npdigits.base.files import STRAY_AGE, Folder
from npdigits.base.interruption import Terminated, Watch, never
from npdigits.base.paths import from_anywhere
from npdigits.base.program import DIVERGED
from npdigits.base.text import on_one_line
from npdigits.config.dependence import renamed, without_effect
from npdigits.config.regularizers import others_on
from npdigits.config.schema import Config, DataConfig
from npdigits.config.value_text import as_cell
from npdigits.runs.directory import add_to_log, ended_already, give_up
from npdigits.runs.layout import has_all_plots
from npdigits.runs.report import Report
from npdigits.runs.run import carry_out
from npdigits.runs.summary import Status, Summary
from npdigits.runs.track import require_tracker
from npdigits.sweeps import launcher
from npdigits.sweeps.conclusion import TABLE, comparison_table, conclude
from npdigits.sweeps.plan import Source, check_alike, load_source, plan_sweep
from npdigits.sweeps.points import Outcome, Point
from npdigits.sweeps.progress import Progress
from npdigits.sweeps.table import TableLine, format_table, lines_of_others
from npdigits.sweeps.where import Place

HELD = "another process is writing it"
# A sweep in which some run failed, was held by another process, or is still to be done.
INCOMPLETE = 1


def run_sweep(
    points: Sequence[tuple[list[str], Config]], swept: Sequence[str], fixed: Sequence[str], where: dict[str, Any]
) -> int:
    """Do the runs of a sweep in its folder, and return the exit code. Several ``name``s are as many sweeps.

    Args:
        points: of each run what was typed, and its configuration.
        swept: the keys that vary.
        fixed: what was typed of the others.
        where: the values of ``hydra.launcher``.

    Raises:
        UserError: a point cannot be run at all. Nothing has been written then.
        KeyboardInterrupt, Terminated: once the runs at work are saved and the table is written.
    """
    place = Place.of(where)
    configs = [config for _, config in points]
    check_alike(configs)
    require_tracker(configs)
    report = Report(configs[0].quiet)
    idle = [set(without_effect(config, typed)) for typed, config in points]
    for line in sorted(set.intersection(*idle)):
        report.warn(line)
    for line in sorted({line for typed, _ in points for line in renamed(typed)}):
        report.say(line)
    plan = plan_sweep(points, swept, fixed, report)
    if on := others_on(swept, [{key: as_cell(value) for key, value in config.as_dict().items()} for config in configs]):
        report.say(f"of the regularizers, {on}")
    codes = [
        _sweep_folder(list(runs.values()), folder, swept, plan.sources, place, report)
        for folder, runs in plan.folders.items()
    ]
    return INCOMPLETE if INCOMPLETE in codes else max(codes)


def _sweep_folder(
    points: list[Point],
    folder: Path,
    swept: Sequence[str],
    sources: dict[DataConfig, Source],
    place: Place,
    report: Report,
) -> int:
    """Do the runs of one folder that have not ended yet; return the exit code."""
    _make_writable(folder)
    ended = {p.name: run for p in points if (run := _find_ended(p, folder)) and not _lacks_plots(run, folder)}
    to_do = [point for point in points if point.name not in ended]
    before = f", {len(ended)} of them ended before" if ended else ""
    report.say(f"{len(points)} run{'s' * (len(points) != 1)} in {folder}{before}")
    raised: BaseException | None = None
    with Watch() as watch, Progress(len(to_do), swept, report) as progress:
        try:
            job = functools.partial(do, folder, sources)
            for run in launcher.launch(to_do, job, place, folder, watch, progress):
                ended[run.point.name] = run = _look_again(run, folder)
                progress.ended(run)
        except (KeyboardInterrupt, Terminated) as error:  # of a run in this process, which has saved itself
            raised = error
        except ClusterLostError as error:
            report.warn(str(error))
        except UserError:  # nothing was begun
            with contextlib.suppress(OSError):
                folder.rmdir()
            raise
        except Exception as error:  # a fault, which does not cost the table of what was done
            raised = error
    # Who held a run, did not answer in time or was cut off may have ended it meanwhile.
    everything = [
        run if (run := ended.get(point.name)) and run.status.ended else _look_at_unfinished(point, folder, run)
        for point in points
    ]
    _write_table(everything, folder, swept)
    # Who pressed Ctrl-C does not wait for pandas; npdigits-compare shows what has finished.
    if not (report.quiet or raised or watch.signal) and any(run.status == Status.FINISHED for run in everything):
        report.say(comparison_table([folder / point.name for point in points], report))
    conclude(everything, folder, report)
    if raised:
        raise raised
    watch.raise_signal()
    return _exit_code(everything)


def _exit_code(runs: Sequence[Outcome]) -> int:
    if any(not run.status.ended for run in runs):
        return INCOMPLETE
    return DIVERGED if any(run.status == Status.DIVERGED for run in runs) else 0


def do(
    folder: Path, sources: dict[DataConfig, Source], point: Point, shared: bool, stop: Callable[[], bool] = never
) -> Outcome:
    """Do one run of a sweep, wherever this is called; whatever happens to it stays its own.

    Args:
        folder: the sweep's.
        sources: what the launching process has found.
        point: the run.
        shared: whether other runs share the machine.
        stop: asked between two batches whether to end.

    Raises:
        PlaceError: the data set is not here.
    """
    try:
        data = load_source(sources[point.config.data])
    except Exception as error:
        if isinstance(first := first_cause(error), MemoryError):
            return Outcome(point, Status.FAILED, on_one_line(first), short_of_memory=True)
        raise PlaceError(str(error) if isinstance(error, UserError) else on_one_line(error)) from error
    try:
        config = dataclasses.replace(point.config, out=None, name=None, workers=None)
        report = Report(quiet=True, silent=True)
        summary = carry_out(
            config, from_anywhere(folder / point.name), point.overrides, stop, data, report, shared, until=point.until
        )
    except HeldError:
        return Outcome(point, Status.HELD, HELD)
    except Exception as error:
        if not isinstance(error, UserError) and not noted_log(error):
            add_to_log(folder / point.name, "".join(traceback.format_exception(error)))
        first = first_cause(error)
        return Outcome(point, Status.FAILED, on_one_line(first), short_of_memory=isinstance(first, MemoryError))
    return _as_summarized(point, summary)


def _as_summarized(point: Point, summary: Summary, before: bool = False) -> Outcome:
    return Outcome(point, summary.status, summary.explanation(epochs=point.config.epochs), summary, before)


def _make_writable(folder: Path) -> None:
    """Make the folder if it is not there.

    Raises:
        ConfigError: it cannot be written.
    """
    probe = folder / f".{secrets.token_hex(8)}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe.mkdir()
        probe.rmdir()
    except OSError as error:
        raise ConfigError(f"out={folder}: cannot be written: {error.strerror}") from error


def _find_ended(point: Point, folder: Path) -> Outcome | None:
    """Return how a run ended, if it ended before."""
    summary = ended_already(folder / point.name, point.identity, point.form, point.until)
    return _as_summarized(point, summary, before=True) if summary else None


def _look_at_unfinished(point: Point, folder: Path, seen: Outcome | None) -> Outcome:
    """Return how far a run has come that was not done here, or not to its end; ``seen`` is what was seen of it here."""
    if run := _find_ended(point, folder):
        return dataclasses.replace(run, before=False)
    if seen:
        return seen
    summary = give_up(folder / point.name, Status.INTERRUPTED)
    if summary and summary.status == Status.RUNNING:
        return Outcome(point, Status.HELD, HELD, summary)
    return _as_summarized(point, summary) if summary else Outcome(point, Status.LEFT)


def _look_again(run: Outcome, folder: Path) -> Outcome:
    """Return how a run ended whose process is gone: it may have finished before that.

    If not, write into its summary that it failed, as the process could not do so any more.
    """
    if run.status != Status.FAILED:
        return run
    if on_disk := _find_ended(run.point, folder):
        return dataclasses.replace(on_disk, before=False)
    if run.summary is None:
        return dataclasses.replace(run, summary=give_up(folder / run.point.name, Status.FAILED, run.reason))
    return run


def _lacks_plots(run: Outcome, folder: Path) -> bool:
    """Say whether a run that has ended is to have plots and does not, as its process was killed while it drew them."""
    if not run.point.config.plots or run.summary is None or run.summary.readout is None:
        return False
    return not has_all_plots(folder / run.point.name)


def _write_table(runs: Sequence[Outcome], folder: Path, swept: Sequence[str]) -> None:
    """Write sweep.csv: these runs, and the folder's others."""
    lines = [TableLine.of(run) for run in runs] + lines_of_others(folder, {run.point.name for run in runs})
    Folder(folder).write_whole(TABLE, format_table(lines, swept))
    Folder(folder).remove_strays([TABLE], STRAY_AGE)
