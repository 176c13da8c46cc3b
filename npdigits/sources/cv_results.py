"""scikit-learn's cv_results_ of a search, as DataFrame(search.cv_results_).to_csv writes it: a row a candidate.

Each candidate becomes a run for each split, and the splits pair them.
"""

import re
from pathlib import Path

import numpy as np
import pandas as pd

from npdigits.base.errors import ConfigError
from npdigits.sources.columns import BLANK, Table
from npdigits.sources.found import FAILED, FINISHED, HISTORY, Found
from npdigits.sources.table import read_table
from npdigits.sources.text_table import head_of

KIND = "scikit-learn's cv_results_"
SPLIT = re.compile(r"split(\d+)_((?:test|train)_.+)")
PARAM, PARAMS = "param_", "params"
# Of a search that halves: how far it was, and what it gave each candidate.
HALVING = ("iter", "n_resources")
REMARK = (
    "the splits of a cross-validation share training data, so that they are not independent: intervals are too narrow "
    "and p too small (Nadeau & Bengio 2003)"
)


def recognizes(path: Path) -> bool:
    """Say whether a file's first line has the columns of cv_results_."""
    head = head_of(path) if path.is_file() else []
    return PARAMS in head and any(map(SPLIT.fullmatch, head))


def read(path: Path) -> Found:
    """Read the results of a search.

    Raises:
        ConfigError: they cannot be read.
    """
    table = read_table(path)
    scores: dict[str, dict[int, np.ndarray]] = {}
    for name, column in table.columns.items():
        if (match := SPLIT.fullmatch(name)) and column.numbers is not None:
            scores.setdefault(match[2], {})[int(match[1][:9])] = column.numbers
    if not scores:
        raise ConfigError(f"{path}: no column split0_test_… of numbers")
    splits = sorted({split for by_split in scores.values() for split in by_split})
    n, n_splits = table.n, len(splits)
    nothing = np.full(n, np.nan)
    # (n_candidates, n_splits) of each metric, then one after the other.
    values = {
        metric: np.column_stack([by_split.get(split, nothing) for split in splits]).ravel()
        for metric, by_split in scores.items()
    }
    tested = [values[metric] for metric in values if metric.startswith("test_")]
    lost = np.all(np.isnan(tested), axis=0) if tested else np.zeros(n * n_splits, dtype=bool)

    def history(metric: str) -> pd.DataFrame:
        columns = (np.arange(n * n_splits), np.full(n * n_splits, np.nan), values[metric])
        return pd.DataFrame(dict(zip(HISTORY, columns, strict=True)))

    return Found(
        kind=KIND,
        names=[f"{path.name}: candidate {row + 1}, split {split}" for row in range(n) for split in splits],
        settings=[{**one, "split": split} for one in _candidates(table) for split in splits],
        metrics=sorted(values, key=lambda metric: not metric.startswith("test_")),
        history=history,
        last=lambda metric: values[metric].tolist(),
        statuses=[FAILED if is_lost else FINISHED for is_lost in lost],
        reasons=["no score: the fit failed" if is_lost else "" for is_lost in lost],
        has_steps=False,
        higher=dict.fromkeys(values, True),  # scikit-learn's scorers: errors are negative
        seed="split",
        skipped=table.skipped,
        remarks=[*table.remarks, REMARK],
    )


def _candidates(table: Table) -> list[dict[str, object]]:
    """Return the parameters of each candidate; those that it has not are not there.

    A None is written as nothing; that it was one stands in the text of ``params`` alone.
    """
    names = [name for name in table.columns if name.startswith(PARAM) or name in HALVING]
    texts = table.columns[PARAMS].cells() if PARAMS in table.columns else [""] * table.n
    cells = [table.columns[name].cells() for name in names]
    candidates = []
    for row, text in enumerate(texts):
        one: dict[str, object] = {}
        for name, column in zip(names, cells, strict=True):
            short = name.removeprefix(PARAM)
            if column[row] is not BLANK:
                one[short] = column[row]
            elif f"'{short}': None" in str(text):
                one[short] = None
        candidates.append(one)
    return candidates
