"""The settings of a race: drawn, or proposed in rounds, each tried once before it is written down."""

import dataclasses
from collections.abc import Sequence

from npdigits.base.errors import ConfigError, OwnCodeError
from npdigits.config.asked_race import AskedRace
from npdigits.race.definition import Race, Setting, as_reason
from npdigits.race.draw import Sizes, draw, search_of
from npdigits.race.proposals import propose
from npdigits.race.rules import rungs
from npdigits.race.samplers import SAMPLERS, refuse_without_packages
from npdigits.race.told import Told
from npdigits.runs.report import Report
from npdigits.sweeps.plan import check_sizes, try_own_on
from npdigits.sweeps.race_plan import RacePlan


def draw_settings(plan: RacePlan, report: Report) -> Race:
    """Return the race that was asked for with its settings: those that it had, and behind them those it lacks.

    A sampler's are proposed later, in rounds, from what was run; here it has those that it begins with.

    Args:
        plan: what was there, and what was asked for.
        report: is told where there are more already than were asked for, and where the space has no more.

    Raises:
        UserError: a setting cannot be run at all, or there are not enough.
    """
    asked = plan.points.asked
    already = plan.before.settings if plan.before else ()
    search = plan.now.search or search_of(asked, next(iter(asked.axes)))
    refuse_without_packages(search)
    race = dataclasses.replace(plan.now, search=search, settings=already)
    known = plan.before.wanted if plan.before else 0
    if known >= race.wanted:
        if known > race.wanted:
            report.say(f"race={race.wanted}: {known} settings are in this race, and stay")
        return dataclasses.replace(race, wanted=known)
    settings = draw(_as_of(asked, race), already, plan.points.identify, sizes_of(plan))
    settings = _tried(plan, settings, len(already))
    if len(settings) < race.wanted and search not in SAMPLERS:
        report.say(f"race={race.wanted}: the space has {len(settings)} different settings; all of them race")
        race = dataclasses.replace(race, wanted=len(settings))
    return dataclasses.replace(race, settings=settings)


def _as_of(asked: AskedRace, race: Race) -> AskedRace:
    """Return what was asked for with the search that the race began with, where nobody says, and all its settings."""
    search = race.search if race.search in SAMPLERS else asked.options.search
    return dataclasses.replace(asked, options=dataclasses.replace(asked.options, search=search, settings=race.wanted))


def sizes_of(plan: RacePlan) -> Sizes:
    """Return what the data set asks of a network."""
    data = plan.points.data
    return Sizes(data.train.images.shape[1], data.n_classes)


def _tried(plan: RacePlan, settings: Sequence[Setting], known: int) -> tuple[Setting, ...]:
    """Return settings of which those beyond the ``known`` ones were checked, and their own components tried.

    Raises:
        ConfigError: one does not fit the data set, or the machine.
        OwnCodeError: the user's own code refuses every setting.
    """
    tried = list(settings[:known])
    refused: OwnCodeError | ConfigError | None = None
    for setting in settings[known:]:
        config = plan.points.config(setting.arm, setting.overrides)
        check_sizes(config, plan.points.data)
        why = ""
        try:
            if config.own:
                try_own_on(config, plan.points.data)
        except (OwnCodeError, ConfigError) as error:
            refused, why = error, as_reason(str(error))
        tried.append(dataclasses.replace(setting, lost=why))
    if refused and all(setting.lost for setting in tried):
        raise refused
    return tuple(tried)


def propose_settings(plan: RacePlan, told: Told) -> Race | None:
    """Return the race with the settings of its sampler's next round; None where none are due yet, or any more.

    They are due once every setting that there is has come through the first rung, or is lost.
    """
    race = told.race
    if race.search not in SAMPLERS or len(race.settings) == race.wanted:
        return None
    first = next(rungs(race.wanted // len(race.arms), race.epochs))
    figures: dict[int, float] = {}
    for setting in race.settings:
        ran = told.ledger.ran(setting.number, 0)
        if ran is None or not (ran.ended or ran.epochs >= first.epochs):
            return None
        figures[setting.number] = ran.accuracy(first.epochs)
    more = propose(_as_of(plan.points.asked, race), race, figures, plan.points.identify, sizes_of(plan))
    settings = _tried(plan, [*race.settings, *more], len(race.settings))
    return dataclasses.replace(race, settings=settings, wanted=race.wanted if more else len(settings))
