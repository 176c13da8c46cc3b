"""JSON and YAML as npdigits writes them, and nothing else of what the two formats allow.

No key twice, no NaN, no reference to another part of the file: a few hundred bytes of references to references stand
for more than any memory holds. What the values may be is said by ``kinds``.
"""

import functools
import json
from collections.abc import Iterable
from typing import Any

# Editors on Windows begin a file with a mark of its encoding.
UTF_8 = "utf-8-sig"
# Lists and tables within another in a YAML file. Ours lie two deep: the sizes of the hidden layers, the data set.
DEEPEST = 20
# Digits of a whole number. Python makes no text of one of more than 4,300; what is shorter is refused with its key.
MOST_DIGITS = 4_000


def parse_json(content: bytes) -> Any:
    """Return what a JSON text stands for.

    Raises:
        ValueError: it is none, or not as we write it.
    """
    try:
        return _DECODER.decode(content.decode(UTF_8))
    except RecursionError:
        raise ValueError("too many lists and tables within another") from None


def parse_yaml(content: bytes) -> Any:
    """Return what a YAML text stands for.

    Raises:
        ValueError: it is none, or not as we write it.
    """
    import yaml

    try:
        return yaml.load(content.decode(UTF_8), _loader())
    except yaml.YAMLError as error:
        raise ValueError(" ".join(str(error).split())) from error
    except RecursionError:
        raise ValueError("too many lists and tables within another") from None


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return the table of these names and values.

    Raises:
        ValueError: a name is there twice.
    """
    table = dict(pairs)
    if len(table) < len(pairs):
        _refuse_twice(name for name, _ in pairs)
    return table


def _refuse_twice(names: Iterable[str]) -> None:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise ValueError(f"the key {name[:80]!r} is there twice")
        seen.add(name)


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name}: allowed are finite numbers")


def _whole(digits: str) -> int:
    if len(digits) > MOST_DIGITS:
        raise ValueError(f"a whole number of {len(digits):,} digits")
    return int(digits)


_DECODER = json.JSONDecoder(object_pairs_hook=_once, parse_constant=_refuse_constant, parse_int=_whole)


@functools.cache
def _loader() -> type[Any]:
    """Return a loader of YAML for lists, tables and scalars; made where YAML is read, as it takes long to import."""
    import yaml

    class PlainLoader(yaml.SafeLoader):  # type: ignore[misc]  # PyYAML has no types
        depth = 0

        def compose_node(self, parent: Any, index: Any) -> Any:
            event = self.peek_event()
            if getattr(event, "anchor", None) is not None:  # of an alias, too
                raise ValueError(f"line {event.start_mark.line + 1}: a reference (& or *): no run writes one")
            if getattr(event, "tag", None) is not None:
                raise ValueError(f"line {event.start_mark.line + 1}: a tag (!…): no run writes one")
            if self.depth == DEEPEST:
                raise ValueError(
                    f"line {event.start_mark.line + 1}: more than {DEEPEST} lists and tables within another"
                )
            self.depth += 1
            node = super().compose_node(parent, index)
            self.depth -= 1
            return node

        def construct_mapping(self, node: Any, deep: bool = False) -> Any:
            _refuse_twice(str(key.value) for key, _ in node.value)
            return super().construct_mapping(node, deep)

        def construct_yaml_int(self, node: Any) -> Any:
            if len(node.value) > MOST_DIGITS:
                raise ValueError(f"a whole number of {len(node.value):,} digits")
            return super().construct_yaml_int(node)

    PlainLoader.add_constructor("tag:yaml.org,2002:int", PlainLoader.construct_yaml_int)
    return PlainLoader
