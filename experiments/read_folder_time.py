"""How long a folder of 60,000 pictures by class takes to be read: as they are, and brought to MNIST's form.

``python experiments/read_folder_time.py DATA [FOLDER]``: DATA holds MNIST's files (``MNIST/raw``). The pictures are
written into FOLDER, by default a temporary one, unless they are there already; a temporary one is removed. To be run on
a machine that does nothing else; of a busy one the processor's seconds tell more.
"""

import resource
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from PIL import Image

from npdigits.data import sets
from npdigits.forms.found import TRAIN, Wanted
from npdigits.forms.reading import read
from npdigits.forms.recognize import recognize
from npdigits.pictures import pool

DIGITS = 60_000


def write(folder: Path, data: Path) -> None:
    """Write MNIST's training digits as PNG, a folder for each class."""
    split = sets.load("mnist", data).train
    for name in range(10):
        (folder / str(name)).mkdir(parents=True, exist_ok=True)
    for row in split.rows[:DIGITS]:
        Image.fromarray(split.images[row].reshape(28, 28)).save(folder / str(split.labels[row]) / f"{row:05}.png")


def measured(what: str, act: Callable[[], object]) -> None:
    """Print the seconds that something takes, and those of the processors, of all processes."""
    began, before = time.perf_counter(), _processors()
    act()
    print(f"{what}: {time.perf_counter() - began:.1f} s, {_processors() - before:.1f} s of the processors")


def _processors() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def measure(folder: Path) -> None:
    """Measure each step."""
    found = recognize(folder)
    measured("recognize", lambda: recognize(folder))
    got = []
    measured("read as they are", lambda: got.append(read(found, Wanted())))
    print(got[0].notes, got[0].parts[TRAIN].images.shape)
    measured("bring to MNIST's form", lambda: [None for _ in pool.form_all(found.files)])
    print(f"most memory of this process: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MiB")


def main() -> None:
    """Write the pictures, and measure."""
    data, *named = map(Path, sys.argv[1:])
    with tempfile.TemporaryDirectory() as temporary:
        folder = named[0] if named else Path(temporary) / "digits"
        if not folder.is_dir():
            write(folder, data)
        measure(folder)


if __name__ == "__main__":
    main()
