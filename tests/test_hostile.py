"""A hundred damaged run directories through every program; ``hostile.py`` makes any number, and by real processes."""

import json
import shutil
import sys
import time

import numpy as np
import pytest
from damage import seal
from hostile import STEERS, Tally, call, look_at, look_through, make_materials, watched
from made import read_summary

from npdigits.base.npz import hash_arrays, npz, read_npz
from npdigits.compare.formats import as_json

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


@pytest.mark.parametrize("main", ["npdigits.evaluate", "npdigits.export", "npdigits.train"])
def test_a_run_of_an_unknown_data_set_is_a_line(main, these, tmp_path, warm_cache):
    """Such as a later version may know."""
    run = shutil.copytree(these.folder / "sound", tmp_path / "run")
    arrays = read_npz(run / "checkpoints/last.npz")
    header = json.loads(arrays["header"].tobytes()) | {"data": "kanji"}
    arrays["header"] = np.frombuffer(json.dumps(header).encode(), np.uint8)
    del arrays["sha256"]
    arrays["sha256"] = np.frombuffer(bytes.fromhex(hash_arrays(arrays)), np.uint8)
    (run / "checkpoints/last.npz").write_bytes(npz(arrays))
    (run / "summary.json").write_text(json.dumps(read_summary(run) | {"data": "kanji"}))
    seal(run)
    typed = {"npdigits.train": [f"resume={run}", "epochs=3"], "npdigits.export": [run, "--html", tmp_path / "a.html"]}
    code, out, err = call(main, typed.get(main, [run]))
    if main == "npdigits.export":  # whose page can do without the set's digits
        assert code == 0 and f"the page has no test digits: {run}/summary.json: data=kanji: allowed are " in err
        return
    assert (code, out) == (2, "") and err.count("\n") == 1 and "data=kanji: allowed are mnist, " in err


def test_json_for_a_terminal_steers_nothing_and_reads_back():
    name = "a\x1b[31m\x9b\u202e\U000e0001×"
    text = as_json({"data": name})
    assert json.loads(text) == {"data": name} and not STEERS.search(text) and "×" in text
