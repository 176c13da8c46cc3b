"""What was typed: each override is read before Hydra sees it, and where it cannot be, our words say what was meant."""

import contextlib
import io
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from hydra._internal.utils import get_args_parser
from hydra.errors import HydraException

from npdigits.base.errors import ConfigError
from npdigits.config import axes
from npdigits.config.rules import SYNONYMS, nearest
from npdigits.config.schema import DATA_RULES, RULES, TEXT
from npdigits.nn.activations import ACTIVATIONS
from npdigits.nn.initializers import ALIASES, INITIALIZERS
from npdigits.nn.optimizers import OPTIMIZERS
from npdigits.nn.schedules import SCHEDULES
from npdigits.training.stopping import STOPPING_RULES

KEYS = (*RULES, "data", "experiment", *(f"data.{name}" for name in DATA_RULES))
# Their values stay what was typed: 2026_11_28 is no number, and a path may have any characters.
TEXT_KEYS = (
    *(key for key, rule in RULES.items() if rule is TEXT),
    *(f"data.{name}" for name, rule in DATA_RULES.items() if rule is TEXT),
    "hydra.launcher.address",
)
# What an experiment has a key swept over by, and where Hydra looks for experiments besides.
SWEPT, SEARCHPATH = "hydra.sweeper.params", "hydra.searchpath"
NAMES: dict[str, Iterable[str]] = {
    "optimizer": OPTIMIZERS,
    "activation": ACTIVATIONS,
    "initializer": (*ALIASES, *INITIALIZERS),
    "schedule": SCHEDULES,
    "stop_on": STOPPING_RULES,
}
LIST_KEYS = ("hidden", "betas", "dropout")
# What people type for a program of its own, or for an option.
PROGRAMS = {
    "compare": "npdigits-compare",
    **{name: f"python -m npdigits.{name}" for name in ("evaluate", "predict", "plots", "export")},
    "plot": "python -m npdigits.plots",
    "train": "npdigits without a word before the keys",
    "sweep": "npdigits --multirun",
    "multirun": "--multirun",
    "help": "--help",
    "version": "--version",
}
# What word processors make of quotes and signs.
TYPOGRAPHY = str.maketrans({**dict.fromkeys("“”„‘’«»", ""), "−": "-", "–": "-", "\u00a0": " "})
OPENING = "'\"“”„‘’«"


def split(arguments: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return Hydra's options with their values, and the overrides, which may stand anywhere between them.

    Raises:
        ConfigError: an option is unknown, or its value is missing.
    """
    for place, argument in enumerate(arguments):
        word = argument.lstrip("-").partition("=")[0].replace("-", "_").lower()
        if argument.startswith("-") and (word in KEYS or word in SYNONYMS):  # -hidden is no -h
            raise ConfigError(_dashed(argument, arguments[place + 1 :]))
    known = get_args_parser()
    # Positional arguments would end at the first option that follows them.
    known._actions = [action for action in known._actions if action.option_strings]
    said = io.StringIO()
    try:
        with contextlib.redirect_stderr(said), contextlib.redirect_stdout(io.StringIO()):
            overrides = known.parse_known_args(list(arguments))[1]
    except SystemExit:
        raise ConfigError(said.getvalue().strip().rpartition("error: ")[2] + "; --help lists what is allowed") from None
    for place, argument in enumerate(overrides):
        if argument.startswith("-"):
            raise ConfigError(_dashed(argument, overrides[place + 1 :]))
    options = list(arguments)
    for override in overrides:
        options.remove(override)
    return options, overrides


def completes(options: Sequence[str]) -> bool:
    """Say whether these are the options of tab completion, whose words are no overrides."""
    return bool(get_args_parser().parse_args(options).shell_completion)


def shows(options: Sequence[str]) -> bool:
    """Say whether these options have Hydra print something, and nothing run."""
    asked = get_args_parser().parse_args(options)
    return bool(asked.shell_completion or asked.cfg or asked.info or asked.hydra_help)


def read(arguments: Sequence[str], choices: Mapping[str, Sequence[str]]) -> list[str]:
    """Return the overrides as Hydra reads what was typed.

    Args:
        arguments: as typed.
        choices: of each group.

    Raises:
        ConfigError: one cannot be read; the message says what was meant, where that is clear.
    """
    result = []
    for place, argument in enumerate(arguments):
        rest = arguments[place + 1 :]
        if "=" not in argument and not argument.startswith("~"):
            raise ConfigError(_no_override(argument, arguments[place - 1] if place else "", rest, choices))
        if argument.startswith("="):
            raise ConfigError(f"{argument}: allowed is key=value, such as hidden=20")
        result.append(_read(argument, rest, choices))
    return result


def key_of(override: str) -> str:
    """Return the key of an override, without what adds or deletes it."""
    return override.lstrip("+~").partition("=")[0].strip()


def _read(argument: str, rest: Sequence[str], choices: Mapping[str, Sequence[str]]) -> str:
    """Return one override as Hydra reads it."""
    key, equals, value = argument.partition("=")
    if key != key.strip():
        raise ConfigError(f"{argument}: without spaces: {key.strip()}={value.strip()}")
    if (bare := key.lstrip("+")) in KEYS:
        key = bare  # there is nothing to add to, so that it can only be meant so
    if not re.fullmatch(r"[~+]*[A-Za-z_][\w./-]*", key):
        raise ConfigError(f"{argument}: {key} is no key; --help lists them all")
    above, _, below = key.partition("/")
    if above in choices and below:
        raise ConfigError(f"{argument}: did you mean {above}={below}/{value}?")
    if bare == "hydra/sweeper" or (bare.startswith("hydra.sweeper.") and not bare.startswith(SWEPT)):
        raise ConfigError(f"{argument}: not allowed: npdigits makes its grids itself, of key=a,b or key=range(5)")
    if not equals:
        return argument
    if bare in TEXT_KEYS:
        value = _kept(value)
    elif bare.startswith(SWEPT):
        # Hydra itself sweeps over no key of its own; here the values of ours are meant, as an experiment has them.
        key, value = f"++{bare}", value if value.strip()[:1] in ("'", '"', "{") else axes.quoted(value)
    if not _parses(key, value):
        raise ConfigError(_unreadable(argument, key, value, rest))
    if bare == SEARCHPATH:
        _check_folders(argument, axes.parser().parse_override(f"{key}={value}").value())
    return f"{key}={value}"


def _check_folders(argument: str, folders: Any) -> None:
    """Refuse a search path of which Hydra would say over several lines that it is not there.

    Raises:
        ConfigError: it is no list of folders.
    """
    if not isinstance(folders, list) or not all(isinstance(folder, str) for folder in folders):
        raise ConfigError(f"{argument}: allowed is a list of folders: {SEARCHPATH}=[DIR]")
    for folder in folders:
        scheme, _, path = folder.rpartition("://")
        if scheme in ("", "file") and not Path(path).is_dir():
            raise ConfigError(f"{argument}: there is no folder {path}")


def _kept(value: str) -> str:
    """Return a text so that Hydra keeps it as it was typed: in quotes, where it would be a number or unreadable."""
    if function := re.fullmatch(r"(choice|sort|shuffle)\((.*)\)", value.strip()):
        return f"{function[1]}({_kept(function[2])})"
    parts = [part.strip() for part in _parts(value)]
    return ",".join(part if not part or part[0] in OPENING else _kept_part(part) for part in parts)


def _kept_part(part: str) -> str:
    try:
        read = axes.parser().parse_override(f"key={part}")
    except HydraException:
        return part if part.partition("(")[0] in axes.USAGE else axes.quoted(part)
    return axes.quoted(part) if isinstance(read.value(), bool | int | float) else part


def _parts(value: str) -> Iterator[str]:
    """Yield the parts between the commas of a value that are in no brackets or quotes."""
    part, depth, quote = "", 0, ""
    for c in value:
        if quote:
            quote = "" if c == quote else quote
        elif c in "'\"" and not part.strip():  # it's is no quotation
            quote = c
        else:
            depth += (c in "([{") - (c in ")]}")
        if c == "," and depth <= 0 and not quote:
            yield part
            part = ""
        else:
            part += c
    yield part


def _parses(key: str, value: str) -> bool:
    """Say whether Hydra's grammar has such a value.

    Raises:
        ConfigError: it has, but a function in it refuses what it is given.
    """
    try:
        read = axes.parser().parse_override(f"{key}={value}")
    except HydraException as error:
        if said := axes.reason(error):
            raise ConfigError(f"{key}={value}: {said}") from error
        return False
    if axes.holds_sweep(read.value()):
        raise ConfigError(f"{key}={value}: allowed in a list are values; a sweep over lists is {key}=[…],[…]")
    return True


def _unreadable(argument: str, key: str, value: str, rest: Sequence[str]) -> str:
    """Return the line about a value that Hydra's grammar does not have."""
    words: list[str] = []
    for word in rest:  # which the shell has taken apart
        if "=" in word:
            break
        words.append(word)
        if _parses(key, joined := "".join([value, *words])):
            return f"{' '.join([argument, *words])}: without spaces: {key}={joined}"
    for why, fixed in _fixes(value):
        if fixed != value and _parses(key, fixed):
            return f"{argument}: {why}: {key}={fixed}"
    if any(value.count(quote) % 2 for quote in "'\""):
        return f"{argument}: a quote is not closed"
    if second := re.search(r"\s[A-Za-z_][\w.]*=", value):
        return f"{argument}: two keys are two arguments:{second[0]}… stands apart, outside of the quotes"
    if key in KEYS and key not in TEXT_KEYS:
        return f"{argument}: cannot be read; --help shows what {key} looks like"
    return f"{argument}: cannot be read: a value with such characters needs quotes twice: \"{key}='…'\""


def _fixes(value: str) -> Iterator[tuple[str, str]]:
    """Yield what may be wrong with a value, and the value without it."""
    yield "typographic characters are no quotes and no signs", value.translate(TYPOGRAPHY)
    if brackets := re.fullmatch(r"\((.*?),?\)", value.strip()):
        yield "a list is written with brackets", f"[{brackets[1]}]"
    yield "a comma has nothing beside it", re.sub(r"(^|\[)[\s,]+|[\s,]*,\s*(?=[\],]|$)", r"\1", value)
    yield "values are separated by commas", value.replace(";", ",")
    yield "a bracket is not closed", value.rstrip(" ,") + "]"
    yield "a bracket closes nothing", value.rstrip().removesuffix("]")


def _no_override(argument: str, before: str, rest: Sequence[str], choices: Mapping[str, Sequence[str]]) -> str:
    """Return the line about an argument that is no key=value."""
    word, allowed = argument.strip(), "allowed is key=value"
    typed_as = " ".join([argument, *rest])
    key, colon, value = word.partition(":")
    if word in KEYS:
        value = "".join(rest[:2]).lstrip("=") if rest and rest[0] == "=" else rest[0].lstrip("=") if rest else ""
        if rest and (rest[0].startswith("=") or "=" not in rest[0]):
            typed_as = " ".join([word, *rest[: 2 if rest[0] == "=" else 1]])
            return f"{typed_as}: {allowed}: {word}={value or '…'}"
        return f"{word}: a key needs a value: {word}=…"
    if colon and key in KEYS:
        return f"{word}: {allowed}: {key}={value.strip()}"
    if before.endswith("="):
        return f"{before} {word}: without a space: {before}{word}"
    if key_of(before) in LIST_KEYS and re.fullmatch(r"[\d.]+", word) and re.search(r"=[\d.]+$", before):
        return f"{before} {word}: a list is written with brackets: {before.replace('=', '=[')},{word}]"
    if word in PROGRAMS:
        return f"{word}: {allowed}; did you mean {PROGRAMS[word]}?"
    for group, names in [*choices.items(), *NAMES.items()]:
        if word.lower() in names:
            return f"{word}: {allowed}; did you mean {group}={word.lower()}?"
    path = Path(word)
    if "/" in word or path.suffix in (".yaml", ".yml") or (word and path.is_dir()):
        run = path.parent if path.suffix else path
        return f"{word}: {allowed}; resume={run} goes on with a run"
    near = nearest(word, KEYS)
    return f"{word or repr(argument)}: {allowed}, such as hidden=20" + (f"; did you mean {near}=…?" if near else "")


def _dashed(argument: str, rest: Sequence[str]) -> str:
    """Return the line about an option that there is not."""
    key, equals, value = argument.lstrip("-").partition("=")
    key = nearest(key.replace("-", "_"), KEYS)
    if not key:
        return f"{argument}: there is no such option, and keys have no dashes: hidden=20; --help lists them all"
    if not equals and rest and "=" not in rest[0] and not rest[0].startswith("-"):
        argument, value = f"{argument} {rest[0]}", rest[0]
    return f"{argument}: keys have no dashes: {key}={value or '…'}"
