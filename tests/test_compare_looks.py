"""Looks at the same results: remembered in the user's own folder, said from the second on, never a reason to fail."""

import json
import threading

import pytest
from made_runs import made_run, made_sweep

from npdigits.compare import looks_file
from npdigits.compare.looks import Past, question_of
from npdigits.compare.looks_file import Look, Question, Record
from npdigits.sweeps.conclusion import comparison_table

BASE = [0.90, 0.91, 0.92, 0.93, 0.90, 0.91]
SWEEP = {20: BASE, 50: [x + 0.01 for x in BASE]}


@pytest.fixture
def folder(tmp_path):
    return made_sweep(tmp_path / "width", "hidden", SWEEP)


@pytest.fixture
def state(isolated):
    return isolated / "state" / "looks.json"


@pytest.fixture
def typed(typed):
    """Type a command line; return what was printed, line by line."""

    def type_it(*arguments):
        code, out, err = typed(*arguments)
        assert (code, err) == (0, "")
        return out.splitlines()

    return type_it


def looks_in(lines):
    return [line for line in lines if line.startswith("Look ")]


def test_the_first_look_says_nothing_and_the_same_again_is_none(folder, typed, state):
    before = sorted(folder.rglob("*"))
    first = typed(folder)
    assert looks_in(first) == [] and typed(folder) == first
    assert looks_in(typed(folder, "--sort=-hidden", "--markdown", "-")) == []
    assert len(json.loads(state.read_text())["looks"]) == 1
    assert sorted(folder.rglob("*")) == before


def test_another_metric_and_more_seeds_are_further_looks(folder, typed):
    typed(folder)
    (line,) = looks_in(typed(folder, "--metric", "val_cost"))
    assert line == "Look 2 at these results (before: by val_accuracy): the 5 % holds for one look only."
    for hidden in (20, 50):
        made_run(folder / f"more{hidden}", 0.95, f"hidden={hidden}", "seed=17")
    (line,) = looks_in(typed(folder))
    assert line.startswith("Look 3 at these results (before: with 12 runs; by val_cost with 12 runs): the 5 %")
    (line,) = looks_in(typed(folder, "--metric", "val_cost", "--margin", "0.1"))
    assert line.startswith("Look 4 ") and "by val_accuracy without a margin;" not in line.split("12 runs")[0]


def test_the_first_look_again_tells_of_the_others(folder, typed):
    typed(folder)
    typed(folder, "--metric", "val_cost")
    (line,) = looks_in(typed(folder))
    assert line == "Look 1 at these results (besides: by val_cost): the 5 % holds for one look only."


def test_looks_that_were_fixed_at_the_first_share_the_five_per_cent(folder, typed):
    lines = typed(folder, "--looks", "2")
    assert looks_in(lines) == ["Look 1 of 2 at these results: each is tested at 0.025."]
    assert any("real where p ≤ 0.025 (0.05 over 2 looks)" in line for line in lines)
    # p = 2/64, which is below 0.05
    assert any(line.startswith("Too few seeds to tell: hidden=50") and "takes 7 seeds" in line for line in lines)
    lines = typed(folder, "--metric", "val_cost")
    assert looks_in(lines) == [
        "Look 2 of 2 at these results (before: by val_accuracy): each is tested at 0.025."
    ] and any("p ≤ 0.025" in line for line in lines)
    (line,) = looks_in(typed(folder, "--metric", "test_cost", "--looks", "5"))
    assert line.startswith(
        "Look 3 at these results (before: by val_accuracy; by val_cost): the 5 % holds for the first 2"
    )
    assert line.endswith("--looks 5 was not fixed at the first look, and changes nothing.")


def test_looks_that_are_planned_late_change_nothing(folder, typed):
    typed(folder)
    lines = typed(folder, "--metric", "val_cost", "--looks", "4")
    (line,) = looks_in(lines)
    assert line.endswith("one look only. --looks 4 was not fixed at the first look, and changes nothing.")
    assert any("real where p ≤ 0.05." in line for line in lines)


def test_the_same_runs_from_above_and_below_are_the_same_results(folder, typed, tmp_path, monkeypatch):
    typed(folder)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "link").symlink_to(folder)
    assert looks_in(typed("link")) == [] and looks_in(typed("width")) == []
    assert looks_in(typed(tmp_path, "--metric", "val_cost"))
    assert looks_in(typed(*sorted(folder.iterdir()), "--metric", "test_cost"))
    made_sweep(tmp_path / "other", "hidden", SWEEP)
    # tmp_path, which holds it, was looked at
    assert looks_in(typed(tmp_path / "other", "--metric", "best_epoch"))
    made_sweep(tmp_path.parent / "width2", "hidden", SWEEP)
    assert looks_in(typed(tmp_path.parent / "width2", "--metric", "val_cost")) == []


def test_to_choose_runs_or_to_average_is_to_look_again(folder, typed):
    typed(folder)
    assert looks_in(typed(folder, "--filter", "seed < 99")) == []  # the very same runs
    (line,) = looks_in(typed(folder, "--filter", "seed < 5", "--metric", "val_cost"))
    assert line.startswith("Look 2 at these results (before: of all runs by val_accuracy")
    (line,) = looks_in(typed(folder, "--metric", "val_cost"))
    assert "where seed < 5" in line and line.startswith("Look 3")


def test_where_no_p_is_told_nothing_is_recorded(folder, typed, state, tmp_path):
    typed(folder, "--all")
    typed(folder, "--pivot", "hidden", "lr")
    made_run(tmp_path / "one" / "run", 0.9)
    typed(tmp_path / "one")
    assert not state.exists()
    typed(folder, "--all", "--html", tmp_path / "page.html")  # the page tells p's
    assert state.exists()


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b'{"form": 1, "looks": [{}]}', b'{"form": 2}', b"\xff", b"[" * 99999]
)
def test_a_damaged_file_is_one_note_and_stays(folder, typed, state, content):
    state.parent.mkdir()
    state.write_bytes(content)
    lines = typed(folder)
    (note,) = [line for line in lines if "not recorded" in line]
    assert note.startswith("Note: this look is not recorded, and earlier ones are not known (") and "looks.json" in note
    assert state.read_bytes() == content and any(line.startswith("Better: hidden=50") for line in lines)


def test_a_folder_that_cannot_be_made_is_one_note(folder, typed, monkeypatch, tmp_path):
    (tmp_path / "file").write_text("")
    for place in (tmp_path / "file" / "state", "~nobody-of-that-name/state"):
        monkeypatch.setenv("NPDIGITS_STATE", str(place))
        assert sum("not recorded" in line for line in typed(folder)) == 1


def test_a_lock_that_stays_taken_is_one_note(folder, typed, state, monkeypatch):
    monkeypatch.setattr(looks_file, "PATIENCE", 0.05)
    state.parent.mkdir()
    with looks_file._held(state.parent / looks_file.LOCK):
        assert sum("not recorded" in line for line in typed(folder)) == 1


def look(figures, metrics=("acc",)):
    return Look(tuple(metrics), ("a",), "", False, str(figures), 3)


def test_only_the_latest_are_kept(tmp_path, monkeypatch):
    monkeypatch.setattr(looks_file, "MOST_KEPT", 5)
    for figures in range(9):
        record = Record(Question(("/a",)), look(figures), 0)
        looks_file.write_records(tmp_path, lambda records, record=record: [*records, record])
    assert [record.look.figures for record in looks_file.read_records(tmp_path)] == ["4", "5", "6", "7", "8"]


def test_a_file_never_outgrows_what_is_read(tmp_path, monkeypatch):
    monkeypatch.setattr(looks_file, "MOST_BYTES", 1000)
    many = [Record(Question((f"/{'a' * 100}{figures}",)), look(figures), 0) for figures in range(9)]
    looks_file.write_records(tmp_path, lambda records: many)
    left = looks_file.read_records(tmp_path)
    assert 1 <= len(left) < 9 and left == many[-len(left) :]


def test_two_at_once_lose_nothing(tmp_path):
    def add(figures):
        record = Record(Question(("/a",)), look(figures), 0)
        looks_file.write_records(tmp_path, lambda records: [*records, record])

    threads = [threading.Thread(target=add, args=(figures,)) for figures in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(looks_file.read_records(tmp_path)) == 8


def test_a_question_is_of_places_and_not_of_spellings(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    asked = [question_of([path]) for path in (".", tmp_path, f"{tmp_path}/x/..")]
    assert len(set(asked)) == 1
    assert asked[0].is_about(question_of(["x/y"]))
    assert not question_of(["x"]).is_about(question_of(["xy"]))
    assert Past(asked[0], 3).looks == 3 and Past(asked[0]).looks == 1


def test_the_end_of_a_sweep_is_a_look_too(folder, typed):
    said = []
    report = type("Report", (), {"warn": said.append})()
    assert "Look " not in comparison_table(sorted(folder.iterdir()), report)
    assert looks_in(typed(folder)) == []  # which is the same one
    for hidden in (20, 50):
        made_run(folder / f"more{hidden}", 0.95, f"hidden={hidden}", "seed=17")
    (line,) = looks_in(comparison_table(sorted(folder.iterdir()), report).splitlines())
    assert line == "Look 2 at these results (before: with 12 runs): the 5 % holds for one look only." and said == []
