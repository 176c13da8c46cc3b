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
