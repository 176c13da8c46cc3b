"""The page that --help prints: conf/train.yaml and conf/data with their comments, and the choices of each group."""

import inspect
import textwrap
from collections.abc import Sequence
from pathlib import Path

from npdigits.config.components import KINDS, read_component
from npdigits.config.conf_files import CONF, GROUPS
from npdigits.config.override import Override
from npdigits.config.own_choices import specs_in
from npdigits.config.value_text import short_text

USAGE = """\
npdigits: train a neural network on handwritten digits.

usage: npdigits [key=value …]          (or: python -m npdigits.train [key=value …])
       npdigits hidden=20 lr=0.01
       npdigits --multirun hidden=10,20,50 seed=0,1,2
       npdigits --multirun race=64 'lr=tag(log,interval(1e-4,1e-1))' l2=0,1e-4 [--arm NAME key=values …]
       npdigits --cfg job               print the composed configuration and end
       npdigits --hydra-help            Hydra's own options; --shell-completion for tab completion

Every key with its default:

"""


def own_help(arguments: Sequence[str]) -> str:
    """Return what is known of the own components that are named beside --help; "" where none is.

    Raises:
        OwnCodeError: one cannot be used. It is executed, as its numbers are looked up.
    """
    lines = []
    for override in map(Override.of, arguments):
        for spec in specs_in(override.key, override.value or ""):
            if override.key in KINDS:
                component = read_component(override.key, spec, None, {})
                lines.append(f"{override.key}={spec}  ({component.code.place}, SHA-256 {component.code.sha256})")
                about = (inspect.getdoc(component.function()) or "").strip()
                lines += [f"    {line}" for line in about.splitlines()]
                lines += [f"{key}: {short_text(value)}" for key, value in component.keys.items()]
                lines += [] if component.keys else ["it has no numbers"]
    return "\n".join(lines)


def help_text() -> str:
    """Return the page."""
    keys = (CONF / "train.yaml").read_text(encoding="utf-8")
    keys = keys[keys.index("# network") : keys.index("hydra:")].strip()
    blocks = [keys, _keys_of_data(), *map(_choices, GROUPS)]
    return USAGE + "\n\n".join(block for block in blocks if block)


def _keys_of_data() -> str:
    """Return the keys below ``data`` that have a comment; of a key that several sets have, the last set's line."""
    lines: dict[str, str] = {}
    for path in sorted((CONF / "data").glob("*.yaml")):
        for line in _lines(path)[1:]:
            if "#" in line:
                lines[line.partition(":")[0]] = f"data.{line}"
    return "# the data set\n" + "\n".join(lines.values())


def _choices(group: str) -> str:
    """Return a line for each choice of a group, and a paragraph for each of its folders."""
    lines = [
        f"{group}={path.stem:<16} {_lines(path)[0].removeprefix('# ')}"
        for path in sorted((CONF / group).glob("*.yaml"))
    ]
    for folder in (path for path in sorted((CONF / group).iterdir()) if path.is_dir()):
        names = ", ".join(path.stem for path in sorted(folder.glob("*.yaml")))
        head = f"{group}={folder.name + '/…':<16} "
        lines.append(textwrap.fill(f"{head}one of {names}", 110, subsequent_indent=" " * len(head)))
    return "\n".join(lines)


def _lines(path: Path) -> list[str]:
    """Return the lines of a group's file, of which the first says what it is."""
    return path.read_text(encoding="utf-8").removeprefix("# @package _global_\n").splitlines()
