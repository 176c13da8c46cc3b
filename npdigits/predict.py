"""Read pictures of digits with a trained network: ``python -m npdigits.predict RUN image.png folder/ …``."""

import argparse
import csv
import io
import json
import os
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np

from npdigits.base import targets
from npdigits.base.arrays import Array
from npdigits.base.blas import one_thread
from npdigits.base.errors import ConfigError, RunDirError
from npdigits.base.files import write_whole
from npdigits.base.program import Parser, exit_code, path
from npdigits.base.spreadsheet import csv_cell
from npdigits.data.sets import Split
from npdigits.pictures import read as pictures
from npdigits.pictures.mnist_form import SIDE
from npdigits.pictures.pool import all_formed
from npdigits.runs import trained
from npdigits.runs.report import plain
from npdigits.runs.trained import Trained

PROGRAM = "npdigits.predict"
SKIPPED = 1
# Bytes of a picture's name to which what is added still gives one that every file system takes, 255 at most.
LONGEST_NAME = 200

_Result = TypeVar("_Result")


@dataclass(frozen=True)
class Reading:
    """What a network reads in a picture.

    Attributes:
        file: the picture's.
        digits: all classes, the most probable first.
        probabilities: theirs.
    """

    file: Path
    digits: tuple[int, ...]
    probabilities: tuple[float, ...]


def check(run: Trained) -> None:
    """Refuse a run that does not read digits of 28 × 28.

    Raises:
        RunDirError: its images are of another size.
    """
    shape = run.summary.image_shape
    if shape != [SIDE, SIDE]:
        raise RunDirError(f"{run.path}: was trained on images of {shape}; pictures are brought to {SIDE} × {SIDE}")


def readings(run: Trained, files: Sequence[Path], images: Array) -> list[Reading]:
    """Return what the network reads in these images, bytes of shape (n, 28, 28)."""
    if not files:
        return []
    n = len(images)
    split = Split(images.reshape(n, -1), np.zeros(n, np.intp), np.arange(n))
    with one_thread():
        p = run.probabilities(split)
    order = np.argsort(-p, axis=1, kind="stable")
    return [
        Reading(file, tuple(map(int, digits)), tuple(map(float, row[digits])))
        for file, digits, row in zip(files, order, p, strict=True)
    ]


def table(read: Sequence[Reading]) -> list[list[str]]:
    """Return the readings as rows of text, a head first."""
    rows = [["file", "digit", "probability", "second", "probability"]]
    for one in read:
        best = zip(one.digits[:2], one.probabilities[:2], strict=True)
        figures = [figure for digit, p in best for figure in (str(digit), f"{p:.4f}")]
        rows.append([str(one.file), *figures, *[""] * (4 - len(figures))])  # of one class alone there is no second
    return rows


def as_csv(read: Sequence[Reading], skipped: Sequence[tuple[Path, str]], saved: Mapping[Path, Path]) -> str:
    """Return a line a file, unrounded; of those that were skipped the reason, of others what ``saved`` has of them."""
    text = io.StringIO()
    lines = csv.writer(text, lineterminator="\n")
    lines.writerow(["file", "digit", "probability", "second_digit", "second_probability", "skipped", "saved"])
    for one in read:
        best = [*zip(one.digits, one.probabilities, strict=True), ("", "")]  # of one class alone there is no second
        (digit, p), (second, its_p) = best[:2]
        cells = [str(one.file), digit, p, second, its_p, "", str(saved.get(one.file, ""))]
        lines.writerow(map(csv_cell, cells))
    lines.writerows(map(csv_cell, [str(file), "", "", "", "", reason, ""]) for file, reason in skipped)
    return text.getvalue()


def as_json(
    run: Trained, read: Sequence[Reading], skipped: Sequence[tuple[Path, str]], saved: Mapping[Path, Path]
) -> str:
    """Return all probabilities, in the order of the digits; and where what the network saw is saved, if it is."""
    readings = [
        {"file": str(one.file), "digit": one.digits[0], "probabilities": _by_digit(one)}
        | ({"saved": str(saved[one.file])} if one.file in saved else {})
        for one in read
    ]
    return json.dumps(
        {
            "run": str(run.path),
            "read": readings,
            "skipped": [{"file": str(file), "reason": reason} for file, reason in skipped],
        },
        indent=1,
    )


def _by_digit(one: Reading) -> list[float]:
    return [p for _, p in sorted(zip(one.digits, one.probabilities, strict=True))]


def _shown(results: Iterable[_Result], total: int) -> Iterator[_Result]:
    """Yield the results, with a line on a terminal that says how far it is."""
    if total < 50 or not (sys.stderr and sys.stderr.isatty()):
        yield from results
        return
    from rich.console import Console
    from rich.progress import track

    yield from track(results, "reading pictures", total, console=Console(stderr=True), transient=True)


def _saved_as(folder: Path, files: Sequence[Path]) -> dict[Path, Path]:
    """Return under which names what the network saw is saved: the files' own and .png, numbered where they repeat.

    A name that would become too long is cut.
    """
    result: dict[Path, Path] = {}
    taken: set[str] = set()
    numbers: dict[str, int] = {}
    for file in files:
        own = file.name
        while len(os.fsencode(own)) > LONGEST_NAME:
            own = own[:-1]
        name = f"{own}.png"
        while name in taken:
            numbers[own] = numbers.get(own, 1) + 1
            name = f"{own}-{numbers[own]}.png"
        taken.add(name)
        result[file] = folder / name
    return result


def _save(path: Path, image: Array) -> None:
    """Write a PNG whole."""
    from PIL import Image

    content = io.BytesIO()
    Image.fromarray(image).save(content, "PNG")
    write_whole(path, content.getvalue(), durable=False)


def _spare(files: Sequence[Path], tables: Mapping[str, str], save: Path | None) -> None:
    """Refuse to write a table over a picture that is to be read, and to save pictures where such a one is.

    Raises:
        ConfigError: names the option.
    """
    read = {os.path.realpath(file) for file in files}
    for option, target in tables.items():
        if os.path.realpath(target) in read:
            raise ConfigError(f"--{option} {target}: is one of the pictures to read; choose another place")
    if save is None:
        return
    if save.exists() and not save.is_dir():
        raise ConfigError(f"--save {save}: is no folder")
    if os.path.realpath(save) in {os.path.dirname(file) for file in read}:  # noqa: PTH120 – as realpath, text
        raise ConfigError(f"--save {save}: pictures to read are in that folder; choose another")


def main() -> None:
    """Print the table; the exit code is 1 where a file was skipped, 2 for bad input."""
    parser = Parser(f"python -m {PROGRAM}", description=(__doc__ or "").partition(":")[0])
    parser.add_argument("run", type=path, metavar="RUN", help="a run directory, or SWEEP/best")
    parser.add_argument("pictures", nargs="+", metavar="PICTURE", help="files, and folders of them")
    parser.add_argument("--csv", metavar="FILE", help="write the table; - for standard output, in place of the table")
    parser.add_argument("--json", metavar="FILE", help="write all probabilities; - likewise")
    parser.add_argument("--save", metavar="FOLDER", help="save what the network saw, a PNG of 28 × 28 each")
    sys.exit(exit_code(PROGRAM, lambda: _predict(parser.parse_args())))


def _predict(chosen: argparse.Namespace) -> int:
    asked = {notation: target for notation in ("csv", "json") if (target := getattr(chosen, notation)) is not None}
    targets.check(asked)
    if list(asked.values()).count("-") > 1:
        raise ConfigError("--csv - --json -: allowed is one on standard output")
    if "" in chosen.pictures:
        raise ConfigError("'': allowed are names of pictures and folders")
    if chosen.save == "":
        raise ConfigError("--save '': allowed is the name of a folder")
    save = Path(chosen.save) if chosen.save else None
    run = trained.load(chosen.run)
    check(run)
    if run.unfinished:
        print(f"{PROGRAM}: WARNING: {run.unfinished}", file=sys.stderr)
    found: dict[str, Path] = {}  # one file may be named twice, in two spellings
    for file in pictures.found(chosen.pictures):
        found.setdefault(os.path.abspath(file), file)  # noqa: PTH100 – a link is a file of its own
    files = list(found.values())
    _spare(files, asked, save)
    if save:
        targets.check_folder("save", save)
        save.mkdir(parents=True, exist_ok=True)
    kept: list[Path] = []
    images: list[Array] = []
    skipped: list[tuple[Path, str]] = []
    with one_thread():
        for file, (image, reason) in zip(files, _shown(all_formed(files), len(files)), strict=True):
            if image is None:
                skipped.append((file, reason))
            else:
                kept.append(file)
                images.append(image)
    read = readings(run, kept, np.array(images))
    saved = _saved_as(save, kept) if save else {}
    texts = {"csv": lambda: as_csv(read, skipped, saved), "json": lambda: as_json(run, read, skipped, saved) + "\n"}
    for notation, target in asked.items():
        if target == "-":
            print(texts[notation](), end="")
        else:
            targets.put(Path(target), texts[notation]().encode(errors="surrogateescape"))
    if save:
        for file, image in zip(kept, images, strict=True):
            _save(saved[file], image)
    if "-" not in asked.values() and read:
        rows = table(read)
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        for name, *figures in rows:
            print(
                "  ".join(
                    [plain(name).ljust(widths[0]), *(f.rjust(w) for f, w in zip(figures, widths[1:], strict=True))]
                )
            )
    print(end="", flush=True)
    for file, reason in skipped:
        print(f"{PROGRAM}: skipped: {plain(str(file))}: {plain(reason)}", file=sys.stderr)
    if skipped:
        print(f"{PROGRAM}: {len(read)} read, {len(skipped)} skipped", file=sys.stderr)
    return SKIPPED if skipped else 0


if __name__ == "__main__":
    main()
