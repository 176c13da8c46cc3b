"""Hydra, at the edge: composing the configuration, --help, and its errors in our words."""

import functools
import os
import re
import sys
import textwrap
from collections.abc import Callable, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any, Protocol

from npdigits.base import program
from npdigits.base.errors import ConfigError, UserError
from npdigits.config.rules import suggestion
from npdigits.config.schema import RULES, Config, parse, plain, unknown_key

_PACKAGE = Path(__file__).resolve().parents[1]
# Inside a wheel conf/ stands in the package, in a checkout beside it.
CONF = next((path for path in (_PACKAGE / "conf", _PACKAGE.parent / "conf") if path.is_dir()), _PACKAGE / "conf")

GROUPS = ("data", "experiment")
# Where Hydra would write: nowhere, as a run directory is ours.
HYDRAS_FOLDERS = ("hydra.run.dir", "hydra.sweep.dir", "hydra.sweep.subdir", "hydra.output_subdir")


def outputs() -> Path:
    """Return where runs land by default: the checkout's outputs/, or that of the working directory."""
    home = CONF.parent
    return (home if (home / "pyproject.toml").is_file() else Path.cwd()) / "outputs"


def compose(overrides: Sequence[str] = ()) -> Config:
    """Compose and check a configuration as the command line would: ``compose(["hidden=30", "data=mnist_5k"])``.

    Raises:
        ConfigError: an override is not allowed.
    """
    try:
        return _checked(_composed(_readable(overrides) if overrides else ()))
    except (UserError, OSError):  # the working directory may be gone
        raise
    except Exception as error:
        raise ConfigError(one_line(error, overrides)) from error


def defaults() -> dict[str, Any]:
    """Return the values of a run without overrides: ``compose().as_dict()``, not yet checked.

    Read without Hydra, which composes one configuration at a time in a process, and none within a program of its own.
    """
    import yaml

    values: dict[str, Any] = yaml.safe_load((CONF / "train.yaml").read_text(encoding="utf-8"))
    chosen = next(entry["data"] for entry in values.pop("defaults") if isinstance(entry, dict) and "data" in entry)
    values["data"] = yaml.safe_load((CONF / "data" / f"{chosen}.yaml").read_text(encoding="utf-8"))
    del values["hydra"]
    return values


class Sweeping(Protocol):
    """What does a sweep."""

    def __call__(
        self, points: list[tuple[list[str], Config]], swept: list[str], fixed: list[str], where: dict[str, Any]
    ) -> int:
        """Do these runs, of which the keys ``swept`` vary and the overrides ``fixed`` do not; return the exit code.

        ``where`` are the values of ``hydra.launcher``.
        """


def main(run: Callable[[Config, list[str]], int], sweep: Sweeping) -> None:
    """Be the command line: compose the configuration with Hydra, and hand it to ``run``.

    Args:
        run: takes the configuration and the overrides as typed; returns the exit code.
        sweep: likewise, of several.
    """
    arguments = sys.argv[1:]
    if any(argument in ("--help", "-h") for argument in arguments):
        act = functools.partial(_print, help_text())
    elif "--version" in arguments:
        act = functools.partial(_print, f"npdigits {metadata.version('npdigits')}")
    else:
        act = functools.partial(_command_line, run, sweep, arguments)
    sys.exit(program.exit_code("npdigits", functools.partial(_in_our_words, act, arguments)))


def _command_line(run: Callable[[Config, list[str]], int], sweep: Sweeping, arguments: list[str]) -> int:
    """Do what was typed. A single run is composed here, not by ``hydra.main``, which composes twice."""
    from npdigits.config import overrides

    if any(argument.startswith("-") for argument in arguments):
        return _hydras_command_line(run, sweep, arguments)
    readable = _readable(arguments)
    decisive = [override for override in readable if overrides.key_of(override).startswith(("experiment", "hydra"))]
    if decisive and str(_composed(decisive).hydra.mode) == "RunMode.MULTIRUN":
        return _hydras_command_line(run, sweep, ["--multirun", *arguments])
    for override in decisive:
        if overrides.key_of(override).startswith("hydra.sweeper"):
            raise ConfigError(f"{override}: is read with --multirun only")
    return run(_checked(_composed(readable)), arguments)


def _hydras_command_line(run: Callable[[Config, list[str]], int], sweep: Sweeping, arguments: list[str]) -> int:
    """Let Hydra do what its options say; return the exit code."""
    # Hydra then raises what it would otherwise print over several lines.
    os.environ["HYDRA_FULL_ERROR"] = "1"
    import hydra
    from hydra.core.global_hydra import GlobalHydra

    from npdigits.config import grid as sweeper
    from npdigits.config import overrides

    options, typed = overrides.split(arguments)
    # Hydra takes options only before the overrides; people type them anywhere.
    sys.argv[1:] = [*options, *(typed if overrides.completes(options) else _readable(typed))]
    if not overrides.shows(options):
        sys.argv += sweeper.OURS
    single: list[Any] = []

    sweeper.register()

    @hydra.main(version_base="1.3", config_path=str(CONF), config_name="train")
    def job(composed: Any) -> None:
        # Made outside of Hydra, which would add its own words to every error.
        single.append(composed)

    grid: sweeper.Grid | None = None
    try:
        job()
    except sweeper.Grid as raised:
        grid = raised
    GlobalHydra.instance().clear()
    if grid:
        # Every point is checked before the first begins.
        points = [(of_it, parse(values)) for of_it, values in grid.points]
        return sweep(points, grid.swept, grid.fixed, grid.launcher)
    return max((run(_checked(composed), typed) for composed in single), default=0)


def _readable(typed: Sequence[str]) -> list[str]:
    """Return the overrides as Hydra reads what was typed."""
    from npdigits.config import overrides

    for argument in typed:
        key, _, value = argument.lstrip("+").partition("=")
        # Of several Hydra would take the last one and say nothing.
        if key in GROUPS and (value.startswith("[") or value in ("", "null")):
            raise ConfigError(_no_such_choice(key, value))
        if key in HYDRAS_FOLDERS:
            raise ConfigError(f"{argument}: not allowed: the run directory is chosen with out=DIR")
    return overrides.read(typed, {group: _choices(group) for group in GROUPS})


def _composed(readable: Sequence[str]) -> Any:
    """Return what Hydra composes, its own part included."""
    import hydra

    with hydra.initialize_config_dir(str(CONF), version_base="1.3"):
        return hydra.compose("train", list(readable), return_hydra_config=True)


def _print(text: str) -> int:
    print(text, flush=True)
    return 0


def _in_our_words(act: Callable[[], int], arguments: Sequence[str]) -> int:
    """Return the exit code of ``act``; an error of Hydra's, or too little memory, becomes one of ours."""
    try:
        return act()
    except UserError:
        raise
    except MemoryError as error:
        raise ConfigError(f"out of memory: {one_line(error)}: a smaller hidden or batch_size needs less") from error
    except Exception as error:
        if _is_hydras(error):
            raise ConfigError(one_line(error, arguments)) from error
        raise


def help_text() -> str:
    """Return the page that --help prints: conf/train.yaml and conf/data with their comments, and the choices."""
    keys = (CONF / "train.yaml").read_text(encoding="utf-8")
    keys = keys[keys.index("# network") : keys.index("hydra:")].strip()
    groups: list[str] = []
    of_data: dict[str, str] = {}
    for group in GROUPS:
        lines = []
        for path in sorted((CONF / group).glob("*.yaml")):
            text = path.read_text(encoding="utf-8").removeprefix("# @package _global_\n")
            first, _, rest = text.partition("\n")
            lines.append(f"{group}={path.stem:<16} {first.removeprefix('# ')}")
            if group == "data":
                of_data |= {line.partition(":")[0]: f"data.{line}" for line in rest.splitlines() if "#" in line}
        for folder in (path for path in sorted((CONF / group).iterdir()) if path.is_dir()):
            names = ", ".join(path.stem for path in sorted(folder.glob("*.yaml")))
            head = f"{group}={folder.name + '/…':<16} "
            lines.append(textwrap.fill(f"{head}one of {names}", 110, subsequent_indent=" " * len(head)))
        groups.append("\n".join(lines))
    usage = (
        "npdigits: train a neural network on handwritten digits.\n\n"
        "usage: npdigits [key=value …]          (or: python -m npdigits.train [key=value …])\n"
        "       npdigits hidden=20 lr=0.01\n"
        "       npdigits --multirun hidden=10,20,50 seed=0,1,2\n"
        "       npdigits --cfg job               print the composed configuration and end\n"
        "       npdigits --hydra-help            Hydra's own options; --shell-completion for tab completion\n\n"
        "Every key with its default:\n\n"
    )
    keys_of_data = "# the data set\n" + "\n".join(of_data.values())
    return usage + "\n\n".join(block for block in (keys, keys_of_data, *groups) if block)


def _checked(composed: Any) -> Config:
    """Check what Hydra composed, as plain values: so ``+key=`` cannot pass by the check."""
    return parse(plain(composed))


def _is_hydras(error: Exception) -> bool:
    """Tell whether an error comes from composing the configuration rather than from our code."""
    from hydra.errors import HydraException
    from omegaconf.errors import OmegaConfBaseException

    if isinstance(error, HydraException | OmegaConfBaseException):
        return True
    if isinstance(error, OSError):  # of what Hydra prints: npdigits --cfg job | head
        return False
    trace, last = error.__traceback__, ""
    while trace:
        last, trace = trace.tb_frame.f_globals.get("__name__", ""), trace.tb_next
    return last.partition(".")[0] in ("hydra", "omegaconf", "antlr4", "yaml")


def one_line(error: BaseException, arguments: Sequence[str] = ()) -> str:
    """Condense a message of Hydra's or OmegaConf's to a line that names the key, the value and what is allowed."""
    message = str(error).strip()
    if missing := re.search(r"Could not override '(.+?)'", message):
        key = missing[1]
        of_files = message.rpartition("use +")[2]  # as Hydra read it, where it stands in an experiment
        typed = next((a for a in arguments if a.lstrip("+~").partition("=")[0] == key), of_files)
        value = typed.partition("=")[2]
        return _no_such_choice(key, value) if key in GROUPS else unknown_key(key, value)
    if unfound := re.search(r"Could not find '(.*?)'", message):
        top, _, below = unfound[1].partition("/")
        group, _, name = unfound[1].rpartition("/")
        return _no_such_choice(top, below) if top in GROUPS else _no_such_choice(group, name)
    if swept := re.search(
        r"(?:Ambiguous value for argument|Sweep parameters) '(.+?)'(?:\n| requires)", message, re.DOTALL
    ):
        return _needs_multirun(swept[1])
    if missing := re.search(r"field '(hydra\.sweeper\.params\.\w+)' is not Optional", message):
        return f'{missing[1]}=null: allowed is what one would type, in quotes: "null" or "null,1"'
    noise = ("See https://", "Config search path:", "full_key:", "object_type=", "reference_type=")
    lines = [line.strip() for line in message.splitlines() if line.strip() and not line.strip().startswith(noise)]
    # OmegaConf names the key, Hydra's grammar the override that it could not read; an interpolation names itself.
    place = getattr(error, "full_key", None) or getattr(error, "override", None)
    for argument in arguments:
        if argument.lstrip("+~").partition("=")[0] == place or (not place and "${" in argument):
            place = argument
    return "; ".join([*([place] if place else []), *lines[:2]]) or type(error).__name__


def _needs_multirun(typed: str) -> str:
    """Return the line about several values where one run is asked for."""
    from npdigits.config.overrides import LIST_KEYS, TEXT_KEYS, key_of

    key, value = key_of(typed), typed.partition("=")[2]
    what = "allowed is one value"
    if key in LIST_KEYS and "(" not in value:
        what = "write a list as key=[a,b]"
    elif key in TEXT_KEYS and "(" not in value:
        what = f"a text with a comma needs quotes twice: \"{key}='{value}'\""
    elif re.fullmatch(r"\d+,\d+", value) and _is_allowed(key, float(decimal := value.replace(",", "."))):
        what = f"decimals have a point: {key}={decimal}"
    return f"{typed}: {what}; for a sweep over the values add --multirun"


def _is_allowed(key: str, value: Any) -> bool:
    try:
        RULES[key](value)
    except (KeyError, ValueError):
        return False
    return True


def _choices(group: str) -> list[str]:
    """Return a group's choices; those of a folder as published/softmax."""
    files = sorted((CONF / group).rglob("*.yaml"))
    return [path.relative_to(CONF / group).with_suffix("").as_posix() for path in files]


def _no_such_choice(group: str, name: str) -> str:
    """Return the line about a choice that a group does not have; it may be of a folder: published/softmax."""
    names = _choices(group)
    folders = dict.fromkeys(one.rpartition("/")[0] for one in names if "/" in one)
    folder = name.strip("/") if name.strip("/") in folders else name.rpartition("/")[0]
    options = [one for one in names if one.rpartition("/")[0] == (folder if folder in folders else "")]
    if folder not in folders:
        options += [f"{one}/…" for one in folders]
    hint = suggestion(name, names) if name.strip("/") not in folders else ""
    if group == "data" and not hint and ("/" in name or (name and Path(name).is_dir())):
        hint = f"; did you mean data=idx data.dir={name}?"
    if not options:
        return f"{group}={name}: there is no {group} to choose yet"
    return f"{group}={name}: allowed is one of {', '.join(options)}{hint}"
