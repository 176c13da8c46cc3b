"""Picture files: every format and mode that is promised, and nothing that could do harm."""

import errno
import os
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from drawn import drawn
from PIL import Image

from npdigits.pictures.components import NoDigit
from npdigits.pictures.mnist_form import to_mnist_form
from npdigits.pictures.read import LONGEST_SIDE, MOST_PIXELS, BadPicture, find_pictures, read_picture

GREY = drawn(4)


@pytest.mark.parametrize("ending", ["png", "jpg", "jpeg", "bmp", "tif", "tiff", "webp", "PNG"])
def test_every_format_is_read(tmp_path, ending):
    path = tmp_path / f"digit.{ending}"
    Image.fromarray(GREY).save(path)
    values = read_picture(path)
    assert values.shape == GREY.shape and values.dtype == np.uint8
    assert np.abs(values.astype(int) - GREY).mean() < 3


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "I;16", "F"])
def test_every_mode_is_read(tmp_path, mode):
    path = tmp_path / ("digit.tif" if mode in ("CMYK", "F") else "digit.png")
    if mode == "I;16":
        Image.fromarray(GREY.astype(np.uint16) * 257).save(path)
    elif mode == "F":  # as scientists keep them: 0 to 1
        Image.fromarray((GREY / 255).astype(np.float32)).save(path)
    else:
        Image.fromarray(GREY).convert(mode).save(path)
    assert np.abs(read_picture(path).astype(int) - GREY).mean() < 3


def test_what_is_transparent_is_white_paper(tmp_path):
    pixels = np.zeros((*GREY.shape, 4), np.uint8)
    pixels[..., 3] = 255 - GREY  # black ink, and black that is not seen
    Image.fromarray(pixels).save(tmp_path / "digit.png")
    assert np.abs(read_picture(tmp_path / "digit.png").astype(int) - GREY).max() <= 1
    palette = Image.fromarray(GREY).convert("P")
    palette.info["transparency"] = int(np.asarray(palette)[0, 0])
    palette.save(tmp_path / "palette.png", transparency=palette.info["transparency"])
    assert np.abs(read_picture(tmp_path / "palette.png").astype(int) - GREY).mean() < 3


@pytest.mark.parametrize(("orientation", "turned"), [(3, 2), (6, 3), (8, 1)])
def test_a_photograph_is_turned_upright(tmp_path, orientation, turned):
    exif = Image.Exif()
    exif[0x0112] = orientation
    lying = np.rot90(GREY, -turned)
    Image.fromarray(np.ascontiguousarray(lying)).save(tmp_path / "photo.jpg", exif=exif, quality=95)
    values = read_picture(tmp_path / "photo.jpg")
    assert values.shape == GREY.shape and np.abs(values.astype(int) - GREY).mean() < 3


@pytest.mark.parametrize("ending", ["png", "jpg"])
def test_large_pictures_are_made_smaller(tmp_path, ending):
    Image.fromarray(GREY).resize((3000, 4200)).save(tmp_path / f"large.{ending}")
    values = read_picture(tmp_path / f"large.{ending}")
    assert max(values.shape) <= LONGEST_SIDE and min(values.shape) > LONGEST_SIDE / 2
    small = np.asarray(Image.fromarray(GREY).resize(values.shape[::-1], Image.Resampling.BOX))
    assert np.abs(values.astype(int) - small).mean() < 6


@pytest.mark.parametrize(("width", "height"), [(1, 5000), (50_000, 3), (3000, 2), (2100, 1)])
def test_of_thin_pictures_no_side_is_lost(tmp_path, width, height):
    picture = np.full((height, width), 255, np.uint8)
    picture[: height // 2 + 1, : width // 2] = 0
    Image.fromarray(picture).save(tmp_path / "thin.png")
    values = read_picture(tmp_path / "thin.png")
    assert max(values.shape) == LONGEST_SIDE and min(values.shape) >= 1
    with pytest.raises(NoDigit):
        to_mnist_form(values)


def test_a_digit_is_found_on_a_scanned_page(tmp_path):
    page = np.random.default_rng(0).normal(245, 3, (3508, 2480))
    page[900:1020, 700:820] -= 0.9 * (255.0 - drawn(2, size=(120, 120), place=(30, 20), unit=4.5, pen=7))
    Image.fromarray(np.clip(page, 0, 255).astype(np.uint8)).save(tmp_path / "scan.png")
    assert (
        np.corrcoef(to_mnist_form(read_picture(tmp_path / "scan.png")).ravel(), to_mnist_form(drawn(2)).ravel())[0, 1]
        > 0.85
    )


def test_of_several_pages_the_first_is_read(tmp_path):
    first, second = Image.fromarray(GREY), Image.fromarray(drawn(7))
    first.save(tmp_path / "two.tif", save_all=True, append_images=[second])
    assert np.array_equal(read_picture(tmp_path / "two.tif"), GREY)


def png(width, height, content=b""):
    """Return a PNG that says it is this large, whatever is in it."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", content) + chunk(b"IEND", b"")


BROKEN = {
    "empty.png": b"",
    "text.png": b"hello",
    "page.svg": b"<svg xmlns='http://www.w3.org/2000/svg'/>",
    "other.gif": b"GIF89a"
    + bytes([1, 0, 1, 0, 128, 0, 0, 255, 255, 255, 0, 0, 0, 44, *bytes(4), 1, 0, 1, 0, 0, 2, 2, 68, 1, 0, 59]),
    "script.eps": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n(%pipe%id) (r) file\n",
    "half.png": png(100, 100, zlib.compress(bytes(101 * 100))[:20]),
    "nothing.png": png(0, 0),
    "bomb.png": png(60_000, 60_000, zlib.compress(bytes(10**6))),
    "wide.png": png(MOST_PIXELS + 1, 1, zlib.compress(bytes(10**6))),
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_broken_or_hostile_is_refused_in_a_line(tmp_path, name):
    (tmp_path / name).write_bytes(BROKEN[name])
    with pytest.raises(BadPicture, match=r"formats|damaged|pixels") as caught:
        read_picture(tmp_path / name)
    assert "\n" not in str(caught.value)
    if name in ("bomb.png", "wide.png"):
        assert "allowed are 50,000,000" in str(caught.value)


@pytest.mark.parametrize("ending", ["png", "jpg", "webp", "tif", "bmp"])
def test_cut_and_flipped_files_never_end_the_program(tmp_path, ending):
    path = tmp_path / f"digit.{ending}"
    Image.fromarray(GREY).save(path)
    whole, rng = path.read_bytes(), np.random.default_rng(0)
    refused = 0
    for case in range(60):
        content = bytearray(whole)
        if case % 2:
            del content[rng.integers(1, len(content)) :]
        else:
            for place in rng.integers(0, min(len(content), 400), 8):
                content[place] ^= 1 << rng.integers(8)
        path.write_bytes(content)
        try:
            assert read_picture(path).ndim == 2
        except BadPicture as error:
            refused += 1
            assert "\n" not in str(error)
    assert refused > 5


def test_links_are_followed_and_folders_that_cannot_be_opened_are_named(tmp_path, monkeypatch):
    for name in ("a/one.png", "named.png/two.png", "closed/three.png"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).touch()
    (tmp_path / "a" / "around").symlink_to(tmp_path)
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "a" / "linked").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "elsewhere" / "four.png").touch()

    def refuse(original):
        def call(path, *rest):
            if str(path).endswith("closed"):
                raise PermissionError(errno.EACCES, "Permission denied")
            return original(path, *rest)

        return call

    monkeypatch.setattr(os, "scandir", refuse(os.scandir))  # root may open any
    monkeypatch.chdir(tmp_path)
    # The circle leads to each folder once, by whichever way is met first.
    assert sorted(path.name for path in find_pictures(["a"])) == ["closed", "four.png", "one.png", "two.png"]
    assert list(find_pictures(["closed"])) == [Path("closed")]
    with pytest.raises(BadPicture, match="Permission denied"):
        read_picture(tmp_path / "closed")


@pytest.mark.parametrize(
    ("ink", "paper"), [("yellow", "white"), ("red", "green"), ("red", "blue"), ("blue", "black"), ("black", "white")]
)
@pytest.mark.parametrize("ending", ["png", "jpg"])
def test_ink_may_be_as_light_as_the_paper(tmp_path, ink, paper, ending):
    picture = Image.composite(
        Image.new("RGB", GREY.shape[::-1], paper), Image.new("RGB", GREY.shape[::-1], ink), Image.fromarray(GREY)
    )
    picture.save(tmp_path / f"a.{ending}", quality=95)
    shape = to_mnist_form(GREY)
    assert np.corrcoef(to_mnist_form(read_picture(tmp_path / f"a.{ending}")).ravel(), shape.ravel())[0, 1] > 0.98


@pytest.mark.parametrize("bits", [8, 10, 12, 16])
def test_pictures_of_16_bits_may_use_fewer(tmp_path, bits):
    values = (GREY.astype(float) * (2**bits - 1) / 255).astype(np.uint16)
    Image.fromarray(values).save(tmp_path / "a.tif")
    assert np.abs(read_picture(tmp_path / "a.tif").astype(int) - GREY).max() <= 1


def test_a_photograph_with_a_damaged_exif_block_is_read(tmp_path):
    image, exif = Image.fromarray(GREY), Image.Exif()
    exif[0x0112], exif[0x010E] = 3, "a description that is long enough to be cut"
    image.save(tmp_path / "whole.jpg", exif=exif, quality=95)
    content = (tmp_path / "whole.jpg").read_bytes()
    start = content.index(b"Exif")
    (tmp_path / "cut.jpg").write_bytes(content[: start + 10] + b"\xff" * 20 + content[start + 30 :])
    assert np.abs(read_picture(tmp_path / "cut.jpg").astype(int) - GREY).mean() < 3


def test_files_are_found_in_folders_in_order(tmp_path):
    for name in ("b.png", "a.JPG", "deep/er/c.webp", "notes.txt", "deep/d.HEIC"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    names = [path.relative_to(tmp_path).as_posix() for path in find_pictures([tmp_path])]
    assert names == ["a.JPG", "b.png", "deep/d.HEIC", "deep/er/c.webp"]  # notes are no pictures; of d one is told
    named = [tmp_path / "notes.txt", tmp_path / "b.png", tmp_path / "nowhere.png"]
    assert list(find_pictures(named)) == named
    (tmp_path / "bare").mkdir()
    assert list(find_pictures([tmp_path / "bare"])) == [tmp_path / "bare"]


def test_a_folder_too_deep_to_be_opened_is_named(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for _ in range(20):  # by steps, as no path may be so long
        os.mkdir("d" * 250)  # noqa: PTH102
        os.chdir("d" * 250)
    Image.fromarray(GREY).save("a.png")
    (tmp_path / "loop").symlink_to("loop")
    (only,) = find_pictures([tmp_path])
    with pytest.raises(BadPicture, match="File name too long"):
        read_picture(only)


def test_values_that_are_no_numbers_are_paper(tmp_path):
    values = GREY.astype(np.float32)
    values[0, 0], values[0, 1], values[1, 0] = np.nan, np.inf, -np.inf
    Image.fromarray(values).save(tmp_path / "a.tif")
    seen = read_picture(tmp_path / "a.tif")
    assert np.abs(seen.astype(int) - GREY).max() <= 1 and GREY[0, 0] == GREY[1, 0]
    Image.fromarray(np.full((9, 9), np.nan, np.float32)).save(tmp_path / "a.tif")
    with pytest.raises(BadPicture, match="none of its values is a number"):
        read_picture(tmp_path / "a.tif")


def test_of_lab_the_lightness_is_read(tmp_path):
    middle = Image.new("L", GREY.shape[::-1], 128)
    Image.merge("LAB", [Image.fromarray(GREY), middle, middle]).save(tmp_path / "a.tif")
    assert np.array_equal(read_picture(tmp_path / "a.tif"), GREY)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("nowhere.png", "No such file or directory"),
        ("bare", r"a folder without pictures; their names end in \.png, "),
        ("loop.png", "Too many levels of symbolic links"),
        ("pipe.png", "no file, but a device or a pipe"),
    ],
)
def test_what_is_no_file_is_said_to_be_none(tmp_path, name, message):
    (tmp_path / "bare").mkdir()
    (tmp_path / "loop.png").symlink_to("loop.png")
    os.mkfifo(tmp_path / "pipe.png")
    with pytest.raises(BadPicture, match=message):
        read_picture(tmp_path / name)
