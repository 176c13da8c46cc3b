"""What an experiment tracker is told of a run: its settings, the figures of each epoch, the figures of the best one."""

from collections.abc import Mapping
from typing import Any

from npdigits.config.identity import with_later_keys
from npdigits.config.value_text import as_cell
from npdigits.runs.metrics import COLUMNS, SCORES
from npdigits.runs.summary import Summary
from npdigits.training.state import Epoch

# Entries of an identity that are no settings.
NO_SETTINGS = ("data_sha256", "numerics")


def settings_of(identity: Mapping[str, Any], data: str) -> dict[str, Any]:
    """Return the data set and the keys that decide the result, the seed among them, as cells of a table."""
    keys = {key: as_cell(value) for key, value in with_later_keys(dict(identity)).items() if key not in NO_SETTINGS}
    return {"data": data, **keys}


def figures_of(epoch: Epoch) -> dict[str, float]:
    """Return an epoch's figures by the names of the columns of metrics.csv, without those that it has not."""
    values = {name: getattr(epoch, name) for name in COLUMNS if name != "epoch"} | dict(epoch.own)
    return {name: float(value) for name, value in values.items() if value is not None}


def best_figures(summary: Summary) -> dict[str, float]:
    """Return a summary's figures of the best epoch, as ``best/val_accuracy``, and its number, ``best/epoch``."""
    values = {"epoch": summary.best_epoch} | {name: getattr(summary, name) for name in SCORES}
    values |= dict(summary.own_metrics or {})
    return {f"best/{name}": float(value) for name, value in values.items() if value is not None}
