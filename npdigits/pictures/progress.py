"""A line on the terminal that says how far reading many pictures is."""

import sys
from collections.abc import Iterable, Iterator
from typing import TypeVar

# From so many pictures on.
MANY = 50

_Result = TypeVar("_Result")


def with_progress(results: Iterable[_Result], total: int) -> Iterator[_Result]:
    """Yield the results, with a line that says how far it is if standard error is a terminal."""
    if total < MANY or not (sys.stderr and sys.stderr.isatty()):
        yield from results
        return
    from rich.console import Console
    from rich.progress import track

    yield from track(results, "reading pictures", total, console=Console(stderr=True), transient=True)
