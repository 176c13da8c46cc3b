"""Errors that the user can mend: each message is one line that says what is wrong and what is allowed."""

from pathlib import Path
from typing import Self


class UserError(Exception):
    """Something that the user gave cannot be used. Printed as one line, without a stack trace."""


class ConfigError(UserError):
    """A key or a value of the configuration."""


class OwnCodeError(UserError):
    """A user's own code that cannot be read, fails, or takes or returns what it must not."""


class UntrustedError(UserError):
    """A run directory holds own code, which is not executed before it is trusted."""


class DataError(UserError):
    """A data file that is damaged, or does not fit."""


class DataUnavailable(UserError):
    """A data set that is neither on disk nor can be fetched: the case for ``data.fallback``."""


class RunDirError(UserError):
    """A run directory that cannot be made, or holds something else."""


class NewerError(RunDirError):
    """A run directory that a newer version of npdigits has written, in a way that this one does not know."""

    @classmethod
    def of(cls, file: Path, schema: object, known: int) -> Self:
        """Return the error about a file of this schema, where ``known`` is the newest that is read here."""
        return cls(f"{file}: is of schema {schema}, this version of npdigits reads up to {known}: update npdigits")


class HeldError(RunDirError):
    """A run directory that another process is writing."""


class MovedError(RunDirError):
    """A run directory that was moved, removed or replaced while it was written."""


class ClusterLostError(UserError):
    """The cluster that does a sweep's runs no longer answers."""


class DisconnectedError(ClusterLostError):
    """The connection to a cluster's scheduler broke; another one may do."""


class PlaceError(UserError):
    """Something that a run needs is missing where it is to be done; elsewhere it may be there."""


class WorkersError(UserError):
    """A process that shares a run's work is gone: not the user's fault, but they must know."""


def first_cause(error: Exception) -> Exception:
    """Return the MemoryError that an error came of, or the error itself where there was none.

    What closes files and archives after a MemoryError may fail in its turn, and its error ("I/O operation on closed
    file") says nothing about the cause. An error for the user says what it means to say.
    """
    earlier: BaseException | None = error
    seen: set[int] = set()
    while earlier is not None and id(earlier) not in seen and not isinstance(earlier, UserError):
        if isinstance(earlier, MemoryError):
            return earlier
        seen.add(id(earlier))
        earlier = earlier.__context__
    return error


# How the note begins that says where an error's traceback was kept.
_LOGGED = "its traceback is in "


def note_log(error: BaseException, file: str) -> None:
    """Note in an error the file that its traceback was written to."""
    error.add_note(_LOGGED + file)


def noted_log(error: BaseException) -> str | None:
    """Return the file that an error's traceback was written to, if it was."""
    notes = getattr(error, "__notes__", ())
    return next((note.removeprefix(_LOGGED) for note in notes if note.startswith(_LOGGED)), None)
