"""The version of the code's numerics, and the digest of the modules that decide bits when it was last proved.

``experiments/record_code.py`` writes the two digests, once it has shown that no bit changed (CONTRIBUTING.md).
"""

import re
from typing import Any

# Raised whenever a change of the code alters the bits of a result.
NUMERICS = 6
# SHA-256 of the tokens of the modules that decide bits (code_digest.hash_tokens): what the code says.
CODE = "fbfefef7cd68e3288bf5461d6e87ea4c5a99ca94f48fadcafce526f73ab51b8e"
# SHA-256 of their bytes (code_digest.hash_bytes): where it fits, nothing need be tokenized.
BYTES = "34acd10f40b36fb2c8af3cf2c47b77e11873a85920d2dd26f30afc937a619701"

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
