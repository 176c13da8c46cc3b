"""What a data set can hardly be: values upside down, labels that are no classes, test digits among training digits."""

from collections.abc import Iterator

import numpy as np

from npdigits.base.arrays import Array
from npdigits.data.sets import Data, Split
from npdigits.forms import reference
from npdigits.forms.class_labels import ASCII_DIGITS, shown, some_of
from npdigits.forms.duplicates import first_equals
from npdigits.forms.reference import TRANSPOSED, UPRIGHT, Likeness
from npdigits.forms.value_range import SAMPLE, is_inverted

# Images of which no pixel is higher, of 255, are on another scale.
FAINT = 16
DIGITS = tuple(map(str, range(10)))


def doubts(data: Data) -> list[str]:
    """Return a line for each thing about a data set that is probably not as the user means it, and what mends it.

    It runs at each start with a set of the user's own: 35 ms for 60,000 + 10,000 images of 28 × 28.
    """
    images = {"training": _of_rows(data.train.images, data.train), "test": _of_rows(data.test.images, data.test)}
    labels = {"training": _of_rows(data.train.labels, data.train), "test": _of_rows(data.test.labels, data.test)}
    inverted = polarity_doubt(images["training"].reshape(-1, *data.image_shape))
    lines = [*_about_scale(data, images), *_about_labels(data, labels["training"])]
    if inverted:
        lines.append(
            "the images' paper is 255 and their ink is 0, the other way round than in all that is predicted: "
            + _mend(data, "data.invert=true", "255 - images")
        )
    likeness = _likeness(data, images["training"], labels["training"], inverted)
    if likeness:
        lines += _about_likeness(data, likeness)
    return [*lines, *_about_duplicates(data, images, labels)]


def polarity_doubt(images: Array) -> bool:
    """Say whether paper and ink look to be the other way round: paper is high at the borders, and most of all pixels.

    Args:
        images: shape (n, height, width), on the scale 0 (paper) … 255 (ink); of many, some are looked at.
    """
    return bool(images.size) and is_inverted(_some_of(images), 0, 255)


def _some_of(images: Array) -> Array:
    """Return some images of all, evenly over them."""
    return images[:: max(1, len(images) // SAMPLE)]


def _of_rows(values: Array, split: Split) -> Array:
    """Return what a split has of an array, without a copy where that is all of it."""
    return values if len(split) == len(values) else values[split.rows]


def _mend(data: Data, keys: str, returned: str) -> str:
    """Return what is to be done: keys for files, or what a function of the user's is to return."""
    if data.reading is not None:
        return keys
    if data.name == "own":
        return f"your function is to return {returned}"
    return f"read them with data=file data.path=FOLDER {keys}".rstrip()


def _about_scale(data: Data, images: dict[str, Array]) -> Iterator[str]:
    for half, some in images.items():
        highest = some.max(initial=0)
        if 0 < highest <= FAINT:
            mend = _mend(data, f"data.range=[0,{highest:g}]", f"images * {255 / highest:g}")
            yield f"no pixel of the {half} images is above {highest:g}, of 255: they are on another scale: {mend}"
        elif not highest:
            yield f"all pixels of the {half} images are 0"


def _about_labels(data: Data, labels: Array) -> Iterator[str]:
    """Yield what is odd about the numbers of examples that the classes have."""
    counts, names = np.bincount(labels, minlength=data.n_classes), data.class_names
    present, empty = np.flatnonzero(counts), np.flatnonzero(counts == 0)
    span = f"labels {shown(names[present[0]])} … {shown(names[present[-1]])}"
    if len(present) == 1:
        yield f"all training images are of class {shown(names[present[0]])}: there is nothing to tell apart"
        return
    if len(empty):
        classes = f"{span}: {len(empty)} of {data.n_classes} classes have no example"
        if set(present) <= set(ASCII_DIGITS):
            mend = _mend(data, "", "labels - 48")
            yield f"{classes}: they are ASCII codes of digits: {mend}"
        elif len(empty) == present[0] and data.reading is None:
            yield f"{classes}: do the labels begin at {present[0]}? {_mend(data, '', f'labels - {present[0]}')}"
        else:
            yield f"{classes} ({some_of([names[i] for i in empty])}): a wrong label?"
    for at in np.flatnonzero(counts == 1)[:3]:
        where = int(np.flatnonzero(labels == at)[0]) + 1
        yield f"label {shown(names[at])} has one example, training image {where:,}: a wrong label?"


def _likeness(data: Data, images: Array, labels: Array, inverted: bool) -> Likeness | None:
    """Return which way round the digits lie; None where the classes are not called by digits, or do not look so."""
    if data.n_classes > len(DIGITS) or not set(data.class_names) <= set(DIGITS):
        return None
    rows = reference.choose(labels, range(data.n_classes))
    some = images[rows].reshape(-1, *data.image_shape).astype(np.float32)
    digits = np.array([int(name) for name in data.class_names], np.intp)[labels[rows]]
    return reference.looks_like(255 - some if inverted else some, digits)


def _about_likeness(data: Data, likeness: Likeness) -> Iterator[str]:
    if likeness.orientation == TRANSPOSED:
        by_columns = bool(data.reading and data.reading["transpose"])
        mend = _mend(data, f"data.transpose={str(not by_columns).lower()}", "images.transpose(0, 2, 1)")
        yield f"the images look like digits that are transposed, rows for columns: {mend}"
    elif likeness.orientation != UPRIGHT:
        yield f"the images look like digits that are {likeness.orientation}: pictures that are read are upright"
    if likeness.shift:
        digits = [(int(name) + likeness.shift) % 10 for name in data.class_names]
        off = "less" if likeness.shift > 0 else "more"
        mend = _mend(data, f"data.labels=[{','.join(map(str, digits))}]", f"(labels + {likeness.shift % 10}) % 10")
        yield f"the images look like digits whose labels are one {off} than the digit: {mend}"


def _about_duplicates(data: Data, images: dict[str, Array], labels: dict[str, Array]) -> Iterator[str]:
    """Yield how many test images are training images, too, and how many images have two labels."""
    train, test = images["training"], images["test"]
    train_firsts, test_firsts = first_equals([train, test])
    seen = int((test_firsts < len(train)).sum())
    if seen:
        whole = "the test set lies within the training set: " if seen == len(test) else ""
        mend = _mend(data, "data.drop_duplicates=true", "a training set without these")
        yield (
            f"{whole}{seen:,} of the {len(test):,} test images are training images, too, and show nothing of digits "
            f"that are new: {mend}"
        )
    firsts, truth = np.concatenate([train_firsts, test_firsts]), np.concatenate([labels["training"], labels["test"]])
    again = np.flatnonzero(firsts != np.arange(len(firsts)))
    contradicted = int((truth[again] != truth[firsts[again]]).sum())
    if contradicted:
        yield f"{contradicted:,} images are there twice, with different labels: npdigits-data shows which"
