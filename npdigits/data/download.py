"""Fetching a data set with torchvision, in a process of its own.

torchvision takes seconds to import, may not import at all, waits for ever on a silent mirror, and leaves a torn file
where it is killed. In a child process none of that reaches the run: the child fills a scratch folder, the parent
watches it grow, and moves the files into place once all are there and their MD5 sums were right.
"""

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from npdigits.base import lock as locks
from npdigits.base.clock import Stopwatch
from npdigits.base.errors import DataUnavailable
from npdigits.base.terminal import show_error
from npdigits.base.text import message_of

IMPORT_SECONDS = 120.0
STALL_SECONDS = 10.0
# Seconds between two attempts to take a lock that another process holds, and until it is said whose it is.
LOCK_AGAIN, LOCK_SAID = 0.2, 10.0


def fetch(torchvision_class: str, root: Path, mirror: str | None, is_complete: Callable[[], bool]) -> None:
    """Download a data set so that torchvision's layout (``<class>/raw/*``) stands below ``root``.

    Args:
        torchvision_class: MNIST, FashionMNIST or KMNIST.
        root: is made if it is not there.
        mirror: a URL to use instead of torchvision's own mirrors.
        is_complete: returns whether all files are there. Of two processes that need them at once, the second waits for
            the first and then finds them.

    Raises:
        DataUnavailable: with the reason in a few words.
    """
    made_here = not root.exists()
    try:
        root.mkdir(parents=True, exist_ok=True)
        with _locked(root / f".{torchvision_class}.lock"):
            if is_complete():
                return
            with tempfile.TemporaryDirectory(prefix=".download-", dir=root) as scratch:
                _run_child(torchvision_class, Path(scratch), mirror)
                raw = root / torchvision_class / "raw"
                raw.mkdir(parents=True, exist_ok=True)
                for file in (Path(scratch) / torchvision_class / "raw").iterdir():
                    file.replace(raw / file.name)
    except OSError as error:
        raise DataUnavailable(f"not in {root}, and cannot be put there: {error.strerror or error}") from error
    finally:
        if made_here and not is_complete():  # a folder that was mistyped does not stay
            with contextlib.suppress(OSError):
                (root / f".{torchvision_class}.lock").unlink()
                root.rmdir()


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Hold a lock within the context; wait until it can be had, and say after a while what is waited for."""
    if locks.fcntl is None:
        from filelock import FileLock

        with FileLock(path):
            yield
        return
    waited = Stopwatch()
    said = False
    while True:
        try:
            lock = locks.take(path)
            break
        except locks.BusyError as error:
            if waited.seconds() > LOCK_SAID and not said:
                said = True
                show_error(f"npdigits: waiting for another process that downloads here{': ' * bool(str(error))}{error}")
            time.sleep(LOCK_AGAIN)
    try:
        yield
    finally:
        lock.release()


def _run_child(torchvision_class: str, scratch: Path, mirror: str | None) -> None:
    """Run this module as a child process, and kill it when its import or its mirror hangs."""
    command = [sys.executable, "-m", "npdigits.data.download", torchvision_class, str(scratch), mirror or ""]
    log = scratch / "log"
    with log.open("wb") as out:
        child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=out)
    try:
        clock = Stopwatch()
        seen, since = (False, -1), 0.0
        while child.poll() is None:
            time.sleep(0.05)
            imported = (scratch / "imported").exists()
            now = imported, _count_bytes(scratch)
            if now != seen:  # so the mirror's time begins at the end of a slow import
                seen, since = now, clock.seconds()
            waited = clock.seconds() - since
            if waited > (STALL_SECONDS if imported else IMPORT_SECONDS):
                what = "the mirror gave nothing" if imported else "importing torchvision did not end"
                raise DataUnavailable(f"{what} for {waited:.0f} s")
    finally:
        child.kill()
        child.wait()
    if child.returncode:
        lines = log.read_text(errors="replace").split("\n")
        reasons = [line.strip() for line in lines if line.strip()]
        raise DataUnavailable(reasons[-1] if reasons else f"torchvision ended with code {child.returncode}")


def _count_bytes(folder: Path) -> int:
    """Return how many bytes a folder holds; a file that vanishes meanwhile does not count."""
    total = 0
    for path in folder.rglob("*"):
        with contextlib.suppress(OSError):
            total += path.stat().st_size
    return total


def _download(torchvision_class: str, scratch: Path, mirror: str) -> None:
    """Download into ``scratch``, in the child process. If that fails, the last line printed is the reason."""
    parent = os.getppid()

    def end_with_parent() -> None:
        while os.getppid() == parent:
            time.sleep(0.5)
        shutil.rmtree(scratch, ignore_errors=True)
        os._exit(1)

    threading.Thread(target=end_with_parent, daemon=True).start()
    try:
        import socket

        from torchvision import datasets
    except Exception as error:  # a broken PyTorch raises whatever it likes
        sys.exit(f"torchvision cannot be imported: {message_of(error)}")
    (scratch / "imported").touch()
    socket.setdefaulttimeout(STALL_SECONDS)
    dataset = getattr(datasets, torchvision_class)
    if mirror:
        dataset.mirrors = [mirror.rstrip("/") + "/"]
    try:
        dataset(str(scratch), download=True)
    except Exception as error:  # urllib's, gzip's and MD5's errors all mean the same here
        sys.exit(f"download failed: {message_of(error)}")


if __name__ == "__main__":
    reason: object = None
    try:
        _download(sys.argv[1], Path(sys.argv[2]), sys.argv[3])
    except SystemExit as end:
        reason = end.code
        show_error(str(reason))
    # A normal exit would print torchvision's output after the reason, and unload PyTorch (1 s; 7 s on a
    # busy machine), which the parent would take for a stall.
    os._exit(1 if reason else 0)
