"""The table of all keys in conf/README.md, made from ``keys.TABLE`` and the defaults."""

import json

from npdigits.base.terminal import hand_over
from npdigits.config.compose import defaults
from npdigits.config.keys import ALIASES, NAMES, READ_ONLY_WITH, TABLE
from npdigits.config.rules import Rule


def allowed_by(rule: Rule) -> str:
    """Return what a rule allows, in the words by which it refuses."""
    try:
        rule(object())
    except ValueError as error:
        return str(error).partition("; did you mean")[0].partition(", such as")[0]
    raise AssertionError("a rule allows anything")


def rows() -> list[tuple[str, str, str, str]]:
    """Return a row for each key: its name, default, what it allows, and under which choice alone it is read."""
    values = defaults()
    made = []
    for name, key in TABLE.items():
        other, choices = READ_ONLY_WITH.get(name, ("", ()))
        read_with = f"`{other}` = {', '.join(choices)}" if other else ""
        allowed = allowed_by(key.rule) + (", or your own" if name in NAMES else "")
        if aliases := ALIASES.get(name):
            allowed += f" ({', '.join(f'{alias} is stored as {kept}' for alias, kept in aliases.items())})"
        made.append((name, json.dumps(values[name]).strip('"'), allowed, read_with))
    return made


def markdown() -> str:
    """Return the table as Markdown."""
    lines = ["| key | default | allowed | read only with |", "|---|---|---|---|"]
    lines += [f"| `{name}` | {default} | {allowed} | {read_with} |" for name, default, allowed, read_with in rows()]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    hand_over(markdown())
