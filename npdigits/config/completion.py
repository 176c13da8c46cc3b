"""Tab completion: of what stands on the line, only that is handed to Hydra which it can read."""

import re

from npdigits.base.errors import ConfigError
from npdigits.config.grammar import parses
from npdigits.config.override import Override
from npdigits.config.typed_race import OPTION

# A word of a shell; within quotes there may be spaces.
WORD = re.compile(r"""(?:[^\s'"]|'[^']*'|"[^"]*")+""")


def readable_line(line: str) -> str:
    """Return a command line without arms' names and without words in the shell's quotes, but with its last word.

    Hydra composes the configuration of the other words to know which keys there are. It ends with an error where it
    does not know an option, or cannot read a value.

    Args:
        line: as the shell gives it (COMP_LINE).
    """
    words = WORD.findall(line)
    last = words.pop() if words and not line[-1:].isspace() else ""
    kept: list[str] = []
    before = ""
    for place, word in enumerate(words):
        option = word.partition("=")[0]
        if option != OPTION and before != OPTION and (place == 0 or _is_readable(word)):
            kept.append(word)
        before = word
    return " ".join([*kept, last])


def _is_readable(word: str) -> bool:
    """Say whether a word is an option, the program's name or a path, or an override that the grammar has."""
    override = Override.of(word)
    if override.value is None or word.startswith("-"):
        return not any(quote in word for quote in "'\"")
    try:
        return parses(override.key, override.value)
    except ConfigError:
        return False
