"""A checkpoint proves itself: whatever is done to its bytes, nothing is loaded wrong and nothing executes."""

import dataclasses
import functools
import io
import json
import pickle
import random
import struct
import zipfile

import numpy as np
import pytest

from npdigits.base.errors import RunDirError
from npdigits.base.npz import npz
from npdigits.config import build
from npdigits.config.compose import compose
from npdigits.runs import checkpoint
from npdigits.runs.checkpoint import FORMAT, pack, pack_best, read_best, read_checkpoint, read_last
from npdigits.training.state import Epoch

IDENTITY = {"seed": 3, "hidden": [3], "epochs": 5}
HISTORY = [
    Epoch(1, 0.1, 1 / 3, 0.5, 2 / 3, 0.25, float("inf"), 1e-17, 1 / 3, None, True),
    Epoch(2, 0.05, 0.1 + 0.2, 0.5, None, None, float("nan"), 1.0, None, 5e-324, False),
]
KINDS = {
    "adam": [],
    "momentum": ["optimizer=sgd", "momentum=0.9"],
    "nothing to remember": ["optimizer=sgd"],
    "float64": ["dtype=float64", "hidden=[3,4]"],
}


compose = functools.cache(compose)


def state_of(*overrides, sizes=(4, 3, 2)):
    config = compose(overrides)
    return build.initial_state(config, (sizes[0], *config.hidden, sizes[-1]) if overrides else sizes)


def identity_of(state):
    """Return an identity of a run with this network."""
    return IDENTITY | {"hidden": list(state.network.parameters.sizes[1:-1])}


def trained(*overrides):
    """Return a state that has two epochs behind it, with something in every array."""
    state, rng = state_of(*overrides), np.random.default_rng(0)
    for array in (state.network.parameters.flat, *state.optimizer.state.values()):
        array[...] = rng.normal(size=array.shape)
    state.best = rng.normal(size=state.network.parameters.flat.size).astype(state.network.parameters.flat.dtype)
    state.history, state.optimizer.steps = list(HISTORY), 17
    return state


def same(a, b):
    """Compare all that a state is."""
    arrays = [[s.network.parameters.flat, s.best, *s.optimizer.state.values()] for s in (a, b)]
    return (
        all(np.array_equal(x, y) for x, y in zip(*arrays, strict=True))
        and repr(a.history) == repr(b.history)
        and (a.optimizer.steps, a.stopped_by) == (b.optimizer.steps, b.stopped_by)
    )


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("stopped_by", [None, "epochs"])
def test_a_state_comes_back_as_it_was(tmp_path, kind, stopped_by):
    state = trained(*KINDS[kind])
    state.stopped_by = stopped_by
    identity = identity_of(state)
    content = pack(state, identity, "mnist")
    assert content == pack(state, identity, "mnist")
    (tmp_path / "last.npz").write_bytes(content)
    kept = read_checkpoint(tmp_path / "last.npz")
    assert (kept.identity, kept.data) == (identity, "mnist")
    fresh = state_of(*KINDS[kind])
    kept.restore(fresh)
    assert same(state, fresh)
    assert pack(fresh, identity, "mnist") == content


def test_a_state_before_its_first_epoch_comes_back(tmp_path):
    (tmp_path / "last.npz").write_bytes(pack(state_of(), IDENTITY, "mnist"))
    fresh = state_of()
    read_checkpoint(tmp_path / "last.npz").restore(fresh)
    assert fresh.best is None and fresh.history == []


@pytest.mark.parametrize(
    "missing", ["identity", "metrics", "optimizer_M", "best", "W2", "steps", "header", "stopped_by"]
)
def test_every_field_is_needed(tmp_path, missing):
    """A checkpoint without one of them, properly sealed, is refused and not filled up with something."""
    arrays = read_members(pack(trained(), IDENTITY, "mnist"))
    del arrays["sha256"]
    header = json.loads(arrays["header"].tobytes())
    if missing in header:
        del header[missing]
        arrays["header"] = checkpoint._bytes(json.dumps(header))
    else:
        del arrays[missing]
    (tmp_path / "last.npz").write_bytes(npz(checkpoint._sealed(arrays)))
    with pytest.raises(ValueError, match=r"not a checkpoint of npdigits|instead of|holds no (metrics|header)"):
        read_checkpoint(tmp_path / "last.npz").restore(state_of())


def read_members(content):
    with np.load(io.BytesIO(content)) as arrays:
        return dict(arrays)


WRONG = {
    "NaN in a weight": lambda a: a["W1"].__setitem__((0, 0), np.nan),
    "infinite weight": lambda a: a["b2"].__setitem__(0, np.inf),
    "NaN in the best weights": lambda a: a["best"].__setitem__(0, np.nan),
    "NaN in the optimizer": lambda a: a["optimizer_V"].__setitem__(0, np.nan),
    "another shape": lambda a: a.__setitem__("W1", a["W1"].T.copy()),
    "another type": lambda a: a.__setitem__("W1", a["W1"].astype(np.float64)),
    "one more": lambda a: a.__setitem__("W3", a["W1"]),
    "two swapped": lambda a: a.update(b1=a["b2"], b2=a["b1"]),
    "too short": lambda a: a.__setitem__("best", a["best"][:-1]),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_what_cannot_be_this_runs_is_refused_even_if_it_is_sealed(tmp_path, wrong):
    arrays = read_members(pack(trained(), IDENTITY, "mnist"))
    del arrays["sha256"]
    WRONG[wrong](arrays)
    (tmp_path / "last.npz").write_bytes(npz(checkpoint._sealed(arrays)))
    before = state_of()
    with pytest.raises(ValueError, match=r"is not finite|instead of|, not float"):
        read_checkpoint(tmp_path / "last.npz").restore(before)
    assert np.array_equal(before.network.parameters.flat, state_of().network.parameters.flat), "nothing was put in"


def test_a_checkpoint_of_a_later_format_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(checkpoint, "FORMAT", FORMAT + 1)
    (tmp_path / "last.npz").write_bytes(pack(trained(), IDENTITY, "mnist"))
    monkeypatch.undo()
    with pytest.raises(RunDirError, match=f"schema {FORMAT + 1}, .* reads up to {FORMAT}: update npdigits"):
        read_checkpoint(tmp_path / "last.npz")


def refused_or_right(path, content, original):
    """Load these bytes; return whether they were refused. What is loaded must be the original."""
    path.write_bytes(content)
    fresh = state_of()
    try:
        read_checkpoint(path).restore(fresh)
    except (OSError, ValueError):
        return True
    assert same(fresh, original), "something was loaded wrong"
    return False


def test_each_byte_of_a_checkpoint_flipped_is_refused_or_changes_nothing(tmp_path):
    original = trained()
    whole = pack(original, IDENTITY, "mnist")
    refused = 0
    for i in range(len(whole)):
        content = bytearray(whole)
        content[i] ^= 1 << i % 8 if i % 2 else 0xFF
        refused += refused_or_right(tmp_path / "a.npz", bytes(content), original)
    assert refused > 0.7 * len(whole)  # the rest are bits of the archive that no reader looks at


def test_a_truncated_checkpoint_is_refused(tmp_path):
    whole = pack(trained(), IDENTITY, "mnist")
    for n in [*range(0, len(whole), 7), len(whole) - 1]:
        (tmp_path / "a.npz").write_bytes(whole[:n])
        with pytest.raises(ValueError, match="damaged"):
            read_checkpoint(tmp_path / "a.npz")


def test_random_flips_in_a_real_checkpoint_are_refused_or_change_nothing(tmp_path):
    """A sample; ``python tests/flip.py`` makes 5,000."""
    import flip

    assert flip.flips(150, seed=random.randrange(10**6), folder=tmp_path) == []


def rebuilt(whole, change):
    """Return an archive like this one, with its members passed through ``change(name, content) -> (name, content)``."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(whole)) as old, zipfile.ZipFile(out, "w") as new:
        for name in old.namelist():
            if (changed := change(name, old.read(name))) is not None:
                new.writestr(zipfile.ZipInfo(changed[0]), changed[1])
    return out.getvalue()


def npy(array, **options):
    out = io.BytesIO()
    np.save(out, array, **options)
    return out.getvalue()


class Evil:
    """What a pickle could do."""

    def __reduce__(self):
        return pytest.fail, ("a pickle was executed",)


HOSTILE = {
    "renamed": lambda name, content: ("w1.npy" if name == "W1.npy" else name, content),
    "climbing out": lambda name, content: (f"../../{name}", content),
    "an absolute path": lambda name, content: (f"/tmp/{name}", content),
    "one missing": lambda name, content: None if name == "b1.npy" else (name, content),
    "objects": lambda name, content: (name, npy(np.array([Evil()], object)) if name == "W1.npy" else content),
    "a pickle": lambda name, content: (name, pickle.dumps(Evil()) if name == "W1.npy" else content),
    "no array": lambda name, content: (name, b"\x93NUMPY\x01\x00\xff\xff{" if name == "W1.npy" else content),
    "a header that declares 4 GiB": lambda name, content: (
        name,
        content.replace(b"'shape': (3, 4)", b"'shape': (32768,32768)"[:22].ljust(15)) if name == "W1.npy" else content,
    ),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_hostile_archive_is_refused(tmp_path, kind):
    whole = pack(trained(), IDENTITY, "mnist")
    hostile = rebuilt(whole, HOSTILE[kind])
    (tmp_path / "a.npz").write_bytes(hostile)
    with pytest.raises(ValueError, match=r"damaged"):
        read_checkpoint(tmp_path / "a.npz")
    assert [path.name for path in tmp_path.iterdir()] == ["a.npz"]
    assert rebuilt(whole, lambda name, content: (name, content)) != hostile


def test_members_swapped_are_refused(tmp_path):
    state = trained(*KINDS["float64"], "hidden=[4,4]")
    whole = pack(state, identity_of(state), "mnist")
    swap = {"b1.npy": "b2.npy", "b2.npy": "b1.npy"}  # of the same size
    (tmp_path / "a.npz").write_bytes(rebuilt(whole, lambda name, content: (swap.get(name, name), content)))
    with pytest.raises(ValueError, match="its content is not what its digest says"):
        read_checkpoint(tmp_path / "a.npz")


def test_a_bomb_takes_no_memory(tmp_path):
    """A packed member of 200 MB, and a stored one whose header declares more than the file has."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as bomb:
        bomb.writestr("W1.npy", npy(np.zeros(50_000_000, np.float32)))
    assert len(out.getvalue()) < 250_000
    (tmp_path / "packed.npz").write_bytes(out.getvalue())
    with pytest.raises(ValueError, match=r"W1\.npy is packed"):
        read_checkpoint(tmp_path / "packed.npz")
    header = repr({"descr": "<f4", "fortran_order": False, "shape": (2**34,)}).encode().ljust(117) + b"\n"
    with zipfile.ZipFile(tmp_path / "declared.npz", "w") as bomb:
        bomb.writestr("W1.npy", b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + bytes(100))
    with pytest.raises(ValueError, match="not as long as it says"):
        read_checkpoint(tmp_path / "declared.npz")


def test_members_that_overlap_take_no_memory(tmp_path):
    """A hundred names for one stretch of the file."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as bomb:
        bomb.writestr("W1.npy", npy(np.zeros(100_000, np.float32)))
        first = bomb.infolist()[0]
        for _ in range(100):
            again = zipfile.ZipInfo("W1.npy")
            for field in ("header_offset", "file_size", "compress_size", "CRC"):
                setattr(again, field, getattr(first, field))
            bomb.filelist.append(again)
        bomb._didModify = True
    (tmp_path / "a.npz").write_bytes(out.getvalue())
    with pytest.raises(ValueError, match="its members overlap"):
        read_checkpoint(tmp_path / "a.npz")


@pytest.mark.parametrize(
    ("key", "value"), [("steps", "5"), ("steps", 1e400), ("data", {}), ("stopped_by", ["x"]), ("identity", [])]
)
def test_a_header_of_the_wrong_kind_is_refused(tmp_path, key, value):
    arrays = read_members(pack(trained(), IDENTITY, "mnist"))
    del arrays["sha256"]
    header = json.loads(arrays["header"].tobytes())
    arrays["header"] = checkpoint._bytes(json.dumps({**header, key: value}))
    (tmp_path / "last.npz").write_bytes(npz(checkpoint._sealed(arrays)))
    with pytest.raises(ValueError, match=f"not a checkpoint of npdigits: ({key}=|Infinity: allowed are finite)"):
        read_checkpoint(tmp_path / "last.npz")


def test_a_damaged_checkpoint_falls_back_to_its_predecessor_and_says_so(tmp_path):
    older, newer = trained(), trained()
    older.history, said = HISTORY[:1], []
    (tmp_path / "previous.npz").write_bytes(pack(older, IDENTITY, "mnist"))
    (tmp_path / "last.npz").write_bytes(pack(newer, IDENTITY, "mnist"))
    assert len(read_last(tmp_path, said.append).history) == 2 and not said
    content = bytearray((tmp_path / "last.npz").read_bytes())
    content[len(content) // 2] ^= 1
    (tmp_path / "last.npz").write_bytes(content)
    assert len(read_last(tmp_path, said.append).history) == 1
    assert len(said) == 1 and "last.npz: damaged" in said[0] and "predecessor, 1 epoch" in said[0]
    (tmp_path / "previous.npz").write_bytes(b"")
    with pytest.raises(RunDirError, match=r"last\.npz: damaged.*no whole predecessor"):
        read_last(tmp_path, said.append)
    (tmp_path / "last.npz").unlink()
    (tmp_path / "previous.npz").unlink()
    assert read_last(tmp_path, said.append) is None


def test_a_damaged_best_is_made_again_from_last_or_is_an_error(tmp_path):
    state, said = trained(), []
    (tmp_path / "best.npz").write_bytes(pack_best(state, "digest"))
    (tmp_path / "last.npz").write_bytes(pack(state, IDENTITY, "mnist"))
    best = read_best(tmp_path, said.append)
    assert list(best) == ["W1", "b1", "W2", "b2"] and not said
    content = bytearray((tmp_path / "best.npz").read_bytes())
    content[300] ^= 1
    (tmp_path / "best.npz").write_bytes(content)
    again = read_best(tmp_path, said.append)
    assert all(np.array_equal(best[name], again[name]) for name in best) and list(best) == list(again)
    assert len(said) == 1 and "best.npz: damaged" in said[0]
    (tmp_path / "last.npz").unlink()
    with pytest.raises(RunDirError, match=r"best\.npz: cannot be read, nor made again"):
        read_best(tmp_path, said.append)


def test_a_record_of_every_kind_survives_the_table():
    from npdigits.runs import metrics

    more = [dataclasses.replace(HISTORY[0], epoch=3, lr=1e-300, is_best=False)]
    assert repr(metrics.parse_metrics(metrics.format_metrics(HISTORY + more))) == repr(HISTORY + more)
    text = metrics.format_metrics(HISTORY)
    for torn in (text[:-1], text[:-9], text + "3,", text.replace("\n1,", "\n2,"), text.partition("\n")[2], ""):
        with pytest.raises(ValueError):
            metrics.parse_metrics(torn)
