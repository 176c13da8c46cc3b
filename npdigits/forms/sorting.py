"""Which of the arguments are pictures, and which files of many digits."""

from collections.abc import Sequence
from pathlib import Path

from npdigits.base.bounded import opened
from npdigits.base.errors import DataError
from npdigits.forms.recognize import form_of, is_picture, recognize
from npdigits.pictures.read import ENDINGS, find_pictures


def sort_out(arguments: Sequence[str], folders: bool = False) -> tuple[list[Path], list[str], dict[Path, str]]:
    """Return the files and folders of many digits among the arguments; the others, which may be pictures.

    Args:
        arguments: as typed.
        folders: whether a folder of pictures is one of the former, which are taken as they are. Else a folder with a
            picture in it is one of pictures, each to be brought to MNIST's form.

    Returns:
        files and folders; the other arguments; why a file of these that is no picture is none
        with many digits either.
    """
    files: list[Path] = []
    others: list[str] = []
    reasons: dict[Path, str] = {}
    for argument in arguments:
        path = Path(argument)
        try:
            if not (folders and path.is_dir()) and not _may_hold_many(path):
                others.append(argument)
                continue
            recognize(path) if path.is_dir() else form_of(path)
            files.append(path)
        except (DataError, OSError) as error:
            others.append(argument)
            if not path.is_dir() and not _begins_as_a_picture(path):
                reasons[path] = str(error).removeprefix(f"{path}: ")
    return files, others, reasons


def _may_hold_many(path: Path) -> bool:
    """Say whether something is not named as a picture, and is no folder of pictures."""
    if path.is_dir():
        return next(find_pictures([path])) == path  # which is yielded where there is none in it
    return path.suffix.lower() not in ENDINGS and path.is_file()


def _begins_as_a_picture(path: Path) -> bool:
    """Say whether a file's first bytes are those of a picture; what cannot be opened may be one."""
    try:
        with opened(path) as file:
            return is_picture(file.read(16))
    except (OSError, ValueError):
        return True
