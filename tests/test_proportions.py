"""Pixels that are not squares: a picture is stretched by the resolutions that its file tells."""

import io

import numpy as np
import pytest
from drawn import drawn
from PIL import Image

from npdigits.pictures.read import LONGEST_SIDE, picture_of, read_page, square_of
from npdigits.pictures.shades import BadPicture

GREY = drawn(5, size=(204, 300))
FLAT = GREY[::2]  # as a fax in its coarse resolution has it


def stored(array, kind, **options):
    content = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(array)).save(content, kind, **options)
    return content.getvalue()


def with_aspect(across, down):
    """Return a JPEG whose densities are no more than a proportion."""
    content = bytearray(stored(FLAT, "JPEG", quality=95))
    assert content[6:11] == b"JFIF\0"
    content[13:18] = bytes([0, 0, across, 0, down])
    return bytes(content)


SAID = {
    "PNG, to the metre": stored(FLAT, "PNG", dpi=(204, 102)),
    "TIFF, to the inch": stored(FLAT, "TIFF", dpi=(204, 102)),
    "TIFF, packed": stored(FLAT, "TIFF", dpi=(204, 102), compression="tiff_lzw"),
    "TIFF, no unit": stored(FLAT, "TIFF", resolution_unit=1, x_resolution=2, y_resolution=1),
    "JPEG, to the inch": stored(FLAT, "JPEG", quality=95, dpi=(204, 102)),
    "JPEG, a proportion": with_aspect(2, 1),
    "BMP": stored(FLAT, "BMP", dpi=(204, 102)),
    "wide": stored(GREY[:, ::2], "PNG", dpi=(102, 204)),
}


@pytest.mark.parametrize("name", SAID)
def test_a_fax_is_as_high_as_it_was(name):
    values = picture_of(SAID[name])
    assert values.shape == GREY.shape
    assert np.abs(values.astype(int) - GREY).mean() < 6


@pytest.mark.parametrize("kind", ["TIFF", "JPEG"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_resolutions_are_of_the_picture_as_it_lies(tmp_path, kind, orientation):
    lying = {1: GREY, 2: GREY[:, ::-1], 3: GREY[::-1, ::-1], 4: GREY[::-1], 5: GREY.T, 6: np.rot90(GREY)}
    lying |= {7: GREY[::-1, ::-1].T, 8: np.rot90(GREY, -1)}
    tags = {"tiffinfo": {274: orientation}} if kind == "TIFF" else {"exif": _exif(orientation), "quality": 95}
    content = stored(lying[orientation][::2], kind, dpi=(204, 102), **tags)
    assert np.abs(picture_of(content).astype(int) - GREY).mean() < 6
    (tmp_path / "page").write_bytes(content)
    values, size = read_page(tmp_path / "page", 100)
    assert max(values.shape) == 100 and values.shape[0] > values.shape[1]
    assert size == ((300, 102) if orientation > 4 else (150, 204))


def _exif(orientation):
    tags = Image.Exif()
    tags[274] = orientation
    return tags


UNSAID = {
    "none": stored(GREY, "PNG"),
    "alike": stored(GREY, "PNG", dpi=(204, 196)),
    "nonsense": stored(GREY, "PNG", dpi=(300, 72)),
    "nothing": stored(GREY, "TIFF", resolution_unit=2, x_resolution=0, y_resolution=300),
    "JPEG of squares": stored(GREY, "JPEG", quality=95),
}


@pytest.mark.parametrize("name", UNSAID)
def test_other_pictures_keep_their_size(name):
    assert picture_of(UNSAID[name]).shape == GREY.shape


def test_large_faxes_are_made_smaller_in_one_step():
    values = picture_of(stored(np.repeat(np.repeat(FLAT, 8, axis=0), 8, axis=1), "PNG", dpi=(204, 102)))
    assert values.shape == (LONGEST_SIDE, round(LONGEST_SIDE * 204 / 300))


def test_small_squares_stay_squares():
    assert square_of(stored(GREY[:28, :28], "PNG", dpi=(204, 102))).shape == (28, 28)


def test_a_damaged_png_is_no_picture_also_where_its_resolutions_differ():
    noise = np.random.default_rng(0).integers(0, 256, (28, 30)).astype(np.uint8)
    content = stored(noise, "PNG", dpi=(204, 98))
    data = content.index(b"IDAT") + 4
    for place in range(data, data + 300, 10):
        damaged = bytearray(content)
        damaged[place] ^= 255
        with pytest.raises(BadPicture, match="damaged"):
            picture_of(bytes(damaged))
