"""The settings of a race: drawn in an order of their own, each once, without what they do not read."""

import dataclasses
import functools
import hashlib
import inspect
import itertools
import json
import subprocess
import sys

import numpy as np
import pytest
from grid import asked_race
from scipy.stats import qmc

from npdigits.base.errors import ConfigError
from npdigits.base.random import stream
from npdigits.config.asked_race import AskedRace
from npdigits.config.axes import Axis
from npdigits.config.identity import identity
from npdigits.race.draw import Sizes, draw, grid, is_balanced, search_of, sobol

MNIST = Sizes(784, 10)
# What SciPy calls the generator: `rng` from 1.15 on.
NAME = "rng" if "rng" in inspect.signature(qmc.Sobol).parameters else "seed"


def identify(config):
    """All that decides a result but the seeds, as a digest."""
    keys = {key: value for key, value in identity(config, "0" * 64).items() if "seed" not in key}
    return hashlib.sha256(json.dumps(keys, sort_keys=True).encode()).hexdigest()


@functools.cache
def asked(*typed):
    """The race that is typed, of 64 settings; of each space once, as Hydra takes its time."""
    return asked_race(["-m", "race=64", *typed])


def of(settings, *typed):
    """The race that is typed, of another number of settings."""
    race = asked(*typed)
    return dataclasses.replace(race, options=dataclasses.replace(race.options, settings=settings))


def drawn(settings, *typed, already=()):
    """The settings of a race that is typed."""
    return draw(of(settings, *typed), already, identify, MNIST)


def test_the_count_of_parameters_is_that_of_the_network():
    from npdigits.nn.network import Parameters

    for hidden in ((), (20,), (30, 10)):
        assert MNIST.parameters(hidden) == Parameters((784, *hidden, 10), "float32").flat.size


def test_points_are_those_of_scipys_sequence_and_even_in_every_dimension():
    axes = (
        Axis("lr", "", (), 0.0, 1.0),
        Axis("l2", "", (), 1e-6, 1.0, True),
        Axis("hidden", "", (), 1, 64, whole=True),
    )
    found = list(itertools.islice(sobol(3, "", axes), 64))
    assert sorted(place["hidden"][1] for place in found) == list(range(1, 65))  # each share of 1/64 has one point
    assert sorted(int(64 * place["lr"][1]) for place in found) == pytest.approx(list(range(64)), abs=1)
    logs = np.log10([place["l2"][1] for place in found]) / 6 + 1
    assert sorted(int(64 * x) for x in logs) == pytest.approx(list(range(64)), abs=1)
    engine = qmc.Sobol(3, scramble=True, bits=64, **{NAME: stream(3, "settings of a race/")})
    for place, row in zip(found, engine.random(64), strict=True):
        assert place == {axis.key: axis.at(x) for axis, x in zip(axes, row, strict=True)}


def test_an_earlier_scipy_gives_the_same_points(monkeypatch):
    class Earlier(qmc.Sobol):
        def __init__(self, d, *, scramble=True, bits=None, seed=None):
            super().__init__(d, scramble=scramble, bits=bits, **{NAME: seed})

    axes = (Axis("lr", "", (), 0.0, 1.0), Axis("l2", "", (), 0.0, 1.0))
    today = list(itertools.islice(sobol(1, "a", axes), 5))
    monkeypatch.setattr(qmc, "Sobol", Earlier)
    assert list(itertools.islice(sobol(1, "a", axes), 5)) == today


def test_arms_and_seeds_have_sequences_of_their_own():
    axes = (Axis("lr", "", (), 0.0, 1.0),)
    first = {(seed, arm): next(sobol(seed, arm, axes))["lr"] for seed in (0, 1) for arm in ("", "a", "b")}
    assert len(set(first.values())) == 6
    assert first[0, "a"] == next(sobol(0, "a", axes))["lr"]


def test_a_race_of_more_settings_extends_the_one_of_fewer():
    typed = ["--arm", "a", "lr=tag(log,interval(1e-3,1))", "--arm", "b", "l2=0,1,2,3,4", "dropout=interval(0,0.5)"]
    few, more = drawn(6, *typed), drawn(14, *typed)
    assert drawn(6, *typed) == few
    assert more[:6] == few
    assert [(one.number, one.arm) for one in more] == [(n, "ab"[n % 2]) for n in range(14)]
    assert drawn(14, *typed, already=few) == more
    assert len({one.identity for one in more}) == 14


def test_a_small_space_is_its_grid_and_a_large_one_a_sequence():
    typed = ["lr=1,2", "l2=0,1,2"]
    whole = drawn(6, *typed)
    assert [one.overrides for one in whole] == [(f"lr={lr}", f"l2={l2}") for lr in (1, 2) for l2 in (0, 1, 2)]
    assert [search_of(of(n, *typed), "") for n in (5, 6, 7)] == ["sobol", "grid", "grid"]
    five = drawn(5, *typed)
    assert len({one.overrides for one in five}) == 5
    six = drawn(6, *typed, already=five)
    assert six[:5] == five  # and the last one is found
    assert {one.overrides for one in six} == {one.overrides for one in whole}
    assert [place["hidden"] for place in grid((Axis("hidden", "", (), 3, 5, whole=True),))] == [
        ("3", 3),
        ("4", 4),
        ("5", 5),
    ]


def test_what_a_setting_does_not_read_leaves_it_and_two_points_that_are_one_run_are_one_setting():
    typed = ["optimizer=adam,sgd", "momentum=0,0.5,0.9", "hidden=[],5", "leak=0.1,0.2"]
    found = drawn(30, *typed)
    assert {one.overrides for one in found} == {
        *(
            (*optimizer, *hidden)
            for optimizer in (("optimizer=adam",), *(("optimizer=sgd", f"momentum={m}") for m in ("0", "0.5", "0.9")))
            for hidden in (("hidden=[]",), ("hidden=5", "leak=0.1"), ("hidden=5", "leak=0.2"))
        )
    }
    assert len({one.identity for one in found}) == len(found) == 12
    assert len({one.identity for one in drawn(11, *typed)}) == 11  # of 24 points
    assert len(drawn(4, "optimizer=adam,adamw,sgd")) == 2  # two names of one optimizer


def test_settings_fulfil_their_constraints():
    found = drawn(8, "hidden=range(10,41)", "race.where=parameters <= 16000", "race.where=sum(hidden) != 12")
    hidden = {int(one.overrides[0].removeprefix("hidden=")) for one in found}
    assert len(hidden) == 8
    assert hidden <= {10, 11, *range(13, 21)}  # 20 hidden units have 15,910 parameters, 21 have 16,705
    # What no run can be is left out by a constraint.
    impossible = ["optimizer=sgd", "nesterov=true,false", "momentum=0,0.9"]
    assert len(drawn(4, *impossible, "race.where=momentum > 0 or not nesterov")) == 3
    with pytest.raises(ConfigError, match=r"^nesterov=true: allowed is momentum > 0 .*; race\.where=… can leave such"):
        drawn(4, *impossible)


def test_constraints_on_what_is_always_read_are_tried_before_a_setting_is_checked(monkeypatch):
    typed = ("hidden=range(1,200)", "l2=0,0.1", "optimizer=adam,sgd")
    checked = []
    real = AskedRace.compose_of
    monkeypatch.setattr(AskedRace, "compose_of", lambda self, values: checked.append(0) or real(self, values))
    narrow = of(4, *typed, "race.where=parameters < 1600")
    checked.clear()
    found = draw(narrow, (), identify, MNIST)
    assert {one.overrides[0] for one in found} == {"hidden=1"} and len(checked) < 20
    # One that names a key which not all settings read needs them checked, and finds the same.
    also = of(4, *typed, "race.where=[parameters < 1600,momentum >= 0]")
    checked.clear()
    assert [one.overrides for one in draw(also, (), identify, MNIST)] == [one.overrides for one in found]
    assert len(checked) > 80


def test_a_value_that_an_interpolation_makes_no_number_is_refused_as_such():
    with pytest.raises(ConfigError, match=r"^hidden="):
        drawn(4, "hidden=${optimizer},3", "race.where=parameters < 1600")


@pytest.mark.parametrize(
    ("typed", "line"),
    [
        (
            ["hidden=range(10,20)", "race.where=parameters <= 160"],
            r"race\.where=parameters <= 160: none of 10 settings of",
        ),
        (["lr=1,2", "race.where=lr < 2"], r"race\.where=lr < 2: 1 of 2 settings of lr=1,2 fulfils it"),
        (["lr=1,2", "race.where=[lr < 2,lr > 1]"], r"race\.where=lr < 2 and lr > 1: none of 2 settings"),
        (["optimizer=adam,adamw"], "optimizer=adam,adamw: all points of this space are one run"),
        (["lr=interval(1,2)", "race.where=lr > 3"], r"race\.where=lr > 3: none of 400 settings of lr=interval\(1,2\)"),
    ],
)
def test_a_space_without_two_settings_is_refused(typed, line):
    with pytest.raises(ConfigError, match=f"^{line}"):
        drawn(2, *typed)


@pytest.mark.parametrize("name", ["race_adam", "race_sgd", "race_dropout_l2"])
def test_a_shipped_race_has_its_settings(name):
    found = drawn(64, f"experiment={name}")
    assert len({one.identity for one in found}) == len(found) == 64


# A process that has Ctrl-C while SciPy reads its direction numbers.
STRUCK = """
import itertools, signal
import numpy as np
from npdigits.config.asked_race import AskedRace
from npdigits.config.axes import Axis
from npdigits.race.draw import sobol

signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell in the background ignores it
load, struck = np.load, []
def strike(file, *given, **named):
    struck.append(file)
    signal.raise_signal(signal.SIGINT)
    return load(file, *given, **named)
np.load = strike
axes = (Axis("lr", "", (), 0.0, 1.0), Axis("l2", "", (), 0.0, 1.0))
def draw():
    return list(itertools.islice(sobol(0, "", axes), 64))
try:
    draw()
except KeyboardInterrupt:
    np.load = load
    print(len(struck), len({place["l2"][1] for place in draw()}))
"""


def test_ctrl_c_while_scipy_reads_its_direction_numbers_ends_the_drawing():
    done = subprocess.run([sys.executable, "-c", STRUCK], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("1 64\n", "")


def test_a_sequence_without_direction_numbers_is_refused(monkeypatch):
    assert is_balanced(np.array([[0.3, 0.9], [0.6, 0.1]]))
    assert not is_balanced(np.array([[0.3, 0.9], [0.4, 0.1]]))
    monkeypatch.setattr(qmc.Sobol, "random", lambda self, n: np.full((n, self.d), 0.25))
    with pytest.raises(ConfigError, match="no direction numbers"):
        next(sobol(0, "", (Axis("lr", "", (), 0.0, 1.0),)))
