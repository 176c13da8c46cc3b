"""Pictures in a folder for each class: taken as they are, or brought to MNIST's form; which folders are classes."""

import io
import os
import re
import shutil
import sys

import numpy as np
import pytest
from drawn import drawn
from hypothesis import given, settings
from hypothesis import strategies as st
from made import digits
from PIL import Image
from written_files import pictures

from npdigits.base.errors import ConfigError, DataError
from npdigits.forms import class_folder
from npdigits.forms.class_layout import classes_of, natural
from npdigits.forms.found import Wanted
from npdigits.forms.meaning import determine
from npdigits.forms.reading import read, read_found, with_labels
from npdigits.forms.recognize import recognize
from npdigits.forms.squares import Squares
from npdigits.pictures import pool
from npdigits.pictures.mnist_form import to_mnist_form
from npdigits.pictures.read import read_picture

TAKEN = "small squares of one size, 9 × 9: taken as they are"


def by_class(n, seed=0, shape=(9, 9)):
    """Return digits whose rows are ordered by class, as those of a folder are."""
    images, labels = digits(n, shape, seed=seed)
    order = np.argsort(labels, kind="stable")
    return images[order], labels[order]


HALVES = (*by_class(40), *by_class(20, seed=1))


def save(path, image, **options):
    """Save an array as a picture."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(image).save(path, **options)


def same(part, images, labels):
    np.testing.assert_array_equal(part.images, images)
    np.testing.assert_array_equal(part.labels, labels)


@pytest.fixture
def drawings(tmp_path):
    """Return a folder of photographs by class, of several sizes, in a folder whose name a parser could stumble over."""
    folder = tmp_path / "my digits [2026], a=b"
    for number in range(10):
        for copy in range(2):
            image = drawn(number)
            save(folder / str(number) / f"{copy}.png", np.pad(image, copy * 10, mode="edge"))
    return folder


@pytest.mark.parametrize("ending", ["png", "bmp", "tif"])
def test_small_squares_are_taken_as_they_are(tmp_path, ending):
    pictures(tmp_path / "set", HALVES, ending)
    found = read_found(tmp_path / "set")
    assert (found.form, found.label, found.notes) == ("pictures by class", "the folders' names", (TAKEN,))
    assert not found.formed and found.unreadable == found.lost == ()
    assert list(found.parts) == ["train", "test"]
    assert all(part.images.dtype == np.uint8 and part.labels.dtype.kind == "i" for part in found.parts.values())
    same(found.parts["train"], *HALVES[:2])
    same(found.parts["test"], *HALVES[2:])
    assert found.parts["train"].name_of(4) == os.path.join("set", "train", "1", f"00004.{ending}")  # noqa: PTH118


def forms_of_grey(image):
    """Yield a small picture as programs may store it, which is the same bytes in each."""
    yield "L", Image.fromarray(image)
    yield "RGB", Image.fromarray(image).convert("RGB")
    yield "RGBA", Image.fromarray(image).convert("RGBA")
    yield "LA", Image.fromarray(image).convert("LA")
    yield "P", Image.fromarray(image).convert("P")
    yield "opaque", Image.merge("RGBA", [*Image.fromarray(image).convert("RGB").split(), Image.new("L", (9, 9), 255)])


def test_shades_of_grey_may_be_stored_as_colours(tmp_path):
    image = HALVES[0][0]
    for mode, stored in forms_of_grey(image):
        for name in "01":
            (tmp_path / mode / name).mkdir(parents=True)
            stored.save(tmp_path / mode / name / "a.png")
        found = read_found(tmp_path / mode)
        assert found.notes == (TAKEN,)
        np.testing.assert_array_equal(found.parts["train"].images, [image] * 2)


def coloured(image):
    return np.stack([image, 255 - image, image], 2)


def of_16_bits(image):
    return image.astype(np.uint16) * 257


def transparent(image):
    return np.dstack([image] * 3 + [np.where(image > 100, 255, 0).astype(np.uint8)])


SMALL = np.pad(drawn(3), ((0, 0), (40, 40)), mode="edge")[::7, ::7]
# Pictures beside which small squares are no set of images of one form, and why.
OTHERS = {
    "another size": (np.pad(SMALL, 2, mode="edge"), "they are of several sizes"),
    "not square": (SMALL[:, :-1], "is no grey square of at most 64 × 64 pixels"),
    "large": (drawn(3), "is no grey square"),
    "colours": (coloured(SMALL), "is no grey square"),
    "16 bits": (of_16_bits(SMALL), "is no grey square"),
    "transparent": (transparent(SMALL), "is no grey square"),
}


@pytest.mark.parametrize("other", OTHERS)
def test_one_other_picture_brings_all_of_them_to_the_form(tmp_path, other):
    image, why = OTHERS[other]
    for name in "01":
        save(tmp_path / name / "a.png", SMALL)
    save(tmp_path / "1" / "b.png", image)
    found = read_found(tmp_path)
    assert found.formed and why in found.notes[0] and found.notes[0].startswith("brought to MNIST's form, 28 × 28")
    expected = [to_mnist_form(read_picture(tmp_path / name)) for name in ("0/a.png", "1/a.png", "1/b.png")]
    same(found.parts["train"], expected, [0, 1, 1])


@pytest.mark.parametrize("junk", ["0/a.png", "0/zz.png", "9/zz.png"])
@pytest.mark.parametrize("kind", ["tiny", "blank"])
def test_what_is_left_out_anyway_does_not_decide(tmp_path, junk, kind):
    """Wherever it stands: a blank picture of one pixel, or of a photograph's size."""
    pictures(tmp_path, HALVES)
    save(tmp_path / "train" / junk, np.full((1, 1) if kind == "tiny" else (90, 120), 255, np.uint8))
    found = read_found(tmp_path)
    assert not found.formed and found.notes == (TAKEN,) and found.warnings == ()
    same(found.parts["train"], *HALVES[:2])
    ((file, reason),) = found.unreadable
    assert file == tmp_path / "train" / junk and reason


def test_a_few_that_decide_about_all_are_warned_of(tmp_path):
    """And none of them where one is left out anyway; many are the set's own kind."""
    for i in range(120):
        save(tmp_path / str(i % 2) / f"{i:03}.png", SMALL)
    save(tmp_path / "1" / "own.png", drawn(3))
    save(tmp_path / "1" / "torn.png", np.full((90, 90), 200, np.uint8))
    found = read_found(tmp_path)
    assert found.formed and found.warnings == (
        "1 picture is no small grey square of the size of the 120 others, such as own.png: so all are brought to "
        "MNIST's form; without such all others are taken as they are",
    )
    save(tmp_path / "1" / "two.png", drawn(4))
    found = read_found(tmp_path)
    assert found.formed and found.warnings == () and "own.png is no grey square" in found.notes[0]


def test_squares_of_the_most_frequent_size_are_taken_whichever_comes_first():
    """Nothing is tried of a set of one size; nothing decides that cannot be formed; 1 of 100 is few, 2 are many."""
    tried = []

    def weighed(sizes, left_out=(), total=100):
        tried.clear()
        squares = Squares(total, lambda i: tried.append(i) or ("blank" if i in left_out else ""))
        for i, size in enumerate(sizes):
            squares.add(i, size)
        return squares.common, squares.others, squares.first, squares.are_many

    large, small = (28, 28), (1, 1)
    assert weighed([large] * 50) == (large, 0, None, False) and tried == []
    assert weighed([small, *[large] * 50], {0}) == (large, 0, None, False) and len(tried) <= 3
    assert weighed([*[large] * 50, small], {50}) == (large, 0, None, False) and len(tried) == 21
    assert weighed([*[large] * 50, small, None], {51}) == (large, 1, 50, False)
    assert weighed([*[large] * 50, small, None]) == (large, 2, 50, True)
    assert weighed([None, *[large] * 50]) == (large, 1, 0, False)
    assert weighed([None, large], total=2) == (large, 1, 0, True)
    assert weighed([*[small] * 10, *[large] * 9], range(10)) == (large, 0, None, False)
    assert weighed([*[small] * 3, large], range(4)) == (small, 0, None, False)  # neither can be formed
    assert weighed([None] * 3, range(3)) == (None, 0, None, False)


def test_a_folder_without_pictures_is_said(tmp_path):
    pictures(tmp_path, HALVES)
    for name in ("x", ".hidden"):
        (tmp_path / "train" / name).mkdir()
    (tmp_path / "test" / "notes").mkdir()
    (tmp_path / "test" / "notes" / "a.txt").write_text("")
    found = read_found(tmp_path)
    below = tmp_path.name
    assert found.warnings == (
        f"the folder {below}/test/notes holds no picture, and is no class",
        f"the folder {below}/train/x holds no picture, and is no class",
    )
    for i in range(7):
        (tmp_path / "train" / f"y{i}").mkdir()
    assert read_found(tmp_path).warnings[-1] == "3 more folders hold no picture"


@pytest.mark.parametrize(
    ("names", "said"),
    [(("a", "a "), "'a' and 'a '"), (("\u00fc", "u\u0308"), r"'u\u0308' and '\xfc'"), (("3", "03"), "'03' and '3'")],
)
def test_folders_that_are_one_class_by_their_names_are_said(tmp_path, names, said):
    for name in (*names, "4"):
        save(tmp_path / name / "x.png", SMALL)
        save(tmp_path / name / "y.png", SMALL)
    found = read_found(tmp_path)
    _, _, warnings = determine(found, None, Wanted())
    line = f"the folders {said} in {tmp_path} are one class, by their names"
    assert found.warnings == (line,) and line in warnings


def test_a_name_that_is_spelled_otherwise_in_another_part_is_no_fault(tmp_path):
    for name in ("train/\u00fc", "test/u\u0308", "train/4", "test/4"):
        save(tmp_path / name / "x.png", SMALL)
    assert read_found(tmp_path).warnings == ()


def test_a_picture_that_its_camera_held_turned_is_no_image_as_it_is(tmp_path):
    turned = Image.Exif()
    turned[274] = 6
    for name in "01":
        save(tmp_path / name / "a.png", SMALL, exif=turned)
    found = read_found(tmp_path)
    assert found.formed
    np.testing.assert_array_equal(found.parts["train"].images[0], to_mnist_form(np.rot90(SMALL, -1)))


def test_photographs_are_what_predict_sees(drawings):
    found = read_found(drawings)
    assert found.formed and found.parts["train"].images.shape == (20, 28, 28)
    assert "as npdigits-predict does (0.png is no grey square" in found.notes[0]
    files = [drawings / str(i // 2) / f"{i % 2}.png" for i in range(20)]
    same(found.parts["train"], [to_mnist_form(read_picture(file)) for file in files], np.arange(20) // 2)


def test_what_cannot_be_read_is_left_out_with_its_reason(drawings):
    (drawings / "3" / "torn.png").write_bytes((drawings / "3" / "0.png").read_bytes()[:60])
    save(drawings / "4" / "blank.png", np.full((90, 90), 200, np.uint8))
    (drawings / "5" / "moving.gif").write_bytes(b"GIF89a")
    shutil.copy(drawings / "6" / "0.png", drawings / "sample.png")
    found = read_found(drawings)
    reasons = {str(file.relative_to(drawings)): reason for file, reason in found.unreadable}
    assert list(reasons) == ["sample.png", "3/torn.png", "4/blank.png", "5/moving.gif"]
    assert reasons["sample.png"] == "it lies in no folder of a class"
    assert "damaged" in reasons["3/torn.png"] and "blank" in reasons["4/blank.png"] and "PNG" in reasons["5/moving.gif"]
    assert len(found.parts["train"].images) == 20 and found.lost == ()
    assert found.parts["train"].name_of(8).endswith("a=b/4/0.png")


def test_a_class_of_which_nothing_can_be_read_is_refused_for_training_alone(tmp_path):
    pictures(tmp_path, HALVES)
    for file in (tmp_path / "train" / "7").iterdir():
        file.write_bytes(b"")
    found = read_found(tmp_path)
    assert found.lost == ("7",) and len(found.unreadable) == 4 and len(found.parts["train"].images) == 36
    first = re.escape(str(tmp_path / "train" / "7" / "00028.png"))
    with pytest.raises(
        DataError, match=rf"no picture of the class 7 can be read: allowed is one; {first}: no picture of these formats"
    ):
        with_labels(found, tmp_path)


def test_where_nothing_can_be_read_it_says_why(tmp_path):
    for name in "01":
        (tmp_path / name).mkdir()
        (tmp_path / name / "a.png").write_bytes(b"no picture")
    with pytest.raises(DataError, match=r"none of its 2 pictures can be read: .*0/a\.png: no picture of these formats"):
        read_found(tmp_path)


def test_pictures_without_classes_have_no_labels(tmp_path):
    save(tmp_path / "3_0012.png", SMALL)
    save(tmp_path / "4_0001.png", SMALL)
    found = read_found(tmp_path)
    assert found.parts["train"].labels is None and len(found.parts["train"].images) == 2
    with pytest.raises(DataError, match=r"pictures in no class's folder: each class has a folder of its own, such as"):
        with_labels(found, tmp_path)


def test_a_test_folder_may_have_no_classes(tmp_path):
    pictures(tmp_path, HALVES)
    shutil.rmtree(tmp_path / "test")
    save(tmp_path / "test" / "1.png", HALVES[0][0])
    found = read_found(tmp_path)
    assert found.parts["test"].labels is None and found.parts["train"].labels is not None
    assert with_labels(found, tmp_path)[1] == ["the test set has no labels: left out"]


def test_no_column_of_labels_can_be_wanted(drawings):
    with pytest.raises(ConfigError, match=r"data\.label_column=digit: allowed is null"):
        read(recognize(drawings), Wanted(label_column="digit"))


# The part, the class and the name of each file, in order.
LAYOUTS = {
    "classes": ["train 2 2/a", "train 2 2/b", "train 10 10/a"],
    "any names": ["train [c] [c]/x", "train a,b a,b/x", "train a=b a=b/x"],
    "parts": ["train 3 train/3/a", "train 4 train/4/a", "val 4 validation/4/a", "test 3 test/3/a"],
    "nested": ["train 3 set/mnist_train/3/a", "test 3 set/mnist_test/3/a"],
    "parts in classes": ["train 3 3/train/a", "test 3 3/test/a"],
    "writers above": ["train 3 anna/3/x", "train 3 bert/3/x"],
    "writers below": ["train 3 3/anna/x", "train 4 4/anna/x"],
    "kana": ["train te te/x", "train to to/x"],
    "composed": ["train \u00fc u\u0308/x"],
    "none": ["train None a", "train None b"],
    "parts alone": ["train None train/a", "test None test/b"],
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_which_folder_is_the_class(tmp_path, layout):
    files = [tmp_path / line.split()[2] for line in LAYOUTS[layout]]
    found = classes_of(files[::-1], tmp_path)
    told = [f"{part} {name} {file.relative_to(tmp_path)}" for part, of in found.items() for file, name in of]
    assert told == LAYOUTS[layout]


@pytest.mark.parametrize("files", [["a1/b1/x", "a2/b2/x"], ["3/x", "3/4/x"], ["1/2/x", "3/4/x"]])
def test_where_it_cannot_be_told_it_is_refused(tmp_path, files):
    with pytest.raises(DataError, match="folders in folders, and which are the classes"):
        classes_of([tmp_path / file for file in files], tmp_path)


@pytest.mark.skipif(sys.platform != "linux", reason="names that are no Unicode")
def test_a_name_that_is_no_text_is_refused_on_one_line(tmp_path):
    with pytest.raises(DataError, match=r"\\udcff\\n: the name of a class is a text in UTF-8: rename"):
        classes_of([tmp_path / os.fsdecode(b"\xff\n") / "x.png"], tmp_path)


def test_names_that_are_not_all_whole_numbers_are_text(tmp_path):
    for name in ("0", "01", "x"):
        save(tmp_path / name / "a.png", SMALL)
    assert read_found(tmp_path).parts["train"].labels.tolist() == ["0", "01", "x"]
    assert [str(n) for n in sorted(["a10", "a2", "10", "9", "b"], key=natural)] == ["9", "10", "a2", "a10", "b"]


def test_several_processes_read_the_same(tmp_path, monkeypatch):
    pictures(tmp_path, HALVES)
    (tmp_path / "train" / "2" / "00008.png").write_bytes(b"")
    alone = read_found(tmp_path)
    monkeypatch.setattr(pool, "FEWEST", 10)
    monkeypatch.setattr(pool, "CHUNK_OF_SQUARES", 3)
    monkeypatch.setattr(pool, "cores", lambda: 2)
    monkeypatch.setattr(pool, "take_file", None)  # which this process then cannot do
    together = read_found(tmp_path)
    for name, part in together.parts.items():
        same(part, alone.parts[name].images, alone.parts[name].labels)
    assert together.unreadable == alone.unreadable and len(alone.unreadable) == 1


def test_no_picture_is_opened_twice_where_all_are_taken(tmp_path, monkeypatch):
    pictures(tmp_path, HALVES)
    opened, original = [], Image.open
    monkeypatch.setattr(Image, "open", lambda path, **options: opened.append(path) or original(path, **options))
    read_found(tmp_path)
    assert len(opened) == len(set(opened)) == 60


def test_the_first_picture_that_is_another_decides(drawings, monkeypatch):
    taken, original = [], pool.take_file
    monkeypatch.setattr(pool, "take_file", lambda file: taken.append(file) or original(file))
    read_found(drawings)
    assert len(taken) == 1


def test_a_progress_line_is_shown_on_a_terminal_alone(tmp_path, monkeypatch, capsys):
    pictures(tmp_path, HALVES)
    read_found(tmp_path)
    assert capsys.readouterr().err == ""
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    monkeypatch.setenv("TTY_COMPATIBLE", "1")
    read_found(tmp_path)
    assert "reading pictures" in capsys.readouterr().err


def packed(image, kind):
    stream = io.BytesIO()
    Image.fromarray(image).save(stream, kind)
    return stream.getvalue()


CONTENTS = [packed(SMALL, kind) for kind in ("PNG", "JPEG", "BMP", "TIFF", "WEBP")]


@given(st.integers(0, len(CONTENTS) - 1), st.integers(0, 1 << 16), st.binary(max_size=5), st.integers(0, 6))
@settings(max_examples=100, derandomize=True, deadline=None)
def test_a_picture_with_changed_bytes_is_read_or_left_out(tmp_path_factory, which, at, put_in, left_out):
    content, folder = CONTENTS[which], tmp_path_factory.mktemp("changed")
    at %= len(content)
    for name, of in (("0", content), ("1", content[:at] + put_in + content[at + left_out :])):
        (folder / name).mkdir()
        (folder / name / "a.png").write_bytes(of)
    found = read_found(folder)
    assert len(found.parts["train"].images) + len(found.unreadable) == 2
    assert all("\n" not in reason for _, reason in found.unreadable)


def test_a_picture_that_declares_far_more_than_it_holds_takes_no_memory(tmp_path):
    """A set of pictures takes the memory of those that are read."""
    for name in "01":
        save(tmp_path / name / "a.png", SMALL)
    head = CONTENTS[0][:16] + (60_000).to_bytes(4, "big") * 2
    (tmp_path / "1" / "huge.png").write_bytes(head + CONTENTS[0][24:])
    found = class_folder.read([tmp_path / "0" / "a.png", tmp_path / "1" / "huge.png"], Wanted(), tmp_path)
    assert len(found.parts["train"].images) == 1 and len(found.unreadable) == 1
