"""One run, from top to bottom: prepare, claim the directory, begin, train epoch by epoch, conclude, present."""

import contextlib
import dataclasses
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from npdigits.base.blas import one_thread
from npdigits.base.errors import ConfigError, MovedError, RunDirError, UserError, first_cause
from npdigits.base.interruption import Stopped, Watch, never
from npdigits.base.kinds import short_repr
from npdigits.base.paths import from_anywhere
from npdigits.base.text import on_one_line
from npdigits.config.build import initial_state, ranges, recipe
from npdigits.config.identity import digest
from npdigits.config.schema import Config
from npdigits.config.seeds import seed_of
from npdigits.data.sets import Data
from npdigits.runs import outputs, results, resume
from npdigits.runs.diagnosis import diagnose
from npdigits.runs.directory import EndedRun, claim
from npdigits.runs.doubt import Doubt
from npdigits.runs.drawing import Drawing
from npdigits.runs.environment import environment_of_run
from npdigits.runs.events import Listener, Listeners
from npdigits.runs.hold import Hold
from npdigits.runs.layers import inspectors
from npdigits.runs.layout import has_all_plots, more_sizes, result_sizes
from npdigits.runs.prepare import Plan, prepare
from npdigits.runs.record import RunRecord
from npdigits.runs.report import Report, outcome_of
from npdigits.runs.sharing import count_processes
from npdigits.runs.summary import Status, Summary
from npdigits.runs.track import require_tracker, trackers
from npdigits.runs.trial import try_own
from npdigits.runs.writer import RunWriter
from npdigits.training.loop import fit
from npdigits.training.passes import Diverged
from npdigits.training.scoring import probabilities
from npdigits.training.state import DIVERGED
from npdigits.training.temperature import find_temperature


def run(
    config: Config,
    out_dir: str | os.PathLike[str] | None = None,
    overrides: Sequence[str] = (),
    stop: Callable[[], bool] = never,
    source: Data | None = None,
    report: Report | None = None,
    shared: bool = False,
    listeners: Sequence[Listener] = (),
    until: int | None = None,
) -> dict[str, Any]:
    """Do the run that ``config`` describes, in ``out_dir``, and return its summary.

    Doing it twice does it once: where the same run is finished already, its summary is returned; where it was cut off,
    it goes on from its last checkpoint, and its result is the one it would have had.

    Args:
        config: the checked configuration. With ``resume`` the run there goes on by its own settings instead.
        out_dir: the run directory: new, empty, or of this same run; None is ``out`` of the configuration, or else a
            new one under outputs/.
        overrides: what the user typed, kept beside the composed configuration; with ``resume`` only these keys count,
            by default those that differ from the defaults.
        stop: a control that is asked between two batches whether to end; the summary then says ``interrupted``. It may
            wait before it answers: the run is paused meanwhile, and the seconds do not count. A signal ends the wait.
        source: the data set, if it is loaded already.
        report: what speaks for the run; None speaks to the terminal.
        shared: whether other runs share the machine, so that the seconds say little; the summary then says so.
        listeners: are told that the run has begun, that an epoch has ended and that the run has ended.
        until: the epoch after which to pause, of the ``epochs`` of the configuration; the summary then says ``paused``.
            The same call with a later one, or without, goes on, and the result is that of a run that was never paused.
            A run that has come as far already is not trained.

    Raises:
        UserError: the configuration does not fit the data, the data cannot be had, or the directory cannot be used;
            or ``until`` is no epoch. Nothing has been written then.
        KeyboardInterrupt, Terminated: on Ctrl-C and SIGTERM, once the state at the last epoch's end is saved.
    """
    require_tracker([config])
    directory = None if out_dir is None else from_anywhere(out_dir)
    return carry_out(config, directory, overrides, stop, source, report, shared, listeners, until).as_dict()


def carry_out(
    config: Config,
    out_dir: Path | None,
    overrides: Sequence[str] = (),
    stop: Callable[[], bool] = never,
    source: Data | None = None,
    report: Report | None = None,
    shared: bool = False,
    listeners: Sequence[Listener] = (),
    until: int | None = None,
) -> Summary:
    """Do a run as ``run`` does, and return its typed summary."""
    if until is not None and (type(until) is not int or until < 1):
        raise ConfigError(f"until={short_repr(until)}: allowed is an epoch, a whole number from 1")
    report = report or Report(config.quiet)
    try:
        plan = prepare(config, out_dir, overrides, source, report)
        told = Listeners(
            [report, *inspectors(plan.config, plan.train), *trackers(plan.config), *listeners], report.warn
        )
        try_own(plan.config, plan.sizes, plan.train, plan.source.image_shape)
        claimed = claim(plan.out_dir, outputs.outputs(), plan.identity, plan.resuming, report.warn, plan.form, until)
        if isinstance(claimed, EndedRun):
            return _present_ended(claimed, plan.config, report)
        last = plan.config.epochs if until is None else min(until, plan.config.epochs)
        with claimed as writer, Drawing(writer.path) as drawing:
            return _do_claimed(plan, writer, stop, shared, report, told, drawing, last)
    except Exception as error:
        if not isinstance(error, UserError | OSError):
            report.fault(error)
        raise
    finally:
        report.close()


def _do_claimed(
    plan: Plan,
    writer: RunWriter,
    stop: Callable[[], bool],
    shared: bool,
    report: Report,
    listeners: Listeners,
    drawing: Drawing,
    until: int,
) -> Summary:
    """Do a run whose directory is claimed, from its begin to its end or to a pause; return its summary."""
    with one_thread(), Watch(stop) as control:
        if plan.config.plots and not shared and until == plan.config.epochs:
            drawing.start()
        record = _begin(plan, writer, shared, report, until)
        try:
            listeners.begun(record)
            record.start_clock()
            control.leave_out = record.leave_out
            status = _train(plan, record, writer, control, listeners, report)
            _conclude(plan, record, writer, status, report)
        except Exception as error:
            first = first_cause(error)
            _fail(record, writer, first)
            listeners.ended(record)
            if first is not error:
                raise first from None
            raise
    try:
        if record.summary.status.ended and control.signal is None:
            _present(record, writer, report, drawing)
    finally:
        listeners.ended(record)
    control.raise_signal()
    return record.summary


def _begin(plan: Plan, writer: RunWriter, shared: bool, report: Report, until: int) -> RunRecord:
    """Initialize or restore the state, and write all files that are known before the next epoch."""
    state = initial_state(plan.config, plan.sizes)
    seconds = resume.restore(state, plan.config, writer, report)
    environment = environment_of_run(plan.config, writer.environment() if writer.kept else None, report.warn)
    summary = Summary(
        Status.RUNNING,
        identity=digest(plan.identity),
        **plan.about_data,
        data_sizes=plan.data_sizes,
        parameters=state.network.parameters.flat.size,
        epochs_run=len(state.history),
        seconds=seconds,
        seconds_shared=shared or (writer.found is not None and writer.found.seconds_shared),
        bits_may_differ="earlier" in environment,
    )
    record = RunRecord(writer.path, plan.config_from_anywhere, plan.identity, state, summary, until)
    writer.start(record, list(plan.overrides), environment)
    distortions, strokes = ranges(plan.config), plan.config.added_strokes
    if distortions or strokes:
        how = plan.source.image_shape, distortions, strokes, seed_of(plan.config, "distorted")
        writer.write_distorted(results.distort_examples(plan.train, *how))
    report.open_log(writer.open_log())
    return record


def _train(
    plan: Plan, record: RunRecord, writer: RunWriter, control: Watch, listeners: Listeners, report: Report
) -> Status:
    """Train epoch by epoch; return the status in which that ends."""
    sets = plan.train, plan.val, plan.source.test
    how = recipe(plan.config, plan.source.image_shape)
    how = dataclasses.replace(how, threads=count_processes(plan.config, plan.sizes, report))
    try:
        for epoch in fit(record.state, *sets, how, control, record.until):
            writer.append(epoch)
            record.update_progress()
            writer.checkpoint_if_due(record)
            listeners.epoch_ended(record, epoch)
    except Diverged as error:
        record.state.stopped_by = DIVERGED
        report.warn(f"{error}: try a smaller {_suspects(plan.config)}, or another initializer")
    except Stopped:
        return Status.INTERRUPTED
    if record.state.stopped_by is None and len(record.state.history) < plan.config.epochs:
        return Status.PAUSED
    # A resumed run may have diverged earlier.
    return Status.DIVERGED if record.state.stopped_by == DIVERGED else Status.FINISHED


def _suspects(config: Config) -> str:
    """Return the keys whose values may have made a run diverge, as text."""
    keys = f"lr (it is {config.lr:g})"
    if config.lr * config.weight_decay > 1:  # a step then takes away more than the whole weight
        keys += f" or weight_decay (it is {config.weight_decay:g})"
    if config.init_scale > 1:
        keys += f" or init_scale (it is {config.init_scale:g})"
    for own in config.own:
        if own.key in ("optimizer", "activation", "cost", "schedule"):
            keys += f" or {own.key} (it is {own.code.spec})"
    return keys


def _conclude(plan: Plan, record: RunRecord, writer: RunWriter, status: Status, report: Report) -> None:
    """Save the run's state; of a run that has ended write also its predictions and its figures."""
    record.update_progress()
    if status in (Status.INTERRUPTED, Status.PAUSED):
        record.update(status=status)
        writer.pause(record) if status == Status.PAUSED else writer.checkpoint(record)
        return
    writer.checkpoint(record, final=True)
    state, test = record.state, plan.source.test
    record.update(status=status, stopped_by=state.stopped_by)
    if status == Status.DIVERGED:
        record.update(diverged_in_epoch=len(state.history) + 1)
    if state.best_epoch is not None:
        network = results.best_network(state)
        p = probabilities(network, test)
        writer.write_predictions(results.collect_predictions(p, test))
        record.update(**results.figures_of(state.best_epoch))
        readout = results.read_out(p, test, seed_of(plan.config, "readout"))
        record.update(readout=readout, **results.find_blindness(p, test))
        temperature = find_temperature(network, plan.val)
        record.update(temperature=temperature)
        if found := Doubt.of(network, plan.train, plan.val, plan.source.image_shape, temperature or 1.0):
            writer.write_doubt(found.arrays(network))
    record.update(diagnosis=diagnose(plan, record, status, writer, report.warn))
    record.update(sizes=result_sizes(writer.path), more_sizes=more_sizes(writer.path))
    writer.write_summary(record.summary)


def _fail(record: RunRecord, writer: RunWriter, error: Exception) -> None:
    """Record in the summary, if that is possible, that the run failed; it can go on from its last checkpoint.

    Whatever hinders that (a full disk, no memory) does not take the place of the first error.
    """
    with contextlib.suppress(Exception):
        record.update(status=Status.FAILED, reason=f"{type(error).__name__}: {error}".removesuffix(": "))
        if writer.can_still_write(error):
            writer.write_summary(record.summary)


def _present(record: RunRecord, writer: RunWriter, report: Report, drawing: Drawing) -> None:
    """Print the figures of a run that has ended, draw its plots, and print its directory."""
    report.close_live()
    if outcome := outcome_of(record.summary):
        report.say(outcome)
    if record.config.plots and (record.state.best_epoch is not None or record.summary.status == Status.DIVERGED):
        _draw(writer.path, report, writer.hold, drawing)
    writer.check()
    report.result(str(writer.path))


def _present_ended(ended: EndedRun, config: Config, report: Report) -> Summary:
    """Print the figures of a run that had ended or paused before; draw its plots if they are wanted and missing."""
    where = f", after epoch {ended.summary.epochs_run}" if ended.summary.status == Status.PAUSED else ""
    report.say(f"this run is {ended.summary.status} already{where}")
    if outcome := outcome_of(ended.summary):
        report.say(outcome)
    if ended.summary.readout is not None and config.plots and not has_all_plots(ended.path):
        _draw(ended.path, report)
    report.result(str(ended.path))
    return ended.summary


def _draw(path: Path, report: Report, hold: Hold | None = None, drawing: Drawing | None = None) -> None:
    """Draw the plots; the run is finished whether that succeeds or not.

    Raises:
        MovedError: the directory is not where it was.
    """
    try:
        if not (drawing and hold and drawing.draw(hold)):
            from npdigits.runs import plots  # a run without plots has no need of it

            plots.draw(path, hold)
    except MovedError:
        raise
    except (Exception, SystemExit) as error:  # a library may end the program instead
        report.warn(f"not all plots are drawn: {error if isinstance(error, RunDirError) else on_one_line(error)}")
