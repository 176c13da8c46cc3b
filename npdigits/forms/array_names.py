"""What the name of an array says: which part of a set it belongs to, and whether it holds images or labels."""

import re
from typing import NamedTuple

from npdigits.forms.found import TEST, TRAIN, VAL

IMAGES, LABELS, OTHER = "images", "labels", "other"
# Words of names; where several arrays have one, the first ones count.
IMAGE_WORDS = (
    *("images", "image", "imgs", "img", "x", "pixels", "data", "features", "samples", "inputs", "input", "digits"),
)
LABEL_WORDS = ("labels", "label", "y", "targets", "target", "classes", "class", "digit", "lab", "gnd")
PART_WORDS = {
    **dict.fromkeys(("train", "training", "trn", "tr"), TRAIN),
    **dict.fromkeys(("test", "testing", "tst", "te", "tt"), TEST),
    **dict.fromkeys(("val", "valid", "validation", "dev"), VAL),
}
# EMNIST's writers and mapping, names of files and classes: they are neither.
OTHER_WORDS = {"names", "name", "mapping", "writers", "writer", "ids", "id", "index", "indices", "idx", "weights"}
OTHER_WORDS |= {"paths", "path", "files", "file", "filenames", "meta", "mean", "std", "list", "ordering", "descr"}
WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+")
ROLES = "|".join(sorted((*IMAGE_WORDS, *LABEL_WORDS), key=len, reverse=True))
PARTS = "|".join(sorted(PART_WORDS, key=len, reverse=True))
# "xtrain", "trainlabels": written as one.
GLUED = re.compile(rf"({ROLES})?({PARTS})({ROLES})?")


class Says(NamedTuple):
    """What a name says.

    Attributes:
        part: of a set; None where it says none, or two.
        role: ``IMAGES``, ``LABELS`` or ``OTHER``; None where it says nothing.
        rank: the place of the word that says the role; smaller ones go first.
        rest: the words that say neither.
    """

    part: str | None
    role: str | None
    rank: int
    rest: tuple[str, ...]


def read_name(name: str) -> Says:
    """Return what a name says: "x_train", "trainY", "train/data", "dataset/test/labels", "arr_0"."""
    parts, roles, rest = set(), [], []
    for word in _words(name):
        if word in PART_WORDS:
            parts.add(PART_WORDS[word])
        elif word in LABEL_WORDS:
            roles.append((LABELS, LABEL_WORDS.index(word)))
        elif word in IMAGE_WORDS:
            roles.append((IMAGES, IMAGE_WORDS.index(word)))
        else:
            rest.append(word)
    role, rank = roles[-1] if roles else (None, 0)  # of "data/label" the last one
    if OTHER_WORDS & set(rest):
        role = OTHER
    return Says(parts.pop() if len(parts) == 1 else None, role, rank, tuple(rest))


def _words(name: str) -> list[str]:
    words = []
    for word in WORD.findall(name.replace("t10k", "test")):
        glued = GLUED.fullmatch(word.lower())
        words += [piece for piece in glued.groups() if piece] if glued else [word.lower()]
    return words
