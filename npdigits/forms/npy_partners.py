"""Which .npy files belong to one that is named: its labels, or its images. Their names say it."""

from pathlib import Path

from npdigits.forms.array_names import IMAGES, LABELS, read_name


def partners(path: Path) -> tuple[Path, ...]:
    """Return the file beside this one that holds the other half of the same part of a set; () if there is none, or two.

    To images.npy belongs labels.npy, to X_test.npy y_test.npy, to mnist_train.npy mnist_train_labels.npy.
    """
    says = read_name(path.stem)
    wanted = IMAGES if says.role == LABELS else LABELS
    found = []
    for file in sorted(path.parent.glob("*.npy")):
        other = read_name(file.stem)
        if file != path and other.role == wanted and (other.part, other.rest) == (says.part, says.rest):
            found.append((other.rank, file))
    best = [file for rank, file in found if rank == min(found)[0]]
    return tuple(best) if len(best) == 1 else ()
