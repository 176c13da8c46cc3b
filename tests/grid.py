"""What a sweep of some arguments is to do, without doing it."""

import sys

import pytest

from npdigits.config import compose as cli


def composed(arguments):
    """What a sweep of these arguments is to do: points, keys that vary, keys that do not, and where."""
    caught = []

    def collect(*grid):
        caught.extend(grid)
        return 0

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["npdigits"])
        cli._hydras_command_line(lambda *_: 0, collect, ["-m", *arguments])
    return caught
