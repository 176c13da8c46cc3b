"""Runs that W&B keeps on disk: ``wandb/offline-run-DATE-ID/run-ID.wandb``, and ``run-DATE-ID`` of online ones.

Read without W&B, which has no reader for others and would bring twenty packages and two servers.
"""

import itertools
import math
from array import array
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from npdigits.base.errors import ConfigError
from npdigits.sources.found import FAILED, FINISHED, HISTORY, RUNNING, Found
from npdigits.sources.tree import find_files
from npdigits.sources.values import flatten
from npdigits.sources.wandb_files import CUT, Curve, Logged, begins_as_wandb, read_file

KIND = "W&B's run folders"
RESUMED = (
    "What was written for one run id in several folders is one run; its later values replace the earlier ones from "
    "their first step on: {:,} values, in {:,} runs"
)
AXES = "Steps are those that define_metric names: {}"
OWN = "What stands in the summary alone has no step: {}"

_Read = tuple[Path, Logged]


def recognizes(path: Path) -> bool:
    """Return whether this is the file of a run, or there is one in the folder."""
    try:
        return any(begins_as_wandb(file) for file in itertools.islice(find_files(path, _is_run_file), 10))
    except OSError:
        return False


def read(path: Path) -> Found:
    """Read the runs of a folder and of the folders in it, or that of one file.

    Raises:
        ConfigError: there is no run with a number in it.
    """
    outside: list[Path] = []
    read_: list[_Read] = []
    skipped: list[tuple[str, str]] = []
    for file in find_files(path, _is_run_file, outside):
        try:
            run = read_file(file)
        except (OSError, ValueError) as error:
            skipped.append((str(file), str(error)))
            continue
        skipped += [(str(file), problem) for problem in run.problems if problem != CUT]
        if run.id:
            read_.append((file, run))
        else:
            skipped.append((str(file), "it holds no run: it was killed before anything was written"))
    skipped += [(str(place), "a link that leads out of the source, which is not followed") for place in outside]
    remarks: list[str] = []
    runs = _forked(_resumed(read_, remarks), remarks)
    skipped += [(str(file), "nothing was logged") for file, run in runs if not run.curves and not run.summary]
    runs = [(file, run) for file, run in runs if run.curves or run.summary]
    if not runs:
        why = f": {'; '.join(f'{place}: {why}' for place, why in skipped[:3])}" if skipped else ""
        raise ConfigError(f"{path}: no numbers in {KIND}{why}")
    return _found(runs, remarks, skipped)


def _is_run_file(name: str) -> bool:
    return name.endswith(".wandb")


def _found(runs: Sequence[_Read], remarks: list[str], skipped: list[tuple[str, str]]) -> Found:
    """Return what was read as one ``Found``."""
    curves = dict.fromkeys(name for _, run in runs for name in run.curves)
    alone = dict.fromkeys(name for _, run in runs for name in run.summary if name not in run.curves)
    metrics = list(curves | alone)
    axes = {f"{name} by {axis}" for _, run in runs for name in run.curves if (axis := _axis(run, name))}
    if axes:
        remarks.append(AXES.format(", ".join(sorted(axes))))
    if alone:
        remarks.append(OWN.format(", ".join(alone)))
    goals = {name: goal for _, run in runs for name in metrics if (goal := _defined(run.goals, name)) is not None}
    statuses = [_status(run) for _, run in runs]
    return Found(
        kind=KIND,
        names=[f"{file.parent}{f' ({run.name})' if run.name else ''}" for file, run in runs],
        settings=[_settings(run) for _, run in runs],
        metrics=metrics,
        history=lambda metric: _table([_steps_and_values(run, metric) for _, run in runs]),
        last=lambda metric: [_last(run, metric) for _, run in runs],
        statuses=[status for status, _ in statuses],
        reasons=[reason for _, reason in statuses],
        higher=goals,
        skipped=skipped,
        remarks=remarks,
    )


def _resumed(read_: Sequence[_Read], remarks: list[str]) -> list[_Read]:
    """Return the runs, with the files of one id joined in the order in which they were begun.

    A run that is resumed offline begins at step 0 again, as the program cannot ask the server how far it was.
    """
    by_id: dict[tuple[Path, str], list[_Read]] = {}
    for file, run in read_:
        by_id.setdefault((file.parent.parent, run.id), []).append((file, run))
    replaced = []
    runs = []
    for parts in by_id.values():
        parts.sort(key=lambda part: (part[1].began, str(part[0])))
        file, whole = parts[0]
        lost = sum(_continue(whole, later) for _, later in parts[1:])
        replaced += [lost] if len(parts) > 1 else []
        runs.append((file, whole))
    if replaced:
        remarks.append(RESUMED.format(sum(replaced), len(replaced)))
    return runs


def _continue(run: Logged, later: Logged) -> int:
    """Add what a run logged after it was resumed; return how many values this replaces."""
    lost = 0
    for name, curve in later.curves.items():
        before = run.curves.setdefault(name, Curve())
        kept = _until(before, curve.steps[0] - 1)
        lost += len(before.steps) - len(kept.steps)
        run.curves[name] = Curve(kept.steps + curve.steps, kept.values + curve.values)
    run.config |= later.config
    run.summary |= later.summary
    run.axes |= later.axes
    run.goals |= later.goals
    run.name, run.code = later.name or run.name, later.code
    return lost


def _forked(runs: Sequence[_Read], remarks: list[str]) -> list[_Read]:
    """Give runs that were forked the beginning that they share with the run they come from, where this was read."""
    whole: dict[str, Logged] = {}
    alone = []
    for _, run in sorted(runs, key=lambda each: each[1].began):
        parent = whole.get(run.branch[0]) if run.branch is not None else None
        if run.branch is not None and parent is not None:
            for name, curve in parent.curves.items():
                own = run.curves.get(name, Curve())
                shared = _until(curve, run.branch[1])
                if shared.steps or own.steps:
                    run.curves[name] = Curve(shared.steps + own.steps, shared.values + own.values)
        elif run.branch is not None:
            alone.append(run.id)
        whole[run.id] = run
    if alone:
        remarks.append(f"Forked from runs that are not here, and read from the fork on: {', '.join(alone)}")
    return list(runs)


def _until(curve: Curve, step: int) -> Curve:
    """Return the values of a metric up to a step."""
    kept = [index for index, at in enumerate(curve.steps) if at <= step]
    if len(kept) == len(curve.steps):
        return curve
    return Curve(array("q", [curve.steps[i] for i in kept]), array("d", [curve.values[i] for i in kept]))


def _defined(told: Mapping[str, Any], name: str) -> Any:
    """Return what define_metric tells of a metric, by its name or by a pattern, which ends in "*"; else None."""
    if name in told:
        return told[name]
    fits = [pattern for pattern in told if pattern.endswith("*") and name.startswith(pattern[:-1])]
    return told[max(fits, key=len)] if fits else None


def _axis(run: Logged, name: str) -> str | None:
    """Return the metric that another one's steps are, if the run has it."""
    axis = _defined(run.axes, name)
    return axis if axis in run.curves and axis != name else None


def _steps_and_values(run: Logged, name: str) -> tuple[np.ndarray, np.ndarray] | None:
    """Return the steps of a metric, of its axis the value last logged, and its values; None where a run lacks it."""
    curve = run.curves.get(name)
    if curve is None:
        return (np.array([np.nan]), np.array([run.summary[name]])) if name in run.summary else None
    steps = np.array(curve.steps, np.float64)
    axis = _axis(run, name)
    if axis is not None:
        at = run.curves[axis]
        order = np.argsort(np.array(at.steps), kind="stable")
        which = np.searchsorted(np.array(at.steps)[order], np.array(curve.steps), side="right") - 1
        steps = np.where(which >= 0, np.array(at.values, np.float64)[order][np.maximum(which, 0)], np.nan)
    return steps, np.array(curve.values, np.float64)


def _settings(run: Logged) -> dict[str, Any]:
    """Return a run's config, flat; its job's type, where it has one, tells training from evaluation."""
    settings = flatten(run.config)
    for name, value in settings.items():
        if isinstance(value, float) and not math.isfinite(value):
            settings[name] = str(value)  # a NaN would equal no other one
    if run.job:
        settings.setdefault("job_type", run.job)
    return settings


def _status(run: Logged) -> tuple[str, str]:
    """Return how a run ended, and why it did not finish."""
    if run.code is None:
        return RUNNING, "its file has no end: it was killed, or is being written"
    return (FINISHED, "") if run.code == 0 else (FAILED, f"exit code {run.code}")


def _table(parts: Sequence[tuple[np.ndarray, np.ndarray] | None]) -> pd.DataFrame:
    """Return the history of one metric."""
    present = [(index, *part) for index, part in enumerate(parts) if part is not None]
    columns = (
        np.repeat([index for index, _, _ in present], [len(steps) for _, steps, _ in present]).astype(np.int64),
        np.concatenate([steps for _, steps, _ in present] or [np.empty(0)]),
        np.concatenate([values for _, _, values in present] or [np.empty(0)]),
    )
    return pd.DataFrame(dict(zip(HISTORY, columns, strict=True)))


def _last(run: Logged, metric: str) -> float:
    """Return the last value of a metric, NaN where a run lacks it."""
    curve = run.curves.get(metric)
    return curve.values[-1] if curve is not None and len(curve.values) else run.summary.get(metric, float("nan"))
