"""What a reader has found in the files of another program: runs, their settings, and what was measured, as stored.

Nothing is chosen here. Which settings are keys, which one is the seed, and which value of a history counts is
decided in ``compare/foreign.py``, for all sources alike.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import pandas as pd

# How a run ended, in the words of npdigits' own runs. What a program does not tell counts as finished.
FINISHED, RUNNING, FAILED, DELETED = "finished", "running", "failed", "deleted"
STATUSES = (FINISHED, RUNNING, FAILED, DELETED)
# Columns of a history.
HISTORY = ("run", "step", "value")
# run -> its settings; a setting that a run lacks is not there
Settings = Sequence[Mapping[str, object]]


@dataclass(frozen=True)
class Found:
    """The runs of one source.

    Attributes:
        kind: the source in words: "MLflow's SQLite store".
        names: (n,), of each run a name that a person finds it by: its path, or "mlflow.db: run 0a1b… (brave-owl)".
        settings: (n,), of each run name -> value: numbers, texts, booleans and None; names of nested ones have dots
            between. A number that the program keeps as text (MLflow's params) is a number here (``values.from_text``).
        metrics: the names of what was measured, in the order in which they are first met.
        history: metric -> a table with the columns ``HISTORY``: ``run`` (position in ``names``, whole numbers),
            ``step`` (float; NaN where there is none) and ``value`` (float64; NaN and infinities as stored), in the
            order in which they were written, those of one run together. What was logged twice at a step stands there
            twice. Reads lazily: what nobody asks for is not read.
        last: metric -> each run's last value (n,), where the source has it at hand without its history; else None.
        statuses: (n,), of ``STATUSES``.
        reasons: (n,), why a run did not finish, or "".
        has_steps: whether there are histories; False for a table with a row a run.
        told: whether the source itself tells settings from metrics. In a plain table every column of numbers stands in
            ``metrics`` and all columns stand in ``settings``; which is which is decided from their values.
        single: metrics that are stored in single precision (float32).
        higher: metric -> whether higher is better, where the source tells.
        seed: the setting that pairs runs, where the source tells (the splits of a cross-validation).
        skipped: (place, why) of what could not be read.
        remarks: what a user should know of how it was read, each a sentence without its full stop.
    """

    kind: str
    names: Sequence[str]
    settings: Settings
    metrics: Sequence[str]
    history: Callable[[str], pd.DataFrame]
    last: Callable[[str], Sequence[float]] | None = None
    statuses: Sequence[str] = ()
    reasons: Sequence[str] = ()
    has_steps: bool = True
    told: bool = True
    single: frozenset[str] = frozenset()
    higher: Mapping[str, bool] = field(default_factory=dict)
    seed: str | None = None
    skipped: Sequence[tuple[str, str]] = ()
    remarks: Sequence[str] = ()
