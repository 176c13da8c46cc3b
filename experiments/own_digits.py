"""Digits that no network has seen in any form: ``python experiments/own_digits.py RUN [RUN …] --save FOLDER``.

Made here, in ways other than MNIST's: rendered from handwriting-like fonts at odd sizes, places, colours and slants,
and drawn by strokes with the mouse on the exported page. Prints how many of each kind every run reads right. Needs
Chromium and Debian's font packages (``PACKAGES``); what is made depends on nothing but them.
"""

import argparse
import base64
import itertools
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont
from playwright.sync_api import sync_playwright

from npdigits.base.errors import UserError
from npdigits.base.program import Parser, exit_code, nonempty_path
from npdigits.export.page import page
from npdigits.lessons.strokes import STROKES
from npdigits.pictures.pool import form_file
from npdigits.runs import trained
from npdigits.runs.reading import read_digits

PROGRAM = "own_digits.py"
PACKAGES = (
    "fonts-breip fonts-bwht fonts-comic-neue fonts-dancingscript fonts-dkg-handwriting fonts-ecolier-court "
    "fonts-femkeklaver fonts-humor-sans fonts-isabella fonts-kaushanscript fonts-klee fonts-kristi fonts-rufscript"
)
FONTS = (
    *("breip/Breip.ttf", "comic-neue/ComicNeue-Regular.otf", "comic-neue/ComicNeue-Bold.otf", "fifthhorseman/dkg.ttf"),
    *("dancingscript/DancingScript-Regular.otf", "ecolier-court/Ecolier-court.ttf", "femkeklaver/femkeklaver.ttf"),
    *("humor-sans/Humor-Sans.ttf", "isabella/Isabella.ttf", "kaushanscript/KaushanScript-Regular.otf"),
    *("klee/KleeOne-Regular.ttf", "kristi/Kristi.ttf", "rufscript/Rufscript010.ttf"),
    *("bwht/BecauseWeBuild-Regular.otf", "bwht/BecauseWeConnect-Regular.otf", "bwht/BecauseWeCreate-Regular.otf"),
    *("bwht/BecauseWeLearn-Regular.otf", "bwht/BecauseWeMentor-Regular.otf", "bwht/BecauseWeOrganize-Regular.otf"),
)
TYPES = Path("/usr/share/fonts")
DRAWN_OF_EACH = 12


def rendered(folder: Path) -> Iterator[Path]:
    """Write each font's ten digits; yield the files, whose names begin with the digit."""
    for font, digit in itertools.product(FONTS, range(10)):
        rng = np.random.default_rng([FONTS.index(font), digit])
        (file,) = TYPES.glob(f"*/{font}")
        size = int(rng.integers(28, 400))
        glyph = _turned(_glyph(file, digit, size), rng)
        margin = rng.integers(size // 6 + 4, size + 8, 4)
        ink, paper = _colours(rng)
        wide, high = glyph.width + margin[0] + margin[1], glyph.height + margin[2] + margin[3]
        picture = Image.new("RGB", (int(wide), int(high)), paper)
        picture.paste(ink, (int(margin[0]), int(margin[2])), glyph)
        path = folder / f"{digit}-{file.stem}.png"
        picture.save(path)
        yield path


def _glyph(file: Path, digit: int, size: int) -> Image.Image:
    """Return a digit's ink, 0 … 255."""
    image = Image.new("L", (3 * size, 3 * size))
    ImageDraw.Draw(image).text((size, size), str(digit), fill=255, font=ImageFont.truetype(str(file), size))
    box = image.getbbox()
    if box is None:
        raise ValueError(f"{file} has no {digit}")
    return image.crop(box)


def _turned(glyph: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Return it slanted by up to 17 degrees and turned by up to 10, either way."""
    slant, turn = rng.uniform(-0.3, 0.3), rng.uniform(-10, 10)
    wide = glyph.width + int(abs(slant) * glyph.height) + 2
    shift = slant * glyph.height if slant > 0 else 0
    slanted = glyph.transform(
        (wide, glyph.height), Image.Transform.AFFINE, (1, slant, -shift, 0, 1, 0), Image.Resampling.BILINEAR
    )
    return slanted.rotate(turn, Image.Resampling.BILINEAR, expand=True)


def _colours(rng: np.random.Generator) -> tuple[Any, Any]:
    """Return two colours whose grey values are 80 apart at the least."""
    while True:
        ink, paper = rng.integers(0, 256, (2, 3))
        if abs((ink - paper) @ [0.299, 0.587, 0.114]) >= 80:
            return tuple(map(int, ink)), tuple(map(int, paper))


def drawn(folder: Path, run: trained.Trained) -> Iterator[Path]:
    """Draw digits on the page of a run, in Chromium; yield the files of what was on the paper."""
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as scratch:
        file = Path(scratch) / "page.html"
        file.write_text(page(run, None), encoding="utf-8")
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        tab = browser.new_page()
        tab.goto(file.as_uri())
        for digit, n in itertools.product(range(10), range(DRAWN_OF_EACH)):
            rng = np.random.default_rng([1000 + n, digit])
            tab.locator("#clear").click()
            if n in (0, DRAWN_OF_EACH // 2):
                tab.locator("#pen").click()
            for stroke in _by_hand(STROKES[digit], rng):
                box = tab.locator("#paper").bounding_box()
                assert box is not None
                points = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in stroke]
                tab.mouse.move(*points[0])
                tab.mouse.down()
                for point in points[1:]:
                    tab.mouse.move(*point, steps=5)
                tab.mouse.up()
            tab.evaluate("() => new Promise(requestAnimationFrame)")
            url = tab.locator("#paper").evaluate("canvas => canvas.toDataURL()")
            path = folder / f"{digit}-drawn-{n}.png"
            path.write_bytes(base64.b64decode(url.partition(",")[2]))
            yield path
        browser.close()


def _by_hand(strokes: list[list[tuple[float, float]]], rng: np.random.Generator) -> list[list[tuple[float, float]]]:
    """Return strokes as shares of the paper: each point off by a little, the whole slanted, stretched and moved."""
    high = rng.uniform(0.3, 0.8) / 14
    wide, slant = high * rng.uniform(0.7, 1.3), rng.uniform(-0.35, 0.35)
    result = []
    for stroke in strokes:
        points = np.array(stroke) + rng.normal(0, 0.35, (len(stroke), 2)) - [5, 7]
        x, y = wide * points[:, 0] - slant * high * points[:, 1], high * points[:, 1]
        result.append(list(zip(x.tolist(), y.tolist(), strict=True)))
    # Somewhere on the paper where all of it is.
    everything = np.concatenate([np.array(stroke) for stroke in result])
    low, top = 0.06 - everything.min(axis=0), 0.94 - everything.max(axis=0)
    place = rng.uniform(np.minimum(low, top), np.maximum(low, top))
    return [[(x + place[0], y + place[1]) for x, y in stroke] for stroke in result]


def score(run: trained.Trained, files: Sequence[Path]) -> tuple[int, int, list[str]]:
    """Return how many are read right, of how many, and which are not."""
    kept, images, wrong = [], [], []
    for file in files:
        image, reason = form_file(file)
        if image is None:
            wrong.append(f"{file.name}: {reason}")
        else:
            kept.append(file)
            images.append(image)
    read = read_digits(run, kept, np.array(images))
    wrong += [f"{one.file.name}: {one.digits[0]}" for one in read if one.file.name[0] != str(one.digits[0])]
    return len(files) - len(wrong), len(files), sorted(wrong)


def main() -> None:
    """Print a line for each run and kind."""
    parser = Parser(PROGRAM, description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("runs", nargs="+", type=nonempty_path, metavar="RUN")
    parser.add_argument("--save", type=nonempty_path, help="keep the pictures in this folder")
    sys.exit(exit_code(PROGRAM, lambda: read(parser.parse_args())))


def read(chosen: argparse.Namespace) -> int:
    """Make the digits and have every run read them."""
    if missing := [font for font in FONTS if not list(TYPES.glob(f"*/{font}"))]:
        raise UserError(f"not installed: {', '.join(missing)}: apt-get install {PACKAGES}")
    runs = [trained.load_trained(path) for path in chosen.runs]
    with tempfile.TemporaryDirectory() as scratch:
        folder = chosen.save or Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        kinds = {"rendered": list(rendered(folder)), "drawn": list(drawn(folder, runs[0]))}
        for run, (kind, files) in itertools.product(runs, kinds.items()):
            right, n, wrong = score(run, files)
            print(
                f"{run.path}: {kind}: {right} of {n}, {right / n:.1%}; wrong: {'; '.join(wrong) or 'none'}", flush=True
            )
    return 0


if __name__ == "__main__":
    main()
