"""Hydra's options on the command line, told from the overrides, which may stand anywhere between them."""

import contextlib
import io
from collections.abc import Sequence

# Private, but nothing public tells which options the installed Hydra takes.
from hydra._internal.utils import get_args_parser

from npdigits.base.errors import ConfigError
from npdigits.config.keys import KEYS
from npdigits.config.suggestions import SYNONYMS
from npdigits.config.unreadable import no_option


def split(arguments: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return Hydra's options with their values, and the overrides.

    Raises:
        ConfigError: an option is unknown, or its value is missing.
    """
    for place, argument in enumerate(arguments):
        word = argument.lstrip("-").partition("=")[0].replace("-", "_").lower()
        # -hidden is no -h, and nothing can follow a -- that may stand anywhere.
        if argument == "--" or (argument.startswith("-") and (word in KEYS or word in SYNONYMS)):
            raise ConfigError(no_option(argument, arguments[place + 1 :]))
    complaint = io.StringIO()
    try:
        with contextlib.redirect_stderr(complaint), contextlib.redirect_stdout(io.StringIO()):
            found, unknown = get_args_parser().parse_known_intermixed_args(list(arguments))
    except SystemExit:
        reason = complaint.getvalue().strip().rpartition("error: ")[2]
        raise ConfigError(f"{reason}; --help lists what is allowed") from None
    overrides = [*found.overrides, *unknown]
    options = list(arguments)
    for override in overrides:
        options.remove(override)
    for place, argument in enumerate(arguments):
        if argument.startswith("-") and argument in overrides:
            raise ConfigError(no_option(argument, [word for word in arguments[place + 1 :] if word in overrides]))
    return options, overrides


def completes(options: Sequence[str]) -> bool:
    """Say whether these are the options of tab completion, whose words are no overrides."""
    return bool(get_args_parser().parse_args(options).shell_completion)


def shows(options: Sequence[str]) -> bool:
    """Say whether these options have Hydra print something, and nothing run."""
    asked = get_args_parser().parse_args(options)
    return bool(asked.shell_completion or asked.cfg or asked.info or asked.hydra_help)


def sweeps(options: Sequence[str]) -> bool:
    """Say whether these options ask for a sweep."""
    return bool(get_args_parser().parse_args(options).multirun)
