"""What is said about an argument that cannot be read: what was meant, where that is clear."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from npdigits.config.grammar import parses
from npdigits.config.keys import KEYS, LIST_KEYS, TEXT_KEYS
from npdigits.config.override import Override
from npdigits.config.suggestions import nearest
from npdigits.nn import activations, initializers, optimizers
from npdigits.nn.activations import ACTIVATIONS
from npdigits.nn.initializers import INITIALIZERS
from npdigits.nn.optimizers import OPTIMIZERS
from npdigits.nn.schedules import SCHEDULES
from npdigits.training.stopping import STOPPING_RULES

# key -> names that are typed without it
NAMES: dict[str, Iterable[str]] = {
    "optimizer": (*optimizers.ALIASES, *OPTIMIZERS),
    "activation": (*activations.ALIASES, *ACTIVATIONS),
    "initializer": (*initializers.ALIASES, *INITIALIZERS),
    "schedule": SCHEDULES,
    "stop_on": STOPPING_RULES,
}
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


def unreadable(argument: str, key: str, value: str, rest: Sequence[str]) -> str:
    """Return the line about a value that Hydra's grammar does not have."""
    words: list[str] = []
    for word in rest:  # which the shell has taken apart
        if "=" in word:
            break
        words.append(word)
        if parses(key, joined := "".join([value, *words])):
            return f"{' '.join([argument, *words])}: without spaces: {key}={joined}"
    for why, fixed in _fixes(value):
        if fixed != value and parses(key, fixed):
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


def no_override(argument: str, before: Override, rest: Sequence[str], choices: Mapping[str, Sequence[str]]) -> str:
    """Return the line about an argument that is no key=value.

    Args:
        argument: as typed.
        before: the argument before it.
        rest: the arguments after it.
        choices: of each group.
    """
    word, allowed = argument.strip(), "allowed is key=value"
    key, colon, value = word.partition(":")
    if word in KEYS:
        return _no_value(word, rest)
    if colon and key in KEYS:
        return f"{word}: {allowed}: {key}={value.strip()}"
    if before.typed.endswith("="):
        return f"{before.typed} {word}: without a space: {before.typed}{word}"
    if before.key in LIST_KEYS and re.fullmatch(r"[\d.]+", word) and re.search(r"=[\d.]+$", before.typed):
        return f"{before.typed} {word}: a list is written with brackets: {before.typed.replace('=', '=[')},{word}]"
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


def _no_value(key: str, rest: Sequence[str]) -> str:
    """Return the line about a key that stands alone, with what follows it where that may be its value."""
    if not rest or ("=" in rest[0] and not rest[0].startswith("=")):
        return f"{key}: a key needs a value: {key}=…"
    words = rest[: 2 if rest[0] == "=" else 1]
    return f"{' '.join([key, *words])}: allowed is key=value: {key}={''.join(words).lstrip('=') or '…'}"


def no_option(argument: str, rest: Sequence[str]) -> str:
    """Return the line about an option that there is not."""
    key, equals, value = argument.lstrip("-").partition("=")
    key = nearest(key.replace("-", "_"), KEYS)
    if not key:
        return f"{argument}: there is no such option, and keys have no dashes: hidden=20; --help lists them all"
    if not equals and rest and "=" not in rest[0] and not rest[0].startswith("-"):
        argument, value = f"{argument} {rest[0]}", rest[0]
    return f"{argument}: keys have no dashes: {key}={value or '…'}"
