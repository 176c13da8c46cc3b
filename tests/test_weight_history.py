"""history/: the weights after every epoch, the same files after every cut, and that keeping them changes no bit."""

import shutil
from collections import namedtuple

import numpy as np
import pytest
from made import read_summary
from typed import tree

from npdigits.base.errors import RunDirError
from npdigits.base.npz import npz, read_npz
from npdigits.config.compose import compose
from npdigits.nn.network import Parameters
from npdigits.runs import weight_history
from npdigits.runs.events import Listener
from npdigits.runs.run import run
from npdigits.runs.weight_history import epochs_kept, most_bytes, read_weights

TIMES = {"train.log", "summary.json", "environment.json", "config.yaml", "overrides.yaml", ".lock"}


@pytest.fixture
def do(tmp_path, idx_set):
    def do(name, *typed, **options):
        keys = ["data=idx", f"data.dir={idx_set}", "epochs=5", "hidden=[7,5]", "plots=false", "quiet=true", *typed]
        run(compose(keys), tmp_path / name, keys, **options)
        return tmp_path / name

    return do


def kept(path):
    return {file.name: file.read_bytes() for file in (path / "history").iterdir()}


class Note(Listener):
    """Keeps copies of the weights as the run has them."""

    def __init__(self):
        self.seen = []

    def begun(self, run):
        self.seen.append(run.state.network.parameters.flat.copy())

    def epoch_ended(self, run, epoch):
        self.begun(run)


@pytest.mark.parametrize("typed", [(), ("hidden=[]", "dtype=float64"), ("threads=2", "optimizer=sgd")])
def test_every_epochs_weights_are_kept_and_no_other_byte_changes(do, typed):
    note = Note()
    without, path = do("without", *typed), do("kept", "history=all", *typed, listeners=[note])
    assert epochs_kept(path) == [0, 1, 2, 3, 4, 5] and len(note.seen) == 6
    for expected, weights in zip(note.seen, read_weights(path, epochs_kept(path)), strict=True):
        found = Parameters((56, *(len(weights[name]) for name in weights if name[0] == "b")), expected.dtype.name)
        for name, view in found.named().items():
            view[...] = weights[name]
        assert np.array_equal(found.flat, expected) and found.flat.dtype == expected.dtype
    one, other = ({n: f[0] for n, f in tree(p).items() if n not in TIMES} for p in (without, path))
    assert {n: content for n, content in other.items() if not n.startswith("history")} == one
    summaries = [read_summary(path) | {"seconds": 0} for path in (without, path)]
    assert summaries[0] == summaries[1]
    best = read_summary(path)["best_epoch"]
    file = read_npz(path / f"history/{best:05d}.npz")
    assert {n: a.tobytes() for n, a in file.items()} == {
        n: a.tobytes() for n, a in read_npz(path / "checkpoints/best.npz").items()
    }


@pytest.mark.parametrize("harm", ["nothing", "the last one is missing", "later ones", "no initial ones", "a part"])
def test_a_run_that_was_cut_off_leaves_the_same_files(do, harm):
    whole = kept(do("whole", "history=all"))
    cut = do("cut", "history=all", until=3) / "history"
    assert len(kept(cut.parent)) == 4
    if harm == "the last one is missing":
        (cut / "00003.npz").unlink()
    elif harm == "later ones":
        (cut / "00004.npz").write_bytes(b"of another code")
        (cut / "00009.npz").write_bytes(b"")
    elif harm == "no initial ones":
        (cut / "00000.npz").unlink()
    elif harm == "a part":
        (cut / ".00004.npz.0123abcd.tmp").write_bytes(b"torn")
        (cut / "00003.npz").write_bytes(whole["00003.npz"][:-9])
    assert kept(do("cut", "history=all")) == whole


class Killed(BaseException):
    """As a signal that cannot be handled."""


@pytest.mark.parametrize("event", range(1, 6))
def test_a_run_that_was_killed_anywhere_leaves_the_same_files(do, monkeypatch, event):
    whole = kept(do("whole", "history=all"))
    original, written = weight_history.Folder.write_whole, []

    def killed(folder, name, content, durable=True):
        if name.startswith("history"):
            written.append(name)
            if len(written) == event:
                raise Killed
        original(folder, name, content, durable)

    monkeypatch.setattr(weight_history.Folder, "write_whole", killed)
    with pytest.raises(Killed):
        do("cut", "history=all")
    monkeypatch.undo()
    assert len(kept(do("cut", "history=all"))) == 6
    assert kept(do("cut", "history=all")) == whole


def test_a_history_that_is_asked_for_later_has_the_initial_weights_and_those_from_there_on(do):
    path = do("run", until=3)
    assert not (path / "history").exists()
    do("run", "history=all")
    assert epochs_kept(path) == [0, 3, 4, 5]
    assert kept(path).items() <= kept(do("whole", "history=all")).items()


class Sized(Listener):
    """Notes how large the history may become."""

    def begun(self, run):
        self.most = most_bytes(run.config, run.sizes)


@pytest.mark.parametrize("typed", [(), ("hidden=[]", "batch_size=500"), ("dtype=float64", "hidden=[30,20,10,10]")])
def test_the_size_is_bounded(do, typed):
    sized = Sized()
    size = sum(map(len, kept(do("run", "history=all", *typed, listeners=[sized])).values()))
    assert size <= sized.most < 1.5 * size


def test_a_large_one_is_said_before_the_run_begins(do, monkeypatch, capsys):
    monkeypatch.setattr(weight_history, "LARGE", 20_000)
    do("small", "quiet=false")
    assert "history" not in capsys.readouterr().out
    do("large", "history=all", "quiet=false")
    lines = capsys.readouterr().out.splitlines()
    assert lines[1] == "history=all: up to 0.0 MB in history/, 0.0 MB an epoch" and lines[2].startswith("epoch 1/5")


def test_where_the_disk_has_no_room_the_run_keeps_none_and_goes_on(do, monkeypatch, capsys):
    usage = namedtuple("usage", "free")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(20_000))
    path = do("run", "history=all")
    assert read_summary(path)["status"] == "finished" and not (path / "history").exists()
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and "history=all takes up to 0.0 MB, and 0.0 MB are free" in said


def test_nothing_is_written_through_a_link(do, tmp_path):
    path = do("run", "history=all", until=2)
    (path / "history").rename(tmp_path / "elsewhere")
    (path / "history").symlink_to(tmp_path / "elsewhere")
    before = tree(tmp_path / "elsewhere")
    with pytest.raises(RunDirError, match="history is a link"):
        do("run", "history=all")
    assert tree(tmp_path / "elsewhere") == before


def test_what_no_run_writes_is_damage(do):
    path = do("run", "history=all")
    files = [path / f"history/{epoch:05d}.npz" for epoch in range(6)]
    content = files[2].read_bytes()
    for harm, said in (
        (content[:-9], "damaged"),
        (files[3].read_bytes(), "damaged: it is of another epoch or run"),
        (npz(read_npz(files[2]) | {"W1": np.zeros((7, 56), np.float32)}), "damaged: its content is not what"),
    ):
        files[2].write_bytes(harm)
        with pytest.raises(RunDirError) as error:
            list(read_weights(path, [1, 2, 3]))
        assert said in str(error.value) and "00002.npz" in str(error.value)
    files[2].unlink()
    assert epochs_kept(path) == [0, 1, 3, 4, 5]
