"""``npdigits-compare RACE``: which options go with a race, and what is shown of it."""

import argparse
from pathlib import Path

from npdigits.base.errors import ConfigError
from npdigits.compare.claim import OBJECTIVE
from npdigits.compare.comparison import Comparison
from npdigits.compare.options import split_names
from npdigits.compare.race_apart import without_search
from npdigits.compare.race_report import compare_race
from npdigits.race.layout import is_race
from npdigits.runs.race_part import CONFIRMATION, race_part
from npdigits.runs.table import Runs

FIXED = "was fixed before the race's fresh seeds were run"
# Options that would change what a race may claim, and why each is refused.
REFUSED = {
    "baseline": f"what finalists are compared with {FIXED}",
    "by": "its finalists are no grid that could be averaged over",
    "pivot": "its finalists are no grid that could be averaged over",
    "spread": "is of ordinary runs; npdigits-compare takes the race's folders of runs, too",
    "filter": f"which runs count {FIXED}",
    "unpaired": f"the test, of pairs of seeds, {FIXED}",
    "looks": "the level follows from the number of the confirmation",
    "higher": f"{OBJECTIVE} is compared",
    "lower": f"{OBJECTIVE} is compared",
    "seed": "is for results of other programs",
    "keys": "is for results of other programs",
    "at": "is for results of other programs",
}
# Of these none is refused with --all, whose table claims nothing.
OF_TABLES = ("filter",)


def asked_race(chosen: argparse.Namespace) -> Path | None:
    """Return the folder of the race that a command line is about; None where it is about none.

    Raises:
        ConfigError: it stands beside other folders, or with an option that would change what it claims.
    """
    races = [folder for folder in chosen.folders if chosen.form is None and is_race(Path(folder))]
    if not races:
        _refuse_confirmation(chosen)
        return None
    if len(chosen.folders) > 1:
        raise ConfigError(
            f"{races[0]}: is the folder of a race, which is compared by itself; of several folders, name those of its "
            "runs, such as confirmation-1"
        )
    for name, why in REFUSED.items():
        if getattr(chosen, name) not in (None, False, []) and not (chosen.all and name in OF_TABLES):
            raise ConfigError(f"--{name}: {races[0]} is the folder of a race, and {why}")
    if split_names(chosen.metric) not in ([], [OBJECTIVE]):
        raise ConfigError(
            f"--metric {chosen.metric}: {races[0]} is the folder of a race, whose finalists are compared by "
            f"{OBJECTIVE}; --show {chosen.metric} shows others"
        )
    for file in chosen.figure:
        if Path(file).name.startswith("differences"):
            raise ConfigError(
                f"--figure {file}: {races[0]} is the folder of a race, whose finalists are not tested against each "
                "other; allowed are curves and intervals"
            )
    return Path(races[0])


def _refuse_confirmation(chosen: argparse.Namespace) -> None:
    """Refuse to test the runs of a race's confirmations by themselves, at a level that is not the race's.

    Raises:
        ConfigError: the folders of a command line are of one race's confirmations.
    """
    folders = [Path(folder) for folder in chosen.folders]
    of = {folder.absolute().parent for folder in folders}
    if chosen.all or chosen.spread is not None or chosen.form is not None or len(of) != 1:
        return
    if all(CONFIRMATION.fullmatch(race_part(folder)) for folder in folders):
        raise ConfigError(
            f"{folders[0]}: holds the runs of a race's confirmation: npdigits-compare {folders[0].parent} tests them, "
            "at the race's level; --all shows them"
        )


def keep_apart(chosen: argparse.Namespace, runs: Runs) -> tuple[Runs, list[str]]:
    """Return the runs that a command line is about, and what is to be said of those that are a race's.

    Raises:
        ConfigError: means were asked for of runs of a race's search, which --all shows.
    """
    apart, said = without_search(runs)
    if not chosen.all:
        return apart, said
    for option in ("html", "figure"):
        if getattr(chosen, option) and apart is not runs:
            raise ConfigError(
                f"--{option}: not allowed with --all where runs are of a race's search: they have no mean"
            )
    return runs, []


def compared_race(chosen: argparse.Namespace, folder: Path) -> Comparison | None:
    """Compare the race of a command line; None where it claims nothing yet."""
    return compare_race(folder, split_names(chosen.show), chosen.margin, chosen.sort)
