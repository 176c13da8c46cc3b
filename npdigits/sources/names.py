"""Settings from the names of runs, where a program keeps none: "lr=0.1,seed=3", "lr-0.1_seed-3", "lr_0.1_seed3".

A name that fits none of these forms tells nothing. What is left of a name beside its settings (the "sgd" of
"sgd_lr-0.1") is a setting called ``name`` where several runs share it; a number of the run or a date is none.
"""

import re
from collections import Counter
from collections.abc import Sequence
from typing import Any

from npdigits.sources.values import NUMBER, WORDS, from_text

# "+" and "++" as Hydra writes them in the folders of a sweep.
_KEY = r"\+{0,2}([A-Za-z][\w./@]*)="
# Between two settings: commas where there are any, as a value may hold the other characters.
_BY_COMMAS = re.compile(rf"(?:^|[,;]\s*){_KEY}")
_BY_ANY = re.compile(rf"(?:^|[\s_&-]+){_KEY}")
_JOINED = re.compile(r"([A-Za-z][A-Za-z.]*)-(.+)")
_SEED = re.compile(r"(seed)(\d+)", re.IGNORECASE)
# What counts runs and sets nothing: the "run-3", "version_3" of loggers that number their folders.
COUNTERS = frozenset(
    ["run", "runs", "exp", "experiment", "trial", "version", "job", "id", "try", "attempt", "epoch", "step", "events"]
)
LONGEST = 1000  # characters of a name that are looked at

_Pairs = list[tuple[str, Any]]


def settings_from_names(names: Sequence[str]) -> list[dict[str, Any]]:
    """Return the settings that the names of a source's runs tell, as far as they do.

    The names are read together: the first key of "sgd_lr-0.1" may be ``sgd_lr`` or ``lr``, and is the longest that
    every name has.

    Args:
        names: of the runs; folders in them are parted by "/".
    """
    parts = [[_pairs(part) for part in name[:LONGEST].split("/")] for name in names]
    _shorten_first_keys(parts)
    labels = ["/".join(label for _, label in each if label) for each in parts]
    often = Counter(labels)
    share = 1 < len(often) < len(labels)
    settings = []
    for each, label in zip(parts, labels, strict=True):
        found = {key: value for pairs, _ in each for key, value in pairs}
        if found and share and label:
            found.setdefault("name", label)
        settings.append(found)
    return settings


def _pairs(part: str) -> tuple[_Pairs, str]:
    """Return the settings in one folder's name, and the rest of it."""
    between = _BY_COMMAS if len(_BY_COMMAS.findall(part)) > 1 else _BY_ANY
    keys = list(between.finditer(part))
    if keys:
        ends = [following.start() for following in keys[1:]] + [len(part)]
        told = [(key[1], from_text(part[key.end() : end])) for key, end in zip(keys, ends, strict=True)]
        return _without_counters(told, part[: keys[0].start()])
    pairs: _Pairs = []
    words: list[str] = []
    label: list[str] = []
    for token in re.split(r"[\s_,;]+", part):
        joined, seed = _JOINED.fullmatch(token), _SEED.fullmatch(token)
        if seed:
            label += words
            pairs.append((seed[1], int(seed[2])))
        elif joined:
            pairs.append(("_".join([*words, joined[1]]), from_text(joined[2])))
        elif words and (NUMBER.fullmatch(token) or token in WORDS):
            pairs.append(("_".join(words), from_text(token)))
        else:
            words.append(token)
            continue
        words = []
    # Without a number it is a name with a hyphen: "my-model".
    if all(isinstance(value, str) for _, value in pairs):
        return [], part
    return _without_counters(pairs, "_".join(label + words))


def _without_counters(pairs: _Pairs, label: str) -> tuple[_Pairs, str]:
    """Return the settings without those that count runs."""
    return [(key, value) for key, value in pairs if key.lower() not in COUNTERS], label.strip("_- ,")


def _shorten_first_keys(parts: list[list[tuple[_Pairs, str]]]) -> None:
    """Move what precedes the first key of each folder's name into its label, where other names do not have it."""
    everywhere = Counter(
        suffix for each in parts for suffix in {s for p, _ in each for k, _ in p for s in _suffixes(k)}
    )
    for each in parts:
        for index, (pairs, label) in enumerate(each):
            if not pairs:
                continue
            first, value = pairs[0]
            key = next((suffix for suffix in _suffixes(first) if everywhere[suffix] == len(parts)), first)
            before = first[: len(first) - len(key)].rstrip("_")
            each[index] = [(key, value), *pairs[1:]], "_".join(filter(None, (before, label)))


def _suffixes(key: str) -> list[str]:
    """Return "a_b_c", "b_c" and "c" of "a_b_c"."""
    words = key.split("_")
    return ["_".join(words[start:]) for start in range(len(words))]
