"""Settings from YAML of other programs: what is plain is read, the rest is left out and named.

Lightning's hparams.yaml holds whole Python objects (``!!python/object:torch.nn…``) beside the learning rate. Only the
events of the text are looked at: no tag is obeyed, no reference is followed (a few hundred bytes of them stand for more
than any memory holds), and no interpolation (``${oc.env:HOME}``) is resolved.
"""

from typing import Any

from npdigits.base.strict import UTF_8
from npdigits.sources.values import flatten, from_text

MOST_BYTES = 2**22
DEEPEST = 50
# Tags that say no more than what stands there.
PLAIN_TAGS = ("tag:yaml.org,2002:python/tuple", "tag:yaml.org,2002:python/unicode", "tag:yaml.org,2002:str")
# How a text is written that is not to be taken for a number.
QUOTED = ("'", '"', "|", ">")
# What YAML 1.1 calls a number that is none.
WORDS = {"~": None, "": None, ".nan": float("nan"), ".inf": float("inf"), "-.inf": float("-inf")}


class _Unread:
    """A value that is not plain."""


UNREAD = _Unread()


def read_settings(content: bytes) -> tuple[dict[str, Any], list[str]]:
    """Return the settings of a YAML text, nested ones with dots, and the names of those that are not plain.

    Raises:
        ValueError: it is no YAML, no table, or nested too deep.
    """
    import yaml

    try:
        loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)(content.decode(UTF_8))
        try:
            table = _build(loader)
        finally:
            loader.dispose()
    except yaml.YAMLError as error:
        raise ValueError(" ".join(str(error).split())[:200]) from error
    if table is None:
        return {}, []
    if not isinstance(table, dict):
        raise ValueError("not a table of settings")
    unread: list[str] = []
    return flatten(_without_unread(table, "", unread)), unread


def _without_unread(table: dict[str, Any], prefix: str, unread: list[str]) -> dict[str, Any]:
    kept = {}
    for name, value in table.items():
        if value is UNREAD or (isinstance(value, list) and _holds_unread(value)):
            unread.append(f"{prefix}{name}")
        elif isinstance(value, dict) and value:
            if own := _without_unread(value, f"{prefix}{name}.", unread):
                kept[name] = own
        else:
            kept[name] = value
    return kept


def _holds_unread(value: Any) -> bool:
    if isinstance(value, list):
        return any(_holds_unread(item) for item in value)
    if isinstance(value, dict):
        return any(_holds_unread(item) for item in value.values())
    return value is UNREAD


def _build(loader: Any) -> Any:
    """Return what a loader's events stand for.

    Raises:
        ValueError: it is nested too deep, or a name comes twice.
    """
    import yaml

    result: list[Any] = []
    # Lists and tables that are open: what they hold, the whole value that stands for them, and of a table its name.
    stack: list[tuple[list[Any], Any, bool]] = [(result, None, False)]
    while not isinstance(event := loader.get_event(), yaml.StreamEndEvent):
        if isinstance(event, yaml.AliasEvent):
            stack[-1][0].append(UNREAD)
        elif isinstance(event, yaml.ScalarEvent):
            stack[-1][0].append(_scalar(event))
        elif isinstance(event, yaml.SequenceStartEvent | yaml.MappingStartEvent):
            if len(stack) > DEEPEST:
                raise ValueError(f"more than {DEEPEST} lists and tables within another")
            stack.append(([], _is_plain(event.tag), isinstance(event, yaml.MappingStartEvent)))
        elif isinstance(event, yaml.SequenceEndEvent | yaml.MappingEndEvent):
            items, plain, is_table = stack.pop()
            stack[-1][0].append((_as_table(items) if is_table else items) if plain else UNREAD)
    return result[0] if result else None


def _is_plain(tag: str | None) -> bool:
    return tag in (None, "!") or tag in PLAIN_TAGS


def _scalar(event: Any) -> Any:
    if not _is_plain(event.tag):
        return UNREAD
    if event.style in QUOTED or event.tag is not None:  # a text
        return event.value
    return WORDS[event.value.lower()] if event.value.lower() in WORDS else from_text(event.value)


def _as_table(items: list[Any]) -> dict[str, Any]:
    """Return a table of names and values that follow one another.

    Raises:
        ValueError: a name is no plain value, or there twice.
    """
    table: dict[str, Any] = {}
    for name, value in zip(items[::2], items[1::2], strict=True):
        if name is UNREAD or isinstance(name, list | dict):
            raise ValueError("a name that is no plain value")
        if str(name) in table:
            raise ValueError(f"the name {str(name)[:80]!r} is there twice")
        table[str(name)] = value
    return table
