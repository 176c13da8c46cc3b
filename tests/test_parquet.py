"""Parquet: a hub's pictures, columns of pixels and lists; paths that lead out; what is refused, each in one line."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from made import digits
from PIL import Image
from written_arrays import hub_table, png_of

from npdigits.base.errors import DataError
from npdigits.forms.found import TEST, TRAIN, VAL, Wanted
from npdigits.forms.load import load
from npdigits.forms.parquet import _schema as schema
from npdigits.forms.reading import read_found
from npdigits.pictures.mnist_form import to_mnist_form

IMAGES, Y = digits(60, (8, 8))
FLAT = IMAGES.reshape(60, 64)
BYTES_AND_PATH = pa.struct([("bytes", pa.binary()), ("path", pa.string())])


def refused(path, wanted=Wanted()):  # noqa: B008 – it is frozen
    """Return the one line that is said instead of reading."""
    with pytest.raises(DataError) as caught:
        read_found(path, wanted)
    message = str(caught.value)
    assert "\n" not in message and len(message) < 600
    return message


def written(path, columns, **options):
    path.parent.mkdir(exist_ok=True)
    pq.write_table(columns if isinstance(columns, pa.Table) else pa.table(columns), path, **options)
    return path


def pictures_at(paths):
    return pa.array([{"bytes": None, "path": path} for path in paths], BYTES_AND_PATH)


def columns_of(pixels, names="pixel"):
    return {f"{names}{i}": pixels[:, i] for i in range(pixels.shape[1])}


def test_a_hubs_set_has_parts_and_names_of_classes(tmp_path):
    names = [f"kind {i}" for i in range(10)]
    for part, rows in (("train", slice(0, 40)), ("validation", slice(40, 50)), ("test", slice(50, 60))):
        written(tmp_path / "mnist" / f"{part}-00000-of-00001.parquet", hub_table(IMAGES[rows], Y[rows], names))
    (tmp_path / "README.md").write_text("# A set of digits\n", encoding="utf-8")
    found = read_found(tmp_path)
    assert list(found.parts) == [TRAIN, VAL, TEST]
    assert found.classes == tuple(names) and found.label == "column label" and not found.formed
    assert np.array_equal(found.parts[VAL].images, IMAGES[40:50]) and np.array_equal(found.parts[VAL].labels, Y[40:50])
    assert found.parts[TEST].name_of(3) == "mnist/test-00000-of-00001.parquet: row 4"
    assert found.notes == ("small squares of one size, 8 × 8: taken as they are",)


def test_shards_are_put_together_and_missed(tmp_path):
    for i in range(3):
        shard = hub_table(IMAGES[20 * i : 20 * i + 20], Y[20 * i : 20 * i + 20])
        written(tmp_path / f"train-0000{i}-of-00003.parquet", shard, row_group_size=7)
    found = read_found(tmp_path)
    assert np.array_equal(found.parts[TRAIN].images, IMAGES) and np.array_equal(found.parts[TRAIN].labels, Y)
    assert found.parts[TRAIN].name_of(45) == "train-00002-of-00003.parquet: row 6"
    (tmp_path / "train-00001-of-00003.parquet").unlink()
    assert "train-00001-of-00003.parquet is missing" in refused(tmp_path)


def test_a_shard_that_is_named_alone_is_said_to_be_one(tmp_path):
    path = written(tmp_path / "train-00000-of-00002.parquet", hub_table(IMAGES[:30], Y[:30], list("0123456789")))
    assert "1 of 2 shards: the folder has all" in read_found(path).notes
    written(tmp_path / "train-00001-of-00002.parquet", hub_table(IMAGES[30:], Y[30:], list("0123456789")))
    assert not any("shards" in note for note in read_found(tmp_path).notes)


def test_labels_are_missing_in_all_rows_or_in_none(tmp_path, monkeypatch):
    monkeypatch.setattr("npdigits.forms.parquet.VALUES", 650)  # ten rows at a time
    for empty in (range(20), range(40, 60)):
        labels = pa.array([None if i in empty else int(y) for i, y in enumerate(Y)])
        written(tmp_path / "a.parquet", columns_of(FLAT) | {"label": labels})
        assert f"row {empty[0] + 1}, column label: a value is missing" in refused(tmp_path / "a.parquet")
    written(tmp_path / "a.parquet", columns_of(FLAT) | {"label": pa.nulls(60)})
    assert read_found(tmp_path / "a.parquet").parts[TRAIN].labels is None


def test_several_sets_in_a_folder_are_refused(tmp_path):
    for name in ("digits", "letters"):
        written(tmp_path / name / "train.parquet", hub_table(IMAGES, Y))
    assert "holds several sets, in digits, letters: name one folder" in refused(tmp_path)
    written(tmp_path / "digits" / "other.parquet", hub_table(IMAGES, Y))
    assert "which part is other.parquet?" in refused(tmp_path / "digits")
    written(tmp_path / "letters" / "test.parquet", {"image": [[1, 2, 3, 4]], "y": [1]})
    assert "test.parquet" in (said := refused(tmp_path / "letters")) and "are not those of" in said


LABELS = {
    "numbers": pa.array(Y.tolist()),
    "text": pa.array([f"digit {y}" for y in Y]),
    "a dictionary": pa.array([f"digit {y}" for y in Y]).dictionary_encode(),
    "floats": pa.array(Y.astype(float)),
    "truth values": pa.array((Y % 2).astype(bool)),
}


@pytest.mark.parametrize("kind", LABELS)
def test_columns_of_pixels_with_labels_of_any_type(tmp_path, kind):
    path = written(tmp_path / "a.parquet", {"id": range(60), **columns_of(FLAT), "target": LABELS[kind]})
    part = read_found(path).parts[TRAIN]
    assert part.images.dtype == np.uint8 and np.array_equal(part.images, FLAT)
    assert part.labels.tolist() == LABELS[kind].to_pylist()
    assert read_found(path).notes == ("left out: id",)


def test_values_that_are_no_bytes_stay_what_they_are(tmp_path):
    floats = FLAT / 255
    floats[:40] = np.round(floats[:40])  # whole numbers in the first rows
    path = written(tmp_path / "a.parquet", {**columns_of(floats), "label": Y}, row_group_size=10)
    images = read_found(path).parts[TRAIN].images
    assert images.dtype == np.float32 and np.array_equal(images, floats.astype(np.float32))
    path = written(tmp_path / "a.parquet", {"image": (FLAT.astype(np.int32) * 4).tolist(), "label": Y})
    images = read_found(path).parts[TRAIN].images
    assert images.dtype == np.int16 and np.array_equal(images, FLAT * 4.0)


def test_many_rows_are_read_some_at_a_time(tmp_path, monkeypatch):
    monkeypatch.setattr("npdigits.forms.parquet.VALUES", 65 * 7)
    monkeypatch.setattr("npdigits.forms.parquet.ROWS", 7)
    wide = np.where(np.arange(60)[:, None] == 50, 0.5, FLAT)  # bytes until row 51
    flat = written(tmp_path / "flat.parquet", {**columns_of(wide), "label": Y})
    lists = written(tmp_path / "lists.parquet", {"image": IMAGES.tolist(), "label": Y})
    fixed = pa.FixedSizeListArray.from_arrays(pa.array(FLAT.ravel()), 64)
    fixed = written(tmp_path / "fixed.parquet", {"image": fixed, "label": Y})
    assert np.array_equal(read_found(flat).parts[TRAIN].images, wide)
    assert np.array_equal(read_found(lists).parts[TRAIN].images, IMAGES)
    assert np.array_equal(read_found(fixed).parts[TRAIN].images, FLAT)


def test_labels_are_named_found_or_missing(tmp_path):
    path = written(tmp_path / "a.parquet", columns_of(FLAT))
    assert read_found(path).parts[TRAIN].labels is None
    path = written(tmp_path / "a.parquet", {"answer": Y, **columns_of(FLAT)})
    assert np.array_equal(read_found(path).parts[TRAIN].labels, Y)
    path = written(tmp_path / "a.parquet", {**columns_of(FLAT), "pixel64": Y})
    assert "which of the 65 columns is the label cannot be told" in refused(path)
    for wanted in ("pixel64", "65", "PIXEL64"):
        assert np.array_equal(read_found(path, Wanted(label_column=wanted)).parts[TRAIN].labels, Y)
    assert "data.label_column=66: " in refused(path, Wanted(label_column="66"))
    path = written(tmp_path / "a.parquet", {**columns_of(FLAT), "label": Y, "digit": Y})
    assert "data.label_column=label (there are label, digit)" in refused(path)


def test_pictures_of_several_sizes_are_brought_to_mnists_form(tmp_path):
    def photograph(side):
        page = np.full((side, side), 240, np.uint8)
        page[side // 5 : -(side // 5), side // 2 - side // 20 : side // 2 + side // 20] = 20
        return page

    pages = [photograph(100), np.full((90, 90), 240, np.uint8), photograph(80)]
    cells = pa.array([{"bytes": png_of(page), "path": None} for page in pages], BYTES_AND_PATH)
    path = written(tmp_path / "a.parquet", {"image": cells, "label": [1, 2, 7]})
    found = read_found(path)
    assert found.formed and found.lost == ("2",)
    assert "brought to MNIST's form, 28 × 28, as npdigits-predict does (row 1 of a.parquet" in found.notes[0]
    expected = np.stack([to_mnist_form(pages[0]), to_mnist_form(pages[2])])
    assert np.array_equal(found.parts[TRAIN].images, expected) and found.parts[TRAIN].labels.tolist() == [1, 7]
    assert found.parts[TRAIN].name_of(1) == "a.parquet: row 3"
    assert [(file, reason[:6]) for file, reason in found.unreadable] == [(path, "row 2:")]
    # The same where small ones of one size come first: all are brought to the form, also those of the test set.
    small = [photograph(40), photograph(40), photograph(50)]
    cells = pa.array([png_of(page) for page in small])
    found = read_found(written(tmp_path / "b.parquet", {"image": cells, "label": [1, 2, 7]}))
    assert np.array_equal(found.parts[TRAIN].images, np.stack([to_mnist_form(page) for page in small]))


@pytest.mark.parametrize("first", [False, True])
def test_pictures_that_are_left_out_anyway_or_few_decide_as_in_a_folder(tmp_path, first):
    """The rule is that of folders (test_class_folder)."""
    page = np.full((100, 100), 240, np.uint8)
    page[20:-20, 45:55] = 20
    small = np.ascontiguousarray(page[::4, ::4])
    for name, others in (("junk", [np.full((1, 1), 255, np.uint8), np.full((90, 90), 240, np.uint8)]), ("few", [page])):
        pages = [*others, *[small] * 120] if first else [*[small] * 120, *others]
        cells = pa.array([{"bytes": png_of(one), "path": None} for one in pages], BYTES_AND_PATH)
        path = written(tmp_path / f"{name}.parquet", {"image": cells, "label": np.arange(len(pages)) % 2})
        found = read_found(path)
        images = found.parts[TRAIN].images
        rows = [i + 1 for i, one in enumerate(pages) if one is not small]
        if name == "junk":
            assert not found.formed and found.warnings == () and np.array_equal(images, [small] * 120)
            assert [reason.partition(":")[0] for _, reason in found.unreadable] == [f"row {row}" for row in rows]
            assert found.parts[TRAIN].name_of(0) == f"junk.parquet: row {3 if first else 1}"
        else:
            assert found.formed and np.array_equal(images, [to_mnist_form(one) for one in pages])
            (line,) = found.warnings
            assert line.startswith("1 picture is no small grey square of the size of the 120 others, such as row ")
            assert f"such as row {rows[0]} of few.parquet: so all are" in line


def test_pictures_beside_a_file(tmp_path):
    folder = tmp_path / "set"
    (folder / "pictures").mkdir(parents=True)
    for i, image in enumerate(IMAGES[:3]):
        Image.fromarray(image).save(folder / "pictures" / f"{i}.png")
    paths = [f"pictures/{i}.png" for i in range(3)]
    for cells in (pictures_at(paths), pa.array(paths)):
        path = written(folder / "a.parquet", {"image": cells, "label": Y[:3]})
        assert np.array_equal(read_found(path).parts[TRAIN].images, IMAGES[:3])


def test_paths_that_lead_out_of_the_folder_are_refused(tmp_path):
    folder = tmp_path / "set"
    folder.mkdir()
    Image.fromarray(IMAGES[0]).save(tmp_path / "out.png")
    for link, target in (("link.png", tmp_path / "out.png"), ("up", tmp_path), ("round.png", "round.png")):
        (folder / link).symlink_to(target)
    outside = ["../out.png", str(tmp_path / "out.png"), "up/../out.png", "https://example.org/1.png", "..\\out.png"]
    for wrong in (*outside, "C:\\1.png", "link.png", "up/out.png", "round.png", "a\0b", "missing.png", ""):
        path = written(folder / "a.parquet", {"image": pictures_at([wrong]), "label": [1]})
        assert f"{path}: row 1, column image: " in (said := refused(path))
        assert "the file's folder" in said or wrong in ("round.png", "a\0b", "missing.png", "")
    Image.fromarray(IMAGES[0]).save(folder / "in.png")
    (folder / "pictures").mkdir()
    path = written(folder / "a.parquet", {"image": pictures_at(["pictures/../in.png"]), "label": [1]})
    assert "is not below the file's folder" in refused(path)
    (folder / "inner.png").symlink_to("in.png")
    path = written(folder / "a.parquet", {"image": pictures_at(["inner.png"]), "label": [1]})
    assert np.array_equal(read_found(path).parts[TRAIN].images, IMAGES[:1])


def list_column(rows):
    return {"image": pa.array(rows), "label": [1] * len(rows)}


def cells_of(rows, struct=BYTES_AND_PATH):
    return {"image": pa.array(rows, struct), "label": [1] * len(rows)}


GOOD = {"bytes": png_of(IMAGES[0]), "path": None}
NESTED = pa.struct([("bytes", pa.struct([("more", pa.binary())]))])
WRONG = {
    "a cell of pixels is missing": (
        {**columns_of(FLAT), "pixel3": [None, *FLAT[1:, 3]], "label": Y},
        "row 1, column pixel3",
    ),
    "a label is missing": (
        {**columns_of(FLAT), "label": [*Y[:5].tolist(), None, *Y[6:].tolist()]},
        "row 6, column label",
    ),
    "a pixel is NaN": ({**columns_of(np.where(np.arange(64) == 2, np.nan, FLAT)), "label": Y}, "row 1: a pixel is nan"),
    "a label is NaN": ({**columns_of(FLAT), "label": [0.5, np.nan] * 30}, "row 2, column label: nan is no label"),
    "labels of lists": ({**columns_of(FLAT), "label": [[1]] * 60}, "column label is list<"),
    "lists of several lengths": (list_column([[1, 2, 3, 4], [1, 2, 3]]), "row 2, column image: a list of 3"),
    "inner lists of several lengths": (list_column([[[1, 2]], [[1]]]), "row 2, column image: a list of 1"),
    "a list is missing": (list_column([[1, 2], None]), "row 2, column image: a value is missing"),
    "a pixel of a list is missing": (list_column([[1, 2], [1, None]]), "row 2, column image: a value is missing"),
    "lists of text": (list_column([["a"], ["b"]]), "allowed are lists of numbers"),
    "empty lists": ({"image": pa.array([[], []], pa.list_(pa.uint8())), "label": [1, 2]}, "hold no pixels"),
    "a picture is missing": (cells_of([GOOD, None]), "row 2, column image: the picture is missing"),
    "an empty picture": (cells_of([GOOD, {"bytes": b"", "path": None}]), "row 2, column image: the picture is missing"),
    "no picture": (
        cells_of([GOOD, {"bytes": b"GIF89a", "path": None}]),
        "row 2, column image: no picture of these formats",
    ),
    "a torn picture": (cells_of([{"bytes": GOOD["bytes"][:60], "path": None}]), "row 1, column image: "),
    "a struct of something else": (
        {"image": pa.array([{"height": 3}]), "label": [1]},
        "a struct of height: allowed are bytes and path",
    ),
    "a struct in a struct": (
        cells_of([{"bytes": {"more": b"x"}}], NESTED),
        "row 1, column image: the picture is missing",
    ),
    "no pixels": ({"name": ["a"], "label": [1]}, "no columns of pixels, lists of them, or pictures: it has name"),
    "two columns of images": (
        {"a": [[1, 2]], "b": [[1, 2]], "label": [1]},
        "which column holds the images? There are a, b",
    ),
    "no rows": ({**columns_of(FLAT[:0]), "label": Y[:0]}, "has no rows"),
}


@pytest.mark.parametrize("kind", WRONG)
def test_what_a_parquet_file_cannot_hold(tmp_path, kind):
    columns, said = WRONG[kind]
    assert said in refused(written(tmp_path / "a.parquet", columns))


@pytest.mark.parametrize(
    "content",
    [
        *("{", "[]", "{}", "[" * 100_000),
        '{"info": {"features": {"label": {"names": {"0": "a"}}}}}',
        '{"info": {"features": {"label": {"names": [1]}}}}',
        '{"info": {"features": {"label": {"names": []}}}}',
    ],
)
def test_metadata_that_names_no_classes_are_passed_over(tmp_path, content):
    table = hub_table(IMAGES, Y).replace_schema_metadata({"huggingface": content})
    assert read_found(written(tmp_path / "a.parquet", table)).classes is None


def test_torn_and_packed_files_are_refused(tmp_path):
    path = written(tmp_path / "a.parquet", hub_table(IMAGES, Y))
    content = path.read_bytes()
    for wrong in (content[:-1], content[:200], content[:4], content[:-8] + b"\xff\xff\xff\x7fPAR1"):
        path.write_bytes(wrong)
        assert refused(path).startswith(f"{path}: damaged: ")


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (10**12, "about 1,000,000,000,000 images of 64 pixels take 59604.6 GiB"),
        (61, "damaged: 60 of 61 rows are there"),
        (59, "damaged: more than the 59 rows that it declares"),
    ],
)
def test_files_that_declare_other_rows_than_they_hold(tmp_path, monkeypatch, rows, said):
    path = written(tmp_path / "a.parquet", {**columns_of(FLAT), "label": Y})
    monkeypatch.setattr("npdigits.forms.parquet._schema", lambda *given: (rows, schema(*given)[1]))
    assert said in refused(path)


def test_a_picture_that_is_only_named_is_read_anew_every_time(tmp_path):
    """The cache knows the files that are named on the command line, and not those."""
    paths = [f"{i}.png" for i in range(60)]
    for image, path in zip(IMAGES, paths, strict=True):
        Image.fromarray(image).save(tmp_path / path)
    path = written(tmp_path / "a.parquet", {"image": pictures_at(paths), "label": Y})
    before = load(path, None, Wanted(), print)
    assert load(path, None, Wanted(), print).sha256 == before.sha256
    Image.fromarray(255 - IMAGES[7]).save(tmp_path / "7.png")
    assert load(path, None, Wanted(), print).sha256 != before.sha256
