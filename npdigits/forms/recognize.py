"""Which form a file or folder has, by its content: its first bytes, or what lies in it. Nothing else is read here."""

import bz2
import gzip
import lzma
import re
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from npdigits.base.bounded import opened
from npdigits.base.errors import DataError
from npdigits.base.npz import LongList, Sparing
from npdigits.base.text import join_lines
from npdigits.forms import idx_names
from npdigits.forms.found import TEST, TRAIN, VAL
from npdigits.forms.npy_partners import partners
from npdigits.forms.text_form import form_of_text
from npdigits.forms.told import told_of

# So many bytes at the beginning tell the form of every file.
FIRST = 4096
PACKED: dict[bytes, Callable[..., Any]] = {b"\x1f\x8b": gzip.open, b"\xfd7zXZ\x00": lzma.open, b"BZh": bz2.open}
ZIP = b"PK\x03\x04"
PICTURES = (b"\x89PNG", b"\xff\xd8\xff", b"BM", b"II*\x00", b"MM\x00*", b"GIF8")
# What is known, and not read: first bytes -> what it is, and what to do.
REFUSED = {
    b"\x80\x02": "a pickle, which is not read as it can execute code: save the arrays with numpy.savez",
    b"\x80\x03": "a pickle, which is not read as it can execute code: save the arrays with numpy.savez",
    b"\x80\x04": "a pickle, which is not read as it can execute code: save the arrays with numpy.savez",
    b"\x80\x05": "a pickle, which is not read as it can execute code: save the arrays with numpy.savez",
    b"\xd0\xcf\x11\xe0": "an old Excel workbook: save it as CSV",
    b"%PDF": "a PDF: save its pictures one by one",
    b"SQLite format 3": "an SQLite database: export the table as CSV",
    b"ustar": "a tar archive: unpack it and name the folder",
}
DOCUMENT = "a document of text: save its table as CSV"
DOCUMENTS = {"xl/": "an Excel workbook: save it as CSV", "word/": DOCUMENT}
# What the member "mimetype" of an OpenDocument file says.
SPREADSHEET, SPREADSHEET_KIND = "a spreadsheet (OpenDocument): save it as CSV", b"opendocument.spreadsheet"
# An address of the web or of a store, which has become a path: "https:/example.org/digits.csv".
ADDRESS = re.compile(r"(?:^|/)((?:https?|ftp|s3|gs|hf|file):)/+(.*)")
# Names of parts, as people give them to files and folders.
PART_NAMES = {
    TRAIN: re.compile(r"(^|[^a-z])(train|training|trn|tr)([^a-z]|$)", re.IGNORECASE),
    TEST: re.compile(r"(^|[^a-z])(test|testing|tst|t10k|te)([^a-z]|$)", re.IGNORECASE),
    VAL: re.compile(r"(^|[^a-z])(val|valid|validation|dev)([^a-z]|$)", re.IGNORECASE),
}
PICTURE_ENDINGS = (".png", ".jpg", ".jpeg", ".jfif", ".bmp", ".tif", ".tiff", ".webp")
OTHER_PICTURES = (".gif", ".heic", ".heif", ".avif", ".jp2", ".pbm", ".pgm", ".ppm", ".pnm", ".svg", ".tga", ".ico")

# Forms whose files have endings that other files have not, as .csv is also of submissions.
OF_ARRAYS = ("npy", "npz", "mat", "hdf5", "parquet")


@dataclass(frozen=True)
class Recognized:
    """A form, and the files in it.

    Attributes:
        form: a name of ``load.READERS``.
        files: what the reader is to read, in order.
        place: the file or folder that was named.
    """

    form: str
    files: tuple[Path, ...]
    place: Path


def recognize(path: Path) -> Recognized:
    """Return the form of a file or folder.

    Raises:
        DataError: it is not there, cannot be read, or is nothing that holds digits.
    """
    try:
        if path.is_dir():
            return _recognize_folder(path)
        form = form_of(path)
        beside = {"npy": partners, "idx": idx_names.beside}.get(form)
        return Recognized(form, (path, *(beside(path) if beside else ())), path)
    except OSError as error:
        if address := ADDRESS.search(str(path)):
            raise DataError(f"{address[1]}//{address[2]}: an address: allowed are files of this machine") from error
        raise DataError(f"{path}: cannot be read: {error.strerror or error}") from error


def form_of(path: Path) -> str:
    """Return the form of a file, which may be packed.

    Raises:
        OSError: it cannot be read.
        DataError: it is nothing that holds digits.
    """
    first = _first_bytes(path)
    if first.startswith(ZIP):
        return _form_of_zip(path)
    for magic, unpack in PACKED.items():
        if first.startswith(magic):
            first = _unpacked(path, unpack)
    return _form_of_bytes(path, first)


def is_picture(first: bytes) -> bool:
    """Say whether a file that begins with these bytes, 12 at least, is a picture."""
    return first.startswith(PICTURES) or (first[:4] == b"RIFF" and first[8:12] == b"WEBP")


def part_of(name: str) -> str | None:
    """Return the part of a set that a file's or folder's name says it is; None where it says none, or two."""
    parts = [part for part, words in PART_NAMES.items() if words.search(name)]
    return parts[0] if len(parts) == 1 else None


def _first_bytes(path: Path) -> bytes:
    try:
        with opened(path) as file:
            return file.read(FIRST)
    except ValueError as error:
        raise DataError(f"{path}: {error}: allowed are files and folders") from error


def _unpacked(path: Path, unpack: Callable[..., Any]) -> bytes:
    """Return the first bytes of what is packed; a torn end is the reader's to find."""
    try:
        with opened(path) as packed, unpack(packed) as file:
            first: bytes = file.read(FIRST)
            return first
    except (OSError, EOFError, zlib.error, lzma.LZMAError) as error:
        raise DataError(f"{path}: damaged: {join_lines(str(error))}") from error


def _form_of_zip(path: Path) -> str:
    """Return the form of what is in a zip archive."""
    unread = "damaged, or packed in a way that is not read"
    with told_of(path, unread), opened(path) as packed, _opened_zip(path, packed) as archive:
        names = [info.filename for info in archive.infolist() if not info.is_dir()]
        names = [name for name in names if not name.startswith("__MACOSX/")]
        if names and all(name.endswith(".npy") for name in names):
            return "npz"
        _refuse_documents(path, archive, names)
        if any(name.lower().endswith(PICTURE_ENDINGS) for name in names):
            raise DataError(f"{path}: a zip archive of pictures: unpack it and name the folder")
        forms, refused = set(), []
        for name in names:
            with archive.open(name) as member:
                try:
                    forms.add(_form_of_bytes(path / name, member.read(FIRST)))
                except DataError as error:  # a readme, Kaggle's sample of a submission
                    refused.append(error)
        if not forms and len(refused) == 1:
            raise refused[0]
    if forms - {"table", "arff", "svmlight"} or len(forms) != 1:
        raise DataError(f"{path}: a zip archive of {len(names)} files: unpack it and name the file or folder")
    return forms.pop()


def _opened_zip(path: Path, packed: BinaryIO) -> zipfile.ZipFile:
    """Open a zip archive whose list of members is not too long.

    Raises:
        DataError: it is.
    """
    try:
        return zipfile.ZipFile(Sparing(packed))
    except LongList as error:
        raise DataError(f"{path}: a zip archive with {error}: unpack it and name the folder") from error


def _refuse_documents(path: Path, archive: zipfile.ZipFile, names: Sequence[str]) -> None:
    """Refuse what programs for spreadsheets and texts save, which is a zip archive, too.

    Raises:
        DataError: it is such.
    """
    for folder, what in DOCUMENTS.items():
        if any(name.startswith(folder) for name in names):
            raise DataError(f"{path}: {what}")
    if "mimetype" in names:
        with archive.open("mimetype") as member:
            raise DataError(f"{path}: {SPREADSHEET if SPREADSHEET_KIND in member.read(FIRST) else DOCUMENT}")


def _form_of_bytes(path: Path, first: bytes) -> str:
    """Return the form of unpacked bytes.

    Raises:
        DataError: it is none.
    """
    if not first:
        raise DataError(f"{path}: empty")
    if first.startswith(b"PAR1"):
        return "parquet"
    if first.startswith(b"\x93NUMPY"):
        return "npy"
    if first.startswith(b"\x89HDF\r\n\x1a\n") or first[512:520] == b"\x89HDF\r\n\x1a\n":
        return "hdf5"
    if first.startswith(b"MATLAB 5.0 MAT-file"):
        return "mat"
    if first[:2] == b"\0\0" and len(first) > 4 and 0x08 <= first[2] <= 0x0E and 1 <= first[3] <= 4:
        return "idx"
    for magic, what in REFUSED.items():
        if first.startswith(magic) or (magic == b"ustar" and first[257:262] == magic):
            raise DataError(f"{path}: {what}")
    if is_picture(first):
        raise DataError(f"{path}: one picture: a data set is a folder with a folder of pictures for each class")
    return form_of_text(path, first)


def _recognize_folder(path: Path) -> Recognized:
    """Return the form of what lies in a folder, at any depth.

    Raises:
        DataError: there is nothing of a form that is known, or there are several forms.
    """
    files = sorted(_files_below(path))
    if not files:
        raise DataError(f"{path}: an empty folder")
    pictures = [file for file in files if file.suffix.lower() in PICTURE_ENDINGS]
    forms: dict[str, list[Path]] = {}
    refused: dict[Path, DataError] = {}
    mappings = [file for file in files if idx_names.is_mapping(file.name)]
    for file in files:
        if file.suffix.lower() in PICTURE_ENDINGS or file in mappings:
            continue
        try:
            forms.setdefault(form_of(file), []).append(file)
        except (DataError, OSError) as error:
            refused[file] = error if isinstance(error, DataError) else DataError(f"{file}: {error.strerror}")
    if pictures and not {"parquet", "idx"} & set(forms):  # which may have pictures beside them
        others = [file for file in files if file.suffix.lower() in OTHER_PICTURES]  # which are said to be left out
        return Recognized("folder", tuple(sorted(pictures + others)), path)
    if not forms:
        raise (
            next(iter(refused.values()))
            if len(refused) == 1
            else DataError(
                f"{path}: none of the {len(files)} files in it is of a form that is read; conf/README.md lists these"
            )
        )
    if "idx" in forms and {idx_names.kind(file.name) for file in forms.get("table", ())} == {idx_names.LABELS}:
        del forms["table"]  # QMNIST's labels once more, in a text
    if len(forms) > 1:
        held = ", ".join(f"{form} ({found[0].name})" for form, found in sorted(forms.items()))
        raise DataError(f"{path}: holds several forms: {held}: name one file")
    form, found = forms.popitem()
    for file, damage in refused.items():
        if form in OF_ARRAYS and file.suffix in {other.suffix for other in found}:
            raise damage  # labels.npy, of which nothing is left, is no readme that lies there, too
    return Recognized(form, (*found, *(mappings if form == "idx" else ())), path)


def _files_below(folder: Path) -> Iterator[Path]:
    """Yield the files in a folder, at any depth, but for hidden ones. Links are followed, once each."""
    waiting, seen = [folder], set()
    while waiting:
        current = waiting.pop()
        real = current.resolve()
        if real in seen:
            continue
        seen.add(real)
        for entry in current.iterdir():
            if entry.name.startswith(".") or entry.name == "__MACOSX":
                continue
            if entry.is_dir():
                waiting.append(entry)
            elif entry.is_file():
                yield entry
