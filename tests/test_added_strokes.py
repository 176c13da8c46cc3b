"""Strokes that digits get: what is drawn, into which digits, where, and that it depends on nothing else."""

import contextlib
import dataclasses

import numpy as np
import pytest
from made import read_summary, write_set
from typed import typed

import npdigits
from npdigits.base.errors import ConfigError
from npdigits.base.npz import read_npz
from npdigits.base.random import stream
from npdigits.config.compose import compose
from npdigits.config.identity import identity
from npdigits.data.added_strokes import NUMBERS, AddedStrokes, check_digits
from npdigits.data.ink import Moments
from npdigits.data.sets import load
from npdigits.data.stroke_places import ABOVE_LEVEL, MOST_SLANT, NARROWEST, NUMBERS_OF_PLACE, PLACES, WIDEST
from npdigits.train import run

SHAPE, MIDDLE = (28, 28), 13.5
ROW, COLUMN = np.indices(SHAPE)


def uniform(n, seed=0):
    return stream(seed, "test").random((n, NUMBERS))


def after(images, labels, share=1.0, numbers=None):
    """Return images with strokes added."""
    images = np.array(images).reshape(len(images), -1)
    AddedStrokes(SHAPE, share)(uniform(len(images)) if numbers is None else numbers, np.array(labels), images)
    return images.reshape(-1, *SHAPE)


def stem(slant=0.0, length=20, width=3):
    """Return a 1 without upstroke, leaning to the right by so many degrees."""
    angle = np.radians(slant)
    along = (ROW - MIDDLE) * np.cos(angle) - (COLUMN - MIDDLE) * np.sin(angle)
    beside = (COLUMN - MIDDLE) * np.cos(angle) + (ROW - MIDDLE) * np.sin(angle)
    inside = np.minimum(length / 2 - abs(along), width / 2 - abs(beside))
    return np.rint(255 * np.clip(inside + 0.5, 0, 1)).astype(np.uint8)


def ring(high=8.5, wide=6.0, width=2.5, slant=0.0):
    """Return a 0."""
    away = np.hypot((ROW - MIDDLE) / high, (COLUMN - MIDDLE + slant * (ROW - MIDDLE)) / wide)
    return np.rint(255 * np.clip(width / 2 + 0.5 - abs(away - 1) * (high + wide) / 2, 0, 1)).astype(np.uint8)


def with_foot():
    image = stem(20)
    image[22:25, 4:17] = 255
    return image


DIGITS = {0: ring(), 1: stem()}


def centre(image):
    return np.array([(axis * image.astype(float)).sum() / image.sum() for axis in (ROW, COLUMN)])


def lies_in(old, new):
    """Say whether an image is in another, at least as dark, moved by whole pixels."""
    moves = [(down, right) for down in range(-6, 7) for right in range(-6, 7)]
    return any((new >= np.roll(old, move, (0, 1))).all() for move in moves)


@pytest.mark.parametrize("digit", range(10))
def test_0s_and_1s_get_strokes_and_others_none(digit):
    image = DIGITS.get(digit, DIGITS[0])
    changed = [(new != image).any() for new in after([image] * 40, [digit] * 40)]
    assert all(changed) if digit in PLACES else not any(changed)


def test_the_share_of_them_gets_some():
    images, labels = [DIGITS[1]] * 4000, [1] * 4000
    assert (after(images, labels, share=0.0) == DIGITS[1]).all()
    changed = (after(images, labels, share=0.3) != DIGITS[1]).any(axis=(1, 2)).mean()
    assert abs(changed - 0.3) < 4 * np.sqrt(0.3 * 0.7 / 4000)


@pytest.mark.parametrize("digit", DIGITS)
def test_the_ink_stays_and_what_is_added_is_as_dark_and_about_as_wide(digit):
    pale = ((with_foot() if digit else ring()) * 0.6).astype(np.uint8)
    old = pale.astype(float).sum()
    for new in after([pale] * 100, [digit] * 100):
        assert new.max() == pale.max()
        assert lies_in(pale, new)
        added = new.astype(float).sum() - old
        assert 0.02 * old < added < 2 * old


@pytest.mark.parametrize("digit", DIGITS)
def test_the_middle_of_the_ink_stays_where_it_was(digit):
    """Within half a pixel, as images are moved by whole ones."""
    before = centre(DIGITS[digit])
    away = [centre(new) - before for new in after([DIGITS[digit]] * 200, [digit] * 200)]
    assert np.abs(away).max() < 0.6


def moments(image):
    """Return an image's moments."""
    return Moments(SHAPE)(image.reshape(1, -1))[0]


def with_flags(leaning):
    """Return the moments of a 1 that is spread more across its stem, so that it is no mere line."""
    ink, angle = moments(stem(leaning)), np.radians(leaning)
    down, right = np.sin(angle), np.cos(angle)
    return ink._replace(rr=ink.rr + 3 * down**2, rc=ink.rc + 3 * down * right, cc=ink.cc + 3 * right**2)


def places(ink, digit, n=500):
    """Return n drawings of a digit's strokes: a list each, and whether they are the whole digit."""
    return [PLACES[digit](ink, u) for u in stream(1, "test").random((n, NUMBERS_OF_PLACE)).tolist()]


def ends(strokes):
    """Return starts and ends, (row, column) each, as arrays."""
    both = np.array([(stroke.r0, stroke.c0, stroke.r1, stroke.c1) for stroke in strokes])
    return both[:, :2], both[:, 2:]


@pytest.mark.parametrize("slant", [-30, -15, 0, 20, 40, 70])
def test_an_upstroke_begins_at_the_upper_end_and_goes_to_the_lower_left(slant):
    drawn = [strokes for strokes, anew in places(with_flags(slant), 1) if not anew]
    assert len(drawn) == 500
    ups, feet = [strokes[0] for strokes in drawn], [strokes[1] for strokes in drawn if len(strokes) > 1]
    angle = np.radians(slant)
    top, base = (MIDDLE + sign * 8.5 * np.array([-np.cos(angle), np.sin(angle)]) for sign in (1, -1))
    start, end = ends(ups)
    assert np.hypot(*(start - top).T).max() < 1.5
    down, right = (end - start).T
    assert (down > 0).all()
    # From the stem's line down, to the left; never so level that the 1 would be a 7.
    from_below = np.degrees(np.arctan2(-right, down))
    assert (from_below - slant).min() > NARROWEST - 1 and (from_below - slant).max() < WIDEST + 1
    if slant <= 45:
        assert from_below.max() < 90 - ABOVE_LEVEL + 0.1
    lengths = np.array([stroke.length for stroke in ups])
    assert 5.5 < lengths.min() < 7 and 15 < lengths.max() < 17
    # A foot lies level about the lower end, on both sides of it.
    left, right = ends(feet)
    assert 0.15 < len(feet) / len(ups) < 0.35
    assert (left[:, 1] < base[1] - 1).all() and (right[:, 1] > base[1] + 1).all()
    assert np.abs(left[:, 0] - base[0]).max() < 2.5


@pytest.mark.parametrize("leaning", [-40, 0, 25, 40])
def test_plain_1s_are_drawn_anew_as_high_as_they_were_and_more_upright(leaning):
    drawn = places(moments(stem(leaning)), 1)
    assert all(anew for _, anew in drawn)
    start, end = ends([strokes[1] for strokes, _ in drawn])
    high, right = (end - start).T
    assert np.abs(high - 20 * np.cos(np.radians(leaning)) + 3).max() < 2
    slopes = right / high
    assert MOST_SLANT - 0.03 < slopes.max() < MOST_SLANT + 0.07
    assert -MOST_SLANT - 0.07 < slopes.min() < -MOST_SLANT + 0.03
    for strokes, _ in drawn:  # joined at the tip, by one pen
        up, down = strokes[:2]
        assert up[:2] == down[:2] and up.width == down.width
    pens = np.array([strokes[0].width for strokes, _ in drawn])
    assert 1.4 < pens.min() < 1.6 and 3.1 < pens.max() < 3.4
    start, end = ends([strokes[0] for strokes, _ in drawn])
    from_below = np.degrees(np.arctan2(*(start - end).T[::-1] * [[1], [-1]]))
    assert from_below.max() < 90 - ABOVE_LEVEL + 0.1
    images = after([stem(leaning)] * 100, [1] * 100)
    if leaning in (-40, 40):  # nothing is left of the stem that it had
        assert not any(lies_in(stem(leaning), image) for image in images)
    height = [np.ptp(np.flatnonzero(image.max(axis=1) > 127)) + 1 for image in images]
    assert 0.9 < np.mean(height) / (np.ptp(np.flatnonzero(stem(leaning).max(axis=1) > 127)) + 1) < 1.15


@pytest.mark.parametrize("image", [with_foot(), stem(70)], ids=["foot", "lying"])
def test_1s_that_are_no_plain_line_or_lie_keep_their_ink(image):
    assert not any(anew for _, anew in places(moments(image), 1))


@pytest.mark.parametrize(("high", "wide", "slant"), [(8.5, 6.0, 0.0), (8.5, 3.5, 0.4), (6.0, 8.5, 0.0), (8.5, 8.5, 0)])
def test_a_slash_goes_through_the_middle_of_a_0_from_side_to_side(high, wide, slant):
    start, end = (
        ends - MIDDLE
        for ends in ends([stroke for (stroke,), anew in places(moments(ring(high, wide, slant=slant)), 0) if not anew])
    )
    assert (start[:, 0] > 0).all() and (end[:, 0] < 0).all()  # from below to above
    assert np.abs(start[:, 0] * end[:, 1] - start[:, 1] * end[:, 0]).max() < 1e-6  # through the middle
    # How far the ends are, of the ring: within it and beyond it.
    reach = np.hypot(end[:, 0] / high, (end[:, 1] + slant * end[:, 0]) / wide)
    assert 0.5 < reach.min() < 0.7 and 1.3 < reach.max() < 1.6
    assert 0.65 < ((end[:, 1] + slant * end[:, 0]) > 0).mean() < 0.85  # rising to the right


def test_the_paper_within_a_0_is_inked():
    assert DIGITS[0][13:15, 13:15].max() == 0
    assert all(new[11:17, 11:17].max() > 250 for new in after([DIGITS[0]] * 100, [0] * 100))


def test_what_is_drawn_into_an_image_depends_on_no_other():
    labels = np.array([0, 1, 7, 3, 1, 1, 0, 7, 9, 1] * 6)
    images = np.stack([DIGITS.get(label, DIGITS[1]) for label in labels])
    numbers = uniform(len(labels), 3)
    together = after(images, labels, 0.8, numbers)
    for size in (1, 7):
        parts = [slice(start, start + size) for start in range(0, len(labels), size)]
        apart = np.concatenate([after(images[part], labels[part], 0.8, numbers[part]) for part in parts])
        assert apart.tobytes() == together.tobytes()
    of_floats = after(images.astype(np.float32), labels, 0.8, numbers)
    np.testing.assert_array_equal(of_floats, together)


def test_paper_stays_paper_and_small_images_are_drawn_into():
    blank = np.zeros((4, 28, 28), np.uint8)
    assert not after(blank, [0, 1, 1, 1]).any()
    images = np.full((30, 7 * 9), 200, np.uint8)
    AddedStrokes((7, 9), 1.0)(uniform(30), np.array([0, 1, 1] * 10), images)
    assert images.max() == 200


def set_of(folder, classes=10, shape=SHAPE, n=200):
    """Write a data set of bars, of so many classes; return how it is typed."""
    labels = (np.arange(n) % classes).astype(np.uint8)
    images = np.zeros((n, *shape), np.uint8)
    images[:, 2:-2, shape[1] // 2] = 255
    write_set(folder, (images, labels), (images[:50], labels[:50]))
    return ("data=idx", f"data.dir={folder}", "epochs=1", "hidden=4")


@pytest.mark.parametrize("options", [(), ("-m", "seed=1,2", "workers=0")])
def test_data_of_no_digits_are_refused_in_one_line_and_nothing_is_written(tmp_path, options):
    keys = *options, *set_of(tmp_path / "set", classes=9), "out=there", "added_strokes=0.25"
    done = typed(*keys, cwd=tmp_path)
    assert done.returncode == 2 and not (tmp_path / "there").exists()
    says = "added_strokes=0.25: allowed with images of the digits 0 to 9 only; the classes of idx are others"
    assert done.stderr.splitlines()[-1].endswith(says)


@pytest.mark.parametrize(
    ("shape", "says"),
    [((28, 6), "with images of the digits 0 to 9 only, of 7 × 7 pixels at least, not of 28 × 6"), ((7, 9), "")],
)
def test_images_that_are_too_small_are_refused(tmp_path, shape, says):
    half = np.zeros((20, *shape), np.uint8), np.arange(20, dtype=np.uint8) % 10
    source = load("idx", folder=write_set(tmp_path, half, half))
    with pytest.raises(ConfigError, match=says) if says else contextlib.nullcontext():
        check_digits(0.25, source)


def test_sets_of_ten_other_classes_are_refused_by_name():
    source = load("mnist_5k")
    check_digits(0.5, source)
    for name in ("fashion_mnist", "kmnist"):
        other = dataclasses.replace(source, name=name)
        check_digits(0.0, other)
        with pytest.raises(ConfigError, match=rf"^added_strokes=0.5: .* the classes of {name} are others$"):
            check_digits(0.5, other)
    named = dataclasses.replace(source, classes=tuple("abcdefghij"))
    with pytest.raises(ConfigError):
        check_digits(0.5, named)
    check_digits(0.5, dataclasses.replace(source, classes=tuple("0123456789")))


@pytest.mark.parametrize("augment", ["none", "affine"])
def test_a_run_shows_what_it_draws_and_off_is_no_key_of_its_identity(tmp_path, augment):
    plain = (*set_of(tmp_path / "set"), f"augment={augment}", "plots=false", "quiet=true")
    for name, more in (("off", ()), ("zero", ("added_strokes=0",)), ("on", ("added_strokes=1",))):
        run(compose([*plain, *more]), tmp_path / name)
    off, zero, on = (read_summary(tmp_path / name)["identity"] for name in ("off", "zero", "on"))
    assert off == zero != on
    files = [(tmp_path / name / "metrics.csv").read_bytes() for name in ("off", "zero", "on")]
    assert files[0] == files[1] != files[2]
    assert (tmp_path / "off" / "distorted.npz").exists() == (augment == "affine")
    shown = read_npz(tmp_path / "on" / "distorted.npz")
    originals, drawn = shown["originals"], shown["distorted"]
    more = drawn.astype(float).sum(axis=2).mean(axis=1) / originals.astype(float).sum(axis=1)
    assert (more[[0, 1]] > 1.2).all() and (np.delete(more, [0, 1]) < 1.1).all()
    if augment == "none":
        assert (np.delete(drawn, [0, 1], axis=0) == np.delete(originals, [0, 1], axis=0)[:, None]).all()


def test_the_key_is_in_an_identity_only_where_strokes_are_added():
    assert "added_strokes" not in identity(compose([]), "0" * 64)
    assert identity(compose(["added_strokes=0.3"]), "0" * 64)["added_strokes"] == 0.3


def test_the_estimator_draws_them_into_digits_alone():
    rng = np.random.default_rng(0)
    labels = np.arange(300) % 10
    images = np.stack([DIGITS.get(label, stem(30)) for label in labels]) * (rng.random((300, 1, 1)) > 0.1)
    images = images.astype(np.uint8)
    plain, more = (npdigits.Classifier(epochs=1, added_strokes=share).fit(images, labels) for share in (0, 0.5))
    assert plain.weights_[0].tobytes() != more.weights_[0].tobytes()
    as_text = npdigits.Classifier(epochs=1, added_strokes=0.5).fit(images, labels.astype(str))
    assert as_text.weights_[0].tobytes() == more.weights_[0].tobytes()
    with pytest.raises(ValueError, match=r"^added_strokes=0.5: .* the classes of X are others$"):
        npdigits.Classifier(epochs=1, added_strokes=0.5).fit(images, labels + 1)
    with pytest.raises(ValueError, match=r"^added_strokes=0.5: .* not of 1 × 784$"):
        npdigits.Classifier(epochs=1, added_strokes=0.5).fit(images.reshape(300, -1), labels)
