"""The per-user cache: found again without reading, never stale, never torn, never in the way."""

import errno
import json
import os
import threading
from pathlib import Path

import numpy as np
import pytest
from made import digits, outputs_of, read_summary, start_python, write_idx, write_set
from typed import typed

from npdigits.data import cache, idx

IMAGES, LABELS = digits(50)


class Source:
    """A file that stands for a data set, and how often it was read."""

    def __init__(self, path: Path):
        self.path, self.reads, self.warned = path, 0, []
        path.write_text("the source")

    def read(self):
        self.reads += 1
        return {"images": IMAGES.copy(), "labels": LABELS.copy()}

    def arrays(self):
        """Go through the cache; what comes out must be right whatever state the cache is in."""
        arrays, sha256 = cache.read_cached([self.path], self.read, self.warned.append)
        assert sorted(arrays) == ["images", "labels"]
        np.testing.assert_array_equal(arrays["images"], IMAGES)
        np.testing.assert_array_equal(arrays["labels"], LABELS)
        assert sha256 == cache.hash_arrays({"images": IMAGES, "labels": LABELS})
        return arrays


@pytest.fixture
def source(tmp_path):
    return Source(tmp_path / "source")


def entries() -> list[Path]:
    return sorted(cache.directory().iterdir())


def test_the_folder_is_the_environments(monkeypatch, tmp_path):
    monkeypatch.setenv("NPDIGITS_CACHE", str(tmp_path / "here"))
    assert cache.directory() == tmp_path / "here"
    monkeypatch.delenv("NPDIGITS_CACHE")
    assert cache.directory().is_absolute()
    assert "npdigits" in str(cache.directory())


def test_the_second_time_nothing_is_read(source):
    first, second = source.arrays(), source.arrays()
    assert (source.reads, source.warned) == (1, [])
    assert all(second[name].dtype == first[name].dtype for name in first)
    assert not any(array.flags.writeable for array in second.values()), "not mapped"


def test_another_size_time_or_place_is_read_anew(source, tmp_path):
    source.arrays()
    seconds = source.path.stat().st_mtime_ns
    source.path.write_text("the source, longer")
    os.utime(source.path, ns=(seconds, seconds))
    source.arrays()
    assert source.reads == 2, "size"
    os.utime(source.path, ns=(seconds, seconds + 1_000_000))
    source.arrays()
    assert source.reads == 3, "time"
    (tmp_path / "elsewhere").mkdir()
    source.path = source.path.rename(tmp_path / "elsewhere" / source.path.name)
    source.arrays()
    source.arrays()
    assert source.reads == 4, "place"


def test_every_source_counts(tmp_path):
    one, two = (write_idx(tmp_path / name, LABELS) for name in ("one.gz", "two.gz"))

    def read():
        return {path.name: idx.read_idx(path, 1) for path in (one, two)}

    cache.read_cached([one, two], read)
    write_idx(two, LABELS[:20])
    assert len(cache.read_cached([one, two], read)[0]["two.gz"]) == 20


NO_END = b"\x93NUMPY\x01\0\x76\0{'descr': (" + b" " * 106 + b"\n"  # a header whose bracket never closes


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("entry.json", None),
        ("entry.json", b""),
        ("entry.json", b"{not json"),
        ("entry.json", b"[]"),
        ("entry.json", b'{"arrays": ["images", "labels"]}'),
        ("images.npy", None),
        ("images.npy", b""),
        ("images.npy", b"rubbish"),
        ("images.npy", bytes(4096)),
        ("images.npy", b"\x93NUMPY\x01\0"),
        ("images.npy", NO_END),
        ("images.npy", "half"),
    ],
)
def test_a_damaged_entry_is_made_anew_and_that_is_said_once(source, name, content):
    source.arrays()
    (entry,) = entries()
    if content is None:
        (entry / name).unlink()
    else:
        whole = (entry / name).read_bytes()
        (entry / name).write_bytes(whole[: len(whole) // 2] if content == "half" else content)
    source.arrays()
    assert source.reads == 2
    source.arrays()
    assert source.reads == 2, "the entry was not mended"
    assert entries() == [entry]
    (said,) = source.warned
    assert said.startswith(f"{entry}: cannot be used (") and said.endswith(f"): {source.path} is read anew")


def altered(entry, name, change):
    array = np.load(entry / f"{name}.npy")
    np.save(entry / f"{name}.npy", change(array))


ALTERED = {
    "one pixel": lambda entry: altered(entry, "images", lambda a: a ^ (np.arange(a.size).reshape(a.shape) == 99)),
    "two labels swapped": lambda entry: altered(entry, "labels", lambda a: a[[1, 0, *range(2, len(a))]]),
    "another shape": lambda entry: altered(entry, "images", lambda a: a.transpose(0, 2, 1).copy()),
    "another type": lambda entry: altered(entry, "labels", lambda a: a.astype(np.int8)),
    "another's digest": lambda entry: (entry / "entry.json").write_text(
        json.dumps({"arrays": ["images", "labels"], "sha256": cache.hash_arrays({"labels": LABELS})})
    ),
}


@pytest.mark.parametrize("what", ALTERED)
def test_no_other_digits_come_out_under_a_digest(source, what):
    source.arrays()
    (entry,) = entries()
    ALTERED[what](entry)
    for _ in range(2):
        source.arrays()
    assert source.reads == 2 and len(source.warned) == 1 and "other digits than were kept" in source.warned[0]


def test_what_was_altered_with_its_digest_has_the_digest_that_is_its_own(source):
    """Who can write the cache can give other digits, but not under the name of these."""
    source.arrays()
    (entry,) = entries()
    other = {"images": IMAGES[::-1].copy(), "labels": LABELS}
    np.save(entry / "images.npy", other["images"])
    (entry / "entry.json").write_text(json.dumps({"arrays": ["images", "labels"], "sha256": cache.hash_arrays(other)}))
    arrays, sha256 = cache.read_cached([source.path], source.read)
    assert (
        sha256
        == cache.hash_arrays(other)
        == cache.hash_arrays(arrays)
        != cache.hash_arrays({"images": IMAGES, "labels": LABELS})
    )


@pytest.mark.parametrize("packed", [True, False])
def test_a_run_on_altered_digits_says_so_or_has_another_digest(tmp_path, packed):
    """Packed: the cache is mended from them. Plain: they are the user's own, whatever their size and time say."""
    folder = write_set(tmp_path / "set", packed=packed)
    keys = ("data=idx", f"data.dir={folder}", "epochs=1", "hidden=4", "plots=false", "quiet=true")
    assert typed(*keys, "out=first", cwd=tmp_path).returncode == 0
    file = folder / "train-images-idx3-ubyte"
    if packed:
        (entry,) = entries()
        file = entry / "train_images.npy"
    whole, time = bytearray(file.read_bytes()), file.stat().st_mtime_ns
    whole[-1000:] = bytes(255 - byte for byte in whole[-1000:])  # of which none are alike
    file.write_bytes(whole)
    os.utime(file, ns=(time, time))
    second = typed(*keys, "out=second", cwd=tmp_path)
    assert second.returncode == 0
    assert second.stderr.count("\n") == second.stderr.count("cannot be used") == packed
    shas = [read_summary(tmp_path / name)["data_sha256"] for name in ("first", "second")]
    assert (shas[0] == shas[1]) == packed
    last = [(tmp_path / name / "metrics.csv").read_bytes() for name in ("first", "second")]
    assert (last[0] == last[1]) == packed


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no pipes with names")
@pytest.mark.parametrize("name", ["entry.json", "images.npy"])
def test_no_pipe_is_waited_for(source, name):
    source.arrays()
    (entry,) = entries()
    (entry / name).unlink()
    os.mkfifo(entry / name)
    again = threading.Thread(target=source.arrays, daemon=True)
    again.start()
    again.join(timeout=20)
    assert not again.is_alive()
    assert source.reads == 2 and f"{name} is no file" in source.warned[0]
    assert (entry / name).is_file()


def test_an_entry_is_on_the_disk_before_it_has_its_name(source, monkeypatch):
    """Else a power cut could leave the name with nothing in it."""
    order = []
    fsync, rename = os.fsync, Path.rename
    monkeypatch.setattr(os, "fsync", lambda fd: (order.append(os.fstat(fd).st_ino), fsync(fd)))
    monkeypatch.setattr(Path, "rename", lambda path, to: (order.append("rename"), rename(path, to)))
    source.arrays()
    (entry,) = entries()
    files = {(entry / name).stat().st_ino for name in ("images.npy", "labels.npy", "entry.json")}
    assert files <= set(order[: order.index("rename")])
    assert order[-2:] == ["rename", cache.directory().stat().st_ino] or not hasattr(os, "O_DIRECTORY")


def test_a_folder_that_cannot_be_written_costs_only_time(source, monkeypatch, tmp_path):
    (tmp_path / "file").touch()
    monkeypatch.setenv("NPDIGITS_CACHE", str(tmp_path / "file" / "cache"))
    source.arrays()
    source.arrays()
    assert source.reads == 2


def test_a_full_disk_leaves_nothing_behind(source, monkeypatch):
    save = np.save

    def full(path, array):
        save(path, array)
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(np, "save", full)
    source.arrays()
    assert entries() == []


def test_an_error_of_read_is_passed_on_and_not_kept(source):
    def broken():
        raise ValueError("this file is damaged")

    with pytest.raises(ValueError, match="this file is damaged"):
        cache.read_cached([source.path], broken)
    source.arrays()


def test_the_digest_is_of_content_alone(tmp_path):
    """Neither the packing of the files nor the layout or class in memory changes it."""
    packed, plain = (write_idx(tmp_path / name, IMAGES) for name in ("images.gz", "images"))
    expected = cache.hash_arrays({"images": IMAGES, "labels": LABELS})
    for path in (packed, plain):
        for _ in range(2):
            read = {"labels": LABELS, "images": idx.read_idx(path, 3)}
            assert cache.read_cached([path], lambda read=read: read)[1] == expected
    assert cache.hash_arrays({"images": np.asfortranarray(IMAGES), "labels": LABELS}) == expected


@pytest.mark.parametrize(
    "other",
    [
        {"labels": LABELS.astype(np.int8)},
        {"labels": LABELS.reshape(5, 10)},
        {"labels": np.where(np.arange(50) == 49, LABELS ^ 1, LABELS)},
        {"labels": LABELS[::-1]},
        {"label": LABELS},
        {"labels": LABELS, "more": LABELS[:0]},
    ],
    ids=["dtype", "shape", "one value", "order", "name", "another array"],
)
def test_the_digest_notices(other):
    assert cache.hash_arrays(other) != cache.hash_arrays({"labels": LABELS})


def test_a_mapped_source_is_not_kept(tmp_path):
    for name, kept in (("images", []), ("images.gz", ["entry.json", "images.npy"])):
        path = write_idx(tmp_path / name, IMAGES)
        for _ in range(2):
            arrays, _ = cache.read_cached([path], lambda path=path: {"images": idx.read_idx(path, 3)})
            np.testing.assert_array_equal(arrays["images"], IMAGES)
        assert sorted(file.name for file in cache.directory().glob("*/*")) == kept


def test_a_mapped_sources_entry_of_a_release_before_is_passed_over(source):
    source.arrays()
    (entry,) = entries()
    for name in ("images", "labels"):
        (entry / f"{name}.npy").unlink()
    (entry / "entry.json").write_text(json.dumps({"arrays": [], "sha256": "0" * 64}))
    source.arrays()
    assert (source.reads, source.warned) == (2, [])


FILL = """
import sys, time
from pathlib import Path
import numpy as np
from npdigits.data import cache
folder = Path(sys.argv[1])
(folder / sys.argv[2]).touch()
while len(list(folder.glob("ready*"))) < 3:
    time.sleep(0.001)
for source in sorted(folder.glob("source*")):
    whole = np.full((300, 28, 28), int(source.name[6:]), np.uint8)
    for _ in range(3):
        arrays, sha256 = cache.read_cached([source], lambda: {"a": whole.copy(), "b": whole[0]})
        assert (arrays["a"] == whole).all() and (arrays["b"] == whole[0]).all(), source
        assert sha256 == cache.hash_arrays({"a": whole, "b": whole[0]}), source
"""


def test_processes_that_fill_it_at_once_do_not_tear_it(tmp_path):
    """Three, with 60 entries in the same order: every array is right, and every entry is whole at the end."""
    for n in range(60):
        (tmp_path / f"source{n}").touch()
    outputs_of(*(start_python(FILL, tmp_path, f"ready{n}") for n in range(3)))
    assert len(entries()) == 60
    for entry in entries():
        assert not entry.name.startswith(".")
        assert json.loads((entry / "entry.json").read_text())["arrays"] == ["a", "b"]
        assert np.load(entry / "a.npy").shape == (300, 28, 28)
