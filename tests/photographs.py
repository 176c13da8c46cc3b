"""Photographs of digits that there are none of: ink on paper in uneven light, larger, turned a little, as JPEG."""

from pathlib import Path

import numpy as np
from PIL import Image, ImageFilter


def photograph(image, rng):
    """Return a picture, bytes of shape (height, width, 3), as a camera would take it of a digit on paper.

    Args:
        image: of 0 (paper) … 255 (ink), bytes of shape (28, 28).
        rng: draws the size, the turn, the light and the noise.
    """
    side = int(rng.integers(90, 160))
    large = Image.fromarray(image).resize((side, side), Image.Resampling.BICUBIC)
    turned = large.rotate(float(rng.normal(0, 5)), resample=Image.Resampling.BICUBIC)
    height, width = (int(side * rng.uniform(1.2, 1.8)) for _ in range(2))
    top, left = int(rng.integers(0, height - side + 1)), int(rng.integers(0, width - side + 1))
    sheet = Image.new("L", (width, height))
    sheet.paste(turned, (left, top))
    ink = np.asarray(sheet.filter(ImageFilter.GaussianBlur(float(rng.uniform(0.5, 2)))))[..., None] / 255
    y, x = np.mgrid[0:height, 0:width]
    direction = rng.uniform(0, 2 * np.pi)
    slope = (np.cos(direction) * x / width + np.sin(direction) * y / height + 1) / 2
    light = 1 - rng.uniform(0.1, 0.4) * slope[..., None]
    paper, pen = np.array([235, 230, 215]), np.array([30, 30, 70])
    noise = rng.normal(0, rng.uniform(1, 5), (height, width, 3))
    return np.clip((paper * (1 - ink) + pen * ink) * light + noise, 0, 255).astype(np.uint8)


def write_photographs(folder: Path, images, labels, seed=0):
    """Write a photograph of each digit into the folder of its class; return the files in order."""
    rng = np.random.default_rng(seed)
    files = []
    for i, (image, label) in enumerate(zip(images, labels, strict=True)):
        place = folder / str(label)
        place.mkdir(parents=True, exist_ok=True)
        files.append(place / f"{i:04}.jpg")
        Image.fromarray(photograph(image, rng)).save(files[-1], quality=80)
    return files
