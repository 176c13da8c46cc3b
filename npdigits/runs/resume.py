"""Going on with a run: its own settings, which typed ones may differ from them, and where its state stood."""

import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from npdigits.base.errors import ConfigError, RunDirError
from npdigits.base.paths import absolute
from npdigits.base.text import join_lines
from npdigits.config.dependence import unread
from npdigits.config.former import parse_run_config, with_absent
from npdigits.config.identity import NOT_PART, numerics
from npdigits.config.numerics import describe_mark, split_numerics
from npdigits.config.override import Override
from npdigits.config.own_names import shorten
from npdigits.config.own_parts import reads_epochs
from npdigits.config.schema import Config
from npdigits.config.seeds import DRAWN_BY, three_seeds
from npdigits.nn.schedules import BOUND_TO_EPOCHS
from npdigits.runs import checkpoint
from npdigits.runs.checkpoint import Damaged
from npdigits.runs.json_table import load_config, read_identity
from npdigits.runs.kept_code import read_kept
from npdigits.runs.layout import is_whole
from npdigits.runs.report import Report
from npdigits.runs.summary import Summary, read_summary_if_there
from npdigits.runs.writer import RunWriter
from npdigits.training.state import ALL_EPOCHS, DIVERGED, State

# What an identity that is filled up holds besides the keys that decide a result.
SEEDS = ("seed", *DRAWN_BY)
NOT_DECIDING = {"data_sha256", "numerics", *NOT_PART}


def settle(path: Path, typed: Config, overrides: Sequence[str], warn: Callable[[str], None]) -> tuple[Config, str]:
    """Return the configuration with which the run in ``path`` goes on, and the name of the data set that it used.

    Args:
        path: the run directory.
        typed: the configuration that was composed from the defaults and ``overrides``.
        overrides: what was typed; of ``typed`` only these keys count.
        warn: is told when a damaged checkpoint is skipped.

    Raises:
        RunDirError: there is no run, or other code has made it.
        ConfigError: a typed key would make it another run.
    """
    summary = read_summary_if_there(path)  # which refuses what a newer version wrote
    identity, data = _read_identity_and_data(path, summary)
    _check_code(path, identity.get("numerics"))
    own = _read_own_settings(path, identity, typed, warn)
    changes: dict[str, Any] = {}
    idle = unread(own.as_dict())
    keys = _typed_keys(overrides)
    same_seeds = _draws_the_same(own, typed, keys)
    for key in keys:
        if key == "hydra":
            continue
        if key == "experiment":
            raise ConfigError("experiment: not allowed with resume: the run keeps its own settings")
        kept, asked = (_value_of(config, key) for config in (own, typed))
        if key in ("resume", "trust") or kept == asked or (key in SEEDS and same_seeds):
            continue
        if key == "out":
            raise ConfigError(f"out={typed.out}: not allowed with resume: the run stays where it is")
        if key == "data":
            if asked.name != kept.name:
                raise ConfigError(f"data={asked.name}: not allowed with resume: the run has data={kept.name}")
        elif key == "epochs":
            _check_growth(own, typed.epochs)
        elif key in idle:
            warn(f"{key}={_as_text(asked)} has no effect: {idle[key]}")
            continue
        elif key not in NOT_PART:
            raise ConfigError(f"{key}={_as_text(asked)}: not allowed with resume: the run has {key}={_as_text(kept)}")
        changes[key] = asked
    return dataclasses.replace(own, **changes), data or own.data.name


def _draws_the_same(own: Config, typed: Config, keys: Sequence[str]) -> bool:
    """Say whether the seeds that were typed are those of the run, however they are written."""
    asked: dict[str, Any] = {key: getattr(typed, key) for key in SEEDS if key in keys}
    return three_seeds(dataclasses.replace(own, **asked)) == three_seeds(own)


def is_portable(typed: Config) -> bool:
    """Say whether the run that is to go on computes portably; what cannot be read is refused later."""
    path = absolute("resume", typed.resume)
    return path is not None and (read_identity(path) or {}).get("portable") is True


def restore(state: State, config: Config, writer: RunWriter, report: Report) -> float:
    """Restore a state from the run's last checkpoint, and return the seconds that it has trained, if known.

    Raises:
        RunDirError: its last checkpoint does not fit the run.
    """
    found = writer.found
    if found is None:
        return 0.0
    if writer.kept is None:
        report.say("this run has no checkpoint: starting from the beginning")
        return 0.0
    try:
        writer.kept.restore(state)
    except ValueError as error:
        raise RunDirError(f"{writer.path}: its last checkpoint does not fit the run: {error}") from error
    if state.stopped_by == ALL_EPOCHS and len(state.history) < config.epochs:
        state.stopped_by = None  # the run is to be longer than it was
    _say_how_it_goes_on(state, config, writer.path, found, report)
    return float(found.seconds or 0.0)


def _say_how_it_goes_on(state: State, config: Config, path: Path, found: Summary, report: Report) -> None:
    n = len(state.history)
    if not found.status.ended or not state.stopped_by:
        report.say(f"going on after epoch {n}")
    elif not is_whole(path, found.sizes, found.more_sizes):
        report.warn(f"{path}: a file was lost or torn: made again from the last checkpoint")
    else:
        diverged = state.stopped_by == DIVERGED
        why = f"diverged in epoch {n + 1}" if diverged else f"was stopped in epoch {n} by {state.stopped_by}"
        report.warn(f"epochs={config.epochs} adds no epoch: the run {why}")


def _read_identity_and_data(path: Path, summary: Summary | None) -> tuple[dict[str, Any], str | None]:
    """Return the run's identity, from its last checkpoint or else from identity.json, and the name of its data set."""
    try:
        kept = checkpoint.read_last(path / "checkpoints", warn=lambda line: None)  # said when the directory is claimed
    except Damaged:
        kept = None
    if kept:
        return kept.identity, kept.data
    identity = read_identity(path)
    if identity is None:
        raise RunDirError(f"resume={path}: not a run directory: it has neither a checkpoint nor identity.json")
    return identity, (summary.data or None) if summary else None


def _check_code(path: Path, there: Any) -> None:
    """Refuse a run that was begun by this version of npdigits, where its code was edited before or since.

    Raises:
        RunDirError: says which code goes on with it.
    """
    here = numerics()
    (version, mark), (installed, _) = split_numerics(there), split_numerics(here)
    if there != here and version == installed:
        which = f"the code {describe_mark(mark)}" if mark else "the package as it was before it was edited"
        raise RunDirError(
            f"resume={path}: begun by other code of npdigits ({there} there, {here} here): {which} resumes it"
        )


def _read_own_settings(path: Path, identity: dict[str, Any], typed: Config, warn: Callable[[str], None]) -> Config:
    """Return the run's own configuration: what decides its result by its identity, the rest by config.yaml."""
    own = {key: value for key, value in with_absent(identity).items() if key not in NOT_DECIDING}
    own |= {"out": None, "resume": None, "trust": typed.trust}
    kept = read_kept(path, typed.trust, warn)
    try:
        return parse_run_config({**load_config(path), **own}, kept)
    except (OSError, ValueError, ConfigError) as error:
        reason = join_lines(str(error))
        warn(f"{path / 'config.yaml'}: cannot be used ({reason}): what decides no result is as typed")
    try:
        return parse_run_config({**typed.as_dict(), **own}, kept)
    except ConfigError as error:
        raise RunDirError(f"resume={path}: its identity cannot be used: {error}") from error


def _value_of(config: Config, key: str) -> Any:
    """Return a key's value; of the name of an own component all of its numbers."""
    if hasattr(config, key):
        return getattr(config, key)
    return {name: value for name, value in config.as_dict().items() if name.startswith(f"{key}.")}


def _typed_keys(overrides: Sequence[str]) -> list[str]:
    """Return the top-level keys that were typed."""
    return list(dict.fromkeys(Override.of(override).top for override in overrides))


def _check_growth(own: Config, epochs: int) -> None:
    if epochs < own.epochs:
        raise ConfigError(
            f"epochs={epochs}: not allowed with resume: the run has epochs={own.epochs}; it may only grow"
        )
    component = own.own_component("schedule")
    if own.schedule in BOUND_TO_EPOCHS or (component and reads_epochs(component)):
        raise ConfigError(
            f"epochs={epochs}: not allowed with resume: schedule={shorten(own.schedule)} depends on epochs={own.epochs}"
        )


def _as_text(value: Any) -> str:
    value = shorten(value)
    return str(list(value)) if isinstance(value, tuple) else str(value)
