"""How long pictures take to be read, beside earlier code: ``python experiments/pictures_time.py RUN BEFORE``

BEFORE is a checkout of that code. Small pictures of some kinds, and two photographs of 12 megapixels, are drawn from
the embedded digits; ``npdigits-predict`` of both checkouts reads them in turn. Counted are the processors' seconds of
the whole command, all of its processes and imports included, as those by the clock tell of what else a machine does.
"""

import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from statistics import median

import numpy as np
from PIL import Image

from npdigits.base.arrays import Array
from npdigits.base.program import Parser, nonempty_path, whole_number
from npdigits.base.terminal import show, show_error
from npdigits.base.text import aligned
from npdigits.data.sets import load

HERE = Path(__file__).resolve().parent.parent
# Of a photograph: height and width in pixels, and the digit's side.
PHOTOGRAPH, DIGIT = (3000, 4000), 900

Random = np.random.Generator


def scan(digit: Array, rng: Random) -> Array:
    """Return a digit of 28 × 28, dark on paper of one grey value."""
    paper, ink = rng.integers(200, 256), rng.integers(0, 90)
    grey: Array = np.rint(paper - (paper - ink) * (digit / 255)).astype(np.uint8)
    return grey


def page(digit: Array, rng: Random) -> Array:
    """Return a digit as ink on clean paper of 60 to 200 pixels."""
    side = int(rng.integers(60, 201))
    size = int(rng.uniform(0.5, 0.9) * side)
    ink = Image.new("L", (side, side))
    place = tuple(rng.integers(0, side - size + 1, 2).tolist())
    ink.paste(Image.fromarray(digit).resize((size, size), Image.Resampling.BICUBIC), place)
    return scan(np.asarray(ink), rng)


def photograph(digit: Array, rng: Random) -> Array:
    """Return a digit on paper in soft shade, with a camera's noise, colours of shape (3000, 4000, 3)."""
    height, width = PHOTOGRAPH
    ink = np.zeros(PHOTOGRAPH, np.float32)
    ink[1000 : 1000 + DIGIT, 1500 : 1500 + DIGIT] = np.asarray(Image.fromarray(digit).resize((DIGIT, DIGIT))) / 255
    y, x = np.mgrid[:height, :width].astype(np.float32)
    light = 0.55 + 0.35 * np.exp(-(((x - 0.65 * width) / (0.65 * width)) ** 2) - ((y - 0.3 * height) / height) ** 2)
    grey = 255 * light * (0.95 - 0.85 * ink)
    noise = rng.standard_normal((*PHOTOGRAPH, 3), np.float32)
    colours = grey[:, :, None] * np.array([1, 0.97, 0.9], np.float32) + 3 * noise
    picture: Array = np.clip(colours, 0, 255).astype(np.uint8)
    return picture


SMALL: dict[str, Callable[[Array, Random], Array]] = {
    "MNIST's form": lambda digit, rng: digit,
    "28 × 28, dark on light": scan,
    "clean paper": page,
}
LARGE = {"12 megapixels, JPEG": "jpg", "12 megapixels, PNG": "png"}


def write(folder: Path, n: int) -> dict[str, Path]:
    """Write n small pictures of each kind and the photographs; return the folder of each kind."""
    split, rng = load("mnist_5k").train, np.random.default_rng(0)
    digits = split.images[split.rows].reshape(-1, 28, 28)
    kinds = {name: folder / str(i) for i, name in enumerate((*SMALL, *LARGE))}
    for name, place in kinds.items():
        place.mkdir()
        if name in LARGE:
            Image.fromarray(photograph(digits[0], rng)).save(place / f"photograph.{LARGE[name]}", quality=90)
            continue
        for i in range(n):
            Image.fromarray(SMALL[name](digits[i % len(digits)], rng)).save(place / f"{i:05}.png")
    return kinds


def processor_seconds(code: Path, run: Path, pictures: Path) -> float:
    """Return the processors' seconds that a checkout's ``npdigits-predict`` takes to read a folder.

    Raises:
        RuntimeError: it read nothing.
    """
    before = _used()
    command = [sys.executable, "-m", "npdigits.predict", str(run), str(pictures), "--csv", "-"]
    environment = {**os.environ, "PYTHONPATH": str(code)}
    done = subprocess.run(command, capture_output=True, text=True, cwd=code, env=environment, check=False)
    if done.returncode not in (0, 1):  # 1: some are not sure
        raise RuntimeError(f"{code}: {done.stderr}")
    return _used() - before


def _used() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def main() -> None:
    """Write the pictures, have both read them in turn, print the table."""
    parser = Parser("pictures_time.py", description=(__doc__ or "").partition(":")[0])
    parser.add_argument("run", type=nonempty_path, metavar="RUN", help="a run directory")
    parser.add_argument("before", type=nonempty_path, metavar="BEFORE", help="a checkout of earlier code")
    parser.add_argument(
        "--before-run", type=nonempty_path, metavar="RUN", help="for BEFORE, where it does not know all keys of RUN"
    )
    parser.add_argument("--n", type=whole_number(1, 1_000_000), default=10_000, help="small pictures of each kind")
    parser.add_argument("--repetitions", type=whole_number(1, 1000), default=5, help="of each (default: 5)")
    parser.add_argument("--code", type=nonempty_path, metavar="FOLDER", default=HERE, help="the checkout to measure")
    chosen = parser.parse_args()
    sides = [(chosen.before.resolve(), (chosen.before_run or chosen.run).resolve())]
    sides.append((chosen.code.resolve(), chosen.run.resolve()))
    rows = [["pictures", "n", "before, s", "after, s", "after / before"]]
    with tempfile.TemporaryDirectory() as scratch:
        for name, folder in write(Path(scratch), chosen.n).items():
            pairs = [[processor_seconds(code, run, folder) for code, run in sides] for _ in range(chosen.repetitions)]
            seconds = [f"{median(column):.2f}" for column in zip(*pairs, strict=True)]
            ratio = median(after / before for before, after in pairs)
            rows.append([name, str(1 if name in LARGE else chosen.n), *seconds, f"{ratio:.2f}"])
            show_error("  ".join(rows[-1]))
    show("\n".join(aligned(rows, left=1)))


if __name__ == "__main__":
    main()
