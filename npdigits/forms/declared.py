"""Whether what a file declares fits into this machine: asked before memory is taken for it."""

import os

from npdigits.base.errors import DataError


def refuse_too_large(size: int, where: str) -> None:
    """Refuse arrays that take more than half of this machine's memory: they are read and then brought to one form.

    Args:
        size: bytes.
        where: the file, and what is in it.

    Raises:
        DataError: they do.
    """
    if hasattr(os, "sysconf") and "SC_PHYS_PAGES" in os.sysconf_names:
        room = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2
        if size > room:
            raise DataError(
                f"{where}: declares {size / 2**30:,.1f} GiB: allowed is half of this machine's memory, "
                f"{room / 2**30:,.1f} GiB"
            )
