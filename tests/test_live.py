"""What npdigits-live sees of runs that others write: as they grow, are torn, fail, are damaged, or lead elsewhere."""

import contextlib
import json
import os
import shutil
import time
from pathlib import Path

import pytest
from made_runs import made_run

from npdigits.live import curve as curves
from npdigits.live import table
from npdigits.live.board import SHEET, Board, View
from npdigits.live.curve import Curves
from npdigits.live.folder import GoneError, Opened, Place
from npdigits.live.seen import QUIET, UNREADABLE, SeenRun, identifier
from npdigits.live.tail import Tail
from npdigits.live.tree import find
from npdigits.live.watcher import Watcher
from npdigits.runs import metrics
from npdigits.training.state import Epoch

HOSTILE = "<script>alert(1)<\u202e\x1b[2J"


def row(epoch, cost=0.5, is_best=True):
    return metrics.format_row(Epoch(epoch, 0.01, cost, 0.5, cost, 0.6, cost, 0.6, 0.0, None, is_best))


def going(path, *typed, epochs=2, **more):
    """Write a run that is at work."""
    return made_run(path, 0.6, *typed, status="running", epochs=epochs, **more)


def place_of(path):
    status = path.stat()
    return Place(path, status.st_dev, status.st_ino)


def seen(path, now=None):
    run = SeenRun(path.parent, place_of(path), {})
    run.look(time.time() if now is None else now)
    return run


def watched(top):
    """Return what is on the board once a folder was looked through."""
    board = Board()
    watcher = Watcher([top], board, 0.1)
    watcher.tick()
    while watcher._waiting:
        watcher.tick()
    return board, watcher


def rows_of(board, **view):
    return board.since(0, View(**view))["rows"]


def test_a_run_that_goes_on_is_seen_row_by_row_and_a_torn_row_waits(tmp_path):
    path = going(tmp_path / "run", "epochs=10")
    run = seen(path, now=1000.0)
    assert (run.row["done"], run.row["epochs"], run.at_work) == (2, 10, True)
    line = row(3, 0.25)
    with (path / "metrics.csv").open("a") as file:
        file.write(line[:-20])
        file.flush()
        assert not run.look(1004.0) or run.row["done"] == 2
        file.write(line[-20:])
    assert run.look(1004.0)
    assert (run.row["done"], run.row["last"]["val_cost"], run.row["best"]["best_epoch"]) == (3, 0.25, 3)
    assert run.row["ends"] == pytest.approx(1004 + 7 * 4)  # seven epochs at four seconds each


def test_hours_that_the_machine_slept_say_nothing_of_the_pace(tmp_path):
    path = going(tmp_path / "run", "epochs=10")
    run, now = seen(path, now=1000.0), 1000.0
    for epoch, seconds in ((3, 4), (4, 8 * 3600), (5, 4)):
        with (path / "metrics.csv").open("a") as file:
            file.write(row(epoch))
        now += seconds
        run.look(now)
    assert run.row["ends"] == pytest.approx(now + 5 * 4)


def test_only_what_is_new_is_read(tmp_path, monkeypatch):
    path = going(tmp_path / "run", epochs=500)
    run, reads = seen(path), []
    read = Opened.read
    monkeypatch.setattr(Opened, "read", lambda *a, **o: reads.append((a[1:], len(found := read(*a, **o)))) or found)
    with (path / "metrics.csv").open("a") as file:
        file.write(row(501))
    run.look(time.time())
    run.look(time.time())
    assert len(reads) == 1 and reads[0][1] == len(row(501))


def test_a_table_that_is_replaced_or_cut_is_read_anew(tmp_path):
    path = going(tmp_path / "run", epochs=5)
    run = seen(path)
    (path / "metrics.csv").write_text(metrics.header() + row(1) + row(2, 0.1))
    run.look(time.time())
    assert (run.row["done"], run.row["last"]["val_cost"]) == (2, 0.1)
    (path / "new").write_text(metrics.header() + row(1) + row(2, 0.2))
    (path / "new").replace(path / "metrics.csv")
    run.look(time.time())
    assert (run.row["done"], run.row["last"]["val_cost"]) == (2, 0.2)


def test_a_long_table_is_read_in_pieces(tmp_path, monkeypatch):
    monkeypatch.setattr("npdigits.live.tail.AT_ONCE", 3000)
    path = going(tmp_path / "run", epochs=200)
    tail, found = Tail(), []
    with Opened(place_of(path)) as opened:
        for _ in range(100):
            found += tail.more(opened)[1]
            if not tail.behind:
                break
    assert [int(one["epoch"]) for one in found] == list(range(1, 201))


def test_how_runs_have_ended_is_told_with_the_reason(tmp_path):
    made_run(tmp_path / "a", status="failed", reason="no space left")
    made_run(tmp_path / "b", status="diverged", diverged_in_epoch=2)
    made_run(tmp_path / "c", 0.95)
    going(tmp_path / "d")
    board, _ = watched(tmp_path)
    found = {one["name"]: (one["status"], one["reason"]) for one in rows_of(board)}
    assert found == {
        "a": ("failed", "no space left"),
        "b": ("diverged", "the cost stopped being finite in epoch 2"),
        "c": ("finished", ""),
        "d": ("running", ""),
    }
    assert [one["name"] for one in rows_of(board, kind="failed", sort="name")] == ["a", "b"]
    assert rows_of(board, sort="best")[0]["name"] == "c"
    (group,) = board.since(0, View())["groups"]
    assert group["counts"] == {"failed": 1, "diverged": 1, "finished": 1, "running": 1} and group["best"][0] == 0.95


def test_why_a_run_failed_that_came_to_its_end_is_its_reason_and_it_counts_among_those_that_failed(tmp_path):
    zeros = "all units of layer 1 are equal: " + "from zeros each gets the same gradient; " * 14 + "take another one"
    blew_up = "the cost was 9.1 before step 3 of epoch 1; a rate of 0.1 would have done"
    made_run(tmp_path / "zeros", 0.1, diagnosis=zeros)
    made_run(tmp_path / "blew up", status="diverged", diverged_in_epoch=1, diagnosis=blew_up)
    made_run(tmp_path / "healthy", 0.95)
    board, _ = watched(tmp_path)
    failed = {one["name"]: (one["status"], one["standing"], one["reason"]) for one in rows_of(board, kind="failed")}
    assert failed == {
        "zeros": ("finished", "finished, but failed", zeros),
        "blew up": ("diverged", "diverged", blew_up),
    }
    assert [one["name"] for one in rows_of(board, kind="finished", sort="name")] == ["healthy", "zeros"]
    (group,) = board.since(0, View())["groups"]
    assert group["counts"] == {"finished, but failed": 1, "diverged": 1, "finished": 1}


def test_a_run_that_is_silent_for_long_is_no_longer_called_running(tmp_path):
    path = going(tmp_path / "run")
    assert seen(path).status == "running"
    assert seen(path, now=time.time() + 3600).status == QUIET
    assert "killed" in seen(path, now=time.time() + 3600).reason


@pytest.mark.parametrize("name", ["summary.json", "identity.json", "metrics.csv"])
@pytest.mark.parametrize(
    "content", [b"", b"{", b'{"status": 1}', b"epoch,epoch\n1,1\n", b"\xff\xfe\n" * 99, b"[" * 9999]
)
def test_a_damaged_file_is_named_and_stays_so(tmp_path, name, content):
    path = going(tmp_path / "run")
    (path / name).write_bytes(content)
    run = seen(path)
    if (name, content) == ("metrics.csv", b"") or (name == "metrics.csv" and b"\n" not in content):
        assert (run.status, run.row["done"]) == ("running", 2)  # no whole row is written yet: summary.json tells
        return
    assert run.status == UNREADABLE and len(run.reason) < 400 and run.reason.startswith(name)
    run.look(time.time())
    assert run.status == UNREADABLE and run.row["status"] == UNREADABLE


@pytest.mark.parametrize(
    ("content", "said", "good"),
    [
        (b"", "metrics.csv: damaged: 0 whole rows of 4 epochs", 0),
        (None, "metrics.csv: not there", 0),
        (bytes(range(256)) * 9, "metrics.csv: damaged: no column epoch", 0),
        (b"\xff" * 99 + b"\n" + b"\n" * 9, "metrics.csv: damaged: the first line: byte 0xff is no text", 0),
        ((b"0.33333333", b"1e999"), "metrics.csv: damaged: row 3: ", 2),
        ((b"\n3,", b"\n\xff3,"), "metrics.csv: damaged: row 3: byte 0xff is no text", 2),
        ((b"\n4,", b"\n4"), "metrics.csv: damaged: row 4 has 10 cells", 3),
        ((b"\n4,0", b""), "metrics.csv: damaged: row 3 has ", 2),
    ],
)
def test_of_a_finished_run_a_damaged_table_is_named_the_figures_stay_and_good_rows_are_drawn(
    tmp_path, content, said, good
):
    path = made_run(tmp_path / "run", 0.9, epochs=4)
    file = path / "metrics.csv"
    whole = file.read_bytes()
    if content is None:
        file.unlink()
    else:
        file.write_bytes(whole.replace(*content, 1) if isinstance(content, tuple) else content)
    run = seen(path)
    assert run.reason.startswith(said) and "\n" not in run.reason
    assert (run.status, run.standing, run.row["done"]) == ("finished", "finished", 4)
    assert run.row["best"]["val_accuracy"] == 0.9 and run.row["last"]["val_accuracy"] is None and not run.at_work
    for _ in range(2):
        points = (Curves().since(run, "", 0) or {"points": {"epoch": []}})["points"]["epoch"]
        assert points == list(range(1, good + 1))
    file.write_bytes(whole)
    run.look(time.time())
    assert run.reason == ""


def test_what_is_mended_is_read_again(tmp_path):
    path = going(tmp_path / "run")
    whole = (path / "summary.json").read_bytes()
    (path / "summary.json").write_bytes(whole[:20])
    run = seen(path)
    assert run.status == UNREADABLE
    (path / "summary.json").write_bytes(whole)
    run.look(time.time())
    assert run.status == "running"


def test_a_newer_version_s_run_is_named(tmp_path):
    run = seen(made_run(tmp_path / "run", schema=99))
    assert run.status == UNREADABLE and "update npdigits" in run.reason


@pytest.mark.parametrize("name", ["summary.json", "identity.json", "metrics.csv"])
def test_no_link_and_no_folder_is_taken_for_a_file(tmp_path, name):
    secret = tmp_path / "secret"
    path = going(tmp_path / "runs" / "run")
    (path / name).replace(secret)
    (path / name).symlink_to(secret)
    run = seen(path)
    assert run.status == UNREADABLE and f"{name} is a link" in run.reason
    (path / name).unlink()
    (path / name).mkdir()
    run.look(time.time())
    assert run.status == UNREADABLE and f"{name} is no file" in run.reason
    (path / name).rmdir()
    os.mkfifo(path / name)  # which would be waited for without end
    run.look(time.time())
    assert run.status == UNREADABLE


def test_links_that_lead_away_are_not_followed(tmp_path):
    outside = made_run(tmp_path / "outside" / "run")
    inside = made_run(tmp_path / "runs" / "sweep" / "inside")
    (tmp_path / "runs" / "link").symlink_to(outside)
    (tmp_path / "runs" / "sweep" / "up").symlink_to(tmp_path / "outside")
    board, _ = watched(tmp_path / "runs")
    assert [one["name"] for one in rows_of(board)] == ["sweep/inside"]
    assert board.notes == ["2 links are not followed: only what lies in the folders themselves is shown."]
    # Nor where the link comes later, in the place of what was found.
    place = place_of(inside)
    shutil.rmtree(inside)
    inside.symlink_to(outside)
    with pytest.raises(GoneError):
        Opened(place)


def test_a_folder_in_the_place_of_another_is_another(tmp_path):
    path = going(tmp_path / "run")
    run = seen(path)
    path.replace(tmp_path / "moved")
    going(tmp_path / "run")
    assert run.look(time.time()) and run.status == UNREADABLE and "another folder" in run.reason


def test_a_run_made_anew_in_the_place_of_one_that_is_shown_is_shown(tmp_path):
    path = made_run(tmp_path / "runs" / "run", 0.9)
    board, watcher = watched(tmp_path / "runs")
    before = board.since(0, View())
    path.replace(tmp_path / "moved")
    going(path, "epochs=7")
    watcher._next_search = 0
    watcher.tick()
    watcher.tick()
    (found,) = board.since(before["version"], View())["rows"]
    assert (found["status"], found["epochs"], found["done"]) == ("running", 7, 2)
    assert board.members(identifier(path.parent))[0].row is found
    with (path / "metrics.csv").open("a") as file:
        file.write(row(3))
    watcher.tick()
    assert rows_of(board)[0]["done"] == 3


@pytest.mark.parametrize("names", [("summary.json",), ("summary.json", "metrics.csv", "identity.json")])
def test_what_a_file_said_that_is_gone_is_no_longer_said(tmp_path, names):
    """A new folder may have the number of the one that was removed."""
    path = made_run(tmp_path / "run", 0.9, "hidden=77")
    run = seen(path)
    assert (run.status, run.row["done"], run.row["best"]["val_accuracy"]) == ("finished", 2, 0.9)
    for name in names:
        (path / name).unlink()
    assert run.look(time.time()) and run.status != "finished"
    if len(names) > 1:
        assert (run.row["done"], run.row["best"]["val_accuracy"], run.row["settings"]) == (0, None, "")


def test_a_table_that_was_cut_and_has_grown_between_two_looks_is_read_anew(tmp_path):
    path = going(tmp_path / "run", epochs=5)
    run, curve = seen(path), Curves()
    known = curve.since(run, "", 0)
    longer = metrics.header() + row(1) + row(2, 0.123456789) + "".join(row(n, 0.25) for n in range(3, 9))
    (path / "metrics.csv").write_text(longer)
    run.look(time.time())
    assert (run.status, run.row["done"], run.row["last"]["val_cost"]) == ("running", 8, 0.25)
    found = curve.since(run, known["key"], 5)
    assert found["begin"] == 0 and found["points"]["val_cost"][1:3] == [0.123457, 0.25]


def test_a_run_that_cannot_be_looked_at_ends_no_watch(tmp_path, monkeypatch):
    going(tmp_path / "bad")
    path = going(tmp_path / "good")
    read = SeenRun._read

    def fails(run, opened, now):
        if run.place.path.name == "bad":
            raise RecursionError("an unforeseen fault")
        read(run, opened, now)

    monkeypatch.setattr(SeenRun, "_read", fails)
    board, watcher = watched(tmp_path)
    found = {one["name"]: (one["status"], one["reason"]) for one in rows_of(board)}
    assert found["good"] == ("running", "") and found["bad"][0] == UNREADABLE and "unforeseen" in found["bad"][1]
    with (path / "metrics.csv").open("a") as file:
        file.write(row(3))
    watcher.tick()
    assert {one["name"]: one["done"] for one in rows_of(board)}["good"] == 3


def test_a_search_that_fails_is_said_and_made_again(tmp_path, monkeypatch):
    going(tmp_path / "run")
    board = Board()
    watcher, failing = Watcher([tmp_path], board, 0.01), [MemoryError("no more memory")]
    search = Watcher._search
    monkeypatch.setattr("npdigits.live.watcher.SEARCH", 0.01)
    monkeypatch.setattr(Watcher, "_search", lambda self: (_ for _ in ()).throw(failing[0]) if failing else search(self))
    watcher.start()
    try:
        wait_until(lambda: board.notes)
        assert "no more memory" in board.notes[0]
        failing.clear()
        wait_until(lambda: rows_of(board))
        assert board.notes == []
    finally:
        watcher.stop()


def wait_until(holds, seconds=30):
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_folders_come_and_go(tmp_path):
    (tmp_path / "runs").mkdir()
    board, watcher = watched(tmp_path / "runs")
    assert rows_of(board) == []
    path = going(tmp_path / "runs" / HOSTILE)
    watcher._next_search = 0
    watcher.tick()
    (found,) = rows_of(board)
    assert found["name"] == HOSTILE and found["group"] == identifier(tmp_path / "runs")
    shutil.rmtree(path)
    watcher._next_search = 0
    watcher.tick()
    assert rows_of(board) == []
    assert rows_of(watched(tmp_path / "not there")[0]) == []


def test_a_folder_whose_entries_cannot_be_told_apart_hides_no_other(tmp_path, monkeypatch):
    """Where the file system does not say what an entry is, and the folder may be listed but not searched."""
    going(tmp_path / "a" / "one")
    going(tmp_path / "b" / "two")

    class Closed:
        name = "one"

        def is_symlink(self):
            raise PermissionError(13, "Permission denied")

        is_dir = is_symlink

    scan = os.scandir
    closed = contextlib.nullcontext([Closed()])
    monkeypatch.setattr(os, "scandir", lambda path: closed if Path(path).name == "a" else scan(path))
    board, _ = watched(tmp_path)
    assert [one["name"] for one in rows_of(board)] == ["b/two"]
    assert board.notes == ["1 folder could not be looked into."]


def test_names_of_any_bytes_can_be_sent(tmp_path):
    going(tmp_path / os.fsdecode(b"gr\xf6\xdfe"))
    board, _ = watched(tmp_path)
    json.dumps(rows_of(board)).encode()
    assert rows_of(board)[0]["name"].startswith("gr\ufffd")


def test_a_page_is_told_only_what_has_changed(tmp_path):
    for name in "abc":
        going(tmp_path / name)
    board, watcher = watched(tmp_path)
    first = board.since(0, View())
    assert len(first["rows"]) == 3 and board.since(first["version"], View()) is None
    with (tmp_path / "b" / "metrics.csv").open("a") as file:
        file.write(row(3, is_best=False))
    watcher.tick()
    more = board.since(first["version"], View())
    assert [one["name"] for one in more["rows"]] == ["b"] and "order" not in more
    assert board.since(more["version"], View()) is None
    # What another server, one of before, has counted says nothing.
    assert len(board.since(more["version"] + 1000, View())["rows"]) == 3


def test_of_many_runs_a_page_gets_a_sheet(tmp_path):
    board = Board()
    runs = [SeenRun(tmp_path, Place(tmp_path / f"{n:04}", 1, n), {}) for n in range(3000)]
    for run in runs:
        run.row = {"best": {}, "settings": ""}
    board.replace(runs, [], [])
    answer = board.since(0, View(sort="name", sheet=2))
    assert answer["total"] == 3000 and answer["sheets"] == 3000 // SHEET
    assert answer["order"] == [run.id for run in runs[2 * SHEET : 3 * SHEET]] and len(answer["rows"]) == SHEET
    assert board.since(0, View(sheet=10**12))["sheet"] == 3000 // SHEET - 1


def test_a_curve_of_any_length_has_few_points(tmp_path, monkeypatch):
    monkeypatch.setattr(curves, "MOST_POINTS", 50)
    path = going(tmp_path / "run", epochs=333)
    run, kept = seen(path), Curves()
    found = kept.since(run, "", 0)
    points = found["points"]["epoch"]
    assert len(points) <= 50 and points == list(range(1, 334, 8)) and found["key"].endswith("-8")
    assert kept.since(run, found["key"], len(points)) is None
    with (path / "metrics.csv").open("a") as file:
        file.writelines(row(n) for n in range(334, 346))
    more = kept.since(run, found["key"], len(points))
    assert more["begin"] == len(points) and more["points"]["epoch"] == [337, 345]
    for n in range(400):
        other = SeenRun(tmp_path, Place(tmp_path / str(n), 1, n), {})
        kept.since(other, "", 0)
    assert len(kept._kept) == curves.MOST_CURVES


def test_the_table_has_means_and_no_tests_and_no_look_is_recorded(tmp_path, isolated):
    for hidden in (20, 50):
        for seed in range(6):
            made_run(
                tmp_path / f"{hidden}-{seed}", 0.9 + hidden / 1000 + seed / 1e4, f"hidden={hidden}", f"seed={seed}"
            )
    going(tmp_path / "going", "hidden=50", "seed=6")
    board, _ = watched(tmp_path)
    found = table.make_table(board.members(identifier(tmp_path)))
    assert found["columns"][:3] == ["hidden", "n", "val_accuracy %"] and "p" not in found["columns"]
    assert [line[:2] for line in found["cells"]] == [["50", "6"], ["20", "6"]]
    assert found["lines"][0] == table.NOTE and "1 run of this folder not finished" in found["lines"][1]
    assert not list((isolated / "state").rglob("*"))


def test_what_links_would_lead_to_is_in_no_table(tmp_path):
    paths = [made_run(tmp_path / "runs" / str(seed), 0.9, f"seed={seed}") for seed in range(3)]
    (paths[0] / "environment.json").replace(tmp_path / "secret")
    (paths[0] / "environment.json").symlink_to(tmp_path / "secret")
    board, _ = watched(tmp_path / "runs")
    found = table.make_table(board.members(identifier(tmp_path / "runs")))
    assert found["cells"][0][0] == "2" and any("1 run with links" in line for line in found["lines"])


def test_tables_are_made_rarely(tmp_path, monkeypatch):
    made = []
    monkeypatch.setattr(
        table, "make_table", lambda runs, race: made.append(1) or {"columns": [], "cells": [], "lines": []}
    )
    monkeypatch.setattr(table.threading, "Thread", Now)
    tables, run = table.Tables(), seen(made_run(tmp_path / "run"))
    for accuracy in range(20):
        run.row["best"] = {"val_accuracy": accuracy}
        tables.of("group", [run], None)
    assert len(made) == 1


class Now:
    """A thread that does at once what it is to do."""

    def __init__(self, target, args, daemon):
        self.start = lambda: target(*args)


def test_runs_that_are_trained_elsewhere_are_shown_besides(tmp_path):
    going(tmp_path / "watched" / "one")
    board, own = Board(), [tmp_path / "watched" / "one", tmp_path / "learn" / "one"]
    watcher = Watcher([tmp_path / "watched"], board, 0.1, lambda: own)
    watcher.tick()
    assert [one["name"] for one in rows_of(board)] == ["one"] and board.notes == []
    going(tmp_path / "learn" / "one", "hidden=7")
    made_run(tmp_path / "learn" / "not trained here")
    watcher._next_search = 0
    watcher.tick()
    found = rows_of(board)
    assert len(found) == 2 and any("hidden=7" in one["settings"] for one in found)
    assert board.notes == ["Besides what is watched: 1 run that was trained here and left elsewhere."]
    assert sorted(one["name"] for one in board.since(0, View())["groups"]) == ["learn", "watched"]


def test_a_named_folder_may_be_a_run_or_a_link(tmp_path):
    path = made_run(tmp_path / "run")
    board, _ = watched(path)
    assert [one["name"] for one in rows_of(board)] == ["run"]
    (tmp_path / "link").symlink_to(path)
    assert len(find([(tmp_path / "link").resolve(), path]).runs) == 1
