"""What a data set can hardly be: values upside down, labels that are no classes, test digits among training digits."""

from collections.abc import Iterator

import numpy as np

from npdigits.base.arrays import Array
from npdigits.base.text import counted
from npdigits.data.sets import Data, Split
from npdigits.forms.class_labels import ASCII_DIGITS, shown, some_of
from npdigits.forms.duplicates import first_equals
from npdigits.forms.halves import TEST, TRAINING, Half, ends_of, mend_both, mend_one, rows_of
from npdigits.forms.looks import about_orientation, about_polarity
from npdigits.forms.value_range import SAMPLE, is_inverted

# Images of which no pixel is higher, of 255, are on another scale.
FAINT = 16


def doubts(data: Data) -> list[str]:
    """Return a line for each thing about a data set that is probably not as the user means it, and what mends it.

    It runs at each start with a set of the user's own: 45 ms for 60,000 + 10,000 images of 28 × 28.
    """
    train, test = _half_of(data, TRAINING, data.train), _half_of(data, TEST, data.test)
    return [
        *_about_scale(data, train, test),
        *_about_labels(data, train.labels),
        *about_polarity(data, train, test),
        *about_orientation(data, train, test),
        *_about_duplicates(data, train, test),
    ]


def polarity_doubt(images: Array) -> bool:
    """Say whether paper and ink look to be the other way round: paper is high at the borders, and most of all pixels.

    Args:
        images: shape (n, height, width), on the scale 0 (paper) … 255 (ink); of many, some are looked at.
    """
    some = images[:: max(1, len(images) // SAMPLE)]
    return bool(some.size) and is_inverted(some, 0, 255)


def _half_of(data: Data, name: str, split: Split) -> Half:
    images = rows_of(split.images, split).reshape(-1, *data.image_shape)
    return Half(name, images, rows_of(split.labels, split), polarity_doubt(images))


def _about_scale(data: Data, train: Half, test: Half) -> Iterator[str]:
    """Yield what is odd about the values, which are named as they are stored."""
    paper, ink = ends_of(data)
    highest = [float(half.images.max(initial=0)) for half in (train, test)]
    of_all = max(highest)
    for half, high in zip((train, test), highest, strict=True):
        if not high:
            yield f"all pixels of the {half.name} images are {paper:g}"
        elif high <= FAINT:
            if of_all <= FAINT:
                low, end = sorted((paper, paper + of_all / 255 * (ink - paper)))
                mend = mend_both(data, f"data.range=[{low:g},{end:g}]", f"images * {255 / of_all:g}")
            else:
                mend = mend_one(data, half.name, "data.range", f"images * {255 / high:g}")
            stored, beyond = paper + high / 255 * (ink - paper), "above" if ink > paper else "below"
            yield (
                f"no pixel of the {half.name} images is {beyond} {stored:g}, of {ink:g}: they are on another scale: "
                f"{mend}"
            )


def _about_labels(data: Data, labels: Array) -> Iterator[str]:
    """Yield what is odd about the numbers of examples that the classes have."""
    counts, names = np.bincount(labels, minlength=data.n_classes), data.class_names
    present, empty = np.flatnonzero(counts), np.flatnonzero(counts == 0)
    span = f"labels {shown(names[present[0]])} … {shown(names[present[-1]])}"
    if len(present) == 1:
        yield f"all training images are of class {shown(names[present[0]])}: there is nothing to tell apart"
        return
    if len(empty):
        have = "has" if len(empty) == 1 else "have"
        classes = f"{span}: {len(empty)} of {data.n_classes} classes {have} no example"
        if set(present) <= set(ASCII_DIGITS):
            mend = mend_both(data, "", "labels - 48")
            yield f"{classes}: they are ASCII codes of digits: {mend}"
        elif len(empty) == present[0] and data.reading is None:
            yield f"{classes}: do the labels begin at {present[0]}? {mend_both(data, '', f'labels - {present[0]}')}"
        else:
            yield f"{classes} ({some_of([names[i] for i in empty])}): a wrong label?"
    for at in np.flatnonzero(counts == 1)[:3]:
        where = int(np.flatnonzero(labels == at)[0]) + 1
        yield f"label {shown(names[at])} has one example, training image {where:,}: a wrong label?"


def _about_duplicates(data: Data, train: Half, test: Half) -> Iterator[str]:
    """Yield how many test images are training images, too, and how many images have two labels."""
    train_firsts, test_firsts = first_equals([train.images, test.images])
    seen = int((test_firsts < len(train.images)).sum())
    if seen:
        whole = "the test set lies within the training set: " if seen == len(test.images) else ""
        mend = mend_both(data, "data.drop_duplicates=true", "a training set without these")
        them, show = ("is a training image", "shows") if seen == 1 else ("are training images", "show")
        yield (
            f"{whole}{seen:,} of the {len(test.images):,} test images {them}, too, and {show} nothing of digits "
            f"that are new: {mend}"
        )
    firsts, truth = np.concatenate([train_firsts, test_firsts]), np.concatenate([train.labels, test.labels])
    contradicted = np.flatnonzero(truth != truth[firsts])
    if len(contradicted):
        again, first = contradicted[0], firsts[contradicted[0]]

        def image(i: int) -> str:
            number = i + 1 if i < len(train.images) else i + 1 - len(train.images)
            half = TRAINING if i < len(train.images) else TEST
            return f"{half} image {number:,} is {shown(data.class_names[truth[i]])}"

        many = counted(len(contradicted), "image is there twice, with", "images are there twice, with")
        yield f"{many} different labels: {image(again)}, its twin {image(first)}"
