"""The settings of a race: drawn, or proposed in rounds, each tried once before it is written down."""

import dataclasses
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

from npdigits.base.errors import ConfigError, OwnCodeError
from npdigits.base.text import on_one_line
from npdigits.config.axes import Axis
from npdigits.race.definition import Race, Setting
from npdigits.race.draw import PATIENCE, Sizes, Source, draw, search_of, sobol
from npdigits.race.fault import PLACE, blame_of
from npdigits.race.rules import rungs
from npdigits.race.told import Told
from npdigits.runs.report import Report
from npdigits.runs.summary import Status
from npdigits.sweeps.plan import check_sizes, try_own_on
from npdigits.sweeps.race_plan import RacePlan

# Where settings come from that no run has to have been seen for.
DRAWN = ("grid", "sobol")


def draw_settings(plan: RacePlan, report: Report) -> Race:
    """Return the race that was asked for with its settings: those that it had, and behind them those it lacks.

    A sampler's are proposed later, in rounds, from what was run.

    Args:
        plan: what was there, and what was asked for.
        report: is told where there are more already than were asked for, and where the space has no more.

    Raises:
        UserError: a setting cannot be run at all, or there are not enough.
    """
    asked = plan.points.asked
    already = plan.before.settings if plan.before else ()
    search = plan.now.search or search_of(asked, next(iter(asked.axes)))
    race = dataclasses.replace(plan.now, search=search, settings=already)
    known = plan.before.wanted if plan.before else 0
    if known > race.wanted:
        report.say(f"race={race.wanted}: {known} settings are in this race, and stay")
        return dataclasses.replace(race, wanted=known)
    if search not in DRAWN:
        return race
    settings = _tried(plan, draw(asked, already, plan.points.identify, sizes_of(plan)), len(already))
    if len(settings) < race.wanted:
        report.say(f"race={race.wanted}: the space has {len(settings)} different settings; all of them race")
    return dataclasses.replace(race, settings=settings, wanted=len(settings))


def sizes_of(plan: RacePlan) -> Sizes:
    """Return what the data set asks of a network."""
    data = plan.points.data
    return Sizes(data.train.images.shape[1], data.n_classes)


def _tried(plan: RacePlan, settings: Sequence[Setting], known: int) -> tuple[Setting, ...]:
    """Return settings of which those beyond the ``known`` ones were checked, and their own components tried.

    Raises:
        ConfigError: one does not fit the data set, or the machine.
        OwnCodeError: the user's own code refuses every setting, or this machine lacks what it needs.
    """
    tried = list(settings[:known])
    refused: OwnCodeError | ConfigError | None = None
    for setting in settings[known:]:
        config = plan.points.config(setting.arm, setting.overrides)
        check_sizes(config, plan.points.data)
        try:
            if config.own:
                try_own_on(config, plan.points.data)
        except (OwnCodeError, ConfigError) as error:
            if isinstance(error, OwnCodeError) and blame_of(Status.FAILED, on_one_line(error)) == PLACE:
                raise  # with more memory, or a library that is not installed here, it may do
            refused = error
            setting = dataclasses.replace(setting, lost=str(error))
        tried.append(setting)
    if refused and all(setting.lost for setting in tried):
        raise refused
    return tuple(tried)


def propose_settings(plan: RacePlan, told: Told) -> Race | None:
    """Return the race with the settings of its sampler's next round; None where none are due yet, or any more.

    They are due once every setting that there is has come through the first rung, or is lost.
    """
    race = told.race
    if race.search in DRAWN or len(race.settings) == race.wanted:
        return None
    first = next(rungs(race.wanted // len(race.arms), race.epochs))
    figures: dict[int, float] = {}
    for setting in race.settings:
        ran = told.ledger.ran(setting.number, 0)
        if ran is None or not (ran.ended or ran.epochs >= first.epochs):
            return None
        figures[setting.number] = ran.accuracy(first.epochs)
    from npdigits.race.proposals import propose

    asked = plan.points.asked
    options = dataclasses.replace(asked.options, search=race.search, settings=race.wanted)
    more = propose(dataclasses.replace(asked, options=options), race, figures, _Space(plan))
    settings = _tried(plan, [*race.settings, *more], len(race.settings))
    return dataclasses.replace(race, settings=settings, wanted=race.wanted if more else len(settings))


class _Space:
    """What a sampler asks of the space besides its axes."""

    def __init__(self, plan: RacePlan) -> None:
        asked = plan.points.asked
        self.asked = asked
        self.sources = {arm: Source(asked, arm, plan.points.identify, sizes_of(plan)) for arm in asked.axes}

    def sequence(self, arm: str) -> Iterator[tuple[str, ...]]:
        """Yield the points of an arm's Sobol sequence from its begin, each as the overrides of all keys."""
        options = self.asked.options
        for place in islice(sobol(options.seed, arm, self.asked.axes[arm]), PATIENCE * options.settings):
            yield tuple(f"{key}={text}" for key, (text, _) in place.items())

    def setting(self, number: int, arm: str, overrides: Sequence[str]) -> Setting | None:
        """Return the setting of a point, without the keys that it does not read; None where no setting can be that."""
        texts = dict(override.split("=", 1) for override in overrides)
        place = {axis.key: (texts[axis.key], _value(axis, texts[axis.key])) for axis in self.asked.axes[arm]}
        found = self.sources[arm].setting(place)
        return Setting(number, arm, *found) if found else None


def _value(axis: Axis, text: str) -> Any:
    """Return the value of an axis that is written so."""
    return dict(axis.values)[text] if axis.values else int(text) if axis.whole else float(text)
