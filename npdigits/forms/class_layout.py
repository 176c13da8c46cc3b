"""Which folder of pictures is a class, and which a part of the set: 3/x.png, train/3/x.png, set/train/3/x.png."""

import re
import unicodedata
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from npdigits.base.errors import DataError
from npdigits.base.text import counted, printable
from npdigits.forms.class_labels import NUMBER
from npdigits.forms.found import TEST, TRAIN, VAL
from npdigits.forms.recognize import part_of

# Names of the folder in which pictures lie that say a part of the set and no class; "te" is a class of Kuzushiji.
NO_CLASS = re.compile(r"train(ing)?|test(ing)?|val(id(ation)?)?", re.IGNORECASE)
# Which folders are the classes, where folders lie in folders: those with such names alone.
CLASS_NAMES = (re.compile(r"\d+"), re.compile(r"\w"))

# Folders without pictures beyond so many are only counted.
MOST_NAMED = 5

# The folders above a picture, but for those that say a part.
Levels = tuple[str, ...]


def classes_of(files: Sequence[Path], place: Path) -> dict[str, list[tuple[Path, str | None]]]:
    """Return the pictures of each part, each with its class, ordered by class and then by name.

    Args:
        files: below ``place``.
        place: the folder that was named.

    Returns:
        part -> (file, class) …; the class is None where the file lies in no folder of a class.

    Raises:
        DataError: it cannot be told which folders are the classes.
    """
    parts: dict[Path, str] = {}
    levels: dict[Path, Levels] = {}
    for folder in {file.parent for file in files}:
        parts[folder], levels[folder] = _part_and_levels(folder.relative_to(place).parts)
    names = _names(levels, place)
    found: dict[str, list[tuple[Path, str | None]]] = {part: [] for part in (TRAIN, VAL, TEST)}
    for file in files:
        found[parts[file.parent]].append((file, names[file.parent]))
    order = {name: natural(name or "") for name in set(names.values())}
    for pictures in found.values():
        pictures.sort(key=lambda picture: (order[picture[1]], str(picture[0])))
    return {part: pictures for part, pictures in found.items() if pictures}


def odd_folders(pictures: Mapping[str, Sequence[tuple[Path, str | None]]], place: Path) -> list[str]:
    """Return a line for each folder beside those of classes that holds no picture, and for folders that are one class.

    Args:
        pictures: what ``classes_of`` returned.
        place: the folder that was named.
    """
    of_classes: dict[Path, dict[str, str]] = {}  # above classes -> name of the folder -> class
    for folder, name in {
        (file.parent, name) for found in pictures.values() for file, name in found if name is not None
    }:
        there = next(one for one in (folder, *folder.parents) if _composed(one.name) == name)
        of_classes.setdefault(there.parent, {})[there.name] = name
    numbers = all(NUMBER.fullmatch(name.strip()) for names in of_classes.values() for name in names.values())
    lines = []
    for above, names in sorted(of_classes.items()):
        alike: dict[str | float, list[str]] = {}
        for folder_name, name in sorted(names.items()):
            alike.setdefault(float(name) if numbers else name.strip(), []).append(folder_name)
        for same in alike.values():
            if len(same) > 1:
                what = " and ".join(map(ascii, same))
                lines.append(f"the folders {what} in {printable(str(above))} are one class, by their names")
        empty = _folders_without(above, names)
        shown = [printable(str(folder.relative_to(place.parent))) for folder in empty[:MOST_NAMED]]
        lines += [f"the folder {folder} holds no picture, and is no class" for folder in shown]
        if more := len(empty) - len(shown):
            lines.append(f"{counted(more, 'more folder holds', 'more folders hold')} no picture")
    return lines


def _folders_without(above: Path, names: Collection[str]) -> list[Path]:
    """Return the folders in a folder that are none of these."""
    try:
        return sorted(
            entry
            for entry in above.iterdir()
            if entry.name not in names and not entry.name.startswith((".", "__")) and entry.is_dir()
        )
    except OSError:  # it is closed by now
        return []


def _composed(name: str) -> str:
    return unicodedata.normalize("NFC", name)  # macOS writes ü as two characters


def natural(name: str) -> tuple[tuple[int, int, str], ...]:
    """Return a key by which names are sorted with their numbers as numbers: 2 before 10, a2 before a10."""
    words = [word for word in re.split(r"(\d+)", name) if word]
    return tuple((0, int(word), word) if word.isdecimal() else (1, 0, word) for word in words)


def _part_and_levels(folders: Sequence[str]) -> tuple[str, Levels]:
    """Return which part the folders above a picture say, and the other ones."""
    part, levels = TRAIN, []
    for depth, folder in enumerate(folders, 1):
        said = part_of(folder) if depth < len(folders) or NO_CLASS.fullmatch(folder) else None
        if said:
            part = said
        else:
            levels.append(_composed(folder))
    return part, tuple(levels)


def _names(levels: Mapping[Path, Levels], place: Path) -> dict[Path, str | None]:
    """Return the class that each folder is, or is in; None where it is in none.

    Raises:
        DataError: folders lie in folders, and it cannot be told which ones are the classes.
    """
    deep = [level for level in levels.values() if level]
    common = 0
    while deep and min(map(len, deep)) > common + 1 and len({level[common] for level in deep}) == 1:
        common += 1
    depths = {len(level) for level in deep}
    at = common if depths == {common + 1} else _class_level(deep, depths)
    if deep and at is None:
        example = "/".join(sorted(deep, key=len)[-1])
        raise DataError(
            f"{place}: folders in folders, and which are the classes? ({printable(example)}) Allowed is a folder for "
            "each class, below train and test where there are both"
        )
    names = {folder: level[at] if level and at is not None else None for folder, level in levels.items()}
    for folder, name in names.items():
        if name is not None and not _is_text(name):
            raise DataError(f"{printable(str(folder))}: the name of a class is a text in UTF-8: rename the folder")
    return names


def _class_level(deep: Sequence[Levels], depths: set[int]) -> int | None:
    """Return the one level of several whose folders are all named as digits are, or as single characters."""
    if len(depths) != 1:
        return None
    for pattern in CLASS_NAMES:
        fitting = [i for i in range(max(depths)) if all(pattern.fullmatch(level[i]) for level in deep)]
        if len(fitting) == 1:
            return fitting[0]
    return None


def _is_text(name: str) -> bool:
    """Say whether a name is Unicode, and not bytes that could not be read as such."""
    return not any("\ud800" <= character <= "\udfff" for character in name)
