"""race.json and the runs of a race: what is written is read back, and what is damaged or foreign is refused."""

import dataclasses
import json
import math

import pytest

from npdigits.base.errors import NewerError, RunDirError
from npdigits.base.files import Folder
from npdigits.race.budget import confirming_epochs, is_settled, share
from npdigits.race.definition import Confirmation, Race, Setting, read_race, write_race

SETTINGS = tuple(Setting(n, "", (f"lr=0.{n + 1}",), f"{n:064x}") for n in range(4))
RACE = Race(
    *(("data=mnist_5k",), {}, {"": {"lr": "interval(0.1,0.5)"}}, ("parameters <= 16000",), "sobol", 7, 20),
    *(400, 3, 5),
    wanted=4,
    data="a" * 64,
    seeds=(3, 1, 2),
    rules={"form": 1},
    settings=SETTINGS,
    code=6,
)
CONFIRMED = Confirmation(1, (2, 0), (), (11, 12, 13, 14, 15), 4, 400, 100, each=3, planned=400, against="b" * 64)


def test_a_race_is_read_as_it_was_written(tmp_path):
    race = dataclasses.replace(RACE, confirmations=(CONFIRMED,))
    write_race(Folder(tmp_path), race)
    assert read_race(tmp_path) == race


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"budget": "400"}, "budget='400': allowed is a whole number"),
        ({"space": []}, r"space=\[\]: allowed is a table"),
        ({"more": 1}, "more=1: allowed is one of the keys"),
        ({"seeds": [3, 3]}, "a seed is there twice"),
        ({"wanted": 2}, "4 settings, but wanted=2"),
        ({"fixed_of": {"l2": []}}, "name other arms"),
        ({"code": float("nan")}, "NaN: allowed are finite numbers"),
        ({"settings": [{**dataclasses.asdict(SETTINGS[0]), "number": 1}]}, "not numbered in their order"),
        ({"settings": [{**dataclasses.asdict(SETTINGS[0]), "arm": "l2"}]}, "'l2' is no arm"),
        ({"confirmations": [{**dataclasses.asdict(CONFIRMED), "finalists": [9]}]}, "finalists of confirmation 1"),
        ({"confirmations": [{**dataclasses.asdict(CONFIRMED), "number": 2}]}, "not numbered in their order"),
    ],
)
def test_what_contradicts_itself_is_refused_in_one_line(tmp_path, change, said):
    write_race(Folder(tmp_path), RACE)
    file = tmp_path / "race.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | change))
    with pytest.raises(RunDirError, match=f"damaged: .*{said}") as refused:
        read_race(tmp_path)
    assert "\n" not in str(refused.value)


def test_a_newer_version_and_a_missing_file_are_told(tmp_path):
    with pytest.raises(RunDirError, match="not the folder of a race"):
        read_race(tmp_path)
    (tmp_path / "race.json").write_text('{"form": 2, "what": "ever"}')
    with pytest.raises(NewerError, match="schema 2, this version of npdigits reads up to 1"):
        read_race(tmp_path)


def test_a_torn_file_is_refused_at_every_length(tmp_path):
    write_race(Folder(tmp_path), RACE)
    whole = (tmp_path / "race.json").read_bytes()
    for length in range(0, len(whole) - 2, 37):
        (tmp_path / "race.json").write_bytes(whole[:length])
        with pytest.raises(RunDirError, match="damaged"):
            read_race(tmp_path)


def test_the_level_halves_with_every_confirmation():
    assert [dataclasses.replace(CONFIRMED, number=k).alpha for k in (1, 2, 3)] == [0.025, 0.0125, 0.00625]
    assert math.fsum(dataclasses.replace(CONFIRMED, number=k).alpha for k in range(1, 50)) <= 0.05


def test_a_confirmation_is_put_aside_once_and_stays_so_where_fewer_were_left():
    assert confirming_epochs(RACE) == (3 + 1) * 5 * 20 and share(RACE) == 0
    confirmed = dataclasses.replace(RACE, confirmations=(CONFIRMED,))
    assert is_settled(confirmed) and confirming_epochs(confirmed) == 400  # though only two finalists were left


@pytest.mark.parametrize(
    ("change", "settled"),
    [
        ({"budget": 500}, False),
        ({"budget": 300}, True),
        ({"wanted": 6}, False),
        ({"finalists": 4}, False),
        ({"finalists": 1}, True),
        ({"confirm": 6}, False),
        ({"confirm": 2}, True),
        ({"reference": ("lr=0.3",)}, False),
    ],
)
def test_another_confirmation_is_due_where_something_grew(change, settled):
    race = dataclasses.replace(RACE, confirmations=(CONFIRMED,), **change)
    assert is_settled(race) == settled
    assert confirming_epochs(race) == 400 + (0 if settled else (race.finalists + 1) * race.confirm * 20)
