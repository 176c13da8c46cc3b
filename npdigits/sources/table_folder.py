"""A folder of plain tables: what each holds, as one source."""

import itertools
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import pandas as pd

from npdigits.base.bounded import opened
from npdigits.base.errors import ConfigError
from npdigits.sources.found import FINISHED, HISTORY, Found
from npdigits.sources.run_files import natural
from npdigits.sources.text_table import HEAD_BYTES, decode, head_of

TEXT, LINES, LISTS, PARQUET = (".csv", ".tsv"), (".jsonl", ".ndjson"), (".json",), (".parquet",)
# Files that are tried to find out what a folder is, entries of a folder that are looked at for it, files that are read.
MOST_TRIED, MOST_LOOKED_AT, MOST_FILES = 20, 2_000, 10_000
_NUMBER = re.compile(r"(^|[\s,;|\"])[+-]?\d+([.,]\d+)?([eE][+-]?\d+)?($|[\s,;|\"])", re.MULTILINE)


def files_in(path: Path) -> Iterator[Path]:
    """Yield the files in a folder that are called as tables, links too; hidden ones are none."""
    try:
        entries = itertools.islice(path.iterdir(), MOST_LOOKED_AT + MOST_FILES)
        names = sorted((entry.name for entry in entries), key=natural)
    except OSError:
        return
    for name in names:
        is_called_so = name.lower().endswith((*TEXT, *LINES, *LISTS, *PARQUET)) and not name.startswith(".")
        if is_called_so and (path / name).is_file():
            yield path / name


def holds_tables(path: Path) -> bool:
    """Say whether a folder directly holds a table with numbers; raises nothing."""
    files = (file for file in files_in(path) if not file.is_symlink())
    return any(map(_is_table, itertools.islice(files, MOST_TRIED)))


def _is_table(file: Path) -> bool:
    """Say whether a file begins as a table with numbers; a JSON table alone is most often something else."""
    try:
        with opened(file) as source:
            start = source.read(HEAD_BYTES)
    except (OSError, ValueError):
        return False
    suffix, text = file.suffix.lower(), decode(start)[0].strip()
    if suffix in PARQUET:
        return start[:4] == b"PAR1"
    if suffix in TEXT:
        return len(head_of(file)) > 1 and bool(_NUMBER.search(text.partition("\n")[2]))
    return bool(re.match(r"\{" if suffix in LINES else r"\[\s*\{", text)) and any(map(str.isdigit, text))


def join_tables(path: Path, kind: str, found: Sequence[Found], skipped: Sequence[tuple[str, str]]) -> Found:
    """Return tables as one source.

    Args:
        path: of the folder.
        kind: in words.
        found: each table.
        skipped: (place, why) of what was not read.

    Raises:
        ConfigError: there is no table.
    """
    if not found:
        why = f": {skipped[0][0]}: {skipped[0][1]}" if skipped else ""
        raise ConfigError(f"{path}: no table with numbers{why}")
    starts = list(itertools.accumulate((len(one.names) for one in found), initial=0))

    def history(metric: str) -> pd.DataFrame:
        tables = [
            one.history(metric).assign(run=lambda table, start=start: table.run + start)
            for one, start in zip(found, starts, strict=False)
            if metric in one.metrics
        ]
        return pd.concat(tables, ignore_index=True)[list(HISTORY)]

    metrics = list(dict.fromkeys(metric for one in found for metric in one.metrics))
    return Found(
        kind=kind,
        names=[name for one in found for name in one.names],
        settings=[settings for one in found for settings in one.settings],
        metrics=metrics,
        history=history,
        statuses=[status for one in found for status in one.statuses or [FINISHED] * len(one.names)],
        reasons=[reason for one in found for reason in one.reasons or [""] * len(one.names)],
        has_steps=any(one.has_steps for one in found),
        told=False,
        single=frozenset(m for m in metrics if all(m in one.single for one in found if m in one.metrics)),
        skipped=[*skipped, *(pair for one in found for pair in one.skipped)],
        remarks=[*(remark for one in found for remark in one.remarks)],
    )
