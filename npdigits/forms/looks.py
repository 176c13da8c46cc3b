"""What images look like that are not as they should be: paper where ink should be, digits that lie on their side."""

from collections.abc import Iterator

import numpy as np

from npdigits.base.arrays import Array
from npdigits.data.sets import Data
from npdigits.forms import reference
from npdigits.forms.halves import TEST, Half, ends_of, mend_both, mend_one
from npdigits.forms.reference import TRANSPOSED, UPRIGHT, Likeness
from npdigits.forms.value_range import NEAR, NEARLY_ALL, SAMPLE, border_of

DIGITS = tuple(map(str, range(10)))
# A set is mixed where such a share of its images has the paper that the others have as ink; of these, so much of the
# border is paper, and most of all pixels.
MIXED, OF_BORDER = 0.02, 0.9
# What makes images upright that are transposed, and others.
ACROSS, UPRIGHT_ONES = "images.transpose(0, 2, 1)", "images that are upright"


def about_polarity(data: Data, train: Half, test: Half) -> Iterator[str]:
    """Yield which images have paper where others have ink."""
    paper, ink = ends_of(data)
    change = f"{paper + ink:g} - images"
    said = f"images' paper is {ink:g} and their ink is {paper:g}, the other way round than in"
    if train.is_inverted and test.is_inverted:
        mend = mend_both(data, f"data.invert={str(ink > paper).lower()}", change)
        yield f"the {said} all that is predicted: {mend}"
    elif train.is_inverted or test.is_inverted:
        one, other = (train, test) if train.is_inverted else (test, train)
        yield f"the {one.name} {said} the {other.name} images: {mend_one(data, one.name, 'data.invert', change)}"
    for half in (train, test):
        first, share, is_light = _find_mixed(half.images)
        if first is not None:
            values = (ink, paper) if is_light else (paper, ink)
            yield (
                f"about {share:.0%} of the {half.name} images, such as {half.name} image {first + 1:,}, have paper of "
                f"{values[0]:g} and ink of {values[1]:g}, the others the other way round: make all of them alike; "
                f"{change} turns one over"
            )


def _find_mixed(images: Array) -> tuple[int | None, float, bool]:
    """Return the first image whose paper is what most others have as ink, their share, and whether their paper is 255.

    The image is None where there are few of these, or where many images have no paper around.
    """
    step = max(1, len(images) // SAMPLE)
    some = images[::step]
    if not some.size:
        return None, 0, False
    border = border_of(some) / 255
    around = np.median(border, axis=1)
    is_light, is_dark = around >= 1 - NEAR, around <= NEAR
    if (is_light | is_dark).mean() < NEARLY_ALL or not (is_light.any() and is_dark.any()):
        return None, 0, False
    low, high = np.quantile(border, (1 - OF_BORDER, OF_BORDER), axis=1)
    middle = np.median(some.reshape(len(some), -1), axis=1) / 255
    of_light = bool(is_light.sum() <= is_dark.sum())
    odd = (low >= 1 - NEAR) & (middle >= 1 - NEAR) if of_light else (high <= NEAR) & (middle <= NEAR)
    if not odd.any() or odd.mean() < MIXED:
        return None, 0, False
    return int(odd.argmax()) * step, float(odd.mean()), of_light


def about_orientation(data: Data, train: Half, test: Half) -> Iterator[str]:
    """Yield how images lie that look like digits, and how test images of any kind lie beside the training images."""
    samples = [_sample_of(data, half) for half in (train, test)]
    in_train, in_test = (_likeness(data, sample) for sample in samples)
    if in_train and in_train == in_test:
        yield from _about_both(data, in_train, "images")
    elif in_train and in_test:
        yield from _about_one(data, train, in_train)
        yield from _about_one(data, test, in_test)
    else:
        if in_train:
            yield from _about_both(data, in_train, "training images")
        lies = reference.lies_beside(*samples[1], *samples[0])
        if lies not in (None, UPRIGHT):
            mend = mend_one(data, TEST, "data.transpose", ACROSS if lies == TRANSPOSED else "images that lie as these")
            yield f"the test images lie otherwise than the training images: beside these they are {lies}: {mend}"


def _sample_of(data: Data, half: Half) -> tuple[Array, Array]:
    """Return some images of each class, of many of the first ones, paper low, and their classes."""
    rows = reference.choose(half.labels, range(min(data.n_classes, reference.MOST)))
    return Half(half.name, half.images[rows], half.labels[rows], half.is_inverted).sample_upright, half.labels[rows]


def _likeness(data: Data, sample: tuple[Array, Array]) -> Likeness | None:
    """Return which way round the digits lie; None where the classes are not called by digits, or do not look so."""
    if data.n_classes > len(DIGITS) or not set(data.class_names) <= set(DIGITS):
        return None
    images, labels = sample
    return reference.looks_like(images, np.array([int(name) for name in data.class_names], np.intp)[labels])


def _about_both(data: Data, likeness: Likeness, images: str) -> Iterator[str]:
    """Yield what is said of all images, or of the training images where the test images do not tell."""
    if likeness.orientation == TRANSPOSED:
        by_columns = bool(data.reading and data.reading["transpose"])
        mend = mend_both(data, f"data.transpose={str(not by_columns).lower()}", ACROSS)
        yield f"the {images} look like digits that are transposed, rows for columns: {mend}"
    elif likeness.orientation != UPRIGHT:
        yield f"the {images} look like digits that are {likeness.orientation}: pictures that are read are upright"
    if likeness.shift:
        digits = [(int(name) + likeness.shift) % 10 for name in data.class_names]
        mend = mend_both(data, f"data.labels=[{','.join(map(str, digits))}]", _shifted(likeness))
        yield f"the {images} look like digits whose labels are one {_off(likeness)} than the digit: {mend}"


def _about_one(data: Data, half: Half, likeness: Likeness) -> Iterator[str]:
    """Yield what is said of a half whose other half is otherwise."""
    alone = f"the {half.name} images, unlike the others, look like digits"
    if likeness.orientation != UPRIGHT:
        change = ACROSS if likeness.orientation == TRANSPOSED else UPRIGHT_ONES
        yield f"{alone} that are {likeness.orientation}: {mend_one(data, half.name, 'data.transpose', change)}"
    if likeness.shift:
        mend = mend_one(data, half.name, "data.labels", _shifted(likeness))
        yield f"{alone} whose labels are one {_off(likeness)} than the digit: {mend}"


def _shifted(likeness: Likeness) -> str:
    return f"(labels + {likeness.shift % 10}) % 10"


def _off(likeness: Likeness) -> str:
    return "less" if likeness.shift > 0 else "more"
