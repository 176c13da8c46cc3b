"""Many picture files brought to MNIST's form: by several processes, where that is sooner."""

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from npdigits import pictures
from npdigits.cores import cores
from npdigits.interruption import signals_for_this_thread_alone
from npdigits.memory import Array
from npdigits.mnist_form import form
from npdigits.pieces import NoDigit

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

# A process takes about as long to start as this one takes for so many small pictures.
FEWEST = 1000
# What a process is handed at once: a single picture would take little longer than being handed over.
CHUNK = 8


def formed(path: Path) -> tuple[Array | None, str]:
    """Return a picture's digit as 28 × 28 bytes; or None, and why there is none."""
    try:
        return form(pictures.read(path)), ""
    except (pictures.BadPicture, NoDigit) as error:
        return None, str(error)


def all_formed(files: Sequence[Path]) -> Iterator[tuple[Array | None, str]]:
    """Yield what ``formed`` returns of each, in their order."""
    done = 0
    if (processes := min(cores(), len(files) // FEWEST)) > 1:
        for one in _by_processes(files, processes):
            done += 1
            yield one
    yield from map(formed, files[done:])


def _by_processes(files: Sequence[Path], processes: int) -> Iterator[tuple[Array | None, str]]:
    """Do the same by so many processes, which take turns; end early if one of them cannot be begun, or is gone.

    Each has a pipe of its own and nothing in common with the others, so that any may be killed at any time.
    """
    from multiprocessing import get_context  # few pictures are read sooner without it

    context = get_context("spawn")
    chunks = [files[begin : begin + CHUNK] for begin in range(0, len(files), CHUNK)]
    workers = []
    try:
        with signals_for_this_thread_alone():
            for _ in range(processes):
                here, there = context.Pipe()
                worker = context.Process(target=_work, args=(there,), daemon=True)
                worker.start()
                there.close()  # the worker's is then the only one: where that ends, so does what is received
                workers.append((worker, here))
        for rank, (_, pipe) in enumerate(workers):  # once all of them are starting, as it waits for them
            pipe.send(chunks[rank::processes])
        for turn in range(len(chunks)):
            yield from workers[turn % processes][1].recv()
    except (EOFError, OSError):
        return
    finally:
        for worker, pipe in workers:
            worker.kill()
            worker.join()
            pipe.close()


def _work(pipe: "Connection") -> None:
    """Receive files, in chunks, and send what is made of each chunk, for as long as somebody receives it."""
    with contextlib.suppress(EOFError, OSError):
        for chunk in pipe.recv():
            pipe.send(list(map(formed, chunk)))
