"""What a picture's numbers mean: transparency, and the forms of TIFF that Pillow reads wrong without a word."""

import io
import struct

import numpy as np
import pytest
from drawn import drawn
from picture_files import bmp, png, tiff
from PIL import Image

from npdigits.pictures.mnist_form import to_mnist_form
from npdigits.pictures.read import BadPicture, read_picture


def smooth(pen):
    """Return a digit with smooth edges."""
    large = drawn(4, size=(640, 896), place=(160, 160), unit=32, pen=4 * pen)
    return np.asarray(Image.fromarray(large).reduce(4))


GREY = smooth(11)
ALPHA = 255 - GREY
INK = ALPHA > 127
DIGIT = to_mnist_form(GREY)
RED_GREEN_BLUE_ALPHA = (0xFF0000, 0xFF00, 0xFF, 0xFF000000)


def filled(*values, alpha=ALPHA):
    """Return a picture of one colour, with this alpha."""
    return np.dstack([*(np.full_like(GREY, value) for value in values), alpha])


def by_pillow(array, kind, **options):
    file = io.BytesIO()
    Image.fromarray(array).save(file, kind, **options)
    return file.getvalue()


def deep(array):
    return array.astype(np.uint16) * 257


def seen(tmp_path, content):
    """Return what is read of a file's content."""
    (tmp_path / "picture").write_bytes(content)
    return read_picture(tmp_path / "picture")


def keyed(bits, light):
    """Return a grey PNG of an ink that is white, or black, whose other value is transparent."""
    top = 2**bits - 1
    return png(np.where(INK if light else ~INK, top, 0), bits, transparent=struct.pack(">H", 0 if light else top))


def forms(light):
    """Return files of light ink, or dark, on transparent ground: name -> content."""
    grey = 255 if light else 0
    pixels, two = filled(grey, grey, grey), filled(grey)
    palette = [255 - grey] * 3 + [grey] * 3
    colours = np.dstack([np.where(INK, grey, 255 - grey)] * 3)
    multiplied = np.dstack([*[ALPHA if light else np.zeros_like(ALPHA)] * 3, ALPHA])
    return {
        "PNG": by_pillow(pixels, "PNG"),
        "WebP": by_pillow(pixels, "WEBP", lossless=True),
        "WebP, lossy": by_pillow(pixels, "WEBP", quality=75),
        "TIFF": by_pillow(pixels, "TIFF"),
        "LA": by_pillow(two, "PNG"),
        "LA, TIFF": tiff(two, extra=2),
        "LA, TIFF, multiplied": tiff(multiplied[..., 2:], extra=1),
        "PNG, 16 bits": png(deep(pixels), 16, 6),
        "LA, 16 bits": png(deep(two), 16, 4),
        "TIFF, 16 bits": tiff(deep(pixels), 2, extra=2),
        "TIFF, 16 bits, planes": tiff(deep(pixels), 2, separate=True, extra=2),
        "TIFF, multiplied": tiff(multiplied, 2, extra=1),
        "TIFF, multiplied, planes": tiff(multiplied, 2, separate=True, extra=1),
        "BMP": bmp(pixels, RED_GREEN_BLUE_ALPHA),
        **{f"grey, {bits} bits": keyed(bits, light) for bits in (1, 2, 4, 8, 16)},
        **{f"palette, {bits} bits": png(INK, bits, 3, palette, [0, 255]) for bits in (1, 2, 4, 8)},
        "palette, of one colour": png(INK, 8, 3, [grey] * 6, [0]),
        "RGB": png(colours, 8, 2, transparent=struct.pack(">3H", *[255 - grey] * 3)),
        "RGB, 16 bits": png(deep(colours), 16, 2, transparent=struct.pack(">3H", *[(255 - grey) * 257] * 3)),
    }


LIGHT, DARK = forms(True), forms(False)


@pytest.mark.parametrize("name", LIGHT)
def test_light_ink_on_transparent_ground_is_read_as_dark_ink_on_paper(tmp_path, name):
    sharp = name.startswith(("grey", "palette", "RGB"))
    same = to_mnist_form(np.where(INK, 0, 255).astype(np.uint8)) if sharp else DIGIT
    for content in (LIGHT[name], DARK[name]):
        assert np.corrcoef(to_mnist_form(seen(tmp_path, content)).ravel(), same.ravel())[0, 1] > (
            0.99 if "lossy" in name else 0.9999
        )
    light = seen(tmp_path, LIGHT[name]).astype(int)
    assert np.abs(light - (INK * 255 if sharp else ALPHA)).max() <= 2  # on black
    assert np.abs(seen(tmp_path, DARK[name]).astype(int) - (255 - light)).max() <= 2  # on white


@pytest.mark.parametrize("colour", [(255, 255, 0), (230, 230, 230), (200, 200, 200), (120, 255, 120)])
def test_ink_of_any_light_colour_is_seen(tmp_path, colour):
    uneven = filled(*colour)
    uneven[::3, :, :3] -= np.minimum(uneven[::3, :, :3], 30)  # as chalk
    for pixels in (filled(*colour), uneven):
        assert np.corrcoef(to_mnist_form(seen(tmp_path, by_pillow(pixels, "PNG"))).ravel(), DIGIT.ravel())[0, 1] > 0.99


@pytest.mark.parametrize("pen", [1, 2, 3])
def test_light_strokes_may_be_so_thin_that_they_are_nothing_but_edges(tmp_path, pen):
    dark = smooth(pen)
    light = seen(tmp_path, by_pillow(filled(255, 255, 255, alpha=255 - dark), "PNG"))
    assert np.array_equal(light, 255 - dark)


@pytest.mark.parametrize("deep_too", [False, True], ids=["8 bits", "16 bits"])
def test_smooth_edges_that_are_not_transparent_do_not_darken_light_ink(tmp_path, deep_too):
    values = deep(ALPHA) if deep_too else ALPHA
    values = seen(tmp_path, png(values, 16 if deep_too else 8, transparent=b"\0\0"))
    assert np.abs(values.astype(int) - ALPHA).max() <= 1


def sheet(contrast=255, size=600, top=150, left=200):
    """Return a sheet of paper with a digit on it, cut out: all else is transparent."""
    pixels = np.zeros((size, size, 4), np.uint8)
    place = slice(top, top + GREY.shape[0]), slice(left, left + GREY.shape[1])
    pixels[place] = filled(0, 0, 0, alpha=np.full_like(GREY, 255))
    pixels[(*place, slice(3))] = (255 - ALPHA.astype(int) * contrast // 255)[..., None]
    return pixels


UNCHANGED = {
    "dark ink": filled(0, 0, 0),
    "grey ink": filled(120, 120, 120),
    "red ink": filled(200, 30, 30),
    "blue ink": filled(0, 0, 255),
    "a sheet": sheet(),
    "a sheet with faint ink": sheet(60),
    "a sheet with a margin": sheet(size=240, top=8, left=40),
    "a sheet that is hardly seen through": np.dstack([*[GREY] * 3, np.full_like(GREY, 250)]),
    "half seen": np.dstack([*[GREY] * 3, np.where(np.arange(160) < 90, 255, 0) + 0 * GREY]).astype(np.uint8),
    "light ink, a third of it dark": filled(*[np.where(np.arange(160) < 60, 0, 255)] * 3).astype(np.uint8),
    "nothing": filled(255, 255, 255, alpha=np.zeros_like(GREY)),
}


@pytest.mark.parametrize("name", UNCHANGED)
def test_what_shows_on_white_stays_on_white(tmp_path, name):
    pixels = Image.fromarray(UNCHANGED[name])
    opaque = Image.alpha_composite(Image.new("RGBA", pixels.size, "white"), pixels).convert("RGB")
    expected = seen(tmp_path, by_pillow(np.asarray(opaque), "PNG"))
    assert np.array_equal(seen(tmp_path, by_pillow(UNCHANGED[name], "PNG")), expected)
    assert np.bincount(expected.ravel()).argmax() == 255


@pytest.mark.parametrize("header", [108, 124])
@pytest.mark.parametrize("masks", [RED_GREEN_BLUE_ALPHA, (*RED_GREEN_BLUE_ALPHA[:3], 0)], ids=["mask", "no mask"])
def test_a_bitmap_whose_alpha_nobody_wrote_is_opaque(tmp_path, header, masks):
    pixels = np.dstack([GREY, GREY, GREY, np.zeros_like(GREY)])
    assert np.array_equal(seen(tmp_path, bmp(pixels, masks, header)), GREY)
    assert np.array_equal(
        seen(tmp_path, bmp(np.dstack([GREY, GREY, GREY, np.full_like(GREY, 255)]), masks, header)), GREY
    )


def test_a_key_of_16_bits_is_kept_apart_from_what_differs_by_its_lower_byte(tmp_path):
    values = deep(GREY)
    values[:60] = 7  # a black margin that is transparent; the ink is 0
    assert np.array_equal(seen(tmp_path, png(values, 16, transparent=struct.pack(">H", 7)))[60:], GREY[60:])
    assert seen(tmp_path, png(values, 16, transparent=struct.pack(">H", 7)))[:60].min() == 255
    colours = np.dstack([values] * 3)
    colours[:60] = 0x8001
    assert seen(tmp_path, png(colours, 16, 2, transparent=struct.pack(">3H", *[0x8001] * 3)))[:60].min() == 255


RGB, CMYK = np.dstack([GREY] * 3), filled(0, 0, 0, alpha=ALPHA)
WHOLE = {  # at all depths, with all that a TIFF may hold
    "16 bits": tiff(deep(GREY)),
    "16 bits, big-endian": tiff(deep(GREY), order=">"),
    "16 bits, white is zero": tiff(65535 - deep(GREY), 0),
    "16 bits, white is zero, packed": tiff(65535 - deep(GREY), 0, deflate=True),
    "12 of 16 bits, white is zero": tiff(4095 - GREY.astype(np.uint16) * 16, 0),
    "8 bits, white is zero": tiff(255 - GREY, 0),
    "8 bits, signed": tiff((GREY.astype(np.int16) - 128).astype(np.int8)),
    "16 bits, signed": tiff((GREY.astype(np.int32) * 257 - 32768).astype(np.int16)),
    "16 bits, signed, positive": tiff(GREY.astype(np.int16) * 128),
    "16 bits, signed, big-endian, packed": tiff(GREY.astype(np.int16) * 128, order=">", deflate=True),
    "32 bits": tiff(GREY.astype(np.uint32) * 0x01010101),
    "32 bits, packed": tiff(GREY.astype(np.uint32) * 0x01010101, deflate=True),
    "16 of 32 bits": tiff(GREY.astype(np.uint32) * 257),
    "32 bits, signed": tiff(GREY.astype(np.int32) * 0x00800000),
    "32 bits, signed, big-endian, packed": tiff(GREY.astype(np.int32) * 0x00800000, order=">", deflate=True),
    "floats": tiff((GREY / 255).astype(np.float32)),
    "floats, big-endian": tiff((GREY / 255).astype(np.float32), order=">"),
    "floats, big-endian, packed": tiff((GREY / 255).astype(np.float32), order=">", deflate=True),
    "floats, white is zero": tiff((1 - GREY / 255).astype(np.float32), 0),
    "floats from −1": tiff((GREY / 127.5 - 1).astype(np.float32)),
    "RGB": tiff(RGB, 2),
    "RGB, planes": tiff(RGB, 2, separate=True),
    "RGB, 16 bits": tiff(deep(RGB), 2),
    "RGB, 16 bits, planes": tiff(deep(RGB), 2, separate=True),
    "RGB, 16 bits, planes, big-endian": tiff(deep(RGB), 2, separate=True, order=">"),
    "RGB, 16 bits, planes, packed": tiff(deep(RGB), 2, separate=True, deflate=True),
    "CMYK": tiff(CMYK, 5),
    "CMYK, 16 bits": tiff(deep(CMYK), 5),
    "CMYK, 16 bits, planes": tiff(deep(CMYK), 5, separate=True),
}  # fmt: skip


@pytest.mark.parametrize("name", WHOLE)
def test_of_a_tiff_the_numbers_are_what_it_says_of_them(tmp_path, name):
    assert np.abs(seen(tmp_path, WHOLE[name]).astype(int) - GREY).max() <= 1


# How a picture lies in a file that has this orientation (TIFF 6.0, p. 36).
LYING = {
    1: lambda a: a,
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.swapaxes(0, 1),
    6: lambda a: np.rot90(a),
    7: lambda a: a[::-1, ::-1].swapaxes(0, 1),
    8: lambda a: np.rot90(a, -1),
}


@pytest.mark.parametrize("orientation", LYING)
@pytest.mark.parametrize("deflate", [False, True], ids=["raw", "packed"])
@pytest.mark.parametrize(
    ("array", "options"), [(GREY, {}), (deep(GREY), {}), (deep(RGB), {"photometric": 2, "separate": True})]
)
def test_a_tiff_is_turned_upright(tmp_path, orientation, deflate, array, options):
    content = tiff(LYING[orientation](array), deflate=deflate, orientation=orientation, **options)
    assert np.array_equal(seen(tmp_path, content), GREY)


UNREAD = {
    "64 bits": tiff(GREY.astype(np.uint64)),
    "32 bits, big-endian": tiff(GREY.astype(np.uint32), order=">"),
    "32 bits, white is zero": tiff(GREY.astype(np.uint32), 0),
    "16 bits, white is zero, big-endian": tiff(deep(GREY), 0, order=">"),
    "floats of 64 bits": tiff(GREY / 255),
    "floats of 16 bits": tiff((GREY / 255).astype(np.float16)),
    "RGB, 32 bits": tiff(RGB.astype(np.uint32), 2),
    "LA, 16 bits": tiff(deep(filled(0)), extra=2),
    "LA, planes": tiff(filled(0), extra=2, separate=True),
    "LA, planes, packed": tiff(filled(0), extra=2, separate=True, deflate=True),
}


@pytest.mark.parametrize("name", UNREAD)
def test_what_cannot_be_read_is_named(tmp_path, name):
    with pytest.raises(
        BadPicture, match=r"a TIFF (of a kind that|with its transparency).* is not read: save it"
    ) as caught:
        seen(tmp_path, UNREAD[name])
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("most", [255, 65535])
def test_of_32_bits_the_lowest_are_what_programs_use(tmp_path, most):
    """NumPy's default integers, written as they are, hold bytes or 16 bits."""
    shades = np.linspace(0, most, 24 * 24).reshape(24, 24)
    read_as = []
    for kind in ("int32", "uint16"):
        Image.fromarray(shades.astype(kind)).save(tmp_path / f"{kind}.tif")
        read_as.append(read_picture(tmp_path / f"{kind}.tif"))
    assert np.array_equal(*read_as) and read_as[0].max() == 255
