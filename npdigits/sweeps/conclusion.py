"""The end of a sweep: the comparison of its runs, what did not finish and why, and the counts."""

import itertools
from collections.abc import Sequence
from pathlib import Path

from npdigits.config.compose import compose
from npdigits.runs.report import Report
from npdigits.runs.summary import Status
from npdigits.sweeps.points import Outcome, count_by_status

TABLE = "sweep.csv"
# So many runs of one kind are named.
MOST_NAMED = 3


def comparison_table(directories: Sequence[Path], report: Report) -> str:
    """Return the table of ``npdigits-compare``, and the verdict, of the runs that are there."""
    from npdigits.compare.comparison import compare  # pandas, which the runs have no need of
    from npdigits.compare.formats import terminal
    from npdigits.compare.looks import Past, question_of
    from npdigits.compare.verdict import footnotes, verdict
    from npdigits.compare.views import configurations
    from npdigits.runs.table import read_runs
    from npdigits.runs.text_columns import held_by_python

    runs = read_runs(path for path in directories if path.is_dir())
    for line in runs.warnings:
        report.warn(line)

    @held_by_python
    def compared() -> str:
        # The sweep's folder is looked at, as npdigits-compare looks at it.
        past = Past(question_of(sorted({str(path.parent) for path in directories})))
        comparison = past.add(compare(runs, default=compose().as_dict(), looks=past.looks))
        return terminal(configurations(comparison), [*verdict(comparison), *footnotes(comparison)]).rstrip()

    return compared()


def conclude(runs: Sequence[Outcome], folder: Path, report: Report) -> None:
    """List what did not finish and why, and say how many did."""
    order = list(Status)
    by_status = sorted(runs, key=lambda run: order.index(run.status))
    for status, alike in itertools.groupby(by_status, lambda run: run.status):
        if status in (Status.DIVERGED, Status.FAILED, Status.HELD):
            for run in alike:
                log = folder / run.point.name / "train.log"
                where = f"; {log}" if status != Status.HELD and log.exists() else ""
                report.warn(f"{status}: {run.point.name}{': ' * bool(run.reason)}{run.reason}{where}")
    _name_blind(runs, report)
    said = count_by_status(runs)
    if any(run.status in (Status.PAUSED, Status.FAILED, Status.INTERRUPTED, Status.HELD, Status.LEFT) for run in runs):
        said += "; the same command goes on"
    report.say(f"{said}; table: {folder / TABLE}")
    report.result(str(folder))


def _name_blind(runs: Sequence[Outcome], report: Report) -> None:
    """Name the finished runs that learned nothing, or not all classes."""
    left = [run for run in runs if run.status == Status.FINISHED]
    for flaw, said in (("at_chance", "read no better than at chance"), ("never_read", "never read some class")):
        flawed = [run.point.name for run in left if getattr(run.summary, flaw)]
        left = [run for run in left if run.point.name not in flawed]
        if flawed:
            more = f", and {len(flawed) - MOST_NAMED} more" if len(flawed) > MOST_NAMED else ""
            report.say(f"{len(flawed)} of {len(runs)} runs {said}: {', '.join(flawed[:MOST_NAMED])}{more}")
