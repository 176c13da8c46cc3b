"""Whether the arrays that a file declares fit into the memory that is free: asked before any is taken for them."""

from npdigits.base.errors import DataError
from npdigits.forms.room import readable, room


def refuse_declared(size: int, where: str) -> None:
    """Refuse arrays that take more than the memory that is free.

    Args:
        size: bytes.
        where: the file, and what is in it.

    Raises:
        DataError: they do.
    """
    free = room()
    if free is not None and size > free:
        raise DataError(f"{where}: declares {readable(size)}: {readable(free)} of memory are free")
