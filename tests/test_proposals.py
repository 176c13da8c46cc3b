"""Settings proposed in rounds by samplers: the same from the same figures, without repeats, within the constraints."""

import hashlib
import json
import math
import subprocess
import sys

import pytest

from npdigits.base.errors import ConfigError
from npdigits.config import grammar
from npdigits.config.asked_race import AskedRace
from npdigits.config.axes import read_axis
from npdigits.config.race_options import RaceOptions
from npdigits.config.schema import Config
from npdigits.race import samplers
from npdigits.race.cube import place_of, point_of
from npdigits.race.definition import Race, Setting
from npdigits.race.draw import Sizes, draw
from npdigits.race.proposals import FIRST, ROUND, propose

SIZES = Sizes(784, 10)


def axes(*typed: str):
    parsed = [grammar.parser().parse_override(one) for one in typed]
    return tuple(read_axis(one.key_or_group, one) for one in parsed)


def asked(settings: int, *typed: str, search: str = "tpe", where: tuple[str, ...] = (), arms: tuple[str, ...] = ("",)):
    options = RaceOptions(settings, search=search, where=where)
    return AskedRace(options, dict.fromkeys(arms, axes(*typed)), (), dict.fromkeys(arms, ()), {})


def identify(config: Config) -> str:
    return hashlib.sha256(repr(config).encode()).hexdigest()


def figure(setting: Setting) -> float:
    """Return what a first rung might show: best at lr=0.01 and l2=0."""
    values = dict(one.split("=") for one in setting.overrides)
    return 0.97 - 0.01 * abs(math.log10(float(values["lr"])) + 2) - 10 * float(values.get("l2", 0))


def race_of(asked_race: AskedRace, settings: tuple[Setting, ...] = ()) -> Race:
    return Race((), {}, {}, (), asked_race.options.search, 0, 20, 100, 1, 10, settings=settings)


def play(asked_race: AskedRace, settings: tuple[Setting, ...] = (), figure=figure) -> list[Setting]:
    """Return all settings of a race, from those that stand on."""
    settings = draw(asked_race, settings, identify, SIZES) if not settings else settings
    while True:
        figures = {each.number: figure(each) for each in settings}
        new = propose(asked_race, race_of(asked_race, settings), figures, identify, SIZES)
        if not new:
            return list(settings)
        settings += new


LR, L2, BATCH = "lr=tag(log,interval(1e-4,1))", "l2=0,1e-4,1e-3", "batch_size=16,32,64"

if __name__ == "__main__":
    print(json.dumps([each.overrides for each in play(asked(32, LR, L2, BATCH, search=sys.argv[1]))]))
