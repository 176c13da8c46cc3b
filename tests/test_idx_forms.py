"""IDX files of every type and under the names that they are found by; what is no such set is one line."""

import gzip
import re
import struct
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
import written_files
from hypothesis import example, given, settings
from hypothesis import strategies as st
from made import digits
from written_files import PACK, TYPES, put, typed_idx, write_emnist

from npdigits.base.errors import ConfigError, DataError
from npdigits.data import idx
from npdigits.forms import idx_names
from npdigits.forms.found import Wanted
from npdigits.forms.reading import read, read_found
from npdigits.forms.recognize import recognize

HALVES = (*digits(40, (6, 5)), *digits(20, (6, 5), seed=1))
VALUES = np.arange(-12, 12).reshape(2, 3, 4)


def refused(path, wanted=Wanted()):  # noqa: B008
    """Return the line of an error, which names the file or folder."""
    with pytest.raises(DataError) as caught:
        read(recognize(path), wanted)
    assert "\n" not in str(caught.value) and str(path) in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("packed", PACK)
@pytest.mark.parametrize("element", TYPES)
def test_every_type_is_read_in_this_machines_byte_order(tmp_path, element, packed):
    values = VALUES.astype(element) if element != "u1" else (VALUES + 12).astype("u1")
    values = values + np.array(0.25, element) if element[0] == "f" else values
    path = put(tmp_path / f"values.idx{packed}", values)
    got = idx.read_any(path)
    assert got.dtype == np.dtype(element) and got.dtype.isnative
    np.testing.assert_array_equal(got, values)
    assert idx.header_of(path).shape == (2, 3, 4)


def test_torchvision_reads_the_same(tmp_path):
    from torchvision.datasets.mnist import read_sn3_pascalvincent_tensor

    for element in TYPES:
        path = put(tmp_path / element, VALUES.astype(element))
        np.testing.assert_array_equal(idx.read_any(path), read_sn3_pascalvincent_tensor(str(path)).numpy())


@pytest.mark.parametrize("form", written_files.WRITERS)
def test_the_same_digits_are_found_in_every_layout(tmp_path, form):
    overrides = written_files.WRITERS[form](tmp_path, HALVES)
    named = [Path(one.partition("=")[2]) for one in overrides if one.startswith(("data.path=", "data.test="))]
    found = [read_found(place) for place in named]
    parts = [found[0].parts["train"], (found[-1].parts["test"] if len(found) == 1 else found[-1].parts["train"])]
    assert all(one.form == "IDX" for one in found)
    for part, images, labels in zip(parts, HALVES[::2], HALVES[1::2], strict=True):
        pixels = part.images.swapaxes(1, 2) if found[0].open_orientation else part.images
        np.testing.assert_array_equal(pixels, images)
        np.testing.assert_array_equal(part.labels, labels)
        assert part.name_of(3).endswith(": image 4")
    assert found[0].open_orientation == ("data.transpose=true" in overrides) == ("EMNIST" in form)
    assert any("the first is the class" in note for note in found[0].notes) == ("QMNIST" in form)


def test_plain_bytes_are_mapped_and_what_is_packed_beside_them_is_not_read(tmp_path):
    written_files.mnist(tmp_path, HALVES)
    for packed in tmp_path.rglob("*-images-*.gz"):
        put(packed, 255 - idx.read_any(packed))
    train = read_found(tmp_path).parts["train"]
    assert not train.images.flags.owndata and not train.images.flags.writeable
    np.testing.assert_array_equal(train.images, HALVES[0])


@pytest.mark.parametrize("axis", [1, 3])
def test_one_channel_may_come_first_or_last(tmp_path, axis):
    put(tmp_path / "x.idx", np.expand_dims(HALVES[0], axis))
    np.testing.assert_array_equal(read_found(tmp_path).parts["train"].images, HALVES[0])


def test_the_list_of_classes_names_them(tmp_path):
    halves = (HALVES[0], HALVES[1] + 1, HALVES[2], HALVES[3] + 1)
    write_emnist(tmp_path, "letters", halves)
    (tmp_path / "emnist-letters-mapping.txt").write_text("".join(f"{i} {64 + i} {96 + i}\n" for i in range(1, 27)))
    classes = ("0", *"ABCDEFGHIJKLMNOPQRSTUVWXYZ")
    assert read_found(tmp_path).classes == classes
    images = tmp_path / "emnist-letters-train-images-idx3-ubyte.gz"
    named = recognize(images)
    assert read(named, Wanted()).classes == classes
    # All that is read decides which entry of the cache is meant.
    assert [file.name for file in named.files] == [
        images.name,
        "emnist-letters-mapping.txt",
        "emnist-letters-train-labels-idx1-ubyte.gz",
    ]
    (tmp_path / "emnist-letters-mapping.txt").write_text("1 65\nzwei\n")
    assert "line 2: allowed is a label and the code" in refused(images.parent)


def test_several_sets_are_listed_and_one_is_read_by_its_name(tmp_path):
    for name in ("balanced", "byclass", "bymerge", "digits", "letters", "mnist"):
        write_emnist(tmp_path, name, HALVES)
    line = refused(tmp_path)
    for name in ("balanced-train", "mnist-test"):
        assert f"emnist-{name}-images-idx3-ubyte.gz" in line
    example = tmp_path / "emnist-balanced-train-images-idx3-ubyte.gz"
    assert line.endswith(f": name one's images: data.path={example} data.test=FILE")
    found = read_found(example)
    np.testing.assert_array_equal(found.parts["train"].labels, HALVES[1])
    assert found.classes == tuple("0123456789") and found.open_orientation


def test_two_sets_with_the_same_names_are_two(tmp_path):
    written_files.mnist(tmp_path, HALVES)
    for name, array in zip(written_files.NAMES, (255 - HALVES[0], *HALVES[1:]), strict=True):
        put(tmp_path / "FashionMNIST" / "raw" / name, array)
    assert "several sets: FashionMNIST/raw/t10k-images-idx3-ubyte, " in refused(tmp_path)
    np.testing.assert_array_equal(read_found(tmp_path / "MNIST").parts["train"].images, HALVES[0])


def test_the_test_images_alone_are_what_was_named(tmp_path):
    written_files.kaggle(tmp_path, HALVES)
    for named in ("t10k-images.idx3-ubyte", "t10k-labels.idx1-ubyte"):
        parts = read_found(tmp_path / named).parts
        assert list(parts) == ["train"]
        np.testing.assert_array_equal(parts["train"].images, HALVES[2])


def test_images_without_labels_have_none(tmp_path):
    put(tmp_path / "test-images-idx3-ubyte", HALVES[2])
    assert read_found(tmp_path).parts["train"].labels is None


def test_names_that_say_nothing_are_paired_by_count(tmp_path):
    for name, array in zip(("a", "b", "a_test", "b_test"), HALVES, strict=True):
        put(tmp_path / name, array)
    found = read_found(tmp_path)
    np.testing.assert_array_equal(found.parts["train"].labels, HALVES[1])
    np.testing.assert_array_equal(found.parts["test"].labels, HALVES[3])


def test_folders_may_say_the_part(tmp_path):
    for name, array in zip(("train/x", "train/y", "test/x", "test/y"), HALVES, strict=True):
        put(tmp_path / f"{name}.idx", array)
    found = read_found(tmp_path)
    np.testing.assert_array_equal(found.parts["train"].images, HALVES[0])
    np.testing.assert_array_equal(found.parts["test"].labels, HALVES[3])


X, Y = HALVES[:2]
NAN = np.where(np.arange(X.size).reshape(X.shape) == 37, np.nan, X).astype("f4")
# Files, and what the line says.
UNUSABLE = {
    "more labels than images": ({"x": X[1:], "y": Y}, "y.idx: holds 40 labels for the 39 images of x.idx"),
    "labels alone": ({"labels": Y}, "holds labels and no images: labels.idx"),
    "colours": ({"x": np.stack([X] * 3, 3), "y": Y}, "images of 6 × 5 × 3: allowed is one channel"),
    "several columns": ({"x": X, "y": np.stack([Y] * 3, 1)}, "labels of 40 × 3: allowed is one for each image"),
    "images by name, labels by shape": ({"images": Y}, "holds images by its name, and 40 bytes in 1 dimension(s)"),
    "NaN": ({"x": NAN, "y": Y}, "x.idx: image 2, row 2, column 3: nan is no value"),
    "infinite labels": (
        {"x": X, "y": np.where(np.arange(40) == 5, np.inf, Y).astype("f8")},
        "label 6: inf is no value",
    ),
    "sizes": (
        {"x": X, "y": Y, "x_test": X[:, 1:], "y_test": Y},
        "images of several sizes: x.idx 6 × 5, x_test.idx 5 × 5",
    ),
    "two at once": ({"train-x": X, "train-y": Y, "train_x": X + 1, "train_y": Y}, "holds several sets"),
}


@pytest.mark.parametrize("what", UNUSABLE)
def test_what_is_no_set_is_one_line(tmp_path, what):
    files, said = UNUSABLE[what]
    for name, array in files.items():
        put(tmp_path / f"{name}.idx", array)
    with pytest.raises(DataError) as caught:
        read_found(tmp_path)
    line = str(caught.value)
    assert line.startswith(str(tmp_path)) and said in line and "\n" not in line


def test_no_column_of_labels_can_be_wanted(tmp_path):
    put(tmp_path / "x.idx", X)
    with pytest.raises(ConfigError, match=r"data\.label_column=y: allowed is null"):
        read(recognize(tmp_path), Wanted(label_column="y"))


@pytest.mark.parametrize("packed", PACK)
@pytest.mark.parametrize("element", ["u1", "i4", "f8"])
def test_torn_files_and_declared_sizes_beyond_them_take_no_memory(tmp_path, element, packed):
    path = tmp_path / f"x.idx{packed}"
    put(path, X.astype(element))
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    assert re.search("damaged|cannot be read", refused(path))
    head = bytes([0, 0, TYPES[element], 3]) + struct.pack(">3I", 0xFFFFFFFF, 0xFFFFFFFF, 2)
    path.write_bytes(PACK[packed](head + bytes(1000)))
    tracemalloc.start()
    try:
        line = refused(path)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 20_000_000 and "4,294,967,295 × 4,294,967,295 × 2" in line


@pytest.mark.parametrize(
    ("name", "kind", "key"),
    [
        ("train-images-idx3-ubyte", "images", "train"),
        ("t10k-labels.idx1-ubyte.gz", "labels", "t10k"),
        ("emnist-letters-test-labels-idx1-ubyte", "labels", "emnist-letters-test"),
        ("xnist-labels-idx2-int.xz", "labels", "xnist"),
        ("X_train.idx", "images", "train"),
        ("qmnist-test-labels.tsv.gz", "labels", "qmnist-test-tsv"),
        ("digits.idx", None, "digits"),
        ("images-and-labels", None, "and"),
    ],
)
def test_a_name_says_what_a_file_holds_and_what_belongs_to_it(name, kind, key):
    assert (idx_names.kind(name), idx_names.key(name)) == (kind, key)


CONTENTS = [
    typed_idx(X.astype("f4")),
    typed_idx(np.stack([Y] * 8, 1).astype("i4")),
    gzip.compress(typed_idx(X), mtime=0),
    PACK[".xz"](typed_idx(X)),
    PACK[".bz2"](typed_idx(X)),
]


@given(st.integers(0, len(CONTENTS) - 1), st.integers(0, 1 << 20), st.binary(max_size=6), st.integers(0, 8))
@example(0, 4, b"\0\0\0\0", 4)
@settings(max_examples=150, derandomize=True, deadline=None)
def test_changed_bytes_are_read_or_refused(tmp_path_factory, which, at, put_in, left_out):
    content = CONTENTS[which]
    at %= len(content)
    folder = tmp_path_factory.mktemp("changed")
    (folder / "train-images").write_bytes(content[:at] + put_in + content[at + left_out :])
    put(folder / "train-labels", Y)
    tracemalloc.start()
    try:
        read_found(folder)
    except DataError as error:
        assert str(folder) in str(error) and "\n" not in str(error)
    finally:
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert peak < 20_000_000
