"""Paths as the user means them: seen from where they stand, with ~ for a home, which not every user has."""

import os
from collections.abc import Callable
from pathlib import Path

from npdigits.base.errors import ConfigError

# The folder of a user who has none: nothing is there, and nothing can be made there.
NOWHERE = Path(os.devnull) / "npdigits"


def absolute(key: str, value: str | None) -> Path | None:
    """Return the value of a key as a path that means the same from every directory; None for None.

    Raises:
        ConfigError: it begins with a home that there is not.
    """
    if not value:
        return None
    # Not Path.expanduser, to which ./~ is a home as well.
    expanded = os.path.expanduser(value)  # noqa: PTH111
    if value.startswith("~") and expanded == value:
        home = Path(value).parts[0]
        raise ConfigError(f"{key}={value}: there is no home {home}; ./{value} is a folder of that name")
    return from_anywhere(expanded)


def from_anywhere(path: str | os.PathLike[str]) -> Path:
    """Return a path that means the same from every directory. Links and ``..`` stay.

    Raises:
        FileNotFoundError: the working directory is gone.
    """
    return Path(path).absolute()


def normalized(path: str | os.PathLike[str]) -> str:
    """Return the one spelling of a path, from the root and without ``..``. Links stay."""
    return os.path.abspath(path)  # noqa: PTH100 – which takes the .. out


def resolved(path: str | os.PathLike[str]) -> Path:
    """Return the path that all links lead to; one that leads back to itself stays where the circle begins."""
    return Path(os.path.realpath(path))  # which, unlike Path.resolve, does not raise then


def of_user(folder: Callable[..., str]) -> Path:
    """Return npdigits' folder of a kind, such as ``platformdirs.user_cache_dir``; NOWHERE for a user without a home."""
    try:
        path = Path(folder("npdigits", appauthor=False))
    except RuntimeError:  # in a container whose user is a mere number
        return NOWHERE
    return path if path.is_absolute() else NOWHERE  # other versions of platformdirs leave the ~ as it is
