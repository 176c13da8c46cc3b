"""What libraries raise about a file that is damaged, as one line that names the file."""

import contextlib
from collections.abc import Iterator

from npdigits.base.errors import DataError, UserError
from npdigits.base.text import message_of

# Characters of a library's own message, which may quote what the file holds.
LONGEST = 200


@contextlib.contextmanager
def told_of(where: object, what: str = "damaged") -> Iterator[None]:
    """Raise a DataError about a place for whatever is raised within: of hostile bytes a decoder may raise anything.

    Args:
        where: the file, perhaps with what is read in it.
        what: is said of it, before the library's own words.

    Raises:
        DataError: something was raised.
    """
    try:
        yield
    except UserError:
        raise
    except MemoryError as error:
        raise DataError(f"{where}: too large for the memory that is left") from error
    except OSError as error:
        said = error.strerror if error.errno else f"{what}: {message_of(error)[:LONGEST]}"
        raise DataError(f"{where}: {said}") from error
    except Exception as error:
        raise DataError(f"{where}: {what}: {message_of(error)[:LONGEST]}") from error
