"""Published results, reproduced: ``python experiments/published.py table`` and ``… check``.

``npdigits experiment=published/NAME`` makes a row's runs. ``table`` reads their directories, keeps each run's figures
in results/published.csv, and puts the table into experiments/README.md and each result into its recipe. ``check``
repeats the quick rows and fails where a mean leaves the interval in which the kept figures let it be expected, or
where it is no longer what the row is meant to reach. ``check --exact`` repeats the portable runs whose bytes ``record``
has recorded, and fails where one differs.
"""

import argparse
import contextlib
import math
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import exact
import numpy as np
import pandas as pd
from literature import BASIS, ROWS, Row
from reproduced import COMMITTEE, collect, runs_of, seeds_of, with_kept

from npdigits.base.errors import ConfigError
from npdigits.base.files import write_whole
from npdigits.base.interruption import Watch
from npdigits.base.program import Parser, exit_code, nonempty_path, whole_number
from npdigits.compare.statistics import t_interval, t_quantile
from npdigits.config.conf_files import CONF
from npdigits.runs.outputs import outputs
from npdigits.runs.results import wilson_interval

PROGRAM = "published.py"
HERE = Path(__file__).parent
RESULTS = HERE / "results" / "published.csv"
PAGES = (HERE / "README.md",)
BEGIN, END = "<!-- published: made by experiments/published.py -->\n", "<!-- /published -->\n"
# How surely a repeated mean, if nothing has changed, stays in its interval.
SURE = 0.99


def measured(row: Row, results: pd.DataFrame) -> str:
    """Return what was measured of a row: mean, interval and how many seeds; of a committee its one figure."""
    own = results[results.row == row.name]
    if own.empty:
        return "not run"
    if row.members:
        low, high = wilson_interval(10_000 - round(100 * own.error.iloc[0]), 10_000)
        return f"{own.error.iloc[0]:.2f} ({100 - 100 * high:.2f} to {100 - 100 * low:.2f}, one)"
    mean, half, n = t_interval(own.error)
    seeds = f"{n}" if n == seeds_of(row) else f"{n} of {seeds_of(row)}"
    return f"{mean:.2f} ± {half:.2f} ({seeds})" if half is not None else f"{mean:.2f} ({seeds})"


def verdict(row: Row, results: pd.DataFrame) -> str:
    """Say whether the mean is where it is meant to be."""
    own = results[results.row == row.name]
    if own.empty:
        return "–"
    if own.error.mean() < row.least - 1e-9:
        return "**no**, better"
    return "yes" if meant(row, own.error) else "**no**"


def meant(row: Row, errors: pd.Series) -> bool:
    """Say whether the mean of some runs is where the row's is meant to be."""
    return bool(row.least - 1e-9 <= errors.mean() <= row.most + 1e-9)


def table(results: pd.DataFrame) -> str:
    """Return the table in Markdown, and how the sources were read."""
    lines = [
        "| network | published % | source | measured % (seeds) | meant % | held | epochs | seconds | numerics "
        "| `experiment=` |",
        "|---|---:|---|---:|---:|---|---:|---:|---|---|",
    ]
    for row in ROWS:
        own = results[results.row == row.name]
        bounds = f"{row.least:g} to {row.most:g}" if row.least else f"≤ {row.most:g}"
        epochs = f"{own.epochs.mean():.0f}" if len(own) else "–"
        seconds = f"{own.seconds.mean():,.0f}" if len(own) else "–"
        cells = [row.network, "–" if row.published is None else f"{row.published:g}", row.source or "–"]
        partly = not row.members and 0 < len(own) < seeds_of(row)
        held = verdict(row, results) + (", so far" if partly else "")
        code = ", ".join(sorted(set(own.numerics.map(str)))) or "–"
        cells += [measured(row, results), bounds, held, epochs, seconds, code, f"`published/{row.recipe}`"]
        lines.append(f"| {' | '.join(cells)} |")
    bases: dict[str, list[str]] = {}
    for source, basis in BASIS.items():
        bases.setdefault(basis, []).append(source)
    read = "; ".join(f"{', '.join(sources)} from {basis}" for basis, sources in bases.items())
    together = f"The committee is `python -m npdigits.evaluate` with the {COMMITTEE} runs of its recipe."
    return "\n".join([*lines, "", f"Test errors. {together} How the sources were read: {read}.", ""])


def expected(errors: Sequence[float], again: int) -> tuple[float, float]:
    """Return between which the mean of so many new runs is to be expected, in per cent.

    The prediction interval of a mean: x̄ ± t·s·√(1/n + 1/m), at 99 % (Hahn 1969), of n kept and m new runs.
    """
    x = np.asarray(errors, dtype=float)
    t = t_quantile(len(x) - 1, SURE)
    half = float(t * x.std(ddof=1) * math.sqrt(1 / len(x) + 1 / again))
    return float(x.mean()) - half, float(x.mean()) + half


def check(rows: Sequence[Row], results: pd.DataFrame, seeds: int | None, folder: Path) -> bool:
    """Repeat these rows' runs in a folder; say of each whether its mean stayed where it was to be expected.

    With as many runs as are kept it has to stay where the row is meant to be, too.
    """
    held = True
    for row in rows:
        kept = results[results.row == row.name].error
        if len(kept) < 2:
            print(f"{row.name}: nothing is kept to compare it with")
            held = False
            continue
        typed = [f"experiment=published/{row.recipe}", f"out={folder / row.recipe}", "plots=false", "quiet=true"]
        typed += [f"seed=range({seeds})"] if seeds else []
        print(f"{row.name}: {seeds or seeds_of(row)} runs …", file=sys.stderr, flush=True)
        code = sweep(typed)
        errors = runs_of(row, folder, seeds).error
        if code or errors.empty:
            print(f"{row.name}: its runs failed (exit code {code})")
            held = False
            continue
        low, high = expected(kept, len(errors))
        inside = low - 1e-9 <= errors.mean() <= high + 1e-9
        where = "as expected" if inside else "NOT as expected"
        if len(errors) >= len(kept) and meant(row, kept) and not meant(row, errors):
            inside, where = False, "NOT where the row is meant to be, though as expected" if inside else where
        held &= inside
        print(f"{row.name}: {errors.mean():.3f} % of {len(errors)} runs, {where}: {low:.3f} to {high:.3f}", flush=True)
    return held


def sweep(typed: Sequence[str]) -> int:
    """Make these runs and return the exit code. Who ends this process ends them, before their folder is removed."""
    child: subprocess.Popen[bytes] | None = None
    try:
        with Watch() as watch:  # a signal is noted until the child is
            child = subprocess.Popen([sys.executable, "-m", "npdigits.train", *typed], stdout=subprocess.DEVNULL)
        watch.raise_signal()
        return child.wait()
    except BaseException:
        if child:
            try:
                child.terminate()
                child.wait()
            finally:  # a second Ctrl-C
                child.kill()
                child.wait()
        raise


def put(text: str, page: Path) -> None:
    """Put the table between its two marks in a page."""
    before, _, rest = page.read_text(encoding="utf-8").partition(BEGIN)
    _, _, after = rest.partition(END)
    write_whole(page, (before + BEGIN + text + END + after).encode())


def head(row: Row, results: pd.DataFrame) -> str:
    """Return the line about a recipe's result, which stands in its file."""
    own = results[results.row == row.name]
    if own.empty:
        return "# not run yet\n"
    seeds = f"mean of {len(own)} seeds" if len(own) > 1 else "one seed"
    return f"# {own.error.mean():.2f} % test error, {seeds}; {own.seconds.mean():,.0f} s a run\n"


def put_head(line: str, recipe: Path) -> None:
    """Put that line after the command in a recipe's file."""
    lines = recipe.read_text(encoding="utf-8").splitlines(keepends=True)
    after = next(i for i, one in enumerate(lines) if one.startswith("# npdigits experiment=")) + 1
    write_whole(recipe, "".join([*lines[:after], line, *lines[after + 1 :]]).encode())


def main() -> None:
    """Do what is asked; the exit code of ``check`` is 1 where a figure left its interval."""
    parser = Parser(PROGRAM, description=(__doc__ or "").partition("\n")[0])
    what = parser.add_subparsers(dest="what", required=True)
    tables = what.add_parser("table", help="write the table into the log's page, the figures into results/ and recipes")
    tables.add_argument("--folder", type=nonempty_path, help="of the rows' runs (default: outputs/)")
    checks = what.add_parser("check", help="repeat the quick rows, and fail where a mean leaves its interval")
    checks.add_argument("--folder", type=nonempty_path, help="for the runs (default: a temporary one)")
    checks.add_argument("--rows", help="only these, such as softmax,default (default: the quick ones)")
    checks.add_argument("--seeds", type=whole_number(1, 1000), help="with so many (default: as many as the recipe has)")
    checks.add_argument("--exact", action="store_true", help="the recorded portable runs, which must leave our bytes")
    records = what.add_parser("record", help="record the bytes of the quick rows' portable runs, for check --exact")
    records.add_argument("--folder", type=nonempty_path, help="for the runs (default: a temporary one)")
    records.add_argument("--rows", help="only these (default: the quick ones)")
    records.add_argument("--seeds", type=whole_number(1, 1000), default=1, help="with so many (default: 1)")
    records.set_defaults(act=record)
    tables.set_defaults(act=write_table)
    checks.set_defaults(act=repeat)

    def act() -> int:
        chosen = parser.parse_args()
        return int(chosen.act(chosen))

    sys.exit(exit_code(PROGRAM, act))


def write_table(chosen: argparse.Namespace) -> int:
    """Read the runs and write what ``table`` writes."""
    folder = chosen.folder or outputs()
    if not folder.is_dir():
        raise ConfigError(f"--folder {folder}: is no folder")
    results, old = with_kept(collect(folder), pd.read_csv(RESULTS))
    if old:
        print(f"as they were, as {folder} has fewer of their runs: {', '.join(old)}", file=sys.stderr)
    write_whole(RESULTS, results.to_csv(index=False, lineterminator="\n").encode())
    text = table(results)
    for page in PAGES:
        put(text, page)
    for row in ROWS:
        if not row.members:
            put_head(head(row, results), CONF / "experiment" / "published" / f"{row.recipe}.yaml")
    print(text)
    return 0


def repeat(chosen: argparse.Namespace) -> int:
    """Repeat the rows that ``check`` is asked for, in a folder."""
    rows = chosen_rows(chosen)
    if chosen.exact and chosen.seeds:
        raise ConfigError(
            f"--seeds {chosen.seeds}: not allowed with --exact, which repeats the seeds that are recorded"
        )
    if chosen.exact and chosen.rows is None:
        rows = [row for row in rows if row.name in exact.recorded()]
    if there := [row.name for row in rows if chosen.folder and (chosen.folder / row.recipe).exists()]:
        raise ConfigError(f"--folder {chosen.folder}: runs of {', '.join(there)} are there, and a check makes new ones")
    with folder_for(chosen) as folder:
        if chosen.exact:
            held = exact.check(rows, folder, sweep)
        else:
            held = check(rows, pd.read_csv(RESULTS), chosen.seeds, folder)
    return 0 if held else 1


def record(chosen: argparse.Namespace) -> int:
    """Record the bytes of the rows that ``record`` is asked for; runs that are in its folder need not be made."""
    with folder_for(chosen) as folder:
        return 0 if exact.record(chosen_rows(chosen), chosen.seeds, folder, sweep) else 1


def chosen_rows(chosen: argparse.Namespace) -> list[Row]:
    """Return the rows that are asked for."""
    names = chosen.rows.split(",") if chosen.rows is not None else [row.name for row in ROWS if row.quick]
    known = {row.name: row for row in ROWS if not row.members}
    if not set(names) <= set(known):
        raise ConfigError(f"--rows={chosen.rows}: allowed are {', '.join(known)}")
    return [known[name] for name in names]


@contextlib.contextmanager
def folder_for(chosen: argparse.Namespace) -> Iterator[Path]:
    """Yield the folder for the runs: the one that is asked for, or a temporary one."""
    if chosen.folder:
        chosen.folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        yield (chosen.folder or Path(scratch)).absolute()


if __name__ == "__main__":
    main()
