"""``npdigits-predict --many``: what it prints and writes of pictures with many digits."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from npdigits.base import targets
from npdigits.base.errors import ConfigError
from npdigits.base.program import warn
from npdigits.base.terminal import hand_over, show, show_error
from npdigits.base.text import aligned, printable
from npdigits.pictures.boxes import drawn_boxes
from npdigits.pictures.components import NoDigit
from npdigits.pictures.progress import with_progress
from npdigits.pictures.save import names_in, save_png
from npdigits.pictures.shades import BadPicture
from npdigits.runs.many_readings import PageRead, read_many
from npdigits.runs.many_tables import many_as_csv, many_as_json, many_rows, said_of, summed_up
from npdigits.runs.trained import Trained

PROGRAM = "npdigits.predict"
SKIPPED = 1
# What the name of a picture with boxes ends in.
FOUND = "found"


def refuse_with_many(asked: Mapping[str, str], files: Sequence[Path]) -> None:
    """Refuse what makes no sense with ``--many``.

    Raises:
        ConfigError: names it.
    """
    if files:
        raise ConfigError(f"--many: allowed with pictures only, not with {files[0]}")
    if "submission" in asked:
        raise ConfigError("--many: allowed without --submission, which numbers the digits of one file")


def act_on_pages(
    run: Trained,
    pictures: Sequence[Path],
    reasons: Mapping[Path, str],
    asked: Mapping[str, str],
    folder: Path | None,
    share: float | None,
) -> int:
    """Read all digits of pictures, write the tables that are asked for; return the exit code.

    Args:
        run: the network.
        pictures: their files.
        reasons: why what is no picture is no file of many digits either.
        asked: option -> the file that it names, or - for standard output.
        folder: where what was found is saved; None if nowhere.
        share: of the run's validation digits may be as strange as a digit, or that is not sure.
    """
    pages: list[PageRead] = []
    skipped: list[tuple[Path, str]] = []
    warned: dict[str, None] = {}  # each line once, whatever the number of pictures
    tried = (_tried(run, file, reasons, lambda line: warned.update({line: None})) for file in pictures)
    for page in with_progress(tried, len(pictures)):
        if isinstance(page, PageRead):
            pages.append(page)
        else:
            skipped.append(page)
    for line in warned:
        warn(PROGRAM, line)
    saved = _names(folder, pages) if folder else {}
    texts = {
        "csv": lambda: many_as_csv(pages, skipped, saved, share),
        "json": lambda: many_as_json(run, pages, skipped, saved, share) + "\n",
    }
    for notation, target in asked.items():
        if target == "-":
            hand_over(texts[notation]())
        else:
            targets.put(Path(target), texts[notation]().encode(errors="surrogateescape"))
    for page in pages:
        _save(page, saved, share)
    return _conclude(run, pages, share, skipped, table="-" not in asked.values())


def _tried(
    run: Trained, file: Path, reasons: Mapping[Path, str], warn: Callable[[str], None]
) -> PageRead | tuple[Path, str]:
    """Return what is read on a picture; or the file, and why nothing is."""
    try:
        return read_many(run, file, warn)
    except (BadPicture, NoDigit) as error:
        return file, reasons.get(file, str(error))


def _names(folder: Path, pages: Sequence[PageRead]) -> dict[tuple[Path, str], Path]:
    """Return under which path the picture of each page is saved, and that of each of its digits."""
    wanted = [(page.file, "") for page in pages]
    wanted += [(page.file, one.letter) for page in pages for one in page.digits if one.reading]
    # After the picture: form-found.png, form-1-2.png; form.jpg-found.png beside form.png's.
    stems = Counter(page.file.stem for page in pages)
    names_of = {page.file: page.file.stem if stems[page.file.stem] == 1 else page.file.name for page in pages}
    as_files = {(file, place): file.with_name(f"{names_of[file]}-{place or FOUND}") for file, place in wanted}
    names = names_in(folder, list(as_files.values()))
    return {key: names[file] for key, file in as_files.items()}


def _save(page: PageRead, saved: Mapping[tuple[Path, str], Path], share: float | None) -> None:
    """Save a page with its boxes, and its digits, where names are given to them."""
    if (page.file, "") in saved:
        save_png(saved[page.file, ""], drawn_boxes(page.grey, page.boxes(share)))
    for one in page.digits:
        if (path := saved.get((page.file, one.letter))) and one.found.image is not None:
            save_png(path, one.found.image)


def _conclude(
    run: Trained, pages: Sequence[PageRead], share: float | None, skipped: Sequence[tuple[Path, str]], table: bool
) -> int:
    """Print texts and table, if they are wanted, and what was skipped, not read or not sure; return the exit code."""
    if table and pages:
        for page in pages:
            show("\n".join([f"{page.file}:", *(f"  {text}" for text in page.shown(share))]))
        show("\n".join(["", *aligned(many_rows(pages), left=1)]))
        show_error(f"{PROGRAM}: {run.about_probabilities}")
    for page in pages:
        for line in said_of(page, share):
            show_error(f"{PROGRAM}: {printable(line)}")
    for file, reason in skipped:
        show_error(f"{PROGRAM}: skipped: {printable(str(file))}: {printable(reason)}")
    if not skipped and not any(page.unread or page.left_out or page.doubtful(share) for page in pages):
        return 0
    show_error(f"{PROGRAM}: {summed_up(pages, len(skipped), share)}")
    return SKIPPED
