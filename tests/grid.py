"""What a sweep of some arguments is to do, without doing it."""

import sys

import pytest

from npdigits.config import command_line


def composed(arguments):
    """What a sweep of these arguments is to do: points, keys that vary, keys that do not, and where."""
    caught = []

    def collect(*grid):
        caught.extend(grid)
        return 0

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["npdigits"])
        command_line.let_hydra_act(command_line.Acts(lambda *_: 0, collect, lambda _: 0), ["-m", *arguments])
    return caught


def asked_race(arguments):
    """The race that these arguments ask for, without holding it."""
    caught = []

    def collect(asked):
        caught.append(asked)
        return 0

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["npdigits"])
        acts = command_line.Acts(lambda *_: 0, lambda *_: 0, collect)
        command_line.in_our_words(lambda: command_line.dispatch(acts, arguments), arguments)
    (asked,) = caught
    return asked
