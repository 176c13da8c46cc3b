"""Read digits with a trained network: ``python -m npdigits.predict RUN image.png folder/ test.csv …``."""

if __name__ == "__main__":
    from npdigits.base.start import start

    start("npdigits.predict", "npdigits.predict")

import argparse
import functools
import math
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np

from npdigits.base import targets
from npdigits.base.arrays import Array
from npdigits.base.blas import one_thread
from npdigits.base.errors import ConfigError
from npdigits.base.paths import normalized, resolved
from npdigits.base.program import Parser, add_trust, exit_code, nonempty_path, warn
from npdigits.base.terminal import hand_over, show, show_error
from npdigits.base.text import aligned, printable
from npdigits.forms.found import Wanted
from npdigits.forms.known import how_taken
from npdigits.forms.sorting import sort_out
from npdigits.pictures.components import SEVERAL
from npdigits.pictures.pool import take_for
from npdigits.pictures.progress import with_progress
from npdigits.pictures.read import find_pictures
from npdigits.pictures.save import names_in, save_png
from npdigits.pictures.taking import Takes
from npdigits.runs import trained
from npdigits.runs.doubt import DEFAULT
from npdigits.runs.of_files import OVERRIDE
from npdigits.runs.reading import (
    Reading,
    read_digits,
    reading_rows,
    readings_as_csv,
    readings_as_json,
    refuse_other_sizes,
    submission,
    takes_mnist_form,
)
from npdigits.runs.trained import Trained

PROGRAM = "npdigits.predict"
SAVE = "save what the network saw of pictures, a PNG of 28 × 28 each; with --many each picture with its boxes too"
SKIPPED = 1
EXIT_CODES = (
    "Exit codes: 0 all is read; 1 something was skipped, not read or not sure, which is said; 2 bad input; 70 a fault "
    "of npdigits itself; 130 interrupted."
)


def main() -> None:
    """Print the table; the exit code is 1 where a file was skipped or is not sure, 2 for bad input."""
    parser = Parser(PROGRAM, description=(__doc__ or "").partition(":")[0], epilog=EXIT_CODES)
    parser.add_argument("run", type=nonempty_path, metavar="RUN", help="a run directory, or SWEEP/best")
    parser.add_argument(
        "pictures",
        nargs="+",
        metavar="PICTURE",
        help="pictures, folders of them, and files of many digits (CSV, npz, parquet …); data.KEY=… says how the "
        "numbers in the latter are meant, if not as the run's own",
    )
    parser.add_argument("--csv", metavar="FILE", help="write the table; - for standard output, in place of the table")
    parser.add_argument("--json", metavar="FILE", help="write all probabilities; - likewise")
    parser.add_argument(
        "--submission", metavar="FILE", help="write ImageId,Label of one file of digits, as Kaggle asks"
    )
    parser.add_argument("--save", metavar="FOLDER", help=SAVE)
    parser.add_argument(
        "--many",
        action="store_true",
        help="read all digits of each picture: numbers, dates, rows and grids, as text and with a box each",
    )
    parser.add_argument(
        "--doubt",
        metavar="SHARE",
        help="a picture is marked as not sure where less than this share of the run's validation digits is as strange "
        f"(default: {DEFAULT}; 0: none is); of a run without doubt.npz where the probability is less (default: 0)",
    )
    add_trust(parser)
    sys.exit(exit_code(PROGRAM, lambda: act(parser.parse_args())))


def act(chosen: argparse.Namespace) -> int:
    """Do what was asked for; return the exit code.

    Raises:
        UserError: something that was typed cannot be.
    """
    asked, share = _tables(chosen), None if chosen.doubt is None else _share(chosen.doubt)
    folder = Path(chosen.save) if chosen.save else None
    run = trained.load_trained(chosen.run, chosen.trust, functools.partial(warn, PROGRAM))
    overrides = [argument for argument in chosen.pictures if OVERRIDE.match(argument)]
    # A run of another size was trained on pictures as they are, if on pictures.
    others = [argument for argument in chosen.pictures if argument not in overrides]
    digits, named, reasons = sort_out(others, folders=not takes_mnist_form(run))
    if chosen.many:
        from npdigits.runs.pages import act_on_pages, refuse_with_many  # with SciPy, which other pictures may not need

        refuse_with_many(asked, digits)
    _refuse_together(asked, folder, overrides, digits, named)
    if named:
        refuse_other_sizes(run)
    if run.unfinished:
        warn(PROGRAM, run.unfinished)
    pictures = _named_once(find_pictures(named))
    targets.check_unread(asked, digits)
    _refuse_to_overwrite(pictures, asked, folder)
    if folder:
        targets.check_folder("save", folder)
        folder.mkdir(parents=True, exist_ok=True)
    if chosen.many:
        return act_on_pages(run, pictures, reasons, asked, folder, share)
    images, skipped = _taken(pictures, reasons, how_taken(run.meaning, Wanted()))
    readings = read_digits(run, list(images), np.array(list(images.values())), functools.partial(warn, PROGRAM))
    said = _add_files(run, digits, overrides, readings, skipped)
    saved = names_in(folder, list(images)) if folder else {}
    texts = {
        "csv": lambda: readings_as_csv(readings, skipped, saved, share),
        "json": lambda: readings_as_json(run, readings, skipped, saved, share) + "\n",
        "submission": lambda: submission(run, readings),
    }
    for notation, target in asked.items():
        if target == "-":
            hand_over(texts[notation]())
        else:
            targets.put(Path(target), texts[notation]().encode(errors="surrogateescape"))
    for file, path in saved.items():
        save_png(path, images[file])
    table = "-" not in asked.values() and "submission" not in asked
    if table and readings:
        said.append(run.about_probabilities)
    return _conclude(readings, share, skipped, said, table)


def _tables(chosen: argparse.Namespace) -> dict[str, str]:
    """Return where which table is to be written: option -> file, or - for standard output.

    Raises:
        ConfigError: something that was typed cannot be.
    """
    options = ("csv", "json", "submission")
    asked = {notation: target for notation in options if (target := getattr(chosen, notation)) is not None}
    targets.check(asked)
    if list(asked.values()).count("-") > 1:
        raise ConfigError(f"{' '.join(f'--{option} -' for option in asked)}: allowed is one on standard output")
    if "" in chosen.pictures:
        raise ConfigError("'': allowed are names of pictures and folders")
    if chosen.save == "":
        raise ConfigError("--save '': allowed is the name of a folder")
    return asked


def _share(typed: str) -> float:
    """Return the number that --doubt gives.

    Raises:
        ConfigError: it is none from 0 to 1.
    """
    try:
        share = float(typed)
    except ValueError:
        share = math.nan
    if not 0 <= share <= 1:
        raise ConfigError(f"--doubt {typed}: allowed is a number from 0 (nothing is doubted) to 1")
    return share


def _refuse_together(
    asked: Mapping[str, str],
    save: Path | None,
    overrides: Sequence[str],
    files: Sequence[Path],
    pictures: Sequence[str],
) -> None:
    """Refuse options that make no sense with what is to be read.

    Raises:
        ConfigError: names the option.
    """
    if not files and not pictures:
        raise ConfigError(f"{overrides[0]}: names no digits: add pictures, folders or files of digits")
    if overrides and not files:
        raise ConfigError(f"{overrides[0]}: allowed with files of many digits; pictures are read as they are")
    if "submission" in asked and (pictures or len(files) > 1):
        other = f"{pictures[0]} is a picture" if pictures else f"{files[1]} is named too"
        raise ConfigError(f"--submission: numbers the digits of one file, and {other}; --csv has the names")
    if save and files:
        raise ConfigError(f"--save {save}: allowed with pictures only, not with {files[0]}")


def _add_files(
    run: Trained,
    files: Sequence[Path],
    overrides: Sequence[str],
    readings: list[Reading],
    skipped: list[tuple[Path, str]],
) -> list[str]:
    """Read files of many digits, add what is read in them and what is skipped, and return what is said of each."""
    if not files:
        return []
    from npdigits.runs.file_readings import read_file  # which takes a tenth of a small picture's time to import

    said = []
    for file in files:
        read = read_file(run, file, overrides, functools.partial(warn, PROGRAM))
        readings += read.readings
        skipped += read.unreadable
        said.append(read.described)
    return said


def _named_once(found: Iterable[Path]) -> list[Path]:
    """Return the files, each once, though it may be named twice, in two spellings; a link is a file of its own."""
    files: dict[str, Path] = {}
    for file in found:
        files.setdefault(normalized(file), file)
    return list(files.values())


def _refuse_to_overwrite(files: Sequence[Path], tables: Mapping[str, str], save: Path | None) -> None:
    """Refuse to write a table over a picture that is to be read, and to save pictures in a folder that has such a one.

    Raises:
        ConfigError: names the option.
    """
    read = {resolved(file) for file in files}
    for option, target in tables.items():
        if resolved(target) in read:
            raise ConfigError(f"--{option} {target}: is one of the pictures to read; choose another place")
    if save is None:
        return
    if save.exists() and not save.is_dir():
        raise ConfigError(f"--save {save}: is no folder")
    if resolved(save) in {file.parent for file in read}:
        raise ConfigError(f"--save {save}: pictures to read are in that folder; choose another")


def _taken(
    files: Sequence[Path], reasons: Mapping[Path, str], takes: Takes
) -> tuple[dict[Path, Array], list[tuple[Path, str]]]:
    """Return the files' digits as the run takes them, bytes; and the files that hold none, each with the reason.

    Args:
        files: pictures, and what was taken for such.
        reasons: why what is no picture, by its name and its first bytes, is no file of many digits either.
        takes: how the run takes pictures.
    """
    images: dict[Path, Array] = {}
    skipped: list[tuple[Path, str]] = []
    with one_thread():
        for file, (image, reason) in zip(files, with_progress(take_for(files, takes), len(files)), strict=True):
            if image is None:
                skipped.append((file, reasons.get(file, reason)))
            else:
                images[file] = image
    return images, skipped


def _conclude(
    readings: Sequence[Reading],
    share: float | None,
    skipped: Sequence[tuple[Path, str]],
    said: Sequence[str],
    table: bool,
) -> int:
    """Print the table, if it is wanted, what is said of files, what is not sure and skipped; return the exit code."""
    doubtful = [(reading, reason) for reading in readings if (reason := reading.refusal(share))]
    if table and readings:
        show("\n".join(aligned(reading_rows(readings), left=1)))
    for line in said:  # standard output may be a table's, or a file's that is read on
        show_error(f"{PROGRAM}: {line}")
    for reading, reason in doubtful:
        show_error(f"{PROGRAM}: not sure: {printable(reading.place)}: {printable(reason)}")
    for file, reason in skipped:
        show_error(f"{PROGRAM}: skipped: {printable(str(file))}: {printable(reason)}")
    if any(reason == SEVERAL for _, reason in skipped):
        show_error(f"{PROGRAM}: --many reads all digits of a picture")
    if skipped or doubtful:
        unsure = f", {len(doubtful)} of them not sure" if doubtful else ""
        show_error(f"{PROGRAM}: {len(readings)} read{unsure}, {len(skipped)} skipped")
    return SKIPPED if skipped or doubtful else 0
