"""Train one network: configuration, data, network, training, run directory, plots, from top to bottom."""

if __name__ == "__main__":
    from npdigits.base.start import start

    start("npdigits", "npdigits.train")

import contextlib
import dataclasses
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from npdigits.base.blas import one_thread
from npdigits.base.clock import Stopwatch
from npdigits.base.errors import MovedError, RunDirError, UserError
from npdigits.base.interruption import Stopped, Watch, never
from npdigits.base.paths import absolute
from npdigits.base.text import on_one_line
from npdigits.config import compose as cli
from npdigits.config.build import check_fit, initial_state, ranges, recipe
from npdigits.config.identity import digest, form_for, identity, in_canonical_form
from npdigits.config.schema import Config, DataConfig, without_effect
from npdigits.data import sets as data
from npdigits.data.augmentation import Augmentation
from npdigits.runs import directory as rundir
from npdigits.runs import results as outcome
from npdigits.runs import resume as resumption
from npdigits.runs.directory import ENDED, PLOTS, RunDir
from npdigits.runs.environment import bits_apart, environment
from npdigits.runs.report import Report, final_table
from npdigits.training.loop import fit
from npdigits.training.passes import Diverged
from npdigits.training.state import State

DIVERGED = 3


def run(
    config: Config,
    out_dir: str | os.PathLike[str] | None = None,
    overrides: Sequence[str] = (),
    stop: Callable[[], bool] = never,
    source: data.Data | None = None,
    report: Report | None = None,
    shared: bool = False,
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
        stop: asked between two batches whether to end; the summary then says ``interrupted``.
        source: the data set, if it is loaded already.
        report: what speaks for the run; None speaks to the terminal.
        shared: whether other runs share the machine, so that the seconds say little; the summary then says so.

    Raises:
        UserError: the configuration does not fit the data, the data cannot be had, or the directory cannot be used.
            Nothing has been written then.
        KeyboardInterrupt, Terminated: on Ctrl-C and SIGTERM, once the state at the last epoch's end is saved.
    """
    report = report or Report(config.quiet)
    try:
        return _run(
            config, None if out_dir is None else Path(out_dir).absolute(), overrides, stop, source, report, shared
        )
    except Exception as error:
        if not isinstance(error, UserError | OSError):
            report.fault(error)
        raise
    finally:
        report.close()


def _run(
    config: Config,
    out_dir: Path | None,
    overrides: Sequence[str],
    stop: Callable[[], bool],
    source: data.Data | None,
    report: Report,
    shared: bool,
) -> dict[str, Any]:
    data_name, fallback = config.data.name, config.data.fallback
    out_dir = out_dir or config.out_dir()
    resuming = bool(config.resume)
    if resuming:
        out_dir = absolute("resume", config.resume)
        assert out_dir is not None
        config, data_name = resumption.settings(out_dir, config, overrides or _typed(config), report.warn)
        fallback = None  # another data set would be another run
        report.quiet = config.quiet
    else:
        for line in without_effect(config, overrides):
            report.warn(line)
    source = source or load(config.data, data_name, fallback, report)
    known = len(source.train), source.default_val_size
    config = in_canonical_form(config, *known)
    train, val = data.hold_out(source, config.val_size, config.seed)
    sizes = (train.images.shape[1], *config.hidden, source.n_classes)
    check_fit(config, sizes, len(train), source.image_shape)
    this = identity(config, source.sha256)

    with RunDir.claim(out_dir, cli.outputs(), this, resuming, report.warn, form_for(*known)) as run_dir:
        if not run_dir.held:
            return _finished_before(run_dir, config, report)
        with one_thread(), Watch(stop) as watch:
            state = initial_state(config, sizes)
            before = _go_on(run_dir, state, config, report)
            summary: dict[str, Any] = {
                "status": "running",
                "identity": digest(this),
                "data": source.name,
                "data_sha256": source.sha256,
                "data_sizes": {"train": len(train), "val": len(val), "test": len(source.test)},
                "image_shape": list(source.image_shape),
                "parameters": state.network.parameters.flat.size,
                "epochs_run": len(state.history),
                "seconds": before,
            }
            if shared or (run_dir.summary or {}).get("seconds_shared"):
                summary["seconds_shared"] = True
            here = _environment(run_dir, report)
            if "earlier" in here:
                summary["bits_may_differ"] = True
            run_dir.start(_from_anywhere(config), list(overrides), here, this, summary, state)
            if distortions := ranges(config):
                pictures = outcome.distorted(train, Augmentation(source.image_shape, distortions), config.seed)
                run_dir.write_distorted(pictures)
            report.open_log(run_dir.open_log())
            report.say(
                f"{source.name}: {len(train):,} digits to train on, {len(val):,} for validation, {len(source.test):,} "
                f"for the test; network {'–'.join(map(str, sizes))}, {summary['parameters']:,} parameters"
            )
            clock = Stopwatch()
            report.start_clock()

            def progress() -> None:
                summary["epochs_run"] = len(state.history)
                summary["seconds"] = round(before + clock.seconds(), 3)

            try:
                try:
                    for record in fit(state, train, val, source.test, recipe(config, source.image_shape), watch):
                        run_dir.record(record)
                        progress()
                        run_dir.checkpoint(state, this, summary)
                        report.epoch(record, config.epochs)
                except Diverged as error:
                    state.stopped_by = "diverged"
                    keys = f"lr (it is {config.lr:g})"
                    if config.lr * config.weight_decay > 1:  # a step then takes away more than the whole weight
                        keys += f" or weight_decay (it is {config.weight_decay:g})"
                    if config.init_scale > 1:
                        keys += f" or init_scale (it is {config.init_scale:g})"
                    report.warn(f"{error}: try a smaller {keys}, or another initializer")
                except Stopped:
                    progress()
                    summary["status"] = "interrupted"
                    run_dir.checkpoint(state, this, summary, now=True)
                    report.say(
                        f"interrupted after epoch {len(state.history)}: resume={run_dir.path} goes on from there"
                    )
                    watch.raise_signal()
                    return summary
                progress()
                run_dir.checkpoint(state, this, summary, final=True)
                summary["status"] = "finished"
                summary["stopped_by"] = state.stopped_by
                if state.stopped_by == "diverged":
                    summary["status"], summary["diverged_in_epoch"] = "diverged", len(state.history) + 1
                if state.best_epoch is not None:
                    p = outcome.test_probabilities(state, source.test)
                    run_dir.write_predictions(outcome.predictions(p, source.test))
                    summary |= outcome.best_figures(state.best_epoch)
                    summary["readout"] = outcome.readout(p, source.test, config.seed)
                    summary |= outcome.blindness(p, source.test)
                summary["sizes"] = rundir.sizes(run_dir.path)
                run_dir.write_summary(summary)
            except Exception as error:
                _failed(run_dir, summary, error)
                raise
        watch.raise_signal()
        report.close_live()
        if state.best_epoch is not None:
            report.say(final_table(summary))
            if config.plots:
                _draw(run_dir, report)
        run_dir.check()
        report.result(str(run_dir.path))
        return summary


def load(chosen: DataConfig, name: str, fallback: str | None, report: Report) -> data.Data:
    """Load a data set from where the configuration says."""
    return data.load(
        name,
        root=chosen.root_dir(),
        mirror=chosen.mirror,
        folder=chosen.folder(),
        fallback=fallback,
        warn=report.warn,
    )


def main() -> None:
    """Train as the command line says.

    The exit code is 0, 2 for bad input, 3 for a run that diverged, 1 for a sweep in which something failed.
    """

    def job(config: Config, overrides: list[str]) -> int:
        for override in overrides:
            if override.startswith(("name=", "workers=")):
                print(f"npdigits: WARNING: {override} has no effect: it is a sweep's", file=sys.stderr)
        summary = run(config, config.out_dir(), overrides)
        return DIVERGED if summary["status"] == "diverged" else 0

    def sweep(points: list[tuple[list[str], Config]], swept: list[str], fixed: list[str], where: dict[str, Any]) -> int:
        from npdigits.sweeps.sweep import run_sweep  # which a single run has no need of

        return run_sweep(points, swept, fixed, where)

    cli.main(job, sweep)


def _go_on(run_dir: RunDir, state: State, config: Config, report: Report) -> float:
    """Put the state where the run in this directory stands, and return the seconds that it has trained, if known."""
    if run_dir.summary is None:
        return 0.0
    if run_dir.kept is None:
        report.say("this run has no checkpoint: starting from the beginning")
        return 0.0
    try:
        run_dir.kept.restore(state)
    except ValueError as error:
        raise RunDirError(f"{run_dir.path}: its last checkpoint does not fit the run: {error}") from error
    if state.stopped_by == "epochs" and len(state.history) < config.epochs:
        state.stopped_by = None  # the run is to be longer than it was
    n = len(state.history)
    if run_dir.summary.get("status") not in ENDED or not state.stopped_by:
        report.say(f"going on after epoch {n}")
    elif rundir.sizes(run_dir.path) != run_dir.summary.get("sizes"):
        report.warn(f"{run_dir.path}: a file was lost or torn: made again from the last checkpoint")
    else:
        diverged = state.stopped_by == "diverged"
        why = f"diverged in epoch {n + 1}" if diverged else f"was stopped in epoch {n} by {state.stopped_by}"
        report.warn(f"epochs={config.epochs} adds no epoch: the run {why}")
    seconds = run_dir.summary.get("seconds")
    return float(seconds) if isinstance(seconds, int | float) else 0.0


def _environment(run_dir: RunDir, report: Report) -> dict[str, Any]:
    """Return environment.json's content; with the earlier ones, if the run was begun where other bits may come out."""
    here = environment()
    there = run_dir.environment() if run_dir.kept else None
    if there is None:
        return here
    earlier = there.pop("earlier", [])
    earlier = earlier if isinstance(earlier, list) else []
    if changed := bits_apart(there, here):
        report.warn(f"this run was begun with {changed}: its bits may differ from those of a run made here alone")
        earlier = [*earlier, there]
    return {**here, "earlier": earlier} if earlier else here


def _failed(run_dir: RunDir, summary: dict[str, Any], error: Exception) -> None:
    """Write into the summary, if that is possible, that the run failed; it can go on from its last checkpoint."""
    if isinstance(error, MovedError) and not run_dir.follow():
        return
    with contextlib.suppress(OSError, MovedError):
        run_dir.write_summary({**summary, "status": "failed", "reason": f"{type(error).__name__}: {error}"})


def _finished_before(run_dir: RunDir, config: Config, report: Report) -> dict[str, Any]:
    """Return the summary of the run that is there already; draw the plots if they are wanted and missing."""
    assert run_dir.summary is not None
    report.say(f"this run is {run_dir.summary['status']} already")
    if "readout" in run_dir.summary:
        report.say(final_table(run_dir.summary))
        if config.plots and not all((run_dir.path / "plots" / f"{name}.png").exists() for name in PLOTS):
            _draw(run_dir, report)
    report.result(str(run_dir.path))
    return run_dir.summary


def _draw(run_dir: RunDir, report: Report) -> None:
    """Draw the plots; the run is finished whether that succeeds or not.

    Raises:
        MovedError: the directory is not where it was.
    """
    try:
        from npdigits.runs import plots  # matplotlib takes half a second to import

        plots.draw(run_dir.path, run_dir.hold)
    except MovedError:
        raise
    except (Exception, SystemExit) as error:  # a library may end the program instead
        report.warn(f"not all plots are drawn: {error if isinstance(error, RunDirError) else on_one_line(error)}")


def _typed(config: Config) -> list[str]:
    """Return the keys that differ from the defaults: what was typed, where the caller does not say."""
    default, here = cli.compose().as_dict(), config.as_dict()
    return [f"{key}={value}" for key, value in here.items() if value != default[key]]


def _from_anywhere(config: Config) -> Config:
    """Return the configuration with paths that mean the same from every directory."""
    found = {"root": config.data.root_dir(), "dir": config.data.folder()}
    folders = {name: str(path) for name, path in found.items() if path}
    return dataclasses.replace(config, data=dataclasses.replace(config.data, **folders))
