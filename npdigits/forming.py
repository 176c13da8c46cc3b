"""Many picture files brought to MNIST's form: by several processes, where that is sooner."""

import contextlib
import os
import signal
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

from npdigits import pictures
from npdigits.cores import cores
from npdigits.memory import Array
from npdigits.mnist_form import form
from npdigits.pieces import NoDigit

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
    """Do the same by so many processes; end early if one of them was killed."""
    import multiprocessing  # few pictures are read sooner without all this
    from concurrent.futures import ProcessPoolExecutor
    from concurrent.futures.process import BrokenProcessPool

    others = multiprocessing.active_children()
    pool = ProcessPoolExecutor(processes, multiprocessing.get_context("spawn"), _end_with_parent)
    with _deaf_to_ctrl_c():
        results = pool.map(formed, files, chunksize=CHUNK)
    try:
        yield from results
    except BrokenProcessPool:
        return
    except BaseException:  # nobody waits for the rest; the pool itself would
        for process in set(multiprocessing.active_children()) - set(others):
            process.terminate()
        raise
    finally:
        pool.shutdown(cancel_futures=True)


@contextlib.contextmanager
def _deaf_to_ctrl_c() -> Iterator[None]:
    """Begin processes that leave Ctrl-C, which a terminal sends to all, to this one: it is kept waiting as long."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _end_with_parent() -> None:
    """Let this process end when the one that began it is gone, also killed: nothing else would tell it."""
    from multiprocessing import parent_process

    def wait() -> None:
        if parent := parent_process():
            parent.join()
            os._exit(1)

    threading.Thread(target=wait, daemon=True).start()
