"""The version of the code's numerics, and the digest of the modules that decide bits when it was last proved.

``experiments/record_code.py`` writes the two digests, once it has shown that no bit changed (CONTRIBUTING.md).
"""

import re
from typing import Any

# Raised whenever a change of the code alters the bits of a result.
NUMERICS = 6
# SHA-256 of the tokens of the modules that decide bits (code_digest.hash_tokens): what the code says.
CODE = "f78d4e809c3414ea34b5e605a16b19ff67dae2ef5f1b076651ff011d29cacde0"
# SHA-256 of their bytes (code_digest.hash_bytes): where it fits, nothing need be tokenized.
BYTES = "4ac2d05eeb06f1569c594cb5da5e1815f2beca103460d0f35760416fc80c05f8"

# The mark of code whose source cannot be read, as where only compiled files were installed.
UNREAD = "unread"
MARKED = re.compile(r"(\d+)\+(\w+)")


def split_numerics(value: Any) -> tuple[Any, str]:
    """Return the version and the mark of an identity's ``numerics``: (5, "3fa2c1d8") for "5+3fa2c1d8", (5, "") for 5.

    Args:
        value: read from a file, so it may be anything; what is no such text is returned as it is, without a mark.
    """
    found = MARKED.fullmatch(value) if isinstance(value, str) else None
    return (int(found[1]), found[2]) if found else (value, "")


def describe_mark(mark: str) -> str:
    """Return what code with this mark is, to stand behind "code of npdigits"."""
    return "whose source cannot be read" if mark == UNREAD else f"that was edited ({mark} is its digest)"
