"""Whether the installed code is the recorded one: a digest of the package's modules that decide bits.

The digest is one of their tokens, without comments, docstrings and white space. It is the same on Python 3.11, 3.12 and
3.13, which neither ``ast.dump`` nor ``ast.unparse`` is. It costs about 50 ms. So the bytes are compared first, which
takes about a millisecond, and is enough where nobody has edited the code.
"""

import functools
import hashlib
import io
import token
import tokenize
from collections.abc import Iterator, Mapping
from pathlib import Path

from npdigits.config.numerics import BYTES, CODE, UNREAD

PACKAGE = Path(__file__).parents[1]

# Rooms and modules that decide the bits of a result. In a room, all modules do but those that are named below.
DECIDES = (
    *("nn", "training", "data"),
    *("base.arrays", "base.blas", "base.choice", "base.random"),
    *("config.build", "config.own_parts", "config.seeds"),
    *("runs.prepare", "runs.run", "runs.resume", "runs.checkpoint", "runs.results"),
)
# Why not -> rooms and modules that do not. The rooms base, config and runs are in neither list, so each of their
# modules must be in one of the two, which a test holds: a new one cannot be forgotten.
DOES_NOT: Mapping[str, tuple[str, ...]] = {
    "no run is trained by it": (
        *("nn.plain", "data.samples", "runs.evaluation", "runs.reading", "runs.trained"),
        *("runs.detector", "runs.doubt", "runs.exam", "runs.file_readings", "runs.likeness", "runs.many_readings"),
        *("runs.many_tables", "runs.of_files", "runs.outliers", "runs.pages", "runs.scores"),
        *("compare", "export", "lessons", "pictures", "race", "sources", "classifier", "check_gradient"),
        *("nn.differences", "nn.gradient_check", "nn.gradient_point", "runs.trial"),
        *(
            "nn.units",
            "training.inside",
            "training.neighbours",
            "training.replay",
            "runs.blow_up",
            "runs.diagnosis",
            "runs.layers",
            "runs.weight_history",
        ),
    ),
    "the SHA-256 of the arrays that it has read is part of the identity": (
        "data.cache",
        "data.download",
        "data.idx",
        "forms",
    ),
    "what it makes of the configuration is part of the identity": (
        *(
            "config.command_line",
            "config.compose",
            "config.conf_files",
            "config.dependence",
            "config.grammar",
            "config.grid_size",
        ),
        *(
            "config.asked_race",
            "config.axes",
            "config.bases",
            "config.completion",
            "config.constraint",
            "config.race_check",
        ),
        *("config.race_options", "config.space", "config.typed_race"),
        *("config.grid", "config.identity", "config.keys", "config.options", "config.override", "config.reading"),
        *("config.regularizers", "config.rules", "config.schema", "config.former"),
        *("config.components", "config.own_choices", "config.own_names", "config.key_table"),
    ),
    "it executes the user's code as it is, and that code is part of the identity": (
        *("base.local_imports", "base.own_code", "base.own_module", "runs.kept_code"),
    ),
    "it is about words": (
        *("base.errors", "base.terminal", "base.text", "config.help", "config.messages", "config.suggestions"),
        *("config.unreadable", "config.value_text", "runs.report"),
    ),
    "it writes, finds, reads or shows figures that others have computed": (
        *(
            "base.arithmetic",
            "base.bounded",
            "base.canvas",
            "base.files",
            "base.kinds",
            "base.npz",
            "base.pages",
            "base.paths",
        ),
        *("base.sheet", "base.spreadsheet", "base.strict", "base.targets", "base.ticks"),
        *(
            "runs.about_data",
            "runs.arrays",
            "runs.class_plots",
            "runs.contents",
            "runs.directory",
            "runs.divergence",
            "runs.drawing",
            "runs.events",
            "runs.film",
            "runs.find",
            "runs.hold",
        ),
        *("runs.json_table", "runs.layer_plots", "runs.layout", "runs.metrics", "runs.run_files"),
        *(
            "runs.outputs",
            "runs.plots",
            "runs.race_part",
            "runs.record",
            "runs.summary",
            "runs.table",
            "runs.tensorboard_records",
            "runs.text_columns",
            "runs.track",
            "runs.tracked",
            "runs.weight_plots",
            "runs.writer",
        ),
        "live",
    ),
    "it is about processes, signals and time": (
        *("base.clock", "base.cores", "base.forked", "base.interruption", "base.lock", "runs.sharing", "sweeps"),
        "training.team",
    ),
    "environment.json tells what it finds": ("runs.environment", "runs.environments"),
    "it starts programs and finds names": (
        *("data.__main__", "data.command"),
        *("__init__", "__main__", "console", "evaluate", "former_names", "plots", "predict", "train"),
        *("base.__init__", "base.portable", "base.program", "base.start", "config.__init__", "runs.__init__"),
    ),
    "it is the recorded digest, or makes it": ("config.code_digest", "config.numerics"),
}

DROPPED = {token.COMMENT, token.NL, token.ENCODING, token.ENDMARKER}
# What stands for the layout that has a meaning, and is no token of Python.
LAYOUT = {token.INDENT: "\1", token.DEDENT: "\2"}
LINE_END = "\n"
# From Python 3.12 on an f-string is many tokens.
F_START, F_END = (getattr(token, name, None) for name in ("FSTRING_START", "FSTRING_END"))


@functools.cache
def code_mark() -> str:
    """Return "" where the code is the recorded one, else the first eight hex digits of its digest, or ``UNREAD``.

    It is determined once a process, as modules are imported once. That a notebook has reloaded one is not seen.
    """
    try:
        sources = read_sources()
    except OSError:
        return UNREAD
    if hash_bytes(sources) == BYTES:
        return ""
    code = hash_tokens(sources)
    return "" if code == CODE else code[:8]


def read_sources(package: Path = PACKAGE) -> dict[str, bytes]:
    """Return the sources of the modules that decide bits, by their paths, with line ends as on Linux.

    Raises:
        OSError: one cannot be read, or there are compiled files in its place.
    """
    excluded = {name for names in DOES_NOT.values() for name in names}
    found = {}
    for name in DECIDES:
        place = package.joinpath(*name.split("."))
        if not place.is_dir():
            found[name] = place.with_suffix(".py")
            continue
        for path in place.iterdir():
            if path.suffix == ".pyc":
                raise FileNotFoundError(f"{path}: compiled, without its source")
            if path.suffix == ".py" and (module := f"{name}.{path.stem}") not in excluded:
                found[module] = path
        found[f"{name}.__init__"] = place / "__init__.py"
    return {name: found[name].read_bytes().replace(b"\r\n", b"\n") for name in sorted(found)}


def hash_bytes(sources: Mapping[str, bytes]) -> str:
    """Return the SHA-256 of sources by name, in hex."""
    return hashlib.sha256(b"\0".join(part for name in sources for part in (name.encode(), sources[name]))).hexdigest()


def hash_tokens(sources: Mapping[str, bytes]) -> str:
    """Return the SHA-256 of the tokens of sources by name, in hex."""
    parts = {name: "\0".join(tokens_of(source)).encode() for name, source in sources.items()}
    return hash_bytes(parts)


def tokens_of(source: bytes) -> list[str]:
    """Return a module's tokens without comments, docstrings and white space; of what is no Python, all of it.

    Each line ends with "\\n"; "\\1" and "\\2" stand for more and less indentation.
    """
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(source).readline)
        text = source.decode(encoding)
        return list(_without_docstrings(text))
    except (SyntaxError, UnicodeDecodeError, tokenize.TokenError):
        return [source.decode("latin-1")]


def _without_docstrings(text: str) -> Iterator[str]:
    """Yield the tokens of all lines but those that are nothing but a string, which have no effect."""
    line: list[str] = []
    for kind, string in _with_whole_f_strings(text):
        if kind in LAYOUT:
            yield LAYOUT[kind]
        elif kind == token.NEWLINE:
            if not all(map(_is_plain_string, line)):
                yield from line
                yield LINE_END
            line.clear()
        elif kind not in DROPPED:
            line.append(string)


def _with_whole_f_strings(text: str) -> Iterator[tuple[int, str]]:
    """Yield the kind and the text of each token, f-strings in one piece as Python 3.11 has them."""
    lines, depth, start = text.split("\n"), 0, (0, 0)
    for found in tokenize.generate_tokens(io.StringIO(text).readline):
        if found.type == F_START:
            start = start if depth else found.start
            depth += 1
        elif found.type == F_END:
            depth -= 1
            if not depth:
                yield token.STRING, _cut(lines, start, found.end)
        elif not depth:
            yield found.type, found.string


def _cut(lines: list[str], start: tuple[int, int], end: tuple[int, int]) -> str:
    """Return the text between two places, each a line from 1 and a column from 0."""
    (first, left), (last, right) = start, end
    if first == last:
        return lines[first - 1][left:right]
    return "\n".join([lines[first - 1][left:], *lines[first : last - 1], lines[last - 1][:right]])


def _is_plain_string(string: str) -> bool:
    """Say whether a token is a string, and none that computes anything."""
    prefix = string[: min((at for at in map(string.find, "\"'") if at >= 0), default=0)]
    return string.endswith(('"', "'")) and "f" not in prefix.lower()
