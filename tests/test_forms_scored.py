"""A run on bytes reads the same test digits from every form: the images as it takes them, the labels as it counts."""

import numpy as np
import pytest
import written_arrays
import written_files
import written_text

from npdigits.base.errors import DataError
from npdigits.config.compose import compose
from npdigits.runs import exam, file_readings, of_files, trained
from npdigits.train import run

WRITERS = {**written_text.WRITERS, **written_arrays.WRITERS, **written_files.WRITERS, **written_files.BY_CLASS}
# Those whose numbers are on another scale than the run's, which the user says.
OF_ONE = ("CSV of decimals", "a spreadsheet's CSV", "scaled svmlight")
OF_EACH = 12, 8


@pytest.fixture(scope="module")
def halves(mnist_5k):
    """Return x_train, y_train, x_test, y_test: some embedded digits of each class, as bytes."""
    arrays = []
    for split, n in zip((mnist_5k.train, mnist_5k.test), OF_EACH, strict=True):
        images, labels = split.images[split.rows].reshape(-1, 28, 28), split.labels[split.rows].astype(np.uint8)
        rows = np.concatenate([np.flatnonzero(labels == digit)[:n] for digit in range(10)])
        arrays += [np.ascontiguousarray(images[rows]), labels[rows]]
    return tuple(arrays)


@pytest.fixture(scope="module")
def of_bytes(tmp_path_factory, mnist_5k):
    """Return a run on the embedded digits, which are bytes and recorded no reading."""
    folder = tmp_path_factory.mktemp("of_bytes")
    run(
        compose(["data=mnist_5k", "hidden=6", "epochs=1", "plots=false", "quiet=true"]), folder / "run", source=mnist_5k
    )
    return trained.load_trained(folder / "run")


@pytest.mark.parametrize("form", WRITERS)
def test_a_run_on_bytes_takes_the_same_test_digits_from_every_form(form, halves, of_bytes, tmp_path, warm_cache):
    overrides = WRITERS[form](tmp_path, halves)
    path, test = compose(overrides).data.files()
    said = [one for one in overrides if not one.startswith(("data=", "data.path=", "data.test="))]
    place, warnings = test or path, []
    if form in OF_ONE:
        with pytest.raises(DataError, match=r"\(data\.range\)"):
            exam.of_a_file([of_bytes], place, said, warnings.append)
        said.append("data.range=[0,1]")
    if "data.transpose=true" in said:
        with pytest.raises(DataError, match=r"data\.transpose=true"):
            exam.of_a_file([of_bytes], place, [], warnings.append)
    given = exam.of_a_file([of_bytes], place, said, warnings.append)
    images = given.images[of_bytes.path].images
    assert np.array_equal(images.reshape(-1, 28, 28), halves[2]) and warnings == []
    assert given.labels.tolist() == halves[3].tolist() and given.unreadable == ()
    assert len({given.name_of(i) for i in range(len(given.labels))}) == len(given.labels)
    read = file_readings.read_file(of_bytes, place, said, warnings.append)
    p = of_bytes.probabilities(of_files.split_of(halves[2]))
    assert [reading.digits[0] for reading in read.readings] == p.argmax(axis=1).tolist()
    right = int((p.argmax(axis=1) == halves[3]).sum())
    assert f"{len(p):,} images, {right} read as labelled" in read.described and warnings == []
