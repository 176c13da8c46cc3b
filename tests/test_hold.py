"""A run directory that is moved, replaced or linked while a run writes there: nothing of another's is ever touched."""

import os
import shutil

import pytest
from made import read_summary
from test_faults import CALLS, short, writes_of_a_run  # noqa: F401 – short is a fixture
from test_resume import every_epoch, go, result, resume  # noqa: F401 – likewise
from typed import tree, typed

from npdigits.base.errors import HeldError, MovedError, RunDirError
from npdigits.base.files import BY_DESCRIPTOR
from npdigits.config.compose import compose
from npdigits.config.identity import identity
from npdigits.data.sets import data_root
from npdigits.runs import directory
from npdigits.runs.directory import claim
from npdigits.runs.hold import LOCK, Hold
from npdigits.runs.report import Report
from npdigits.sweeps import plan, sweep
from npdigits.sweeps.points import Point
from npdigits.train import run

SAYS = r"^out={} was moved or replaced while it was written$"
pytestmark = pytest.mark.skipif(not BY_DESCRIPTOR, reason="this system does not let a folder be moved that is in use")


@pytest.fixture
def other(tmp_path, short):  # noqa: F811
    """Another run's directory, finished."""
    keys = [*short, "seed=2"]
    run(compose(keys), tmp_path / "other", keys)
    return tmp_path / "other"


def moved(path, other):
    path.rename(path.with_name("moved"))


def replaced_by_another(path, other):
    path.rename(path.with_name("moved"))
    shutil.copytree(other, path)


def removed(path, other):
    shutil.rmtree(path)


def linked_elsewhere(path, other):
    path.rename(path.with_name("moved"))
    path.symlink_to(other)


def linked_in_a_circle(path, other):
    path.rename(path.with_name("moved"))
    path.symlink_to(path)


def a_file_there(path, other):
    path.rename(path.with_name("moved"))
    path.write_text("a file")


def parent_moved(path, other):
    path.parent.rename(path.parent.with_name("moved parent"))


def lock_replaced(path, other):
    (path / LOCK).unlink()
    (path / LOCK).touch()


def replaced_by_a_copy_made_of_links(path, other):
    """Whose lock's file is the one that is held."""
    shutil.copytree(path, path.with_name("copy"), copy_function=os.link)
    moved(path, other)
    path.with_name("copy").rename(path)


HOW = (
    *(moved, replaced_by_another, removed, linked_elsewhere, linked_in_a_circle, a_file_there, parent_moved),
    *(lock_replaced, replaced_by_a_copy_made_of_links),
)


@pytest.mark.parametrize("how", HOW)
def test_a_run_whose_directory_is_gone_ends(tmp_path, short, other, how, capsys):  # noqa: F811
    path, before = tmp_path / "parent" / "run", tree(other)
    asked, there = iter(range(10**6)), {}

    def stop():
        if next(asked) == 10:
            how(path, other)
            there.update(tree(path) if path.exists() else {})
        return False

    with pytest.raises(MovedError, match=SAYS.format(path)):
        run(compose(short), path, short, stop)
    assert tree(other) == before
    assert (tree(path) if path.exists() else {}) == there, "written where the run does not stand"
    assert capsys.readouterr().err == ""
    kept = tmp_path / "moved parent" / "run" if how is parent_moved else path.with_name("moved")
    assert kept.exists() != (how in (removed, lock_replaced))
    if kept.exists():  # it says so, and goes on from there
        assert read_summary(kept)["status"] == "failed" and "was moved" in read_summary(kept)["reason"]
        assert result(resume(kept)) == result_of_a_whole_run(tmp_path, short)


def result_of_a_whole_run(tmp_path, keys):
    run(compose(keys), tmp_path / "whole", keys)
    return result(tmp_path / "whole")


def test_a_directory_moved_before_any_write_gets_nothing_of_it(tmp_path, monkeypatch, short, other):  # noqa: F811
    """For every write of a run: the directory is moved in the instant before, and another's stands in its place."""
    count = writes_of_a_run(monkeypatch, tmp_path / "whole", short)
    there, ended = tree(other), []
    for k in range(1, count + 1):
        path = tmp_path / str(k) / "run"
        with monkeypatch.context() as patch:
            moving = Moving(patch, path, other, k)
            try:
                run(compose(short), path, short)
                ended.append(k)
            except MovedError as error:
                assert str(error) == f"out={path} was moved or replaced while it was written"
        assert moving.moved == 1
        assert tree(path) == there, f"write {k} of {count}"
    assert ended == [count], "only the last line of the log is nothing to end a run for"


class Moving:
    """Counts the calls that write into a folder, as ``Faults`` does, and moves it before the k-th."""

    def __init__(self, monkeypatch, folder, other, move_at):
        self.count, self.moved = 0, 0
        files = {}
        for name in CALLS:
            original = getattr(os, name)

            def call(*arguments, _name=name, _original=original, **named):
                at = named.get("dir_fd", named.get("src_dir_fd", arguments[0]))
                path = files.get(at, str(arguments[0]))
                writes = _name != "open" or (len(arguments) > 1 and arguments[1] & os.O_WRONLY)
                if path.startswith(str(folder)) and not path.endswith(LOCK) and writes:
                    self.count += 1
                    if self.count == move_at:
                        self.moved += 1
                        folder.rename(folder.with_name("moved"))
                        shutil.copytree(other, folder)
                answer = _original(*arguments, **named)
                if _name == "open":
                    files[answer] = path
                return answer

            monkeypatch.setattr(os, name, call)


def test_plots_are_not_drawn_into_another_directory(tmp_path, short, other, monkeypatch):  # noqa: F811
    from npdigits.base import canvas

    path, png, before = tmp_path / "run", canvas.png, tree(other)

    def moved_meanwhile(figure):
        if path.exists() and not (tmp_path / "moved").exists():
            replaced_by_another(path, other)
        return png(figure)

    monkeypatch.setattr(canvas, "png", moved_meanwhile)
    keys = [key for key in short if key != "plots=false"]
    with pytest.raises(MovedError, match=SAYS.format(path)):
        run(compose(keys), path, keys)
    assert tree(path) == before
    assert read_summary(tmp_path / "moved")["status"] == "finished"


def test_the_command_line_says_so_in_one_line(tmp_path, idx_set):
    """The directory is moved by hand, and another run begun in its place: both are whole, and the first ends with 2."""
    code = (
        "import sys, threading, time, subprocess; from pathlib import Path; from npdigits import train\n"
        "path = Path(sys.argv[-1].removeprefix('out='))\n"
        "def move():\n"
        "    rows = path / 'metrics.csv'\n"
        "    while not rows.exists() or rows.read_text().count('\\n') < 3: time.sleep(0.01)\n"
        "    path.rename(path.with_name('moved'))\n"
        "    again = [sys.executable, '-m', 'npdigits.train', *sys.argv[1:-2], 'epochs=2', sys.argv[-1]]\n"
        "    assert subprocess.run(again).returncode == 0\n"
        "threading.Thread(target=move).start()\n"
        "train.main()\n"
    )
    (tmp_path / "moving.py").write_text(code)
    keys = ("data=idx", f"data.dir={idx_set}", "hidden=4", "plots=false", "quiet=true", "stop_on=none", "epochs=2000")
    ended = typed(*keys, f"out={tmp_path / 'run'}", cwd=tmp_path, module="moving")
    assert (ended.returncode, ended.stdout) == (2, f"{tmp_path / 'run'}\n")  # which the second one says
    assert ended.stderr == f"npdigits: out={tmp_path / 'run'} was moved or replaced while it was written\n"
    assert read_summary(tmp_path / "run")["status"] == "finished"
    assert read_summary(tmp_path / "moved")["epochs_run"] > 0


def test_in_a_sweep_the_run_fails_and_the_others_go_on(tmp_path, short, other):  # noqa: F811
    config = compose(short)
    found, source = plan.find_source(config, Report(True))
    assert source.root == data_root()
    this = identity(config, found.sha256)
    folder, there = tmp_path / "sweep", tree(other)
    first, second = (Point(tuple(short), config, this, name) for name in ("first", "second"))
    asked = iter(range(10**6))

    def stop():
        if next(asked) == 10:
            replaced_by_another(folder / "first", other)
        return False

    ended = sweep.do(folder, {config.data: source}, first, False, stop)
    reason = f"MovedError: out={folder / 'first'} was moved or replaced while it was written"
    assert (ended.status, ended.reason) == ("failed", reason)
    assert tree(folder / "first") == there
    assert sweep.do(folder, {config.data: source}, second, False, stop).status == "finished"


def of_links(path, store, link):
    """Move a directory's files into a store, and leave links to them in their places, as DVC and git-annex do."""
    for number, file in enumerate(sorted(path.rglob("*"))):
        if file.is_file():
            kept = store / str(number)
            file.rename(kept)
            kept.chmod(0o444)
            link(kept, file)


@pytest.mark.parametrize("link", [os.symlink, os.link], ids=["symbolic", "hard"])
def test_a_store_that_links_a_runs_files_is_not_changed(go, tmp_path, link):  # noqa: F811
    """The run goes on in files of its own, its log included."""
    whole = result(go("whole"))
    path = go("run", after=60)
    (tmp_path / "store").mkdir()
    of_links(path, tmp_path / "store", link)
    before = tree(tmp_path / "store")
    log = (path / "train.log").read_text()
    assert result(resume(path)) == whole
    assert tree(tmp_path / "store") == before
    assert (path / "train.log").read_text().startswith(log) and len((path / "train.log").read_text()) > len(log)
    for file in path.rglob("*"):
        if file.is_file() and file.name != "overrides.yaml":  # which is not written again
            assert not file.is_symlink() and file.stat().st_nlink == 1, file


def test_a_log_that_leads_out_of_the_directory_is_left_alone(go, tmp_path):  # noqa: F811
    """A directory that was handed over: what its links lead to is neither written nor copied into it."""
    (tmp_path / "private").write_text("dear\n")
    for name in ("train.log", LOCK, ".summary.json.tmp"):
        path = go(f"run {name}", after=40)
        (path / name).unlink(missing_ok=True)
        (path / name).symlink_to(tmp_path / "private")
        resume(path)
        assert (tmp_path / "private").read_text() == "dear\n", name
        assert "dear" not in (path / "train.log").read_text()
        assert not any(file.is_symlink() for file in path.rglob("*"))


@pytest.mark.parametrize("name", ["checkpoints", "plots"])
def test_a_folder_that_is_a_link_is_refused(go, tmp_path, name):  # noqa: F811
    path = go("run", after=40)
    if (path / name).exists():
        (path / name).rename(tmp_path / "elsewhere")
    else:
        (tmp_path / "elsewhere").mkdir()
    (path / name).symlink_to(tmp_path / "elsewhere")
    before = tree(tmp_path / "elsewhere")
    with pytest.raises(RunDirError, match=rf"^out=.*run: {name} is a link"):
        resume(path)
    assert tree(tmp_path / "elsewhere") == before


def test_a_lock_that_two_directories_share_is_replaced_where_nobody_holds_it(tmp_path):
    me = {"seed": 0, "epochs": 3}
    claim(tmp_path / "run", tmp_path, me).close()
    shutil.copytree(tmp_path / "run", tmp_path / "copy", copy_function=os.link)
    with claim(tmp_path / "run", tmp_path, me), claim(tmp_path / "copy", tmp_path, me) as second:
        second.check()
        assert not (tmp_path / "run" / LOCK).samefile(tmp_path / "copy" / LOCK)
    with Hold.take(tmp_path / "run") as held:
        os.link(tmp_path / "run" / LOCK, tmp_path / "linked")  # while it is held
        with pytest.raises(HeldError):
            Hold.take(tmp_path / "run")
        held.check()


def test_a_traceback_is_added_to_the_log_of_a_run_that_nobody_writes(tmp_path):
    directory.add_to_log(tmp_path / "none", "Traceback …\n")
    assert not (tmp_path / "none").exists()
    (tmp_path / "run").mkdir()
    directory.add_to_log(tmp_path / "run", "Traceback 1\n")
    with Hold.take(tmp_path / "run"):
        directory.add_to_log(tmp_path / "run", "Traceback 2\n")
    os.link(tmp_path / "run" / "train.log", tmp_path / "kept")
    directory.add_to_log(tmp_path / "run", "Traceback 3\n")
    assert (tmp_path / "run" / "train.log").read_text() == "Traceback 1\nTraceback 3\n"
    assert (tmp_path / "kept").read_text() == "Traceback 1\n"


def test_a_file_is_left_only_where_one_of_a_single_name_has_this_content(tmp_path):
    with Hold.take(tmp_path) as hold:
        file, other = tmp_path / "a.txt", tmp_path / "b.txt"

        def is_left(content):
            before = file.lstat()
            hold.write_if_other("a.txt", content)
            assert file.read_text() == content and not file.is_symlink()
            return os.path.samestat(before, file.lstat())

        hold.write_if_other("a.txt", "same")
        assert is_left("same") and not is_left("else") and not is_left("longer")
        os.link(file, other)
        assert not is_left("longer") and other.read_text() == "longer"
        file.unlink()
        file.symlink_to(other)
        assert not is_left("longer") and not other.is_symlink()
