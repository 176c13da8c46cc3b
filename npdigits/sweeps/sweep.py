"""A sweep from top to bottom: check every point, do those that have not ended, write the table."""

import contextlib
import dataclasses
import functools
import itertools
import secrets
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import yaml

from npdigits.base.errors import ClusterLostError, ConfigError, DataError, HeldError, UserError, noted_log
from npdigits.base.files import STRAY_AGE, Folder
from npdigits.base.interruption import Terminated, Watch, never
from npdigits.base.text import on_one_line
from npdigits.config import compose as cli
from npdigits.config.build import check_fit
from npdigits.config.identity import digest, form_for, identity, in_canonical_form
from npdigits.config.rules import cell
from npdigits.config.schema import Config, DataConfig, others_on, unread, without_effect
from npdigits.data import sets as data
from npdigits.runs import directory as rundir
from npdigits.runs.directory import ENDED, PLOTS
from npdigits.runs.report import Report
from npdigits.sweeps import launcher
from npdigits.sweeps import points as sweep
from npdigits.sweeps.launcher import Place
from npdigits.sweeps.points import Ended, Point
from npdigits.sweeps.progress import Progress
from npdigits.train import DIVERGED, load, run

TABLE = "sweep.csv"
HELD = "another process is writing it"
# A sweep in which some run failed, was held by another process, or is still to be done.
INCOMPLETE = 1
# Keys that concern the sweep as a whole.
OF_THE_SWEEP = ("out", "workers", "quiet", "plots")
# Of these, and the sweep's name, what was typed is no override of a run, which would else land in the sweep's folder.
WHERE = ("out", "name", "workers")
# So many runs of one kind are named.
MOST_NAMED = 3


@dataclasses.dataclass(frozen=True)
class Source:
    """The data set that the launching process has found: what a worker loads, and nothing else in its place."""

    name: str
    sha256: str
    root: Path
    folder: Path | None


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
    for _, config in points:
        if config.resume:
            raise ConfigError(f"resume={config.resume}: not allowed in a sweep, which goes on by the same command")
    for key in OF_THE_SWEEP:
        values = {getattr(config, key) for _, config in points}
        if len(values) > 1:
            raise ConfigError(f"{key}={','.join(map(str, sorted(values, key=str)))}: allowed is one for all runs")
    report = Report(points[0][1].quiet)
    idle = [set(without_effect(config, typed)) for typed, config in points]
    for line in sorted(set.intersection(*idle)):
        report.warn(line)
    folders, sources = _planned(points, swept, fixed, report)
    if on := others_on(swept, [{key: cell(v) for key, v in config.as_dict().items()} for _, config in points]):
        report.say(f"of the regularizers, {on}")
    codes = [_one(list(of_it.values()), folder, swept, sources, place, report) for folder, of_it in folders.items()]
    return INCOMPLETE if INCOMPLETE in codes else max(codes)


def _planned(
    points: Sequence[tuple[list[str], Config]], swept: Sequence[str], fixed: Sequence[str], report: Report
) -> tuple[dict[Path, dict[str, Point]], dict[DataConfig, Source]]:
    """Return the runs, by folder and name, and the data sets that they are to find; what is one run is there once.

    Raises:
        UserError: a point cannot be run.
    """
    folders: dict[Path, dict[str, Point]] = {}
    sources: dict[DataConfig, tuple[data.Data, Source]] = {}
    default = cli.compose()
    idle: dict[str, str] = {}
    for typed, config in points:
        if config.data not in sources:
            sources[config.data] = _source(config, report)
        found, source = sources[config.data]
        n_train = data.left_to_train(found, config.val_size)
        check_fit(config, (found.train.images.shape[1], *config.hidden, found.n_classes), n_train, found.image_shape)
        idle |= {key: why for key, why in unread(config.as_dict()).items() if key in swept}
        known = len(found.train), found.default_val_size
        config = in_canonical_form(config, *known)
        this = identity(config, source.sha256)
        folder = config.out_dir() or cli.outputs() / sweep.folder_name(config.name, swept, fixed)
        own = tuple(override for override in typed if override.lstrip("+").partition("=")[0] not in WHERE)
        point = Point(own, config, this, sweep.run_name(config, default, this), form_for(*known))
        folders.setdefault(folder, {}).setdefault(point.name, point)
    different = sum(map(len, folders.values()))
    if different < len(points):
        reasons = [f"{key} has no effect in some ({why})" for key, why in idle.items()]
        report.say(f"{len(points)} points are {different} different runs: {'; '.join(reasons) or 'some are the same'}")
    for folder, of_it in folders.items():
        folders[folder] = _where_they_are(of_it, folder)
    return folders, {chosen: source for chosen, (_, source) in sources.items()}


def _where_they_are(points: dict[str, Point], folder: Path) -> dict[str, Point]:
    """Return the runs under the names that their directories have: an earlier release called some of them otherwise."""
    missing = {digest(point.identity): point for point in points.values() if not (folder / point.name).exists()}
    if not missing or not folder.is_dir():
        return points
    names = {point.name: point.name for point in points.values()}
    for path in sorted(folder.iterdir()):
        if path.name in points or not (there := rundir.read_identity(path)):
            continue
        for form in {point.form for point in missing.values()}:
            if point := missing.get(digest(form(there))):
                names[point.name] = path.name
    return {names[name]: dataclasses.replace(point, name=names[name]) for name, point in points.items()}


def _one(
    points: list[Point],
    folder: Path,
    swept: Sequence[str],
    sources: dict[DataConfig, Source],
    place: Place,
    report: Report,
) -> int:
    """Do the runs of one folder that have not ended yet."""
    _writable(folder)
    ended = {p.name: one for p in points if (one := _before(p, folder)) and not _lacks_plots(one, folder)}
    to_do = [point for point in points if point.name not in ended]
    report.say(f"{len(points)} runs in {folder}" + (f", {len(ended)} of them ended before" if ended else ""))
    job = functools.partial(do, folder, sources)
    raised: BaseException | None = None
    with Watch() as watch, Progress(len(to_do), swept, report) as progress:
        try:
            for one in launcher.launch(to_do, job, place, folder, watch, progress.at_work):
                ended[one.point.name] = one = _seen_from_here(one, folder)
                progress.ended(one)
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
    # Who held a run, or did not answer in time, may have ended it meanwhile.
    all_ended = [
        one if (one := ended.get(point.name)) and one.status != "held" else _not_done(point, folder, one)
        for point in points
    ]
    here = [(one.point.config.as_dict(), one.status, one.point.name, one.reason, one.summary) for one in all_ended]
    others = _others(folder, {point.name for point in points})
    columns = sweep.differing([config for config, *_ in here + others], swept)
    Folder(folder).write_whole(TABLE, sweep.table([sweep.row(columns, *run) for run in here + others]))
    Folder(folder).remove_strays([TABLE], STRAY_AGE)
    # Who pressed Ctrl-C does not wait for pandas; npdigits-compare shows what has finished.
    if not (report.quiet or raised or watch.signal) and any(one.status == "finished" for one in all_ended):
        report.say(_compared([folder / point.name for point in points], report))
    _conclude(all_ended, folder, report)
    if raised:
        raise raised
    watch.raise_signal()
    if any(one.status not in ENDED for one in all_ended):
        return INCOMPLETE
    return DIVERGED if any(one.status == "diverged" for one in all_ended) else 0


def do(
    folder: Path, sources: dict[DataConfig, Source], point: Point, shared: bool, stop: Callable[[], bool] = never
) -> Ended:
    """Do one run of a sweep, wherever this is called; whatever happens to it stays its own.

    Args:
        folder: the sweep's.
        sources: what the launching process has found.
        point: the run.
        shared: whether other runs share the machine.
        stop: asked between two batches whether to end.
    """
    try:
        found = _loaded(sources[point.config.data])
        config = dataclasses.replace(point.config, out=None, name=None, workers=None)
        report = Report(quiet=True, silent=True)
        summary = run(config, folder / point.name, point.overrides, stop, found, report, shared)
    except HeldError:
        return Ended(point, "held", HELD)
    except Exception as error:
        if not isinstance(error, UserError) and not noted_log(error):
            rundir.add_to_log(folder / point.name, "".join(traceback.format_exception(error)))
        return Ended(point, "failed", on_one_line(error))
    return _as_summarized(point, summary)


def _source(config: Config, report: Report) -> tuple[data.Data, Source]:
    """Load a data set as the configuration says, and return it with what a worker is to load."""
    found = load(config.data, config.data.name, config.data.fallback, report)
    root = config.data.root_dir() or data.data_root()
    return found, Source(found.name, found.sha256, root, config.data.folder())


@functools.cache
def _loaded(source: Source) -> data.Data:
    """Load a data set once a process.

    Raises:
        DataError: what is found here is not what the launching process found.
    """
    found = data.load(source.name, root=source.root, folder=source.folder, fallback=None, warn=lambda line: None)
    if found.sha256 != source.sha256:
        raise DataError(f"data={source.name}: other digits than those that the sweep was begun with")
    return found


def _writable(folder: Path) -> None:
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


def _as_summarized(point: Point, summary: dict[str, Any], before: bool = False) -> Ended:
    return Ended(point, summary["status"], rundir.reason(summary), summary, before)


def _before(point: Point, folder: Path) -> Ended | None:
    """Return how a run ended, if it ended before."""
    summary = rundir.ended_already(folder / point.name, point.identity, point.form)
    return _as_summarized(point, summary, before=True) if summary else None


def _not_done(point: Point, folder: Path, held: Ended | None) -> Ended:
    """Return how far a run has come that was not done here, or not to its end."""
    if one := _before(point, folder):
        return dataclasses.replace(one, before=False)
    if held:
        return held
    summary = rundir.given_up(folder / point.name, "interrupted")
    if summary and summary["status"] == "running":
        return Ended(point, "held", HELD, summary)
    return _as_summarized(point, summary) if summary else Ended(point, "left")


def _lacks_plots(one: Ended, folder: Path) -> bool:
    """Say whether a run that has ended is to have plots and does not, as its process was killed while it drew them."""
    if not one.point.config.plots or "readout" not in one.summary:
        return False
    return not all((folder / one.point.name / "plots" / f"{name}.png").exists() for name in PLOTS)


def _seen_from_here(one: Ended, folder: Path) -> Ended:
    """Return how a run ended whose process is gone: it may have finished before that.

    If not, write into its summary that it failed, as the process could not do so any more.
    """
    if one.status == "failed" and (on_disk := _before(one.point, folder)):
        return dataclasses.replace(on_disk, before=False)
    if one.status == "failed" and not one.summary:
        return dataclasses.replace(one, summary=rundir.given_up(folder / one.point.name, "failed", one.reason) or {})
    return one


def _others(folder: Path, here: set[str]) -> list[sweep.Run]:
    """Return the folder's other runs, of an earlier and larger grid."""
    found: list[sweep.Run] = []
    for path in sorted(path.parent for path in folder.glob("*/summary.json") if path.parent.name not in here):
        try:
            config = yaml.safe_load((path / "config.yaml").read_text(encoding="utf-8"))
            summary = rundir.read_summary(path)
            found.append(({**config}, summary["status"], path.name, rundir.reason(summary), summary))
        except (OSError, ValueError, KeyError, TypeError, yaml.YAMLError, UserError):
            continue  # not a run of ours, or begun this moment
    return found


def _compared(directories: Sequence[Path], report: Report) -> str:
    """Return the table of ``npdigits-compare``, and the verdict, of the runs that are there."""
    from npdigits.compare.comparison import compare  # pandas, which the runs have no need of
    from npdigits.compare.formats import terminal
    from npdigits.compare.verdict import footnotes, verdict
    from npdigits.compare.views import configurations
    from npdigits.runs.table import read

    runs = read(path for path in directories if path.is_dir())
    for line in runs.warnings:
        report.warn(line)
    comparison = compare(runs, default=cli.compose().as_dict())
    return terminal(configurations(comparison), [*verdict(comparison), *footnotes(comparison)]).rstrip()


def _conclude(ended: Sequence[Ended], folder: Path, report: Report) -> None:
    """List what did not finish and why, and say how many did."""
    for status, group in itertools.groupby(sorted(ended, key=lambda one: sweep.STATUSES.index(one.status)), _status):
        if status in ("diverged", "failed", "held"):
            for one in group:
                log = folder / one.point.name / "train.log"
                where = f"; {log}" if status != "held" and log.exists() else ""
                report.warn(f"{status}: {one.point.name}{': ' * bool(one.reason)}{one.reason}{where}")
    left = [one for one in ended if one.status == "finished"]
    for flaw, said in (("at_chance", "read no better than at chance"), ("never_read", "never read some class")):
        flawed = [one.point.name for one in left if one.summary.get(flaw)]
        left = [one for one in left if one.point.name not in flawed]
        if flawed:
            more = f", and {len(flawed) - MOST_NAMED} more" if len(flawed) > MOST_NAMED else ""
            report.say(f"{len(flawed)} of {len(ended)} runs {said}: {', '.join(flawed[:MOST_NAMED])}{more}")
    counted = sweep.counted(ended)
    if any(one.status in ("failed", "interrupted", "held", "left") for one in ended):
        counted += "; the same command goes on"
    report.say(f"{counted}; table: {folder / TABLE}")
    report.result(str(folder))


def _status(one: Ended) -> str:
    return one.status
