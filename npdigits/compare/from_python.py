"""``npdigits.compare_runs``: the comparison of a data frame; rows, verdict and figures as data."""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

import pandas as pd

from npdigits.base.errors import ConfigError
from npdigits.compare import formats
from npdigits.compare.at import parse_at
from npdigits.compare.comparison import Comparison, compare
from npdigits.compare.curves import common_steps, learning_curves, read_histories
from npdigits.compare.foreign import Asked, to_runs
from npdigits.compare.race_apart import without_search
from npdigits.compare.verdict import footnotes, left_out, verdict
from npdigits.compare.views import View, configurations
from npdigits.runs.table import NUMBERS, OWN, SHARED, Runs
from npdigits.runs.text_columns import held_by_python
from npdigits.sources.columns import Table, column_of_values
from npdigits.sources.plain import found_of_table


@dataclass(frozen=True)
class Compared:
    """What ``compare_runs`` returns. In a notebook it shows itself as a table with its verdict.

    Attributes:
        rows: a row a configuration, unrounded: the keys, ``n``, each metric's mean and half of its interval,
            ``difference``, ``difference_half``, ``pairs``, ``p``, ``p_corrected``, ``verdict``; those of further
            metrics and baselines have names that end in theirs (``verdict:loss``).
        verdict: sentences: what was read, what is better, by how much, how sure.
        figures: what a picture of it shows, as plain lists. ``intervals``: for each row its label and, by metric,
            ``mean``, ``half`` and each run's ``values``; ``curves``: ``steps``, and for each row ``n`` and by metric
            ``mean`` and ``half``, where there are histories, else None.
    """

    rows: pd.DataFrame
    verdict: tuple[str, ...]
    figures: Mapping[str, Any]
    _view: View

    def __str__(self) -> str:
        return formats.terminal(self._view, self.verdict)

    __repr__ = __str__

    def _repr_html_(self) -> str:
        """Return the table as HTML, for notebooks; nothing in a cell is taken for HTML."""
        heads = "".join(f"<th>{escape(title)}</th>" for title in self._view.columns)
        rows = ("".join(f"<td>{escape(cell)}</td>" for cell in row) for row in self._view.cells)
        body = "".join(f"<tr>{row}</tr>" for row in rows)
        says = "".join(f"<p>{escape(line)}</p>" for line in self.verdict)
        return f"<table><thead><tr>{heads}</tr></thead><tbody>{body}</tbody></table>{says}"


@held_by_python
def compare_runs(
    frame: pd.DataFrame,
    metric: str | Sequence[str],
    seed: str | None = None,
    baseline: Mapping[str, Any] | str | Sequence[Mapping[str, Any]] | None = None,
    *,
    keys: Sequence[str] | None = None,
    shown: Sequence[str] = (),
    higher: bool | Mapping[str, bool] | None = None,
    at: str = "last",
    margin: float | str | Mapping[str, float] | None = None,
    unpaired: bool = False,
) -> Compared:
    """Compare runs that stand in a data frame: which differences between their settings are real?

    Example::

        frame = pd.DataFrame({"lr": [0.1, 0.1, 0.01, 0.01], "seed": [0, 1, 0, 1], "acc": [0.9, 0.91, 0.95, 0.94]})
        npdigits.compare_runs(frame, metric="acc", baseline={"lr": 0.1})

    Args:
        frame: a row a run, or a row an epoch with a column that names the run and one that counts; also what
            ``load_runs`` returns. It is not changed.
        metric: the column that is compared, or several, over which p's are corrected then.
        seed: the column that pairs runs; None is the one that is called so.
        baseline: the values of the row to compare with, fixed before the results were seen, or several of these; None
            and "best" is the best observed row (of npdigits' own runs None is the default, if it is there).
        keys: the columns that tell configurations apart; None are those that vary and can be keys.
        shown: further columns to show, untested.
        higher: whether higher is better, where the metric's name does not tell; or metric -> whether.
        at: which value of a history counts: "last", "step=1000", "best", "best:val_loss".
        margin: a difference that does not matter, in the metric's unit (of npdigits' own accuracies in points); of
            several metrics, metric -> margin.
        unpaired: pair no runs, also where seeds match.

    Raises:
        ConfigError: a name is unknown, or there is nothing to compare.
    """
    metrics = (metric,) if isinstance(metric, str) else tuple(metric)
    runs = _read_frame(frame, metrics, seed, keys, tuple(shown), higher, at)
    runs, said = without_search(runs)
    default = None if runs.foreign else _default()
    if isinstance(margin, Mapping):
        margin = ",".join(f"{name}={size}" for name, size in margin.items())
    comparison = compare(runs, metrics, baseline, default, shown=tuple(shown), margin=margin, unpaired=unpaired)
    if not comparison.rows:
        raise ConfigError("; ".join(["nothing to compare: no finished run there", *said]))
    view = configurations(comparison)
    says = (*verdict(comparison), *footnotes(comparison), *left_out(comparison), *(f"Note: {line}." for line in said))
    return Compared(view.frame, says, _figures(comparison), view)


def _read_frame(
    frame: pd.DataFrame,
    metrics: tuple[str, ...],
    seed: str | None,
    keys: Sequence[str] | None,
    shown: tuple[str, ...],
    higher: bool | Mapping[str, bool] | None,
    at: str,
) -> Runs:
    """Return the runs of a data frame; the arguments and errors are those of ``compare_runs``."""
    if not isinstance(frame, pd.DataFrame):
        raise ConfigError(
            f"frame: allowed is a pandas.DataFrame, not {type(frame).__name__}; of files, npdigits-compare"
        )
    if any(name is not None for name in frame.index.names):
        frame = frame.reset_index()  # keys that groupby or set_index made the index of
    better = {"": higher} if isinstance(higher, bool) else dict(higher or {})
    if set(OWN) <= set(frame.columns):
        for name, typed in {"seed": seed, "keys": keys, "at": None if at == "last" else at}.items():
            if typed is not None:
                raise ConfigError(f"{name}={typed!r}: is for runs of other programs; these are npdigits' own")
        return dataclasses.replace(_own_runs(frame), higher=better)
    asked = Asked(metrics, shown, seed, None if keys is None else tuple(keys), parse_at(at), better)
    columns = {str(name): column_of_values(frame[name].tolist()) for name in _names(frame)}
    return to_runs([found_of_table(Table(columns, len(frame)), "a data frame", "the frame")], asked)


def _names(frame: pd.DataFrame) -> list[Any]:
    """Return the names of a frame's columns.

    Raises:
        ConfigError: one is there twice.
    """
    if len(set(map(str, frame.columns))) < len(frame.columns):
        twice = next(name for name in frame.columns if list(map(str, frame.columns)).count(str(name)) > 1)
        raise ConfigError(f"column {twice}: is there twice")
    return list(frame.columns)


def _own_runs(frame: pd.DataFrame) -> Runs:
    """Return the runs of a table that ``load_runs`` made."""
    others = [name for name in frame.columns if name not in (*OWN, *NUMBERS, *SHARED)]
    first = frame.columns.get_loc(NUMBERS[0])
    keys = tuple(name for name in others if frame.columns.get_loc(name) < first)
    own = tuple(name for name in others if name not in keys)
    environments = dict.fromkeys(frame.environment.unique(), "")
    return Runs(frame.reset_index(drop=True), keys, environments, (), (), own)


def _default() -> Mapping[str, Any]:
    from npdigits.config.compose import compose

    return compose().as_dict()


def _figures(comparison: Comparison) -> dict[str, Any]:
    """Return what a picture of a comparison shows."""
    intervals = [
        {
            "row": comparison.label(row, marks=True),
            **{
                metric: {
                    "mean": row.interval(metric).mean,
                    "half": row.interval(metric).half,
                    "values": row.figures[metric].tolist(),
                }
                for metric in comparison.columns
            },
        }
        for row in comparison.rows
    ]
    if comparison.history is None:
        return {"intervals": intervals, "curves": None}
    said: list[str] = []
    histories = [read_histories(row, said.append, comparison.history) for row in comparison.rows]
    steps = common_steps([history for of_row in histories for history in of_row])
    curves = [learning_curves(history, comparison.columns, steps) for history in histories]
    return {"intervals": intervals, "curves": {"steps": steps.tolist(), "rows": curves}}
