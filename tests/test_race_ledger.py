"""How far a race's runs have come, as its folder has them."""

import dataclasses
import math

from made_race import made_race

from npdigits.race.ledger import Ledger
from npdigits.race.told import tell

SETTINGS = [("", ("lr=0.001",), [0.7, "paused"]), ("", ("lr=0.01",), [0.9, "paused"]), ("", ("lr=0.1",), [0.5])]


def test_a_setting_that_its_own_code_fails_later_keeps_what_it_did_before(tmp_path):
    folder = made_race(tmp_path / "race", SETTINGS)
    race = tell(folder).race
    failed = dataclasses.replace(race.settings[1], lost="too odd")
    before = Ledger(folder, race)
    after = Ledger(folder, dataclasses.replace(race, settings=(race.settings[0], failed, race.settings[2])))

    full, paused, missing = (after.ran(1, place) for place in range(3))
    assert (full.epochs, full.ended, full.lost, full.accuracy(2)) == (2, True, "", 0.9)
    assert not before.ran(1, 1).ended
    assert paused.ended and paused.lost == "failed: too odd"
    assert paused.epochs == before.ran(1, 1).epochs > 0 and math.isfinite(paused.accuracy(paused.epochs))
    assert (missing.epochs, missing.ended, missing.lost) == (0, True, "failed: too odd")
    assert not after.ran(0, 1).lost and after.ran(2, 1) is None
