"""Many picture files read, or brought to MNIST's form, by several processes where that is faster.

Such a process runs this module as a program. It shares nothing with the others but two pipes to the first one, so that
any of them may end, or be killed, at any time.
"""

import contextlib
import os
import pickle
import subprocess
import sys
from collections.abc import Generator, Iterator, Sequence
from pathlib import Path
from typing import Any

from npdigits.base.arrays import Array
from npdigits.base.blas import one_thread
from npdigits.base.cores import cores
from npdigits.pictures.components import NoDigit
from npdigits.pictures.mnist_form import to_mnist_form
from npdigits.pictures.read import read_picture, read_square
from npdigits.pictures.shades import BadPicture
from npdigits.pictures.taking import Takes, take

# Starting a process takes about as long as bringing so many small pictures to the form.
FEWEST = 1000
# A process sends so many pictures at once: forming a single one takes little longer than sending it.
CHUNK = 8
# The same of pictures that are only read; they fit into a pipe.
CHUNK_OF_SQUARES = 64

Formed = tuple[Array | None, str]
# To be closed by who asks for no more of them.
Results = Generator[Formed, None, None]


def form_file(path: Path) -> Formed:
    """Return a picture's digit as 28 × 28 bytes; or None, and why there is none."""
    try:
        return to_mnist_form(read_picture(path)), ""
    except (BadPicture, NoDigit) as error:
        return None, str(error)


def take_file(path: Path) -> Formed:
    """Return a small square picture as it is; or None, and why it cannot be read, "" if it is another picture."""
    try:
        return read_square(path), ""
    except BadPicture as error:
        return None, str(error)


def form_all(files: Sequence[Path]) -> Results:
    """Yield what ``form_file`` returns of each, in their order."""
    return _all(files, "form", CHUNK)


def take_all(files: Sequence[Path]) -> Results:
    """Yield what ``take_file`` returns of each, in their order."""
    return _all(files, "take", CHUNK_OF_SQUARES)


def take_for(files: Sequence[Path], takes: Takes) -> Results:
    """Yield each picture as a network takes it (``taking.take``), in their order."""
    return _all(files, takes.word, CHUNK)


def _do(job: str, file: Path) -> Formed:
    if job == "take":
        return take_file(file)
    return take(file, Takes.of(job)) if job not in ("form", "") else form_file(file)


def _all(files: Sequence[Path], job: str, chunk: int) -> Results:
    """Yield what the job gives of each file, in their order."""
    done = 0
    if (processes := min(cores(), len(files) // FEWEST)) > 1:
        chunks = [files[begin : begin + chunk] for begin in range(0, len(files), chunk)]
        for result in _by_processes(chunks, processes, job):
            done += 1
            yield result
    for file in files[done:]:
        yield _do(job, file)


def _by_processes(chunks: Sequence[Sequence[Path]], processes: int, job: str) -> Results:
    """Yield the same from so many processes in turn; end early if one cannot be started, or is gone."""
    with contextlib.suppress(EOFError, OSError, pickle.UnpicklingError), contextlib.ExitStack() as stack:
        workers = [stack.enter_context(_worker(job)) for _ in range(processes)]
        for rank, worker in enumerate(workers):  # all of them have been started, as this waits for each
            pickle.dump(chunks[rank::processes], worker.stdin)
            worker.stdin.close()
        for turn in range(len(chunks)):
            yield from pickle.load(workers[turn % processes].stdout)


@contextlib.contextmanager
def _worker(job: str) -> Iterator[Any]:
    """Start a process, and end it in any case."""
    # In a group of its own: Ctrl-C, which a terminal sends to all of a group, is the first process's to handle.
    command = [sys.executable, "-m", "npdigits.pictures.pool", str(os.getpid()), job]
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

    The first process passes its number as an argument: it can be gone before this one has started; then the job.
    """
    first, job = int(sys.argv[1]), "".join(sys.argv[2:])
    try:
        with one_thread():
            for chunk in pickle.load(sys.stdin.buffer):
                done = []
                for file in chunk:
                    # On Windows a virtual environment puts a process between the two, and nobody adopts an orphan.
                    if os.name == "posix" and os.getppid() != first:
                        return
                    done.append(_do(job, file))
                pickle.dump(done, sys.stdout.buffer)
                sys.stdout.buffer.flush()
    except (EOFError, OSError, pickle.UnpicklingError):  # the first process is gone, and may have sent a part
        os._exit(1)  # the usual end would try once more to send the rest


if __name__ == "__main__":
    main()
