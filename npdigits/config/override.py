"""One override of the command line, taken apart."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Override:
    """One argument of the form key=value.

    Attributes:
        typed: the argument as it was typed: "++data.dir=x".
        sign: what adds the key ("+", "++") or deletes it ("~"); "" for a key that is to have another value.
        key: "data.dir".
        value: "x"; None if the argument has no "=".
    """

    typed: str
    sign: str
    key: str
    value: str | None

    @classmethod
    def of(cls, typed: str) -> Override:
        """Take an argument apart."""
        signed, equals, value = typed.partition("=")
        key = signed.lstrip("+~")
        return cls(typed, signed[: len(signed) - len(key)], key, value if equals else None)

    @property
    def deletes(self) -> bool:
        """Whether the key is to be deleted."""
        return "~" in self.sign

    @property
    def top(self) -> str:
        """The top-level key: "data" of "data.dir"."""
        return self.key.partition(".")[0]
