"""The end of a race: its table and its picture, who was dropped when, what failed, and what the confirmation claims."""

from pathlib import Path

from npdigits.base.files import Folder
from npdigits.base.program import DIVERGED
from npdigits.base.text import on_one_line
from npdigits.race.definition import Setting
from npdigits.race.layout import PICTURE, TABLE
from npdigits.race.ledger import confirmed_epochs
from npdigits.race.table import baseline_lost, format_race
from npdigits.race.told import Told
from npdigits.runs.report import Report
from npdigits.sweeps.race_progress import describe_drops

# So many settings that are lost are named.
MOST_NAMED = 10


def write_table(folder: Folder, told: Told) -> None:
    """Write race.csv."""
    folder.write_whole(TABLE, format_race(told))


def conclude(told: Told, report: Report) -> int:
    """Say how a race that is over has gone, and what it claims; return the exit code."""
    for line in describe_drops(told):
        report.say(line)
    for line in _lost(told):
        report.warn(line)
    race = told.race
    put_aside = sum(one.planned for one in race.confirmations)
    report.say(
        f"{told.used:,} epochs for the race and {confirmed_epochs(told.folder, race):,} for "
        f"{len(race.confirmations)} confirmation{'s' * (len(race.confirmations) != 1)} ({put_aside:,} put aside), "
        f"of {race.budget:,}; "
        f"table: {told.folder / TABLE}"
    )
    draw_picture(told.folder, report)
    lost = ""
    if not race.confirmations:
        report.warn("every setting diverged or failed: there is nothing to confirm")
    elif lost := baseline_lost(told):
        report.warn(f"{lost}: nothing is tested in confirmation {race.confirmations[-1].number}")
    if race.confirmations and not report.quiet:
        say_claim(told.folder, report)
    report.result(str(told.folder))
    return DIVERGED if not race.confirmations or lost else 0


def _lost(told: Told) -> list[str]:
    """Return a line for each setting that diverged or failed, with the reason."""
    drops = [drop for course in told.courses.values() for drop in course.dropped]
    settings = told.race.settings
    lines = [
        f"setting {drop.setting} ({_named(settings[drop.setting])}) lost: {drop.why}"
        for drop in drops
        if drop.why.startswith(("diverged", "failed"))
    ]
    more = len(lines) - MOST_NAMED
    return [*lines[:MOST_NAMED], *([f"and {more} more settings lost: see {TABLE}"] if more > 0 else [])]


def _named(setting: Setting) -> str:
    return " ".join([*([f"--arm {setting.arm}"] if setting.arm else []), *setting.overrides])


def draw_picture(folder: Path, report: Report) -> None:
    """Draw race.png; the race is over whether that succeeds or not."""
    try:
        from npdigits.race.picture import draw

        draw(folder)
    except Exception as error:  # of a library
        report.warn(f"{PICTURE} is not drawn: {on_one_line(error)}")


def say_claim(folder: Path, report: Report) -> None:
    """Say what the last confirmation claims; what was run is on disk whether that succeeds or not."""
    try:
        from npdigits.compare import race_report  # pandas, which the runs have no need of

        report.say(race_report.report(folder).rstrip())
    except Exception as error:  # of a library
        report.warn(f"the confirmation is not shown: {on_one_line(error)}; npdigits-compare {folder} shows it")
