"""How many processes share the steps of a run. Their number changes no bit, so it is chosen where it is not said."""

from npdigits.config.build import lone_component, ranges
from npdigits.config.schema import Config
from npdigits.runs.report import Report
from npdigits.training.team import choose_processes, obstacle
from npdigits.training.workers import can_fork


def count_processes(config: Config, sizes: tuple[int, ...], report: Report) -> int:
    """Return how many processes share each step, and say it where it is not one as a matter of course.

    Args:
        config: of the run.
        sizes: of the layers.
        report: is told.
    """
    asked = config.threads
    if own := lone_component(config):
        reason = f"{own.key}={own.code.spec} may compute with all numbers of a batch at once"
    elif asked is None:
        count, reason = choose_processes(sizes, config.batch_size, ranges(config) is not None)
        if count > 1:
            report.say(f"{count} processes share each step; their number changes no bit (threads={count})")
            return count
        if reason:
            report.say(f"one process makes each step: {reason}")
        return 1
    elif asked == 1:
        return 1
    else:
        reason = obstacle() if can_fork() else "only on Linux can processes share a run's memory"
        if not reason:
            report.say(f"{asked} processes share each step")
            return asked
    if asked is not None and asked > 1:
        report.warn(f"threads={asked} has no effect: {reason}")
    return 1
