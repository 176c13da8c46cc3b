"""Many picture files brought to MNIST's form, by several processes where that is faster.

Such a process runs this module as a program. It shares nothing with the others but two pipes to the first one, so that
any of them may end, or be killed, at any time.
"""

import contextlib
import os
import pickle
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from npdigits.base.arrays import Array
from npdigits.base.blas import one_thread
from npdigits.base.cores import cores
from npdigits.pictures.components import NoDigit
from npdigits.pictures.mnist_form import to_mnist_form
from npdigits.pictures.read import read_picture
from npdigits.pictures.shades import BadPicture

# Starting a process takes about as long as bringing so many small pictures to the form.
FEWEST = 1000
# A process sends so many pictures at once: forming a single one takes little longer than sending it.
CHUNK = 8

Formed = tuple[Array | None, str]


def form_file(path: Path) -> Formed:
    """Return a picture's digit as 28 × 28 bytes; or None, and why there is none."""
    try:
        return to_mnist_form(read_picture(path)), ""
    except (BadPicture, NoDigit) as error:
        return None, str(error)


def form_all(files: Sequence[Path]) -> Iterator[Formed]:
    """Yield what ``form_file`` returns of each, in their order."""
    done = 0
    if (processes := min(cores(), len(files) // FEWEST)) > 1:
        for result in _form_by_processes(files, processes):
            done += 1
            yield result
    yield from map(form_file, files[done:])


def _form_by_processes(files: Sequence[Path], processes: int) -> Iterator[Formed]:
    """Yield the same from so many processes in turn; end early if one cannot be started, or is gone."""
    chunks = [files[begin : begin + CHUNK] for begin in range(0, len(files), CHUNK)]
    with contextlib.suppress(EOFError, OSError, pickle.UnpicklingError), contextlib.ExitStack() as stack:
        workers = [stack.enter_context(_worker()) for _ in range(processes)]
        for rank, worker in enumerate(workers):  # all of them have been started, as this waits for each
            pickle.dump(chunks[rank::processes], worker.stdin)
            worker.stdin.close()
        for turn in range(len(chunks)):
            yield from pickle.load(workers[turn % processes].stdout)


@contextlib.contextmanager
def _worker() -> Iterator[Any]:
    """Start a process, and end it in any case."""
    # In a group of its own: Ctrl-C, which a terminal sends to all of a group, is the first process's to handle.
    command = [sys.executable, "-m", "npdigits.pictures.pool", str(os.getpid())]
    worker = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, process_group=0)
    assert worker.stdin and worker.stdout
    try:
        yield worker
    finally:
        worker.kill()
        with contextlib.suppress(OSError):  # of what it was still to be sent
            worker.stdin.close()
        worker.stdout.close()
        worker.wait()


def main() -> None:
    """Receive chunks of files, and send the images of each chunk for as long as the first process receives them.

    The first process passes its number as an argument: it can be gone before this one has started.
    """
    first = int(sys.argv[1])
    try:
        with one_thread():
            for chunk in pickle.load(sys.stdin.buffer):
                done = []
                for file in chunk:
                    # On Windows a virtual environment puts a process between the two, and nobody adopts an orphan.
                    if os.name == "posix" and os.getppid() != first:
                        return
                    done.append(form_file(file))
                pickle.dump(done, sys.stdout.buffer)
                sys.stdout.buffer.flush()
    except (EOFError, OSError, pickle.UnpicklingError):  # the first process is gone, and may have sent a part
        os._exit(1)  # the usual end would try once more to send the rest


if __name__ == "__main__":
    main()
