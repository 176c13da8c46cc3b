"""Text for people: errors on one line, characters that are safe on a terminal, aligned columns."""

from collections.abc import Callable, Iterable, Sequence


def printable(text: str) -> str:
    """Return text on one line, with escapes for the characters that could steer a terminal."""
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


def printable_lines(text: str) -> str:
    """Return text of several lines, with escapes for the characters that could steer a terminal."""
    return "\n".join(map(printable, text.split("\n")))


def on_one_line(error: BaseException) -> str:
    """Return an error's kind and message on one line."""
    return join_lines(f"{type(error).__name__}: {error}").removesuffix(":")


def message_of(error: BaseException) -> str:
    """Return an error's message on one line; its kind if it has no message."""
    return join_lines(str(error)) or type(error).__name__


def join_lines(text: str) -> str:
    """Return text on one line: each run of white space becomes one space."""
    return " ".join(text.split())


def listed(names: Iterable[str]) -> str:
    """Return names with commas between them, each as ``quoted`` returns it."""
    return ", ".join(map(quoted, names))


def quoted(name: str) -> str:
    """Return a name as it is told from its neighbours in a list: in quotes if it holds commas, or ends in a space."""
    is_told = name == name.strip() and not {",", ";", "'", "…"} & set(name) and name
    return printable(name) if is_told else repr(name)


def counted(n: int, one: str, many: str) -> str:
    """Return how many there are: "1 image is", "1,200 images are"."""
    return f"{n:,} {one if n == 1 else many}"


def aligned(rows: Sequence[Sequence[str]], left: int = 0) -> list[str]:
    """Return a table's rows as lines with aligned columns, two spaces apart.

    Args:
        rows: of cells, all of the same length.
        left: how many columns, from the left, are flush left; the others are flush right.
    """
    cells = [[printable(cell) for cell in row] for row in rows]
    widths = [max(map(terminal_width, column)) for column in zip(*cells, strict=True)]
    return ["  ".join(_padded(row, widths, left)).rstrip() for row in cells]


def _padded(row: Sequence[str], widths: Sequence[int], left: int) -> list[str]:
    spaces = [" " * (width - terminal_width(cell)) for cell, width in zip(row, widths, strict=True)]
    return [
        cell + space if column < left else space + cell
        for column, (cell, space) in enumerate(zip(row, spaces, strict=True))
    ]


def terminal_width(text: str) -> int:
    """Return how many columns of a terminal a text takes: wide letters take two, combining marks none."""
    if text.isascii():
        return len(text)
    import unicodedata

    wide = sum(unicodedata.east_asian_width(c) in "WF" for c in text)
    return len(text) + wide - sum(unicodedata.combining(c) > 0 for c in text)


def shortened(text: str, most: int, shown: Callable[[str], str] = str) -> str:
    """Return a text in at most so many columns of a terminal; its end tells as much as its beginning, so both stay.

    Args:
        text: what may be too long.
        most: columns.
        shown: how its letters are to be written, such as by escapes, of which none is cut.
    """
    if terminal_width(shown(text)) <= most:
        return shown(text)
    for kept in range(len(text) - 1, 0, -1):
        begin, end = shown(text[: kept - kept // 2]), shown(text[len(text) - kept // 2 :])
        if terminal_width(begin + end) < most:
            return f"{begin}…{end}"
    return "…"
