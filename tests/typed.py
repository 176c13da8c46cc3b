"""The command line as a user types it: in a process of its own, from any directory."""

import os
import sys
from pathlib import Path

import zygote


def typed(*arguments, cwd, module="npdigits.train", **environment):
    """Run ``python -m npdigits.train …`` in a directory, without a terminal, and return how it ended."""
    return zygote.run(
        [sys.executable, "-m", module, *arguments],
        cwd=cwd,
        env={**os.environ, "PYTHONIOENCODING": "utf-8", **environment},
        encoding="utf-8",
        timeout=120,
    )


def tree(folder):
    """Return every file below a folder with its content and time of change, and the empty directories."""
    paths = [path for path in Path(folder).rglob("*") if path.is_file() or not any(path.iterdir())]
    return {
        path.relative_to(folder).as_posix(): path.is_file() and (path.read_bytes(), path.stat().st_mtime_ns)
        for path in paths
    }
