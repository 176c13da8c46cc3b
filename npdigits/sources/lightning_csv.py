"""Lightning's CSVLogger: version_0/metrics.csv beside version_0/hparams.yaml.

An epoch has several rows of one step: one of each batch that was logged, one of the validation, one of means over the
epoch; each leaves the others' cells blank. ``step`` counts batches, ``epoch`` counts from 0.
"""

from pathlib import Path

from npdigits.base.errors import ConfigError
from npdigits.sources.found import FINISHED, RUNNING, Found
from npdigits.sources.run_files import LINK, MOST_BYTES, Run, Unread, find_runs, holds, join, no_runs, series_of
from npdigits.sources.text_table import read_text_table

KIND = "Lightning's CSVLogger"
METRICS, SETTINGS = "metrics.csv", "hparams.yaml"


def _fits(folders: set[str], files: set[str]) -> bool:
    # hparams.yaml is written with the first metrics, also where there are no hyperparameters.
    return SETTINGS in files and METRICS in files


def recognizes(path: Path) -> bool:
    """Say whether there is a run at or below a folder, or whether a file is the metrics of one."""
    return holds(path, _fits) or (path.name == METRICS and (path.parent / SETTINGS).is_file() and path.is_file())


def read(path: Path) -> Found:
    """Read all runs at and below a folder.

    Raises:
        ConfigError: there are none.
    """
    unread, runs = Unread(), []
    folders = list(find_runs(path, _fits, skipped=unread.skipped)) if path.is_dir() else [path.parent]
    for folder in folders:
        settings = unread.settings(folder / SETTINGS)
        if (folder / METRICS).is_symlink():
            unread.skipped.append((str(folder / METRICS), LINK))
            continue
        try:
            table = read_text_table(folder / METRICS, MOST_BYTES)
        except ConfigError as error:
            unread.skipped.append((str(folder / METRICS), str(error).removeprefix(f"{folder / METRICS}: ")))
            continue
        unread.add(folder / METRICS, table)
        series = series_of(table, "step" if "step" in table.columns else None, leave_out=("epoch",))
        runs.append(Run(str(folder), settings, series, *((FINISHED, "") if series else (RUNNING, "no metrics yet"))))
    if not runs and all(why == LINK for _, why in unread.skipped):
        raise no_runs(path, KIND, unread.skipped)
    return join(KIND, runs, unread.skipped, [*unread.remarks(), "Lightning's step counts batches, from 0"])
