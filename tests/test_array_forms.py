"""npz, npy, MATLAB and HDF5: as people have them; what is refused, each in one line."""

import gzip
import io
import pickle
import struct
import sys
import zipfile
import zlib
from pathlib import Path

import h5py
import numpy as np
import pytest
import scipy.io
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from made import digits, output_of, start_python
from written_arrays import WRITERS, write_npy

from npdigits.base.errors import ConfigError, DataError
from npdigits.forms.array_names import IMAGES, LABELS, OTHER, read_name
from npdigits.forms.found import TEST, TRAIN, VAL, Wanted
from npdigits.forms.mat_elements import list_arrays, read_numbers
from npdigits.forms.reading import read_found

IMAGES_, Y = digits(90, (8, 8))
HALVES = (IMAGES_[:60], Y[:60], IMAGES_[60:], Y[60:])
NAMES = ("x_train", "y_train", "x_test", "y_test")
FLAT = IMAGES_.reshape(90, 64)


def place_of(overrides):
    """Return the path that overrides name, and the test set's, if they name one."""
    named = dict(line.split("=", 1) for line in overrides)
    return Path(named["data.path"]), named.get("data.test")


def images_of(part, transposed=False):
    images = part.images.reshape(-1, 8, 8)
    return images.transpose(0, 2, 1) if transposed else images


def refused(path, wanted=Wanted()):  # noqa: B008 – it is frozen
    """Return the one line that is said instead of reading a file."""
    with pytest.raises((DataError, ConfigError)) as caught:
        read_found(path, wanted)
    message = str(caught.value)
    assert "\n" not in message and len(message) < 600
    return message


@pytest.mark.parametrize("name", WRITERS)
def test_a_set_is_read_as_it_was_written(tmp_path, name):
    overrides = WRITERS[name](tmp_path, HALVES)
    path, test = place_of(overrides)
    found = read_found(path)
    parts = dict(found.parts)
    if test:
        parts[TEST] = read_found(Path(test)).parts[TRAIN]
    assert list(parts) == [TRAIN, TEST]
    for part, images, labels in ((TRAIN, *HALVES[:2]), (TEST, *HALVES[2:])):
        assert parts[part].images.dtype == np.uint8
        assert np.array_equal(images_of(parts[part], "data.transpose=true" in overrides), images)
        assert np.array_equal(parts[part].labels, labels)
        assert str(3) in parts[part].name_of(3) or str(4) in parts[part].name_of(3)
    assert found.open_orientation == ("data.transpose=true" in overrides)
    assert not found.formed


LAYOUTS = {
    "X, y": {"X": FLAT, "y": Y},
    "data, target": {"data": FLAT / 255, "target": Y.astype(float)},
    "images, labels": {"images": IMAGES_, "labels": Y},
    "arr_0, arr_1, labels first": {"arr_0": Y, "arr_1": IMAGES_},
    "channel last": {"X": IMAGES_[..., None], "y": Y},
    "channel first": {"X": IMAGES_[:, None], "y": Y[:, None]},
    "columns are images": {"X": FLAT.T.copy(), "Y": Y[None]},
    "Fortran's order": {"X": np.asfortranarray(FLAT), "y": Y},
    "one-hot": {"X": FLAT, "y": np.eye(10)[Y]},
    "scikit-learn's digits": {"data": FLAT, "images": IMAGES_, "target": Y, "target_names": np.arange(10)},
    "big-endian": {"X": FLAT.astype(">i4"), "y": Y.astype(">i8")},
    "truth values": {"X": FLAT > 100, "y": Y},
    "text": {"X": FLAT, "labels": np.array([f"digit {y}" for y in Y])},
    "bytes": {"X": FLAT, "labels": np.array([f"digit {y}".encode() for y in Y])},
}


@pytest.mark.parametrize("name", LAYOUTS)
def test_npz_files_of_many_layouts(tmp_path, name):
    arrays = LAYOUTS[name]
    np.savez(tmp_path / "set.npz", **arrays)
    found = read_found(tmp_path / "set.npz")
    assert list(found.parts) == [TRAIN]
    images = images_of(found.parts[TRAIN])
    expected = {"data, target": (IMAGES_ / 255).astype(np.float32), "truth values": IMAGES_ > 100}.get(name, IMAGES_)
    assert np.array_equal(images, expected)
    assert images.dtype == (np.float32 if name == "data, target" else np.uint8)
    labels = found.parts[TRAIN].labels
    assert labels.dtype.isnative
    if name in ("text", "bytes"):
        assert labels.tolist() == [f"digit {y}" for y in Y]
    else:
        assert np.array_equal(labels, Y)
    assert bool(found.notes) == (name == "one-hot")


def test_medmnist_has_a_validation_set_and_labels_in_a_column(tmp_path):
    arrays = {}
    for part, begin, end in (("train", 0, 50), ("val", 50, 70), ("test", 70, 90)):
        arrays |= {f"{part}_images": IMAGES_[begin:end], f"{part}_labels": Y[begin:end, None]}
    np.savez_compressed(tmp_path / "pathmnist.npz", **arrays)
    found = read_found(tmp_path / "pathmnist.npz")
    assert list(found.parts) == [TRAIN, VAL, TEST]
    assert np.array_equal(found.parts[VAL].images, IMAGES_[50:70])
    assert np.array_equal(found.parts[VAL].labels, Y[50:70])
    assert found.label == "train_labels, val_labels, test_labels"


def test_colours_become_grey_as_pillow_makes_them(tmp_path):
    from PIL import Image

    colours = np.random.default_rng(0).integers(0, 256, (90, 8, 8, 3), dtype=np.uint8)
    np.savez(tmp_path / "set.npz", images=colours, labels=Y)
    np.savez(tmp_path / "floats.npz", images=colours.transpose(0, 3, 1, 2) / 256, labels=Y)
    found = read_found(tmp_path / "set.npz")
    greys = np.stack([np.asarray(Image.fromarray(one).convert("L")) for one in colours])
    assert np.array_equal(found.parts[TRAIN].images, greys)
    assert found.notes == ("colours: brought to grey",)
    floats = read_found(tmp_path / "floats.npz").parts[TRAIN].images
    assert np.abs(floats * 256 - greys).max() <= 0.5


def test_labels_that_are_missing_are_none(tmp_path):
    np.savez(tmp_path / "set.npz", x_test=IMAGES_)
    np.save(tmp_path / "mine.npy", IMAGES_)
    for name in ("set.npz", "mine.npy"):
        found = read_found(tmp_path / name)
        assert found.parts[TRAIN].labels is None and found.label == "none"


def test_the_user_names_the_labels(tmp_path):
    np.savez(tmp_path / "set.npz", X=FLAT, first=Y, second=Y[::-1])
    assert "data.label_column=first (there are first, second)" in refused(tmp_path / "set.npz")
    found = read_found(tmp_path / "set.npz", Wanted(label_column="second"))
    assert np.array_equal(found.parts[TRAIN].labels, Y[::-1])
    assert "no array of" in refused(tmp_path / "set.npz", Wanted(label_column="third"))


def test_arrays_that_could_be_the_labels_are_named_unless_they_say_the_same(tmp_path):
    path = tmp_path / "set.npz"
    other = Y // 2
    np.savez(path, X=FLAT, y=Y, labels=other)
    assert "Name it: data.label_column=labels (there are labels, y)" in refused(path)
    assert np.array_equal(read_found(path, Wanted(label_column="y")).parts[TRAIN].labels, Y)
    for same in (Y.astype(float), np.eye(10)[Y], np.ones((90, 3))):  # of which the last are no labels
        np.savez(path, X=FLAT, y=Y, labels=same)
        assert np.array_equal(read_found(path).parts[TRAIN].labels, Y)
    with h5py.File(tmp_path / "set.h5", "w") as file:
        for part, rows in (("train", slice(0, 60)), ("test", slice(60, 90))):
            file[f"{part}/images"], file[f"{part}/fine_labels"] = IMAGES_[rows], Y[rows]
            file[f"{part}/coarse_labels"] = other[rows]
    assert "data.label_column=train/coarse_labels (there are" in refused(tmp_path / "set.h5")
    for name in ("train/fine_labels", "fine_labels"):
        found = read_found(tmp_path / "set.h5", Wanted(label_column=name))
        assert np.array_equal(found.parts[TRAIN].labels, Y[:60]) and np.array_equal(found.parts[TEST].labels, Y[60:])


def test_arrays_that_could_be_the_images_are_named_or_said_to_be_left_out(tmp_path):
    path = tmp_path / "set.npz"
    inverse = 255 - IMAGES_
    for arrays in ({"images": IMAGES_, "raw": inverse}, {"images": IMAGES_, "x": inverse.reshape(90, 64)}):
        np.savez(path, **arrays, labels=Y)
        message = refused(path)
        assert "which array holds the images? There are images (uint8 (90, 8, 8)), " in message
        assert "save the one that is meant, and its labels, in a file of their own" in message
    np.savez(path, images=IMAGES_, raw=FLAT, features=FLAT[:, :9] + 1, labels=Y, place=Y[:, None])
    found = read_found(path)
    assert np.array_equal(found.parts[TRAIN].images, IMAGES_)
    assert found.notes == ("left out: features (uint8 (90, 9))",)


def test_labels_that_are_all_no_number_are_none(tmp_path):
    np.savez(tmp_path / "set.npz", X=FLAT, y=np.full(90, np.nan))
    found = read_found(tmp_path / "set.npz")
    assert found.parts[TRAIN].labels is None and found.notes == ("y is empty: no labels",)


def test_one_image_and_a_table_with_labels_are_said_to_be_such(tmp_path):
    np.save(tmp_path / "one.npy", np.zeros((28, 28), np.uint8))
    assert "one (uint8 (28, 28)) is one image of 28 × 28, or has rows" in refused(tmp_path / "one.npy")
    np.save(tmp_path / "table.npy", np.column_stack([Y, FLAT]))
    message = refused(tmp_path / "table.npy")
    assert "which of the 65 columns of table (uint8 (90, 65)) is the label" in message
    assert "data.label_column=1 (the first) or data.label_column=65 (the last)" in message
    assert read_found(tmp_path / "table.npy", Wanted(shape=(5, 13))).parts[TRAIN].labels is None
    np.save(tmp_path / "many.npy", FLAT[:64])
    assert len(read_found(tmp_path / "many.npy").parts[TRAIN].images) == 64


def test_the_user_numbers_the_column_of_a_table(tmp_path):
    np.save(tmp_path / "table.npy", np.column_stack([FLAT, Y]))
    found = read_found(tmp_path / "table.npy", Wanted(label_column="65"))
    assert np.array_equal(found.parts[TRAIN].images, FLAT)
    assert np.array_equal(found.parts[TRAIN].labels, Y)
    assert "allowed are 1 … 65" in refused(tmp_path / "table.npy", Wanted(label_column="66"))


@pytest.mark.parametrize(
    ("named", "partner"),
    [("images", "labels"), ("y_train", "X_train"), ("digits_train", "digits_train_labels"), ("mine", "mine_labels")],
)
def test_the_partner_of_an_npy_file_lies_beside_it(tmp_path, named, partner):
    labels_first = named.startswith("y")
    np.save(tmp_path / f"{named}.npy", Y if labels_first else IMAGES_)
    np.save(tmp_path / f"{partner}.npy", IMAGES_ if labels_first else Y)
    np.save(tmp_path / "y_test.npy", Y[:3])
    found = read_found(tmp_path / f"{named}.npy")
    assert list(found.parts) == [TRAIN]
    assert np.array_equal(found.parts[TRAIN].images, IMAGES_)
    assert np.array_equal(found.parts[TRAIN].labels, Y)


def test_npy_files_may_be_packed(tmp_path):
    for name, array in (("images", IMAGES_), ("labels", Y)):
        content = io.BytesIO()
        np.save(content, array)
        (tmp_path / f"{name}.npy.gz").write_bytes(gzip.compress(content.getvalue()))
    assert np.array_equal(read_found(tmp_path).parts[TRAIN].labels, Y)
    content = (tmp_path / "images.npy.gz").read_bytes()
    (tmp_path / "images.npy.gz").write_bytes(content[:-20])
    assert "images.npy.gz: damaged" in refused(tmp_path)
    (tmp_path / "images.npy.gz").write_bytes(gzip.compress(gzip.decompress(content) + b"x"))
    assert "images.npy.gz: damaged: goes on after its array" in refused(tmp_path)


def test_a_file_of_which_nothing_is_left_is_not_passed_over(tmp_path):
    write_npy(tmp_path, HALVES)
    (tmp_path / "notes.txt").write_text("as we made them\n", encoding="utf-8")
    assert TEST in read_found(tmp_path).parts
    (tmp_path / "y_train.npy").write_bytes(b"")
    assert "y_train.npy: empty" in refused(tmp_path)


class Marker:
    """Leaves a file behind where it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


def test_no_pickle_is_read(tmp_path):
    mark = tmp_path / "executed"
    objects = np.array([Marker(mark), None], object)
    np.savez(tmp_path / "set.npz", X=FLAT, y=objects)
    np.save(tmp_path / "set.npy", objects, allow_pickle=True)
    assert "y, the labels of X: holds Python objects, which are not read" in refused(tmp_path / "set.npz")
    assert "holds Python objects, which are not read" in refused(tmp_path / "set.npy")
    assert not mark.exists()
    pickle.loads(pickle.dumps(objects))
    assert mark.exists()  # so the test would have seen it


def wrong_npz(tmp_path, **arrays):
    np.savez(tmp_path / "set.npz", **arrays)
    return refused(tmp_path / "set.npz")


def test_what_arrays_cannot_be(tmp_path):
    floats = FLAT.astype(float)
    floats[17, 5] = np.nan
    assert "set.npz: X[17]: pixel [5] is nan" in wrong_npz(tmp_path, X=floats, y=Y)
    assert "y of shape (89,) is no label for each image of X" in wrong_npz(tmp_path, X=FLAT, y=Y[:-1])
    assert "14 values a label" in wrong_npz(tmp_path, X=FLAT, y=np.ones((90, 14)))
    assert "of shape (90, 4, 4, 4)" in wrong_npz(tmp_path, X=FLAT.reshape(90, 4, 4, 4), y=Y)
    assert "no array of images in it: it holds y (uint8 (90,))" in wrong_npz(tmp_path, y=Y)
    assert "which array holds the images? There are first (" in wrong_npz(tmp_path, first=FLAT, second=FLAT[::-1])
    assert "holds no images" in wrong_npz(tmp_path, X=FLAT[:0], y=Y[:0])
    assert "X[0]: pixel [0] is inf" in wrong_npz(tmp_path, X=np.full((90, 64), 1e39), y=Y)
    assert "label 2 is inf" in wrong_npz(tmp_path, X=FLAT, y=np.where(np.arange(90) == 2, np.inf, 0.0))
    assert "y is complex128 (90,)" in wrong_npz(tmp_path, X=FLAT, y=Y * 1j)


def npy_header(shape, descr="|u1"):
    content = io.BytesIO()
    np.lib.format.write_array_header_1_0(content, {"descr": descr, "fortran_order": False, "shape": shape})
    return content.getvalue()


def test_archives_that_declare_more_than_they_hold(tmp_path):
    path = tmp_path / "set.npz"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("X.npy", npy_header((10**9, 28, 28)) + bytes(784))
    assert "set.npz: damaged: it declares uint8 of shape (1000000000, 28, 28)" in refused(path)
    content = path.read_bytes()
    at = content.rindex(b"PK\x01\x02") + 24  # the size of the member, unpacked
    path.write_bytes(content[:at] + struct.pack("<I", 2**31) + content[at + 4 :])
    assert "X declares 2,147,483,648 bytes, of " in refused(path)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_LZMA) as archive:
        archive.writestr("X.npy", npy_header((90, 64)) + FLAT.tobytes())
    assert "X is encrypted, or packed otherwise" in refused(path)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("~", b"")
    path.write_bytes(path.read_bytes().replace(b"~", b"\0"))  # read as a name of no characters
    assert "set.npz: damaged" in refused(path)
    np.save(tmp_path / "X.npy", FLAT)
    (tmp_path / "X.npy").write_bytes((tmp_path / "X.npy").read_bytes()[:-1])
    assert "X.npy: damaged: it declares" in refused(tmp_path / "X.npy")
    (tmp_path / "X.npy").write_bytes(npy_header((-1, 64)))
    assert "X.npy: damaged: a shape of (-1, 64)" in refused(tmp_path / "X.npy")


def test_more_than_the_memory_is_refused_before_it_is_taken(tmp_path):
    path = tmp_path / "X.npy"
    with path.open("wb") as file:  # of holes, which take no room on a disk
        file.write(npy_header((10**9, 28, 28)))
        file.truncate(file.tell() + 784 * 10**9)
    assert "X.npy: X: declares 730.2 GiB: " in refused(path)


def test_a_stream_that_ends_early_takes_no_memory(tmp_path):
    path = tmp_path / "X.npy.gz"
    path.write_bytes(gzip.compress(npy_header((10**6, 784)) + bytes(10**6)))
    code = (
        "import resource, sys; from pathlib import Path; from npdigits.forms.reading import read_found\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "try: read_found(Path(sys.argv[1]))\n"
        "except Exception as error: print(type(error).__name__, error)\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)"
    )
    said, grown = output_of(start_python(code, str(path))).splitlines()
    assert said.startswith("DataError") and "torn: 1,000,000 of 784,000,000 bytes are there" in said
    assert int(grown) < 50_000  # kilobytes


def saved(path, arrays, **options):
    scipy.io.savemat(path, arrays, **options)
    return path


@pytest.mark.parametrize("packed", [False, True])
def test_matlab_arrays_are_those_that_scipy_reads(tmp_path, packed):
    rng = np.random.default_rng(0)
    types = ("i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8", "f4", "f8")
    arrays = {f"a{kind}": rng.integers(0, 100, (5, 4, 3)).astype(kind) for kind in types}
    arrays |= {"one": np.float64(3), "row": np.arange(7.0), "truth": rng.random((3, 4)) > 0.5, "none": np.empty((0, 3))}
    arrays |= {"text": "a word", "cell": np.array([1, "x", 2.5], object), "complex": np.ones((2, 2)) * 1j}
    arrays |= {"inner": {"deep": {"x": arrays["af8"]}, "y": arrays["au1"]}}
    path = saved(tmp_path / "a.mat", arrays, do_compression=packed, oned_as="column")
    with path.open("rb") as file:
        size = path.stat().st_size
        content = list_arrays(file, size)
        found = {name: read_numbers(file, numbers, size) for name, numbers in content.arrays.items()}
    expected = scipy.io.loadmat(path)
    inner = expected.pop("inner")[0, 0]
    expected |= {"inner/deep/x": inner["deep"][0, 0]["x"], "inner/y": inner["y"]}
    names = {name for name, value in expected.items() if not name.startswith("__") and value.dtype.kind in "iufb"}
    assert set(found) == names
    for name in names:
        assert found[name].shape == expected[name].shape and np.array_equal(found[name], expected[name])
    assert set(content.left) == {"text", "cell", "complex"}


def test_matlab_files_of_either_byte_order():
    def element(kind, content):
        return struct.pack(">II", kind, len(content)) + content + bytes(-len(content) % 8)

    body = element(6, struct.pack(">II", 6, 0)) + element(5, struct.pack(">ii", 2, 3)) + element(1, b"X")
    body += element(3, struct.pack(">6h", *range(6)))
    content = b"MATLAB 5.0 MAT-file".ljust(124) + b"\x01\x00MI" + element(14, body)
    file = io.BytesIO(content)
    numbers = list_arrays(file, len(content)).arrays["X"]
    assert read_numbers(file, numbers, len(content)).tolist() == [[0, 2, 4], [1, 3, 5]]


def test_the_courses_digits(tmp_path):
    y = np.where(Y == 0, 10, Y)[:, None].astype(np.uint8)
    found = read_found(saved(tmp_path / "ex3data1.mat", {"X": FLAT / 255, "y": y}))
    assert np.array_equal(found.parts[TRAIN].images, (FLAT / 255).astype(np.float32))
    assert np.array_equal(found.parts[TRAIN].labels, y[:, 0])
    assert found.open_orientation and found.classes is None


def test_svhn_and_mnist_original_have_their_images_along_the_last_axis(tmp_path):
    colours = np.repeat(IMAGES_.transpose(1, 2, 0)[:, :, None], 3, axis=2)
    found = read_found(saved(tmp_path / "svhn.mat", {"X": colours, "y": Y[:, None]}))
    assert np.array_equal(found.parts[TRAIN].images, IMAGES_) and found.notes == ("colours: brought to grey",)
    found = read_found(saved(tmp_path / "images.mat", {"images": IMAGES_.transpose(1, 2, 0)}))
    assert np.array_equal(found.parts[TRAIN].images, IMAGES_)
    ordering = np.array([["label", "data"]], object)
    arrays = {"data": FLAT.T, "label": Y[None].astype(float), "mldata_descr_ordering": ordering}
    found = read_found(saved(tmp_path / "mnist-original.mat", arrays))
    assert np.array_equal(found.parts[TRAIN].images, FLAT) and np.array_equal(found.parts[TRAIN].labels, Y)


def test_an_array_for_each_class(tmp_path):
    arrays = {f"train{i}": FLAT[:60][Y[:60] == i] for i in range(10)}
    arrays |= {f"test{i}": FLAT[60:][Y[60:] == i] for i in range(10)}
    found = read_found(saved(tmp_path / "mnist_all.mat", arrays))
    order = np.argsort(Y[:60], kind="stable")
    assert np.array_equal(found.parts[TRAIN].images, FLAT[:60][order])
    assert np.array_equal(found.parts[TRAIN].labels, Y[:60][order])
    assert len(found.parts[TEST].labels) == 30


def test_a_mapping_names_the_classes(tmp_path):
    letters = (Y % 3 + 1)[:, None]
    mapping = np.array([[1, 65, 97], [2, 66, 98], [3, 67, 99]], np.uint8)
    dataset = {"train": {"images": FLAT, "labels": letters}, "mapping": mapping}
    found = read_found(saved(tmp_path / "emnist-letters.mat", {"dataset": dataset}))
    assert found.classes == ("0", "Aa", "Bb", "Cc")


def test_matlab_files_that_are_refused(tmp_path):
    path = saved(tmp_path / "a.mat", {"X": FLAT, "y": Y[:, None]}, do_compression=True)
    content = path.read_bytes()
    for wrong in (content[:-1], content[:140], content[:124] + b"\x00\x02IM" + content[128:], content + b"x"):
        path.write_bytes(wrong)
        assert refused(path).startswith(f"{path}: damaged: ")
    short = content[:132] + struct.pack("<I", struct.unpack("<I", content[132:136])[0] - 4) + content[136:]
    end = 136 + struct.unpack("<I", content[132:136])[0]
    path.write_bytes(short[: end - 4] + short[end:])  # an array without its checksum
    assert "a compressed array is torn" in refused(path)
    cells = np.empty((1, 2), object)
    cells[0, :] = [FLAT, Y]
    assert "X (a cell array, which is not read)" in refused(saved(path, {"X": cells}))
    assert "y, the labels of X: a cell array" in refused(saved(path, {"X": FLAT, "y": cells}))
    path.write_bytes(gzip.compress(content))
    assert "packed: unpack it" in refused(path)


def test_hdf5_files_of_many_layouts(tmp_path):
    for name, arrays in {
        "flat.h5": {"X": FLAT, "y": Y},
        "deep.h5": {
            "a/b/x_train": IMAGES_[:60],
            "a/b/y_train": Y[:60],
            "a/b/x_test": IMAGES_[60:],
            "a/b/y_test": Y[60:],
        },
        "text.h5": {"images": IMAGES_, "labels": np.array([f"{y}".encode() for y in Y])},
    }.items():
        with h5py.File(tmp_path / name, "w") as file:
            for key, array in arrays.items():
                file[key] = array
            file["again"] = h5py.SoftLink("/")
            file["self"] = file["/"]
        found = read_found(tmp_path / name)
        n = len(found.parts[TRAIN].labels)
        assert n == (60 if name == "deep.h5" else 90)
        assert np.array_equal(images_of(found.parts[TRAIN]), IMAGES_[:n])
        assert found.parts[TRAIN].labels.astype(int).tolist() == Y[:n].tolist()
        assert not found.open_orientation


def test_usps_holds_floats(tmp_path):
    floats = (FLAT / 255).astype(np.float32)
    with h5py.File(tmp_path / "usps.h5", "w") as file:
        for part in ("train", "test"):
            file[f"{part}/data"], file[f"{part}/target"] = floats, Y
    found = read_found(tmp_path / "usps.h5")
    assert np.array_equal(found.parts[TEST].images, floats) and found.parts[TEST].images.dtype == np.float32


def test_matlabs_newer_files_are_read_as_its_older_ones(tmp_path):
    path = tmp_path / "new.mat"
    with h5py.File(path, "w", userblock_size=512) as file:
        for name, array in (("X", FLAT), ("y", Y[:, None]), ("note", np.frombuffer("word".encode("utf-16le"), "u2"))):
            file[name] = array.T
            file[name].attrs["MATLAB_class"] = np.bytes_("char" if name == "note" else "uint8")
        file["#refs#/a"] = FLAT
    with path.open("r+b") as raw:
        raw.write(b"MATLAB 7.3 MAT-file".ljust(124) + b"\x00\x02IM")
    found, older = read_found(path), read_found(saved(tmp_path / "old.mat", {"X": FLAT, "y": Y[:, None]}))
    assert found.open_orientation and found.form == "MATLAB 7.3 (X, y)"
    assert np.array_equal(found.parts[TRAIN].images, older.parts[TRAIN].images)
    assert np.array_equal(found.parts[TRAIN].labels, older.parts[TRAIN].labels)


def test_nothing_outside_of_an_hdf5_file_is_read(tmp_path):
    other = tmp_path / "other.h5"
    with h5py.File(other, "w") as file:
        file["X"] = FLAT
    (tmp_path / "raw").write_bytes(FLAT.tobytes())
    outside = [(str(tmp_path / "raw"), 0, FLAT.nbytes)]
    layout = h5py.VirtualLayout(FLAT.shape, "u1")
    layout[:] = h5py.VirtualSource(other, "X", FLAT.shape)
    for name, make in {
        "link.h5": lambda file: file.__setitem__("X", h5py.ExternalLink(str(other), "/X")),
        "virtual.h5": lambda file: file.create_virtual_dataset("X", layout),
        "outside.h5": lambda file: file.create_dataset("X", FLAT.shape, "u1", external=outside),
    }.items():
        with h5py.File(tmp_path / name, "w") as file:
            make(file)
            file["y"] = Y
        assert f"{name}: X " in (said := refused(tmp_path / name)) and "another file" in said


def test_hdf5_arrays_that_declare_more_than_they_hold(tmp_path):
    path = tmp_path / "set.h5"
    with h5py.File(path, "w") as file:
        file.create_dataset("X", (10**9, 784), "u1", chunks=(1, 784), compression="gzip")
    assert "X declares 784,000,000,000 bytes, of 0 that are there" in refused(path)
    with h5py.File(path, "w") as file:
        file.create_dataset("X", (2, 784), "u1", chunks=(30_000, 784), maxshape=(None, 784))[:] = 1
    assert "X of 1,568 bytes lies in chunks of 23,520,000" in refused(path)
    with h5py.File(path, "w") as file:
        file.create_dataset("X", data=FLAT, chunks=(90, 64), scaleoffset=0)
    assert "packed by filter 6, which is not there" in refused(path)
    path.write_bytes(path.read_bytes()[:-100])
    assert refused(path).startswith(f"{path}: damaged: ")


@pytest.mark.parametrize(
    "filters", [{"shuffle": True, "compression": "gzip", "fletcher32": True}, {"compression": "lzf"}]
)
def test_hdf5_arrays_may_be_packed(tmp_path, filters):
    path = tmp_path / "set.h5"
    with h5py.File(path, "w") as file:
        file.create_dataset("X", data=FLAT, chunks=(20, 64), **filters)
        file["y"] = Y
    assert np.array_equal(read_found(path).parts[TRAIN].images, FLAT)


def test_a_chunk_that_unpacks_to_more_than_a_chunk_is_refused(tmp_path):
    path = tmp_path / "set.h5"
    with h5py.File(path, "w") as file:
        packed = file.create_dataset("X", (90, 64), "u1", chunks=(90, 64), compression="gzip")
        packed.id.write_direct_chunk((0, 0), zlib.compress(bytes(90 * 64 + 1)))
    assert "X: a chunk of 5,760 bytes unpacks to more" in refused(path)
    with h5py.File(path, "w") as file:
        packed = file.create_dataset("X", (90, 64), "u1", chunks=(90, 64), compression="gzip")
        packed.id.write_direct_chunk((0, 0), bytes(20_000))
    assert "X: a packed chunk has 20,000 bytes, unpacked 5,760" in refused(path)


@pytest.mark.parametrize(
    ("name", "module", "extra"), [("HDF5", "h5py", "hdf5"), ("parquet (lists)", "pyarrow.parquet", "parquet")]
)
def test_an_extra_that_is_missing_is_named(tmp_path, monkeypatch, name, module, extra):
    path, _ = place_of(WRITERS[name](tmp_path, HALVES))
    monkeypatch.setitem(sys.modules, module, None)
    assert f'pip install "npdigits[{extra}]"' in refused(path)


@pytest.mark.parametrize(
    ("name", "part", "role", "rest"),
    [
        ("x_train", TRAIN, IMAGES, ()),
        ("trainY", TRAIN, LABELS, ()),
        ("ytest", TEST, LABELS, ()),
        ("XTrain", TRAIN, IMAGES, ()),
        ("dataset/train/images", TRAIN, IMAGES, ("dataset",)),
        ("dataset/train/writers", TRAIN, OTHER, ("dataset", "writers")),
        ("train/data", TRAIN, IMAGES, ()),
        ("t10k-images-idx3-ubyte", TEST, OTHER, ("idx", "3", "ubyte")),
        ("train_set_x", TRAIN, IMAGES, ("set",)),
        ("arr_0", None, None, ("arr", "0")),
        ("target_names", None, OTHER, ("names",)),
        ("val_labels", VAL, LABELS, ()),
    ],
)
def test_names_of_arrays(name, part, role, rest):
    says = read_name(name)
    assert (says.part, says.role, says.rest) == (part, role, rest)


@st.composite
def damage(draw):
    """Draw changes of a file: places as shares of its length, new bytes, and where it ends."""
    changes = draw(st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), max_size=6))
    near = draw(st.sampled_from([1.0, 1.0, 0.05]))  # the beginning, where sizes and types stand
    return [(place * near, byte) for place, byte in changes], draw(st.one_of(st.just(1.0), st.floats(0, 1)))


@pytest.mark.parametrize("name", WRITERS)
def test_damage_is_said_in_a_line(tmp_path_factory, name):
    folder = tmp_path_factory.mktemp("fuzz")
    path, _ = place_of(WRITERS[name](folder, tuple(half[:20] for half in HALVES)))
    file = path if path.is_file() else min(folder.rglob("*.*"))
    whole = file.read_bytes()

    @settings(max_examples=60, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
    @given(damage())
    def read_damaged(changes):
        content = bytearray(whole)
        for place, byte in changes[0]:
            content[int(place * len(content))] = byte
        file.write_bytes(content[: max(1, round(changes[1] * len(content)))])
        try:
            found = read_found(path)
        except (DataError, ConfigError) as error:
            assert "\n" not in str(error)
        else:
            assert all(len(part.images) for part in found.parts.values())

    read_damaged()
