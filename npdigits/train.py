"""Train one network: configuration, data, network, training, run directory, plots, from top to bottom."""

import itertools
import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from npdigits import cli, data, outcome, team
from npdigits.activations import ACTIVATIONS
from npdigits.config import Config, without_effect
from npdigits.environment import environment
from npdigits.errors import ConfigError, RunDirError
from npdigits.identity import digest, identity
from npdigits.initializers import initialize
from npdigits.network import Network, Parameters
from npdigits.optimizers import OPTIMIZERS
from npdigits.passes import Diverged
from npdigits.report import Report, final_table
from npdigits.rundir import ENDED, PLOTS, RunDir
from npdigits.schedules import SCHEDULES, warmed_up
from npdigits.state import Recipe, State
from npdigits.stopping import STOPPING_RULES
from npdigits.streams import stream
from npdigits.trainer import fit

DIVERGED = 3


def run(config: Config, out_dir: Path | None = None, overrides: Sequence[str] = ()) -> dict[str, Any]:
    """Do the run that ``config`` describes, in ``out_dir``, and return its summary.

    Doing it twice does it once: where the same run is finished already, its summary is returned.

    Args:
        config: the checked configuration.
        out_dir: the run directory: new, empty, or of this same run; None makes a new one under outputs/.
        overrides: what the user typed, kept beside the composed configuration.

    Raises:
        UserError: the configuration does not fit the data, the data cannot be had, or the directory cannot be used.
            Nothing has been written then.
    """
    report = Report(config.quiet)
    try:
        return _run(config, out_dir, overrides, report)
    finally:
        report.close()


def _run(config: Config, out_dir: Path | None, overrides: Sequence[str], report: Report) -> dict[str, Any]:
    for line in without_effect(config, overrides):
        report.warn(line)
    source = data.load(
        config.data.name,
        root=_path(config.data.root),
        mirror=config.data.mirror,
        folder=_path(config.data.dir),
        fallback=config.data.fallback,
        warn=report.warn,
    )
    train, val = data.hold_out(source, config.val_size, config.seed)
    sizes = (train.images.shape[1], *config.hidden, source.n_classes)
    check_fit(config, sizes, len(train))
    run_identity = digest(identity(config, source.sha256))

    with RunDir.claim(out_dir, cli.outputs(), run_identity) as run_dir:
        if run_dir.summary is not None:
            return _finished_before(run_dir, config, report)
        with threadpool_limits(1, user_api="blas"):
            state = initial_state(config, sizes)
            summary: dict[str, Any] = {
                "status": "running",
                "identity": run_identity,
                "data": source.name,
                "data_sha256": source.sha256,
                "data_sizes": {"train": len(train), "val": len(val), "test": len(source.test)},
                "image_shape": list(source.image_shape),
                "parameters": state.network.parameters.flat.size,
            }
            run_dir.start(config, list(overrides), environment(), summary)
            report.open_log(run_dir.path / "train.log")
            report.say(
                f"{source.name}: {len(train):,} digits to train on, {len(val):,} for validation, {len(source.test):,} "
                f"for the test; network {'–'.join(map(str, sizes))}, {summary['parameters']:,} parameters"
            )
            begun = time.perf_counter()
            report.start_clock()
            try:
                for record in fit(state, train, val, source.test, recipe(config)):
                    run_dir.record(record)
                    run_dir.checkpoint(state)
                    report.epoch(record, config.epochs)
            except Diverged as error:
                summary["status"], state.stopped_by = "diverged", "diverged"
                summary["diverged_in_epoch"] = error.epoch
                keys = f"lr (it is {config.lr:g})"
                if config.lr * config.weight_decay > 1:  # a step then takes away more than the whole weight
                    keys += f" or weight_decay (it is {config.weight_decay:g})"
                report.warn(f"{error}: try a smaller {keys}, or another initializer")
            except KeyboardInterrupt:
                run_dir.checkpoint(state, final=True)
                run_dir.write_summary({**summary, "status": "interrupted", "epochs_run": len(state.history)})
                report.say(f"interrupted after epoch {len(state.history)}; what was written stays in {run_dir.path}")
                raise
            else:
                summary["status"] = "finished"
            run_dir.checkpoint(state, final=True)
            summary["epochs_run"] = len(state.history)
            summary["stopped_by"] = state.stopped_by
            summary["seconds"] = round(time.perf_counter() - begun, 3)
            if state.best_epoch is not None:
                p = outcome.test_probabilities(state, source.test)
                run_dir.write_predictions(outcome.predictions(p, source.test))
                summary |= outcome.best_figures(state.best_epoch)
                summary["readout"] = outcome.readout(p, source.test, config.seed)
            run_dir.write_summary(summary)
        report.close_live()
        if state.best_epoch is not None:
            report.say(final_table(summary))
            if config.plots:
                _draw(run_dir.path)
        report.result(str(run_dir.path))
        return summary


def main() -> None:
    """Train as the command line says; the exit code is 0, 2 for bad input, 3 for a run that diverged."""

    def job(config: Config, overrides: list[str]) -> int:
        summary = run(config, config.out_dir(), overrides)
        return DIVERGED if summary["status"] == "diverged" else 0

    cli.main(job)


def check_fit(config: Config, sizes: tuple[int, ...], n_train: int) -> None:
    """Refuse, before anything is written, what the data set or the machine cannot carry.

    Raises:
        ConfigError: with the key, the value and what is allowed.
    """
    if config.batch_size > n_train:
        raise ConfigError(
            f"batch_size={config.batch_size}: allowed is at most {n_train}, the number of digits left to train on"
        )
    if config.threads > 1 and not team.possible():
        raise ConfigError(
            f"threads={config.threads}: allowed is 1, as only on Linux can processes share a run's memory"
        )
    n = sum(rows * columns + columns for rows, columns in itertools.pairwise(sizes))
    width = np.dtype(config.dtype).itemsize
    # Parameters, gradient, best, scratch and up to two moments; activations and deltas of one batch.
    need = width * (6 * n + 2 * config.batch_size * sum(sizes))
    if hasattr(os, "sysconf") and "SC_PHYS_PAGES" in os.sysconf_names:
        memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
        if need > memory:
            raise ConfigError(
                f"hidden={'–'.join(map(str, config.hidden))}: {n:,} parameters need about {need / 2**30:,.1f} GiB, "
                f"allowed is what fits into this machine's {memory / 2**30:,.1f} GiB"
            )


def initial_state(config: Config, sizes: tuple[int, ...]) -> State:
    """Return the network at its initial weights (biases 0), and an optimizer that has made no step."""
    parameters = Parameters(sizes, config.dtype)
    drawn = initialize(config.initializer, stream(config.seed, "initialization"), sizes)
    for view, w in zip(parameters.weights, drawn, strict=True):
        view[...] = w
    network = Network(parameters, ACTIVATIONS[config.activation](config.leak), input_scale=1 / 255)
    gradient = Parameters(sizes, config.dtype)
    numbers = {"betas": config.betas, "eps": config.eps, "momentum": config.momentum, "rho": config.rho}
    optimizer = OPTIMIZERS[config.optimizer](parameters, gradient, numbers)
    return State(network, gradient, optimizer)


def recipe(config: Config) -> Recipe:
    """Return how to train, in plain values."""
    schedule = SCHEDULES[config.schedule](config.lr, config.lr_decay, config.decay_every, config.epochs)
    return Recipe(
        schedule=warmed_up(schedule, config.warmup),
        stop_on=config.stop_on,
        stopping_rule=STOPPING_RULES[config.stop_on](config.patience, config.min_delta, config.window),
        window=config.window,
        epochs=config.epochs,
        batch_size=config.batch_size,
        l2=config.l2,
        weight_decay=config.weight_decay,
        seed=config.seed,
        threads=config.threads,
    )


def _finished_before(run_dir: RunDir, config: Config, report: Report) -> dict[str, Any]:
    """Return the summary of the run that is there already; draw the plots if they are wanted and missing."""
    assert run_dir.summary is not None
    if run_dir.summary["status"] not in ENDED:
        raise RunDirError(f"out={run_dir.path}: holds this run, unfinished; empty the directory to start again")
    report.say(f"this run is {run_dir.summary['status']} already")
    if "readout" in run_dir.summary:
        report.say(final_table(run_dir.summary))
        if config.plots and not all((run_dir.path / "plots" / f"{name}.png").exists() for name in PLOTS):
            _draw(run_dir.path)
    report.result(str(run_dir.path))
    return run_dir.summary


def _draw(path: Path) -> None:
    from npdigits import plots  # matplotlib takes half a second to import

    plots.draw(path)


def _path(value: str | None) -> Path | None:
    """Return a path argument as seen from where the user stands."""
    return Path(value).expanduser().absolute() if value else None


if __name__ == "__main__":
    main()
