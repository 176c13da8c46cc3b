"""Settings proposed in rounds by samplers: the same from the same figures, without repeats, within the constraints."""

import hashlib
import json
import math
import subprocess
import sys
from pathlib import Path

import pytest

from npdigits.base.errors import ConfigError
from npdigits.config import grammar
from npdigits.config.asked_race import AskedRace
from npdigits.config.axes import read_axis
from npdigits.config.race_options import RaceOptions
from npdigits.config.schema import Config
from npdigits.race.cube import dimension_of, place_of, point_of
from npdigits.race.definition import Race, Setting
from npdigits.race.draw import Sizes, draw
from npdigits.race.proposals import propose
from npdigits.race.samplers import FIRST, ROUND, SAMPLERS, Dimension, Told, ask, refuse_without_packages

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
    settings = settings or draw(asked_race, (), identify, SIZES)
    while True:
        figures = {each.number: figure(each) for each in settings}
        new = propose(asked_race, race_of(asked_race, settings), figures, identify, SIZES)
        if not new:
            return list(settings)
        settings += new


LR, L2, BATCH = "lr=tag(log,interval(1e-4,1))", "l2=0,1e-4,1e-3", "batch_size=16,32,64"
SOLVER = "optimizer=adam,sgd", "momentum=interval(0,0.99)"


def proposed() -> dict[str, list[list[str]]]:
    """Return what samplers propose in two rounds."""
    races = {search: asked(FIRST + ROUND + 2, LR, L2, *SOLVER, search=search) for search in ("tpe", "random", "cmaes")}
    return {search: [[*setting.overrides] for setting in play(race)] for search, race in races.items()}


def test_the_same_is_proposed_in_another_process() -> None:
    """Hash seeds and what was drawn before play no part."""
    command = [sys.executable, "-c", "import json, test_proposals; print(json.dumps(test_proposals.proposed()))"]
    there = subprocess.run(command, cwd=Path(__file__).parent, capture_output=True, text=True, check=True)
    assert json.loads(there.stdout) == proposed()
    assert there.stderr == ""


def test_gaussian_processes_propose() -> None:
    """The same again from the same figures, with a seed; another point than the one that runs."""
    rounds = [[Told({"a": i / 8, "b": i % 3} if i else {"a": 0.0}, -abs(i - 5.0)) for i in range(8)]]
    running = [{"a": 5 / 8, "b": 2}]
    space = {"a": Dimension(), "b": Dimension(3, False)}
    first, again = (next(ask("gp", space, rounds, running, 5)) for _ in range(2))
    assert first == again
    assert first.keys() == space.keys()
    assert 0 <= first["a"] < 1
    assert first["b"] in (0, 1, 2)


def test_a_key_that_is_not_read_stands_nowhere() -> None:
    """TPE models it by the settings that read it; the others would leave out the setting, and have it at some place."""
    space = {"rate": Dimension(), "momentum": Dimension()}
    with_it = [Told({"rate": i / 16, "momentum": i / 16}, i % 5) for i in range(8)]
    rests = [[Told({"rate": i / 16, **more}, 9) for i in range(8, 16)] for more in ({}, {}, {"momentum": 0.5})]
    for search in ("tpe", "cmaes"):
        nowhere, again, in_the_middle = (next(ask(search, space, [with_it + rest], [], 3)) for rest in rests)
        assert nowhere == again
        assert nowhere != in_the_middle


def test_samplers_learn() -> None:
    """What is proposed last is better than the first round, but for what is drawn at random."""
    for search in ("tpe", "cmaes"):
        figures = [figure(setting) for setting in play(asked(48, LR, L2, BATCH, search=search))]
        assert sum(figures[-16:]) / 16 > sum(figures[:FIRST]) / FIRST + 0.004, search


@pytest.mark.parametrize("search", ["tpe", "cmaes"])
def test_a_longer_race_goes_on_where_a_shorter_one_was(search: str) -> None:
    """Within a round as well, where figures of the same round are known to the longer one alone."""
    longer = asked(FIRST + ROUND + 2, LR, L2, search=search)
    whole = play(longer)
    for first in (5, FIRST + 3, FIRST + ROUND):
        begun = play(asked(first, LR, L2, search=search))
        assert len(begun) == first
        assert play(longer, draw(longer, begun, identify, SIZES)) == whole


@pytest.mark.parametrize("search", ["tpe", "cmaes"])
def test_figures_change_later_rounds_alone(search: str) -> None:
    """The round that a setting stands in does not know its figure."""

    def turned(setting: Setting) -> float:
        return 2 - figure(setting) if setting.number >= FIRST else figure(setting)

    race = asked(FIRST + ROUND + 2, LR, L2, search=search)
    whole, other = (play(race, figure=each) for each in (figure, turned))
    assert other[: FIRST + ROUND] == whole[: FIRST + ROUND]
    assert other[FIRST + ROUND :] != whole[FIRST + ROUND :]


@pytest.mark.parametrize("search", ["tpe", "random", "cmaes"])
def test_proposals_are_settings(search: str) -> None:
    """None is there twice, none breaks a constraint, none has a key that it does not read."""
    where = ("lr * batch_size < 8", "parameters < 40_000")
    settings = play(asked(48, LR, BATCH, "hidden=range(10,101)", *SOLVER, search=search, where=where))
    assert [setting.number for setting in settings] == list(range(48))
    assert len({setting.identity for setting in settings}) == 48
    for setting in settings:
        values = dict(one.split("=") for one in setting.overrides)
        assert float(values["lr"]) * int(values["batch_size"]) < 8
        assert 795 * int(values["hidden"]) + 10 < 40_000
        assert ("momentum" in values) == (values["optimizer"] == "sgd")


def test_lost_settings_are_avoided() -> None:
    """A setting that diverged or failed counts as the worst: hardly one more is proposed beside it."""

    def lost_above(setting: Setting) -> float:
        value = figure(setting)
        return math.nan if float(setting.overrides[0].removeprefix("lr=")) > 0.1 else value

    for search in ("tpe", "cmaes"):
        rates = [
            float(setting.overrides[0].removeprefix("lr="))
            for setting in play(asked(48, LR, L2, search=search), figure=lost_above)
        ]
        assert sum(rate > 0.1 for rate in rates[:FIRST]) >= 3
        assert sum(rate > 0.1 for rate in rates[FIRST:]) <= 2, search


def test_no_figure_at_all_is_no_error() -> None:
    """Where every setting is lost, there are still proposals."""
    for search in ("tpe", "random", "cmaes"):
        assert len(play(asked(20, LR, search=search), figure=lambda setting: math.nan)) == 20


def test_a_space_that_is_used_up_gives_what_it_has() -> None:
    """Repeats are asked for again, a bounded number of times; then what is left is taken from the grid."""
    for search in ("tpe", "random", "cmaes"):
        settings = play(asked(64, "lr=0.001,0.003,0.01,0.03,0.1", L2, "leak=0,0.01", search=search))
        assert len(settings) == 30, search


def test_arms_take_turns() -> None:
    """Each arm has its share, and a sampler of its own."""
    settings = play(asked(48, LR, L2, arms=("first", "second")))
    assert [setting.arm for setting in settings] == ["first", "second"] * 24
    first, second = ([one.overrides for one in settings if one.arm == arm] for arm in ("first", "second"))
    assert not set(first) & set(second)


def test_a_value_stands_where_it_was_drawn() -> None:
    """Of every kind of axis: what a sampler is told of a value is the place from which the value comes."""
    space = axes(
        LR,
        "lr_decay=interval(0.5,1)",
        "batch_size=tag(log,interval(8,256))",
        "epochs=interval(5,20)",
        "l2=1e-3,0,1e-4",
        "hidden=[10],[20,10]",
        "optimizer=adam,sgd",
        "plots=true,false",
    )
    for i in range(100):
        place = {axis.key: axis.at(i / 100) for axis in space}
        overrides = [f"{key}={text}" for key, (text, _) in place.items()]
        point = point_of(space, overrides)
        assert place_of(space, point) == place
        for axis, dimension in zip(space, map(dimension_of, space), strict=True):
            stands = point[axis.key]
            assert 0 <= stands < (dimension.count or 1)
            assert isinstance(stands, float if dimension.count is None else int)
            if axis.key in ("lr", "lr_decay"):
                assert stands == pytest.approx(i / 100, abs=0.001)
    assert [point_of(space, [f"l2={text}"])["l2"] for text in ("0", "0.0001", "0.001")] == [0, 1, 2]
    assert [dimension_of(axis).ordered for axis in space] == [True] * 5 + [False] * 3


def test_packages_that_are_missing_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Before anything is written; what needs none is not refused."""
    for search in SAMPLERS:
        refuse_without_packages(search)
    refuse_without_packages("sobol")
    monkeypatch.setitem(sys.modules, "optuna", None)
    monkeypatch.setitem(sys.modules, "cmaes", None)
    for search, package in {"tpe": "optuna", "gp": "optuna", "random": "optuna", "cmaes": "cmaes"}.items():
        with pytest.raises(ConfigError, match=rf"race.search={search} needs the package {package}.*npdigits\[search\]"):
            refuse_without_packages(search)


def test_samplers_are_quiet(capfd: pytest.CaptureFixture[str]) -> None:
    """And leave the level at which Optuna logs as it was."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.DEBUG)
    try:
        play(asked(18, LR, *SOLVER))
        assert optuna.logging.get_verbosity() == optuna.logging.DEBUG
    finally:
        optuna.logging.set_verbosity(optuna.logging.INFO)
    assert capfd.readouterr() == ("", "")
