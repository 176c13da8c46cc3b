"""What a table of rows is to be read with: what all rows share, what was left out, where the runs were made."""

from collections.abc import Mapping, Sequence
from typing import Any

from npdigits.compare.rows import ComparisonRow, may_lack
from npdigits.config.dependence import follows_in
from npdigits.config.value_text import as_cell
from npdigits.runs.summary import Status
from npdigits.runs.table import MISSING, Runs


def find_constant(
    rows: Sequence[ComparisonRow], differing: Sequence[str], runs: Runs, default: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the values that all rows share and that are not the defaults, without those that follow from others."""
    if runs.foreign:
        return {key: rows[0].values[key] for key in runs.keys if rows and key not in differing}
    follows = {key for row in rows for key in follows_in(row.values)}
    in_some = {key for row in rows for key in row.values if may_lack(key) and row.values[key] == MISSING}
    constant = {
        key: rows[0].values[key]
        for key in runs.keys
        if rows and key not in differing and key not in follows and key not in in_some
    }
    return {key: value for key, value in constant.items() if not default or value != as_cell(default.get(key))}


def is_machine_shared(runs: Runs, rows: Sequence[ComparisonRow]) -> bool:
    """Return whether other runs shared the machine with any of these rows' runs."""
    shared = set(runs.table.run[runs.table.seconds_shared.astype(bool)])
    return any(path in shared for row in rows for path in row.runs)


def list_left_out(runs: Runs) -> tuple[tuple[str, str, str], ...]:
    """Return (run, status, reason) of each run that no row holds."""
    left = runs.table[(runs.table.status != Status.FINISHED) | (runs.table.same_as != "")]
    return (
        *(
            (run, status, f"the same run as {same_as}" if same_as else reason)
            for run, status, reason, same_as in zip(left.run, left.status, left.reason, left.same_as, strict=True)
        ),
        *((run, "unreadable", why) for run, why in runs.skipped),
    )


def describe_environments(runs: Runs, rows: Sequence[ComparisonRow]) -> dict[str, str]:
    """Return the environments of the rows' runs, by name."""
    counted = {path for row in rows for path in row.runs}
    names = sorted(set(runs.table.environment[runs.table.run.isin(counted)]))
    return {name: runs.environments.get(name, "") for name in names}
