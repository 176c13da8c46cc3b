"""Whether a row of a plain table is a run or an epoch of one, and which rows are of one run."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from npdigits.sources.columns import Column, Table

# Names of columns that count within a run, the finest last: where there are several, the first one counts. Not
# "epochs" or "steps": these are settings.
STEPS = (
    *("epoch", "step", "global_step", "_step", "trainer/global_step", "training_iteration", "iteration", "iter"),
    *("timestep", "round", "num_env_steps_sampled"),
)
# Names of columns that may count, and may be settings too: these count only where they rise within every run.
MAY_COUNT = ("generation", "iterations", "n_iter", "timesteps", "batch", "t", "trial")
# Without a column that names runs they must count 0, 1, 2 … or 1, 2, 3 … so far at least, as few settings do.
LEAST_COUNTED = 5
# Names of columns that name a run, and of those that may: they may also name what is compared.
NAMES_RUNS = ("run", "run_id", "run_name", "run_uuid", "trial", "trial_id", "exp_id", "uuid", "job_id", "id", "name")
# Of the first, those that name nothing but runs.
NAMES_ONLY_RUNS = frozenset(("run", "run_id", "run_name", "run_uuid", "exp_id", "uuid", "job_id"))
MAY_NAME = ("experiment", "exp", "experiment_name", "experiment_id", "version", "job")
SEED = re.compile(r"(.*[._/])?(seed|random_seed|random_state|rng_seed|manual_seed|global_seed)", re.IGNORECASE)

Codes = npt.NDArray[np.intp]


@dataclass(frozen=True)
class Epochs:
    """How a table with a row an epoch is divided.

    Attributes:
        step: the column that counts.
        run: (n,) the run of each row, counted in the order in which the runs are first met.
        name: the column that names the runs; None where their settings tell them apart.
    """

    step: str
    run: Codes
    name: str | None


def find_step(names: Iterable[str]) -> str | None:
    """Return the column that counts epochs or steps; None where there is none."""
    by_lower = {name.lower(): name for name in reversed(list(names))}
    return next((by_lower[name] for name in STEPS if name in by_lower), None)


def find_names(names: Sequence[str]) -> list[str]:
    """Return the columns that may name runs, the most telling first."""
    by_lower = {name.lower(): name for name in reversed(names)}
    return [by_lower[name] for name in (*NAMES_RUNS, *MAY_NAME) if name in by_lower]


def divide(table: Table) -> Epochs | None:
    """Return which rows are of one run; None where each row is a run of its own.

    The runs are told apart by the columns that name them and by the seed. Where a step comes twice, or goes back, the
    columns that are constant in between tell runs apart as well. Without a name, a run is a block of rows in which the
    step rises, or where the rows stand by step, those that agree in the columns that are settings.
    Of several columns that count, the first counts that never stands still within a run.
    """
    by_lower = {name.lower(): name for name in reversed(list(table.columns))}
    found = [_divide_by(table, by_lower[name]) for name in STEPS if name in by_lower]
    divided = [epochs for epochs in found if epochs is not None]
    rising = (epochs for epochs in divided if _counts(table, epochs))
    best = next(rising, None)
    if best is None:
        more = (_divide_by(table, by_lower[name]) for name in MAY_COUNT if name in by_lower)
        best = next((epochs for epochs in more if epochs is not None and _surely_counts(table, epochs)), None)
    return best if best is not None or not divided else divided[0]


def _counts(table: Table, epochs: Epochs) -> bool:
    """Say whether no step comes twice in a run."""
    pairs = np.c_[epochs.run, pd.factorize(table.columns[epochs.step].numbers)[0]]
    return len(np.unique(pairs, axis=0)) == table.n


def _surely_counts(table: Table, epochs: Epochs) -> bool:
    """Say whether a column counts that may be a setting as well: see ``MAY_COUNT``."""
    counted = table.columns[epochs.step].numbers
    assert counted is not None
    order = np.argsort(epochs.run, kind="stable")
    run, step = epochs.run[order], counted[order]
    inner = run[1:] == run[:-1]
    rises = np.diff(step)[inner]
    if not np.isfinite(step).all() or not len(rises) or not (rises > 0).all():
        return False
    seeds = any(SEED.fullmatch(name) for name in table.columns)
    if (epochs.name or "").lower() in NAMES_ONLY_RUNS:
        # Trials may repeat one run with other seeds.
        return epochs.step.lower() != "trial" or seeds
    firsts, sizes = step[np.r_[True, ~inner]], np.bincount(run)
    by_ones = (rises == 1).all() and np.isin(firsts, (0, 1)).all() and (sizes >= LEAST_COUNTED).all()
    return bool(by_ones) and seeds and epochs.step.lower() != "trial"


def _divide_by(table: Table, step: str) -> Epochs | None:
    """Return which rows are of one run if this column counts; None where each row is a run of its own."""
    counted = table.columns[step].numbers
    if counted is None or table.n < 2 or np.all(counted == counted[0]):
        return None
    seeds = [name for name in table.columns if SEED.fullmatch(name)]
    names = [name for name in find_names(list(table.columns)) if name != step]
    naming = [name for name in names if not table.columns[name].blank.any()]
    for name in naming:
        run = _number([table.columns[one].codes for one in dict.fromkeys([name, *seeds])])
        if run.max() + 1 == table.n:
            continue
        run = _split(table, step, run)
        if run.max() + 1 < table.n:
            return Epochs(step, run, name)
    if naming and not seeds:
        return None
    return _divide_unnamed(table, step, seeds)


def _number(codes: Sequence[Codes]) -> Codes:
    """Return numbers for combinations of codes, counted in the order in which they are first met."""
    joined = codes[0].astype(np.int64)
    for more in codes[1:]:
        joined = pd.factorize(joined * (int(more.max()) + 2) + more)[0].astype(np.int64)
    first_met: Codes = pd.factorize(joined)[0]
    return first_met


def is_constant(column: Column, run: Codes) -> bool:
    """Say whether a column has one value within each run."""
    first = np.full(int(run.max()) + 1, -1, dtype=np.intp)
    first[run[::-1]] = np.arange(len(run))[::-1]
    return bool((column.codes == column.codes[first[run]]).all())


def _blocks(run: Codes, counted: npt.NDArray[np.float64]) -> Codes:
    """Return blocks of rows of one run, in which the step does not go back."""
    order = np.argsort(run, kind="stable")
    sorted_run, sorted_step = run[order], counted[order]
    starts = np.r_[True, (sorted_run[1:] != sorted_run[:-1]) | (sorted_step[1:] < sorted_step[:-1])]
    blocks = np.empty(len(run), dtype=np.intp)
    blocks[order] = np.cumsum(starts) - 1
    return blocks


def _split(table: Table, step: str, run: Codes) -> Codes:
    """Return runs divided further where a step goes back in them and another column changes there, and only there.

    So a table with trials 0 to 4 for each of several settings has a run for each pair.
    """
    counted = table.columns[step].numbers
    assert counted is not None
    blocks = _blocks(run, counted)
    if blocks.max() == run.max() or blocks.max() + 1 == table.n:
        return run
    telling = [
        column.codes
        for name, column in table.columns.items()
        if name != step and is_constant(column, blocks) and not is_constant(column, run)
    ]
    return _number([run, *telling]) if telling else run


def _divide_unnamed(table: Table, step: str, seeds: Sequence[str]) -> Epochs | None:
    """Divide a table without a column that names runs."""
    counted = table.columns[step].numbers
    assert counted is not None
    blocks = _blocks(np.zeros(table.n, dtype=np.intp), counted)
    n, first = int(blocks.max()) + 1, np.unique(blocks, return_index=True)[1]
    # Runs begin at one step. A table with a row a run may have a column epoch too, that of its best value.
    regular = bool((counted[first] == counted[0]).all()) and 2 * n <= table.n
    if regular and n > 1 and all(is_constant(table.columns[name], blocks) for name in seeds):
        return Epochs(step, blocks, None)
    if regular and n == 1 and len(np.unique(counted)) == table.n:
        constant = all(is_constant(table.columns[name], blocks) for name in seeds)
        return Epochs(step, blocks, None) if constant else None
    settings = [name for name, column in table.columns.items() if name != step and _repeats(column, counted)]
    if not settings or not set(seeds) <= set(settings):
        return None
    run = _number([table.columns[name].codes for name in settings])
    twice = len(np.unique(np.c_[run, pd.factorize(counted)[0]], axis=0)) < table.n
    return None if twice or run.max() + 1 == table.n else Epochs(step, run, None)


def _repeats(column: Column, counted: npt.NDArray[np.float64]) -> bool:
    """Say whether each value comes at every step at most as often as at the first one, as settings do."""
    at = pd.factorize(counted, sort=True)[0]
    pairs, times = np.unique(at * (int(column.codes.max()) + 1) + column.codes, return_counts=True)
    step, code = np.divmod(pairs, int(column.codes.max()) + 1)
    allowed = np.zeros(int(column.codes.max()) + 1, dtype=np.intp)
    allowed[code[step == 0]] = times[step == 0]
    return bool((times <= allowed[code]).all())
