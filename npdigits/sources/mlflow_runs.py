"""MLflow's runs, as both of its stores hold them, in the form of all sources.

Parameters are texts there and become numbers where they stand for one; tags of the user are settings as ``tags.NAME``.
MLflow's last value of a metric, which ``search_runs`` shows, is that of the largest (step, time, value), compared in
this order: neither the one that was written last nor, of one step, the one that stands last.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from npdigits.sources.found import DELETED, FAILED, FINISHED, RUNNING, Found
from npdigits.sources.values import from_text

EXPERIMENT = "experiment"
ACTIVE, GONE = "active", "deleted"
# In meta.yaml a run's status is a number.
NUMBERED = {1: "RUNNING", 2: "SCHEDULED", 3: "FINISHED", 4: "FAILED", 5: "KILLED"}
STATUS = {
    "FINISHED": (FINISHED, ""),
    "RUNNING": (RUNNING, ""),
    "SCHEDULED": (RUNNING, "scheduled: not begun"),
    "FAILED": (FAILED, "failed"),
    "KILLED": (FAILED, "killed"),
}
# Tags whose names begin so are MLflow's own.
OWN_TAGS = "mlflow."
PARENT = "mlflow.parentRunId"
# Letters of an id that a run is called by.
SHOWN = 12


@dataclass
class Run:
    """A run.

    Attributes:
        id: unique in its store.
        name: that a person gave it, or MLflow did ("brave-owl-123"); may be empty, or that of several runs.
        experiment: the name of its experiment.
        status: one of ``STATUS``.
        deleted: whether it, or its experiment, is deleted.
        place: where it stands, for messages.
        params, tags: texts.
    """

    id: str
    name: str
    experiment: str
    status: str
    deleted: bool
    place: str
    params: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)


def as_found(
    kind: str,
    runs: Sequence[Run],
    metrics: Iterable[str],
    history: Callable[[str], pd.DataFrame],
    last: Callable[[str], Sequence[float]],
    skipped: Sequence[tuple[str, str]],
) -> Found:
    """Return runs in the form of all sources; the arguments after ``runs`` are those of ``Found``."""
    experiments = dict.fromkeys(run.experiment for run in runs if not run.deleted)
    several = len(experiments) > 1
    ends = [(DELETED, "") if run.deleted else STATUS[run.status] for run in runs]
    remarks = []
    if several:
        remarks.append(
            f"there are {len(experiments)} experiments: which one a run belongs to is the setting {EXPERIMENT}"
        )
    if nested := sum(PARENT in run.tags and not run.deleted for run in runs):
        remarks.append(f"{nested} of the runs lie within others: each is a run of its own, with its own settings alone")
    return Found(
        kind,
        names=[f"{run.place} ({run.name})" if run.name else run.place for run in runs],
        settings=[_settings(run, several) for run in runs],
        metrics=sorted(metrics, key=lambda name: name.startswith("system/")),  # the machine's load comes last
        history=history,
        last=last,
        statuses=[status for status, _ in ends],
        reasons=[reason for _, reason in ends],
        skipped=skipped,
        remarks=remarks,
    )


def _settings(run: Run, several: bool) -> dict[str, Any]:
    own = {f"tags.{name}": from_text(text) for name, text in run.tags.items() if not name.startswith(OWN_TAGS)}
    params = {name: from_text(text) for name, text in run.params.items()}
    return {**({EXPERIMENT: run.experiment} if several else {}), **params, **own}


def short_ids(ids: Sequence[str]) -> list[str]:
    """Return ids cut short, where they stay apart."""
    short = [one[:SHOWN] for one in ids]
    return short if len(set(short)) == len(set(ids)) else list(ids)


def as_history(rows: Mapping[str, npt.NDArray[Any]]) -> pd.DataFrame:
    """Return a history in the order in which it was written by MLflow's clock; what was written at once, by its value.

    Args:
        rows: ``run``, ``time`` (milliseconds), ``step`` and ``value`` (n,), in any order.
    """
    value = rows["value"]
    order = np.lexsort((np.where(np.isnan(value), 0.0, value), rows["step"], rows["time"], rows["run"]))
    return pd.DataFrame(
        {"run": rows["run"][order], "step": rows["step"][order].astype(float), "value": value[order]}, copy=False
    )
