"""Settings that are proposed in rounds: each round from what the first rung showed of the rounds before it.

The first round is a Sobol sequence. A later one is asked of a sampler that has been told the settings of the earlier
rounds, in the order of their numbers. Which run ended first plays no part, so that the same race.json and the same
figures give the same proposals in any process. What was proposed stands in race.json and is not asked again; a race
that is given more settings goes on where it was, within a round as well.
"""

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence

from npdigits.base.errors import ConfigError
from npdigits.base.random import stream
from npdigits.config.asked_race import AskedRace
from npdigits.config.schema import Config
from npdigits.race.cube import dimension_of, place_of, point_of
from npdigits.race.definition import Race, Setting
from npdigits.race.draw import Place, Sizes, Source
from npdigits.race.samplers import FIRST, ROUND, Point, Told, ask

# How often a sampler is asked for a setting before the next of the Sobol sequence takes its place.
ASKS = 16


def propose(
    asked: AskedRace, race: Race, figures: Mapping[int, float], identify: Callable[[Config], str], sizes: Sizes
) -> tuple[Setting, ...]:
    """Return the next round's settings of every arm, for race.json; none where it has all that can be had.

    A point that is no setting, or one that stands already, is asked for again. After ``ASKS`` times the next point of
    the Sobol sequence that is a new setting takes its place; where there is none, the round is shorter. Arms take
    turns.

    Args:
        asked: what was asked for; its search is one of ``SAMPLERS``.
        race: what stands in race.json; each of its settings has a figure.
        figures: number of a setting -> its figure after the first rung, the higher the better; NaN where it is lost.
        identify: a setting's configuration -> the digest by which its runs are known.
        sizes: of the data set.
    """
    share = asked.options.settings // len(asked.axes)
    rounds = []
    for arm in asked.axes:
        stand = [setting for setting in race.settings if setting.arm == arm]
        told = [Told(point_of(asked.axes[arm], each.overrides), figures[each.number]) for each in stand]
        known = {setting.identity for setting in stand}
        source = Source(asked, arm, identify, sizes)
        rounds.append(_next_round(asked, arm, told, known, share, source))
    turns = itertools.chain.from_iterable(itertools.zip_longest(*rounds))
    new = (found for found in turns if found is not None)
    return tuple(Setting(number, *found) for number, found in enumerate(new, len(race.settings)))


def round_of(place: int) -> tuple[int, int]:
    """Return the begin and the end of the round in which an arm's setting of this place stands, from 0."""
    if place < FIRST:
        return 0, FIRST
    begin = FIRST + (place - FIRST) // ROUND * ROUND
    return begin, begin + ROUND


def _next_round(
    asked: AskedRace, arm: str, told: Sequence[Told], known: set[str], share: int, source: Source
) -> list[tuple[str, tuple[str, ...], str]]:
    """Return arm, overrides and identity of what comes behind the settings of an arm, up to the round's end.

    Args:
        asked: what was asked for.
        arm: its name.
        told: its settings, in their order.
        known: their identities.
        share: how many the arm is to have.
        source: of its settings.
    """
    begin, end = round_of(len(told))
    points: list[Point] = [each.point for each in told]
    # A sequence through a space of few points meets each many times.
    judged: dict[tuple[str, ...], tuple[tuple[str, ...], str] | None] = {}
    found = []
    while len(points) < min(end, share):
        for place in _candidates(asked, arm, told[:begin], points[begin:], source.places(share)):
            texts = tuple(text for text, _ in place.values())
            if texts not in judged:
                judged[texts] = _setting(source, place)
            setting = judged[texts]
            if setting is not None and setting[1] not in known:
                break
        else:
            break
        known.add(setting[1])
        points.append(point_of(asked.axes[arm], setting[0]))
        found.append((arm, *setting))
    return found


def _candidates(
    asked: AskedRace, arm: str, told: Sequence[Told], running: Sequence[Point], sequence: Iterator[Place]
) -> Iterator[Place]:
    """Yield what may be an arm's next setting, the best first.

    Args:
        asked: what was asked for.
        arm: its name.
        told: the settings of earlier rounds.
        running: those of this round so far.
        sequence: the Sobol sequence, from its begin.
    """
    if told:
        axes = asked.axes[arm]
        rounds = [told[:FIRST], *(told[i : i + ROUND] for i in range(FIRST, len(told), ROUND))]
        seed = stream(asked.options.seed, f"proposals of a race/{arm}", len(told) + len(running)).integers(2**32)
        dimensions = {axis.key: dimension_of(axis) for axis in axes}
        points = ask(asked.options.search or "tpe", dimensions, rounds, running, int(seed))
        yield from (place_of(axes, point) for point in itertools.islice(points, ASKS))
    yield from sequence


def _setting(source: Source, place: Place) -> tuple[tuple[str, ...], str] | None:
    """Return overrides and identity of the setting at a point; None where no setting can be that."""
    try:
        return source.setting(place)
    except ConfigError:
        return None
