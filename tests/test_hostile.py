"""A hundred damaged run directories through every program; ``hostile.py`` makes any number, and by real processes."""

import sys
import time

import pytest
from hostile import Tally, look_at, look_through, make_materials, watched

SEED = 24


@pytest.fixture(scope="module")
def these(tmp_path_factory, shared_cache):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NPDIGITS_CACHE", str(shared_cache))
        yield make_materials(tmp_path_factory.mktemp("hostile"))


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no pipes that lie in a folder, and no alarm")
def test_no_damage_ends_a_program_in_a_fault(these, warm_cache):
    tally = look_through(these, 100, SEED, group=25, rarely=10)
    assert tally.wrong == [] and tally.directories == 100
    assert len(tally.kinds) > 50 and tally.calls.total() > 450
    # Both what is read in spite of its damage and what is refused is among them, for each program.
    for name in tally.calls:
        ended = {code.split()[1] for code in tally.codes if code.split()[0] == name}
        assert "0" in ended and (name.startswith("load_") or "2" in ended), name


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no alarm")
def test_the_harness_sees_what_must_not_be(monkeypatch, tmp_path):
    printed = {"escape": "a\x1b[0m", "formula": "a,=1+1", "traceback": "Traceback (most recent call last)"}

    def main():
        kind = sys.argv[1]
        if kind == "hang":
            time.sleep(5)
        print(printed.get(kind, kind))
        sys.exit(70 if kind == "fault" else 0)

    monkeypatch.setattr("npdigits.evaluate.main", main)
    monkeypatch.setattr("hostile.SECONDS_BY_THE_CLOCK", 0.2)
    tally = Tally()
    with watched():
        for kind in ("hang", "escape", "formula", "traceback", "fault", "lost", "sound"):
            arguments = [kind, "--csv", "-"]
            look_at(tally, "npdigits.evaluate", arguments, "on purpose", "sound" if kind in ("lost", "sound") else None)
    assert tally.calls["npdigits.evaluate"] == 7
    for line, part in zip(
        tally.wrong, ("code hang", "steers", "formulas: ['=1+1']", "a traceback", "code 70", "not shown"), strict=True
    ):
        assert part in line
