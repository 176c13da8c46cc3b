"""Races told without any run: settings of a space with figures that a function makes up."""

import dataclasses
import math
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from npdigits.config import grammar
from npdigits.config.axes import read_axis
from npdigits.race.course import Course, Ran
from npdigits.race.definition import Confirmation, Race, Setting
from npdigits.race.rules import Rung, drop_after, rank, rungs
from npdigits.race.told import Told

BOX = dict.fromkeys(("a", "b", "c"), "interval(0.0,1.0)")


def drawn(space, n, seed=0, unread=()):
    """Return the overrides of n settings of a space, by a Sobol sequence.

    Args:
        space: key -> values as typed.
        unread: (key, override) of keys that a setting with this override does not read.
    """
    from scipy.stats import qmc

    axes = [read_axis(key, grammar.parser().parse_override(f"{key}={text}")) for key, text in space.items()]
    settings = []
    for places in qmc.Sobol(len(axes), rng=np.random.default_rng(seed)).random(n):
        overrides = [f"{axis.key}={axis.at(float(place))[0]}" for axis, place in zip(axes, places, strict=True)]
        hidden = {key for key, if_there in unread if if_there in overrides}
        settings.append(tuple(one for one in overrides if one.partition("=")[0] not in hidden))
    return settings


@dataclass
class MadeLedger:
    """Runs that were never run.

    Attributes:
        runs: (setting, place of the seed) -> (epochs that it has had, figure at any epoch, why it is lost).
        seeds: how many epochs a full run has.
    """

    epochs: int
    runs: dict = field(default_factory=dict)

    def ran(self, setting, place):
        if (setting, place) not in self.runs:
            return None
        epochs, figure, lost = self.runs[setting, place]
        ended = bool(lost) or epochs >= self.epochs
        return Ran(epochs, ended, lost, lambda k: math.nan if lost and k > epochs else figure)


def told(space, settings, figure, epochs=20, first=4, folder=Path("race"), arms=("",)):
    """Return a race of one rung: setting k has ``figure(values)`` after so many epochs; NaN: it diverged.

    Args:
        space: of each arm.
        settings: overrides of each, in each arm.
        figure: (key -> value as text) -> figure.
    """
    made, ledger = [], MadeLedger(epochs)
    for arm in arms:
        for overrides in settings:
            number = len(made)
            made.append(Setting(number, arm, tuple(overrides), f"{number:064x}"))
            value = figure(dict(one.split("=", 1) for one in overrides))
            ledger.runs[number, 0] = (2, value, "diverged") if math.isnan(value) else (first, value, "")
    race = Race(
        fixed=(), fixed_of={}, space=dict.fromkeys(arms, space), where=(), search="sobol", seed=0, epochs=epochs,
        budget=2560, finalists=3, confirm=10, seeds=tuple(range(100, 120)), settings=tuple(made),
    )  # fmt: skip
    rung = Rung(1, 1, first, max(1, len(settings) // 2), "rank")
    courses = {
        arm: Course(rung, tuple(one.number for one in made if one.arm == arm), (), (), first * len(settings), {}, 1)
        for arm in arms
    }
    return Told(folder, race, ledger, courses)


def raced_to_the_end(race, seeds=4):
    """Return a race whose rungs were run up to so many seeds, the best of each arm confirmed."""
    ledger, courses, finalists = race.ledger, {}, []
    for arm, course in race.courses.items():
        alive, drops, figures = list(course.alive), [], {}
        first = {number: ledger.runs[number, 0][1] for number in alive}
        for rung in rungs(len(alive), race.race.epochs):
            if rung.seeds > seeds:
                break
            for number in alive:
                if not ledger.runs[number, 0][2]:
                    ledger.runs[number, rung.seeds - 1] = (rung.epochs, first[number], "")
                figures[number] = (first[number],) * rung.seeds
            out = drop_after(rung, {number: figures[number] for number in alive})
            drops += (dataclasses.replace(one, why=ledger.runs[one.setting, 0][2] or one.why) for one in out)
            gone = {drop.setting for drop in out}
            alive = [number for number in rank({number: figures[number] for number in alive}) if number not in gone]
        courses[arm] = Course(rung, tuple(alive), tuple(drops), (), 500, figures, seeds)
        finalists += alive[:2]
    confirmation = Confirmation(1, tuple(finalists), (), (1001, 1002), len(race.race.settings), 2560, 500)
    definition = dataclasses.replace(race.race, confirmations=(confirmation,))
    return dataclasses.replace(race, race=definition, courses=courses)
